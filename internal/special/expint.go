package special

import "math"

// ScaledE1 returns T(z) = e^z E₁(z), E₁ the exponential integral, and
// 1/z − T(z) = −T'(z) > 0, for z > 0; both to full relative precision. Both are
// +Inf at 0 and NaN for z < 0. It uses the power series below 1 and a continued fraction above
// (DLMF 6.6.2 and 6.9.1).
func ScaledE1(z float64) (t, below float64) {
	switch {
	case z == 0:
		return math.Inf(1), math.Inf(1)
	case !(z > 0):
		return math.NaN(), math.NaN()
	case math.IsInf(z, 1):
		return 0, 0
	case z < 1:
		s, term := -eulerGamma-math.Log(z), -1.0
		for k := 1.; k < 30; k++ {
			term *= -z / k
			s += term / k
		}
		t = math.Exp(z) * s
		return t, 1/z - t
	}
	// 1/T = z + 1 − c, c = 1/(z + 3 − 4/(z + 5 − 9/(z + 7 − …))), from the tail.
	n := math.Ceil(20 + 90/z)
	f := z + 2*n + 1
	for k := n; k >= 2; k-- {
		f = z + 2*k - 1 - k*k/f
	}
	c := 1 / f
	t = 1 / (z + 1 - c)
	return t, (1 - c) * t / z
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
