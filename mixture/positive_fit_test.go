package mixture

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/natgrad/natgrad/vi"
)

// TestPositiveFits: targets inside a family are found from starts far off.
func TestPositiveFits(t *testing.T) {
	for _, scale := range []float64{1e-4, 0.02, 1, 50, 1e4} {
		one := []float64{1}
		g := made[*Gammas](t)(NewGammas(one, []float64{1 / scale}))
		ig := made[*InverseGaussians](t)(NewInverseGaussians([]float64{scale}, one))
		bs := made[*BirnbaumSaunders](t)(NewBirnbaumSaunders(one, []float64{scale}))
		lgamma := func(a float64) float64 { v, _ := math.Lgamma(a); return v }
		for _, c := range []struct {
			q      positive
			target *vi.Target
			logZ   float64
			loss   float64 // KL of the best of the family
		}{
			{g, positiveTarget(12, 3, 0), lgamma(12) - 12*math.Log(3), 0},
			{g, positiveTarget(0.05, 1, 0), lgamma(0.05), 0}, // from the fit before
			{g, positiveTarget(1e6, 1e3, 0), lgamma(1e6) - 1e6*math.Log(1e3), 0},
			{ig, positiveTarget(-0.5, 3, 2), 0.5*math.Log(math.Pi/2) - 2*math.Sqrt(6), 0},
			// A generalised inverse Gaussian with p = −½ + 1, between the family's
			// two components: logZ = log 2K_½(2√(BC)) (C/B)^¼.
			{bs, positiveTarget(0.5, 3, 2), 0.5*math.Log(math.Pi/3) - 2*math.Sqrt(6), 0.02},
		} {
			r, err := vi.Fit(context.Background(), c.q, c.target, &vi.Settings{Seed: 5})
			if err != nil {
				t.Fatalf("%T from %v: %v", c.q, scale, err)
			}
			if r.Grade() != vi.Good || r.ELBO > c.logZ+0.001+4*r.ELBOErr || r.ELBO < c.logZ-c.loss-0.001-4*r.ELBOErr {
				t.Errorf("%T from %v: %s, want the evidence %v", c.q, scale, r, c.logZ)
			}
		}
	}
}

// hierarchy is y_i ~ Poisson(e x_i), x_i ~ Gamma(k, rate τ), τ ~ Gamma(a, rate b),
// with θ = (x, τ).
type hierarchy struct {
	y          []float64
	e, k, a, b float64
}

func (h hierarchy) target() *vi.Target {
	d := len(h.y)
	density := func(grad, x []float64) float64 {
		tau := x[d]
		v, g := (h.a-1)*math.Log(tau)-h.b*tau, (h.a-1)/tau-h.b
		for i, y := range h.y {
			lx := math.Log(x[i])
			v += h.k*math.Log(tau) + (h.k-1)*lx - tau*x[i] + y*lx - h.e*x[i]
			g += h.k/tau - x[i]
			if grad != nil {
				grad[i] = (h.k-1+y)/x[i] - tau - h.e
			}
		}
		if grad != nil {
			grad[d] = g
		}
		return v
	}
	return &vi.Target{Dim: d + 1, Grad: density, LogProb: func(x []float64) float64 { return density(nil, x) }}
}

// exact returns means and sds of θ and the log normaliser by quadrature over log τ,
// given which x_i ~ Gamma(k + y_i, τ + e).
func (h hierarchy) exact() (mean, sd []float64, logZ float64) {
	d := len(h.y)
	m1, m2, z := make([]float64, d+1), make([]float64, d+1), 0.0
	const step, offset = 1. / 64, 150
	for u := -12.; u < 8; u += step {
		tau := math.Exp(u)
		l := h.a*u - h.b*tau + offset
		for _, y := range h.y {
			lg, _ := math.Lgamma(h.k + y)
			l += h.k*u + lg - (h.k+y)*math.Log(tau+h.e)
		}
		w := math.Exp(l) * step
		z += w
		for i, y := range h.y {
			a, b := h.k+y, tau+h.e
			m1[i] += w * a / b
			m2[i] += w * a * (a + 1) / (b * b)
		}
		m1[d] += w * tau
		m2[d] += w * tau * tau
	}
	for i := range m1 {
		m1[i] /= z
		m2[i] = math.Sqrt(m2[i]/z - m1[i]*m1[i])
	}
	return m1, m2, math.Log(z) - offset
}

