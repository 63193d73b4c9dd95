package main

import (
	"math"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
	"github.com/natgrad/natgrad/vi"
)

// Effects of coaching on a test in eight schools, with their standard errors (Rubin
// 1981, "Estimation in parallel randomized experiments").
var (
	effects = []float64{28, 8, -3, 7, -1, 1, 18, 12}
	errs    = []float64{15, 10, 16, 11, 9, 11, 10, 18}
)

// schoolsCentred declares the schools' true effects as parameters: the width of their
// prior is itself a parameter, and the posterior has a funnel.
func schoolsCentred() (*model.Model, error) {
	return model.New([]model.Param{
		model.Real("mu"), model.Positive("tau"), model.Real("theta", len(effects)),
	}, func(s *model.Scope) {
		mu, tau, theta := s.Get("mu"), s.Get("tau"), s.Get("theta")
		s.Add("mu", autodiff.NormalLogProb(mu, 0, 5))
		s.Add("tau", autodiff.HalfCauchyLogProb(tau, 5))
		s.Add("theta", autodiff.NormalLogProb(theta, mu, tau))
		s.Add("schools", autodiff.NormalLogProb(effects, theta, errs))
		s.Derive("log tau", tau.Log())
	})
}

// schools is the same posterior, non-centred: the parameters are the effects in units of
// tau around mu, whose prior is that of no other parameter.
func schools() (*model.Model, error) {
	return model.New([]model.Param{
		model.Real("mu"), model.Positive("tau"), model.Real("z", len(effects)),
	}, func(s *model.Scope) {
		mu, tau, z := s.Get("mu"), s.Get("tau"), s.Get("z")
		theta := s.Derive("theta", autodiff.Add(mu, tau.Mul(z)))
		s.Add("mu", autodiff.NormalLogProb(mu, 0, 5))
		s.Add("tau", autodiff.HalfCauchyLogProb(tau, 5))
		s.Add("z", autodiff.NormalLogProb(z, 0, 1))
		s.Add("schools", autodiff.NormalLogProb(effects, theta, errs))
		s.Derive("log tau", tau.Log())
	})
}

// schoolsExact is the posterior density of theta[1] and log tau with all else integrated
// out: the other effects leave y_j ~ normal(mu, √(se_j² + tau²)), and what remains
// is normal in mu.
func schoolsExact() *vi.Target {
	return &vi.Target{Dim: 2, Names: []string{"theta[1]", "log tau"}, LogProb: func(x []float64) float64 {
		theta, tau := x[0], math.Exp(x[1])
		l := logNormal(effects[0], theta, errs[0]) + x[1] + math.Log(2/(math.Pi*5)) - math.Log1p(tau*tau/25)
		// ∫ Π_i normal(m_i | mu, s_i) dmu by its precision, weighted sum and sum of squares.
		prec, sum, square := 0., 0., 0.
		add := func(m, variance float64) {
			prec += 1 / variance
			sum += m / variance
			square += m * m / variance
			l -= math.Log(2*math.Pi*variance) / 2
		}
		add(0, 25)
		add(theta, tau*tau)
		for j := 1; j < len(effects); j++ {
			add(effects[j], errs[j]*errs[j]+tau*tau)
		}
		return l + math.Log(2*math.Pi/prec)/2 - (square-sum*sum/prec)/2
	}}
}

func logNormal(y, mu, sd float64) float64 {
	z := (y - mu) / sd
	return -z*z/2 - math.Log(sd) - math.Log(2*math.Pi)/2
}
