package main

import (
	"math"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
	"github.com/natgrad/natgrad/vi"
)

// lengths come in equal parts from normal(-1, 1) and normal(1.8, 1).
var lengths = []float64{
	-2.31, -1.74, -1.62, -1.33, -1.2, -1.05, -0.88, -0.71, -0.6, -0.42, -0.15, 0.2, 0.41,
	0.3, 0.74, 0.96, 1.18, 1.35, 1.5, 1.77, 1.92, 2.08, 2.33, 2.6, 2.95, 3.4,
}

// mixtureOf declares the two means by mu; which of them a length belongs to is
// summed out. Exchanging the means changes nothing.
func mixtureOf(mu model.Param) (*model.Model, error) {
	half := []float64{math.Log(0.5), math.Log(0.5)}
	return model.New([]model.Param{mu}, func(s *model.Scope) {
		mu := s.Get("mu")
		s.Add("mu", autodiff.NormalLogProb(mu, 0, 3))
		s.Add("lengths", autodiff.LogMix(half,
			autodiff.NormalLogProbs(lengths, mu.At(0), 1), autodiff.NormalLogProbs(lengths, mu.At(1), 1)).Sum())
	})
}

func labels() (*model.Model, error)        { return mixtureOf(model.Real("mu", 2)) }
func labelsOrdered() (*model.Model, error) { return mixtureOf(model.Ordered("mu", 2)) }

// labelsExact is the density by hand, for the grid; ordered leaves one of its two
// equal halves.
func labelsExact(ordered bool) *vi.Target {
	return &vi.Target{Dim: 2, Names: []string{"mu[1]", "mu[2]"}, LogProb: func(x []float64) float64 {
		if ordered && x[0] > x[1] {
			return math.Inf(-1)
		}
		l := logNormal(x[0], 0, 3) + logNormal(x[1], 0, 3)
		for _, y := range lengths {
			l += math.Log((math.Exp(logNormal(y, x[0], 1)) + math.Exp(logNormal(y, x[1], 1))) / 2)
		}
		return l
	}}
}
