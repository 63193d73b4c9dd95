package mixture

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
)

func TestVarianceMeanErrors(t *testing.T) {
	var de *expfam.DomainError
	typed := func(what string, err error) {
		t.Helper()
		if !errors.As(err, &de) {
			t.Errorf("%s: the error is %v, want a *expfam.DomainError", what, err)
		}
	}
	nan, inf, mu, I := math.NaN(), math.Inf(1), []float64{0, 0}, identity(2)
	bad := mat.NewSymDense(2, []float64{1, 2, 2, 1})
	_, err := NewStudentT([]float64{nan, 0}, I, 2)
	typed("mu", err)
	_, err = NewStudentT(mu, bad, 2)
	typed("scale", err)
	_, err = NewStudentT(mu, nil, 2)
	typed("scale", err)
	_, err = NewSymmetricNIG(mu, (*mat.SymDense)(nil), 2)
	typed("scale", err)
	_, err = NewSkewNormal(mu, mu, nil)
	typed("scale", err)
	for _, a := range []float64{0, -1, nan, inf} {
		_, err = NewStudentT(mu, I, a)
		typed("shape", err)
		_, err = NewSymmetricNIG(mu, I, a)
		typed("k", err)
		_, err = NewNormalInverseGaussian(mu, mu, I, a)
		typed("k", err)
	}
	_, err = NewSkewNormal(mu, []float64{inf, 0}, I)
	typed("alpha", err)
	_, err = NewExpModifiedNormal(mu, mu, bad)
	typed("scale", err)
	for _, f := range vmFamilies {
		c := vmMember(t, f, 2)
		before, _ := c.MarshalBinary()
		k := c.NumParams()
		eta := c.Natural(nil)
		eta[c.symAt()] = 1
		typed("SetNatural", c.SetNatural(eta))
		eta[0] = nan
		typed("SetNatural", c.SetNatural(eta))
		m := c.Expectation(nil)
		m[c.symAt()] = -100
		typed("SetExpectation", c.SetExpectation(m))
		tan := make([]float64, k)
		tan[k-1] = inf
		_, err := c.Retract(tan, 0.5)
		typed("Retract", err)
		_, err = c.Retract(make([]float64, k), nan)
		typed("Retract", err)
		typed("SetMomentum", c.SetMomentum(1))
		typed("SetPrecisionStep", c.SetPrecisionStep(SecondOrder+1))
		if after, _ := c.MarshalBinary(); string(after) != string(before) {
			t.Errorf("%s: a refused change left its mark", f)
		}
		if err := c.unmarshal(before[:len(before)-1], c.kind); err == nil {
			t.Errorf("%s: truncated bytes were accepted", f)
		}
		if err := c.unmarshal(before, other(c.kind)); err == nil {
			t.Errorf("%s: bytes of another family were accepted", f)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: a wrong length did not panic", f)
				}
			}()
			c.LogProb([]float64{1})
		}()
	}
	q := &ExpModifiedNormal{*vmMember(t, "exp_modified_gaussian", 1)}
	typed("SetProductRule", q.SetProductRule(-1))
	typed("SetProductRule", q.SetProductRule(65))
}

func other(k kind) kind {
	if k == (studentT{}) {
		return skewNormal{}
	}
	return studentT{}
}

func TestVarianceMeanAllocs(t *testing.T) {
	for _, f := range vmFamilies {
		c := vmMember(t, f, 3)
		tan := make([]float64, c.NumParams())
		rng := rand.New(rand.NewPCG(1, 1))
		draws := make([]expfam.Draw, 4)
		for i := range draws {
			draws[i].X, draws[i].Grad = make([]float64, 3), make([]float64, 3)
		}
		m0, prec := make([]float64, 3), mat.NewDiagDense(3, []float64{1, 1, 1})
		step := func() {
			c.SampleStep(draws, rng)
			clear(tan)
			for i := range draws {
				c.LogProb(draws[i].X)
				c.Tangent(tan, &draws[i], 0.01)
			}
			c.EntropyTangent(tan)
			c.QuadraticTangent(tan, m0, prec)
			if _, err := c.Retract(tan, 0.01); err != nil {
				t.Fatal(err)
			}
		}
		step()
		if n := testing.AllocsPerRun(20, step); n != 0 {
			t.Errorf("%s: a step allocates %v times", f, n)
		}
	}
}

// The mixing variable of a Student-t distribution is a/Gamma(a, 1), by inversion.
func TestStudentTMixing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, a := range []float64{0.01, 0.3, 1, 2.5, 40, 3e3, 9e4} {
		c := vmOf(t, "student_t", []float64{0}, nil, identity(1), a)
		for _, p := range []float64{1e-12, 1e-3, 0.2, 0.5, 0.9, 1 - 1e-9} {
			w := c.kind.mix(c, p, rng)
			if w == maxMixing {
				continue // the quantile lies beyond what a draw may have
			}
			got := mathext.GammaIncReg(a, a/w)
			if math.Abs(got-p) > 1e-7*math.Min(p, 1-p) {
				t.Errorf("a = %v: the distribution function at the %v-quantile is %v", a, p, got)
			}
		}
	}
	c := vmOf(t, "student_t", []float64{0}, nil, identity(1), 1e9)
	if w := c.kind.mix(c, 0.5, rng); math.Abs(w-1) > 1e-3 {
		t.Errorf("w is %v at a = 1e9", w)
	}
}
