package expfam

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
)

// InverseGaussian is the inverse Gaussian (Wald) distribution of mean μ > 0 and
// shape λ > 0 on x > 0,
//
//	p(x) = √(λ/(2πx³)) exp(−λ(x−μ)²/(2μ²x)),
//
// with T(x) = (x, 1/x), η = (−λ/(2μ²), −λ/2), m = (μ, 1/μ + 1/λ),
// h = (2πx³)^(−1/2) and A = −½ log λ − λ/μ (Johnson, Kotz and Balakrishnan 1994,
// chapter 15). E[log x] = log μ − e^z E₁(z) with z = 2λ/μ.
//
// SetExpectation returns a *PrecisionError where m does not hold λ to 1e-10:
// m₀m₁ − 1 = μ/λ, so that a λ/μ above about 5e5 is refused.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type InverseGaussian struct{ mapped }

func newInverseGaussian([]float64) (mapped, error) {
	return mapped{law: new(waldLaw), name: "inverse-gaussian"}, nil
}

// NewInverseGaussian returns an inverse Gaussian distribution. It errs unless
// mean and shape are between 1e-70 and 1e70, and shape/mean² between 2e-150 and
// 2e150.
func NewInverseGaussian(mean, shape float64) (*InverseGaussian, error) {
	m, _ := newInverseGaussian(nil)
	for i, v := range [2]float64{mean, shape} {
		if !(v >= 1e-70 && v <= 1e70) {
			return nil, &DomainError{Family: m.name, Func: "New", Param: [2]string{"mean", "shape"}[i], Index: -1, Value: v, Want: "> 0 (from 1e-70 to 1e70)"}
		}
	}
	if err := m.SetNatural([]float64{-shape / (2 * mean * mean), -shape / 2}); err != nil {
		return nil, err
	}
	return &InverseGaussian{m}, nil
}

// Mu returns the mean μ, in units of x.
func (g *InverseGaussian) Mu() float64 { return g.law.(*waldLaw).mu }

// Shape returns λ, in units of x; the variance is μ³/λ.
func (g *InverseGaussian) Shape() float64 { return g.law.(*waldLaw).lambda }

