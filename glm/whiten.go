package glm

import (
	"math"
	"runtime"
	"sync"

	"github.com/natgrad/natgrad/internal/la"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mathext"
)

// gramGroups bounds the parts into which the rows of a Gram matrix are divided,
// and gramRows is the least number of rows in one. They do not depend on the
// number of workers, so that neither do the sums.
const (
	gramGroups = 16
	gramRows   = 4096
)

// gramRoot returns the upper triangular R with R'R = Z'Z/n, or false if the
// columns of Z, of unit size, are so close to dependent that forming Z'Z would
// lose more than half of the digits. fill writes rows lo … hi−1 of the n×p Z.
func gramRoot(n, p, workers int, fill func(dst []float64, lo, hi int)) (r []float64, ok bool) {
	groups := min(gramGroups, max(1, n/gramRows))
	parts := make([][]float64, groups)
	inParallel(groups, workers, func(g int) {
		sum, rows, w := make([]float64, p*p), make([]float64, blockRows*p), make([]float64, blockRows)
		scratch := make([]float64, la.SyrkScratch(blockRows, p))
		for i := range w {
			w[i] = 1 / float64(n)
		}
		for lo, end := n*g/groups, n*(g+1)/groups; lo < end; lo += blockRows {
			k := min(blockRows, end-lo)
			fill(rows[:k*p], lo, lo+k)
			la.SyrkWeighted(sum, blas64.General{Rows: k, Cols: p, Stride: p, Data: rows[:k*p]}, w[:k], scratch)
		}
		parts[g] = sum
	})
	r = parts[0]
	for _, part := range parts[1:] {
		for i, v := range part {
			r[i] += v
		}
	}
	if !la.Cholesky(r, p) {
		return nil, false
	}
	for j := range p {
		if r[j*p+j] < 1e-4 {
			return nil, false
		}
		for i := j + 1; i < p; i++ {
			r[i*p+j] = 0
		}
	}
	return r, true
}

// inParallel calls f(0) … f(n−1), shared out among the workers.
func inParallel(n, workers int, f func(i int)) {
	if workers = min(workers, n); workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

// whitened returns the rows of xT, T upper triangular, and their squared lengths.
func whitened(x blas64.General, t []float64, workers int) (z blas64.General, length []float64) {
	n, p := x.Rows, x.Cols
	z = blas64.General{Rows: n, Cols: p, Stride: p, Data: make([]float64, n*p)}
	length = make([]float64, n)
	if p == 0 {
		return z, length
	}
	columns := make([]float64, p*p) // T'
	for i := range p {
		for j := range p {
			columns[j*p+i] = t[i*p+j]
		}
	}
	const chunk = 8 * blockRows
	inParallel((n+chunk-1)/chunk, workers, func(c int) {
		var out block
		for lo, end := c*chunk, min((c+1)*chunk, n); lo < end; lo += blockRows {
			k := min(blockRows, end-lo)
			y := blas64.Vector{N: k, Data: out[:k], Inc: 1}
			for j := range p {
				// A product with the j+1 entries of a column that are not zero is faster in
				// gonum than a product of narrow matrices.
				blas64.Gemv(blas.NoTrans, 1, blas64.General{Rows: k, Cols: j + 1, Stride: x.Stride, Data: x.Data[lo*x.Stride:]},
					blas64.Vector{N: j + 1, Data: columns[j*p : j*p+j+1], Inc: 1}, 0, y)
				for i, v := range y.Data {
					z.Data[(lo+i)*p+j] = v
					length[lo+i] += v * v
				}
			}
		}
	})
	return z, length
}

// bySpread orders rows by their squared lengths in whitened coordinates, to
// which the variances of their predictors are about proportional: the engine
// takes as many quadrature nodes for a block of rows as its widest row needs. It
// returns nil if the order gains little. Rows of about the same length keep
// their order.
func bySpread(length []float64) (perm []int) {
	widest, total := 0.0, 0.0
	for lo := 0; lo < len(length); lo += blockRows {
		top, rows := 0.0, length[lo:min(lo+blockRows, len(length))]
		for _, v := range rows {
			top = math.Max(top, v)
			total += math.Sqrt(v)
		}
		widest += math.Sqrt(top) * float64(len(rows))
	}
	if len(length) <= blockRows || !(widest > 1.4*total) {
		return nil
	}
	// The exponent and four bits of the fraction are the key of a counting sort.
	key := func(v float64) int { return int(math.Float64bits(v) >> 48 & 0x7fff) }
	place := make([]int, 1<<15+1)
	for _, v := range length {
		place[key(v)+1]++
	}
	for k := range len(place) - 1 {
		place[k+1] += place[k]
	}
	perm = make([]int, len(length))
	for i, v := range length {
		k := key(v)
		perm[place[k]] = i
		place[k]++
	}
	return perm
}

// permutedRows returns the rows of z in the order perm.
func permutedRows(z blas64.General, perm []int) blas64.General {
	out := blas64.General{Rows: z.Rows, Cols: z.Cols, Stride: z.Cols, Data: make([]float64, z.Rows*z.Cols)}
	for i, k := range perm {
		copy(out.Data[i*out.Stride:(i+1)*out.Stride], z.Data[k*z.Stride:])
	}
	return out
}

// qrRoot is gramRoot by a Householder QR factorisation.
func qrRoot(z blas64.General) (r []float64, ok bool) {
	n, p := z.Rows, z.Cols
	if n < p {
		return nil, false
	}
	a := blas64.General{Rows: n, Cols: p, Stride: p, Data: append([]float64(nil), z.Data...)}
	tau := make([]float64, p)
	work := make([]float64, 1)
	lapack64.Geqrf(a, tau, work, -1)
	work = make([]float64, int(work[0]))
	lapack64.Geqrf(a, tau, work, len(work))
	r = make([]float64, p*p)
	root := math.Sqrt(float64(n))
	for i := range p {
		if math.Abs(a.Data[i*p+i]) < 1e-13*root {
			return nil, false
		}
		for j := i; j < p; j++ {
			r[i*p+j] = a.Data[i*p+j] / root
		}
	}
	return r, true
}

func identity(p int) []float64 {
	t := make([]float64, p*p)
	for i := range p {
		t[i*p+i] = 1
	}
	return t
}

// likelihoodWidth is the distance of the log likelihood's nearest complex
// singularity in η from the real axis, in units of π; see [vi.Term].
func likelihoodWidth(f Family) func(aux []float64) float64 {
	w := 1.0
	switch f := f.(type) {
	case *studentT: // 1 + (y−η)²/(νσ²) vanishes at y ± iσ√ν
		return func(aux []float64) float64 {
			df := f.df
			if len(aux) > 1 {
				df = math.Exp(aux[1])
			}
			return math.Exp(aux[0]) * math.Sqrt(df) / math.Pi
		}
	default:
		switch f.Link() {
		case "probit": // zeros of Φ
			w = 0.85
		case "cloglog": // zeros of 1 − exp(−e^η)
			w = 0.5
		}
	}
	return func([]float64) float64 { return w }
}

// priorWidth is the same for a prior in its coordinate.
func priorWidth(p Prior, positive bool) float64 {
	switch r := newPriorRow(p, positive); r.shape {
	case rowStudent:
		return r.sc * math.Sqrt(r.k) / math.Pi
	case rowHalfT:
		return 0.5
	case rowExp:
		return 0.5 / math.Abs(r.sc)
	}
	return 1
}

func maxWorkers() int { return runtime.GOMAXPROCS(0) }

func normalQuantile(p float64) float64 { return mathext.NormalQuantile(p) }
