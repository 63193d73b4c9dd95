package expfam

import "math"

// Weibull is the Weibull distribution of known shape k > 0 and scale λ > 0 on
// x > 0,
//
//	p(x) = k/λ (x/λ)^(k−1) e^(−(x/λ)^k),
//
// with T(x) = x^k, η = −λ^(−k), m = λ^k, h = k x^(k−1) and A = −log(−η). x^k is
// exponential. Without a known k it is no exponential family (Johnson, Kotz and
// Balakrishnan 1994, chapter 21).
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type Weibull struct{ mapped }

func newWeibull(known []float64) (mapped, error) {
	k := known[0]
	if !(k >= 1e-3 && k <= 1e3) {
		return mapped{}, &DomainError{Family: "weibull", Func: "New", Param: "shape", Index: -1, Value: k, Want: "from 1e-3 to 1e3"}
	}
	return mapped{law: newRateLaw(1), name: knownName("weibull", []string{"k"}, k), power: k, scale: 1, params: [2]string{"-scale^-shape"}}, nil
}

// NewWeibull returns a Weibull distribution. It errs unless shape is between
// 1e-3 and 1e3, and scale and scale^shape between 1e-150 and 1e150.
func NewWeibull(shape, scale float64) (*Weibull, error) {
	m, err := newWeibull([]float64{shape})
	if err != nil {
		return nil, err
	}
	if err := checkScale(m.name, "scale", -1, scale); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{-math.Pow(scale, -shape)}); err != nil {
		return nil, err
	}
	return &Weibull{m}, nil
}

// Shape returns the known k.
func (w *Weibull) Shape() float64 { return w.power }

// Scale returns λ, in units of x.
func (w *Weibull) Scale() float64 { return math.Pow(w.law.(rateLaw).Rate(), -1/w.power) }

// Clone returns an independent copy.
func (w *Weibull) Clone() Dist { return &Weibull{w.copied()} }

// UnmarshalBinary restores a distribution bit for bit; bytes of another known
// value, or damaged or foreign ones, are an error and leave the receiver unchanged.
// A zero value takes the known value from the bytes.
func (w *Weibull) UnmarshalBinary(b []byte) error {
	return w.unmarshal(b, "weibull", []string{"k"}, newWeibull)
}
