package glm

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

var coefficientPriors = []Prior{
	NormalPrior(1, 2.5), StudentTPrior(3, -1, 2), StudentTPrior(0.7, 2, 0.1), CauchyPrior(0.5, 2), FlatPrior(),
}

var auxiliaryPriors = []Prior{
	ExponentialPrior(0.3), HalfNormalPrior(2), HalfCauchyPrior(5), HalfStudentTPrior(3, 0.4), HalfStudentTPrior(1, 2),
	InverseGammaPrior(2.5, 1.5), GammaPrior(2, 0.1), GammaPrior(0.5, 3), LogNormalPrior(-1, 0.6), FlatPrior(),
}

// evalPrior evaluates one prior through the function of the term.
func evalPrior(p Prior, positive bool, x float64) (f, f1, f2 float64) {
	d := newDerivs(1, 0)
	priorEval([]Prior{FlatPrior(), p}, []bool{false, positive})(1, []float64{x}, nil, d)
	return d.F[0], d.E[0], d.EE[0]
}

func TestPriorDerivatives(t *testing.T) {
	check := func(p Prior, positive bool) {
		const h = 1e-5
		for x := -4.2; x < 5; x += 0.7 {
			_, d1, d2 := evalPrior(p, positive, x)
			a, a1, _ := evalPrior(p, positive, x+h)
			b, b1, _ := evalPrior(p, positive, x-h)
			if !near(d1, (a-b)/(2*h), 1e-7) || !near(d2, (a1-b1)/(2*h), 1e-7) {
				t.Errorf("%v (positive %v) at %g: derivatives %v %v, differences %v %v", p, positive, x, d1, d2, (a-b)/(2*h), (a1-b1)/(2*h))
			}
		}
		for _, x := range []float64{-300, 300} {
			if f, d1, d2 := evalPrior(p, positive, x); math.IsNaN(f + d1 + d2) {
				t.Errorf("%v (positive %v) at %g: %v %v %v", p, positive, x, f, d1, d2)
			}
		}
	}
	for _, p := range coefficientPriors {
		check(p, false)
	}
	for _, p := range auxiliaryPriors {
		check(p, true)
	}
}

// TestPriorNormalisation integrates by the trapezoidal rule over x = sinh u,
// which reaches far into heavy tails, and over ψ.
func TestPriorNormalisation(t *testing.T) {
	for _, p := range coefficientPriors {
		if !p.Proper() {
			continue
		}
		var sum float64
		for u := -45.0; u < 45; u += 0.002 {
			f, _, _ := evalPrior(p, false, math.Sinh(u))
			sum += math.Exp(f) * math.Cosh(u) * 0.002
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%v: integral %v", p, sum)
		}
	}
	for _, p := range auxiliaryPriors {
		if !p.Proper() {
			continue
		}
		var sum float64
		for psi := -60.0; psi < 60; psi += 0.005 {
			f, _, _ := evalPrior(p, true, psi)
			sum += math.Exp(f) * 0.005
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%v: integral %v", p, sum)
		}
	}
}

func TestPriorOracle(t *testing.T) {
	const v = 1.7
	for _, c := range []struct {
		p    Prior
		want float64
	}{
		{NormalPrior(1, 2.5), distuv.Normal{Mu: 1, Sigma: 2.5}.LogProb(v)},
		{StudentTPrior(3, -1, 2), distuv.StudentsT{Nu: 3, Mu: -1, Sigma: 2}.LogProb(v)},
		{CauchyPrior(0.5, 2), distuv.StudentsT{Nu: 1, Mu: 0.5, Sigma: 2}.LogProb(v)},
		{FlatPrior(), 0},
		{ExponentialPrior(0.3), distuv.Exponential{Rate: 0.3}.LogProb(v)},
		{HalfNormalPrior(2), math.Ln2 + distuv.Normal{Sigma: 2}.LogProb(v)},
		{HalfCauchyPrior(5), math.Ln2 + distuv.StudentsT{Nu: 1, Sigma: 5}.LogProb(v)},
		{HalfStudentTPrior(3, 0.4), math.Ln2 + distuv.StudentsT{Nu: 3, Sigma: 0.4}.LogProb(v)},
		{InverseGammaPrior(2.5, 1.5), distuv.InverseGamma{Alpha: 2.5, Beta: 1.5}.LogProb(v)},
		{GammaPrior(2, 0.1), distuv.Gamma{Alpha: 2, Beta: 0.1}.LogProb(v)},
		{LogNormalPrior(-1, 0.6), distuv.LogNormal{Mu: -1, Sigma: 0.6}.LogProb(v)},
	} {
		if got := c.p.LogDensity(v); !near(got, c.want, 1e-13) {
			t.Errorf("%v at %g: %v, want %v", c.p, v, got, c.want)
		}
		positive := priorKinds[c.p.Kind()].positive && c.p != FlatPrior()
		if got := c.p.LogDensity(-1); positive != math.IsInf(got, -1) {
			t.Errorf("%v at −1: %v", c.p, got)
		}
	}
	if f, f1, f2 := evalPrior(FlatPrior(), true, 0.4); f != 0.4 || f1 != 1 || f2 != 0 {
		t.Errorf("flat prior on a positive parameter: %v %v %v, want ψ, 1, 0", f, f1, f2)
	}
}

