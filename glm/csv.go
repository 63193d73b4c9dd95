package glm

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// Table is a gota DataFrame that remembers where its rows stood in a file, so
// that messages about a cell can name the line.
type Table struct {
	dataframe.DataFrame
	File  string // name given to ReadCSV
	lines []int  // line of each row; nil if row i, from 0, stands in line i+2
}

// Line returns the line of the file, from 1, of data row row, from 0; it
// returns 0 if the Table has no such row.
func (t Table) Line(row int) int {
	switch {
	case row < 0 || row >= t.Nrow():
		return 0
	case t.lines == nil:
		return row + 2
	case row < len(t.lines):
		return t.lines[row]
	}
	return 0
}

// ReadCSV reads comma-separated values with a header line; name is used in
// messages only. If the header holds no comma outside quotes, the separator
// is a semicolon or a tab, whichever comes first; where semicolons separate,
// 0,5 is the number 0.5, as in R's read.csv2. A UTF-8 byte order mark,
// CRLF line ends and quoted fields with line breaks are accepted. Blank lines
// are skipped, white space around header names and cells is removed.
//
// Missing cells are empty or one of NA, NaN (any case), null, NULL and a
// single dot: a NaN in the file counts as missing. A column is numeric (a
// gota Float series) if all its other cells are numbers, and text (a gota
// String series, missing cells holding "NaN") if not; true and false are
// text.
//
// A *[DataError] names the line for a row with more or fewer fields than the
// header, a malformed quote, text that is not UTF-8, and, in an otherwise
// numeric column, an infinity or a number out of the range of float64.
// Errors too are an empty file, a header without rows, and empty or repeated
// column names.
func ReadCSV(r io.Reader, name string) (Table, error) {
	fail := func(col string, line int, value, want string) (Table, error) {
		return Table{}, &DataError{Func: "ReadCSV", File: name, Column: col, Line: line, Value: value, Want: want}
	}
	br := bufio.NewReaderSize(r, 1<<16)
	if b, err := br.Peek(3); err == nil && bytes.Equal(b, []byte("\ufeff")) {
		_, _ = br.Discard(3)
	}
	cr := csv.NewReader(br)
	cr.Comma = sniffDelimiter(br)
	cr.FieldsPerRecord = -1
	cr.ReuseRecord = true
	header, err := cr.Read()
	if err == io.EOF {
		return fail("", 0, "the file is empty", "a header line and rows")
	}
	if err != nil {
		return Table{}, csvError(name, err)
	}
	headerLine, _ := cr.FieldPos(0)
	b, err := newCSVBuilder(name, header, headerLine)
	if err != nil {
		return Table{}, err
	}
	b.decimalComma = cr.Comma == ';'
	for {
		rec, err := cr.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return Table{}, csvError(name, err)
		}
		line, _ := cr.FieldPos(0)
		if len(rec) != len(b.cols) {
			return fail("", line, fmt.Sprintf("a row of %d fields", len(rec)), fmt.Sprintf("%d as in the header", len(b.cols)))
		}
		if err := b.add(rec, line); err != nil {
			return Table{}, err
		}
	}
	if b.rows == 0 {
		return fail("", 0, "the file has a header but no rows", "at least one row")
	}
	return b.table()
}

// ReadCSVFile reads the named file by [ReadCSV]. Files that begin with the
// gzip magic number are decompressed, whatever they are called.
func ReadCSVFile(path string) (Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return Table{}, fmt.Errorf("glm.ReadCSVFile: %w", err)
	}
	defer f.Close()
	name := filepath.Base(path)
	br := bufio.NewReader(f)
	if magic, err := br.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(br)
		if err != nil {
			return Table{}, fmt.Errorf("glm.ReadCSVFile: %s: %w", name, err)
		}
		defer z.Close()
		return ReadCSV(z, name)
	}
	return ReadCSV(br, name)
}

// sniffDelimiter looks at the header line without consuming it.
func sniffDelimiter(br *bufio.Reader) rune {
	b, _ := br.Peek(br.Size())
	comma, quoted, started := rune(0), false, false
	for _, c := range b {
		switch {
		case c == '"':
			quoted, started = !quoted, true
		case quoted:
		case c == ',':
			return ','
		case c == ';' && comma == 0:
			comma = ';'
		case c == '\t' && comma == 0:
			comma = '\t'
		case c == '\n' && started:
			if comma == 0 {
				return ','
			}
			return comma
		case c != '\r' && c != '\n':
			started = true
		}
	}
	if comma == 0 {
		return ','
	}
	return comma
}

