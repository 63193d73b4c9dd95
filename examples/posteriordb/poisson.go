package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// glmPoisson is a Poisson regression of yearly counts on a cubic in time:
//
//	y_i ~ Poisson(exp(x_i'β)),   β_k ~ Normal(0, 10²).
func glmPoisson(d *data) (*model.Model, error) {
	X, y := d.X.matrix, d.Y.list
	return model.New([]model.Param{model.Real("beta", columns(d))}, func(s *model.Scope) {
		beta := s.Get("beta")
		s.Add("prior", ad.NormalLogProb(beta, 0, 10))
		s.Add("data", ad.PoissonLogLogProb(y, ad.MatVec(X, beta)))
	})
}

// glmmPoisson has an effect of every year besides:
//
//	y_i ~ Poisson(exp(x_i'β + u_i)),   u_i = σ_u z_i,   z_i ~ Normal(0, 1),   σ_u ~ half-Cauchy(1).
func glmmPoisson(d *data) (*model.Model, error) {
	X, y := d.X.matrix, d.Y.list
	index, n := d.groups()
	return model.New([]model.Param{
		model.Real("z", n),
		model.Real("beta", columns(d)),
		model.Positive("sigma_u"),
	}, func(s *model.Scope) {
		z, beta, sigma := s.Get("z"), s.Get("beta"), s.Get("sigma_u")
		u := s.Derive("u", z.Mul(sigma))
		s.Add("z", ad.NormalLogProb(z, 0, 1))
		s.Add("prior of beta", ad.NormalLogProb(beta, 0, 10))
		s.Add("prior of sigma_u", ad.HalfCauchyLogProb(sigma, 1))
		s.Add("data", ad.PoissonLogLogProb(y, ad.MatVec(X, beta).Add(ad.Gather(u, index))))
	})
}