// Clone returns an independent copy.
func (g *InverseGaussian) Clone() Dist { return &InverseGaussian{g.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (g *InverseGaussian) UnmarshalBinary(b []byte) error {
	return g.unmarshal(b, "inverse-gaussian", nil, newInverseGaussian)
}

// waldLaw is the inverse Gaussian law.
type waldLaw struct {
	eta        [2]float64
	mu, lambda float64
}

func (g *waldLaw) NumParams() int            { return 2 }
func (g *waldLaw) copyLaw() law              { c := *g; return &c }
func (g *waldLaw) coords() (e0, e1 float64)  { return g.eta[0], g.eta[1] }
func (g *waldLaw) inside(u float64) bool     { return u > 0 && finiteOne(u) }
func (g *waldLaw) LogPartition() float64     { return -0.5*math.Log(g.lambda) - g.lambda/g.mu }
func (g *waldLaw) meanExp(k float64) float64 { return g.mu }

func (g *waldLaw) CheckNatural(eta []float64) error {
	for i, e := range eta {
		if !inScale(-e) {
			return &DomainError{Func: "SetNatural", Param: [2]string{"-shape/(2·mean²)", "-shape/2"}[i], Index: i, Value: e, Want: "< 0 (from -1e150 to -1e-150)"}
		}
	}
	return nil
}

func (g *waldLaw) SetNatural(eta []float64) error {
	if err := g.CheckNatural(eta); err != nil {
		return err
	}
	g.eta = [2]float64{eta[0], eta[1]}
	g.mu, g.lambda = math.Sqrt(eta[1]/eta[0]), -2*eta[1]
	return nil
}

func (g *waldLaw) moments() (m0, m1 float64) { return g.mu, 1/g.mu + 1/g.lambda }

// SetExpectation takes λ = m₀/(m₀m₁ − 1), with one rounding in the difference.
func (g *waldLaw) SetExpectation(m []float64) error {
	for i, v := range m {
		if !(v >= 1e-75 && v <= 1e75) {
			return &DomainError{Func: "SetExpectation", Param: [2]string{"E[x]", "E[1/x]"}[i], Index: i, Value: v, Want: "> 0 (from 1e-75 to 1e75)"}
		}
	}
	excess := math.FMA(m[0], m[1], -1) // μ/λ
	known := halfUlp(m[0])*m[1] + halfUlp(m[1])*m[0] + unit*math.Abs(excess)
	if !(excess > 0) {
		if excess >= -known {
			return imprecise("", "shape", -1, math.Inf(1), math.Inf(1))
		}
		return &DomainError{Func: "SetExpectation", Param: "E[1/x]", Index: 1, Value: m[1], Want: "> 1/E[x] (Jensen's inequality)"}
	}
	lambda := m[0] / excess
	if err := imprecise("", "shape", -1, lambda, known/excess); err != nil {
		return err
	}
	return g.SetNatural([]float64{-0.5 / (m[0] * excess), -lambda / 2})
}

func (g *waldLaw) FisherMul(dst, v []float64) []float64 {
	r := g.mu / g.lambda
	a, b, c := g.mu*g.mu*r, -r, (1/g.mu+2/g.lambda)/g.lambda
	return fill2("FisherMul", dst, a*v[0]+b*v[1], b*v[0]+c*v[1])
}

func (g *waldLaw) solve(v0, v1 float64) (w0, w1 float64) {
	p := g.lambda / g.mu
	d := p * p / 2 // det F = 2μ³/λ³, so that F⁻¹ = p²/2·[(1/μ + 2/λ)/μ, 1; 1, μ²]
	return d * ((1/g.mu+2/g.lambda)*v0/g.mu + v1), d * (v0 + g.mu*g.mu*v1)
}

// kl is a term of λ and one of the means, both ≥ 0.
func (g *waldLaw) kl(q law) float64 {
	r := q.(*waldLaw)
	d := (g.mu - r.mu) / r.mu
	return 0.5*special.Expm1mx(math.Log(r.lambda/g.lambda)) + r.lambda/(2*g.mu)*d*d
}

func (g *waldLaw) stat(u float64) (t0, t1 float64)  { return u, 1 / u }
func (g *waldLaw) slope(u float64) (d0, d1 float64) { return 1, -1 / (u * u) }
func (g *waldLaw) base(u float64) (h, d float64) {
	return -0.5*math.Log(2*math.Pi) - 1.5*math.Log(u), -1.5 / u
}

func (g *waldLaw) logProb(u float64) float64 {
	z := (u - g.mu) / g.mu
	return 0.5*math.Log(g.lambda/(2*math.Pi)) - 1.5*math.Log(u) - g.lambda/2*z*(z/u)
}

// path has λ and β = 1/μ as functions of η: ∂β/∂η = (−μ/λ, β/λ), ∂λ/∂η₁ = −2.
func (g *waldLaw) path(u float64) (d0, d1 float64) {
	da, db := special.InverseGaussianGrads(g.lambda, 1/g.mu, u)
	return -db * g.mu / g.lambda, db/(g.mu*g.lambda) - 2*da
}

// draw is by Michael, Schucany and Haas (1976), with the smaller root written
// without cancellation.
func (g *waldLaw) draw(rng *rand.Rand) float64 {
	z := rng.NormFloat64()
	w := z * z * g.mu / (2 * g.lambda)
	r := 1 / (1 + w + math.Sqrt(w*(2+w))) // of the root to the mean
	if rng.Float64()*(1+r) > 1 {
		r = 1 / r
	}
	return positive(g.mu * r)
}

func (g *waldLaw) entropy() float64 {
	t, _ := special.ScaledE1(2 * g.lambda / g.mu)
	return 0.5*(1+math.Log(2*math.Pi)-math.Log(g.lambda)) + 1.5*(math.Log(g.mu)-t)
}

// baseGrad is −3/2 ∇E[log x], E[log x] = log μ − T(z), with z = 2λ/μ and
// λ = 1/(m₁ − 1/m₀).
func (g *waldLaw) baseGrad(k float64) (g0, g1 float64) {
	z := 2 * g.lambda / g.mu
	_, below := special.ScaledE1(z) // −T'
	z1 := -z * g.lambda
	z0 := z1/(g.mu*g.mu) - z/g.mu
	return -1.5 * (1/g.mu + below*z0), -1.5 * below * z1
}
