package expfam_test

import (
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
)

// must turns the results of a constructor into a Dist.
func must[T expfam.Dist](t testing.TB) func(d T, err error) expfam.Dist {
	return func(d T, err error) expfam.Dist {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

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
