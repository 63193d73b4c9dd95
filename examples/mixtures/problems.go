package main

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/mat"
)

// problem is a density in two dimensions and a box that holds it.
type problem struct {
	name   string
	title  string
	target *vi.Target
	lo, hi [2]float64
	grid   *targets.Grid
}

func newProblem(name, title string, t *vi.Target, lo, hi [2]float64) *problem {
	return &problem{name, title, t, lo, hi, targets.NewGrid(t, lo, hi, 400)}
}

func problems() (betaBinomial, banana, star *problem) {
	return newProblem("betabinomial", "beta-binomial", targets.CancerBetaBinomial(), [2]float64{-9, 2}, [2]float64{-5, 24}),
		newProblem("banana", "double banana", targets.DoubleBanana(math.Log(30), 1, 0.09), [2]float64{-2.5, -2}, [2]float64{2.5, 3}),
		newProblem("star", "star", targets.Star(), [2]float64{-6, -6}, [2]float64{6, 6})
}

// experiment is a setting of the authors' code (Lin, Khan and Schmidt 2019; Lin,
// Schmidt and Khan 2020) and the KL(q‖p) that a run with it reached.
type experiment struct {
	p             *problem
	k             int
	kl            float64
	hess          bool
	rule          mixture.Rule
	rate          float64
	weights, pull float64 // ρ_w, and R of mixture.Options.EntropyPull
	draws, steps  int
	tuned         float64 // the rate with which our own run begins
}

func (e *experiment) estimator() string {
	if e.hess {
		return "Hessian"
	}
	return "gradient"
}

// target is the density with the derivatives that the experiment uses.
func (e *experiment) target() *vi.Target {
	t := *e.p.target
	if !e.hess {
		t.Hess = nil
	}
	return &t
}

func experiments() (list []experiment) {
	bb, banana, star := problems()
	for _, e := range []struct {
		k  int
		kl float64
	}{{1, 0.128}, {2, 0.035}, {3, 0.017}, {4, 0.011}, {6, 0.0062}, {8, 0.0079}} {
		list = append(list, experiment{bb, e.k, e.kl, true, mixture.BLR, 8e-4, 0.01, 5e5, 2 * e.k, 50000, 0.1})
	}
	for _, e := range []struct {
		k  int
		kl float64
	}{{1, 1.72}, {3, 0.84}, {5, 0.41}, {10, 0.14}} {
		list = append(list, experiment{banana, e.k, e.kl, false, mixture.IBLR, 0.0015, 0.01, 0, 50, 20000, 0.01})
	}
	return append(list,
		experiment{banana, 10, 0.111, true, mixture.IBLR, 0.003, 0.01, 0, 100, 20000, 0.01},
		experiment{star, 10, 0.005, false, mixture.IBLR, 0.01, 0.05, 0, 50, 10000, 0.2},
		experiment{star, 10, 1e-4, true, mixture.IBLR, 0.01, 0.05, 0, 50, 10000, 0.2})
}

// asPublished fits with the authors' settings from their start.
func (e *experiment) asPublished(seed uint64) (*mixture.Mixture, int, error) {
	m, err := spread(2, e.k, seed)
	if err != nil {
		return nil, 0, err
	}
	o := mixture.Options{Rule: e.rule, WeightRate: e.weights, EntropyPull: e.pull, NoBaseline: true, HessEntropy: true}
	if err := m.SetOptions(o); err != nil {
		return nil, 0, err
	}
	r, err := vi.Fit(context.Background(), m, e.target(), &vi.Settings{
		Seed: seed, Plain: true, Rate: vi.Constant(e.rate), Iterations: e.steps, Draws: e.draws, Diagnostics: -1,
	})
	if err != nil {
		return nil, 0, err
	}
	return m, r.Evaluations, nil
}

