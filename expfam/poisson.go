package expfam

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
)

// Poisson is the Poisson distribution of mean λ > 0 on x = 0, 1, 2, …,
//
//	p(x) = λ^x e^(−λ) / x!,
//
// with T(x) = x, η = log λ, m = λ, h(x) = 1/x! and A = λ.
//
// The zero value is a Poisson distribution of mean 1.
type Poisson struct {
	eta  [1]float64
	work [1]float64
}

// NewPoisson returns a Poisson distribution. It errs unless mean is between
// 1e-150 and 1e150.
func NewPoisson(mean float64) (*Poisson, error) {
	if err := checkScale("poisson", "mean", -1, mean); err != nil {
		return nil, err
	}
	return &Poisson{eta: [1]float64{math.Log(mean)}}, nil
}

// Name returns "poisson".
func (p *Poisson) Name() string { return "poisson" }

// Dim returns 1.
func (p *Poisson) Dim() int { return 1 }

// NumParams returns 1.
func (p *Poisson) NumParams() int { return 1 }

// Rate returns λ.
func (p *Poisson) Rate() float64 { return math.Exp(p.eta[0]) }

// SuffStat writes x.
func (p *Poisson) SuffStat(dst, x []float64) []float64 {
	checkLen("poisson.SuffStat", "x", x, 1)
	return fill1("poisson.SuffStat", dst, x[0])
}

// LogBase returns −log x!, −Inf unless x is 0, 1, 2, ….
func (p *Poisson) LogBase(x []float64) float64 {
	checkLen("poisson.LogBase", "x", x, 1)
	if k := x[0]; k < 0 || k != math.Floor(k) || math.IsInf(k, 1) {
		return math.Inf(-1)
	}
	return -special.Lgamma(x[0] + 1)
}

// CheckNatural wants log λ between ±345, so that λ is between 1e-150 and 1e150.
func (p *Poisson) CheckNatural(eta []float64) error {
	checkLen("poisson.CheckNatural", "eta", eta, 1)
	if math.Abs(eta[0]) <= maxLogScale {
		return nil
	}
	return &DomainError{Family: "poisson", Func: "SetNatural", Param: "log mean", Index: 0, Value: eta[0], Want: "a finite number from -345.4 to 345.4"}
}

// maxLogScale is log maxScale, rounded up so that log(maxScale) passes.
const maxLogScale = 345.38776394910690

// Natural writes η = log λ.
func (p *Poisson) Natural(dst []float64) []float64 { return copied("poisson.Natural", dst, p.eta[:]) }

// SetNatural moves to η = log λ; see [Poisson.CheckNatural].
func (p *Poisson) SetNatural(eta []float64) error {
	if err := p.CheckNatural(eta); err != nil {
		return err
	}
	p.eta[0] = eta[0]
	return nil
}

// Expectation writes m = E[x] = λ.
func (p *Poisson) Expectation(dst []float64) []float64 {
	return fill1("poisson.Expectation", dst, p.Rate())
}

// SetExpectation sets η = log m. It errs unless m is between 1e-150 and 1e150.
func (p *Poisson) SetExpectation(m []float64) error {
	checkLen("poisson.SetExpectation", "m", m, 1)
	if !inScale(m[0]) {
		return &DomainError{Family: "poisson", Func: "SetExpectation", Param: "mean", Index: 0, Value: m[0], Want: wantScale}
	}
	p.eta[0] = math.Log(m[0])
	return nil
}

// Mean writes E[x] = λ.
func (p *Poisson) Mean(dst []float64) []float64 { return fill1("poisson.Mean", dst, p.Rate()) }

// LogPartition returns A = λ.
func (p *Poisson) LogPartition() float64 { return p.Rate() }

// Entropy returns −Σ_k p(k) log p(k), by the sum for λ < 200 and by its
// asymptotic series ½ log(2πeλ) − 1/(12λ) − 1/(24λ²) − 19/(360λ³) −
// 9/(80λ⁴) − 863/(2520λ⁵) above, both to about 1e-13.
func (p *Poisson) Entropy() float64 {
	l := p.Rate()
	if l >= 200 {
		r := 1 / l
		return 0.5*(math.Log(2*math.Pi)+1+p.eta[0]) -
			r*(1./12+r*(1./24+r*(19./360+r*(9./80+r*863/2520))))
	}
	// H = λ − λ log λ + E[log x!].
	var sum, logFact float64
	prob := math.Exp(-l)
	for k := 1.0; ; k++ {
		prob *= l / k
		logFact += math.Log(k)
		term := prob * logFact
		sum += term
		if k > l+1 && term <= 1e-17*sum {
			break
		}
	}
	return l - l*p.eta[0] + sum
}

// LogProb returns x log λ − λ − log x!, −Inf unless x is 0, 1, 2, ….
func (p *Poisson) LogProb(x []float64) float64 {
	base := p.LogBase(x)
	if math.IsInf(base, -1) {
		return base
	}
	return base + p.eta[0]*x[0] - p.Rate()
}

// Sample writes one draw: inversion by sequential search for λ < 10, the
// transformed rejection PTRS of Hörmann (1993), The transformed rejection
// method for generating Poisson random variables, above.
func (p *Poisson) Sample(dst []float64, rng *rand.Rand) []float64 {
	return fill1("poisson.Sample", dst, sample.Poisson(p.Rate(), rng))
}

// FisherMul writes F·v, F = λ.
func (p *Poisson) FisherMul(dst, v []float64) []float64 {
	checkLen("poisson.FisherMul", "v", v, 1)
	return fill1("poisson.FisherMul", dst, p.Rate()*v[0])
}

// KLTo returns KL(p‖q) = λ_p (e^u − 1 − u) in nats, u = log(λ_q/λ_p). It panics
// if q is no *Poisson.
func (p *Poisson) KLTo(q Dist) float64 {
	return p.Rate() * special.Expm1mx(as[*Poisson](q).eta[0]-p.eta[0])
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (p *Poisson) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(p, tan, rho, p.work[:])
}

// Clone returns an independent copy.
func (p *Poisson) Clone() Dist { c := *p; return &c }

// MarshalBinary returns the family name and η with a checksum.
func (p *Poisson) MarshalBinary() ([]byte, error) { return marshalEta(p) }

// UnmarshalBinary restores a Poisson distribution bit for bit; damaged or
// foreign bytes are an error and leave the receiver unchanged.
func (p *Poisson) UnmarshalBinary(b []byte) error { return unmarshalEta(p, b) }
