package special

import (
	"math"
	"testing"
)

// TestCosineGrad compares with closed forms: for d = 3 the cosine has density
// κe^(κc)/(2 sinh κ), and at κ = 0 a field with the right divergence is (1−c²)/(d−1).
func TestCosineGrad(t *testing.T) {
	for _, kappa := range []float64{0.01, 1, 20, 1e4, 1e8} {
		_, s, _ := BesselIRatio(0.5, kappa)
		for _, q := range []float64{0.01, 0.5, 1, 3, 10} {
			theta := min(q/math.Sqrt(kappa), 3)
			u := 2 * math.Sin(theta/2) * math.Sin(theta/2) // 1 − c
			// F̄(c) = (1 − e^(−κu))/(1 − e^(−2κ)); ∂u/∂κ at fixed F̄.
			var want float64
			if kappa < 300 {
				e := math.Expm1(2 * kappa)
				want = u/kappa - 2*math.Expm1(kappa*u)/(kappa*e)
			} else {
				want = u / kappa
			}
			near(t, "CosineGrad in 3 dimensions", kappa, CosineGrad(3, kappa, s, theta), want, 1e-10, 0)
		}
	}
	for _, d := range []int{2, 3, 4, 10, 60} {
		for _, theta := range []float64{0.3, 1, 1.57, 2.5} {
			near(t, "CosineGrad at κ = 0", theta, CosineGrad(d, 0, 1, theta), math.Sin(theta)*math.Sin(theta)/float64(d-1), 1e-11, 0)
		}
	}
}
