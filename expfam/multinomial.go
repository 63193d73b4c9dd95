package expfam

import (
	"errors"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/natgrad/natgrad/internal/sample"
)

// Multinomial is the distribution of the counts x_0, …, x_{K−1} of K ≥ 2
// outcomes in a known number n of trials with probabilities p_0, …, p_{K−1},
//
//	P(x) = n! Π p_k^x_k / x_k!,   Σ x_k = n.
//
// The last outcome is the reference: T(x) = (x_0, …, x_{K−2}),
// η_k = log(p_k / p_{K−1}), m_k = n·p_k, h(x) = n! / Π x_k! and
// A = n log(1 + Σ e^η_k). Every finite η is proper.
//
// n is part of the family: distributions of different n have different names.
type Multinomial struct {
	name string
	n    float64
	cat  *Categorical // one trial
	work []float64
}

// NewMultinomial returns a multinomial distribution of n trials with the given
// K ≥ 2 probabilities. It errs unless 1 ≤ n ≤ 2⁵³ and the probabilities are > 0
// and sum to 1 within 1e-9; they are then divided by their sum.
func NewMultinomial(n int, probs []float64) (*Multinomial, error) {
	if err := checkTrials("multinomial", n); err != nil {
		return nil, err
	}
	cat, err := NewCategorical(probs)
	if err != nil {
		return nil, renamed(err, "multinomial")
	}
	return &Multinomial{"multinomial(n=" + strconv.Itoa(n) + ")", float64(n), cat, make([]float64, len(probs)-1)}, nil
}

// renamed returns err with the name of the family that holds the one that erred.
func renamed(err error, family string) error {
	var domain *DomainError
	var precision *PrecisionError
	switch {
	case errors.As(err, &domain):
		c := *domain
		c.Family = family
		return &c
	case errors.As(err, &precision):
		c := *precision
		c.Family = family
		return &c
	}
	return err
}

// Name returns "multinomial(n=…)" with the number of trials.
func (c *Multinomial) Name() string { return c.name }

// Dim returns K.
func (c *Multinomial) Dim() int { return c.cat.Len() }

// NumParams returns K − 1.
func (c *Multinomial) NumParams() int { return len(c.work) }

// Trials returns n.
func (c *Multinomial) Trials() int { return int(c.n) }

// Probs writes p_0, …, p_{K−1}.
func (c *Multinomial) Probs(dst []float64) []float64 {
	return c.cat.Probs(sized("multinomial.Probs", dst, c.Dim()))
}

// SuffStat writes (x_0, …, x_{K−2}).
func (c *Multinomial) SuffStat(dst, x []float64) []float64 {
	checkLen("multinomial.SuffStat", "x", x, c.Dim())
	return copied("multinomial.SuffStat", dst, x[:len(c.work)])
}

// inSupport reports whether x are counts with sum n.
func (c *Multinomial) inSupport(x []float64) bool {
	var s float64
	for _, k := range x {
		if !isCount(k) {
			return false
		}
		s += k
	}
	return s == c.n
}

// LogBase returns log(n! / Π x_k!), −Inf unless x are counts with sum n.
func (c *Multinomial) LogBase(x []float64) float64 {
	checkLen("multinomial.LogBase", "x", x, c.Dim())
	if !c.inSupport(x) {
		return math.Inf(-1)
	}
	var l float64
	rest := c.n
	for _, k := range x {
		l += logChoose(rest, k)
		rest -= k
	}
	return l
}

// CheckNatural wants finite log odds.
func (c *Multinomial) CheckNatural(eta []float64) error {
	checkLen("multinomial.CheckNatural", "eta", eta, len(c.work))
	return finite(c.name, "SetNatural", "log odds", eta)
}

// Natural writes η_k = log(p_k / p_{K−1}).
func (c *Multinomial) Natural(dst []float64) []float64 {
	return copied("multinomial.Natural", dst, c.cat.eta)
}

// SetNatural moves to η_k = log(p_k / p_{K−1}). It errs unless all are finite.
func (c *Multinomial) SetNatural(eta []float64) error {
	if err := c.CheckNatural(eta); err != nil {
		return err
	}
	return c.cat.SetNatural(eta)
}

// Expectation writes m_k = n·p_k for k < K−1.
func (c *Multinomial) Expectation(dst []float64) []float64 {
	dst = c.cat.Expectation(sized("multinomial.Expectation", dst, len(c.work)))
	for k := range dst {
		dst[k] *= c.n
	}
	return dst
}

