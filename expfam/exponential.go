package expfam

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
)

// Exponential is the exponential distribution of rate λ > 0 on x ≥ 0,
//
//	p(x) = λ e^(−λx),
//
// with T(x) = x, η = −λ, m = 1/λ, h = 1 and A = −log λ.
//
// The zero value is usable only as a receiver of UnmarshalBinary or a setter.
type Exponential struct {
	eta  [1]float64
	work [1]float64
}

// NewExponential returns an exponential distribution. It errs unless rate is
// between 1e-150 and 1e150.
func NewExponential(rate float64) (*Exponential, error) {
	if err := checkScale("exponential", "rate", -1, rate); err != nil {
		return nil, err
	}
	return &Exponential{eta: [1]float64{-rate}}, nil
}

// Name returns "exponential".
func (e *Exponential) Name() string { return "exponential" }

// Dim returns 1.
func (e *Exponential) Dim() int { return 1 }

// NumParams returns 1.
func (e *Exponential) NumParams() int { return 1 }

// Rate returns λ, in units of 1/x.
func (e *Exponential) Rate() float64 { return -e.eta[0] }

// SuffStat writes x.
func (e *Exponential) SuffStat(dst, x []float64) []float64 {
	checkLen("exponential.SuffStat", "x", x, 1)
	return fill1("exponential.SuffStat", dst, x[0])
}

// LogBase returns 0 for 0 ≤ x < ∞ and −Inf elsewhere.
func (e *Exponential) LogBase(x []float64) float64 {
	checkLen("exponential.LogBase", "x", x, 1)
	if x[0] == 0 {
		return 0
	}
	return positiveBase(x[0])
}

// CheckNatural wants −λ < 0.
func (e *Exponential) CheckNatural(eta []float64) error {
	checkLen("exponential.CheckNatural", "eta", eta, 1)
	if inScale(-eta[0]) {
		return nil
	}
	return &DomainError{Family: "exponential", Func: "SetNatural", Param: "-rate", Index: 0, Value: eta[0], Want: "< 0 (from -1e150 to -1e-150)"}
}

// Natural writes η = −λ.
func (e *Exponential) Natural(dst []float64) []float64 {
	return copied("exponential.Natural", dst, e.eta[:])
}

// SetNatural moves to η = −λ; see [Exponential.CheckNatural].
func (e *Exponential) SetNatural(eta []float64) error {
	if err := e.CheckNatural(eta); err != nil {
		return err
	}
	e.eta[0] = eta[0]
	return nil
}

// Expectation writes m = E[x] = 1/λ.
func (e *Exponential) Expectation(dst []float64) []float64 {
	return fill1("exponential.Expectation", dst, -1/e.eta[0])
}

// SetExpectation sets λ = 1/m. It errs unless m is between 1e-150 and 1e150.
func (e *Exponential) SetExpectation(m []float64) error {
	checkLen("exponential.SetExpectation", "m", m, 1)
	if !inScale(m[0]) {
		return &DomainError{Family: "exponential", Func: "SetExpectation", Param: "mean", Index: 0, Value: m[0], Want: wantScale}
	}
	return e.SetNatural([]float64{-1 / m[0]})
}

// Mean writes E[x] = 1/λ.
func (e *Exponential) Mean(dst []float64) []float64 {
	return fill1("exponential.Mean", dst, -1/e.eta[0])
}

// LogPartition returns A = −log λ.
func (e *Exponential) LogPartition() float64 { return -math.Log(-e.eta[0]) }

// Entropy returns 1 − log λ.
func (e *Exponential) Entropy() float64 { return 1 - math.Log(-e.eta[0]) }

// LogProb returns log λ − λx, −Inf outside x ≥ 0.
func (e *Exponential) LogProb(x []float64) float64 {
	if base := e.LogBase(x); base != 0 {
		return base
	}
	return e.eta[0]*x[0] + math.Log(-e.eta[0])
}

// Sample writes one draw.
func (e *Exponential) Sample(dst []float64, rng *rand.Rand) []float64 {
	return fill1("exponential.Sample", dst, rng.ExpFloat64()/-e.eta[0])
}

// FisherMul writes F·v, F = 1/λ².
func (e *Exponential) FisherMul(dst, v []float64) []float64 {
	checkLen("exponential.FisherMul", "v", v, 1)
	return fill1("exponential.FisherMul", dst, v[0]/e.eta[0]/e.eta[0])
}

// KLTo returns KL(e‖q) = r − 1 − log r in nats, r = λ_q/λ. It panics if q is
// no *Exponential.
func (e *Exponential) KLTo(q Dist) float64 {
	return special.Expm1mx(math.Log(as[*Exponential](q).eta[0] / e.eta[0]))
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (e *Exponential) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(e, tan, rho, e.work[:])
}

// Clone returns an independent copy.
func (e *Exponential) Clone() Dist { c := *e; return &c }

// MarshalBinary returns the family name and η with a checksum.
func (e *Exponential) MarshalBinary() ([]byte, error) { return marshalEta(e) }

// UnmarshalBinary restores an exponential distribution bit for bit; damaged or
// foreign bytes are an error and leave the receiver unchanged.
func (e *Exponential) UnmarshalBinary(b []byte) error { return unmarshalEta(e, b) }
