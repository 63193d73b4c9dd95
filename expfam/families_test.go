package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/special"
)

var inf, nan = math.Inf(1), math.NaN()

// TestConstructors checks that bad parameters are refused by name.
func TestConstructors(t *testing.T) {
	for _, bad := range []float64{0, -1, inf, -inf, nan, 1e151, 1e-151} {
		for _, c := range []struct {
			param string
			make  func() (any, error)
		}{
			{"shape", func() (any, error) { return expfam.NewGamma(bad, 1) }},
			{"rate", func() (any, error) { return expfam.NewGamma(1, bad) }},
			{"shape", func() (any, error) { return expfam.NewInverseGamma(bad, 1) }},
			{"scale", func() (any, error) { return expfam.NewInverseGamma(1, bad) }},
			{"alpha", func() (any, error) { return expfam.NewBeta(bad, 1) }},
			{"beta", func() (any, error) { return expfam.NewBeta(1, bad) }},
			{"rate", func() (any, error) { return expfam.NewExponential(bad) }},
			{"mean", func() (any, error) { return expfam.NewPoisson(bad) }},
			{"concentration[1]", func() (any, error) { return expfam.NewDirichlet([]float64{1, bad}) }},
		} {
			_, err := c.make()
			var e *expfam.DomainError
			if !errors.As(err, &e) {
				t.Errorf("%s = %v: error is %v, want a *DomainError", c.param, bad, err)
			} else if !strings.Contains(err.Error(), c.param) {
				t.Errorf("%s = %v: message %q does not name the parameter", c.param, bad, err)
			}
		}
	}
	for _, p := range []float64{0, 1, -0.1, 1.1, nan} {
		if _, err := expfam.NewBernoulli(p); err == nil {
			t.Errorf("NewBernoulli(%v) gives no error", p)
		}
	}
	if _, err := expfam.NewBernoulliLogit(inf); err == nil {
		t.Error("NewBernoulliLogit(+Inf) gives no error")
	}
	for _, p := range [][]float64{nil, {1}, {0, 1}, {0.5, 0.6}, {nan, 0.5}, {-0.5, 1.5}} {
		if _, err := expfam.NewCategorical(p); err == nil {
			t.Errorf("NewCategorical(%v) gives no error", p)
		}
	}
	if _, err := expfam.NewDirichlet([]float64{1}); err == nil {
		t.Error("NewDirichlet of one category gives no error")
	}
	// A shape so small that shape − 1 rounds to −1 is refused, not rounded.
	if _, err := expfam.NewGamma(1e-20, 1); err == nil {
		t.Error("NewGamma(1e-20, 1) gives no error")
	}
}

func TestAccessors(t *testing.T) {
	g := must[*expfam.Gamma](t)(expfam.NewGamma(2.5, 4))
	ig := must[*expfam.InverseGamma](t)(expfam.NewInverseGamma(2.5, 4))
	b := must[*expfam.Beta](t)(expfam.NewBeta(2.5, 4))
	be := must[*expfam.Bernoulli](t)(expfam.NewBernoulli(0.25))
	lo := must[*expfam.Bernoulli](t)(expfam.NewBernoulliLogit(-3))
	ca := must[*expfam.Categorical](t)(expfam.NewCategorical([]float64{0.2, 0.3, 0.5}))
	di := must[*expfam.Dirichlet](t)(expfam.NewDirichlet([]float64{2, 0.5, 4}))
	po := must[*expfam.Poisson](t)(expfam.NewPoisson(7))
	ex := must[*expfam.Exponential](t)(expfam.NewExponential(7))
	for what, v := range map[string][2]float64{
		"Gamma.Shape": {g.Shape(), 2.5}, "Gamma.Rate": {g.Rate(), 4},
		"InverseGamma.Shape": {ig.Shape(), 2.5}, "InverseGamma.Scale": {ig.Scale(), 4},
		"Beta.Alpha": {b.Alpha(), 2.5}, "Beta.Beta": {b.Beta(), 4},
		"Bernoulli.Prob": {be.Prob(), 0.25}, "Bernoulli.Logit": {lo.Logit(), -3},
		"Categorical.Len": {float64(ca.Len()), 3}, "Categorical.Probs[2]": {ca.Probs(nil)[2], 0.5},
		"Dirichlet.Concentration[1]": {di.Concentration(nil)[1], 0.5},
		"Poisson.Rate":               {po.Rate(), 7}, "Exponential.Rate": {ex.Rate(), 7},
		"InverseGamma mean": {ig.Mean(nil)[0], 4 / 1.5}, "Categorical mean": {ca.Mean(nil)[0], 1.3},
		// Densities worked out by hand.
		"Gamma.LogProb":        {g.LogProb([]float64{0.5}), 2.5*math.Log(4) - math.Log(0.75*math.Sqrt(math.Pi)) + 1.5*math.Log(0.5) - 2},
		"InverseGamma.LogProb": {ig.LogProb([]float64{2}), 2.5*math.Log(4) - math.Log(0.75*math.Sqrt(math.Pi)) - 3.5*math.Log(2) - 2},
		"Dirichlet.LogProb":    {di.LogProb([]float64{0.25, 0.25, 0.5}), math.Log(0.25) - 0.5*math.Log(0.25) + 3*math.Log(0.5) + special.Lgamma(6.5) - math.Log(math.Sqrt(math.Pi)*6)},
		"Poisson.LogProb":      {po.LogProb([]float64{2}), 2*math.Log(7) - 7 - math.Ln2},
		"Categorical.LogProb":  {ca.LogProb([]float64{1}), math.Log(0.3)},
		"Bernoulli.LogProb":    {be.LogProb([]float64{0}), math.Log(0.75)},
	} {
		near(t, what, v[0], v[1], 1e-14)
	}
	heavy := must[*expfam.InverseGamma](t)(expfam.NewInverseGamma(1, 4))
	if m := heavy.Mean(nil)[0]; !math.IsInf(m, 1) {
		t.Errorf("mean of an inverse gamma of shape 1 is %v, want +Inf", m)
	}
}

