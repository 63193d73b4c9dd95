package special

import "math"

// Lgamma returns log Γ(x) for x > 0 and NaN for x < 0, where Γ may be negative.
func Lgamma(x float64) float64 {
	if x < 0 {
		return math.NaN()
	}
	v, _ := math.Lgamma(x)
	return v
}

// Log1pmx returns log(1+t) − t ≤ 0 for t > −1 without cancellation near 0.
func Log1pmx(t float64) float64 {
	if t < -0.4 || t > 0.6 || math.IsNaN(t) {
		return math.Log1p(t) - t
	}
	// log(1+t) = 2 atanh(r) with r = t/(2+t), and 2r − t = −t·r.
	r := t / (2 + t)
	r2 := r * r
	var s float64
	for k := 35.; k >= 3; k -= 2 {
		s = s*r2 + 1/k
	}
	return r * (2*r2*s - t)
}

// Expm1mx returns e^u − 1 − u ≥ 0 without cancellation near 0.
func Expm1mx(u float64) float64 {
	if math.Abs(u) > 0.5 {
		return math.Expm1(u) - u
	}
	var s float64
	for k := 16.; k >= 3; k-- {
		s = (s + 1) * u / k
	}
	return u * u / 2 * (1 + s)
}

// StirlingError returns δ(x) = log Γ(x) − [(x − ½) log x − x + ½ log 2π] for
// x > 0: 1/(12x) − 1/(360x³) + … (DLMF 5.11.1), with an absolute error of a few
// 1e-16·max(1, δ).
func StirlingError(x float64) float64 {
	if !(x > 0) {
		return math.NaN()
	}
	// δ(x) = δ(x+1) + (x + ½) log(1 + 1/x) − 1, where the last two are written
	// with Log1pmx to keep their digits.
	var s float64
	if x < 1 {
		s = (x+0.5)*math.Log1p(1/x) - 1
		x++
	}
	for ; x < asymptotic; x++ {
		s += (x+0.5)*Log1pmx(1/x) + 0.5/x
	}
	r := 1 / x
	return s + x*series(r*r, stirlingSeries)
}

// LgammaDelta returns log Γ(x+d) − log Γ(x) for x > 0 and x + d > 0 without
// the cancellation of two large values.
func LgammaDelta(x, d float64) float64 {
	y := x + d
	switch {
	case !(x > 0) || !(y > 0):
		return math.NaN()
	case d == 0:
		return 0
	case x < asymptotic && y < asymptotic && math.Abs(d) > 0.1*x:
		return Lgamma(y) - Lgamma(x)
	case math.Abs(d) <= 0.3*x:
		return d*Digamma(x) + LgammaBregman(x, y)
	}
	return (x-0.5)*math.Log(y/x) + d*math.Log(y) - d + (StirlingError(y) - StirlingError(x))
}

// LogBeta returns log B(a, b) = log Γ(a) + log Γ(b) − log Γ(a+b) for a, b > 0
// without the cancellation of large terms.
func LogBeta(a, b float64) float64 {
	if a > b {
		a, b = b, a
	}
	if a < asymptotic {
		if b < asymptotic {
			return Lgamma(a) + Lgamma(b) - Lgamma(a+b)
		}
		return Lgamma(a) - LgammaDelta(b, a)
	}
	s := a + b
	return halfLog2Pi - 0.5*math.Log(b) + (a-0.5)*math.Log(a/s) + b*math.Log1p(-a/s) +
		(StirlingError(a) + StirlingError(b) - StirlingError(s))
}

// gauss8 are the nodes and weights of the 8-point Gauss–Legendre rule on [0, 1].
var gauss8 = [8][2]float64{
	{0.01985507175123188415821957, 0.05061426814518812957626567},
	{0.10166676129318663020422303, 0.11119051722668723527217800},
	{0.23723379504183550709113047, 0.15685332293894364366898110},
	{0.40828267875217509753026193, 0.18134189168918099148257522},
	{0.59171732124782490246973807, 0.18134189168918099148257522},
	{0.76276620495816449290886953, 0.15685332293894364366898110},
	{0.89833323870681336979577697, 0.11119051722668723527217800},
	{0.98014492824876811584178043, 0.05061426814518812957626567},
}

