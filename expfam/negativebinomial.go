package expfam

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
)

// NegativeBinomial is the distribution of the number x = 0, 1, 2, … of failures
// before success number r in trials with success probability p, r > 0 known and
// not necessarily whole,
//
//	P(x) = Γ(x+r)/(x! Γ(r)) p^r (1−p)^x,
//
// with T(x) = x, η = log(1−p) < 0, m = r(1−p)/p, h(x) = Γ(x+r)/(x! Γ(r)) and
// A = −r log p. It is a Poisson distribution whose mean is gamma distributed with
// shape r and rate p/(1−p).
//
// r is part of the family: distributions of different r have different names.
type NegativeBinomial struct {
	name string
	r    float64
	eta  [1]float64
	work [1]float64
}

// NewNegativeBinomial returns a negative binomial distribution. It errs unless
// 0 < p < 1 and r and the mean r(1−p)/p are between 1e-150 and 1e150.
func NewNegativeBinomial(r, p float64) (*NegativeBinomial, error) {
	if err := checkScale("negative-binomial", "r", -1, r); err != nil {
		return nil, err
	}
	if !(p > 0 && p < 1) {
		return nil, &DomainError{Family: "negative-binomial", Func: "New", Param: "p", Index: -1, Value: p, Want: "> 0 and < 1"}
	}
	d := &NegativeBinomial{name: "negative-binomial(r=" + strconv.FormatFloat(r, 'g', -1, 64) + ")", r: r}
	if err := d.SetNatural([]float64{math.Log1p(-p)}); err != nil {
		return nil, err
	}
	return d, nil
}

// Name returns "negative-binomial(r=…)" with the shortest decimal that is r.
func (d *NegativeBinomial) Name() string { return d.name }

// Dim returns 1.
func (d *NegativeBinomial) Dim() int { return 1 }

// NumParams returns 1.
func (d *NegativeBinomial) NumParams() int { return 1 }

// R returns r.
func (d *NegativeBinomial) R() float64 { return d.r }

// Prob returns the success probability p.
func (d *NegativeBinomial) Prob() float64 { return -math.Expm1(d.eta[0]) }

// mean returns r(1−p)/p at η = log(1−p).
func (d *NegativeBinomial) mean(eta float64) float64 { return d.r / math.Expm1(-eta) }

// SuffStat writes x.
func (d *NegativeBinomial) SuffStat(dst, x []float64) []float64 {
	checkLen("negative-binomial.SuffStat", "x", x, 1)
	return fill1("negative-binomial.SuffStat", dst, x[0])
}

// LogBase returns log Γ(x+r) − log x! − log Γ(r), −Inf unless x is 0, 1, 2, ….
func (d *NegativeBinomial) LogBase(x []float64) float64 {
	checkLen("negative-binomial.LogBase", "x", x, 1)
	switch k := x[0]; {
	case !isCount(k):
		return math.Inf(-1)
	case k == 0:
		return 0
	default:
		return -math.Log(k) - special.LogBeta(k, d.r)
	}
}

// CheckNatural wants η < 0 with a mean between 1e-150 and 1e150.
func (d *NegativeBinomial) CheckNatural(eta []float64) error {
	checkLen("negative-binomial.CheckNatural", "eta", eta, 1)
	if eta[0] < 0 && inScale(d.mean(eta[0])) {
		return nil
	}
	return &DomainError{Family: d.name, Func: "SetNatural", Param: "log(1-p)", Index: 0, Value: eta[0], Want: "< 0 (with a mean from 1e-150 to 1e150)"}
}

// Natural writes η = log(1−p).
func (d *NegativeBinomial) Natural(dst []float64) []float64 {
	return copied("negative-binomial.Natural", dst, d.eta[:])
}

// SetNatural moves to η = log(1−p); see [NegativeBinomial.CheckNatural].
func (d *NegativeBinomial) SetNatural(eta []float64) error {
	if err := d.CheckNatural(eta); err != nil {
		return err
	}
	d.eta[0] = eta[0]
	return nil
}

// Expectation writes m = E[x] = r(1−p)/p.
func (d *NegativeBinomial) Expectation(dst []float64) []float64 {
	return fill1("negative-binomial.Expectation", dst, d.mean(d.eta[0]))
}

// SetExpectation sets η = −log(1 + r/m). It errs unless m is between 1e-150 and
// 1e150 and r/m small enough for η to be finite.
func (d *NegativeBinomial) SetExpectation(m []float64) error {
	checkLen("negative-binomial.SetExpectation", "m", m, 1)
	if !inScale(m[0]) {
		return &DomainError{Family: d.name, Func: "SetExpectation", Param: "mean", Index: 0, Value: m[0], Want: wantScale}
	}
	return d.SetNatural([]float64{-math.Log1p(d.r / m[0])})
}

// Mean writes E[x] = r(1−p)/p.
func (d *NegativeBinomial) Mean(dst []float64) []float64 { return d.Expectation(dst) }

// logProbs returns log p and log(1−p).
func (d *NegativeBinomial) logProbs() (success, failure float64) {
	return log1mExp(d.eta[0]), d.eta[0]
}

