package expfam

import "math"

// Rayleigh is the Rayleigh distribution of scale σ > 0 on x > 0, the length of a
// vector of two normals of sd σ,
//
//	p(x) = x/σ² · e^(−x²/(2σ²)),
//
// with T(x) = x², η = −1/(2σ²), m = 2σ², h = 2x and A = −log(−η). x² is
// exponential (Johnson, Kotz and Balakrishnan 1994, chapter 18).
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type Rayleigh struct{ mapped }

func newRayleigh([]float64) (mapped, error) {
	return mapped{law: newRateLaw(1), name: "rayleigh", power: 2, scale: 1, params: [2]string{"-1/(2·sigma²)"}}, nil
}

// NewRayleigh returns a rayleigh distribution. It errs unless sigma is positive with a
// square between about 1e-150 and 1e150.
func NewRayleigh(sigma float64) (*Rayleigh, error) {
	m, _ := newRayleigh(nil)
	if err := checkScale("rayleigh", "sigma", -1, sigma); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{-0.5 / (sigma * sigma)}); err != nil {
		return nil, err
	}
	return &Rayleigh{m}, nil
}

// Sigma returns σ, in units of x; the mode.
func (r *Rayleigh) Sigma() float64 { return math.Sqrt(0.5 / r.law.(rateLaw).Rate()) }

// Clone returns an independent copy.
func (r *Rayleigh) Clone() Dist { return &Rayleigh{r.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (r *Rayleigh) UnmarshalBinary(b []byte) error {
	return r.unmarshal(b, "rayleigh", nil, newRayleigh)
}
