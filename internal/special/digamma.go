// Package special holds the special functions that exponential families need,
// to about 1e-14 relative to the true value: polygamma functions and their
// inverses, differences of log Γ that do not cancel, multivariate gamma
// functions, normal tails, and log-sum-exp.
//
// Formulas are those of the NIST Digital Library of Mathematical Functions
// (DLMF), chapter 5, unless said otherwise.
package special

import "math"

const (
	halfLog2Pi = 0.91893853320467274178032973640561763986 // log(2π)/2
	eulerGamma = 0.57721566490153286060651209008240243104

	// Below asymptotic the functions of this file are shifted up by their
	// recurrence; from there on eight terms of the Stirling-type series leave
	// less than 1e-16.
	asymptotic = 10
)

// bernoulli[k−1] = B_2k.
var bernoulli = [...]float64{
	1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730, 7. / 6, -3617. / 510, 43867. / 798,
}

// digammaOverRoot holds the Chebyshev coefficients of ψ(x)/(x − x0) in 2x − 3
// on [1, 2], x0 the positive root of ψ.
var digammaOverRoot = [...]float64{
	0.98357026044156698801, -0.22706408633464439669, 0.033368899023930108972,
	-0.0053200772715965474438, 0.00087886569378205053326, -0.00014773492650606043282,
	0.00002506054346835914444, -4.272103402999332207e-6, 7.3027692724659230493e-7,
	-1.2502886813559595515e-7, 2.1425009322359473734e-8, -3.6732959185651790393e-9,
	6.2997172361089309069e-10, -1.0805930288832660114e-10, 1.8537351920536378898e-11,
	-3.1802353658255300096e-12, 5.4561475703227941847e-13, -9.3609931310364381561e-14,
	1.6060646362950750099e-14, -2.7555431377438813107e-15, 4.7277361786019113911e-16,
	-8.1114842034650900328e-17, 1.3917077694741540651e-17,
}

// The positive root of ψ is digammaRoot + digammaRootLow.
const (
	digammaRoot    = 0x1.762d86356be3fp+0
	digammaRootLow = 9.549995429965697715184e-17
)

// series returns Σ_k c(k)·B_2k·r^k for k = 1 … 9 where r = 1/x²; c is the
// factor that tells the polygamma functions apart.
func series(r float64, c *[9]float64) float64 {
	var s float64
	for k := len(c) - 1; k >= 0; k-- {
		s = (s + c[k]) * r
	}
	return s
}

// factors returns the coefficients c(k)·B_2k.
func factors(c func(k float64) float64) *[9]float64 {
	var v [9]float64
	for i, b := range bernoulli {
		v[i] = b * c(float64(i+1))
	}
	return &v
}

var (
	digammaSeries    = factors(func(k float64) float64 { return 1 / (2 * k) })
	trigammaSeries   = factors(func(k float64) float64 { return 1 })
	tetragammaSeries = factors(func(k float64) float64 { return 2*k + 1 })
	stirlingSeries   = factors(func(k float64) float64 { return 1 / (2 * k * (2*k - 1)) })
)

// Digamma returns ψ(x) = d/dx log Γ(x). For x > 0 the error is a few units in
// the last place of ψ(x), also next to its root 1.4616…; for x < 0, by
// reflection (DLMF 5.5.4), of max(1, |ψ(x)|). It returns −Inf at +0, +Inf at −0,
// and NaN at negative integers and −Inf.
func Digamma(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, -1):
		return math.NaN()
	case x == 0:
		return -1 / x
	case x < 0:
		f := x - math.Round(x)
		if f == 0 {
			return math.NaN()
		}
		return Digamma(1-x) - math.Pi/math.Tan(math.Pi*f)
	case x < 1:
		return digamma12(x+1) - 1/x
	case x < asymptotic:
		var s float64
		for x > 2 {
			x--
			s += 1 / x
		}
		return digamma12(x) + s
	}
	return math.Log(x) - logMinusDigammaLarge(x)
}

// digamma12 returns ψ(x) for 1 ≤ x ≤ 2 (Clenshaw's recurrence).
func digamma12(x float64) float64 {
	u := 2 * (2*x - 3)
	var b1, b2 float64
	for k := len(digammaOverRoot) - 1; k > 0; k-- {
		b1, b2 = digammaOverRoot[k]+u*b1-b2, b1
	}
	g := digammaOverRoot[0] + u/2*b1 - b2
	return ((x - digammaRoot) - digammaRootLow) * g
}

// logMinusDigammaLarge returns log x − ψ(x) for x ≥ 10 (DLMF 5.11.2).
func logMinusDigammaLarge(x float64) float64 {
	r := 1 / x
	return r/2 + series(r*r, digammaSeries)
}

