package main

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// replications is how many data sets predictive checks draw: enough for 90 %
// bands, fewer if there are many rows to fill.
func replications(rows int) int { return max(20, min(200, 2_000_000/max(rows, 1))) }

// newPage puts the HTML report together.
func newPage(j *job, m *glm.Model, f *glm.Result) (*report.Page, error) {
	rep, err := m.Replicate(f, replications(f.Rows), j.cfg.Seed)
	if err != nil {
		return nil, err
	}
	v := f.VI
	p := &report.Page{
		Title:    f.Encoding.Formula,
		Subtitle: fmt.Sprintf("%s, %s of %s", familyText(f.Family), rowsText(f.Rows, f.Omitted), filepath.Base(j.cfg.Data)),
		Verdict:  report.Verdict{Level: level(v.Grade()), Text: trimGrade(v)},
		Facts:    facts(j, f),
		Notes:    f.Warnings,
	}
	if lv := m.Design.OutcomeLevels; lv != nil {
		p.Subtitle += fmt.Sprintf("; 1 is %s = %s", m.Design.Outcome, lv[1])
	}
	p.Tables = append(p.Tables, coefTable(f), checksTable(m.Checks(rep), replications(f.Rows)))
	p.Tables[0].Title = "Posterior"
	if c := coefs(f)[:f.Coefs]; len(c) > 0 {
		p.Figures = append(p.Figures, report.PageFigure{Figure: report.CoefPlot(c, nil),
			Caption: "Posterior of each coefficient: dot at the mean, thick bar for the central 50 %, thin bar for the central 90 %."})
	}
	p.Figures = append(p.Figures, outcomeFigures(m, f, rep)...)
	trace, every := elboTrace(v.Trace, j.cfg.Batch > 0)
	caption := "Progress of the fit. The ELBO is a lower bound on the log evidence; the fit maximises it."
	if every > 1 {
		caption += fmt.Sprintf(" Each point is the mean of %d steps, every one an estimate from %s.", every, plural(j.cfg.Batch, "row"))
	}
	p.Figures = append(p.Figures, report.PageFigure{Figure: report.ELBOPlot(trace), Caption: caption})
	return p, nil
}

// elboTrace takes the trace to its plot. Where every step sees a batch of its own
// rows, the scatter between steps hides the trend: runs of steps are averaged, with
// the standard error that their scatter gives. The last steps that fill no run are left out.
func elboTrace(records []vi.Record, noisy bool) (trace []report.TracePoint, every int) {
	const points, least = 100, 10
	every = 1
	if noisy {
		every = max(least, (len(records)+points-1)/points)
	}
	if !noisy || len(records) < 2*every {
		for _, r := range records {
			trace = append(trace, report.TracePoint{Iter: r.Iteration, ELBO: r.ELBO, SE: r.ELBOErr})
		}
		return trace, 1
	}
	for ; len(records) >= every; records = records[every:] {
		elbo := make([]float64, every)
		for i := range elbo {
			elbo[i] = records[i].ELBO
		}
		mean, sd := stat.MeanStdDev(elbo, nil)
		trace = append(trace, report.TracePoint{Iter: records[every-1].Iteration, ELBO: mean, SE: sd / math.Sqrt(float64(every))})
	}
	return trace, every
}

func level(g vi.Grade) report.Level {
	switch g {
	case vi.Good:
		return report.Good
	case vi.Caution:
		return report.Caution
	}
	return report.Bad
}

// trimGrade is the verdict without its first word, which the page shows itself.
func trimGrade(v *vi.Result) string {
	return v.Verdict()[len(v.Grade().String())+len(": "):]
}

