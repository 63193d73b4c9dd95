package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
	"gonum.org/v1/gonum/mat"
)

func newIW(t testing.TB, dof float64, scale mat.Symmetric) *expfam.InverseWishart {
	t.Helper()
	return must[*expfam.InverseWishart](t)(expfam.NewInverseWishart(dof, scale))
}

func newNIW(t testing.TB, mu0 []float64, kappa, dof float64, scale mat.Symmetric) *expfam.NormalInverseWishart {
	t.Helper()
	return must[*expfam.NormalInverseWishart](t)(expfam.NewNormalInverseWishart(mu0, kappa, dof, scale))
}

func TestConformanceInverseWishart(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 1))
	expfamtest.Conformance(t, newIW(t, 2.5, eye(1, 3)), &expfamtest.Options{HeavyTails: true, Outside: [][]float64{{0}, {-1}, {nan}}})
	expfamtest.Conformance(t, newIW(t, 9.2, randSPD(2, rng)), &expfamtest.Options{Outside: [][]float64{{1, 2, 1}, {-1, 0, 1}, {nan, 0, 1}}})
	expfamtest.Conformance(t, newIW(t, 30, eye(3, 0.2)), nil)
	expfamtest.Conformance(t, newIW(t, 1e6, eye(2, 1e6)), &expfamtest.Options{Draws: 4000})
}

func TestConformanceNormalInverseWishart(t *testing.T) {
	rng := rand.New(rand.NewPCG(52, 1))
	expfamtest.Conformance(t, newNIW(t, []float64{0.4}, 1.5, 9, eye(1, 2)), nil)
	expfamtest.Conformance(t, newNIW(t, []float64{1, -0.5}, 3, 12.5, randSPD(2, rng)), &expfamtest.Options{Outside: [][]float64{{0, 0, 1, 2, 1}, {0, 0, -1, 0, 1}}})
	expfamtest.Conformance(t, newNIW(t, []float64{1, 0, -1}, 0.5, 14, eye(3, 0.3)), &expfamtest.Options{Draws: 4000})
}

// TestInverseWishartDrawsAtEdge draws where ν is next to d−1. For d = 1 draws are in the
// support; for d > 1 they are NaN where Σ⁻¹ is singular, and not Σ⁻¹ itself.
func TestInverseWishartDrawsAtEdge(t *testing.T) {
	for _, q := range []expfam.Dist{newIW(t, 1e-3, eye(1, 1)), must[*expfam.Wishart](t)(expfam.NewWishart(1e-3, eye(1, 1)))} {
		rng := rand.New(rand.NewPCG(55, 1))
		for range 200 {
			if x := q.Sample(nil, rng); math.IsInf(q.LogProb(x), 0) {
				t.Fatalf("%s of order 1: a draw is %v", q.Name(), x)
			}
		}
	}
	for d := 2; d <= 3; d++ {
		q := newIW(t, float64(d)-0.9, eye(d, 1))
		w := must[*expfam.Wishart](t)(expfam.NewWishart(q.Dof(), eye(d, 1)))
		rng, same := rand.New(rand.NewPCG(56, 1)), rand.New(rand.NewPCG(56, 1))
		for range 200 {
			if x, inverse := q.Sample(nil, rng), w.Sample(nil, same); x[0] == inverse[0] {
				t.Fatalf("order %d: the draw %v is its inverse", d, x)
			}
		}
	}
}

// TestInverseWishartForms compares d = 1 with inverse-gamma and normal-gamma
// distributions and a conjugate update with its closed form.
func TestInverseWishartForms(t *testing.T) {
	w := newIW(t, 7, eye(1, 3))
	g := must[*expfam.InverseGamma](t)(expfam.NewInverseGamma(3.5, 1.5))
	for _, x := range []float64{0.1, 0.6, 4} {
		near(t, "density", w.LogProb([]float64{x}), g.LogProb([]float64{x}), 1e-13)
	}
	near(t, "entropy", w.Entropy(), g.Entropy(), 1e-13)
	near(t, "mean", w.Mean(nil)[0], g.Mean(nil)[0], 1e-14)

	// μ|Σ ~ N(μ₀, Σ/κ): p(μ, σ²) = p(σ²)·N(μ; μ₀, σ²/κ).
	q := newNIW(t, []float64{0.5}, 2, 7, eye(1, 3))
	mu, v := 0.8, 0.6
	want := g.LogProb([]float64{v}) - 0.5*math.Log(2*math.Pi*v/2) - 0.5*2*(mu-0.5)*(mu-0.5)/v
	near(t, "density of (μ, σ²)", q.LogProb([]float64{mu, v}), want, 1e-13)
	near(t, "kappa", q.Kappa(), 2, 1e-15)
	near(t, "mu0", q.Mu0(nil)[0], 0.5, 1e-15)

	// A normal observation y with known mean 0 adds 1 to ν and yy' to Ψ.
	rng := rand.New(rand.NewPCG(53, 1))
	prior, y := newIW(t, 6, randSPD(3, rng)), randVec(3, rng)
	yy := mat.NewSymDense(3, nil)
	yy.SymRankOne(yy, -0.5, mat.NewVecDense(3, y))
	tan := append([]float64{-0.5}, expfam.Svec(nil, yy)...)
	post := prior.Clone().(*expfam.InverseWishart)
	if c, err := post.Retract(tan, 1); c != 0 || err != nil {
		t.Fatal(c, err)
	}
	near(t, "dof", post.Dof(), 7, 1e-14)
	scale := prior.Scale(nil)
	scale.SymRankOne(scale, 1, mat.NewVecDense(3, y))
	nearVec(t, "scale", dense(post.Scale(nil)), dense(scale), 1e-13)
}

func TestInverseWishartDomain(t *testing.T) {
	w := newIW(t, 2.5, eye(2, 1))
	if m := w.Mean(nil); !math.IsInf(m[0], 1) || !math.IsNaN(m[1]) {
		t.Errorf("mean of 2.5 degrees of freedom is %v", m)
	}
	asymmetric := eye(2, 1)
	asymmetric.SetSym(0, 1, nan)
	for _, err := range []error{
		second(expfam.NewInverseWishart(1, eye(2, 1))), second(expfam.NewInverseWishart(nan, eye(2, 1))), second(expfam.NewInverseWishart(5, eye(2, -1))),
		second(expfam.NewInverseWishart(5, asymmetric)), second(expfam.NewNormalInverseWishart([]float64{1, nan}, 1, 5, eye(2, 1))),
		second(expfam.NewNormalInverseWishart([]float64{1, 2}, 0, 5, eye(2, 1))), second(expfam.NewNormalInverseWishart([]float64{1, 2}, 1, 5, asymmetric)),
		second(expfam.NewNormalInverseWishart([]float64{1, 2}, 1, 1, eye(2, 1))),
		w.SetExpectation([]float64{-10, 1, 0, -1}),
	} {
		var e *expfam.DomainError
		if !errors.As(err, &e) || e.Family != "inverse-wishart" && e.Family != "normal-inverse-wishart" {
			t.Errorf("error is %v, want a *DomainError of the family", err)
		}
	}
	var e *expfam.PrecisionError
	if err := w.SetExpectation(newIW(t, 1e8, eye(2, 1)).Expectation(nil)); !errors.As(err, &e) || e.Family != "inverse-wishart" {
		t.Errorf("error is %v, want a *PrecisionError", err)
	}
}
