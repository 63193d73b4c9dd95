package expfam_test

import (
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
)

func TestConformanceGamma(t *testing.T) {
	for _, p := range [][2]float64{{0.05, 2}, {0.7, 1e-3}, {1, 1}, {3.5, 40}, {1e6, 1e6}, {1e6, 3e-8}} {
		d := must[*expfam.Gamma](t)(expfam.NewGamma(p[0], p[1]))
		expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{0}, {-1}, {inf}, {nan}}})
	}
}

func TestConformanceInverseGamma(t *testing.T) {
	for _, p := range [][2]float64{{0.05, 2}, {1, 1}, {6.5, 40}, {1e6, 1e6}} {
		d := must[*expfam.InverseGamma](t)(expfam.NewInverseGamma(p[0], p[1]))
		expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{0}, {-1}, {inf}, {nan}}, HeavyTails: p[0] < 4})
	}
}

func TestConformanceExponential(t *testing.T) {
	for _, rate := range []float64{1e-8, 1, 7e5} {
		d := must[*expfam.Exponential](t)(expfam.NewExponential(rate))
		expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{-1e-300}, {inf}, {nan}}})
	}
}

func TestConformancePoisson(t *testing.T) {
	for _, mean := range []float64{0.01, 1, 9.9, 10.1, 250, 1e8} {
		d := must[*expfam.Poisson](t)(expfam.NewPoisson(mean))
		expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{-1}, {0.5}, {inf}, {nan}}})
	}
}

func TestConformanceBernoulli(t *testing.T) {
	for _, p := range []float64{0.004, 0.5, 0.9} {
		d := must[*expfam.Bernoulli](t)(expfam.NewBernoulli(p))
		expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{-1}, {0.5}, {2}, {nan}}})
	}
}

func TestConformanceCategorical(t *testing.T) {
	for _, p := range [][]float64{{0.3, 0.7}, {0.2, 0.3, 0.5}, {0.9, 0.05, 0.03, 0.01, 0.01}} {
		d := must[*expfam.Categorical](t)(expfam.NewCategorical(p))
		expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{-1}, {0.5}, {float64(len(p))}, {inf}, {nan}}})
	}
}

func TestConformanceBeta(t *testing.T) {
	for _, p := range [][2]float64{{0.5, 0.7}, {1, 1}, {0.02, 9}, {2, 30}, {1e6, 3e6}, {2, 1e6}} {
		d := must[*expfam.Beta](t)(expfam.NewBeta(p[0], p[1]))
		expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{0}, {1}, {-1}, {nan}}})
	}
}

func TestConformanceDirichlet(t *testing.T) {
	for _, p := range [][]float64{{0.7, 0.9}, {1, 1, 1}, {3, 0.5, 12, 0.1, 2}, {1e6, 2e6, 5e5}, {1e4, 0.8, 3}} {
		d := must[*expfam.Dirichlet](t)(expfam.NewDirichlet(p))
		zero, half := make([]float64, len(p)), make([]float64, len(p))
		zero[0] = 1
		for i := range half {
			half[i] = 0.9 / float64(len(p))
		}
		expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{zero, half}})
	}
}
