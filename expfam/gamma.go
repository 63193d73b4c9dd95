package expfam

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
)

// Gamma is the gamma distribution of shape α > 0 and rate β > 0 on x > 0,
//
//	p(x) = β^α / Γ(α) · x^(α−1) e^(−βx),
//
// with T(x) = (log x, x), η = (α − 1, −β), m = (ψ(α) − log β, α/β), h = 1 and
// A = log Γ(α) − α log β.
//
// The zero value is usable only as a receiver of UnmarshalBinary or a setter.
type Gamma struct {
	eta         [2]float64
	shape, rate float64
	logPart     float64
	work        [2]float64
}

// NewGamma returns a gamma distribution. It errs unless shape and rate are
// between 1e-150 and 1e150 and shape − 1 is above −1 in floating point, that is
// shape above 1e-16.
func NewGamma(shape, rate float64) (*Gamma, error) {
	if err := checkScale("gamma", "shape", -1, shape); err != nil {
		return nil, err
	}
	if err := checkScale("gamma", "rate", -1, rate); err != nil {
		return nil, err
	}
	g := new(Gamma)
	if err := g.SetNatural([]float64{shape - 1, -rate}); err != nil {
		return nil, err
	}
	return g, nil
}

// Name returns "gamma".
func (g *Gamma) Name() string { return "gamma" }

// Dim returns 1.
func (g *Gamma) Dim() int { return 1 }

// NumParams returns 2.
func (g *Gamma) NumParams() int { return 2 }

// Shape returns α.
func (g *Gamma) Shape() float64 { return g.shape }

// Rate returns β, in units of 1/x.
func (g *Gamma) Rate() float64 { return g.rate }

// SuffStat writes (log x, x).
func (g *Gamma) SuffStat(dst, x []float64) []float64 {
	checkLen("gamma.SuffStat", "x", x, 1)
	return fill2("gamma.SuffStat", dst, math.Log(x[0]), x[0])
}

// LogBase returns 0 for 0 < x < ∞ and −Inf elsewhere.
func (g *Gamma) LogBase(x []float64) float64 {
	checkLen("gamma.LogBase", "x", x, 1)
	return positiveBase(x[0])
}

// positiveBase is log h of the families on x > 0 with h = 1.
func positiveBase(x float64) float64 {
	if x > 0 && !math.IsInf(x, 1) {
		return 0
	}
	return math.Inf(-1)
}

// CheckNatural wants α − 1 > −1 and −β < 0.
func (g *Gamma) CheckNatural(eta []float64) error {
	checkLen("gamma.CheckNatural", "eta", eta, 2)
	return checkShapeScale("gamma", "shape-1", "-rate", eta, eta[0]+1, -eta[1])
}

// checkShapeScale checks η of the gamma and inverse-gamma families; the shape
// and the scale that follow from it are given with the names of the two
// entries of η.
func checkShapeScale(family, param0, param1 string, eta []float64, shape, scale float64) error {
	if !inScale(shape) {
		want := "> -1 (at most 1e150)"
		if param0 != "shape-1" {
			want = "< -1 (at least -1e150)"
		}
		return &DomainError{Family: family, Func: "SetNatural", Param: param0, Index: 0, Value: eta[0], Want: want}
	}
	if !inScale(scale) {
		return &DomainError{Family: family, Func: "SetNatural", Param: param1, Index: 1, Value: eta[1], Want: "< 0 (from -1e150 to -1e-150)"}
	}
	return nil
}

// Natural writes η = (α − 1, −β).
func (g *Gamma) Natural(dst []float64) []float64 { return copied("gamma.Natural", dst, g.eta[:]) }

// SetNatural moves to η = (α − 1, −β); see [Gamma.CheckNatural].
func (g *Gamma) SetNatural(eta []float64) error {
	if err := g.CheckNatural(eta); err != nil {
		return err
	}
	copy(g.eta[:], eta)
	g.shape, g.rate = eta[0]+1, -eta[1]
	g.logPart = special.Lgamma(g.shape) - g.shape*math.Log(g.rate)
	return nil
}

// Expectation writes m = (ψ(α) − log β, α/β) = (E[log x], E[x]).
func (g *Gamma) Expectation(dst []float64) []float64 {
	// log m₁ − m₀ is exactly what the inverse needs at large shapes.
	mean := g.shape / g.rate
	return fill2("gamma.Expectation", dst, shapeLogMean(g.shape, mean), mean)
}

