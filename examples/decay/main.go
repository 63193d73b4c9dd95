// Decay fits a log density that is written by hand: a curve that decays to a
// level of its own, y = a·exp(−b·t) + c, with normal errors of unknown size.
//
//	go run ./examples/decay
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math"
	"os"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// reads holds one reading every 0.1 s, made with a = 2, b = 0.8, c = 0.5 and
// errors of 0.1.
var reads = []float64{
	2.58, 2.34, 2.26, 2.10, 2.00, 1.87, 1.69, 1.74, 1.62, 1.58, 1.18, 1.19,
	1.37, 1.30, 1.15, 1.09, 1.16, 1.01, 0.69, 0.96, 0.80, 0.88, 0.80, 0.81,
	0.83, 0.92, 0.98, 0.67, 0.80, 0.80, 0.80, 0.77, 0.64, 0.63, 0.54, 0.58,
	0.47, 0.55, 0.55, 0.47, 0.45, 0.41, 0.70, 0.59, 0.50, 0.62, 0.59, 0.57,
	0.51, 0.66, 0.48, 0.53, 0.34, 0.51, 0.30, 0.49, 0.47, 0.57, 0.50, 0.53,
}

// logPrior has a, b and σ exponential with means 2, 1 and 1, and c normal(0, 1).
// The coordinates are u = log a, log b and log σ: the density of u is that of
// e^u times de^u/du = e^u, which adds u to its logarithm.
func logPrior(grad, x []float64) float64 {
	a, b, c, sigma := math.Exp(x[0]), math.Exp(x[1]), x[2], math.Exp(x[3])
	if grad != nil {
		grad[0] = 1 - a/2
		grad[1] = 1 - b
		grad[2] = -c
		grad[3] = 1 - sigma
	}
	return -math.Ln2 - a/2 + x[0] +
		-b + x[1] +
		-c*c/2 - math.Log(2*math.Pi)/2 +
		-sigma + x[3]
}

// logLik is the log likelihood of reading i; it adds its gradient to grad
// unless that is nil.
func logLik(grad, x []float64, i int) float64 {
	t := 0.1 * float64(i)
	b := math.Exp(x[1])
	curve := math.Exp(x[0] - b*t)
	w := math.Exp(-2 * x[3])
	r := reads[i] - curve - x[2]
	if grad != nil {
		grad[0] += r * w * curve
		grad[1] -= r * w * curve * b * t
		grad[2] += r * w
		grad[3] += r*r*w - 1
	}
	return -r*r*w/2 - x[3] - math.Log(2*math.Pi)/2
}

func target() *vi.Target {
	return &vi.Target{
		Dim:   4,
		N:     len(reads),
		Names: []string{"log a", "log b", "c", "log sigma"},
		Grad: func(dst, x []float64) float64 {
			l := logPrior(dst, x)
			for i := range reads {
				l += logLik(dst, x, i)
			}
			return l
		},
	}
}

// batches is the same density example by example, for Settings.Batch. A nil idx
// means all rows.
func batches() *vi.Target {
	return &vi.Target{
		Dim:      4,
		N:        len(reads),
		Names:    []string{"log a", "log b", "c", "log sigma"},
		LogPrior: logPrior,
		LogLik: func(dst, x []float64, idx []int) {
			for k := range dst {
				i := k
				if idx != nil {
					i = idx[k]
				}
				dst[k] = logLik(nil, x, i)
			}
		},
		LogLikGrad: func(dst *mat.Dense, x []float64, idx []int) {
			rows, _ := dst.Dims()
			for k := range rows {
				i := k
				if idx != nil {
					i = idx[k]
				}
				row := dst.RawRowView(k)
				clear(row)
				logLik(row, x, i)
			}
		},
	}
}

func run(w io.Writer) error {
	ctx, t := context.Background(), target()
	mode, err := vi.MAP(ctx, t, make([]float64, 4), nil)
	if err != nil {
		return err
	}
	q, err := vi.Start(t, mode)
	if err != nil {
		return err
	}
	res, err := vi.Fit(ctx, q, t, nil)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "        5%   50%   95%")
	show(w, q)
	fmt.Fprintln(w, res)
	return nil
}

// show prints quantiles of the parameters. Those of a logarithm are the
// logarithms of those of the parameter, because exp is increasing.
func show(w io.Writer, q *expfam.Normal) {
	mean, sd := q.Mean(nil), q.Sd(nil)
	for j, name := range []string{"a", "b", "c", "sigma"} {
		fmt.Fprintf(w, "%-5s", name)
		for _, z := range []float64{-1.645, 0, 1.645} {
			v := mean[j] + z*sd[j]
			if name != "c" {
				v = math.Exp(v)
			}
			fmt.Fprintf(w, " %5.2f", v)
		}
		fmt.Fprintln(w)
	}
}
