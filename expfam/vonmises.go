package expfam

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
)

// VonMises is the von Mises distribution of mean direction μ and concentration
// κ ≥ 0 of an angle −π < x ≤ π in radians,
//
//	p(x) = e^(κ cos(x−μ)) / (2π I₀(κ)),
//
// with T(x) = (cos x, sin x), η = κ(cos μ, sin μ), m = R(κ)(cos μ, sin μ),
// R = I₁/I₀, h = 1 and A = log(2π I₀(κ)); κ = 0 is the uniform distribution
// (Mardia and Jupp 2000, section 3.5.4). Every real η is proper.
//
// The pathwise derivative is that of the distribution function from the mean
// direction in κ, and in μ the rotation less the circulation 1/(2πI₀²p(x)), the
// flow of least kinetic energy; it is bounded as κ → 0. Gradients with it are
// those of expectations of functions that are continuous on the circle.
//
// SetExpectation returns a *PrecisionError for lengths of m so near 1 that their
// rounding moves κ by 1e-10, that is κ above about 2e5.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type VonMises struct{ mapped }

func newVonMises([]float64) (mapped, error) {
	l := new(circleLaw)
	l.set(0, 0)
	return mapped{law: l, name: "von-mises"}, nil
}

// NewVonMises returns a von Mises distribution. It errs unless mu is finite, in
// radians, and kappa between 0 and 1e150.
func NewVonMises(mu, kappa float64) (*VonMises, error) {
	if !finiteOne(mu) {
		return nil, &DomainError{Family: "von-mises", Func: "New", Param: "mu", Index: -1, Value: mu, Want: "a finite number"}
	}
	if !(kappa >= 0 && kappa <= maxScale) {
		return nil, &DomainError{Family: "von-mises", Func: "New", Param: "kappa", Index: -1, Value: kappa, Want: "from 0 to 1e150"}
	}
	m, _ := newVonMises(nil)
	s, c := math.Sincos(mu)
	if err := m.SetNatural([]float64{kappa * c, kappa * s}); err != nil {
		return nil, err
	}
	return &VonMises{m}, nil
}

// Mu returns the mean direction μ in (−π, π], 0 if κ = 0.
func (v *VonMises) Mu() float64 { return v.law.(*circleLaw).meanExp(0) }

// Kappa returns κ.
func (v *VonMises) Kappa() float64 { return v.law.(*circleLaw).kappa }

// Mean writes the mean direction μ, the circular mean. It is not the integral of
// x·p(x), which depends on where the circle is cut.
func (v *VonMises) Mean(dst []float64) []float64 { return v.mapped.Mean(dst) }

