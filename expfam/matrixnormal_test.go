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

// newMN returns a d×p matrix normal distribution drawn from a seed.
func newMN(t testing.TB, d, p int, seed uint64) *expfam.MatrixNormal {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 71))
	return must[*expfam.MatrixNormal](t)(expfam.NewMatrixNormal(mat.NewDense(d, p, randVec(d*p, rng)), randSPD(d, rng), randSPD(p, rng)))
}

func TestConformanceMatrixNormal(t *testing.T) {
	for _, s := range [][2]int{{1, 1}, {2, 3}, {3, 1}, {1, 4}} {
		expfamtest.Conformance(t, newMN(t, s[0], s[1], 3), &expfamtest.Options{Sized: true, RoundingLoss: true, Draws: 5000})
	}
}

// TestMatrixNormalVec compares with the normal distribution of Z row by row, whose
// covariance is U ⊗ V.
func TestMatrixNormalVec(t *testing.T) {
	const d, p = 2, 3
	m, o := newMN(t, d, p, 5), newMN(t, d, p, 5)
	tan := make([]float64, m.NumParams())
	tan[0], tan[3], tan[7] = 0.3, -0.5, -0.2
	if _, err := o.Retract(tan, 1); err != nil {
		t.Fatal(err)
	}
	vec := func(m *expfam.MatrixNormal) *expfam.Normal {
		var k mat.Dense
		k.Kronecker(m.RowCov(nil), m.ColCov(nil))
		cov := mat.NewSymDense(d*p, nil)
		for i := range d * p {
			for j := i; j < d*p; j++ {
				cov.SetSym(i, j, k.At(i, j))
			}
		}
		return must[*expfam.Normal](t)(expfam.NewNormal(m.Mean(nil), cov))
	}
	n := vec(m)
	rng := rand.New(rand.NewPCG(9, 1))
	for range 5 {
		x := m.Sample(nil, rng)
		near(t, "density", m.LogProb(x), n.LogProb(x), 1e-11)
	}
	near(t, "entropy", m.Entropy(), n.Entropy(), 1e-12)
	kl, err := expfam.KL(m, o)
	if err != nil {
		t.Fatal(err)
	}
	want, err := expfam.KL(n, vec(o))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "KL", kl, want, 1e-9)
	x := m.Mirror(nil, m.Mean(nil))
	nearVec(t, "mirror of the mean", x, m.Mean(nil), 1e-15)
}

// TestMatrixNormalTangent checks that a member of the family as target is reached
// by one step of rate 1 from its expected gradient and Hessian, and that Stein's
// form of draws agrees with that on average.
func TestMatrixNormalTangent(t *testing.T) {
	const d, p = 2, 2
	q, target := newMN(t, d, p, 6), newMN(t, d, p, 6)
	tan := []float64{0.3, -0.5, 0.2, 0.1, -0.2, 0.03, -0.1}
	if _, err := target.Retract(tan, 1); err != nil {
		t.Fatal(err)
	}
	var prec mat.Dense
	var k mat.Dense
	k.Kronecker(target.RowCov(nil), target.ColCov(nil))
	if err := prec.Inverse(&k); err != nil {
		t.Fatal(err)
	}
	hess := mat.NewSymDense(d*p, nil)
	for i := range d * p {
		for j := i; j < d*p; j++ {
			hess.SetSym(i, j, -prec.At(i, j))
		}
	}
	mean := q.Mean(nil)
	step := make([]float64, q.NumParams())
	q.Tangent(step, &expfam.Draw{X: mean, Grad: target.Score(nil, mean), Hess: hess}, 1)
	q.EntropyTangent(step)
	if c, err := q.Retract(step, 1); c != 0 || err != nil {
		t.Fatal(c, err)
	}
	nearVec(t, "η after one step", q.Natural(nil), target.Natural(nil), 1e-10)
}

func TestMatrixNormalErrors(t *testing.T) {
	one := mat.NewDense(1, 1, []float64{1})
	for _, err := range []error{
		second(expfam.NewMatrixNormal(mat.NewDense(1, 1, []float64{math.Inf(1)}), eye(1, 1), eye(1, 1))),
		second(expfam.NewMatrixNormal(one, eye(1, -1), eye(1, 1))), second(expfam.NewMatrixNormal(one, eye(1, 1), eye(1, 0))),
		second(expfam.NewMatrixNormal(one, eye(1, nan), eye(1, 1))),
		newMN(t, 1, 1, 1).SetExpectation([]float64{1e6, 1}), newMN(t, 1, 1, 1).SetNatural([]float64{0, 1}),
	} {
		var e *expfam.DomainError
		if !errors.As(err, &e) {
			t.Errorf("error is %v, want a *DomainError", err)
		}
	}
	mustPanic(t, "length of colCov is 2, want 1", func() { expfam.NewMatrixNormal(one, eye(1, 1), eye(2, 1)) })
}
