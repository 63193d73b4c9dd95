package docs_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/vi"
)

// TestInverseFigures prints, with -v, the table of the accuracy of shapes in
// methods/exponential-families.md, and checks what the page says: shapes come back
// to 1e-10, or a *PrecisionError says how much of them is lost.
func TestInverseFigures(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range []float64{1e-3, 1, 1e3, 2e4, 1e6, 1e9, 1e12} {
		g, err := expfam.NewGamma(a, 2)
		must(err)
		n, err := expfam.NewNormalGamma(0.5, 2, a, 2)
		must(err)
		b, err := expfam.NewBeta(a, 2*a)
		must(err)
		gc, nc, bc := g.Clone().(*expfam.Gamma), n.Clone().(*expfam.NormalGamma), b.Clone().(*expfam.Beta)
		off := func(err error, got float64) string {
			var lost *expfam.PrecisionError
			switch {
			case errors.As(err, &lost):
				if a <= 2e4 || !(lost.RelErr > 1e-10) {
					t.Errorf("shape %g: %v", a, err)
				}
				return fmt.Sprintf("refused: %s to %.0e", lost.Param, lost.RelErr)
			case err != nil:
				t.Errorf("shape %g: %v", a, err)
			case a >= 1e6:
				t.Errorf("shape %g is not refused", a)
			}
			e := math.Abs(got/a - 1)
			if e > 1e-10 {
				t.Errorf("shape %g comes back off by %.1g, want at most 1e-10", a, e)
			}
			return fmt.Sprintf("%.0e", e)
		}
		// The setters are called before the shapes are read.
		ge, ne, be := gc.SetExpectation(g.Expectation(nil)), nc.SetExpectation(n.Expectation(nil)), bc.SetExpectation(b.Expectation(nil))
		t.Logf("| %.0e | %s | %s | %s |", a, off(ge, gc.Shape()), off(ne, nc.Alpha()), off(be, bc.Alpha()))
	}
}

// smallRegression is the gaussian regression of sharp-bits/k-hat-high.md.
func smallRegression(t *testing.T, s vi.Settings) *glm.Result {
	t.Helper()
	opt := &glm.Options{Settings: s}
	for _, text := range []string{"b ~ flat", "(Intercept) ~ flat", "sigma ~ flat"} {
		p, err := glm.ParsePriorSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		opt.Priors = append(opt.Priors, p)
	}
	f, err := glm.Fit(context.Background(), "y ~ x1 + x2", table(t, sixRows), opt)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestStudentFactor: under flat priors the posterior of the coefficients is a t
// with ν = n − p − 1, and the fitted normal is narrower by a known factor.
func TestStudentFactor(t *testing.T) {
	f := smallRegression(t, vi.Settings{Tol: 1e-12})
	// Standard errors of sixRows by least squares.
	se := []float64{0.5803538576, 0.2813588160, 0.2272177418} // R: summary(lm(y ~ x1 + x2))
	const n, p = 6, 3
	nu := float64(n - p - 1)
	for j, r := range f.Summary()[:p] {
		// lm divides by n − p; the fitted normal has RSS/ν in its place.
		want := se[j] * math.Sqrt(float64(n-p)/nu)
		if math.Abs(r.SD/want-1) > 1e-4 {
			t.Errorf("%s: sd %v, want %v", r.Name, r.SD, want)
		}
	}
	sd := f.Posterior.Sd(nil)[p]
	if want := 1 / math.Sqrt(2*(n-1)); math.Abs(sd/want-1) > 1e-4 {
		t.Errorf("sd of log sigma %v, want %v", sd, want)
	}
}

// TestKHatMoreDraws: k-hat of few draws scatters, and is biased upwards where
// the ratios are nearly equal; more draws settle it.
func TestKHatMoreDraws(t *testing.T) {
	rows := "z,x\n"
	for i := range 500 {
		z := 0
		if (i*7919)%500 < 150+i/3 {
			z = 1
		}
		rows += fmt.Sprintf("%d,%g\n", z, float64(i)/250-1)
	}
	var khat, spread [2]float64
	for k, draws := range []int{0, 50_000} {
		f, err := glm.Fit(context.Background(), "z ~ x", table(t, rows), &glm.Options{
			Family: glm.Bernoulli("logit"), Settings: vi.Settings{Diagnostics: draws},
		})
		if err != nil {
			t.Fatal(err)
		}
		khat[k], spread[k] = f.VI.KHat, f.VI.Spread()
		if f.VI.Grade() != vi.Good {
			t.Errorf("%d draws: %s", draws, f.Verdict())
		}
	}
	t.Logf("k-hat %.2f, with more draws %.2f; spread %.2g and %.2g", khat[0], khat[1], spread[0], spread[1])
	if khat[1] > 0.5 || khat[1] >= khat[0] {
		t.Errorf("k-hat %.2f, with more draws %.2f", khat[0], khat[1])
	}
}

// TestColumnFarFromZero has the figures of the section of that name in
// sharp-bits/collinear-columns.md: digits of a slope are lost as the column
// moves away from zero, and centring keeps them.
func TestColumnFarFromZero(t *testing.T) {
	slope := func(base float64, formula string) (mean, sd float64, err error) {
		var b strings.Builder
		b.WriteString("y,x\n")
		for i := range 50 {
			fmt.Fprintf(&b, "%g,%.10g\n", float64(i%7)+0.1*float64(i), base+float64(i))
		}
		f, err := glm.Fit(context.Background(), formula, table(t, b.String()), &glm.Options{Settings: vi.Settings{Diagnostics: -1}})
		if err != nil {
			return 0, 0, err
		}
		r := f.Summary()[1]
		return r.Mean, r.SD, nil
	}
	want, sd, err := slope(0, "y ~ center(x)")
	if err != nil {
		t.Fatal(err)
	}
	for base, tol := range map[float64]float64{2e3: 1e-9, 1e5: 1e-6, 1e6: 1e-5, 1e7: 0.01, 1e8: 0.1} {
		got, _, err := slope(base, "y ~ x")
		if err != nil {
			t.Errorf("base %g: %v", base, err)
			continue
		}
		off := math.Abs(got-want) / sd
		t.Logf("base %g: off by %.0e sd", base, off)
		if off > tol {
			t.Errorf("base %g: slope %v, want %v within %g of its sd %v", base, got, want, tol, sd)
		}
		if got, _, err := slope(base, "y ~ center(x)"); err != nil || math.Abs(got-want) > 1e-9*sd {
			t.Errorf("base %g, centred: slope %v, want %v (%v)", base, got, want, err)
		}
	}
	if _, _, err := slope(1e9, "y ~ x"); err == nil {
		t.Error("base 1e9 is fitted without centring")
	}
}
