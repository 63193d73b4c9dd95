package expfam

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
)

// ContinuousBernoulli is the continuous Bernoulli distribution of parameter
// 0 < λ < 1 on 0 ≤ x ≤ 1 (Loaiza-Ganem and Cunningham 2019),
//
//	p(x) ∝ λ^x (1−λ)^(1−x),
//
// with T(x) = x, η = log(λ/(1−λ)), m = 1/(1 − e^−η) − 1/η, h = 1 and
// A = log((e^η − 1)/η); λ = 1/2 is the uniform distribution, of m = 1/2.
//
// SetExpectation returns a *PrecisionError where m is so near 1 that its
// rounding moves η by 1e-10.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type ContinuousBernoulli struct{ mapped }

func newContinuousBernoulli([]float64) (mapped, error) {
	return mapped{law: new(tiltLaw), name: "continuous-bernoulli"}, nil
}

// NewContinuousBernoulli returns a continuous Bernoulli distribution. It errs
// unless 0 < lambda < 1.
func NewContinuousBernoulli(lambda float64) (*ContinuousBernoulli, error) {
	if !(lambda > 0 && lambda < 1) {
		return nil, &DomainError{Family: "continuous-bernoulli", Func: "New", Param: "lambda", Index: -1, Value: lambda, Want: "between 0 and 1"}
	}
	m, _ := newContinuousBernoulli(nil)
	// 2λ − 1 is exact near ½, where the logit is small.
	eta := 2 * math.Atanh(2*lambda-1)
	if lambda < 0.25 || lambda > 0.75 {
		eta = math.Log(lambda) - math.Log1p(-lambda)
	}
	if err := m.SetNatural([]float64{eta}); err != nil {
		return nil, err
	}
	return &ContinuousBernoulli{m}, nil
}

// Lambda returns λ.
func (c *ContinuousBernoulli) Lambda() float64 { return special.Sigmoid(c.law.(*tiltLaw).eta) }

// Logit returns η = log(λ/(1−λ)).
func (c *ContinuousBernoulli) Logit() float64 { return c.law.(*tiltLaw).eta }

