package main

import (
	"fmt"
	"io"

	"github.com/natgrad/natgrad/report"
	"gonum.org/v1/gonum/mat"
)

// The quadratic log p = b'θ − ½ θ'Hθ.
var (
	quadH = []float64{
		2.148164, 1.567620, 0.360627, -0.218529, 0.249678, -0.027118,
		1.567620, 2.094952, 0.320365, -0.120596, 0.133690, -0.311436,
		0.360627, 0.320365, 0.991169, -0.556824, 0.073778, 0.108796,
		-0.218529, -0.120596, -0.556824, 1.054763, -0.211904, -0.180533,
		0.249678, 0.133690, 0.073778, -0.211904, 0.820472, 0.116109,
		-0.027118, -0.311436, 0.108796, -0.180533, 0.116109, 0.778853,
	}
	quadB = []float64{-1.117310, 0.234416, 1.659802, 0.742044, -0.191836, -0.887629}
)

// quadraticTable fits the quadratic with every shape. The optimum of each has a closed
// form, see docs/methods/structured.md, with which the test compares them.
func quadraticTable(w io.Writer) error {
	target, err := quadratic(mat.NewSymDense(6, quadH), quadB)
	if err != nil {
		return err
	}
	fits, err := fitAll(target, shapes(6, []int{2}), 1)
	if err != nil {
		return err
	}
	t := &report.Table{
		Title:   "A quadratic in 6 dimensions: ELBO of the best Gaussian of each shape",
		Columns: []string{"shape", "numbers", "ELBO", "below dense", "steps"},
		Align:   []report.Align{report.Left, report.Right, report.Decimal, report.Decimal, report.Right},
	}
	best := fits[len(fits)-1].ELBO
	for _, f := range fits {
		t.AddRow(f.shape, f.Posterior.NumParams(), fmt.Sprintf("%.4f", f.ELBO), fmt.Sprintf("%.4f", gap(best, f.ELBO)), f.Iterations)
	}
	_, err = fmt.Fprintln(w, t)
	return err
}
