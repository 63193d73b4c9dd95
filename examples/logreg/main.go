// Logreg compares the methods of package vadam on Bayesian logistic regressions, where
// the best normal distribution with independent coordinates can be computed: how
// near each method comes to its ELBO, by epoch, and how wide its standard deviations are
// against the right ones.
//
// The posterior is the goal of all of them, and vi.Fit finds it with quadratures in some
// dozens of steps: for a regression use that. Nets have no such quadrature; what these methods
// do to standard deviations there can be measured here.
//
//	go run ./examples/logreg                      # the tables
//	go run ./examples/logreg -paper               # the minibatch sizes of a published figure, a minute
//	go run ./examples/logreg -pictures docs/img   # logreg.svg
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/natgrad/natgrad/report"
)

func main() {
	pictures := flag.String("pictures", "", "folder for pictures")
	paper := flag.Bool("paper", false, "Vadam as in figure 2(c) of Khan et al. (2018)")
	flag.Parse()
	dir := filepath.Join("testdata", "logreg")
	var err error
	switch {
	case *pictures != "":
		err = savePicture(*pictures, dir)
	case *paper:
		err = paperTable(os.Stdout, dir, 10000, 5)
	default:
		err = run(os.Stdout, dir)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// seeds is the number of fits behind every figure.
var seeds = 5

var epochs = []int{1, 5, 10, 20, 50, 200}

// run prints the tables.
func run(w io.Writer, dir string) error {
	p, err := cancer(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Breast cancer, %d rows, %d weights. The best q, by vi.Fit in %d steps: ELBO %.4f (%.6f a row), test log loss %.4f\n\n",
		p.train.Rows, len(p.prior), p.took, p.bound, p.bound/float64(p.train.Rows), p.logLoss(p.best))
	if err := table(w, p); err != nil {
		return err
	}
	return sizeTable(w, p)
}

// table prints what every method came to: medians over seeds.
func table(w io.Writer, p *problem) error {
	t := &report.Table{
		Title:   "Nats a row that the ELBO is short of the best, by epoch, and the last q against the best",
		Columns: []string{"method", "M", "S"},
		Align:   []report.Align{report.Left, report.Right, report.Right},
	}
	for _, e := range epochs {
		t.Columns, t.Align = append(t.Columns, fmt.Sprint(e)), append(t.Align, report.Decimal)
	}
	t.Columns = append(t.Columns, "symmetric KL", "sd / best sd", "log loss")
	t.Align = append(t.Align, report.Decimal, report.Decimal, report.Decimal)
	for _, m := range cancerMethods {
		f, err := m.medians(p, epochs)
		if err != nil {
			return err
		}
		row := []any{m.Method.String(), m.batch, max(m.Draws, 1)}
		for _, g := range f.gaps {
			row = append(row, fmt.Sprintf("%.4f", g))
		}
		t.AddRow(append(row, fmt.Sprintf("%.2f", f.kl), fmt.Sprintf("%.2f", f.ratio), fmt.Sprintf("%.4f", f.logLoss))...)
	}
	_, err := fmt.Fprintln(w, t)
	return err
}

// sizeTable prints sds by the size of the minibatch.
func sizeTable(w io.Writer, p *problem) error {
	t := &report.Table{Title: "sd / best sd after 200 epochs by the size of the minibatch: median (least, largest) over the weights", Columns: []string{"method"}, Align: []report.Align{report.Left}}
	for _, b := range sizes {
		t.Columns, t.Align = append(t.Columns, fmt.Sprintf("M = %d", b)), append(t.Align, report.Left)
	}
	for _, m := range bySize {
		row := []any{m.name}
		for _, b := range sizes {
			f, err := m.make(b).medians(p, epochs)
			if err != nil {
				return err
			}
			row = append(row, fmt.Sprintf("%.2f (%.2f, %.2f)", median(f.ratios), slices.Min(f.ratios), slices.Max(f.ratios)))
		}
		t.AddRow(row...)
	}
	_, err := fmt.Fprint(w, t)
	return err
}
