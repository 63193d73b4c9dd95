package glm

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	"github.com/natgrad/natgrad/vi"
)

// posteriordb holds one problem of testdata/posteriordb at the repository's root: a regression with a
// stated prior, reference moments and the optimum of the full Gaussian family.
type posteriordb struct {
	name string
	data struct {
		Family    string
		X         [][]float64
		Y         []float64
		Columns   []string
		PriorMean []float64 `json:"prior_mean"`
		PriorSD   []float64 `json:"prior_sd"`
	}
	ref struct {
		Constrained, Unconstrained moments2
		Exact                      *struct{ Constrained, Unconstrained moments2 }
		Checks                     []struct {
			At         []float64
			LogDensity float64 `json:"log_density"`
			Gradient   []float64
		} `json:"log_density_checks"`
		GaussianVI struct {
			FullRank struct {
				ELBO   float64
				ELBOSE float64 `json:"elbo_se"`
				Mean   []float64
				SD     []float64
				KL     float64 `json:"kl_to_posterior"`
			} `json:"full_rank"`
		} `json:"gaussian_vi"`
	}
}

type moments2 struct {
	Names    []string
	Mean, SD []float64
}

// families are glm's names of those of the problems.
var families = map[string]string{"normal": "gaussian", "bernoulli-logit": "bernoulli", "poisson-log": "poisson"}

// loadPosteriors reads every regression without group effects under
// testdata/posteriordb, or under the folder that NATGRAD_POSTERIORDB names.
func loadPosteriors(t testing.TB) []*posteriordb {
	t.Helper()
	root := os.Getenv("NATGRAD_POSTERIORDB")
	if root == "" {
		root = filepath.Join("..", "testdata", "posteriordb")
	}
	files, err := filepath.Glob(filepath.Join(root, "*", "data.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no problems under %s: %v", root, err)
	}
	var out []*posteriordb
	read := func(path string, dst any) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, dst); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	for _, f := range files {
		var kind struct {
			Family string
			Group  []int
		}
		read(f, &kind)
		if _, ok := families[kind.Family]; !ok || kind.Group != nil {
			continue // another kind of model, whose data have other types
		}
		p := &posteriordb{name: filepath.Base(filepath.Dir(f))}
		read(f, &p.data)
		read(filepath.Join(filepath.Dir(f), "reference.json"), &p.ref)
		out = append(out, p)
	}
	return out
}

// frame turns the design matrix into columns c1, c2, … and y; shift and scale
// change the units of every column but the constant.
func (p *posteriordb) frame() dataframe.DataFrame {
	cols := []series.Series{series.New(p.data.Y, series.Float, "y")}
	for j := range p.data.X[0] {
		v := make([]float64, len(p.data.X))
		for i, row := range p.data.X {
			v[i] = row[j]
		}
		cols = append(cols, series.New(v, series.Float, fmt.Sprintf("c%d", j+1)))
	}
	return dataframe.New(cols...)
}

func (p *posteriordb) formula() string {
	rhs := []string{}
	start := 0
	if p.data.X[0][0] == 1 && p.data.X[1][0] == 1 && (len(p.data.Columns) == 0 || p.data.Columns[0] == "1") {
		start = 1
	}
	for j := start; j < len(p.data.X[0]); j++ {
		rhs = append(rhs, fmt.Sprintf("c%d", j+1))
	}
	if start == 0 {
		return "y ~ " + strings.Join(rhs, " + ") + " - 1"
	}
	return "y ~ " + strings.Join(rhs, " + ")
}

