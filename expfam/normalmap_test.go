package expfam_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

func dense(a mat.Matrix) []float64 { return mat.DenseCopyOf(a).RawMatrix().Data }

func TestNormalAffine(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	const d = 5
	q := randNormal(t, d, rng)
	for _, k := range []int{1, 3, 5} {
		T, a := mat.NewDense(k, d, randVec(k*d, rng)), randVec(k, rng)
		y, err := q.Affine(a, T)
		if err != nil {
			t.Fatal(err)
		}
		var mu mat.VecDense
		mu.MulVec(T, mat.NewVecDense(d, q.Mean(nil)))
		mu.AddVec(&mu, mat.NewVecDense(k, a))
		nearVec(t, "mean", y.Mean(nil), mu.RawVector().Data, 1e-11)
		var c mat.Dense
		c.Product(T, q.Cov(nil), T.T())
		nearVec(t, "cov", dense(y.Cov(nil)), c.RawMatrix().Data, 1e-11)
	}
	// There and back again.
	T := mat.NewDense(d, d, randVec(d*d, rng))
	var inv mat.Dense
	if err := inv.Inverse(T); err != nil {
		t.Fatal(err)
	}
	y, err := q.Affine(nil, T)
	if err != nil {
		t.Fatal(err)
	}
	back, err := y.Affine(nil, &inv)
	if err != nil {
		t.Fatal(err)
	}
	nearVec(t, "T⁻¹T", back.Natural(nil), q.Natural(nil), 1e-9)
	nearVec(t, "entropy", []float64{y.Entropy() - q.Entropy()}, []float64{logAbsDet(T)}, 1e-11)

	twice := mat.NewDense(2, d, nil)
	twice.Set(0, 1, 1)
	twice.Set(1, 1, 2)
	var e *expfam.DomainError
	if _, err := q.Affine(nil, twice); !errors.As(err, &e) || e.Index != 1 {
		t.Errorf("dependent rows: error is %v", err)
	}
	if _, err := q.Affine(nil, mat.NewDense(d+1, d, randVec(d*d+d, rng))); !errors.As(err, &e) {
		t.Errorf("more rows than coordinates: error is %v", err)
	}
}

func logAbsDet(a mat.Matrix) float64 {
	l, _ := mat.LogDet(a)
	return l
}

func TestNormalMarginalConditional(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	const d = 5
	q := randNormal(t, d, rng)
	idx, rest := []int{3, 1}, []int{0, 2, 4}
	m, err := q.Marginal(idx)
	if err != nil {
		t.Fatal(err)
	}
	cov, mu := q.Cov(nil), q.Mean(nil)
	for a, i := range idx {
		nearVec(t, "mean", m.Mean(nil)[a:a+1], mu[i:i+1], 1e-12)
		for b, j := range idx {
			nearVec(t, "cov", []float64{m.Cov(nil).At(a, b)}, []float64{cov.At(i, j)}, 1e-12)
		}
	}
	// p(x) = p(x_c) p(x_r | x_c).
	for range 10 {
		x := q.Sample(nil, rng)
		c, err := q.Conditional(idx, []float64{x[3], x[1]})
		if err != nil {
			t.Fatal(err)
		}
		xr := []float64{x[rest[0]], x[rest[1]], x[rest[2]]}
		got := m.LogProb([]float64{x[3], x[1]}) + c.LogProb(xr)
		nearVec(t, "log p", []float64{got}, []float64{q.LogProb(x)}, 1e-11)
	}
	for _, bad := range [][]int{nil, {5}, {-1}, {1, 1}} {
		if _, err := q.Marginal(bad); err == nil {
			t.Errorf("Marginal(%v) does not err", bad)
		}
		if _, err := q.Conditional(bad, make([]float64, len(bad))); err == nil {
			t.Errorf("Conditional(%v) does not err", bad)
		}
	}
	if _, err := q.Conditional([]int{0, 1, 2, 3, 4}, make([]float64, d)); err == nil {
		t.Error("Conditional on everything does not err")
	}
}

func TestConformanceNormalUV(t *testing.T) {
	for _, p := range [][2]float64{{0, 1}, {-3, 0.2}, {0.01, 50}} {
		q, err := expfam.NewNormalUV(p[0], p[1])
		if err != nil {
			t.Fatal(err)
		}
		expfamtest.Conformance(t, q, nil)
		nearVec(t, "accessors", []float64{q.Mu(), q.Sigma()}, p[:], 1e-15)
		want := distuv.Normal{Mu: p[0], Sigma: p[1]}
		nearVec(t, "LogProb", []float64{q.LogProb([]float64{0.3})}, []float64{want.LogProb(0.3)}, 1e-14)
	}
	if _, err := expfam.NewNormalUV(0, -1); err == nil || err.Error() != "expfam: univariate-normal.NewNormalUV: sigma is -1, want > 0, with a finite square and inverse square" {
		t.Errorf("error is %v", err)
	}
}
