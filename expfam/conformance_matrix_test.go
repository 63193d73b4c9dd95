package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
)

func newVMF(t testing.TB, kappa float64, mu ...float64) *expfam.VonMisesFisher {
	t.Helper()
	return must[*expfam.VonMisesFisher](t)(expfam.NewVonMisesFisher(mu, kappa))
}

func TestConformanceVonMisesFisher(t *testing.T) {
	for _, f := range []*expfam.VonMisesFisher{
		newVMF(t, 0.5, 1, 0.2), newVMF(t, 40, -1, 2), newVMF(t, 0, 0, 1), newVMF(t, 3, 1, 1, 1), newVMF(t, 1e4, 1, -2, 0.5),
		newVMF(t, 3e7, 1, 0.3, 0.1), newVMF(t, 2, 1, 2, 3, 4, 5), newVMF(t, 90, randVec(30, rand.New(rand.NewPCG(8, 1)))...),
	} {
		outside := make([]float64, f.Dim())
		outside[0] = 1.001
		expfamtest.Conformance(t, f, &expfamtest.Options{Draws: 5000, Outside: [][]float64{make([]float64, f.Dim()), outside}})
	}
}

func TestPathVonMisesFisher(t *testing.T) {
	for _, f := range []*expfam.VonMisesFisher{
		newVMF(t, 0, 1, 0), newVMF(t, 1.5, 1, 0.2), newVMF(t, 30, -1, 2), newVMF(t, 0, 0, 1, 0), newVMF(t, 3, 1, 1, 1), newVMF(t, 500, 1, -2, 0.5), newVMF(t, 6, 1, 2, 3, 4, 5),
	} {
		checkPath(t, f, 4000, onSphere)
	}
}

// TestVonMisesFisherForms compares with the closed forms of three dimensions and
// the circle, and checks errors.
func TestVonMisesFisherForms(t *testing.T) {
	f := newVMF(t, 2.5, 0, 0, 2)
	near(t, "r in 3 dimensions", f.MeanResultantLength(), 1/math.Tanh(2.5)-0.4, 1e-14)
	near(t, "A in 3 dimensions", f.LogPartition(), math.Log(4*math.Pi*math.Sinh(2.5)/2.5), 1e-14)
	near(t, "A of the uniform distribution", newVMF(t, 0, 1, 0, 0, 0).LogPartition(), math.Log(2*math.Pi*math.Pi), 1e-14)
	near(t, "I_0(1) on the circle", newVMF(t, 1, 1, 0).LogPartition(), math.Log(2*math.Pi*1.2660658777520083), 1e-14)
	near(t, "kappa", f.Kappa(), 2.5, 1e-15)
	near(t, "direction", f.Mu(nil)[2], 1, 1e-15)
	var precision *expfam.PrecisionError
	var domain *expfam.DomainError
	if err := f.SetExpectation(newVMF(t, 1e9, 1, 2, 3).Expectation(nil)); !errors.As(err, &precision) {
		t.Errorf("a concentration of 1e9: error is %v", err)
	}
	if err := f.SetExpectation([]float64{1, 0.1, 0}); !errors.As(err, &domain) {
		t.Errorf("a mean longer than 1: error is %v", err)
	}
	for _, err := range []error{
		second(expfam.NewVonMisesFisher([]float64{1}, 1)), second(expfam.NewVonMisesFisher([]float64{0, 0}, 1)),
		second(expfam.NewVonMisesFisher([]float64{1, nan}, 1)), second(expfam.NewVonMisesFisher([]float64{1, 1}, -1)), second(expfam.NewVonMisesFisher([]float64{1, 1}, inf)),
	} {
		if !errors.As(err, &domain) {
			t.Errorf("error is %v, want a *DomainError", err)
		}
	}
	for _, kappa := range []float64{1e-3, 0.7, 30, 1e5} {
		q := newVMF(t, kappa, 1, 2, 3, 4)
		p := newVMF(t, 1, 1, 0, 0, 0)
		if err := p.SetExpectation(q.Expectation(nil)); err != nil {
			t.Fatal(err)
		}
		near(t, "kappa after a round trip", p.Kappa(), kappa, 1e-10)
	}
}
