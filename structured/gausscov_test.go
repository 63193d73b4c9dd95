package structured

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// TestGaussianAgainstNormal compares everything that a Gaussian tells with the
// dense normal distribution of the same moments.
func TestGaussianAgainstNormal(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, name := range shapes {
		q := random(t, name, rng)
		p := q.Dim()
		n, err := expfam.NewNormalPrecision(q.Mean(nil), q.Precision(nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		x := normals(rng, p, 2)
		near(t, name+": log density", []float64{q.LogProb(x)}, []float64{n.LogProb(x)}, 1e-12)
		near(t, name+": entropy", []float64{q.Entropy()}, []float64{n.Entropy()}, 1e-12)
		near(t, name+": sds", q.Sd(nil), n.Sd(nil), 1e-12)
		near(t, name+": covariance", mat.DenseCopyOf(q.Cov(nil, nil)).RawMatrix().Data, mat.DenseCopyOf(n.Cov(nil)).RawMatrix().Data, 1e-12)
		near(t, name+": column", q.CovColumn(nil, 3), n.CovColumn(nil, 3), 1e-12)
		rows := blas64.General{Rows: 4, Cols: 5, Stride: 7, Data: normals(rng, 28, 1)}
		near(t, name+": predictors", q.PredictorVar(nil, rows, nil), n.PredictorVar(nil, rows, nil), 1e-12)
		near(t, name+": mirror", q.Mirror(nil, x), n.Mirror(nil, x), 1e-12)
		score, step := q.Score(nil, x), 1e-5
		for i := range x {
			up, down := slices.Clone(x), slices.Clone(x)
			up[i] += step
			down[i] -= step
			near(t, name+": score", score[i:i+1], []float64{(q.LogProb(up) - q.LogProb(down)) / (2 * step)}, 1e-8)
		}
		checkBlocks(t, name, q, n.Cov(nil))
	}
}

// checkBlocks compares marginals and conditionals with the formulas from the
// whole covariance.
func checkBlocks(t *testing.T, name string, q *Gaussian, cov *mat.SymDense) {
	t.Helper()
	mu := q.Mean(nil)
	for _, c := range []struct{ idx, given []int }{{[]int{4, 1}, nil}, {[]int{4, 1}, []int{0, 3}}, {[]int{2}, []int{5, 4, 3, 1, 0}}} {
		a, b := c.idx, c.given
		v := make([]float64, len(b))
		for i := range v {
			v[i] = 0.5 * float64(i+1)
		}
		got, err := q.Conditional(a, b, v)
		if err != nil {
			t.Fatal(err)
		}
		aa := pick(cov, a, a)
		m := mat.NewVecDense(len(a), nil)
		for i, j := range a {
			m.SetVec(i, mu[j])
		}
		if len(b) == 0 {
			if got, err = q.Marginal(a); err != nil {
				t.Fatal(err)
			}
		} else {
			r := mat.NewVecDense(len(b), nil)
			for i, j := range b {
				r.SetVec(i, v[i]-mu[j])
			}
			var w, x mat.Dense
			if err := w.Solve(pick(cov, b, b), pick(cov, b, a)); err != nil {
				t.Fatal(err)
			}
			x.Mul(pick(cov, a, b), &w)
			aa.Sub(aa, &x)
			var shift mat.VecDense
			shift.MulVec(w.T(), r)
			m.AddVec(m, &shift)
		}
		at := fmt.Sprintf("%s: %v given %v: ", name, a, b)
		near(t, at+"mean", got.Mean(nil), m.RawVector().Data, 1e-11)
		near(t, at+"covariance", mat.DenseCopyOf(got.Cov(nil)).RawMatrix().Data, aa.RawMatrix().Data, 1e-11)
	}
}

// TestWide looks at a Gaussian whose p×p matrices would not fit in memory.
func TestWide(t *testing.T) {
	const p = 100_000
	rng := rand.New(rand.NewPCG(14, 1))
	for _, root := range []func() (Factor, error){
		func() (Factor, error) { return HeisenbergUp(p, 3, 2) },
		func() (Factor, error) { return HeisenbergLow(p, 3, 2) },
	} {
		f, err := root()
		if err != nil {
			t.Fatal(err)
		}
		v := f.Values(nil)
		for i, e := range normals(rng, len(v), 0.01) {
			v[i] += e
		}
		if err := f.SetValues(v); err != nil {
			t.Fatal(err)
		}
		q := mustNew(t, normals(rng, p, 1), f)
		sd := q.Sd(nil)
		idx := []int{0, 2, 3, 777, p - 3, p - 2, p - 1}
		cov := q.Cov(nil, idx)
		cond, err := q.Conditional(idx[:3], idx[3:], make([]float64, 4))
		if err != nil {
			t.Fatal(err)
		}
		for i, j := range idx {
			c := q.CovColumn(nil, j)
			near(t, "variance", []float64{sd[j] * sd[j], cov.At(i, i)}, []float64{c[j], c[j]}, 1e-11)
			near(t, "covariance", []float64{cov.At(0, i)}, []float64{c[0]}, 1e-11)
			if i < 3 && !(cond.Sd(nil)[i] < sd[j]) {
				t.Errorf("coordinate %d has sd %v, and %v given others", j, sd[j], cond.Sd(nil)[i])
			}
		}
	}
}
