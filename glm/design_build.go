package glm

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/blas/blas64"
)

// builder makes a Design from the columns of one frame.
type builder struct {
	*model
	cols     *columns
	ev       *evaluator
	response bool // build Y and Weights too
	learn    bool // choose levels and moments rather than use the encoding's
	omitted  []int
}

func (n *node) isCbind() bool { return n.kind == nodeCall && n.name == "cbind" }

func (b *builder) design() (*Design, error) {
	needed, err := b.needed()
	if err != nil {
		return nil, err
	}
	rows, err := b.keep(needed)
	if err != nil {
		return nil, err
	}
	b.ev = &evaluator{cols: b.cols, rows: rows, enc: b.enc, learn: b.learn}
	d := &Design{Rows: rows, Omitted: b.omitted, Outcome: b.enc.Outcome, enc: b.enc, file: b.cols.file, line: b.cols.line}
	if b.learn {
		if err := b.learnLevels(); err != nil {
			return nil, err
		}
		if err := b.code(b.cols.fn); err != nil {
			return nil, err
		}
	}
	if err := b.fill(d); err != nil {
		return nil, err
	}
	if b.response {
		if err := b.outcome(d); err != nil {
			return nil, err
		}
	}
	if err := b.extras(d); err != nil {
		return nil, err
	}
	if err := b.checkRange(d); err != nil {
		return nil, err
	}
	d.Names = slices.Clone(b.enc.Names)
	d.OutcomeLevels = slices.Clone(b.enc.OutcomeLevels)
	d.Intercept, d.Assign = b.enc.Intercept, b.assign
	for _, t := range b.terms.terms {
		d.Terms = append(d.Terms, b.terms.label(t))
	}
	return d, nil
}

// usedVars lists the variables that some term uses, in order; removed terms
// leave variables behind that none does.
func (b *builder) usedVars() []int {
	used := make([]bool, len(b.terms.vars))
	for _, t := range b.terms.terms {
		for _, v := range t {
			used[v] = true
		}
	}
	var list []int
	for v, ok := range used {
		if ok {
			list = append(list, v)
		}
	}
	return list
}

