package mixture

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// randomMatrixPrecision returns AA' + I/2 of order k.
func randomMatrixPrecision(k int, rng *rand.Rand) *mat.SymDense {
	a := mat.NewDense(k, k, nil)
	for i := range k {
		for j := range k {
			a.Set(i, j, rng.NormFloat64())
		}
	}
	var s mat.SymDense
	s.SymOuterK(1, a)
	for i := range k {
		s.SetSym(i, i, s.At(i, i)+0.5)
	}
	return &s
}

func randomMatrixNormal(t testing.TB, n, p int, rng *rand.Rand) *MatrixNormal {
	w := mat.NewDense(n, p, nil)
	for i := range n {
		for j := range p {
			w.Set(i, j, rng.NormFloat64())
		}
	}
	return made[*MatrixNormal](t)(NewMatrixNormal(w, randomMatrixPrecision(n, rng), randomMatrixPrecision(p, rng)))
}

// denseOf returns the same distribution as a normal one of rows after each other.
func denseOf(t testing.TB, q *MatrixNormal) *expfam.Normal {
	n, p := q.Dims()
	var k mat.Dense
	k.Kronecker(q.RowPrecision(nil), q.ColPrecision(nil))
	prec := mat.NewSymDense(n*p, nil)
	for i := range n * p {
		for j := i; j < n*p; j++ {
			prec.SetSym(i, j, k.At(i, j))
		}
	}
	return made[*expfam.Normal](t)(expfam.NewNormalPrecision(q.Mean(nil), prec))
}

// matrixNormalTarget is a normal density with gradient.
func matrixNormalTarget(q *expfam.Normal) *vi.Target {
	d := q.Dim()
	eta := q.Natural(nil)
	prec := expfam.Smat(nil, eta[d:], d) // −½ of the precision
	prec.ScaleSym(-2, prec)
	return &vi.Target{Dim: d, LogProb: q.LogProb, Grad: func(dst, x []float64) float64 {
		for i := range d {
			dst[i] = eta[i]
			for j := range d {
				dst[i] -= prec.At(i, j) * x[j]
			}
		}
		return q.LogProb(x)
	}}
}

func TestMatrixNormalAgainstDense(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	q := randomMatrixNormal(t, 3, 2, rng)
	full := denseOf(t, q)
	x := make([]float64, 6)
	for range 5 {
		q.Sample(x, rng)
		agree(t, "log q", q.LogProb(x), full.LogProb(x), 1e-12)
	}
	agree(t, "entropy", q.Entropy(), full.Entropy(), 1e-12)
	for i, s := range q.Sd(nil) {
		agree(t, "variance", s*s, full.CovColumn(nil, i)[i], 1e-12)
	}
	// Draws have the covariance of the dense distribution.
	const n = 20000
	cov := mat.NewSymDense(6, nil)
	for range n {
		q.Sample(x, rng)
		for i, m := range q.Mean(nil) {
			x[i] -= m
		}
		cov.SymRankOne(cov, 1./n, mat.NewVecDense(6, x))
	}
	for j := range 6 {
		for i, c := range full.CovColumn(nil, j) {
			vi, vj := full.CovColumn(nil, i)[i], full.CovColumn(nil, j)[j]
			if se := math.Sqrt((vi*vj + c*c) / n); math.Abs(cov.At(i, j)-c) > 4.5*se {
				t.Errorf("covariance (%d, %d) of draws is %v, want %v ± %v", i, j, cov.At(i, j), c, se)
			}
		}
	}
}

// TestMatrixNormalTangent: on a quadratic target the tangent is the natural gradient
// of the ELBO. The points W ± √d σ_i integrate polynomials up to degree 3 exactly.
func TestMatrixNormalTangent(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	q := randomMatrixNormal(t, 3, 2, rng)
	p := denseOf(t, randomMatrixNormal(t, 2, 3, rng)) // no matrix normal of the shape of q
	target := matrixNormalTarget(p)
	d := &expfam.Draw{X: make([]float64, 6), Grad: make([]float64, 6)}
	tan := make([]float64, q.NumParams())
	var root mat.Cholesky
	cov := mat.NewSymDense(6, nil)
	for j := range 6 {
		for i, v := range denseOf(t, q).CovColumn(nil, j) {
			if i <= j {
				cov.SetSym(i, j, v)
			}
		}
	}
	if !root.Factorize(cov) {
		t.Fatal("covariance")
	}
	var l mat.TriDense
	root.LTo(&l)
	for k := range 12 {
		for i, m := range q.Mean(nil) {
			d.X[i] = m + float64(1-2*(k%2))*math.Sqrt(6)*l.At(i, k/2)
		}
		target.Grad(d.Grad, d.X)
		q.Tangent(tan, d, 1./12)
	}
	q.EntropyTangent(tan)
	kl := func() float64 { return -made[float64](t)(expfam.KL(denseOf(t, q), p)) }
	for j, v := range q.FisherMul(nil, tan) {
		agree(t, "slope of the ELBO", v, slopeOf(t, q, j, kl), 1e-6)
	}
}

