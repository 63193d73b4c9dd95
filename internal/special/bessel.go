package special

import "math"

// LogBesselK returns log K_ν(x), K_ν the modified Bessel function of the second
// kind of any real order, for x > 0; +Inf at x = 0 and NaN for x < 0. The
// error of K_ν is some 1e-14 relative (more by the rounding of log K_ν where that is
// large).
//
// Half-integer orders rise from K_{1/2}(x) = √(π/2x)·e^−x by the recurrence of
// [BesselKRatio] (DLMF 10.39.2, 10.29.1); others are the integral of DLMF 10.32.9.
func LogBesselK(nu, x float64) float64 {
	nu = math.Abs(nu)
	switch {
	case !(x >= 0) || math.IsNaN(nu):
		return math.NaN()
	case x == 0:
		return math.Inf(1)
	case math.IsInf(x, 1):
		return math.Inf(-1)
	case !halfInteger(nu):
		return besselKIntegral(nu, x) - x
	}
	v := 0.5 * math.Log(math.Pi/2/x)
	prod := 1.0 // of ratios, in few logarithms
	for k, r := 0.5, 1.0; k < nu; k++ {
		r = 2*k/x + 1/r
		if prod *= r; prod > 1e150 {
			v += math.Log(prod)
			prod = 1
		}
	}
	return v + math.Log(prod) - x
}

// BesselKRatio returns K_{ν+1}(x)/K_ν(x) for x > 0 and any real ν. For ν ≥ 0 it is
// at least 1. It obeys r_ν = 2ν/x + 1/r_{ν−1}, which is stable upwards.
func BesselKRatio(nu, x float64) float64 {
	switch {
	case !(x >= 0) || math.IsNaN(nu):
		return math.NaN()
	case nu < -0.5: // K_ν = K_−ν
		return 1 / BesselKRatio(-nu-1, x)
	case halfInteger(nu):
		r := 1.0
		for k := 0.5; k <= nu; k++ {
			r = 2*k/x + 1/r
		}
		return r
	case math.IsInf(x, 1):
		return 1
	}
	low := nu
	if nu >= 0 && nu < maxRecurrence {
		low -= math.Floor(nu)
	}
	r := math.Exp(besselKIntegral(low+1, x) - besselKIntegral(math.Abs(low), x))
	for k := low + 1; k <= nu; k++ {
		r = 2*k/x + 1/r
	}
	return r
}

// maxRecurrence bounds the length of the recurrences.
const maxRecurrence = 1 << 12

func halfInteger(nu float64) bool {
	return nu < maxRecurrence && nu-math.Floor(nu) == 0.5
}

// besselKIntegral returns log(e^x K_ν(x)) for ν ≥ 0 and x > 0 by the trapezoid rule on
//
//	e^x K_ν(x) = ∫_0^∞ exp(−2x sinh²(t/2)) cosh(νt) dt,
//
// whose error falls exponentially in 1/h for step h, as the integrand is analytic in
// |Im t| < π/2 and falls doubly exponentially. About its peak it is as wide as
// (x² + ν²)^−¼, with which h shrinks.
func besselKIntegral(nu, x float64) float64 {
	const tail = 40 // e^−tail is below the rounding of the sum
	logf := func(t float64) float64 {
		sh := math.Sinh(t / 2)
		return nu*t - 2*sh*(x*sh) + math.Log1p(math.Exp(-2*nu*t)) - math.Ln2
	}
	peak := math.Asinh(nu / x)
	if math.IsInf(nu/x, 1) {
		peak = math.Log(2) + math.Log(nu) - math.Log(x)
	}
	h := math.Min(0.2, 0.45/math.Sqrt(math.Hypot(x, nu)))
	top := logf(peak)
	// The grid contains t = 0, about which the integrand is even, with half its weight.
	mid := math.Round(peak / h)
	sum := 0.0
	add := func(k float64) (more bool) {
		f := logf(k*h) - top
		if k == 0 {
			f -= math.Ln2
		}
		sum += math.Exp(f)
		return f > -tail
	}
	for k := mid; add(k); k++ {
	}
	for k := mid - 1; k >= 0 && add(k); k-- {
	}
	return top + math.Log(sum*h)
}
