package report

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Align says how the cells of a column line up.
type Align int

const (
	Left    Align = iota // text
	Right                // text that ends together
	Decimal              // numbers, lined up on the decimal point
)

// Table is a small table of text. The zero value and nil are empty tables.
// Rows may be ragged: missing cells are empty, cells beyond the columns are shown
// under an empty heading.
type Table struct {
	Title   string
	Columns []string   // headings
	Align   []Align    // one a column; columns beyond its length are Left
	Rows    [][]string // one slice a row, one string a column
	Note    string     // a line under the table
}

// AddRow appends a row. Strings are taken as they are, float64 values are written
// with four significant digits ([FormatNumber]), everything else as by [fmt.Sprint].
func (t *Table) AddRow(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case string:
			row[i] = c
		case float64:
			row[i] = FormatNumber(c, 4)
		default:
			row[i] = fmt.Sprint(c)
		}
	}
	t.Rows = append(t.Rows, row)
}

// width returns the number of columns including those that only rows have.
func (t *Table) width() int {
	n := len(t.Columns)
	for _, r := range t.Rows {
		n = max(n, len(r))
	}
	return n
}

func (t *Table) align(j int) Align {
	if j < len(t.Align) {
		return t.Align[j]
	}
	return Left
}

func at(row []string, j int) string {
	if j < len(row) {
		return clean(row[j])
	}
	return ""
}

// fraction returns the decimal point of s and what follows, if s is a number in fixed
// notation that has one.
func fraction(s string) string {
	if i := strings.IndexByte(s, '.'); i >= 0 && isNumber(s) {
		return s[i:]
	}
	return ""
}

// isNumber reports whether s belongs on the decimal point: a number in fixed notation
// or one that is not finite. Scientific notation is set flush right instead.
func isNumber(s string) bool {
	switch s {
	case "NaN", "Inf", "-Inf":
		return true
	}
	return strings.Trim(s, "0123456789.+-") == "" && strings.ContainsAny(s, "0123456789")
}

func (t *Table) fractions(j int) int {
	n := 0
	for _, r := range t.Rows {
		n = max(n, len(fraction(at(r, j))))
	}
	return n
}

// String returns the table as text with aligned columns, two spaces apart, a rule
// under the headings, and no trailing spaces. It ends in a newline unless it is empty.
func (t *Table) String() string {
	if t == nil {
		return ""
	}
	cols := t.width()
	cells := make([][]string, len(t.Rows))
	for i, r := range t.Rows {
		cells[i] = make([]string, cols)
		for j := range cells[i] {
			cells[i][j] = at(r, j)
		}
	}
	widths := make([]int, cols)
	for j := range widths {
		if t.align(j) == Decimal {
			n := t.fractions(j)
			for i := range cells {
				if !isNumber(cells[i][j]) {
					continue
				}
				cells[i][j] += strings.Repeat(" ", n-len(fraction(cells[i][j])))
			}
		}
		widths[j] = utf8.RuneCountInString(at(t.Columns, j))
		for i := range cells {
			widths[j] = max(widths[j], utf8.RuneCountInString(cells[i][j]))
		}
	}
	var b strings.Builder
	line := func(cell func(j int) string) {
		var l strings.Builder
		for j, w := range widths {
			if j > 0 {
				l.WriteString("  ")
			}
			c := cell(j)
			pad := strings.Repeat(" ", w-utf8.RuneCountInString(c))
			if t.align(j) == Left {
				l.WriteString(c + pad)
			} else {
				l.WriteString(pad + c)
			}
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	if t.Title != "" {
		b.WriteString(clean(t.Title) + "\n")
	}
	if len(t.Columns) > 0 {
		line(func(j int) string { return at(t.Columns, j) })
		line(func(j int) string { return strings.Repeat("-", widths[j]) })
	}
	for i := range cells {
		line(func(j int) string { return cells[i][j] })
	}
	if t.Note != "" {
		b.WriteString(clean(t.Note) + "\n")
	}
	return b.String()
}

// Markdown returns the table in the pipe syntax of GitHub-flavoured Markdown.
// Characters with a meaning in Markdown or HTML are escaped.
func (t *Table) Markdown() string {
	if t == nil {
		return ""
	}
	var b strings.Builder
	if t.Title != "" {
		b.WriteString("**" + markdown(t.Title) + "**\n\n")
	}
	if cols := t.width(); cols > 0 {
		row := func(cells []string) {
			b.WriteString("|")
			for j := range cols {
				b.WriteString(" " + markdown(at(cells, j)) + " |")
			}
			b.WriteString("\n")
		}
		row(t.Columns)
		b.WriteString("|")
		for j := range cols {
			if t.align(j) == Left {
				b.WriteString(":---|")
			} else {
				b.WriteString("---:|")
			}
		}
		b.WriteString("\n")
		for _, r := range t.Rows {
			row(r)
		}
	}
	if t.Note != "" {
		b.WriteString("\n" + markdown(t.Note) + "\n")
	}
	return b.String()
}

var markdownEscaper = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "~", `\~`,
	"[", `\[`, "]", `\]`, "#", `\#`, "$", `\$`, "<", "&lt;", ">", "&gt;", "&", "&amp;")

func markdown(s string) string { return markdownEscaper.Replace(clean(s)) }

// HTML returns the table as an HTML table element of class "natgrad", every text
// escaped. Numbers in Decimal columns are padded with figure spaces so that they
// line up in fonts with digits of equal width.
func (t *Table) HTML() string {
	if t == nil {
		return ""
	}
	var b strings.Builder
	cols := t.width()
	b.WriteString("<table class=\"natgrad\">\n")
	if t.Title != "" {
		b.WriteString("<caption>" + html.EscapeString(clean(t.Title)) + "</caption>\n")
	}
	class := func(j int) string {
		if t.align(j) == Left {
			return ""
		}
		return ` class="num" style="text-align:right;font-variant-numeric:tabular-nums"`
	}
	if len(t.Columns) > 0 {
		b.WriteString("<thead><tr>")
		for j := range cols {
			b.WriteString(`<th scope="col"` + class(j) + ">" + html.EscapeString(at(t.Columns, j)) + "</th>")
		}
		b.WriteString("</tr></thead>\n")
	}
	fractions := make([]int, cols)
	for j := range fractions {
		fractions[j] = t.fractions(j)
	}
	b.WriteString("<tbody>\n")
	for _, r := range t.Rows {
		b.WriteString("<tr>")
		for j := range cols {
			c := at(r, j)
			out := html.EscapeString(c)
			if t.align(j) == Decimal && isNumber(c) {
				out += numericPad(fraction(c), fractions[j])
			}
			b.WriteString("<td" + class(j) + ">" + out + "</td>")
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody>\n</table>\n")
	if t.Note != "" {
		b.WriteString("<p class=\"note\">" + html.EscapeString(clean(t.Note)) + "</p>\n")
	}
	return b.String()
}

// numericPad returns the invisible characters that bring the fraction rest to n
// characters: U+2008 is as wide as a point, U+2007 as a digit.
func numericPad(rest string, n int) string {
	missing := n - len(rest)
	if missing <= 0 {
		return ""
	}
	if rest == "" {
		return "\u2008" + strings.Repeat("\u2007", missing-1)
	}
	return strings.Repeat("\u2007", missing)
}

// SimpleRender returns the table as text/html, text/markdown and text/plain, keyed
// by MIME type, the form that notebook kernels display.
func (t *Table) SimpleRender() map[string]interface{} {
	return map[string]interface{}{
		"text/html":     t.HTML(),
		"text/markdown": t.Markdown(),
		"text/plain":    t.String(),
	}
}
