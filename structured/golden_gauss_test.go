package structured

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/oracle"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

const goldenTol = 1e-9

func init() {
	kinds = append(kinds,
		oracle.Of("quadratic", func(f oracle.Fields) bool { return f.Has("H", "b", "mu0", "B0", "runs") && !f.Has("beta_mu") }, replayQuadratic),
		oracle.Of("logistic regression", func(f oracle.Fields) bool { return f.Has("X", "y", "prior_precision", "runs") }, replayLogistic),
		oracle.Of("gradient-free", func(f oracle.Fields) bool { return f.Has("H", "b", "mu0", "beta_mu", "J", "runs") }, replayGradientFree),
		oracle.Of("Newton-like", func(f oracle.Fields) bool { return f.Has("w0", "B0_scale", "runs") }, replayNewton),
		oracle.Of("Kronecker", func(f oracle.Fields) bool { return f.Has("H", "b", "d", "q", "M0", "steps") }, replayKronecker),
	)
}

func decode(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// root is the identity of the structure that golden files call name.
func root(t *testing.T, name string, p int) Factor {
	t.Helper()
	var k []int
	parts := strings.Split(name, "_")
	for len(parts) > 0 {
		v, err := strconv.Atoi(parts[len(parts)-1])
		if err != nil {
			break
		}
		k = append([]int{v}, k...)
		parts = parts[:len(parts)-1]
	}
	word := strings.Join(parts, "_")
	var f Factor
	err := fmt.Errorf("no structure is called %q", name)
	switch {
	case word == "full" && len(k) == 0:
		f, err = Dense(p)
	case word == "diag" && len(k) == 0:
		f, err = Diagonal(p)
	case word == "chol" && len(k) == 0:
		f, err = Cholesky(p)
	case word == "tritoep" && len(k) == 0:
		f, err = Toeplitz(p)
	case word == "up" && len(k) == 1:
		f, err = Up(p, k[0])
	case word == "low" && len(k) == 1:
		f, err = Low(p, k[0])
	case word == "heis_up" && len(k) == 2:
		f, err = HeisenbergUp(p, k[0], k[1])
	case word == "heis_low" && len(k) == 2:
		f, err = HeisenbergLow(p, k[0], k[1])
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// setRoot moves f to the matrix b of its group, entry by entry.
func setRoot(t *testing.T, f Factor, b *mat.Dense) {
	t.Helper()
	p := f.Dim()
	one := identity(p)
	values := make([]float64, f.NumParams())
	f.ProjectIdentity(values, 1)
	start, out := append([]float64(nil), values...), append([]float64(nil), values...)
	for k := range values {
		values[k]++
		if err := f.SetValues(values); err != nil {
			t.Fatal(err)
		}
		values[k] = start[k]
		moved := denseRoot(f)
		for i, done := 0, false; i < p && !done; i++ {
			for j := 0; j < p && !done; j++ {
				if moved.At(i, j) != one.At(i, j) {
					out[k], done = b.At(i, j), true
				}
			}
		}
	}
	if err := f.SetValues(out); err != nil {
		t.Fatal(err)
	}
	near(t, "B0", denseRoot(f).RawMatrix().Data, b.RawMatrix().Data, 1e-15)
}

// setStart reads the entry B0 of a file: "identity" or a matrix.
func setStart(t *testing.T, f Factor, raw json.RawMessage) {
	t.Helper()
	var word string
	if raw == nil || json.Unmarshal(raw, &word) == nil {
		if raw != nil && word != "identity" {
			t.Fatalf("unknown start %q", word)
		}
		return
	}
	var b [][]float64
	decode(t, raw, &b)
	setRoot(t, f, dense(b))
}

func dense(rows [][]float64) *mat.Dense {
	m := mat.NewDense(len(rows), len(rows[0]), nil)
	for i, r := range rows {
		m.SetRow(i, r)
	}
	return m
}

func symmetric(rows [][]float64) *mat.SymDense {
	n := len(rows)
	s := mat.NewSymDense(n, nil)
	for i, r := range rows {
		for j := i; j < n; j++ {
			s.SetSym(i, j, r[j])
		}
	}
	return s
}

type iterate struct {
	T       int
	Mu      []float64
	B       [][]float64
	F       []float64
	FBefore *float64 `json:"f_before"`
	NegELBO *float64 `json:"neg_elbo"`
}

type goldenRun struct {
	Eps     [][][]float64
	Steps   []iterate
	SStar   [][]float64 `json:"S_star_closed_form"`
	NegStar *float64    `json:"neg_elbo_star"`
	SLong   [][]float64 `json:"S_long_run"`
	NegLong *float64    `json:"neg_elbo_long_run"`
	FFinal  *float64    `json:"f_final"`
}

// newRun starts a plain run that goes on for as long as it is asked to.
func newRun(t *testing.T, q vi.Posterior, target *vi.Target, s vi.Settings, rate float64) *vi.Engine {
	t.Helper()
	s.Plain, s.Rate, s.Iterations, s.Workers = true, vi.Constant(rate), 1<<30, 1
	e, err := vi.New(q, target, &s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// advance steps until step number n (from 0) has been taken.
func advance(t *testing.T, e *vi.Engine, n int) (last vi.Record) {
	t.Helper()
	for e.Iterations() <= n {
		var err error
		if last, err = e.Step(); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

// weight is the setting for γ.
func weight(gamma float64) float64 {
	if gamma == 0 {
		return -1
	}
	return gamma
}

func mustNew(t testing.TB, mu []float64, f Factor) *Gaussian {
	t.Helper()
	q, err := New(mu, f)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func compare(t *testing.T, q *Gaussian, s iterate) {
	t.Helper()
	near(t, fmt.Sprintf("step %d: mu", s.T), q.Mean(nil), s.Mu, goldenTol)
	near(t, fmt.Sprintf("step %d: B", s.T), denseRoot(q.Factor()).RawMatrix().Data, dense(s.B).RawMatrix().Data, goldenTol)
}

func replayQuadratic(t *testing.T, data []byte) {
	var f struct {
		Gamma, Beta float64
		H           [][]float64
		B, Mu0      []float64
		B0          json.RawMessage
		Runs        map[string]goldenRun
	}
	decode(t, data, &f)
	h := symmetric(f.H)
	targets := []*vi.Target{exactly(quadratic(h, f.B))}
	if f.Gamma == 1 {
		targets = append(targets, predictors(t, h, f.B))
	}
	for name, run := range f.Runs {
		for _, target := range targets {
			b := root(t, name, len(f.Mu0))
			setStart(t, b, f.B0)
			q := mustNew(t, f.Mu0, b)
			s := vi.Settings{Method: vi.Quadrature}
			if target.Exact != nil {
				s = vi.Settings{Method: vi.Exact, EntropyWeight: weight(f.Gamma)}
			}
			e := newRun(t, q, target, s, f.Beta)
			for _, s := range run.Steps {
				r := advance(t, e, s.T)
				compare(t, q, s)
				if s.NegELBO != nil {
					near(t, name+": negative ELBO", []float64{-r.ELBO}, []float64{*s.NegELBO}, goldenTol)
				}
			}
			elbo := -converge(t, e).ELBO
			prec := mat.DenseCopyOf(q.Precision(nil, nil)).RawMatrix().Data
			for _, want := range [][][]float64{run.SStar, run.SLong} {
				if want != nil {
					near(t, name+": S at the optimum", prec, dense(want).RawMatrix().Data, 1e-8)
				}
			}
			for _, want := range []*float64{run.NegStar, run.NegLong} {
				if want != nil {
					near(t, name+": negative ELBO at the optimum", []float64{elbo}, []float64{*want}, goldenTol)
				}
			}
		}
	}
}

func replayLogistic(t *testing.T, data []byte) {
	var f struct {
		Gamma, Beta float64
		Prior       float64 `json:"prior_precision"`
		X           [][]float64
		Y, Mu0      []float64
		B0          json.RawMessage
		Runs        map[string]goldenRun
	}
	decode(t, data, &f)
	for name, run := range f.Runs {
		structure, version, _ := strings.Cut(name, "|")
		target := logistic(f.X, f.Y, f.Prior)
		switch version {
		case "reparam":
			target.Hess = nil
		case "hessian":
			target.Grad = nil
		default:
			t.Fatalf("unknown version %q", version)
		}
		b := root(t, structure, len(f.Mu0))
		setStart(t, b, f.B0)
		q := mustNew(t, f.Mu0, b)
		e := newRun(t, q, target, given(q, run.Eps, vi.Settings{Method: vi.Draws, EntropyWeight: weight(f.Gamma)}), f.Beta)
		for _, s := range run.Steps {
			advance(t, e, s.T)
			compare(t, q, s)
		}
	}
}

// given makes recorded noise the points of the steps.
func given(q *Gaussian, eps [][][]float64, s vi.Settings) vi.Settings {
	s.Draws = len(eps[0])
	s.Points = func(draws []expfam.Draw, iter int) {
		for k := range draws {
			q.Transform(draws[k].X, eps[iter][k])
		}
	}
	return s
}

func replayGradientFree(t *testing.T, data []byte) {
	var f struct {
		Gamma, Beta float64
		BetaMu      float64 `json:"beta_mu"`
		H           [][]float64
		B, Mu0      []float64
		B0          json.RawMessage
		Runs        map[string]goldenRun
	}
	decode(t, data, &f)
	target := &vi.Target{Dim: len(f.B), LogProb: quadratic(symmetric(f.H), f.B).LogProb}
	for name, run := range f.Runs {
		b := root(t, name, len(f.Mu0))
		setStart(t, b, f.B0)
		q := mustNew(t, f.Mu0, b)
		if err := q.SetMeanRate(f.BetaMu / f.Beta); err != nil {
			t.Fatal(err)
		}
		e := newRun(t, q, target, given(q, run.Eps, vi.Settings{Method: vi.GradientFree, EntropyWeight: weight(f.Gamma)}), f.Beta)
		for _, s := range run.Steps {
			if s.T == e.Iterations() {
				for k, v := range s.F {
					near(t, "function value", []float64{-target.LogProb(q.Transform(nil, run.Eps[s.T][k]))}, []float64{v}, goldenTol)
				}
			}
			advance(t, e, s.T)
			compare(t, q, s)
		}
	}
}

func replayNewton(t *testing.T, data []byte) {
	type part struct {
		Beta    float64
		BetaMu  float64 `json:"beta_mu"`
		Damping *float64
		Runs    map[string]goldenRun
	}
	var f struct {
		part
		Gamma    float64
		W0       []float64
		B0       float64 `json:"B0_scale"`
		Adaptive *part
	}
	decode(t, data, &f)
	if f.Gamma != 1 {
		t.Fatalf("gamma is %v, want 1 for expectations at the mean", f.Gamma)
	}
	parts := []part{f.part}
	if f.Adaptive != nil {
		parts = append(parts, *f.Adaptive)
	}
	for _, part := range parts {
		h := mat.NewSymDense(len(f.W0), nil)
		target := &vi.Target{Dim: len(f.W0), Hess: func(dst *mat.SymDense, g, w []float64) float64 {
			v := rosenbrock(h, g, w)
			if part.Damping != nil {
				h.SymOuterK(1, mat.NewDense(len(g), 1, append([]float64(nil), g...)))
				for i := range g {
					h.SetSym(i, i, h.At(i, i)+*part.Damping)
				}
			}
			dst.ScaleSym(-1, h)
			for i := range g {
				g[i] = -g[i]
			}
			return -v
		}}
		value := func(w []float64) []float64 {
			return []float64{rosenbrock(mat.NewSymDense(len(w), nil), make([]float64, len(w)), w)}
		}
		for name, run := range part.Runs {
			b := root(t, name, len(f.W0))
			if err := b.Scale(f.B0); err != nil {
				t.Fatal(err)
			}
			q := mustNew(t, f.W0, b)
			if part.BetaMu != 0 {
				if err := q.SetMeanRate(part.BetaMu / part.Beta); err != nil {
					t.Fatal(err)
				}
			}
			e := newRun(t, q, target, vi.Settings{Method: vi.Laplace}, part.Beta)
			for _, s := range run.Steps {
				if s.FBefore != nil && s.T == e.Iterations() {
					near(t, name+": f before the step", value(q.Mean(nil)), []float64{*s.FBefore}, goldenTol)
				}
				advance(t, e, s.T)
				compare(t, q, s)
			}
			if run.FFinal != nil {
				near(t, name+": final f", value(q.Mean(nil)), []float64{*run.FFinal}, goldenTol)
			}
		}
	}
}

func replayKronecker(t *testing.T, data []byte) {
	var f struct {
		D, Q        int
		Gamma, Beta float64
		H, M0       [][]float64
		B           []float64
		Steps       []struct {
			T  int
			Mu [][]float64
			BC [][]float64 `json:"B_C"`
			BK [][]float64 `json:"B_K"`
		}
		SStar [][]float64 `json:"S_star_flipflop"`
	}
	decode(t, data, &f)
	c, k := root(t, "full", f.D), root(t, "full", f.Q)
	b, err := Kronecker(c, k)
	if err != nil {
		t.Fatal(err)
	}
	q := mustNew(t, dense(f.M0).RawMatrix().Data, b)
	e := newRun(t, q, exactly(quadratic(symmetric(f.H), f.B)), vi.Settings{EntropyWeight: weight(f.Gamma)}, f.Beta)
	for _, s := range f.Steps {
		advance(t, e, s.T)
		near(t, fmt.Sprintf("step %d: mu", s.T), q.Mean(nil), dense(s.Mu).RawMatrix().Data, goldenTol)
		kf := q.f.(*kronecker)
		near(t, fmt.Sprintf("step %d: B_C", s.T), denseRoot(kf.c).RawMatrix().Data, dense(s.BC).RawMatrix().Data, goldenTol)
		near(t, fmt.Sprintf("step %d: B_K", s.T), denseRoot(kf.k).RawMatrix().Data, dense(s.BK).RawMatrix().Data, goldenTol)
	}
	if f.SStar != nil {
		advance(t, e, 2000)
		near(t, "S at the fixed point", mat.DenseCopyOf(q.Precision(nil, nil)).RawMatrix().Data, dense(f.SStar).RawMatrix().Data, goldenTol)
	}
}

// converge takes plain steps until they move the state by no more than rounding.
func converge(t *testing.T, e *vi.Engine) (r vi.Record) {
	t.Helper()
	q := e.Posterior()
	last, now := q.Natural(nil), q.Natural(nil)
	for range 6000 {
		r = advance(t, e, e.Iterations())
		q.Natural(now)
		d := 0.0
		for i, v := range now {
			d = math.Max(d, math.Abs(v-last[i]))
		}
		if d < 1e-14 {
			break
		}
		copy(last, now)
	}
	return r
}