// start returns where our own fits begin. The beta-binomial has one mode, far from
// the origin: a normal that was fitted to it says where. The others have several, and
// N(0, I) is as wide as they are.
func (e *experiment) start(seed, scout uint64) (m *mixture.Mixture, evals int, err error) {
	n := expfam.StandardNormal(2)
	if e.p.name == "betabinomial" {
		r, err := vi.Fit(context.Background(), n, e.target(), &vi.Settings{Seed: seed, Diagnostics: -1})
		if err != nil {
			return nil, 0, err
		}
		evals = r.Evaluations
	}
	return mixture.Split(n, e.k, rand.New(rand.NewPCG(seed, 1+scout))), evals, nil
}

// byDefault is vi.Fit with nothing set.
func (e *experiment) byDefault(seed uint64) (*mixture.Mixture, int, error) {
	m, evals, err := e.start(seed, 0)
	if err != nil {
		return nil, 0, err
	}
	r, err := vi.Fit(context.Background(), m, e.target(), &vi.Settings{Seed: seed, Diagnostics: -1})
	if err != nil {
		return nil, 0, err
	}
	return m, evals + r.Evaluations, nil
}

// scouts is the number of starts of a tuned run, scouting the share of all steps
// that they take together.
const (
	scouts   = 5
	scouting = 0.25
)

// tunedSteps spends the given number of steps, with the authors' number of draws each, as we
// would: short runs from several starts, of which the one with the highest ELBO
// goes on, at a rate that falls to zero in the second half. A mixture has many local
// optima, and none of them is left once the rate is small.
func (e *experiment) tunedSteps(seed uint64, steps int) (best *mixture.Mixture, evals int, err error) {
	s := &vi.Settings{Plain: true, Draws: e.draws, Diagnostics: -1, Rate: vi.Constant(e.tuned), Iterations: max(1, int(scouting*float64(steps))/scouts)}
	top := math.Inf(-1)
	for scout := range uint64(scouts) {
		m, n, err := e.start(seed, scout)
		if err != nil {
			return nil, 0, err
		}
		if err := m.SetOptions(mixture.Options{Rule: mixture.IBLR, WeightRate: 0.05}); err != nil {
			return nil, 0, err
		}
		s.Seed = seed + scout<<32
		r, err := vi.Fit(context.Background(), m, e.target(), s)
		if err != nil {
			return nil, 0, err
		}
		if scout == 0 {
			evals += n // the normal is fitted once
		}
		evals += r.Evaluations
		elbo, late := 0.0, r.Trace[len(r.Trace)/2:]
		for _, rec := range late {
			elbo += rec.ELBO / float64(len(late))
		}
		if elbo > top {
			best, top = m, elbo
		}
	}
	s.Seed = seed + scouts<<32
	s.Iterations = steps - scouts*s.Iterations
	half := float64(s.Iterations) / 2
	s.Rate = func(t int) float64 { return e.tuned * math.Min(1, 2-float64(t)/half) }
	r, err := vi.Fit(context.Background(), best, e.target(), s)
	if err != nil {
		return nil, 0, err
	}
	return best, evals + r.Evaluations, nil
}

// spread returns k normals of covariance I around draws of N(0, I).
func spread(d, k int, seed uint64) (*mixture.Mixture, error) {
	return scattered(d, k, 1, 1, seed)
}

// scattered returns k normals of precision prec·I around draws of N(0, sd² I).
func scattered(d, k int, sd, prec float64, seed uint64) (*mixture.Mixture, error) {
	rng := rand.New(rand.NewPCG(seed, 1))
	comps := make([]mixture.Component, k)
	for c := range comps {
		mu, p := make([]float64, d), mat.NewSymDense(d, nil)
		for i := range mu {
			mu[i] = sd * rng.NormFloat64()
			p.SetSym(i, i, prec)
		}
		q, err := expfam.NewNormalPrecision(mu, p)
		if err != nil {
			return nil, err
		}
		comps[c] = q
	}
	return mixture.New(nil, comps...)
}
