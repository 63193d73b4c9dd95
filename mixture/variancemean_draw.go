package mixture

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// Sample writes a draw μ + u(w) α + √v(w) L⁻ᵀε to dst, ε standard normal and S = LL'.
func (c *VarianceMean) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = c.sized("Sample", dst, c.dim)
	w := c.kind.mix(c, rng.Float64(), rng)
	for i := range dst {
		dst[i] = rng.NormFloat64()
	}
	return c.Transform(dst, dst, w)
}

// Transform writes the point μ + u(w) α + √v(w) L⁻ᵀ·normals to dst, a draw if normals
// are standard normal and w is a draw of the mixing variable; dst may be normals.
func (c *VarianceMean) Transform(dst, normals []float64, w float64) []float64 {
	c.check("Transform", "normals", normals, c.dim)
	dst = c.sized("Transform", dst, c.dim)
	copy(dst, normals)
	st := c.cur
	blas64.Trsv(blas.NoTrans, st.tri(), vmVec(dst))
	u, v := c.kind.scales(w)
	r := math.Sqrt(v)
	for i, m := range st.mu {
		dst[i] = m + r*dst[i]
		if st.alpha != nil {
			dst[i] += u * st.alpha[i]
		}
	}
	return dst
}

// SampleStep draws the points of a step in pairs of one w and opposite ε, each w from its
// own one of strata of equal probability (for an inverse Gaussian w, those of the chi-square
// variable that it is made of). A StudentT writes w to Aux.
func (c *VarianceMean) SampleStep(draws []expfam.Draw, rng *rand.Rand) {
	m := c.kind
	pairs := (len(draws) + 1) / 2
	for k := 0; k < len(draws); k += 2 {
		p := (float64(k/2) + rng.Float64()) / float64(pairs)
		w := m.mix(c, math.Min(p, 1-0x1p-53), rng)
		for i := range c.work {
			c.work[i] = rng.NormFloat64()
		}
		for j := k; j < min(k+2, len(draws)); j++ {
			dr := &draws[j]
			c.Transform(dr.X, c.work, w)
			dr.Aside = false
			if c.kind.shaped() {
				if len(dr.Aux) != 1 {
					dr.Aux = make([]float64, 1)
				}
				dr.Aux[0] = w
			}
			for i := range c.work {
				c.work[i] = -c.work[i]
			}
		}
	}
}

// FirstRate returns the step size with which a stochastic fit had better begin.
func (c *VarianceMean) FirstRate() float64 { return 0.5 }

// FirstDraws returns the number of draws a step with which it had better begin: four a
// dimension, at least 16 (fewer strata of w leave too much noise) and at most 64.
func (c *VarianceMean) FirstDraws() int { return min(max(16, 4*c.dim), 64) }

