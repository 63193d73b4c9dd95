package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// ark is an autoregression of order 5:
//
//	y_t ~ Normal(α + Σ_k β_k y_{t−k}, σ²),   α, β_k ~ Normal(0, 10²),   σ ~ half-Cauchy(2.5).
//
// The rows of X are 1 and the five values before y_t.
func ark(d *data) (*model.Model, error) {
	X, y := d.X.matrix, d.Y.list
	return model.New([]model.Param{
		model.Real("alpha"),
		model.Real("beta", 5),
		model.Positive("sigma"),
	}, func(s *model.Scope) {
		sigma := s.Get("sigma")
		coef := ad.Concat(s.Get("alpha"), s.Get("beta"))
		s.Add("prior of alpha, beta", ad.NormalLogProb(coef, 0, 10))
		s.Add("prior of sigma", ad.HalfCauchyLogProb(sigma, 2.5))
		s.Add("series", ad.NormalLogProb(y, ad.MatVec(X, coef), sigma))
	})
}
