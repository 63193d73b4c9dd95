package structured

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// Noise of a root that suits the target badly must not drive it off: with h(M)
// growing for both signs of a large M the first row of B reached 1e79 once, and
// the run ended 180 nats below what Hessians find.
func TestNoisyRootStaysHome(t *testing.T) {
	const p = 20
	sum := &vi.Target{Dim: p, Grad: func(dst, x []float64) float64 {
		s, l := 0.0, 0.0
		for _, v := range x {
			s += v
			l -= v * v / 2
		}
		for i, v := range x {
			dst[i] = -v - 4*s
		}
		return l - 2*s*s
	}}
	exact := *sum
	exact.Hess = func(dst *mat.SymDense, g, x []float64) float64 {
		for i := range p {
			for j := i; j < p; j++ {
				dst.SetSym(i, j, -4)
			}
			dst.SetSym(i, i, -5)
		}
		return sum.Grad(g, x)
	}
	fit := func(target *vi.Target, seed uint64) *vi.Result {
		f, err := Up(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		r, err := vi.Fit(context.Background(), mustNew(t, make([]float64, p), f), target, &vi.Settings{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	best := fit(&exact, 0).ELBO
	for seed := range uint64(4) {
		if r := fit(sum, seed); r.ELBO < best-1 {
			t.Errorf("seed %d: ELBO is %v with gradients, %v with Hessians: %v", seed, r.ELBO, best, r)
		}
	}
}

// MaxRate keeps every diagonal-type block of a step within ½.
func TestMaxRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, name := range []string{"full", "chol", "diag", "up_2", "low_2", "heis_up_2_1", "heis_low_2_1", "tritoep"} {
		f := root(t, name, 6)
		g := mustNew(t, make([]float64, 6), f)
		tan := make([]float64, g.NumParams())
		for i := range tan {
			tan[i] = 10 * rng.NormFloat64()
		}
		rho := g.MaxRate(tan)
		one := make([]float64, f.NumParams())
		f.ProjectIdentity(one, 1)
		for i, v := range one {
			if v != 0 && math.Abs(rho*tan[6+i]) > 0.5+1e-12 {
				t.Errorf("%s: entry %d of a step at MaxRate is %v", f.Name(), i, rho*tan[6+i])
			}
		}
		if n := testing.AllocsPerRun(10, func() { g.MaxRate(tan) }); n != 0 {
			t.Errorf("%s: MaxRate allocates %v times", f.Name(), n)
		}
	}
}

// A root so badly conditioned that draws and densities do not fit together must
// not be praised for the ELBO that this makes up.
func TestIllConditionedRoot(t *testing.T) {
	const p = 6
	target := &vi.Target{Dim: p, Grad: func(dst, x []float64) float64 {
		l := -0.5 * p * math.Log(2*math.Pi)
		for i, v := range x {
			l -= v * v / 2
			dst[i] = -v
		}
		return l
	}}
	f, err := Up(p, 1)
	if err != nil {
		t.Fatal(err)
	}
	v := f.Values(nil) // A, D, C by rows
	for i := p; i < len(v); i++ {
		v[i] = 1e17
	}
	if err := f.SetValues(v); err != nil {
		t.Fatal(err)
	}
	r, err := vi.Fit(context.Background(), mustNew(t, make([]float64, p), f), target, nil)
	if r != nil && r.ELBO > 0.5 {
		t.Errorf("ELBO is %v, at most 0 is possible: %v, %v", r.ELBO, r, err)
	}
	if err == nil && r.Grade() == vi.Good && r.ELBO < -0.5 {
		t.Errorf("graded good: %v", r)
	}
}
