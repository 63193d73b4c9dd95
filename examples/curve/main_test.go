package main

import (
	"io"
	"path/filepath"
	"testing"
)

// At the end the curve lies in the band, the band is twice as wide where there are
// no data, and the points' own spread is not below the noise.
func TestBand(t *testing.T) {
	r, err := run(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	last := r.stages[len(r.stages)-1]
	if last.inside < 0.9 {
		t.Errorf("the curve is inside the band on %.0f %% of the grid", 100*last.inside)
	}
	if last.gap < 1.8*last.ends {
		t.Errorf("sd %.3f in the gap, %.3f where data are", last.gap, last.ends)
	}
	if last.atData < noise || last.atData > 2*noise {
		t.Errorf("sd of a point %.3f, noise %v", last.atData, noise)
	}
	if err := r.picture().Save(filepath.Join(t.TempDir(), "curve.svg")); err != nil {
		t.Error(err)
	}
}