// Reference values of the next tests were computed with 80 decimal digits.

func TestGammaKL(t *testing.T) {
	for _, r := range [][5]float64{
		{3, 2, 5, 7, 1.875523137114226},
		{1e6, 1e6, 1000001, 1e6, 5.000000833333334e-07},
		{1e6, 1e6, 1000001, 1000001, 2.499999166667083e-13},
		{0.5, 0.001, 0.5, 0.0015, 0.04726744594591781},
		{1e6, 3, 1000064, 3.000244140625, 0.00015102542936185623},
		{20, 1, 2e5, 1e4, 5036.542760653138},
	} {
		p := must[*expfam.Gamma](t)(expfam.NewGamma(r[0], r[1]))
		q := must[*expfam.Gamma](t)(expfam.NewGamma(r[2], r[3]))
		kl, err := expfam.KL(p, q)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "KL of gammas", kl, r[4], 1e-9) // limited by the rounding of rate/shape
	}
}

func TestDirichletReferences(t *testing.T) {
	for _, r := range []struct {
		a, b []float64
		kl   float64
	}{
		{[]float64{2, 3}, []float64{4, 1}, 2.0986122886681096},
		{[]float64{1e6, 3e6}, []float64{1000001, 3000003}, 2.4999992361114583e-13},
		{[]float64{1e6, 2e6, 5e5}, []float64{1000001, 2000002, 500000.5}, 4.999999345237917e-13},
		{[]float64{0.25, 0.5, 8}, []float64{0.25, 0.5, 8.5}, 0.0014481873667363048},
		{[]float64{1e6, 2, 0.01}, []float64{1e6, 3, 0.01}, 0.27036234546239984},
	} {
		p := must[*expfam.Dirichlet](t)(expfam.NewDirichlet(r.a))
		q := must[*expfam.Dirichlet](t)(expfam.NewDirichlet(r.b))
		kl, err := expfam.KL(p, q)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "KL of Dirichlets", kl, r.kl, 1e-9)
		if len(r.a) == 2 {
			p := must[*expfam.Beta](t)(expfam.NewBeta(r.a[0], r.a[1]))
			q := must[*expfam.Beta](t)(expfam.NewBeta(r.b[0], r.b[1]))
			kl, _ := expfam.KL(p, q)
			near(t, "KL of betas", kl, r.kl, 1e-9)
		}
	}
	for _, r := range []struct {
		a []float64
		h float64
	}{
		{[]float64{2, 3}, -0.2349066497880003},
		{[]float64{1e6, 3e6}, -7.018952379234439},
		{[]float64{0.25, 0.5, 8}, -5.812200950361773},
		{[]float64{1e6, 2e6, 5e5}, -14.109541698508052},
	} {
		near(t, "entropy", must[*expfam.Dirichlet](t)(expfam.NewDirichlet(r.a)).Entropy(), r.h, 1e-13)
	}
	for _, r := range [][2][]float64{
		{{2, 3}, {-1.0833333333333333, -0.5833333333333334}},
		{{1e6, 3e6}, {-1.3862947361199687, -0.2876821141184516}},
		{{0.0009765625, 1e6}, {-1038.3911204882813, -9.76562987804575e-10}},
		{{1e6, 2, 0.015625}, {-2.015623976441464e-06, -13.3927277384897, -78.36731504675602}},
	} {
		m := must[*expfam.Dirichlet](t)(expfam.NewDirichlet(r[0])).Expectation(nil)
		for i := range m {
			near(t, "E[log x]", m[i], r[1][i], 1e-14)
		}
	}
}

