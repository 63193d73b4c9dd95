package vi

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// normalTarget is log N(x|mu, prec⁻¹) without its constant, with its expectation
// under a Normal in closed form if whole is set.
func normalTarget(mu []float64, prec *mat.SymDense) *Target {
	d := len(mu)
	value := func(x []float64) float64 {
		v := 0.0
		for i := range d {
			for j := range d {
				v -= 0.5 * (x[i] - mu[i]) * prec.At(i, j) * (x[j] - mu[j])
			}
		}
		return v
	}
	return &Target{Dim: d, LogProb: value, Grad: func(dst, x []float64) float64 {
		for i := range d {
			dst[i] = 0
			for j := range d {
				dst[i] -= prec.At(i, j) * (x[j] - mu[j])
			}
		}
		return value(x)
	}}
}

// closed adds the expectation of ½·(quadratic) under a Normal.
func closed(t *Target, prec *mat.SymDense, half float64) func(tan []float64, q Posterior) (float64, error) {
	return func(tan []float64, q Posterior) (float64, error) {
		n := q.(*expfam.Normal)
		m := n.Mean(nil)
		dr := expfam.Draw{X: m, Grad: make([]float64, len(m)), Hess: mat.NewSymDense(len(m), nil)}
		dr.LogP = t.Grad(dr.Grad, m)
		dr.Hess.ScaleSym(-1, prec)
		n.Tangent(tan, &dr, half)
		var tr mat.Dense
		tr.Mul(prec, n.Cov(nil))
		return half * (dr.LogP - 0.5*mat.Trace(&tr)), nil
	}
}

// The exact method and the one with half of the density in closed form and
// half by draws find the normal distribution that the target is.
func TestExactParts(t *testing.T) {
	mu := []float64{1, -2}
	prec := mat.NewSymDense(2, []float64{2, 0.7, 0.7, 1})
	full := normalTarget(mu, prec)
	whole := &Target{Dim: 2, LogProb: full.LogProb, Exact: closed(full, prec, 1)}
	q := expfam.StandardNormal(2)
	r, err := Fit(context.Background(), q, whole, nil)
	if err != nil || r.Method != Exact || r.Grade() != Good {
		t.Fatalf("%v, method %v, %v", err, r.Method, r)
	}
	want, _ := expfam.NewNormalPrecision(mu, prec)
	if kl, _ := expfam.KL(q, want); kl > 1e-12 {
		t.Errorf("KL to the target is %g after the exact method", kl)
	}
	evidence := math.Log(2*math.Pi) - 0.5*math.Log(mat.Det(prec))
	if math.Abs(r.ELBO-evidence) > 1e-10 {
		t.Errorf("ELBO is %v, want %v", r.ELBO, evidence)
	}
	split := &Target{Dim: 2, LogProb: full.LogProb, Exact: closed(full, prec, 0.5), Grad: func(dst, x []float64) float64 {
		v := full.Grad(dst, x)
		for i := range dst {
			dst[i] /= 2
		}
		return v / 2
	}}
	q = expfam.StandardNormal(2)
	if r, err = Fit(context.Background(), q, split, nil); err != nil || r.Method != Draws || r.Grade() != Good {
		t.Fatalf("%v, %v", err, r)
	}
	if kl, _ := expfam.KL(q, want); kl > 0.02 {
		t.Errorf("KL to the target is %g with half of it by draws", kl)
	}
}

// Without entropy a posterior shrinks towards the mode; with γ = 2 its
// covariance is twice the target's.
func TestEntropyWeight(t *testing.T) {
	mu := []float64{1, -2}
	prec := mat.NewSymDense(2, []float64{2, 0.7, 0.7, 1})
	full := normalTarget(mu, prec)
	whole := &Target{Dim: 2, LogProb: full.LogProb, Exact: closed(full, prec, 1)}
	q := expfam.StandardNormal(2)
	if _, err := Fit(context.Background(), q, whole, &Settings{EntropyWeight: 2}); err != nil {
		t.Fatal(err)
	}
	var half mat.SymDense
	half.ScaleSym(0.5, prec)
	want, _ := expfam.NewNormalPrecision(mu, &half)
	if kl, _ := expfam.KL(q, want); kl > 1e-12 {
		t.Errorf("KL to N(mu, 2Σ) is %g", kl)
	}
	q = expfam.StandardNormal(2)
	if _, err := Fit(context.Background(), q, whole, &Settings{EntropyWeight: -1, Plain: true, Rate: Constant(0.2), Iterations: 50}); err != nil {
		t.Fatal(err)
	}
	if sd := q.Sd(nil); sd[0] > 0.4 || sd[1] > 0.4 {
		t.Errorf("sds are %v without entropy, want a concentrated search distribution", sd)
	}
	var se *SettingError
	if _, err := New(q, full, &Settings{EntropyWeight: 2, Method: Laplace}); !errors.As(err, &se) {
		t.Errorf("error is %v, want a *SettingError", err)
	}
}

// Plain steps with the caller's points are the caller's algorithm, step by step.
func TestPlainSteps(t *testing.T) {
	prec := mat.NewSymDense(1, []float64{3})
	full := normalTarget([]float64{2}, prec)
	pts := [][]float64{{0.3, -1}, {1.1, 0.2}, {-0.4, 0.6}}
	q := expfam.StandardNormal(1)
	e, err := New(q, full, &Settings{Plain: true, Rate: Constant(0.1), Iterations: 3, Draws: 2, Diagnostics: -1,
		Points: func(draws []expfam.Draw, iter int) {
			for k := range draws {
				draws[k].X[0] = pts[iter][k]
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	m, s := 0.0, 1.0
	for _, x := range pts {
		g, h := 0.0, 0.0
		for _, xi := range x {
			gi := -3 * (xi - 2)
			g += gi / 2
			h += s * (xi - m) * gi / 2
		}
		s1 := s - 0.1*(h+s) // entropy: ∇²(−log q) = S
		m += 0.1 * g / s1
		s = s1
		if _, err := e.Step(); err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(q.Mean(nil)[0]-m) + math.Abs(1/q.Sd(nil)[0]/q.Sd(nil)[0]-s); d > 1e-12 {
			t.Fatalf("after a step the posterior is N(%v, %v²), want mean %v and precision %v", q.Mean(nil), q.Sd(nil), m, s)
		}
	}
	if e.Status() != IterationLimit {
		t.Errorf("status is %v", e.Status())
	}
}
