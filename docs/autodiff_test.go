package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The table of methods/autodiff.md names every operation of the package, and no other.
func TestAutodiffPage(t *testing.T) {
	files, err := filepath.Glob(filepath.FromSlash(root + "/autodiff/*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	have := map[string]bool{"Custom": true} // a type, with At its operation
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() || fn.Name.Name == "New" {
				continue
			}
			if fn.Recv == nil {
				have[fn.Name.Name] = true
			} else if id, ok := fn.Recv.List[0].Type.(*ast.Ident); ok && id.Name == "Node" {
				have["."+fn.Name.Name] = true
			}
		}
	}
	b, err := os.ReadFile("methods/autodiff.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(b), "## Operations")
	table, _, _ = strings.Cut(table, "(`TestAutodiffPage`")
	_, table, _ = strings.Cut(table, "|---|---|")
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(table, -1) {
		named[m[1]] = true
		if !have[m[1]] {
			t.Errorf("the table names %s, which is no operation", m[1])
		}
	}
	for name := range have {
		// The five of arithmetic are methods as well.
		if !named[name] && !named[strings.TrimPrefix(name, ".")] {
			t.Errorf("the table does not name %s", name)
		}
	}
}
