package structured

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

var (
	_ vi.Gaussian  = (*Gaussian)(nil)
	_ vi.Mirrorer  = (*Gaussian)(nil)
	_ vi.Scorer    = (*Gaussian)(nil)
	_ vi.Tangenter = (*Wishart)(nil)
	_ vi.Scorer    = (*Wishart)(nil)
	_ vi.Posterior = (*SPD)(nil)
)

// shapes are the structures of the tests, as golden files call them.
var shapes = []string{"full", "chol", "diag", "up_2", "low_2", "heis_up_2_1", "heis_low_2_1", "tritoep", "kronecker"}

// shape is the identity of a structure of dimension 6.
func shape(t *testing.T, name string) Factor {
	t.Helper()
	if name != "kronecker" {
		return root(t, name, 6)
	}
	f, err := Kronecker(root(t, "chol", 2), root(t, "up_1", 3))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// random is a Gaussian with a random mean and a random root of the structure.
func random(t *testing.T, name string, rng *rand.Rand) *Gaussian {
	t.Helper()
	f := shape(t, name)
	v := f.Values(nil)
	for i, e := range normals(rng, len(v), 0.25) {
		v[i] += e
	}
	if err := f.SetValues(v); err != nil {
		t.Fatal(err)
	}
	return mustNew(t, normals(rng, f.Dim(), 2), f)
}

// precise is a random positive definite matrix.
func precise(rng *rand.Rand, p int) *mat.SymDense {
	s := mat.NewSymDense(p, nil)
	s.SymOuterK(1, mat.NewDense(p, p, normals(rng, p*p, 1)))
	for i := range p {
		s.SetSym(i, i, s.At(i, i)+2)
	}
	return s
}

// optimum is the precision at which the ELBO of a quadratic with Hessian h is
// stationary: for a dense diagonal block G of B whose rows reach the coordinates R,
//
//	(B⁻¹)_GG'(B⁻¹)_GG = (H_GG − H_GR H_RR⁻¹ H_RG)⁻¹,  (B⁻¹)_GR = −(B⁻¹)_GG H_GR H_RR⁻¹
func optimum(t *testing.T, h *mat.SymDense, f Factor) *mat.SymDense {
	t.Helper()
	p := f.Dim()
	// The pattern of the group: what h(M) of a full tangent leaves not zero.
	b := f.Clone()
	m := make([]float64, f.NumParams())
	for i := range m {
		m[i] = 0.1
	}
	if err := b.Retract(m, 1); err != nil {
		t.Fatal(err)
	}
	pattern := denseRoot(b)
	lm := mat.NewDense(p, p, nil)
	for i := 0; i < p; {
		end := i + 1
		for end < p && pattern.At(i, end) != 0 && pattern.At(end, i) != 0 {
			end++
		}
		var g, r []int
		for j := range p {
			if j >= i && j < end {
				g = append(g, j)
			} else if pattern.At(i, j) != 0 {
				r = append(r, j)
			}
		}
		schur := pick(h, g, g)
		var w mat.Dense // H_RR⁻¹ H_RG
		if len(r) > 0 {
			if err := w.Solve(pick(h, r, r), pick(h, r, g)); err != nil {
				t.Fatal(err)
			}
			var x mat.Dense
			x.Mul(pick(h, g, r), &w)
			schur.Sub(schur, &x)
		}
		var inv mat.Dense
		if err := inv.Inverse(schur); err != nil {
			t.Fatal(err)
		}
		var chol mat.Cholesky
		if !chol.Factorize(mat.NewSymDense(len(g), inv.RawMatrix().Data)) {
			t.Fatal("a Schur complement is not positive definite")
		}
		u := new(mat.TriDense) // u'u = inverse of the Schur complement
		chol.UTo(u)
		var ur mat.Dense
		if len(r) > 0 {
			ur.Mul(u, w.T())
		}
		for a := range g {
			for c, j := range g {
				lm.Set(i+a, j, u.At(a, c))
			}
			for c, j := range r {
				lm.Set(i+a, j, -ur.At(a, c))
			}
		}
		i = end
	}
	s := mat.NewSymDense(p, nil)
	s.SymOuterK(1, lm.T())
	return inverse(t, s)
}

func pick(h *mat.SymDense, rows, cols []int) *mat.Dense {
	m := mat.NewDense(len(rows), len(cols), nil)
	for i, r := range rows {
		for j, c := range cols {
			m.Set(i, j, h.At(r, c))
		}
	}
	return m
}

// TestStationaryPoints fits a quadratic from random starts, first with the
// defaults, then with plain steps to the last digits.
func TestStationaryPoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, name := range shapes {
		h, b := precise(rng, 6), normals(rng, 6, 1)
		target := predictors(t, h, b)
		q := random(t, name, rng)
		r, err := vi.Fit(context.Background(), q, target, &vi.Settings{Diagnostics: -1, Workers: 1})
		if err != nil || r.Status != vi.Converged {
			t.Fatalf("%s: %v, %v", name, r, err)
		}
		elbo := r.ELBO
		if r, err = vi.Fit(context.Background(), q, target, &vi.Settings{Plain: true, Rate: vi.Constant(0.3), Iterations: 2000, Diagnostics: -1, Workers: 1}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		near(t, name+": ELBO of the defaults", []float64{elbo}, []float64{r.ELBO}, 1e-7)
		mu := mat.NewVecDense(6, nil)
		if err := mu.SolveVec(h, mat.NewVecDense(6, b)); err != nil {
			t.Fatal(err)
		}
		near(t, name+": mean", q.Mean(nil), mu.RawVector().Data, 1e-10)
		var tan []float64
		switch name {
		case "tritoep", "kronecker": // no closed form: the gradient of the ELBO is zero
			neg := mat.NewSymDense(6, nil)
			neg.ScaleSym(-1, h)
			tan = make([]float64, q.NumParams())
			q.Tangent(tan, &expfam.Draw{X: q.Mean(nil), Grad: make([]float64, 6), Hess: neg}, 1)
			q.EntropyTangent(tan)
			near(t, name+": gradient", tan, make([]float64, len(tan)), 1e-10)
		default:
			want := optimum(t, h, q.Factor())
			near(t, name+": precision", mat.DenseCopyOf(q.Precision(nil, nil)).RawMatrix().Data, mat.DenseCopyOf(want).RawMatrix().Data, 1e-10)
		}
	}
}

// TestEstimatorsAgree compares the four estimators of a tangent in expectation, on a
// density that is no quadratic.
func TestEstimatorsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	x, y := classes(rng, 20, 6)
	target := logistic(x, y, 1)
	for _, name := range shapes {
		q := random(t, name, rng)
		if err := q.f.Scale(3); err != nil {
			t.Fatal(err)
		}
		if err := q.SetNatural(append(make([]float64, 6), q.f.Values(nil)...)); err != nil {
			t.Fatal(err)
		}
		n := q.NumParams()
		const draws = 4000
		sum, sq := [3][]float64{}, [3][]float64{} // Price, and the differences to it
		for k := range sum {
			sum[k], sq[k] = make([]float64, n), make([]float64, n)
		}
		d := &expfam.Draw{X: make([]float64, 6), Grad: make([]float64, 6)}
		h := mat.NewSymDense(6, nil)
		base := target.LogProb(make([]float64, 6))
		for range draws {
			q.Sample(d.X, rng)
			d.LogP = target.Hess(h, d.Grad, d.X)
			var tan [3][]float64
			for k := range tan {
				tan[k] = make([]float64, n)
			}
			d.Hess = h
			q.Tangent(tan[0], d, 1)
			d.Hess = nil
			q.Tangent(tan[1], d, 1)
			q.ScoreTangent(tan[2], d.X, d.LogP-base)
			for k := range tan {
				for i, v := range tan[k] {
					if k > 0 {
						v -= tan[0][i]
					}
					sum[k][i] += v
					sq[k][i] += v * v
				}
			}
		}
		for k := 1; k < 3; k++ {
			for i, s := range sum[k] {
				mean := s / draws
				se := math.Sqrt((sq[k][i]/draws - mean*mean) / draws)
				if !(math.Abs(mean) <= 4.5*se+1e-12) {
					t.Errorf("%s: entry %d of estimator %d differs by %.3g ± %.3g", name, i, k, mean, se)
				}
			}
		}
	}
}

