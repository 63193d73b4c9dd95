package vi

import (
	"errors"
	"runtime/debug"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// logProbs evaluates the density at every row of theta: the predictors of a
// block of rows at all points are one matrix product.
func (p *linearPass) logProbs(dst []float64, theta *mat.Dense) error {
	points, _ := theta.Dims()
	raw := theta.RawMatrix()
	parts := make([][]float64, len(p.full))
	for i := range parts {
		parts[i] = make([]float64, points)
	}
	err := p.each(len(p.full), func(k int) {
		sp := p.full[k]
		t := &p.lin.Terms[sp.term]
		out := parts[k]
		eta := blas64.General{Rows: points, Cols: blockRows, Stride: blockRows, Data: make([]float64, points*blockRows)}
		f := make([]float64, blockRows)
		aux := make([]float64, len(t.Aux))
		for lo := sp.lo; lo < sp.hi; lo += blockRows {
			n := min(lo+blockRows, sp.hi) - lo
			eta.Cols = n
			for s := range points {
				row := eta.Data[s*eta.Stride : s*eta.Stride+n]
				if t.Offset != nil {
					copy(row, t.Offset[lo:lo+n])
				} else {
					clear(row)
				}
			}
			if t.X.Cols > 0 {
				x := blas64.General{Rows: n, Cols: t.X.Cols, Stride: t.X.Stride, Data: t.X.Data[lo*t.X.Stride : (lo+n-1)*t.X.Stride+t.X.Cols]}
				th := blas64.General{Rows: points, Cols: t.X.Cols, Stride: raw.Stride, Data: raw.Data}
				blas64.Gemm(blas.NoTrans, blas.Trans, 1, th, x, 1, eta)
			}
			for s := range points {
				for a, j := range t.Aux {
					aux[a] = raw.Data[s*raw.Stride+j]
				}
				d := Derivs{F: f[:n]}
				t.Eval(lo, eta.Data[s*eta.Stride:s*eta.Stride+n], aux, &d)
				out[s] += sum(d.F)
			}
		}
	})
	for s := range dst {
		dst[s] = p.lin.Const
		for _, part := range parts {
			dst[s] += part[s]
		}
	}
	return err
}

// each calls f(0) … f(n−1), shared out among the workers.
func (p *linearPass) each(n int, f func(int)) error {
	errs := make([]error, p.workers)
	var wg sync.WaitGroup
	for w := range p.workers {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					errs[w] = &PanicError{Value: r, Stack: debug.Stack()}
				}
			}()
			for i := w; i < n; i += p.workers {
				f(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
