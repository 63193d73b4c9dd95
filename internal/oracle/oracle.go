// Package oracle finds the files of golden iterates that the replay tests read.
package oracle

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Env names the environment variable that points the replays at another folder:
// one that holds folders named like the sets, or the files of one set.
const Env = "NATGRAD_ORACLES"

// sets are the names of the folders.
var sets = []string{"attribution", "mixtures", "optimizers", "vmp", "weight-perturbation"}

// File is one file of golden iterates.
type File struct {
	Name string // without folder and .json
	Data []byte
}

// Files returns the files of a set, from testdata/oracles of the module unless
// [Env] names another folder. If that folder neither is named like a set nor
// holds folders that are, it may hold anything, and only files that mine
// recognises are returned. A folder without a file of the set skips the test.
func Files(t testing.TB, set string, mine func(data []byte) bool) []File {
	t.Helper()
	root, own := os.Getenv(Env), false
	if root == "" {
		root, own = filepath.Join(moduleRoot(t), "testdata", "oracles"), true
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir, filter := filepath.Join(abs, set), false
	if filepath.Base(abs) == set {
		dir = abs
	} else if _, err := os.Stat(dir); err != nil && !slices.Contains(sets, filepath.Base(abs)) && !holdsSets(abs) {
		dir, filter = abs, true
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files []File
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !filter || mine(data) {
			files = append(files, File{strings.TrimSuffix(filepath.Base(name), ".json"), data})
		}
	}
	if len(files) == 0 && own {
		t.Fatalf("no golden files in %s", dir)
	}
	if len(files) == 0 {
		t.Skipf("%s=%s holds no file of the set %q", Env, root, set)
	}
	return files
}

func holdsSets(dir string) bool {
	for _, s := range sets {
		if st, err := os.Stat(filepath.Join(dir, s)); err == nil && st.IsDir() {
			return true
		}
	}
	return false
}

// moduleRoot is the folder with go.mod at or above the working directory.
func moduleRoot(t testing.TB) string {
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	t.Fatalf("no go.mod at or above the working directory (%v)", err)
	return ""
}
