package main

import (
	"context"
	"math"
	"testing"

	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/structured"
	"github.com/natgrad/natgrad/vi"
)

// Structured Gaussians are components of mixtures: a target of two modes, in each
// of which all coordinates hang on the first, is found by two components up(1).
func TestMixtureOfShapes(t *testing.T) {
	const p = 8
	mode := func(at float64) *structured.Gaussian {
		f, err := structured.Up(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		v := f.Values(nil)
		for i := p; i < len(v); i++ { // C, after A and D
			v[i] = -1
		}
		if err := f.SetValues(v); err != nil {
			t.Fatal(err)
		}
		mu := make([]float64, p)
		for i := range mu {
			mu[i] = at
		}
		q, err := structured.New(mu, f)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	left, right := mode(-3), mode(3)
	target := &vi.Target{Dim: p, Grad: func(dst, x []float64) float64 {
		a, b := left.LogProb(x)+math.Log(0.3), right.LogProb(x)+math.Log(0.7)
		l := math.Max(a, b) + math.Log1p(math.Exp(-math.Abs(a-b)))
		w := math.Exp(a - l)
		other := right.Score(nil, x)
		left.Score(dst, x)
		for i := range dst {
			dst[i] = w*dst[i] + (1-w)*other[i]
		}
		return l
	}}
	var parts []mixture.Component
	for _, at := range []float64{-2, 2} {
		f, err := structured.Up(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		mu := make([]float64, p)
		for i := range mu {
			mu[i] = at
		}
		q, err := structured.New(mu, f)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, q)
	}
	q, err := mixture.New([]float64{0.5, 0.5}, parts...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := vi.Fit(context.Background(), q, target, nil)
	if err != nil || r.Status != vi.Converged {
		t.Fatal(r, err)
	}
	// The density is normalised: the best ELBO is 0.
	if !(r.ELBO > -0.1) {
		t.Errorf("ELBO %v ± %v, want 0", r.ELBO, r.ELBOErr)
	}
}
