// Package benchdata makes the data of the benchmarks, the same for this
// project's own runs and for those of other programs.
package benchdata

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Logistic returns n rows of d−1 standard normal columns x1, x2, … and, last,
// outcomes y ∈ {0, 1} of a logistic regression without intercept whose predictor
// has standard deviation 1, coefficients alternating in sign. The numbers
// depend on n and d only.
func Logistic(n, d int) (names []string, columns [][]float64) {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(d)))
	eta := make([]float64, n)
	b := 1 / math.Sqrt(float64(d-1))
	for j := 1; j < d; j++ {
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
			eta[i] += b * x[i]
		}
		b = -b
		names, columns = append(names, fmt.Sprintf("x%d", j)), append(columns, x)
	}
	y := make([]float64, n)
	for i, e := range eta {
		if rng.Float64() < 1/(1+math.Exp(-e)) {
			y[i] = 1
		}
	}
	return append(names, "y"), append(columns, y)
}
