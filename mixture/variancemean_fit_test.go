package mixture

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// skewedLogistic is a logistic regression on few rows with a wide prior: a posterior that
// leans far to one side.
func skewedLogistic(hess bool) *vi.Target {
	g := new(vmGolden)
	g.Initial.Mu = make([]float64, 2)
	g.Target.X = [][]float64{{1, 0.3}, {1, 1.2}, {1, -0.4}, {1, 2.1}, {1, 0.8}, {1, -1.1}}
	g.Target.Y = []float64{1, 1, -1, 1, 1, -1}
	return g.logistic(25, hess)
}

// The log evidence of skewedLogistic and its posterior means, by a sum over a grid.
func skewedLogisticTruth() (logZ float64, mean [2]float64) {
	t := skewedLogistic(false)
	var z float64
	const h = 0.1
	for x := -25.0; x < 30; x += h {
		for y := -20.0; y < 40; y += h {
			p := h * h * math.Exp(t.LogProb([]float64{x, y}))
			z += p
			mean[0], mean[1] = mean[0]+p*x, mean[1]+p*y
		}
	}
	return math.Log(z), [2]float64{mean[0] / z, mean[1] / z}
}

func fitted(t *testing.T, q vi.Posterior, target *vi.Target, s *vi.Settings) *vi.Result {
	t.Helper()
	r, err := vi.Fit(context.Background(), q, target, s)
	if err != nil {
		t.Fatalf("%T: %v", q, err)
	}
	if r.Status != vi.Converged {
		t.Errorf("%T: %s", q, r.Verdict())
	}
	return r
}

// With the default settings the skewed families come nearer to a skewed posterior than a normal
// distribution does.
func TestVarianceMeanFitSkewed(t *testing.T) {
	logZ, mean := skewedLogisticTruth()
	zero, alpha := []float64{0, 0}, []float64{0.3, 0.3}
	for _, hess := range []bool{true, false} {
		target := skewedLogistic(hess)
		n := fitted(t, expfam.StandardNormal(2), target, nil)
		for _, f := range []string{"skew_gaussian", "exp_modified_gaussian", "normal_inverse_gaussian"} {
			q := exported(vmOf(t, f, zero, alpha, identity(2), 2))
			r := fitted(t, q, target, nil)
			if r.ELBO > logZ+4*r.ELBOErr {
				t.Errorf("%T: the ELBO %v ± %v is above the log evidence %v", q, r.ELBO, r.ELBOErr, logZ)
			}
			if logZ-r.ELBO > 0.7*(logZ-n.ELBO) {
				t.Errorf("%T: ELBO %v, spread %v; normal: %v, %v (log evidence %v)", q, r.ELBO, r.Spread(), n.ELBO, n.Spread(), logZ)
			}
			if f == "skew_gaussian" && (r.Spread() > 0.7*n.Spread() || r.Grade() != vi.Good || n.Grade() != vi.Caution) {
				t.Errorf("skew normal: %s; normal: %s", r.Verdict(), n.Verdict())
			}
			if f == "skew_gaussian" {
				got, sd := q.(*SkewNormal).Mean(nil), q.(*SkewNormal).Sd(nil)
				for i := range got {
					if math.Abs(got[i]-mean[i]) > 0.15*sd[i] {
						t.Errorf("skew normal: mean[%d] is %v, want %v (sd %v)", i, got[i], mean[i], sd[i])
					}
				}
			}
		}
	}
}

