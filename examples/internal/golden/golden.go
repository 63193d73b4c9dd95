// Package golden compares the output of an example with the file
// testdata/output.txt beside its test.
//
// Errors of quadrature such as ± 2e-10 are rounding and differ from machine to
// machine; in the file and in the comparison they are ± tiny.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var tiny = regexp.MustCompile(`± \de-(0[6-9]|[1-9]\d)`)

var update = flag.Bool("update", false, "rewrite testdata/output.txt with the present output")

// Check fails the test at the first line of got that is not that of
// testdata/output.txt. With the test flag -update it writes got there instead.
func Check(t testing.TB, got string) {
	t.Helper()
	got = tiny.ReplaceAllString(got, "± tiny")
	path := filepath.Join("testdata", "output.txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(b), "\n")
	for i := range max(len(g), len(w)) {
		var gi, wi string
		if i < len(g) {
			gi = g[i]
		}
		if i < len(w) {
			wi = w[i]
		}
		if gi != wi || i >= len(g) || i >= len(w) {
			t.Errorf("line %d of the output:\n got %q\nwant %q\nall of it:\n%s", i+1, gi, wi, got)
			return
		}
	}
}
