package mixture

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

var vmFamilies = []string{"student_t", "symmetric_nig", "normal_inverse_gaussian", "skew_gaussian", "exp_modified_gaussian"}

// vmMember returns a member of the family in d dimensions, with finite moments.
func vmMember(t *testing.T, family string, d int) *VarianceMean {
	t.Helper()
	mu, alpha := []float64{0.4, -0.7, 1.1}[:d], []float64{0.9, -0.6, 0.3}[:d]
	scale := mat.NewSymDense(3, []float64{1.3, 0.3, -0.2, 0.3, 0.8, 0.1, -0.2, 0.1, 0.6}).SliceSym(0, d)
	shape := 1.7
	if family == "student_t" {
		shape = 4.2
	}
	return vmOf(t, family, mu, alpha, scale, shape)
}

// checkSlope compares the derivative of f along steps with v'F·tan: tan is the natural
// gradient of f in the coordinates of Retract.
func checkSlope(t *testing.T, what string, c *VarianceMean, tan []float64, tol float64, f func(*VarianceMean) float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 5))
	v := make([]float64, c.NumParams())
	for k := range 4 {
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		at := func(h float64) float64 {
			n := c.clone()
			if cond, err := n.Retract(v, h); err != nil || cond != 0 {
				t.Fatalf("%s: Retract: %v, %v", what, cond, err)
			}
			return f(&n)
		}
		const h = 1e-3 // fourth-order differences
		got := (8*(at(h)-at(-h)) - at(2*h) + at(-2*h)) / (12 * h)
		want := vmDot(tan, c.FisherMul(nil, v))
		if !(math.Abs(got-want) <= tol*(1+math.Abs(want))) {
			t.Errorf("%s: %s: direction %d: the derivative is %.10g, the tangent says %.10g", c.Name(), what, k, got, want)
		}
	}
}

func TestVarianceMeanEntropyTangent(t *testing.T) {
	for _, f := range vmFamilies {
		for d := 1; d <= 3; d++ {
			c := vmMember(t, f, d)
			tan := make([]float64, c.NumParams())
			if !c.EntropyTangent(tan) {
				if h := c.Entropy(); !math.IsNaN(h) {
					t.Errorf("%s: Entropy is %v beside a tangent that is not exact", f, h)
				}
				continue
			}
			checkSlope(t, "entropy", c, tan, 1e-8, (*VarianceMean).Entropy)
		}
	}
}

// The values of QuadraticTangent are held against the moments, its tangent against the values.
func TestVarianceMeanQuadraticTangent(t *testing.T) {
	p := mat.NewSymDense(3, []float64{2, 0.5, 0.1, 0.5, 1, -0.3, 0.1, -0.3, 0.7})
	m0 := []float64{0.3, 1, -0.5}
	for _, f := range vmFamilies {
		c := vmMember(t, f, 3)
		value := func(c *VarianceMean) float64 {
			return c.QuadraticTangent(make([]float64, c.NumParams()), m0, p)
		}
		mean, cov, want := c.Mean(nil), c.Cov(nil), 0.0
		for i := range 3 {
			for j := range 3 {
				want -= 0.5 * p.At(i, j) * ((mean[i]-m0[i])*(mean[j]-m0[j]) + cov.At(i, j))
			}
		}
		if got := value(c); math.Abs(got-want) > 1e-12*math.Abs(want) {
			t.Errorf("%s: value %v, want %v", f, got, want)
		}
		tan := make([]float64, c.NumParams())
		c.QuadraticTangent(tan, m0, p)
		checkSlope(t, "quadratic", c, tan, 1e-8, value)
	}
	q := vmOf(t, "student_t", []float64{0}, nil, identity(1), 0.9)
	tan := make([]float64, 3)
	if v := q.QuadraticTangent(tan, []float64{0}, identity(1)); !math.IsInf(v, -1) || tan[1] != 0 {
		t.Errorf("without a variance: %v, %v; want -Inf and no tangent", v, tan)
	}
}

// bumpy is a log density with a Hessian that is neither constant nor symmetric about the
// centre.
func bumpy(x float64) (v, g, h float64) {
	th := math.Tanh(x - 1)
	a := math.Abs(x - 1)
	v = -1.5*(a+math.Log1p(math.Exp(-2*a))-math.Ln2) - 0.1*x*x + 0.4*math.Sin(x)
	return v, -1.5*th - 0.2*x + 0.4*math.Cos(x), -1.5*(1-th*th) - 0.2 - 0.4*math.Sin(x)
}

