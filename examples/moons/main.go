// Moons classifies two half-circles and draws where a net is sure: one with single
// weights, and one that knows what its weights could also be.
//
//	go run ./examples/moons            numbers
//	go run ./examples/moons -update    also draws docs/uncertainty/moons.svg
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

func main() {
	update := flag.Bool("update", false, "draw the picture of docs/uncertainty")
	flag.Parse()
	r, err := run(os.Stdout)
	if err == nil && *update {
		err = r.picture().Save(filepath.Join("docs", "uncertainty", "moons.svg"))
	}
	if err != nil {
		log.Fatal(err)
	}
}

// moons draws n points of two interleaved half-circles with noise.
func moons(n int, rng *rand.Rand) (*nn.Data, error) {
	var x, y []float64
	for i := range n {
		a, c := math.Pi*rng.Float64(), float64(i%2)
		px, py := math.Cos(a), math.Sin(a)
		if c == 1 {
			px, py = 1-px, 0.5-py
		}
		x = append(x, px+0.2*rng.NormFloat64()-0.5, py+0.2*rng.NormFloat64()-0.25)
		y = append(y, c)
	}
	return nn.NewData(x, y, n)
}

const side = 61 // points of the grid a side

type surface struct {
	name                  string
	p, entropy, mutual    []float64 // on the grid
	accuracy, logLik, ece float64   // on new points
	nears, farEntropy     float64   // mean entropy of the grid near the data and far away
	verdict               string
}

type result struct {
	data     *nn.Data
	surfaces []*surface
}

// place is the grid's coordinate i.
func place(i int) float64 { return -4 + 8*float64(i)/(side-1) }

func run(w io.Writer) (*result, error) {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(3, 3))
	train, err := moons(200, rng)
	if err != nil {
		return nil, err
	}
	test, err := moons(2000, rng)
	if err != nil {
		return nil, err
	}
	var grid []float64
	for i := range side {
		for j := range side {
			grid = append(grid, place(j), place(i))
		}
	}
	r := &result{data: train}
	fmt.Fprintln(w, "                accuracy   log-likelihood   ECE    entropy: near the data, far away (log 2 = 0.69)")
	for _, c := range []struct {
		name     string
		settings vadam.Settings
	}{
		{"single weights", vadam.Settings{Method: vadam.Adam, PriorPrec: 0.1}},
		{"Vadam", vadam.Settings{Method: vadam.Vadam, PriorPrec: 0.1}},
		{"VOGN", vadam.Settings{Method: vadam.VOGN, PriorPrec: 0.1}},
		{"IVON", vadam.Settings{Method: vadam.IVON, PriorPrec: 0.1}},
	} {
		net, err := nn.New(nn.Bernoulli{}, nn.Vector(2), nn.Dense{Out: 30, Act: nn.ReLU}, nn.Dense{Out: 30, Act: nn.ReLU}, nn.Dense{Out: 1})
		if err != nil {
			return nil, err
		}
		fit, err := vadam.Fit(ctx, net, train, &vadam.FitSettings{Optimizer: c.settings, Epochs: 600, Seed: 1})
		if err != nil {
			return nil, err
		}
		s := &surface{name: c.name, verdict: fit.Verdict()}
		if err := s.look(ctx, fit.Posterior, net, grid, test); err != nil {
			return nil, err
		}
		r.surfaces = append(r.surfaces, s)
		fmt.Fprintf(w, "%-14s %8.1f %% %14.3f %9.3f %21.2f, %.2f\n", s.name, 100*s.accuracy, s.logLik, s.ece, s.nears, s.farEntropy)
	}
	for _, s := range r.surfaces {
		fmt.Fprintf(w, "%s: %s\n", s.name, s.verdict)
	}
	return r, nil
}

func (s *surface) look(ctx context.Context, q *vadam.Posterior, net *nn.Net, grid []float64, test *nn.Data) error {
	set := &vadam.PredictSettings{Draws: 200, Seed: 2}
	p, err := q.Predict(ctx, net, test.X, set)
	if err != nil {
		return err
	}
	score, err := p.Score(test.Y)
	if err != nil {
		return err
	}
	s.accuracy, s.logLik, s.ece = score.Accuracy, score.LogLik, score.ECE
	if p, err = q.Predict(ctx, net, grid, set); err != nil {
		return err
	}
	s.p, s.entropy, s.mutual = p.Mean, p.Entropy, p.MutualInformation
	near, far := 0, 0
	for i, h := range s.entropy {
		switch d := math.Hypot(grid[2*i], grid[2*i+1]); {
		case d < 1.5:
			near++
			s.nears += h
		case d > 3.5:
			far++
			s.farEntropy += h
		}
	}
	s.nears /= float64(near)
	s.farEntropy /= float64(far)
	return nil
}
