package glm

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/go-gota/gota/series"
	"github.com/natgrad/natgrad/internal/spelling"
)

// Frame is the part of a data frame that this package reads. The DataFrame of
// github.com/go-gota/gota v0.12.0, that of github.com/kniren/gota v0.10.1 and
// [Table] satisfy it. Columns are copied once and never written to.
//
// Float and Int series are numeric, NaN being a missing value. String series
// are text, in which an empty cell, NA, NaN, null and a single dot are
// missing. Bool series are text with the values "false" and "true".
type Frame interface {
	Names() []string
	Nrow() int
	Col(name string) series.Series
}

// isMissing reports whether a cell of a text column or of a file stands for a
// missing value.
func isMissing(s string) bool {
	switch len(s) {
	case 0:
		return true
	case 1:
		return s == "."
	case 2:
		return s == "NA"
	case 3:
		return strings.EqualFold(s, "nan")
	case 4:
		return s == "null" || s == "NULL"
	}
	return false
}

// column is a copy of one series: num for numbers (NaN is missing), text for
// everything else.
type column struct {
	name   string
	num    []float64
	text   []string
	isText bool
}

func (c *column) missing(i int) bool {
	if c.isText {
		return isMissing(c.text[i])
	}
	return math.IsNaN(c.num[i])
}

// level returns cell i as the name of a factor level.
func (c *column) level(i int) string {
	if c.isText {
		return c.text[i]
	}
	return levelName(c.num[i])
}

// levelName writes a numeric level in the shortest form that reads back
// equal; both zeros are one level.
func levelName(v float64) string {
	if v == 0 {
		v = 0
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// columns reads a Frame, each column once, on behalf of the function fn.
type columns struct {
	fn    string
	frame Frame
	names []string
	n     int
	byKey map[string]*column
	file  string
	line  func(row int) int // nil if lines are not known
}

func newColumns(fn string, fr Frame) (*columns, error) {
	if fr == nil {
		return nil, &DataError{Func: fn, Value: "the frame is nil", Want: "a data frame"}
	}
	names := fr.Names()
	seen := make(map[string]bool, len(names))
	for _, s := range names {
		if seen[s] {
			return nil, &DataError{Func: fn, Column: s, Value: "the name occurs twice", Want: "distinct column names"}
		}
		seen[s] = true
	}
	c := &columns{fn: fn, frame: fr, names: names, n: fr.Nrow(), byKey: make(map[string]*column)}
	if l, ok := fr.(interface{ Line(row int) int }); ok {
		c.line = l.Line
	}
	switch t := fr.(type) {
	case Table:
		c.file = t.File
	case *Table:
		c.file = t.File
	}
	return c, nil
}

func (c *columns) has(name string) bool {
	for _, s := range c.names {
		if s == name {
			return true
		}
	}
	return false
}

// err builds a DataError; row counts from 0, −1 for none.
func (c *columns) err(col string, row int, value, want string) *DataError {
	e := &DataError{Func: c.fn, File: c.file, Column: col, Value: value, Want: want}
	if row >= 0 {
		e.Row = row + 1
		if c.line != nil {
			e.Line = c.line(row)
		}
	}
	return e
}

// col returns the column of this name.
func (c *columns) col(name string) (*column, error) {
	if col, ok := c.byKey[name]; ok {
		return col, nil
	}
	if !c.has(name) {
		want := "one of " + joinStrings(c.names, 12, ", ")
		if s := spelling.Nearest(name, c.names); s != "" {
			want = fmt.Sprintf("a column of the data; did you mean %s?", s)
		}
		return nil, c.err(name, -1, "there is no such column", want)
	}
	s := c.frame.Col(name)
	if s.Err != nil {
		return nil, c.err(name, -1, s.Err.Error(), "a readable column")
	}
	if s.Len() != c.n {
		return nil, c.err(name, -1, fmt.Sprintf("it has %d cells", s.Len()), fmt.Sprintf("%d as the frame has rows", c.n))
	}
	col := &column{name: name}
	switch s.Type() {
	case series.Float, series.Int:
		col.num = s.Float()
	default:
		col.isText = true
		col.text = s.Records()
		for i, t := range col.text {
			col.text[i] = strings.TrimSpace(t)
		}
	}
	c.byKey[name] = col
	return col, nil
}

// numeric returns the column as numbers, NaN where missing. Text is read as
// numbers; the first cell that is none, and any infinity, is an error.
func (c *columns) numeric(name string) ([]float64, error) {
	col, err := c.col(name)
	if err != nil {
		return nil, err
	}
	if col.isText && col.num == nil {
		num := make([]float64, c.n)
		for i, s := range col.text {
			if isMissing(s) {
				num[i] = math.NaN()
				continue
			}
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return nil, c.err(name, i, quote(s), wantNumber(err))
			}
			num[i] = v
		}
		col.num = num
	}
	for i, v := range col.num {
		if math.IsInf(v, 0) {
			return nil, c.err(name, i, fmt.Sprint(v), "a finite number")
		}
	}
	return col.num, nil
}

// numbers counts the cells of a text column that are numbers and returns the
// first row that is neither a number nor missing, −1 if there is none. An
// infinity spelt as a word is no number here.
func (c *column) numbers() (count, cells, firstBad int) {
	firstBad = -1
	for i, s := range c.text {
		if isMissing(s) {
			continue
		}
		cells++
		if looksNumeric(s) {
			count++
		} else if firstBad < 0 {
			firstBad = i
		}
	}
	return count, cells, firstBad
}

// looksNumeric reports whether s is a number. Words are told by their first
// byte, because an error of ParseFloat allocates.
func looksNumeric(s string) bool {
	if c := s[0]; c != '+' && c != '-' && c != '.' && !isDigit(c) {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

func wantNumber(err error) string {
	if ne, ok := err.(*strconv.NumError); ok && ne.Err == strconv.ErrRange {
		return "a number within the range of float64 (largest 1.8e308)"
	}
	return "a number"
}
