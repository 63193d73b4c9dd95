package vi

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// Where q is the target, the expectation of the gradient-free step is nothing,
// however few draws: a baseline of all values would shrink the part of log p, and of it alone.
func TestGradientFreeIsUnbiased(t *testing.T) {
	prec := mat.NewSymDense(2, []float64{2, 0.7, 0.7, 1})
	target := normalTarget([]float64{1, -2}, prec)
	target.Grad = nil
	q, err := expfam.NewNormalPrecision([]float64{1, -2}, prec)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 4, 8} {
		e, err := New(q, target, &Settings{Method: GradientFree, Draws: n, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		const steps = 40000
		sum, sq := make([]float64, len(e.tan)), make([]float64, len(e.tan))
		for i := range steps {
			if _, err := e.est.estimate(e.tan, i); err != nil {
				t.Fatal(err)
			}
			for k, v := range e.tan {
				sum[k] += v / steps
				sq[k] += v * v / steps
			}
		}
		for k, m := range sum {
			if se := math.Sqrt((sq[k] - m*m) / steps); math.Abs(m) > 4*se+1e-12 {
				t.Errorf("%d draws, entry %d: mean step %.4f ± %.4f, want 0", n, k, m, se)
			}
		}
	}
}

// A panic or a NaN of Target.Exact, and a density of q that is no number, are errors.
func TestExactAndDensityFailures(t *testing.T) {
	full := normalTarget([]float64{0}, mat.NewSymDense(1, []float64{1}))
	boom := func(tan []float64, q Posterior) (float64, error) { panic("boom") }
	for _, target := range []*Target{{Dim: 1, LogProb: full.LogProb, Exact: boom}, {Dim: 1, LogProb: full.LogProb, Grad: full.Grad, Exact: boom}} {
		q := expfam.StandardNormal(1)
		var pe *PanicError
		if _, err := Fit(context.Background(), q, target, nil); !errors.As(err, &pe) {
			t.Errorf("panic in Exact: error %v, want a *PanicError", err)
		}
		sameBits(t, "panic in Exact", expfam.StandardNormal(1), q)
	}
	points := func(draws []expfam.Draw, iter int) { panic("boom") }
	var pe *PanicError
	if _, err := Fit(context.Background(), expfam.StandardNormal(1), full, &Settings{Points: points}); !errors.As(err, &pe) {
		t.Errorf("panic in Points: error %v, want a *PanicError", err)
	}
	// A point outside the support of q, where log q is −Inf and the target is not.
	q := must(expfam.NewGamma(2, 1))
	var nf *NonFiniteError
	r, err := Fit(context.Background(), q.(Posterior), full, &Settings{Plain: true, Rate: Constant(0.01), Iterations: 2, Draws: 2, Diagnostics: -1,
		Points: func(draws []expfam.Draw, iter int) { draws[0].X[0], draws[1].X[0] = 1, -1 }})
	if !errors.As(err, &nf) {
		t.Errorf("log q = −Inf: error %v and ELBO %v, want a *NonFiniteError", err, r)
	}
}

// Parts of a target that a method would leave out are refused, and no log density is made of a part.
func TestExactGoesWithDrawsOnly(t *testing.T) {
	lin := logisticTarget(30, 2, 1)
	part := func(tan []float64, q Posterior) (float64, error) { return 0, nil }
	var se *SettingError
	lin.Exact = part
	if _, err := New(expfam.StandardNormal(2), lin, &Settings{Method: Quadrature}); !errors.As(err, &se) {
		t.Errorf("Quadrature: error %v, want a *SettingError", err)
	}
	if _, err := New(expfam.StandardNormal(2), lin, nil); !errors.As(err, &se) || se.Param != "Target.LogProb" {
		t.Errorf("Auto: error %v, want that LogProb is missing", err)
	}
	g := must(expfam.NewGamma(2, 1))
	conj := &Target{Dim: 1, Conjugate: &Conjugate{Prior: g.Natural(nil)}, Exact: part}
	if _, err := New(g, conj, &Settings{Method: ConjugateForm}); !errors.As(err, &se) {
		t.Errorf("ConjugateForm: error %v, want a *SettingError", err)
	}
}

// stingy is a Pacer that wants no draws.
type stingy struct{ *expfam.Normal }

func (stingy) FirstRate() float64 { return 0.5 }
func (stingy) FirstDraws() int    { return -2 }

func TestPacerIsChecked(t *testing.T) {
	var se *SettingError
	if _, err := New(stingy{expfam.StandardNormal(1)}, normalTarget([]float64{0}, mat.NewSymDense(1, []float64{1})), &Settings{Method: Draws}); !errors.As(err, &se) {
		t.Errorf("no draws: error %v, want a *SettingError", err)
	}
}

// A rate outside its range is an error at whatever step it comes.
func TestRatesAreChecked(t *testing.T) {
	full := normalTarget([]float64{1}, mat.NewSymDense(1, []float64{1}))
	whole := &Target{Dim: 1, LogProb: full.LogProb, Exact: closed(full, mat.NewSymDense(1, []float64{1}), 1)}
	for _, c := range []struct {
		t     *Target
		plain bool
	}{{full, true}, {full, false}, {whole, true}, {whole, false}} {
		for _, bad := range []float64{-0.1, 0, 1.5, math.NaN()} {
			var se *SettingError
			r, err := Fit(context.Background(), expfam.StandardNormal(1), c.t, &Settings{Plain: c.plain, Tol: 1e-300, Iterations: 20, Rate: func(t int) float64 {
				if t == 3 {
					return bad
				}
				return 0.1
			}})
			if !errors.As(err, &se) || r.Iterations != 3 {
				t.Errorf("rate %v, plain %v: error %v, want a *SettingError after 3 steps", bad, c.plain, err)
			}
		}
	}
}

// Damaged averages are errors of Resume or of a step, never panics.
func TestResumeChecksAverages(t *testing.T) {
	full := normalTarget([]float64{1}, mat.NewSymDense(1, []float64{1}))
	e, err := New(expfam.StandardNormal(1), full, &Settings{Draws: 8, Tol: 1e-9})
	if err != nil {
		t.Fatal(err)
	}
	for e.sched.best == nil || e.sched.n < e.sched.window-2 {
		if _, err := e.Step(); err != nil {
			t.Fatal(err)
		}
	}
	for _, gaps := range [][]float64{nil, e.sched.gaps[:5], append([]float64{math.NaN()}, e.sched.gaps[1:]...)} {
		good := e.sched.gaps
		e.sched.gaps = gaps
		b, err := e.MarshalBinary()
		e.sched.gaps = good
		if err != nil {
			t.Fatal(err)
		}
		var st *StateError
		if _, err := Resume(expfam.StandardNormal(1), full, &Settings{Draws: 8, Tol: 1e-9}, b); !errors.As(err, &st) {
			t.Errorf("%d values of an average: error %v, want a *StateError", len(gaps), err)
		}
	}
}
