// Mixtures fits finite mixtures of normals to three densities in two dimensions that
// no normal distribution comes near, and compares KL(q‖p), integrated over a grid,
// with what the authors of the method reached (Lin, Khan and Schmidt 2019, "Fast and
// simple natural-gradient variational inference with mixture of exponential-family
// approximations"; Lin, Schmidt and Khan 2020, "Handling the positive-definite
// constraint in the Bayesian learning rule").
//
// Of each experiment it runs vi.Fit with nothing set, and with the authors' number
// of draws and a tenth of their steps a schedule of our own; with -full the
// authors' settings, all steps, and their mixture of ten Student-t distributions in 20
// dimensions, which takes some twenty minutes.
//
//	go run ./examples/mixtures
//	go run ./examples/mixtures -only star -full
//	go run ./examples/mixtures -only pictures -pictures docs/img
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/report"
	"gonum.org/v1/gonum/stat"
)

func main() {
	c := config{w: os.Stdout}
	flag.BoolVar(&c.full, "full", false, "all steps, the authors' settings and the target in 20 dimensions as well")
	flag.IntVar(&c.seeds, "seeds", 0, "seeds whose median is shown (default 3, with -full 5)")
	flag.StringVar(&c.only, "only", "", "one of betabinomial, banana, star, student and pictures")
	flag.StringVar(&c.pictures, "pictures", "", "folder for pictures of the fits")
	flag.Parse()
	if err := run(c); err != nil {
		log.Fatal(err)
	}
}

type config struct {
	w              io.Writer
	full           bool
	seeds          int
	only, pictures string
	maxK           int // leaves experiments with more components out; 0 means none
}

// short is the part of the authors' steps that a run without -full takes.
const short = 10

func run(c config) error {
	if c.seeds == 0 {
		c.seeds = 3
		if c.full {
			c.seeds = 5
		}
	}
	known := []string{"", "betabinomial", "banana", "star", "student", "pictures"}
	switch {
	case c.seeds < 1:
		return fmt.Errorf("-seeds is %d, want at least 1", c.seeds)
	case !slices.Contains(known, c.only):
		return fmt.Errorf("-only is %q, want one of %s", c.only, strings.Join(known[1:], ", "))
	case c.only == "pictures" && c.pictures == "":
		return errors.New("-only pictures needs the folder -pictures")
	}
	list := experiments()
	if c.only != "pictures" {
		if err := table(c, list); err != nil {
			return err
		}
	}
	if c.only == "student" || c.only == "" && c.full {
		if err := student(c.w); err != nil {
			return err
		}
	}
	if c.pictures == "" {
		return nil
	}
	return pictures(c, list)
}

// way is one way to fit an experiment. It returns the posterior and the number of
// evaluations of the density.
type way struct {
	name string
	fit  func(e *experiment, seed uint64) (*mixture.Mixture, int, error)
}

// table prints the median KL of the seeds for every experiment.
func table(c config, list []experiment) error {
	steps, part := 1, "the same number of steps"
	if !c.full {
		steps, part = short, "a tenth of the steps"
	}
	ways := []way{
		{"defaults", (*experiment).byDefault},
		{"tuned", func(e *experiment, seed uint64) (*mixture.Mixture, int, error) {
			return e.tunedSteps(seed, e.steps/steps)
		}},
	}
	if c.full {
		ways = append(ways, way{"as published", (*experiment).asPublished})
	}
	t := &report.Table{
		Title:   fmt.Sprintf("KL(q‖p) in nats, median over seeds (%d); tuned: the authors' draws, %s", c.seeds, part),
		Columns: []string{"target", "uses", "K", "reference"},
		Align:   []report.Align{report.Left, report.Left, report.Right, report.Right},
	}
	for _, w := range ways {
		t.Columns = append(t.Columns, w.name, "evaluations")
		t.Align = append(t.Align, report.Right, report.Right)
	}
	for i := range list {
		e := &list[i]
		if c.only != "" && c.only != e.p.name || c.maxK > 0 && e.k > c.maxK {
			continue
		}
		row := []any{e.p.title, e.estimator(), e.k, fmt.Sprintf("%.2g", e.kl)}
		for _, w := range ways {
			kl, evals, err := median(e, w, c.seeds)
			if err != nil {
				return fmt.Errorf("%s, K = %d, %s: %w", e.p.title, e.k, w.name, err)
			}
			row = append(row, fmt.Sprintf("%.2g", kl), evals)
		}
		t.AddRow(row...)
	}
	if len(t.Rows) > 0 {
		fmt.Fprintln(c.w, t)
	}
	return nil
}

// massLoss is how much of a posterior's mass may lie off the grid. What lies there is far
// from the target, so that a KL without it would flatter.
const massLoss = 0.01

// median fits e with the given number of seeds, as many at once as there are
// processors, and returns the median KL and the median number of evaluations.
func median(e *experiment, w way, seeds int) (kl float64, evals int, err error) {
	kls, counts, errs := make([]float64, seeds), make([]float64, seeds), make([]error, seeds)
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for s := range seeds {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			m, n, err := w.fit(e, uint64(s))
			if err != nil {
				errs[s] = err
				return
			}
			mass := 0.0
			kls[s], mass = e.p.grid.KL(m.LogProb)
			counts[s] = float64(n)
			if mass < 1-massLoss {
				errs[s] = fmt.Errorf("seed %d: only %.3g of the posterior lies on the grid", s, mass)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, 0, err
	}
	slices.Sort(kls)
	slices.Sort(counts)
	return stat.Quantile(0.5, stat.Empirical, kls, nil), int(stat.Quantile(0.5, stat.Empirical, counts, nil)), nil
}
