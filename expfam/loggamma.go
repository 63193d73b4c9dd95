package expfam

// LogGamma is the distribution of x = log y for a gamma y of shape α > 0 and rate
// β > 0, on all real x,
//
//	p(x) = β^α / Γ(α) · exp(αx − βe^x),
//
// with T(x) = (x, e^x), η = (α − 1, −β), m = (ψ(α) − log β, α/β), h = e^x and
// A = log Γ(α) − α log β. For α = 1, −x is of the Gumbel distribution (Prentice
// 1974).
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type LogGamma struct{ mapped }

func newLogGamma([]float64) (mapped, error) {
	return mapped{law: gammaLaw{new(Gamma)}, name: "log-gamma"}, nil
}

// NewLogGamma returns a log-gamma distribution. It errs unless shape and rate are
// between 1e-150 and 1e150 and shape is above 1e-16.
func NewLogGamma(shape, rate float64) (*LogGamma, error) {
	m, _ := newLogGamma(nil)
	g, err := NewGamma(shape, rate)
	if err != nil {
		return nil, m.relabel(err)
	}
	m.law = gammaLaw{g}
	return &LogGamma{m}, nil
}

// Shape returns α.
func (g *LogGamma) Shape() float64 { return g.law.(gammaLaw).Shape() }

// Rate returns β, in units of e^−x.
func (g *LogGamma) Rate() float64 { return g.law.(gammaLaw).Rate() }

// Clone returns an independent copy.
func (g *LogGamma) Clone() Dist { return &LogGamma{g.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (g *LogGamma) UnmarshalBinary(b []byte) error {
	return g.unmarshal(b, "log-gamma", nil, newLogGamma)
}
