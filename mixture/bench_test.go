package mixture_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
)

// BenchmarkRules counts the evaluations of the target that natural-gradient steps and
// black-box ones (Adam on means, covariance roots and log-odds) need to a
// given KL(q‖p): the median of five seeds, +Inf if it is not among the steps allowed.
// Both see the same start, the same estimates and the same number of draws, at the
// published constant rate (the first one) and at three larger ones, and have the
// Hessian or not as the published runs.
//
// Each sub-benchmark takes 1 to 20 s: run one at a time,
//
//	go test ./mixture -run '^$' -bench Rules/star -benchtime 1x
func BenchmarkRules(b *testing.B) {
	const seeds = 5
	for _, c := range []struct {
		name         string
		target       *vi.Target
		lo, hi       [2]float64
		k            int
		draws, steps int
		hess         bool
		rates        map[mixture.Rule][]float64
		levels       [2]float64
	}{
		{"beta-binomial", targets.CancerBetaBinomial(), [2]float64{-10, -8}, [2]float64{8, 24}, 3, 6, 20000, true,
			map[mixture.Rule][]float64{mixture.IBLR: {8e-4, 0.01, 0.03, 0.1}, mixture.Adam: {8e-4, 0.01, 0.03, 0.1}}, [2]float64{0.1, 0.02}},
		{"double-banana", targets.DoubleBanana(math.Log(30), 1, 0.09), [2]float64{-4, -4}, [2]float64{4, 5}, 10, 50, 10000, false,
			map[mixture.Rule][]float64{mixture.IBLR: {0.0015, 0.005, 0.02, 0.05}, mixture.Adam: {0.0015, 0.005, 0.02, 0.05}}, [2]float64{0.6, 0.2}},
		{"star", targets.Star(), [2]float64{-6, -6}, [2]float64{6, 6}, 10, 50, 4000, false,
			map[mixture.Rule][]float64{mixture.IBLR: {0.01, 0.03, 0.1, 0.2}, mixture.Adam: {0.01, 0.03, 0.1, 0.2}}, [2]float64{0.1, 0.02}},
	} {
		grid := targets.NewGrid(c.target, c.lo, c.hi, 160)
		t := *c.target
		if !c.hess {
			t.Hess = nil
		}
		for _, rule := range []mixture.Rule{mixture.IBLR, mixture.Adam} {
			for _, rate := range c.rates[rule] {
				b.Run(fmt.Sprintf("%s/%v/rate=%v", c.name, rule, rate), func(b *testing.B) {
					for b.Loop() {
						var evals [2][]float64
						for seed := range uint64(seeds) {
							m := randomStart(b, c.k, seed)
							if err := m.SetOptions(mixture.Options{Rule: rule, WeightRate: 0.05}); err != nil {
								b.Fatal(err)
							}
							e, err := vi.New(m, &t, &vi.Settings{Seed: seed, Plain: true, Rate: vi.Constant(rate), Iterations: c.steps, Draws: c.draws, Diagnostics: -1})
							if err != nil {
								b.Fatal(err)
							}
							for i, n := range stepsTo(e, m, grid, c.levels) {
								evals[i] = append(evals[i], n*float64(c.draws))
							}
						}
						for i, v := range evals {
							slices.Sort(v)
							b.ReportMetric(v[seeds/2], fmt.Sprintf("evals-to-%v", c.levels[i]))
						}
					}
				})
			}
		}
	}
}

// randomStart returns normals of covariance I around draws of N(0, I), the published start.
func randomStart(b *testing.B, k int, seed uint64) *mixture.Mixture {
	rng := rand.New(rand.NewPCG(seed, 1))
	comps := make([]mixture.Component, k)
	for c := range comps {
		n := expfam.StandardNormal(2)
		eta := n.Natural(nil)
		eta[0], eta[1] = rng.NormFloat64(), rng.NormFloat64()
		if err := n.SetNatural(eta); err != nil {
			b.Fatal(err)
		}
		comps[c] = n
	}
	m, err := mixture.New(nil, comps...)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// stepsTo runs e and returns the steps after which KL(q‖p) was at most each of the
// levels, the last one the lowest; looked at every tenth of the way, a run
// that fails stays where it is.
func stepsTo(e *vi.Engine, m *mixture.Mixture, grid *targets.Grid, levels [2]float64) [2]float64 {
	out := [2]float64{math.Inf(1), math.Inf(1)}
	for next := 20.0; e.Status() == vi.Running && math.IsInf(out[1], 1); {
		if _, err := e.Step(); err != nil {
			break
		}
		if float64(e.Iterations()) < next {
			continue
		}
		next = math.Ceil(1.1 * next)
		kl, mass := grid.KL(m.LogProb)
		for i, level := range levels {
			if math.IsInf(out[i], 1) && kl <= level && mass > 0.99 {
				out[i] = float64(e.Iterations())
			}
		}
	}
	return out
}
