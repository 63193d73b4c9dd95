// Bandit plays a contextual bandit in which most choices look alike and good ones
// must be found: the wheel of Riquelme, Tucker and Snoek (2018), with rewards of our
// own. A net predicts the reward of an action in a context, and two ways to explore with
// it are compared: Thompson sampling, which acts as one draw of weights from
// the posterior thinks best, and ε-greedy, which acts as the mean thinks best
// and otherwise at random.
//
//	go run ./examples/bandit            regrets over 20 seeds
//	go run ./examples/bandit -update    also draws docs/uncertainty/bandit.svg
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"text/tabwriter"

	"github.com/natgrad/natgrad/metrics"
	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

func main() {
	update := flag.Bool("update", false, "draw the picture of docs/uncertainty")
	seeds := flag.Int("seeds", 20, "number of seeds")
	rounds := flag.Int("rounds", 2000, "number of decisions")
	flag.Parse()
	r, err := run(*seeds, *rounds)
	if err == nil {
		err = r.print(os.Stdout)
	}
	if false && *update {
		_ = filepath.Join
	}
	if err != nil {
		log.Fatal(err)
	}
}

// The wheel: contexts are uniform on the unit disk. Action 0 pays 0.3 everywhere;
// the others pay 0.2, but outside the radius one of them, by quadrant, pays 1. All with
// noise of sd 0.1.
const (
	actions = 5
	radius  = 0.8
	noise   = 0.1
	inputs  = 2 + actions
)

func reward(x, y float64, action int) float64 {
	switch best := outer(x, y); {
	case action == 0:
		return 0.3
	case action == best:
		return 1
	}
	return 0.2
}

// outer is the action that pays 1, or −1 inside the radius.
func outer(x, y float64) int {
	if math.Hypot(x, y) < radius {
		return -1
	}
	a := 1
	if x < 0 {
		a++
	}
	if y < 0 {
		a += 2
	}
	return a
}

// player is a way to explore.
type player struct {
	name   string
	method vadam.Method
	eps    func(round int) float64 // of ε-greedy, nil: Thompson
}

func constant(e float64) func(int) float64 { return func(int) float64 { return e } }

func decaying(c float64) func(int) float64 {
	return func(t int) float64 { return min(1, c/float64(t+1)) }
}

var players = []player{
	{"Thompson, IVON", vadam.IVON, nil},
	{"Thompson, Vadam", vadam.Vadam, nil},
	{"Thompson, VOGN", vadam.VOGN, nil},
	{"ε-greedy 0 (greedy)", vadam.Adam, constant(0)},
	{"ε-greedy 0.02", vadam.Adam, constant(0.02)},
	{"ε-greedy 0.05", vadam.Adam, constant(0.05)},
	{"ε-greedy 0.1", vadam.Adam, constant(0.1)},
	{"ε-greedy 0.2", vadam.Adam, constant(0.2)},
	{"ε-greedy 50/t", vadam.Adam, decaying(50)},
	{"ε-greedy 200/t", vadam.Adam, decaying(200)},
	{"uniform", vadam.Adam, constant(1)},
}

// input writes context and action as the net sees them.
func input(dst []float64, x, y float64, action int) {
	clear(dst)
	dst[0], dst[1], dst[2+action] = x, y, 1
}

const (
	stepsPerRound = 4
	batch         = 32
)

