package structured

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

func newTestWishart(t *testing.T, n float64, f Factor) *Wishart {
	t.Helper()
	w, err := NewWishart(n, f)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWishartFit reaches a Wishart posterior from several starts and structures: with
// dense and triangular roots it is n0 and V0⁻¹/n0.
func TestWishartFit(t *testing.T) {
	rng := rand.New(rand.NewPCG(20, 1))
	v0 := precise(rng, 3)
	const n0 = 6.5
	target := wishartTarget(t, n0, v0)
	best := math.Inf(-1)
	for _, name := range []string{"full", "chol", "up_1", "diag"} {
		for _, start := range []struct{ n, scale float64 }{{2.1, 1}, {40, 0.2}, {5, 30}} {
			f := root(t, name, 3)
			if err := f.Scale(start.scale); err != nil {
				t.Fatal(err)
			}
			w := newTestWishart(t, start.n, f)
			r, err := vi.Fit(context.Background(), w, target, nil)
			if err != nil || r.Status != vi.Converged {
				t.Fatalf("%s from %v: %v, %v", name, start, r, err)
			}
			switch name {
			case "full", "chol":
				best = math.Max(best, r.ELBO)
				if _, err := vi.Fit(context.Background(), w, target, &vi.Settings{Plain: true, Rate: vi.Constant(0.3), Iterations: 200}); err != nil {
					t.Fatal(err)
				}
				cov := inverse(t, wishartPrecision(w))
				var want mat.SymDense
				want.ScaleSym(n0, v0)
				near(t, name+": mean", mat.DenseCopyOf(cov).RawMatrix().Data, mat.DenseCopyOf(&want).RawMatrix().Data, 1e-10)
				near(t, name+": n", []float64{w.Dof()}, []float64{n0}, 1e-10)
			default:
				if !(r.ELBO < best) {
					t.Errorf("ELBO of %s is %v, of full roots %v", name, r.ELBO, best)
				}
			}
		}
	}
}

func wishartPrecision(w *Wishart) *mat.SymDense {
	s := mat.NewSymDense(w.p, nil)
	s.SymOuterK(1, denseRoot(w.f))
	return s
}

// TestWishartTangents compares the gradient of the entropy and scores with
// differences and with the Fisher matrix.
func TestWishartTangents(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	for _, name := range []string{"full", "chol", "up_1"} {
		f := root(t, name, 3)
		v := f.Values(nil)
		for i, e := range normals(rng, len(v), 0.2) {
			v[i] += e
		}
		if err := f.SetValues(v); err != nil {
			t.Fatal(err)
		}
		for _, n := range []float64{2.3, 7, 1e5} {
			w := newTestWishart(t, n, f)
			near(t, "n", []float64{w.Dof()}, []float64{n}, 1e-13)
			dir := make([]float64, w.NumParams())
			dir[0] = rng.NormFloat64()
			for range 2 {
				w.f.ProjectPair(dir[1:], normals(rng, 3, 1), normals(rng, 3, 1), 0.3)
			}
			tan := make([]float64, w.NumParams())
			w.EntropyTangent(tan)
			const step = 1e-5
			at := func(rho float64) *Wishart {
				c := w.Clone()
				if _, err := c.Retract(dir, rho); err != nil {
					t.Fatal(err)
				}
				return c
			}
			up, down := at(step), at(-step)
			near(t, fmt.Sprintf("%s, n = %v: slope of the entropy", name, n), []float64{dot(dir, w.FisherMul(nil, tan))},
				[]float64{(up.Entropy() - down.Entropy()) / (2 * step)}, 1e-7)
			// ⟨dir, F·score(x)⟩ is the derivative of log q(x) along dir.
			x := w.Sample(nil, rng)
			clear(tan)
			w.ScoreTangent(tan, x, 1)
			near(t, fmt.Sprintf("%s, n = %v: slope of log q", name, n), []float64{dot(dir, w.FisherMul(nil, tan))},
				[]float64{(up.LogProb(x) - down.LogProb(x)) / (2 * step)}, 1e-6)
		}
	}
}

// TestWishartShapeEdge compares the information about b where n is all but p−1 with its
// limit: ψ′(y) is 1/y² and σ(b) is y = ½(n−p+1), so that F_b is 1.
func TestWishartShapeEdge(t *testing.T) {
	for _, p := range []int{1, 2, 3, 8} {
		for _, y := range []float64{1e-6, 1e-10, 1e-14} {
			w, err := newWishart(math.Log(y), root(t, "full", p))
			if err != nil {
				t.Fatal(err)
			}
			v := make([]float64, w.NumParams())
			v[0] = 1
			near(t, fmt.Sprintf("p = %d, y = %v: F_b", p, y), w.FisherMul(nil, v)[:1], []float64{1}, 4*y+1e-14)
		}
	}
}

// TestWishartGradientFree fits by values of the log density alone.
func TestWishartGradientFree(t *testing.T) {
	v0 := mat.NewSymDense(2, []float64{1, 0.3, 0.3, 0.5})
	want, err := expfam.NewWishart(8, v0)
	if err != nil {
		t.Fatal(err)
	}
	w := newTestWishart(t, 6, root(t, "full", 2))
	target := &vi.Target{Dim: 3, LogProb: want.LogProb}
	r, err := vi.Fit(context.Background(), w, target, &vi.Settings{Method: vi.GradientFree, Draws: 64, Seed: 1})
	if err != nil || r.Status != vi.Converged || !(math.Abs(r.ELBO) < 0.1) || r.Grade() == vi.Bad {
		t.Fatalf("%v, %v", r, err)
	}
	kl, err := expfam.KL(w.in, want)
	if err != nil || kl > 0.1 {
		t.Errorf("KL to the target is %v (%v)", kl, err)
	}
}

func TestWishartErrors(t *testing.T) {
	f := root(t, "full", 3)
	var e *expfam.DomainError
	for _, n := range []float64{2, -1, math.NaN(), math.Inf(1)} {
		if _, err := NewWishart(n, f); !errors.As(err, &e) {
			t.Errorf("n = %v: %v", n, err)
		}
	}
	if _, err := NewWishart(5, nil); !errors.As(err, &e) {
		t.Errorf("f is nil: %v", err)
	}
	w := newTestWishart(t, 5, f)
	before, err := w.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	state := w.Natural(nil)
	lost := slices.Clone(state)
	lost[0] = -1000 // n = p−1 in floating point
	nan := make([]float64, len(state))
	nan[1] = math.NaN()
	for what, fn := range map[string]func() error{
		"SetNatural of a singular shape": func() error { return w.SetNatural(lost) },
		"SetNatural of NaN":              func() error { return w.SetNatural(nan) },
		"Retract of NaN":                 func() error { _, err := w.Retract(nan, 1); return err },
	} {
		if err := fn(); !errors.As(err, &e) {
			t.Errorf("%s: %v", what, err)
		}
		if after, _ := w.MarshalBinary(); !slices.Equal(after, before) {
			t.Errorf("%s changes the receiver", what)
		}
	}
	clear(nan)
	nan[0] = -1e4
	if cond, err := w.Retract(nan, 1); err != nil || cond != expfam.Shortened {
		t.Errorf("a step to a singular shape: %v, %v", cond, err)
	}
}

// TestSPDFit minimises both objectives with the defaults of vi.Fit, with and without
// momentum, to the known minimum.
func TestSPDFit(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 1))
	const p, n = 5, 40
	q := precise(rng, p)
	x := mat.NewDense(n, p, normals(rng, n*p, 1))
	start := precise(rng, p)
	for name, c := range map[string]struct {
		target *vi.Target
		want   *mat.SymDense
	}{
		"metric nearness": {metricNearness(mat.DenseCopyOf(q), x), inverse(t, q)},
		"log det":         {logDet(q), inverse(t, q)},
	} {
		for k := range 8 {
			make := NewSPD
			if k&1 != 0 {
				make = NewSPDLower
			}
			from := mat.NewSymDense(p, nil)
			from.CopySym(start)
			if k&2 != 0 {
				from.ScaleSym(2, c.want)
			}
			s, err := make(from)
			if err != nil {
				t.Fatal(err)
			}
			s.SetExponential(k&2 != 0)
			if k&4 != 0 {
				if err := s.SetMomentum(0.5); err != nil {
					t.Fatal(err)
				}
			}
			r, err := vi.Fit(context.Background(), s, c.target, &vi.Settings{Tol: 1e-13})
			if err != nil || r.Status != vi.Converged {
				t.Errorf("%s, options %b: %v, %v", name, k, r, err)
			}
			near(t, name, mat.DenseCopyOf(s.Matrix(nil)).RawMatrix().Data, mat.DenseCopyOf(c.want).RawMatrix().Data, 1e-5)
		}
	}
}