// needed returns the columns the design reads, after checking that they exist
// and that those used as numbers are numbers.
func (b *builder) needed() ([]*column, error) {
	var list []*column
	add := func(name string, numeric bool) error {
		c, err := b.cols.col(name)
		if err != nil {
			return err
		}
		if numeric {
			if _, err := b.cols.numeric(name); err != nil {
				return err
			}
		}
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
		return nil
	}
	addExpr := func(n *node) error {
		var err error
		n.walk(func(m *node) {
			if m.kind == nodeCol && err == nil {
				err = add(m.name, true)
			}
		})
		return err
	}
	if b.response {
		r := b.f.response
		if r.kind == nodeCol {
			if err := add(r.name, false); err != nil {
				return nil, err
			}
		} else if err := addExpr(r); err != nil {
			return nil, err
		}
	}
	if b.trialsAvailable() {
		if err := addExpr(b.f.trials); err != nil {
			return nil, err
		}
		if b.f.response.isCbind() {
			if err := addExpr(b.f.response); err != nil {
				return nil, err
			}
		}
		if b.enc.Trials != "" {
			if err := add(b.enc.Trials, true); err != nil {
				return nil, err
			}
		}
	}
	for _, v := range b.usedVars() {
		n := b.terms.vars[v]
		factor, err := b.isFactor(v)
		if err != nil {
			return nil, err
		}
		if factor {
			if n.kind == nodeCall {
				n = n.args[0]
			}
			err = add(n.name, false)
		} else {
			err = addExpr(n)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, n := range b.terms.offsets {
		if err := addExpr(n); err != nil {
			return nil, err
		}
	}
	if b.enc.Offset != "" {
		if err := add(b.enc.Offset, true); err != nil {
			return nil, err
		}
	}
	if b.response && b.enc.Weights != "" {
		if err := add(b.enc.Weights, true); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// trialsAvailable reports whether the columns that give the trials are in the
// frame; a frame for prediction may lack them.
func (b *builder) trialsAvailable() bool {
	if b.response {
		return true
	}
	ok := b.enc.Trials == "" || b.cols.has(b.enc.Trials)
	n := b.f.trials
	if b.f.response.isCbind() {
		n = b.f.response
	}
	n.walk(func(m *node) { ok = ok && (m.kind != nodeCol || b.cols.has(m.name)) })
	return ok
}

// isFactor decides how variable v enters. A text column that is mostly
// numbers is taken for a numeric column with a bad cell: a factor with a
// level for nearly every row is hardly ever meant.
func (b *builder) isFactor(v int) (bool, error) {
	if !b.learn {
		return b.factor(v) != nil, nil
	}
	n := b.terms.vars[v]
	if n.kind == nodeCall {
		return n.name == "C", nil
	}
	if n.kind != nodeCol {
		return false, nil
	}
	c, err := b.cols.col(n.name)
	if err != nil {
		return false, err
	}
	if c.isText {
		if count, cells, bad := c.numbers(); bad >= 0 && 2*count > cells {
			return false, b.cols.err(c.name, bad, quote(c.text[bad]),
				fmt.Sprintf("a number as in most rows (write C(%s) if the column is a factor)", n))
		}
	}
	return c.isText, nil
}

// keep returns the rows without missing values in the needed columns.
func (b *builder) keep(needed []*column) ([]int, error) {
	rows := make([]int, 0, b.cols.n)
	for i := 0; i < b.cols.n; i++ {
		missing := false
		for _, c := range needed {
			if missing = c.missing(i); missing {
				break
			}
		}
		if missing {
			b.omitted = append(b.omitted, i)
		} else {
			rows = append(rows, i)
		}
	}
	if len(b.omitted) > 0 && b.enc.Missing != "omit" {
		e := &MissingError{Func: b.cols.fn, File: b.cols.file, N: b.cols.n}
		for _, i := range b.omitted {
			e.Rows = append(e.Rows, i+1)
			if b.cols.line != nil {
				e.Lines = append(e.Lines, b.cols.line(i))
			}
		}
		for _, c := range needed {
			var cells []int
			for _, i := range b.omitted {
				if c.missing(i) {
					cells = append(cells, i+1)
				}
			}
			if cells != nil {
				e.Columns = append(e.Columns, c.name)
				e.Cells = append(e.Cells, cells)
			}
		}
		return nil, e
	}
	if len(rows) == 0 {
		value := "no rows are left"
		if b.cols.n > 0 {
			value = fmt.Sprintf("all %d rows have missing values", b.cols.n)
		}
		return nil, b.cols.err("", -1, value, "at least one row")
	}
	return rows, nil
}

// learnLevels collects the levels of every factor over the kept rows.
func (b *builder) learnLevels() error {
	for _, v := range b.usedVars() {
		factor, err := b.isFactor(v)
		if err != nil || !factor {
			if err != nil {
				return err
			}
			continue
		}
		n := b.terms.vars[v]
		fl := FactorLevels{Variable: n.String()}
		if n.kind == nodeCall {
			n = n.args[0]
		}
		c, err := b.cols.col(n.name)
		if err != nil {
			return err
		}
		if fl.Levels, err = b.levels(c); err != nil {
			return err
		}
		fl.Numeric = !c.isText
		if c.isText && b.terms.vars[v].kind == nodeCol {
			if err := b.checkText(c, fl.Levels); err != nil {
				return err
			}
		}
		if len(fl.Levels) < 2 {
			return b.cols.err(fl.Variable, -1, fmt.Sprintf("a factor with the one level %s", quote(fl.Levels[0])), "at least two levels")
		}
		b.enc.Factors = append(b.enc.Factors, fl)
	}
	return nil
}

// levels returns the sorted levels of c at the kept rows.
func (b *builder) levels(c *column) ([]string, error) {
	if c.isText {
		seen := make(map[string]bool)
		var list []string
		for _, r := range b.ev.rows {
			if s := c.text[r]; !seen[s] {
				seen[s] = true
				list = append(list, s)
			}
		}
		slices.Sort(list)
		return list, nil
	}
	values, err := b.ev.numeric(c.name)
	if err != nil {
		return nil, err
	}
	slices.Sort(values)
	values = slices.Compact(values)
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = levelName(v)
	}
	return list, nil
}

// codes returns for every kept row the index of its level.
func (b *builder) codes(v int, fl *FactorLevels) ([]int, error) {
	n := b.terms.vars[v]
	if n.kind == nodeCall {
		n = n.args[0]
	}
	c, err := b.cols.col(n.name)
	if err != nil {
		return nil, err
	}
	index := make(map[string]int, len(fl.Levels))
	for i, s := range fl.Levels {
		index[s] = i
	}
	codes := make([]int, len(b.ev.rows))
	for i, r := range b.ev.rows {
		s := c.level(r)
		k, ok := index[s]
		if !ok && c.isText && fl.Numeric {
			if x, err := strconv.ParseFloat(s, 64); err == nil {
				k, ok = index[levelName(x)]
			}
		}
		if !ok {
			return nil, b.cols.err(c.name, r, quote(s), "one of the levels of the fit: "+joinStrings(fl.Levels, 20, ", "))
		}
		codes[i] = k
	}
	return codes, nil
}

// fill builds X.
func (b *builder) fill(d *Design) error {
	n, p := len(b.ev.rows), len(b.enc.Names)
	if p == 0 {
		return b.cols.err("", -1, "the formula has no terms and no intercept", "at least one coefficient")
	}
	if n > maxDesignCells/p {
		return b.cols.err("", -1, fmt.Sprintf("a design of %d rows and %d columns", n, p),
			fmt.Sprintf("at most %d cells; is a text column with many levels among the terms?", maxDesignCells))
	}
	d.X = blas64.General{Rows: n, Cols: p, Stride: p, Data: make([]float64, n*p)}
	if b.enc.Intercept >= 0 {
		for i := 0; i < n; i++ {
			d.X.Data[i*p+b.enc.Intercept] = 1
		}
	}
	numeric := make(map[int][]float64)
	levels := make(map[int][]int)
	for _, c := range b.coded {
		for i, v := range c.vars {
			var err error
			if fl := c.factor[i]; fl != nil && levels[v] == nil {
				levels[v], err = b.codes(v, fl)
			} else if fl == nil && numeric[v] == nil {
				numeric[v], err = b.ev.eval(b.terms.vars[v])
			}
			if err != nil {
				return err
			}
		}
	}
	// Terms within blocks of rows, so that a block stays in the cache while
	// its columns are written.
	const block = 64
	for lo := 0; lo < n; lo += block {
		hi := min(lo+block, n)
		for k := range b.coded {
			c := &b.coded[k]
			if len(c.vars) == 1 && c.factor[0] == nil {
				for row, x := range numeric[c.vars[0]][lo:hi] {
					d.X.Data[(lo+row)*p+c.col] = x
				}
				continue
			}
			for row := lo; row < hi; row++ {
				at, value := c.entry(row, numeric, levels)
				if math.IsInf(value, 0) {
					return b.cols.err(b.terms.label(c.vars), b.ev.rows[row], fmt.Sprint(value), "a finite product")
				}
				if value != 0 {
					d.X.Data[row*p+c.col+at] = value
				}
			}
		}
	}
	return nil
}

// entry returns the only entry of a term in a row that may differ from zero,
// at being its place among the term's columns.
func (c *codedTerm) entry(row int, numeric map[int][]float64, levels map[int][]int) (at int, value float64) {
	value = 1
	stride := 1
	for i, v := range c.vars {
		fl := c.factor[i]
		if fl == nil {
			value *= numeric[v][row]
			continue
		}
		k, width := levels[v][row], len(fl.Levels)
		if !c.full[i] {
			k, width = k-1, width-1
		}
		if k < 0 {
			return 0, 0
		}
		at += k * stride
		stride *= width
	}
	return at, value
}
