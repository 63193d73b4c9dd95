package main

import (
	"errors"

	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// hmmExample is a hidden Markov chain of two states with normal emissions:
//
//	Pr(state 1 next | state i) = θ_i,   y_t | state k ~ Normal(μ_k, sd²),   0 < μ_1 < μ_2,
//	θ_i uniform,   μ_1 ~ Normal(3, 1),   μ_2 ~ Normal(10, 1).
//
// Each first state has weight one.
func hmmExample(d *data) (*model.Model, error) {
	y, sd := d.Y.list, d.EmitSD
	return model.New([]model.Param{
		model.Probability("theta1", 1),
		model.Probability("theta2", 1),
		model.PositiveOrdered("mu", 2),
	}, func(s *model.Scope) {
		mu := s.Get("mu")
		s.Add("prior of mu", ad.NormalLogProb(mu, []float64{3, 10}, 1))
		states := ad.StackColumns(ad.NormalLogProbs(y, mu.At(0), sd), ad.NormalLogProbs(y, mu.At(1), sd))
		s.Add("chain", ad.HMMLogProb([]float64{0, 0}, logMoves(s.Get("theta1"), s.Get("theta2")), states))
	})
}

// hmmDrive is a chain of two states with two emissions, independent given the state:
//
//	u_t | state k ~ Normal(φ_k, sd_u²),   v_t | state k ~ Normal(λ_k, sd_v²),
//	θ_i ~ Beta(a_i1, a_i2),   φ_1, λ_1 ~ Normal(0, 1),   φ_2, λ_2 ~ Normal(3, 1),   φ_1 < φ_2,   λ_1 < λ_2.
func hmmDrive(d *data) (*model.Model, error) {
	if len(d.Alpha) != 2 || len(d.Alpha[0]) != 2 || len(d.Alpha[1]) != 2 {
		return nil, errors.New("alpha: want 2 rows of 2 numbers")
	}
	u, v, sdU, sdV, a := d.U, d.V, d.SdU, d.SdV, d.Alpha
	return model.New([]model.Param{
		model.Probability("theta1", 1),
		model.Probability("theta2", 1),
		model.Ordered("phi", 2),
		model.Ordered("lambda", 2),
	}, func(s *model.Scope) {
		theta1, theta2, phi, lambda := s.Get("theta1"), s.Get("theta2"), s.Get("phi"), s.Get("lambda")
		s.Add("prior of theta1", ad.BetaLogProb(theta1, a[0][0], a[0][1]))
		s.Add("prior of theta2", ad.BetaLogProb(theta2, a[1][0], a[1][1]))
		s.Add("prior of phi", ad.NormalLogProb(phi, []float64{0, 3}, 1))
		s.Add("prior of lambda", ad.NormalLogProb(lambda, []float64{0, 3}, 1))
		var states [2]any
		for k := range states {
			states[k] = ad.NormalLogProbs(u, phi.At(k), sdU).Add(ad.NormalLogProbs(v, lambda.At(k), sdV))
		}
		s.Add("chain", ad.HMMLogProb([]float64{0, 0}, logMoves(theta1, theta2), ad.StackColumns(states[:]...)))
	})
}

// logMoves returns the log probabilities of a move from state i (row) to j, where θ_i
// is that of a move to the first.
func logMoves(theta1, theta2 ad.Node) ad.Node {
	return ad.StackRows(
		ad.Concat(theta1, ad.Sub(1, theta1)).Log(),
		ad.Concat(theta2, ad.Sub(1, theta2)).Log())
}
