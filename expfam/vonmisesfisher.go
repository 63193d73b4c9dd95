package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
)

// VonMisesFisher is the distribution of a direction x, a vector of length 1 in
// d ≥ 2 dimensions, with mean direction μ and concentration κ ≥ 0,
//
//	p(x) = exp(κμ'x − A),   A = d/2·log 2π + log I_ν(κ) − ν log κ,   ν = d/2 − 1,
//
// a density with respect to the surface measure of the sphere, I_ν the modified
// Bessel function of the first kind (Mardia and Jupp 2000, Directional
// Statistics, section 9.3.2). T(x) = x, η = κμ, m = r(κ)μ with the mean resultant
// length r = I_{ν+1}/I_ν < 1, and h = 1. η = 0 is the uniform distribution. For
// d = 2 it is the von Mises distribution.
//
// An outcome has d entries on a surface of d − 1 dimensions: Score is a gradient
// along the surface, and PathGrad takes of a gradient only its part along it.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type VonMisesFisher struct {
	eta, mu, work []float64
	kappa         float64
	r, s, dr      float64 // r(κ), 1 − r and r'(κ)
	logScaled     float64 // A − κ
}

// maxConcentration bounds κ, so that r'(κ) ≈ (d−1)/2κ² and 1/r' are finite.
const maxConcentration = 1e100

// sphereTol is how far the length of a direction may be from 1.
const sphereTol = 1e-9

func newVonMisesFisher(d int) *VonMisesFisher {
	return &VonMisesFisher{eta: make([]float64, d), mu: make([]float64, d), work: make([]float64, d)}
}

// NewVonMisesFisher returns a von Mises–Fisher distribution in len(mu) ≥ 2
// dimensions. mu need not have length 1. It errs unless mu is finite and not 0
// and kappa is between 0 and 1e100.
func NewVonMisesFisher(mu []float64, kappa float64) (*VonMisesFisher, error) {
	const family, fn = "von-mises-fisher", "New"
	if len(mu) < 2 {
		return nil, &DomainError{family, fn, "dimension", -1, float64(len(mu)), ">= 2"}
	}
	if err := finite(family, fn, "mu", mu); err != nil {
		return nil, err
	}
	if !(kappa >= 0 && kappa <= maxConcentration) {
		return nil, &DomainError{family, fn, "kappa", -1, kappa, "from 0 to 1e100"}
	}
	f := newVonMisesFisher(len(mu))
	l := norm2(mu)
	if !(l > 0) || math.IsInf(l, 1) {
		return nil, &DomainError{family, fn, "length of mu", -1, l, "> 0 and finite"}
	}
	for i, m := range mu {
		f.work[i] = kappa * (m / l)
	}
	if err := f.SetNatural(f.work); err != nil {
		return nil, err
	}
	return f, nil
}

// norm2 returns ‖v‖ without overflow of the squares.
func norm2(v []float64) float64 {
	var top, s float64
	for _, x := range v {
		top = max(top, math.Abs(x))
	}
	if top == 0 {
		return 0
	}
	for _, x := range v {
		s += x / top * (x / top)
	}
	return top * math.Sqrt(s)
}

// Name returns "von-mises-fisher".
func (f *VonMisesFisher) Name() string { return "von-mises-fisher" }

// Dim returns d.
func (f *VonMisesFisher) Dim() int { return len(f.eta) }

// NumParams returns d.
func (f *VonMisesFisher) NumParams() int { return len(f.eta) }

// Kappa returns the concentration κ.
func (f *VonMisesFisher) Kappa() float64 { return f.kappa }

// MeanResultantLength returns r(κ) = ‖E[x]‖.
func (f *VonMisesFisher) MeanResultantLength() float64 { return f.r }

// Mu writes the mean direction μ, the first axis if κ = 0.
func (f *VonMisesFisher) Mu(dst []float64) []float64 {
	return copied("von-mises-fisher.Mu", dst, f.mu)
}

// SuffStat writes x.
func (f *VonMisesFisher) SuffStat(dst, x []float64) []float64 {
	checkLen("von-mises-fisher.SuffStat", "x", x, len(f.eta))
	return copied("von-mises-fisher.SuffStat", dst, x)
}

// LogBase returns 0 if ‖x‖ is 1 within 1e-9 and −Inf elsewhere.
func (f *VonMisesFisher) LogBase(x []float64) float64 {
	checkLen("von-mises-fisher.LogBase", "x", x, len(f.eta))
	if math.Abs(norm2(x)-1) <= sphereTol {
		return 0
	}
	return math.Inf(-1)
}

