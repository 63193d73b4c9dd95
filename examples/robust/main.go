// Robust fits the same regression with normal and with Student-t errors to data
// with gross errors in them, compares the two by leave-one-out cross-validation
// and names the rows that the better model finds incredible.
//
// The data are test scores of 434 children, with whether their mother finished
// high school and her IQ. In 12 rows the last digit of the score was typed twice.
//
//	go run ./examples/robust
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/report"
)

func main() {
	if err := run(os.Stdout, filepath.Join("examples", "data")); err != nil {
		log.Fatal(err)
	}
}

const formula = "kid_score ~ mom_hs + mom_iq"

// candidate is one model of one file.
type candidate struct {
	name  string
	model *glm.Model
	fit   *glm.Result
}

func fit(name, path string, family glm.Family) (*candidate, error) {
	data, err := glm.ReadCSVFile(path)
	if err != nil {
		return nil, err
	}
	m, err := glm.NewModel(formula, data, &glm.Options{Family: family})
	if err != nil {
		return nil, err
	}
	f, err := m.Fit(context.Background())
	if err != nil {
		return nil, err
	}
	return &candidate{name, m, f}, nil
}

func run(w io.Writer, dir string) error {
	typos := filepath.Join(dir, "kidiq_typos.csv")
	normal, err := fit("normal errors", typos, glm.Gaussian())
	if err != nil {
		return err
	}
	robust, err := fit("Student-t errors", typos, glm.StudentT())
	if err != nil {
		return err
	}
	clean, err := fit("normal, corrected file", filepath.Join(dir, "kidiq.csv"), glm.Gaussian())
	if err != nil {
		return err
	}

	t := &report.Table{Columns: []string{""}, Align: []report.Align{report.Left, report.Right, report.Right, report.Right}}
	for i := range robust.fit.Names {
		row := []any{robust.fit.Names[i]}
		for _, c := range []*candidate{normal, robust, clean} {
			if i == 0 {
				t.Columns = append(t.Columns, c.name)
			}
			cell := ""
			if s := c.fit.Summary(); i < len(s) {
				cell = report.FormatWith(s[i].Mean, s[i].SD) + " ± " + report.FormatWith(s[i].SD, s[i].SD)
			}
			row = append(row, cell)
		}
		t.AddRow(row...)
	}
	fmt.Fprintf(w, "Posterior mean ± sd\n\n%s\n", t)
	// A verdict is about the posterior of a model, not about the model: both are
	// computed well, and only the comparison below shows which one fits the data.
	for _, c := range []*candidate{normal, robust} {
		fmt.Fprintf(w, "%-17s %s\n", c.name+":", c.fit.Verdict())
	}

	a, err := normal.model.LOO(normal.fit)
	if err != nil {
		return err
	}
	b, err := robust.model.LOO(robust.fit)
	if err != nil {
		return err
	}
	diff, se := difference(b.Pointwise, a.Pointwise)
	fmt.Fprintf(w, "\nLeave-one-out elpd: normal %.0f, Student-t %.0f; difference %.0f ± %.0f in favour of Student-t\n", a.ELPD, b.ELPD, diff, se)

	// The rows that leave-one-out prediction finds least likely.
	d := robust.model.Design
	worst := make([]int, len(b.Pointwise))
	for i := range worst {
		worst[i] = i
	}
	sort.SliceStable(worst, func(i, j int) bool { return b.Pointwise[worst[i]] < b.Pointwise[worst[j]] })
	fmt.Fprintf(w, "\nLeast credible rows (score, log predictive density):\n")
	for k, i := range worst[:14] {
		end := "   "
		if k%2 == 1 {
			end = "\n"
		}
		fmt.Fprintf(w, "  row %3d  %s %6.2f%s", d.Rows[i]+1, pad(d.Y[i]), b.Pointwise[i], end)
	}
	return nil
}

func pad(score float64) string {
	s := report.FormatNumber(score, 6)
	return strings.Repeat(" ", max(0, 4-len(s))) + s
}

// difference returns the sum of a_i − b_i and its standard error
// (Vehtari, Gelman and Gabry 2017, equation 24).
func difference(a, b []float64) (sum, se float64) {
	n := float64(len(a))
	for i := range a {
		sum += a[i] - b[i]
	}
	v := 0.0
	for i := range a {
		d := a[i] - b[i] - sum/n
		v += d * d
	}
	return sum, math.Sqrt(n / (n - 1) * v)
}
