package vi

import (
	"context"
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
)

// gradientOnly hides all of a target but its gradient.
func gradientOnly(t *Target) *Target {
	c := t.complete()
	return &Target{Dim: t.Dim, LogProb: c.LogProb, Grad: c.Grad}
}

// From gradients alone a quadratic log density is fitted exactly in one step, and known to be.
func TestFixedDrawsAreExactOnQuadratics(t *testing.T) {
	for _, d := range []int{1, 3, 20} {
		target, p := quadraticTarget(t, d, 6, false)
		q := expfam.StandardNormal(d)
		r, err := Fit(context.Background(), q, target, nil)
		if err != nil || r.Status != Converged || r.Iterations > 2 {
			t.Fatalf("dimension %d: %v, %v", d, err, r)
		}
		if kl := q.KLTo(p); kl > 1e-10 {
			t.Errorf("dimension %d: KL to the target is %g", d, kl)
		}
		// Mean field: precisions are the diagonal of the precision matrix (Bishop 2006, section 10.1.2).
		m, err := expfam.NewDiagNormal(make([]float64, d), p.Sd(nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Fit(context.Background(), m, target, &Settings{Tol: 1e-6}); err != nil {
			t.Fatal(err)
		}
		s, mu, at, loss := p.Precision(nil), p.Mean(nil), m.Mean(nil), 0.0
		for i, v := range m.Sd(nil) {
			if math.Abs(v*v*s.At(i, i)-1) > 1e-6 {
				t.Errorf("dimension %d, coordinate %d: sd %g, want %g", d, i, v, 1/math.Sqrt(s.At(i, i)))
			}
			for j := range at {
				loss += (at[i] - mu[i]) * s.At(i, j) * (at[j] - mu[j]) / 2
			}
		}
		if loss > 1e-4 {
			t.Errorf("dimension %d: the mean of the mean field costs %g nats", d, loss)
		}
	}
}

// The loss against the exact optimum, which quadrature finds, is below the tolerance, and so is the
// estimate of it on average; the number of gradients stays small.
func TestFixedDrawsReachTheOptimum(t *testing.T) {
	full := logisticTarget(30, 3, 2)
	best := expfam.StandardNormal(3)
	want, err := Fit(context.Background(), best, full, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tol := range []float64{0.01, 0.001} {
		worst, mean, evals := 0.0, 0.0, 0
		const seeds = 20
		for seed := range uint64(seeds) {
			q := expfam.StandardNormal(3)
			r, err := Fit(context.Background(), q, gradientOnly(full), &Settings{Seed: seed, Tol: tol, Diagnostics: -1})
			if err != nil || r.Status != Converged {
				t.Fatalf("seed %d: %v, %v", seed, err, r)
			}
			at, err := Judge(q, full, &Settings{Diagnostics: -1})
			if err != nil {
				t.Fatal(err)
			}
			loss := want.ELBO - at.ELBO
			worst, mean = math.Max(worst, loss), mean+loss/seeds
			evals += r.Evaluations / seeds
		}
		t.Logf("tolerance %g: loss %.2g on average, %.2g at most, %d gradients", tol, mean, worst, evals)
		if mean > tol/2 || worst > 2*tol || float64(evals) > 30/tol {
			t.Errorf("tolerance %g: loss %g on average, %g at most, %d gradients", tol, mean, worst, evals)
		}
	}
}

// excess agrees with the loss that it estimates, for a number of draws that is too small.
func TestExcess(t *testing.T) {
	full := logisticTarget(12, 2, 2)
	want, err := Fit(context.Background(), expfam.StandardNormal(2), full, nil)
	if err != nil {
		t.Fatal(err)
	}
	loss, said := 0.0, 0.0
	const seeds = 60
	for seed := range uint64(seeds) {
		q := expfam.StandardNormal(2)
		e, err := New(q, gradientOnly(full), &Settings{Seed: seed, Tol: 1e-6, Diagnostics: -1})
		if err != nil {
			t.Fatal(err)
		}
		e.fixed.grow(32)
		for e.status == Running && e.fixed != nil && e.fixed.pairs() == 32 {
			if _, err := e.Step(); err != nil {
				t.Fatal(err)
			}
		}
		at, err := Judge(q, full, &Settings{Diagnostics: -1})
		if err != nil {
			t.Fatal(err)
		}
		loss += (want.ELBO - at.ELBO) / seeds
		e.fixed.grow(32)
		if _, err := e.fixed.estimate(e.tan, 0); err != nil {
			t.Fatal(err)
		}
		said += e.fixed.excess() / seeds
	}
	if !(said > loss/2 && said < 8*loss) {
		t.Errorf("excess says %g on average, the loss is %g", said, loss)
	}
}

// Where fixed draws have no solution the run goes on with independent ones.
func TestLoosen(t *testing.T) {
	target, p := quadraticTarget(t, 3, 6, false)
	q := expfam.StandardNormal(3)
	e, err := New(q, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.loosen(); err != nil {
		t.Fatal(err)
	}
	b, err := e.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if e, err = Resume(expfam.StandardNormal(3), target, nil, b); err != nil || !e.noisy || e.fixed != nil {
		t.Fatalf("resumed: %v", err)
	}
	r, err := e.Run(context.Background())
	if err != nil || r.Status != Converged || e.q.(*expfam.Normal).KLTo(p) > 0.01 {
		t.Errorf("%v, %v", err, r)
	}
}

// A target that is not finite at one draw of many is not fitted by silence.
func TestFixedDrawsNonFinite(t *testing.T) {
	target := &Target{Dim: 2, Grad: func(dst, x []float64) float64 {
		dst[0], dst[1] = -x[0], -x[1]
		if x[0] > 1 {
			return math.NaN()
		}
		return -(x[0]*x[0] + x[1]*x[1]) / 2
	}}
	if r, err := Fit(context.Background(), expfam.StandardNormal(2), target, nil); err == nil && r.Grade() == Good {
		t.Errorf("want an error or a grade below good, got %v", r)
	}
}

// Steps over fixed draws allocate nothing once the memory of the extrapolation is full.
func TestFixedStepAllocations(t *testing.T) {
	target := &Target{Dim: 4, Grad: func(dst, x []float64) float64 {
		s := 0.0
		for i, v := range x {
			w := v - 0.5*x[0]
			s -= w*w/2 + math.Exp(-v)
			dst[i] = math.Exp(-v) - w
			dst[0] += 0.5 * w
		}
		return s
	}}
	q := expfam.StandardNormal(4)
	start := q.Natural(nil)
	e, err := New(q, target, &Settings{Tol: 1e-300, Iterations: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	// The trace and the target allocate, the direction and the estimate of the loss must not.
	dir := make([]float64, len(start))
	for range 2 * mixDepth {
		if err := q.SetNatural(start); err != nil {
			t.Fatal(err)
		}
		e.have = false
		if _, err := e.Step(); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(20, func() {
		copy(dir, e.direction())
		e.fixed.mix.add(q, e.eta0, e.tan, e.tanNew)
		e.fixed.excess()
		if _, err := e.fixed.estimate(e.tan, 0); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
}
