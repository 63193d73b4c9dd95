package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
	"gonum.org/v1/gonum/floats"
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
		expfamtest.Conformance(t, f, &expfamtest.Options{Draws: 5000, Curved: true, Outside: [][]float64{make([]float64, f.Dim()), outside}})
	}
}

// onSphere returns x moved along v and brought back to length 1.
func onSphere(x, v []float64) []float64 {
	y := floats.AddTo(make([]float64, len(x)), x, v)
	floats.Scale(1/floats.Norm(y, 2), y)
	return y
}

// TestVonMisesFisherPaths compares the score with differences along the sphere and
// ∇_η E[f] for f(x) = (a'x)³ with the mean of PathGrad(∇f), where Conformance has
// f linear. E[f] at neighbours is the mean over the same draws, weighted.
func TestVonMisesFisherPaths(t *testing.T) {
	for _, q := range []*expfam.VonMisesFisher{
		newVMF(t, 0, 0, 1), newVMF(t, 1.5, 1, 0.2), newVMF(t, 30, -1, 2), newVMF(t, 3, 1, 1, 1), newVMF(t, 500, 1, -2, 0.5), newVMF(t, 6, 1, 2, 3, 4, 5),
	} {
		d := q.Dim()
		rng := rand.New(rand.NewPCG(62, 1))
		a, m := randVec(d, rng), q.Expectation(nil)
		const n = 20000
		diff, square := make([]float64, d), make([]float64, d)
		for k := range n {
			x := q.Sample(nil, rng)
			if k < 20 {
				v := randVec(d, rng)
				const h = 1e-5
				want := (q.LogProb(onSphere(x, scaled(v, h))) - q.LogProb(onSphere(x, scaled(v, -h)))) / (2 * h)
				if got := floats.Dot(q.Score(nil, x), v); math.Abs(got-want) > 1e-6*(1+q.Kappa()) {
					t.Errorf("kappa %v: score along a direction is %v, differences say %v", q.Kappa(), got, want)
				}
			}
			c := floats.Dot(a, x)
			path := q.PathGrad(nil, scaled(a, 3*c*c), x)
			for i := range d {
				// ∇_η E[f] = E[f·(x − m)], the score-function form.
				e := path[i] - c*c*c*(x[i]-m[i])
				diff[i] += e / n
				square[i] += e * e / n
			}
		}
		for i := range d {
			if se := math.Sqrt((square[i] - diff[i]*diff[i]) / n); math.Abs(diff[i]) > 5*se {
				t.Errorf("kappa %v, d %d: path and score-function gradients differ by %v ± %v", q.Kappa(), d, diff[i], se)
			}
		}
	}
}

// TestVonMisesFisherPrecision holds the inverse to its contract over concentrations
// from 1e-6 to 1e9.
func TestVonMisesFisherPrecision(t *testing.T) {
	rng := rand.New(rand.NewPCG(63, 1))
	var refused int
	for range 1500 {
		kappa := logUniform(rng, -6, 9)
		f := newVMF(t, kappa, randVec(2+rng.IntN(20), rng)...)
		q := f.Clone()
		err := q.SetExpectation(f.Expectation(nil))
		off, loss, _ := distance(t, f, q.Natural(nil))
		var e *expfam.PrecisionError
		switch {
		case err == nil && off > 1+4*min(loss, 1):
			t.Errorf("κ = %v, d = %d: η is off by %.2g·1e-10 without an error; rounding of m explains %.2g", kappa, f.Dim(), off, loss)
		case err != nil && !errors.As(err, &e):
			t.Error(err)
		case err != nil:
			if refused++; loss < 1./16 {
				t.Errorf("κ = %v, d = %d: %v, but rounding of m does %.2g·1e-10 only", kappa, f.Dim(), err, loss)
			}
		}
	}
	t.Logf("%d of 1500 refused", refused)
}

// TestVonMisesFisherConcentrated compares E[−log p] with the entropy where κ is
// beyond the digits of η'x − A.
func TestVonMisesFisherConcentrated(t *testing.T) {
	rng := rand.New(rand.NewPCG(64, 1))
	for _, kappa := range []float64{1e12, 1e20, 1e30} {
		f := newVMF(t, kappa, 1, -2, 0.5)
		const n = 4000
		var h float64
		for range n {
			h -= f.LogProb(f.Sample(nil, rng)) / n
		}
		// log p is −Gamma(1, 1) but for a constant.
		if se := 1 / math.Sqrt(n); math.Abs(h-f.Entropy()) > 5*se {
			t.Errorf("kappa %v: mean of −log p is %v ± %v, entropy %v", kappa, h, se, f.Entropy())
		}
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