// classes are data of a logistic regression.
func classes(rng *rand.Rand, n, p int) (x [][]float64, y []float64) {
	w := normals(rng, p, 1)
	for range n {
		row := normals(rng, p, 1)
		x = append(x, row)
		y = append(y, 0)
		if rng.Float64() < special.Sigmoid(dot(row, w)) {
			y[len(y)-1] = 1
		}
	}
	return x, y
}

// direction is a random tangent, symmetric where B is dense.
func direction(q *Gaussian, rng *rand.Rand) []float64 {
	p := q.Dim()
	v := make([]float64, q.NumParams())
	copy(v, normals(rng, p, 1))
	for range 3 {
		q.f.ProjectPair(v[p:], normals(rng, p, 1), normals(rng, p, 1), 0.5)
	}
	return v
}

// TestFisherMul compares FisherMul with the covariance of natural gradients of log
// q: F = F E[ss']F for s = F⁻¹∇log q, by its quadratic form along random vectors.
func TestFisherMul(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for _, name := range shapes {
		if name == "kronecker" {
			continue // its metric leaves the cross block out
		}
		q := random(t, name, rng)
		n := q.NumParams()
		v := direction(q, rng)
		fv := q.FisherMul(nil, v)
		want := dot(v, fv)
		const draws = 20000
		var sum, sq float64
		x := make([]float64, 6)
		for range draws {
			q.Sample(x, rng)
			s := make([]float64, n)
			q.ScoreTangent(s, x, 1)
			z := dot(s, fv)
			sum += z * z
			sq += z * z * z * z
		}
		mean := sum / draws
		if se := math.Sqrt((sq/draws - mean*mean) / draws); math.Abs(mean-want) > 4.5*se {
			t.Errorf("%s: v'Fv is %.4g, the variance of the score %.4g ± %.2g", name, want, mean, se)
		}
	}
}

