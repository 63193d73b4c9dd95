// Package oracle finds the files of golden iterates that the replay tests read,
// and the replay for each.
package oracle

import (
	"encoding/json"
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
	var found []File
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !filter || mine(data) {
			found = append(found, File{strings.TrimSuffix(filepath.Base(name), ".json"), data})
		}
	}
	if len(found) == 0 && own {
		t.Fatalf("no golden files in %s", dir)
	}
	if len(found) == 0 {
		t.Skipf("%s=%s holds no file of the set %q", Env, root, set)
	}
	return found
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

// Fields are the top-level entries of a golden file, by which its replay is
// chosen: what it holds, never what it is called.
type Fields map[string]json.RawMessage

// Has tells whether all the entries are there; "a.b" is the entry b of the object a.
func (f Fields) Has(paths ...string) bool {
	for _, p := range paths {
		if !f.has(p) {
			return false
		}
	}
	return true
}

func (f Fields) has(path string) bool {
	if a, b, ok := strings.Cut(path, "."); ok {
		var sub Fields
		return json.Unmarshal(f[a], &sub) == nil && sub.has(b)
	}
	_, ok := f[path]
	return ok
}

// Kind is one kind of golden file and its replay.
type Kind struct {
	name  string
	match func(f Fields) bool
	run   func(t *testing.T, data []byte)
}

// Of returns the kind of files that match recognises and run replays.
func Of(name string, match func(f Fields) bool, run func(t *testing.T, data []byte)) Kind {
	return Kind{name, match, run}
}

// Replay runs every file of a set as a subtest by the one kind that recognises
// it, and fails on a file that none, or more than one, does. Files for which
// others, if not nil, is true belong to another package.
func Replay(t *testing.T, set string, kinds []Kind, others func(data []byte) bool) {
	t.Helper()
	find := func(data []byte) (found []Kind) {
		var f Fields
		if json.Unmarshal(data, &f) == nil {
			for _, k := range kinds {
				if k.match(f) {
					found = append(found, k)
				}
			}
		}
		return found
	}
	for _, file := range Files(t, set, func(data []byte) bool { return find(data) != nil }) {
		if others != nil && others(file.Data) {
			continue
		}
		t.Run(file.Name, func(t *testing.T) {
			found := find(file.Data)
			if len(found) != 1 {
				names := make([]string, len(found))
				for i, k := range found {
					names[i] = k.name
				}
				t.Fatalf("%d kinds of replay recognise the file, want 1: %q", len(found), names)
			}
			found[0].run(t, file.Data)
		})
	}
}
