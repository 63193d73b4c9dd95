package special

import "math"

// expintSeries is where ScaledE1 changes from the power series to the
// continued fraction.
const expintSeries = 0.75

// ScaledE1 returns e^x E₁(x), E₁(x) = ∫_x^∞ e^−t/t dt the exponential integral,
// for x > 0, to a few units in the last place. It is about −log x for small and
// 1/x for large x; +Inf at 0, 0 at +Inf, and NaN for x < 0.
func ScaledE1(x float64) float64 {
	switch {
	case !(x >= 0):
		return math.NaN()
	case x == 0:
		return math.Inf(1)
	case x <= expintSeries:
		// E₁(x) = −γ − log x − Σ_{k≥1} (−x)^k/(k·k!) (DLMF 6.6.2).
		s, term := -eulerGamma-math.Log(x), 1.0
		for k := 1.; k <= 20; k++ {
			term *= -x / k
			s -= term / k
		}
		return math.Exp(x) * s
	case x > 1e16: // 1 − 1/x rounds to 1
		return 1 / x
	}
	// e^x E₁(x) = 1/(x+1 − 1²/(x+3 − 2²/(x+5 − …))) (DLMF 6.9.1, contracted); the
	// error of n levels is about exp(−4√(nx)) at small x.
	n := math.Ceil(12 + 100/x)
	t := x + 2*n + 1
	for k := n; k >= 1; k-- {
		t = x + 2*k - 1 - k*k/t
	}
	return 1 / t
}

// TrigammaMinusInvSlope returns ψ⁽²⁾(x) + 1/x² < 0 for x > 0 without
// cancellation, the derivative of [TrigammaMinusInv]; NaN otherwise.
func TrigammaMinusInvSlope(x float64) float64 {
	if !(x > 0) {
		return math.NaN()
	}
	// As in TrigammaMinusInv, with the derivative of each term of the sum.
	var s float64
	for ; x < asymptotic; x++ {
		s -= (3*x + 2) / (x * x * x * (x + 1) * (x + 1))
	}
	r := 1 / x
	return s - r*r*(r+series(r*r, tetragammaSeries))
}
