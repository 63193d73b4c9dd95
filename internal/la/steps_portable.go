package la

import "math"

// The portable forms of the loops in steps.go, once for both precisions. Products
// are converted, so that no compiler fuses them with a sum.

func perturb[T float](w, eps, mu, s []T, n, lam T) {
	w, eps, s = w[:len(mu)], eps[:len(mu)], s[:len(mu)]
	for i, m := range mu {
		d := eps[i] / root(T(n*s[i])+lam)
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
		g[i] += T(c * v)
	}
}

func accumulateProduct[T float](g, q, x, y []T, c T) {
	g, q, y = g[:len(x)], q[:len(x)], y[:len(x)]
	for i, v := range x {
		v2 := T(v * y[i])
		g[i] += T(c * v)
		q[i] += T(c * v2)
	}
}

func stepRoot[T float](mu1, s1, m1, mu, s, m, g, q []T, c *[8]T) T {
	n := len(mu)
	mu1, s1, m1, s, m, g, q = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n], q[:n]
	b, lt, rho, decay, rate, cor, off, damp := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	var bad T
	for i, x := range mu {
		v := m[i]
		v += T(b * (g[i] + T(lt*x) - v))
		u := s[i]
		u += T(rho * (q[i] - T(decay*u)))
		x -= T(rate*v) / (root(max(T(cor*u)-off, 0)) + damp)
		mu1[i], s1[i], m1[i] = x, u, v
		bad += T((x + u + v) * 0)
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
		v += T(b * (g[i] + T(lt*x) - v))
		old := s[i]
		u := old + T(rho*(q[i]+shift-T(decay*old)))
		if !(u+lt > 0) {
			bad = T(math.NaN())
		}
		x -= T(rate*v) / (T(fresh*u) + T(stale*old) + lt)
		mu1[i], s1[i], m1[i] = x, u, v
		bad += T((x + u + v) * 0)
	}
	return bad
}

func stepIVON[T float](mu1, s1, m1, mu, s, m, g, q []T, c *[8]T) (bad T, clipped int) {
	n := len(mu)
	mu1, s1, m1, s, m, g, q = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n], q[:n]
	b, d, rho, rate, pn, lam, debias, clip := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	for i, x := range mu {
		v := m[i]
		v += T(b * (g[i] - v))
		h := s[i]
		r := T(rho * (T((T(pn*h)+lam)*q[i]) - h))
		u := h + r + T(0.5*r*r)/(h+d)
		if !(u+d > 0) {
			bad = T(math.NaN())
		}
		dx := (T(debias*v) + T(d*x)) / (u + d)
		bad += T((dx + u + v) * 0)
		if dx > clip {
			dx = clip
			clipped++
		} else if dx < -clip {
			dx = -clip
			clipped++
		}
		x -= T(rate * dx)
		mu1[i], s1[i], m1[i] = x, u, v
		bad += T(x * 0)
	}
	return bad, clipped
}

func stepAdam[T float](mu1, s1, m1, mu, s, m, g []T, c *[6]T) T {
	n := len(mu)
	mu1, s1, m1, s, m, g = mu1[:n], s1[:n], m1[:n], s[:n], m[:n], g[:n]
	b, lt, rho, rate, cor, damp := c[0], c[1], c[2], c[3], c[4], c[5]
	var bad T
	for i, x := range mu {
		gi := g[i] + T(lt*x)
		v := m[i]
		v += T(b * (gi - v))
		u := s[i]
		u += T(rho * (T(gi*gi) - u))
		x -= T(rate*v) / (root(T(cor*u)) + damp)
		mu1[i], s1[i], m1[i] = x, u, v
		bad += T((x + u + v) * 0)
	}
	return bad
}
