package main

import (
	"math"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
	"github.com/natgrad/natgrad/vi"
)

// funnelCentred is Neal's funnel (2003, "Slice sampling", section 8) with n arms:
// the sd of x is e^(v/2), and v spans six orders of magnitude of it.
func funnelCentred(n int) (*model.Model, error) {
	return model.New([]model.Param{model.Real("v"), model.Real("x", n)}, func(s *model.Scope) {
		v, x := s.Get("v"), s.Get("x")
		s.Add("v", autodiff.NormalLogProb(v, 0, 3))
		s.Add("x", autodiff.NormalLogProb(x, 0, v.Mul(0.5).Exp()))
	})
}

// funnel is the same density non-centred: a standard normal, bent afterwards.
func funnel(n int) (*model.Model, error) {
	return model.New([]model.Param{model.Real("v"), model.Real("z", n)}, func(s *model.Scope) {
		v, z := s.Get("v"), s.Get("z")
		s.Add("v", autodiff.NormalLogProb(v, 0, 3))
		s.Add("z", autodiff.NormalLogProb(z, 0, 1))
		s.Derive("x", z.Mul(v.Mul(0.5).Exp()))
	})
}

// funnelExact is the density of x[1] and v, whatever the number of arms.
func funnelExact() *vi.Target {
	return &vi.Target{Dim: 2, Names: []string{"x[1]", "v"}, LogProb: func(x []float64) float64 {
		return logNormal(x[1], 0, 3) + logNormal(x[0], 0, math.Exp(x[1]/2))
	}}
}

// funnelSD is the sd of an arm: √E[e^v] = e^(9/4).
var funnelSD = math.Exp(9. / 4)