// Clone returns an independent copy.
func (v *VonMises) Clone() Dist { return &VonMises{v.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (v *VonMises) UnmarshalBinary(b []byte) error {
	return v.unmarshal(b, "von-mises", nil, newVonMises)
}

// circleLaw is the von Mises law.
type circleLaw struct {
	eta      [2]float64
	kappa    float64
	cos, sin float64 // of μ; (1, 0) for κ = 0
	bessel   special.Bessel01
}

func (c *circleLaw) set(e0, e1 float64) {
	c.eta = [2]float64{e0, e1}
	c.kappa = math.Hypot(e0, e1)
	c.cos, c.sin = 1, 0
	if c.kappa > 0 {
		c.cos, c.sin = e0/c.kappa, e1/c.kappa
	}
	c.bessel = special.BesselI01(c.kappa)
}

func (c *circleLaw) NumParams() int            { return 2 }
func (c *circleLaw) copyLaw() law              { d := *c; return &d }
func (c *circleLaw) coords() (e0, e1 float64)  { return c.eta[0], c.eta[1] }
func (c *circleLaw) inside(u float64) bool     { return u > -math.Pi && u <= math.Pi }
func (c *circleLaw) meanExp(k float64) float64 { return math.Atan2(c.sin, c.cos) }
func (c *circleLaw) LogPartition() float64 {
	return math.Log(2*math.Pi) + c.bessel.LogI0 + c.kappa
}
func (c *circleLaw) entropy() float64 {
	return math.Log(2*math.Pi) + c.bessel.LogI0 + c.kappa*c.bessel.Rest
}

func (c *circleLaw) CheckNatural(eta []float64) error {
	for i, e := range eta {
		if !(math.Abs(e) <= maxScale) {
			return &DomainError{Func: "SetNatural", Param: "kappa·direction", Index: i, Value: e, Want: "from -1e150 to 1e150"}
		}
	}
	return nil
}

func (c *circleLaw) SetNatural(eta []float64) error {
	if err := c.CheckNatural(eta); err != nil {
		return err
	}
	c.set(eta[0], eta[1])
	return nil
}

func (c *circleLaw) moments() (m0, m1 float64) {
	return c.bessel.Ratio * c.cos, c.bessel.Ratio * c.sin
}

// SetExpectation solves R(κ) = |m| by Newton's method from the approximation of
// Banerjee et al. (2005), good to a few percent.
func (c *circleLaw) SetExpectation(m []float64) error {
	if err := finite("", "SetExpectation", "m", m); err != nil {
		return err
	}
	r := math.Hypot(m[0], m[1])
	if r == 0 {
		c.set(0, 0)
		return nil
	}
	// 1 − r² with the rounding errors of the squares.
	p, q := m[0]*m[0], m[1]*m[1]
	big, small := max(p, q), min(p, q)
	rest := (1 - big) - small
	rest -= math.FMA(m[0], m[0], -p) + math.FMA(m[1], m[1], -q)
	// An m that was computed, such as by Expectation, has three roundings an entry.
	known := 3*(math.Abs(m[0])*halfUlp(m[0])+math.Abs(m[1])*halfUlp(m[1]))/r + unit*math.Abs(rest)
	if !(rest > 0) {
		if rest >= -2*known {
			return imprecise("", "kappa", -1, math.Inf(1), math.Inf(1))
		}
		return &DomainError{Func: "SetExpectation", Param: "length of m", Index: -1, Value: r, Want: "< 1"}
	}
	k := r * (1 + rest) / rest
	rest /= 1 + r // 1 − r
	var b special.Bessel01
	for range 30 {
		b = special.BesselI01(k)
		f := b.Ratio - r
		if r > 0.5 {
			f = rest - b.Rest
		}
		step := f / b.Slope
		k -= max(min(step, k/2), -k)
		if math.Abs(step) <= 4*unit*k {
			break
		}
	}
	relErr := known/(b.Slope*max(k, 1)) + 4*unit
	if err := imprecise("", "kappa", -1, k, relErr); err != nil {
		return err
	}
	return c.SetNatural([]float64{k * (m[0] / r), k * (m[1] / r)})
}

// FisherMul has R' along the mean direction and R/κ across.
func (c *circleLaw) FisherMul(dst, v []float64) []float64 {
	w0, w1 := c.polar(v[0], v[1], c.bessel.Slope, c.bessel.Ratio0)
	return fill2("FisherMul", dst, w0, w1)
}

// polar multiplies the part of v along the mean direction by a, that across by b.
func (c *circleLaw) polar(v0, v1, a, b float64) (w0, w1 float64) {
	along, across := a*(c.cos*v0+c.sin*v1), b*(c.cos*v1-c.sin*v0)
	return c.cos*along - c.sin*across, c.sin*along + c.cos*across
}

func (c *circleLaw) solve(v0, v1 float64) (w0, w1 float64) {
	return c.polar(v0, v1, 1/c.bessel.Slope, 1/c.bessel.Ratio0)
}

// kl is A_q − A_p − ⟨η_q − η_p, m_p⟩ with both κ taken out of A.
func (c *circleLaw) kl(q law) float64 {
	r := q.(*circleLaw)
	d0, d1 := r.cos-c.cos, r.sin-c.sin
	return max(0, r.bessel.LogI0-c.bessel.LogI0+(r.kappa-c.kappa)*c.bessel.Rest+
		r.kappa*c.bessel.Ratio*(d0*d0+d1*d1)/2)
}

func (c *circleLaw) stat(u float64) (t0, t1 float64) {
	s, k := math.Sincos(u)
	return k, s
}

func (c *circleLaw) slope(u float64) (d0, d1 float64) {
	s, k := math.Sincos(u)
	return -s, k
}

func (c *circleLaw) base(u float64) (h, d float64)       { return 0, 0 }
func (c *circleLaw) baseGrad(k float64) (g0, g1 float64) { return 0, 0 }

// angle returns u − μ in [−π, π].
func (c *circleLaw) angle(u float64) float64 {
	return math.Remainder(u-math.Atan2(c.sin, c.cos), 2*math.Pi)
}

func (c *circleLaw) logProb(u float64) float64 {
	s := math.Sin(c.angle(u) / 2)
	return -2*c.kappa*s*s - c.bessel.LogI0 - math.Log(2*math.Pi)
}

// path adds the velocities of κ, along the mean direction in η, and of the
// rotation, across.
func (c *circleLaw) path(u float64) (d0, d1 float64) {
	y := c.angle(u)
	along := math.Copysign(c.spread(math.Abs(y)), -y)
	across := math.Cos(y)
	if c.kappa > 1e-8 {
		across = -math.Expm1(-c.kappa*across-c.bessel.LogI0-c.kappa) / c.kappa
	}
	return c.cos*along - c.sin*across, c.sin*along + c.cos*across
}

// spread returns −∂y/∂κ for 0 ≤ y ≤ π,
//
//	∫₀^y (cos v − R) e^(κ(cos v − cos y)) dv = ∫_y^π (R − cos v) e^(κ(cos v − cos y)) dv,
//
// by the side on which the integrand does not change sign.
func (c *circleLaw) spread(y float64) float64 {
	k, rest := c.kappa, c.bessel.Rest
	sy := math.Sin(y / 2)
	lo, hi, sign := 0.0, y, 1.0
	if 2*sy*sy > rest { // cos y < R
		// The exponent is at least 2κ sin(y/2)cos(y/2)·t/… below that of y; it has
		// dropped by 40 where sin²(v/2) = sin²(y/2) + 20/κ.
		lo, hi, sign = y, math.Pi, -1
		if s := sy*sy + 20/k; s < 1 {
			hi = 2 * math.Asin(math.Sqrt(s))
		}
	}
	const panels = 3
	w := (hi - lo) / panels
	var sum float64
	for i := range panels {
		for _, n := range special.Gauss20() {
			v := lo + w*(float64(i)+n[0])
			s := math.Sin(v / 2)
			sum += n[1] * (rest - 2*s*s) * math.Exp(2*k*(sy-s)*(sy+s))
		}
	}
	return sign * w * sum
}

// draw rejects from the uniform for κ < 1, from the wrapped Cauchy distribution
// (Best and Fisher 1979) up to 100, and from a normal distribution of
// s = sin(y/2) beyond, p(s) ∝ e^(−2κs²)(1 − s²)^(−1/2), where the mass outside
// |s| < 1/2 is less than e^−50.
func (c *circleLaw) draw(rng *rand.Rand) float64 {
	var y float64
	switch k := c.kappa; {
	case k < 1:
		for {
			y = math.Pi * (2*rng.Float64() - 1)
			s := math.Sin(y / 2)
			if rng.Float64() < math.Exp(-2*k*s*s) {
				break
			}
		}
	case k < 100:
		tau := 1 + math.Sqrt(1+4*k*k)
		rho := (tau - math.Sqrt(2*tau)) / (2 * k)
		r := (1 + rho*rho) / (2 * rho)
		for {
			z := math.Cos(math.Pi * rng.Float64())
			f := (1 + r*z) / (r + z)
			b := k * (r - f)
			if u := 1 - rng.Float64(); b*(2-b) > u || math.Log(b/u)+1 >= b {
				y = math.Acos(max(-1, min(1, f)))
				break
			}
		}
		if rng.Uint64()&1 == 0 {
			y = -y
		}
	default:
		for {
			s := rng.NormFloat64() / (2 * math.Sqrt(k))
			if u := rng.Float64(); math.Abs(s) < 0.5 && u*u*(1-s*s) < 0.75 {
				y = 2 * math.Asin(s)
				break
			}
		}
	}
	x := math.Remainder(y+math.Atan2(c.sin, c.cos), 2*math.Pi)
	if x <= -math.Pi {
		return math.Pi
	}
	return min(x, math.Pi)
}
