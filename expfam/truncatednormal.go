package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// TruncatedNormal is a normal distribution restricted to known bounds
// a ≤ x ≤ b, of which one may be infinite,
//
//	p(x) ∝ e^(−(x−μ)²/(2σ²)),
//
// with T(x) = (x, x²), η = (μ/σ², −1/(2σ²)), m = (E[x], E[x²]), h = 1 and
// A = log ∫ₐᵇ exp(η₀x + η₁x²) dx. Both parameters are free. Between two finite
// bounds every real η is proper, so that the family has densities that are
// uniform, exponential, or higher at the bounds than between them (η₁ ≥ 0). With
// one bound η₁ < 0 is needed, and m has to be less spread than that of an
// exponential, Var[x] < (E[x] − a)².
//
// A, the moments and the pathwise derivative are Gauss–Legendre sums from where
// the density is highest to where it has dropped by e^−50; all terms that matter
// are positive, so that they keep full precision however far out in a tail of the
// normal the bounds are or however near to each other.
//
// SetExpectation solves by Newton's method. It returns a *DomainError where no η
// has the moments and a *PrecisionError where the rounding of m moves η by 1e-10,
// such as where the bounds are 1e4 of their distance from 0.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type TruncatedNormal struct{ mapped }

const truncatedName = "truncated-normal"

var truncatedKeys = []string{"lower", "upper"}

func newTruncatedNormal(known []float64) (mapped, error) {
	lo, hi := known[0]+0, known[1]+0 // no −0, which would have a name of its own
	fail := func(param string, v float64, want string) (mapped, error) {
		return mapped{}, &DomainError{Family: truncatedName, Func: "New", Param: param, Index: -1, Value: v, Want: want}
	}
	const most = 1e50
	switch {
	case !(math.Abs(lo) <= most || math.IsInf(lo, -1)):
		return fail("lower", lo, "-Inf or from -1e50 to 1e50")
	case !(math.Abs(hi) <= most || math.IsInf(hi, 1)):
		return fail("upper", hi, "+Inf or from -1e50 to 1e50")
	case math.IsInf(lo, -1) && math.IsInf(hi, 1):
		return fail("upper", hi, "a finite lower or upper bound; NewNormalUV has none")
	case !(hi-lo >= 1e-50) || !(hi-lo > 1e-6*math.Abs(lo)) && !(hi-lo > 1e-6*math.Abs(hi)):
		return fail("upper", hi, fmt.Sprintf("above the lower bound %v by 1e-50 and by a relative 1e-6", lo))
	}
	l := &truncatedLaw{lo: lo, hi: hi}
	return mapped{law: l, name: knownName(truncatedName, truncatedKeys, lo, hi)}, nil
}

// NewTruncatedNormal returns N(mu, sigma²) restricted to lower ≤ x ≤ upper. It
// errs unless one bound is finite, of at most 1e50, upper > lower, not nearer than
// a relative 1e-6, and mu/sigma² and 1/(2·sigma²) are between 1e-60 and 1e60 in
// size, or mu is 0.
func NewTruncatedNormal(mu, sigma, lower, upper float64) (*TruncatedNormal, error) {
	m, err := newTruncatedNormal([]float64{lower, upper})
	if err != nil {
		return nil, err
	}
	if !finiteOne(mu) {
		return nil, &DomainError{Family: m.name, Func: "New", Param: "mu", Index: -1, Value: mu, Want: "a finite number"}
	}
	if !(sigma >= 1e-30 && sigma <= 5e29) {
		return nil, &DomainError{Family: m.name, Func: "New", Param: "sigma", Index: -1, Value: sigma, Want: "> 0 (from 1e-30 to 5e29)"}
	}
	if err := m.SetNatural([]float64{mu / sigma / sigma, -0.5 / sigma / sigma}); err != nil {
		return nil, err
	}
	return &TruncatedNormal{m}, nil
}

// Bounds returns the known a and b, in units of x.
func (t *TruncatedNormal) Bounds() (lower, upper float64) {
	l := t.law.(*truncatedLaw)
	return l.lo, l.hi
}

// Mu returns μ, the mean of the normal before truncation; NaN if η₁ ≥ 0, where
// there is none.
func (t *TruncatedNormal) Mu() float64 {
	l := t.law.(*truncatedLaw)
	if l.eta[1] >= 0 {
		return math.NaN()
	}
	return -l.eta[0] / (2 * l.eta[1])
}

// Sigma returns σ, the standard deviation of the normal before truncation; +Inf
// if η₁ ≥ 0.
func (t *TruncatedNormal) Sigma() float64 {
	l := t.law.(*truncatedLaw)
	if l.eta[1] >= 0 {
		return math.Inf(1)
	}
	return math.Sqrt(-0.5 / l.eta[1])
}

// Var returns the variance of x, in units of x².
func (t *TruncatedNormal) Var() float64 { return t.law.(*truncatedLaw).v }

// Clone returns an independent copy.
func (t *TruncatedNormal) Clone() Dist { return &TruncatedNormal{t.copied()} }