// SetExpectation solves log α − ψ(α) = log m₁ − m₀ for the shape and takes the
// rate α/m₁. It returns a *DomainError unless m₁ > 0 and log m₁ > m₀ (Jensen).
//
// Shape and rate are within 1e-10 relative of the exact inverse of m, but for
// the rounding of η₀ = α − 1, which a shape below 1e-6 feels. Where a rounding of
// m can move them by more, a *PrecisionError is returned instead:
// log m₁ − m₀ is about 1/(2α) for a large shape, so that m holds α to about
// 2α·(ulp(m₀)/2 + 4e-16) only, at a rate of 1 to 1e-10 up to a shape of 4e4.
func (g *Gamma) SetExpectation(m []float64) error {
	checkLen("gamma.SetExpectation", "m", m, 2)
	if err := checkMoments("gamma", "E[x]", m); err != nil {
		return err
	}
	shape, err := shapeFromMoments("gamma", "shape", "E[log x]", "< log E[x] (Jensen's inequality)", m[1], m[0])
	if err != nil {
		return err
	}
	return g.SetNatural([]float64{shape - 1, -shape / m[1]})
}

// checkMoments checks m of the gamma and inverse-gamma families, where m₁ is
// E[x] or E[1/x], but for Jensen's inequality.
func checkMoments(family, param string, m []float64) error {
	if err := finite(family, "SetExpectation", "m", m); err != nil {
		return err
	}
	if !inScale(m[1]) {
		return &DomainError{Family: family, Func: "SetExpectation", Param: param, Index: 1, Value: m[1], Want: wantScale}
	}
	return nil
}

// Mean writes E[x] = α/β.
func (g *Gamma) Mean(dst []float64) []float64 { return fill1("gamma.Mean", dst, g.shape/g.rate) }

// LogPartition returns A = log Γ(α) − α log β.
func (g *Gamma) LogPartition() float64 { return g.logPart }

// Entropy returns α − log β + log Γ(α) + (1−α) ψ(α), without the cancellation
// of its terms at large shapes.
func (g *Gamma) Entropy() float64 { return special.ShapeEntropy(g.shape) - math.Log(g.rate) }

// LogProb returns (α−1) log x − βx − A, −Inf outside x > 0.
func (g *Gamma) LogProb(x []float64) float64 {
	if base := g.LogBase(x); base != 0 {
		return base
	}
	return g.eta[0]*math.Log(x[0]) + g.eta[1]*x[0] - g.logPart
}

// Sample writes one draw. Draws of tiny shapes that underflow are returned as
// the smallest positive number.
func (g *Gamma) Sample(dst []float64, rng *rand.Rand) []float64 {
	x, b := sample.Gamma(g.shape, rng)
	if b != 0 {
		x *= math.Exp(b)
	}
	return fill1("gamma.Sample", dst, positive(x/g.rate))
}

// FisherMul writes F·v, F = [ψ'(α), 1/β; 1/β, α/β²].
func (g *Gamma) FisherMul(dst, v []float64) []float64 {
	checkLen("gamma.FisherMul", "v", v, 2)
	return fill2("gamma.FisherMul", dst,
		special.Trigamma(g.shape)*v[0]+v[1]/g.rate,
		v[0]/g.rate+g.shape/g.rate*(v[1]/g.rate))
}

// KLTo returns KL(g‖q) in nats, as KL between equal means plus the term of the
// log ratio u of the means, α_q (e^u − 1 − u): both are ≥ 0 and neither cancels.
// It panics if q is no *Gamma.
func (g *Gamma) KLTo(q Dist) float64 {
	r := as[*Gamma](q)
	return shapeScaleKL(g.shape, r.shape, g.rate, r.rate)
}

// shapeScaleKL is the divergence between gamma distributions of shapes a, b and
// rates s, t, and between inverse-gamma distributions of these scales.
func shapeScaleKL(a, b, s, t float64) float64 {
	u := math.Log(a / b * (t / s))
	return special.ShapeKL(a, b) + b*special.Expm1mx(u)
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (g *Gamma) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(g, tan, rho, g.work[:])
}

// Clone returns an independent copy.
func (g *Gamma) Clone() Dist { c := *g; return &c }

// MarshalBinary returns the family name and η with a checksum.
func (g *Gamma) MarshalBinary() ([]byte, error) { return marshalEta(g) }

// UnmarshalBinary restores a gamma distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (g *Gamma) UnmarshalBinary(b []byte) error { return unmarshalEta(g, b) }
