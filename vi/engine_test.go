package vi

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// quadraticTarget is log N(x; mu, S⁻¹), with whatever derivatives are asked for.
func quadraticTarget(t testing.TB, d int, seed uint64, hess bool) (*Target, *expfam.Normal) {
	t.Helper()
	p := someNormal(t, d, 1.5, seed)
	mu, s := p.Mean(nil), p.Precision(nil)
	tg := &Target{Dim: d, LogProb: p.LogProb}
	tg.Grad = func(dst, x []float64) float64 {
		for i := range dst {
			dst[i] = 0
			for j := range x {
				dst[i] -= s.At(i, j) * (x[j] - mu[j])
			}
		}
		return p.LogProb(x)
	}
	if hess {
		tg.Hess = func(dst *mat.SymDense, grad, x []float64) float64 {
			dst.ScaleSym(-1, s)
			return tg.Grad(grad, x)
		}
	}
	return tg, p
}

func klBetween(t testing.TB, p, q expfam.Dist) float64 {
	t.Helper()
	kl, err := expfam.KL(p, q)
	if err != nil {
		t.Fatal(err)
	}
	return kl
}

// With Hessians, antithetic draws make one stochastic step exact on a
// quadratic from any start.
func TestPriceStepIsExactOnQuadratic(t *testing.T) {
	tg, p := quadraticTarget(t, 5, 3, true)
	q := someNormal(t, 5, 0.2, 99)
	e, err := New(q, tg, &Settings{Method: Draws, Draws: 6, Rate: Constant(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Step(); err != nil {
		t.Fatal(err)
	}
	if kl := klBetween(t, q, p); kl > 1e-12 {
		t.Errorf("KL to the target after one step is %g", kl)
	}
}

// Gradients alone reach the target, and the result says what it is worth.
func TestSteinFit(t *testing.T) {
	tg, p := quadraticTarget(t, 4, 5, false)
	q := expfam.StandardNormal(4)
	res, err := Fit(context.Background(), q, tg, &Settings{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if res.Status != Converged || res.Grade() != Good {
		t.Errorf("verdict: %s", res.Verdict())
	}
	if kl := klBetween(t, q, p); kl > 0.02 {
		t.Errorf("KL to the target is %g after %d steps", kl, res.Iterations)
	}
	// The target is normalised, so its log evidence is 0 and the ELBO is −KL.
	if math.Abs(res.ELBO+klBetween(t, q, p)) > 5*res.ELBOErr+1e-9 {
		t.Errorf("ELBO %v ± %v, want %v", res.ELBO, res.ELBOErr, -klBetween(t, q, p))
	}
	t.Log(res.Verdict(), res.Evaluations)
}

// A diagonal posterior has the target's conditional precisions at its optimum.
func TestDiagonalFit(t *testing.T) {
	tg, p := quadraticTarget(t, 3, 8, true)
	q := expfam.StandardDiagNormal(3)
	res, err := Fit(context.Background(), q, tg, nil)
	if err != nil {
		t.Fatal(err)
	}
	mean, sd := q.Mean(nil), q.Sd(nil)
	prec := p.Precision(nil)
	for i, m := range p.Mean(nil) {
		if want := 1 / math.Sqrt(prec.At(i, i)); math.Abs(sd[i]/want-1) > 0.03 || math.Abs(mean[i]-m) > 0.1*want {
			t.Errorf("coordinate %d: mean %v sd %v, want %v %v", i, mean[i], sd[i], m, want)
		}
	}
	t.Log(res.Verdict())
}

// Quadrature: Gaussian and diagonal posteriors climb to the same place from
// dispersed starts, and a falling ELBO is never accepted.
func TestQuadratureFromDispersedStarts(t *testing.T) {
	tg := logisticTarget(400, 4, 21)
	var ref float64
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 5))
		q := someNormal(t, 4, math.Exp(3*rng.Float64()-2), seed)
		res, err := Fit(context.Background(), q, tg, nil)
		if err != nil {
			t.Fatal(err)
		}
		if seed == 0 {
			ref = res.ELBO
		}
		if res.Status != Converged || math.Abs(res.ELBO-ref) > 1e-6 {
			t.Errorf("seed %d: %s, want ELBO %v", seed, res.Verdict(), ref)
		}
		last := math.Inf(-1)
		for _, r := range res.Trace {
			if r.ELBO < last-roundOff(last) {
				t.Errorf("seed %d: the ELBO fell from %v to %v at step %d", seed, last, r.ELBO, r.Iteration)
			}
			last = r.ELBO
		}
		if math.Abs(res.ELBO-res.ELBOMC) > 5*res.ELBOMCErr {
			t.Errorf("seed %d: quadrature ELBO %v, Monte Carlo %v ± %v", seed, res.ELBO, res.ELBOMC, res.ELBOMCErr)
		}
		if math.Abs(res.DataFit-res.KL-res.ELBO) > 1e-9 {
			t.Errorf("data fit %v − KL %v is not the ELBO %v", res.DataFit, res.KL, res.ELBO)
		}
	}
	diag := expfam.StandardDiagNormal(4)
	res, err := Fit(context.Background(), diag, tg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.Status != Converged || res.ELBO > ref || res.ELBO < ref-1 {
		t.Errorf("diagonal: %s, full %v", res.Verdict(), ref)
	}
}

// Batches of rows end close to the full-data optimum and say how they stopped.
func TestMinibatches(t *testing.T) {
	tg := logisticTarget(1000, 3, 33)
	full := expfam.StandardNormal(3)
	if _, err := Fit(context.Background(), full, tg, nil); err != nil {
		t.Fatal(err)
	}
	for _, m := range []Method{Quadrature, Draws} {
		tg := *tg
		if m == Draws {
			perExample(&tg)
		}
		q := expfam.StandardNormal(3)
		res, err := Fit(context.Background(), q, &tg, &Settings{Method: m, Batch: 128, Seed: 3, Diagnostics: 200})
		if err != nil {
			t.Fatal(err)
		}
		if kl := klBetween(t, q, full); res.Status != Converged || kl > 0.05 {
			t.Errorf("%v: KL to the full-data fit %g, %s", m, kl, res.Verdict())
		}
		t.Log(m, klBetween(t, q, full), res.Verdict())
	}
}

// perExample gives a Linear target the per-example functions that batches of
// the Draws method need, and takes Linear away.
func perExample(t *Target) {
	lik, prior := t.Linear.Terms[0], &Target{Dim: t.Dim, Linear: &Linear{Terms: t.Linear.Terms[1:]}}
	pc := prior.complete()
	row := func(x []float64, i int) float64 {
		s := 0.0
		for j, v := range lik.X.Data[i*lik.X.Stride : i*lik.X.Stride+lik.X.Cols] {
			s += v * x[j]
		}
		return s
	}
	one := func(x []float64, i int) (f, g float64) {
		d := Derivs{F: make([]float64, 1), E: make([]float64, 1)}
		lik.Eval(i, []float64{row(x, i)}, nil, &d)
		return d.F[0], d.E[0]
	}
	t.LogPrior = func(g, x []float64) float64 {
		if g == nil {
			return pc.LogProb(x)
		}
		return pc.Grad(g, x)
	}
	t.LogLik = func(dst, x []float64, idx []int) {
		if idx == nil {
			for i := range dst {
				dst[i], _ = one(x, i)
			}
		}
		for k, i := range idx {
			dst[k], _ = one(x, i)
		}
	}
	t.LogLikGrad = func(dst *mat.Dense, x []float64, idx []int) {
		for k, i := range idx {
			_, g := one(x, i)
			for j := range x {
				dst.Set(k, j, g*lik.X.Data[i*lik.X.Stride+j])
			}
		}
	}
	t.Linear, t.Grad, t.Hess = nil, nil, nil
}

func sameBits(t *testing.T, what string, a, b Posterior) {
	t.Helper()
	x, err := a.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s: the posteriors differ: %v and %v", what, a.Natural(nil), b.Natural(nil))
	}
}

// One seed gives one result, whatever the number of workers.
func TestWorkersAreBitEqual(t *testing.T) {
	grad, _ := quadraticTarget(t, 4, 5, false)
	for name, tc := range map[string]struct {
		t *Target
		s Settings
	}{
		"draws":      {grad, Settings{Seed: 4, Iterations: 300}},
		"quadrature": {logisticTarget(5000, 3, 2), Settings{}},
		"batches":    {logisticTarget(5000, 3, 2), Settings{Batch: 512, Iterations: 300}},
	} {
		t.Run(name, func(t *testing.T) {
			var ref Posterior
			var elbo, khat float64
			for _, w := range []int{1, 2, 5} {
				s := tc.s
				s.Workers = w
				q := expfam.StandardNormal(tc.t.Dim)
				res, err := Fit(context.Background(), q, tc.t, &s)
				if err != nil {
					t.Fatal(err)
				}
				if ref == nil {
					ref, elbo, khat = q, res.ELBO, res.KHat
					continue
				}
				sameBits(t, "workers", ref, q)
				if res.ELBO != elbo || res.KHat != khat {
					t.Errorf("%d workers: ELBO %v and k-hat %v, with one %v and %v", w, res.ELBO, res.KHat, elbo, khat)
				}
			}
		})
	}
}

// A run that is stopped at any step and resumed from its state in a fresh
// engine ends with the same bits and the same trace.
func TestResumeIsBitEqual(t *testing.T) {
	grad, _ := quadraticTarget(t, 3, 6, false)
	skewed := gradientOnly(logisticTarget(30, 3, 2))
	for name, tc := range map[string]struct {
		t     *Target
		s     Settings
		stops []int
	}{
		"draws":      {grad, Settings{Seed: 9, Iterations: 400, Draws: 12}, []int{1, 49, 50, 51, 260}},
		"fixed":      {skewed, Settings{Seed: 9, Tol: 1e-3}, []int{1, 2, 3, 4, 5, 6, 7, 50}},
		"decay":      {grad, Settings{Seed: 9, Iterations: 200, Rate: Decay(0.5, 20, 0.7)}, []int{3, 120}},
		"quadrature": {logisticTarget(900, 3, 2), Settings{}, []int{1, 2, 3}},
		"batches":    {logisticTarget(900, 3, 2), Settings{Batch: 64, Iterations: 200}, []int{1, 77, 100}},
	} {
		t.Run(name, func(t *testing.T) {
			want := expfam.StandardNormal(tc.t.Dim)
			wantRes, err := Fit(context.Background(), want, tc.t, &tc.s)
			if err != nil {
				t.Fatal(err)
			}
			for _, stop := range tc.stops {
				e, err := New(expfam.StandardNormal(tc.t.Dim), tc.t, &tc.s)
				if err != nil {
					t.Fatal(err)
				}
				for e.Status() == Running && e.Iterations() < stop {
					if _, err := e.Step(); err != nil {
						t.Fatal(err)
					}
				}
				state, err := e.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				q := expfam.StandardNormal(tc.t.Dim)
				e, err = Resume(q, tc.t, &tc.s, state)
				if err != nil {
					t.Fatal(err)
				}
				res, err := e.Run(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				sameBits(t, "resume", want, q)
				if res.ELBO != wantRes.ELBO || res.Evaluations < wantRes.Evaluations || len(res.Trace) != len(wantRes.Trace) || res.Trace[len(res.Trace)-1] != wantRes.Trace[len(res.Trace)-1] {
					t.Errorf("stopped at %d: %s, want %s", stop, res.Verdict(), wantRes.Verdict())
				}
			}
		})
	}
}

// Damaged and foreign states are refused with a StateError and leave q alone.
func TestResumeRefuses(t *testing.T) {
	tg := logisticTarget(900, 3, 2)
	s := &Settings{Batch: 64, Iterations: 100}
	e, err := New(expfam.StandardNormal(3), tg, s)
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if _, err := e.Step(); err != nil {
			t.Fatal(err)
		}
	}
	good, err := e.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, tg *Target, s *Settings, state []byte, word string) {
		t.Helper()
		q := expfam.StandardNormal(tg.Dim)
		var se *StateError
		if _, err := Resume(q, tg, s, state); !errors.As(err, &se) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v, want a StateError about %q", name, err, word)
		}
		sameBits(t, name, expfam.StandardNormal(tg.Dim), q)
	}
	for n := 0; n < len(good); n += 97 {
		try("truncated", tg, s, good[:n], "truncated")
	}
	try("foreign", tg, s, []byte("PNG\r\n not a run, but long enough to be read"), "foreign")
	flip := append([]byte(nil), good...)
	flip[len(flip)/2] ^= 1
	try("damaged", tg, s, flip, "checksum")
	try("other batch", tg, &Settings{Batch: 32}, good, "batch")
	try("other seed", tg, &Settings{Batch: 64, Seed: 1}, good, "seed")
	try("other dimension", logisticTarget(900, 4, 2), s, good, "dimension")
}

