package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

func newNG(t testing.TB, mu0, kappa, alpha, beta float64) *expfam.NormalGamma {
	t.Helper()
	return must[*expfam.NormalGamma](t)(expfam.NewNormalGamma(mu0, kappa, alpha, beta))
}

func newNW(t testing.TB, mu0 []float64, kappa, dof float64, v mat.Symmetric) *expfam.NormalWishart {
	t.Helper()
	return must[*expfam.NormalWishart](t)(expfam.NewNormalWishart(mu0, kappa, dof, v))
}

func TestConformanceNormalGamma(t *testing.T) {
	outside := [][]float64{{0, 0}, {1, -1}, {0, math.NaN()}}
	expfamtest.Conformance(t, newNG(t, 0.5, 2, 3, 1.5), &expfamtest.Options{Outside: outside})
	expfamtest.Conformance(t, newNG(t, -2, 0.1, 40, 9), nil)
	expfamtest.Conformance(t, newNG(t, 1, 2, 1e6, 1e6), nil)
	// E[1/τ], and with it the variance of μ, is infinite for α ≤ 1.
	expfamtest.Conformance(t, newNG(t, 0.3, 1, 0.7, 2), &expfamtest.Options{HeavyTails: true})
}

func TestConformanceNormalWishart(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 1))
	expfamtest.Conformance(t, newNW(t, []float64{0.4}, 1.5, 6, eye(1, 2)), nil)
	expfamtest.Conformance(t, newNW(t, []float64{1, -0.5}, 3, 7.5, randSPD(2, rng)),
		&expfamtest.Options{Outside: [][]float64{{0, 0, 1, 2, 1}, {0, 0, -1, 0, 1}}})
	expfamtest.Conformance(t, newNW(t, []float64{1, 0, -1}, 0.5, 12, eye(3, 0.3)), &expfamtest.Options{Draws: 4000})
}

// In one dimension the normal-Wishart is the normal-gamma.
func TestNormalWishartIsNormalGamma(t *testing.T) {
	a, b := newNG(t, 0.7, 2.5, 3, 1.25), newNW(t, []float64{0.7}, 2.5, 6, eye(1, 1/2.5))
	nearVec(t, "η", b.Natural(nil), a.Natural(nil), 1e-15)
	nearVec(t, "m", b.Expectation(nil), a.Expectation(nil), 1e-14)
	nearVec(t, "H", []float64{b.Entropy()}, []float64{a.Entropy()}, 1e-14)
	nearVec(t, "log p", []float64{b.LogProb([]float64{1, 2})}, []float64{a.LogProb([]float64{1, 2})}, 1e-14)
	c, d := newNG(t, -1, 1, 2, 4), newNW(t, []float64{-1}, 1, 4, eye(1, 0.125))
	nearVec(t, "KL", []float64{b.KLTo(d)}, []float64{a.KLTo(c)}, 1e-14)
	want := distuv.Gamma{Alpha: 3, Beta: 1.25}.LogProb(2) + distuv.Normal{Mu: 0.7, Sigma: 1 / math.Sqrt(2.5*2)}.LogProb(1)
	nearVec(t, "gonum", []float64{a.LogProb([]float64{1, 2})}, []float64{want}, 1e-14)
}

// A normal with unknown mean and precision: one step from any start reaches
// the textbook posterior.
func TestConjugateNormalGamma(t *testing.T) {
	rng := rand.New(rand.NewPCG(32, 1))
	for range 20 {
		prior := newNG(t, rng.NormFloat64(), 0.5+rng.Float64(), 1+rng.Float64(), 0.5+rng.Float64())
		q := newNG(t, rng.NormFloat64(), 3*rng.Float64(), 5*rng.Float64(), 5*rng.Float64())
		const n = 30
		y := randVec(n, rng)
		tan := prior.Natural(nil)
		var mean, ss float64
		for _, v := range y {
			// log N(y|μ, 1/τ) = ⟨(½, −y²/2, y, −½), T⟩ + const.
			tan[0] += 0.5
			tan[1] -= 0.5 * v * v
			tan[2] += v
			tan[3] -= 0.5
			mean += v / n
		}
		for _, v := range y {
			ss += (v - mean) * (v - mean)
		}
		tan = sub(tan, q.Natural(nil))
		if cond, err := q.Retract(tan, 1); cond != 0 || err != nil {
			t.Fatal(cond, err)
		}
		k0, r := prior.Kappa(), mean-prior.Mu0()
		nearVec(t, "posterior",
			[]float64{q.Mu0(), q.Kappa(), q.Alpha(), q.Beta()},
			[]float64{(k0*prior.Mu0() + n*mean) / (k0 + n), k0 + n, prior.Alpha() + n/2, prior.Beta() + ss/2 + k0*n*r*r/(2*(k0+n))}, 1e-10/n)
	}
}

