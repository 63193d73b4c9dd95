package structured

import (
	"encoding/json"
	"testing"

	"github.com/natgrad/natgrad/internal/oracle"
)

// fields are the top-level entries of a golden file, by which its replay is
// chosen: what it holds, never what it is called.
type fields map[string]json.RawMessage

func (f fields) has(names ...string) bool {
	for _, n := range names {
		if _, ok := f[n]; !ok {
			return false
		}
	}
	return true
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

// schemaOf returns the schema that a file declares.
func schemaOf(data []byte) string {
	var s struct{ Schema string }
	_ = json.Unmarshal(data, &s) // a file without one has none
	return s.Schema
}

// others are the schemas of the set that other packages replay.
var others = map[string]bool{"opt-trace-v1": true, "structure-ops-v1": true, "spectral-v1": true}

// TestGoldenStructured replays every file of golden iterates of structured
// Gaussians and of optimisation on positive definite matrices.
func TestGoldenStructured(t *testing.T) {
	for _, file := range oracle.Files(t, "optimizers", func(data []byte) bool { return find(data) != nil }) {
		if others[schemaOf(file.Data)] {
			continue
		}
		t.Run(file.Name, func(t *testing.T) {
			found := find(file.Data)
			if len(found) != 1 {
				t.Fatalf("%d kinds of replay recognise the file, want 1", len(found))
			}
			found[0].run(t, file.Data)
		})
	}
}
