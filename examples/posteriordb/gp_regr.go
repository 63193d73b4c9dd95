package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
	"gonum.org/v1/gonum/mat"
)

// gpRegr is a Gaussian process with the function values integrated out,
//
//	y ~ Normal(0, C),   C_ij = α² exp(−(x_i − x_j)²/(2ρ²)) + σ[i = j],
//	ρ ~ Gamma(25, 4),   α ~ half-normal(2),   σ ~ half-normal(1).
//
// σ is a variance.
func gpRegr(d *data) (*model.Model, error) {
	y := d.Y.list
	x := mat.NewDense(max(len(d.X.list), 1), 1, d.X.list)
	dist := ad.SquaredDist(x, x)
	return model.New([]model.Param{
		model.Positive("rho"),
		model.Positive("alpha"),
		model.Positive("sigma"),
	}, func(s *model.Scope) {
		rho, alpha, sigma := s.Get("rho"), s.Get("alpha"), s.Get("sigma")
		s.Add("prior of rho", ad.GammaLogProb(rho, 25, 4))
		s.Add("prior of alpha", ad.HalfNormalLogProb(alpha, 2))
		s.Add("prior of sigma", ad.HalfNormalLogProb(sigma, 1))
		C := ad.AddDiag(ad.SquaredExponential(dist, alpha, rho), sigma)
		s.Add("data", ad.MVNormalCholeskyLogProb(y, 0, ad.Cholesky(C)))
	})
}
