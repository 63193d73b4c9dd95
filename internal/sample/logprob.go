package sample

import (
	"math"

	"github.com/natgrad/natgrad/internal/special"
)

const halfLog2Pi = 0.91893853320467274178032973640562 // ½ log 2π

// The log probabilities are in the saddle-point form of Loader, Fast and
// accurate computation of binomial probabilities (2000), whose terms do not
// cancel where counts and means are large.

// poissonLogProb returns k log μ − μ − log k!.
func poissonLogProb(k, mu float64) float64 {
	if k == 0 {
		return -mu
	}
	return -deviance(k, mu) - special.StirlingError(k) - halfLog2Pi - 0.5*math.Log(k)
}

// binomialLogProb returns log C(n, k) + k log p + (n−k) log(1−p) for 0 < p < 1.
func binomialLogProb(k, n, p float64) float64 {
	switch k {
	case 0:
		return n * math.Log1p(-p)
	case n:
		return n * math.Log(p)
	}
	return special.StirlingError(n) - special.StirlingError(k) - special.StirlingError(n-k) -
		deviance(k, n*p) - deviance(n-k, n*(1-p)) - halfLog2Pi - 0.5*math.Log(k*(1-k/n))
}

// deviance returns k log(k/μ) − k + μ ≥ 0 for k > 0.
func deviance(k, mu float64) float64 { return -k * special.Log1pmx((mu-k)/k) }
