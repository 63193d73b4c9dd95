package expfam

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (l *LogNormal) UV(src rand.Source) distuv.LogNormal {
	return distuv.LogNormal{Mu: l.Mu(), Sigma: l.Sigma(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (w *Weibull) UV(src rand.Source) distuv.Weibull {
	return distuv.Weibull{K: w.Shape(), Lambda: w.Scale(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (l *Laplace) UV(src rand.Source) distuv.Laplace {
	return distuv.Laplace{Mu: l.Location(), Scale: l.Scale(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (p *Pareto) UV(src rand.Source) distuv.Pareto {
	return distuv.Pareto{Xm: p.Min(), Alpha: p.Alpha(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (c *ChiSquared) UV(src rand.Source) distuv.ChiSquared {
	return distuv.ChiSquared{K: c.Nu(), Src: src}
}

// UV returns the same distribution as gonum holds it, which has a CDF and
// quantiles.
func (c *Chi) UV(src rand.Source) distuv.Chi { return distuv.Chi{K: c.Nu(), Src: src} }
