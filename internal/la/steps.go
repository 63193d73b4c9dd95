package la

import "math"

// The loops of diagonal optimisers over all weights (package vadam says what they
// compute). A step writes the new state mu1, s1, m1 beside the old one and returns
// 0, or NaN if some new number may not be finite. All slices have one length and
// do not overlap, but for those that are said to be read and written. c holds the
// coefficients in the order of the constants' names.

func root[T float](x T) T { return T(math.Sqrt(float64(x))) }

// Perturb is eps ← eps/√(n·s + lam), w ← mu + eps.
func Perturb(w, eps, mu, s []float64, n, lam float64) {
	if level >= AVX2 && len(mu) > 0 {
		_, _, _ = w[len(mu)-1], eps[len(mu)-1], s[len(mu)-1]
		perturb64AVX2(&w[0], &eps[0], &mu[0], &s[0], len(mu), n, lam)
		return
	}
	perturb(w, eps, mu, s, n, lam)
}

// Perturb32 is [Perturb] in single precision.
func Perturb32(w, eps, mu, s []float32, n, lam float32) {
	if level >= AVX2 && len(mu) > 0 {
		_, _, _ = w[len(mu)-1], eps[len(mu)-1], s[len(mu)-1]
		perturb32AVX2(&w[0], &eps[0], &mu[0], &s[0], len(mu), n, lam)
		return
	}
	perturb(w, eps, mu, s, n, lam)
}

// StepRoot is, with c = momentum, prior, rho, decay, rate, corrected, offset, damp,
//
//	m1 = m + momentum·(g + prior·mu − m)
//	s1 = s + rho·(q − decay·s)
//	mu1 = mu − rate·m1/(√(corrected·s1 − offset) + damp)
func StepRoot(mu1, s1, m1, mu, s, m, g, q []float64, c *[8]float64) float64 {
	if level >= AVX2 && len(mu) > 0 {
		_, _, _, _, _, _, _ = mu1[len(mu)-1], s1[len(mu)-1], m1[len(mu)-1], s[len(mu)-1], m[len(mu)-1], g[len(mu)-1], q[len(mu)-1]
		return stepRoot64AVX2(&mu1[0], &s1[0], &m1[0], &mu[0], &s[0], &m[0], &g[0], &q[0], len(mu), &c[0])
	}
	return stepRoot(mu1, s1, m1, mu, s, m, g, q, c)
}

// StepRoot32 is [StepRoot] in single precision.
func StepRoot32(mu1, s1, m1, mu, s, m, g, q []float32, c *[8]float32) float32 {
	if level >= AVX2 && len(mu) > 0 {
		_, _, _, _, _, _, _ = mu1[len(mu)-1], s1[len(mu)-1], m1[len(mu)-1], s[len(mu)-1], m[len(mu)-1], g[len(mu)-1], q[len(mu)-1]
		return stepRoot32AVX2(&mu1[0], &s1[0], &m1[0], &mu[0], &s[0], &m[0], &g[0], &q[0], len(mu), &c[0])
	}
	return stepRoot(mu1, s1, m1, mu, s, m, g, q, c)
}

// StepNewton is, with c = momentum, prior, rho, decay, rate, shift, fresh, stale,
//
//	m1 = m + momentum·(g + prior·mu − m)
//	s1 = s + rho·(q + shift − decay·s)
//	mu1 = mu − rate·m1/(fresh·s1 + stale·s + prior)
//
// and also returns NaN if s1 + prior is not positive.
func StepNewton(mu1, s1, m1, mu, s, m, g, q []float64, c *[8]float64) float64 {
	if level >= AVX2 && len(mu) > 0 {
		_, _, _, _, _, _, _ = mu1[len(mu)-1], s1[len(mu)-1], m1[len(mu)-1], s[len(mu)-1], m[len(mu)-1], g[len(mu)-1], q[len(mu)-1]
		return stepNewton64AVX2(&mu1[0], &s1[0], &m1[0], &mu[0], &s[0], &m[0], &g[0], &q[0], len(mu), &c[0])
	}
	return stepNewton(mu1, s1, m1, mu, s, m, g, q, c)
}

// StepNewton32 is [StepNewton] in single precision.
func StepNewton32(mu1, s1, m1, mu, s, m, g, q []float32, c *[8]float32) float32 {
	if level >= AVX2 && len(mu) > 0 {
		_, _, _, _, _, _, _ = mu1[len(mu)-1], s1[len(mu)-1], m1[len(mu)-1], s[len(mu)-1], m[len(mu)-1], g[len(mu)-1], q[len(mu)-1]
		return stepNewton32AVX2(&mu1[0], &s1[0], &m1[0], &mu[0], &s[0], &m[0], &g[0], &q[0], len(mu), &c[0])
	}
	return stepNewton(mu1, s1, m1, mu, s, m, g, q, c)
}

// StepIVON is, with c = momentum, prior, rho, rate, n, lam, debias, clip and f = (n·s + lam)·q,
//
//	m1 = m + momentum·(g − m)
//	s1 = s + rho·(f − s) + ½rho²(f − s)²/(s + prior)
//	mu1 = mu − rate·clip((debias·m1 + prior·mu)/(s1 + prior))
//
// It also returns NaN if s1 + prior is not positive, and how many were clipped.
func StepIVON(mu1, s1, m1, mu, s, m, g, q []float64, c *[8]float64) (float64, int) {
	if level >= AVX2 && len(mu) > 0 {
		_, _, _, _, _, _, _ = mu1[len(mu)-1], s1[len(mu)-1], m1[len(mu)-1], s[len(mu)-1], m[len(mu)-1], g[len(mu)-1], q[len(mu)-1]
		return stepIVON64AVX2(&mu1[0], &s1[0], &m1[0], &mu[0], &s[0], &m[0], &g[0], &q[0], len(mu), &c[0])
	}
	return stepIVON(mu1, s1, m1, mu, s, m, g, q, c)
}

