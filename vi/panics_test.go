package vi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

var errBoom = errors.New("boom")

// bomb panics in its call number at, and in all later ones.
type bomb struct{ at, calls atomic.Int64 }

func (b *bomb) tick() {
	if at := b.at.Load(); b.calls.Add(1) >= at && at > 0 {
		panic(errBoom)
	}
}

// A function of the caller that panics, in whatever call and goroutine, is an
// error that names it and wraps its value; the posterior is where it was before
// the step.
func TestPanics(t *testing.T) {
	full, _ := quadraticTarget(t, 2, 1, true)
	free, _ := quadraticTarget(t, 2, 1, false)
	wide := func() Posterior {
		q, err := expfam.NewNormal([]float64{3, -2}, mat.NewSymDense(2, []float64{4, 0, 0, 9}))
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	linear := func(change func(term *Term, b *bomb)) func(b *bomb) (*Target, *Settings) {
		return func(b *bomb) (*Target, *Settings) {
			tg := logisticTarget(3000, 2, 1)
			change(&tg.Linear.Terms[0], b)
			return tg, &Settings{}
		}
	}
	batches := func(fn string) func(b *bomb) (*Target, *Settings) {
		return func(b *bomb) (*Target, *Settings) {
			tick := func(f string) {
				if f == fn {
					b.tick()
				}
			}
			return &Target{Dim: 2, N: 10,
				LogPrior: func(grad, x []float64) float64 {
					tick("LogPrior")
					for i := range grad {
						grad[i] = -x[i]
					}
					return -(x[0]*x[0] + x[1]*x[1]) / 2
				},
				LogLik: func(dst, x []float64, idx []int) {
					tick("LogLik")
					for i := range dst {
						dst[i] = -x[0] * x[0] / 10
					}
				},
				LogLikGrad: func(dst *mat.Dense, x []float64, idx []int) {
					tick("LogLikGrad")
					for i := range idx {
						dst.Set(i, 0, -x[0]/5)
						dst.Set(i, 1, 0)
					}
				}}, &Settings{Batch: 4}
		}
	}
	for _, c := range []struct {
		name string // its first word is in PanicError.Func
		make func(b *bomb) (*Target, *Settings)
		q    func() Posterior
	}{
		{"Grad", func(b *bomb) (*Target, *Settings) {
			return &Target{Dim: 2, LogProb: free.LogProb, Grad: func(dst, x []float64) float64 { b.tick(); return free.Grad(dst, x) }}, &Settings{}
		}, wide},
		{"LogProb of Draws", func(b *bomb) (*Target, *Settings) {
			return &Target{Dim: 2, LogProb: func(x []float64) float64 { b.tick(); return free.LogProb(x) }, Grad: free.Grad}, &Settings{}
		}, wide},
		{"LogProb of GradientFree", func(b *bomb) (*Target, *Settings) {
			return &Target{Dim: 2, LogProb: func(x []float64) float64 { b.tick(); return free.LogProb(x) }}, &Settings{Method: GradientFree}
		}, wide},
		{"Hess of Draws", func(b *bomb) (*Target, *Settings) {
			return &Target{Dim: 2, LogProb: free.LogProb, Hess: func(h *mat.SymDense, g, x []float64) float64 { b.tick(); return full.Hess(h, g, x) }}, &Settings{}
		}, wide},
		{"Hess of Laplace", func(b *bomb) (*Target, *Settings) {
			return &Target{Dim: 2, LogProb: free.LogProb, Hess: func(h *mat.SymDense, g, x []float64) float64 { b.tick(); return full.Hess(h, g, x) }}, &Settings{Method: Laplace}
		}, wide},
		{"HessVec of Laplace", func(b *bomb) (*Target, *Settings) {
			return &Target{Dim: 2, Grad: free.Grad, HessVec: func(dst, x, v []float64) { b.tick(); dst[0], dst[1] = -v[0], -v[1] }}, &Settings{Method: Laplace}
		}, wide},
		{"LogPrior", batches("LogPrior"), wide},
		{"LogLik of rows", batches("LogLik"), wide},
		{"LogLikGrad", batches("LogLikGrad"), wide},
		{"Linear.Eval", linear(func(term *Term, b *bomb) {
			eval := term.Eval
			term.Eval = func(lo int, eta, aux []float64, d *Derivs) { b.tick(); eval(lo, eta, aux, d) }
		}), wide},
		{"Linear.Sum", linear(func(term *Term, b *bomb) {
			term.Sum = func(int, []float64, []float64) float64 { b.tick(); return 0 }
		}), wide},
		{"Linear.Width", linear(func(term *Term, b *bomb) {
			term.Width = func([]float64) float64 { b.tick(); return 1 }
		}), wide},
		{"Exact", func(b *bomb) (*Target, *Settings) {
			return &Target{Dim: 2, Exact: func(tan []float64, q Posterior) (float64, error) { b.tick(); return 0, nil }}, &Settings{}
		}, wide},
		{"Conjugate.Lik", func(b *bomb) (*Target, *Settings) {
			return &Target{Dim: 1, N: 10, Conjugate: &Conjugate{Prior: []float64{1, 2}, Lik: func(dst []float64, idx []int) { b.tick(); dst[0] += 3 }}}, &Settings{Batch: 5, Rate: Constant(0.5), Iterations: 300}
		}, func() Posterior {
			q, err := expfam.NewBeta(3, 4)
			if err != nil {
				t.Fatal(err)
			}
			return q
		}},
		{"Points", func(b *bomb) (*Target, *Settings) {
			return free, &Settings{Plain: true, Iterations: 50, Rate: Constant(0.1), Points: func(draws []expfam.Draw, iter int) {
				b.tick()
				for k := range draws {
					clear(draws[k].X)
				}
			}}
		}, wide},
		{"Rate", func(b *bomb) (*Target, *Settings) {
			return free, &Settings{Rate: func(int) float64 { b.tick(); return 0.1 }}
		}, wide},
	} {
		fired := 0
		for _, workers := range []int{1, 4} {
			for _, at := range []int64{1, 2, 3, 9, 30, 200, 600, 700, 2500} {
				b := new(bomb)
				b.at.Store(at)
				tg, s := c.make(b)
				s.Workers, s.Seed = workers, uint64(at)
				q := c.q()
				before := q.Natural(nil)
				e, err := New(q, tg, s)
				for err == nil && e.Status() == Running {
					before = q.Natural(before)
					_, err = e.Step()
				}
				if err != nil && !close64(before, q.Natural(nil)) {
					t.Errorf("%s, %d workers, call %d: q is %v, was %v before the step", c.name, workers, at, q.Natural(nil), before)
				}
				if err == nil {
					_, err = e.Result()
				}
				if b.calls.Load() < at {
					if err != nil {
						t.Errorf("%s: %v", c.name, err)
					}
					continue
				}
				fired++
				var pe *PanicError
				want, _, _ := strings.Cut(c.name, " ")
				if want, _, _ = strings.Cut(want, "."); !errors.As(err, &pe) || !strings.Contains(pe.Func, want) || !errors.Is(err, errBoom) || !strings.Contains(string(pe.Stack), "panics_test.go") {
					t.Errorf("%s, %d workers, call %d: error is %v", c.name, workers, at, err)
				}
			}
		}
		if fired < 4 {
			t.Errorf("%s: the test has seen %d panics only", c.name, fired)
		}
	}
}

func close64(a, b []float64) bool {
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-12*math.Max(1, math.Abs(a[i])) {
			return false
		}
	}
	return true
}

