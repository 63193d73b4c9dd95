package model

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/natgrad/natgrad/internal/psis"
	"github.com/natgrad/natgrad/ladder"
	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// Posterior is a fitted model: draws of all parameters and derived quantities on
// their own scales, weighted so that they stand for the posterior and not for its
// approximation (Pareto-smoothed importance sampling, Vehtari et al. 2024). What
// the weights cannot mend, the verdict says.
type Posterior struct {
	Model *Model
	Fit   *vi.Result
	// Climb is what Model.Fit tried; nil for a Posterior of one fit.
	Climb *ladder.Result
	// Values holds a draw a row and a column for each of Model.Names.
	Values *mat.Dense
	// Weights of the rows sum to 1.
	Weights []float64

	marginals []Marginal
}

// Marginal is the posterior of one scalar.
type Marginal struct {
	Name     string
	Mean, SD float64
	// MeanErr is the Monte Carlo standard error of Mean, SD/√ESS.
	MeanErr float64

	x, lw []float64 // draws and their log weights
}

func newPosterior(m *Model, fit *vi.Result) *Posterior {
	n, _ := fit.Draws.Dims()
	p := &Posterior{Model: m, Fit: fit, Values: mat.NewDense(n, len(m.names), nil), Weights: make([]float64, n)}
	total, squares := 0.0, 0.0
	for i := range n {
		p.Values.SetRow(i, m.Constrain(fit.Draws.RawRowView(i)))
		p.Weights[i] = math.Exp(fit.LogWeights[i])
		total += p.Weights[i]
	}
	for i := range p.Weights {
		p.Weights[i] /= total
		squares += p.Weights[i] * p.Weights[i]
	}
	for j, name := range m.names {
		c := Marginal{Name: name, x: mat.Col(nil, j, p.Values), lw: fit.LogWeights}
		for i, x := range c.x {
			c.Mean += p.Weights[i] * x
		}
		for i, x := range c.x {
			c.SD += p.Weights[i] * (x - c.Mean) * (x - c.Mean)
		}
		c.SD = math.Sqrt(c.SD)
		c.MeanErr = c.SD * math.Sqrt(squares)
		p.marginals = append(p.marginals, c)
	}
	return p
}

// Quantile returns the p-quantile, interpolated between the weighted draws
// (definition 5 of Hyndman and Fan 1996); NaN unless p is in [0, 1]. Cost: one sort.
func (c *Marginal) Quantile(p float64) float64 { return c.quantiles(p)[0] }

func (c *Marginal) quantiles(p ...float64) []float64 {
	q, err := psis.Quantiles(nil, p, c.x, c.lw)
	if err != nil {
		q = make([]float64, len(p))
		for i := range q {
			q[i] = math.NaN()
		}
	}
	return q
}

// Below returns the posterior probability that the quantity is below x.
func (c *Marginal) Below(x float64) float64 {
	below, total := 0.0, 0.0
	for i, v := range c.x {
		w := math.Exp(c.lw[i])
		total += w
		if v < x {
			below += w
		}
	}
	return below / total
}

// Plot shows the marginal: a histogram of the posterior and the normal density of
// the same mean and sd.
func (c *Marginal) Plot() *report.Figure {
	if c == nil || len(c.x) == 0 {
		return nil
	}
	// Equal weights for the histogram: quantiles at equal distances.
	p := make([]float64, min(len(c.x), 2000))
	for i := range p {
		p[i] = (float64(i) + 0.5) / float64(len(p))
	}
	return report.MarginalPlot(c.Name, c.Mean, c.SD, c.quantiles(p...))
}

// Marginals returns all of them, in the order of Model.Names.
func (p *Posterior) Marginals() []Marginal { return slices.Clone(p.marginals) }

// Marginal returns that of one name, such as "tau" or "theta[3]".
func (p *Posterior) Marginal(name string) (*Marginal, error) {
	for i := range p.marginals {
		if p.marginals[i].Name == name {
			return &p.marginals[i], nil
		}
	}
	return nil, &ParamError{Func: "Marginal", Name: name, Value: "there is none of this name", Want: "one of " + some(p.Model.names)}
}

// some lists names, the first ones of many.
func some(names []string) string {
	out := ""
	for i, n := range names {
		if i == 12 {
			return out + " … (" + strconv.Itoa(len(names)) + ")"
		}
		if i > 0 {
			out += ", "
		}
		out += n
	}
	return out
}