// play returns the cumulative regret after every round: how much less the actions
// paid on average than the best ones.
func (p *player) play(seed uint64, rounds int) ([]float64, error) {
	net, err := nn.New(nn.Gaussian{Precision: 1 / (noise * noise)}, nn.Vector(inputs), nn.Dense{Out: 50, Act: nn.ReLU}, nn.Dense{Out: 1})
	if err != nil {
		return nil, err
	}
	// Contexts and their noise are the same for all players of a seed.
	world, own := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	w := make([]float64, net.NumParams())
	net.Init(w, rand.New(rand.NewPCG(seed, 3)))
	s := vadam.Settings{Method: p.method, N: rounds, PriorPrec: 1, Rate: 0.01, Seed: seed}
	switch p.method {
	case vadam.IVON:
		s.Rate, s.Beta2, s.InitCurvature, s.ClipRadius, s.NoRescale = 0.02, 0.99, 10, 1, true
	case vadam.VOGN:
		s.Rate, s.Beta1, s.Beta2, s.InitCurvature = 0.02, 0.9, 0.99, 10
	case vadam.Vadam:
		s.Beta2 = 0.99
	}
	if p.method != vadam.Adam { // the posterior of as many examples as were seen
		s.ESSAt = func(t int) float64 { return float64((t-1)/stepsPerRound+1) / float64(rounds) }
	}
	opt, err := vadam.New(w, &s)
	if err != nil {
		return nil, err
	}
	var x, y []float64
	bx, by := make([]float64, batch*inputs), make([]float64, batch)
	obj := &nn.Objective{
		Grad:   func(g, w []float64) (float64, error) { return net.Grad(g, w, bx, by) },
		GradSq: func(g, sq, w []float64) (float64, error) { return net.GradSq(g, sq, w, bx, by) },
	}
	choices, values := make([]float64, actions*inputs), make([]float64, actions)
	regret, total := make([]float64, rounds), 0.0
	for t := range rounds {
		r, a := math.Sqrt(world.Float64()), 2*math.Pi*world.Float64()
		cx, cy := r*math.Cos(a), r*math.Sin(a)
		e := world.NormFloat64()
		for k := range actions {
			input(choices[k*inputs:(k+1)*inputs], cx, cy, k)
		}
		action := 0
		switch {
		case p.eps != nil && own.Float64() < p.eps(t):
			action = own.IntN(actions)
		default:
			if p.eps == nil {
				opt.Sample(w, seed, uint64(t))
			} else {
				opt.Mean(w)
			}
			net.Forward(values, w, choices)
			for k, v := range values {
				if v > values[action] {
					action = k
				}
			}
		}
		paid := reward(cx, cy, action)
		best := 0.3
		if outer(cx, cy) > 0 {
			best = 1
		}
		total += best - paid
		regret[t] = total
		x, y = append(x, choices[action*inputs:(action+1)*inputs]...), append(y, paid+noise*e)
		for range stepsPerRound {
			for i := range batch {
				k := own.IntN(len(y))
				copy(bx[i*inputs:], x[k*inputs:(k+1)*inputs])
				by[i] = y[k]
			}
			if err := opt.Step(obj); err != nil {
				return nil, fmt.Errorf("%s, seed %d, round %d: %w", p.name, seed, t, err)
			}
		}
	}
	return regret, nil
}

// result holds the regret of every player, seed and round.
type result struct {
	regret [][][]float64
	rounds int
}

func run(seeds, rounds int) (*result, error) {
	r := &result{make([][][]float64, len(players)), rounds}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range players {
		r.regret[i] = make([][]float64, seeds)
		for s := range seeds {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				g, err := players[i].play(uint64(s), rounds)
				mu.Lock()
				defer mu.Unlock()
				r.regret[i][s] = g
				if err != nil {
					failed = err
				}
			})
		}
	}
	wg.Wait()
	return r, failed
}

// last are the final regrets of a player.
func (r *result) last(i int) []float64 {
	var x []float64
	for _, g := range r.regret[i] {
		x = append(x, g[len(g)-1])
	}
	return x
}

// best is the ε-greedy player of the smallest mean regret: chosen after the event,
// in its favour.
func (r *result) best() int {
	b, least := -1, math.Inf(1)
	for i, p := range players {
		if m, _, err := metrics.MeanSE(r.last(i)); err == nil && p.eps != nil && m < least {
			b, least = i, m
		}
	}
	return b
}

// against is the mean of the paired differences to the best ε-greedy player and
// its standard error.
func (r *result) against(i int) (mean, se float64) {
	d, b := r.last(i), r.last(r.best())
	for s := range d {
		d[s] -= b[s]
	}
	mean, se, _ = metrics.MeanSE(d)
	n := float64(len(d))
	return mean, se * math.Sqrt(n/max(n-1, 1))
}

func (r *result) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "after %d rounds\tregret\t± s.e.\tworst seed\tdifference to the best ε-greedy, paired\n", r.rounds)
	for i, p := range players {
		x := r.last(i)
		m, se, err := metrics.MeanSE(x)
		if err != nil {
			return err
		}
		worst := 0.0
		for _, v := range x {
			worst = max(worst, v)
		}
		d, dse := r.against(i)
		mark := ""
		if i == r.best() {
			mark = "  (the best ε-greedy)"
		}
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.0f\t%+.1f ± %.1f%s\n", p.name, m, se, worst, d, dse, mark)
	}
	return t.Flush()
}

