package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Categorical is the distribution of an outcome x ∈ {0, …, K−1} (held in x[0])
// with probabilities p_0, …, p_{K−1}, K ≥ 2. The last outcome is the reference,
// so that the K−1 parameters are minimal:
//
//	T(x) = (1[x=0], …, 1[x=K−2]), η_k = log(p_k / p_{K−1}), m_k = p_k,
//
// h = 1 and A = log(1 + Σ e^η_k) = −log p_{K−1}. Every finite η is proper, also
// where a probability rounds to 0.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type Categorical struct {
	eta     []float64 // K−1
	logPart float64
	work    []float64
}

// NewCategorical returns a categorical distribution with the given K ≥ 2
// probabilities. It errs unless they are > 0 and sum to 1 within 1e-9; they are
// then divided by their sum.
func NewCategorical(probs []float64) (*Categorical, error) {
	if len(probs) < 2 {
		return nil, fmt.Errorf("expfam: categorical.New: %d probabilities, want at least 2", len(probs))
	}
	c := newCategorical(len(probs))
	var sum float64
	for i, p := range probs {
		if !(p > 0 && p <= 1) {
			return nil, &DomainError{Family: "categorical", Func: "New", Param: "probs", Index: i, Value: p, Want: "> 0 and at most 1"}
		}
		sum += p
	}
	if math.Abs(sum-1) > simplexTol {
		return nil, &DomainError{Family: "categorical", Func: "New", Param: "sum of probs", Index: -1, Value: sum, Want: "1"}
	}
	last := math.Log(probs[len(probs)-1])
	for k := range c.work {
		c.work[k] = math.Log(probs[k]) - last
	}
	if err := c.SetNatural(c.work); err != nil {
		return nil, err
	}
	return c, nil
}

// simplexTol is how far a vector of probabilities may be from a sum of 1.
const simplexTol = 1e-9

func newCategorical(k int) *Categorical {
	return &Categorical{eta: make([]float64, k-1), work: make([]float64, k-1)}
}

// Name returns "categorical".
func (c *Categorical) Name() string { return "categorical" }

// Dim returns 1: an outcome is one index.
func (c *Categorical) Dim() int { return 1 }

// NumParams returns K − 1.
func (c *Categorical) NumParams() int { return len(c.eta) }

// Len returns the number K of outcomes.
func (c *Categorical) Len() int { return len(c.eta) + 1 }

// Probs writes p_0, …, p_{K−1}.
func (c *Categorical) Probs(dst []float64) []float64 {
	dst = sized("categorical.Probs", dst, c.Len())
	for k := range dst {
		dst[k] = math.Exp(c.logProb(k))
	}
	return dst
}

// logProb returns log p_k.
func (c *Categorical) logProb(k int) float64 {
	if k == len(c.eta) {
		return -c.logPart
	}
	return c.eta[k] - c.logPart
}

// SuffStat writes the indicators of the outcomes 0, …, K−2.
func (c *Categorical) SuffStat(dst, x []float64) []float64 {
	checkLen("categorical.SuffStat", "x", x, 1)
	dst = sized("categorical.SuffStat", dst, len(c.eta))
	clear(dst)
	if k, ok := c.outcome(x[0]); ok && k < len(dst) {
		dst[k] = 1
	}
	return dst
}

// outcome returns x as an index and whether it is one of the K outcomes.
func (c *Categorical) outcome(x float64) (int, bool) {
	if x >= 0 && x < float64(c.Len()) && x == math.Floor(x) {
		return int(x), true
	}
	return 0, false
}

// LogBase returns 0 if x is one of the K outcomes and −Inf elsewhere.
func (c *Categorical) LogBase(x []float64) float64 {
	checkLen("categorical.LogBase", "x", x, 1)
	if _, ok := c.outcome(x[0]); ok {
		return 0
	}
	return math.Inf(-1)
}

// CheckNatural wants finite log odds.
func (c *Categorical) CheckNatural(eta []float64) error {
	checkLen("categorical.CheckNatural", "eta", eta, len(c.eta))
	return finite("categorical", "SetNatural", "log odds", eta)
}

// Natural writes η_k = log(p_k / p_{K−1}).
func (c *Categorical) Natural(dst []float64) []float64 {
	return copied("categorical.Natural", dst, c.eta)
}

// SetNatural moves to η_k = log(p_k / p_{K−1}). It errs unless all are finite.
func (c *Categorical) SetNatural(eta []float64) error {
	if err := c.CheckNatural(eta); err != nil {
		return err
	}
	copy(c.eta, eta)
	// A = top + log(e^−top + Σ e^(η_k − top)), top = max(0, η); the largest term
	// is kept apart so that A keeps its digits when p_{K−1} is near 1.
	top, at := 0.0, -1
	for k, e := range eta {
		if e > top {
			top, at = e, k
		}
	}
	var rest float64
	if at >= 0 {
		rest = math.Exp(-top)
	}
	for k, e := range eta {
		if k != at {
			rest += math.Exp(e - top)
		}
	}
	c.logPart = top + math.Log1p(rest)
	return nil
}