// CheckNatural wants a finite η with κ = ‖η‖ up to 1e100.
func (f *VonMisesFisher) CheckNatural(eta []float64) error {
	checkLen("von-mises-fisher.CheckNatural", "eta", eta, len(f.eta))
	if err := finite("von-mises-fisher", "SetNatural", "eta", eta); err != nil {
		return err
	}
	if k := norm2(eta); !(k <= maxConcentration) {
		return &DomainError{"von-mises-fisher", "SetNatural", "kappa", -1, k, "from 0 to 1e100"}
	}
	return nil
}

// Natural writes η = κμ.
func (f *VonMisesFisher) Natural(dst []float64) []float64 {
	return copied("von-mises-fisher.Natural", dst, f.eta)
}

// SetNatural moves to η = κμ; see [VonMisesFisher.CheckNatural].
func (f *VonMisesFisher) SetNatural(eta []float64) error {
	if err := f.CheckNatural(eta); err != nil {
		return err
	}
	copy(f.eta, eta)
	f.kappa = norm2(eta)
	for i, e := range eta {
		f.mu[i] = 0
		if f.kappa > 0 {
			f.mu[i] = e / f.kappa
		}
	}
	if f.kappa == 0 {
		f.mu[0] = 1
	}
	nu := 0.5*float64(len(eta)) - 1
	f.r, f.s, f.dr = special.BesselIRatio(nu, f.kappa)
	f.logScaled = (nu+1)*log2Pi + special.LogBesselIPower(nu, f.kappa)
	return nil
}

// Expectation writes m = E[x] = r(κ)μ.
func (f *VonMisesFisher) Expectation(dst []float64) []float64 {
	dst = sized("von-mises-fisher.Expectation", dst, len(f.eta))
	for i, m := range f.mu {
		dst[i] = f.r * m
	}
	return dst
}

// SetExpectation solves r(κ) = ‖m‖ by Newton's method. It returns a *DomainError
// unless ‖m‖ < 1.
//
// η is within 1e-10 of the exact inverse of m, relative to the larger of |η_i| and
// 1/sd(x_i). Where a rounding of m can move it by more, a *PrecisionError is
// returned instead: m holds κ through 1 − ‖m‖ ≈ (d−1)/2κ, up to about (d−1)·3e5.
func (f *VonMisesFisher) SetExpectation(m []float64) error {
	const family, fn = "von-mises-fisher", "SetExpectation"
	checkLen("von-mises-fisher.SetExpectation", "m", m, len(f.eta))
	if err := finite(family, fn, "m", m); err != nil {
		return err
	}
	r := norm2(m)
	if r == 0 {
		clear(f.work)
		return f.SetNatural(f.work)
	}
	var known float64 // of ‖m‖
	for _, v := range m {
		known += math.Abs(v/r) * halfUlp(v)
	}
	known += 2 * unit * r
	s := 1 - r
	if r > 0.5 {
		s = sphereGap(m) / (1 + r)
	}
	if !(s > 0) {
		if s >= -known {
			return imprecise(family, "kappa", -1, math.Inf(1), math.Inf(1))
		}
		return &DomainError{family, fn, "length of m", -1, r, "< 1"}
	}
	nu := 0.5*float64(len(m)) - 1
	kappa := special.InvBesselIRatio(nu, r, s)
	_, _, dr := special.BesselIRatio(nu, kappa)
	relErr := known / (kappa * dr)
	for i, v := range m {
		mu := v / r
		eta := math.Abs(kappa * mu)
		sd := math.Sqrt(dr*mu*mu + max(0, 1-mu*mu)*r/kappa)
		if off := relErr * eta / max(eta, 1/sd); !(off <= inversePrecision) {
			return imprecise(family, "kappa", -1, kappa, off)
		}
		f.work[i] = kappa * mu
	}
	return f.SetNatural(f.work)
}

// sphereGap returns 1 − ‖m‖² with one rounding of its own size: the squares are
// exact sums of two float64 by fused multiply and add.
func sphereGap(m []float64) float64 {
	gap, low := 1.0, 0.0
	for _, v := range m {
		p := v * v
		low -= math.FMA(v, v, -p)
		next := gap - p
		t := next - gap // two-sum of gap and −p
		low += (gap - (next - t)) + (-p - t)
		gap = next
	}
	return gap + low
}

// Mean writes E[x] = r(κ)μ.
func (f *VonMisesFisher) Mean(dst []float64) []float64 { return f.Expectation(dst) }

// LogPartition returns A(η).
func (f *VonMisesFisher) LogPartition() float64 { return f.logScaled + f.kappa }