// Tangent adds w·tan of E_q[log p] to dst as the draw dr shows it, the mixing
// variable averaged out given z (Lin, Khan and Schmidt 2019, "Stein's lemma for the
// reparameterization trick with exponential family mixtures"). With g = ∇ log p,
//
//	∇_μ ≈ g,   ∇_α ≈ E[u|z] g,
//	∇_Σ ≈ ½E[v|z] ∇² log p                        if dr.Hess is set
//	      ½sym(S(z − μ − E[u|z] α) g')            if it is not, or E[v|z] is infinite
//	∇_a ≈ ½g'(z−μ) (1 − w ∂γ/∂a)/a                γ = a/w ~ Gamma(a, 1), for StudentT
//
// where ∂γ/∂a is the derivative of γ at a fixed probability. A StudentT reads w from
// dr.Aux. Where the entropy has no closed form, g is ∇(log p − log q), which vanishes
// where q = p; beside a Hessian of log p, the part of −log q enters ∇_Σ by the second form.
//
// The skew and the exponentially modified normal know another form of ∇_α, for
// points that the caller supplies: a draw z with dr.Aux (its mixing variable w) comes with
// the point z − u(w)α, a draw of N(μ, Σ) that is marked Aside, and with s = α'Sα, b = (z−μ)'Sα
//
//	skew: ∇_α ≈ b/(1+s) g(z) + √(2/π)/(1+s) g(z−uα);   EMG: (b−1)/s g(z) + 1/s g(z−uα).
//
// It needs more evaluations and is there for comparisons; SampleStep does not use it.
//
// Tangent does not allocate; calls must not run at the same time.
func (c *VarianceMean) Tangent(dst []float64, dr *expfam.Draw, w float64) {
	c.check("Tangent", "dst", dst, c.NumParams())
	c.check("Tangent", "Grad", dr.Grad, c.dim)
	c.check("Tangent", "X", dr.X, c.dim)
	d, st := c.dim, c.cur
	q, b := c.forms(dr.X)
	gv := c.kind.given(c, st, q, b)
	if dr.Aside {
		if st.alpha != nil {
			for i, g := range dr.Grad {
				dst[i] += w * c.i12 * gv.side * g
				dst[d+i] += w * c.i22 * gv.side * g
			}
		}
		return
	}
	u := gv.u
	if dr.Aux != nil {
		u = gv.pair
	}
	f := c.work // the integrand's gradient
	copy(f, dr.Grad)
	exact := c.kind.closedEntropy()
	if !exact {
		c.score(f, dr.X, gv)
		for i, g := range dr.Grad {
			f[i] = g - f[i]
		}
	}
	for i, x := range f {
		if st.alpha == nil {
			dst[i] += w * c.i11 * x
			continue
		}
		dst[i] += w * (c.i11 + c.i12*u) * x
		dst[d+i] += w * (c.i12 + c.i22*u) * x
	}
	if dr.Hess != nil && !math.IsInf(gv.v, 1) {
		c.addHess(dst, dr, 0.5*w*gv.v)
		if !exact {
			for i, g := range dr.Grad {
				f[i] -= g
			}
			c.addStein(dst, dr.X, f, gv.u, w)
		}
	} else {
		c.addStein(dst, dr.X, f, gv.u, w)
	}
	if c.kind.shaped() {
		c.check("Tangent", "Aux", dr.Aux, 1)
		mix, a := dr.Aux[0], st.shape
		var gz float64
		for i, g := range dr.Grad {
			gz += g * (dr.X[i] - st.mu[i])
		}
		rel := (1 - mix*special.GammaShapeGrad(a, a/mix)) / a
		dst[len(dst)-1] += w * 0.5 * gz * rel / special.TrigammaMinusInv(a)
	}
}

// addHess adds svec(w·∇² log p) to the symmetric block of dst.
func (c *VarianceMean) addHess(dst []float64, dr *expfam.Draw, w float64) {
	h := dr.Hess.RawSymmetric()
	if h.N != c.dim {
		c.check("Tangent", "Hess", make([]float64, h.N), c.dim)
	}
	k := c.symAt()
	for i := range c.dim {
		dst[k] += w * h.Data[i*h.Stride+i]
		k++
		for _, x := range h.Data[i*h.Stride+i+1 : i*h.Stride+c.dim] {
			dst[k] += w * math.Sqrt2 * x
			k++
		}
	}
}

// addStein adds svec(½w·sym(S(x−μ−uα) f')) to the symmetric block of dst.
func (c *VarianceMean) addStein(dst, x, f []float64, u, w float64) {
	d, st, r := c.dim, c.cur, c.r
	for i := range d {
		var a float64
		for j, s := range st.s[i*d : (i+1)*d] {
			a += s * (x[j] - st.mu[j])
		}
		if st.alpha != nil {
			a -= u * st.eta[d+i]
		}
		r[i] = a
	}
	k := c.symAt()
	for i := range d {
		dst[k] += 0.5 * w * r[i] * f[i]
		k++
		for j := i + 1; j < d; j++ {
			dst[k] += w * math.Sqrt2 / 4 * (r[i]*f[j] + r[j]*f[i])
			k++
		}
	}
}
