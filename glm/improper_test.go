package glm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/vi"
)

// Likelihoods without maximum: a warning if the priors make the posterior
// proper, an error that names the flat ones if not.
func TestImproper(t *testing.T) {
	const (
		ones      = "y,x,g\n1,1,a\n1,-2,b\n1,3,a\n1,0,b\n1,5,b\n1,1,a\n"
		zeros     = "y,x,g\n0,1,a\n0,-2,b\n0,3,a\n0,0,b\n0,5,b\n0,1,a\n"
		separated = "y,x,g\n0,1,a\n0,2,b\n0,3,a\n1,4,b\n1,5,b\n1,6,a\n"
		offCentre = "y,x,g\n0,1,a\n1,2,b\n1,3,a\n1,4,b\n1,5,b\n1,6,a\n"
		overlap   = "y,x,g\n0,1,a\n1,2,b\n0,3,a\n1,4,b\n0,5,b\n1,6,a\n"
		trials    = "y,x,n\n2,1,2\n3,2,3\n1,3,1\n5,4,5\n"
		flatB     = "b ~ flat"
		flatI     = "(Intercept) ~ flat"
		normalB   = "b ~ normal(0, 1)"
		normalI   = "(Intercept) ~ normal(0, 2)"
	)
	everyOne, everyZero, tells := "every outcome of y is 1", "every outcome of y is 0", "the predictor tells every 0 of y from every 1"
	for _, c := range []struct {
		name, csv, formula, family string
		priors                     []string
		cause                      string   // "" if the likelihood has a maximum
		flat                       []string // nil if there is a posterior
	}{
		{"ones", ones, "y ~ x", "bernoulli", nil, everyOne, nil},
		{"ones, flat", ones, "y ~ x", "bernoulli", []string{flatB, flatI}, everyOne, []string{"(Intercept)", "x"}},
		{"ones, flat intercept", ones, "y ~ x", "bernoulli", []string{flatI}, everyOne, []string{"(Intercept)"}},
		// Along x alone some row always falls.
		{"ones, flat slope", ones, "y ~ x", "bernoulli", []string{flatB}, everyOne, nil},
		{"ones, no intercept", ones, "y ~ x - 1", "bernoulli", []string{flatB}, "", nil},
		{"ones, indicators", ones, "y ~ g - 1", "bernoulli(probit)", []string{flatB}, everyOne, []string{"g[a]", "g[b]"}},
		{"zeros", zeros, "y ~ x", "bernoulli(cloglog)", []string{flatI}, everyZero, []string{"(Intercept)"}},
		{"trials", trials, "y | trials(n) ~ x", "binomial", nil, "every trial of y is a success", nil},
		{"trials, flat", trials, "y | trials(n) ~ x", "binomial", []string{flatI}, "every trial of y is a success", []string{"(Intercept)"}},
		{"counts", zeros, "y ~ x", "poisson", nil, everyZero, nil},
		{"counts, flat", zeros, "y ~ x", "poisson", []string{flatI}, everyZero, []string{"(Intercept)"}},
		{"dispersed counts, flat", zeros, "y ~ x", "negative-binomial", []string{flatI}, everyZero, []string{"(Intercept)"}},
		{"not all 0", separated, "y ~ x", "poisson", []string{flatB, flatI}, "", nil},
		{"separated", separated, "y ~ x", "bernoulli", nil, tells, nil},
		{"separated, flat", separated, "y ~ x", "bernoulli", []string{flatB, flatI}, tells, []string{"(Intercept)", "x"}},
		// The intercept is the predictor at x = 3.5, which lies in the gap.
		{"separated at the mean, flat slope", separated, "y ~ x", "bernoulli", []string{flatB}, tells, []string{"x"}},
		// Here it is off the gap, so that a steep slope needs a large intercept.
		{"separated off the mean, flat slope", offCentre, "y ~ x", "bernoulli", []string{flatB}, tells, nil},
		// The threshold is away from x = 0 as well, where this prior holds the predictor.
		{"separated off zero, flat slope", separated, "y ~ x", "bernoulli", []string{flatB, normalI}, tells, nil},
		{"separated, flat intercept", separated, "y ~ x", "bernoulli", []string{flatI, normalB}, tells, nil},
		{"overlap", overlap, "y ~ x", "bernoulli", []string{flatB, flatI}, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := fitCSV(t, c.csv, c.formula, c.family, c.priors...)
			var ie *ImproperError
			switch {
			case c.flat != nil:
				if !errors.As(err, &ie) || ie.Cause != c.cause || !slices.Equal(ie.Flat, c.flat) || ie.Outcome != "y" {
					t.Fatalf("error %v", err)
				}
				if s := err.Error(); !strings.HasPrefix(s, "glm: there is no posterior: "+c.cause) || !strings.Contains(s, "~ normal(0, 2.5)") {
					t.Error(s)
				}
			case err != nil:
				t.Fatal(err)
			case c.cause == "" && len(f.Warnings) > 0:
				t.Errorf("warnings %q", f.Warnings)
			case c.cause != "" && (len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], c.cause) || !strings.Contains(f.Warnings[0], "the prior decides")):
				t.Errorf("warnings %q, want %q", f.Warnings, c.cause)
			case f.VI.Status != vi.Converged:
				t.Error(f.Verdict())
			}
		})
	}
}

