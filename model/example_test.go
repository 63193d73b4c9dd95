package model_test

import (
	"context"
	"fmt"
	"log"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
)

// Coaching in eight schools (Rubin 1981): effects y with known standard errors,
// which a hierarchical model pulls towards each other.
func Example() {
	y := []float64{28, 8, -3, 7, -1, 1, 18, 12}
	se := []float64{15, 10, 16, 11, 9, 11, 10, 18}
	m, err := model.New([]model.Param{
		model.Real("z", 8),
		model.Real("mu"),
		model.Positive("tau"),
	}, func(s *model.Scope) {
		z, mu, tau := s.Get("z"), s.Get("mu"), s.Get("tau")
		theta := s.Derive("theta", autodiff.Add(mu, tau.Mul(z)))
		s.Add("prior of mu", autodiff.NormalLogProb(mu, 0, 5))
		s.Add("prior of tau", autodiff.HalfCauchyLogProb(tau, 5))
		s.Add("effects", autodiff.NormalLogProb(z, 0, 1))
		s.Add("schools", autodiff.NormalLogProb(y, theta, se))
	})
	if err != nil {
		log.Fatal(err)
	}
	post, err := m.Fit(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	tau, err := post.Marginal("tau")
	if err != nil {
		log.Fatal(err)
	}
	best, _ := post.Expect(func(v []float64) float64 { // P(θ_1 > θ_3)
		if v[10] > v[12] {
			return 1
		}
		return 0
	})
	fmt.Println(m.Names()[10], m.Names()[12], post.Grade())
	fmt.Printf("tau: mean %.1f, below 10 with probability %.1f; school 1 above school 3: %.1f\n", tau.Mean, tau.Below(10), best)
	// Output:
	// theta[1] theta[3] good
	// tau: mean 3.6, below 10 with probability 1.0; school 1 above school 3: 0.6
}
