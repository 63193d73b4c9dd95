package expfam

import (
	"math"

	"github.com/natgrad/natgrad/internal/special"
)

// subEta adds −η to dst, the gradient of the entropy in expectation coordinates
// of a family whose log h is constant: H = A − ⟨η, m⟩ − log h.
func subEta(fn string, dst, eta []float64) bool {
	checkLen(fn, "dst", dst, len(eta))
	for i, e := range eta {
		dst[i] -= e
	}
	return true
}

// gammaSolve returns F⁻¹(g0, g1) of the gamma family in η = (α − 1, −β), where
// |F| = α(ψ'(α) − 1/α)/β².
func gammaSolve(shape, rate, g0, g1 float64) (u0, u1 float64) {
	r := rate / shape
	t := special.TrigammaMinusInv(shape)
	return (g0 - r*g1) / t, r * (special.Trigamma(shape)*rate*g1 - g0) / t
}

// gammaPath returns ∂x/∂α of a draw x of Gamma(α, rate β).
func gammaPath(shape, rate, x float64) float64 {
	return special.GammaShapeGrad(shape, positive(rate*x)) / rate
}

// gammaResidual returns (log x − E[log x], x − E[x]).
func gammaResidual(shape, rate, x float64) (r0, r1 float64) {
	return math.Log(rate*x/shape) + special.LogMinusDigamma(shape), x - shape/rate
}

// Score writes ∇ log p = (α−1)/x − β.
func (g *Gamma) Score(dst, x []float64) []float64 {
	checkLen("gamma.Score", "x", x, 1)
	return fill1("gamma.Score", dst, g.eta[0]/x[0]+g.eta[1])
}

// PathGrad writes g·(∂x/∂η): ∂x/∂α by implicit reparameterisation (Figurnov,
// Mohamed and Mnih 2018, section 4), to 1e-12, and −∂x/∂β = x/β.
func (g *Gamma) PathGrad(dst, grad, x []float64) []float64 {
	checkLen("gamma.PathGrad", "g", grad, 1)
	checkLen("gamma.PathGrad", "x", x, 1)
	return fill2("gamma.PathGrad", dst, grad[0]*gammaPath(g.shape, g.rate, x[0]), grad[0]*x[0]/g.rate)
}

