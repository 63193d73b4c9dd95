package mixture_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/mat"
)

// normalAt returns the normal distribution of mean 0 and covariance sd² I.
func normalAt(t testing.TB, sd float64) *expfam.Normal {
	t.Helper()
	n, err := expfam.NewNormal([]float64{0, 0}, mat.NewSymDense(2, []float64{sd * sd, 0, 0, sd * sd}))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The 2019 paper's beta-binomial posterior: KL(q‖p) falls with every component, to
// what a replica of the authors' code reaches in 5·10⁴ steps of 2K draws, here in
// 500 of 16.
func TestReferenceKL(t *testing.T) {
	const steps, rate, slack = 500, 0.2, 1.1
	target := targets.CancerBetaBinomial()
	grid := targets.NewGrid(target, [2]float64{-9, 2}, [2]float64{-5, 24}, 200)
	before := math.Inf(1)
	for _, c := range []struct {
		k    int
		want float64
	}{{1, 0.128}, {2, 0.035}, {3, 0.017}, {4, 0.011}, {6, 0.0062}} {
		var kls []float64
		for seed := range uint64(3) {
			n := normalAt(t, 1)
			if _, err := vi.Fit(context.Background(), n, target, &vi.Settings{Seed: seed, Diagnostics: -1}); err != nil {
				t.Fatal(err)
			}
			m := mixture.Split(n, c.k, rand.New(rand.NewPCG(seed, 1)))
			if _, err := vi.Fit(context.Background(), m, target, &vi.Settings{
				Seed: seed, Plain: true, Iterations: steps, Draws: 16, Diagnostics: -1,
				Rate: func(t int) float64 { return rate * math.Min(1, 2-2*float64(t)/steps) },
			}); err != nil {
				t.Fatal(err)
			}
			kl, mass := grid.KL(m.LogProb)
			if math.Abs(mass-1) > 1e-3 {
				t.Errorf("K = %d: mass %v on the grid", c.k, mass)
			}
			kls = append(kls, kl)
		}
		slices.Sort(kls)
		t.Logf("K = %d: KL %.4f, reference %.4f", c.k, kls, c.want)
		if mid := kls[1]; mid > slack*c.want || mid >= before {
			t.Errorf("K = %d: KL %.4f, want at most %.4f and less than %.4f, that of fewer components", c.k, mid, slack*c.want, before)
		}
		before = kls[1]
	}
}

// On shapes that a normal distribution has not, its verdict says so, and that of a
// mixture does not. All fits are vi.Fit with nothing set.
func TestReferenceShapes(t *testing.T) {
	unit := mat.NewSymDense(2, []float64{1, 0, 0, 1})
	modes := targets.MixtureOfNormals([]float64{math.Log(0.4), math.Log(0.6)}, [][]float64{{-2, 0}, {2, 0}}, []*mat.SymDense{unit, unit})
	for _, c := range []struct {
		name          string
		target        *vi.Target
		sd            float64 // of the start; 0 begins from the fitted normal
		k             int
		normal, mixed vi.Grade // at best, at worst
	}{
		{"two modes 4 sd apart", modes, 3, 2, vi.Caution, vi.Good},
		{"ridge", targets.SkewRidge(1, 0.5), 1, 5, vi.Bad, vi.Good},
		{"beta-binomial", targets.CancerBetaBinomial(), 0, 3, vi.Caution, vi.Good},
		{"double banana", targets.DoubleBanana(math.Log(30), 1, 0.09), 1, 16, vi.Bad, vi.Caution},
	} {
		start := normalAt(t, math.Max(c.sd, 1))
		n := start.Clone().(*expfam.Normal)
		normal, err := vi.Fit(context.Background(), n, c.target, &vi.Settings{Seed: 2})
		if err != nil {
			t.Fatal(c.name, err)
		}
		if c.sd == 0 {
			start = n
		}
		m := mixture.Split(start, c.k, rand.New(rand.NewPCG(2, 1)))
		mix, err := vi.Fit(context.Background(), m, c.target, &vi.Settings{Seed: 2})
		if err != nil {
			t.Fatal(c.name, err)
		}
		t.Logf("%s: normal %v, k̂ %.2f, spread %.2f; mixture %v, k̂ %.2f, spread %.2f", c.name, normal.Grade(), normal.KHat, normal.Spread(), mix.Grade(), mix.KHat, mix.Spread())
		if normal.Grade() < c.normal || mix.Grade() > c.mixed {
			t.Errorf("%s: the normal is %v, the mixture %v; want %v at best and %v at worst", c.name, normal.Grade(), mix.Grade(), c.normal, c.mixed)
		}
		if mix.Spread() > normal.Spread()/4 || mix.ELBO < normal.ELBO {
			t.Errorf("%s: spread %.3f and ELBO %.3f of the mixture, %.3f and %.3f of the normal; want a quarter of the spread at most", c.name, mix.Spread(), mix.ELBO, normal.Spread(), normal.ELBO)
		}
	}
}
