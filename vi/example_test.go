package vi_test

import (
	"context"
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
)

// A density of one's own: the rate of a Poisson process, 22 events in 10 s, with
// an exponential prior of mean 1. On the logarithm u of the rate the prior gains
// the Jacobian e^u. The exact posterior of the rate is gamma(23, 11).
func ExampleFit() {
	const events, seconds = 22, 10.
	target := &vi.Target{
		Dim:   1,
		Names: []string{"log rate"},
		Grad: func(dst, u []float64) float64 {
			rate := math.Exp(u[0])
			dst[0] = events - seconds*rate + // likelihood
				1 - rate // prior and Jacobian
			return events*u[0] - seconds*rate - rate + u[0] // up to a constant
		},
	}
	q := expfam.StandardNormal(1)
	res, err := vi.Fit(context.Background(), q, target, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	u, sd := q.Mean(nil)[0], q.Sd(nil)[0]
	fmt.Printf("log rate %.1f ± %.1f, rate %.1f\n", u, sd, math.Exp(u+sd*sd/2))
	fmt.Println(res.Grade(), res.Status, "by", res.Method)
	// Output:
	// log rate 0.7 ± 0.2, rate 2.1
	// good converged by draws
}

// A conjugate likelihood as natural parameters: 7 heads of 10 coins and the
// prior Beta(2, 3). One step is Bayes' rule, and the ELBO is log p(D).
func ExampleFit_conjugate() {
	prior, err := expfam.NewBeta(2, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	const heads, tails = 7, 3
	target := &vi.Target{Dim: 1, Conjugate: &vi.Conjugate{
		Prior: prior.Natural(nil),
		Lik: func(dst []float64, _ []int) { // T(θ) = (log θ, log(1 − θ))
			dst[0] += heads
			dst[1] += tails
		},
		Const: -prior.LogPartition(),
	}}
	q, err := expfam.NewBeta(1, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := vi.Fit(context.Background(), q, target, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("Beta(%.4f, %.4f), log p(D) %.4f\n", q.Alpha(), q.Beta(), res.ELBO)
	// Output: Beta(9.0000, 6.0000), log p(D) -7.3142
}
