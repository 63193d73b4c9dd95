package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
)

// Fewer seas than the command's, with the same table; and the claim of the example: in its worst
// sea Thompson sampling has less regret than the best ε-greedy agent on average.
func TestOutput(t *testing.T) {
	r, err := run(6, 300)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.print(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, b.String())
	for i := range 2 {
		mean, _ := meanSE(r.after(r.best(), r.dives))
		if worst := slices.Max(r.after(i, r.dives)); worst > mean {
			t.Errorf("%s: %.1f in the worst sea, %s %.1f on average", agents[i].name, worst, agents[r.best()].name, mean)
		}
	}
	dir := t.TempDir()
	if err := r.savePicture(dir); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(filepath.Join(dir, "deepsea.svg")); err != nil || i.Size() < 5_000 || i.Size() > 60_000 {
		t.Error(i, err)
	}
}

// Acting at random, a dive in 2¹⁰ is the best: regret is nearly that of never.
func TestRandom(t *testing.T) {
	last := agents[len(agents)-1]
	g, err := last.play(200, 7)
	if err != nil {
		t.Fatal(err)
	}
	if g[199] < 190 {
		t.Errorf("regret %.1f after 200 dives at random", g[199])
	}
	again, err := last.play(200, 7)
	if err != nil || again[199] != g[199] {
		t.Errorf("regret %v at first, %v again: %v", g[199], again[199], err)
	}
}
