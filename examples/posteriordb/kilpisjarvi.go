package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// kilpisjarvi is the summer temperature against the calendar year, which is not
// centred:
//
//	y_i ~ Normal(α + βx_i, σ²),   α ~ Normal(m_1, s_1²),   β ~ Normal(m_2, s_2²),   σ flat.
func kilpisjarvi(d *data) (*model.Model, error) {
	X, y, m, sd := d.X.matrix, d.Y.list, d.PriorMean, d.PriorSD
	return model.New([]model.Param{
		model.Real("alpha"),
		model.Real("beta"),
		model.Positive("sigma"),
	}, func(s *model.Scope) {
		line := ad.Concat(s.Get("alpha"), s.Get("beta"))
		s.Add("priors", ad.NormalLogProb(line, m, sd))
		s.Add("data", ad.NormalLogProb(y, ad.MatVec(X, line), s.Get("sigma")))
	})
}