type panickingWriter struct{}

func (panickingWriter) Write([]byte) (int, error) { panic(errBoom) }

// What is called after a step does not take the process down either, and the
// result comes with the error.
func TestPanicsAfterSteps(t *testing.T) {
	free, _ := quadraticTarget(t, 2, 1, false)
	slow := *free
	slow.Grad = func(dst, x []float64) float64 {
		time.Sleep(20 * time.Microsecond)
		return free.Grad(dst, x)
	}
	for fn, s := range map[string]*Settings{
		"Settings.Recorder":   {Recorder: func(Record) error { panic(errBoom) }},
		"Settings.Checkpoint": {Checkpoint: func([]byte) error { panic(errBoom) }, CheckpointEvery: 1},
		"Settings.Progress":   {Progress: panickingWriter{}, Plain: true, Rate: Constant(0.01), Iterations: 1 << 20},
	} {
		var pe *PanicError
		res, err := Fit(context.Background(), expfam.StandardNormal(2), &slow, s)
		if !errors.As(err, &pe) || pe.Func != fn || !errors.Is(err, errBoom) || res == nil || res.Status != Failed {
			t.Errorf("%s: error %v, result %v", fn, err, res)
		}
	}
}

// Functions besides Fit.
func TestPanicsElsewhere(t *testing.T) {
	free, _ := quadraticTarget(t, 2, 1, false)
	boom := func(dst, x []float64) float64 { panic(errBoom) }
	x := []float64{1, 2}
	for name, f := range map[string]func() error{
		"MAP":   func() error { _, err := MAP(context.Background(), &Target{Dim: 2, Grad: boom}, x, nil); return err },
		"Start": func() error { _, err := Start(&Target{Dim: 2, Grad: boom}, x); return err },
		"Start by HessVec": func() error {
			_, err := Start(&Target{Dim: 2, Grad: free.Grad, HessVec: func(_, _, _ []float64) { panic(errBoom) }}, x)
			return err
		},
		"Judge":         func() error { _, err := Judge(expfam.StandardNormal(2), &Target{Dim: 2, Grad: boom}, nil); return err },
		"CheckGradient": func() error { return CheckGradient(&Target{Dim: 2, Grad: boom}, x) },
		"Explain": func() error {
			_, err := Fit(context.Background(), expfam.StandardNormal(2), &Target{Dim: 2, Grad: func(dst, x []float64) float64 { return math.NaN() },
				Explain: func([]float64) error { panic(errBoom) }}, &Settings{Workers: 4})
			return err
		},
	} {
		var pe *PanicError
		if err := f(); !errors.As(err, &pe) || !errors.Is(err, errBoom) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	linear := logisticTarget(300, 2, 1)
	linear.Linear.Terms[0].Eval = func(int, []float64, []float64, *Derivs) { panic(errBoom) }
	var pe *PanicError
	if _, err := Start(linear, x); !errors.As(err, &pe) || pe.Func != "Target.Linear" || strings.Count(err.Error(), "[running]") != 1 {
		t.Errorf("a panic that was passed on is not the first one: %v", err)
	}
}

// A density that is not a number at the start says why, if it can.
func TestExplain(t *testing.T) {
	cause := errors.New("the prior of sigma is NaN")
	nan := &Target{Dim: 2, LogProb: func([]float64) float64 { return math.NaN() }, Grad: func(dst, x []float64) float64 { dst[0], dst[1] = 0, 0; return math.NaN() },
		Explain: func(x []float64) error {
			if len(x) != 2 {
				return fmt.Errorf("%d coordinates", len(x))
			}
			return cause
		}}
	start := expfam.StandardNormal(2)
	for _, s := range []*Settings{{}, {Workers: 4}, {Method: GradientFree}} {
		q := expfam.StandardNormal(2)
		var nf *NonFiniteError
		if _, err := Fit(context.Background(), q, nan, s); !errors.As(err, &nf) || !errors.Is(err, cause) || !strings.Contains(err.Error(), "sigma") {
			t.Errorf("Fit: %v", err)
		}
		sameBits(t, "NaN at the start", start, q)
	}
	if _, err := Judge(start, nan, nil); !errors.Is(err, cause) {
		t.Errorf("Judge: %v", err)
	}
	if _, err := MAP(context.Background(), nan, []float64{0, 0}, nil); !errors.Is(err, cause) {
		t.Errorf("MAP: %v", err)
	}
	if _, err := Start(nan, []float64{0, 0}); !errors.Is(err, cause) {
		t.Errorf("Start: %v", err)
	}
	if err := CheckGradient(nan); !errors.Is(err, cause) {
		t.Errorf("CheckGradient: %v", err)
	}
	quiet := *nan
	quiet.Explain = func([]float64) error { return nil }
	if _, err := Start(&quiet, []float64{0, 0}); err == nil || !strings.Contains(err.Error(), "want a finite number") {
		t.Errorf("Start without a cause: %v", err)
	}
}
