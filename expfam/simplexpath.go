package expfam

import (
	"math"

	"github.com/natgrad/natgrad/internal/special"
)

// simplexRankOne adds to dst what is missing of F⁻¹g after dst got g_i/ψ'(α_i),
// whose sum over i is s, by the Sherman–Morrison formula for
// F = diag(ψ'(α)) − ψ'(α_0)·11':
//
//	(F⁻¹g)_i = g_i/ψ'(α_i) + s/(d·ψ'(α_i)),  d = 1/ψ'(α_0) − Σ 1/ψ'(α_j).
//
// d is summed as in simplexPrecision, without cancellation.
func simplexRankOne(dst, alpha []float64, sum, s float64) {
	den := -sum * special.TrigammaMinusInv(sum) / special.Trigamma(sum)
	for _, a := range alpha {
		den += a * special.TrigammaMinusInv(a) / special.Trigamma(a)
	}
	for i, a := range alpha {
		dst[i] += s / den / special.Trigamma(a)
	}
}

// simplexScoreTangent adds w·F⁻¹(log x − m) to dst.
func simplexScoreTangent(dst, alpha []float64, sum, w float64, logX func(i int) float64) {
	var s float64
	for i, a := range alpha {
		v := w * (logX(i) + special.DigammaDelta(a, others(alpha, sum, i))) / special.Trigamma(a)
		dst[i] += v
		s += v
	}
	simplexRankOne(dst, alpha, sum, s)
}

// Score writes ∇ log p = (α−1)/x − (β−1)/(1−x).
func (b *Beta) Score(dst, x []float64) []float64 {
	checkLen("beta.Score", "x", x, 1)
	return fill1("beta.Score", dst, b.eta[0]/x[0]-b.eta[1]/(1-x[0]))
}

// PathGrad writes g·(∂x/∂α, ∂x/∂β) by implicit reparameterisation (Figurnov,
// Mohamed and Mnih 2018, section 4), to 1e-11.
func (b *Beta) PathGrad(dst, grad, x []float64) []float64 {
	checkLen("beta.PathGrad", "g", grad, 1)
	checkLen("beta.PathGrad", "x", x, 1)
	da, db := special.BetaShapeGrads(b.alpha[0], b.alpha[1], x[0], 1-x[0])
	return fill2("beta.PathGrad", dst, grad[0]*da, grad[0]*db)
}

// Tangent adds w·F⁻¹ PathGrad(d.Grad, d.X) to dst.
func (b *Beta) Tangent(dst []float64, d *Draw, w float64) {
	checkLen("beta.Tangent", "dst", dst, 2)
	checkLen("beta.Tangent", "X", d.X, 1)
	checkLen("beta.Tangent", "Grad", d.Grad, 1)
	da, db := special.BetaShapeGrads(b.alpha[0], b.alpha[1], d.X[0], 1-d.X[0])
	f := w * d.Grad[0]
	da *= f / special.Trigamma(b.alpha[0])
	db *= f / special.Trigamma(b.alpha[1])
	dst[0] += da
	dst[1] += db
	simplexRankOne(dst, b.alpha[:], b.sum, da+db)
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (b *Beta) EntropyTangent(dst []float64) (exact bool) {
	return subEta("beta.EntropyTangent", dst, b.eta[:])
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst.
func (b *Beta) ScoreTangent(dst, x []float64, w float64) {
	checkLen("beta.ScoreTangent", "dst", dst, 2)
	checkLen("beta.ScoreTangent", "x", x, 1)
	simplexScoreTangent(dst, b.alpha[:], b.sum, w, func(i int) float64 {
		if i == 0 {
			return math.Log(x[0])
		}
		return math.Log1p(-x[0])
	})
}

// Score writes (α_i−1)/x_i, the gradient of Σ (α_i−1) log x_i in all K entries.
// Only its differences count, along the simplex.
func (d *Dirichlet) Score(dst, x []float64) []float64 {
	checkLen("dirichlet.Score", "x", x, len(d.eta))
	dst = sized("dirichlet.Score", dst, len(d.eta))
	for i, e := range d.eta {
		dst[i] = e / x[i]
	}
	return dst
}

// path returns (∂x/∂α_i)·grad. x_i is Beta(α_i, α_0−α_i) and the proportions of
// the others do not depend on α_i given x_i, so that a change of x_i is made up
// for by the others in proportion:
//
//	∂x/∂α_i = b_i·(e_i − Σ_{j≠i} x_j e_j/(1−x_i)),  b_i = ∂x_i/∂α_i of the beta.
func (d *Dirichlet) path(i int, grad, x []float64) float64 {
	var rest, mean float64
	for j, v := range x {
		if j != i {
			rest += v
			mean += v * grad[j]
		}
	}
	b, _ := special.BetaShapeGrads(d.alpha[i], others(d.alpha, d.sum, i), x[i], rest)
	return b * (grad[i] - mean/rest)
}

// PathGrad writes (∂x/∂α)'g, where g is a gradient in all K entries of x: each
// entry is a beta variable, see [Beta.PathGrad], whose change is taken from the
// others in proportion (Figurnov, Mohamed and Mnih 2018, section 4, do the same
// with gamma variables). It costs O(K²).
func (d *Dirichlet) PathGrad(dst, g, x []float64) []float64 {
	checkLen("dirichlet.PathGrad", "g", g, len(d.eta))
	checkLen("dirichlet.PathGrad", "x", x, len(d.eta))
	dst = sized("dirichlet.PathGrad", dst, len(d.eta))
	for i := range dst {
		dst[i] = d.path(i, g, x)
	}
	return dst
}

// Tangent adds w·F⁻¹ PathGrad(d.Grad, d.X) to dst.
func (d *Dirichlet) Tangent(dst []float64, dr *Draw, w float64) {
	checkLen("dirichlet.Tangent", "dst", dst, len(d.eta))
	checkLen("dirichlet.Tangent", "X", dr.X, len(d.eta))
	checkLen("dirichlet.Tangent", "Grad", dr.Grad, len(d.eta))
	var s float64
	for i, a := range d.alpha {
		v := w * d.path(i, dr.Grad, dr.X) / special.Trigamma(a)
		dst[i] += v
		s += v
	}
	simplexRankOne(dst, d.alpha, d.sum, s)
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (d *Dirichlet) EntropyTangent(dst []float64) (exact bool) {
	return subEta("dirichlet.EntropyTangent", dst, d.eta)
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst.
func (d *Dirichlet) ScoreTangent(dst, x []float64, w float64) {
	checkLen("dirichlet.ScoreTangent", "dst", dst, len(d.eta))
	checkLen("dirichlet.ScoreTangent", "x", x, len(d.eta))
	simplexScoreTangent(dst, d.alpha, d.sum, w, func(i int) float64 { return math.Log(x[i]) })
}
