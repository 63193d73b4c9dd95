package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// logit is a logistic regression with a flat prior:
//
//	y_i ~ Bernoulli(1/(1 + e^(−x_i'β))).
//
// It serves votes on income (nes_logit) and switches of wells (wells).
func logit(d *data) (*model.Model, error) {
	X, y := d.X.matrix, d.Y.list
	return model.New([]model.Param{model.Real("beta", columns(d))}, func(s *model.Scope) {
		s.Add("data", ad.BernoulliLogitLogProb(y, ad.MatVec(X, s.Get("beta"))))
	})
}
