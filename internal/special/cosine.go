package special

import "math"

// CosineGrad returns ∂c/∂κ at fixed probability of the quantile c = cos θ of the
// density on [−1, 1] proportional to e^(κc)(1−c²)^((d−3)/2), that of the cosine
// between a von Mises–Fisher direction in d dimensions and its mean,
//
//	∂c/∂κ = ∫_c^1 (t − r) e^(κ(t−c)) ((1−t²)/(1−c²))^((d−3)/2) dt > 0,
//
// or the same over (−1, c) with the other sign, r = E[c] and s = 1 − r, for d ≥ 2,
// κ ≥ 0 and 0 < θ < π. It takes the side on which t − r does not change its sign
// and integrates over the angle.
func CosineGrad(d int, kappa, s, theta float64) float64 {
	half := math.Sin(theta / 2)
	sin, power := math.Sin(theta), float64(d-2)
	sign, length := 1.0, math.Pi-theta
	if 2*half*half < s { // c > r
		sign, length = -1, theta
	}
	exponent := func(v float64) float64 {
		phi := theta + sign*v
		e := -2 * kappa * sign * math.Sin(v/2) * math.Sin((theta+phi)/2)
		if power > 0 {
			e += power * math.Log(math.Sin(phi)/sin)
		}
		return e
	}
	for range 300 {
		if !(exponent(length/2) < -pathDrop) {
			break
		}
		length /= 2
	}
	const panels = 2
	var sum float64
	for k := range panels {
		for _, n := range gauss20 {
			v := length * (float64(k) + n[0]) / panels
			h := math.Sin((theta + sign*v) / 2)
			sum += n[1] * math.Exp(exponent(v)) * sign * (2*h*h - s)
		}
	}
	return sum * sin * length / panels
}
