package expfam

// ChiSquared is the chi-squared distribution of ν > 0 degrees of freedom on
// x > 0,
//
//	p(x) = x^(ν/2−1) e^(−x/2) / (2^(ν/2) Γ(ν/2)),
//
// with T(x) = log x, η = ν/2 − 1, m = ψ(ν/2) + log 2, h = e^(−x/2) and
// A = log Γ(ν/2) + ν/2·log 2, the gamma distribution of shape ν/2 and rate 1/2.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type ChiSquared struct{ mapped }

func newChiSquared([]float64) (mapped, error) {
	return mapped{law: &shapeLaw{a: 1}, name: "chi-squared", power: 1, scale: 1, params: [2]string{"nu/2-1"}}, nil
}

// NewChiSquared returns a chi-squared distribution. It errs unless the degrees of freedom nu
// are between about 2e-16 and 2e150; they need not be whole.
func NewChiSquared(nu float64) (*ChiSquared, error) {
	m, _ := newChiSquared(nil)
	if err := checkScale("chi-squared", "nu", -1, nu); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{nu/2 - 1}); err != nil {
		return nil, err
	}
	return &ChiSquared{m}, nil
}

// Nu returns the degrees of freedom ν.
func (c *ChiSquared) Nu() float64 { return 2 * c.law.(*shapeLaw).a }

// Clone returns an independent copy.
func (c *ChiSquared) Clone() Dist { return &ChiSquared{c.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (c *ChiSquared) UnmarshalBinary(b []byte) error {
	return c.unmarshal(b, "chi-squared", nil, newChiSquared)
}
