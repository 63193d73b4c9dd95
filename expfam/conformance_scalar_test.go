package expfam_test

import (
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
)

// onPositive are options of families on x > 0.
func onPositive() *expfamtest.Options {
	return &expfamtest.Options{Outside: [][]float64{{0}, {-1}, {inf}, {nan}}}
}

func TestConformanceScales(t *testing.T) {
	for _, s := range []float64{1e-6, 1, 3e4} {
		expfamtest.Conformance(t, must[*expfam.Rayleigh](t)(expfam.NewRayleigh(s)), onPositive())
		expfamtest.Conformance(t, must[*expfam.Maxwell](t)(expfam.NewMaxwell(s)), onPositive())
		expfamtest.Conformance(t, must[*expfam.HalfNormal](t)(expfam.NewHalfNormal(s)), onPositive())
	}
}

func TestConformanceWeibull(t *testing.T) {
	for _, p := range [][2]float64{{0.7, 2}, {1, 1}, {1.5, 40}, {8, 1e-3}} {
		expfamtest.Conformance(t, must[*expfam.Weibull](t)(expfam.NewWeibull(p[0], p[1])), onPositive())
	}
}

func TestConformanceChi(t *testing.T) {
	for _, nu := range []float64{0.3, 1, 2, 7.5, 1e6} {
		expfamtest.Conformance(t, must[*expfam.Chi](t)(expfam.NewChi(nu)), onPositive())
		expfamtest.Conformance(t, must[*expfam.ChiSquared](t)(expfam.NewChiSquared(nu)), onPositive())
	}
}

func TestConformanceGammaMaps(t *testing.T) {
	for _, p := range [][2]float64{{0.2, 2}, {1, 1}, {3.5, 1e-3}, {1e6, 4e5}} {
		expfamtest.Conformance(t, must[*expfam.Nakagami](t)(expfam.NewNakagami(p[0], p[1])), onPositive())
		expfamtest.Conformance(t, must[*expfam.GeneralizedGamma](t)(expfam.NewGeneralizedGamma(1.5, p[0], p[1])), onPositive())
		expfamtest.Conformance(t, must[*expfam.LogGamma](t)(expfam.NewLogGamma(p[0], p[1])),
			&expfamtest.Options{Outside: [][]float64{{inf}, {-inf}, {nan}}})
	}
}

func TestConformanceLogNormal(t *testing.T) {
	for _, p := range [][2]float64{{0, 1}, {-3, 0.1}, {20, 0.5}} {
		o := onPositive()
		o.RoundingLoss = true
		expfamtest.Conformance(t, must[*expfam.LogNormal](t)(expfam.NewLogNormal(p[0], p[1])), o)
	}
}

func TestConformanceLaplace(t *testing.T) {
	for _, p := range [][2]float64{{0, 1}, {-3, 1e-4}, {20, 50}} {
		expfamtest.Conformance(t, must[*expfam.Laplace](t)(expfam.NewLaplace(p[0], p[1])),
			&expfamtest.Options{Outside: [][]float64{{inf}, {-inf}, {nan}}})
	}
}

func TestConformancePowerLaws(t *testing.T) {
	for _, p := range [][2]float64{{1, 0.4}, {3, 5}, {1e-5, 1}, {40, 300}} {
		expfamtest.Conformance(t, must[*expfam.Pareto](t)(expfam.NewPareto(p[0], p[1])),
			&expfamtest.Options{Outside: [][]float64{{0.99 * p[0]}, {-1}, {inf}, {nan}}, HeavyTails: p[1] < 4})
		expfamtest.Conformance(t, must[*expfam.PowerLaw](t)(expfam.NewPowerLaw(p[0], p[1])),
			&expfamtest.Options{Outside: [][]float64{{1.01 * p[0]}, {0}, {-1}, {nan}}})
	}
}

func TestConformanceBetaPrime(t *testing.T) {
	for _, p := range [][2]float64{{0.5, 0.7}, {1, 1}, {0.02, 9}, {2, 30}, {1e6, 3e6}, {2, 1e6}} {
		o := onPositive()
		o.HeavyTails = p[1] < 4
		expfamtest.Conformance(t, must[*expfam.BetaPrime](t)(expfam.NewBetaPrime(p[0], p[1])), o)
	}
}

func TestConformanceInverseGaussian(t *testing.T) {
	for _, p := range [][2]float64{{1, 1}, {0.2, 30}, {5, 0.5}, {1e4, 3e9}, {1e-3, 1e4}} {
		expfamtest.Conformance(t, must[*expfam.InverseGaussian](t)(expfam.NewInverseGaussian(p[0], p[1])), onPositive())
	}
}

func TestConformanceContinuousBernoulli(t *testing.T) {
	for _, l := range []float64{0.5, 0.5 + 1e-12, 0.49, 0.3, 0.01, 0.97, 1e-40, 1 - 1e-15} {
		expfamtest.Conformance(t, must[*expfam.ContinuousBernoulli](t)(expfam.NewContinuousBernoulli(l)),
			&expfamtest.Options{Outside: [][]float64{{-1e-9}, {1 + 1e-9}, {nan}}})
	}
}

func TestConformanceVonMises(t *testing.T) {
	for _, p := range [][2]float64{{0, 0}, {1, 1e-9}, {-2, 0.4}, {3.1, 2}, {math.Pi, 29.9}, {0.7, 31}, {2.5, 150}, {-1, 1e4}, {-1, 1e6}} {
		// HeavyTails: the mean is that of directions.
		expfamtest.Conformance(t, must[*expfam.VonMises](t)(expfam.NewVonMises(p[0], p[1])),
			&expfamtest.Options{Outside: [][]float64{{-3.2}, {3.2}, {nan}}, HeavyTails: true})
	}
}

func TestConformanceTruncatedNormal(t *testing.T) {
	for _, p := range [][4]float64{
		{0, 1, -1, 2}, {0, 1, -inf, 0.5}, {2, 3, 0, inf}, {-5, 1, 0, inf}, {-300, 30, 1, inf},
		{0, 1, 12, inf}, {0, 1, -40, 60}, {3, 10, 0, 0.01}, {40, 2, 0, 3}, {1e3, 1e3, -1, 1},
	} {
		expfamtest.Conformance(t, must[*expfam.TruncatedNormal](t)(expfam.NewTruncatedNormal(p[0], p[1], p[2], p[3])),
			&expfamtest.Options{Outside: [][]float64{{p[2] - 0.1}, {p[3] + 0.1}, {nan}}})
	}
	// Densities with no normal before truncation.
	for _, eta := range [][2]float64{{0, 0}, {5, 0}, {-3, 2}, {-8, 9}, {1, 0.1}, {-30, 3}} {
		d := must[*expfam.TruncatedNormal](t)(expfam.NewTruncatedNormal(0, 1, -1, 2))
		if err := d.SetNatural(eta[:]); err != nil {
			t.Fatal(err)
		}
		expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{-1.1}, {2.1}, {nan}}})
	}
}
