package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// surgical is mortality in 12 hospitals:
//
//	y_i ~ Binomial(n_i, logit⁻¹(β + u_i)),   u_i = σ_u z_i,   z_i ~ Normal(0, 1),
//	β ~ Normal(0, 10²),   σ_u ~ half-Cauchy(1).
func surgical(d *data) (*model.Model, error) {
	X, y, trials := d.X.matrix, d.Y.list, d.Trials
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
		s.Add("data", ad.BinomialLogitLogProb(y, trials, ad.MatVec(X, beta).Add(ad.Gather(u, index))))
	})
}
