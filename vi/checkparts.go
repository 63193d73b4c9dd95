package vi

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// checkParts compares LogPrior and LogLikGrad with differences, and their sum with the whole.
func (c *gradientCheck) checkParts(p *scaled) error {
	prior := c.t.LogPrior
	if prior != nil {
		if err := c.checkPrior(p); err != nil {
			return err
		}
	}
	if c.t.LogLik == nil || c.t.N <= 0 {
		return nil
	}
	all := make([]float64, c.t.N)
	c.fn = "Target.LogLik"
	c.t.LogLik(all, p.x, nil)
	if prior != nil && c.t.Exact == nil && (c.t.LogProb != nil || c.t.Grad != nil) {
		c.fn = "Target.LogPrior"
		whole := prior(nil, p.x) + sum(all)
		if err := c.value(p, "Target.LogLik", "its sum over all rows + Target.LogPrior", whole, c.f(p.x), "it should be the whole log density"); err != nil {
			return err
		}
	}
	return c.checkRowGrads(p, all)
}

func (c *gradientCheck) checkPrior(p *scaled) error {
	const fn = "Target.LogPrior"
	value := func(x []float64) float64 {
		c.fn = fn
		return c.t.LogPrior(nil, x)
	}
	own, err := c.measure(p.x, value)
	if err != nil {
		return err
	}
	g, used := make([]float64, c.t.Dim), old(c.t.Dim)
	v := c.t.LogPrior(g, p.x)
	c.t.LogPrior(used, p.x)
	if err := c.t.checkFinite("the value of "+fn, v, g, p.x); err != nil {
		return err
	}
	if err := c.overwrites(p, fn, "the gradient", g, used, same); err != nil {
		return err
	}
	if err := c.value(p, fn, "the value with a gradient", v, value(p.x), "that without one is another"); err != nil {
		return err
	}
	return c.slopes(own, fn, "the gradient", g, value)
}

// checkRowGrads looks at up to checkRows rows; all holds the log likelihoods of all rows.
func (c *gradientCheck) checkRowGrads(p *scaled, all []float64) error {
	rows := c.rng.Perm(c.t.N)
	rows = rows[:min(len(rows), checkRows)]
	slices.Sort(rows)
	lik := func(dst, x []float64) {
		c.fn = "Target.LogLik"
		c.t.LogLik(dst, x, rows)
	}
	some := old(len(rows))
	lik(some, p.x)
	for k, r := range rows {
		if !finite(some[k]) {
			return c.t.nonFinite(fmt.Sprintf("Target.LogLik of row %d", r), some[k], p.x)
		}
		if err := c.value(p, "Target.LogLik", fmt.Sprintf("row %d, asked for by idx,", r), some[k], all[r], "it has another value if idx is nil"); err != nil {
			return err
		}
	}
	if c.t.LogLikGrad == nil {
		return nil
	}
	const fn = "Target.LogLikGrad"
	n, d := len(rows), c.t.Dim
	own, err := c.measure(p.x, func(x []float64) float64 {
		dst := make([]float64, n)
		lik(dst, x)
		return sum(dst)
	})
	if err != nil {
		return err
	}
	clean, used := mat.NewDense(n, d, nil), mat.NewDense(n, d, old(n*d))
	c.fn = fn
	c.t.LogLikGrad(clean, p.x, rows)
	c.t.LogLikGrad(used, p.x, rows)
	for k, r := range rows {
		row := fmt.Sprintf("row %d of the gradient", r)
		if err := c.overwrites(p, fn, row, clean.RawRowView(k), used.RawRowView(k), same); err != nil {
			return err
		}
	}
	for i := range d {
		c.compare(own, i, nil, lik, finding{fn, mat.Col(nil, i, clean), units(own, i, n),
			func(k int) string { return fmt.Sprintf("row %d of the gradient", rows[k]) }, func(int) int { return i }})
	}
	return nil
}