// expected returns E_q of the tangent in one dimension, by quadrature over z. The
// shape's part is left out.
func expected(c *VarianceMean, hess bool) []float64 {
	n := c.NumParams()
	tan := make([]float64, n)
	one, dr := make([]float64, n), expfam.Draw{X: make([]float64, 1), Grad: make([]float64, 1)}
	if hess {
		dr.Hess = mat.NewSymDense(1, nil)
	}
	if c.kind.shaped() {
		dr.Aux = []float64{1}
	}
	for i := range tan {
		tan[i] = integral1D(c, func(x float64) float64 {
			var h float64
			dr.X[0] = x
			_, dr.Grad[0], h = bumpy(x)
			if hess {
				dr.Hess.SetSym(0, 0, h)
			}
			clear(one)
			c.Tangent(one, &dr, 1)
			return one[i]
		})
	}
	if c.kind.shaped() {
		tan[n-1] = 0
	}
	return tan
}

// The tangent, with and without Hessians, is the natural gradient of the ELBO.
func TestVarianceMeanTangent(t *testing.T) {
	for _, f := range vmFamilies {
		c := vmMember(t, f, 1)
		for _, hess := range []bool{false, true} {
			tan := expected(c, hess)
			if c.kind.shaped() {
				tan[len(tan)-1] = shapeTangent(c)
			}
			c.EntropyTangent(tan)
			checkSlope(t, "ELBO", c, tan, 1e-7, func(c *VarianceMean) float64 {
				return integral1D(c, func(x float64) float64 {
					v, _, _ := bumpy(x)
					return v - c.LogProb([]float64{x})
				})
			})
		}
	}
}

// shapeTangent is the expectation of the shape's entry of Tangent, over w by its quantiles
// and over the normal by a trapezoid rule.
func shapeTangent(c *VarianceMean) float64 {
	out := make([]float64, c.NumParams())
	dr := expfam.Draw{X: make([]float64, 1), Grad: make([]float64, 1), Aux: make([]float64, 1)}
	a := c.cur.shape
	for u := -24.0; u <= 24; u += 0.25 { // logit of the probability
		p := 1 / (1 + math.Exp(-u))
		dr.Aux[0] = a / gammaQuantile(a, p)
		for e := -9.0; e <= 9; e += 0.25 {
			c.Transform(dr.X, []float64{e}, dr.Aux[0])
			_, dr.Grad[0], _ = bumpy(dr.X[0])
			c.Tangent(out, &dr, 0.25*0.25*p*(1-p)*math.Exp(-e*e/2)/math.Sqrt(2*math.Pi))
		}
	}
	return out[len(out)-1]
}

// The form of ∇_α with partners Aside agrees with the conditional mean.
func TestVarianceMeanAside(t *testing.T) {
	for _, f := range []string{"skew_gaussian", "exp_modified_gaussian"} {
		c := vmMember(t, f, 1)
		want := expected(c, false)
		n := expfam.StandardNormal(1)
		if err := n.SetNatural([]float64{c.cur.eta[0], c.cur.eta[2]}); err != nil {
			t.Fatal(err)
		}
		got, one := make([]float64, 3), make([]float64, 3)
		dr := expfam.Draw{X: make([]float64, 1), Grad: make([]float64, 1), Aux: []float64{1}}
		for i := range got {
			at := func(aside bool) func(x float64) float64 {
				return func(x float64) float64 {
					dr.X[0], dr.Aside = x, aside
					_, dr.Grad[0], _ = bumpy(x)
					clear(one)
					c.Tangent(one, &dr, 1)
					return one[i]
				}
			}
			got[i] = integral1D(c, at(false))
			side := at(true)
			mu, sd := c.cur.mu[0], 1/math.Sqrt(c.cur.s[0])
			for e := -9.0; e <= 9; e += 0.125 {
				got[i] += 0.125 * math.Exp(-e*e/2) / math.Sqrt(2*math.Pi) * side(mu+sd*e)
			}
		}
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-9 {
				t.Errorf("%s: tangent[%d] is %v with partners, %v without", f, i, got[i], want[i])
			}
		}
	}
}

