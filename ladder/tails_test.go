package ladder_test

import (
	"context"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/ladder"
	"github.com/natgrad/natgrad/vi"
)

// A fit that is good by its own draws is no better than a caution where a tail surely
// lacks a part of the variance, and the verdict names the parameter.
func TestTailsGrade(t *testing.T) {
	r, err := ladder.Fit(context.Background(), normals([]float64{0}, [][]float64{{0, 0}}, []float64{1, 0.5, 0.5, 1}), nil)
	if err != nil || r.Grade() != vi.Good || len(r.Tails) > 0 {
		t.Fatalf("a normal: %v\n%v", err, r)
	}
	for _, c := range []struct {
		lost, err float64
		want      vi.Grade
	}{{0.05, 0.01, vi.Good}, {0.3, 0.15, vi.Good}, {0.3, 0.05, vi.Caution}, {1.3, 0.1, vi.Bad}} {
		r.Tails = []vi.Tail{{Name: "log tau", From: -0.7, Share: 0.104, Seen: 0.061, Lost: c.lost, LostErr: c.err}}
		if r.Grade() != c.want || strings.Contains(r.Verdict(), "10.4 % of the posterior has log tau below -0.7,") != (c.want != vi.Good) {
			t.Errorf("%v ± %v lost: %v, want %v", c.lost, c.err, r.Verdict(), c.want)
		}
	}
	// Two tails of one coordinate count together, those of two do not.
	two := []vi.Tail{{Name: "x", Lost: 0.09, LostErr: 0.02}, {Name: "x", Upper: true, Lost: 0.11, LostErr: 0.02}}
	if r.Tails = two; r.Grade() != vi.Caution || !strings.Contains(r.Verdict(), "x above") {
		t.Errorf("both tails: %v", r.Verdict())
	}
	if two[1].Coord = 1; r.Grade() != vi.Good {
		t.Errorf("tails of two coordinates: %v", r.Verdict())
	}
}
