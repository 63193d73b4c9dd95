package special

import "math"

// besselFrom is where BesselRatio changes from the power series to the expansion
// for large arguments, whose 24 terms leave less than 1e-17 from there on.
const besselFrom = 30

// Bessel01 holds what a von Mises distribution of concentration x needs of the
// modified Bessel functions I₀ and I₁, each to full relative precision but for
// the few digits stated.
type Bessel01 struct {
	LogI0  float64 // log(e^−x I₀(x))
	Ratio  float64 // R = I₁(x)/I₀(x)
	Rest   float64 // 1 − R; two digits less at x just below 30
	Slope  float64 // dR/dx = 1 − R² − R/x; three digits less at x just below 30
	Ratio0 float64 // R/x, 1/2 at 0
}

// BesselI01 returns the functions of x ≥ 0 (DLMF 10.25.2 and 10.40.1).
func BesselI01(x float64) Bessel01 {
	if x < besselFrom {
		// I₀ = Σ t_k, 2I₁/x = Σ t_k/(k+1), t_k = (x²/4)^k/k!².
		q := x * x / 4
		t, above, s1 := 1.0, 0.0, 1.0
		for k := 1.; t > 1e-18*above; k++ {
			t *= q / (k * k)
			above += t
			s1 += t / (k + 1)
		}
		s0 := 1 + above
		g := s1 / s0 / 2
		r := x * g
		rest := (s0 - x*s1/2) / s0
		return Bessel01{LogI0: math.Log1p(above) - x, Ratio: r, Rest: rest, Slope: rest*(1+r) - g, Ratio0: g}
	}
	// √(2πx) e^−x I_ν = Σ_k (−1)^k a_k(ν)/x^k with a₀ = 1 and
	// a_k/a_(k−1) = (4ν² − (2k−1)²)/(8k). The differences of ν = 0 and 1 and the
	// derivatives are summed term by term, where they do not cancel.
	a0, a1 := 1.0, 1.0
	s0, d := 1.0, 0.0 // Σ of ν = 0, and that less Σ of ν = 1
	var ds0, dd float64
	for k := 1.; k <= 24; k++ {
		odd := (2*k - 1) * (2*k - 1)
		a0 *= odd / (8 * k * x)
		a1 *= (odd - 4) / (8 * k * x)
		s0 += a0
		d += a0 - a1
		ds0 -= k * a0
		dd -= k * (a0 - a1)
	}
	rest := d / s0
	// R = 1 − d/s0, so that R' = −(d's0 − d s0')/s0², with derivatives ds0/x, dd/x.
	slope := (rest*ds0 - dd) / (s0 * x)
	return Bessel01{LogI0: math.Log(s0) - 0.5*math.Log(2*math.Pi*x), Ratio: 1 - rest, Rest: rest, Slope: slope, Ratio0: (1 - rest) / x}
}
