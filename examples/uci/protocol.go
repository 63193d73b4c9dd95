package main

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

// method is a column of the table.
type method struct {
	name    string
	kind    vadam.Method
	members int
	like    string // takes the choice of this method
	student bool   // noise of Student's distribution: scale and degrees of freedom are searched
	joint   bool   // is chosen by the joint log-likelihood
	box     []axis
	rescale bool // the noise precision of predictions is chosen anew
	spread  bool // the first points of the search are spread evenly
	first   int  // evaluations before those by expected improvement
	evals   int
}

// axis is a hyper-parameter on a logarithmic scale (natural logarithms).
type axis struct {
	set    func(c *config, v float64)
	lo, hi float64
}

var (
	setTau    = func(c *config, v float64) { c.tau = v }
	setLambda = func(c *config, v float64) { c.lambda = v }
	setCold   = func(c *config, v float64) { c.cold = v }
	setRate   = func(c *config, v float64) { c.rate = v }
)

var ours = []axis{{setTau, -1, 8}, {setLambda, -4, 6}, {setCold, 0, 5}, {setRate, math.Log(0.02), math.Log(0.3)}}

// tails: the noise precision is searched as a multiple of that with normal noise.
var tails = []axis{{func(c *config, v float64) { c.tau *= v }, -1, 3}, {func(c *config, v float64) { c.df = v }, 1, 4}}

// methods in the order of the table. Vadam is run as in the paper (Khan et al.
// 2018, appendix J, and their code), but for rescale; a mixture takes the choice of its
// single run.
var methods = []method{
	{name: "Vadam", kind: vadam.Vadam, joint: true, box: []axis{{setTau, 0, 5}, {setLambda, -4, 4}}, rescale: true, spread: true, first: 16, evals: 30},
	{name: "VOGN", kind: vadam.VOGN, box: ours, first: 8, evals: 24},
	{name: "IVON", kind: vadam.IVON, box: ours, first: 8, evals: 24},
	{name: "5×IVON", kind: vadam.IVON, members: 5, like: "IVON"},
	{name: "net", kind: vadam.Adam, box: []axis{{setTau, -1, 8}, {setLambda, -4, 6}}, spread: true, first: 8, evals: 14},
	{name: "5×net", kind: vadam.Adam, members: 5, like: "net"},
	{name: "IVON-t", kind: vadam.IVON, like: "IVON", student: true, box: tails, spread: true, first: 8, evals: 12},
	{name: "5×IVON-t", kind: vadam.IVON, members: 5, like: "IVON-t"},
	{name: "net-t", kind: vadam.Adam, like: "net", student: true, box: tails, spread: true, first: 8, evals: 12},
	{name: "5×net-t", kind: vadam.Adam, members: 5, like: "net-t"},
}

// large sets have more than 1400 training rows: the paper's choice.
func large(rows int) bool { return rows > 1400 }

// base is what is fixed before the search.
func (m *method) base(rows int, seed uint64) config {
	c := config{method: m.kind, members: m.members, cold: 1, draws: 1, rate: 0.01, epochs: 300, batch: 32, seed: seed}
	if large(rows) {
		c.epochs, c.batch = 150, 128
	}
	if m.kind == vadam.Vadam {
		c.epochs, c.draws = 40, 10
		if large(rows) {
			c.draws = 5
		}
	}
	return c
}

// plan is the number of inner folds, of those that are run, and of evaluations.
func (m *method) plan(rows int) (folds, run, evals int) {
	switch {
	case m.kind == vadam.Vadam && large(rows):
		return 5, 2, 16
	case m.kind == vadam.Vadam:
		return 5, 5, m.evals
	case large(rows):
		return 5, 1, m.evals
	}
	return 3, 3, m.evals
}

// choice are the searched hyper-parameters. Predict times Tau is the noise
// precision of predictions.
type choice struct {
	Tau, Lambda, Cold, Rate, Predict float64
	DF                               float64 `json:",omitempty"`
}

func (c choice) apply(to *config) {
	to.tau, to.lambda, to.cold, to.rate, to.df = c.Tau, c.Lambda, c.Cold, c.Rate, c.DF
}

// rescales are the factors among which a noise precision is chosen anew.
var rescales = []float64{1, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.2, 1.5, 2}

// choose searches on the training part alone: the mean log-likelihood of rows of
// it that were left out, which are put into standard units with the rows that
// were not. The search changes from, another method's choice, where it has one.
func (m *method) choose(ctx context.Context, train *part, set string, seed uint64, from choice) (choice, error) {
	rng := rand.New(rand.NewPCG(seed, 77))
	raw, order := train.raw(), rng.Perm(train.rows)
	folds, run, evals := m.plan(train.rows)
	type inner struct {
		p    *part
		test *nn.Data
	}
	var in []inner
	for k := range run {
		lo, hi := k*train.rows/folds, (k+1)*train.rows/folds
		p, test := standardise(raw.Subset(append(append([]int(nil), order[:lo]...), order[hi:]...)), raw.Subset(order[lo:hi]))
		in = append(in, inner{p, test})
	}
	box := append([]axis(nil), m.box...)
	if m.joint && (set == "naval" || set == "powerplant") {
		box = []axis{{setTau, 1, 5}, {setLambda, -3, 4}}
	}
	at := func(u []float64) config {
		c := m.base(train.rows, seed)
		if m.like != "" {
			from.apply(&c)
		}
		for i, a := range box {
			a.set(&c, math.Exp(a.lo+(a.hi-a.lo)*u[i]))
		}
		return c
	}
	best, scale := math.Inf(-1), 1.0
	u, err := search(len(box), m.first, evals, m.spread, rng, func(u []float64) (float64, error) {
		sums := make([]float64, len(rescales))
		for _, f := range in {
			p, err := fit(ctx, f.p, at(u))
			if err != nil {
				if ctx.Err() != nil {
					return 0, ctx.Err()
				}
				return math.Inf(-1), nil // diverged: the worst choice
			}
			tau := p.tau
			for i, r := range rescales {
				if r != 1 && !m.rescale {
					continue
				}
				p.tau = tau * r
				s, err := p.score(f.p.sy, f.test.X, f.test.Y, 50, seed)
				if err != nil {
					return math.Inf(-1), nil
				}
				if m.joint {
					sums[i] += s.Joint / float64(len(in))
				} else {
					sums[i] += s.Pointwise / float64(len(in))
				}
			}
		}
		value := math.Inf(-1)
		for i, r := range rescales {
			if (r == 1 || m.rescale) && sums[i] > value {
				value = sums[i]
				if value > best {
					best, scale = value, r
				}
			}
		}
		return value, nil
	})
	if err != nil {
		return choice{}, err
	}
	c := at(u)
	return choice{c.tau, c.lambda, c.cold, c.rate, scale, c.df}, nil
}
