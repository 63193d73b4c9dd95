package expfam_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// A matrix that is nil, or a variable that was never set, is an error.
func TestNilMatrices(t *testing.T) {
	var unset *mat.SymDense
	for _, a := range []mat.Symmetric{nil, unset, (*mat.DiagDense)(nil)} {
		for name, f := range map[string]func() error{
			"NewNormal":               func() error { _, err := expfam.NewNormal([]float64{0}, a); return err },
			"NewNormalPrecision":      func() error { _, err := expfam.NewNormalPrecision([]float64{0}, a); return err },
			"NewWishart":              func() error { _, err := expfam.NewWishart(3, a); return err },
			"NewInverseWishart":       func() error { _, err := expfam.NewInverseWishart(3, a); return err },
			"NewNormalWishart":        func() error { _, err := expfam.NewNormalWishart([]float64{0}, 1, 3, a); return err },
			"NewNormalInverseWishart": func() error { _, err := expfam.NewNormalInverseWishart([]float64{0}, 1, 3, a); return err },
			"NewMatrixNormal, mean":   func() error { _, err := expfam.NewMatrixNormal((*mat.Dense)(nil), eye(1, 1), eye(1, 1)); return err },
			"NewMatrixNormal":         func() error { _, err := expfam.NewMatrixNormal(mat.NewDense(1, 1, nil), eye(1, 1), a); return err },
		} {
			var e *expfam.DomainError
			if err := f(); !errors.As(err, &e) || !strings.HasSuffix(err.Error(), "want a matrix, not nil") {
				t.Errorf("%s of nil: %v", name, err)
			}
		}
	}
}

func TestGaussianShapeMistakesPanic(t *testing.T) {
	q, d := expfam.StandardNormal(3), expfam.StandardDiagNormal(3)
	u, err := expfam.NewNormalUV(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	w, ng := newWishart(t, 4, eye(2, 1)), newNG(t, 0, 1, 1, 1)
	nw, p := newNW(t, []float64{0, 0}, 1, 4, eye(2, 1)), newProduct(t)
	x4 := blas64.General{Rows: 2, Cols: 4, Stride: 4, Data: make([]float64, 8)}
	x3 := blas64.General{Rows: 2, Cols: 3, Stride: 3, Data: make([]float64, 6)}
	two := make([]float64, 2)
	for _, c := range []struct {
		want string
		f    func()
	}{
		{"StandardNormal: d is 0", func() { expfam.StandardNormal(0) }},
		{"StandardDiagNormal: d is 0", func() { expfam.StandardDiagNormal(0) }},
		{"length of cov is 2, want 3", func() { expfam.NewNormal(make([]float64, 3), eye(2, 1)) }},
		{"length of prec is 2, want 3", func() { expfam.NewNormalPrecision(make([]float64, 3), eye(2, 1)) }},
		{"length of scale is 2, want 1", func() { expfam.NewNormalWishart([]float64{1}, 1, 3, eye(2, 1)) }},
		{"Normal.Cov: length of dst is 2, want 3", func() { q.Cov(eye(2, 1)) }},
		{"Normal.Precision: length of dst", func() { q.Precision(eye(2, 1)) }},
		{"want 3×3 Lower", func() { q.CholPrecision(mat.NewTriDense(3, mat.Upper, nil)) }},
		{"j is 3, want 0 <= j < 3", func() { q.CovColumn(nil, 3) }},
		{"j is -1", func() { d.CovColumn(nil, -1) }},
		{"length of x.Cols is 4, want 3", func() { q.PredictorVar(nil, x4, nil) }},
		{"length of x.Cols is 4, want 3", func() { d.PredictorVar(nil, x4, nil) }},
		{"length of work is 2", func() { q.PredictorVar(nil, x3, two) }},
		{"length of Grad is 2, want 3", func() { q.Tangent(make([]float64, 9), &expfam.Draw{Grad: two}, 1) }},
		{"length of Hess is 2, want 3", func() { q.Tangent(make([]float64, 9), &expfam.Draw{Grad: make([]float64, 3), Hess: eye(2, 1)}, 1) }},
		{"length of Hess is 2, want 3", func() { d.Tangent(make([]float64, 6), &expfam.Draw{Grad: make([]float64, 3), Hess: eye(2, 1)}, 1) }},
		{"length of HessDiag is 2, want 3", func() { d.Tangent(make([]float64, 6), &expfam.Draw{Grad: make([]float64, 3), HessDiag: two}, 1) }},
		{"length of a row of T is 2, want 3", func() { q.Affine(nil, eye(2, 1)) }},
		{"length of x is 2, want 1", func() { q.Conditional([]int{1}, two) }},
		{"want normal of dimension 3", func() { q.KLTo(d) }},
		{"want diagonal-normal of dimension 3", func() { d.KLTo(expfam.StandardDiagNormal(2)) }},
		{"want univariate-normal", func() { u.KLTo(expfam.StandardDiagNormal(1)) }},
		{"want wishart of dimension 3", func() { w.KLTo(newWishart(t, 4, eye(1, 1))) }},
		{"want normal-gamma", func() { ng.KLTo(q) }},
		{"want normal-wishart of dimension 5", func() { nw.KLTo(q) }},
		{"want product(", func() {
			o, err := expfam.NewProduct(q)
			if err != nil {
				t.Fatal(err)
			}
			p.KLTo(o)
		}},
	} {
		mustPanic(t, c.want, c.f)
	}
}

// Families of equal size refuse each other's bytes, and a zero value takes
// only what it can be.
func TestGaussianBytesAreTheirOwn(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 1))
	u, err := expfam.NewNormalUV(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	all := []expfam.Dist{
		randNormal(t, 2, rng), expfam.StandardDiagNormal(2), u,
		newWishart(t, 4, randSPD(2, rng)), newNG(t, 1, 2, 3, 4), newNW(t, []float64{0, 1}, 1, 4, randSPD(2, rng)),
	}
	zero := func() []expfam.Dist {
		return []expfam.Dist{
			new(expfam.Normal), new(expfam.DiagNormal), new(expfam.NormalUV),
			new(expfam.Wishart), new(expfam.NormalGamma), new(expfam.NormalWishart),
		}
	}
	for i, d := range all {
		b, err := d.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		for j, z := range zero() {
			err := z.UnmarshalBinary(b)
			if (err == nil) != (i == j) {
				t.Errorf("%s into a zero %s: error is %v", d.Name(), z.Name(), err)
			}
			if err != nil && z.NumParams() != 0 {
				t.Errorf("a refused zero %s has %d parameters", z.Name(), z.NumParams())
			}
			if i == j {
				nearVec(t, d.Name(), z.Natural(nil), d.Natural(nil), 0)
			}
		}
	}
}

