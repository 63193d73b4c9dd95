package glm

import (
	"math"
	"math/rand/v2"
)

// sampleLogGamma draws log G with G ~ Gamma(shape a, rate 1), by the method of
// Marsaglia and Tsang, ACM TOMS 26 (2000); the logarithm does not underflow at
// small shapes.
func sampleLogGamma(rng *rand.Rand, a float64) float64 {
	var boost float64
	if a < 1 {
		// G(a) = G(a+1) U^(1/a).
		boost = -rng.ExpFloat64() / a
		a++
	}
	d := a - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		u := 1 - rng.Float64()
		if math.Log(u) < 0.5*x*x+d*(1-v+math.Log(v)) {
			return math.Log(d*v) + boost
		}
	}
}

// samplePoisson draws from Poisson(mu): by inversion for small means, else by
// Hörmann's transformed rejection PTRS (Insurance: Mathematics and Economics
// 12, 1993). An infinite mean gives +Inf.
func samplePoisson(rng *rand.Rand, mu float64) float64 {
	switch {
	case math.IsNaN(mu):
		return math.NaN()
	case math.IsInf(mu, 1):
		return mu
	case mu < 10:
		u, p, k := rng.Float64(), math.Exp(-mu), 0.0
		// Rounding may leave u above the sum of all probabilities.
		for u > p && k < 200 {
			u -= p
			k++
			p *= mu / k
		}
		return k
	}
	b := 0.931 + 2.53*math.Sqrt(mu)
	a := -0.059 + 0.02483*b
	logAlpha := math.Log(1.1239 + 1.1328/(b-3.4))
	vr := 0.9277 - 3.6224/(b-2)
	for {
		u := rng.Float64() - 0.5
		v := 1 - rng.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + mu + 0.43)
		if us >= 0.07 && v <= vr {
			return k
		}
		if !(k >= 0) || math.IsInf(k, 1) || us < 0.013 && v > us {
			continue
		}
		if math.Log(v)+logAlpha-math.Log(a/(us*us)+b) <= poissonLogProb(k, mu) {
			return k
		}
	}
}

// poissonLogProb returns k log μ − μ − log k! in Loader's saddle-point form,
// accurate for large k and μ alike (Loader, Fast and accurate computation of
// binomial probabilities, 2000).
func poissonLogProb(k, mu float64) float64 {
	if k == 0 {
		return -mu
	}
	s, _, _ := stirling(k)
	return -deviance(k, mu) - s - halfLog2Pi - 0.5*math.Log(k)
}

// deviance returns k log(k/μ) − k + μ ≥ 0.
func deviance(k, mu float64) float64 {
	t := (mu - k) / k
	if math.Abs(t) > 0.1 {
		return k*math.Log(k/mu) + (mu - k)
	}
	// t − log(1+t) by its series, which keeps the difference of near terms.
	var sum float64
	p := t * t
	for j := 2.0; j < 40; j++ {
		term := p / j
		sum += term
		p *= -t
		if math.Abs(term) < 1e-18*math.Abs(sum) {
			break
		}
	}
	return k * sum
}

// sampleBinomial draws the number of successes in n trials: by inversion where
// few are expected, else by Hörmann's transformed rejection BTRS (Journal of
// Statistical Computation and Simulation 46, 1993).
func sampleBinomial(rng *rand.Rand, n, p float64) float64 {
	switch {
	case math.IsNaN(n) || math.IsNaN(p):
		return math.NaN()
	case n <= 0 || p <= 0:
		return 0
	case p >= 1:
		return n
	case n == 1:
		if rng.Float64() < p {
			return 1
		}
		return 0
	case p > 0.5:
		return n - sampleBinomial(rng, n, 1-p)
	case n*p < 10:
		odds := p / (1 - p)
		u, f, k := rng.Float64(), math.Exp(n*math.Log1p(-p)), 0.0
		for u > f && k < n && k < 200 {
			u -= f
			k++
			f *= odds * (n - k + 1) / k
		}
		return k
	}
	sd := math.Sqrt(n * p * (1 - p))
	b := 1.15 + 2.53*sd
	a := -0.0873 + 0.0248*b + 0.01*p
	c := n*p + 0.5
	vr := 0.92 - 4.2/b
	logAlpha := math.Log((2.83 + 5.1/b) * sd)
	mode := math.Floor((n + 1) * p)
	top := binomialLogProb(mode, n, p)
	for {
		u := rng.Float64() - 0.5
		v := 1 - rng.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + c)
		if !(k >= 0 && k <= n) {
			continue
		}
		if us >= 0.07 && v <= vr {
			return k
		}
		if math.Log(v)+logAlpha-math.Log(a/(us*us)+b) <= binomialLogProb(k, n, p)-top {
			return k
		}
	}
}

// binomialLogProb returns the log probability of k successes in n trials in
// Loader's saddle-point form.
func binomialLogProb(k, n, p float64) float64 {
	switch k {
	case 0:
		return n * math.Log1p(-p)
	case n:
		return n * math.Log(p)
	}
	sn, _, _ := stirling(n)
	sk, _, _ := stirling(k)
	sm, _, _ := stirling(n - k)
	return sn - sk - sm - deviance(k, n*p) - deviance(n-k, n*(1-p)) - halfLog2Pi - 0.5*math.Log(k*(1-k/n))
}
