package glm

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	"github.com/natgrad/natgrad/vi"
)

// However much a row weighs and however narrow the posterior is, the ELBO keeps
// the half nat a parameter that its curvature costs.
func TestNarrowPosteriors(t *testing.T) {
	const n = 40
	x, y, trials, g := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = math.Sin(float64(i * i))
		trials[i] = 1e9
		y[i] = math.Round(trials[i] / (1 + math.Exp(-0.3-0.5*x[i])))
		g[i] = 100 * (1 + 1e-5*x[i])
	}
	df := dataframe.New(series.New(x, series.Float, "x"), series.New(y, series.Float, "y"), series.New(trials, series.Float, "n"), series.New(g, series.Float, "g"))
	for _, link := range []string{"logit", "probit", "cloglog"} {
		f, err := Fit(context.Background(), "y ~ x", df, &Options{Family: Binomial(link), DesignOptions: DesignOptions{Trials: "n"}})
		if err != nil {
			t.Fatal(err)
		}
		if d := f.VI.ELBO - f.VI.ELBOMC; math.Abs(d) > 5*f.VI.ELBOMCErr+1e-3 {
			t.Errorf("%s: quadrature ELBO %v, Monte Carlo %v", link, f.VI.ELBO, f.VI.ELBOMC)
		}
	}
	// The shape of a gamma outcome with n rows has a log sd near √(2/n).
	f, err := Fit(context.Background(), "g ~ 1", df, &Options{Family: Gamma()})
	if err != nil {
		t.Fatal(err)
	}
	if sd := f.Posterior.Sd(nil)[1]; math.Abs(sd/math.Sqrt(2.0/n)-1) > 0.05 {
		t.Errorf("sd of the log shape is %v, want about %v: %s", sd, math.Sqrt(2.0/n), f.Verdict())
	}
}

// A fit of another model is refused.
func TestOtherModelsFit(t *testing.T) {
	df := simulated(Gaussian(), 30, 1)
	f, err := Fit(context.Background(), "y ~ x1", df, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewModel("y ~ x2", df, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.LOO(f); err == nil {
		t.Error("LOO: no error")
	}
	// A family of the caller's own that panics in a worker is an error with its stack.
	own, err := NewModel("y ~ x1", df, &Options{Settings: vi.Settings{Workers: 4}})
	if err != nil {
		t.Fatal(err)
	}
	own.loglik = func(int, []float64, []float64, *vi.Derivs) { panic("boom") }
	var pe *vi.PanicError
	if _, err := own.LOO(f); !errors.As(err, &pe) || !strings.Contains(string(pe.Stack), "narrow_test.go") {
		t.Errorf("LOO of a family that panics: %v", err)
	}
	if _, err := m.Judge(f, nil); err == nil {
		t.Error("Judge: no error")
	}
	if _, err := m.Replicate(f, 5, 1); err == nil {
		t.Error("Replicate: no error")
	}
}
