package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
)

// randSPD returns a random positive definite d×d matrix with scales that
// differ by orders of magnitude.
func randSPD(d int, rng *rand.Rand) *mat.SymDense {
	a := mat.NewDense(d, d+2, nil)
	for i := range d {
		scale := math.Pow(10, 2*rng.Float64()-1)
		for j := range d + 2 {
			a.Set(i, j, scale*rng.NormFloat64())
		}
	}
	s := mat.NewSymDense(d, nil)
	s.SymOuterK(1, a)
	return s
}

func randVec(d int, rng *rand.Rand) []float64 {
	v := make([]float64, d)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

func randNormal(t testing.TB, d int, rng *rand.Rand) *expfam.Normal {
	t.Helper()
	q, err := expfam.NewNormal(randVec(d, rng), randSPD(d, rng))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// nearVec fails unless got and want agree to tol relative to the largest entry.
func nearVec(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: length %d, want %d", what, len(got), len(want))
	}
	scale := 1.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, g := range got {
		if !(math.Abs(g-want[i]) <= tol*scale) {
			t.Errorf("%s[%d] is %.17g, want %.17g", what, i, g, want[i])
		}
	}
}

func sub(a, b []float64) []float64 {
	c := make([]float64, len(a))
	for i := range a {
		c[i] = a[i] - b[i]
	}
	return c
}

func TestConformanceNormal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	expfamtest.Conformance(t, randNormal(t, 1, rng), nil)
	expfamtest.Conformance(t, randNormal(t, 3, rng), nil)
	expfamtest.Conformance(t, expfam.StandardNormal(4), &expfamtest.Options{Draws: 3000})
}

func TestConformanceDiagNormal(t *testing.T) {
	q, err := expfam.NewDiagNormal([]float64{1, -300, 0.01}, []float64{0.5, 20, 1e-3})
	if err != nil {
		t.Fatal(err)
	}
	expfamtest.Conformance(t, q, nil)
}

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

func scaled(v []float64, c float64) []float64 {
	w := make([]float64, len(v))
	for i := range v {
		w[i] = c * v[i]
	}
	return w
}

func firstBad(v []float64) int {
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return i
		}
	}
	return -1
}

func TestNormalAgainstGonum(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	const d = 5
	q := randNormal(t, d, rng)
	p, ok := distmv.NewNormal(q.Mean(nil), q.Cov(nil), nil)
	if !ok {
		t.Fatal("gonum refuses the covariance")
	}
	nearVec(t, "entropy", []float64{q.Entropy()}, []float64{p.Entropy()}, 1e-12)
	o := randNormal(t, d, rng)
	po, _ := distmv.NewNormal(o.Mean(nil), o.Cov(nil), nil)
	nearVec(t, "KL", []float64{q.KLTo(o)}, []float64{distmv.KullbackLeibler{}.DistNormal(p, po)}, 1e-9)
	for range 20 {
		x := q.Sample(nil, rng)
		nearVec(t, "LogProb", []float64{q.LogProb(x)}, []float64{p.LogProb(x)}, 1e-11)
	}
	cov := q.Cov(nil)
	for j := range d {
		nearVec(t, "CovColumn", q.CovColumn(nil, j), mat.Col(nil, j, cov), 1e-12)
		if sd := q.Sd(nil)[j]; math.Abs(sd*sd/cov.At(j, j)-1) > 1e-13 {
			t.Errorf("Sd[%d]² is %v, want %v", j, sd*sd, cov.At(j, j))
		}
	}
	l := q.CholPrecision(nil)
	var s mat.Dense
	s.Mul(l, l.T())
	nearVec(t, "LL'", s.RawMatrix().Data, mat.DenseCopyOf(q.Precision(nil)).RawMatrix().Data, 1e-13)
}