func TestPriorText(t *testing.T) {
	for _, p := range append(append([]Prior(nil), coefficientPriors...), auxiliaryPriors...) {
		if got, err := ParsePrior(p.String()); err != nil || got != p {
			t.Errorf("%v parses to %v, %v", p, got, err)
		}
		b, err := json.Marshal(p)
		var q Prior
		if err == nil {
			err = json.Unmarshal(b, &q)
		}
		if err != nil || q != p {
			t.Errorf("%v as JSON: %s, %v, %v", p, b, q, err)
		}
	}
	for text, want := range map[string]Prior{
		" Normal( 0 , 2.5 ) ":              NormalPrior(0, 2.5),
		"normal(sd=2, mean=1)":             NormalPrior(1, 2),
		"student_t(3, 0, 1)":               StudentTPrior(3, 0, 1),
		"half_cauchy(5)":                   HalfCauchyPrior(5),
		"half-t(3, 2)":                     HalfStudentTPrior(3, 2),
		"inv_gamma(1, 1e-3)":               InverseGammaPrior(1, 1e-3),
		"lognormal(0, 1)":                  LogNormalPrior(0, 1),
		"flat()":                           FlatPrior(),
		"student-t(scale=1, df=2, mean=3)": StudentTPrior(2, 3, 1),
	} {
		if got, err := ParsePrior(text); err != nil || got != want {
			t.Errorf("%q parses to %v, %v; want %v", text, got, err, want)
		}
	}
	var zero Prior
	if zero.String() != "" || !zero.IsZero() || zero.Proper() || zero.Check() == nil || len(zero.Params()) != 0 {
		t.Errorf("zero Prior: %q, %v, %v, %v", zero, zero.IsZero(), zero.Proper(), zero.Check())
	}
}

