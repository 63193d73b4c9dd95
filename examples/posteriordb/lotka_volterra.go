package main

import (
	"errors"
	"math"

	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
	"gonum.org/v1/gonum/mat"
)

// lotkaVolterra is hares u and lynxes v,
//
//	du/dt = (θ_1 − θ_2 v)u,   dv/dt = (θ_4 u − θ_3)v,   (u, v)(0) = z_init,
//	log y_tk ~ Normal(log z_k(t), σ_k²) at t = 0, 1, …,
//	θ_1, θ_3 ~ Normal(1, 0.5²),   θ_2, θ_4 ~ Normal(0.05, 0.05²),   all θ > 0,
//	log z_init ~ Normal(log 10, 1),   log σ_k ~ Normal(−1, 1).
//
// Fits start at the priors' centres: from θ = 1 most of them end at a mode
// without cycles, of no mass.
func lotkaVolterra(d *data) (*model.Model, error) {
	if len(d.Y0) != 2 || d.Y.matrix == nil {
		return nil, errors.New("y0 and y: want 2 numbers and a row a year")
	}
	y0, y, times := d.Y0, d.Y.matrix, d.T.list
	return model.New([]model.Param{
		model.Positive("theta", 4).From(1, 0.05, 1, 0.05),
		model.Positive("z_init", 2).From(10, 10),
		model.Positive("sigma", 2),
	}, func(s *model.Scope) {
		theta, z0, sigma := s.Get("theta"), s.Get("z_init"), s.Get("sigma")
		s.Add("prior of theta", ad.NormalLogProb(theta, []float64{1, 0.05, 1, 0.05}, []float64{0.5, 0.05, 0.5, 0.05}))
		s.Add("prior of z_init", ad.LogNormalLogProb(z0, math.Log(10), 1))
		s.Add("prior of sigma", ad.LogNormalLogProb(sigma, -1, 1))

		// (u, v)' = (u, v)·(a + Bw), with w = (v, u)
		growth := ad.Mul(ad.Gather(theta, []int{0, 2}), []float64{1, -1})
		effect := ad.Mul(ad.Gather(theta, []int{1, 3}), []float64{-1, 1})
		z := ad.RK4(func(_ float64, z ad.Node) ad.Node {
			return z.Mul(growth.Add(effect.Mul(ad.Gather(z, []int{1, 0}))))
		}, z0, 0, times, 20)
		s.Add("first year", ad.LogNormalLogProb(y0, z0.Log(), sigma))
		for k := range 2 {
			s.Add("animals", ad.LogNormalLogProb(mat.Col(nil, k, y), z.Column(k).Log(), sigma.At(k)))
		}
	})
}
