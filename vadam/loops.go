package vadam

import "math"

// The loops over weights, once for both precisions. Each step writes the new
// state beside the old one and returns 0, or NaN if some new number may not be
// finite. All slices have one length and do not overlap, but for those
// that are said to be read and written.

type float interface{ float32 | float64 }

func sqrt[T float](x T) T { return T(math.Sqrt(float64(x))) }

// perturb is eps ← eps/√(ns + lam), w ← mu + eps.
func perturb[T float](w, eps, mu, s []T, n, lam T) {
	w, eps, s = w[:len(mu)], eps[:len(mu)], s[:len(mu)]
	for i, m := range mu {
		d := eps[i] / sqrt(n*s[i]+lam)
		eps[i] = d
		w[i] = m + d
	}
}

// mirror is eps ← −eps, w ← mu + eps.
func mirror[T float](w, eps, mu []T) {
	w, eps = w[:len(mu)], eps[:len(mu)]
	for i, m := range mu {
		d := -eps[i]
		eps[i] = d
		w[i] = m + d
	}
}

// square is q ← g².
func square[T float](q, g []T) {
	q = q[:len(g)]
	for i, v := range g {
		q[i] = v * v
	}
}

// product is q ← g·e.
func product[T float](q, g, e []T) {
	q, e = q[:len(g)], e[:len(g)]
	for i, v := range g {
		q[i] = v * e[i]
	}
}

// accumulate is g ← g + c·x.
func accumulate[T float](g, x []T, c T) {
	g = g[:len(x)]
	for i, v := range x {
		g[i] += c * v
	}
}

// accumulateProduct is g ← g + c·x, q ← q + c·x·y; y may be x.
func accumulateProduct[T float](g, q, x, y []T, c T) {
	g, q, y = g[:len(x)], q[:len(x)], y[:len(x)]
	for i, v := range x {
		v2 := v * y[i]
		g[i] += c * v
		q[i] += c * v2
	}
}

// coefficients are the numbers of one step in one segment.
type coefficients[T float] struct {
	momentum  T // 1 − β
	prior     T // d = λ/N of the prior's gradient
	rho       T
	decay     T // 1; T of MomentumVOGN; 0 lets s grow
	shift     T
	rate      T // α/ĉ₁
	corrected T // by which s is multiplied under the root
	offset    T // what is taken off there
	damp      T
	fresh     T // 1: the step of μ divides by the new s, 0: by the old one
	n, lam    T // P = ns + lam of the draws
	debias    T // 1/ĉ₁
	clip      T
}

// stepRoot is
//
//	m' = m + momentum·(g + prior·mu − m)
//	s' = s + rho·(q − decay·s)
//	mu' = mu − rate·m'/(√(corrected·s' − offset) + damp)
func stepRoot[T float](mu1, s1, m1, mu, s, m, g, q []T, c *coefficients[T]) T {
	n := len(mu)
	mu1, s1, m1, s, m, g, q = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n], q[:n]
	b, lt, rho, decay, rate, cor, off, damp := c.momentum, c.prior, c.rho, c.decay, c.rate, c.corrected, c.offset, c.damp
	var bad T
	for i, x := range mu {
		v := m[i]
		v += b * (g[i] + lt*x - v)
		u := s[i]
		u += rho * (q[i] - decay*u)
		x -= rate * v / (sqrt(max(cor*u-off, 0)) + damp)
		mu1[i], s1[i], m1[i] = x, u, v
		bad += (x + u + v) * 0
	}
	return bad
}

// stepNewton is
//
//	m' = m + momentum·(g + prior·mu − m)
//	s' = s + rho·(q + shift − decay·s)
//	mu' = mu − rate·m'/(fresh·s' + (1 − fresh)·s + prior)
//
// and also returns NaN if s' + prior is not positive.
func stepNewton[T float](mu1, s1, m1, mu, s, m, g, q []T, c *coefficients[T]) T {
	n := len(mu)
	mu1, s1, m1, s, m, g, q = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n], q[:n]
	b, lt, rho, decay, rate, shift, fresh, stale := c.momentum, c.prior, c.rho, c.decay, c.rate, c.shift, c.fresh, 1-c.fresh
	var bad T
	for i, x := range mu {
		v := m[i]
		v += b * (g[i] + lt*x - v)
		old := s[i]
		u := old + rho*(q[i]+shift-decay*old)
		if !(u+lt > 0) {
			bad = T(nan)
		}
		x -= rate * v / (fresh*u + stale*old + lt)
		mu1[i], s1[i], m1[i] = x, u, v
		bad += (x + u + v) * 0
	}
	return bad
}

// stepIVON is, with f = (n·s + lam)·q,
//
//	m' = m + momentum·(g − m)
//	s' = s + rho·(f − s) + ½rho²(f − s)²/(s + prior)
//	mu' = mu − rate·clip((debias·m' + prior·mu)/(s' + prior))
//
// It also returns NaN if s' + prior is not positive, and how many were clipped.
func stepIVON[T float](mu1, s1, m1, mu, s, m, g, q []T, c *coefficients[T]) (bad T, clipped int) {
	n := len(mu)
	mu1, s1, m1, s, m, g, q = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n], q[:n]
	b, d, rho, rate, pn, lam, debias, clip := c.momentum, c.prior, c.rho, c.rate, c.n, c.lam, c.debias, c.clip
	for i, x := range mu {
		v := m[i]
		v += b * (g[i] - v)
		h := s[i]
		r := rho * ((pn*h+lam)*q[i] - h)
		u := h + r + 0.5*r*r/(h+d)
		if !(u+d > 0) {
			bad = T(nan)
		}
		dx := (debias*v + d*x) / (u + d)
		bad += (dx + u + v) * 0
		if dx > clip {
			dx = clip
			clipped++
		} else if dx < -clip {
			dx = -clip
			clipped++
		}
		x -= rate * dx
		mu1[i], s1[i], m1[i] = x, u, v
		bad += x * 0
	}
	return bad, clipped
}

// stepAdam is, with g' = g + prior·mu,
//
//	m' = m + momentum·(g' − m)
//	s' = s + rho·(g'² − s)
//	mu' = mu − rate·m'/(√(corrected·s') + damp)
func stepAdam[T float](mu1, s1, m1, mu, s, m, g []T, c *coefficients[T]) T {
	n := len(mu)
	mu1, s1, m1, s, m, g = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n]
	b, lt, rho, rate, cor, damp := c.momentum, c.prior, c.rho, c.rate, c.corrected, c.damp
	var bad T
	for i, x := range mu {
		gi := g[i] + lt*x
		v := m[i]
		v += b * (gi - v)
		u := s[i]
		u += rho * (gi*gi - u)
		x -= rate * v / (sqrt(cor*u) + damp)
		mu1[i], s1[i], m1[i] = x, u, v
		bad += (x + u + v) * 0
	}
	return bad
}
