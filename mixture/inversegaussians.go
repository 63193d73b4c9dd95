package mixture

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/special"
)

// InverseGaussians is a product of inverse Gaussian (Wald) distributions of
// shapes α_i > 0 and means 1/β_i, a posterior for positive parameters,
//
//	q(x) = Π_i √(α_i/(2πx_i³)) exp(−α_iβ_i²x_i/2 − α_i/(2x_i) + α_iβ_i),
//
// of variance 1/(αβ³); μ = 1/β and λ = α in the usual notation. Its state is
// (l₁, l₂) = (β², α), in which the Fisher matrix diag(¼ α l₁^−3/2, ½ α⁻²) of a
// coordinate is diagonal; all l₁ come first, then all l₂. Steps are those of the improved
// Bayesian learning rule (Lin, Schmidt and Khan 2020, section 4) in these
// coordinates, draws are differentiated implicitly (Figurnov, Mohamed and Mnih 2018).
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type InverseGaussians struct{ pairs }

func inverseGaussianPairs(dim int) pairs {
	return newPairs("inverse-gaussians", [2]string{"1/mean^2", "shape"}, 1, dim)
}

// NewInverseGaussians returns independent inverse Gaussian distributions,
// coordinate i of mean[i] and shape[i], both in units of x_i. It panics unless the
// lengths are equal, and errs unless there is a coordinate and every shape and
// 1/mean² lies between 1e-100 and 1e100.
func NewInverseGaussians(mean, shape []float64) (*InverseGaussians, error) {
	if err := positiveArgs("inverse-gaussians", "mean", "shape", mean, shape); err != nil {
		return nil, err
	}
	q := &InverseGaussians{inverseGaussianPairs(len(mean))}
	l1, l2 := q.halves(q.next)
	for i, m := range mean {
		l1[i], l2[i] = 1/(m*m), shape[i]
	}
	if err := q.set("New", q.next); err != nil {
		return nil, err
	}
	return q, nil
}

// at returns α and β of coordinate i.
func (q *InverseGaussians) at(i int) (alpha, beta float64) {
	return q.eta[q.dim+i], math.Sqrt(q.eta[i])
}

// Dim returns the number of coordinates D.
func (q *InverseGaussians) Dim() int { return q.dim }

// NumParams returns 2D.
func (q *InverseGaussians) NumParams() int { return 2 * q.dim }

// Natural writes the state (β², α) to dst.
func (q *InverseGaussians) Natural(dst []float64) []float64 { return q.natural(dst) }

// SetNatural moves to the state (β², α). It errs, with the receiver unchanged,
// unless every entry lies between 1e-100 and 1e100.
func (q *InverseGaussians) SetNatural(eta []float64) error { return q.set("SetNatural", eta) }

// Shape writes the shapes α to dst, in units of x.
func (q *InverseGaussians) Shape(dst []float64) []float64 {
	dst = q.sized("Shape", dst, q.dim)
	copy(dst, q.eta[q.dim:])
	return dst
}

// Mean writes E[x] = 1/β to dst.
func (q *InverseGaussians) Mean(dst []float64) []float64 {
	dst = q.sized("Mean", dst, q.dim)
	for i := range dst {
		_, beta := q.at(i)
		dst[i] = 1 / beta
	}
	return dst
}

// MeanInverse writes E[1/x] = β + 1/α to dst.
func (q *InverseGaussians) MeanInverse(dst []float64) []float64 {
	dst = q.sized("MeanInverse", dst, q.dim)
	for i := range dst {
		alpha, beta := q.at(i)
		dst[i] = beta + 1/alpha
	}
	return dst
}

// Sd writes the standard deviations (αβ³)^−½ to dst.
func (q *InverseGaussians) Sd(dst []float64) []float64 {
	dst = q.sized("Sd", dst, q.dim)
	for i := range dst {
		alpha, beta := q.at(i)
		dst[i] = 1 / (math.Sqrt(alpha*beta) * beta)
	}
	return dst
}

// LogProb returns log q(x), −Inf outside the support.
func (q *InverseGaussians) LogProb(x []float64) float64 {
	q.checkLen("LogProb", "x", x, q.dim)
	var s float64
	for i, z := range x {
		if !(z > 0) || math.IsInf(z, 1) {
			return math.Inf(-1)
		}
		alpha, beta := q.at(i)
		r := (beta*z - 1) * math.Sqrt(alpha/z)
		s += 0.5*(math.Log(alpha/(2*math.Pi))-r*r) - 1.5*math.Log(z)
	}
	return s
}

