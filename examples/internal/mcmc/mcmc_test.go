package mcmc

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// correlated is a normal density in two dimensions with means 1 and −2, sds 3
// and 0.01, and correlation 0.9.
func correlated(x []float64) float64 {
	const r = 0.9
	u, v := (x[0]-1)/3, (x[1]+2)/0.01
	return -(u*u - 2*r*u*v + v*v) / (2 * (1 - r*r))
}

func TestNormal(t *testing.T) {
	c, err := Sample(correlated, []float64{30, -1}, []float64{1, 1}, 5000, 40000, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	if c.Accept < 0.2 || c.Accept > 0.45 {
		t.Errorf("acceptance rate %.2f, want near 0.3", c.Accept)
	}
	if err := c.Check([]string{"a", "b"}, []float64{1, -2}, []float64{3, 0.01}, 0); err != nil {
		t.Error(err)
	}
	got, se := c.Mean(func(x []float64) float64 { return (x[0] - 1) * (x[1] + 2) / 0.03 })
	if math.Abs(got-0.9) > 4*se || se > 0.1 {
		t.Errorf("correlation %.3f ± %.3f, want 0.9", got, se)
	}
	// What is wrong by much more than the standard errors is found.
	err = c.Check([]string{"a", "b"}, []float64{1, -2.004}, []float64{4, 0.01}, 0.01)
	if err == nil || !strings.Contains(err.Error(), "b: mean") || !strings.Contains(err.Error(), "a: sd") {
		t.Errorf("Check of wrong moments: %v", err)
	}
}

// A gamma density with shape 3 over the logarithm: mean ψ(3), variance ψ′(3).
func TestSkewed(t *testing.T) {
	c, err := Sample(func(x []float64) float64 { return 3*x[0] - math.Exp(x[0]) }, []float64{0}, []float64{1}, 2000, 40000, rand.New(rand.NewPCG(3, 4)))
	if err != nil {
		t.Fatal(err)
	}
	mean, sd := 1.5-0.5772156649015329, math.Sqrt(math.Pi*math.Pi/6-1.25)
	if err := c.Check([]string{"x"}, []float64{mean}, []float64{sd}, 0); err != nil {
		t.Error(err)
	}
}

// The standard errors are those of repeated runs: over 100 runs the sum of
// squared errors in standard errors lies within the 99.9 % range of χ², widened
// for the 9 % by which a standard error itself varies.
func TestStandardErrors(t *testing.T) {
	const runs = 100
	sum := 0.0
	for s := range runs {
		c, err := Sample(correlated, []float64{1, -2}, []float64{3, 0.01}, 1000, 4000, rand.New(rand.NewPCG(uint64(s), 5)))
		if err != nil {
			t.Fatal(err)
		}
		m, se := c.Mean(func(x []float64) float64 { return x[1] })
		z := (m + 2) / se
		sum += z * z
	}
	if sum < 55 || sum > 165 {
		t.Errorf("sum of squared errors in standard errors over %d runs: %.0f", runs, sum)
	}
}

func TestRefuses(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name          string
		start, scale  []float64
		warmup, draws int
		want          string
	}{
		{"scale", []float64{0, 0}, []float64{1}, 1000, 1000, "scale 1"},
		{"warm-up", []float64{0, 0}, []float64{1, 1}, 10, 1000, "warmup is 10"},
		{"draws", []float64{0, 0}, []float64{1, 1}, 1000, 10, "draws 10"},
		{"start", []float64{math.NaN(), 0}, []float64{1, 1}, 1000, 1000, "NaN at the start"},
	} {
		if _, err := Sample(correlated, c.start, c.scale, c.warmup, c.draws, rng); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
