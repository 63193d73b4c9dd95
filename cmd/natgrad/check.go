package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"sort"
	"strings"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/vi"
)

type accuracyJSON struct {
	ELPD   num `json:"elpd"`
	SE     num `json:"se"`
	P      num `json:"p"`
	PSE    num `json:"p_se"`
	Unsafe int `json:"unsafe_rows"`
}

type highKJSON struct {
	Row  int `json:"row"`
	Line int `json:"line"`
	KHat num `json:"k_hat"`
}

type checkRowJSON struct {
	Statistic string `json:"statistic"`
	Observed  num    `json:"observed"`
	Mean      num    `json:"mean"`
	Q05       num    `json:"q05"`
	Q95       num    `json:"q95"`
	P         num    `json:"p"`
}

type checkJSON struct {
	Command     string `json:"command"`
	Dir         string `json:"dir"`
	Data        string `json:"data"`
	DataChanged bool   `json:"data_changed"`
	Rows        int    `json:"rows"`
	Omitted     int    `json:"omitted"`
	Formula     string `json:"formula"`
	Family      string `json:"family"`
	runJSON
	LOO              accuracyJSON   `json:"loo"`
	HighK            []highKJSON    `json:"high_k_rows"`
	WAIC             accuracyJSON   `json:"waic"`
	PredictiveChecks []checkRowJSON `json:"predictive_checks"`
}

// checkup is what check finds out about a saved fit.
type checkup struct {
	fit       *glm.Result // judged anew
	model     *glm.Model
	data      *dataset
	loo, waic *glm.Accuracy
	checks    []glm.Check
	warnings  []string
	changed   bool // the data are not those of the fit
}

func (a *app) check(args []string) (int, error) {
	var path string
	var seed uint64
	var workers int
	var asJSON bool
	fs := newFlags("check")
	fs.StringVar(&path, "data", "", "")
	fs.Uint64Var(&seed, "seed", 2, "")
	fs.IntVar(&workers, "workers", 0, "")
	fs.BoolVar(&asJSON, "json", false, "")
	pos, help, err := parseArgs(fs, args, "the directory of a fit")
	if help {
		return a.help([]string{"check"})
	}
	if err != nil {
		return 0, err
	}
	if workers < 0 {
		return 0, &usageError{"check", fmt.Sprintf("-workers is %d, want at least 1", workers)}
	}
	c, err := examine(pos[0], path, &vi.Settings{Seed: seed, Workers: workers})
	if err != nil {
		return 0, err
	}
	if asJSON {
		err = a.printJSON(c.json(pos[0]))
	} else {
		c.print(a.stdout, pos[0])
	}
	return gradeCode(c.fit.VI), err
}

// examine binds a saved fit to its data and judges it with fresh draws.
func examine(dir, path string, s *vi.Settings) (*checkup, error) {
	f, err := loadFit(dir)
	if err != nil {
		return nil, err
	}
	c := &checkup{fit: f, warnings: append([]string{}, f.Warnings...)}
	cfg, err := readRunConfig(dir)
	given := path != ""
	switch {
	case err != nil && !given:
		return nil, fmt.Errorf("%s; name the data with -data", explain(err))
	case err != nil:
		c.warnings = append(c.warnings, fmt.Sprintf("whether these are the data of the fit is unknown: %s", explain(err)))
	case !given:
		path = cfg.Data
	}
	if c.data, err = readData(path); err != nil {
		if !given {
			return nil, fmt.Errorf("%s; name the data with -data", explain(err))
		}
		return nil, err
	}
	if cfg != nil && c.data.sum != cfg.DataSHA256 {
		if !given {
			return nil, fmt.Errorf("%s has changed since the fit; name the data to check against with -data", path)
		}
		c.changed = true
		c.warnings = append(c.warnings, fmt.Sprintf("%s is not the file that was fitted: everything below is about these rows", filepath.Base(path)))
	}
	if c.model, err = f.Bind(c.data.Table); err != nil {
		return nil, err
	}
	judged, err := c.model.Judge(f, s)
	if err != nil {
		return nil, err
	}
	// How the run ended is known from the file, how good the posterior is from the draws.
	judged.Status, judged.Iterations, judged.Trace = f.VI.Status, f.VI.Iterations, f.VI.Trace
	judged.Conditions |= f.VI.Conditions &^ expfam.HighKHat
	f.VI = judged
	if c.loo, err = c.model.LOO(f); err != nil {
		return nil, err
	}
	if c.waic, err = c.model.WAIC(f); err != nil {
		return nil, err
	}
	rep, err := c.model.Replicate(f, replications(len(c.model.Design.Rows)), s.Seed)
	if err != nil {
		return nil, err
	}
	c.checks = c.model.Checks(rep)
	if z := c.elboGap(); z > 4 {
		c.warnings = append(c.warnings, fmt.Sprintf("the ELBO by %s and by draws are %.1f standard errors apart", judged.Method, z))
	}
	return c, nil
}

