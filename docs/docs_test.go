// Package docs_test keeps the documentation true: links resolve, tests and
// commands that are named exist, messages are those that the code gives.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = ".."

// walk calls f with the path, relative to the root, of every file with the suffix.
func walk(t *testing.T, suffix string, f func(path string, text string)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != root && strings.HasPrefix(e.Name(), "."):
			return filepath.SkipDir
		case e.IsDir() || !strings.HasSuffix(path, suffix):
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err == nil {
			n++
			f(filepath.ToSlash(rel), string(b))
		}
		return err
	})
	if err != nil || n == 0 {
		t.Fatalf("%d files *%s: %v", n, suffix, err)
	}
}

var (
	fence    = regexp.MustCompile("(?s)\n```.*?\n```")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	external = regexp.MustCompile(`^[a-z]+:`)
	heading  = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	notSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// slug is the anchor of a heading as code hosts make it.
func slug(h string) string {
	return strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(h)), ""), " ", "-")
}

// Every relative link leads to a file, and its fragment to a heading.
func TestLinks(t *testing.T) {
	checked := 0
	walk(t, ".md", func(path, text string) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			target := m[1]
			if external.MatchString(target) {
				continue
			}
			checked++
			file, anchor, _ := strings.Cut(target, "#")
			full := filepath.Join(root, filepath.Dir(path), filepath.FromSlash(file))
			if file == "" {
				full = filepath.Join(root, path)
			}
			b, err := os.ReadFile(full)
			if st, serr := os.Stat(full); serr == nil && st.IsDir() {
				continue
			}
			if err != nil {
				t.Errorf("%s: link %s: %v", path, target, err)
				continue
			}
			if anchor == "" {
				continue
			}
			found := false
			for _, h := range heading.FindAllStringSubmatch(string(b), -1) {
				found = found || slug(h[1]) == anchor
			}
			if !found {
				t.Errorf("%s: link %s: no such heading in %s", path, target, full)
			}
		}
	})
	if checked < 40 {
		t.Errorf("only %d links were checked: does the pattern still match?", checked)
	}
}

// Every page of this folder can be reached from its index.
func TestIndexIsComplete(t *testing.T) {
	index, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	walk(t, ".md", func(path, _ string) {
		page, ok := strings.CutPrefix(path, "docs/")
		if ok && page != "README.md" && !strings.Contains(string(index), page) {
			t.Errorf("docs/README.md does not mention %s", page)
		}
	})
}

var (
	testName = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*(…|\*)?`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)\(`)
	goPath   = regexp.MustCompile(`\bgo (?:run|test|build|doc|vet)\b[^\n` + "`" + `]*?\s(\./[A-Za-z0-9_./-]*)`)
)

// Every test, fuzzer and benchmark that a page names exists; a name that ends
// with … or * names all that begin so. Packages in go commands exist as well.
func TestNames(t *testing.T) {
	have := map[string]bool{}
	walk(t, "_test.go", func(_, text string) {
		for _, m := range testFunc.FindAllStringSubmatch(text, -1) {
			have[m[1]] = true
		}
	})
	named := 0
	walk(t, ".md", func(path, text string) {
		for _, m := range testName.FindAllStringSubmatch(text, -1) {
			named++
			name, ok := m[0], have[m[0]]
			if m[1] != "" {
				name = strings.TrimSuffix(name, m[1])
				for h := range have {
					ok = ok || strings.HasPrefix(h, name)
				}
			}
			// Upper-case names in code blocks may be meant as placeholders.
			if !ok && !strings.Contains(text, "func "+name+"(") {
				t.Errorf("%s: there is no %s", path, m[0])
			}
		}
		for _, m := range goPath.FindAllStringSubmatch(text, -1) {
			dir := strings.TrimSuffix(strings.TrimRight(m[1], "."), "/")
			if dir == "." || dir == "" {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(dir))); err != nil {
				t.Errorf("%s: command names %s: %v", path, m[1], err)
			}
		}
	})
	if named < 30 {
		t.Errorf("only %d test names were found: does the pattern still match?", named)
	}
}

// Pages hold no paths of one machine.
func TestNoMachinePaths(t *testing.T) {
	bad := regexp.MustCompile(`(?:^|[\s"'(` + "`" + `])(/(?:work|tmp|root|home|Users)/\S*)`)
	walk(t, ".md", func(path, text string) {
		if m := bad.FindStringSubmatch(text); m != nil {
			t.Errorf("%s names %s", path, m[1])
		}
	})
}
