package vadam_test

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

// Any model with a gradient can be trained: here the rate of a Poisson
// distribution on the log scale, whose posterior is known to be close to a normal
// with mean log(mean count) and sd 1/√(sum of counts).
func ExampleOptimizer() {
	counts := []float64{3, 7, 4, 6, 5, 2, 8, 5, 4, 6}
	obj := &nn.Objective{Grad: func(grad, w []float64) (float64, error) {
		rate := math.Exp(w[0])
		var loss float64
		grad[0] = 0
		for _, y := range counts {
			loss += (rate - y*w[0]) / 10
			grad[0] += (rate - y) / 10
		}
		return loss, nil
	}}
	opt, err := vadam.New([]float64{0}, &vadam.Settings{
		Method: vadam.IVON, N: len(counts), Rate: 0.05, Beta2: 0.99, PriorPrec: 0.01,
		Draws: 4, Antithetic: true, RateAt: vadam.CosineRate(0, 1000),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 1000 {
		if err := opt.Step(obj); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Printf("log rate %.2f ± %.2f, log(mean) %.2f\n", opt.Mean(nil)[0], opt.SD(nil)[0], math.Log(5))
	// Output: log rate 1.60 ± 0.14, log(mean) 1.61
}
