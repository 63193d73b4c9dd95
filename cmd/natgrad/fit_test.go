package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/vi"
)

// problem is one regression of testdata/posteriordb as a user would state it.
type problem struct {
	name, csv string
	args      []string
	columns   [][]float64 // of the design, one slice a row
	mean, sd  []float64   // of the reference
}

// problems reads the problems and states formula, family and priors.
func problems(t *testing.T) []problem {
	t.Helper()
	root := os.Getenv("NATGRAD_POSTERIORDB")
	if root == "" {
		root = filepath.Join("..", "..", "testdata", "posteriordb")
	}
	dirs, err := filepath.Glob(filepath.Join(root, "*", "data.json"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no problems under %s: %v", root, err)
	}
	var out []problem
	for _, file := range dirs {
		var kind struct {
			Family string
			Group  []int
		}
		readJSON(t, file, &kind)
		family, ok := map[string]string{"normal": "gaussian", "bernoulli-logit": "bernoulli", "poisson-log": "poisson"}[kind.Family]
		if !ok || kind.Group != nil {
			continue // another kind of model, whose data have other types
		}
		var d struct {
			X         [][]float64
			Y         []float64
			PriorMean []float64 `json:"prior_mean"`
			PriorSD   []float64 `json:"prior_sd"`
		}
		type moments struct{ Mean, SD []float64 }
		var ref struct {
			Constrained moments
			Exact       *struct{ Constrained moments }
		}
		readJSON(t, file, &d)
		readJSON(t, filepath.Join(filepath.Dir(file), "reference.json"), &ref)
		p := problem{name: filepath.Base(filepath.Dir(file)), columns: d.X, mean: ref.Constrained.Mean, sd: ref.Constrained.SD}
		if ref.Exact != nil {
			p.mean, p.sd = ref.Exact.Constrained.Mean, ref.Exact.Constrained.SD
		}
		constant := true
		for _, row := range d.X {
			constant = constant && row[0] == 1
		}
		var b strings.Builder
		b.WriteString("y")
		terms := []string{}
		for j := range d.X[0] {
			if j > 0 || !constant {
				terms = append(terms, fmt.Sprintf("c%d", j+1))
				fmt.Fprintf(&b, ",c%d", j+1)
			}
		}
		for i, row := range d.X {
			fmt.Fprintf(&b, "\n%v", d.Y[i])
			for j, v := range row {
				if j > 0 || !constant {
					fmt.Fprintf(&b, ",%v", v)
				}
			}
		}
		p.csv = b.String() + "\n"
		formula := "y ~ " + strings.Join(terms, " + ")
		if !constant {
			formula += " - 1"
		}
		p.args = []string{"-formula", formula, "-family", family}
		slopes, intercept, sigma := "flat", "flat", "flat"
		switch {
		case strings.HasPrefix(p.name, "sblr"):
			slopes, sigma = "normal(0, 10)", "half-normal(10)"
		case strings.HasPrefix(p.name, "arK"):
			slopes, intercept, sigma = "normal(0, 10)", "normal(0, 10)", "half-cauchy(2.5)"
		case strings.HasPrefix(p.name, "kidiq"):
			sigma = "half-cauchy(2.5)"
		case strings.HasPrefix(p.name, "kilpis"):
			intercept = fmt.Sprintf("normal(%v, %v)", d.PriorMean[0], d.PriorSD[0])
			slopes = fmt.Sprintf("normal(%v, %v)", d.PriorMean[1], d.PriorSD[1])
		case family == "poisson":
			slopes, intercept = "normal(0, 10)", "normal(0, 10)"
		}
		p.args = append(p.args, "-prior", "b ~ "+slopes)
		if constant {
			p.args = append(p.args, "-prior", "(Intercept) ~ "+intercept)
		}
		if family == "gaussian" {
			p.args = append(p.args, "-prior", "sigma ~ "+sigma)
		}
		out = append(out, p)
	}
	return out
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// The way of a user through fit, check and predict: coefficient means within
// 0.1 reference sd, sds within 7 %, and the three commands agree.
func TestReferencePosteriordb(t *testing.T) {
	for _, p := range problems(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "data.csv", p.csv)
			code, out, errs := call(append([]string{"fit", "data.csv", "-json", "-o", "out"}, p.args...)...)
			if code != exitOK && code != exitBad || errs != "" {
				t.Fatalf("code %d: %s", code, errs)
			}
			var f fitJSON
			decode(t, out, &f)
			if (code == exitBad) != (f.Grade == "bad") || !f.Finished || len(f.Files) != 4 {
				t.Errorf("code %d for grade %s; finished %v with files %v", code, f.Grade, f.Finished, f.Files)
			}
			worst, lo, hi := 0.0, math.Inf(1), math.Inf(-1)
			for j := range p.columns[0] {
				q := f.Parameters[j]
				worst = math.Max(worst, math.Abs(float64(q.Mean)-p.mean[j])/p.sd[j])
				lo, hi = math.Min(lo, float64(q.SD)/p.sd[j]), math.Max(hi, float64(q.SD)/p.sd[j])
			}
			if worst > 0.1 || lo < 0.93 || hi > 1.07 {
				t.Errorf("mean error %.3f sd, sd ratio %.3f to %.3f", worst, lo, hi)
			}
			t.Logf("mean error %.4f sd, sd ratio %.3f to %.3f, %.3f s, %s", worst, lo, hi, float64(f.Seconds), f.Verdict)

			code, out, errs = call("check", "out", "-json")
			var c checkJSON
			if code != exitOK && code != exitBad || errs != "" {
				t.Fatalf("check: code %d: %s", code, errs)
			}
			decode(t, out, &c)
			// Both ELBOs are quadratures of the same integral at the same posterior.
			if math.Abs(float64(c.ELBO-f.ELBO)) > 1e-6 || c.Status != f.Status || c.DataChanged || c.Rows != f.Rows {
				t.Errorf("check says ELBO %v, %s, %d rows; fit says %v, %s, %d", c.ELBO, c.Status, c.Rows, f.ELBO, f.Status, f.Rows)
			}
			if math.Abs(float64(c.ELBO-c.ELBOMC)) > 4*float64(c.ELBOMCErr) {
				t.Errorf("ELBO %v by quadrature, %v ± %v by draws", c.ELBO, c.ELBOMC, c.ELBOMCErr)
			}
			if !(c.LOO.P > 0) || float64(c.LOO.P) > 3*float64(len(f.Parameters)) || math.Abs(float64(c.LOO.ELPD-c.WAIC.ELPD)) > float64(c.LOO.SE) || len(c.PredictiveChecks) == 0 {
				t.Errorf("LOO %+v, WAIC %+v", c.LOO, c.WAIC)
			}
			checkPredictions(t, p, &f)
		})
	}
}

