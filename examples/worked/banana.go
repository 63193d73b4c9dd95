package main

import (
	"math"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
	"github.com/natgrad/natgrad/vi"
)

// bend is the curvature of the twisted normal of Haario, Saksman and Tamminen (1999,
// "Adaptive proposal distribution for random walk Metropolis algorithm").
const bend = 0.03

// banana has x₁ ~ normal(0, 10) and x₂ ~ normal(b(100 − x₁²), 1): a thin crescent
// with a normal's mass everywhere along it.
func banana() (*model.Model, error) {
	return model.New([]model.Param{model.Real("x", 2)}, func(s *model.Scope) {
		x := s.Get("x")
		s.Add("x1", autodiff.NormalLogProb(x.At(0), 0, 10))
		s.Add("x2", autodiff.NormalLogProb(x.At(1), autodiff.Sub(100, x.At(0).Square()).Mul(bend), 1))
	})
}

// bananaStraight has the distance from the crescent as its parameter.
func bananaStraight() (*model.Model, error) {
	return model.New([]model.Param{model.Real("x1"), model.Real("z")}, func(s *model.Scope) {
		x1, z := s.Get("x1"), s.Get("z")
		s.Add("x1", autodiff.NormalLogProb(x1, 0, 10))
		s.Add("z", autodiff.NormalLogProb(z, 0, 1))
		s.Derive("x", autodiff.Concat(x1, z.Add(autodiff.Sub(100, x1.Square()).Mul(bend))))
	})
}

func bananaExact() *vi.Target {
	return &vi.Target{Dim: 2, Names: []string{"x[1]", "x[2]"}, LogProb: func(x []float64) float64 {
		return logNormal(x[0], 0, 10) + logNormal(x[1], bend*(100-x[0]*x[0]), 1)
	}}
}

// bananaSD is the sd of x₂: 1 + b² Var(x₁²), with Var(x₁²) = 2·100².
var bananaSD = math.Sqrt(1 + bend*bend*2*1e4)
