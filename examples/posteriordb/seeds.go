package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/ladder"
	"github.com/natgrad/natgrad/vi"
)

// Distance in nats from the optimum of a family that a fit may keep, and the Monte
// Carlo error from which on a difference says nothing.
const (
	optimumLimit = 0.02
	noise        = 0.1
)

// reached is how fits of one family from dispersed starts end.
type reached struct {
	inside, failed int
	worst          float64 // difference of the ELBO from the optimum
	gradients      []float64
}

// add judges a fit: within the limit and two Monte Carlo errors of both figures.
func (r *reached) add(fit *vi.Result, best gaussian, n *calls) {
	r.gradients = append(r.gradients, float64(n.gradients))
	if fit == nil || math.IsNaN(fit.ELBO) {
		r.failed++
		return
	}
	diff := fit.ELBO - best.ELBO
	if math.Abs(diff) > math.Abs(r.worst) {
		r.worst = diff
	}
	if err := math.Hypot(fit.ELBOErr, best.ELBOErr); err < noise && math.Abs(diff) <= optimumLimit+2*err {
		r.inside++
	}
}

// dispersed fits the mean-field and the full normal from n starts drawn from
// Normal(0, 2²).
func (c *loaded) dispersed(ctx context.Context, n int) (diagonal, full reached, err error) {
	d := c.model.Dim()
	for seed := range n {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		start := make([]float64, d)
		for i := range start {
			start[i] = 2 * rng.NormFloat64()
		}
		var count, before calls
		target := counted(c.model.Target(), &count)
		var rungs []ladder.Rung
		for _, r := range ladder.Default(target, start, uint64(seed)) {
			if r.Name == "diagonal" || r.Name == "full" {
				rungs = append(rungs, r)
			}
		}
		var tried []ladder.Try
		for _, r := range rungs {
			before = count
			q, rungErr := r.New(tried)
			try := ladder.Try{Name: r.Name, Err: rungErr}
			if rungErr == nil {
				try.Fit, try.Err = vi.Fit(ctx, q, target, &vi.Settings{Seed: uint64(seed), Diagnostics: 10000})
			}
			if ctx.Err() != nil {
				return diagonal, full, ctx.Err()
			}
			if try.Err != nil {
				try.Fit = nil
			} else {
				tried = append(tried, try)
			}
			used := calls{gradients: count.gradients - before.gradients}
			if r.Name == "full" {
				full.add(try.Fit, c.ref.GaussianVI.FullRank, &count)
			} else {
				diagonal.add(try.Fit, c.ref.GaussianVI.MeanField, &used)
			}
		}
	}
	return diagonal, full, nil
}

// optima is the table of fits from dispersed starts.
func optima(ctx context.Context, cases []*loaded, n int, progress func(string)) (string, error) {
	t := &table{head: "| posterior | mean-field: inside | failed | worst difference | median gradients | full: inside | failed | worst difference | median gradients |"}
	all := [2]int{}
	for _, c := range cases {
		diagonal, full, err := c.dispersed(ctx, n)
		if err != nil {
			return "", fmt.Errorf("%s: %w", c.name, err)
		}
		t.add("| %s | %d | %d | %+.2g | %.0f | %d | %d | %+.2g | %.0f |", c.name,
			diagonal.inside, diagonal.failed, diagonal.worst, median(diagonal.gradients),
			full.inside, full.failed, full.worst, median(full.gradients))
		for i, r := range []reached{diagonal, full} {
			if r.inside == n {
				all[i]++
			}
		}
		progress(t.rows[len(t.rows)-1])
	}
	return fmt.Sprintf("%s\n%d starts from Normal(0, 2²) each. All inside %.2f nats: mean-field %d, full %d of %d posteriors.\n", t, n, optimumLimit, all[0], all[1], len(cases)), nil
}
