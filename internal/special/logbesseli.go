package special

import "math"

// debyeOrder is the order from which the uniform expansion is used; its first
// term left out is below 1e-17 there.
const debyeOrder = 25

const debyeTerms = 12

// debye[k] holds the coefficients of U_k(p)/p^k in powers of p² (DLMF 10.41.9):
//
//	U_{k+1}(p) = ½p²(1−p²)U_k'(p) + ⅛∫₀^p (1−5t²)U_k(t) dt,  U_0 = 1.
var debye = debyeCoefficients()

func debyeCoefficients() (u [debyeTerms][debyeTerms]float64) {
	u[0][0] = 1
	for k := range debyeTerms - 1 {
		for j := 0; j <= k; j++ {
			c, n := u[k][j], float64(k+2*j) // c·p^n
			u[k+1][j] += c * (n/2 + 1/(8*(n+1)))
			u[k+1][j+1] -= c * (n/2 + 5/(8*(n+3)))
		}
	}
	return
}

// hankelFrom returns the argument from which Hankel's expansion is used for order
// nu < debyeOrder: its terms fall as (ν²/2x)^k/k! until k is about 2x. Below, the
// power series does not overflow.
func hankelFrom(nu float64) float64 { return max(40, nu*nu) }

// ratioLargeFrom is the same for the expansion of the ratio, whose terms fall as
// (ν²/x)^k only.
func ratioLargeFrom(nu float64) float64 { return max(40, 2*nu*nu) }

// LogBesselIPower returns log(x^−ν e^−x I_ν(x)) with I_ν the modified Bessel
// function of the first kind, for real ν ≥ 0 and x ≥ 0, NaN otherwise. At x = 0
// it is −ν log 2 − log Γ(ν+1). Its error is a few 1e-16 of the larger of 1 and
// the sizes of ν log x and ν log ν.
//
// For ν ≥ 25 it is Debye's uniform expansion (DLMF 10.41.3), else the power
// series (DLMF 10.25.2), whose terms are all positive, or, for large x, Hankel's
// expansion (DLMF 10.40.1).
func LogBesselIPower(nu, x float64) float64 {
	switch {
	case !(nu >= 0) || !(x >= 0) || math.IsInf(nu, 1) || math.IsInf(x, 1):
		return math.NaN()
	case nu >= debyeOrder:
		h := math.Hypot(nu, x)
		p2 := (nu / h) * (nu / h)
		var s float64
		for k := debyeTerms - 1; k > 0; k-- {
			var u float64
			for j := k; j >= 0; j-- {
				u = u*p2 + debye[k][j]
			}
			s = (s + u) / h // p/ν = 1/h
		}
		// √(ν²+x²) − x = ν²/(√(ν²+x²)+x).
		return nu*(nu/(h+x)) - nu*math.Log(nu+h) - halfLog2Pi - 0.5*math.Log(h) + math.Log1p(s)
	case x < hankelFrom(nu):
		q, term, s := x*x/4, 1.0, 1.0
		for k := 1.0; ; k++ {
			term *= q / (k * (nu + k))
			s += term
			if term < 1e-17*s {
				break
			}
		}
		return math.Log(s) - x - nu*math.Ln2 - Lgamma(nu+1)
	}
	term, s := 1.0, 0.0
	for k := 1.0; math.Abs(term) > 1e-18 && k < 60; k++ {
		term *= -(4*nu*nu - (2*k-1)*(2*k-1)) / (8 * k * x)
		s += term
	}
	return math.Log1p(s) - halfLog2Pi - (nu+0.5)*math.Log(x)
}

// LogBesselI returns log I_ν(x) for real ν ≥ 0 and x ≥ 0; see [LogBesselIPower].
func LogBesselI(nu, x float64) float64 {
	if x == 0 && nu == 0 {
		return 0
	}
	return LogBesselIPower(nu, x) + x + nu*math.Log(x)
}

