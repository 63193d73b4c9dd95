package glm

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/blas/blas64"
)

const encodingVersion = 1

// Limits on a design: columns, and cells (2 GiB of float64).
const (
	maxDesignCols  = 1 << 20
	maxDesignCells = 1 << 28
)

// Encoding holds everything about a [Design] but its rows: with it, and
// without the data, other rows are encoded in the same way. It survives JSON
// unchanged.
type Encoding struct {
	Version int             `json:"version"`
	Formula string          `json:"formula"` // canonical
	Dot     []string        `json:"dot,omitempty"`
	Missing string          `json:"missing,omitempty"`
	Weights string          `json:"weights,omitempty"`
	Offset  string          `json:"offset,omitempty"`
	Trials  string          `json:"trials,omitempty"`
	Factors []FactorLevels  `json:"factors,omitempty"`
	Moments []ColumnMoments `json:"moments,omitempty"`

	Outcome       string   `json:"outcome"`
	OutcomeLevels []string `json:"outcome_levels,omitempty"`
	Names         []string `json:"names"`
	Intercept     int      `json:"intercept"` // column of X, −1 if there is none
}

// FactorLevels are the levels of a factor, the reference first.
type FactorLevels struct {
	Variable string   `json:"variable"` // as in the formula, such as "C(f)"
	Levels   []string `json:"levels"`
	Numeric  bool     `json:"numeric,omitempty"` // the column holds numbers
}

// ColumnMoments are the mean and standard deviation that center(...) or
// scale(...) subtract and divide by; center leaves SD at 1.
type ColumnMoments struct {
	Call string  `json:"call"` // as in the formula, such as "scale(x)"
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"`
}

func (e *Encoding) clone() *Encoding {
	c := *e
	c.Dot = slices.Clone(e.Dot)
	c.Moments = slices.Clone(e.Moments)
	c.OutcomeLevels = slices.Clone(e.OutcomeLevels)
	c.Names = slices.Clone(e.Names)
	c.Factors = slices.Clone(e.Factors)
	for i := range c.Factors {
		c.Factors[i].Levels = slices.Clone(e.Factors[i].Levels)
	}
	return &c
}

// Apply encodes the rows of fr: X has the columns Names, offset is nil if the
// model has none, and rows are the frame rows, from 0, of the rows of X. The
// response need not be in fr. trials is nil if the model has none or fr lacks
// the columns that give them.
//
// A level that was not seen before is a *DataError that lists the known ones.
// Missing values are treated as the option Missing says.
func (e *Encoding) Apply(fr Frame) (X blas64.General, offset, trials []float64, rows []int, err error) {
	d, err := e.build("Apply", fr, false)
	if err != nil {
		return blas64.General{}, nil, nil, nil, err
	}
	return d.X, d.Offset, d.Trials, d.Rows, nil
}

// Design builds a design on further rows, response included, with this
// encoding: the way to continue a fit with new data.
func (e *Encoding) Design(fr Frame) (*Design, error) {
	return e.build("Design", fr, true)
}

func (e *Encoding) build(fn string, fr Frame, response bool) (*Design, error) {
	m, err := e.compile(fn)
	if err != nil {
		return nil, err
	}
	cols, err := newColumns(fn, fr)
	if err != nil {
		return nil, err
	}
	b := &builder{model: m, cols: cols, response: response}
	return b.design()
}

// compile checks an encoding, which may come from a file that anyone wrote,
// and rebuilds the model from it.
func (e *Encoding) compile(fn string) (*model, error) {
	bad := func(format string, args ...any) (*model, error) {
		return nil, fmt.Errorf("glm.%s: the encoding is not usable: %s", fn, fmt.Sprintf(format, args...))
	}
	if e == nil {
		return bad("it is nil")
	}
	if e.Version != encodingVersion {
		return bad("its version is %d, want %d", e.Version, encodingVersion)
	}
	f, err := ParseFormula(e.Formula)
	if err != nil {
		return nil, fmt.Errorf("glm.%s: the encoding is not usable: %w", fn, err)
	}
	terms, err := f.expand(e.Dot)
	if err != nil {
		return nil, fmt.Errorf("glm.%s: the encoding is not usable: %w", fn, err)
	}
	for _, l := range e.Factors {
		if len(l.Levels) < 2 {
			return bad("factor %s has %d levels, want at least 2", l.Variable, len(l.Levels))
		}
		seen := make(map[string]bool)
		for _, s := range l.Levels {
			if seen[s] {
				return bad("factor %s has level %s twice", l.Variable, quote(s))
			}
			seen[s] = true
		}
	}
	for _, c := range e.Moments {
		if !(c.SD > 0) || math.IsInf(c.SD, 0) || math.IsNaN(c.Mean) || math.IsInf(c.Mean, 0) {
			return bad("%s has mean %v and sd %v", c.Call, c.Mean, c.SD)
		}
	}
	if n := len(e.OutcomeLevels); n != 0 && n != 2 {
		return bad("the outcome has %d levels, want 2", n)
	}
	m := &model{enc: e.clone(), f: f, terms: terms}
	if err := m.code(fn); err != nil {
		return nil, err
	}
	if !slices.Equal(m.enc.Names, e.Names) || m.enc.Intercept != e.Intercept {
		return bad("its coefficient names do not belong to its formula")
	}
	return m, nil
}