// The same in d dimensions (Bishop 2006, exercise 2.45; Murphy 2012, 4.6.3.3).
func TestConjugateNormalWishart(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 1))
	const d, n = 3, 20
	prior := newNW(t, randVec(d, rng), 2, 6, randSPD(d, rng))
	q := newNW(t, randVec(d, rng), 0.3, 3.5, randSPD(d, rng))
	tan := prior.Natural(nil)
	k := len(tan)
	mean, scatter := mat.NewVecDense(d, nil), mat.NewSymDense(d, nil)
	for range n {
		y := randVec(d, rng)
		v := mat.NewVecDense(d, y)
		mean.AddScaledVec(mean, 1.0/n, v)
		scatter.SymRankOne(scatter, 1, v)
		tan[0] += 0.5
		tan[k-1] -= 0.5
		for i := range d {
			tan[k-1-d+i] += y[i]
		}
	}
	for i, v := range expfam.Svec(nil, scatter) {
		tan[1+i] -= 0.5 * v
	}
	if cond, err := q.Retract(sub(tan, q.Natural(nil)), 1); cond != 0 || err != nil {
		t.Fatal(cond, err)
	}
	// V⁻¹ = V₀⁻¹ + Σ(y−ȳ)(y−ȳ)' + κ₀n/(κ₀+n)·(ȳ−μ₀)(ȳ−μ₀)'.
	scatter.SymRankOne(scatter, -n, mean)
	mu0 := mat.NewVecDense(d, prior.Mu0(nil))
	var r mat.VecDense
	r.SubVec(mean, mu0)
	scatter.SymRankOne(scatter, 2.0*n/(2+n), &r)
	inv := prior.Scale(nil)
	invert(t, inv)
	inv.AddSym(inv, scatter)
	invert(t, inv)
	nearVec(t, "scale", dense(q.Scale(nil)), dense(inv), 1e-10)
	mu0.ScaleVec(2.0/(2+n), mu0)
	mu0.AddScaledVec(mu0, float64(n)/(2+n), mean)
	nearVec(t, "mu0", q.Mu0(nil), mu0.RawVector().Data, 1e-10)
	nearVec(t, "kappa, dof", []float64{q.Kappa(), q.Dof()}, []float64{2 + n, 6 + n}, 1e-12)
}

func invert(t *testing.T, s *mat.SymDense) {
	t.Helper()
	var ch mat.Cholesky
	if !ch.Factorize(s) {
		t.Fatal("not positive definite")
	}
	if err := ch.InverseTo(s); err != nil {
		t.Fatal(err)
	}
}

func TestNormalGammaErrors(t *testing.T) {
	for _, call := range []func() error{
		func() error { _, err := expfam.NewNormalGamma(math.NaN(), 1, 1, 1); return err },
		func() error { _, err := expfam.NewNormalGamma(0, 0, 1, 1); return err },
		func() error { _, err := expfam.NewNormalGamma(0, 1, -1, 1); return err },
		func() error { _, err := expfam.NewNormalGamma(0, 1, 1, math.Inf(1)); return err },
		func() error { _, err := expfam.NewNormalWishart(nil, 1, 3, &mat.SymDense{}); return err },
		func() error { _, err := expfam.NewNormalWishart([]float64{0, 0}, 1, 1, eye(2, 1)); return err },
		func() error { _, err := expfam.NewNormalWishart([]float64{0, 0}, -1, 3, eye(2, 1)); return err },
		func() error {
			_, err := expfam.NewNormalWishart([]float64{0, math.Inf(1)}, 1, 3, eye(2, 1))
			return err
		},
		func() error { _, err := expfam.NewNormalWishart([]float64{0, 0}, 1, 3, eye(2, -1)); return err },
		func() error { return newNG(t, 0, 1, 1, 1).SetExpectation([]float64{0, -1, 0, 1}) },
		func() error { return newNG(t, 0, 1, 1, 1).SetExpectation([]float64{0.1, 1, 0, 1}) },
		func() error { return newNG(t, 0, 1, 1, 1).SetExpectation([]float64{-1, 1, 2, 1}) },
	} {
		var e *expfam.DomainError
		if err := call(); !errors.As(err, &e) || e.Want == "" {
			t.Errorf("error is %v, want a *DomainError", err)
		}
	}
}
