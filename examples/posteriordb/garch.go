package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// garch is a GARCH(1,1) process,
//
//	y_t ~ Normal(μ, s_t²),   s_t² = α_0 + α_1(y_{t−1} − μ)² + β_1 s_{t−1}²,   s_1 given,
//
// with flat priors on α_0 > 0, 0 < α_1 < 1 and 0 < β_1 < 1 − α_1. The last is a share of
// 1 − α_1, so that dβ_1 = (1 − α_1) dshare.
func garch(d *data) (*model.Model, error) {
	y, s1 := d.Y.list, d.Sigma1
	return model.New([]model.Param{
		model.Real("mu"),
		model.Positive("alpha0"),
		model.Probability("alpha1"),
		model.Probability("share"),
	}, func(s *model.Scope) {
		mu, alpha0, alpha1 := s.Get("mu"), s.Get("alpha0"), s.Get("alpha1")
		room := ad.Sub(1, alpha1)
		beta1 := s.Derive("beta1", s.Get("share").Mul(room))
		s.Add("beta1 as a share", room.Log())

		shock := ad.Sub(y, mu).Square().Mul(alpha1).Add(alpha0)
		v := shock.At(0).Mul(0).Add(s1 * s1)
		variances := []any{v}
		for t := 1; t < len(y); t++ {
			v = v.Mul(beta1).Add(shock.At(t - 1))
			variances = append(variances, v)
		}
		s.Add("series", ad.NormalLogProb(y, mu, ad.Concat(variances...).Sqrt()))
	})
}
