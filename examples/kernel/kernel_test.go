package kernel_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const toolkit = "github.com/natgrad/natgrad/"

// build builds the kernel, which takes a second if nothing has changed, and returns
// its path and what the generator of symbols had to leave out.
func build(t *testing.T) (kernel, skipped string) {
	t.Helper()
	cmd := exec.Command("./build.sh")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("build.sh: %v\n%s", err, stderr.String())
	}
	kernel, err := filepath.Abs("_build/kernels/gophernotes/gophernotes")
	if err != nil {
		t.Fatal(err)
	}
	return kernel, stderr.String()
}

// TestNotebooks runs every example notebook in the kernel's own interpreter, without
// Jupyter. A failing cell, a stored output of another kind, a missing picture fail it.
func TestNotebooks(t *testing.T) {
	kernel, _ := build(t)
	books, err := filepath.Glob("../notebooks/*.ipynb")
	if err != nil || len(books) == 0 {
		t.Fatalf("no notebooks: %v", err)
	}
	for _, book := range books {
		t.Run(strings.TrimSuffix(filepath.Base(book), ".ipynb"), func(t *testing.T) {
			if out, err := exec.Command(kernel, "run", book).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// Not in the kernel: nothing that a cell could use.
var unpinned = map[string]bool{
	toolkit + "expfam/expfamtest": true, // needs a *testing.T
}

// TestPins holds that every public package of the toolkit can be imported by a cell, and
// that nothing in them is invisible there but what is sealed on purpose.
func TestPins(t *testing.T) {
	_, skipped := build(t)
	for line := range strings.Lines(skipped) {
		if name, why, _ := strings.Cut(strings.TrimPrefix(line, "skipped "), ": "); strings.HasPrefix(name, toolkit) && !strings.Contains(why, "is not exported") {
			t.Errorf("%s cannot be used in a cell: %s", name, why)
		}
	}
	pins, err := os.ReadFile("pins/pins.go")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-f", "{{if .GoFiles}}{{.Name}} {{.ImportPath}}{{end}}", "./...")
	cmd.Dir = "../.."
	list, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		rel, ours := strings.CutPrefix(path, toolkit)
		if !ours || name == "main" || unpinned[path] || strings.Contains("/"+rel+"/", "/internal/") {
			continue
		}
		if strings.HasPrefix(rel, "examples/") || strings.HasPrefix(rel, "bench/") || rel == "docs" {
			continue
		}
		if !strings.Contains(string(pins), `"`+path+`"`) {
			t.Errorf("%s is not in pins/pins.go", path)
		}
	}
}

// TestFailures holds that a run fails where it should.
func TestFailures(t *testing.T) {
	kernel, _ := build(t)
	for name, c := range map[string]struct{ source, want string }{
		"panic":    {`panic("no such number")`, "no such number"},
		"compile":  {"x := undeclared\\npanic(x)", "undeclared"},
		"silent":   {"1 + 1", "asserts"},
		"import":   {`import \"net/rpc/nothing\"\npanic(1)`, "nothing"},
		"renderer": {`type bad struct{ n int }\nfunc (b bad) HTML() string { panic(\"in render\") }\nbad{1}`, "kills the kernel"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(c.source, `\"`) {
				c.source = strings.ReplaceAll(c.source, `"`, `\"`)
			}
			path := filepath.Join(t.TempDir(), "book.ipynb")
			book := `{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null, "source": "` + c.source + `"}]}`
			if err := os.WriteFile(path, []byte(book), 0o644); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(kernel, "run", path).CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("error %v, output %q; want %q", err, out, c.want)
			}
		})
	}
}
