package structured_test

import (
	"context"
	"fmt"
	"log"

	"github.com/natgrad/natgrad/structured"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// A posterior of ten coordinates that all hang on the first one is no diagonal
// Gaussian, but one whose covariance is diagonal plus rank 1.
func ExampleGaussian() {
	const p = 10
	// log p = −½θ₀² − ½·4·Σ(θ_i − θ₀)²
	target := &vi.Target{Dim: p, Hess: func(h *mat.SymDense, grad, x []float64) float64 {
		v := -0.5 * x[0] * x[0]
		grad[0] = -x[0]
		h.Zero()
		h.SetSym(0, 0, -1-4*(p-1))
		for i := 1; i < p; i++ {
			r := x[i] - x[0]
			v -= 2 * r * r
			grad[i] = -4 * r
			grad[0] += 4 * r
			h.SetSym(i, i, -4)
			h.SetSym(0, i, 4)
		}
		return v
	}}
	diagonal, err := structured.Diagonal(p)
	if err != nil {
		log.Fatal(err)
	}
	rankOne, err := structured.Up(p, 1)
	if err != nil {
		log.Fatal(err)
	}
	for _, root := range []structured.Factor{diagonal, rankOne} {
		q, err := structured.New(make([]float64, p), root)
		if err != nil {
			log.Fatal(err)
		}
		r, err := vi.Fit(context.Background(), q, target, nil)
		if err != nil {
			log.Fatal(err)
		}
		sd := q.Sd(nil)
		fmt.Printf("%-8s %d numbers, sd of the first coordinate %.2f, of the second %.2f, grade %v\n",
			root.Name(), q.NumParams(), sd[0], sd[1], r.Grade())
	}
	// Output:
	// diagonal 20 numbers, sd of the first coordinate 0.16, of the second 0.50, grade bad
	// up(1)    29 numbers, sd of the first coordinate 1.00, of the second 1.12, grade good
}

// Metric nearness: the matrix Z that undoes Q on data, here Q⁻¹, min_Z mean |ZQx − x|², over
// the cone of positive definite matrices.
func ExampleSPD() {
	q := mat.NewSymDense(2, []float64{2, 0.5, 0.5, 1})
	x := mat.NewDense(4, 2, []float64{1, 0, 0, 1, 1, 1, -1, 2})
	var qx mat.Dense
	qx.Mul(x, q)

	start, err := structured.NewSPD(mat.NewSymDense(2, []float64{1, 0, 0, 1}))
	if err != nil {
		log.Fatal(err)
	}
	if err := start.SetMomentum(0.5); err != nil {
		log.Fatal(err)
	}
	target := &vi.Target{Dim: start.Dim(), Exact: func(tan []float64, p vi.Posterior) (float64, error) {
		s := p.(*structured.SPD)
		var r, g mat.Dense // residuals ZQx − x and the gradient Σ r (Qx)' / n
		r.Mul(&qx, s.Matrix(nil))
		r.Sub(&r, x)
		g.Mul(r.T(), &qx)
		sym := mat.NewSymDense(2, nil)
		for i := range 2 {
			for j := i; j < 2; j++ {
				sym.SetSym(i, j, (g.At(i, j)+g.At(j, i))/8)
			}
		}
		s.AddGradient(tan, sym, -1)
		f := mat.Norm(&r, 2)
		return -f * f / 8, nil
	}}
	r, err := vi.Fit(context.Background(), start, target, &vi.Settings{Tol: 1e-12})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v at\n%.4f\n", r.Status, mat.Formatted(start.Matrix(nil)))
	// Output:
	// converged at
	// ⎡ 0.5714  -0.2857⎤
	// ⎣-0.2857   1.1429⎦
}
