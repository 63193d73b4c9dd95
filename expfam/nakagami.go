package expfam

// Nakagami is the Nakagami distribution of shape μ > 0 and spread Ω = E[x²] > 0
// on x > 0,
//
//	p(x) = 2 μ^μ / (Γ(μ) Ω^μ) x^(2μ−1) e^(−μx²/Ω),
//
// with T(x) = (2 log x, x²), η = (μ − 1, −μ/Ω), m = (ψ(μ) − log(μ/Ω), Ω), h = 2x
// and A = log Γ(μ) − μ log(μ/Ω). x² is gamma of shape μ (Nakagami 1960).
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type Nakagami struct{ mapped }

func newNakagami([]float64) (mapped, error) {
	return mapped{law: gammaLaw{new(Gamma)}, name: "nakagami", power: 2, scale: 1, params: [2]string{"shape-1", "-shape/spread"}}, nil
}

// NewNakagami returns a Nakagami distribution. It errs unless shape, spread and
// shape/spread are between 1e-150 and 1e150 and shape is above 1e-16.
func NewNakagami(shape, spread float64) (*Nakagami, error) {
	m, _ := newNakagami(nil)
	if err := checkScale("nakagami", "shape", -1, shape); err != nil {
		return nil, err
	}
	if err := checkScale("nakagami", "spread", -1, spread); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{shape - 1, -shape / spread}); err != nil {
		return nil, err
	}
	return &Nakagami{m}, nil
}

// Shape returns μ, also called m.
func (d *Nakagami) Shape() float64 { return d.law.(gammaLaw).Shape() }

// Spread returns Ω = E[x²], in units of x².
func (d *Nakagami) Spread() float64 {
	g := d.law.(gammaLaw)
	return g.Shape() / g.Rate()
}

// Clone returns an independent copy.
func (d *Nakagami) Clone() Dist { return &Nakagami{d.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (d *Nakagami) UnmarshalBinary(b []byte) error {
	return d.unmarshal(b, "nakagami", nil, newNakagami)
}
