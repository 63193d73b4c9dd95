package main

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// noise is what lies between a function and a target: normal, or with df above 0
// Student's with scale 1/√tau.
type noise struct{ tau, df float64 }

func (e noise) student() distuv.StudentsT { return distuv.StudentsT{Sigma: 1, Nu: e.df} }

func (e noise) logDensity(r float64) float64 {
	if e.df > 0 {
		return e.student().LogProb(r*math.Sqrt(e.tau)) + 0.5*math.Log(e.tau)
	}
	return 0.5 * (math.Log(e.tau/(2*math.Pi)) - e.tau*r*r)
}

func (e noise) cdf(r float64) float64 {
	if e.df > 0 {
		return e.student().CDF(r * math.Sqrt(e.tau))
	}
	return 0.5 * math.Erfc(-r*math.Sqrt(e.tau/2))
}

// spread puts Student's mid-quantiles around each of the functions f of n rows, each
// of them as likely: a sample of the predictive distribution.
func (e noise) spread(f []float64, n, each int) (points []float64, per int) {
	for q := range each {
		shift := e.student().Quantile((float64(q)+0.5)/float64(each)) / math.Sqrt(e.tau)
		for _, v := range f {
			points = append(points, v+shift)
		}
	}
	return points, each
}
