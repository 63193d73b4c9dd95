package expfam_test

import (
	"fmt"

	"github.com/natgrad/natgrad/expfam"
)

// Bayes' rule for a mean with known variance is a sum of natural parameters:
// the prior N(0, 10²) and two observations with standard deviation 1.
func ExampleNormalUV() {
	q, err := expfam.NewNormalUV(0, 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, y := range []float64{2.1, 1.7} {
		// log N(y|μ, 1) = y·μ − μ²/2 + const = ⟨(y, −1/2), (μ, μ²)⟩ + const
		if _, err := q.Retract([]float64{y, -0.5}, 1); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Printf("mean %.4f, sd %.4f\n", q.Mu(), q.Sigma())
	// Output: mean 1.8905, sd 0.7053
}
