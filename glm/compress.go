package glm

import (
	"math"

	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// gaussianTerm states the likelihood of a normal linear regression by its
// sufficient statistics: with W = diag(w) and Z'WZ = R'R,
//
//	Σ w_i (y_i − z_i'φ)² = ‖R(φ̂ − φ)‖² + rss,
//
// p + 1 rows instead of n, so that a step costs O(p³) however many rows there
// are. The residuals are summed directly and not as a difference of squares. It
// returns false if Z'WZ is singular.
func gaussianTerm(z blas64.General, o Outcome, aux int) (vi.Term, bool) {
	n, p := z.Rows, z.Cols
	if n <= p+1 {
		return vi.Term{}, false
	}
	g := blas64.Symmetric{Uplo: blas.Upper, N: p, Stride: p, Data: make([]float64, p*p)}
	b := make([]float64, p)
	sumW := 0.0
	for i := range n {
		w := o.weight(i)
		sumW += w
		row := z.Data[i*z.Stride : i*z.Stride+p]
		y := w * (o.Y[i] - o.offset(i))
		for j, v := range row {
			b[j] += v * y
			v *= w
			dst := g.Data[j*p : (j+1)*p]
			for k := j; k < p; k++ {
				dst[k] += v * row[k]
			}
		}
	}
	r, ok := lapack64.Potrf(g)
	if !ok {
		return vi.Term{}, false
	}
	for j := range p {
		if r.Data[j*p+j] < 1e-6*math.Sqrt(sumW) {
			return vi.Term{}, false
		}
	}
	fit := append([]float64(nil), b...)
	bv := blas64.Vector{N: p, Data: fit, Inc: 1}
	blas64.Trsv(blas.Trans, r, bv) // Rφ̂, the outcomes of the p rows
	y := append([]float64(nil), fit...)
	blas64.Trsv(blas.NoTrans, r, bv)
	rss := 0.0
	for i := range n {
		e := o.Y[i] - o.offset(i) - dotRow(z, i, fit)
		rss += o.weight(i) * e * e
	}
	y = append(y, math.Sqrt(rss))
	x := blas64.General{Rows: p + 1, Cols: p, Stride: p, Data: make([]float64, (p+1)*p)}
	for j := range p {
		copy(x.Data[j*p+j:(j+1)*p], r.Data[j*p+j:(j+1)*p])
	}
	eval := func(lo int, eta, psi []float64, d *vi.Derivs) {
		v := math.Exp(-2 * psi[0])
		for i, e := range eta {
			// Row 0 carries the normalising constants of all n rows.
			c := 0.0
			if lo+i == 0 {
				c = sumW
			}
			u := y[lo+i] - e
			q := u * u * v
			if d.F != nil {
				d.F[i] = -c*(psi[0]+halfLog2Pi) - q/2
			}
			if d.E != nil {
				d.E[i] = u * v
			}
			if d.EE != nil {
				d.EE[i] = -v
			}
			if d.A != nil {
				d.A[0][i] = q - c
			}
			if d.EA != nil {
				d.EA[0][i], d.AA[0][i] = -2*u*v, -2*q
			}
		}
	}
	return vi.Term{Name: "likelihood", X: x, Aux: []int{aux}, Degree: 2, Eval: eval}, true
}