// Entropy returns A − κr(κ) in nats, without the cancellation of the two at large κ.
func (f *VonMisesFisher) Entropy() float64 { return f.logScaled + f.kappa*f.s }

// LogProb returns η'x − A, −Inf unless ‖x‖ = 1. It is summed as
// −κ‖x−μ‖²/2 − (A−κ), which keeps its digits at large κ.
func (f *VonMisesFisher) LogProb(x []float64) float64 {
	if base := f.LogBase(x); base != 0 {
		return base
	}
	var d float64
	for i, m := range f.mu {
		d += (x[i] - m) * (x[i] - m)
	}
	return -0.5*f.kappa*d - f.logScaled
}

// Sample writes one draw: the cosine with μ by the rejection of Wood (1994),
// Simulation of the von Mises–Fisher distribution, and a uniform direction
// orthogonal to μ.
func (f *VonMisesFisher) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("von-mises-fisher.Sample", dst, len(f.eta))
	k := float64(len(dst) - 1)
	b := k / (2*f.kappa + math.Hypot(2*f.kappa, k))
	gap := 2 * b / (1 + b) // 1 − x₀
	var t float64          // 1 − cos
	for {
		g1, b1 := sample.Gamma(k/2, rng)
		g2, b2 := sample.Gamma(k/2, rng)
		z := 1 / (1 + g2/g1*math.Exp(b2-b1))
		t = 2 * b * z / (1 - (1-b)*z)
		if f.kappa*(gap-t)+k*math.Log((gap+(1-gap)*t)/(gap*(2-gap))) >= math.Log(1-rng.Float64()) {
			break
		}
	}
	var n float64
	for n == 0 {
		for i := range dst {
			dst[i] = rng.NormFloat64()
		}
		c := dot(dst, f.mu)
		for i, m := range f.mu {
			dst[i] -= c * m
		}
		n = norm2(dst)
	}
	sin := math.Sqrt(max(t*(2-t), 0))
	for i, m := range f.mu {
		dst[i] = (1-t)*m + sin*(dst[i]/n)
	}
	return dst
}

// curvature returns the slopes of m along and across μ, r' and r/κ.
func (f *VonMisesFisher) curvature() (along, across float64) {
	if f.kappa == 0 {
		return f.dr, f.dr
	}
	return f.dr, f.r / f.kappa
}

// FisherMul writes F·v, F = r'μμ' + (r/κ)(I − μμ').
func (f *VonMisesFisher) FisherMul(dst, v []float64) []float64 {
	checkLen("von-mises-fisher.FisherMul", "v", v, len(f.eta))
	dst = sized("von-mises-fisher.FisherMul", dst, len(f.eta))
	along, across := f.curvature()
	c := dot(f.mu, v)
	for i, m := range f.mu {
		dst[i] = along*c*m + across*(v[i]-c*m)
	}
	return dst
}

// KLTo returns KL(f‖q) in nats: that between the concentrations plus
// κ_q r ‖μ − μ_q‖²/2. It panics if q is no *VonMisesFisher of the same dimension.
func (f *VonMisesFisher) KLTo(q Dist) float64 {
	o := as[*VonMisesFisher](q)
	checkLen("von-mises-fisher.KLTo", "q", o.eta, len(f.eta))
	var d float64
	for i, m := range f.mu {
		d += (m - o.mu[i]) * (m - o.mu[i])
	}
	return max(o.logScaled-f.logScaled+(o.kappa-f.kappa)*f.s, 0) + 0.5*o.kappa*f.r*d
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (f *VonMisesFisher) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(f, tan, rho, f.work)
}

// Score writes the gradient of log p along the sphere, (I − xx')η.
func (f *VonMisesFisher) Score(dst, x []float64) []float64 {
	checkLen("von-mises-fisher.Score", "x", x, len(f.eta))
	dst = sized("von-mises-fisher.Score", dst, len(f.eta))
	c := dot(f.eta, x)
	for i, e := range f.eta {
		dst[i] = e - c*x[i]
	}
	return dst
}

// path returns the parts of the path gradient: ∂c/∂κ of the cosine c = μ'x times
// (μ − cx)'g/(1−c²), c and g'μ. A change of κ moves x along the great circle
// through μ, at fixed probability of c; a change of μ rotates x in the plane of μ
// and its change.
func (f *VonMisesFisher) path(g, x []float64) (along, c, gMu float64) {
	var d2, gTau float64
	c = dot(f.mu, x)
	for i, m := range f.mu {
		tau := x[i] - c*m
		d2 += tau * tau
		gTau += g[i] * tau
	}
	gMu = dot(f.mu, g)
	sin := math.Sqrt(d2)
	theta := math.Atan2(sin, c)
	if !(theta > 0 && theta < math.Pi) {
		return 0, c, gMu // at the poles a change of κ does not move x
	}
	rate := special.CosineGrad(len(x), f.kappa, f.s, theta)
	return rate * (gMu - c/d2*gTau), c, gMu
}

