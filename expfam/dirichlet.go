package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
)

// Dirichlet is the Dirichlet distribution with concentrations α_i > 0,
// i = 0, …, K−1, K ≥ 2, on the simplex x_i > 0, Σ x_i = 1,
//
//	p(x) = Π x_i^(α_i−1) · Γ(α_0) / Π Γ(α_i),   α_0 = Σ α_i,
//
// a density in x_0, …, x_{K−2}. An outcome has all K entries. T(x) = log x,
// η = α − 1, m_i = ψ(α_i) − ψ(α_0), h = 1 and A = Σ log Γ(α_i) − log Γ(α_0).
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type Dirichlet struct {
	eta     []float64
	alpha   []float64
	sum     float64
	logPart float64
	work    []float64
}

// NewDirichlet returns a Dirichlet distribution with K = len(alpha) ≥ 2
// categories. It errs unless each concentration is between 1e-16 (where
// α_i − 1 rounds to −1) and 1e150.
func NewDirichlet(alpha []float64) (*Dirichlet, error) {
	if len(alpha) < 2 {
		return nil, fmt.Errorf("expfam: dirichlet.New: %d concentrations, want at least 2", len(alpha))
	}
	d := newDirichlet(len(alpha))
	for i, a := range alpha {
		if err := checkScale("dirichlet", "concentration", i, a); err != nil {
			return nil, err
		}
		d.work[i] = a - 1
	}
	if err := d.SetNatural(d.work); err != nil {
		return nil, err
	}
	return d, nil
}

func newDirichlet(k int) *Dirichlet {
	return &Dirichlet{eta: make([]float64, k), alpha: make([]float64, k), work: make([]float64, k)}
}

// Name returns "dirichlet".
func (d *Dirichlet) Name() string { return "dirichlet" }

// Dim returns K.
func (d *Dirichlet) Dim() int { return len(d.eta) }

// NumParams returns K.
func (d *Dirichlet) NumParams() int { return len(d.eta) }

// Concentration writes α.
func (d *Dirichlet) Concentration(dst []float64) []float64 {
	return copied("dirichlet.Concentration", dst, d.alpha)
}

// SuffStat writes log x.
func (d *Dirichlet) SuffStat(dst, x []float64) []float64 {
	checkLen("dirichlet.SuffStat", "x", x, len(d.eta))
	dst = sized("dirichlet.SuffStat", dst, len(d.eta))
	for i, v := range x {
		dst[i] = math.Log(v)
	}
	return dst
}

// LogBase returns 0 if all x_i > 0 with a sum of 1 within 1e-9, else −Inf.
func (d *Dirichlet) LogBase(x []float64) float64 {
	checkLen("dirichlet.LogBase", "x", x, len(d.eta))
	var s float64
	for _, v := range x {
		if !(v > 0) {
			return math.Inf(-1)
		}
		s += v
	}
	if !(math.Abs(s-1) <= simplexTol) {
		return math.Inf(-1)
	}
	return 0
}

// CheckNatural wants α_i − 1 > −1.
func (d *Dirichlet) CheckNatural(eta []float64) error {
	checkLen("dirichlet.CheckNatural", "eta", eta, len(d.eta))
	return checkConcentration("dirichlet", eta)
}

// Natural writes η = α − 1.
func (d *Dirichlet) Natural(dst []float64) []float64 {
	return copied("dirichlet.Natural", dst, d.eta)
}

// SetNatural moves to η = α − 1; see [Dirichlet.CheckNatural].
func (d *Dirichlet) SetNatural(eta []float64) error {
	if err := d.CheckNatural(eta); err != nil {
		return err
	}
	copy(d.eta, eta)
	for i, e := range eta {
		d.alpha[i] = e + 1
	}
	d.sum = total(d.alpha)
	d.logPart = simplexLogPartition(d.alpha)
	return nil
}

// Expectation writes m_i = E[log x_i] = ψ(α_i) − ψ(α_0).
func (d *Dirichlet) Expectation(dst []float64) []float64 {
	dst = sized("dirichlet.Expectation", dst, len(d.eta))
	simplexExpectation(dst, d.alpha, d.sum)
	return dst
}

