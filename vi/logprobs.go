package vi

import (
	"errors"
	"runtime/debug"
	"sync"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// logProbs evaluates the density at every row of theta. A block of rows of the
// design, laid out by columns, stays in cache for all points.
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
		out, cols := parts[k], t.X.Cols
		xt := make([]float64, cols*blockRows)
		eta, f, aux := make([]float64, blockRows), make([]float64, blockRows), make([]float64, len(t.Aux))
		var d Derivs
		for lo := sp.lo; lo < sp.hi; lo += blockRows {
			n := min(lo+blockRows, sp.hi) - lo
			for i := range n {
				for j, v := range t.X.Data[(lo+i)*t.X.Stride:][:cols] {
					xt[j*n+i] = v
				}
			}
			eta := eta[:n]
			d = Derivs{F: f[:n]}
			for s := range points {
				if t.Offset != nil {
					copy(eta, t.Offset[lo:lo+n])
				} else {
					clear(eta)
				}
				point := raw.Data[s*raw.Stride:][:raw.Cols]
				mulTransAdd(eta, blas64.General{Rows: cols, Cols: n, Stride: n, Data: xt}, point[:cols])
				for a, j := range t.Aux {
					aux[a] = point[j]
				}
				t.Eval(lo, eta, aux, &d)
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
