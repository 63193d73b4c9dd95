package special

import "math"

// The functions of this file are derivatives of quantiles with respect to
// shapes at fixed probability, ∂x/∂a = −(∂F/∂a)/p(x), the implicit
// reparameterisation of Figurnov, Mohamed and Mnih (2018, section 4). With
// p(y) ∝ e^{ℓ(y)} and ∂ℓ/∂a = s(y) − E[s] they are
//
//	∂x/∂a = ∫_x^∞ p(y)/p(x) (s(y) − E[s]) dy = −∫_{−∞}^x p(y)/p(x) (s(y) − E[s]) dy
//
// where s is monotone: on one of the two sides nothing changes sign, so that
// nothing cancels. In u = log(y/x), or the logit of y less that of x, the
// integrand is smooth and log-concave, and Gauss–Legendre panels up to where it
// has dropped by e^−pathDrop give full precision.

const (
	pathDrop  = 40 // e^−40 is 4e-18
	panelSize = 6  // poles of the beta integrand are π off the real axis
)

// gauss20 are the nodes and weights of the 20-point rule on [0, 1].
var gauss20 = gaussLegendre()

// gaussLegendre finds the roots of P_20 by Newton's method.
func gaussLegendre() (rule [20][2]float64) {
	const n = len(rule)
	for i := range rule {
		z := math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
		var d float64
		for range 10 {
			p, q := 1.0, 0.0
			for k := 1.; k <= float64(n); k++ {
				p, q = ((2*k-1)*z*p-(k-1)*q)/k, p
			}
			d = float64(n) * (z*p - q) / (z*z - 1)
			z -= p / d
		}
		rule[i] = [2]float64{(1 - z) / 2, 1 / ((1 - z*z) * d * d)}
	}
	return
}

// GammaShapeGrad returns ∂x/∂a of the x-quantile of Gamma(a, 1) at fixed
// probability, −(∂P(a, x)/∂a)/(x^(a−1)e^(−x)/Γ(a)) > 0, for a > 0 and finite
// x > 0, NaN otherwise. The relative error is below 1e-12 (tested for a from 1e-3
// to 1e14).
func GammaShapeGrad(a, x float64) float64 {
	switch {
	case !(a > 0) || !(x > 0) || math.IsInf(a, 1) || math.IsInf(x, 1):
		return math.NaN()
	case x <= 1 || x <= a && a <= 12:
		return gammaShapeSeries(a, x)
	}
	// In v = ±log(y/x): x ∫ exp(−|x−a|v − x(e^±v − 1 ∓ v)) |log y − ψ(a)| dv.
	sign := 1.
	if x < a {
		sign = -1
	}
	g := gammaPath{x: x, slope: math.Abs(x - a), sign: sign}
	start := sign * (logRatio(x, a) + LogMinusDigamma(a))
	end := g.end()
	var s float64
	const panels = 2
	for k := range panels {
		for _, n := range gauss20 {
			v := end * (float64(k) + n[0]) / panels
			s += n[1] * math.Exp(g.exponent(v)) * (start + v)
		}
	}
	return x * end / panels * s
}

// gammaShapeSeries is x Σ_n x^n/(a)_{n+1} (ψ(a+n+1) − log x), which follows from
// the series of P (DLMF 8.11.4); all terms are positive for x ≤ e^ψ(a+1).
func gammaShapeSeries(a, x float64) float64 {
	psi, t := Digamma(a+1)-math.Log(x), 1/a
	var s float64
	for n := 1.; ; n++ {
		d := t * psi
		s += d
		if math.Abs(d) <= 1e-17*math.Abs(s) && x < a+n {
			return x * s
		}
		t *= x / (a + n)
		psi += 1 / (a + n)
	}
}

// logRatio returns log(x/a), precise where x is near a.
func logRatio(x, a float64) float64 {
	if d := (x - a) / a; math.Abs(d) < 0.5 {
		return math.Log1p(d)
	}
	return math.Log(x) - math.Log(a)
}

