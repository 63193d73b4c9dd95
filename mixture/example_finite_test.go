package mixture_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/mat"
)

// A posterior with a bend is fitted by a mixture of normals. The start is wide,
// five components drawn from N(0, I).
func Example_finite() {
	target := targets.SkewRidge(1, 0.5) // x₂ = x₁² + noise; E[x₂] = 1
	start := mixture.Split(expfam.StandardNormal(2), 5, rand.New(rand.NewPCG(1, 1)))
	r, err := vi.Fit(context.Background(), start, target, &vi.Settings{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Grade())
	fmt.Printf("mean of x₂ %.1f\n", start.Mean(nil)[1])
	for _, issue := range start.Check() {
		fmt.Println(issue)
	}
	// Output:
	// good
	// mean of x₂ 0.9
}

// Components need not be of one family: here a full and a diagonal normal.
func ExampleNew() {
	full, err := expfam.NewNormal([]float64{-2, 0}, mat.NewSymDense(2, []float64{1, 0.5, 0.5, 1}))
	if err != nil {
		fmt.Println(err)
		return
	}
	diagonal, err := expfam.NewDiagNormal([]float64{2, 0}, []float64{1, 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	q, err := mixture.New([]float64{0.25, 0.75}, full, diagonal)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean %.2f, sd %.2f, log density at 0 %.4f\n", q.Mean(nil), q.Sd(nil), q.LogProb([]float64{0, 0}))
	_, err = mixture.New([]float64{1, 0}, full, diagonal)
	fmt.Println(err)
	// Output:
	// mean [1.00 0.00], sd [2.00 1.80], log density at 0 -4.4856
	// expfam: mixture.New: weights[1] is 0, want > 0
}
