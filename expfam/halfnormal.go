package expfam

import "math"

// HalfNormal is the distribution of |z| for a normal z of mean 0 and sd σ > 0,
// on x > 0,
//
//	p(x) = √(2/π)/σ · e^(−x²/(2σ²)),
//
// with T(x) = x², η = −1/(2σ²), m = σ², h = 2/Γ(1/2) and A = −1/2·log(−η). x² is
// gamma of shape 1/2. The half-normal is a usual prior of standard deviations
// (Gelman 2006).
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type HalfNormal struct{ mapped }

func newHalfNormal([]float64) (mapped, error) {
	return mapped{law: newRateLaw(0.5), name: "half-normal", power: 2, scale: 1, params: [2]string{"-1/(2·sigma²)"}}, nil
}

// NewHalfNormal returns a half-normal distribution. It errs unless sigma is positive with a
// square between about 1e-150 and 1e150.
func NewHalfNormal(sigma float64) (*HalfNormal, error) {
	m, _ := newHalfNormal(nil)
	if err := checkScale("half-normal", "sigma", -1, sigma); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{-0.5 / (sigma * sigma)}); err != nil {
		return nil, err
	}
	return &HalfNormal{m}, nil
}

// Sigma returns σ, in units of x; the sd of z, not of x.
func (d *HalfNormal) Sigma() float64 { return math.Sqrt(0.5 / d.law.(rateLaw).Rate()) }

// Clone returns an independent copy.
func (d *HalfNormal) Clone() Dist { return &HalfNormal{d.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (d *HalfNormal) UnmarshalBinary(b []byte) error {
	return d.unmarshal(b, "half-normal", nil, newHalfNormal)
}
