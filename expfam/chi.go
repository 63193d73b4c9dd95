package expfam

// Chi is the chi distribution of ν > 0 degrees of freedom on x > 0, the length of
// a vector of ν standard normals,
//
//	p(x) = x^(ν−1) e^(−x²/2) / (2^(ν/2−1) Γ(ν/2)),
//
// with T(x) = 2 log x, η = ν/2 − 1, m = ψ(ν/2) + log 2, h = 2x e^(−x²/2) and
// A = log Γ(ν/2) + ν/2·log 2. x² is chi-squared.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type Chi struct{ mapped }

func newChi([]float64) (mapped, error) {
	return mapped{law: &shapeLaw{a: 1}, name: "chi", power: 2, scale: 1, params: [2]string{"nu/2-1"}}, nil
}

// NewChi returns a chi distribution. It errs unless the degrees of freedom nu
// are between about 2e-16 and 2e150; they need not be whole.
func NewChi(nu float64) (*Chi, error) {
	m, _ := newChi(nil)
	if err := checkScale("chi", "nu", -1, nu); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{nu/2 - 1}); err != nil {
		return nil, err
	}
	return &Chi{m}, nil
}

// Nu returns the degrees of freedom ν.
func (c *Chi) Nu() float64 { return 2 * c.law.(*shapeLaw).a }

// Clone returns an independent copy.
func (c *Chi) Clone() Dist { return &Chi{c.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (c *Chi) UnmarshalBinary(b []byte) error {
	return c.unmarshal(b, "chi", nil, newChi)
}
