package glm

import (
	"fmt"
	"html"
	"strings"
	"text/tabwriter"
)

var summaryHeader = []string{"", "mean", "sd", "5%", "50%", "95%", "prior"}

func (r Row) cells() []string {
	num := func(v float64) string { return fmt.Sprintf("%.4g", v) }
	return []string{r.Name, num(r.Mean), num(r.SD), num(r.Q05), num(r.Q50), num(r.Q95), r.Prior}
}

// String is the table of Summary, the warnings and the verdict.
func (f *Result) String() string {
	if f == nil || f.Posterior == nil {
		return "no fit"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(summaryHeader, "\t"))
	for _, r := range f.Summary() {
		fmt.Fprintln(w, strings.Join(r.cells(), "\t"))
	}
	w.Flush()
	for _, s := range f.Warnings {
		fmt.Fprintln(&b, "warning:", s)
	}
	b.WriteString(f.Verdict())
	return b.String()
}

// SimpleRender shows the fit as a table in a notebook.
func (f *Result) SimpleRender() map[string]interface{} {
	text := f.String()
	if f == nil || f.Posterior == nil {
		return map[string]interface{}{"text/plain": text}
	}
	var b strings.Builder
	row := func(tag string, cells []string) {
		b.WriteString("<tr>")
		for _, c := range cells {
			fmt.Fprintf(&b, "<%s>%s</%s>", tag, html.EscapeString(c), tag)
		}
		b.WriteString("</tr>")
	}
	b.WriteString("<table>")
	row("th", summaryHeader)
	for _, r := range f.Summary() {
		row("td", r.cells())
	}
	b.WriteString("</table>")
	for _, s := range append(append([]string(nil), f.Warnings...), f.Verdict()) {
		fmt.Fprintf(&b, "<p>%s</p>", html.EscapeString(s))
	}
	return map[string]interface{}{"text/plain": text, "text/html": b.String()}
}