func TestParsePriorErrors(t *testing.T) {
	for text, want := range map[string]string{
		"normal(0)":           "want normal(mean, sd), with 2 parameters and not 1",
		"flat(1)":             "want flat, with 0 parameters and not 1",
		"normal(0, 0)":        "a positive finite sd, not 0",
		"normal(0, -2)":       "a positive finite sd, not -2",
		"normal(0, NaN)":      "a positive finite sd, not NaN",
		"normal(inf, 1)":      "a finite mean",
		"cauchy(0, x)":        `a number for scale, not "x"`,
		"exponential(0)":      "a positive finite rate",
		"student-t(0, 0, 1)":  "a positive finite df",
		"nromal(0, 1)":        "did you mean normal?",
		"half-norml(1)":       "did you mean half-normal?",
		"uniform(0, 1)":       "one of cauchy, exponential",
		"normal(mu=0, sd=1)":  `parameters named mean, sd, not "mu"`,
		"normal(sd=1, sd=2)":  "sd is there twice",
		"normal(0, sd=1)":     "either all parameters named or none",
		"normal(0, 1":         "a closing parenthesis",
		"normal 0, 1":         "an opening parenthesis",
		"normal(0, 1) + 1":    "a closing parenthesis",
		"normal(0, 1)(0, 1)":  "one pair of parentheses",
		"":                    "a name",
		"normal(0, 1e999)":    "a number for sd",
		"inverse-gamma(1, 0)": "a positive finite scale",
	} {
		_, err := ParsePrior(text)
		var e *PriorError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want a *PriorError with %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"normal(0, 1)":      "a parameter and its prior",
		" ~ normal(0, 1)":   "the name of a parameter",
		"x ~ normal(0, -1)": `prior "normal(0, -1)" on x: want a positive finite sd`,
	} {
		if _, err := ParsePriorSpec(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	for _, c := range []struct {
		p        Prior
		positive bool
		want     string
	}{
		{NormalPrior(0, 2), true, "on sigma: want a prior on a positive parameter: exponential(rate), half-normal(scale)"},
		{NormalPrior(0, 2), true, "did you mean half-normal(2)?"},
		{StudentTPrior(3, 0, 2), true, "did you mean half-student-t(3, 2)?"},
		{CauchyPrior(0, 2), true, "did you mean half-cauchy(2)?"},
		{HalfNormalPrior(2), false, "on sigma: want a prior on a coefficient, which may be negative: normal(mean, sd)"},
		{NormalPrior(0, 0), false, "on sigma: want a positive finite sd"},
		{Prior{}, false, "on sigma: want a prior that a constructor"},
		{FlatPrior(), true, ""},
		{FlatPrior(), false, ""},
	} {
		got := ""
		if err := c.p.CheckFor("sigma", c.positive); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%v: error %q, want %q", c.p, got, c.want)
		}
	}
}

func TestResolvePriors(t *testing.T) {
	names := []string{"(Intercept)", "x1", "x1:x2", "sigma"}
	positive := []bool{false, false, false, true}
	def := []Prior{NormalPrior(0, 9), NormalPrior(0, 8), NormalPrior(0, 7), ExponentialPrior(1)}
	resolve := func(names []string, texts ...string) ([]Prior, error) {
		var specs []PriorSpec
		for _, s := range texts {
			spec, err := ParsePriorSpec(s)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := ParsePriorSpec(spec.String()); err != nil || again != spec {
				t.Errorf("%q does not parse back: %v, %v", spec, again, err)
			}
			specs = append(specs, spec)
		}
		return ResolvePriors(def, specs, names, positive)
	}
	list := func(p []Prior) string {
		s := make([]string, len(p))
		for i := range p {
			s[i] = p[i].String()
		}
		return strings.Join(s, "; ")
	}
	for _, c := range []struct {
		specs []string
		want  string
	}{
		{nil, "normal(0, 9); normal(0, 8); normal(0, 7); exponential(1)"},
		{[]string{"b ~ normal(0, 1)"}, "normal(0, 9); normal(0, 1); normal(0, 1); exponential(1)"},
		{[]string{"x1:x2 ~ flat", "b ~ normal(0, 1)"}, "normal(0, 9); normal(0, 1); flat; exponential(1)"},
		{[]string{"(Intercept) ~ cauchy(0, 10)", "sigma ~ half_cauchy(2)"}, "cauchy(0, 10); normal(0, 8); normal(0, 7); half-cauchy(2)"},
	} {
		got, err := resolve(names, c.specs...)
		if err != nil || list(got) != c.want {
			t.Errorf("%q: %v, %v, want %s", c.specs, list(got), err, c.want)
		}
	}
	named := []string{"(Intercept)", "x1", "b", "sigma"}
	if got, err := resolve(named, "b ~ flat"); err != nil || list(got) != "normal(0, 9); normal(0, 8); flat; exponential(1)" {
		t.Errorf("a column called b: %v, %v", list(got), err)
	}
	for _, c := range []struct {
		specs []string
		want  string
	}{
		{[]string{"x2 ~ flat"}, "on x2: want the name of a parameter: b, (Intercept), x1, x1:x2, sigma; did you mean x1?"},
		{[]string{"x1 ~ flat", "x1 ~ flat"}, "on x1: want one prior a parameter"},
		{[]string{"sigma ~ normal(0, 1)"}, "did you mean half-normal(1)?"},
		{[]string{"b ~ half-normal(1)"}, "on b: want a prior on a coefficient"},
	} {
		if _, err := resolve(names, c.specs...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.specs, err, c.want)
		}
	}
}