// TestSPDSlope compares the slope that the line search sees with differences, and
// symmetric with triangular steps from the same point.
func TestSPDSlope(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 1))
	target := logDet(precise(rng, 4))
	for k, start := range []func(mat.Symmetric) (*SPD, error){NewSPD, NewSPDLower} {
		s, err := start(precise(rng, 4))
		if err != nil {
			t.Fatal(err)
		}
		eval := func(s *SPD, tan []float64) float64 {
			v, err := target.Exact(tan, s)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		tan := make([]float64, s.NumParams())
		eval(s, tan)
		const step = 1e-6
		var v [2]float64
		for i, rho := range []float64{step, -step} {
			b, err := s.MarshalBinary()
			c := new(SPD)
			if err = errors.Join(err, c.UnmarshalBinary(b)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Retract(tan, rho); err != nil {
				t.Fatal(err)
			}
			v[i] = eval(c, make([]float64, s.NumParams()))
		}
		near(t, fmt.Sprint("slope, ", k), []float64{dot(tan, s.FisherMul(nil, tan))}, []float64{(v[0] - v[1]) / (2 * step)}, 1e-7)
		if n := testing.AllocsPerRun(10, func() { _, _ = s.Retract(tan, 1e-3) }); n != 0 {
			t.Errorf("a step allocates %v times", n)
		}
	}
}

func TestSPDErrors(t *testing.T) {
	var e *expfam.DomainError
	for _, z := range [][]float64{{1, 2, 2, 1}, {1, 0, 0, 0}, {math.NaN(), 0, 0, 1}, {math.Inf(1), 0, 0, 1}} {
		if _, err := NewSPD(mat.NewSymDense(2, z)); !errors.As(err, &e) {
			t.Errorf("z = %v: %v", z, err)
		}
	}
	if _, err := NewSPD(mat.NewSymDense(2, []float64{1, 2, 2, 1})); !strings.Contains(err.Error(), "smallest eigenvalue of z is -1") {
		t.Errorf("an indefinite z: %v", err)
	}
	var none *mat.SymDense
	for _, z := range []mat.Symmetric{nil, none} {
		if _, err := NewSPDLower(z); !errors.As(err, &e) || !strings.Contains(err.Error(), "nil") {
			t.Errorf("z is nil: %v", err)
		}
	}
	s, err := NewSPDLower(mat.NewSymDense(2, []float64{2, 1, 1, 3}))
	if err != nil {
		t.Fatal(err)
	}
	z := s.Mean(nil)
	near(t, "svec(Z)", z, []float64{2, math.Sqrt2, 3}, 1e-15)
	if got := s.Sample(nil, nil); !slices.Equal(got, z) || s.LogProb(z) != 0 {
		t.Errorf("the point mass draws %v with log density %v", got, s.LogProb(z))
	}
	if err := s.SetMomentum(0.9); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Retract([]float64{0.1, 0.2, 0.3}, 0.5); err != nil {
		t.Fatal(err)
	}
	before, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	nan := []float64{0, math.NaN(), 0}
	for what, fn := range map[string]func() error{
		"SetNatural of NaN": func() error { return s.SetNatural(nan) },
		"SetNatural of 0":   func() error { return s.SetNatural(make([]float64, 3)) },
		"Retract of NaN":    func() error { _, err := s.Retract(nan, 1); return err },
		"SetMomentum of −1": func() error { return s.SetMomentum(-1) },
	} {
		if err := fn(); !errors.As(err, &e) {
			t.Errorf("%s: %v", what, err)
		}
		if after, _ := s.MarshalBinary(); !slices.Equal(after, before) {
			t.Errorf("%s changes the receiver", what)
		}
	}
	// 60 halvings of 1e200 are too few, of 1e80 are not.
	if cond, err := s.Retract([]float64{1e200, 0, 0}, 1); !errors.As(err, &e) || cond != expfam.Shortened|expfam.NonFinite {
		t.Errorf("a step of 1e200: %v, %v", cond, err)
	}
	if after, _ := s.MarshalBinary(); !slices.Equal(after, before) {
		t.Error("a step of 1e200 changes the receiver")
	}
	if cond, err := s.Retract([]float64{1e80, 0, 0}, 1); err != nil || cond != expfam.Shortened {
		t.Errorf("a step of 1e80: %v, %v", cond, err)
	}
}

// TestWishartDraws fits by gradients of the log density at draws, where the inner
// family differentiates its draws.
func TestWishartDraws(t *testing.T) {
	v0 := mat.NewSymDense(2, []float64{1, 0.3, 0.3, 0.5})
	want, err := expfam.NewWishart(8, v0)
	if err != nil {
		t.Fatal(err)
	}
	w := newTestWishart(t, 4, root(t, "chol", 2))
	inv := inverse(t, v0)
	target := &vi.Target{Dim: 3, LogProb: want.LogProb, Grad: func(dst, x []float64) float64 {
		// ½(n−p−1)W⁻¹ − ½V⁻¹
		z := inverse(t, mat.NewSymDense(2, []float64{x[0], x[1] / math.Sqrt2, 0, x[2]}))
		g := mat.NewSymDense(2, nil)
		for i := range 2 {
			for j := i; j < 2; j++ {
				g.SetSym(i, j, 0.5*(8-3)*z.At(i, j)-0.5*inv.At(i, j))
			}
		}
		expfam.Svec(dst, g)
		return want.LogProb(x)
	}}
	r, err := vi.Fit(context.Background(), w, target, &vi.Settings{Seed: 1})
	if err != nil || r.Status != vi.Converged || !(math.Abs(r.ELBO) < 0.05) || r.Grade() != vi.Good {
		t.Fatalf("%v, %v", r, err)
	}
	kl, err := expfam.KL(w.in, want)
	if err != nil || kl > 0.05 {
		t.Errorf("KL to the target is %v (%v)", kl, err)
	}
}

// TestSPDKeepsRegular takes steps to the edge of the cone and past it: where they end,
// the point can be saved, read back bit for bit and stepped back to.
func TestSPDKeepsRegular(t *testing.T) {
	z := mat.NewSymDense(2, []float64{2, 0.7, 0.7, 1})
	for k, start := range []func(mat.Symmetric) (*SPD, error){NewSPD, NewSPDLower, NewSPD, NewSPDLower} {
		for _, size := range []float64{1, 30, 300, 1e5, 1e200, 1.7e308} {
			s, err := start(z)
			if err != nil {
				t.Fatal(err)
			}
			s.SetExponential(k < 2)
			tan := make([]float64, s.NumParams())
			for i := range tan {
				tan[i] = -size
			}
			tan[0] *= 0.9
			if _, err := s.Retract(tan, 1); err != nil {
				continue
			}
			state := s.Natural(nil)
			b, err := s.MarshalBinary()
			c := new(SPD)
			if err = errors.Join(err, c.UnmarshalBinary(b)); err != nil {
				t.Errorf("%d: a step of %v: %v", k, size, err)
				continue
			}
			if !slices.Equal(c.Mean(nil), s.Mean(nil)) {
				t.Errorf("%d: a step of %v comes back as %v, not %v", k, size, c.Mean(nil), s.Mean(nil))
			}
			if err := s.SetNatural(state); err != nil {
				t.Errorf("%d: a step of %v: %v", k, size, err)
			}
		}
	}
}

// TestConeResume stops runs on the cones, and exact ones of a Gaussian, and goes on
// from their bytes.
func TestConeResume(t *testing.T) {
	rng := rand.New(rand.NewPCG(24, 1))
	v := precise(rng, 3)
	spd := func(start func(mat.Symmetric) (*SPD, error), alpha float64, expm bool) func() vi.Posterior {
		return func() vi.Posterior {
			s, err := start(mat.NewSymDense(3, []float64{2, 0.5, 0, 0.5, 1, 0, 0, 0, 3}))
			if err = errors.Join(err, s.SetMomentum(alpha)); err != nil {
				t.Fatal(err)
			}
			s.SetExponential(expm)
			return s
		}
	}
	wishart := func() vi.Posterior { return newTestWishart(t, 4, root(t, "chol", 3)) }
	values, err := expfam.NewWishart(6, v)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		start  func() vi.Posterior
		target *vi.Target
		s      vi.Settings
	}{
		"positive definite":        {spd(NewSPD, 0.5, false), logDet(v), vi.Settings{}},
		"positive definite, lower": {spd(NewSPDLower, 0.5, true), logDet(v), vi.Settings{}},
		"positive definite, plain": {spd(NewSPD, 0.9, true), logDet(v), vi.Settings{Plain: true, Rate: vi.Constant(0.05)}},
		"wishart":                  {wishart, wishartTarget(t, 6.5, v), vi.Settings{}},
		"wishart, values alone":    {wishart, &vi.Target{Dim: 6, LogProb: values.LogProb}, vi.Settings{Method: vi.GradientFree, Draws: 16, Seed: 2}},
		"gaussian, exact, momentum": {func() vi.Posterior {
			q := mustNew(t, make([]float64, 3), root(t, "up_1", 3))
			if err := q.SetMomentum(0.6); err != nil {
				t.Fatal(err)
			}
			return q
		}, predictors(t, v, []float64{1, -2, 3}), vi.Settings{}},
	} {
		c.s.Tol, c.s.Diagnostics = 1e-300, -1
		q, again := c.start(), c.start()
		e, err := vi.New(q, c.target, &c.s)
		if err != nil {
			t.Fatal(name, err)
		}
		advance(t, e, 3)
		state, err := e.MarshalBinary()
		if err != nil {
			t.Fatal(name, err)
		}
		e2, err := vi.Resume(again, c.target, &c.s, state)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, run := range []*vi.Engine{e, e2} {
			for k := 0; k < 4 && run.Status() == vi.Running; k++ {
				if _, err := run.Step(); err != nil {
					t.Fatal(name, err)
				}
			}
		}
		a, err := q.MarshalBinary()
		b, err2 := again.MarshalBinary()
		if err = errors.Join(err, err2); err != nil || !slices.Equal(a, b) || e.Iterations() != e2.Iterations() || e.Iterations() < 6 {
			t.Errorf("%s: a resumed run goes elsewhere (%v)", name, err)
		}
	}
}