// CDF writes P(X_i ≤ x_i) to dst,
//
//	Φ(s) + φ(s) Φ(t)/φ(t),  s = √(α/x)(βx − 1),  t = −√(α/x)(βx + 1),
//
// which does not overflow at large αβ (Shuster 1968); 0 for x ≤ 0.
func (q *InverseGaussians) CDF(dst, x []float64) []float64 {
	q.checkLen("CDF", "x", x, q.dim)
	dst = q.sized("CDF", dst, q.dim)
	for i, z := range x {
		switch {
		case z <= 0:
			dst[i] = 0
		case math.IsInf(z, 1):
			dst[i] = 1
		default:
			alpha, beta := q.at(i)
			r := math.Sqrt(alpha / z)
			s, t := r*(beta*z-1), -r*(beta*z+1)
			phi := math.Exp(-s*s/2) / math.Sqrt(2*math.Pi)
			dst[i] = math.Exp(special.LogNormalCDF(s)) + phi/special.NormalHazard(t)
		}
	}
	return dst
}

// Path writes the implicit derivatives ∂x_i/∂α_i and ∂x_i/∂β_i of draws x at fixed
// probability, −(∂F/∂α)/q(x) and −(∂F/∂β)/q(x), to the first two slices (not
// nil). With t = −√(α/x)(βx + 1) and R = Φ(t)/φ(t) they are
//
//	∂x/∂α = x/α − 2βx^3/2 α^−1/2 R,  ∂x/∂β = −2α^1/2 x^3/2 R.
func (q *InverseGaussians) Path(dShape, dInvMean, x []float64) {
	q.checkLen("Path", "dShape", dShape, q.dim)
	q.checkLen("Path", "dInvMean", dInvMean, q.dim)
	q.checkLen("Path", "x", x, q.dim)
	for i, z := range x {
		alpha, beta := q.at(i)
		dShape[i], dInvMean[i] = inverseGaussianPath(alpha, beta, z)
	}
}

func inverseGaussianPath(alpha, beta, z float64) (da, db float64) {
	root := math.Sqrt(alpha / z)
	mills := 1 / special.NormalHazard(-root*(beta*z+1))
	db = -2 * alpha * z / root * mills
	// Both terms of ∂x/∂α are of the size x/α; they cancel where it has its root.
	return z/alpha + beta/alpha*db, db
}

// Sample writes a draw to dst, by the method of Michael, Schucany and Haas
// (1976) without its cancellation. What underflows is returned as 1e-300.
func (q *InverseGaussians) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = q.sized("Sample", dst, q.dim)
	for i := range dst {
		dst[i] = q.draw(i, rng.NormFloat64(), rng.Float64())
	}
	return dst
}

// draw returns coordinate i of the draw that the standard normal e and the uniform u make.
func (q *InverseGaussians) draw(i int, e, u float64) float64 {
	alpha, beta := q.at(i)
	w := e * e / (2 * alpha * beta)
	y := 1 / (1 + w + math.Sqrt(w*(w+2))) // the smaller root, in units of the mean
	if u*(1+y) > 1 {
		y = 1 / y
	}
	return clampDraw(y / beta)
}

// SampleStep fills X of the draws in antithetic pairs, which share the distance
// α(x−μ)²/(μ²x) from the mean and mostly lie on different sides of it.
func (q *InverseGaussians) SampleStep(draws []expfam.Draw, rng *rand.Rand) {
	for k := 0; k < len(draws); k += 2 {
		for i := range q.dim {
			e, u := rng.NormFloat64(), rng.Float64()
			draws[k].X[i] = q.draw(i, e, u)
			if k+1 < len(draws) {
				draws[k+1].X[i] = q.draw(i, e, 1-u)
			}
		}
	}
}

// Tangent adds w times the natural gradient of E_q[log p] in (β², α) that the
// draw d shows: with the derivatives of [InverseGaussians.Path],
//
//	d₁ = G ∂x/∂β · 2β²/α,  d₂ = G ∂x/∂α · 2α²,  G = ∇log p(x) − ∇log q(x),
//
// less the entropy's gradient, which −∇log q adds on average: where q is close to p
// the noise of the two cancels (Roeder, Wu and Duvenaud 2017). Calls with different
// dst may run at the same time; none allocates.
func (q *InverseGaussians) Tangent(dst []float64, d *expfam.Draw, w float64) {
	q.checkLen("Tangent", "dst", dst, 2*q.dim)
	q.checkLen("Tangent", "Draw.X", d.X, q.dim)
	q.checkLen("Tangent", "Draw.Grad", d.Grad, q.dim)
	d1, d2 := q.halves(dst)
	for i, z := range d.X {
		alpha, beta := q.at(i)
		da, db := inverseGaussianPath(alpha, beta, z)
		// −x ∂log q/∂x = 3/2 + α(β²x − 1/x)/2
		g := 2 * w * (d.Grad[i] + (1.5+0.5*alpha*(beta*z-1)*(beta+1/z))/z)
		h1, h2 := q.entropyTangent(i)
		d1[i] += g*db*q.eta[i]/alpha - w*h1
		d2[i] += g*da*alpha*alpha - w*h2
	}
}

