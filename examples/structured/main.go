// Structured fits one posterior with Gaussians of every shape, so that what a
// shape costs and what it loses can be read in one table.
//
// The posterior is a logistic regression on the wells data (did a household
// that had too much arsenic in its well switch to another one?) with the tensor
// product of two parabolas, in the logarithms of the distance and of the arsenic: 9
// coefficients, correlated with each other, on a 3×3 grid.
// Below it are the best Gaussians of each shape for a quadratic, whose optimum
// is known in closed form, and what momentum is worth.
//
//	go run ./examples/structured                      # the tables
//	go run ./examples/structured -large               # one step in a thousand to a million dimensions
//	go run ./examples/structured -pictures docs/img   # densities and correlations by shape
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/structured"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/floats"
)

func main() {
	large := flag.Bool("large", false, "time one step of up(10) in up to a million dimensions")
	pictures := flag.String("pictures", "", "folder for pictures")
	flag.Parse()
	data := filepath.Join("examples", "data", "wells.csv")
	var err error
	switch {
	case *large:
		err = largeTable(os.Stdout, 1_000_000)
	case *pictures != "":
		err = savePictures(*pictures, data)
	default:
		err = run(os.Stdout, data, func(d time.Duration) string { return fmt.Sprintf("%.1f", 1e3*d.Seconds()) })
	}
	if err != nil {
		log.Fatal(err)
	}
}

// run prints the tables; ms writes times. The least sd is the smallest ratio of an
// sd to that of the dense fit.
func run(w io.Writer, data string, ms func(time.Duration) string) error {
	target, err := wells(data)
	if err != nil {
		return err
	}
	fits, err := fitAll(target, wellsShapes(), wellsScale)
	if err != nil {
		return err
	}
	t := &report.Table{
		Title:   "Logistic regression on the wells data, 3020 rows, 9 coefficients",
		Columns: []string{"shape", "numbers", "ELBO", "below dense", "k-hat", "spread", "least sd", "grade", "steps", "ms"},
		Align: []report.Align{report.Left, report.Right, report.Decimal, report.Decimal, report.Decimal, report.Decimal, report.Decimal,
			report.Left, report.Right, report.Decimal},
	}
	best, sds := fits[len(fits)-1].ELBO, fits[len(fits)-1].q.Sd(nil)
	for _, f := range fits {
		narrow := floats.Min(floats.DivTo(make([]float64, len(sds)), f.q.Sd(nil), sds))
		t.AddRow(f.shape, f.Posterior.NumParams(), fmt.Sprintf("%.4f", f.ELBO), fmt.Sprintf("%.4f", gap(best, f.ELBO)), fmt.Sprintf("%.2f", f.KHat),
			fmt.Sprintf("%.2f", f.Spread()), fmt.Sprintf("%.2f", narrow), f.Grade(), f.Iterations, ms(f.took))
	}
	fmt.Fprintln(w, t)
	fmt.Fprintf(w, "dense: %s\n\n", fits[len(fits)-1].Verdict())

	if err := momentumFits(w, target, wellsShapes()); err != nil {
		return err
	}
	if err := quadraticTable(w); err != nil {
		return err
	}
	return momentumRaces(w)
}

// gap is best − elbo, without the sign of rounding errors.
func gap(best, elbo float64) float64 {
	if d := best - elbo; d > 5e-5 {
		return d
	}
	return 0
}

// shape makes the root of one shape, at the identity.
type shape struct {
	name string
	root func() (structured.Factor, error)
}

// start is N(0, I/c²) in dim dimensions.
func (s shape) start(dim int, c float64) (*structured.Gaussian, error) {
	root, err := s.root()
	if err == nil {
		err = root.Scale(c)
	}
	if err != nil {
		return nil, err
	}
	return structured.New(make([]float64, dim), root)
}

// wellsScale makes the fits of the wells data start from N(0, I/100), with predictors
// that are not much wider than those of the posterior.
const wellsScale = 10

// wellsShapes are the shapes for the 9 coefficients; dense is the last.
func wellsShapes() []shape {
	s := shapes(9, []int{1, 3})
	kron := shape{"kronecker 3×3, dense", func() (structured.Factor, error) {
		rows, err := structured.Dense(3)
		if err != nil {
			return nil, err
		}
		columns, err := structured.Dense(3)
		if err != nil {
			return nil, err
		}
		return structured.Kronecker(rows, columns)
	}}
	n := len(s) - 2
	return slices.Insert(s, n, kron)
}

// shapes are the shapes of p coordinates, the low-rank ones with k dense coordinates
// for every k of ks.
func shapes(p int, ks []int) []shape {
	s := []shape{
		{"toeplitz", func() (structured.Factor, error) { return structured.Toeplitz(p) }},
		{"diagonal", func() (structured.Factor, error) { return structured.Diagonal(p) }},
	}
	for _, k := range ks {
		s = append(s,
			shape{fmt.Sprintf("up(%d)", k), func() (structured.Factor, error) { return structured.Up(p, k) }},
			shape{fmt.Sprintf("low(%d)", k), func() (structured.Factor, error) { return structured.Low(p, k) }},
		)
	}
	b := min(2, p/4)
	return append(s,
		shape{fmt.Sprintf("heisenberg-up(2,%d)", b), func() (structured.Factor, error) { return structured.HeisenbergUp(p, 2, b) }},
		shape{fmt.Sprintf("heisenberg-low(2,%d)", b), func() (structured.Factor, error) { return structured.HeisenbergLow(p, 2, b) }},
		shape{"cholesky", func() (structured.Factor, error) { return structured.Cholesky(p) }},
		shape{"dense", func() (structured.Factor, error) { return structured.Dense(p) }},
	)
}

// fit is a fit with its shape and the time it took.
type fit struct {
	*vi.Result
	shape string
	q     *structured.Gaussian
	took  time.Duration
}

// fitAll fits target with every shape, from N(0, I/c²) on and by the defaults of
// vi.Fit.
func fitAll(target *vi.Target, shapes []shape, c float64) ([]fit, error) {
	var fits []fit
	for _, s := range shapes {
		q, err := s.start(target.Dim, c)
		if err != nil {
			return nil, err
		}
		start := time.Now()
		r, err := vi.Fit(context.Background(), q, target, nil)
		if err != nil {
			return nil, err
		}
		fits = append(fits, fit{r, s.name, q, time.Since(start)})
	}
	return fits, nil
}