func TestPoissonEntropy(t *testing.T) {
	for _, r := range [][2]float64{
		{1e-3, 0.0079081018046324832}, {0.5, 0.92763746749579737}, {3, 1.9314701981485689}, {20, 2.9125264001823181},
		{150, 3.9236987569806773}, {499, 4.5250744126504994}, {3000, 5.4220945346204326},
	} {
		near(t, "entropy", must[*expfam.Poisson](t)(expfam.NewPoisson(r[0])).Entropy(), r[1], 1e-12)
	}
}

// TestTinyShapes checks that draws whose logarithm is beyond the range of
// float64 stay inside the support.
func TestTinyShapes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, d := range []expfam.Dist{
		must[*expfam.Gamma](t)(expfam.NewGamma(1e-3, 1)),
		must[*expfam.InverseGamma](t)(expfam.NewInverseGamma(1e-3, 1)),
		must[*expfam.Beta](t)(expfam.NewBeta(1e-3, 2e-3)),
		must[*expfam.Dirichlet](t)(expfam.NewDirichlet([]float64{1e-3, 2e-3, 1e-4})),
	} {
		x := make([]float64, d.Dim())
		for range 2000 {
			if l := d.LogProb(d.Sample(x, rng)); math.IsInf(l, 0) || math.IsNaN(l) {
				t.Fatalf("%s: log density of the draw %v is %v", d.Name(), x, l)
			}
		}
	}
}

// TestKLTypes checks that KL refuses two families and KLTo panics.
func TestKLTypes(t *testing.T) {
	g := must[*expfam.Gamma](t)(expfam.NewGamma(1, 1))
	b := must[*expfam.Beta](t)(expfam.NewBeta(1, 1))
	if _, err := expfam.KL(g, b); err == nil {
		t.Error("KL of a gamma and a beta gives no error")
	}
	defer func() {
		if recover() == nil {
			t.Error("KLTo of a gamma and a beta does not panic")
		}
	}()
	g.KLTo(b)
}

// TestRetractHopeless checks the error of a step that no number of halvings
// brings back into the domain.
func TestRetractHopeless(t *testing.T) {
	g := must[*expfam.Gamma](t)(expfam.NewGamma(2, 3))
	before := g.Natural(nil)
	c, err := g.Retract([]float64{0, 1e300}, 1)
	if err == nil || !strings.Contains(err.Error(), "gamma.Retract") || c != expfam.Shortened {
		t.Errorf("conditions %v, error %v", c, err)
	}
	for i, v := range g.Natural(nil) {
		if v != before[i] {
			t.Errorf("the receiver moved to %v", g.Natural(nil))
		}
	}
	// A step whose plain sum overflows is no worse than any other.
	if c, err := g.Retract([]float64{1e20, -1e10}, 1e10); err != nil {
		t.Errorf("conditions %v, error %v", c, err)
	}
}

func BenchmarkFamilies(b *testing.B) {
	p20 := make([]float64, 20)
	for i := range p20 {
		p20[i] = 0.5 + float64(i)
	}
	for _, d := range []expfam.Dist{
		must[*expfam.Gamma](b)(expfam.NewGamma(3, 2)),
		must[*expfam.Beta](b)(expfam.NewBeta(3, 2)),
		must[*expfam.Poisson](b)(expfam.NewPoisson(30)),
		must[*expfam.Dirichlet](b)(expfam.NewDirichlet(p20)),
	} {
		rng := rand.New(rand.NewPCG(1, 1))
		x, m, q := d.Sample(nil, rng), d.Expectation(nil), d.Clone()
		for _, c := range []struct {
			name string
			f    func()
		}{
			{"Sample", func() { d.Sample(x, rng) }},
			{"LogProb", func() { d.LogProb(x) }},
			{"Expectation", func() { d.Expectation(m) }},
			{"Retract", func() { q.Retract(m, 0) }},
			{"SetExpectation", func() { q.SetExpectation(m) }},
		} {
			b.Run(d.Name()+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.f()
				}
			})
		}
	}
}
