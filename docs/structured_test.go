package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// methods/structured.md shows the output of its example as it is checked there, and
// its pieces of Go are tested code.
func TestStructuredPage(t *testing.T) {
	read := func(path ...string) string {
		b, err := os.ReadFile(filepath.Join(path...))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	page := read("methods", "structured.md")
	if out := read(root, "examples", "structured", "testdata", "output.txt"); !strings.Contains(page, "\n```text\n"+out+"```\n") {
		t.Error("structured.md does not show the output of examples/structured")
	}
	indent := regexp.MustCompile(`(?m)^[ \t]+`)
	flat := func(s string) string { return indent.ReplaceAllString(s, "") }
	code := flat(read(root, "structured", "example_test.go"))
	blocks := regexp.MustCompile("(?s)```go\n(.*?)\n```").FindAllStringSubmatch(page, -1)
	if len(blocks) == 0 {
		t.Error("structured.md has no Go: does the pattern still match?")
	}
	for _, b := range blocks {
		if !strings.Contains(code, flat(b[1])) {
			t.Errorf("no tested code has\n%s", b[1])
		}
	}
}
