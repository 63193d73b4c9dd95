package expfam

import "math"

// Laplace is the Laplace (double exponential) distribution of known location μ
// and scale b > 0 on all real x,
//
//	p(x) = e^(−|x − μ|/b) / (2b),
//
// with T(x) = |x − μ|, η = −1/b, m = b, h = 1/2 and A = −log(−η). Without a known
// μ it is no exponential family. Its score jumps at μ and is given as 0 there.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type Laplace struct{ mapped }

func newLaplace(known []float64) (mapped, error) {
	mu := known[0] + 0 // no −0, which would have a name of its own
	if !(math.Abs(mu) <= maxScale) {
		return mapped{}, &DomainError{Family: "laplace", Func: "New", Param: "location", Index: -1, Value: mu, Want: "from -1e150 to 1e150"}
	}
	return mapped{law: twoSidedLaw{&Exponential{eta: [1]float64{-1}}, mu}, name: knownName("laplace", []string{"location"}, mu), params: [2]string{"-1/scale"}}, nil
}

// NewLaplace returns a Laplace distribution. It errs unless location is finite,
// of at most 1e150, and scale between 1e-150 and 1e150.
func NewLaplace(location, scale float64) (*Laplace, error) {
	m, err := newLaplace([]float64{location})
	if err != nil {
		return nil, err
	}
	if err := checkScale(m.name, "scale", -1, scale); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{-1 / scale}); err != nil {
		return nil, err
	}
	return &Laplace{m}, nil
}

// Location returns the known μ.
func (l *Laplace) Location() float64 { return l.law.(twoSidedLaw).location }

// Scale returns b, in units of x.
func (l *Laplace) Scale() float64 { return 1 / l.law.(twoSidedLaw).Rate() }

// Clone returns an independent copy.
func (l *Laplace) Clone() Dist { return &Laplace{l.copied()} }

// UnmarshalBinary restores a distribution bit for bit; bytes of another known
// value, or damaged or foreign ones, are an error and leave the receiver unchanged.
// A zero value takes the known value from the bytes.
func (l *Laplace) UnmarshalBinary(b []byte) error {
	return l.unmarshal(b, "laplace", []string{"location"}, newLaplace)
}