// UnmarshalBinary restores a distribution bit for bit; bytes of other bounds, or
// damaged or foreign ones, are an error and leave the receiver unchanged. A zero
// value takes the bounds from the bytes.
func (t *TruncatedNormal) UnmarshalBinary(b []byte) error {
	return t.unmarshal(b, truncatedName, truncatedKeys, newTruncatedNormal)
}

// truncatedLaw is the truncated normal law: log p = f(u) − f(peak) − logMass with
// f(u) = η₀u + η₁u², highest at peak.
type truncatedLaw struct {
	lo, hi    float64
	eta       [2]float64
	pieces    [2]piece
	n         int
	peak      float64
	slopePeak float64 // f'(peak)
	logMass   float64 // log ∫ exp(f(u) − f(peak)) du
	h         float64 // entropy
	mean, v   float64
	skew      float64 // third central moment over v
	rest      float64 // variance of u² that is not linear in u
}

func (t *truncatedLaw) NumParams() int            { return 2 }
func (t *truncatedLaw) copyLaw() law              { c := *t; return &c }
func (t *truncatedLaw) coords() (e0, e1 float64)  { return t.eta[0], t.eta[1] }
func (t *truncatedLaw) inside(u float64) bool     { return u >= t.lo && u <= t.hi && finiteOne(u) }
func (t *truncatedLaw) meanExp(k float64) float64 { return t.mean }
func (t *truncatedLaw) entropy() float64          { return t.h }
func (t *truncatedLaw) LogPartition() float64 {
	return t.peak*(t.eta[0]+t.eta[1]*t.peak) + t.logMass
}

func (t *truncatedLaw) CheckNatural(eta []float64) error {
	const most = 1e60
	if !(math.Abs(eta[0]) <= most) {
		return &DomainError{Func: "SetNatural", Param: "mean·precision", Index: 0, Value: eta[0], Want: "from -1e60 to 1e60"}
	}
	if !(math.Abs(eta[1]) <= most) {
		return &DomainError{Func: "SetNatural", Param: "-precision/2", Index: 1, Value: eta[1], Want: "from -1e60 to 1e60"}
	}
	if eta[1] > -1/most && t.oneSided() {
		return &DomainError{Func: "SetNatural", Param: "-precision/2", Index: 1, Value: eta[1], Want: "< 0 (at most -1e-60) where a bound is infinite"}
	}
	return nil
}

func (t *truncatedLaw) oneSided() bool { return math.IsInf(t.hi-t.lo, 1) }

func (t *truncatedLaw) SetNatural(eta []float64) error {
	if err := t.CheckNatural(eta); err != nil {
		return err
	}
	t.set(eta[0], eta[1])
	return nil
}

func (t *truncatedLaw) moments() (m0, m1 float64) { return t.mean, t.mean*t.mean + t.v }

// With c = u − mean, F of (c, c²) is [v, v·skew; v·skew, v·skew² + rest], and
// u² = mean² + 2·mean·c + c².
func (t *truncatedLaw) FisherMul(dst, v []float64) []float64 {
	w := v[0] + 2*t.mean*v[1] // of c
	r0 := t.v * (w + t.skew*v[1])
	return fill2("FisherMul", dst, r0, (2*t.mean+t.skew)*r0+t.rest*v[1])
}

func (t *truncatedLaw) solve(v0, v1 float64) (w0, w1 float64) {
	w1 = (v1 - (2*t.mean+t.skew)*v0) / t.rest
	return v0/t.v - (2*t.mean+t.skew)*w1, w1
}

// kl is A_q − A_p − ⟨η_q − η_p, m_p⟩ with u measured from the mean of p.
func (t *truncatedLaw) kl(q law) float64 {
	r := q.(*truncatedLaw)
	about := func(s *truncatedLaw) float64 { // A of s about the mean of t
		return s.logMass - s.drop(t.mean)
	}
	return max(0, about(r)-about(t)-(r.eta[1]-t.eta[1])*t.v)
}

// drop returns f(u) − f(peak).
func (t *truncatedLaw) drop(u float64) float64 {
	d := u - t.peak
	return d * (t.slopePeak + t.eta[1]*d)
}

func (t *truncatedLaw) logProb(u float64) float64           { return t.drop(u) - t.logMass }
func (t *truncatedLaw) stat(u float64) (t0, t1 float64)     { return u, u * u }
func (t *truncatedLaw) slope(u float64) (d0, d1 float64)    { return 1, 2 * u }
func (t *truncatedLaw) base(u float64) (h, d float64)       { return 0, 0 }
func (t *truncatedLaw) baseGrad(k float64) (g0, g1 float64) { return 0, 0 }

// draw picks a piece by its mass and rejects from an envelope with a mean
// acceptance of at least 1/4.
func (t *truncatedLaw) draw(rng *rand.Rand) float64 {
	p := &t.pieces[0]
	if t.n > 1 && rng.Float64()*(t.pieces[0].mass+t.pieces[1].mass) > t.pieces[0].mass {
		p = &t.pieces[1]
	}
	return min(max(p.at+p.dir*p.draw(t.eta[1], rng), t.lo), t.hi)
}