// checkPredictions compares the predictor of every row with Xβ.
func checkPredictions(t *testing.T, p problem, f *fitJSON) {
	t.Helper()
	rec, err := csv.NewReader(strings.NewReader(mustRun(t, "predict", "out", "data.csv", "-draws", "100"))).ReadAll()
	if err != nil || len(rec) != 1+len(p.columns) || len(rec[0]) != 13 {
		t.Fatalf("%d lines, %v", len(rec), err)
	}
	for i, row := range p.columns {
		want, scale := 0.0, 0.0
		for j, x := range row {
			want += x * float64(f.Parameters[j].Mean)
			scale += math.Abs(x * float64(f.Parameters[j].Mean))
		}
		got, err := strconv.ParseFloat(rec[i+1][1], 64)
		// Eight digits are printed.
		if err != nil || math.Abs(got-want) > 1e-7*math.Abs(want)+1e-12*scale {
			t.Fatalf("row %d: predictor %s, want %v", i+1, rec[i+1][1], want)
		}
	}
}

// Equal input gives equal bytes in every file, whatever the number of workers,
// and no file holds the path of the data but run.json.
func TestWorkersGiveEqualBytes(t *testing.T) {
	dir := t.TempDir()
	data := write(t, filepath.Join(dir, "logit.csv"), logisticCSV(1500, 3))
	for _, more := range [][]string{nil, {"-batch", "64", "-iterations", "400"}} {
		var first map[string]string
		for _, w := range []string{"1", "2", "3"} {
			out := filepath.Join(dir, "out"+w)
			args := append([]string{"fit", data, "-formula", "y ~ x1 * x2 + x3", "-family", "bernoulli", "-o", out, "-workers", w, "-force"}, more...)
			if code, _, errs := call(args...); code != exitOK && code != exitBad {
				t.Fatal(errs)
			}
			files := snapshot(t, out)
			if len(files) != 5 {
				t.Errorf("%d entries in the directory", len(files))
			}
			if first == nil {
				first = files
				continue
			}
			same(t, w+" workers", first, files)
		}
		for _, name := range []string{fitFile, drawsFile, reportFile} {
			if strings.Contains(first[name], dir) {
				t.Errorf("%s holds a path of this machine", name)
			}
		}
	}
	out := filepath.Join(dir, "seed")
	mustRun(t, "fit", data, "-formula", "y ~ x1", "-family", "bernoulli", "-o", out, "-draws", "50")
	a := snapshot(t, out)
	mustRun(t, "fit", data, "-formula", "y ~ x1", "-family", "bernoulli", "-o", out, "-draws", "50", "-seed", "9", "-force")
	if b := snapshot(t, out); a[drawsFile] == b[drawsFile] {
		t.Error("another seed gave the same draws")
	}
	d, err := report.ReadDraws(strings.NewReader(a[drawsFile]))
	if err != nil || len(d.Draws) != 50 || fmt.Sprint(d.Names) != "[(Intercept) x1]" {
		t.Errorf("draws.csv: %d draws of %v, %v", len(d.Draws), d.Names, err)
	}
}

