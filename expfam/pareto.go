package expfam

// Pareto is the Pareto distribution (of the first kind) of known minimum x₀ > 0
// and exponent α > 0 on x ≥ x₀,
//
//	p(x) = α x₀^α x^(−α−1),
//
// with T(x) = log(x/x₀), η = −α, m = 1/α, h = 1/x and A = −log α. T is
// exponential. E[x] is infinite for α ≤ 1.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type Pareto struct{ mapped }

func newPareto(known []float64) (mapped, error) {
	if err := checkScale("pareto", "minimum", -1, known[0]); err != nil {
		return mapped{}, err
	}
	return mapped{law: newExpoLaw(), name: knownName("pareto", []string{"min"}, known[0]), power: 1, scale: known[0], params: [2]string{"-alpha"}}, nil
}

// NewPareto returns a Pareto distribution. It errs unless minimum and alpha are
// between 1e-150 and 1e150.
func NewPareto(minimum, alpha float64) (*Pareto, error) {
	m, err := newPareto([]float64{minimum})
	if err != nil {
		return nil, err
	}
	if err := checkScale(m.name, "alpha", -1, alpha); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{-alpha}); err != nil {
		return nil, err
	}
	return &Pareto{m}, nil
}

// Min returns the known minimum x₀, in units of x.
func (p *Pareto) Min() float64 { return p.scale }

// Alpha returns the exponent α.
func (p *Pareto) Alpha() float64 { return p.law.(expoLaw).Rate() }

// Clone returns an independent copy.
func (p *Pareto) Clone() Dist { return &Pareto{p.copied()} }

// UnmarshalBinary restores a distribution bit for bit; bytes of another known
// value, or damaged or foreign ones, are an error and leave the receiver unchanged.
// A zero value takes the known value from the bytes.
func (p *Pareto) UnmarshalBinary(b []byte) error {
	return p.unmarshal(b, "pareto", []string{"min"}, newPareto)
}
