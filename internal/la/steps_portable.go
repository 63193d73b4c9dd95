package la

import "math"

// The portable forms of the loops in steps.go, once for both precisions.

func perturb[T float](w, eps, mu, s []T, n, lam T) {
	w, eps, s = w[:len(mu)], eps[:len(mu)], s[:len(mu)]
	for i, m := range mu {
		d := eps[i] / root(n*s[i]+lam)
		eps[i] = d
		w[i] = m + d
	}
}

func times[T float](q, g, e []T) {
	q, e = q[:len(g)], e[:len(g)]
	for i, v := range g {
		q[i] = v * e[i]
	}
}

func accumulate[T float](g, x []T, c T) {
	g = g[:len(x)]
	for i, v := range x {
		g[i] += c * v
	}
}

func accumulateProduct[T float](g, q, x, y []T, c T) {
	g, q, y = g[:len(x)], q[:len(x)], y[:len(x)]
	for i, v := range x {
		v2 := v * y[i]
		g[i] += c * v
		q[i] += c * v2
	}
}

func stepRoot[T float](mu1, s1, m1, mu, s, m, g, q []T, c *[8]T) T {
	n := len(mu)
	mu1, s1, m1, s, m, g, q = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n], q[:n]
	b, lt, rho, decay, rate, cor, off, damp := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	var bad T
	for i, x := range mu {
		v := m[i]
		v += b * (g[i] + lt*x - v)
		u := s[i]
		u += rho * (q[i] - decay*u)
		x -= rate * v / (root(max(cor*u-off, 0)) + damp)
		mu1[i], s1[i], m1[i] = x, u, v
		bad += (x + u + v) * 0
	}
	return bad
}

func stepNewton[T float](mu1, s1, m1, mu, s, m, g, q []T, c *[8]T) T {
	n := len(mu)
	mu1, s1, m1, s, m, g, q = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n], q[:n]
	b, lt, rho, decay, rate, shift, fresh, stale := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	var bad T
	for i, x := range mu {
		v := m[i]
		v += b * (g[i] + lt*x - v)
		old := s[i]
		u := old + rho*(q[i]+shift-decay*old)
		if !(u+lt > 0) {
			bad = T(math.NaN())
		}
		x -= rate * v / (fresh*u + stale*old + lt)
		mu1[i], s1[i], m1[i] = x, u, v
		bad += (x + u + v) * 0
	}
	return bad
}

func stepIVON[T float](mu1, s1, m1, mu, s, m, g, q []T, c *[8]T) (bad T, clipped int) {
	n := len(mu)
	mu1, s1, m1, s, m, g, q = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n], q[:n]
	b, d, rho, rate, pn, lam, debias, clip := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	for i, x := range mu {
		v := m[i]
		v += b * (g[i] - v)
		h := s[i]
		r := rho * ((pn*h+lam)*q[i] - h)
		u := h + r + 0.5*r*r/(h+d)
		if !(u+d > 0) {
			bad = T(math.NaN())
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

func stepAdam[T float](mu1, s1, m1, mu, s, m, g []T, c *[6]T) T {
	n := len(mu)
	mu1, s1, m1, s, m, g = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n]
	b, lt, rho, rate, cor, damp := c[0], c[1], c[2], c[3], c[4], c[5]
	var bad T
	for i, x := range mu {
		gi := g[i] + lt*x
		v := m[i]
		v += b * (gi - v)
		u := s[i]
		u += rho * (gi*gi - u)
		x -= rate * v / (root(cor*u) + damp)
		mu1[i], s1[i], m1[i] = x, u, v
		bad += (x + u + v) * 0
	}
	return bad
}