// elboGap is the distance between the two estimates of the ELBO in standard errors.
func (c *checkup) elboGap() float64 {
	v := c.fit.VI
	return math.Abs(v.ELBO-v.ELBOMC) / math.Max(math.Hypot(v.ELBOErr, v.ELBOMCErr), 1e-9*(1+math.Abs(v.ELBO)))
}

// highK lists the rows whose leave-one-out estimate cannot be trusted, the
// worst first.
func (c *checkup) highK() []highKJSON {
	out := []highKJSON{}
	for _, i := range c.loo.Unsafe {
		row := c.model.Design.Rows[i]
		out = append(out, highKJSON{row + 1, c.data.Line(row), num(c.loo.KHat[i])})
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].KHat > out[j].KHat })
	return out
}

func (c *checkup) print(w io.Writer, dir string) {
	f, v := c.fit, c.fit.VI
	fmt.Fprintf(w, "%s: %s, %s, %s of %s\n\n", dir, f.Encoding.Formula, familyText(f.Family),
		rowsText(len(c.model.Design.Rows), len(c.model.Design.Omitted)), filepath.Base(c.data.path))
	printWarnings(w, c.warnings)
	fmt.Fprintf(w, "%s\n\n", v.Verdict())
	fmt.Fprintf(w, "k-hat  %.2f, %.0f of %d draws effective\n", v.KHat, v.ESS, v.DiagnosticDraws)
	fmt.Fprintf(w, "ELBO   %.4f by %s, %s by draws (%.1f standard errors apart)\n", v.ELBO, v.Method, withError(v.ELBOMC, v.ELBOMCErr), c.elboGap())
	fmt.Fprintf(w, "LOO    elpd %s, p_loo %s; %s\n", withError(c.loo.ELPD, c.loo.SE), withError(c.loo.P, c.loo.PSE), c.highKText())
	fmt.Fprintf(w, "WAIC   elpd %s, p_waic %s", withError(c.waic.ELPD, c.waic.SE), withError(c.waic.P, c.waic.PSE))
	if n := len(c.waic.Unsafe); n > 0 {
		fmt.Fprintf(w, "; unreliable for %s, prefer LOO", plural(n, "row"))
	}
	t := checksTable(c.checks, replications(len(c.model.Design.Rows)))
	t.Note = ""
	fmt.Fprintf(w, "\n\n%s", t)
	fmt.Fprintf(w, "p near 0 or 1: the model misses that feature of the data\n")
}

func (c *checkup) highKText() string {
	rows := c.highK()
	if len(rows) == 0 {
		return "reliable for every row"
	}
	const most = 8
	var s []string
	for _, r := range rows[:min(most, len(rows))] {
		s = append(s, fmt.Sprintf("row %d (line %d, k-hat %.2f)", r.Row, r.Line, float64(r.KHat)))
	}
	if n := len(rows) - most; n > 0 {
		s = append(s, fmt.Sprintf("%d more", n))
	}
	return "not reliable for " + strings.Join(s, ", ")
}

func (c *checkup) json(dir string) *checkJSON {
	f := c.fit
	acc := func(a *glm.Accuracy) accuracyJSON {
		return accuracyJSON{num(a.ELPD), num(a.SE), num(a.P), num(a.PSE), len(a.Unsafe)}
	}
	r := &checkJSON{
		Command: "check", Dir: dir, Data: c.data.path, DataChanged: c.changed, Rows: len(c.model.Design.Rows), Omitted: len(c.model.Design.Omitted),
		Formula: f.Encoding.Formula, Family: f.Family.String(), runJSON: newRunJSON(f), LOO: acc(c.loo), WAIC: acc(c.waic), HighK: c.highK(),
		PredictiveChecks: []checkRowJSON{},
	}
	r.Warnings = c.warnings
	for _, k := range c.checks {
		r.PredictiveChecks = append(r.PredictiveChecks, checkRowJSON{k.Name, num(k.Observed), num(k.Mean), num(k.Q05), num(k.Q95), num(k.P)})
	}
	return r
}