// The starts made from a normal distribution keep its mean and covariance and lean with the
// target, on either side.
func TestLeaningStart(t *testing.T) {
	n, err := expfam.NewNormal([]float64{0.5, -1}, mat.NewSymDense(2, []float64{1.2, 0.4, 0.4, 0.6}))
	if err != nil {
		t.Fatal(err)
	}
	for _, sign := range []float64{1, -1, 0} {
		grad := func(dst, x []float64) float64 { // third derivatives −sign·e^y along (1, 2) only
			y := x[0] + 2*x[1]
			dst[0], dst[1] = -x[0]-sign*math.Exp(y), -x[1]-2*sign*math.Exp(y)
			return 0
		}
		s, err := SkewNormalFrom(n, grad, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		e, err := ExpModifiedNormalFrom(n, grad, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*VarianceMean{&s.VarianceMean, &e.VarianceMean} {
			mean, cov := c.Mean(nil), c.Cov(nil)
			for i := range 2 {
				if math.Abs(mean[i]-n.Mean(nil)[i]) > 1e-12 {
					t.Errorf("%s: mean[%d] is %v", c.Name(), i, mean[i])
				}
				for j := range 2 {
					if math.Abs(cov.At(i, j)-n.Cov(nil).At(i, j)) > 1e-12 {
						t.Errorf("%s: covariance[%d,%d] is %v", c.Name(), i, j, cov.At(i, j))
					}
				}
			}
			// C(1, 2)' is the direction in which the target leans.
			a := c.alphaTo(nil)
			if along := a[0]*2 + a[1]*1.6; sign != 0 && !(along*sign < 0) {
				t.Errorf("%s: sign %v: alpha is %v", c.Name(), sign, a)
			}
		}
	}
	var de *expfam.DomainError
	if _, err := SkewNormalFrom(n, func(dst, x []float64) float64 { dst[0] = math.NaN(); return 0 }, rand.New(rand.NewPCG(1, 2))); !errors.As(err, &de) {
		t.Errorf("a gradient that is NaN gives %v", err)
	}
}

// exported wraps c in its exported type.
func exported(c *VarianceMean) vi.Tangenter {
	switch c.kind {
	case studentT{}:
		return &StudentT{*c}
	case skewNormal{}:
		return &SkewNormal{*c}
	case expModified{}:
		return &ExpModifiedNormal{*c}
	case symmetricNIG{}:
		return &SymmetricNIG{*c}
	}
	return &NormalInverseGaussian{*c}
}

// studentTarget is an unnormalised Student-t density in two dimensions with 4 degrees of
// freedom (a = 2), centre (1, −2) and precision matrix [[2, −½], [−½, 1]].
func studentTarget() *vi.Target {
	return &vi.Target{Dim: 2, Grad: func(dst, x []float64) float64 {
		a, b := x[0]-1, x[1]+2
		q := 1 + (2*a*a+b*b-a*b)/4
		dst[0] = -3 / q * (4*a - b) / 4
		dst[1] = -3 / q * (2*b - a) / 4
		return -3 * math.Log(q)
	}}
}

// A Student-t posterior comes near a Student-t target with the default settings and finds
// it, shape included, in a longer run, where a normal one is warned of by k̂.
func TestStudentTFit(t *testing.T) {
	logZ := math.Log(2 * math.Pi / math.Sqrt(1.75))
	n := fitted(t, expfam.StandardNormal(2), studentTarget(), nil)
	q, err := NewStudentT([]float64{0, 0}, identity(2), 3)
	if err != nil {
		t.Fatal(err)
	}
	r := fitted(t, q, studentTarget(), nil)
	if r.Grade() != vi.Good || r.Spread() > 0.3*n.Spread() || math.Abs(r.ELBO-logZ) > 0.03 || n.KHat < 0.7 {
		t.Errorf("Student-t: %s, spread %v; normal: %s, spread %v", r.Verdict(), r.Spread(), n.Verdict(), n.Spread())
	}
	long := &vi.Settings{Plain: true, Rate: vi.Decay(0.5, 50, 0.8), Iterations: 1500, Draws: 64}
	if r, err = vi.Fit(context.Background(), q, studentTarget(), long); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{2, -0.5, -0.5, 1} {
		if got := q.Precision(nil).At(i/2, i%2); math.Abs(got-want) > 0.1 {
			t.Errorf("precision[%d] is %v, want %v", i, got, want)
		}
	}
	if math.Abs(q.Shape()-2) > 0.2 || r.Spread() > 5e-3 || math.Abs(r.ELBOMC-logZ) > 3e-3 {
		t.Errorf("shape is %v, want 2; spread %v, ELBO %v, log evidence %v", q.Shape(), r.Spread(), r.ELBOMC, logZ)
	}
}

// A normal target is approached from below by closed forms alone: the tails of a Student-t
// distribution grow thin, and an α vanishes, neither ever quite.
func TestVarianceMeanExactMethod(t *testing.T) {
	p := mat.NewSymDense(2, []float64{3, 1, 1, 2})
	m0 := []float64{0.5, -1}
	logZ := 0.5 * (2*vmLog2Pi - math.Log(5))
	for _, f := range []string{"student_t", "skew_gaussian", "exp_modified_gaussian"} {
		q := exported(vmMember(t, f, 2))
		target := &vi.Target{Dim: 2, Exact: func(tan []float64, q vi.Posterior) (float64, error) {
			return q.(interface {
				QuadraticTangent(tan, m0 []float64, prec mat.Symmetric) float64
			}).QuadraticTangent(tan, m0, p), nil
		}, LogProb: func(x []float64) float64 {
			a, b := x[0]-m0[0], x[1]-m0[1]
			return -0.5 * (3*a*a + 2*a*b + 2*b*b)
		}}
		r, err := vi.Fit(context.Background(), q, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !(math.Abs(r.ELBO-logZ) < 1e-3) || r.Conditions&expfam.ObjectiveFell != 0 {
			t.Errorf("%s: ELBO %v, want %v; conditions %s", f, r.ELBO, logZ, r.Conditions)
		}
	}
}

// A run that is stopped and resumed from its bytes ends bit for bit like one that is not.
func TestVarianceMeanResume(t *testing.T) {
	for _, f := range vmFamilies {
		for _, beta := range []float64{0, 0.6} {
			set := &vi.Settings{Seed: 5, Iterations: 40, Diagnostics: -1}
			if beta > 0 {
				set.Plain, set.Rate = true, vi.Constant(0.2)
			}
			start := func() vi.Posterior {
				c := vmMember(t, f, 2)
				if err := c.SetMomentum(beta); err != nil {
					t.Fatal(err)
				}
				return exported(c)
			}
			target := skewedLogistic(true)
			run := func(e *vi.Engine, steps int) {
				for range steps {
					if _, err := e.Step(); err != nil {
						t.Fatal(err)
					}
				}
			}
			engine := func(q vi.Posterior) *vi.Engine {
				e, err := vi.New(q, target, set)
				if err != nil {
					t.Fatal(err)
				}
				return e
			}
			whole := start()
			run(engine(whole), 30)
			half := engine(start())
			run(half, 17)
			state, err := half.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			rest := exported(vmMember(t, f, 2))
			e, err := vi.Resume(rest, target, set, state)
			if err != nil {
				t.Fatal(err)
			}
			run(e, 13)
			a, _ := whole.MarshalBinary()
			b, _ := rest.MarshalBinary()
			if !bytes.Equal(a, b) {
				t.Errorf("%s: momentum %v: a resumed run ends elsewhere", f, beta)
			}
		}
	}
}

// The three ways to move a precision agree to first order, keep it positive definite under
// large steps and say what they did.
func TestVarianceMeanPrecisionSteps(t *testing.T) {
	c := vmMember(t, "skew_gaussian", 2)
	tan := make([]float64, c.NumParams())
	c.EntropyTangent(tan) // grows S along 2Σ: too large a step makes it indefinite
	for _, step := range []struct {
		rule PrecisionStep
		cond expfam.Condition
	}{{PlainFirst, expfam.Retracted}, {PlainHalving, expfam.Shortened}, {SecondOrder, 0}} {
		small, large := c.clone(), c.clone()
		small.SetPrecisionStep(step.rule)
		large.SetPrecisionStep(step.rule)
		if _, err := small.Retract(tan, 1e-5); err != nil {
			t.Fatal(err)
		}
		g := make([]float64, 4)
		vmUnpack(g, tan[4:], 2)
		for i, s := range small.cur.s {
			if d := s - c.cur.s[i] + 2e-5*g[i]; math.Abs(d) > 1e-9 {
				t.Errorf("rule %d: S[%d] is off by %v", step.rule, i, d)
			}
		}
		cond, err := large.Retract(tan, 30)
		if err != nil || cond != step.cond {
			t.Errorf("rule %d: a large step gives %v, %v; want %v", step.rule, cond, err, step.cond)
		}
	}
	var de *expfam.DomainError
	huge := append([]float64(nil), tan...)
	for i := range huge {
		huge[i] = 1e300
	}
	before, _ := c.MarshalBinary()
	if _, err := c.Retract(huge, 1e300); !errors.As(err, &de) {
		t.Errorf("an impossible step gives %v", err)
	}
	if after, _ := c.MarshalBinary(); !bytes.Equal(before, after) {
		t.Error("an impossible step left its mark")
	}
}

// Copies do not share state, and a zero value takes any member's bytes.
func TestVarianceMeanCopies(t *testing.T) {
	c := vmMember(t, "student_t", 2)
	q := &StudentT{*c}
	n := q.Clone()
	tan := []float64{0.3, -0.2, 0.1, 0.05, 0.1, 0.4}
	if _, err := n.Retract(tan, 0.5); err != nil {
		t.Fatal(err)
	}
	if n.Shape() == q.Shape() || n.LogProb([]float64{0, 0}) == q.LogProb([]float64{0, 0}) {
		t.Error("a step of the copy moved the original, or nothing")
	}
	b, err := n.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var z StudentT
	if err := z.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if z.LogProb([]float64{1, 2}) != n.LogProb([]float64{1, 2}) {
		t.Error("the bytes do not restore the member")
	}
	var s SkewNormal
	if err := s.UnmarshalBinary(b); err == nil {
		t.Error("a skew normal took the bytes of a Student-t distribution")
	}
}
