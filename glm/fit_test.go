package glm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	"github.com/natgrad/natgrad/vi"
)

// simulated makes n rows of x1, x2, a factor f and an outcome y of the family.
func simulated(f Family, n int, seed uint64) dataframe.DataFrame {
	rng := rand.New(rand.NewPCG(seed, 17))
	x1, x2, y, level := make([]float64, n), make([]float64, n), make([]float64, n), make([]string, n)
	aux := make([]float64, len(f.AuxNames()))
	for i := range n {
		x1[i], x2[i] = rng.NormFloat64(), 3+2*rng.NormFloat64()
		level[i] = string(rune('a' + rng.IntN(3)))
		eta := 0.4 + 0.8*x1[i] - 0.3*(x2[i]-3)
		if level[i] == "b" {
			eta += 0.5
		}
		y[i] = f.Sample(rng, eta, aux, 1)
	}
	return dataframe.New(series.New(x1, series.Float, "x1"), series.New(x2, series.Float, "x2"), series.New(level, series.String, "f"), series.New(y, series.Float, "y"))
}

var allFamilies = []Family{
	Gaussian(), StudentT(), StudentTDF(4), Bernoulli("logit"), Bernoulli("probit"), Bernoulli("cloglog"), Poisson(), NegativeBinomial(), Gamma(),
}

// Every family fits, converges and passes its own verdict, and finds the
// coefficients that made the data within four posterior sds.
func TestEveryFamilyFits(t *testing.T) {
	truth := map[string]float64{"x1": 0.8, "x2": -0.3, "f[b]": 0.5, "f[c]": 0}
	for k, fam := range allFamilies {
		t.Run(fam.String(), func(t *testing.T) {
			f, err := Fit(context.Background(), "y ~ x1 + x2 + f", simulated(fam, 400, uint64(k)), &Options{Family: fam})
			if err != nil {
				t.Fatal(err)
			}
			if f.VI.Grade() != vi.Good {
				t.Errorf("verdict: %s", f.Verdict())
			}
			if math.Abs(f.VI.ELBO-f.VI.ELBOMC) > 5*f.VI.ELBOMCErr+f.VI.ELBOErr {
				t.Errorf("quadrature ELBO %v ± %v, Monte Carlo %v ± %v", f.VI.ELBO, f.VI.ELBOErr, f.VI.ELBOMC, f.VI.ELBOMCErr)
			}
			if f.VI.ELBOErr > 1e-4 {
				t.Errorf("quadrature error %g", f.VI.ELBOErr)
			}
			for _, r := range f.Summary() {
				if want, ok := truth[r.Name]; ok && math.Abs(r.Mean-want) > 4*r.SD {
					t.Errorf("%s is %v ± %v, made with %v", r.Name, r.Mean, r.SD, want)
				}
			}
			t.Log(f.Verdict())
		})
	}
}

// The compressed gaussian likelihood is the same function of the parameters as
// the row by row one, weights and offset included.
func TestGaussianCompression(t *testing.T) {
	df := simulated(Gaussian(), 60, 3)
	rng := rand.New(rand.NewPCG(1, 1))
	w, o := make([]float64, 60), make([]float64, 60)
	for i := range w {
		w[i], o[i] = rng.Float64()*2, rng.NormFloat64()
	}
	w[3] = 0
	df = df.Mutate(series.New(w, series.Float, "w")).Mutate(series.New(o, series.Float, "o"))
	m, err := NewModel("y ~ x1 + x2 + f", df, &Options{DesignOptions: DesignOptions{Weights: "w", Offset: "o"}})
	if err != nil {
		t.Fatal(err)
	}
	fast := m.engineTarget()
	if rows := fast.Linear.Terms[0].X.Rows; rows != m.p+1 {
		t.Fatalf("the likelihood has %d rows, want %d", rows, m.p+1)
	}
	z, _ := whitened(m.Design.X, m.t, 1)
	slow := m.target(m.t, m.logDet, z, m.loglik, nil)
	a, b := fast.Problem(), slow.Problem()
	x, ga, gb := make([]float64, m.dim), make([]float64, m.dim), make([]float64, m.dim)
	for range 20 {
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		if u, v := a.Func(x), b.Func(x); math.Abs(u-v) > 1e-10*math.Abs(v) {
			t.Errorf("log density %v, row by row %v", u, v)
		}
		a.Grad(ga, x)
		b.Grad(gb, x)
		for i := range ga {
			if math.Abs(ga[i]-gb[i]) > 1e-9*(1+math.Abs(gb[i])) {
				t.Errorf("gradient[%d] %v, row by row %v", i, ga[i], gb[i])
			}
		}
	}
}

