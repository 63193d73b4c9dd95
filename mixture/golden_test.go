package mixture

import (
	"testing"

	"github.com/natgrad/natgrad/internal/oracle"
)

// kinds is filled by the init functions of the golden_*_test.go files.
var kinds []oracle.Kind

// TestGoldenMixtures replays every file of golden iterates of the set.
func TestGoldenMixtures(t *testing.T) { oracle.Replay(t, "mixtures", kinds, nil) }