// SetExpectation solves for α by Newton's method. It returns a *DomainError
// unless Σ exp(m_i) < 1.
//
// Every α_i is within 1e-10 relative of the exact inverse of m, but for the
// rounding of η = α − 1 at concentrations below 1e-6. Where a rounding of m can
// move one by more, a *PrecisionError is returned instead: if all K
// concentrations are large, m holds them only to about α_0/(K−1)·1e-15.
func (d *Dirichlet) SetExpectation(m []float64) error {
	checkLen("dirichlet.SetExpectation", "m", m, len(d.eta))
	if err := simplexSolve("dirichlet", d.work, m); err != nil {
		return err
	}
	for i := range d.work {
		d.work[i]--
	}
	return d.SetNatural(d.work)
}

// Mean writes E[x_i] = α_i/α_0.
func (d *Dirichlet) Mean(dst []float64) []float64 {
	dst = sized("dirichlet.Mean", dst, len(d.eta))
	for i, a := range d.alpha {
		dst[i] = a / d.sum
	}
	return dst
}

// LogPartition returns A = Σ log Γ(α_i) − log Γ(α_0).
func (d *Dirichlet) LogPartition() float64 { return d.logPart }

// Entropy returns A + (α_0 − K) ψ(α_0) − Σ (α_i − 1) ψ(α_i), without the
// cancellation of its terms at large concentrations.
func (d *Dirichlet) Entropy() float64 { return simplexEntropy(d.alpha, d.sum) }

// LogProb returns Σ (α_i − 1) log x_i − A, −Inf outside the simplex.
func (d *Dirichlet) LogProb(x []float64) float64 {
	if base := d.LogBase(x); base != 0 {
		return base
	}
	l := -d.logPart
	for i, v := range x {
		l += d.eta[i] * math.Log(v)
	}
	return l
}

// Sample writes one draw, gamma draws normalised in logarithms. Entries that
// underflow are returned as the smallest positive number.
func (d *Dirichlet) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("dirichlet.Sample", dst, len(d.eta))
	for i, a := range d.alpha {
		dst[i] = sample.LogGamma(a, rng)
	}
	l := special.LogSumExp(dst)
	var s float64
	for i, v := range dst {
		dst[i] = positive(math.Exp(v - l))
		s += dst[i]
	}
	for i := range dst {
		dst[i] = positive(dst[i] / s)
	}
	return dst
}

// FisherMul writes F·v, F = diag(ψ'(α)) − ψ'(α_0)·11'.
func (d *Dirichlet) FisherMul(dst, v []float64) []float64 {
	checkLen("dirichlet.FisherMul", "v", v, len(d.eta))
	dst = sized("dirichlet.FisherMul", dst, len(d.eta))
	simplexFisher(dst, v, d.alpha, d.sum)
	return dst
}

// KLTo returns KL(d‖q) in nats, without cancellation at large concentrations.
// It panics if q is no *Dirichlet of the same size.
func (d *Dirichlet) KLTo(q Dist) float64 {
	r := as[*Dirichlet](q)
	checkLen("dirichlet.KLTo", "q", r.eta, len(d.eta))
	return simplexKL(d.alpha, r.alpha, d.sum, r.sum)
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (d *Dirichlet) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(d, tan, rho, d.work)
}

// Clone returns an independent copy.
func (d *Dirichlet) Clone() Dist {
	c := newDirichlet(len(d.eta))
	copy(c.eta, d.eta)
	copy(c.alpha, d.alpha)
	c.sum, c.logPart = d.sum, d.logPart
	return c
}

// MarshalBinary returns the family name and η with a checksum.
func (d *Dirichlet) MarshalBinary() ([]byte, error) { return marshalEta(d) }

// UnmarshalBinary restores a Dirichlet distribution bit for bit, into a zero
// value or one with as many categories; damaged or foreign bytes are an error
// and leave the receiver unchanged.
func (d *Dirichlet) UnmarshalBinary(b []byte) error { return unmarshalEta(d, b) }

func (d *Dirichlet) resize(dim, numParams int) error {
	if numParams == 0 && dim == 0 {
		*d = Dirichlet{}
		return nil
	}
	if dim != numParams || dim < 2 {
		return fmt.Errorf("dimension %d with %d parameters, want as many, at least 2", dim, numParams)
	}
	*d = *newDirichlet(dim)
	return nil
}