// model is a formula together with the coding of its terms.
type model struct {
	enc    *Encoding
	f      *Formula
	terms  *modelTerms
	coded  []codedTerm // one per term, after code
	assign []int
}

// codedTerm says where a term's columns are and which indicators it uses.
type codedTerm struct {
	vars   term
	full   []bool // for a factor: all levels rather than contrasts
	col    int    // first column of X
	width  int
	factor []*FactorLevels // nil entries are numeric variables
}

// factor returns the levels of variable v, nil if it is numeric.
func (m *model) factor(v int) *FactorLevels {
	name := m.terms.vars[v].String()
	for i := range m.enc.Factors {
		if m.enc.Factors[i].Variable == name {
			return &m.enc.Factors[i]
		}
	}
	return nil
}

// code chooses indicators or contrasts for every factor of every term and
// sets the names of the columns.
func (m *model) code(fn string) error {
	factors := make([]*FactorLevels, len(m.terms.vars))
	for v := range factors {
		factors[v] = m.factor(v)
	}
	m.coded, m.assign = nil, nil
	m.enc.Names, m.enc.Intercept = nil, -1
	if m.terms.intercept {
		m.enc.Names, m.enc.Intercept = []string{"(Intercept)"}, 0
		m.assign = []int{-1}
	}
	spansOne := m.terms.intercept
	for k, t := range m.terms.terms {
		c := codedTerm{vars: t, col: len(m.enc.Names), width: 1}
		for _, v := range t {
			fl := factors[v]
			c.factor = append(c.factor, fl)
			full := false
			if fl != nil {
				full = !m.marginPresent(k, v, factors, spansOne)
				w := len(fl.Levels) - 1
				if full {
					w++
				}
				if c.width > maxDesignCols/w || c.col+c.width*w > maxDesignCols {
					return &DataError{Func: fn, Column: m.terms.label(t), Value: fmt.Sprintf("the design needs more than %d columns", maxDesignCols),
						Want: "factors with fewer levels"}
				}
				c.width *= w
			}
			c.full = append(c.full, full)
		}
		if len(t) == 1 && factors[t[0]] != nil {
			// Indicators of all levels sum to one, from here on.
			spansOne = true
		}
		m.coded = append(m.coded, c)
		m.enc.Names = append(m.enc.Names, c.names(m)...)
		for range c.width {
			m.assign = append(m.assign, k)
		}
	}
	return nil
}

// marginPresent reports whether term k less its factor v is already in the
// span of the model, so that contrasts of v suffice. R asks whether an
// earlier term contains the margin; numeric variables must match exactly
// here, because x:z does not span x.
func (m *model) marginPresent(k, v int, factors []*FactorLevels, spansOne bool) bool {
	margin := m.terms.terms[k].without(v)
	if len(margin) == 0 {
		return spansOne
	}
	for _, t := range m.terms.terms[:k] {
		ok := true
		for _, w := range margin {
			ok = ok && slices.Contains(t, w)
		}
		for _, w := range t {
			ok = ok && (factors[w] != nil || slices.Contains(margin, w))
		}
		if ok {
			return true
		}
	}
	return false
}

// names lists the columns of a term, the first variable varying fastest.
func (c *codedTerm) names(m *model) []string {
	names := []string{""}
	for i, v := range c.vars {
		name := m.terms.vars[v].String()
		parts := []string{name}
		if fl := c.factor[i]; fl != nil {
			parts = parts[:0]
			levels := fl.Levels
			if !c.full[i] {
				levels = levels[1:]
			}
			for _, l := range levels {
				parts = append(parts, name+"["+l+"]")
			}
		}
		next := make([]string, 0, len(names)*len(parts))
		for _, s := range parts {
			for _, prefix := range names {
				next = append(next, strings.TrimPrefix(prefix+":"+s, ":"))
			}
		}
		names = next
	}
	return names
}
