package mixture

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// SkewNormalFrom returns a skew normal distribution to start a fit from: it has the mean and the
// covariance of n, a normal approximation of a density whose logarithm has the
// gradient grad (as a vi.Target has it), and leans as that density does. From a wrong
// side a fit comes to rest at α = 0, where the distribution is normal. With n = N(m, C),
//
//	α ∝ C E_n[(Q − d) ∇ log p(z)],  Q = (z−m)'C⁻¹(z−m),  α'C⁻¹α = ½
//
// By Stein's lemma the expectation is that of ∇ tr(C ∇² log p), so that Cα points along the
// skewness vector of p to first order in its third derivatives. It takes 128
// evaluations of grad, and errs if one is not finite.
func SkewNormalFrom(n *expfam.Normal, grad func(dst, x []float64) float64, rng *rand.Rand) (*SkewNormal, error) {
	c, err := leaning("SkewNormalFrom", skewNormal{}, n, grad, rng)
	if err != nil {
		return nil, err
	}
	return &SkewNormal{*c}, nil
}

// ExpModifiedNormalFrom returns an exponentially modified normal distribution to start a fit
// from, as [SkewNormalFrom] does.
func ExpModifiedNormalFrom(n *expfam.Normal, grad func(dst, x []float64) float64, rng *rand.Rand) (*ExpModifiedNormal, error) {
	c, err := leaning("ExpModifiedNormalFrom", expModified{}, n, grad, rng)
	if err != nil {
		return nil, err
	}
	return &ExpModifiedNormal{*c}, nil
}

// leanPairs is the number of antithetic pairs from which the lean is estimated.
const leanPairs = 64

func leaning(fn string, kd kind, n *expfam.Normal, grad func(dst, x []float64) float64, rng *rand.Rand) (*VarianceMean, error) {
	d := n.Dim()
	base := newVarianceMean(kd, d, 1)
	eta := make([]float64, base.NumParams())
	nat := n.Natural(nil)
	copy(eta, nat[:d])
	copy(eta[base.symAt():], nat[d:])
	if err := base.set(fn, eta); err != nil {
		return nil, err
	}
	mu, x, y, g := n.Mean(nil), make([]float64, d), make([]float64, d), make([]float64, d)
	alpha := make([]float64, d) // first E[(Q − d) ∇ log p]
	for range leanPairs {
		n.Sample(x, rng)
		n.Mirror(y, x)
		q, _ := base.forms(x)
		for _, z := range [][]float64{x, y} {
			grad(g, z)
			if i := firstBad(g); i >= 0 {
				return nil, &expfam.DomainError{Family: kd.name(), Func: fn, Param: "gradient", Index: i, Value: g[i], Want: "finite at the draws of n"}
			}
			for i, gi := range g {
				alpha[i] += (q - float64(d)) * gi
			}
		}
	}
	b := append([]float64(nil), alpha...)
	base.cur.solve(alpha)
	size := vmDot(alpha, b)
	if !(size > 0) || math.IsInf(size, 1) { // no lean: any direction will do
		clear(b)
		b[0] = 1
		copy(alpha, b)
		base.cur.solve(alpha)
		size = vmDot(alpha, b)
	}
	varU := base.eu2 - base.eu*base.eu
	r := math.Sqrt(0.5 / size)
	for i := range alpha {
		alpha[i] *= r
		mu[i] -= base.eu * alpha[i]
	}
	scale := n.Cov(nil)
	scale.SymRankOne(scale, -varU, mat.NewVecDense(d, append([]float64(nil), alpha...)))
	return newSkewed(fn, kd, mu, alpha, scale, 1)
}
