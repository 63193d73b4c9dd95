package glm

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestParseFamily(t *testing.T) {
	for _, c := range []struct{ text, want, aux string }{
		{"gaussian", "gaussian", "sigma"},
		{" Normal ", "gaussian", "sigma"},
		{"gaussian(identity)", "gaussian", "sigma"},
		{"student", "student-t", "sigma nu"},
		{"student_t()", "student-t", "sigma nu"},
		{"student-t(df=4)", "student-t(df=4)", "sigma"},
		{"t( 2.5 )", "student-t(df=2.5)", "sigma"},
		{"student-t(nu = 7)", "student-t(df=7)", "sigma"},
		{"bernoulli", "bernoulli(logit)", ""},
		{"Binomial(PROBIT)", "binomial(probit)", ""},
		{"binomial(link=cloglog)", "binomial(cloglog)", ""},
		{"poisson(log)", "poisson", ""},
		{"neg_binomial", "", ""},
		{"negbin", "negative-binomial", "phi"},
		{"gamma(link = log)", "gamma", "shape"},
	} {
		f, err := ParseFamily(c.text)
		if c.want == "" {
			if err == nil {
				t.Errorf("%q: no error", c.text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if f.String() != c.want || strings.Join(f.AuxNames(), " ") != c.aux {
			t.Errorf("%q: %v with %v, want %s with %s", c.text, f, f.AuxNames(), c.want, c.aux)
		}
		if again, err := ParseFamily(f.String()); err != nil || again.String() != f.String() {
			t.Errorf("%q does not parse back: %v, %v", f, again, err)
		}
	}
}

func TestParseFamilyErrors(t *testing.T) {
	for text, want := range map[string]string{
		"guassian":          "did you mean gaussian?",
		"poison":            "did you mean poisson?",
		"negative binomial": "did you mean negative-binomial?",
		"probit":            "bernoulli(probit)",
		"logistic":          "bernoulli(logit)",
		"binomial(probti)":  "logit, probit, cloglog; did you mean probit?",
		"gamma(inverse)":    "one of the links of gamma: log",
		"poisson(df=3)":     "a link as the argument of poisson",
		"student-t(df=-1)":  "a positive finite number of degrees of freedom",
		"student-t(df=x)":   "a positive finite number of degrees of freedom",
		"student-t(k=2)":    "df=NUMBER",
		"gaussian(":         "a closing parenthesis",
		"gaussian)":         "an opening parenthesis",
		"gaussian(a, b)":    "at most one argument",
		"":                  "a name",
		"(logit)":           "a name before the parenthesis",
		"tweedie":           "one of gaussian, student-t",
	} {
		_, err := ParseFamily(text)
		var e *FamilyError
		if !errors.As(err, &e) || e.Text != text || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want a *FamilyError with %q", text, err, want)
		}
	}
}

func TestFamilyPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"link":    func() { Bernoulli("log") },
		"df":      func() { StudentTDF(0) },
		"df inf":  func() { StudentTDF(math.Inf(1)) },
		"trials":  func() { Poisson().Eval(Outcome{Y: []float64{1}, Trials: []float64{1, 2}}) },
		"weights": func() { Gaussian().Eval(Outcome{Y: []float64{1}, Weights: []float64{}}) },
	} {
		func() {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "glm: ") {
					t.Errorf("%s: no panic with a message of the package", name)
				}
			}()
			f()
		}()
	}
}

func FuzzParseFamily(f *testing.F) {
	for _, s := range []string{"gaussian", "student-t(df=4)", "binomial(link=probit)", "gamma(", "t(1e400)", "((", "poisson(=)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fam, err := ParseFamily(s)
		if err != nil {
			return
		}
		again, err := ParseFamily(fam.String())
		if err != nil || again.String() != fam.String() {
			t.Errorf("%q gives %v, which gives %v, %v", s, fam, again, err)
		}
	})
}
