package expfam

// PowerLaw is the power-function distribution of known maximum b > 0 and exponent
// α > 0 on 0 < x ≤ b,
//
//	p(x) = α x^(α−1) / b^α,
//
// with T(x) = log(b/x), η = −α, m = 1/α, h = 1/x and A = −log α. T is
// exponential; 1/x is Pareto.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type PowerLaw struct{ mapped }

func newPowerLaw(known []float64) (mapped, error) {
	if err := checkScale("power-law", "maximum", -1, known[0]); err != nil {
		return mapped{}, err
	}
	return mapped{law: newExpoLaw(), name: knownName("power-law", []string{"max"}, known[0]), power: -1, scale: known[0], params: [2]string{"-alpha"}}, nil
}

// NewPowerLaw returns a power-law distribution. It errs unless maximum and alpha are
// between 1e-150 and 1e150.
func NewPowerLaw(maximum, alpha float64) (*PowerLaw, error) {
	m, err := newPowerLaw([]float64{maximum})
	if err != nil {
		return nil, err
	}
	if err := checkScale(m.name, "alpha", -1, alpha); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{-alpha}); err != nil {
		return nil, err
	}
	return &PowerLaw{m}, nil
}

// Max returns the known maximum b, in units of x.
func (p *PowerLaw) Max() float64 { return p.scale }

// Alpha returns the exponent α.
func (p *PowerLaw) Alpha() float64 { return p.law.(expoLaw).Rate() }

// Clone returns an independent copy.
func (p *PowerLaw) Clone() Dist { return &PowerLaw{p.copied()} }

// UnmarshalBinary restores a distribution bit for bit; bytes of another known
// value, or damaged or foreign ones, are an error and leave the receiver unchanged.
// A zero value takes the known value from the bytes.
func (p *PowerLaw) UnmarshalBinary(b []byte) error {
	return p.unmarshal(b, "power-law", []string{"max"}, newPowerLaw)
}