// Score is the gradient of LogProb, and LogProb integrates to 1.
func TestVarianceMeanDensity(t *testing.T) {
	for _, f := range vmFamilies {
		if z := integral1D(vmMember(t, f, 1), func(float64) float64 { return 1 }); math.Abs(z-1) > 1e-9 {
			t.Errorf("%s: the density integrates to %v", f, z)
		}
		c := vmMember(t, f, 3)
		for _, x := range [][]float64{{0, 0, 0}, {3, -1, 2}, {-8, 5, 1}} {
			g := c.Score(nil, x)
			for i := range x {
				const h = 1e-4
				at := func(s float64) float64 {
					y := append([]float64(nil), x...)
					y[i] += s
					return c.LogProb(y)
				}
				want := (8*(at(h)-at(-h)) - at(2*h) + at(-2*h)) / (12 * h)
				if math.Abs(g[i]-want) > 1e-8*(1+math.Abs(want)) {
					t.Errorf("%s: Score(%v)[%d] is %v, want %v", f, x, i, g[i], want)
				}
			}
		}
	}
}

// Means and covariances of single draws and of the points of steps agree with the formulas.
func TestVarianceMeanMoments(t *testing.T) {
	const n = 20000
	for _, f := range vmFamilies {
		c := vmMember(t, f, 2)
		rng := rand.New(rand.NewPCG(11, 7))
		draws := make([]expfam.Draw, n)
		for i := range draws {
			draws[i].X = make([]float64, 2)
		}
		for _, how := range []string{"Sample", "SampleStep"} {
			if how == "Sample" {
				for i := range draws {
					c.Sample(draws[i].X, rng)
				}
			} else {
				c.SampleStep(draws, rng)
			}
			mean, cov := c.Mean(nil), c.Cov(nil)
			check := func(what string, want float64, of func(x []float64) float64) {
				t.Helper()
				var m, v float64
				for i := range draws {
					m += of(draws[i].X) / n
				}
				for i := range draws {
					d := of(draws[i].X) - m
					v += d * d / n
				}
				// Pairs are at worst fully dependent: n/2 independent values.
				if se := math.Sqrt(v / (n / 2)); math.Abs(m-want) > 4.5*se {
					t.Errorf("%s: %s: %s is %v ± %v, want %v", f, how, what, m, se, want)
				}
			}
			for i := range 2 {
				check("mean", mean[i], func(x []float64) float64 { return x[i] })
				for j := range i + 1 {
					check("covariance", cov.At(i, j), func(x []float64) float64 { return (x[i] - mean[i]) * (x[j] - mean[j]) })
				}
			}
			check("P(x₀ < 0)", tailProb(c), func(x []float64) float64 {
				if x[0] < 0 {
					return 1
				}
				return 0
			})
			if sd := c.Sd(nil); math.Abs(sd[1]*sd[1]-cov.At(1, 1)) > 1e-12 {
				t.Errorf("%s: Sd is %v", f, sd)
			}
		}
	}
}

// tailProb returns P(x₀ < 0) of a two-dimensional c by the one-dimensional marginal, which is of
// the same family.
func tailProb(c *VarianceMean) float64 {
	alpha := []float64(nil)
	if c.cur.alpha != nil {
		alpha = c.cur.alpha[:1]
	}
	m := newVarianceMean(c.kind, 1, c.k)
	if err := m.build("marginal", c.cur.mu[:1], alpha, mat.NewSymDense(1, []float64{c.Scale(nil).At(0, 0)}), c.cur.shape); err != nil {
		panic(err)
	}
	below, h := 0.0, 1e-3
	for x := -h / 2; x > -60; x -= h {
		below += h * math.Exp(m.LogProb([]float64{x}))
	}
	return below
}

