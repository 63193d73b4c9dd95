package mixture

import (
	"encoding/json"
	"testing"

	"github.com/natgrad/natgrad/internal/oracle"
)

// fields are the top-level entries of a golden file, by which its replay is
// chosen: what it holds, never what it is called.
type fields map[string]json.RawMessage

// has tells whether all the entries are there; "a.b" is the entry b of the object a.
func (f fields) has(names ...string) bool {
	for _, n := range names {
		if !f.hasPath(n) {
			return false
		}
	}
	return true
}

func (f fields) hasPath(path string) bool {
	for i := range path {
		if path[i] != '.' {
			continue
		}
		var sub fields
		return json.Unmarshal(f[path[:i]], &sub) == nil && sub.hasPath(path[i+1:])
	}
	_, ok := f[path]
	return ok
}

// replay is one kind of golden file.
type replay struct {
	kind  string
	match func(f fields) bool
	run   func(t *testing.T, data []byte)
}

// replays is filled by the init functions of the golden_*_test.go files.
var replays []replay

func find(data []byte) []replay {
	var f fields
	if json.Unmarshal(data, &f) != nil {
		return nil
	}
	var found []replay
	for _, r := range replays {
		if r.match(f) {
			found = append(found, r)
		}
	}
	return found
}

// TestGoldenMixtures replays every file of golden iterates of the set.
func TestGoldenMixtures(t *testing.T) {
	for _, file := range oracle.Files(t, "mixtures", func(data []byte) bool { return find(data) != nil }) {
		t.Run(file.Name, func(t *testing.T) {
			found := find(file.Data)
			if len(found) != 1 {
				t.Fatalf("%d kinds of replay recognise the file, want 1", len(found))
			}
			found[0].run(t, file.Data)
		})
	}
}
