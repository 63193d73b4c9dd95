// Ladder lets the fit choose its shape: for a skewed posterior and for one
// with two bent ridges it climbs from a diagonal Gaussian to mixtures, says what each
// shape was worth, and corrects the last one by importance sampling. The truth
// beside it is an integral over a grid.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math"
	"os"

	"github.com/natgrad/natgrad/ladder"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(w io.Writer) error {
	for i, c := range []struct {
		title  string
		target *vi.Target
		start  []float64
		lo, hi [2]float64
	}{
		{"deaths by stomach cancer in twenty cities, beta-binomial", targets.CancerBetaBinomial(), []float64{-7, 6}, [2]float64{-8.5, 2}, [2]float64{-4.5, 26}},
		{"two bent ridges", targets.DoubleBanana(math.Log(30), 1, 0.09), nil, [2]float64{-3, -3}, [2]float64{3, 4}},
	} {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, c.title)
		r, err := ladder.Fit(context.Background(), c.target, &ladder.Settings{Start: c.start, Fit: &vi.Settings{Seed: 2}})
		if err != nil {
			return err
		}
		fmt.Fprintln(w, r)
		mean, sd, err := r.Moments()
		if err != nil {
			return err
		}
		trueMean, trueSd := targets.NewGrid(c.target, c.lo, c.hi, 300).Moments()
		for j := range mean {
			name := fmt.Sprintf("theta[%d]", j)
			if c.target.Names != nil {
				name = c.target.Names[j]
			}
			fmt.Fprintf(w, "%-9s mean %6.2f  sd %5.2f   grid: mean %6.2f  sd %5.2f\n", name, mean[j], sd[j], trueMean[j], trueSd[j])
		}
	}
	return nil
}
