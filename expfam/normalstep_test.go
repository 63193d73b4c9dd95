package expfam_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// quad is the log density c + b'x − x'Ax/2 with A positive definite: its
// posterior is N(A⁻¹b, A⁻¹).
type quad struct {
	a *mat.SymDense
	b []float64
}

func (f quad) draw(x []float64, hess bool) *expfam.Draw {
	d := len(x)
	g := mat.NewVecDense(d, nil)
	g.MulVec(f.a, mat.NewVecDense(d, x))
	dr := &expfam.Draw{X: x, Grad: make([]float64, d)}
	for i := range x {
		dr.Grad[i] = f.b[i] - g.AtVec(i)
	}
	if hess {
		h := mat.NewSymDense(d, nil)
		h.ScaleSym(-1, f.a)
		dr.Hess = h
	}
	return dr
}

// One step with ρ = 1 lands on the exact posterior from any proper start,
// whatever the draws: with a Hessian from one pair of antithetic draws, by
// Stein's identity from draws whose whitened second moments are exact.
func TestConjugateNormalMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for range 20 {
		const d = 4
		f := quad{randSPD(d, rng), randVec(d, rng)}
		q := randNormal(t, d, rng)
		want, err := expfam.NewNormalPrecision(make([]float64, d), f.a)
		if err != nil {
			t.Fatal(err)
		}
		eta := want.Natural(nil)
		copy(eta, f.b)

		tan := make([]float64, q.NumParams())
		x := q.Sample(nil, rng)
		q.Tangent(tan, f.draw(x, true), 0.5)
		q.Tangent(tan, f.draw(q.Mirror(nil, x), true), 0.5)
		if !q.EntropyTangent(tan) {
			t.Fatal("EntropyTangent is not exact")
		}
		r := q.Clone().(*expfam.Normal)
		cond, err := r.Retract(tan, 1)
		if cond != 0 || err != nil {
			t.Fatal(cond, err)
		}
		nearVec(t, "Price step", r.Natural(nil), eta, 1e-12)

		// Pairs μ ± √d·σ_k with the columns σ_k of a root of Σ are draws whose
		// second moments are exactly those of q, so Stein's identity is exact.
		var ch mat.Cholesky
		ch.Factorize(q.Cov(nil))
		var root mat.TriDense
		ch.LTo(&root)
		clear(tan)
		for k := range d {
			y := q.Mean(nil)
			for i := range y {
				y[i] += math.Sqrt(d) * root.At(i, k)
			}
			q.Tangent(tan, f.draw(y, false), 0.5/d)
			q.Tangent(tan, f.draw(q.Mirror(nil, y), false), 0.5/d)
		}
		q.EntropyTangent(tan)
		if cond, err := q.Retract(tan, 1); cond != 0 || err != nil {
			t.Fatal(cond, err)
		}
		nearVec(t, "Stein step", q.Natural(nil), eta, 1e-10)
	}
}

// Linear regression with known σ, against the normal equations by QR.
func TestConjugateLinearRegression(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const n, d, sigma, tau = 40, 3, 0.7, 2.0
	x := mat.NewDense(n, d, nil)
	y := mat.NewVecDense(n, nil)
	for i := range n {
		for j := range d {
			x.Set(i, j, rng.NormFloat64()+float64(j))
		}
		y.SetVec(i, rng.NormFloat64())
	}
	var prec mat.SymDense
	prec.SymOuterK(1/(sigma*sigma), x.T())
	for j := range d {
		prec.SetSym(j, j, prec.At(j, j)+1/(tau*tau))
	}
	var b mat.VecDense
	b.MulVec(x.T(), y)
	b.ScaleVec(1/(sigma*sigma), &b)
	// Augmented least squares: [X/σ; I/τ] β = [y/σ; 0].
	aug, rhs := mat.NewDense(n+d, d, nil), mat.NewVecDense(n+d, nil)
	for i := range n {
		for j := range d {
			aug.Set(i, j, x.At(i, j)/sigma)
		}
		rhs.SetVec(i, y.AtVec(i)/sigma)
	}
	for j := range d {
		aug.Set(n+j, j, 1/tau)
	}
	var beta mat.VecDense
	if err := beta.SolveVec(aug, rhs); err != nil {
		t.Fatal(err)
	}
	f := quad{&prec, b.RawVector().Data}
	q := randNormal(t, d, rng)
	tan := make([]float64, q.NumParams())
	q.Tangent(tan, f.draw(q.Mean(nil), true), 1) // the mean of a linear gradient is the gradient at the mean
	q.Tangent(tan, f.draw(q.Sample(nil, rng), true), 0)
	q.EntropyTangent(tan)
	if cond, err := q.Retract(tan, 1); cond != 0 || err != nil {
		t.Fatal(cond, err)
	}
	nearVec(t, "mean", q.Mean(nil), beta.RawVector().Data, 1e-10)
	var cov mat.Dense
	if err := cov.Inverse(&prec); err != nil {
		t.Fatal(err)
	}
	nearVec(t, "cov", mat.DenseCopyOf(q.Cov(nil)).RawMatrix().Data, cov.RawMatrix().Data, 1e-10)
}

