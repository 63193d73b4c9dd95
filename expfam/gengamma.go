package expfam

import "math"

// GeneralizedGamma is Stacy's (1962) generalised gamma distribution of known
// power p > 0, shape a > 0 and scale λ > 0 on x > 0,
//
//	p(x) = p / (λ Γ(a)) (x/λ)^(ap−1) e^(−(x/λ)^p),
//
// with T(x) = (p log x, x^p), η = (a − 1, −λ^(−p)), m = (ψ(a) + p log λ, a λ^p),
// h = p x^(p−1) and A = log Γ(a) + ap log λ. x^p is gamma of shape a and rate
// λ^(−p); Stacy's d is ap. Known shapes give Weibull (a = 1) and others.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type GeneralizedGamma struct{ mapped }

func newGeneralizedGamma(known []float64) (mapped, error) {
	p := known[0]
	if !(p >= 1e-3 && p <= 1e3) {
		return mapped{}, &DomainError{Family: "generalized-gamma", Func: "New", Param: "power", Index: -1, Value: p, Want: "from 1e-3 to 1e3"}
	}
	return mapped{law: gammaLaw{new(Gamma)}, name: knownName("generalized-gamma", []string{"p"}, p), power: p, scale: 1,
		params: [2]string{"shape-1", "-scale^-power"}}, nil
}

// NewGeneralizedGamma returns a generalised gamma distribution. It errs unless
// power is between 1e-3 and 1e3, shape, scale and scale^power are between 1e-150
// and 1e150, and shape is above 1e-16.
func NewGeneralizedGamma(power, shape, scale float64) (*GeneralizedGamma, error) {
	m, err := newGeneralizedGamma([]float64{power})
	if err != nil {
		return nil, err
	}
	if err := checkScale(m.name, "shape", -1, shape); err != nil {
		return nil, err
	}
	if err := checkScale(m.name, "scale", -1, scale); err != nil {
		return nil, err
	}
	if err := m.SetNatural([]float64{shape - 1, -math.Pow(scale, -power)}); err != nil {
		return nil, err
	}
	return &GeneralizedGamma{m}, nil
}

// Power returns the known p.
func (g *GeneralizedGamma) Power() float64 { return g.power }

// Shape returns a.
func (g *GeneralizedGamma) Shape() float64 { return g.law.(gammaLaw).Shape() }

// Scale returns λ, in units of x.
func (g *GeneralizedGamma) Scale() float64 {
	return math.Pow(g.law.(gammaLaw).Rate(), -1/g.power)
}

// Clone returns an independent copy.
func (g *GeneralizedGamma) Clone() Dist { return &GeneralizedGamma{g.copied()} }

// UnmarshalBinary restores a distribution bit for bit; bytes of another known
// value, or damaged or foreign ones, are an error and leave the receiver unchanged.
// A zero value takes the known value from the bytes.
func (g *GeneralizedGamma) UnmarshalBinary(b []byte) error {
	return g.unmarshal(b, "generalized-gamma", []string{"p"}, newGeneralizedGamma)
}
