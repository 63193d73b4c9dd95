package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/report"
	"gonum.org/v1/gonum/mat"
)

// coefs lists the parameters on their natural scales.
func coefs(f *glm.Result) []report.Coef {
	mean, sd := f.Posterior.Mean(nil), f.Posterior.Sd(nil)
	const z75 = 0.6744897501960817
	var out []report.Coef
	for j, r := range f.Summary() {
		c := report.Coef{Name: r.Name, Mean: r.Mean, SD: r.SD, Q05: r.Q05, Q50: r.Q50, Q95: r.Q95, Prior: shortPrior(r.Prior)}
		c.Q25, c.Q75 = mean[j]-z75*sd[j], mean[j]+z75*sd[j]
		if j >= f.Coefs {
			c.Q25, c.Q75 = math.Exp(c.Q25), math.Exp(c.Q75)
		}
		out = append(out, c)
	}
	return out
}

var longNumber = regexp.MustCompile(`\d+\.\d{4,}(e[+-]?\d+)?`)

// shortPrior rounds the numbers of a prior that the data decided; fit.json and
// -json have all digits.
func shortPrior(s string) string {
	return longNumber.ReplaceAllStringFunc(s, func(x string) string {
		v, err := strconv.ParseFloat(x, 64)
		if err != nil {
			return x
		}
		return sig(v)
	})
}

func coefTable(f *glm.Result) *report.Table { return report.NewCoefTable(coefs(f)) }

// numDraws is how many of the diagnostic draws go to draws.csv.
func (j *job) numDraws(f *glm.Result) int {
	n := j.cfg.Draws
	if n == 0 {
		n = 1000
	}
	return min(n, len(f.VI.LogP))
}

// results renders every file of a finished fit. They hold no times, no paths
// but that of the data in run.json, and nothing that depends on the machine.
func (a *app) results(j *job, m *glm.Model, f *glm.Result) ([]outFile, error) {
	var fit, draws, page bytes.Buffer
	if err := f.Save(&fit); err != nil {
		return nil, err
	}
	n := j.numDraws(f)
	meta := report.DrawsMeta{Model: f.Encoding.Formula, Seed: j.cfg.Seed}
	if err := report.WriteDraws(&draws, meta, f.Names, naturalDraws(f, n), f.VI.LogP[:n], f.VI.LogQ[:n]); err != nil {
		return nil, err
	}
	p, err := newPage(j, m, f)
	if err != nil {
		return nil, err
	}
	if err := p.WriteHTML(&page); err != nil {
		return nil, err
	}
	return []outFile{{fitFile, fit.Bytes()}, {drawsFile, draws.Bytes()}, {reportFile, page.Bytes()}, {runFile, j.cfg.marshal()}}, nil
}

// naturalDraws takes the first n draws of the diagnostics to the natural scale.
// Their log densities stay those of the unconstrained parameters, as in Stan's files.
func naturalDraws(f *glm.Result, n int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = append([]float64(nil), f.VI.Draws.RawRowView(i)...)
		for k := f.Coefs; k < len(out[i]); k++ {
			out[i][k] = math.Min(math.Exp(out[i][k]), math.MaxFloat64)
		}
	}
	return out
}

func rowsOf(m *mat.Dense) [][]float64 {
	n, _ := m.Dims()
	out := make([][]float64, n)
	for i := range out {
		out[i] = m.RawRowView(i)
	}
	return out
}

// num is a number that JSON can hold: null for NaN and infinities.
type num float64

// MarshalJSON implements json.Marshaler.
func (n num) MarshalJSON() ([]byte, error) {
	if v := float64(n); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(v)
}

// fitJSON is what fit -json and resume -json print.
type fitJSON struct {
	Command    string      `json:"command"`
	Dir        string      `json:"dir"`
	Files      []string    `json:"files"`
	Finished   bool        `json:"finished"`
	Resume     string      `json:"resume,omitempty"`
	Data       string      `json:"data"`
	Rows       int         `json:"rows"`
	Omitted    int         `json:"omitted"`
	Formula    string      `json:"formula"`
	Family     string      `json:"family"`
	Parameters []paramJSON `json:"parameters"`
	runJSON
	Seconds num `json:"seconds"`
}

type paramJSON struct {
	Name  string `json:"name"`
	Mean  num    `json:"mean"`
	SD    num    `json:"sd"`
	Q05   num    `json:"q05"`
	Q50   num    `json:"q50"`
	Q95   num    `json:"q95"`
	Prior string `json:"prior"`
}

// runJSON is how far a fit can be trusted; check prints the same keys.
type runJSON struct {
	Grade       string   `json:"grade"`
	Verdict     string   `json:"verdict"`
	Warnings    []string `json:"warnings"`
	Status      string   `json:"status"`
	Conditions  string   `json:"conditions"`
	Method      string   `json:"method"`
	Steps       int      `json:"steps"`
	ELBO        num      `json:"elbo"`
	ELBOErr     num      `json:"elbo_err"`
	DataFit     num      `json:"data_fit"`
	KL          num      `json:"kl"`
	KHat        num      `json:"k_hat"`
	ESS         num      `json:"ess"`
	ELBOMC      num      `json:"elbo_mc"`
	ELBOMCErr   num      `json:"elbo_mc_err"`
	LogEvidence num      `json:"log_evidence"`
}

func newRunJSON(f *glm.Result) runJSON {
	v := f.VI
	return runJSON{
		Grade: v.Grade().String(), Verdict: v.Verdict(), Warnings: append([]string{}, f.Warnings...), Status: v.Status.String(),
		Conditions: v.Conditions.String(), Method: v.Method.String(), Steps: v.Iterations,
		ELBO: num(v.ELBO), ELBOErr: num(v.ELBOErr), DataFit: num(v.DataFit), KL: num(v.KL), KHat: num(v.KHat), ESS: num(v.ESS),
		ELBOMC: num(v.ELBOMC), ELBOMCErr: num(v.ELBOMCErr), LogEvidence: num(v.LogEvidence),
	}
}

func newParamsJSON(f *glm.Result) []paramJSON {
	out := []paramJSON{}
	for _, r := range f.Summary() {
		out = append(out, paramJSON{r.Name, num(r.Mean), num(r.SD), num(r.Q05), num(r.Q50), num(r.Q95), r.Prior})
	}
	return out
}

func newFitJSON(cmd string, j *job, f *glm.Result, finished bool, seconds float64) *fitJSON {
	r := &fitJSON{
		Command: cmd, Dir: j.dir, Files: []string{}, Finished: finished, Data: j.cfg.Data, Rows: f.Rows, Omitted: f.Omitted,
		Formula: f.Encoding.Formula, Family: f.Family.String(), Parameters: newParamsJSON(f), runJSON: newRunJSON(f), Seconds: num(seconds),
	}
	if finished {
		r.Files = append(r.Files, resultFiles...)
	} else {
		r.Files = append(r.Files, stateFile)
	}
	return r
}

// sig writes a number for people.
func sig(x float64) string { return report.FormatNumber(x, 4) }

// withError writes x ± its standard error.
func withError(x, se float64) string {
	return fmt.Sprintf("%s ± %s", report.FormatWith(x, se), report.FormatWith(se, se))
}
