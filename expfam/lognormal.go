package expfam

// LogNormal is the distribution of x = e^z for z ~ N(μ, σ²), on x > 0,
//
//	p(x) = 1/(xσ√(2π)) · e^(−(log x − μ)²/(2σ²)),
//
// with T(x) = (log x, log² x), η = (μ/σ², −1/(2σ²)), m = (μ, μ² + σ²),
// h = (2π)^(−1/2)/x and A = μ²/(2σ²) + log σ.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type LogNormal struct{ mapped }

func newLogNormal([]float64) (mapped, error) {
	z, err := NewNormalUV(0, 1)
	return mapped{law: normalLaw{z}, name: "log-normal", power: 1, scale: 1}, err
}

// NewLogNormal returns a log-normal distribution. It errs unless mu is finite and
// sigma positive with a representable square.
func NewLogNormal(mu, sigma float64) (*LogNormal, error) {
	m, _ := newLogNormal(nil)
	if err := checkScale("log-normal", "sigma", -1, sigma); err != nil {
		return nil, err
	}
	z, err := NewNormalUV(mu, sigma)
	if err != nil {
		err.(*DomainError).Func = "New"
		return nil, m.relabel(err)
	}
	m.law = normalLaw{z}
	return &LogNormal{m}, nil
}

// Mu returns μ, the mean of log x.
func (l *LogNormal) Mu() float64 { return l.law.(normalLaw).Mu() }

// Sigma returns σ, the standard deviation of log x.
func (l *LogNormal) Sigma() float64 { return l.law.(normalLaw).Sigma() }

// Clone returns an independent copy.
func (l *LogNormal) Clone() Dist { return &LogNormal{l.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (l *LogNormal) UnmarshalBinary(b []byte) error {
	return l.unmarshal(b, "log-normal", nil, newLogNormal)
}