func TestVarianceMeanLimits(t *testing.T) {
	// A vanishing α leaves a normal distribution, with its entropy and tangent.
	for _, f := range []string{"skew_gaussian", "exp_modified_gaussian"} {
		scale := mat.NewSymDense(2, []float64{1.3, 0.3, 0.3, 0.8})
		n, err := expfam.NewNormal([]float64{0.4, -0.7}, scale)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []float64{0, 1e-160, 1e-12, 1e-6} {
			c := vmOf(t, f, []float64{0.4, -0.7}, []float64{size, -size}, scale, 1)
			x := []float64{1, 0.5}
			tol := 1e-14 + 10*size
			if d := c.LogProb(x) - n.LogProb(x); math.Abs(d) > tol {
				t.Errorf("%s: alpha = %v: the log density is off by %v", f, size, d)
			}
			if d := c.Entropy() - n.Entropy(); math.Abs(d) > tol {
				t.Errorf("%s: alpha = %v: the entropy is off by %v", f, size, d)
			}
			tan := make([]float64, c.NumParams())
			c.EntropyTangent(tan)
			for i, e := range n.Natural(nil)[2:] {
				if math.Abs(tan[4+i]+e) > tol {
					t.Errorf("%s: alpha = %v: the entropy's tangent is %v", f, size, tan)
				}
			}
			dr := expfam.Draw{X: x, Grad: []float64{1, -2}}
			c.Tangent(tan, &dr, 1)
			dr.Aside = true
			c.Tangent(tan, &dr, 1)
			if i := firstBad(tan); i >= 0 {
				t.Errorf("%s: alpha = %v: tangent[%d] is %v", f, size, i, tan[i])
			}
		}
	}
	// The pieces of the entropy of the exponentially modified normal join.
	for _, s := range []float64{1e-3, 1} {
		lo, hi := s*(1-1e-9), s*(1+1e-9)
		if a, b := expModifiedEntropy(lo, math.Sqrt(lo)), expModifiedEntropy(hi, math.Sqrt(hi)); math.Abs(a-b) > 1e-8*s {
			t.Errorf("entropy at s = %v: %v and %v", s, a, b)
		}
		if a, b := expModifiedSlope(lo, math.Sqrt(lo), 0), expModifiedSlope(hi, math.Sqrt(hi), 0); math.Abs(a/b-1) > 1e-8 {
			t.Errorf("slope at s = %v: %v and %v", s, a, b)
		}
	}
	// The product rule is the same integral, less precisely.
	for s, tol := range map[float64]float64{0.05: 1e-10, 1.8: 1e-7, 30: 0.1} {
		if a, b := expModifiedSlope(s, math.Sqrt(s), 30), expModifiedSlope(s, math.Sqrt(s), 0); math.Abs(a/b-1) > tol || a == b {
			t.Errorf("slope at s = %v: %v by the product rule, want %v", s, a, b)
		}
	}
}

// A Student-t distribution of a million degrees of freedom takes the steps of a normal one.
func TestStudentTNormalLimit(t *testing.T) {
	g := &vmGolden{}
	g.Initial.Mu = []float64{0, 0}
	g.Target.X, g.Target.Y = [][]float64{{1, 0.5}, {-0.4, 1}, {0.3, -2}, {1, 1}}, []float64{1, -1, 1, 1}
	q, err := NewStudentT(g.Initial.Mu, identity(2), 1e6)
	if err != nil {
		t.Fatal(err)
	}
	n := expfam.StandardNormal(2)
	run := func(p vi.Posterior, transform func(dst, e []float64)) {
		rng := rand.New(rand.NewPCG(1, 2))
		e, err := vi.New(p, g.logistic(10, true), &vi.Settings{Plain: true, Rate: vi.Constant(0.3), Draws: 8, Points: func(draws []expfam.Draw, _ int) {
			for i := range draws {
				draws[i].Aux = []float64{1}
				transform(draws[i].X, []float64{rng.NormFloat64(), rng.NormFloat64()})
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 15 {
			if _, err := e.Step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(q, func(dst, e []float64) { q.Transform(dst, e, 1) })
	run(n, func(dst, e []float64) {
		// L⁻ᵀe with the same root as the Student-t distribution's.
		w := newVarianceMean(skewNormal{}, 2, 1)
		eta := n.Natural(nil)
		if err := w.SetNatural(append([]float64{eta[0], eta[1], 0, 0}, eta[2:]...)); err != nil {
			t.Fatal(err)
		}
		w.Transform(dst, e, 0)
	})
	a, b := q.Natural(nil), n.Natural(nil)
	for i := range b {
		if math.Abs(a[i]-b[i]) > 2e-5*(1+math.Abs(b[i])) {
			t.Errorf("η[%d] is %v, the normal distribution has %v", i, a[i], b[i])
		}
	}
}

// The draws of tiny shapes have densities.
func TestStudentTTinyShape(t *testing.T) {
	q, err := NewStudentT([]float64{0, 0}, mat.NewSymDense(2, []float64{1, 0, 0, 1}), 1e-3)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	for range 200 {
		x := q.Sample(nil, rng)
		if lp := q.LogProb(x); math.IsNaN(lp) || math.IsInf(lp, 0) || firstBad(q.Score(nil, x)) >= 0 {
			t.Fatalf("log density %v and score %v at the draw %v", lp, q.Score(nil, x), x)
		}
	}
}