func TestGaussianAliasing(t *testing.T) {
	rng := rand.New(rand.NewPCG(42, 1))
	q := randNormal(t, 3, rng)
	d, err := expfam.NewDiagNormal([]float64{1, 2, 3}, []float64{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []interface {
		Mirror(dst, x []float64) []float64
		Mean(dst []float64) []float64
	}{q, d} {
		x := randVec(3, rng)
		want := m.Mirror(nil, x)
		mu := m.Mean(nil)
		for i := range want {
			if v := 2*mu[i] - x[i]; v != want[i] {
				t.Errorf("Mirror[%d] is %v, want %v", i, want[i], v)
			}
		}
		nearVec(t, "Mirror in place", m.Mirror(x, x), want, 0)
	}
	if l := q.LogDetPrecision(); l == 0 {
		t.Error("log|S| is 0")
	} else {
		nearVec(t, "log|S|", []float64{l}, []float64{logAbsDet(q.Precision(nil))}, 1e-12)
	}
	if k := newWishart(t, 4, eye(3, 1)).Order(); k != 3 {
		t.Errorf("Order is %d", k)
	}
}

// enginePosterior is what the variational engine asks of a Gaussian.
type enginePosterior interface {
	expfam.Dist
	Tangent(dst []float64, d *expfam.Draw, w float64)
	EntropyTangent(dst []float64) (exact bool)
	Mirror(dst, x []float64) []float64
	Sd(dst []float64) []float64
	Cov(dst *mat.SymDense) *mat.SymDense
	CovColumn(dst []float64, j int) []float64
	PredictorVar(dst []float64, x blas64.General, work []float64) []float64
}

var _ = []enginePosterior{(*expfam.Normal)(nil), (*expfam.DiagNormal)(nil), (*expfam.NormalUV)(nil)}
