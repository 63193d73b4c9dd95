package expfam

import "math"

// Maxwell is the Maxwell (Maxwell–Boltzmann) distribution of scale σ > 0 on
// x > 0, the length of a vector of three normals of sd σ,
//
//	p(x) = √(2/π) x²/σ³ · e^(−x²/(2σ²)),
//
// with T(x) = x², η = −1/(2σ²), m = 3σ², h = 2x²/Γ(3/2) and A = −3/2·log(−η). x²
// is gamma of shape 3/2 (Johnson, Kotz and Balakrishnan 1994, chapter 18).
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type Maxwell struct{ mapped }

func newMaxwell([]float64) (mapped, error) {
	return mapped{law: newRateLaw(1.5), name: "maxwell", power: 2, scale: 1, params: [2]string{"-1/(2·sigma²)"}}, nil
}

// NewMaxwell returns a maxwell distribution. It errs unless sigma is positive with a
// square between about 1e-150 and 1e150.
func NewMaxwell(sigma float64) (*Maxwell, error) {
	m, _ := newMaxwell(nil)
	if err := checkScale("maxwell", "sigma", -1, sigma); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{-0.5 / (sigma * sigma)}); err != nil {
		return nil, err
	}
	return &Maxwell{m}, nil
}

// Sigma returns σ, in units of x.
func (d *Maxwell) Sigma() float64 { return math.Sqrt(0.5 / d.law.(rateLaw).Rate()) }

// Clone returns an independent copy.
func (d *Maxwell) Clone() Dist { return &Maxwell{d.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (d *Maxwell) UnmarshalBinary(b []byte) error {
	return d.unmarshal(b, "maxwell", nil, newMaxwell)
}