// PathGrad writes (∂x/∂η)'g: with τ = x − cμ, c = μ'x,
//
//	μ ∂c/∂κ (g'μ − c g'τ/‖τ‖²) + (I − μμ')(c g − (g'μ) x)/κ,
//
// ∂c/∂κ by numerical integration, and (I − xx')g/(d−1) at κ = 0. Its second part
// has a variance that grows as 1/κ² towards 0.
func (f *VonMisesFisher) PathGrad(dst, g, x []float64) []float64 {
	checkLen("von-mises-fisher.PathGrad", "g", g, len(f.eta))
	checkLen("von-mises-fisher.PathGrad", "x", x, len(f.eta))
	dst = sized("von-mises-fisher.PathGrad", dst, len(f.eta))
	f.addPath(dst, g, x, 0, 1, func(along, across float64) (float64, float64) { return 1, 1 })
	return dst
}

// addPath writes keep·dst + w·(the path gradient with its parts along and across μ
// multiplied by what scale makes of the slopes of m).
func (f *VonMisesFisher) addPath(dst, g, x []float64, keep, w float64, scale func(along, across float64) (float64, float64)) {
	sa, sc := scale(f.curvature())
	if f.kappa == 0 {
		c := dot(g, x)
		for i := range dst {
			dst[i] = keep*dst[i] + w*sa*(g[i]-c*x[i])/float64(len(x)-1)
		}
		return
	}
	along, c, gMu := f.path(g, x)
	sc *= w / f.kappa
	for i, m := range f.mu {
		tau := x[i] - c*m
		dst[i] = keep*dst[i] + w*sa*along*m + sc*(c*(g[i]-gMu*m)-gMu*tau)
	}
}

// Tangent adds w·F⁻¹PathGrad(d.Grad, d.X) to dst. It does not allocate.
func (f *VonMisesFisher) Tangent(dst []float64, d *Draw, w float64) {
	checkLen("von-mises-fisher.Tangent", "dst", dst, len(f.eta))
	checkLen("von-mises-fisher.Tangent", "Grad", d.Grad, len(f.eta))
	checkLen("von-mises-fisher.Tangent", "X", d.X, len(f.eta))
	f.addPath(dst, d.Grad, d.X, 1, w, func(along, across float64) (float64, float64) { return 1 / along, 1 / across })
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (f *VonMisesFisher) EntropyTangent(dst []float64) (exact bool) {
	return subEta("von-mises-fisher.EntropyTangent", dst, f.eta)
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst.
func (f *VonMisesFisher) ScoreTangent(dst, x []float64, w float64) {
	checkLen("von-mises-fisher.ScoreTangent", "dst", dst, len(f.eta))
	checkLen("von-mises-fisher.ScoreTangent", "x", x, len(f.eta))
	along, across := f.curvature()
	c := dot(f.mu, x)
	for i, m := range f.mu {
		dst[i] += w * ((c-f.r)*m/along + (x[i]-c*m)/across)
	}
}

// Clone returns an independent copy.
func (f *VonMisesFisher) Clone() Dist {
	c := newVonMisesFisher(len(f.eta))
	eta, mu, work := c.eta, c.mu, c.work
	*c = *f
	c.eta, c.mu, c.work = eta, mu, work
	copy(c.eta, f.eta)
	copy(c.mu, f.mu)
	return c
}

// MarshalBinary returns the family name and η with a checksum.
func (f *VonMisesFisher) MarshalBinary() ([]byte, error) { return marshalEta(f) }

// UnmarshalBinary restores a von Mises–Fisher distribution bit for bit, into a
// zero value or one of the same dimension; damaged or foreign bytes are an error
// and leave the receiver unchanged.
func (f *VonMisesFisher) UnmarshalBinary(b []byte) error { return unmarshalEta(f, b) }

func (f *VonMisesFisher) resize(dim, numParams int) error {
	if dim == 0 && numParams == 0 {
		*f = VonMisesFisher{}
		return nil
	}
	if dim != numParams || dim < 2 {
		return fmt.Errorf("dimension %d with %d parameters, want as many, at least 2", dim, numParams)
	}
	*f = *newVonMisesFisher(dim)
	return nil
}