// bregman returns f(b) − f(a) − (b−a)f'(a) = (b−a)² ∫₀¹ (1−s) f”(a+s(b−a)) ds
// from the second derivative of f, accurate for |b−a| ≤ 0.3a.
func bregman(a, b float64, curvature func(float64) float64) float64 {
	d := b - a
	var s float64
	for _, n := range gauss8 {
		s += n[1] * (1 - n[0]) * curvature(a+n[0]*d)
	}
	return d * d * s
}

// integral returns ∫ₐ^{a+d} f by the 8-point Gauss–Legendre rule.
func integral(a, d float64, f func(float64) float64) float64 {
	var s float64
	for _, n := range gauss8 {
		s += n[1] * f(a+n[0]*d)
	}
	return d * s
}

// DigammaDelta returns ψ(x+d) − ψ(x) for x > 0 and x + d > 0 to full relative
// precision, however small d is.
func DigammaDelta(x, d float64) float64 {
	y := x + d
	switch {
	case !(x > 0) || !(y > 0):
		return math.NaN()
	case math.Abs(d) <= 0.3*x:
		return integral(x, d, Trigamma)
	case x >= asymptotic && y >= asymptotic:
		return math.Log1p(d/x) + (LogMinusDigamma(x) - LogMinusDigamma(y))
	}
	return Digamma(y) - Digamma(x)
}

// TrigammaDelta returns ψ'(x+d) − ψ'(x) for x > 0 and x + d > 0 to full
// relative precision, however small d is.
func TrigammaDelta(x, d float64) float64 {
	y := x + d
	switch {
	case !(x > 0) || !(y > 0):
		return math.NaN()
	case math.Abs(d) <= 0.3*x:
		return integral(x, d, Tetragamma)
	}
	return Trigamma(y) - Trigamma(x)
}

// LgammaBregman returns log Γ(b) − log Γ(a) − (b−a) ψ(a) ≥ 0 for a, b > 0
// without cancellation when b is near a.
func LgammaBregman(a, b float64) float64 {
	if math.Abs(b-a) <= 0.3*a {
		return bregman(a, b, Trigamma)
	}
	return LgammaDelta(a, b-a) - (b-a)*Digamma(a)
}

// ShapeKL returns the Kullback–Leibler divergence in nats between gamma
// distributions of shapes a and b > 0 and equal mean,
//
//	log Γ(b) − log Γ(a) − (b−a) ψ(a) − b log(b/a) + b − a ≥ 0,
//
// the Bregman divergence of f(x) = log Γ(x) − x log x + x. The divergence of
// any two gamma distributions is ShapeKL(a, b) + b(e^u − 1 − u) with u the log
// ratio of the means.
func ShapeKL(a, b float64) float64 {
	if math.Abs(b-a) <= 0.3*a {
		return bregman(a, b, TrigammaMinusInv)
	}
	return 0.5*math.Log(a/b) + (StirlingError(b) - StirlingError(a)) + (b-a)*LogMinusDigamma(a)
}

// ShapeEntropy returns a + log Γ(a) + (1−a) ψ(a), the entropy in nats of a
// gamma distribution of shape a and rate 1, without the cancellation of its
// terms for large a.
func ShapeEntropy(a float64) float64 {
	return halfLog2Pi + 0.5*math.Log(a) + StirlingError(a) + (a-1)*LogMinusDigamma(a)
}

// LogMvGamma returns log Γ_p(a) = p(p−1)/4·log π + Σ_{j<p} log Γ(a − j/2), the
// multivariate gamma function (DLMF 35.3.4), for a > (p−1)/2; NaN otherwise.
func LogMvGamma(p int, a float64) float64 {
	if !(a > float64(p-1)/2) {
		return math.NaN()
	}
	s := float64(p*(p-1)) / 4 * math.Log(math.Pi)
	for j := range p {
		s += Lgamma(a - float64(j)/2)
	}
	return s
}

// MvDigamma returns ψ_p(a) = d/da log Γ_p(a) = Σ_{j<p} ψ(a − j/2) for
// a > (p−1)/2; NaN otherwise.
func MvDigamma(p int, a float64) float64 { return mvSum(p, a, Digamma) }

// MvTrigamma returns Σ_{j<p} ψ'(a − j/2) for a > (p−1)/2; NaN otherwise.
func MvTrigamma(p int, a float64) float64 { return mvSum(p, a, Trigamma) }

func mvSum(p int, a float64, f func(float64) float64) float64 {
	if !(a > float64(p-1)/2) {
		return math.NaN()
	}
	var s float64
	for j := range p {
		s += f(a - float64(j)/2)
	}
	return s
}