// SetExpectation moves to p_k = m_k/n. It errs unless all m_k are > 0 with a sum
// below n. The probability of the last outcome is in m only to an absolute
// accuracy of about 1e-16.
func (c *Multinomial) SetExpectation(m []float64) error {
	checkLen("multinomial.SetExpectation", "m", m, len(c.work))
	last := c.n
	for i, v := range m {
		if !(v > 0 && v < c.n) {
			return &DomainError{Family: c.name, Func: "SetExpectation", Param: "mean", Index: i, Value: v, Want: "> 0 and < n"}
		}
		last -= v
	}
	if !(last > 0) {
		return &DomainError{Family: c.name, Func: "SetExpectation", Param: "sum of means", Index: -1, Value: c.n - last, Want: "< n"}
	}
	l := math.Log(last)
	for i, v := range m {
		c.work[i] = math.Log(v) - l
	}
	return c.cat.SetNatural(c.work)
}

// Mean writes E[x_k] = n·p_k.
func (c *Multinomial) Mean(dst []float64) []float64 {
	dst = c.Probs(dst)
	for k := range dst {
		dst[k] *= c.n
	}
	return dst
}

// LogPartition returns A = n log(1 + Σ e^η_k).
func (c *Multinomial) LogPartition() float64 { return c.n * c.cat.logPart }

// Entropy returns −Σ P(x) log P(x) in nats as Σ_k E[D(x_k, np_k) + s(x_k)] − s(n)
// with D(k, μ) = k log(k/μ) − k + μ and s(k) = log k! − k log k + k. The
// expectations are sums over the binomial counts that matter or, for np_k of 1e6
// or more, their expansions in 1/(np_k); both to about 1e-12.
func (c *Multinomial) Entropy() float64 {
	h := -factorialExcess(c.n)
	for k := range c.Dim() {
		if l := c.cat.logProb(k); l < 0 {
			h += binomialTermMean(c.n, max(l, -700))
		} else {
			h += factorialExcess(c.n)
		}
	}
	return max(h, 0)
}

// LogProb returns log P(x), −Inf unless x are counts with sum n.
func (c *Multinomial) LogProb(x []float64) float64 {
	checkLen("multinomial.LogProb", "x", x, c.Dim())
	if !c.inSupport(x) {
		return math.Inf(-1)
	}
	l, logN := factorialExcess(c.n), math.Log(c.n)
	for k, v := range x {
		l -= countTerm(v, logN+c.cat.logProb(k))
	}
	return l
}

// Sample writes one draw, a binomial count for each outcome given those before.
func (c *Multinomial) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = c.Probs(dst)
	n, left := c.n, 1.0
	for k, p := range dst {
		if k == len(dst)-1 {
			dst[k] = n
			break
		}
		dst[k] = 0
		if n > 0 {
			// Rounding of what is left is felt only by outcomes that have next to none of it.
			dst[k] = sample.Binomial(n, min(max(p/left, 0), 1), rng)
		}
		n -= dst[k]
		left = max(left-p, math.SmallestNonzeroFloat64)
	}
	return dst
}

// FisherMul writes F·v, F = n(diag(p) − pp').
func (c *Multinomial) FisherMul(dst, v []float64) []float64 {
	checkLen("multinomial.FisherMul", "v", v, len(c.work))
	dst = c.cat.FisherMul(sized("multinomial.FisherMul", dst, len(c.work)), v)
	for k := range dst {
		dst[k] *= c.n
	}
	return dst
}

// KLTo returns KL(c‖q) in nats, n times that of one trial. It panics if q is no
// *Multinomial of as many trials and outcomes.
func (c *Multinomial) KLTo(q Dist) float64 {
	o := as[*Multinomial](q)
	checkKnown(c, o)
	return c.n * c.cat.KLTo(o.cat)
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (c *Multinomial) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(c, tan, rho, c.work)
}

// Clone returns an independent copy.
func (c *Multinomial) Clone() Dist {
	return &Multinomial{c.name, c.n, c.cat.Clone().(*Categorical), make([]float64, len(c.work))}
}

// MarshalBinary returns the family name, which holds n, and η with a checksum.
func (c *Multinomial) MarshalBinary() ([]byte, error) { return marshalEta(c) }

// UnmarshalBinary restores a multinomial distribution bit for bit into one of as
// many trials and outcomes; damaged or foreign bytes, those of another n among
// them, are an error and leave the receiver unchanged.
func (c *Multinomial) UnmarshalBinary(b []byte) error { return unmarshalEta(c, b) }
