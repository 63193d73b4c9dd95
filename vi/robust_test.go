package vi

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
)

// decayTarget is y = a·exp(−bt) + c with normal errors of known size: far from
// its mode the density is neither concave nor tame.
func decayTarget() *Target {
	rng := rand.New(rand.NewPCG(1, 2))
	const n, sigma = 60, 0.2
	y := make([]float64, n)
	for i := range y {
		y[i] = 2*math.Exp(-0.8*float64(i)/10) + 0.5 + sigma*rng.NormFloat64()
	}
	return &Target{Dim: 3, Names: []string{"a", "b", "c"}, Grad: func(dst, x []float64) float64 {
		l := 0.0
		for i, v := range x {
			l -= v * v / 50
			dst[i] = -v / 25
		}
		for i, yi := range y {
			t := float64(i) / 10
			e := math.Exp(-x[1] * t)
			r := (yi - x[0]*e - x[2]) / (sigma * sigma)
			l -= r * r * sigma * sigma / 2
			dst[0] += r * e
			dst[1] -= r * x[0] * t * e
			dst[2] += r
		}
		return l
	}}
}

// A target of one's own from the standard normal, with default settings: the
// run must not lose itself whatever the seed. The reference is the fit with
// 1000 draws a step.
func TestOwnTargetFromStandardNormal(t *testing.T) {
	tg := decayTarget()
	ref := expfam.StandardNormal(3)
	best, err := Fit(context.Background(), ref, tg, &Settings{Draws: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(20) {
		q := expfam.StandardNormal(3)
		res, err := Fit(context.Background(), q, tg, &Settings{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if res.Status != Converged || res.ELBO < best.ELBO-0.15 {
			t.Errorf("seed %d: %s, want ELBO %.3f", seed, res.Verdict(), best.ELBO)
		}
	}
}

// Posteriors that no normal resembles are not called good.
func TestWrongShapesAreFlagged(t *testing.T) {
	funnel := &Target{Dim: 2, Grad: func(dst, x []float64) float64 {
		v, y := x[0], x[1]
		dst[0] = -v/9 - 0.5 + 0.5*y*y*math.Exp(-v)
		dst[1] = -y * math.Exp(-v)
		return -v*v/18 - 0.5*v - 0.5*y*y*math.Exp(-v)
	}}
	banana := &Target{Dim: 2, Grad: func(dst, x []float64) float64 {
		a, b := x[0], x[1]-x[0]*x[0]
		dst[0] = -a + 20*b*2*a
		dst[1] = -20 * b
		return -a*a/2 - 10*b*b
	}}
	two := &Target{Dim: 1, Grad: func(dst, x []float64) float64 {
		u, v := -0.5*(x[0]-2)*(x[0]-2), -0.5*(x[0]+2)*(x[0]+2)
		m := math.Max(u, v)
		p := math.Exp(u-m) / (math.Exp(u-m) + math.Exp(v-m))
		dst[0] = -p*(x[0]-2) - (1-p)*(x[0]+2)
		return m + math.Log(math.Exp(u-m)+math.Exp(v-m))
	}}
	for name, tg := range map[string]*Target{"funnel": funnel, "banana": banana, "two modes": two} {
		for seed := range uint64(5) {
			q := expfam.StandardNormal(tg.Dim)
			res, err := Fit(context.Background(), q, tg, &Settings{Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			if res.Grade() == Good {
				t.Errorf("%s, seed %d: %s", name, seed, res.Verdict())
			}
		}
	}
}
