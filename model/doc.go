// Package model fits models that are written in plain Go: a list of parameters
// with their constraints, and a log density of operations of package autodiff.
// Gradients, transforms to the whole line, their Jacobians and the way back follow.
//
//	m, err := model.New([]model.Param{
//		model.Real("mu"),
//		model.Positive("tau"),
//		model.Real("z", 8),
//	}, func(s *model.Scope) {
//		mu, tau, z := s.Get("mu"), s.Get("tau"), s.Get("z")
//		theta := s.Derive("theta", autodiff.Add(mu, tau.Mul(z)))
//		s.Add("mu", autodiff.NormalLogProb(mu, 0, 5))
//		s.Add("tau", autodiff.HalfCauchyLogProb(tau, 5))
//		s.Add("z", autodiff.NormalLogProb(z, 0, 1))
//		s.Add("schools", autodiff.NormalLogProb(y, theta, se))
//	})
//	post, err := m.Fit(ctx, nil)
//	fmt.Println(post)
//
// The result has names, means, sds and quantiles of every parameter and derived
// quantity on its own scale, draws, and a verdict on how far they can be trusted.
//
// Discrete variables have no gradient and are summed out: see
// autodiff.LogMix and autodiff.HMMLogProb.
package model
