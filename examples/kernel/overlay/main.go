//go:build notebookkernel

package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/build"
	"io"
	"os"
	"path/filepath"
	"sync"

	interp "github.com/cosmos72/gomacro/fast"
	"github.com/cosmos72/gomacro/xreflect"
	"github.com/natgrad/natgrad/examples/kernel/notebook"
)

// What the kernel tells its clients.
const (
	Version         string = "0.7.3"
	ProtocolVersion string = "5.0"
)

const usage = `usage:
  gophernotes CONNECTION_FILE    serve Jupyter
  gophernotes run [-w] BOOK...   run notebooks without Jupyter and check them; -w stores their outputs
  gophernotes check BOOK STORED  check a notebook that Jupyter has run against the stored one
`

// The interpreter asks for the sources of the standard library first and gives up on
// what the language has gained since 2021. Without a GOROOT it reads the types of the
// linked packages by reflection, which works.
func init() { build.Default.GOROOT = "hidden" }

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gophernotes:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	switch {
	case len(args) > 1 && args[0] == "run":
		flags := flag.NewFlagSet("run", flag.ExitOnError)
		write := flags.Bool("w", false, "store the outputs in the notebooks")
		_ = flags.Parse(args[1:]) // exits on error
		for _, path := range flags.Args() {
			if err := runBook(path, *write); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return nil
	case len(args) == 3 && args[0] == "check":
		got, err := notebook.Read(args[1])
		if err != nil {
			return err
		}
		stored, err := notebook.Read(args[2])
		if err != nil {
			return err
		}
		if err := errors.Join(got.Check(), got.SameKinds(stored)); err != nil {
			return fmt.Errorf("%s: %w", args[1], err)
		}
		return nil
	case len(args) == 1 && args[0] != "run" && args[0] != "check" && args[0][0] != '-':
		runKernel(args[0])
		return nil
	}
	return errors.New(usage)
}

// runBook runs a notebook in its own folder, as Jupyter does. Without -w the stored
// outputs must be of the kinds that this run gives.
func runBook(path string, write bool) error {
	book, err := notebook.Read(path)
	if err != nil {
		return err
	}
	stored := book.Clone()
	home, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.Chdir(filepath.Dir(path)); err != nil {
		return err
	}
	k, err := headless()
	if err == nil {
		err = book.Run(k.cell)
	}
	if back := os.Chdir(home); err != nil || back != nil {
		return errors.Join(err, back)
	}
	if err := book.Check(); err != nil {
		return err
	}
	if write {
		return book.Write(path)
	}
	return book.SameKinds(stored)
}

// headless is a kernel that nobody is connected to.
func headless() (*Kernel, error) {
	ir := interp.New()
	ir.Comp.Stdout, ir.Comp.Stderr = io.Discard, io.Discard
	display, err := ir.Comp.ImportPackageOrError("display", "display")
	if err != nil {
		return nil, err
	}
	ir.DeclVar("Display", nil, stubDisplay)
	k := &Kernel{ir: ir, display: display}
	k.initRenderers()
	return k, nil
}

// cell runs the source of one cell and returns what it shows.
func (k *Kernel) cell(source string) (c notebook.Outputs, err error) {
	show := func(data Data) error {
		c.Display(data.Data, data.Metadata)
		return nil
	}
	place := k.ir.ValueOf("Display")
	place.Set(xreflect.ValueOf(show))
	defer place.Set(xreflect.ValueOf(stubDisplay))

	outText, outDone, err := redirect(&os.Stdout)
	if err != nil {
		return c, err
	}
	errText, errDone, err := redirect(&os.Stderr)
	if err != nil {
		outDone()
		return c, err
	}
	vals, types, err := doEval(k.ir, OutErr{os.Stdout, os.Stderr}, source)
	errDone()
	outDone()
	c.Stream("stdout", outText.String())
	c.Stream("stderr", errText.String())
	if err != nil {
		return c, err
	}
	// Under Jupyter a panic here is not recovered and ends the kernel.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the value of the cell panics when it is rendered, which kills the kernel: %v", r)
		}
	}()
	if data := k.autoRenderResults(vals, types); len(data.Data) > 0 {
		c.Result(data.Data, data.Metadata)
	}
	return c, nil
}

// redirect collects what is written to a standard stream until done is called.
func redirect(f **os.File) (text *bytes.Buffer, done func(), err error) {
	old := *f
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	*f, text = w, new(bytes.Buffer)
	var wait sync.WaitGroup
	wait.Go(func() { _, _ = io.Copy(text, r) }) // ends when w is closed
	return text, func() {
		*f = old
		w.Close()
		wait.Wait()
		r.Close()
	}, nil
}
