package vi

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// NaN, panics, traps and recorder errors end the run, name their cause and
// leave the last good posterior.
func TestFailures(t *testing.T) {
	start := expfam.StandardNormal(2)
	bad := &Target{Dim: 2, Names: []string{"a", "b"}, Grad: func(dst, x []float64) float64 {
		dst[0], dst[1] = -x[0], math.NaN()
		return -x[0] * x[0] / 2
	}}
	var nf *NonFiniteError
	q := expfam.StandardNormal(2)
	_, err := Fit(context.Background(), q, bad, nil)
	if !errors.As(err, &nf) || !strings.Contains(err.Error(), "gradient of b") {
		t.Errorf("NaN gradient: %v", err)
	}
	sameBits(t, "NaN gradient", start, q)

	var pe *PanicError
	for _, workers := range []int{1, 3} {
		boom := &Target{Dim: 2, Grad: func(dst, x []float64) float64 { panic("boom") }}
		_, err = Fit(context.Background(), expfam.StandardNormal(2), boom, &Settings{Workers: workers})
		if !errors.As(err, &pe) || !strings.Contains(err.Error(), "boom") || !strings.Contains(string(pe.Stack), "errors_test.go") {
			t.Errorf("panic with %d workers: %v", workers, err)
		}
	}
	lin := logisticTarget(3000, 2, 1)
	lin.Linear.Terms[0].Eval = func(int, []float64, []float64, *Derivs) { panic("bang") }
	if _, err = Fit(context.Background(), expfam.StandardNormal(2), lin, &Settings{Workers: 2}); !errors.As(err, &pe) {
		t.Errorf("panic in Eval: %v", err)
	}

	tg, _ := quadraticTarget(t, 2, 1, false)
	stop := errors.New("enough")
	res, err := Fit(context.Background(), expfam.StandardNormal(2), tg, &Settings{Draws: 8, Recorder: func(r Record) error {
		if r.Iteration == 7 {
			return stop
		}
		return nil
	}})
	if !errors.Is(err, stop) || res == nil || res.Iterations != 7 {
		t.Errorf("recorder: %v, %v", err, res)
	}
	var te *TrapError
	_, err = Fit(context.Background(), expfam.StandardNormal(2), tg, &Settings{Draws: 8, Iterations: 5, Traps: expfam.NotConverged})
	if !errors.As(err, &te) || te.Condition != expfam.NotConverged {
		t.Errorf("trap: %v", err)
	}
	res, err = Fit(context.Background(), expfam.StandardNormal(2), tg, &Settings{Draws: 8, Iterations: 1})
	if err != nil || res.Status != IterationLimit || res.Grade() != Bad || res.Conditions&expfam.NotConverged == 0 {
		t.Errorf("iteration limit: %v, %s", err, res.Verdict())
	}
}

func TestSettingErrors(t *testing.T) {
	tg, _ := quadraticTarget(t, 2, 1, false)
	q := expfam.StandardNormal(2)
	poisson, err := expfam.NewPoisson(2)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		q    Posterior
		t    *Target
		s    *Settings
		word string
	}{
		{nil, tg, nil, "the posterior"},
		{(*expfam.Normal)(nil), tg, nil, "the posterior"},
		{q, nil, nil, "the target"},
		{q, &Target{}, nil, "Target.Dim"},
		{expfam.StandardNormal(3), tg, nil, "dimension"},
		{q, &Target{Dim: 2}, nil, "Target.Grad"},
		{q, &Target{Dim: 2, Names: []string{"a"}, Grad: tg.Grad}, nil, "Target.Names"},
		{q, tg, &Settings{Iterations: -1}, "Settings.Iterations"},
		{q, tg, &Settings{Draws: -1}, "Settings.Draws"},
		{q, tg, &Settings{Workers: -2}, "Settings.Workers"},
		{q, tg, &Settings{Tol: math.NaN()}, "Settings.Tol"},
		{q, tg, &Settings{Batch: 5}, "Settings.Batch"},
		{q, tg, &Settings{Rate: Constant(1.5)}, "Settings.Rate"},
		{q, tg, &Settings{Method: Quadrature}, "Target.Linear"},
		{q, tg, &Settings{Method: ConjugateForm}, "Target.Conjugate"},
		{q, tg, &Settings{Method: 77}, "Settings.Method"},
		{poisson, &Target{Dim: 1, Grad: tg.Grad}, nil, "vi.Tangenter"},
	} {
		var se *SettingError
		if _, err := New(tc.q, tc.t, tc.s); !errors.As(err, &se) || !strings.Contains(err.Error(), tc.word) {
			t.Errorf("want a SettingError about %q, got %v", tc.word, err)
		}
	}
}

// A panic in MAP is an error as well, although gonum evaluates in goroutines of
// its own.
func TestMAPPanic(t *testing.T) {
	var pe *PanicError
	boom := &Target{Dim: 1, Grad: func(dst, x []float64) float64 { panic("boom") }}
	if _, err := MAP(context.Background(), boom, []float64{1}, nil); !errors.As(err, &pe) || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v", err)
	}
	calls := 0
	later := &Target{Dim: 1, Grad: func(dst, x []float64) float64 {
		if calls++; calls > 3 {
			panic("later")
		}
		dst[0] = -4 * x[0] * x[0] * x[0]
		return -x[0] * x[0] * x[0] * x[0]
	}}
	if _, err := MAP(context.Background(), later, []float64{1}, nil); !errors.As(err, &pe) {
		t.Errorf("got %v", err)
	}
}

// Result ends a run, so that what it reports stays true.
func TestResultEndsTheRun(t *testing.T) {
	e, err := New(expfam.StandardNormal(3), logisticTarget(300, 3, 1), &Settings{Rate: Constant(0.1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Step(); err != nil {
		t.Fatal(err)
	}
	res, err := e.Result()
	if err != nil || res.Status != Interrupted {
		t.Fatalf("%v, %s", err, res.Verdict())
	}
	if _, err := e.Step(); err == nil {
		t.Error("a step after Result: no error")
	}
}

// A NaN in the Hessian is named, not passed on.
func TestNonFiniteHessian(t *testing.T) {
	tg := &Target{Dim: 1, Hess: func(h *mat.SymDense, g, x []float64) float64 {
		h.SetSym(0, 0, math.NaN())
		g[0] = -x[0]
		return -x[0] * x[0] / 2
	}}
	for _, m := range []Method{Draws, Laplace} {
		var nf *NonFiniteError
		if _, err := Fit(context.Background(), expfam.StandardNormal(1), tg, &Settings{Method: m}); !errors.As(err, &nf) || !strings.Contains(err.Error(), "Hessian") {
			t.Errorf("%v: %v", m, err)
		}
	}
}
