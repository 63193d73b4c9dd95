package structured

import (
	"encoding/json"
	"testing"

	"github.com/natgrad/natgrad/internal/oracle"
)

// kinds is filled by the init functions of the golden_*_test.go files.
var kinds []oracle.Kind

// others are the schemas of the set that other packages replay.
var others = map[string]bool{"opt-trace-v1": true, "structure-ops-v1": true, "spectral-v1": true}

// TestGoldenStructured replays every file of golden iterates of structured
// Gaussians and of optimisation on positive definite matrices.
func TestGoldenStructured(t *testing.T) {
	oracle.Replay(t, "optimizers", kinds, func(data []byte) bool {
		var s struct{ Schema string }
		return json.Unmarshal(data, &s) == nil && others[s.Schema]
	})
}
