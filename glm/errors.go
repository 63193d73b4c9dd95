package glm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// DataError says which cell or column of the data cannot be used, and what
// was wanted instead. Zero fields are not known or do not apply.
type DataError struct {
	Func   string // function that found the problem, such as "NewDesign"
	File   string // name of the file, if the data came from one
	Column string // name of the column or of the term
	Row    int    // data row, counted from 1 without the header
	Line   int    // line of the file, counted from 1 with the header
	Value  string // what was found
	Want   string // what was wanted
}

// Error returns one line: where, what was found and what was wanted.
func (e *DataError) Error() string {
	var b strings.Builder
	b.WriteString("glm." + e.Func)
	if e.File != "" {
		b.WriteString(": " + e.File)
	}
	if e.Column != "" {
		b.WriteString(": column " + e.Column)
	}
	switch {
	case e.Row > 0 && e.Line > 0:
		fmt.Fprintf(&b, ": row %d (line %d)", e.Row, e.Line)
	case e.Row > 0:
		fmt.Fprintf(&b, ": row %d", e.Row)
	case e.Line > 0:
		fmt.Fprintf(&b, ": line %d", e.Line)
	}
	if e.Value != "" {
		if e.Row > 0 || e.Line > 0 {
			b.WriteString(" is " + e.Value)
		} else {
			b.WriteString(": " + e.Value)
		}
		b.WriteString(", want " + e.Want)
	} else {
		b.WriteString(": want " + e.Want)
	}
	return b.String()
}

// MissingError reports rows that cannot be used because cells that the model
// needs are missing.
type MissingError struct {
	Func    string
	File    string   // name of the file, if the data came from one
	Columns []string // columns with missing cells, in the order of their use
	Cells   [][]int  // Cells[i] are the data rows, from 1, missing in Columns[i]
	Rows    []int    // data rows, from 1, with at least one missing cell
	Lines   []int    // the lines of Rows in the file; nil if not known
	N       int      // number of rows of the frame
}

// Error names the columns and the first rows of each.
func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("glm." + e.Func + ": ")
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	fmt.Fprintf(&b, "%d of %d rows have missing values: ", len(e.Rows), e.N)
	for i, c := range e.Columns {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s in %s", c, countedInts("row", e.Cells[i]))
		if len(e.Lines) == len(e.Rows) {
			lines := make([]int, len(e.Cells[i]))
			for k, row := range e.Cells[i] {
				if at, ok := slices.BinarySearch(e.Rows, row); ok {
					lines[k] = e.Lines[at]
				}
			}
			fmt.Fprintf(&b, " (%s)", countedInts("line", lines))
		}
	}
	b.WriteString(`; fill them in, or set Missing to "omit" to leave these rows out`)
	return b.String()
}

// FormulaError is a mistake in a model formula. Pos is the byte offset in
// Formula at which it was noticed.
type FormulaError struct {
	Formula string
	Pos     int
	Msg     string
}

// Error returns the message, the formula and a line with a caret under Pos.
func (e *FormulaError) Error() string {
	const window = 60 // runes shown on each side of the caret
	clean := func(s string) []rune {
		r := []rune(strings.ToValidUTF8(s, "?"))
		for i, c := range r {
			if !strconv.IsPrint(c) {
				r[i] = ' '
			}
		}
		return r
	}
	pos := min(max(e.Pos, 0), len(e.Formula))
	left, right := clean(e.Formula[:pos]), clean(e.Formula[pos:])
	head, tail := "", ""
	if len(left) > window {
		left, head = left[len(left)-window:], "…"
	}
	if len(right) > window {
		right, tail = right[:window], "…"
	}
	pad := strings.Repeat(" ", utf8.RuneCountInString(head)+len(left))
	return fmt.Sprintf("glm.ParseFormula: %s\n    %s%s%s%s\n    %s^", e.Msg, head, string(left), string(right), tail, pad)
}

// RankError reports columns of a design that are exact linear combinations of
// the columns before them.
type RankError struct {
	Columns   []string // dependent columns
	Relations []string // one for each of Columns, such as "x3 = 2·x1 − x2"
	N, P      int      // rows and columns of the design
	Rank      int
	TooFew    bool // N < P: no design of this size has full rank
}

// Error names the columns and how they depend on the others.
func (e *RankError) Error() string {
	if e.TooFew {
		return fmt.Sprintf("glm.CheckRank: %s cannot determine %s (rank %d)", plural(e.N, "row"), plural(e.P, "coefficient"), e.Rank)
	}
	return fmt.Sprintf("glm.CheckRank: the design has %d columns but rank %d; collinear: %s",
		e.P, e.Rank, joinStrings(e.Relations, 10, "; "))
}

// plural returns "1 row", "2 rows".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// countedInts lists the first of v after a noun: "row 3", "rows 3, 5".
func countedInts(noun string, v []int) string {
	s := make([]string, len(v))
	for i, x := range v {
		s[i] = strconv.Itoa(x)
	}
	if len(v) != 1 {
		noun += "s"
	}
	return noun + " " + joinStrings(s, 8, ", ")
}

// joinStrings joins the first limit elements and counts the others.
func joinStrings(s []string, limit int, sep string) string {
	if len(s) <= limit {
		return strings.Join(s, sep)
	}
	return fmt.Sprintf("%s%s… %d more", strings.Join(s[:limit], sep), sep, len(s)-limit)
}

// quote returns s in double quotes, shortened so that one cell cannot fill a
// screen.
func quote(s string) string {
	const limit = 60
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "…"
	}
	return strconv.Quote(s)
}
