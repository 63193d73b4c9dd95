// Minima minimises functions with many minima, with gradients at perturbed points and
// without: variational optimisation, min_q E_q[f(w)], sees the function smoothed by q,
// and q narrows as its precision adds up squared gradients.
//
// The function that this was first shown on has whole curves of almost the least
// value, so that plain AdaGrad comes as low; only the place differs. In a bowl with ripples
// the noise takes both methods lower at most rates; but AdaGrad with first steps twice as
// long as the region of the starts does as well.
//
//	go run ./examples/minima                      # the tables
//	go run ./examples/minima -pictures docs/img   # minima.svg
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/vadam"
)

func main() {
	pictures := flag.String("pictures", "", "folder for pictures")
	flag.Parse()
	err := error(nil)
	if *pictures != "" {
		err = savePicture(*pictures)
	} else {
		err = run(os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// walker is a method of minimising, with the rates among which the best is chosen.
type walker struct {
	name string
	vadam.Settings
	rates []float64
}

// silent is noise that is none: the variational methods without their perturbations
// are AdaGrad and RMSprop with momentum.
func silent(dst []float64, _, _ int) { clear(dst) }

// walkers are the methods, the variational ones with the sd at the start.
func walkers(sd float64) []walker {
	start := 1 / (sd * sd)
	rates := []float64{0.01, 0.03, 0.1, 0.3, 1, 3, 10}
	return []walker{
		{"Adam", vadam.Settings{Method: vadam.Adam, N: 1, PriorPrec: vadam.Zero}, rates},
		{"AdaGrad", vadam.Settings{Method: vadam.VadaGrad, Beta2: vadam.Zero, InitPrec: 1e-8, Noise: silent}, rates},
		{"VadaGrad", vadam.Settings{Method: vadam.VadaGrad, InitPrec: start}, rates},
		{"VadamVO", vadam.Settings{Method: vadam.VadamVO, Beta2: 0.99, MinPrec: start}, rates},
	}
}

// walk takes steps from start and returns the mean of q, or calls see after every step.
func (k walker) walk(f function, start []float64, rate float64, steps int, seed uint64, see func(mean []float64)) ([]float64, error) {
	s := k.Settings
	s.Rate, s.Seed = rate, seed
	// The mean comes to rest: methods with momentum need that, and it harms none.
	s.RateAt = vadam.CosineRate(0, steps)
	opt, err := vadam.New(start, &s)
	if err != nil {
		return nil, err
	}
	obj := &nn.Objective{Grad: func(grad, w []float64) (float64, error) { return f(grad, w), nil }}
	for range steps {
		if err := opt.Step(obj); err != nil {
			return nil, err
		}
		if see != nil {
			see(opt.Mean(nil))
		}
	}
	return opt.Mean(nil), nil
}

// ends are the last points from all starts.
func (k walker) ends(f function, starts [][]float64, rate float64, steps int) ([][]float64, error) {
	var ends [][]float64
	for i, s := range starts {
		e, err := k.walk(f, s, rate, steps, uint64(i+1), nil)
		if err != nil {
			return nil, fmt.Errorf("%s at rate %v: %w", k.name, rate, err)
		}
		ends = append(ends, e)
	}
	return ends, nil
}

// random are n starts, uniform on [−half, half]^dim.
func random(n, dim int, half float64) [][]float64 {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(dim)))
	starts := make([][]float64, n)
	for i := range starts {
		starts[i] = make([]float64, dim)
		for j := range starts[i] {
			starts[i][j] = half * (2*rng.Float64() - 1)
		}
	}
	return starts
}

// grid are the nine starts of the first table.
func grid() (starts [][]float64) {
	for _, x := range []float64{-0.75, 0.05, 0.75} {
		for _, y := range []float64{-0.75, 0.05, 0.75} {
			starts = append(starts, []float64{x, y})
		}
	}
	return starts
}

// value is f(x).
func value(f function, x []float64) float64 { return f(make([]float64, len(x)), x) }

// run prints the tables.
func run(w io.Writer) error {
	if err := tangleTable(w); err != nil {
		return err
	}
	return ripplesTable(w, 40, 2000)
}

// best returns the rate of k whose ends score best, and the ends. A rate at which a run
// diverges does not count.
func (k walker) best(f function, starts [][]float64, steps int, score func(ends [][]float64) float64) (rate float64, ends [][]float64, err error) {
	top := math.Inf(-1)
	for _, r := range k.rates {
		e, err := k.ends(f, starts, r, steps)
		if diverged := (*vadam.StepError)(nil); errors.As(err, &diverged) {
			continue
		}
		if err != nil {
			return 0, nil, err
		}
		if s := score(e); s > top {
			top, rate, ends = s, r, e
		}
	}
	return rate, ends, nil
}

func tangleTable(w io.Writer) error {
	t := &report.Table{
		Title:   "The function of Casella and Robert, 9 starts, 3000 steps: least is 0",
		Columns: []string{"method", "rate", "median f", "largest f", "f < 0.001", "within 0.05 of (0, 0)"},
		Align:   []report.Align{report.Left, report.Decimal, report.Right, report.Right, report.Right, report.Right},
	}
	for _, k := range walkers(0.1) {
		rate, ends, err := k.best(tangle, grid(), 3000, func(e [][]float64) float64 { return -slices.Max(values(tangle, e)) })
		if err != nil {
			return err
		}
		v := values(tangle, ends)
		slices.Sort(v)
		low, near := 0, 0
		for _, e := range ends {
			if value(tangle, e) < 1e-3 {
				low++
			}
			if math.Hypot(e[0], e[1]) < 0.05 {
				near++
			}
		}
		t.AddRow(k.name, rate, fmt.Sprintf("%.1e", v[4]), fmt.Sprintf("%.1e", v[8]), fmt.Sprintf("%d of 9", low), fmt.Sprintf("%d of 9", near))
	}
	_, err := fmt.Fprintln(w, t)
	return err
}