func facts(j *job, f *glm.Result) []report.KV {
	v := f.VI
	kv := []report.KV{
		{Key: "Rows used", Value: fmt.Sprint(f.Rows)},
		{Key: "Parameters", Value: fmt.Sprint(len(f.Names))},
		{Key: "Expectations by", Value: v.Method.String()},
		{Key: "Steps", Value: fmt.Sprint(v.Iterations)},
		{Key: "ELBO by draws, nats", Value: withError(v.ELBOMC, v.ELBOMCErr)},
		{Key: "Log evidence (estimate)", Value: report.FormatWith(v.LogEvidence, v.ELBOMCErr)},
		{Key: "k-hat", Value: fmt.Sprintf("%.2f", v.KHat)},
		{Key: "Effective draws", Value: fmt.Sprintf("%.0f of %d", v.ESS, v.DiagnosticDraws)},
		{Key: "Seed", Value: fmt.Sprint(j.cfg.Seed)},
	}
	if f.Omitted > 0 {
		kv = append(kv, report.KV{Key: "Rows omitted", Value: fmt.Sprint(f.Omitted)})
	}
	if j.cfg.Batch > 0 {
		kv = append(kv, report.KV{Key: "Rows a step", Value: fmt.Sprint(j.cfg.Batch)})
	}
	if j.earlier != nil {
		kv = append(kv, report.KV{Key: "Prior", Value: "posterior of an earlier fit"})
	}
	return kv
}

func checksTable(checks []glm.Check, n int) *report.Table {
	t := &report.Table{
		Title:   "Posterior predictive checks",
		Columns: []string{"statistic", "observed", "replicated", "5%", "95%", "p"},
		Align:   []report.Align{report.Left, report.Decimal, report.Decimal, report.Decimal, report.Decimal, report.Decimal},
		Note:    fmt.Sprintf("Over %d replicated data sets; p is the share of them at or above the observed value, and near 0 or 1 the model misses that feature of the data.", n),
	}
	for _, c := range checks {
		if c.Q05 == c.Observed && c.Q95 == c.Observed {
			continue // it could not have been otherwise, like the minimum of a binary outcome
		}
		t.AddRow(c.Name, sig(c.Observed), sig(c.Mean), sig(c.Q05), sig(c.Q95), fmt.Sprintf("%.2f", c.P))
	}
	return t
}

// outcomeFigures compare the outcome with what the model says of it, in the
// way that suits its kind.
func outcomeFigures(m *glm.Model, f *glm.Result, rep *mat.Dense) []report.PageFigure {
	y := m.Design.Y
	calibration := func(p, y []float64, of string) report.PageFigure {
		return report.PageFigure{Figure: report.CalibrationPlot(p, y),
			Caption: "Calibration: " + of + " grouped by predicted probability, against the fraction that came true. On the diagonal, predictions mean what they say."}
	}
	counts := func() report.PageFigure {
		return report.PageFigure{Figure: report.PredictiveCounts(y, rowsOf(rep)),
			Caption: "Observed outcomes (bars) against data sets drawn from the fitted model."}
	}
	switch f.Family.Name() {
	case "bernoulli":
		return []report.PageFigure{calibration(m.FittedMeans(f), y, "rows")}
	case "binomial":
		if p, b := expandTrials(m, f); p != nil {
			return []report.PageFigure{calibration(p, b, "trials"), counts()}
		}
		return []report.PageFigure{counts()}
	case "poisson", "negative-binomial":
		return []report.PageFigure{counts()}
	}
	return []report.PageFigure{{Figure: report.PredictiveDensity(y, rowsOf(rep)),
		Caption: "Distribution of the outcome (line) against data sets drawn from the fitted model (bands)."}}
}

// expandTrials turns rows of several trials into one pair a trial; nil if there
// are too many to be worth it.
func expandTrials(m *glm.Model, f *glm.Result) (p, y []float64) {
	const most = 1_000_000
	if m.Design.Trials == nil {
		return m.FittedMeans(f), m.Design.Y
	}
	total := 0.0
	for _, n := range m.Design.Trials {
		total += n
	}
	if !(total <= most) {
		return nil, nil
	}
	for i, mean := range m.FittedMeans(f) {
		for k := 0.0; k < math.Round(m.Design.Trials[i]); k++ {
			outcome := 0.0
			if k < m.Design.Y[i] {
				outcome = 1
			}
			p, y = append(p, mean), append(y, outcome)
		}
	}
	return p, y
}
