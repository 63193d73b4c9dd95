package mixture_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/vi"
)

// Rates of three counts with a Gamma(2, 1) prior each: the posterior is
// Gamma(2 + y, 1 + exposure), and the fit finds it from draws.
func ExampleGammas() {
	counts, exposure := []float64{3, 0, 21}, []float64{2, 1, 4}
	density := func(grad, x []float64) float64 {
		var v float64
		for i, y := range counts {
			v += (1+y)*math.Log(x[i]) - (1+exposure[i])*x[i]
			grad[i] = (1+y)/x[i] - (1 + exposure[i])
		}
		return v
	}
	target := &vi.Target{Dim: 3, Grad: density, LogProb: func(x []float64) float64 {
		return density(make([]float64, 3), x)
	}}
	q, err := mixture.NewGammas([]float64{1, 1, 1}, []float64{1, 1, 1})
	if err != nil {
		log.Fatal(err)
	}
	r, err := vi.Fit(context.Background(), q, target, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Grade())
	fmt.Printf("shape %.2f\nrate  %.2f\n", q.Shape(nil), q.Rate(nil))
	// Output:
	// good
	// shape [5.00 2.00 23.00]
	// rate  [3.00 2.00 5.00]
}
