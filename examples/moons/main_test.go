package main

import (
	"io"
	"math"
	"path/filepath"
	"testing"
)

// Far from the data a net with single weights is sure and the others are not; all but
// Vadam classify new points about as well.
func TestMoons(t *testing.T) {
	r, err := run(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	single := r.surfaces[0]
	for _, s := range r.surfaces[1:] {
		if !(s.farEntropy > 5*single.farEntropy) {
			t.Errorf("%s: mean entropy far away %.3f, of single weights %.3f", s.name, s.farEntropy, single.farEntropy)
		}
		if s.name != "Vadam" && math.Abs(s.accuracy-single.accuracy) > 0.015 {
			t.Errorf("%s: accuracy %.3f, of single weights %.3f", s.name, s.accuracy, single.accuracy)
		}
	}
	if err := r.picture().Save(filepath.Join(t.TempDir(), "moons.svg")); err != nil {
		t.Error(err)
	}
}