// draws.csv has the posterior of the table on the scale of the table.
func TestDrawsAreOnTheNaturalScale(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "d.csv", logisticCSV(200, 3))
	var f fitJSON
	decode(t, mustRun(t, "fit", "d.csv", "-formula", "x1 ~ x2", "-draws", "4000", "-json"), &f)
	file, err := os.Open("d.fit/draws.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d, err := report.ReadDraws(file)
	if err != nil || len(d.Draws) != 4000 || len(d.LogP) != 4000 {
		t.Fatal(len(d.Draws), err)
	}
	for j, p := range f.Parameters {
		mean := 0.0
		for _, x := range d.Draws {
			mean += x[j] / 4000
		}
		// Five standard errors of the mean of 4000 draws.
		if math.Abs(mean-float64(p.Mean)) > 5*float64(p.SD)/math.Sqrt(4000) {
			t.Errorf("%s: mean of the draws %v, of the table %v ± %v", p.Name, mean, p.Mean, p.SD)
		}
	}
}

// Yesterday's posterior as today's prior: half the rows and then the other
// half give the posterior of all rows, up to the non-normality of the first
// posterior, which for 750 rows is a few hundredths of an sd.
func TestAfter(t *testing.T) {
	t.Chdir(t.TempDir())
	all := logisticCSV(1500, 2)
	lines := strings.SplitAfter(all, "\n")
	write(t, "all.csv", all)
	write(t, "one.csv", strings.Join(lines[:751], ""))
	write(t, "two.csv", lines[0]+strings.Join(lines[751:], ""))
	for _, model := range [][]string{
		{"-formula", "y ~ x1 + x2", "-family", "bernoulli", "-prior", "b ~ normal(0, 2)", "-prior", "(Intercept) ~ normal(0, 2)"},
		{"-formula", "x1 ~ x2 + y", "-prior", "b ~ normal(0, 2)", "-prior", "(Intercept) ~ normal(0, 2)", "-prior", "sigma ~ exponential(1)"},
	} {
		var want, got fitJSON
		decode(t, mustRun(t, append([]string{"fit", "all.csv", "-json", "-force"}, model...)...), &want)
		mustRun(t, append([]string{"fit", "one.csv", "-force"}, model...)...)
		decode(t, mustRun(t, "fit", "two.csv", "-after", "one.fit", "-json", "-force"), &got)
		for j, w := range want.Parameters {
			g := got.Parameters[j]
			d, r := math.Abs(float64(g.Mean-w.Mean))/float64(w.SD), float64(g.SD/w.SD)
			t.Logf("%s: mean off by %.4f sd, sd ratio %.4f", w.Name, d, r)
			if d > 0.05 || math.Abs(r-1) > 0.02 || g.Name != w.Name || g.Prior != "earlier posterior" {
				t.Errorf("%s: mean off by %.4f sd, sd ratio %.4f, prior %q", g.Name, d, r, g.Prior)
			}
		}
		mustRun(t, "check", "two.fit")
	}
	code, _, errs := call("fit", "two.csv", "-after", "one.fit", "-offset", "y", "-o", "new")
	if code != exitUsage || !strings.Contains(errs, "the same model") {
		t.Error(errs)
	}
}

