package mixture_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/vi"
)

// The posterior of a log rate after 2 events in one unit of time, under a flat prior, leans
// to the left: log p = 2θ − e^θ. A skew normal distribution follows it where a normal one
// cannot; the fit is the same call, from the normal fit and the side to which the target leans.
func ExampleSkewNormal() {
	target := &vi.Target{Dim: 1, Grad: func(dst, x []float64) float64 {
		rate := math.Exp(x[0])
		dst[0] = 2 - rate
		return 2*x[0] - rate
	}}
	fit := func(q vi.Posterior) {
		r, err := vi.Fit(context.Background(), q, target, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		// The evidence ∫exp(2θ − e^θ)dθ = Γ(2) = 1 has the logarithm 0.
		fmt.Printf("%T: below the log evidence by %.2f, variance of the importance ratios %.1f\n", q, -r.ELBOMC, r.Spread())
	}
	normal := expfam.StandardNormal(1)
	fit(normal)
	skew, err := mixture.SkewNormalFrom(normal, target.Grad, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fit(skew)
	fmt.Printf("mean %.1f, leaning to the left: %t\n", skew.Mean(nil)[0], skew.Alpha(nil)[0] < 0)
	// Output:
	// *expfam.Normal: below the log evidence by 0.05, variance of the importance ratios 0.2
	// *mixture.SkewNormal: below the log evidence by 0.00, variance of the importance ratios 0.0
	// mean 0.4, leaning to the left: true
}
