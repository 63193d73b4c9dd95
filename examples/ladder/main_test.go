package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
	"github.com/natgrad/natgrad/ladder"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
)

// The program prints what testdata/output.txt and docs/ladder.md show.
func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, b.String())
	page, err := os.ReadFile("../../docs/ladder.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), b.String()) {
		t.Errorf("docs/ladder.md does not show the output:\n%s", b.String())
	}
}

// Over seeds the climb ends at corrected moments like those of a grid, or says
// that it does not.
func TestPosterior(t *testing.T) {
	target := targets.CancerBetaBinomial()
	mean, sd := targets.NewGrid(target, [2]float64{-8.5, 2}, [2]float64{-4.5, 26}, 300).Moments()
	for seed := range uint64(2) {
		r, err := ladder.Fit(context.Background(), target, &ladder.Settings{Start: []float64{-7, 6}, Fit: &vi.Settings{Seed: seed}})
		if err != nil {
			t.Fatal(err)
		}
		m, s, err := r.Moments()
		if err != nil {
			t.Fatal(err)
		}
		for j := range m {
			se := sd[j] / math.Sqrt(r.ESS)
			if far := math.Abs(m[j]-mean[j]) > 5*se || math.Abs(s[j]-sd[j]) > 8*se; far && r.Grade() == vi.Good {
				t.Errorf("seed %d: %v is graded good with mean %v, sd %v of coordinate %d, grid %v and %v", seed, r.Tried[r.Chosen].Name, m[j], s[j], j, mean[j], sd[j])
			}
		}
	}
}
