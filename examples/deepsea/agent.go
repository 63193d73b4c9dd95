package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

// The sea: n rows of n columns. A dive begins at the top left and goes down a row a move, by
// one of two actions to the right and by the other to the left; which does which differs
// from cell to cell. A move to the right costs price/n, and one from the last cell of
// the diagonal earns 1: the best dive goes right throughout.
const (
	depth = 10
	price = 0.01
	best  = 1 - price // what the best dive pays
)

// move is one move of a dive; next is the cell after it, −1 at the end.
type move struct {
	cell, action, next int
	reward             float64
}

// agent is a way to explore: Thompson sampling with a method, or ε-greedy with Adam.
type agent struct {
	name string
	vadam.Settings
	eps func(dive int) float64 // nil: Thompson
}

// noise is the sd of the likelihood of values, and so the scale of the posterior.
const noise = 0.03

func thompson(name string, s vadam.Settings) agent {
	// The posterior of as many moves as were made: N is the number in a dive.
	s.N, s.PriorPrec, s.ESSAt = depth, 1, func(t int) float64 { return float64((t-1)/stepsPerDive + 1) }
	return agent{name, s, nil}
}

func greedy(name string, rate float64, eps func(dive int) float64) agent {
	return agent{name, vadam.Settings{Method: vadam.Adam, N: depth, PriorPrec: vadam.Zero, Rate: rate}, eps}
}

func constant(e float64) func(int) float64 { return func(int) float64 { return e } }

func decaying(c float64) func(int) float64 {
	return func(t int) float64 { return min(1, c/float64(t+1)) }
}

func falling(dives float64) func(int) float64 {
	return func(t int) float64 { return max(0, 1-float64(t)/dives) }
}

// The rates are the best of 0.005, 0.01, 0.02 and 0.04 for Vadam and for ε-greedy in other seas.
var agents = []agent{
	thompson("Thompson, Vadam", vadam.Settings{Method: vadam.Vadam, Rate: 0.01, Beta2: 0.98}),
	thompson("Thompson, VON", vadam.Settings{Method: vadam.VON, Rate: 0.05, Beta1: 0.9, Beta2: 0.99, InitCurvature: vadam.Zero}),
	greedy("ε = 0", 0.01, constant(0)),
	greedy("ε = 0.01", 0.01, constant(0.01)),
	greedy("ε = 0.02", 0.01, constant(0.02)),
	greedy("ε = 0.02, rate 0.005", 0.005, constant(0.02)),
	greedy("ε = 0.05", 0.01, constant(0.05)),
	greedy("ε = 0.1", 0.01, constant(0.1)),
	greedy("ε = min(1, 3/t)", 0.01, decaying(3)),
	greedy("ε = min(1, 10/t)", 0.01, decaying(10)),
	greedy("ε = min(1, 10/t), rate 0.005", 0.005, decaying(10)),
	greedy("ε = min(1, 30/t)", 0.01, decaying(30)),
	greedy("ε = max(0, 1 − t/200)", 0.01, falling(200)),
	greedy("at random", 0.01, constant(1)),
}

const (
	stepsPerDive = 20
	batch        = 64
	inputs       = 2 * depth * depth // a cell and an action, one hot
)

// learner holds the moves made so far, as the regression of the value of a move on
// reward plus the value of the best next one: with the weights that are being asked about, so that
// a perturbed net is consistent with itself.
type learner struct {
	net   *nn.Net
	moves []move
	picks [batch]int
	x, y  []float64
}

func (l *learner) fill(w []float64) {
	clear(l.x)
	for i, k := range l.picks {
		m := l.moves[k]
		l.x[i*inputs+2*m.cell+m.action] = 1
		l.y[i] = m.reward
		if m.next >= 0 {
			l.y[i] += max(w[2*m.next], w[2*m.next+1]) + w[inputs]
		}
	}
}

// objective gives the gradients of a minibatch of moves.
func (l *learner) objective() *nn.Objective {
	return &nn.Objective{
		Grad: func(g, w []float64) (float64, error) {
			l.fill(w)
			return l.net.Grad(g, w, l.x, l.y)
		},
		GradHess: func(g, h, w []float64) (float64, error) {
			l.fill(w)
			return l.net.GradHess(g, h, w, l.x, l.y)
		},
	}
}

// play dives and returns the sum of regrets, best minus what a dive paid, after every dive.
func (a agent) play(dives int, seed uint64) ([]float64, error) {
	net, err := nn.New(nn.Gaussian{Precision: 1 / (noise * noise)}, nn.Vector(inputs), nn.Dense{Out: 1})
	if err != nil {
		return nil, err
	}
	sea, own := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	var right [depth * depth]int
	for i := range right {
		right[i] = sea.IntN(2)
	}
	s := a.Settings
	s.Seed = seed
	w := make([]float64, net.NumParams())
	opt, err := vadam.New(w, &s)
	if err != nil {
		return nil, err
	}
	l := &learner{net: net, x: make([]float64, batch*inputs), y: make([]float64, batch)}
	obj := l.objective()
	regret, sum := make([]float64, dives), 0.0
	for d := range dives {
		if a.eps == nil {
			opt.Sample(w, seed, uint64(d)) // one draw for the whole dive
		} else {
			opt.Mean(w)
		}
		sum += best
		for row, col := 0, 0; row < depth; row++ {
			m := move{cell: row*depth + col, next: -1}
			switch gain := w[2*m.cell+1] - w[2*m.cell]; {
			case a.eps != nil && own.Float64() < a.eps(d), gain == 0:
				m.action = own.IntN(2)
			case gain > 0:
				m.action = 1
			}
			if m.action == right[m.cell] {
				m.reward = -price / depth
				if row == depth-1 && col == depth-1 {
					m.reward++
				}
				col = min(col+1, depth-1)
			} else {
				col = max(col-1, 0)
			}
			if row < depth-1 {
				m.next = (row+1)*depth + col
			}
			sum -= m.reward
			l.moves = append(l.moves, m)
		}
		regret[d] = sum
		for range stepsPerDive {
			for i := range l.picks {
				l.picks[i] = own.IntN(len(l.moves))
			}
			if err := opt.Step(obj); err != nil {
				return nil, fmt.Errorf("%s, seed %d, dive %d: %w", a.name, seed, d, err)
			}
		}
	}
	return regret, nil
}