// TestReferenceGammaPoisson fits a small hierarchy with every family.
func TestReferenceGammaPoisson(t *testing.T) {
	h := hierarchy{y: []float64{14, 41, 66, 27, 58, 39}, e: 20, k: 3, a: 4, b: 2}
	mean, sd, logZ := h.exact()
	for name, q := range positives(t, constantVector(7, 1), constantVector(7, 1)) {
		r, err := vi.Fit(context.Background(), q, h.target(), &vi.Settings{Seed: 2})
		if err != nil {
			t.Fatal(name, err)
		}
		if r.Grade() != vi.Good || r.ELBO > logZ+4*r.ELBOErr || r.ELBO < logZ-0.25 || math.Abs(r.LogEvidence-logZ) > 0.1 {
			t.Errorf("%s: %s and log evidence %v, want %v", name, r, r.LogEvidence, logZ)
		}
		s := q.Sd(nil)
		for i, m := range q.Mean(nil) {
			if d := (m - mean[i]) / sd[i]; math.Abs(d) > 0.12 {
				t.Errorf("%s: mean of θ[%d] is %v, want %v: off by %.2f sd", name, i, m, mean[i], d)
			}
			if ratio := s[i] / sd[i]; ratio < 0.85 || ratio > 1.1 {
				t.Errorf("%s: sd of θ[%d] is %v, want %v", name, i, s[i], sd[i])
			}
		}
	}
}

// TestPositiveResume: a run that was saved and resumed ends in the same bits.
func TestPositiveResume(t *testing.T) {
	h := hierarchy{y: []float64{3, 9}, e: 5, k: 2, a: 4, b: 2}
	settings := &vi.Settings{Plain: true, Rate: vi.Constant(0.1), Iterations: 40, Seed: 9, Diagnostics: -1}
	run := func(e *vi.Engine, steps int) {
		for range steps {
			if _, err := e.Step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	fresh := positives(t, []float64{9}, []float64{9}) // receivers of another size and state
	fresh["gammas"], fresh["inverse-gaussians"], fresh["birnbaum-saunders"] = new(Gammas), new(InverseGaussians), new(BirnbaumSaunders)
	for name, q := range positives(t, constantVector(3, 1), constantVector(3, 1)) {
		if g, ok := q.(*Gammas); ok {
			g.PlainStep = true
		}
		start := made[[]byte](t)(q.MarshalBinary())
		e := made[*vi.Engine](t)(vi.New(q, h.target(), settings))
		run(e, 15)
		saved := made[[]byte](t)(e.MarshalBinary())
		run(e, 15)
		other := fresh[name]
		if err := other.UnmarshalBinary(start); err != nil {
			t.Fatal(err)
		}
		again := made[*vi.Engine](t)(vi.Resume(other, h.target(), settings, saved))
		run(again, 15)
		a, b := made[[]byte](t)(q.MarshalBinary()), made[[]byte](t)(other.MarshalBinary())
		if !bytes.Equal(a, b) || bytes.Equal(a, start) {
			t.Errorf("%s: the resumed run ends in other bits", name)
		}
		// Damaged and foreign bytes are refused and change nothing.
		for _, bad := range [][]byte{nil, a[:len(a)-1], append([]byte("x"), a...)} {
			if other.UnmarshalBinary(bad) == nil {
				t.Errorf("%s: %d damaged bytes were taken", name, len(bad))
			}
		}
		for foreign, f := range positives(t, []float64{1}, []float64{1}) {
			if err := f.UnmarshalBinary(a); err == nil {
				t.Errorf("%s took the bytes of %s of another dimension", foreign, name)
			}
		}
		if c := made[[]byte](t)(other.MarshalBinary()); !bytes.Equal(a, c) {
			t.Errorf("%s: changed by bytes that it refused", name)
		}
	}
}