// entropyTangent is the natural gradient of the entropy of coordinate i.
func (q *InverseGaussians) entropyTangent(i int) (h1, h2 float64) {
	alpha, beta := q.at(i)
	t := special.ScaledE1(2 * alpha * beta)
	return -6 * q.eta[i] * t, 2 * alpha * (1 - 3*alpha*beta*t)
}

// Entropy returns Σ_i ½(1 + log 2π − log α_i − 3(log β_i + T_i)) in nats with
// T = e^{2αβ} E₁(2αβ) and E₁ the exponential integral.
func (q *InverseGaussians) Entropy() float64 {
	var h float64
	for i := range q.dim {
		alpha, beta := q.at(i)
		h += 0.5 * (1 + math.Log(2*math.Pi/alpha) - 3*(math.Log(beta)+special.ScaledE1(2*alpha*beta)))
	}
	return h
}

// EntropyGrad writes the derivatives ∂H/∂α = 1/α − 3βT and ∂H/∂β = −3αT of the
// entropy, T as in [InverseGaussians.Entropy], to the two slices (not nil).
func (q *InverseGaussians) EntropyGrad(dShape, dInvMean []float64) {
	q.checkLen("EntropyGrad", "dShape", dShape, q.dim)
	q.checkLen("EntropyGrad", "dInvMean", dInvMean, q.dim)
	for i := range q.dim {
		alpha, beta := q.at(i)
		t := special.ScaledE1(2 * alpha * beta)
		dShape[i], dInvMean[i] = 1/alpha-3*beta*t, -3*alpha*t
	}
}

// EntropyTangent adds the natural gradient of the entropy, (−6β²T, 2α − 6α²βT)
// with T as in [InverseGaussians.Entropy], to dst and returns true: it is exact.
func (q *InverseGaussians) EntropyTangent(dst []float64) (exact bool) {
	q.checkLen("EntropyTangent", "dst", dst, 2*q.dim)
	d1, d2 := q.halves(dst)
	for i := range q.dim {
		h1, h2 := q.entropyTangent(i)
		d1[i] += h1
		d2[i] += h2
	}
	return true
}

// FisherMul writes F·v to dst, F the diagonal Fisher matrix in (β², α). dst may be v.
func (q *InverseGaussians) FisherMul(dst, v []float64) []float64 {
	q.checkLen("FisherMul", "v", v, 2*q.dim)
	dst = q.sized("FisherMul", dst, 2*q.dim)
	for i := range q.dim {
		alpha, beta := q.at(i)
		dst[i] = alpha / (4 * q.eta[i] * beta) * v[i]
		dst[q.dim+i] = v[q.dim+i] / alpha / (2 * alpha)
	}
	return dst
}

// Retract moves along tan = (d₁, d₂) by the improved step, which stays positive
// for every ρ,
//
//	l₁ ← l₁ + ρd₁ + ⅜ρ²d₁²/l₁,   l₂ ← l₂ + ρd₂ + ½ρ²d₂²/l₂.
//
// Shortened is returned if ρ had to be halved because a result was not
// representable. It errs, with the receiver unchanged, if tan or rho is not finite
// or no step is representable.
func (q *InverseGaussians) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	return q.retract(tan, rho, q.improved)
}

func (q *InverseGaussians) improved(next, tan []float64, rho float64) {
	for i, l := range q.eta {
		c := 0.5
		if i < q.dim {
			c = 0.375
		}
		s := rho * tan[i]
		next[i] = l + s + c*s*(s/l)
	}
}

// MarshalBinary returns the bytes of the state.
func (q *InverseGaussians) MarshalBinary() ([]byte, error) { return q.marshal(0), nil }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The receiver
// has the saved dimension or is a zero value. On error it is unchanged.
func (q *InverseGaussians) UnmarshalBinary(b []byte) error {
	p := q.pairs
	if p.dim == 0 {
		p = inverseGaussianPairs(0)
	}
	if _, err := p.unmarshal(b); err != nil {
		return err
	}
	q.pairs = p
	return nil
}
