// Package sample draws from the gamma, Poisson and binomial distributions.
//
// The methods are exact up to rounding, take an expected time that is bounded
// in the parameters, and do not allocate. Parameters are not checked beyond what
// makes every call return; NaN gives NaN.
package sample

import (
	"math"
	"math/rand/v2"
)

// Gamma draws G ~ Gamma(shape, rate 1) for shape > 0 as G = x·exp(b), by the
// squeeze of Marsaglia and Tsang, A simple method for generating gamma
// variables, ACM TOMS 26 (2000). For a shape of at least 1, b is 0. For smaller
// shapes exp(b) is their power of a uniform, G(a) = G(a+1)·U^(1/a), whose
// logarithm stays finite where the draw itself underflows. Shape 0 gives the
// point mass at 0, an infinite shape +Inf, a negative one NaN.
func Gamma(shape float64, rng *rand.Rand) (x, b float64) {
	switch {
	case math.IsInf(shape, 1):
		return shape, 0
	case !(shape >= 0):
		return math.NaN(), 0
	case shape < 1:
		b = -rng.ExpFloat64() / shape
		shape++
	}
	d := shape - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		z := rng.NormFloat64()
		v := 1 + c*z
		if v <= 0 {
			continue
		}
		v = v * v * v
		u := 1 - rng.Float64()
		z2 := z * z
		if u < 1-0.0331*z2*z2 || math.Log(u) < 0.5*z2+d*(1-v+math.Log(v)) {
			return d * v, b
		}
	}
}

// LogGamma draws log G with G ~ Gamma(shape, rate 1); see [Gamma].
func LogGamma(shape float64, rng *rand.Rand) float64 {
	x, b := Gamma(shape, rng)
	return math.Log(x) + b
}

const (
	// Counts are inverted by sequential search if fewer than fewExpected are
	// expected: it takes that many steps, and rejection wants a mean of 10.
	fewExpected = 10
	// maxSearch ends a search whose uniform rounding has left above the sum of
	// all probabilities; P(k > maxSearch) < 1e-170 at a mean of fewExpected.
	maxSearch = 200
)

// Poisson draws from the Poisson distribution of the given mean ≥ 0: by
// inversion for small means, else by the transformed rejection PTRS of Hörmann,
// The transformed rejection method for generating Poisson random variables,
// Insurance: Mathematics and Economics 12 (1993). An infinite mean gives +Inf.
func Poisson(mean float64, rng *rand.Rand) float64 {
	switch {
	case math.IsNaN(mean) || math.IsInf(mean, 1):
		return mean
	case mean < fewExpected:
		u, p, k := rng.Float64(), math.Exp(-mean), 0.0
		for u > p && k < maxSearch {
			u -= p
			k++
			p *= mean / k
		}
		return k
	}
	b := 0.931 + 2.53*math.Sqrt(mean)
	a := -0.059 + 0.02483*b
	logAlpha := math.Log(1.1239 + 1.1328/(b-3.4))
	vr := 0.9277 - 3.6224/(b-2)
	for {
		u := rng.Float64() - 0.5
		v := 1 - rng.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + mean + 0.43)
		if us >= 0.07 && v <= vr {
			return k
		}
		if !(k >= 0) || math.IsInf(k, 1) || us < 0.013 && v > us {
			continue
		}
		if math.Log(v)+logAlpha-math.Log(a/(us*us)+b) <= poissonLogProb(k, mean) {
			return k
		}
	}
}

// Binomial draws the number of successes in n trials, a finite whole number,
// of probability p each: by inversion where few successes or failures are
// expected, else by the transformed rejection BTRS of Hörmann, The generation
// of binomial random variates, Journal of Statistical Computation and
// Simulation 46 (1993). Outside its range p counts as 0 or 1, n < 0 as 0.
func Binomial(n, p float64, rng *rand.Rand) float64 {
	switch {
	case math.IsNaN(p) || math.IsNaN(n) || math.IsInf(n, 1):
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
		return n - Binomial(n, 1-p, rng)
	case n*p < fewExpected:
		odds := p / (1 - p)
		u, f, k := rng.Float64(), math.Exp(n*math.Log1p(-p)), 0.0
		for u > f && k < n && k < maxSearch {
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
	top := binomialLogProb(math.Floor((n+1)*p), n, p) // at the mode
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
