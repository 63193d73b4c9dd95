package expfam

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
)

// Bernoulli is the distribution of a binary outcome x ∈ {0, 1} with success
// probability p = P(x = 1),
//
//	p(x) = p^x (1−p)^(1−x),
//
// with T(x) = x, η = log(p/(1−p)), m = p, h = 1 and A = log(1 + e^η). Every
// finite η is proper, also where p rounds to 0 or 1.
//
// The zero value is a fair coin.
type Bernoulli struct {
	eta  [1]float64
	work [1]float64
}

// NewBernoulli returns a Bernoulli distribution. It errs unless 0 < p < 1.
func NewBernoulli(p float64) (*Bernoulli, error) {
	b := new(Bernoulli)
	if err := b.setProb("New", -1, p); err != nil {
		return nil, err
	}
	return b, nil
}

// NewBernoulliLogit returns the Bernoulli distribution with log odds logit. It
// errs unless logit is finite.
func NewBernoulliLogit(logit float64) (*Bernoulli, error) {
	b := new(Bernoulli)
	if err := b.SetNatural([]float64{logit}); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Bernoulli) setProb(fn string, index int, p float64) error {
	if !(p > 0 && p < 1) {
		return &DomainError{Family: "bernoulli", Func: fn, Param: "p", Index: index, Value: p, Want: "> 0 and < 1"}
	}
	b.eta[0] = math.Log(p) - math.Log1p(-p)
	return nil
}

// Name returns "bernoulli".
func (b *Bernoulli) Name() string { return "bernoulli" }

// Dim returns 1.
func (b *Bernoulli) Dim() int { return 1 }

// NumParams returns 1.
func (b *Bernoulli) NumParams() int { return 1 }

// Prob returns p = P(x = 1).
func (b *Bernoulli) Prob() float64 { return special.Sigmoid(b.eta[0]) }

// Logit returns log(p/(1−p)).
func (b *Bernoulli) Logit() float64 { return b.eta[0] }

// SuffStat writes x.
func (b *Bernoulli) SuffStat(dst, x []float64) []float64 {
	checkLen("bernoulli.SuffStat", "x", x, 1)
	return fill1("bernoulli.SuffStat", dst, x[0])
}

// LogBase returns 0 at 0 and 1 and −Inf elsewhere.
func (b *Bernoulli) LogBase(x []float64) float64 {
	checkLen("bernoulli.LogBase", "x", x, 1)
	if x[0] == 0 || x[0] == 1 {
		return 0
	}
	return math.Inf(-1)
}

// CheckNatural wants a finite η.
func (b *Bernoulli) CheckNatural(eta []float64) error {
	checkLen("bernoulli.CheckNatural", "eta", eta, 1)
	return finite("bernoulli", "SetNatural", "logit", eta)
}

// Natural writes η = log(p/(1−p)).
func (b *Bernoulli) Natural(dst []float64) []float64 {
	return copied("bernoulli.Natural", dst, b.eta[:])
}

// SetNatural moves to η = log(p/(1−p)). It errs unless η is finite.
func (b *Bernoulli) SetNatural(eta []float64) error {
	if err := b.CheckNatural(eta); err != nil {
		return err
	}
	b.eta[0] = eta[0]
	return nil
}

// Expectation writes m = p.
func (b *Bernoulli) Expectation(dst []float64) []float64 {
	return fill1("bernoulli.Expectation", dst, b.Prob())
}

// SetExpectation moves to p = m. It errs unless 0 < m < 1.
func (b *Bernoulli) SetExpectation(m []float64) error {
	checkLen("bernoulli.SetExpectation", "m", m, 1)
	return b.setProb("SetExpectation", 0, m[0])
}

// Mean writes E[x] = p.
func (b *Bernoulli) Mean(dst []float64) []float64 { return fill1("bernoulli.Mean", dst, b.Prob()) }

// LogPartition returns A = log(1 + e^η).
func (b *Bernoulli) LogPartition() float64 { return special.Log1pExp(b.eta[0]) }

// Entropy returns −p log p − (1−p) log(1−p), also in the tails of η.
func (b *Bernoulli) Entropy() float64 {
	a := math.Abs(b.eta[0])
	return special.Log1pExp(-a) + a*special.Sigmoid(-a)
}

// LogProb returns log p at 1, log(1−p) at 0 and −Inf elsewhere.
func (b *Bernoulli) LogProb(x []float64) float64 {
	checkLen("bernoulli.LogProb", "x", x, 1)
	switch x[0] {
	case 0:
		return -special.Log1pExp(b.eta[0])
	case 1:
		return -special.Log1pExp(-b.eta[0])
	}
	return math.Inf(-1)
}

// Sample writes one draw, 0 or 1.
func (b *Bernoulli) Sample(dst []float64, rng *rand.Rand) []float64 {
	var x float64
	if rng.Float64() < b.Prob() {
		x = 1
	}
	return fill1("bernoulli.Sample", dst, x)
}

// FisherMul writes F·v, F = p(1−p).
func (b *Bernoulli) FisherMul(dst, v []float64) []float64 {
	checkLen("bernoulli.FisherMul", "v", v, 1)
	return fill1("bernoulli.FisherMul", dst, special.Sigmoid(b.eta[0])*special.Sigmoid(-b.eta[0])*v[0])
}

// KLTo returns KL(b‖q) in nats as Σ_x p(x) (e^u − 1 − u), u = log(q(x)/p(x)),
// whose terms are ≥ 0. It panics if q is no *Bernoulli.
func (b *Bernoulli) KLTo(q Dist) float64 {
	s, t := b.eta[0], as[*Bernoulli](q).eta[0]
	return outcomeKL(-special.Log1pExp(-s), -special.Log1pExp(-t)) +
		outcomeKL(-special.Log1pExp(s), -special.Log1pExp(t))
}

// outcomeKL is the part p·(q/p − 1 − log(q/p)) of one outcome in KL(p‖q), from
// the logarithms of the two probabilities.
func outcomeKL(logP, logQ float64) float64 {
	if u := logQ - logP; u < 500 {
		return math.Exp(logP) * special.Expm1mx(u)
	}
	// p is far below q; e^u alone would overflow.
	p := math.Exp(logP)
	return math.Exp(logQ) - p - p*(logQ-logP)
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (b *Bernoulli) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(b, tan, rho, b.work[:])
}

// Clone returns an independent copy.
func (b *Bernoulli) Clone() Dist { c := *b; return &c }

// MarshalBinary returns the family name and η with a checksum.
func (b *Bernoulli) MarshalBinary() ([]byte, error) { return marshalEta(b) }

// UnmarshalBinary restores a Bernoulli distribution bit for bit; damaged or
// foreign bytes are an error and leave the receiver unchanged.
func (b *Bernoulli) UnmarshalBinary(data []byte) error { return unmarshalEta(b, data) }
