package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// gaussMix is a mixture of two normals with ordered means,
//
//	y_i ~ θ Normal(μ_1, σ_1²) + (1 − θ) Normal(μ_2, σ_2²),   μ_1 < μ_2,
//	μ_k ~ Normal(0, 2²),   σ_k ~ half-normal(2),   θ ~ Beta(5, 5).
func gaussMix(d *data) (*model.Model, error) {
	y := d.Y.list
	return model.New([]model.Param{
		model.Ordered("mu", 2),
		model.Positive("sigma", 2),
		model.Probability("theta"),
	}, func(s *model.Scope) {
		mu, sigma, theta := s.Get("mu"), s.Get("sigma"), s.Get("theta")
		s.Add("prior of mu", ad.NormalLogProb(mu, 0, 2))
		s.Add("prior of sigma", ad.HalfNormalLogProb(sigma, 2))
		s.Add("prior of theta", ad.BetaLogProb(theta, 5, 5))
		component := func(k int) ad.Node { return ad.NormalLogProbs(y, mu.At(k), sigma.At(k)) }
		weights := ad.Concat(theta.Log(), ad.Sub(1, theta).Log())
		s.Add("data", ad.LogMix(weights, component(0), component(1)).Sum())
	})
}