// Every family gives a report with its pictures, whatever the columns are
// called, and what comes from the data is escaped.
func TestReports(t *testing.T) {
	t.Chdir(t.TempDir())
	evil := `<script>alert(1)</script>`
	lines := strings.Split(strings.TrimSpace(logisticCSV(60, 2)), "\n")
	var b strings.Builder
	fmt.Fprintf(&b, "yn,\"%s\",x2,count,trials,pos,group\n", evil)
	for i, l := range lines[1:] {
		v := strings.Split(l, ",")
		x, _ := strconv.ParseFloat(v[2], 64)
		fmt.Fprintf(&b, "%s,%s,%s,%d,%d,%.3f,%s\n", map[string]string{"0": "no", "1": "yes"}[v[0]], v[1], v[2], i%7, 7+i%3, math.Exp(0.3*x)+float64(i%4), []string{"a", "b<i>"}[i%2])
	}
	write(t, "d.csv", b.String())
	for _, c := range []struct {
		args string
		want []string
	}{
		{"yn ~ x2|-family|bernoulli", []string{"Calibration", "1 is yn = yes"}},
		{"yn ~ x2|-family|bernoulli(probit)", []string{"Calibration", "bernoulli(probit)"}},
		{"count ~ x2 + group|-family|binomial|-trials|trials", []string{"Calibration", "Posterior predictive check", "group[b&lt;i&gt;]"}},
		{"cbind(count, trials) ~ x2|-family|binomial", []string{"Calibration"}},
		{"count ~ x2|-family|poisson", []string{"Posterior predictive check"}},
		{"count ~ x2|-family|negative-binomial", []string{"phi"}},
		{"pos ~ x2|-family|gamma", []string{"shape"}},
		{"pos ~ x2|-family|student-t", []string{"nu"}},
		{"pos ~ 1", []string{"sigma", "gaussian(identity)"}},
		{"pos ~ `" + evil + "`|-weights|trials", []string{"&lt;script&gt;"}},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := append([]string{"fit", "d.csv", "-o", "out", "-force", "-formula"}, strings.Split(c.args, "|")...)
			mustRun(t, args...)
			html := snapshot(t, "out")[reportFile]
			for _, w := range append(c.want, "Coefficients", "Posterior predictive checks", "iteration") {
				if !strings.Contains(html, w) {
					t.Errorf("no %q in the report", w)
				}
			}
			if m := regexp.MustCompile(`(?i)<script|NaN|src=|href=`).FindString(html); m != "" {
				t.Errorf("%q in the report", m)
			}
			if text := mustRun(t, "check", "out"); !strings.Contains(text, "LOO    elpd") || strings.Contains(text, "NaN") {
				t.Error(text)
			}
		})
	}
}

// The trace of a run on batches is averaged, that of another is not.
func TestELBOTrace(t *testing.T) {
	var rec []vi.Record
	for i := range 1005 {
		rec = append(rec, vi.Record{Iteration: i + 1, ELBO: float64(i % 2)})
	}
	if tr, every := elboTrace(rec, false); every != 1 || len(tr) != 1005 || tr[7].ELBO != 1 || tr[7].Iter != 8 {
		t.Errorf("exact: %d points of %d", len(tr), every)
	}
	tr, every := elboTrace(rec[:1000], true)
	// The sd of ten values that alternate between 0 and 1 is √(10/36).
	if every != 10 || len(tr) != 100 || tr[99].Iter != 1000 || tr[0].ELBO != 0.5 || math.Abs(tr[0].SE-math.Sqrt(1./36)) > 1e-12 {
		t.Errorf("batches: %d points of %d, %+v", len(tr), every, tr[0])
	}
	if tr, every = elboTrace(rec, true); every != 11 || len(tr) != 91 {
		t.Errorf("batches: %d points of %d", len(tr), every)
	}
}