func TestPredictorVar(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	for _, c := range []struct{ n, d, cols int }{{1, 1, 1}, {200, 5, 5}, {70, 70, 70}, {100, 70, 65}, {130, 6, 4}, {3, 150, 140}, {0, 2, 2}, {4, 3, 0}} {
		q := randNormal(t, c.d, rng)
		stride := c.cols + 3
		x := blas64.General{Rows: c.n, Cols: c.cols, Stride: stride, Data: randVec(max(c.n, 1)*stride, rng)}
		got := q.PredictorVar(nil, x, nil)
		cov := q.Cov(nil)
		for i := range got {
			row := mat.NewVecDense(c.d, nil)
			for j := range c.cols {
				row.SetVec(j, x.Data[i*stride+j])
			}
			want := mat.Inner(row, cov, row)
			if math.Abs(got[i]/want-1) > 1e-10 {
				t.Fatalf("n %d, d %d, cols %d: row %d is %v, want %v", c.n, c.d, c.cols, i, got[i], want)
			}
		}
	}
}

// Chunks of rows give the same bits in any grouping and from several goroutines.
func TestPredictorVarConcurrent(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	const n, d, cols, chunk = 1000, 12, 10, 128
	q := randNormal(t, d, rng)
	x := blas64.General{Rows: n, Cols: cols, Stride: cols, Data: randVec(n*cols, rng)}
	want := q.Clone().(*expfam.Normal).PredictorVar(nil, x, nil)
	got := make([]float64, n)
	var wg sync.WaitGroup
	for lo := 0; lo < n; lo += chunk {
		wg.Go(func() {
			hi := min(lo+chunk, n)
			part := blas64.General{Rows: hi - lo, Cols: cols, Stride: cols, Data: x.Data[lo*cols:]}
			q.PredictorVar(got[lo:hi], part, make([]float64, expfam.PredictorWork))
		})
	}
	wg.Wait()
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("row %d is %v in chunks, %v at once", i, got[i], want[i])
		}
	}
}

func TestDiagNormal(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	const d = 4
	mu, sd := randVec(d, rng), []float64{0.1, 2, 30, 1}
	q, err := expfam.NewDiagNormal(mu, sd)
	if err != nil {
		t.Fatal(err)
	}
	full, err := expfam.NewNormal(mu, q.Cov(nil))
	if err != nil {
		t.Fatal(err)
	}
	x := randVec(d, rng)
	nearVec(t, "LogProb", []float64{q.LogProb(x)}, []float64{full.LogProb(x)}, 1e-13)
	nearVec(t, "Sd", q.Sd(nil), sd, 1e-14)
	nearVec(t, "CovColumn", q.CovColumn(nil, 2), full.CovColumn(nil, 2), 1e-13)
	rows := blas64.General{Rows: 3, Cols: 2, Stride: 5, Data: randVec(15, rng)}
	nearVec(t, "PredictorVar", q.PredictorVar(nil, rows, nil), full.PredictorVar(nil, rows, nil), 1e-12)

	// The three sources of curvature agree on a separable quadratic, whose
	// posterior one step reaches.
	f := quad{mat.NewSymDense(d, nil), randVec(d, rng)}
	curv := make([]float64, d)
	for i := range d {
		f.a.SetSym(i, i, 1+rng.Float64())
		curv[i] = -f.a.At(i, i)
	}
	for k := range 3 {
		r := q.Clone().(*expfam.DiagNormal)
		tan := make([]float64, 2*d)
		for _, sign := range []float64{1, -1} {
			y := r.Mean(nil)
			for i := range y {
				y[i] += sign * sd[i]
			}
			dr := f.draw(y, k == 0)
			if k == 1 {
				dr.HessDiag = curv
			}
			r.Tangent(tan, dr, 0.5)
		}
		r.EntropyTangent(tan)
		if cond, err := r.Retract(tan, 1); cond != 0 || err != nil {
			t.Fatal(cond, err)
		}
		for i, m := range r.Mean(nil) {
			if want := f.b[i] / f.a.At(i, i); math.Abs(m-want) > 1e-10 {
				t.Errorf("curvature source %d: mean[%d] is %v, want %v", k, i, m, want)
			}
		}
	}

	// A coordinate that leaves the domain takes the iBLR step, the others the plain one.
	tan := make([]float64, 2*d)
	tan[d], tan[d+1] = 200, -1
	s0, s1 := 1/(sd[0]*sd[0]), 1/(sd[1]*sd[1])
	cond, err := q.Retract(tan, 1)
	if cond != expfam.Retracted || err != nil {
		t.Fatal(cond, err)
	}
	prec := q.Precision(nil)
	nearVec(t, "precision", []float64{prec.At(0, 0), prec.At(1, 1)}, []float64{s0 - 400 + 2*200*200/s0, s1 + 2}, 1e-12)
}

