package docs_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/vi"
)

// problem is one of testdata/posteriordb with its columns as named there.
func problem(t *testing.T, name string) glm.Frame {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "testdata", "posteriordb", name, "data.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Columns []string
		X       [][]float64
		Y       []float64
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	cols := []series.Series{series.New(d.Y, series.Float, "y")}
	for j, c := range d.Columns {
		v := make([]float64, len(d.X))
		for i := range v {
			v[i] = d.X[i][j]
		}
		cols = append(cols, series.New(v, series.Float, c))
	}
	return dataframe.New(cols...)
}

func fitProblem(t *testing.T, name, formula, family string, s vi.Settings, priors ...string) *glm.Result {
	t.Helper()
	fam, err := glm.ParseFamily(family)
	if err != nil {
		t.Fatal(err)
	}
	opt := &glm.Options{Family: fam, Settings: s}
	for _, text := range priors {
		p, err := glm.ParsePriorSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		opt.Priors = append(opt.Priors, p)
	}
	f, err := glm.Fit(context.Background(), formula, problem(t, name), opt)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const mesquite = "y ~ `log diam1` + `log diam2` + `log canopy_height` + `log total_height` + `log density` + group"

// TestVerdictFigures prints, with -v, the figures of verdict.md on how k-hat
// and Spread vary, and checks that the bound of Spread holds.
func TestVerdictFigures(t *testing.T) {
	separatedRows := func(s vi.Settings) *glm.Result {
		f, err := (&scenario{formula: "z ~ x", csv: separated, family: "bernoulli", settings: s}).run(t)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	grades := map[vi.Grade]int{}
	for seed := range uint64(5) {
		f := separatedRows(vi.Settings{Seed: seed})
		lo, hi = math.Min(lo, f.VI.KHat), math.Max(hi, f.VI.KHat)
		grades[f.VI.Grade()]++
		t.Logf("separated rows, seed %d: k-hat %.2f, spread %.3f, %s", seed, f.VI.KHat, f.VI.Spread(), f.VI.Grade())
	}
	if grades[vi.Good] == 0 || grades[vi.Caution] == 0 || grades[vi.Bad] > 0 {
		t.Errorf("separated rows: grades %v; verdict.md says that both good and caution occur", grades)
	}
	f := separatedRows(vi.Settings{Diagnostics: 100_000})
	mean, sd := weighted(f.VI, 1)
	t.Logf("separated rows, 100000 draws: k-hat %.2f, spread %.3f, %s; slope %.2f ± %.2f reweighted", f.VI.KHat, f.VI.Spread(), f.VI.Grade(), mean, sd)
	if hi-lo < 0.05 || f.VI.KHat > lo || f.VI.Grade() != vi.Good {
		t.Errorf("k-hat of 4000 draws from %.2f to %.2f, of 100000 draws %.2f, %s: verdict.md says otherwise", lo, hi, f.VI.KHat, f.VI.Grade())
	}
	if math.Abs(mean-1.82) > 0.02 || math.Abs(sd-0.87) > 0.02 {
		t.Errorf("the reweighted slope is %.3f ± %.3f; perfect-separation.md says 1.82 ± 0.87", mean, sd)
	}
	b, err := os.ReadFile("verdict.md")
	if err != nil {
		t.Fatal(err)
	}
	page := number.ReplaceAllString(string(b), "#")
	for _, f := range []*glm.Result{
		fitProblem(t, "mesquite-logmesquite", mesquite, "gaussian", vi.Settings{}, flat...),
		fitProblem(t, "nes_logit", "y ~ income", "bernoulli", vi.Settings{}, flat[:2]...),
		fitProblem(t, "kidiq-kidscore_interaction", "y ~ mom_hs * mom_iq", "gaussian", vi.Settings{}, "b ~ flat", "(Intercept) ~ flat", "sigma ~ half-cauchy(2.5)"),
	} {
		t.Log(f.Verdict())
		if !strings.Contains(page, number.ReplaceAllString(f.Verdict(), "#")) {
			t.Errorf("verdict.md does not show\n%s", f.Verdict())
		}
	}
	f = fitProblem(t, "mesquite-logmesquite", mesquite, "gaussian", vi.Settings{}, flat...)
	t.Logf("mesquite: k-hat %.2f, spread %.2f, bound %.2f sd", f.VI.KHat, f.VI.Spread(), math.Sqrt(f.VI.Spread()))
	if b := math.Sqrt(f.VI.Spread()); b < 0.03 || f.VI.Grade() != vi.Caution {
		t.Errorf("%s: the bound %.3f, with an error of sigma of 0.03 sd", f.VI.Grade(), b)
	}
	f, err = (&scenario{formula: "y ~ x1 + g", csv: sixRows}).run(t)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("six rows: k-hat %.2f, spread %.1f, %s", f.VI.KHat, f.VI.Spread(), f.VI.Grade())
	if f.VI.Spread() < 2 || f.VI.Grade() != vi.Bad {
		t.Errorf("six rows, four coefficients: spread %.2f, %s; verdict.md says it is huge", f.VI.Spread(), f.VI.Grade())
	}
}

// weighted returns mean and sd of coordinate j of the diagnostic draws with
// their importance weights.
func weighted(r *vi.Result, j int) (mean, sd float64) {
	mean = expect(r, func(x []float64) float64 { return x[j] })
	v := expect(r, func(x []float64) float64 { return (x[j] - mean) * (x[j] - mean) })
	return mean, math.Sqrt(v)
}

// TestQuadratureFigures prints, with -v, the error bounds that
// methods/natural-gradient-vi.md quotes, and what the average over q is worth against
// a Laplace approximation.
func TestQuadratureFigures(t *testing.T) {
	for _, c := range []struct {
		name, formula, family string
		priors                []string
	}{
		{"nes_logit", "y ~ income", "bernoulli", flat[:2]},
		{"wells-interaction_c", "y ~ `dist100-c` * `arsenic-c`", "bernoulli", flat[:2]},
		{"mesquite-logmesquite", mesquite, "gaussian", flat},
		{"glm_poisson", "y ~ t + I(t^2) + I(t^3)", "poisson", []string{"b ~ normal(0, 10)", "(Intercept) ~ normal(0, 10)"}},
	} {
		f := fitProblem(t, c.name, c.formula, c.family, vi.Settings{Diagnostics: -1}, c.priors...)
		t.Logf("%s: ELBO error at most %.1e", c.name, f.VI.ELBOErr)
		if !(f.VI.ELBOErr < 1e-8) {
			t.Errorf("%s: the ELBO's error is %g; natural-gradient-vi.md says otherwise", c.name, f.VI.ELBOErr)
		}
	}
	s := scenario{formula: "z ~ x", csv: separated, family: "bernoulli"}
	best, err := s.run(t)
	if err != nil {
		t.Fatal(err)
	}
	s.settings.Method = vi.Laplace
	mode, err := s.run(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*glm.Result{best, mode} {
		r := f.Summary()[1]
		t.Logf("%s: slope %.2f ± %.2f, ELBO %.3f ± %.3f, %s", f.VI.Method, r.Mean, r.SD, f.VI.ELBO, f.VI.ELBOErr, f.VI.Grade())
	}
	if mode.VI.Status != vi.Converged || mode.VI.ELBO+3*mode.VI.ELBOErr > best.VI.ELBO {
		t.Errorf("Laplace: %s, ELBO %v ± %v; the best normal has %v", mode.VI.Status, mode.VI.ELBO, mode.VI.ELBOErr, best.VI.ELBO)
	}
	// The mode solves ∇ log p = 0: with z = 1[x > 3.5] and the default priors
	// normal(0, 2.5) of the predictor at x = 3.5 and normal(0, 1.34) of the slope it is symmetric about 3.5.
	b := mode.Summary()[1].Mean
	grad := -b / (1.34 * 1.34)
	for x := 1.0; x <= 6; x++ {
		d := math.Abs(x - 3.5)
		grad += d / (1 + math.Exp(b*d))
	}
	if math.Abs(grad) > 1e-6 {
		t.Errorf("the gradient at the Laplace approximation's mean is %g", grad)
	}
}

// TestRFigures prints, with -v, the fits of sharp-bits/differs-from-r.md beside
// the estimates of R 4.2.2, which they must be near.
func TestRFigures(t *testing.T) {
	for _, c := range []struct {
		name, formula, family, param string
		est, se                      float64 // of R's lm or glm
	}{
		{"nes_logit", "y ~ income", "bernoulli", "income", 0.3259947, 0.05688067},
		{"wells-interaction_c", "y ~ `dist100-c` * `arsenic-c`", "bernoulli", "`dist100-c`", -0.8736527, 0.10479702},
		{"mesquite-logmesquite", mesquite, "gaussian", "`log diam1`", 0.3937831, 0.2819784},
	} {
		priors := flat
		if c.family == "bernoulli" {
			priors = flat[:2]
		}
		for k, p := range [][]string{priors, nil} {
			f := fitProblem(t, c.name, c.formula, c.family, vi.Settings{Diagnostics: -1}, p...)
			for _, r := range f.Summary() {
				if r.Name == "sigma" {
					t.Logf("%s, %s priors: sigma %.4f (%.4f)", c.name, []string{"flat", "default"}[k], r.Mean, r.SD)
				}
				if r.Name != c.param {
					continue
				}
				t.Logf("%s, %s priors: %s %.4f (%.4f), R %.4f (%.4f)", c.name, []string{"flat", "default"}[k], strings.Trim(c.param, "`"), r.Mean, r.SD, c.est, c.se)
				if math.Abs(r.Mean-c.est) > 0.05*c.se || math.Abs(r.SD/c.se-1) > 0.05 {
					t.Errorf("%s: %s is %v (%v), R has %v (%v)", c.name, c.param, r.Mean, r.SD, c.est, c.se)
				}
			}
		}
	}
}