// Expect returns the posterior mean of f, and its Monte Carlo standard error. f
// receives the values in the order of Model.Names and must not keep the slice.
func (p *Posterior) Expect(f func(values []float64) float64) (mean, err float64) {
	y := make([]float64, len(p.Weights))
	for i, w := range p.Weights {
		y[i] = f(p.Values.RawRowView(i))
		mean += w * y[i]
	}
	v := 0.0
	for i, w := range p.Weights {
		v += w * w * (y[i] - mean) * (y[i] - mean)
	}
	return mean, math.Sqrt(v)
}

// Draws returns n draws of the posterior, one a row in the order of Model.Names,
// of equal weight: rows of Values taken with their Weights (systematic resampling), so
// that rows may repeat. n is at least 1.
func (p *Posterior) Draws(n int, seed uint64) (*mat.Dense, error) {
	x, err := p.Fit.Resample(n, seed)
	if err != nil {
		return nil, err
	}
	out := mat.NewDense(n, len(p.Model.names), nil)
	for i := range n {
		out.SetRow(i, p.Model.Constrain(x.RawRowView(i)))
	}
	return out, nil
}

// WriteCSV writes n draws as a CmdStan-style file, see report.WriteDraws.
func (p *Posterior) WriteCSV(w io.Writer, n int, seed uint64) error {
	draws, err := p.Draws(n, seed)
	if err != nil {
		return err
	}
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = draws.RawRowView(i)
	}
	return report.WriteDraws(w, report.DrawsMeta{Seed: seed}, p.Model.names, rows, nil, nil)
}

// Grade is the verdict in one word.
func (p *Posterior) Grade() vi.Grade {
	if p.Climb != nil {
		return p.Climb.Grade()
	}
	return p.Fit.Grade()
}

// Verdict says in one line which shape was used and how far it can be trusted.
func (p *Posterior) Verdict() string {
	if p.Climb != nil {
		return p.Climb.Verdict()
	}
	return p.Fit.Verdict()
}

// Coefs returns the marginals for tables and plots of package report.
func (p *Posterior) Coefs() []report.Coef {
	if p == nil {
		return nil
	}
	out := make([]report.Coef, len(p.marginals))
	for i := range out {
		c := &p.marginals[i]
		q := c.quantiles(0.05, 0.25, 0.5, 0.75, 0.95)
		out[i] = report.Coef{Name: c.Name, Mean: c.Mean, SD: c.SD, Q05: q[0], Q25: q[1], Q50: q[2], Q75: q[3], Q95: q[4]}
	}
	return out
}

// Table returns means, sds and quantiles, with the verdict as its note, which also
// says what is NaN or infinite in some of the draws.
func (p *Posterior) Table() *report.Table {
	if p == nil || p.Fit == nil {
		return &report.Table{}
	}
	t := report.NewCoefTable(p.Coefs())
	t.Note = p.Verdict()
	said := 0
	for i := range p.marginals {
		n := p.marginals[i].notFinite()
		if n == 0 {
			continue
		}
		if said++; said > 3 {
			t.Note += "; …"
			break
		}
		t.Note += fmt.Sprintf("; %s is not finite in %d of %d draws", p.marginals[i].Name, n, len(p.Weights))
	}
	return t
}

func (c *Marginal) notFinite() (n int) {
	for _, x := range c.x {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			n++
		}
	}
	return n
}

// Plot shows every marginal as a dot with its 50 and 90 % intervals.
func (p *Posterior) Plot() *report.Figure { return report.CoefPlot(p.Coefs(), nil) }

// String is the table.
func (p *Posterior) String() string { return p.Table().String() }

// SimpleRender shows the table in a notebook.
func (p *Posterior) SimpleRender() map[string]interface{} { return p.Table().SimpleRender() }

// Predict evaluates f at n draws of the posterior, such as a simulation of new data: the
// rows of the result are f's values, which must have one length.
func (p *Posterior) Predict(n int, seed uint64, f func(values []float64) []float64) (*mat.Dense, error) {
	if f == nil {
		return nil, errors.New("model: Predict: f is nil; want a function")
	}
	draws, err := p.Draws(n, seed)
	if err != nil {
		return nil, err
	}
	var out *mat.Dense
	for i := range n {
		y := f(draws.RawRowView(i))
		if len(y) == 0 {
			return nil, fmt.Errorf("model: Predict: f returned nothing for draw %d; want one value or more", i)
		}
		if out == nil {
			out = mat.NewDense(n, len(y), nil)
		}
		if _, c := out.Dims(); c != len(y) {
			return nil, fmt.Errorf("model: Predict: f returned %d values for draw %d and %d before; want one number of them", len(y), i, c)
		}
		out.SetRow(i, y)
	}
	return out, nil
}