// Cancelling returns the state so far and an error that says so; the
// checkpoint made then resumes.
func TestCancel(t *testing.T) {
	tg := logisticTarget(900, 3, 2)
	ctx, cancel := context.WithCancel(context.Background())
	var state []byte
	s := Settings{Batch: 64, Iterations: 300, Checkpoint: func(b []byte) error { state = b; return nil }}
	s.Recorder = func(r Record) error {
		if r.Iteration == 120 {
			cancel()
		}
		return nil
	}
	q := expfam.StandardNormal(3)
	res, err := Fit(ctx, q, tg, &s)
	if !errors.Is(err, context.Canceled) || res == nil || res.Status != Interrupted || res.Iterations != 120 || res.Grade() != Bad {
		t.Fatalf("err %v, result %v", err, res)
	}
	if !finite(res.ELBO) || !finite(res.KHat) {
		t.Errorf("the result so far is not judged: %+v", res)
	}
	s.Recorder = nil
	got := expfam.StandardNormal(3)
	e, err := Resume(got, tg, &s, state)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := expfam.StandardNormal(3)
	s.Checkpoint = nil
	if _, err := Fit(context.Background(), want, tg, &s); err != nil {
		t.Fatal(err)
	}
	sameBits(t, "cancel and resume", want, got)
}

