package vadam_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

// A regression with bands: fit a small net to noisy points, look at the verdict, and
// predict with both kinds of uncertainty.
func ExampleFit() {
	rng := rand.New(rand.NewPCG(1, 1))
	var x, y []float64
	for range 300 {
		v := 6*rng.Float64() - 3
		x = append(x, v)
		y = append(y, 20+5*math.Sin(v)+0.5*rng.NormFloat64())
	}
	data, err := nn.NewData(x, y, len(y))
	if err != nil {
		panic(err)
	}
	// One hidden layer; the precision of the noise is one more weight.
	net, err := nn.New(nn.Gaussian{Learned: true}, nn.Vector(1), nn.Dense{Out: 50, Act: nn.ReLU}, nn.Dense{Out: 1})
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	fit, err := vadam.Fit(ctx, net, data, &vadam.FitSettings{Standardise: true, Epochs: 400, Seed: 2})
	if err != nil {
		panic(err)
	}
	fmt.Println(fit.Grade()) // fit.Verdict() says why

	at := []float64{-1.5, 1.5, 9}
	p, err := fit.Posterior.Predict(ctx, net, at, nil)
	if err != nil {
		panic(err)
	}
	lower, upper, err := p.Interval(0.95) // of a new observation, in units of y
	if err != nil {
		panic(err)
	}
	for i, v := range at[:2] {
		truth := 20 + 5*math.Sin(v)
		fmt.Printf("x = %4.1f: about %.0f; the truth is in the 95 %% band: %v\n", v, p.Mean[i], lower[i] < truth && truth < upper[i])
	}
	noise, curve := math.Sqrt(p.Aleatoric[2]), math.Sqrt(p.Epistemic[2])
	fmt.Println("far from the data the curve is less certain than an observation is noisy:", curve > noise)
	// Output:
	// good
	// x = -1.5: about 15; the truth is in the 95 % band: true
	// x =  1.5: about 25; the truth is in the 95 % band: true
	// far from the data the curve is less certain than an observation is noisy: true
}
