package natgrad_test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/natgrad/natgrad/"

// arrows lists, for every package of the module, the packages of the module it
// may import. The graph has no cycles by construction of the language; this
// keeps its direction as well: families do not know the engine, the engine does
// not know regression, nothing knows the command.
var arrows = map[string][]string{
	"github.com/natgrad/natgrad": {},
	"docs":                       {}, // tests only
	"internal/special":           {},
	"internal/la":                {},
	"kernels":                    {"internal/la"},
	"internal/quad":              {"internal/la"},
	"internal/psis":              {"internal/la"},
	"internal/wire":              {},
	"internal/spelling":          {},
	"internal/sample":            {"internal/special"},
	"internal/benchdata":         {},
	"bench/r":                    {"internal/benchdata"},
	"expfam":                     {"internal/la", "internal/sample", "internal/special"},
	"expfam/expfamtest":          {"expfam"},
	"internal/oracle":            {}, // tests only
	"structured":                 {"expfam", "internal/la", "internal/sample", "internal/special", "internal/wire"},
	"mixture":                    {"expfam", "internal/la", "internal/quad", "internal/sample", "internal/special", "internal/wire"},
	"vi/targets":                 {"vi", "internal/special"},
	"ladder":                     {"expfam", "internal/psis", "mixture", "structured", "vi"},
	"vi":                         {"expfam", "internal/la", "internal/psis", "internal/quad", "internal/wire"},
	"glm":                        {"expfam", "vi", "internal/la", "internal/psis", "internal/sample", "internal/special", "internal/spelling"},
	"autodiff":                   {"internal/la", "internal/special"},
	"metrics":                    {"internal/special"},
	"nn":                         {"internal/la", "internal/special", "internal/wire"},
	"vadam":                      {"expfam", "metrics", "nn", "internal/la", "internal/special", "internal/wire"},
	"constraint":                 {"autodiff", "internal/la", "internal/special"},
	"model":                      {"autodiff", "constraint", "vi", "ladder", "report", "internal/psis"},
	"report":                     {},
}

// outside lists imports from outside the module that only some packages may have.
var outside = map[string][]string{
	"github.com/go-gota/gota": {"glm", "cmd/", "examples/"},
	"gonum.org/v1/plot":       {"report", "cmd/", "examples/"},
}

func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		pkg := strings.TrimPrefix(f[0], module)
		if strings.HasPrefix(pkg, "cmd/") || strings.HasPrefix(pkg, "examples/") {
			continue // may import everything, and nothing imports them: see below
		}
		seen++
		allowed, ok := arrows[pkg]
		if !ok {
			t.Errorf("package %s is not in the import graph: add it to arrows", pkg)
			continue
		}
		for _, imp := range f[1:] {
			if p, ours := strings.CutPrefix(imp, module); ours && !contains(allowed, p) {
				t.Errorf("%s imports %s; it may import %q", pkg, p, allowed)
			}
			for prefix, users := range outside {
				if !strings.HasPrefix(imp, prefix) {
					continue
				}
				fine := false
				for _, u := range users {
					fine = fine || pkg == u || strings.HasPrefix(pkg, u)
				}
				if !fine {
					t.Errorf("%s imports %s, which is left to %q", pkg, imp, users)
				}
			}
		}
	}
	if seen < len(arrows) {
		t.Errorf("go list shows %d packages, the graph has %d", seen, len(arrows))
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
