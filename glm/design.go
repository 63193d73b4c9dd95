package glm

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
)

// DesignOptions say how the rows of a frame enter a design. The zero value is
// ready for use.
type DesignOptions struct {
	// Missing says what to do with a row that lacks a value the model needs:
	// "error", the default if empty, refuses with a *MissingError, "omit"
	// leaves the row out. Columns that the model does not use may have gaps.
	Missing string
	// Weights, Offset and Trials name columns: a weight ≥ 0 for the
	// log-likelihood of each row, a term of the linear predictor with
	// coefficient 1 (added to those of offset(...) in the formula), and the
	// number of binomial trials. Empty means none.
	Weights, Offset, Trials string
}

// Design is a formula applied to a frame: the n×p model matrix X with one
// named column per coefficient, and the response. The linear predictor at
// coefficients b is X·b + Offset.
type Design struct {
	Names   []string       // names of the p coefficients
	X       blas64.General // n×p, row-major
	Y       []float64      // response; successes if Trials is set
	Trials  []float64      // nil if there are none
	Offset  []float64      // nil if there is none
	Weights []float64      // nil if there are none
	Rows    []int          // frame row, from 0, of each row of X
	Omitted []int          // frame rows, from 0, left out for missing values
	Outcome string         // the response as written in the formula

	// OutcomeLevels is nil for a numeric response. A text or bool response
	// must have two levels; they are sorted here and Y is 1 for the second.
	OutcomeLevels []string

	Intercept int      // column of the intercept, −1 if there is none
	Terms     []string // labels of the terms, such as "a:b", without the intercept
	Assign    []int    // for each column its index into Terms, −1 for the intercept

	enc  *Encoding
	file string            // that the rows came from, for messages
	line func(row int) int // of each row of the frame; nil if not known
}

// NewDesign builds the model matrix of f on the rows of fr.
//
// A numeric column or expression gives one column of X. A factor (a text or
// bool column, or C(x)) with k levels gives k−1 indicator columns (treatment
// contrasts), named like region[south]; the reference is the first level, in
// byte order for text and in numeric order for numbers. An interaction gives
// the products, the first variable varying fastest. A factor in a term is
// coded by all k indicators instead if the rest of that term is not in the
// model: so for the first factor of a model without intercept, and for f in
// x:f without x (R's terms.formula; Chambers and Hastie 1992, section 2.4).
//
// A text column is refused as a factor, unless it is written C(x), if most of
// its levels look like numbers with a sign, a unit or separators of thousands
// (three levels or more), or if it has more than 10 levels and more than half as
// many as there are rows.
//
// center and scale take their mean and sd (divisor n − 1) from the rows that
// are kept. Levels, means and sds are frozen, see [Design.Apply].
//
// Errors are *DataError, for an unknown column, text where numbers are
// wanted, infinities and numbers beyond 1e±75, arithmetic outside a function's domain, a factor with
// one level, a column of X that is constant beside the intercept, or no rows
// left, *MissingError, and *FormulaError. Collinear columns are found by
// [Design.CheckRank].
func NewDesign(f *Formula, fr Frame, opt DesignOptions) (*Design, error) {
	const fn = "NewDesign"
	if f == nil {
		return nil, &DataError{Func: fn, Value: "the formula is nil", Want: "a formula from ParseFormula"}
	}
	switch opt.Missing {
	case "", "error", "omit":
	default:
		return nil, &DataError{Func: fn, Column: "Missing", Value: quote(opt.Missing), Want: `"error" or "omit"`}
	}
	if opt.Trials != "" && (f.trials != nil || f.response.isCbind()) {
		return nil, &DataError{Func: fn, Column: opt.Trials, Value: "trials are given by the formula and by the options", Want: "one of the two"}
	}
	cols, err := newColumns(fn, fr)
	if err != nil {
		return nil, err
	}
	enc := &Encoding{
		Version: encodingVersion, Formula: f.String(), Missing: opt.Missing,
		Weights: opt.Weights, Offset: opt.Offset, Trials: opt.Trials, Outcome: f.response.String(),
	}
	if f.usesDot() {
		enc.Dot = dotColumns(f, cols, opt)
	}
	terms, err := f.expand(enc.Dot)
	if err != nil {
		return nil, err
	}
	m := &model{enc: enc, f: f, terms: terms}
	b := &builder{model: m, cols: cols, response: true, learn: true}
	d, err := b.design()
	if err != nil {
		return nil, err
	}
	if err := d.checkConstant(cols); err != nil {
		return nil, err
	}
	return d, nil
}

// dotColumns lists the columns that a dot stands for: those used neither by
// the response nor by the options.
func dotColumns(f *Formula, cols *columns, opt DesignOptions) []string {
	used := []string{opt.Weights, opt.Offset, opt.Trials}
	for _, n := range []*node{f.response, f.trials} {
		n.walk(func(m *node) {
			if m.kind == nodeCol {
				used = append(used, m.name)
			}
		})
	}
	var dot []string
	for _, s := range cols.names {
		if !slices.Contains(used, s) {
			dot = append(dot, s)
		}
	}
	return dot
}

// lineOf returns the line of the file that row i of X came from, 0 if it is
// not known.
func (d *Design) lineOf(i int) int {
	if d.line == nil {
		return 0
	}
	return d.line(d.Rows[i])
}

// Encoding returns what is needed to encode other rows like those of d. It
// is a copy that can be written as JSON.
func (d *Design) Encoding() *Encoding { return d.enc.clone() }

// Apply encodes other rows, such as rows to predict: the same columns of X,
// with the levels, means and sds of the rows that d was built from. See
// [Encoding.Apply].
func (d *Design) Apply(fr Frame) (X blas64.General, offset, trials []float64, rows []int, err error) {
	return d.enc.Apply(fr)
}

// checkConstant refuses columns that only repeat the intercept, or nothing.
func (d *Design) checkConstant(cols *columns) error {
	for j := 0; j < d.X.Cols; j++ {
		if j == d.Intercept {
			continue
		}
		first, constant := d.X.Data[j], true
		for i := 1; i < d.X.Rows && constant; i++ {
			constant = d.X.Data[i*d.X.Stride+j] == first
		}
		if !constant || first != 0 && d.Intercept < 0 {
			continue
		}
		value := fmt.Sprintf("it is constant, %v in all %d rows", first, d.X.Rows)
		if d.X.Rows == 1 {
			value = fmt.Sprintf("it is constant, %v in the only row", first)
		}
		want := "a column that varies, or a formula without this term"
		return cols.err(d.Names[j], -1, value, want)
	}
	return nil
}
