package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// blr is a simulated regression: β_k ~ Normal(0, 10²), σ ~ half-normal(10).
func blr(d *data) (*model.Model, error) {
	return linear(d, func(s *model.Scope, beta, sigma ad.Node) {
		s.Add("prior of beta", ad.NormalLogProb(beta, 0, 10))
		s.Add("prior of sigma", ad.HalfNormalLogProb(sigma, 10))
	})
}
