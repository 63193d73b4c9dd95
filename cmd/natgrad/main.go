// Command natgrad fits Bayesian regressions to CSV files by natural-gradient
// variational inference and says how far each posterior can be trusted.
//
//	natgrad fit wells.csv -formula "switch ~ dist * arsenic" -family bernoulli
//	natgrad check wells.fit
//	natgrad predict wells.fit new.csv
//
// "natgrad help" lists the commands, "natgrad help fit" explains one of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/natgrad/natgrad/internal/spelling"
)

// Exit codes, documented by "natgrad help".
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
	exitBad   = 3 // the fit ended, but its verdict is bad
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// app is one call of the command.
type app struct {
	ctx            context.Context
	stdout, stderr io.Writer
}

// usageError is a mistake in the command line rather than in the data.
type usageError struct {
	cmd, msg string
}

func (e *usageError) Error() string {
	if e.cmd == "" {
		return e.msg + `; try "natgrad help"`
	}
	return e.msg + fmt.Sprintf(`; try "natgrad help %s"`, e.cmd)
}

// signalError is the cause of a context that a signal ended.
type signalError struct{ sig os.Signal }

func (e signalError) Error() string { return e.sig.String() }

// exitCode follows the shells: 128 plus the number of the signal.
func (e signalError) exitCode() int {
	if s, ok := e.sig.(syscall.Signal); ok {
		return 128 + int(s)
	}
	return 130
}

// run is the command without the process around it: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	sigs := make(chan os.Signal, 1)
	signal.Notify(sigs, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(sigs)
	go func() {
		select {
		case s := <-sigs:
			signal.Stop(sigs) // a second Ctrl-C ends the process at once
			cancel(signalError{s})
		case <-ctx.Done():
		}
	}()
	a := &app{ctx: ctx, stdout: stdout, stderr: stderr}
	code, err := a.dispatch(args)
	if err == nil {
		return code
	}
	fmt.Fprintf(stderr, "natgrad: %s\n", explain(err))
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitError
}

func (a *app) dispatch(args []string) (int, error) {
	if len(args) == 0 {
		fmt.Fprint(a.stderr, helpText)
		return exitUsage, nil
	}
	name, rest := args[0], args[1:]
	switch name {
	case "fit":
		return a.fit(rest)
	case "resume":
		return a.resume(rest)
	case "check":
		return a.check(rest)
	case "predict":
		return a.predict(rest)
	case "version", "-version", "--version":
		fmt.Fprintf(a.stdout, "natgrad %s %s\n", version(), runtime.Version())
		return exitOK, nil
	case "help", "-h", "-help", "--help":
		return a.help(rest)
	}
	msg := fmt.Sprintf("unknown command %q", name)
	if s := spelling.Nearest(name, commandNames); s != "" {
		msg += fmt.Sprintf(", did you mean %s?", s)
	}
	if strings.HasSuffix(strings.ToLower(name), ".csv") {
		msg += fmt.Sprintf("; to fit a model: natgrad fit %s -formula ...", quoteArg(name))
	}
	return 0, &usageError{msg: msg}
}

// version is that of the module this binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
