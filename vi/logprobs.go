package vi

import (
	"sync"
	"sync/atomic"

	"github.com/natgrad/natgrad/internal/la"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// pointChunk is the number of points that a worker takes with a span of rows.
const pointChunk = 128

// pointRows is the number of rows of a design of so many columns that are kept
// in first cache for all points: up to 24 KB, in whole vector registers.
func pointRows(cols int) int {
	return max(32, min(blockRows, 3072/max(cols, 1)&^15))
}

// logProbs evaluates the density at every row of theta. A block of rows of the
// design, laid out by columns, stays in cache for all points.
func (p *linearPass) logProbs(dst []float64, theta *mat.Dense) error {
	points, _ := theta.Dims()
	raw := theta.RawMatrix()
	parts := make([][]float64, len(p.full))
	for i := range parts {
		parts[i] = make([]float64, points)
	}
	chunks := (points + pointChunk - 1) / pointChunk
	err := p.each(len(p.full)*chunks, func(task int) {
		k := task / chunks
		first := task % chunks * pointChunk
		last := min(first+pointChunk, points)
		sp := p.full[k]
		t := &p.lin.Terms[sp.term]
		out, cols := parts[k], t.X.Cols
		block := pointRows(cols)
		xt := make([]float64, cols*block)
		eta, f, aux := make([]float64, block), make([]float64, block), make([]float64, len(t.Aux))
		var d Derivs
		for lo := sp.lo; lo < sp.hi; lo += block {
			n := min(lo+block, sp.hi) - lo
			for i := range n {
				for j, v := range t.X.Data[(lo+i)*t.X.Stride:][:cols] {
					xt[j*n+i] = v
				}
			}
			eta := eta[:n]
			d = Derivs{F: f[:n]}
			for s := first; s < last; s++ {
				if t.Offset != nil {
					copy(eta, t.Offset[lo:lo+n])
				} else {
					clear(eta)
				}
				point := raw.Data[s*raw.Stride:][:raw.Cols]
				la.AddMulTransVec(eta, blas64.General{Rows: cols, Cols: n, Stride: n, Data: xt[:cols*n]}, point[:cols])
				for a, j := range t.Aux {
					aux[a] = point[j]
				}
				if t.Sum != nil {
					out[s] += t.Sum(lo, eta, aux)
					continue
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

// each calls f(0) … f(n−1), which the workers take as they come.
func (p *linearPass) each(n int, f func(int)) error {
	workers := min(p.allowed, n)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	var taken atomic.Int64
	for w := range workers {
		wg.Go(func() {
			defer caught("Target.Linear", &errs[w])
			for {
				i := int(taken.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
