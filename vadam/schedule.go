package vadam

import (
	"fmt"
	"math"
)

// CosineRate returns a factor for Settings.RateAt that rises linearly over the
// first warm steps, t/warm, and then falls along half a cosine,
//
//	½(1 + cos(π (t − warm)/(steps − warm))),
//
// to zero at step steps and after it. It panics unless 0 <= warm < steps.
func CosineRate(warm, steps int) func(t int) float64 {
	if warm < 0 || warm >= steps {
		panic(fmt.Sprintf("vadam: CosineRate: warm is %d, steps is %d, want 0 <= warm < steps", warm, steps))
	}
	return func(t int) float64 {
		switch {
		case t < warm:
			return float64(t) / float64(warm)
		case t >= steps:
			return 0
		}
		return 0.5 * (1 + math.Cos(math.Pi*float64(t-warm)/float64(steps-warm)))
	}
}

// DecayRate returns the factor 1/(1 + t^k), under which the logistic regressions
// of Khan et al. (2018, figure 2) ran with k = 0.55 for both RateAt and
// CurvatureRateAt; k = 0 is the constant 1. It panics if k is negative or NaN.
func DecayRate(k float64) func(t int) float64 {
	if !(k >= 0) {
		panic(fmt.Sprintf("vadam: DecayRate: k is %v, want >= 0", k))
	}
	if k == 0 {
		return func(int) float64 { return 1 }
	}
	return func(t int) float64 { return 1 / (1 + math.Pow(float64(t), k)) }
}
