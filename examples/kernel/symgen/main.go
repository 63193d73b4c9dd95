// Symgen writes the Go source that makes packages known to the interpreter of a
// notebook kernel.
//
//	go run ./symgen -o symbols.go PACKAGE...
//
// The interpreter (gomacro) cannot load packages compiled by a current Go, so the
// packages that notebooks may import are linked into the kernel. The source that is
// written fills gomacro's table imports.Packages: functions, variables and constants
// by value, types by reflection, and for every interface a proxy through which a type
// declared in a cell satisfies it.
//
// What cannot be seen from a cell is listed on standard error, one "skipped" line
// each with the reason. Output depends on nothing but the packages.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
)

func main() {
	out := flag.String("o", "", "`file` to write (default standard output)")
	name := flag.String("package", "main", "`name` of the package to write")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: symgen [-o file] [-package name] package...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*out, *name, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "symgen:", err)
		os.Exit(1)
	}
}

func run(out, name string, paths []string) error {
	pkgs, err := load(paths)
	if err != nil {
		return err
	}
	g := newGenerator()
	for _, p := range pkgs {
		g.add(p)
	}
	src, err := format.Source(g.file(name))
	if err != nil {
		return err
	}
	for _, s := range g.skipped {
		fmt.Fprintln(os.Stderr, "skipped", s)
	}
	if out == "" {
		_, err = os.Stdout.Write(src)
		return err
	}
	return os.WriteFile(out, src, 0o644)
}

// load returns the packages of these import paths, type-checked: their export data is
// what the go command has in its build cache.
func load(paths []string) ([]*types.Package, error) {
	args := append([]string{"list", "-deps", "-export", "-json=ImportPath,Export"}, paths...)
	cmd := exec.Command("go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	list, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	exports := make(map[string]string)
	for dec := json.NewDecoder(bytes.NewReader(list)); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		exports[p.ImportPath] = p.Export
	}
	imp := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		file, ok := exports[path]
		if !ok || file == "" {
			return nil, fmt.Errorf("no export data of %q", path)
		}
		return os.Open(file)
	})
	pkgs := make([]*types.Package, len(paths))
	for i, path := range paths {
		if pkgs[i], err = imp.Import(path); err != nil {
			return nil, err
		}
	}
	return pkgs, nil
}
