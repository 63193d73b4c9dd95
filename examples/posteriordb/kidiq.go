package main

import (
	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// kidiq is a child's test score on the mother's IQ and schooling, with and
// without their product: σ ~ half-Cauchy(2.5), β flat.
func kidiq(d *data) (*model.Model, error) {
	return linear(d, func(s *model.Scope, _, sigma ad.Node) {
		s.Add("prior of sigma", ad.HalfCauchyLogProb(sigma, 2.5))
	})
}
