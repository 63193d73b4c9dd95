package mixture

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/mat"
)

// SymmetricNIG is the symmetric normal-inverse-Gaussian distribution: N(μ, Σ/w) mixed over
// w ~ InverseGaussian(mean 1, shape k), k fixed. With Q = (z−μ)'S(z−μ) and p = (d−1)/2
//
//	log q(z) = ½log|S| − (d/2) log 2π + ½log(k/2π) + k + log 2 + (p/2) log(k/(Q+k)) +
//	           log K_p(√(k(Q+k)))
//
// Its tails are exponentials. Its entropy has no closed form and enters a step through the
// gradients of log q at the draws.
type SymmetricNIG struct{ VarianceMean }

// NewSymmetricNIG returns the symmetric normal-inverse-Gaussian distribution of location
// mu, scale matrix scale and shape k. It errs unless all are finite, scale positive
// definite and k positive, and panics if the sizes differ or are 0.
func NewSymmetricNIG(mu []float64, scale mat.Symmetric, k float64) (*SymmetricNIG, error) {
	if err := vmCheckSizes("NewSymmetricNIG", mu, nil, scale); err != nil {
		return nil, err
	}
	if err := vmCheckShape("NewSymmetricNIG", symmetricNIG{}, k); err != nil {
		return nil, err
	}
	q := &SymmetricNIG{*newVarianceMean(symmetricNIG{}, len(mu), k)}
	if err := q.build("NewSymmetricNIG", mu, nil, scale, 1); err != nil {
		return nil, err
	}
	return q, nil
}

// vmCheckShape errs unless the fixed shape k is positive and finite.
func vmCheckShape(fn string, kd kind, k float64) error {
	if !(k > 0) || math.IsInf(k, 1) || math.IsInf(1/k, 1) {
		return &expfam.DomainError{Family: kd.name(), Func: fn, Param: "k", Index: -1, Value: k, Want: "> 0 and finite"}
	}
	return nil
}

// Shape returns the fixed shape k of the mixing distribution.
func (q *SymmetricNIG) Shape() float64 { return q.k }

// Clone returns an independent copy.
func (q *SymmetricNIG) Clone() *SymmetricNIG { return &SymmetricNIG{q.clone()} }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit, options and
// momentum included. The receiver has the saved dimension or is a zero value; on error
// it is unchanged.
func (q *SymmetricNIG) UnmarshalBinary(b []byte) error { return q.unmarshal(b, symmetricNIG{}) }

// NormalInverseGaussian is the d-dimensional normal-inverse-Gaussian distribution
// (Barndorff-Nielsen 1997): N(μ + wα, wΣ) mixed over w ~ InverseGaussian(mean 1, shape k), k
// fixed. With Q = (z−μ)'S(z−μ), s = α'Sα and p = −(d+1)/2
//
//	log q(z) = ½log|S| − (d/2) log 2π + (z−μ)'Sα + ½log(k/2π) + k + log 2 +
//	           (p/2) log((Q+k)/(s+k)) + log K_p(√((s+k)(Q+k)))
//
// It is skewed along α, with exponential tails. Its entropy has no closed form and enters a
// step through the gradients of log q at the draws.
type NormalInverseGaussian struct{ VarianceMean }

// NewNormalInverseGaussian returns the normal-inverse-Gaussian distribution of location
// mu, skewness vector alpha, scale matrix scale and shape k. It errs unless all are
// finite, scale positive definite and k positive, and panics if the sizes differ or are 0.
func NewNormalInverseGaussian(mu, alpha []float64, scale mat.Symmetric, k float64) (*NormalInverseGaussian, error) {
	c, err := newSkewed("NewNormalInverseGaussian", normalInverseGaussian{}, mu, alpha, scale, k)
	if err != nil {
		return nil, err
	}
	return &NormalInverseGaussian{*c}, nil
}

// Alpha writes the skewness vector α to dst.
func (q *NormalInverseGaussian) Alpha(dst []float64) []float64 { return q.alphaTo(dst) }

// Shape returns the fixed shape k of the mixing distribution.
func (q *NormalInverseGaussian) Shape() float64 { return q.k }

// Clone returns an independent copy.
func (q *NormalInverseGaussian) Clone() *NormalInverseGaussian {
	return &NormalInverseGaussian{q.clone()}
}