// The mean of the one-draw tangents is ∇_m E_q[f]: against central differences
// of E_q[f] for a quadratic f, in expectation coordinates.
func TestNormalTangentIsGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	const d = 3
	f := quad{randSPD(d, rng), randVec(d, rng)}
	q := randNormal(t, d, rng)
	value := func(q *expfam.Normal) float64 {
		mu, cov := mat.NewVecDense(d, q.Mean(nil)), q.Cov(nil)
		cov.SymRankOne(cov, 1, mu)
		var p mat.Dense
		p.Mul(f.a, cov)
		return mat.Dot(mat.NewVecDense(d, f.b), mu) - 0.5*mat.Trace(&p)
	}
	m := q.Expectation(nil)
	want := make([]float64, len(m))
	for i := range m {
		h := 1e-5
		r := q.Clone().(*expfam.Normal)
		for _, s := range []float64{1, -1} {
			mm := append([]float64(nil), m...)
			mm[i] += s * h
			if err := r.SetExpectation(mm); err != nil {
				t.Fatal(err)
			}
			want[i] += s * value(r) / (2 * h)
		}
	}
	tan := make([]float64, len(m))
	q.Tangent(tan, f.draw(q.Mean(nil), true), 1)
	nearVec(t, "tangent", tan, want, 1e-6)
}

// When the plain step leaves the domain, the result is the iBLR step written
// out with dense inverses.
func TestNormalSafeStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	const d, rho = 3, 0.8
	q := randNormal(t, d, rng)
	tan := make([]float64, q.NumParams())
	copy(tan, randVec(d, rng))
	g2 := q.Precision(nil)
	g2.ScaleSym(1.5, g2) // S − 2ρG is negative definite
	g2.SetSym(0, 1, g2.At(0, 1)*1.1)
	expfam.Svec(tan[d:], g2)

	s, mu := q.Precision(nil), mat.NewVecDense(d, q.Mean(nil))
	sigma := q.Cov(nil)
	var t1, t2, want mat.Dense
	t1.Mul(g2, sigma)
	t2.Mul(&t1, g2)
	want.Scale(2*rho*rho, &t2)
	t1.Scale(2*rho, g2)
	want.Sub(&want, &t1)
	want.Add(&want, s)
	var g mat.VecDense
	g.MulVec(g2, mu)
	g.AddScaledVec(mat.NewVecDense(d, append([]float64(nil), tan[:d]...)), 2, &g)
	g.MulVec(sigma, &g)
	mu.AddScaledVec(mu, rho, &g)

	cond, err := q.Retract(tan, rho)
	if cond != expfam.Retracted || err != nil {
		t.Fatal(cond, err)
	}
	nearVec(t, "mean", q.Mean(nil), mu.RawVector().Data, 1e-10)
	nearVec(t, "precision", mat.DenseCopyOf(q.Precision(nil)).RawMatrix().Data, want.RawMatrix().Data, 1e-12)
	if cond, err := q.Retract(scaled(tan, 1e300), 1e5); err == nil && cond&(expfam.Retracted|expfam.Shortened) == 0 {
		t.Errorf("overflowing step: conditions %v", cond)
	}
	if i := firstBad(q.Natural(nil)); i >= 0 {
		t.Errorf("eta[%d] is not finite after an overflowing step", i)
	}
}