type gammaPath struct{ x, slope, sign float64 }

func (g *gammaPath) exponent(v float64) float64 {
	u := g.sign * v
	if g.x > 1e4 { // e^u − 1 − u would cancel; a short series does where it counts
		return -g.slope*v - g.x*Expm1mx(u)
	}
	return -g.slope*v - g.x*(math.Expm1(u)-u)
}

// end returns v where the exponent is about −pathDrop.
func (g *gammaPath) end() float64 {
	v := dropAt(g.slope, g.x)
	if v < 0.1 {
		return 1.05 * v
	}
	for range 4 { // Newton's method for a concave function
		v += (g.exponent(v) + pathDrop) / (g.slope + g.sign*g.x*math.Expm1(g.sign*v))
	}
	return v
}

// dropAt solves slope·v + curvature·v²/2 = pathDrop.
func dropAt(slope, curvature float64) float64 {
	return 2 * pathDrop / (slope + math.Hypot(slope, math.Sqrt(2*pathDrop*curvature)))
}

// BetaShapeGrads returns ∂x/∂a > 0 and ∂x/∂b < 0 of the quantile x of
// Beta(a, b) at fixed probability, for a, b > 0 and x, y > 0 with x + y = 1; the
// complement y is given so that an x near 1 keeps its digits. They are NaN for
// other arguments. The relative error is below 1e-11 (tested for a and b from
// 1e-3 to 3e9).
func BetaShapeGrads(a, b, x, y float64) (da, db float64) {
	if !(a > 0) || !(b > 0) || !(x > 0) || !(y > 0) || math.IsInf(a, 1) || math.IsInf(b, 1) {
		return math.NaN(), math.NaN()
	}
	up := newBetaPath(a, b, x, y)
	down := up.mirror()
	aUp, bUp := up.logX >= 0, up.logY <= 0 // the sides on which nothing cancels
	if aUp || bUp {
		da, db = up.integrate()
	}
	if !aUp || !bUp {
		l, r := down.integrate()
		if !aUp {
			da = -r
		}
		if !bUp {
			db = -l
		}
	}
	return da, db
}

// betaPath holds the integrand over y ∈ (x, 1) in u = logit y − logit x ≥ 0,
//
//	e^φ(u) = (y/x)^a ((1−y)/(1−x))^b.
type betaPath struct {
	a, b, x, y float64
	logX       float64 // log x − E[log x]
	logY       float64 // log(1−x) − E[log(1−x)]
	slope      float64 // −φ'(0) = bx − ay
}

func newBetaPath(a, b, x, y float64) betaPath {
	s := a + b
	slope := b*x - a*y
	p := betaPath{a: a, b: b, x: x, y: y, slope: slope}
	rest := LogMinusDigamma(s)
	p.logX = logShift(slope/a, x, a, s) + LogMinusDigamma(a) - rest
	p.logY = logShift(-slope/b, y, b, s) + LogMinusDigamma(b) - rest
	return p
}

// logShift returns log(xs/a) where xs/a is also 1 + d.
func logShift(d, x, a, s float64) float64 {
	if math.Abs(d) < 0.5 {
		return math.Log1p(d)
	}
	return math.Log(x) - math.Log(a/s)
}

// mirror is the same for 1−y, which is Beta(b, a).
func (p *betaPath) mirror() betaPath {
	return betaPath{p.b, p.a, p.y, p.x, p.logY, p.logX, -p.slope}
}

// at returns φ(u), log(y/x) and log((1−y)/(1−x)).
func (p *betaPath) at(u float64) (phi, up, down float64) {
	s := p.a + p.b
	var e, l float64
	if p.x < p.y {
		e = math.Expm1(u)
		l = math.Log1p(p.x * e)
		if math.IsInf(e, 1) {
			l = u + math.Log(p.x)
		}
		up, down = u-l, -l
		if p.a > 1e4 && p.b > 1e4 && u < 0.1 {
			return -p.slope*e + p.a*Log1pmx(e) - s*Log1pmx(p.x*e), up, down
		}
		return p.a*u - s*l, up, down
	}
	e = math.Expm1(-u)
	l = math.Log1p(p.y * e)
	up, down = -l, -u-l
	if p.a > 1e4 && p.b > 1e4 && u < 0.1 {
		return p.slope*e + p.b*Log1pmx(e) - s*Log1pmx(p.y*e), up, down
	}
	return -p.b*u - s*l, up, down
}