// Checkpoints come at the asked pace and progress is a line for people.
func TestCheckpointAndProgress(t *testing.T) {
	tg, _ := quadraticTarget(t, 2, 1, false)
	slow := *tg
	slow.Grad = func(dst, x []float64) float64 {
		time.Sleep(200 * time.Microsecond)
		return tg.Grad(dst, x)
	}
	n := 0
	_, err := Fit(context.Background(), expfam.StandardNormal(2), &slow, &Settings{
		Draws: 8, Iterations: 60, CheckpointEvery: 10 * time.Millisecond, Checkpoint: func([]byte) error { n++; return nil },
	})
	if err != nil || n < 3 {
		t.Errorf("%d checkpoints, %v", n, err)
	}
	full := errors.New("disk full")
	_, err = Fit(context.Background(), expfam.StandardNormal(2), &slow, &Settings{
		Draws: 8, Iterations: 60, CheckpointEvery: time.Millisecond, Checkpoint: func([]byte) error { return full },
	})
	if !errors.Is(err, full) {
		t.Errorf("failed checkpoint: %v", err)
	}
}

// Steps allocate nothing after the first.
func TestStepAllocations(t *testing.T) {
	grad, _ := quadraticTarget(t, 4, 5, false)
	for name, tc := range map[string]struct {
		t *Target
		s Settings
	}{
		"quadrature": {logisticTarget(2000, 4, 2), Settings{Workers: 1, Rate: Constant(0.1), Tol: 1e-300, Iterations: 1 << 20}},
		"batches":    {logisticTarget(2000, 4, 2), Settings{Workers: 1, Batch: 64, Iterations: 1 << 20}},
		"draws":      {grad, Settings{Workers: 1, Iterations: 1 << 20, Draws: 16}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := New(expfam.StandardNormal(tc.t.Dim), tc.t, &tc.s)
			if err != nil {
				t.Fatal(err)
			}
			step := func() {
				if _, err := e.Step(); err != nil {
					t.Fatal(err)
				}
			}
			step()
			if n := testing.AllocsPerRun(20, step); n != 0 {
				t.Errorf("a step allocates %v times", n)
			}
		})
	}
}

