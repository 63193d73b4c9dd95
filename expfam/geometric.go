package expfam

import "math"

// Geometric is the distribution of the number x = 0, 1, 2, … of failures before
// the first success in trials with success probability p,
//
//	P(x) = p(1−p)^x,
//
// with T(x) = x, η = log(1−p) < 0, m = (1−p)/p, h = 1 and A = −log p. It has all
// methods of a [NegativeBinomial] with r = 1.
//
// The zero value is usable only as a receiver of UnmarshalBinary or a setter of
// a distribution that NewGeometric returned.
type Geometric struct{ NegativeBinomial }

// NewGeometric returns a geometric distribution. It errs unless 0 < p < 1 and
// the mean (1−p)/p is between 1e-150 and 1e150.
func NewGeometric(p float64) (*Geometric, error) {
	d, err := NewNegativeBinomial(1, p)
	if err != nil {
		return nil, renamed(err, "geometric")
	}
	d.name = "geometric"
	return &Geometric{*d}, nil
}

// Name returns "geometric".
func (d *Geometric) Name() string { return "geometric" }

// LogBase returns 0 for x = 0, 1, 2, … and −Inf elsewhere.
func (d *Geometric) LogBase(x []float64) float64 {
	checkLen("geometric.LogBase", "x", x, 1)
	if isCount(x[0]) {
		return 0
	}
	return math.Inf(-1)
}

// LogProb returns log p + x log(1−p), −Inf unless x is 0, 1, 2, ….
func (d *Geometric) LogProb(x []float64) float64 {
	if base := d.LogBase(x); base != 0 {
		return base
	}
	success, failure := d.logProbs()
	return success + x[0]*failure
}

// Entropy returns [−p log p − (1−p) log(1−p)]/p in nats.
func (d *Geometric) Entropy() float64 {
	success, failure := d.logProbs()
	return -success - d.mean(d.eta[0])*failure
}

// KLTo returns KL(d‖q) in nats. It panics if q is no *Geometric.
func (d *Geometric) KLTo(q Dist) float64 { return d.klTo(&as[*Geometric](q).NegativeBinomial) }

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (d *Geometric) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(d, tan, rho, d.work[:])
}

// Clone returns an independent copy.
func (d *Geometric) Clone() Dist { c := *d; return &c }

// MarshalBinary returns the family name and η with a checksum.
func (d *Geometric) MarshalBinary() ([]byte, error) { return marshalEta(d) }

// UnmarshalBinary restores a geometric distribution bit for bit; damaged or
// foreign bytes are an error and leave the receiver unchanged. The receiver may
// be a zero value.
func (d *Geometric) UnmarshalBinary(b []byte) error {
	c := *d
	c.name, c.r = "geometric", 1
	if err := unmarshalEta(&c, b); err != nil {
		return err
	}
	*d = c
	return nil
}