func TestPriorDegree(t *testing.T) {
	for _, c := range []struct {
		priors   []Prior
		positive []bool
		want     int
	}{
		{[]Prior{NormalPrior(0, 1), FlatPrior()}, nil, 2},
		{[]Prior{NormalPrior(0, 1), CauchyPrior(0, 1)}, nil, 0},
		{[]Prior{NormalPrior(0, 1), ExponentialPrior(1)}, []bool{false, true}, 0},
		{[]Prior{FlatPrior(), LogNormalPrior(0, 1)}, []bool{true, true}, 2},
	} {
		if got := priorDegree(c.priors, c.positive); got != c.want {
			t.Errorf("%v: degree %d, want %d", c.priors, got, c.want)
		}
	}
}

// withinRounding tells whether the parameters agree to the three digits of the
// last, which is the scale.
func withinRounding(a, b Prior) bool {
	pa, pb := a.Params(), b.Params()
	for i := range pa {
		if math.Abs(pa[i]-pb[i]) > 0.0051*pb[len(pb)-1] {
			return false
		}
	}
	return true
}

// TestDefaultPriors checks the table and that a change of units changes the
// priors by the same factor.
func TestDefaultPriors(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	y := make([]float64, 50)
	for i := range y {
		y[i] = 5 + 3*rng.NormFloat64()
	}
	names, sd := []string{"(Intercept)", "x", "k"}, []float64{0, 4, 0}
	o := Outcome{Y: y}
	mean, v, _ := o.moments()
	s := math.Sqrt(v)
	for _, c := range []struct {
		f    Family
		y    []float64
		want []Prior
	}{
		{Gaussian(), y, []Prior{NormalPrior(mean, 2.5*s), NormalPrior(0, 2.5*s/4), NormalPrior(0, 2.5*s), ExponentialPrior(1 / s)}},
		{Bernoulli("logit"), []float64{1, 1, 1, 0}, []Prior{NormalPrior(0, 2.5), NormalPrior(0, 2.5/4), NormalPrior(0, 2.5)}},
		{NegativeBinomial(), []float64{1, 2, 2.5}, []Prior{NormalPrior(math.Log(2), 2.5), NormalPrior(0, 2.5/4), NormalPrior(0, 2.5), HalfCauchyPrior(5)}},
	} {
		got := DefaultPriors(c.f, names, sd, Outcome{Y: c.y})
		for j := range c.want {
			if got[j].kind != c.want[j].kind || !withinRounding(got[j], c.want[j]) {
				t.Errorf("%v: prior %d is %v, want %v", c.f, j, got[j], c.want[j])
			}
		}
	}
	for _, c := range familyCases() {
		priors := DefaultPriors(c.f, names, sd, Outcome{Y: []float64{1, 0, 1, 1}})
		aux := c.f.AuxNames()
		if len(priors) != len(names)+len(aux) {
			t.Fatalf("%v: %d priors", c.f, len(priors))
		}
		all := append(append([]string(nil), names...), aux...)
		for j, p := range priors {
			if err := p.CheckFor(all[j], j >= len(names)); err != nil || !p.Proper() {
				t.Errorf("%v: default prior on %s: %v", c.f, all[j], err)
			}
		}
	}
}

func TestPriorEvalAllocs(t *testing.T) {
	f := priorEval(auxiliaryPriors, []bool{true, true, true, true, true, true, true, true, true, true})
	x, d := make([]float64, len(auxiliaryPriors)), newDerivs(len(auxiliaryPriors), 0)
	if n := testing.AllocsPerRun(10, func() { f(0, x, nil, d) }); n != 0 {
		t.Errorf("%g allocations a call", n)
	}
}

func FuzzParsePriorSpec(f *testing.F) {
	for _, s := range []string{"b ~ normal(0, 1)", "x~y ~ flat", "sigma ~ gamma(1e-300, 1e300)", "~(", "a ~ t(1,,2)", "é ~ normal(mean=1, sd=0x1p-3)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		spec, err := ParsePriorSpec(s)
		if err != nil {
			return
		}
		if err := spec.Prior.Check(); err != nil {
			t.Errorf("%q gives a prior that does not pass: %v", s, err)
		}
		again, err := ParsePriorSpec(spec.String())
		if err != nil || again != spec {
			t.Errorf("%q gives %v, which gives %v, %v", s, spec, again, err)
		}
	})
}