// With many columns the separating direction takes more steps to find.
func TestImproperManyColumns(t *testing.T) {
	const n, d = 1000, 20
	rng := rand.New(rand.NewPCG(3, 3))
	var b strings.Builder
	b.WriteString("y")
	for j := range d {
		fmt.Fprintf(&b, ",x%d", j)
	}
	for range n {
		eta, cells := 0.3, ""
		for j := range d {
			x := rng.NormFloat64()
			eta += x * math.Cos(float64(j))
			cells += fmt.Sprintf(",%g", x)
		}
		y := 0
		if eta > 0 {
			y = 1
		}
		fmt.Fprintf(&b, "\n%d%s", y, cells)
	}
	for _, link := range []string{"logit", "probit", "cloglog"} {
		_, err := fitCSV(t, b.String(), "y ~ .", "bernoulli("+link+")", "b ~ flat", "(Intercept) ~ flat")
		var ie *ImproperError
		if !errors.As(err, &ie) || len(ie.Flat) != d+1 {
			t.Errorf("%s: error %v", link, err)
		}
	}
}

// An earlier posterior is a proper prior.
func TestImproperAfter(t *testing.T) {
	opt := &Options{Family: Bernoulli("logit"), Priors: []PriorSpec{{"b", FlatPrior()}, {"(Intercept)", FlatPrior()}}}
	first, err := Fit(context.Background(), "y ~ x", table(t, "y,x\n0,1\n1,2\n0,3\n1,4\n0,5\n1,6\n"), opt)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Fit(context.Background(), "y ~ x", table(t, "y,x\n1,1\n1,2\n"), &Options{Family: Bernoulli("logit"), After: first})
	if err != nil || len(f.Warnings) != 1 {
		t.Errorf("%v, %+v", err, f)
	}
}

// An outcome that the constant predictor fits without error has an unbounded
// density, unless the prior keeps the last parameter from its limit.
func TestConstantOutcome(t *testing.T) {
	const csv = "y,x,o,g\n4,1,2,a\n4,3,2,b\n4,2,2,a\n4,7,2,b\n4,5,2,b\n4,2,2,a\n"
	for _, c := range []struct {
		formula, family string
		priors          []string
		bad             bool
	}{
		{"y ~ x", "gaussian", nil, true},
		{"y ~ 1", "student-t", nil, true},
		{"y ~ x + offset(o)", "student-t(df=4)", nil, true},
		{"y ~ g - 1", "gaussian", nil, true},
		{"I(y - 4) ~ x - 1", "gaussian", nil, true},
		{"y ~ x - 1", "gaussian", nil, false},
		{"y ~ x + offset(x^2)", "gaussian", nil, false},
		{"y ~ x", "gaussian", []string{"sigma ~ inverse-gamma(2, 1)"}, false},
		{"y ~ x", "gaussian", []string{"sigma ~ gamma(9, 1)"}, false},
		{"y ~ x", "gaussian", []string{"sigma ~ gamma(3, 1)"}, true},
		{"y ~ x", "gamma", nil, true},
		{"y ~ x", "gamma", []string{"shape ~ exponential(1)"}, false},
		{"y ~ x", "gamma", []string{"shape ~ half-student-t(7, 1)"}, false},
		{"y ~ x", "poisson", nil, false},
	} {
		f, err := fitCSV(t, csv, c.formula, c.family, c.priors...)
		var de *DataError
		switch {
		case !c.bad && err != nil:
			t.Errorf("%s, %s, %q: %v", c.formula, c.family, c.priors, err)
		case !c.bad:
			if s := f.VI.ELBO; math.IsNaN(s) || math.IsInf(s, 0) {
				t.Errorf("%s, %s, %q: ELBO %v", c.formula, c.family, c.priors, s)
			}
		case !errors.As(err, &de) || de.File != "d.csv" || !strings.Contains(de.Value, "constant") || !strings.Contains(de.Want, "has no bound"):
			t.Errorf("%s, %s, %q: error %v", c.formula, c.family, c.priors, err)
		}
	}
	// An exact fit by other columns is found by the engine, and said.
	for _, family := range []string{"gaussian", "student-t(df=4)"} {
		f, err := fitCSV(t, "y,x\n2,1\n4,2\n6,3\n8,4\n10,5\n12,6\n", "y ~ x", family)
		if err != nil {
			t.Errorf("%s: %v", family, err)
			continue
		}
		if len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], "without error: sigma is no more than rounding") {
			t.Errorf("%s: warnings %q", family, f.Warnings)
		}
	}
	// One row determines nothing: the prior does.
	if _, err := fitCSV(t, "y\n4\n", "y ~ 1", "gaussian"); err != nil {
		t.Errorf("one row: %v", err)
	}
}
