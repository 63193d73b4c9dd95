package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// radon is log radon in houses of 85 counties, on uranium and floor:
//
//	y_i ~ Normal(α_{j(i)} + x_i'β, σ²),   α_j = μ + σ_α z_j,   z_j ~ Normal(0, 1),
//	μ, β_k ~ Normal(0, 10²),   σ_α, σ ~ half-normal(1).
func radon(d *data) (*model.Model, error) {
	X, y := d.X.matrix, d.Y.list
	county, n := d.groups()
	return model.New([]model.Param{
		model.Real("z", n),
		model.Real("beta", columns(d)),
		model.Real("mu"),
		model.Positive("sigma_alpha"),
		model.Positive("sigma"),
	}, func(s *model.Scope) {
		z, beta, mu, between, sigma := s.Get("z"), s.Get("beta"), s.Get("mu"), s.Get("sigma_alpha"), s.Get("sigma")
		alpha := s.Derive("alpha", z.Mul(between).Add(mu))
		s.Add("z", ad.NormalLogProb(z, 0, 1))
		s.Add("prior of beta", ad.NormalLogProb(beta, 0, 10))
		s.Add("prior of mu", ad.NormalLogProb(mu, 0, 10))
		s.Add("prior of sigma_alpha", ad.HalfNormalLogProb(between, 1))
		s.Add("prior of sigma", ad.HalfNormalLogProb(sigma, 1))
		s.Add("houses", ad.NormalLogProb(y, ad.Gather(alpha, county).Add(ad.MatVec(X, beta)), sigma))
	})
}
