package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmat"
)

func newWishart(t testing.TB, dof float64, scale mat.Symmetric) *expfam.Wishart {
	t.Helper()
	return must[*expfam.Wishart](t)(expfam.NewWishart(dof, scale))
}

func TestConformanceWishart(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	expfamtest.Conformance(t, newWishart(t, 2.5, eye(1, 3)), nil)
	expfamtest.Conformance(t, newWishart(t, 4.2, randSPD(2, rng)), &expfamtest.Options{Outside: [][]float64{{1, 2, 1}, {-1, 0, 1}, {math.NaN(), 0, 1}}})
	expfamtest.Conformance(t, newWishart(t, 30, eye(3, 0.2)), nil)
	expfamtest.Conformance(t, newWishart(t, 1e6, eye(2, 1)), &expfamtest.Options{Draws: 4000})
}

func TestWishartAgainstGonum(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 1))
	for _, d := range []int{1, 2, 4} {
		v := randSPD(d, rng)
		dof := float64(d) + 1.5
		w := newWishart(t, dof, v)
		g, ok := distmat.NewWishart(v, dof, nil)
		if !ok {
			t.Fatal("gonum refuses the scale")
		}
		for range 10 {
			x := w.Sample(nil, rng)
			nearVec(t, "LogProb", []float64{w.LogProb(x)}, []float64{g.LogProbSym(expfam.Smat(nil, x, d))}, 1e-10)
		}
		nearVec(t, "scale", dense(w.Scale(nil)), dense(v), 1e-11)
		nearVec(t, "dof", []float64{w.Dof()}, []float64{dof}, 1e-14)
	}
}

func TestWishartDomain(t *testing.T) {
	w := newWishart(t, 4, eye(2, 1))
	m := w.Expectation(nil)
	m[0] = math.Log(16) + 1e-9 // above log|E W|: Jensen's inequality forbids it
	var e *expfam.DomainError
	if err := w.SetExpectation(m); !errors.As(err, &e) {
		t.Errorf("error is %v", err)
	}
	for _, c := range []struct {
		dof float64
		v   *mat.SymDense
	}{{1, eye(2, 1)}, {math.NaN(), eye(2, 1)}, {5, eye(2, -1)}} {
		if _, err := expfam.NewWishart(c.dof, c.v); !errors.As(err, &e) {
			t.Errorf("NewWishart(%v, %v): error is %v", c.dof, c.v, err)
		}
	}
}

// Known mean, unknown precision: one step reaches the exact posterior.
func TestConjugateWishart(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 1))
	const d, n = 3, 25
	prior := newWishart(t, 5, randSPD(d, rng))
	q := newWishart(t, 3.3, randSPD(d, rng))
	inv := prior.Scale(nil)
	var ch mat.Cholesky
	ch.Factorize(inv)
	if err := ch.InverseTo(inv); err != nil {
		t.Fatal(err)
	}
	tan := prior.Natural(nil)
	for range n {
		y := mat.NewVecDense(d, randVec(d, rng))
		inv.SymRankOne(inv, 1, y)
		msg := mat.NewSymDense(d, nil)
		msg.SymRankOne(msg, -0.5, y)
		tan[0] += 0.5
		for i, v := range expfam.Svec(nil, msg) {
			tan[1+i] += v
		}
	}
	tan = sub(tan, q.Natural(nil))
	if cond, err := q.Retract(tan, 1); cond != 0 || err != nil {
		t.Fatal(cond, err)
	}
	ch.Factorize(inv)
	want := mat.NewSymDense(d, nil)
	if err := ch.InverseTo(want); err != nil {
		t.Fatal(err)
	}
	nearVec(t, "dof", []float64{q.Dof()}, []float64{5 + n}, 1e-12)
	nearVec(t, "scale", dense(q.Scale(nil)), dense(want), 1e-10)
}
