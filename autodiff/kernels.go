package autodiff

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// SquaredDist returns the matrix |x_i − y_j|² of the rows x_i of x (n×d) and y_j of y
// (m×d): numbers, to be computed once, from which covariance functions are made.
// Inputs of one dimension are matrices of one column.
func SquaredDist(x, y *mat.Dense) *mat.Dense {
	n, d := x.Dims()
	m, dy := y.Dims()
	if d != dy {
		panic(fmt.Sprintf("autodiff: SquaredDist: x has %d columns, y %d", d, dy))
	}
	dst := mat.NewDense(n, m, nil)
	for i := range n {
		xi, to := x.RawRowView(i), dst.RawRowView(i)
		for j := range m {
			s := 0.0
			for k, v := range y.RawRowView(j) {
				s += (xi[k] - v) * (xi[k] - v)
			}
			to[j] = s
		}
	}
	return dst
}

// SquaredExponential returns the covariances α² exp(−d_ij/(2ρ²)) of a Gaussian process at points
// with the squared distances d (see SquaredDist), for scalars α, the standard deviation of the
// process, and ρ > 0, its length scale. Before Cholesky it wants noise or a jitter:
// see AddDiag. See Rasmussen and Williams, Gaussian Processes for Machine Learning
// (2006), equation 4.9.
func SquaredExponential(d, alpha, rho any) Node {
	const fn = "SquaredExponential"
	t := tapeOf(fn, d, alpha, rho)
	d = t.node(t.matrixOf(fn, "d", d))
	a, r := t.scalarOf(fn, "alpha", alpha), t.scalarOf(fn, "rho", rho)
	return Mul(a.Square(), Mul(d, Div(-0.5, r.Square())).Exp())
}

// scalarOf returns the operand v, which must be a scalar.
func (t *tape) scalarOf(fn, param string, v any) Node {
	a := t.node(t.arg(fn, param, v))
	if n := a.n(fn); n.kind != scalar {
		panic(&Error{Func: fn, Param: param, Value: n.shape(), Want: "a scalar"})
	}
	return a
}
