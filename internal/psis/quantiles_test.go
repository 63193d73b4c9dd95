package psis

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func TestQuantiles(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct{ p, v, lw, want []float64 }{
		{[]float64{0, 0.125, 0.25, 0.5, 1}, []float64{4, 1, 3, 2}, nil, []float64{1, 1, 1.5, 2.5, 4}},
		{[]float64{0.5}, []float64{7}, []float64{-1000}, []float64{7}},
		{[]float64{0.25, 0.5}, []float64{5, 1, math.NaN()}, []float64{math.Log(3), 0, -inf}, []float64{1 + 4*0.125/0.5, 1 + 4*0.375/0.5}},
		{[]float64{0.1, 0.9}, []float64{-inf, -inf, 2, 2}, nil, []float64{-inf, 2}},
	} {
		got, err := Quantiles(nil, c.p, c.v, c.lw)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range c.want {
			if !(got[i] == w || math.Abs(got[i]-w) < 1e-12) {
				t.Errorf("quantile %v of %v with %v is %v, want %v", c.p[i], c.v, c.lw, got[i], w)
			}
		}
	}
	// Draws of N(0, 1) weighted to N(1, 1) have the quantiles of that.
	rng := rand.New(rand.NewPCG(1, 1))
	v, lw := make([]float64, 40000), make([]float64, 40000)
	for i := range v {
		v[i] = rng.NormFloat64()
		lw[i] = v[i]
	}
	got, err := Quantiles(nil, []float64{0.05, 0.5, 0.95}, v, lw)
	if err != nil {
		t.Fatal(err)
	}
	for i, z := range []float64{-1.6449, 0, 1.6449} {
		if math.Abs(got[i]-1-z) > 0.1 { // about four standard errors of the outer ones
			t.Errorf("weighted quantile %d is %v, want %v", i, got[i], 1+z)
		}
	}
	for name, f := range map[string]func() ([]float64, error){
		"p":      func() ([]float64, error) { return Quantiles(nil, []float64{1.5}, v, nil) },
		"value":  func() ([]float64, error) { return Quantiles(nil, []float64{0.5}, []float64{math.NaN()}, nil) },
		"weight": func() ([]float64, error) { return Quantiles(nil, []float64{0.5}, []float64{1}, []float64{inf}) },
		"none":   func() ([]float64, error) { return Quantiles(nil, []float64{0.5}, []float64{1}, []float64{-inf}) },
	} {
		var e *Error
		if _, err := f(); !errors.As(err, &e) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