// Expectation writes m_k = p_k for k < K−1.
func (c *Categorical) Expectation(dst []float64) []float64 {
	dst = sized("categorical.Expectation", dst, len(c.eta))
	for k := range dst {
		dst[k] = math.Exp(c.logProb(k))
	}
	return dst
}

// SetExpectation moves to p_k = m_k. It errs unless all are > 0 with a sum
// below 1. The probability of the last outcome is 1 − Σ m_k, which m holds only
// to an absolute accuracy of about 1e-16.
func (c *Categorical) SetExpectation(m []float64) error {
	checkLen("categorical.SetExpectation", "m", m, len(c.eta))
	last := 1.0
	for i, p := range m {
		if !(p > 0 && p < 1) {
			return &DomainError{Family: "categorical", Func: "SetExpectation", Param: "probability", Index: i, Value: p, Want: "> 0 and < 1"}
		}
		last -= p
	}
	if !(last > 0) {
		return &DomainError{Family: "categorical", Func: "SetExpectation", Param: "sum of probabilities", Index: -1, Value: 1 - last, Want: "< 1"}
	}
	l := math.Log(last)
	for k, p := range m {
		c.work[k] = math.Log(p) - l
	}
	return c.SetNatural(c.work)
}

// Mean writes E[x] = Σ_k k·p_k, the mean of the outcome's index.
func (c *Categorical) Mean(dst []float64) []float64 {
	var s float64
	for k := 1; k < c.Len(); k++ {
		s += float64(k) * math.Exp(c.logProb(k))
	}
	return fill1("categorical.Mean", dst, s)
}

// LogPartition returns A = log(1 + Σ e^η_k).
func (c *Categorical) LogPartition() float64 { return c.logPart }

// Entropy returns −Σ p_k log p_k.
func (c *Categorical) Entropy() float64 {
	var h float64
	for k := range c.Len() {
		l := c.logProb(k)
		h -= math.Exp(l) * l
	}
	return h
}

// LogProb returns log p_x, −Inf if x is none of the K outcomes.
func (c *Categorical) LogProb(x []float64) float64 {
	checkLen("categorical.LogProb", "x", x, 1)
	if k, ok := c.outcome(x[0]); ok {
		return c.logProb(k)
	}
	return math.Inf(-1)
}

// Sample writes the index of one outcome, by inversion in O(K).
func (c *Categorical) Sample(dst []float64, rng *rand.Rand) []float64 {
	u := rng.Float64()
	k := 0
	for ; k < len(c.eta); k++ {
		if u -= math.Exp(c.logProb(k)); u < 0 {
			break
		}
	}
	return fill1("categorical.Sample", dst, float64(k))
}

// FisherMul writes F·v, F = diag(p) − pp', as p_k (v_k − Σ_j p_j v_j).
func (c *Categorical) FisherMul(dst, v []float64) []float64 {
	checkLen("categorical.FisherMul", "v", v, len(c.eta))
	dst = sized("categorical.FisherMul", dst, len(c.eta))
	var mean float64
	for k, w := range v {
		mean += math.Exp(c.logProb(k)) * w
	}
	for k, w := range v {
		dst[k] = math.Exp(c.logProb(k)) * (w - mean)
	}
	return dst
}

// KLTo returns KL(c‖q) in nats as Σ_k p_k (e^u_k − 1 − u_k), u_k =
// log(q_k/p_k), whose terms are ≥ 0. It panics if q is no *Categorical with the
// same number of outcomes.
func (c *Categorical) KLTo(q Dist) float64 {
	r := as[*Categorical](q)
	checkLen("categorical.KLTo", "q", r.eta, len(c.eta))
	var s float64
	for k := range c.Len() {
		s += outcomeKL(c.logProb(k), r.logProb(k))
	}
	return s
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (c *Categorical) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(c, tan, rho, c.work)
}

// Clone returns an independent copy.
func (c *Categorical) Clone() Dist {
	d := newCategorical(c.Len())
	copy(d.eta, c.eta)
	d.logPart = c.logPart
	return d
}

// MarshalBinary returns the family name and η with a checksum.
func (c *Categorical) MarshalBinary() ([]byte, error) { return marshalEta(c) }

// UnmarshalBinary restores a categorical distribution bit for bit, into a zero
// value or one with as many outcomes; damaged or foreign bytes are an error and
// leave the receiver unchanged.
func (c *Categorical) UnmarshalBinary(b []byte) error { return unmarshalEta(c, b) }

func (c *Categorical) resize(dim, numParams int) error {
	if numParams == 0 && dim == 0 {
		*c = Categorical{}
		return nil
	}
	if dim != 1 || numParams < 1 {
		return fmt.Errorf("dimension %d with %d parameters, want 1 with at least 1", dim, numParams)
	}
	*c = *newCategorical(numParams + 1)
	return nil
}