// Tangent adds w·F⁻¹ PathGrad(d.Grad, d.X) to dst.
func (g *Gamma) Tangent(dst []float64, d *Draw, w float64) {
	checkLen("gamma.Tangent", "dst", dst, 2)
	checkLen("gamma.Tangent", "X", d.X, 1)
	checkLen("gamma.Tangent", "Grad", d.Grad, 1)
	f, x := w*d.Grad[0], d.X[0]
	u0, u1 := gammaSolve(g.shape, g.rate, f*gammaPath(g.shape, g.rate, x), f*x/g.rate)
	dst[0] += u0
	dst[1] += u1
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (g *Gamma) EntropyTangent(dst []float64) (exact bool) {
	return subEta("gamma.EntropyTangent", dst, g.eta[:])
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst.
func (g *Gamma) ScoreTangent(dst, x []float64, w float64) {
	checkLen("gamma.ScoreTangent", "dst", dst, 2)
	checkLen("gamma.ScoreTangent", "x", x, 1)
	r0, r1 := gammaResidual(g.shape, g.rate, x[0])
	u0, u1 := gammaSolve(g.shape, g.rate, w*r0, w*r1)
	dst[0] += u0
	dst[1] += u1
}

// Score writes ∇ log p = (β/x − α − 1)/x.
func (g *InverseGamma) Score(dst, x []float64) []float64 {
	checkLen("inverse-gamma.Score", "x", x, 1)
	return fill1("inverse-gamma.Score", dst, (g.eta[0]-g.eta[1]/x[0])/x[0])
}

// path returns ∂x/∂η: x is 1/y of a gamma y, so that −∂x/∂α = x²·∂y/∂α and
// ∂x/∂β = x/β.
func (g *InverseGamma) path(x float64) (p0, p1 float64) {
	y := positive(g.scale / x)
	return x * (special.GammaShapeGrad(g.shape, y) / y), -x / g.scale
}

// PathGrad writes g·(∂x/∂η), see [Gamma.PathGrad].
func (g *InverseGamma) PathGrad(dst, grad, x []float64) []float64 {
	checkLen("inverse-gamma.PathGrad", "g", grad, 1)
	checkLen("inverse-gamma.PathGrad", "x", x, 1)
	p0, p1 := g.path(x[0])
	return fill2("inverse-gamma.PathGrad", dst, grad[0]*p0, grad[0]*p1)
}

// Tangent adds w·F⁻¹ PathGrad(d.Grad, d.X) to dst.
func (g *InverseGamma) Tangent(dst []float64, d *Draw, w float64) {
	checkLen("inverse-gamma.Tangent", "dst", dst, 2)
	checkLen("inverse-gamma.Tangent", "X", d.X, 1)
	checkLen("inverse-gamma.Tangent", "Grad", d.Grad, 1)
	p0, p1 := g.path(d.X[0])
	f := w * d.Grad[0]
	// F is that of the gamma of 1/x with η₀ of the other sign.
	u0, u1 := gammaSolve(g.shape, g.scale, -f*p0, f*p1)
	dst[0] -= u0
	dst[1] += u1
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (g *InverseGamma) EntropyTangent(dst []float64) (exact bool) {
	return subEta("inverse-gamma.EntropyTangent", dst, g.eta[:])
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst.
func (g *InverseGamma) ScoreTangent(dst, x []float64, w float64) {
	checkLen("inverse-gamma.ScoreTangent", "dst", dst, 2)
	checkLen("inverse-gamma.ScoreTangent", "x", x, 1)
	r0, r1 := gammaResidual(g.shape, g.scale, 1/x[0])
	u0, u1 := gammaSolve(g.shape, g.scale, w*r0, w*r1)
	dst[0] -= u0
	dst[1] += u1
}

// Score writes ∇ log p = −λ.
func (e *Exponential) Score(dst, x []float64) []float64 {
	checkLen("exponential.Score", "x", x, 1)
	return fill1("exponential.Score", dst, e.eta[0])
}

// PathGrad writes g·(∂x/∂η), ∂x/∂η = −∂x/∂λ = x/λ.
func (e *Exponential) PathGrad(dst, grad, x []float64) []float64 {
	checkLen("exponential.PathGrad", "g", grad, 1)
	checkLen("exponential.PathGrad", "x", x, 1)
	return fill1("exponential.PathGrad", dst, grad[0]*(x[0]/-e.eta[0]))
}

// Tangent adds w·F⁻¹ PathGrad(d.Grad, d.X) = w·λx·d.Grad to dst.
func (e *Exponential) Tangent(dst []float64, d *Draw, w float64) {
	checkLen("exponential.Tangent", "dst", dst, 1)
	checkLen("exponential.Tangent", "X", d.X, 1)
	checkLen("exponential.Tangent", "Grad", d.Grad, 1)
	dst[0] -= w * d.Grad[0] * d.X[0] * e.eta[0]
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (e *Exponential) EntropyTangent(dst []float64) (exact bool) {
	return subEta("exponential.EntropyTangent", dst, e.eta[:])
}

// ScoreTangent adds w·F⁻¹(T(x) − m) = w·λ(λx − 1), the natural gradient of
// log p(x), to dst.
func (e *Exponential) ScoreTangent(dst, x []float64, w float64) {
	checkLen("exponential.ScoreTangent", "dst", dst, 1)
	checkLen("exponential.ScoreTangent", "x", x, 1)
	rate := -e.eta[0]
	dst[0] += w * rate * (rate*x[0] - 1)
}