// LogMinusDigamma returns log x − ψ(x) > 0 for x > 0 without cancellation; it
// is 1/(2x) + 1/(12x²) − … for large x.
func LogMinusDigamma(x float64) float64 {
	switch {
	case !(x > 0):
		return math.NaN()
	case x >= asymptotic:
		return logMinusDigammaLarge(x)
	case x < 2:
		return math.Log(x) - Digamma(x)
	}
	// log x − ψ(x) = [log y − ψ(y)] + Σ 1/(x+k) − log(y/x) with y = x + n.
	var s, n float64
	for y := x; y < asymptotic; y = x + n {
		s += 1 / y
		n++
	}
	return logMinusDigammaLarge(x+n) + (s - math.Log1p(n/x))
}

// Trigamma returns ψ'(x), with the same treatment of x ≤ 0 as [Digamma]; it is
// +Inf at zero.
func Trigamma(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, -1):
		return math.NaN()
	case x == 0:
		return math.Inf(1)
	case x < 0:
		f := x - math.Round(x)
		if f == 0 {
			return math.NaN()
		}
		s := math.Pi / math.Sin(math.Pi*f)
		return s*s - Trigamma(1-x)
	}
	var s float64
	for ; x < asymptotic; x++ {
		s += 1 / (x * x)
	}
	r := 1 / x
	return s + r + r*r/2 + r*series(r*r, trigammaSeries)
}

// TrigammaMinusInv returns ψ'(x) − 1/x > 0 for x > 0 without cancellation, the
// curvature of x ↦ log Γ(x) − x log x + x.
func TrigammaMinusInv(x float64) float64 {
	if !(x > 0) {
		return math.NaN()
	}
	// ψ'(x) − 1/x = [ψ'(y) − 1/y] + Σ 1/(z²(z+1)) over z = x, x+1, …, y−1.
	var s float64
	for ; x < asymptotic; x++ {
		s += 1 / (x * x * (x + 1))
	}
	r := 1 / x
	return s + r*r/2 + r*series(r*r, trigammaSeries)
}

// Tetragamma returns ψ”(x) < 0 for x > 0 and NaN otherwise.
func Tetragamma(x float64) float64 {
	if !(x > 0) {
		return math.NaN()
	}
	var s float64
	for ; x < asymptotic; x++ {
		s -= 2 / (x * x * x)
	}
	r := 1 / x
	return s - r*r*(1+r+series(r*r, tetragammaSeries))
}

// InvDigamma returns the x > 0 with ψ(x) = y. The relative error is that of
// e^y for large y, a few units in the last place otherwise. It is +Inf where x
// overflows and NaN for NaN.
func InvDigamma(y float64) float64 {
	switch {
	case math.IsNaN(y) || math.IsInf(y, 1):
		return y
	case y > 40: // ψ(x) = log(x − 1/2) + O(x⁻²)
		return math.Exp(y) + 0.5
	case y < -1e17:
		return -1 / y
	}
	// Starting values of Minka (2000), Estimating a Dirichlet distribution,
	// appendix C: good to 4 % at worst.
	x := -1 / (y + eulerGamma)
	if y >= -2.22 {
		x = math.Exp(y) + 0.5
	}
	for range 20 {
		step := (Digamma(x) - y) / Trigamma(x)
		if step >= x {
			step = x / 2
		}
		x -= step
		if math.Abs(step) <= 4e-16*x {
			break
		}
	}
	return x
}

// InvLogMinusDigamma returns the a > 0 with log a − ψ(a) = s, for s > 0: the
// maximum-likelihood shape of a gamma distribution with log E[x] − E[log x] = s.
// The relative error is a few units in the last place for every s. It is NaN
// for s ≤ 0 or NaN, +Inf for a tiny s whose a overflows, and 0 for +Inf.
func InvLogMinusDigamma(s float64) float64 {
	switch {
	case !(s > 0):
		return math.NaN()
	case math.IsInf(s, 1):
		return 0
	case s < 1e-17:
		return 0.5 / s
	case s > 1e17:
		return 1 / s
	}
	// The usual starting value, within 1.5 % where 0.1 < a, written so that it
	// does not cancel for large s.
	var a float64
	if q := math.Sqrt((s-3)*(s-3) + 24*s); s < 3 {
		a = (3 - s + q) / (12 * s)
	} else {
		a = 2 / (s - 3 + q)
	}
	// Newton's method for log(L(a)/s) as a function of log a, of slope between
	// −1 and about −1/2, so that it converges from any side.
	for range 50 {
		l := LogMinusDigamma(a)
		step := math.Log1p((l-s)/s) * l / (a * TrigammaMinusInv(a))
		a *= math.Exp(step)
		if math.Abs(step) <= 4e-16 {
			break
		}
	}
	return a
}
