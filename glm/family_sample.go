package glm

import (
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/sample"
)

// sampleLogGamma draws the log of a gamma variable of shape a and rate 1.
func sampleLogGamma(rng *rand.Rand, a float64) float64 { return sample.LogGamma(a, rng) }

// samplePoisson draws a Poisson count of mean mu; an infinite mean gives +Inf.
func samplePoisson(rng *rand.Rand, mu float64) float64 { return sample.Poisson(mu, rng) }

// sampleBinomial draws the number of successes in n trials.
func sampleBinomial(rng *rand.Rand, n, p float64) float64 { return sample.Binomial(n, p, rng) }
