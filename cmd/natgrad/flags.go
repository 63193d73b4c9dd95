package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/natgrad/natgrad/internal/spelling"
)

// newFlags returns a flag set that reports mistakes by its error alone.
func newFlags(cmd string) *flag.FlagSet {
	fs := flag.NewFlagSet(cmd, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// parseArgs parses flags before, between and after the positional arguments;
// "--" ends the flags. It wants one positional argument for each of names.
// help is true if help was asked for.
func parseArgs(fs *flag.FlagSet, args []string, names ...string) (pos []string, help bool, err error) {
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, true, nil
			}
			return nil, false, &usageError{fs.Name(), flagMessage(fs, err)}
		}
		rest := fs.Args()
		if len(rest) == 0 {
			break
		}
		if k := len(args) - len(rest); k > 0 && args[k-1] == "--" {
			pos = append(pos, rest...)
			break
		}
		pos, args = append(pos, rest[0]), rest[1:]
	}
	if len(pos) < len(names) {
		return nil, false, &usageError{fs.Name(), fmt.Sprintf("%s wants %s", fs.Name(), strings.Join(names, " and "))}
	}
	if len(pos) > len(names) {
		return nil, false, &usageError{fs.Name(), fmt.Sprintf("%q is one argument too many (quote arguments that hold spaces)", pos[len(names)])}
	}
	return pos, false, nil
}

// flagMessage rewords an error of the flag package and suggests the flag that
// was probably meant.
func flagMessage(fs *flag.FlagSet, err error) string {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return valueMessage(fs, err)
	}
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	msg := "unknown flag -" + name
	if s := spelling.Nearest(strings.TrimLeft(name, "-"), names); s != "" {
		msg += ", did you mean -" + s + "?"
	}
	return msg
}

var badValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([a-z-]+): `)

// valueMessage says what a flag wants whose value the flag package refused.
func valueMessage(fs *flag.FlagSet, err error) string {
	m := badValue.FindStringSubmatch(err.Error())
	if m == nil {
		return err.Error()
	}
	want := ""
	if f := fs.Lookup(m[2]); f != nil {
		if g, ok := f.Value.(flag.Getter); ok {
			switch g.Get().(type) {
			case uint64:
				want = "a whole number from 0"
			case int:
				want = "a whole number"
			case float64:
				want = "a number"
			case time.Duration:
				want = "a time such as 30s"
			case bool:
				want = "true or false, or nothing"
			}
		}
	}
	if want == "" {
		return err.Error()
	}
	return fmt.Sprintf("-%s is %s, want %s", m[2], m[1], want)
}

// isSet reports whether a flag was given.
func isSet(fs *flag.FlagSet, name string) bool {
	set := false
	fs.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// checkMissing checks the value of -missing.
func checkMissing(cmd, v string) error {
	switch v {
	case "", "error", "omit":
		return nil
	}
	return &usageError{cmd, fmt.Sprintf("-missing is %q, want error or omit", v)}
}

// quoteArg writes an argument so that a POSIX shell reads it back.
func quoteArg(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./+=:,@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