// TestEntropyTangent compares the entropy's tangent with differences along it.
func TestEntropyTangent(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, name := range shapes {
		q := random(t, name, rng)
		tan := make([]float64, q.NumParams())
		if !q.EntropyTangent(tan) {
			t.Fatal("the entropy has a closed form")
		}
		const step = 1e-6
		up, down := q.Clone(), q.Clone()
		dir := direction(q, rng)
		for g, rho := range map[*Gaussian]float64{up: step, down: -step} {
			if _, err := g.Retract(dir, rho); err != nil {
				t.Fatal(err)
			}
		}
		near(t, name, []float64{dot(dir, q.FisherMul(nil, tan))}, []float64{(up.Entropy() - down.Entropy()) / (2 * step)}, 1e-8)
	}
}

func TestGaussianErrors(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	f := root(t, "up_2", 6)
	var e *expfam.DomainError
	if _, err := New([]float64{0, 0, math.NaN(), 0, 0, 0}, f); !errors.As(err, &e) || e.Index != 2 {
		t.Errorf("New with a NaN: %v", err)
	}
	panics(t, "New", func() { _, _ = New(make([]float64, 5), f) })
	if _, err := New(make([]float64, 6), nil); !errors.As(err, &e) || !strings.Contains(err.Error(), "size of f is 0, want a Factor, not nil") {
		t.Errorf("New without a root: %v", err)
	}
	for _, c := range [][2]Factor{{nil, f}, {f, nil}} {
		if _, err := Kronecker(c[0], c[1]); !errors.As(err, &e) {
			t.Errorf("Kronecker without a factor: %v", err)
		}
	}
	q := random(t, "up_2", rng)
	if err := q.SetMomentum(0.5); err != nil {
		t.Fatal(err)
	}
	before, err := q.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	nan, inf := make([]float64, q.NumParams()), make([]float64, q.NumParams())
	nan[3], inf[10] = math.NaN(), math.Inf(1)
	singular := q.Natural(nil)
	clear(singular[6:])
	for what, fn := range map[string]func() error{
		"Retract of NaN":         func() error { _, err := q.Retract(nan, 1); return err },
		"Retract of infinity":    func() error { _, err := q.Retract(inf, 1); return err },
		"Retract by NaN":         func() error { _, err := q.Retract(make([]float64, q.NumParams()), math.NaN()); return err },
		"SetNatural of NaN":      func() error { return q.SetNatural(nan) },
		"SetNatural of infinity": func() error { return q.SetNatural(inf) },
		"SetNatural of 0":        func() error { return q.SetNatural(singular) },
		"SetMomentum of 1":       func() error { return q.SetMomentum(1) },
		"SetMeanRate of 0":       func() error { return q.SetMeanRate(0) },
		"Marginal of nothing":    func() error { _, err := q.Marginal([]int{}); return err },
		"Conditional on itself":  func() error { _, err := q.Conditional([]int{1}, []int{1}, []float64{0}); return err },
		"Conditional on NaN":     func() error { _, err := q.Conditional([]int{1}, []int{2}, []float64{math.NaN()}); return err },
	} {
		if err := fn(); !errors.As(err, &e) {
			t.Errorf("%s: error %v, want a *DomainError", what, err)
		}
		if after, _ := q.MarshalBinary(); !slices.Equal(after, before) {
			t.Errorf("%s changes the receiver", what)
		}
	}
	// Steps too long for floating point are shortened, with momentum and without.
	for _, alpha := range []float64{0.5, 0} {
		q := random(t, "up_2", rng)
		if err := q.SetMomentum(alpha); err != nil {
			t.Fatal(err)
		}
		cond, err := q.Retract(normals(rng, q.NumParams(), 1e160), 1)
		if err != nil || cond != expfam.Shortened || !allFinite(q.Natural(nil)) {
			t.Errorf("a step of 1e160: %v, %v", cond, err)
		}
	}
	q = random(t, "up_2", rng)
	bad := &vi.Target{Dim: 6, LogProb: func(x []float64) float64 { return 0 }, Grad: func(dst, x []float64) float64 {
		clear(dst)
		dst[2] = math.NaN()
		return 0
	}}
	state := q.Natural(nil)
	var nf *vi.NonFiniteError
	if _, err := vi.Fit(context.Background(), q, bad, nil); !errors.As(err, &nf) || !slices.Equal(q.Natural(nil), state) {
		t.Errorf("a gradient that is NaN: error %v, state changed: %t", err, !slices.Equal(q.Natural(nil), state))
	}
	bad.Dim = 5
	if _, err := vi.New(q, bad, nil); err == nil {
		t.Error("a target of another dimension is accepted")
	}
}

