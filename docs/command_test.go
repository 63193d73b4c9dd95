package docs_test

import (
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the command prints into command.md")

var (
	console = regexp.MustCompile("(?s)```console\n(.*?)```")
	// steps and times are what may change without making the page wrong.
	volatile = regexp.MustCompile(`after \d+ steps|(?m)^\d+\.\d+ s;`)
	gaps     = regexp.MustCompile(`[ -]{2,}`) // of tables, whose width follows the digits
)

// TestCommandPage runs the console sessions of command.md, in order and in one
// folder, and compares what they print: the words exactly, numbers within 20 % or
// 0.1. With -update it rewrites them.
func TestCommandPage(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin", "natgrad"), "./cmd/natgrad")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wells, err := os.ReadFile(filepath.Join(root, "examples", "data", "wells.csv"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "wells.csv"), wells, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("command.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	page := console.ReplaceAllStringFunc(string(b), func(block string) string {
		out := "```console\n"
		for part := range strings.SplitSeq(console.FindStringSubmatch(block)[1], "$ ") {
			line, want, _ := strings.Cut(part, "\n")
			if line == "" {
				continue
			}
			commands++
			c := exec.Command("sh", "-c", line)
			c.Dir, c.Env = dir, append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
			text, err := c.CombinedOutput()
			if _, exited := err.(*exec.ExitError); err != nil && !exited {
				t.Fatal(err)
			}
			got := string(text)
			out += "$ " + line + "\n" + got
			if !*update {
				alike(t, line, got, want)
			}
		}
		return out + "```"
	})
	if commands < 8 {
		t.Errorf("only %d commands were run: does the pattern still match?", commands)
	}
	if *update {
		if err := os.WriteFile("command.md", []byte(page), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// alike compares an output with that of the page.
func alike(t *testing.T, line, got, want string) {
	t.Helper()
	words := func(s string) (string, []string) {
		s = volatile.ReplaceAllString(s, "~")
		return gaps.ReplaceAllString(number.ReplaceAllString(s, "#"), " "), number.FindAllString(s, -1)
	}
	gw, gn := words(got)
	ww, wn := words(want)
	if gw != ww || len(gn) != len(wn) {
		t.Errorf("%s prints\n%s\ncommand.md has\n%s", line, got, want)
		return
	}
	for i := range gn {
		g, _ := strconv.ParseFloat(gn[i], 64)
		w, _ := strconv.ParseFloat(wn[i], 64)
		if math.Abs(g-w) > math.Max(0.1, 0.2*math.Abs(w)) {
			t.Errorf("%s prints %s, command.md has %s", line, gn[i], wn[i])
		}
	}
}

// The page names every flag, every JSON key and every file of the command.
func TestCommandPageIsComplete(t *testing.T) {
	b, err := os.ReadFile("command.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	flags := regexp.MustCompile(`fs\.\w+\((?:&[\w.]+, )?"([a-z-]+)"`)
	keys := regexp.MustCompile("`json:\"([a-z0-9_]+)")
	files := regexp.MustCompile(`(?m)^\t\w+File += "([\w.]+)"`)
	found := map[*regexp.Regexp]int{}
	walk(t, ".go", func(path, text string) {
		// state.go has the keys of run.json, which is for the command alone.
		if !strings.HasPrefix(path, "cmd/natgrad/") || strings.HasSuffix(path, "_test.go") {
			return
		}
		for re, show := range map[*regexp.Regexp]string{flags: "`-%", keys: "`%`", files: "`%`"} {
			if re == keys && strings.HasSuffix(path, "state.go") {
				continue
			}
			for _, m := range re.FindAllStringSubmatch(text, -1) {
				found[re]++
				if want := strings.ReplaceAll(show, "%", m[1]); !strings.Contains(page, want) {
					t.Errorf("command.md does not mention %s of %s", want, path)
				}
			}
		}
	})
	if found[flags] < 25 || found[keys] < 40 || found[files] < 5 {
		t.Errorf("%d flags, %d keys, %d files were found: do the patterns still match?", found[flags], found[keys], found[files])
	}
}
