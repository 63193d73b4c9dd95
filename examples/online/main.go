// Online updates a posterior day by day: what was learned so far, read from a
// file, is the prior of the next rows, and the earlier rows are not needed again.
// At the end the result is compared with a fit to all rows at once.
//
// The data are the households of the quickstart example in four batches, once in
// random order and once as they stand in the file, whose first rows are not like
// the rest.
//
//	go run ./examples/online
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/report"
)

func main() {
	dir, err := os.MkdirTemp("", "online")
	if err != nil {
		log.Fatal(err)
	}
	err = run(os.Stdout, filepath.Join("examples", "data", "wells.csv"), dir)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

const (
	formula = "switch ~ I(dist/100) * arsenic"
	batches = 4
)

// first are the options of a fit that has no predecessor. Priors that adapt to
// the data would depend on which rows come first, so they are stated.
func first() *glm.Options {
	wide := glm.NormalPrior(0, 10)
	return &glm.Options{
		Family: glm.Bernoulli("logit"),
		Priors: []glm.PriorSpec{{Name: "(Intercept)", Prior: wide}, {Name: "b", Prior: wide}},
	}
}

func run(w io.Writer, data, dir string) error {
	wells, err := glm.ReadCSVFile(data)
	if err != nil {
		return err
	}
	all, err := glm.Fit(context.Background(), formula, wells, first())
	if err != nil {
		return err
	}
	n := wells.Nrow()
	inFile := make([]int, n)
	for i := range inFile {
		inFile[i] = i
	}
	for _, order := range []struct {
		name, state string
		rows        []int
	}{
		{"Rows in random order", "random.json", rand.New(rand.NewPCG(1, 2)).Perm(n)},
		{"Rows in the order of the file", "file.json", inFile},
	} {
		state := filepath.Join(dir, order.state)
		t := newTable(order.name+": posterior mean ± sd after each batch", all.Names)
		for b := range batches {
			end := (b + 1) * n / batches
			f, err := update(state, wells.Subset(order.rows[b*n/batches:end]))
			if err != nil {
				return err
			}
			// What a batch taught, in nats. Two or more nats, where the first batch
			// had left little to learn, are a surprise: the batches are not alike, and
			// then the normal posterior that was carried over is not exact enough.
			addRow(t, fmt.Sprint(end), f, fmt.Sprintf("%.2f", f.VI.KL))
		}
		online, err := load(state)
		if err != nil {
			return err
		}
		addRow(t, "all at once", all, fmt.Sprintf("%.2f", all.VI.KL))
		shift, low, high := compare(online, all)
		fmt.Fprintf(w, "%s\nAgainst all at once: means within %.3f sd, sds %.2f to %.2f times as large\n\n", t, shift, low, high)
	}
	return nil
}

// update fits new rows with the saved posterior as prior, if there is one, and
// saves the result in its place.
func update(state string, rows glm.Frame) (*glm.Result, error) {
	opt := first()
	before, err := load(state)
	switch {
	case err == nil:
		opt = &glm.Options{Family: before.Family, After: before}
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	f, err := glm.Fit(context.Background(), formula, rows, opt)
	if err != nil {
		return nil, err
	}
	return f, save(state, f)
}

func load(path string) (*glm.Result, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return glm.Load(r)
}

// save replaces the file only once the new one is complete.
func save(path string, f *glm.Result) error {
	w, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	if err := errors.Join(f.Save(w), w.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func newTable(title string, names []string) *report.Table {
	t := &report.Table{Title: title, Columns: append([]string{"rows"}, names...), Align: []report.Align{report.Right}}
	for range names {
		t.Align = append(t.Align, report.Right)
	}
	t.Columns, t.Align = append(t.Columns, "learned"), append(t.Align, report.Decimal)
	return t
}

func addRow(t *report.Table, label string, f *glm.Result, learned string) {
	row := []any{label}
	for _, r := range f.Summary() {
		row = append(row, report.FormatWith(r.Mean, r.SD)+" ± "+report.FormatWith(r.SD, r.SD))
	}
	t.AddRow(append(row, learned)...)
}

// compare returns the largest distance of means in sds of b and the range of the
// ratios of sds.
func compare(a, b *glm.Result) (shift, low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	ra, rb := a.Summary(), b.Summary()
	for j := range rb {
		shift = math.Max(shift, math.Abs(ra[j].Mean-rb[j].Mean)/rb[j].SD)
		q := ra[j].SD / rb[j].SD
		low, high = math.Min(low, q), math.Max(high, q)
	}
	return shift, low, high
}
