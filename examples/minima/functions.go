package main

import "math"

// function is a function to minimise: its value, and its gradient in grad.
type function func(grad, x []float64) float64

// tangle is the function of Casella and Robert (Monte Carlo Statistical Methods,
// example 5.9) of two variables, whose least value 0 is at the origin, among many
// minima and whole curves of almost 0:
//
//	(x sin 20y + y sin 20x)² cosh(x sin 10x) + (x cos 10y − y sin 10x)² cosh(y cos 20y).
func tangle(grad, w []float64) float64 {
	x, y := w[0], w[1]
	s20x, c20x := math.Sincos(20 * x)
	s20y, c20y := math.Sincos(20 * y)
	s10x, c10x := math.Sincos(10 * x)
	s10y, c10y := math.Sincos(10 * y)
	a, b := x*s20y+y*s20x, math.Cosh(x*s10x)
	c, d := x*c10y-y*s10x, math.Cosh(y*c20y)
	bx := math.Sinh(x*s10x) * (s10x + 10*x*c10x)
	dy := math.Sinh(y*c20y) * (c20y - 20*y*s20y)
	grad[0] = 2*a*(s20y+20*y*c20x)*b + a*a*bx + 2*c*(c10y-10*y*c10x)*d
	grad[1] = 2*a*(20*x*c20y+s20x)*b + 2*c*(-10*x*s10y-s10x)*d + c*c*dy
	return a*a*b + c*c*d
}

// ripples is a bowl with ripples, in coordinates z that are x reflected so that no
// axis is special,
//
//	Σ_i [½ kᵢ zᵢ² + 2(1 − cos 3zᵢ)],   z = x − (2/n)(Σ xᵢ)·1,
//
// with curvatures kᵢ that fall from 1 to 0.1: two to a dozen minima a coordinate besides that
// at 0. Under N(x, σ²) its mean is the same with ripples exp(−9σ²/2) times as high: with
// σ = 1 the bowl has one minimum.
func ripples(grad, x []float64) float64 {
	reflected(grad, x)
	f, n := 0.0, float64(len(x))
	for i, z := range grad {
		s, c := math.Sincos(3 * z)
		k := math.Pow(10, -float64(i)/(n-1))
		f += 0.5*k*z*z + 2*(1-c)
		grad[i] = k*z + 6*s
	}
	reflected(grad, grad)
	return f
}

// reflected writes x − (2/n)(Σ xᵢ)·1 to dst, which may be x. Twice it is x.
func reflected(dst, x []float64) {
	shift := 2 * mean(x)
	for i, v := range x {
		dst[i] = v - shift
	}
}