// LogPartition returns A = −r log p.
func (d *NegativeBinomial) LogPartition() float64 { return -d.r * log1mExp(d.eta[0]) }

// LogProb returns log P(x), −Inf unless x is 0, 1, 2, ….
func (d *NegativeBinomial) LogProb(x []float64) float64 {
	checkLen("negative-binomial.LogProb", "x", x, 1)
	if !isCount(x[0]) {
		return math.Inf(-1)
	}
	return d.logProb(x[0])
}

// logProb is that of a binomial count of x failures in x + r trials, less the
// logarithm of (x+r)/r because the last trial is a success.
func (d *NegativeBinomial) logProb(x float64) float64 {
	success, failure := d.logProbs()
	if x == 0 {
		return d.r * success
	}
	n := x + d.r
	logN := math.Log(n)
	return -math.Log1p(x/d.r) + factorialExcess(n) - countTerm(x, logN+failure) - countTerm(d.r, logN+success)
}

// Entropy returns −Σ P(x) log P(x): by the sum over the counts that matter where
// p is above 0.05, by the third-order Edgeworth expansion where r(1−p) is 1e4 or
// more, and elsewhere by
//
//	E[log Γ(x+r) − log x!] = ∫₀^∞ [(r−1)e^−t − G(t)(e^−t − e^−rt)/(1−e^−t)] dt/t,
//
// which is Malmstén's integral for log Γ with G(t) = E[e^−xt] (DLMF 5.9.13).
func (d *NegativeBinomial) Entropy() float64 {
	p, f := d.Prob(), math.Exp(d.eta[0])
	switch v := d.r * f; {
	case v >= manyCounts:
		return edgeworthEntropy(d.mean(d.eta[0])/p, (1+f)*(1+f)/v, (6*f+p*p)/v)
	case p > 0.05:
		mode := max(0, math.Floor((d.r-1)*f/p))
		return meanOverCounts(0, mode, math.Inf(1),
			func(k float64) float64 { return (k + d.r) / (k + 1) * f },
			func(k float64) float64 { return -d.logProb(k) })
	}
	success, failure := d.logProbs()
	return special.Lgamma(d.r) - d.r*success - d.mean(d.eta[0])*failure - d.meanLogRatio(f/p)
}

// meanLogRatio returns E[log Γ(x+r) − log x!] by the trapezoid rule in log t,
// whose error is about exp(−π²/step); odds is (1−p)/p.
func (d *NegativeBinomial) meanLogRatio(odds float64) float64 {
	const step = 0.2
	r := d.r
	var s float64
	for u := math.Log(1e-18 / (1 + (r+1)*odds)); ; u += step {
		t := math.Exp(u)
		if t > 45/min(r, 1) {
			return step * s
		}
		e := math.Exp(-t)
		diff := -e * math.Expm1((1-r)*t) // e^−t − e^−rt
		if t > 1 {
			diff = e - math.Exp(-r*t)
		}
		rest := -math.Expm1(-t)
		s += (r-1)*e - diff/rest*math.Exp(-r*math.Log1p(odds*rest))
	}
}

// Sample writes one draw, a Poisson count with a gamma distributed mean.
func (d *NegativeBinomial) Sample(dst []float64, rng *rand.Rand) []float64 {
	g, b := sample.Gamma(d.r, rng)
	return fill1("negative-binomial.Sample", dst, sample.Poisson(g*math.Exp(b)/math.Expm1(-d.eta[0]), rng))
}

// FisherMul writes F·v, F = r(1−p)/p².
func (d *NegativeBinomial) FisherMul(dst, v []float64) []float64 {
	checkLen("negative-binomial.FisherMul", "v", v, 1)
	return fill1("negative-binomial.FisherMul", dst, d.mean(d.eta[0])/d.Prob()*v[0])
}

// KLTo returns KL(d‖q) in nats, E[x] + r times that of one trial. It panics if q
// is no *NegativeBinomial of the same r.
func (d *NegativeBinomial) KLTo(q Dist) float64 {
	o := as[*NegativeBinomial](q)
	checkKnown(d, o)
	return d.klTo(o)
}

func (d *NegativeBinomial) klTo(o *NegativeBinomial) float64 {
	s, f := d.logProbs()
	os, of := o.logProbs()
	return d.r / d.Prob() * (outcomeKL(s, os) + outcomeKL(f, of))
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (d *NegativeBinomial) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(d, tan, rho, d.work[:])
}

// Clone returns an independent copy.
func (d *NegativeBinomial) Clone() Dist { c := *d; return &c }

// MarshalBinary returns the family name, which holds r, and η with a checksum.
func (d *NegativeBinomial) MarshalBinary() ([]byte, error) { return marshalEta(d) }

// UnmarshalBinary restores a negative binomial distribution bit for bit into one
// of the same r; damaged or foreign bytes, those of another r among them, are an
// error and leave the receiver unchanged.
func (d *NegativeBinomial) UnmarshalBinary(b []byte) error { return unmarshalEta(d, b) }
