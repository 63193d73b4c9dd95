// Counts compares Poisson and negative binomial regression on two sets of
// counts, by leave-one-out cross-validation and posterior predictive checks.
//
// The first are deaths after heart surgery on infants in 12 hospitals with very
// different numbers of operations, so the model is one of rates: log(operations)
// enters as an offset. The second are yearly counts of birds over 40 years.
//
//	go run ./examples/counts
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/report"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

func main() {
	if err := run(os.Stdout, filepath.Join("examples", "data")); err != nil {
		log.Fatal(err)
	}
}

const (
	rate  = "deaths ~ 1 + offset(log(operations))"
	line  = "count ~ scale(year)"
	cubic = "count ~ scale(year) + I(scale(year)^2) + I(scale(year)^3)"
)

// candidate is a model to compare with others of the same data.
type candidate struct {
	name, formula string
	family        glm.Family
}

func run(w io.Writer, dir string) error {
	surgery, err := glm.ReadCSVFile(filepath.Join(dir, "surgery.csv"))
	if err != nil {
		return err
	}
	fits, err := compare(w, "Deaths after surgery, 12 hospitals", surgery, []candidate{
		{"Poisson", rate, glm.Poisson()},
		{"negative binomial", rate, glm.NegativeBinomial()},
	})
	if err != nil {
		return err
	}

	// The hospitals differ by more than chance: the second model says by how much.
	f := fits[1]
	s := f.Summary()[0]
	fmt.Fprintf(w, "negative binomial: %s\n", f.Verdict())
	fmt.Fprintf(w, "deaths in 100 operations: %.1f, 90 %% interval %.1f to %.1f\n", 100*math.Exp(s.Q50), 100*math.Exp(s.Q05), 100*math.Exp(s.Q95))
	others, err := glm.ReadCSV(strings.NewReader("operations\n100\n800\n"), "other hospitals")
	if err != nil {
		return err
	}
	predictions, err := f.Predict(others, nil)
	if err != nil {
		return err
	}
	for i, n := range others.Col("operations").Float() {
		p := predictions[i].Outcome
		fmt.Fprintf(w, "another hospital with %.0f operations: %.0f to %.0f deaths\n", n, p.Lower, p.Upper)
	}

	// Here it is the straight line that fails: with the right curve the counts
	// scatter no more than Poisson counts do.
	birds, err := glm.ReadCSVFile(filepath.Join(dir, "counts.csv"))
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	_, err = compare(w, "Yearly counts, 40 years", birds, []candidate{
		{"Poisson, straight line", line, glm.Poisson()},
		{"negative binomial, straight line", line, glm.NegativeBinomial()},
		{"Poisson, cubic", cubic, glm.Poisson()},
	})
	return err
}

// compare fits the candidates and prints a table of their predictive accuracy.
func compare(w io.Writer, title string, data glm.Frame, models []candidate) ([]*glm.Result, error) {
	t := &report.Table{
		Title:   title,
		Columns: []string{"", "elpd", "se", "p_loo", "rows with k-hat ≥ 0.7", "chi2", "P(more)"},
		Align:   []report.Align{report.Left, report.Decimal, report.Decimal, report.Decimal, report.Right, report.Right, report.Decimal},
	}
	var fits []*glm.Result
	for _, c := range models {
		m, err := glm.NewModel(c.formula, data, &glm.Options{Family: c.family})
		if err != nil {
			return nil, err
		}
		f, err := m.Fit(context.Background())
		if err != nil {
			return nil, err
		}
		loo, err := m.LOO(f)
		if err != nil {
			return nil, err
		}
		rep, err := m.Replicate(f, 2000, 1)
		if err != nil {
			return nil, err
		}
		chi2, more := scatter(m.Design.Y, rep)
		t.AddRow(c.name, fmt.Sprintf("%.1f", loo.ELPD), fmt.Sprintf("%.1f", loo.SE), fmt.Sprintf("%.1f", loo.P), len(loo.Unsafe), fmt.Sprintf("%.0f", chi2), fmt.Sprintf("%.3f", more))
		fits = append(fits, f)
	}
	fmt.Fprintln(w, t)
	return fits, nil
}

// scatter returns Σ (y_i − μ_i)²/μ_i with μ_i the mean of column i of the
// replicated data, and the share of replications in which that sum is larger:
// near 0 the data scatter more than the model allows.
func scatter(y []float64, rep *mat.Dense) (observed, more float64) {
	n, _ := rep.Dims()
	mean := make([]float64, len(y))
	for s := range n {
		floats.AddScaled(mean, 1/float64(n), rep.RawRowView(s))
	}
	chi2 := func(y []float64) float64 {
		s := 0.0
		for i, v := range y {
			s += (v - mean[i]) * (v - mean[i]) / mean[i]
		}
		return s
	}
	observed = chi2(y)
	for s := range n {
		if chi2(rep.RawRowView(s)) > observed {
			more += 1 / float64(n)
		}
	}
	return observed, more
}