// TestConeAccessors reads back what constructors were given.
func TestConeAccessors(t *testing.T) {
	v := precise(rand.New(rand.NewPCG(25, 1)), 3)
	for name, start := range map[string]func(mat.Symmetric) (*SPD, error){"symmetric": NewSPD, "lower": NewSPDLower} {
		s, err := start(v)
		if err != nil {
			t.Fatal(err)
		}
		var z mat.Dense
		a := s.Root(nil)
		z.Mul(a, a.T())
		near(t, name+": AAᵀ", z.RawMatrix().Data, mat.DenseCopyOf(v).RawMatrix().Data, 1e-14)
		if s.Order() != 3 || s.Name() != "positive definite matrix" {
			t.Errorf("order %d of a %s", s.Order(), s.Name())
		}
	}
	f := root(t, "chol", 3)
	if err := f.SetValues([]float64{1, 0.5, 2, -1, 0.3, 0.7}); err != nil {
		t.Fatal(err)
	}
	w := newTestWishart(t, 5, f)
	cov := inverse(t, wishartPrecision(w))
	near(t, "E[W]", w.Mean(nil), expfam.Svec(nil, cov), 1e-13)
	if w.Order() != 3 || w.Name() != "structured wishart, cholesky" || !slices.Equal(w.Factor().Values(nil), f.Values(nil)) {
		t.Errorf("%s of order %d with root %v", w.Name(), w.Order(), w.Factor().Values(nil))
	}
}
