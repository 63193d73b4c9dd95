// Deepsea is a task in which exploring at random does not do: a reward at the end of
// ten right moves in a row, out of 2¹⁰ dives, each of which costs a little on the way. A
// linear net on cells learns the values of moves, and two ways to explore with it are
// compared:
//
//   - Thompson sampling: a dive follows one draw of weights from the posterior
//     of package vadam, so that what was seldom tried is tried on purpose, to the end;
//   - ε-greedy: a move follows the mean, or with probability ε a coin, for constant and
//     falling ε, the best of which is chosen after the event.
//
// The task is the "deep sea" of Osband et al. (2019), "Deep exploration via randomized
// value functions".
//
//	go run ./examples/deepsea                      # regrets over 20 seeds
//	go run ./examples/deepsea -pictures docs/img   # deepsea.svg
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"runtime"
	"sync"

	"github.com/natgrad/natgrad/metrics"
	"github.com/natgrad/natgrad/report"
)

func main() {
	pictures := flag.String("pictures", "", "folder for pictures")
	seeds := flag.Int("seeds", 20, "number of seeds")
	dives := flag.Int("dives", 1000, "number of dives")
	flag.Parse()
	r, err := run(*seeds, *dives)
	switch {
	case err != nil:
	case *pictures != "":
		err = r.savePicture(*pictures)
	default:
		err = r.print(os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// result holds the regrets of every agent and seed after every dive.
type result struct {
	regret [][][]float64
	seeds  int
	dives  int
}

// run plays all agents in the same seas.
func run(seeds, dives int) (*result, error) {
	r := &result{make([][][]float64, len(agents)), seeds, dives}
	errs := make([]error, len(agents)*seeds)
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, a := range agents {
		r.regret[i] = make([][]float64, seeds)
		for s := range seeds {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				r.regret[i][s], errs[i*seeds+s] = a.play(dives, uint64(1000+s))
			})
		}
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// after are the regrets of an agent after a number of dives, one a seed.
func (r *result) after(agent, dives int) []float64 {
	x := make([]float64, r.seeds)
	for s, g := range r.regret[agent] {
		x[s] = g[dives-1]
	}
	return x
}

// meanSE is the mean of x and its standard error, with n − 1.
func meanSE(x []float64) (mean, se float64) {
	mean, se, err := metrics.MeanSE(x)
	if err != nil {
		panic(err) // regrets are finite
	}
	n := float64(len(x))
	return mean, se * math.Sqrt(n/(n-1))
}

// best is the ε-greedy agent of the least mean regret at the end.
func (r *result) best() int {
	b, least := -1, math.Inf(1)
	for i, a := range agents {
		if m, _ := meanSE(r.after(i, r.dives)); a.eps != nil && m < least {
			b, least = i, m
		}
	}
	return b
}

// against is the mean, over seas, of how much more regret an agent has at the end than the
// best ε-greedy one, and its standard error.
func (r *result) against(i int) (mean, se float64) {
	d, b := r.after(i, r.dives), r.after(r.best(), r.dives)
	for s := range d {
		d[s] -= b[s]
	}
	return meanSE(d)
}

func (r *result) print(w io.Writer) error {
	half := r.dives / 2
	t := &report.Table{
		Title:   fmt.Sprintf("Regret in the deep sea, depth %d, mean of %d seas ± standard error; a dive has at most %.2f", depth, r.seeds, best),
		Columns: []string{"agent", fmt.Sprintf("after %d dives", half), fmt.Sprintf("after %d", r.dives), "worst sea", "more than the best ε, paired"},
		Align:   []report.Align{report.Left, report.Right, report.Right, report.Right, report.Right},
	}
	for i, a := range agents {
		m1, s1 := meanSE(r.after(i, half))
		m2, s2 := meanSE(r.after(i, r.dives))
		worst := 0.0
		for _, x := range r.after(i, r.dives) {
			worst = max(worst, x)
		}
		last := "the best ε"
		if i != r.best() {
			m, s := r.against(i)
			last = fmt.Sprintf("%+.0f ± %.0f", m, s)
		}
		t.AddRow(a.name, fmt.Sprintf("%.0f ± %.0f", m1, s1), fmt.Sprintf("%.0f ± %.0f", m2, s2), fmt.Sprintf("%.0f", worst), last)
	}
	_, err := fmt.Fprint(w, t)
	return err
}
