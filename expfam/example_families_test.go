package expfam_test

import (
	"fmt"

	"github.com/natgrad/natgrad/expfam"
)

// A gamma prior for the rate of Poisson counts: the likelihood adds the sum of
// the counts to the shape and their number to the rate, which is one step of
// size 1 in natural parameters.
func ExampleGamma() {
	rate, err := expfam.NewGamma(2, 0.5)
	if err != nil {
		fmt.Println(err)
		return
	}
	counts := []float64{3, 5, 2, 4}
	var lik [2]float64
	for _, k := range counts {
		lik[0] += k
		lik[1]--
	}
	if _, err := rate.Retract(lik[:], 1); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("shape %g, rate %g, mean %.4f\n", rate.Shape(), rate.Rate(), rate.Mean(nil)[0])

	_, err = expfam.NewGamma(2, -0.5)
	fmt.Println(err)
	// Output:
	// shape 16, rate 4.5, mean 3.5556
	// expfam: gamma.New: rate is -0.5, want > 0 (from 1e-150 to 1e150)
}