// StepIVON32 is [StepIVON] in single precision.
func StepIVON32(mu1, s1, m1, mu, s, m, g, q []float32, c *[8]float32) (float32, int) {
	if level >= AVX2 && len(mu) > 0 {
		_, _, _, _, _, _, _ = mu1[len(mu)-1], s1[len(mu)-1], m1[len(mu)-1], s[len(mu)-1], m[len(mu)-1], g[len(mu)-1], q[len(mu)-1]
		return stepIVON32AVX2(&mu1[0], &s1[0], &m1[0], &mu[0], &s[0], &m[0], &g[0], &q[0], len(mu), &c[0])
	}
	return stepIVON(mu1, s1, m1, mu, s, m, g, q, c)
}

// StepAdam is, with c = momentum, prior, rho, rate, corrected, damp and g' = g + prior·mu,
//
//	m1 = m + momentum·(g' − m)
//	s1 = s + rho·(g'² − s)
//	mu1 = mu − rate·m1/(√(corrected·s1) + damp)
func StepAdam(mu1, s1, m1, mu, s, m, g []float64, c *[6]float64) float64 {
	if level >= AVX2 && len(mu) > 0 {
		_, _, _, _, _, _ = mu1[len(mu)-1], s1[len(mu)-1], m1[len(mu)-1], s[len(mu)-1], m[len(mu)-1], g[len(mu)-1]
		return stepAdam64AVX2(&mu1[0], &s1[0], &m1[0], &mu[0], &s[0], &m[0], &g[0], len(mu), &c[0])
	}
	return stepAdam(mu1, s1, m1, mu, s, m, g, c)
}

// StepAdam32 is [StepAdam] in single precision.
func StepAdam32(mu1, s1, m1, mu, s, m, g []float32, c *[6]float32) float32 {
	if level >= AVX2 && len(mu) > 0 {
		_, _, _, _, _, _ = mu1[len(mu)-1], s1[len(mu)-1], m1[len(mu)-1], s[len(mu)-1], m[len(mu)-1], g[len(mu)-1]
		return stepAdam32AVX2(&mu1[0], &s1[0], &m1[0], &mu[0], &s[0], &m[0], &g[0], len(mu), &c[0])
	}
	return stepAdam(mu1, s1, m1, mu, s, m, g, c)
}

// Square writes x².
func Square(dst, x []float64) {
	if level >= AVX2 && len(x) > 0 {
		_ = dst[len(x)-1]
		square64AVX2(&dst[0], &x[0], len(x))
		return
	}
	square(dst, x)
}

// Square32 is [Square] in single precision.
func Square32(dst, x []float32) {
	if level >= AVX2 && len(x) > 0 {
		_ = dst[len(x)-1]
		square32AVX2(&dst[0], &x[0], len(x))
		return
	}
	square(dst, x)
}

// Product writes x·y.
func Product(dst, x, y []float64) {
	if level >= AVX2 && len(x) > 0 {
		_, _ = dst[len(x)-1], y[len(x)-1]
		product64AVX2(&dst[0], &x[0], &y[0], len(x))
		return
	}
	times(dst, x, y)
}

// Product32 is [Product] in single precision.
func Product32(dst, x, y []float32) {
	if level >= AVX2 && len(x) > 0 {
		_, _ = dst[len(x)-1], y[len(x)-1]
		product32AVX2(&dst[0], &x[0], &y[0], len(x))
		return
	}
	times(dst, x, y)
}

// Accumulate is g ← g + c·x.
func Accumulate(g, x []float64, c float64) {
	if level >= AVX2 && len(x) > 0 {
		_ = g[len(x)-1]
		accumulate64AVX2(&g[0], &x[0], len(x), c)
		return
	}
	accumulate(g, x, c)
}

// Accumulate32 is [Accumulate] in single precision.
func Accumulate32(g, x []float32, c float32) {
	if level >= AVX2 && len(x) > 0 {
		_ = g[len(x)-1]
		accumulate32AVX2(&g[0], &x[0], len(x), c)
		return
	}
	accumulate(g, x, c)
}

// AccumulateProduct is g ← g + c·x, q ← q + c·x·y; y may be x.
func AccumulateProduct(g, q, x, y []float64, c float64) {
	if level >= AVX2 && len(x) > 0 {
		_, _, _ = g[len(x)-1], q[len(x)-1], y[len(x)-1]
		accumulateProduct64AVX2(&g[0], &q[0], &x[0], &y[0], len(x), c)
		return
	}
	accumulateProduct(g, q, x, y, c)
}

// AccumulateProduct32 is [AccumulateProduct] in single precision.
func AccumulateProduct32(g, q, x, y []float32, c float32) {
	if level >= AVX2 && len(x) > 0 {
		_, _, _ = g[len(x)-1], q[len(x)-1], y[len(x)-1]
		accumulateProduct32AVX2(&g[0], &q[0], &x[0], &y[0], len(x), c)
		return
	}
	accumulateProduct(g, q, x, y, c)
}
