package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"github.com/natgrad/natgrad/ladder"
	"github.com/natgrad/natgrad/model"
	"github.com/natgrad/natgrad/vi"
)

// Limits of the acceptance: largest error of a mean in reference sds, and of the ratio of
// sds from 1.
const (
	meanLimit  = 0.15
	ratioLimit = 0.15
)

// score is one row of the scoreboard.
type score struct {
	name string
	dim  int
	post *model.Posterior
	// Errors of means in reference sds and ratios of sds, over all parameters on the
	// natural and all on the unconstrained scale; the worst natural one besides.
	errors, ratios []float64
	natural        float64
	// KL(q‖posterior) of the fit before the importance weights, with its standard error.
	kl, klErr float64
	gaussian  gaussian // the best normal of full rank
	calls     calls
	seconds   float64 // of the processor
}

// calls counts evaluations: densities alone, gradients, of which a Hessian-vector product
// is worth one and a Hessian Dim + 1.
type calls struct{ densities, gradients int64 }

// counted returns the target with every call counted.
func counted(t *vi.Target, n *calls) *vi.Target {
	c := *t
	c.LogProb = func(x []float64) float64 {
		atomic.AddInt64(&n.densities, 1)
		return t.LogProb(x)
	}
	c.Grad = func(dst, x []float64) float64 {
		atomic.AddInt64(&n.gradients, 1)
		return t.Grad(dst, x)
	}
	c.HessVec = func(dst, x, v []float64) {
		atomic.AddInt64(&n.gradients, 1)
		t.HessVec(dst, x, v)
	}
	return &c
}

// fit does what model.Model.Fit does with nil settings, on a counted target.
func (c *loaded) fit(ctx context.Context, n *calls) (*model.Posterior, error) {
	start, err := c.model.Start()
	if err != nil {
		return nil, err
	}
	res, err := ladder.Fit(ctx, counted(c.model.Target(), n), &ladder.Settings{Start: start})
	if err != nil {
		return nil, err
	}
	p, err := c.model.Posterior(res.Result)
	if err != nil {
		return nil, err
	}
	p.Climb = res
	return p, nil
}

// score fits and compares with the reference.
func (c *loaded) score(ctx context.Context) (*score, error) {
	s := &score{name: c.name, dim: c.model.Dim(), gaussian: c.ref.GaussianVI.FullRank}
	begin := cpu()
	p, err := c.fit(ctx, &s.calls)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	s.seconds = (cpu() - begin).Seconds()
	s.post = p
	natural, free, logZ := c.ref.truth()
	marginals := p.Marginals()
	for i, j := range c.named {
		s.compare(marginals[j].Mean, marginals[j].SD, natural.Mean[i], natural.SD[i])
	}
	s.natural = slices.Max(s.errors)
	for i, j := range c.free {
		mean, sd := coordinate(p, j)
		s.compare(mean, sd, free.Mean[i], free.SD[i])
	}
	s.kl, s.klErr = logZ-p.Fit.ELBO, p.Fit.ELBOErr
	return s, nil
}

func (s *score) compare(mean, sd, wantMean, wantSD float64) {
	s.errors = append(s.errors, math.Abs(mean-wantMean)/wantSD)
	s.ratios = append(s.ratios, sd/wantSD)
}

// coordinate returns the weighted moments of an unconstrained coordinate.
func coordinate(p *model.Posterior, j int) (mean, sd float64) {
	for i, w := range p.Weights {
		mean += w * p.Fit.Draws.At(i, j)
	}
	for i, w := range p.Weights {
		sd += w * math.Pow(p.Fit.Draws.At(i, j)-mean, 2)
	}
	return mean, math.Sqrt(sd)
}

func (s *score) worstError() float64 { return slices.Max(s.errors) }

// worstRatio returns the ratio farthest from 1.
func (s *score) worstRatio() float64 {
	worst := 1.0
	for _, r := range s.ratios {
		if !(math.Abs(r-1) <= math.Abs(worst-1)) {
			worst = r
		}
	}
	return worst
}

// inside tells whether every mean and sd is within the limits.
func (s *score) inside() bool {
	return s.worstError() <= meanLimit && math.Abs(s.worstRatio()-1) <= ratioLimit
}

// silent tells whether the fit is wrong and says that it is good.
func (s *score) silent() bool { return !s.inside() && s.post.Grade() == vi.Good }

// shape is the name of the chosen rung.
func (s *score) shape() string { return s.post.Climb.Tried[s.post.Climb.Chosen].Name }

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	n := len(x)
	if n == 0 {
		return math.NaN()
	}
	return (x[(n-1)/2] + x[n/2]) / 2
}