func csvError(name string, err error) error {
	e := &DataError{Func: "ReadCSV", File: name, Want: "comma-separated values"}
	var pe *csv.ParseError
	if !errors.As(err, &pe) {
		return fmt.Errorf("glm.ReadCSV: %s: %w", name, err)
	}
	e.Line = pe.Line
	switch pe.Err {
	case csv.ErrQuote:
		e.Value, e.Want = `a quoted field that is not closed or goes on after its closing "`, `quotes around the whole field, "" inside`
	case csv.ErrBareQuote:
		e.Value, e.Want = `a " inside an unquoted field`, `quotes around the whole field, "" inside`
	default:
		e.Value = pe.Err.Error()
	}
	return e
}

// csvColumn collects one column; num is kept only while every cell is a
// number, text always, so that a column can still turn out to be text.
type csvColumn struct {
	name    string
	text    []string
	num     []float64
	isText  bool
	badRow  int // first infinity or out-of-range number, −1 if none
	badWant string
}

type csvBuilder struct {
	file  string
	cols  []csvColumn
	lines []int
	rows  int
	plain bool // row i stands in line i+2 so far

	decimalComma bool
}

func newCSVBuilder(file string, header []string, line int) (*csvBuilder, error) {
	b := &csvBuilder{file: file, cols: make([]csvColumn, len(header)), plain: true}
	seen := make(map[string]int, len(header))
	for j, h := range header {
		h = strings.TrimSpace(h)
		e := &DataError{Func: "ReadCSV", File: file, Line: line, Column: h}
		if h == "" {
			e.Value, e.Want = fmt.Sprintf("a header without a name for column %d", j+1), "a name for every column"
			return nil, e
		}
		if !utf8.ValidString(h) {
			e.Column, e.Value, e.Want = "", fmt.Sprintf("a header whose name %d is not UTF-8", j+1), "UTF-8 text"
			return nil, e
		}
		if k, ok := seen[h]; ok {
			e.Value, e.Want = fmt.Sprintf("the name of columns %d and %d", k+1, j+1), "distinct names"
			return nil, e
		}
		seen[h] = j
		b.cols[j] = csvColumn{name: h, badRow: -1}
	}
	return b, nil
}

func (b *csvBuilder) add(rec []string, line int) error {
	if line != b.rows+2 && b.plain {
		b.plain = false
		b.lines = make([]int, b.rows, b.rows+64)
		for i := range b.lines {
			b.lines[i] = i + 2
		}
	}
	if !b.plain {
		b.lines = append(b.lines, line)
	}
	for j, s := range rec {
		c := &b.cols[j]
		s = strings.TrimSpace(s)
		c.text = append(c.text, s)
		if c.isText {
			if !utf8.ValidString(s) {
				return b.cellError(c, b.rows, "UTF-8 text")
			}
			continue
		}
		if isMissing(s) {
			c.num = append(c.num, math.NaN())
			continue
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil && b.decimalComma && strings.Count(s, ",") == 1 && !strings.Contains(s, ".") {
			v, err = strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
		}
		switch {
		case err != nil && !errors.Is(err, strconv.ErrRange):
			c.isText, c.num = true, nil
			if !utf8.ValidString(s) {
				return b.cellError(c, b.rows, "UTF-8 text")
			}
			continue
		case c.badRow >= 0:
		case err != nil:
			c.badRow, c.badWant = b.rows, wantNumber(err)
		case math.IsInf(v, 0):
			c.badRow, c.badWant = b.rows, "a finite number, or an empty cell if it is missing"
		}
		c.num = append(c.num, v)
	}
	b.rows++
	return nil
}

func (b *csvBuilder) cellError(c *csvColumn, row int, want string) error {
	line := row + 2
	if !b.plain {
		line = b.lines[row]
	}
	return &DataError{Func: "ReadCSV", File: b.file, Column: c.name, Row: row + 1, Line: line, Value: quote(c.text[row]), Want: want}
}

func (b *csvBuilder) table() (Table, error) {
	ss := make([]series.Series, len(b.cols))
	for j := range b.cols {
		c := &b.cols[j]
		switch {
		case !c.isText && c.badRow >= 0:
			return Table{}, b.cellError(c, c.badRow, c.badWant)
		case !c.isText:
			ss[j] = series.New(c.num, series.Float, c.name)
		default:
			for i, s := range c.text {
				if isMissing(s) {
					c.text[i] = "NaN"
				}
			}
			ss[j] = series.New(c.text, series.String, c.name)
		}
		c.num, c.text = nil, nil
	}
	df := dataframe.New(ss...)
	if df.Err != nil {
		return Table{}, fmt.Errorf("glm.ReadCSV: %s: %w", b.file, df.Err)
	}
	return Table{DataFrame: df, File: b.file, lines: b.lines}, nil
}
