package special

import "math"

// millsFrom is where the tail functions change to the continued fraction of
// Mills' ratio; 28 levels give full precision from there on.
const millsFrom = 5

// mills returns (1 − Φ(z))/φ(z) for z ≥ millsFrom by the continued fraction
// 1/(z + 1/(z + 2/(z + 3/(z + …)))) (Abramowitz and Stegun 26.2.14).
func mills(z float64) float64 {
	t := z
	for k := 28.; k >= 1; k-- {
		t = z + k/t
	}
	return 1 / t
}

// LogNormalCDF returns log Φ(x), Φ the standard normal distribution function,
// to full relative precision in both tails.
func LogNormalCDF(x float64) float64 {
	switch {
	case x < -1e20: // log of Mills' ratio no longer matters and the fraction overflows
		return -x * x / 2
	case x < -millsFrom:
		return -x*x/2 - halfLog2Pi + math.Log(mills(-x))
	case x < 0:
		return math.Log(math.Erfc(-x/math.Sqrt2) / 2)
	case x > millsFrom:
		return math.Log1p(-normalPDF(x) * mills(x))
	}
	return math.Log1p(-math.Erfc(x/math.Sqrt2) / 2)
}

// NormalHazard returns φ(x)/Φ(x) = d/dx log Φ(x), the inverse Mills ratio: about
// −x far in the left tail and φ(x) in the right one, to full relative precision.
func NormalHazard(x float64) float64 {
	switch {
	case x < -1e20:
		return -x
	case x < -millsFrom:
		return 1 / mills(-x)
	}
	return normalPDF(x) / (math.Erfc(-x/math.Sqrt2) / 2)
}

// normalPDF returns φ(x). The square is split so that its rounding does not
// reach the exponential.
func normalPDF(x float64) float64 {
	if math.Abs(x) > 40 {
		return 0
	}
	h := math.Round(x*256) / 256
	return math.Exp(-h*h/2) * math.Exp(-(x-h)*(x+h)/2) / math.Sqrt(2*math.Pi)
}

// Log1pExp returns log(1 + e^x), the softplus function.
func Log1pExp(x float64) float64 {
	switch {
	case x > 34:
		return x
	case x > 17:
		return x + math.Exp(-x)
	}
	return math.Log1p(math.Exp(x))
}

// Sigmoid returns 1/(1 + e^−x), the inverse of the logit.
func Sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// LogSumExp returns log Σ exp(v_i) without overflow: −Inf for an empty v or
// one of −Inf only, +Inf if an entry is +Inf, NaN if one is NaN.
func LogSumExp(v []float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		if x > top || math.IsNaN(x) {
			top = x
		}
	}
	if math.IsInf(top, 0) || math.IsNaN(top) {
		return top
	}
	var s float64
	for _, x := range v {
		s += math.Exp(x - top)
	}
	return top + math.Log(s)
}
