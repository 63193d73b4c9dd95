package expfam

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/distuv"
)

// Gonum returns a view of d for code that takes gonum's multivariate
// distributions. It draws from src; a nil src serves LogProb only. The view is
// of d itself: it follows when d moves. It does not sample concurrently.
func Gonum(d Dist, src rand.Source) distmv.RandLogProber {
	return &gonumMV{d, newRand(src)}
}

// GonumUV is [Gonum] for distributions of dimension 1; it panics for others.
func GonumUV(d Dist, src rand.Source) distuv.RandLogProber {
	if d.Dim() != 1 {
		panic(fmt.Sprintf("expfam: GonumUV: %s has dimension %d, want 1", d.Name(), d.Dim()))
	}
	return &gonumUV{d, newRand(src), make([]float64, 1)}
}

func newRand(src rand.Source) *rand.Rand {
	if src == nil {
		return nil
	}
	return rand.New(src)
}

func mustRand(rng *rand.Rand) *rand.Rand {
	if rng == nil {
		panic("expfam: Rand of a gonum view that was made without a source")
	}
	return rng
}

type gonumMV struct {
	Dist
	rng *rand.Rand
}

// Rand writes one draw to x, a new slice if x is nil.
func (g *gonumMV) Rand(x []float64) []float64 { return g.Sample(x, mustRand(g.rng)) }

type gonumUV struct {
	d   Dist
	rng *rand.Rand
	x   []float64
}

func (g *gonumUV) Rand() float64 { return g.d.Sample(g.x, mustRand(g.rng))[0] }

func (g *gonumUV) LogProb(x float64) float64 { return g.d.LogProb([]float64{x}) }

// MV returns the same distribution as gonum holds it, which draws from src and
// has quantiles, marginals and conditionals; false if gonum refuses the
// covariance matrix as not positive definite.
func (n *Normal) MV(src rand.Source) (*distmv.Normal, bool) {
	return distmv.NewNormal(n.Mean(nil), n.Cov(nil), src)
}

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (n *NormalUV) UV(src rand.Source) distuv.Normal {
	return distuv.Normal{Mu: n.Mu(), Sigma: n.Sigma(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (g *Gamma) UV(src rand.Source) distuv.Gamma {
	return distuv.Gamma{Alpha: g.Shape(), Beta: g.Rate(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF.
func (g *InverseGamma) UV(src rand.Source) distuv.InverseGamma {
	return distuv.InverseGamma{Alpha: g.Shape(), Beta: g.Scale(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (e *Exponential) UV(src rand.Source) distuv.Exponential {
	return distuv.Exponential{Rate: e.Rate(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (b *Beta) UV(src rand.Source) distuv.Beta {
	return distuv.Beta{Alpha: b.Alpha(), Beta: b.Beta(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF.
func (p *Poisson) UV(src rand.Source) distuv.Poisson {
	return distuv.Poisson{Lambda: p.Rate(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (b *Bernoulli) UV(src rand.Source) distuv.Bernoulli {
	return distuv.Bernoulli{P: b.Prob(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF.
func (c *Categorical) UV(src rand.Source) distuv.Categorical {
	return distuv.NewCategorical(c.Probs(nil), src)
}

// MV returns the same distribution as gonum holds it.
func (d *Dirichlet) MV(src rand.Source) *distmv.Dirichlet {
	return distmv.NewDirichlet(d.Concentration(nil), src)
}
