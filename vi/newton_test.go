package vi

import (
	"context"
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// On a log-concave density the start is the Laplace approximation up to a step
// that gains less than 0.1 nats, for Linear and for plain functions alike.
func TestNewtonStart(t *testing.T) {
	tg := logisticTarget(2000, 5, 3)
	zero := make([]float64, 5)
	x, err := MAP(context.Background(), tg, zero, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Start(tg, x)
	if err != nil {
		t.Fatal(err)
	}
	c := tg.complete()
	for name, target := range map[string]*Target{"linear": tg, "functions": {Dim: 5, Hess: c.Hess}} {
		q, err := NewtonStart(target, zero, 8, 2)
		if err != nil {
			t.Fatal(err)
		}
		mean, sd, wantMean, wantSD := q.Mean(nil), q.Sd(nil), want.Mean(nil), want.Sd(nil)
		for i := range mean {
			if math.Abs(mean[i]-wantMean[i]) > 0.05*wantSD[i] || math.Abs(sd[i]/wantSD[i]-1) > 0.02 {
				t.Errorf("%s: coordinate %d is %v ± %v, Laplace has %v ± %v", name, i, mean[i], sd[i], wantMean[i], wantSD[i])
			}
		}
	}
}

// One step on a quadratic density is exact, and no step is Start.
func TestNewtonStartQuadratic(t *testing.T) {
	tg := &Target{Dim: 3, Linear: &Linear{Terms: []Term{normalPrior(3, 2)}}}
	x := []float64{5, -3, 1}
	q, err := NewtonStart(tg, x, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range q.Mean(nil) {
		if math.Abs(m) > 1e-14 || math.Abs(q.Sd(nil)[i]-2) > 1e-14 {
			t.Errorf("coordinate %d: %v ± %v, want 0 ± 2", i, m, q.Sd(nil)[i])
		}
	}
	if q, err = NewtonStart(tg, x, 0, 1); err != nil || q.Mean(nil)[0] != 5 {
		t.Errorf("without steps: mean %v, error %v", q.Mean(nil), err)
	}
}

// A step that overshoots is shortened, and where the density is convex the
// start is that of Start.
func TestNewtonStartHardCases(t *testing.T) {
	// −log cosh(3η): Newton's method from |η| > 1/3 or so diverges without a line search.
	one := blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{1}}
	cosh := &Target{Dim: 1, Linear: &Linear{Terms: []Term{{X: one, Eval: func(lo int, eta, aux []float64, d *Derivs) {
		for i, e := range eta {
			th := math.Tanh(3 * e)
			d.F[i] = -math.Log(math.Cosh(3 * e))
			if d.E != nil {
				d.E[i], d.EE[i] = -3*th, -9*(1-th*th)
			}
		}
	}}}}}
	q, err := NewtonStart(cosh, []float64{0.8}, 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	if m := q.Mean(nil)[0]; math.Abs(m) > 0.15 {
		t.Errorf("−log cosh: stopped at %v", m)
	}
	convex := &Target{Dim: 1, Hess: func(dst *mat.SymDense, grad, x []float64) float64 {
		dst.SetSym(0, 0, 4)
		grad[0] = 4 * x[0]
		return 2 * x[0] * x[0]
	}}
	q, err = NewtonStart(convex, []float64{1}, 5, 1)
	if err != nil || q.Mean(nil)[0] != 1 || math.Abs(q.Sd(nil)[0]-0.5) > 1e-12 {
		t.Errorf("convex: mean %v, sd %v, error %v; want 1, 0.5", q.Mean(nil), q.Sd(nil), err)
	}
}

// A likelihood without a maximum, two separated outcomes under a wide prior,
// gives the start at x: Newton's method would walk off into its tail.
func TestNewtonStartSeparated(t *testing.T) {
	x := blas64.General{Rows: 2, Cols: 1, Stride: 1, Data: []float64{-1, 1}}
	tg := &Target{Dim: 1, Linear: &Linear{Terms: []Term{logisticTerm(x, []float64{0, 1}), normalPrior(1, 50)}}}
	q, err := NewtonStart(tg, []float64{0}, 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	if m := q.Mean(nil)[0]; m != 0 {
		t.Errorf("starts at %v, want 0", m)
	}
}

func TestNewtonStartErrors(t *testing.T) {
	tg := logisticTarget(50, 2, 1)
	if _, err := NewtonStart(tg, make([]float64, 3), 1, 1); err == nil {
		t.Error("wrong length: no error")
	}
	var se *SettingError
	if _, err := NewtonStart(&Target{Dim: 1}, []float64{0}, 1, 1); !errors.As(err, &se) {
		t.Errorf("no Hessian: %v", err)
	}
	var nf *NonFiniteError
	if _, err := NewtonStart(tg, []float64{math.NaN(), 0}, 1, 1); !errors.As(err, &nf) {
		t.Errorf("NaN: %v", err)
	}
	var pe *PanicError
	bad := &Target{Dim: 1, Hess: func(*mat.SymDense, []float64, []float64) float64 { panic("no") }}
	if _, err := NewtonStart(bad, []float64{0}, 1, 1); !errors.As(err, &pe) {
		t.Errorf("panic: %v", err)
	}
}