// BesselIRatio returns, for ν ≥ 0 and x ≥ 0, the ratio r(x) = I_{ν+1}(x)/I_ν(x)
// in [0, 1), its complement s = 1 − r and its derivative
//
//	r' = 1 − r² − (2ν+1)r/x > 0,
//
// each to a relative error of about 1e-13, also where s and r' are tiny: by the
// backward recurrence r_{ν−1} = 1/(2ν/x + r_ν) (DLMF 10.29.1) and what it says of
// s and r', and for large x by the expansion in 1/x that solves the equation above.
func BesselIRatio(nu, x float64) (r, s, dr float64) {
	switch {
	case !(nu >= 0) || !(x >= 0) || math.IsInf(nu, 1) || math.IsInf(x, 1):
		return math.NaN(), math.NaN(), math.NaN()
	case x < 1e-8:
		r = x / (2*nu + 2)
		return r, 1 - r, 1 / (2*nu + 2)
	case x >= ratioLargeFrom(nu):
		return besselRatioLarge(nu, x)
	}
	// Start where the products of the r² from there to ν have damped any error.
	n := 10 + math.Ceil(6*math.Sqrt(x)+2*math.Log1p(nu))
	for damp, j := 0.0, nu+1; ; j++ {
		q := x / (j + math.Hypot(j, x)) // above r_{j−½}
		if damp -= 2 * math.Log(q); damp > 40 {
			n = min(n, j-nu+2)
			break
		}
		if j-nu > n {
			break
		}
	}
	j := nu + n
	// Amos's bound (1974) is near r_j and has its asymptotes.
	h := math.Hypot(j+1.5, x)
	r = x / (j + 0.5 + h)
	s = (j + 0.5 + (j+1.5)*(j+1.5)/(h+x)) / (j + 0.5 + h)
	dr = r * (1/x - x/(h*(j+0.5+h)))
	for ; j > nu+0.5; j-- {
		c := 2 * j / x
		d := c + r
		r, s, dr = 1/d, (c-s)/d, (c/x-dr)/(d*d)
		// r + s = 1 has to hold at every step: the rounding of r, large next to s,
		// would add up.
		if s < 0.5 {
			r = 1 - s
		} else {
			s = 1 - r
		}
	}
	return r, s, dr
}

// besselRatioLarge sums r = Σ c_k x^−k, c_0 = 1, where the differential equation
// gives 2c_k = −(2ν+2−k)c_{k−1} − Σ_{0<i<k} c_i c_{k−i}.
func besselRatioLarge(nu, x float64) (r, s, dr float64) {
	const terms = 30
	var u [terms]float64 // c_k x^−k
	u[0] = 1
	for k := 1; k < terms; k++ {
		t := -(2*nu + 2 - float64(k)) * u[k-1] / x
		for i := 1; i < k; i++ {
			t -= u[i] * u[k-i]
		}
		u[k] = t / 2
		s -= u[k]
		dr -= float64(k) * u[k] / x
	}
	return 1 - s, s, dr
}

// InvBesselIRatio returns the x with I_{ν+1}(x)/I_ν(x) = r for r in [0, 1) and
// s = 1 − r, which is given so that an r near 1 keeps its digits. It is NaN for
// other arguments or if Newton's method does not converge.
//
// The start is that of Banerjee et al. (2005), Clustering on the unit hypersphere
// using von Mises–Fisher distributions, equation 4.4; the iteration is in log r
// or log s, of log x, which are nearly straight lines.
func InvBesselIRatio(nu, r, s float64) float64 {
	if !(nu >= 0) || !(r >= 0) || !(s > 0) {
		return math.NaN()
	}
	if r == 0 {
		return 0
	}
	d := 2*nu + 2
	x := r * (d - r*r) / (s * (1 + r))
	for range 60 {
		r1, s1, dr := BesselIRatio(nu, x)
		var step float64
		if r < 0.5 {
			step = math.Log(r/r1) * r1 / (x * dr)
		} else {
			step = math.Log(s1/s) * s1 / (x * dr)
		}
		x *= math.Exp(min(max(step, -3), 3))
		if math.Abs(step) < 1e-9 { // convergence is quadratic
			return x
		}
	}
	return math.NaN()
}
