package expfam

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
)

// InverseGamma is the inverse-gamma distribution of shape α > 0 and scale
// β > 0 on x > 0, the distribution of 1/y for a gamma y of shape α and rate β,
//
//	p(x) = β^α / Γ(α) · x^(−α−1) e^(−β/x),
//
// with T(x) = (log x, 1/x), η = (−α − 1, −β), m = (log β − ψ(α), α/β), h = 1
// and A = log Γ(α) − α log β.
//
// The zero value is usable only as a receiver of UnmarshalBinary or a setter.
type InverseGamma struct {
	eta          [2]float64
	shape, scale float64
	logPart      float64
	work         [2]float64
}

// NewInverseGamma returns an inverse-gamma distribution. It errs unless shape
// and scale are between 1e-150 and 1e150 and −shape − 1 is below −1 in floating
// point, that is shape above 2e-16.
func NewInverseGamma(shape, scale float64) (*InverseGamma, error) {
	if err := checkScale("inverse-gamma", "shape", -1, shape); err != nil {
		return nil, err
	}
	if err := checkScale("inverse-gamma", "scale", -1, scale); err != nil {
		return nil, err
	}
	g := new(InverseGamma)
	if err := g.SetNatural([]float64{-shape - 1, -scale}); err != nil {
		return nil, err
	}
	return g, nil
}

// Name returns "inverse-gamma".
func (g *InverseGamma) Name() string { return "inverse-gamma" }

// Dim returns 1.
func (g *InverseGamma) Dim() int { return 1 }

// NumParams returns 2.
func (g *InverseGamma) NumParams() int { return 2 }

// Shape returns α.
func (g *InverseGamma) Shape() float64 { return g.shape }

// Scale returns β, in units of x.
func (g *InverseGamma) Scale() float64 { return g.scale }

// SuffStat writes (log x, 1/x).
func (g *InverseGamma) SuffStat(dst, x []float64) []float64 {
	checkLen("inverse-gamma.SuffStat", "x", x, 1)
	return fill2("inverse-gamma.SuffStat", dst, math.Log(x[0]), 1/x[0])
}

// LogBase returns 0 for 0 < x < ∞ and −Inf elsewhere.
func (g *InverseGamma) LogBase(x []float64) float64 {
	checkLen("inverse-gamma.LogBase", "x", x, 1)
	return positiveBase(x[0])
}

// CheckNatural wants −α − 1 < −1 and −β < 0.
func (g *InverseGamma) CheckNatural(eta []float64) error {
	checkLen("inverse-gamma.CheckNatural", "eta", eta, 2)
	return checkShapeScale("inverse-gamma", "-shape-1", "-scale", eta, -eta[0]-1, -eta[1])
}

// Natural writes η = (−α − 1, −β).
func (g *InverseGamma) Natural(dst []float64) []float64 {
	return copied("inverse-gamma.Natural", dst, g.eta[:])
}

// SetNatural moves to η = (−α − 1, −β); see [InverseGamma.CheckNatural].
func (g *InverseGamma) SetNatural(eta []float64) error {
	if err := g.CheckNatural(eta); err != nil {
		return err
	}
	copy(g.eta[:], eta)
	g.shape, g.scale = -eta[0]-1, -eta[1]
	g.logPart = special.Lgamma(g.shape) - g.shape*math.Log(g.scale)
	return nil
}

// Expectation writes m = (log β − ψ(α), α/β) = (E[log x], E[1/x]).
func (g *InverseGamma) Expectation(dst []float64) []float64 {
	mean := g.shape / g.scale // of 1/x; see Gamma.Expectation
	return fill2("inverse-gamma.Expectation", dst, -shapeLogMean(g.shape, mean), mean)
}

// SetExpectation solves log α − ψ(α) = log m₁ + m₀ for the shape and takes the
// scale α/m₁. It returns a *DomainError unless m₁ > 0 and log m₁ > −m₀
// (Jensen), and a *PrecisionError where m does not hold the shape to 1e-10; see
// [Gamma.SetExpectation], which has the same condition.
func (g *InverseGamma) SetExpectation(m []float64) error {
	checkLen("inverse-gamma.SetExpectation", "m", m, 2)
	if err := checkMoments("inverse-gamma", "E[1/x]", m); err != nil {
		return err
	}
	shape, err := shapeFromMoments("inverse-gamma", "shape", "E[log 1/x]", "< log E[1/x] (Jensen's inequality)", m[1], -m[0])
	if err != nil {
		return err
	}
	return g.SetNatural([]float64{-shape - 1, -shape / m[1]})
}

// Mean writes E[x] = β/(α−1), which is +Inf for α ≤ 1.
func (g *InverseGamma) Mean(dst []float64) []float64 {
	mean := math.Inf(1)
	if g.shape > 1 {
		mean = g.scale / (g.shape - 1)
	}
	return fill1("inverse-gamma.Mean", dst, mean)
}

// LogPartition returns A = log Γ(α) − α log β.
func (g *InverseGamma) LogPartition() float64 { return g.logPart }

// Entropy returns α + log β + log Γ(α) − (1+α) ψ(α), without the cancellation
// of its terms at large shapes.
func (g *InverseGamma) Entropy() float64 {
	return special.ShapeEntropy(g.shape) - 2*special.Digamma(g.shape) + math.Log(g.scale)
}

// LogProb returns −(α+1) log x − β/x − A, −Inf outside x > 0.
func (g *InverseGamma) LogProb(x []float64) float64 {
	if base := g.LogBase(x); base != 0 {
		return base
	}
	return g.eta[0]*math.Log(x[0]) + g.eta[1]/x[0] - g.logPart
}

// Sample writes one draw. Draws of tiny shapes that overflow are returned as
// the largest finite number.
func (g *InverseGamma) Sample(dst []float64, rng *rand.Rand) []float64 {
	y, b := sample.Gamma(g.shape, rng)
	x := g.scale / y
	if b != 0 {
		x *= math.Exp(-b)
	}
	return fill1("inverse-gamma.Sample", dst, positive(x))
}

// FisherMul writes F·v, F = [ψ'(α), −1/β; −1/β, α/β²].
func (g *InverseGamma) FisherMul(dst, v []float64) []float64 {
	checkLen("inverse-gamma.FisherMul", "v", v, 2)
	return fill2("inverse-gamma.FisherMul", dst,
		special.Trigamma(g.shape)*v[0]-v[1]/g.scale,
		-v[0]/g.scale+g.shape/g.scale*(v[1]/g.scale))
}

// KLTo returns KL(g‖q) in nats; it equals that of the gamma distributions of
// 1/x, see [Gamma.KLTo]. It panics if q is no *InverseGamma.
func (g *InverseGamma) KLTo(q Dist) float64 {
	r := as[*InverseGamma](q)
	return shapeScaleKL(g.shape, r.shape, g.scale, r.scale)
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (g *InverseGamma) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(g, tan, rho, g.work[:])
}

// Clone returns an independent copy.
func (g *InverseGamma) Clone() Dist { c := *g; return &c }

// MarshalBinary returns the family name and η with a checksum.
func (g *InverseGamma) MarshalBinary() ([]byte, error) { return marshalEta(g) }

// UnmarshalBinary restores an inverse-gamma distribution bit for bit; damaged
// or foreign bytes are an error and leave the receiver unchanged.
func (g *InverseGamma) UnmarshalBinary(b []byte) error { return unmarshalEta(g, b) }