// The MAP point of a log-concave target has zero gradient, and the Laplace
// start there is the target itself if that is normal.
func TestMAPAndStart(t *testing.T) {
	for _, hess := range []bool{true, false} {
		tg, p := quadraticTarget(t, 3, 4, hess)
		x, err := MAP(context.Background(), tg, make([]float64, 3), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range p.Mean(nil) {
			if math.Abs(x[i]-m) > 1e-5 {
				t.Errorf("MAP[%d] = %v, want %v", i, x[i], m)
			}
		}
		q, err := Start(tg, x)
		if err != nil {
			t.Fatal(err)
		}
		if kl := klBetween(t, q, p); kl > 1e-6 {
			t.Errorf("KL of the Laplace start is %g", kl)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tg, _ := quadraticTarget(t, 3, 4, false)
	if _, err := MAP(ctx, tg, []float64{50, 50, 50}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled MAP: %v", err)
	}
	// A saddle: the start must be proper all the same.
	saddle := &Target{Dim: 2, Hess: func(h *mat.SymDense, g, x []float64) float64 {
		h.SetSym(0, 0, 2)
		h.SetSym(0, 1, 0)
		h.SetSym(1, 1, -3)
		g[0], g[1] = 2*x[0], -3*x[1]
		return x[0]*x[0] - 1.5*x[1]*x[1]
	}}
	q, err := Start(saddle, []float64{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	if s := q.Precision(nil); math.Abs(s.At(0, 0)-2) > 1e-12 || math.Abs(s.At(1, 1)-3) > 1e-12 {
		t.Errorf("start at a saddle has precision %v", mat.Formatted(s))
	}
}