// options states family and priors of the problem's model description.
func (p *posteriordb) options(t testing.TB) *Options {
	t.Helper()
	family := families[p.data.Family]
	f, err := ParseFamily(family)
	if err != nil {
		t.Fatal(err)
	}
	specs := []string{"b ~ flat", "(Intercept) ~ flat"}
	sigma := "sigma ~ flat"
	switch {
	case strings.HasPrefix(p.name, "sblr"):
		specs, sigma = []string{"b ~ normal(0, 10)"}, "sigma ~ half-normal(10)"
	case strings.HasPrefix(p.name, "arK"):
		specs, sigma = []string{"b ~ normal(0, 10)", "(Intercept) ~ normal(0, 10)"}, "sigma ~ half-cauchy(2.5)"
	case strings.HasPrefix(p.name, "kidiq"):
		sigma = "sigma ~ half-cauchy(2.5)"
	case strings.HasPrefix(p.name, "kilpis"):
		specs = []string{
			fmt.Sprintf("(Intercept) ~ normal(%v, %v)", p.data.PriorMean[0], p.data.PriorSD[0]),
			fmt.Sprintf("b ~ normal(%v, %v)", p.data.PriorMean[1], p.data.PriorSD[1]),
		}
	case p.data.Family == "poisson-log":
		specs = []string{"b ~ normal(0, 10)", "(Intercept) ~ normal(0, 10)"}
	}
	if family == "gaussian" {
		specs = append(specs, sigma)
	}
	o := &Options{Family: f}
	for _, s := range specs {
		ps, err := ParsePriorSpec(s)
		if err != nil {
			t.Fatal(err)
		}
		o.Priors = append(o.Priors, ps)
	}
	return o
}

// The log density and its gradient are those of the problem, constants and
// Jacobian included.
func TestReferenceLogDensity(t *testing.T) {
	for _, p := range loadPosteriors(t) {
		t.Run(p.name, func(t *testing.T) {
			m, err := NewModel(p.formula(), p.frame(), p.options(t))
			if err != nil {
				t.Fatal(err)
			}
			e, err := vi.New(mustStart(t, m), m.Target(), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = e
			prob := m.Target().Problem()
			g := make([]float64, m.dim)
			for _, c := range p.ref.Checks {
				// The file gives ten digits of the value and eight of the gradient, at a
				// point with six: the tolerance follows from the gradient at that point.
				if got := -prob.Func(c.At); math.Abs(got-c.LogDensity) > 1e-6*math.Abs(c.LogDensity) {
					t.Errorf("at %v: log density %v, want %v", c.At, got, c.LogDensity)
				}
				prob.Grad(g, c.At)
				for i, want := range c.Gradient {
					if math.Abs(-g[i]-want) > 1e-6*(1+math.Abs(want)) {
						t.Errorf("at %v: gradient[%d] %v, want %v", c.At, i, -g[i], want)
					}
				}
			}
		})
	}
}

func mustStart(t testing.TB, m *Model) vi.Posterior {
	t.Helper()
	q, err := m.start(m.engineTarget())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// Means within 0.1 reference sd and sds within 7 % for the coefficients, and
// the ELBO within 0.005 nats of the best that a Gaussian can do.
func TestReferencePosteriordb(t *testing.T) {
	for _, p := range loadPosteriors(t) {
		t.Run(p.name, func(t *testing.T) {
			f, err := Fit(context.Background(), p.formula(), p.frame(), p.options(t))
			if err != nil {
				t.Fatal(err)
			}
			ref, best := p.ref.Constrained, p.ref.GaussianVI.FullRank
			if p.ref.Exact != nil {
				ref = p.ref.Exact.Constrained
			}
			// mesquite has 46 rows for 8 parameters: its posterior is a t, and the
			// verdict has to say that a normal is not it.
			if g := f.VI.Grade(); g != vi.Good && best.KL < 0.01 {
				t.Errorf("verdict: %s", f.Verdict())
			}
			worst, lo, hi := 0.0, math.Inf(1), math.Inf(-1)
			for j, r := range f.Summary() {
				e, q := math.Abs(r.Mean-ref.Mean[j])/ref.SD[j], r.SD/ref.SD[j]
				if j < f.Coefs {
					worst, lo, hi = math.Max(worst, e), math.Min(lo, q), math.Max(hi, q)
				}
			}
			if worst > 0.1 || lo < 0.93 || hi > 1.07 {
				t.Errorf("mean error %.3f sd, sd ratio %.3f to %.3f", worst, lo, hi)
			}
			if d := f.VI.ELBO - best.ELBO; math.Abs(d) > 0.005+3*best.ELBOSE {
				t.Errorf("ELBO %.5f, optimum of the family %.5f ± %.5f", f.VI.ELBO, best.ELBO, best.ELBOSE)
			}
			t.Logf("mean error %.4f sd, sd ratio %.3f to %.3f, ELBO %.5f (optimum %.5f), %s", worst, lo, hi, f.VI.ELBO, best.ELBO, f.Verdict())
		})
	}
}