func TestNormalErrors(t *testing.T) {
	bad := mat.NewSymDense(2, []float64{1, 2, 2, 1})
	nan := mat.NewSymDense(2, []float64{1, math.NaN(), 0, 1})
	eye := mat.NewSymDense(2, []float64{1, 0, 0, 1})
	for _, c := range []struct {
		call func() error
		want string
	}{
		{func() error { _, err := expfam.NewNormal([]float64{0, 0}, bad); return err }, "normal.NewNormal: cov is -3, want a positive definite matrix (the value is Cholesky pivot 1)"},
		{func() error { _, err := expfam.NewNormal([]float64{0, 0}, nan); return err }, "cov(0,1) is NaN, want finite"},
		{func() error { _, err := expfam.NewNormal([]float64{0, math.Inf(1)}, eye); return err }, "mu[1] is +Inf, want finite"},
		{func() error { _, err := expfam.NewNormalPrecision([]float64{0, 0}, bad); return err }, "normal.NewNormalPrecision: precision is -3"},
		{func() error { _, err := expfam.NewDiagNormal([]float64{0, 0}, []float64{1, -2}); return err }, "diagonal-normal.NewDiagNormal: sd[1] is -2, want > 0"},
		{func() error { _, err := expfam.NewDiagNormal(nil, nil); return err }, "length of mu is 0"},
	} {
		err := c.call()
		var e *expfam.DomainError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want a *DomainError with %q", err, c.want)
		}
	}
}

func TestNormalAllocations(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 1))
	const n, d = 300, 20
	q := randNormal(t, d, rng)
	f := quad{randSPD(d, rng), randVec(d, rng)}
	price, stein := f.draw(q.Sample(nil, rng), true), f.draw(q.Sample(nil, rng), false)
	tan := make([]float64, q.NumParams())
	x := blas64.General{Rows: n, Cols: d - 1, Stride: d - 1, Data: randVec(n*d, rng)}
	v, sd, work := make([]float64, n), make([]float64, d), make([]float64, expfam.PredictorWork)
	eta := q.Natural(nil)
	safe := make([]float64, q.NumParams())
	safe[d] = -2 * eta[d] // S − 2ρG is indefinite
	move := func(tan []float64, rho float64, want expfam.Condition) {
		if cond, err := q.Retract(tan, rho); cond != want || err != nil {
			t.Fatal(cond, err)
		}
	}
	for name, call := range map[string]func(){
		"step": func() {
			clear(tan)
			q.Tangent(tan, price, 0.5)
			q.Tangent(tan, stein, 1e-6)
			q.EntropyTangent(tan)
			move(tan, 0.1, 0)
		},
		"safe step":    func() { move(safe, 1, expfam.Retracted) },
		"PredictorVar": func() { move(safe, 0, 0); q.PredictorVar(v, x, work) },
		"CovColumn":    func() { q.CovColumn(sd, 3); q.Mirror(sd, sd); q.Sd(sd) },
	} {
		run := func() {
			if err := q.SetNatural(eta); err != nil {
				t.Fatal(err)
			}
			call()
		}
		if n := testing.AllocsPerRun(20, run); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