// integrate returns x(1−x) ∫₀^∞ e^φ (log y − E[log y], log(1−y) − E[log(1−y)]) du.
func (p *betaPath) integrate() (da, db float64) {
	const flat = 38 // e^−38 is below the rounding of 1
	turn := math.Log(p.y) - math.Log(p.x)
	from, to := max(turn-flat, 0), max(turn, 0)+flat
	end := p.end(to)
	add := func(lo, hi float64, panels int) {
		h := (hi - lo) / float64(panels)
		for k := range panels {
			for _, n := range gauss20 {
				phi, up, down := p.at(lo + h*(float64(k)+n[0]))
				w := h * n[1] * math.Exp(phi)
				da += w * (p.logX + up)
				db += w * (p.logY + down)
			}
		}
	}
	if from > 0 && from < end { // y/(1−y) is small: φ = au
		add(0, from, 2)
	} else {
		from = 0
	}
	add(from, end, max(2, int(math.Ceil((end-from)/panelSize))))
	if end == to { // y is 1: φ falls by b(u − to), log(1−y) by u − to
		phi, up, down := p.at(to)
		w := math.Exp(phi) / p.b
		da += w * (p.logX + up)
		db += w * (p.logY + down - 1/p.b)
	}
	return p.x * p.y * da, p.x * p.y * db
}

// end returns u where φ is about −pathDrop, at most the given limit.
func (p *betaPath) end(limit float64) float64 {
	if p.slope >= 0 {
		if u := dropAt(p.slope, (p.a+p.b)*p.x*p.y); u < 0.1 {
			return 1.05 * u
		}
	}
	if phi, _, _ := p.at(limit); phi >= -pathDrop {
		return limit
	}
	// φ is concave: Newton's method comes down to the root from the right.
	u := limit
	for range 60 {
		phi, _, down := p.at(u)
		if phi > -1.02*pathDrop {
			break
		}
		slope := p.a - (p.a+p.b)*(1-p.y*math.Exp(down)) // a − (a+b)y(u)
		next := u - (phi+pathDrop)/slope
		if !(next < u) || !(next > 0) {
			break
		}
		u = next
	}
	return u
}

// InverseGaussianGrads returns ∂x/∂α and ∂x/∂β at fixed probability of the
// x-quantile of the inverse Gaussian distribution with density
// √(α/(2πx³)) exp(−αβ²x/2 − α/(2x) + αβ), of mean 1/β and shape α:
//
//	∂x/∂α = x/α − 2βx√(x/α)·R,  ∂x/∂β = −2x√(αx)·R,  R = Φ(c)/φ(c),
//	c = −√(αx)β − √(α/x)
//
// (Lin, Khan and Schmidt 2019, Stein's lemma for the reparameterization trick
// with exponential family mixtures). ∂x/∂α has one change of sign, next to which
// its error is relative to x/α. It is for α, β, x > 0 and NaN otherwise.
func InverseGaussianGrads(alpha, beta, x float64) (dAlpha, dBeta float64) {
	if !(alpha > 0) || !(beta > 0) || !(x > 0) {
		return math.NaN(), math.NaN()
	}
	c := -math.Sqrt(alpha)*math.Sqrt(x)*beta - math.Sqrt(alpha)/math.Sqrt(x)
	r := x * math.Sqrt(x) / NormalHazard(c)
	return x/alpha - 2*beta/math.Sqrt(alpha)*r, -2 * math.Sqrt(alpha) * r
}