// UnmarshalBinary restores what MarshalBinary returned, bit for bit, options and
// momentum included. The receiver has the saved dimension or is a zero value; on error
// it is unchanged.
func (q *NormalInverseGaussian) UnmarshalBinary(b []byte) error {
	return q.unmarshal(b, normalInverseGaussian{})
}

// inverseGaussianMix is what the two families share: w ~ InverseGaussian(1, k).
type inverseGaussianMix struct{}

func (inverseGaussianMix) shaped() bool        { return false }
func (inverseGaussianMix) closedEntropy() bool { return false }

func (inverseGaussianMix) entropy(*VarianceMean, *vmState) (h, ds, da float64) {
	return math.NaN(), math.NaN(), math.NaN()
}

// mix is the method of Michael, Schucany and Haas (1976): x, or 1/x with probability
// x/(1+x), with x the smaller root of k(x−1)²/x = ε².
func (inverseGaussianMix) mix(c *VarianceMean, p float64, rng *rand.Rand) float64 {
	e := math.Sqrt2 * math.Erfinv(p) // |ε|
	// 1 + y − √(2y + y²), y = ε²/2k, is the reciprocal of the larger root.
	y := e * e / (2 * c.k)
	x := 1 / (1 + y + math.Sqrt(y*(2+y)))
	if rng.Float64() > 1/(1+x) {
		return 1 / x
	}
	return x
}

// logNorm returns the terms of both densities that do not depend on z.
func (inverseGaussianMix) logNorm(c *VarianceMean, st *vmState) float64 {
	return 0.5*(st.logDet-float64(c.dim+1)*vmLog2Pi+math.Log(c.k)) + c.k + math.Ln2
}

// symmetricNIG has u = 0, v = 1/w, E w = 1. Given z, w is generalised inverse Gaussian:
// ∝ w^(p−1) exp(−((Q+k)w + k/w)/2).
type symmetricNIG struct{ inverseGaussianMix }

func (symmetricNIG) name() string { return "symmetric-normal-inverse-gaussian" }
func (symmetricNIG) skewed() bool { return false }

func (symmetricNIG) moments(float64) (m11, m12, m22, eu, eu2 float64) { return 1, 0, 0, 0, 0 }

func (symmetricNIG) meanV(_, k float64) float64 { return 1 + 1/k }

func (f symmetricNIG) logProb(c *VarianceMean, st *vmState, q, _ float64) float64 {
	k, p := c.k, 0.5*float64(c.dim-1)
	return f.logNorm(c, st) - 0.5*p*math.Log1p(q/k) + special.LogBesselK(p, k*math.Sqrt(1+q/k))
}

func (symmetricNIG) given(c *VarianceMean, st *vmState, q, _ float64) given {
	p, r := 0.5*float64(c.dim-1), math.Sqrt(1+q/c.k)
	y := c.k * r
	return given{v: r / special.BesselKRatio(p-1, y), inv: special.BesselKRatio(p, y) / r}
}

func (symmetricNIG) scales(w float64) (u, v float64) { return 0, 1 / w }

// normalInverseGaussian has u = v = w. Given z, w is ∝ w^(p−1) exp(−((s+k)w +
// (Q+k)/w)/2).
type normalInverseGaussian struct{ inverseGaussianMix }

func (normalInverseGaussian) name() string { return "normal-inverse-gaussian" }
func (normalInverseGaussian) skewed() bool { return true }

func (normalInverseGaussian) moments(k float64) (m11, m12, m22, eu, eu2 float64) {
	return 1 + 1/k, 1, 1, 1, 1 + 1/k
}

func (normalInverseGaussian) meanV(_, _ float64) float64 { return 1 }

func (f normalInverseGaussian) logProb(c *VarianceMean, st *vmState, q, b float64) float64 {
	p := -0.5 * float64(c.dim+1)
	s, t := st.skew+c.k, q+c.k
	return f.logNorm(c, st) + b + 0.5*p*math.Log(t/s) + special.LogBesselK(p, math.Sqrt(s)*math.Sqrt(t))
}

func (normalInverseGaussian) given(c *VarianceMean, st *vmState, q, b float64) given {
	p := -0.5 * float64(c.dim+1)
	s, t := math.Sqrt(st.skew+c.k), math.Sqrt(q+c.k)
	w := t / s * special.BesselKRatio(p, s*t)
	return given{u: w, v: w, pair: w, inv: s / t / special.BesselKRatio(p-1, s*t), skew: 1}
}

func (normalInverseGaussian) scales(w float64) (u, v float64) { return w, w }