// Columns in other units give the same predictions, the same ELBO up to the
// change of the prior, and coefficients in the new units.
func TestUnitsDoNotMatter(t *testing.T) {
	df := simulated(Bernoulli("logit"), 300, 9)
	flat, err := ParsePriorSpec("b ~ flat")
	if err != nil {
		t.Fatal(err)
	}
	opt := &Options{Family: Bernoulli("logit"), Priors: []PriorSpec{flat, {"(Intercept)", FlatPrior()}}}
	ref, err := Fit(context.Background(), "y ~ x1 + x2", df, opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []struct{ shift, scale float64 }{{0, 1e-6}, {0, 1e6}, {2000, 1e-1}, {-1e5, 1e2}} {
		scale := u.scale
		x := df.Col("x2").Float()
		for i := range x {
			x[i] = u.shift + scale*x[i]
		}
		f, err := Fit(context.Background(), "y ~ x1 + x2", df.Mutate(series.New(x, series.Float, "x2")), opt)
		if err != nil {
			t.Fatal(err)
		}
		a, b := ref.Summary(), f.Summary()
		if math.Abs(b[2].Mean*scale-a[2].Mean) > 1e-5*a[2].SD || math.Abs(b[2].SD*scale/a[2].SD-1) > 1e-5 {
			t.Errorf("scale %g: x2 is %v ± %v, want %v ± %v over it", scale, b[2].Mean, b[2].SD, a[2].Mean, a[2].SD)
		}
		// The flat prior over β is over other units now: the density changes by |scale|.
		if d := f.VI.ELBO - (ref.VI.ELBO - math.Log(scale)); math.Abs(d) > 1e-5 {
			t.Errorf("scale %g: ELBO %v, want %v", scale, f.VI.ELBO, ref.VI.ELBO-math.Log(scale))
		}
	}
}

// Half the rows, saved, loaded and continued with the other half, equals all
// rows: exactly so for what a normal posterior can carry, and within the
// distance of the posterior from normal for the rest.
func TestPosteriorAsPrior(t *testing.T) {
	for _, fam := range []Family{Gaussian(), Bernoulli("logit"), Poisson()} {
		t.Run(fam.String(), func(t *testing.T) {
			df := simulated(fam, 600, 21)
			all, err := Fit(context.Background(), "y ~ x1 + f", df, &Options{Family: fam})
			if err != nil {
				t.Fatal(err)
			}
			var rows [2][]int
			for i := range 600 {
				rows[i%2] = append(rows[i%2], i)
			}
			half, err := Fit(context.Background(), "y ~ x1 + f", df.Subset(rows[0]), &Options{Family: fam})
			if err != nil {
				t.Fatal(err)
			}
			var buf bytes.Buffer
			if err := half.Save(&buf); err != nil {
				t.Fatal(err)
			}
			loaded, err := Load(&buf)
			if err != nil {
				t.Fatal(err)
			}
			both, err := Fit(context.Background(), "y ~ x1 + f", df.Subset(rows[1]), &Options{Family: fam, After: loaded})
			if err != nil {
				t.Fatal(err)
			}
			a, b, h := all.Summary(), both.Summary(), half.Summary()
			for j := range a {
				// The default priors of the halves differ a little from those of all rows,
				// and the posterior of half the counts is a little skew, which the normal
				// that is carried over is not.
				if math.Abs(a[j].Mean-b[j].Mean) > 0.12*a[j].SD || math.Abs(b[j].SD/a[j].SD-1) > 0.03 {
					t.Errorf("%s: in two halves %v ± %v, at once %v ± %v", a[j].Name, b[j].Mean, b[j].SD, a[j].Mean, a[j].SD)
				}
				if b[j].SD > 0.85*h[j].SD {
					t.Errorf("%s: sd %v after the second half, %v before: it was not used", a[j].Name, b[j].SD, h[j].SD)
				}
			}
			if both.Priors[0] != "earlier posterior" {
				t.Errorf("prior is %q", both.Priors[0])
			}
		})
	}
	df := simulated(Gaussian(), 50, 1)
	f, err := Fit(context.Background(), "y ~ x1", df, nil)
	if err != nil {
		t.Fatal(err)
	}
	for word, opt := range map[string]*Options{
		"formula": {After: f}, "family": {After: f, Family: Poisson()}, "exclude": {After: f, Priors: []PriorSpec{{"b", FlatPrior()}}},
	} {
		formula := "y ~ x1"
		if word == "formula" {
			formula = "y ~ x2"
		}
		if _, err := Fit(context.Background(), formula, df, opt); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// A saved fit comes back bit for bit; damaged ones are refused.
func TestSaveLoad(t *testing.T) {
	df := simulated(NegativeBinomial(), 80, 2)
	f, err := Fit(context.Background(), "y ~ x1 + f", df, &Options{Family: NegativeBinomial()})
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := f.Save(&a); err != nil {
		t.Fatal(err)
	}
	g, err := Load(bytes.NewReader(a.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	x, y := f.Posterior.Natural(nil), g.Posterior.Natural(nil)
	for i := range x {
		if math.Float64bits(x[i]) != math.Float64bits(y[i]) {
			t.Fatalf("natural parameter %d: %v, was %v", i, y[i], x[i])
		}
	}
	if fmt.Sprint(f.Summary()) != fmt.Sprint(g.Summary()) {
		t.Error("the summary changed")
	}
	if f.Verdict() != g.Verdict() || f.VI.Grade() != g.VI.Grade() {
		t.Errorf("the verdict was %s, is %s", f.Verdict(), g.Verdict())
	}
	m, err := g.Bind(df)
	if err != nil {
		t.Fatal(err)
	}
	want, err := NewModel("y ~ x1 + f", df, &Options{Family: NegativeBinomial()})
	if err != nil {
		t.Fatal(err)
	}
	at := g.Posterior.Mean(nil)
	if u, v := m.Target().Problem().Func(at), want.Target().Problem().Func(at); math.Abs(u-v) > 1e-10*math.Abs(v) {
		t.Errorf("log density of the bound model %v, of the original %v", u, v)
	}
	l1, err := want.LOO(f)
	if err != nil {
		t.Fatal(err)
	}
	l2, err := m.LOO(g)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(l1.ELPD-l2.ELPD) > 0.1 {
		t.Errorf("LOO of the loaded fit %v, of the original %v", l2.ELPD, l1.ELPD)
	}
	if err := g.Save(&b); err != nil {
		t.Fatal(err)
	}
	whole := a.String()
	for name, bad := range map[string]string{
		"empty": "", "truncated": whole[:len(whole)/2], "foreign": `{"a": 1}`, "version": strings.Replace(whole, `"version": 1`, `"version": 9`, 1),
		"family": strings.Replace(whole, "negative-binomial", "negative-binomia", 1), "not JSON": "PK\x03\x04",
		"short posterior": strings.Replace(whole, `"posterior_natural": [`, `"posterior_natural": [1], "x": [`, 1),
		"coefficients":    strings.Replace(whole, `"coefficients": 4`, `"coefficients": 400000000`, 1),
	} {
		if _, err := Load(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "glm: Load") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	r, err := Fit(context.Background(), "y ~ x1", simulated(Gaussian(), 20, 2), nil)
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"format":"natgrad-glm","version":1}`))
	df := simulated(Gaussian(), 5, 1)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := Load(bytes.NewReader(b)); err == nil {
			_, _ = r.Bind(df)
			_ = r.Summary()
		}
	})
}

// Perfect separation: finite posterior under the default prior, and a word.
func TestSeparation(t *testing.T) {
	x := []float64{-3, -2, -1, -0.5, 0.5, 1, 2, 3}
	y := []float64{0, 0, 0, 0, 1, 1, 1, 1}
	df := dataframe.New(series.New(x, series.Float, "x"), series.New(y, series.Float, "y"))
	f, err := Fit(context.Background(), "y ~ x", df, &Options{Family: Bernoulli("logit")})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Warnings) == 0 || !strings.Contains(f.Warnings[0], "perfect separation") {
		t.Errorf("warnings: %q", f.Warnings)
	}
	for _, r := range f.Summary() {
		if math.Abs(r.Mean) > 50 || !(r.SD > 0 && r.SD < 50) {
			t.Errorf("%s is %v ± %v", r.Name, r.Mean, r.SD)
		}
	}
}

// Rows fewer than coefficients need proper priors, and collinear columns are
// named.
func TestRankErrors(t *testing.T) {
	df := simulated(Gaussian(), 3, 1)
	var re *RankError
	if _, err := Fit(context.Background(), "y ~ x1 + x2 + I(x1^2)", df, &Options{Priors: []PriorSpec{{"b", FlatPrior()}}}); !errors.As(err, &re) {
		t.Errorf("flat priors and 3 rows: %v", err)
	}
	f, err := Fit(context.Background(), "y ~ x1 + x2 + I(x1^2)", df, nil)
	if err != nil || len(f.Warnings) == 0 || !strings.Contains(f.Warnings[0], "3 rows cannot determine 4") {
		t.Errorf("3 rows, proper priors: %v, %+v", err, f)
	}
	df = simulated(Gaussian(), 30, 1)
	if _, err := Fit(context.Background(), "y ~ x1 + x2 + I(2*x1 - x2)", df, nil); !errors.As(err, &re) || !strings.Contains(err.Error(), "x1") {
		t.Errorf("collinear: %v", err)
	}
}

// The predictor's interval is exact and the outcome's covers.
func TestPredict(t *testing.T) {
	for _, fam := range []Family{Gaussian(), Poisson(), Bernoulli("logit")} {
		train, test := simulated(fam, 500, 5), simulated(fam, 2000, 6)
		f, err := Fit(context.Background(), "y ~ x1 + x2 + f", train, &Options{Family: fam})
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.Predict(test, &PredictOptions{Draws: 1000})
		if err != nil {
			t.Fatal(err)
		}
		y := test.Col("y").Float()
		in := 0
		for i := range p {
			if p[i].Outcome.Lower <= y[i] && y[i] <= p[i].Outcome.Upper {
				in++
			}
			if !(p[i].Mean.Lower <= p[i].Mean.Mean && p[i].Mean.Mean <= p[i].Mean.Upper) {
				t.Fatalf("%s row %d: mean %+v", fam, i, p[i].Mean)
			}
		}
		// 2000 rows: 90 % ± 4 standard errors; discrete outcomes cover more.
		if c := float64(in) / 2000; c < 0.9-4*0.0067 || fam.Name() == "gaussian" && c > 0.9+4*0.0067 {
			t.Errorf("%s: 90 %% intervals cover %v", fam, c)
		}
	}
	df := simulated(Gaussian(), 50, 5)
	f, err := Fit(context.Background(), "y ~ x1 + f", df, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []*PredictOptions{{Level: 1.5}, {Draws: 3}} {
		if _, err := f.Predict(df, o); err == nil {
			t.Errorf("%+v: no error", *o)
		}
	}
}
