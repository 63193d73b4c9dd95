package vi

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
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
	res, err := Fit(context.Background(), expfam.StandardNormal(2), tg, &Settings{Recorder: func(r Record) error {
		if r.Iteration == 7 {
			return stop
		}
		return nil
	}})
	if !errors.Is(err, stop) || res == nil || res.Iterations != 7 {
		t.Errorf("recorder: %v, %v", err, res)
	}
	var te *TrapError
	_, err = Fit(context.Background(), expfam.StandardNormal(2), tg, &Settings{Iterations: 5, Traps: expfam.NotConverged})
	if !errors.As(err, &te) || te.Condition != expfam.NotConverged {
		t.Errorf("trap: %v", err)
	}
	res, err = Fit(context.Background(), expfam.StandardNormal(2), tg, &Settings{Iterations: 5})
	if err != nil || res.Status != IterationLimit || res.Grade() != Bad || res.Conditions&expfam.NotConverged == 0 {
		t.Errorf("iteration limit: %v, %s", err, res.Verdict())
	}
}

func TestSettingErrors(t *testing.T) {
	tg, _ := quadraticTarget(t, 2, 1, false)
	q := expfam.StandardNormal(2)
	gamma, err := expfam.NewGamma(2, 3)
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
		{gamma, &Target{Dim: 1, Grad: tg.Grad}, nil, "vi.Tangenter"},
	} {
		var se *SettingError
		if _, err := New(tc.q, tc.t, tc.s); !errors.As(err, &se) || !strings.Contains(err.Error(), tc.word) {
			t.Errorf("want a SettingError about %q, got %v", tc.word, err)
		}
	}
}
