package glm

import "math"

// linkNames are the links of the binomial families, the default first.
var linkNames = []string{"logit", "probit", "cloglog"}

// tailCut is where the continued fraction of the normal tail takes over from
// the error function, whose relative error grows with t².
const tailCut = 6

// normalTail returns for t ≥ 0 the density pdf = φ(t), the tail q = Φ(−t), the
// hazard h = φ(t)/Φ(−t) (the inverse of Mills' ratio) and g = h − t > 0, both
// exact in relative terms far into the tail. The derivatives of log Φ(x) at
// x = −t are h and −h g.
func normalTail(t float64) (pdf, q, h, g float64) {
	pdf = math.Exp(-0.5*t*t - halfLog2Pi)
	if t < tailCut {
		q = 0.5 * math.Erfc(t*math.Sqrt2/2)
		h = pdf / q
		return pdf, q, h, h - t
	}
	// Laplace's continued fraction h = t + 1/(t + 2/(t + 3/(t + …))), NIST DLMF
	// 7.9.3; 30 levels suffice at t = 6 and it gains as t grows.
	for k := 30.0; k >= 1; k-- {
		g = k / (t + g)
	}
	h = t + g
	return pdf, pdf / h, h, g
}

// logTail returns log Φ(−t) given q and h of normalTail.
func logTail(t, q, h float64) float64 {
	if t < tailCut {
		return math.Log(q)
	}
	return -0.5*t*t - halfLog2Pi - math.Log(h)
}

// cloglogUp returns the log of p = 1−exp(−u), u = exp(x), with two derivatives
// in x: r = u/(exp(u)−1) and r(1−u−r).
func cloglogUp(x, u float64) (f, f1, f2 float64) {
	if u < 0.01 {
		// Series in Bernoulli numbers; the closed forms cancel here.
		f = x + u*(-0.5+u*(1./24+u*u*(-1./2880)))
		f1 = 1 + u*(-0.5+u*(1./12-u*u/720))
		f2 = f1 * u * (-0.5 + u*(-1./12+u*u/720))
		return f, f1, f2
	}
	if u > 745 {
		return 0, 0, 0
	}
	e := math.Exp(-u)
	f1 = u * e / -math.Expm1(-u)
	if u < 1 {
		f = math.Log(-math.Expm1(-u))
	} else {
		f = math.Log1p(-e)
	}
	return f, f1, f1 * (1 - u - f1)
}

// inverseLink returns the probability of success.
func inverseLink(link string, eta float64) float64 {
	switch link {
	case "probit":
		return 0.5 * math.Erfc(-eta*math.Sqrt2/2)
	case "cloglog":
		return -math.Expm1(-math.Exp(eta))
	}
	if eta < 0 {
		e := math.Exp(eta)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-eta))
}

// applyLink returns the predictor whose probability of success is p, 0 < p < 1.
func applyLink(link string, p float64) float64 {
	switch link {
	case "probit":
		if p > 0.5 {
			return -applyLink(link, 1-p)
		}
		// Erfcinv works on 1−2p and is coarse for small p; Newton's method on
		// log Φ, which is concave, mends that.
		x := -math.Sqrt2 * math.Erfcinv(max(2*p, 1e-12))
		for range 4 {
			_, q, h, _ := normalTail(-x)
			x -= (logTail(-x, q, h) - math.Log(p)) / h
		}
		return x
	case "cloglog":
		return math.Log(-math.Log1p(-p))
	}
	return math.Log(p) - math.Log1p(-p)
}
