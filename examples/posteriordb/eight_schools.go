package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// eightSchools is the effect of coaching in eight schools,
//
//	y_j ~ Normal(θ_j, se_j²),   θ_j = μ + τz_j,   z_j ~ Normal(0, 1),   μ ~ Normal(0, 5²),   τ ~ half-Cauchy(5),
//
// in the non-centred form: z is nearly independent of τ where the data say little.
func eightSchools(d *data) (*model.Model, error) {
	y, se := d.Y.list, d.SE
	return model.New([]model.Param{
		model.Real("z", len(y)),
		model.Real("mu"),
		model.Positive("tau"),
	}, func(s *model.Scope) {
		z, mu, tau := s.Get("z"), s.Get("mu"), s.Get("tau")
		theta := s.Derive("theta", z.Mul(tau).Add(mu))
		s.Add("prior of mu", ad.NormalLogProb(mu, 0, 5))
		s.Add("prior of tau", ad.HalfCauchyLogProb(tau, 5))
		s.Add("z", ad.NormalLogProb(z, 0, 1))
		s.Add("schools", ad.NormalLogProb(y, theta, se))
	})
}

// eightSchoolsCentred is the same posterior in terms of θ and not of z, a bad choice:
// a small τ holds all θ_j together, so that the density is a funnel.
func eightSchoolsCentred(d *data) (*model.Model, error) {
	y, se := d.Y.list, d.SE
	return model.New([]model.Param{
		model.Real("theta", len(y)),
		model.Real("mu"),
		model.Positive("tau"),
	}, func(s *model.Scope) {
		theta, mu, tau := s.Get("theta"), s.Get("mu"), s.Get("tau")
		s.Add("prior of mu", ad.NormalLogProb(mu, 0, 5))
		s.Add("prior of tau", ad.HalfCauchyLogProb(tau, 5))
		s.Add("theta", ad.NormalLogProb(theta, mu, tau))
		s.Add("schools", ad.NormalLogProb(y, theta, se))
	})
}
