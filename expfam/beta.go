package expfam

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
)

// Beta is the beta distribution with α, β > 0 on 0 < x < 1,
//
//	p(x) = x^(α−1) (1−x)^(β−1) / B(α, β),
//
// with T(x) = (log x, log(1−x)), η = (α − 1, β − 1),
// m = (ψ(α) − ψ(α+β), ψ(β) − ψ(α+β)), h = 1 and A = log B(α, β).
//
// The zero value is usable only as a receiver of UnmarshalBinary or a setter.
type Beta struct {
	eta     [2]float64
	alpha   [2]float64
	sum     float64
	logPart float64
	work    [2]float64
}

// NewBeta returns a beta distribution. It errs unless alpha and beta are
// between 1e-16 (where α − 1 rounds to −1) and 1e150.
func NewBeta(alpha, beta float64) (*Beta, error) {
	if err := checkScale("beta", "alpha", -1, alpha); err != nil {
		return nil, err
	}
	if err := checkScale("beta", "beta", -1, beta); err != nil {
		return nil, err
	}
	b := new(Beta)
	if err := b.SetNatural([]float64{alpha - 1, beta - 1}); err != nil {
		return nil, err
	}
	return b, nil
}

// Name returns "beta".
func (b *Beta) Name() string { return "beta" }

// Dim returns 1.
func (b *Beta) Dim() int { return 1 }

// NumParams returns 2.
func (b *Beta) NumParams() int { return 2 }

// Alpha returns α.
func (b *Beta) Alpha() float64 { return b.alpha[0] }

// Beta returns β.
func (b *Beta) Beta() float64 { return b.alpha[1] }

// SuffStat writes (log x, log(1−x)).
func (b *Beta) SuffStat(dst, x []float64) []float64 {
	checkLen("beta.SuffStat", "x", x, 1)
	return fill2("beta.SuffStat", dst, math.Log(x[0]), math.Log1p(-x[0]))
}

// LogBase returns 0 for 0 < x < 1 and −Inf elsewhere.
func (b *Beta) LogBase(x []float64) float64 {
	checkLen("beta.LogBase", "x", x, 1)
	if x[0] > 0 && x[0] < 1 {
		return 0
	}
	return math.Inf(-1)
}

// CheckNatural wants α − 1 > −1 and β − 1 > −1.
func (b *Beta) CheckNatural(eta []float64) error {
	checkLen("beta.CheckNatural", "eta", eta, 2)
	return checkConcentration("beta", eta)
}

// Natural writes η = (α − 1, β − 1).
func (b *Beta) Natural(dst []float64) []float64 { return copied("beta.Natural", dst, b.eta[:]) }

// SetNatural moves to η = (α − 1, β − 1); see [Beta.CheckNatural].
func (b *Beta) SetNatural(eta []float64) error {
	if err := b.CheckNatural(eta); err != nil {
		return err
	}
	copy(b.eta[:], eta)
	b.alpha = [2]float64{eta[0] + 1, eta[1] + 1}
	b.sum = b.alpha[0] + b.alpha[1]
	b.logPart = special.LogBeta(b.alpha[0], b.alpha[1])
	return nil
}

// Expectation writes m = (E[log x], E[log(1−x)]).
func (b *Beta) Expectation(dst []float64) []float64 {
	dst = sized("beta.Expectation", dst, 2)
	simplexExpectation(dst, b.alpha[:], b.sum)
	return dst
}

// SetExpectation solves for α and β by Newton's method. It returns a
// *DomainError unless exp(m₀) + exp(m₁) < 1.
//
// α and β are within 1e-10 relative of the exact inverse of m, but for the
// rounding of η = α − 1 at concentrations below 1e-6. Where a rounding of m can
// move one of them by more, a *PrecisionError is returned instead: m holds two
// large concentrations only to about (α+β)·5e-16, and well if one of them is
// small, so that (2, 1e6) is held to 1e-14 and (1e6, 1e6) is refused.
func (b *Beta) SetExpectation(m []float64) error {
	checkLen("beta.SetExpectation", "m", m, 2)
	var p [2]float64
	if err := simplexSolve("beta", p[:], m); err != nil {
		return err
	}
	return b.SetNatural([]float64{p[0] - 1, p[1] - 1})
}

// Mean writes E[x] = α/(α+β).
func (b *Beta) Mean(dst []float64) []float64 { return fill1("beta.Mean", dst, b.alpha[0]/b.sum) }

// LogPartition returns A = log B(α, β).
func (b *Beta) LogPartition() float64 { return b.logPart }

// Entropy returns log B(α, β) − (α−1) ψ(α) − (β−1) ψ(β) + (α+β−2) ψ(α+β),
// without the cancellation of its terms at large α and β.
func (b *Beta) Entropy() float64 { return simplexEntropy(b.alpha[:], b.sum) }

// LogProb returns (α−1) log x + (β−1) log(1−x) − A, −Inf outside 0 < x < 1.
func (b *Beta) LogProb(x []float64) float64 {
	if base := b.LogBase(x); base != 0 {
		return base
	}
	return b.eta[0]*math.Log(x[0]) + b.eta[1]*math.Log1p(-x[0]) - b.logPart
}

// Sample writes one draw, the ratio of gamma draws taken in logarithms. Draws
// that round to 0 or 1 are returned as the smallest positive number and as the
// largest one below 1.
func (b *Beta) Sample(dst []float64, rng *rand.Rand) []float64 {
	u := sample.LogGamma(b.alpha[0], rng)
	v := sample.LogGamma(b.alpha[1], rng)
	return fill1("beta.Sample", dst, min(positive(special.Sigmoid(u-v)), 1-0x1p-53))
}

// FisherMul writes F·v, F = diag(ψ'(α), ψ'(β)) − ψ'(α+β)·11'.
func (b *Beta) FisherMul(dst, v []float64) []float64 {
	checkLen("beta.FisherMul", "v", v, 2)
	dst = sized("beta.FisherMul", dst, 2)
	simplexFisher(dst, v, b.alpha[:], b.sum)
	return dst
}

// KLTo returns KL(b‖q) in nats, without cancellation at large α and β. It
// panics if q is no *Beta.
func (b *Beta) KLTo(q Dist) float64 {
	r := as[*Beta](q)
	return simplexKL(b.alpha[:], r.alpha[:], b.sum, r.sum)
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (b *Beta) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(b, tan, rho, b.work[:])
}

// Clone returns an independent copy.
func (b *Beta) Clone() Dist { c := *b; return &c }

// MarshalBinary returns the family name and η with a checksum.
func (b *Beta) MarshalBinary() ([]byte, error) { return marshalEta(b) }

// UnmarshalBinary restores a beta distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (b *Beta) UnmarshalBinary(data []byte) error { return unmarshalEta(b, data) }