// TestConcurrentReads calls the methods that read from several goroutines; it is
// for the race detector.
func TestConcurrentReads(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	q := random(t, "kronecker", rng)
	x, tan := normals(rng, 6, 1), make([]float64, q.NumParams())
	q.Tangent(tan, &expfam.Draw{X: x, Grad: x}, 1)
	want := q.LogProb(x)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				got := make([]float64, q.NumParams())
				q.Tangent(got, &expfam.Draw{X: x, Grad: x}, 1)
				if !slices.Equal(got, tan) || q.LogProb(x) != want {
					t.Error("results differ between goroutines")
				}
			}
		})
	}
	wg.Wait()
}

// TestHessDiag gives a diagonal root the diagonal of a Hessian alone.
func TestHessDiag(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 1))
	q := random(t, "diag", rng)
	h := precise(rng, 6)
	d := &expfam.Draw{X: normals(rng, 6, 1), Grad: normals(rng, 6, 1), Hess: h}
	want, got := make([]float64, 12), make([]float64, 12)
	q.Tangent(want, d, -0.3)
	d.Hess, d.HessDiag = nil, make([]float64, 6)
	for i := range d.HessDiag {
		d.HessDiag[i] = h.At(i, i)
	}
	q.Tangent(got, d, -0.3)
	near(t, "tangent", got, want, 1e-14)
}
