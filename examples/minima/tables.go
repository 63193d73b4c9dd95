package main

import (
	"fmt"
	"io"

	"github.com/natgrad/natgrad/report"
)

// values are the values of f at points.
func values(f function, points [][]float64) []float64 {
	v := make([]float64, len(points))
	for i, x := range points {
		v[i] = value(f, x)
	}
	return v
}

func mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}

// ripplesTable prints, for every rate, the mean of f over the ends of runs from starts in
// [−5, 5]¹⁰.
func ripplesTable(w io.Writer, starts, steps int) error {
	const dim = 10
	from := random(starts, dim, 5)
	t := &report.Table{
		Title:   fmt.Sprintf("The rippled bowl in %d dimensions: mean f of %d starts after %d steps, by rate: least is 0", dim, starts, steps),
		Columns: []string{"method"},
		Align:   []report.Align{report.Left},
	}
	for _, k := range walkers(1) {
		row := []any{k.name}
		for _, r := range k.rates {
			ends, err := k.ends(ripples, from, r, steps)
			if err != nil {
				return err
			}
			row = append(row, fmt.Sprintf("%.2f", mean(values(ripples, ends))))
			if len(t.Columns) <= len(k.rates) {
				t.Columns, t.Align = append(t.Columns, fmt.Sprint(r)), append(t.Align, report.Decimal)
			}
		}
		t.AddRow(row...)
	}
	_, err := fmt.Fprintf(w, "%vMean f at the starts: %.2f\n", t, mean(values(ripples, from)))
	return err
}
