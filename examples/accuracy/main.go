// Accuracy fits ten regressions whose posteriors are known and prints, as a
// Markdown table, how far each fit is from the truth and what the fit says of
// itself. The problems are of posteriordb (Magnusson et al. 2024); their data,
// reference moments and the best normal approximation of each are in
// testdata/posteriordb.
//
//	go run ./examples/accuracy
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	"github.com/natgrad/natgrad/glm"
)

// spec is the model of one problem. Formulas name the columns of data.json.
type spec struct {
	name, formula, family string
	priors                []string
}

// Flat priors on everything, as most of the problems state them; flat on sigma
// means flat on σ itself.
var (
	flat      = []string{"b ~ flat", "(Intercept) ~ flat"}
	flatSigma = append(slices.Clone(flat), "sigma ~ flat")
	cauchy    = append(slices.Clone(flat), "sigma ~ half-cauchy(2.5)")
)

var specs = []spec{
	{"sblri-blr", "y ~ `x[1]` + `x[2]` + `x[3]` + `x[4]` + `x[5]` - 1", "gaussian",
		[]string{"b ~ normal(0, 10)", "sigma ~ half-normal(10)"}},
	{"kidiq-kidscore_momhsiq", "y ~ mom_hs + mom_iq", "gaussian", cauchy},
	{"kidiq-kidscore_interaction", "y ~ mom_hs * mom_iq", "gaussian", cauchy},
	{"kilpisjarvi_mod-kilpisjarvi", "y ~ x", "gaussian",
		[]string{"(Intercept) ~ normal(9.31290322580645, 100)", "x ~ normal(0, 0.0333333333333333)", "sigma ~ flat"}},
	{"mesquite-logmesquite", "y ~ `log diam1` + `log diam2` + `log canopy_height` + `log total_height` + `log density` + group", "gaussian", flatSigma},
	{"earnings-logearn_interaction_z", "y ~ z_height * male", "gaussian", flatSigma},
	{"nes1980-nes", "y ~ ideology + race + `age30-44` + `age45-64` + `age65+` + educ + gender + income", "gaussian", flatSigma},
	{"nes_logit", "y ~ income", "bernoulli", flat},
	{"wells-interaction_c", "y ~ `dist100-c` * `arsenic-c`", "bernoulli", flat},
	{"glm_poisson", "y ~ t + I(t^2) + I(t^3)", "poisson", []string{"b ~ normal(0, 10)", "(Intercept) ~ normal(0, 10)"}},
}

func main() {
	dir := flag.String("data", filepath.Join("testdata", "posteriordb"), "folder of the problems")
	flag.Parse()
	if err := run(os.Stdout, *dir); err != nil {
		log.Fatal(err)
	}
}

func run(w io.Writer, dir string) error {
	fmt.Fprintln(w, "| problem | rows | parameters | mean error | sd ratio | sigma: error, ratio | ELBO − optimum | KL of the optimum | k-hat | verdict | steps | ms |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range specs {
		if err := s.run(w, dir); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// moments of a reference: names, means and sds in the order of the parameters.
type moments struct {
	Names    []string
	Mean, SD []float64
}

// reference holds what is known of a posterior.
type reference struct {
	Constrained moments                        // long MCMC runs
	Exact       *struct{ Constrained moments } // closed form or quadrature, where there is one
	GaussianVI  struct {
		FullRank struct {
			ELBO   float64
			ELBOSE float64 `json:"elbo_se"`
			KL     float64 `json:"kl_to_posterior"`
		} `json:"full_rank"`
	} `json:"gaussian_vi"`
}

func (s *spec) run(w io.Writer, root string) error {
	frame, err := readProblem(filepath.Join(root, s.name, "data.json"))
	if err != nil {
		return err
	}
	var ref reference
	if err := readJSON(filepath.Join(root, s.name, "reference.json"), &ref); err != nil {
		return err
	}
	opt := &glm.Options{}
	if opt.Family, err = glm.ParseFamily(s.family); err != nil {
		return err
	}
	for _, text := range s.priors {
		p, err := glm.ParsePriorSpec(text)
		if err != nil {
			return err
		}
		opt.Priors = append(opt.Priors, p)
	}
	f, took, err := timed(s.formula, frame, opt)
	if err != nil {
		return err
	}
	truth := ref.Constrained
	if ref.Exact != nil {
		truth = ref.Exact.Constrained
	}
	if len(truth.Mean) != len(f.Names) {
		return fmt.Errorf("the reference has %d parameters, the fit %d", len(truth.Mean), len(f.Names))
	}
	worst, lo, hi, sigma := 0.0, math.Inf(1), math.Inf(-1), ""
	for j, r := range f.Summary() {
		off, ratio := math.Abs(r.Mean-truth.Mean[j])/truth.SD[j], r.SD/truth.SD[j]
		if j >= f.Coefs {
			sigma = fmt.Sprintf("%.3f, %.3f", off, ratio)
			continue
		}
		worst, lo, hi = math.Max(worst, off), math.Min(lo, ratio), math.Max(hi, ratio)
	}
	best := ref.GaussianVI.FullRank
	_, err = fmt.Fprintf(w, "| %s | %d | %d | %.4f | %.3f to %.3f | %s | %+.5f ± %.5f | %.5f | %.2f | %s | %d | %.1f |\n",
		s.name, f.Rows, len(f.Names), worst, lo, hi, sigma, f.VI.ELBO-best.ELBO, best.ELBOSE, best.KL,
		f.VI.KHat, f.VI.Grade(), f.VI.Iterations, float64(took.Microseconds())/1e3)
	return err
}

// timed fits five times and returns the median time: design, steps, and the
// draws behind the verdict.
func timed(formula string, frame glm.Frame, opt *glm.Options) (*glm.Result, time.Duration, error) {
	var f *glm.Result
	times := make([]time.Duration, 5)
	for i := range times {
		start := time.Now()
		var err error
		if f, err = glm.Fit(context.Background(), formula, frame, opt); err != nil {
			return nil, 0, err
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return f, times[len(times)/2], nil
}

// readProblem returns the columns of a problem under their own names and the
// outcome as y.
func readProblem(path string) (glm.Frame, error) {
	var data struct {
		Columns []string
		X       [][]float64
		Y       []float64
	}
	if err := readJSON(path, &data); err != nil {
		return nil, err
	}
	cols := []series.Series{series.New(data.Y, series.Float, "y")}
	for j, name := range data.Columns {
		v := make([]float64, len(data.X))
		for i, row := range data.X {
			if len(row) != len(data.Columns) {
				return nil, fmt.Errorf("%s: row %d has %d values, want %d", path, i+1, len(row), len(data.Columns))
			}
			v[i] = row[j]
		}
		cols = append(cols, series.New(v, series.Float, name))
	}
	df := dataframe.New(cols...)
	return df, df.Err
}

func readJSON(path string, dst any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, dst); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
