package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// linear is a normal regression on the columns of X with a flat prior of the
// coefficients:
//
//	y_i ~ Normal(x_i'β, σ²).
//
// prior adds log densities of priors; nil is a flat one on σ too.
func linear(d *data, prior func(s *model.Scope, beta, sigma ad.Node)) (*model.Model, error) {
	X, y := d.X.matrix, d.Y.list
	return model.New([]model.Param{
		model.Real("beta", columns(d)),
		model.Positive("sigma"),
	}, func(s *model.Scope) {
		beta, sigma := s.Get("beta"), s.Get("sigma")
		if prior != nil {
			prior(s, beta, sigma)
		}
		s.Add("data", ad.NormalLogProb(y, ad.MatVec(X, beta), sigma))
	})
}

// columns is the number of columns of X.
func columns(d *data) int {
	if d.X.matrix == nil {
		return 0
	}
	_, n := d.X.matrix.Dims()
	return n
}