// Clone returns an independent copy.
func (c *ContinuousBernoulli) Clone() Dist { return &ContinuousBernoulli{c.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (c *ContinuousBernoulli) UnmarshalBinary(b []byte) error {
	return c.unmarshal(b, "continuous-bernoulli", nil, newContinuousBernoulli)
}

// tiltLaw is p(u) ∝ e^(ηu) on [0, 1]. By the symmetry u ↦ 1 − u most of it is
// computed for t = |η|, of which u or 1 − u has the decreasing density ∝ e^(−tu)
// and the mean g(t) = 1/t − 1/(e^t − 1) ≤ 1/2.
type tiltLaw struct{ eta float64 }

// gap returns k(t) = 1/2 − g(t) = coth(t/2)/2 − 1/t and its derivative, the
// variance, for t ≥ 0, by Σ B_2n t^(2n−1)/(2n)! near 0.
func tiltGap(t float64) (k, slope float64) {
	if t >= 0.8 {
		s := 2 * math.Sinh(min(t, 700)/2)
		return 0.5/math.Tanh(t/2) - 1/t, 1/(t*t) - 1/(s*s)
	}
	q := t * t
	c := [...]float64{1. / 12, -1. / 720, 1. / 30240, -1. / 1209600, 1. / 47900160,
		-691. / 1307674368000, 1. / 74724249600, -3617. / 10670622842880000}
	for i := len(c) - 1; i >= 0; i-- {
		k = k*q + c[i]
		slope = slope*q + c[i]*float64(2*i+1)
	}
	return k * t, slope
}

// tiltMean returns g(t).
func tiltMean(t float64) float64 {
	if t < 0.8 {
		k, _ := tiltGap(t)
		return 0.5 - k
	}
	return 1/t - 1/math.Expm1(t)
}

func (c *tiltLaw) NumParams() int           { return 1 }
func (c *tiltLaw) copyLaw() law             { d := *c; return &d }
func (c *tiltLaw) coords() (e0, e1 float64) { return c.eta, 0 }
func (c *tiltLaw) inside(u float64) bool    { return u >= 0 && u <= 1 }

func (c *tiltLaw) CheckNatural(eta []float64) error {
	if math.Abs(eta[0]) <= maxScale {
		return nil
	}
	return &DomainError{Func: "SetNatural", Param: "logit", Index: 0, Value: eta[0], Want: "from -1e150 to 1e150"}
}

func (c *tiltLaw) SetNatural(eta []float64) error {
	if err := c.CheckNatural(eta); err != nil {
		return err
	}
	c.eta = eta[0]
	return nil
}

func (c *tiltLaw) meanExp(k float64) float64 {
	if c.eta > 0 {
		return 1 - tiltMean(c.eta)
	}
	return tiltMean(-c.eta)
}

func (c *tiltLaw) moments() (m0, m1 float64) { return c.meanExp(0), 0 }

// SetExpectation solves k(t) = |1/2 − m| by Newton's method from a Padé
// approximant of the inverse Langevin function (Cohen 1991), k(t) = L(t/2)/2,
// which is good to 5 %.
func (c *tiltLaw) SetExpectation(m []float64) error {
	low := m[0] // the smaller of m and 1 − m
	if m[0] > 0.5 {
		low = 1 - m[0]
	}
	if !(low >= minScale && low < 1) {
		return &DomainError{Func: "SetExpectation", Param: "mean", Index: 0, Value: m[0], Want: "between 0 and 1 (at least 1e-150)"}
	}
	y := 1 - 2*low
	t := 2 * y * (3 - y*y) / (2 * low * (1 + y))
	for range 30 {
		k, slope := tiltGap(t)
		f := k - (0.5 - low)
		if t > 2 {
			f = low - tiltMean(t)
		}
		step := f / slope
		t -= max(min(step, t/2), -t)
		if math.Abs(step) <= 4*unit*t {
			break
		}
	}
	_, slope := tiltGap(t)
	relErr := (halfUlp(m[0])+unit*low)/slope/max(t, 1/math.Sqrt(slope)) + 4*unit
	if err := imprecise("", "logit", -1, t, relErr); err != nil {
		return err
	}
	if m[0] < 0.5 {
		t = -t
	}
	c.eta = t
	return nil
}

// logMass returns log ∫₀¹ e^(−tu) du.
func logMass(t float64) float64 {
	if t < 1e-8 {
		return -t / 2
	}
	return math.Log(-math.Expm1(-t) / t)
}

func (c *tiltLaw) LogPartition() float64 { return max(c.eta, 0) + logMass(math.Abs(c.eta)) }

func (c *tiltLaw) entropy() float64 {
	t := math.Abs(c.eta)
	if t == 0 {
		return 0
	}
	return logMass(t) + t*tiltMean(t)
}

// logProb measures u from the end at which the density is largest.
func (c *tiltLaw) logProb(u float64) float64 {
	if c.eta > 0 {
		return -c.eta*(1-u) - logMass(c.eta)
	}
	return c.eta*u - logMass(-c.eta)
}

// kl is the difference of A less that of η times m, with u measured as in
// logProb.
func (c *tiltLaw) kl(q law) float64 {
	t, s := -c.eta, -q.(*tiltLaw).eta
	if t < 0 {
		t, s = -t, -s
	}
	return max(0, max(-s, 0)+logMass(math.Abs(s))-logMass(t)+(s-t)*tiltMean(t))
}

func (c *tiltLaw) variance() float64 {
	_, v := tiltGap(math.Abs(c.eta))
	return v
}

func (c *tiltLaw) FisherMul(dst, v []float64) []float64 {
	return fill1("FisherMul", dst, c.variance()*v[0])
}

func (c *tiltLaw) solve(v0, v1 float64) (w0, w1 float64) { return v0 / c.variance(), 0 }
func (c *tiltLaw) stat(u float64) (t0, t1 float64)       { return u, 0 }
func (c *tiltLaw) slope(u float64) (d0, d1 float64)      { return 1, 0 }
func (c *tiltLaw) base(u float64) (h, d float64)         { return 0, 0 }
func (c *tiltLaw) baseGrad(k float64) (g0, g1 float64)   { return 0, 0 }

// path is [(1 − e^(−ηu))/(1 − e^(−η)) − u]/η, summed as a series in η where the
// difference would cancel.
func (c *tiltLaw) path(u float64) (d0, d1 float64) {
	t := c.eta
	if math.Abs(t) > 1 {
		if t > 0 {
			return (math.Expm1(-t*u)/math.Expm1(-t) - u) / t, 0
		}
		// The same at 1 − u and −η, where the exponentials do not overflow.
		return (math.Expm1(t*(1-u))/math.Expm1(t) - (1 - u)) / -t, 0
	}
	// q(z) = (1 − e^−z)/z: u(q(ηu) − q(η))/(η q(η)), where the difference is
	// (1−u) Σ_n (−1)^(n+1) η^n (1 + u + … + u^(n−1))/(n+1)!.
	var s float64
	term, powers, power := 0.5, 0.0, 1.0
	for n := 1.; n < 20; n++ {
		powers += power
		power *= u
		s += term * powers
		term *= -t / (n + 2)
	}
	q := 1.0
	if t != 0 {
		q = -math.Expm1(-t) / t
	}
	return u * (1 - u) * s / q, 0
}

func (c *tiltLaw) draw(rng *rand.Rand) float64 {
	u, t := rng.Float64(), math.Abs(c.eta)
	if t > 1e-300 {
		u = min(1, -math.Log1p(u*math.Expm1(-t))/t)
	}
	if c.eta > 0 {
		u = 1 - u
	}
	return u
}
