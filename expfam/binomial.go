package expfam

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
)

// Binomial is the distribution of the number x = 0, …, n of successes in a
// known number n of trials with probability p each,
//
//	P(x) = C(n, x) p^x (1−p)^(n−x),
//
// with T(x) = x, η = log(p/(1−p)), m = np, h(x) = C(n, x) and
// A = n log(1 + e^η). Every finite η is proper, also where p rounds to 0 or 1.
//
// n is part of the family: distributions of different n have different names.
type Binomial struct {
	name string
	n    float64
	eta  [1]float64
	work [1]float64
}

// NewBinomial returns a binomial distribution of n trials with success
// probability p. It errs unless 1 ≤ n ≤ 2⁵³ and 0 < p < 1.
func NewBinomial(n int, p float64) (*Binomial, error) {
	if err := checkTrials("binomial", n); err != nil {
		return nil, err
	}
	if !(p > 0 && p < 1) {
		return nil, &DomainError{Family: "binomial", Func: "New", Param: "p", Index: -1, Value: p, Want: "> 0 and < 1"}
	}
	b := &Binomial{name: "binomial(n=" + strconv.Itoa(n) + ")", n: float64(n)}
	b.eta[0] = math.Log(p) - math.Log1p(-p)
	return b, nil
}

// Name returns "binomial(n=…)" with the number of trials.
func (b *Binomial) Name() string { return b.name }

// Dim returns 1.
func (b *Binomial) Dim() int { return 1 }

// NumParams returns 1.
func (b *Binomial) NumParams() int { return 1 }

// Trials returns n.
func (b *Binomial) Trials() int { return int(b.n) }

// Prob returns p.
func (b *Binomial) Prob() float64 { return special.Sigmoid(b.eta[0]) }

// SuffStat writes x.
func (b *Binomial) SuffStat(dst, x []float64) []float64 {
	checkLen("binomial.SuffStat", "x", x, 1)
	return fill1("binomial.SuffStat", dst, x[0])
}

// LogBase returns log C(n, x), −Inf unless x is 0, 1, …, n.
func (b *Binomial) LogBase(x []float64) float64 {
	checkLen("binomial.LogBase", "x", x, 1)
	if !isCount(x[0]) || x[0] > b.n {
		return math.Inf(-1)
	}
	return logChoose(b.n, x[0])
}

// CheckNatural wants a finite η.
func (b *Binomial) CheckNatural(eta []float64) error {
	checkLen("binomial.CheckNatural", "eta", eta, 1)
	return finite(b.name, "SetNatural", "logit", eta)
}

// Natural writes η = log(p/(1−p)).
func (b *Binomial) Natural(dst []float64) []float64 { return copied("binomial.Natural", dst, b.eta[:]) }

// SetNatural moves to η = log(p/(1−p)). It errs unless η is finite.
func (b *Binomial) SetNatural(eta []float64) error {
	if err := b.CheckNatural(eta); err != nil {
		return err
	}
	b.eta[0] = eta[0]
	return nil
}

// Expectation writes m = np.
func (b *Binomial) Expectation(dst []float64) []float64 {
	return fill1("binomial.Expectation", dst, b.n*b.Prob())
}

// SetExpectation moves to p = m/n. It errs unless 0 < m < n. A p near 1 is in m
// only to an absolute accuracy of about 1e-16.
func (b *Binomial) SetExpectation(m []float64) error {
	checkLen("binomial.SetExpectation", "m", m, 1)
	if !(m[0] > 0 && m[0] < b.n) {
		return &DomainError{Family: b.name, Func: "SetExpectation", Param: "mean", Index: 0, Value: m[0], Want: "> 0 and < n"}
	}
	b.eta[0] = math.Log(m[0] / (b.n - m[0]))
	return nil
}

// Mean writes E[x] = np.
func (b *Binomial) Mean(dst []float64) []float64 {
	return fill1("binomial.Mean", dst, b.n*b.Prob())
}

// LogPartition returns A = n log(1 + e^η).
func (b *Binomial) LogPartition() float64 { return b.n * special.Log1pExp(b.eta[0]) }

// Entropy returns −Σ P(x) log P(x), by the sum over the counts that matter or,
// where the variance is 1e4 or more, by the third-order Edgeworth expansion;
// both to about 1e-12.
func (b *Binomial) Entropy() float64 {
	e := -math.Abs(b.eta[0]) // H does not tell successes from failures
	p, q := special.Sigmoid(e), special.Sigmoid(-e)
	if v := b.n * p * q; v >= manyCounts {
		return edgeworthEntropy(v, (q-p)*(q-p)/v, (1-6*p*q)/v)
	}
	logP, logQ := -special.Log1pExp(-e), -special.Log1pExp(e)
	if logP < -700 {
		return 0
	}
	odds := math.Exp(e)
	logN := math.Log(b.n)
	h := meanOverCounts(0, math.Floor((b.n+1)*p), b.n,
		func(k float64) float64 { return (b.n - k) / (k + 1) * odds },
		func(k float64) float64 { return countTerm(k, logN+logP) + countTerm(b.n-k, logN+logQ) })
	return h - factorialExcess(b.n)
}

// LogProb returns log P(x), −Inf unless x is 0, 1, …, n.
func (b *Binomial) LogProb(x []float64) float64 {
	checkLen("binomial.LogProb", "x", x, 1)
	k := x[0]
	if !isCount(k) || k > b.n {
		return math.Inf(-1)
	}
	e, logN := b.eta[0], math.Log(b.n)
	return factorialExcess(b.n) - countTerm(k, logN-special.Log1pExp(-e)) - countTerm(b.n-k, logN-special.Log1pExp(e))
}

// Sample writes one draw: inversion where few are expected, else the transformed
// rejection BTRS of Hörmann (1993), The generation of binomial random variates.
func (b *Binomial) Sample(dst []float64, rng *rand.Rand) []float64 {
	return fill1("binomial.Sample", dst, sample.Binomial(b.n, b.Prob(), rng))
}

// FisherMul writes F·v, F = np(1−p).
func (b *Binomial) FisherMul(dst, v []float64) []float64 {
	checkLen("binomial.FisherMul", "v", v, 1)
	return fill1("binomial.FisherMul", dst, b.n*special.Sigmoid(b.eta[0])*special.Sigmoid(-b.eta[0])*v[0])
}

// KLTo returns KL(b‖q) in nats, n times that of one trial. It panics if q is no
// *Binomial of as many trials.
func (b *Binomial) KLTo(q Dist) float64 {
	o := as[*Binomial](q)
	checkKnown(b, o)
	s, t := b.eta[0], o.eta[0]
	return b.n * (outcomeKL(-special.Log1pExp(-s), -special.Log1pExp(-t)) +
		outcomeKL(-special.Log1pExp(s), -special.Log1pExp(t)))
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (b *Binomial) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(b, tan, rho, b.work[:])
}

// Clone returns an independent copy.
func (b *Binomial) Clone() Dist { c := *b; return &c }

// MarshalBinary returns the family name, which holds n, and η with a checksum.
func (b *Binomial) MarshalBinary() ([]byte, error) { return marshalEta(b) }

// UnmarshalBinary restores a binomial distribution bit for bit into one of as
// many trials; damaged or foreign bytes, those of another n among them, are an
// error and leave the receiver unchanged.
func (b *Binomial) UnmarshalBinary(data []byte) error { return unmarshalEta(b, data) }