// TestMatrixNormalFit: the posterior of coefficients Z in Y = XZ + noise with known
// noise precision T of the columns and a prior of the same T is matrix normal.
func TestMatrixNormalFit(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	want := randomMatrixNormal(t, 4, 3, rng)
	for _, scale := range []float64{1e-3, 1, 1e3} {
		q := made[*MatrixNormal](t)(NewMatrixNormal(mat.NewDense(4, 3, nil), mat.NewDiagDense(4, constantVector(4, scale)), mat.NewDiagDense(3, constantVector(3, 1))))
		r, err := vi.Fit(context.Background(), q, matrixNormalTarget(denseOf(t, want)), &vi.Settings{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if kl := made[float64](t)(expfam.KL(denseOf(t, q), denseOf(t, want))); r.Grade() != vi.Good || kl > 1e-6 {
			t.Errorf("from precision %v: %s, KL %v", scale, r, kl)
		}
	}
}

// TestMatrixNormalBest: on a normal target of another structure the fit reaches
// the best of the family, which the closed form of each precision given the other
// finds in turns: S_ab = Σ_jk V_jk P_(aj)(bk)/p, T_jk = Σ_ab U_ab P_(aj)(bk)/n.
func TestMatrixNormalBest(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 3))
	const n, p = 3, 2
	full := denseOf(t, randomMatrixNormal(t, p, n, rng))
	prec := mat.NewSymDense(n*p, nil)
	expfam.Smat(prec, full.Natural(nil)[n*p:], n*p)
	prec.ScaleSym(-2, prec)
	w := mat.NewDense(n, p, full.Mean(nil))
	s, c := mat.NewSymDense(n, nil), mat.NewSymDense(p, nil)
	inverse := func(a mat.Matrix) *mat.Dense {
		var v mat.Dense
		if err := v.Inverse(a); err != nil {
			t.Fatal(err)
		}
		return &v
	}
	for j := range p {
		c.SetSym(j, j, 1)
	}
	for range 200 {
		v := inverse(c)
		s.Zero()
		for i := range n * p {
			for j := range n * p {
				if a, b := i/p, j/p; a <= b {
					s.SetSym(a, b, s.At(a, b)+v.At(i%p, j%p)*prec.At(i, j)/p)
				}
			}
		}
		u := inverse(s)
		c.Zero()
		for i := range n * p {
			for j := range n * p {
				if a, b := i%p, j%p; a <= b {
					c.SetSym(a, b, c.At(a, b)+u.At(i/p, j/p)*prec.At(i, j)/n)
				}
			}
		}
	}
	best := made[float64](t)(expfam.KL(denseOf(t, made[*MatrixNormal](t)(NewMatrixNormal(w, s, c))), full))
	q := randomMatrixNormal(t, n, p, rng)
	r, err := vi.Fit(context.Background(), q, matrixNormalTarget(full), &vi.Settings{Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	if kl := made[float64](t)(expfam.KL(denseOf(t, q), full)); r.Status != vi.Converged || kl < best-1e-9 || kl > best+0.02 {
		t.Errorf("%s: KL %v, want the best, %v", r, kl, best)
	}
}

func TestMatrixNormalRetractAndState(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	q := randomMatrixNormal(t, 2, 3, rng)
	for range 100 {
		tan := make([]float64, q.NumParams())
		for i := range tan {
			tan[i] = rng.NormFloat64() * 3
		}
		if cond, err := q.Retract(tan, 1/(1+q.Entropy()*q.Entropy())); err != nil || cond != 0 {
			t.Fatal(cond, err)
		}
	}
	bytes1 := made[[]byte](t)(q.MarshalBinary())
	c := new(MatrixNormal)
	if err := c.UnmarshalBinary(bytes1); err != nil {
		t.Fatal(err)
	}
	tan := constantVector(q.NumParams(), 0.1)
	for range 3 {
		if err := errors.Join(errorOf(q.Retract(tan, 0.1)), errorOf(c.Retract(tan, 0.1))); err != nil {
			t.Fatal(err)
		}
	}
	saved := made[[]byte](t)(q.MarshalBinary())
	if !bytes.Equal(saved, made[[]byte](t)(c.MarshalBinary())) || bytes.Equal(saved, bytes1) {
		t.Error("a restored posterior moves to other bits")
	}
	// Errors are typed and change nothing.
	bad := q.Natural(nil)
	bad[6] = -1 // S_00
	tan[2] = math.NaN()
	for i, err := range []error{q.SetNatural(bad), errorOf(q.Retract(tan, 1)), errorOf(q.Retract(constantVector(len(tan), 1), math.Inf(1))),
		errorOf(q.Retract(constantVector(len(tan), 1e308), 1))} {
		var d *expfam.DomainError
		if !errors.As(err, &d) || d.Family != "matrix-normal" {
			t.Errorf("%d: error %v, want a DomainError", i, err)
		}
	}
	other := randomMatrixNormal(t, 3, 2, rng)
	if other.UnmarshalBinary(saved) == nil || q.UnmarshalBinary(saved[:40]) == nil {
		t.Error("foreign or truncated bytes were taken")
	}
	if !bytes.Equal(saved, made[[]byte](t)(q.MarshalBinary())) {
		t.Error("the state moved on an error")
	}
}

func TestMatrixNormalAllocs(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	q := randomMatrixNormal(t, 5, 4, rng)
	d := &expfam.Draw{X: make([]float64, 20), Grad: constantVector(20, 0.1)}
	tan := make([]float64, q.NumParams())
	if n := testing.AllocsPerRun(20, func() {
		q.Sample(d.X, rng)
		q.LogProb(d.X)
		clear(tan)
		q.Tangent(tan, d, 1)
		q.EntropyTangent(tan)
		_, _ = q.Retract(tan, 1e-3)
	}); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}
