package la

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

func checkSquare(fn, param string, a []float64, n int) {
	if len(a) != n*n {
		panicLen(fn, param, len(a), n*n)
	}
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Data: x, Inc: 1} }

// Cholesky overwrites the upper triangle of the symmetric n×n matrix a with U,
// a = UᵀU, and reports whether a is positive definite with a finite factor. It
// reads and writes the upper triangle only. After false the triangle holds no
// factor.
func Cholesky(a []float64, n int) bool {
	checkSquare("Cholesky", "a", a, n)
	if n == 0 {
		return true
	}
	if _, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: n, Data: a, Stride: n}); !ok {
		return false
	}
	for i := range n {
		if d := a[i*n+i]; !(d > 0) || math.IsInf(d, 1) {
			return false
		}
	}
	return true
}

// AddMulTransVec adds Xᵀg = Σ_i g_i·x_i to dst, one entry a column of X. It is
// fastest for few rows of many columns.
func AddMulTransVec(dst []float64, x blas64.General, g []float64) {
	if len(dst) != x.Cols {
		panicLen("AddMulTransVec", "dst", len(dst), x.Cols)
	}
	if len(g) != x.Rows {
		panicLen("AddMulTransVec", "g", len(g), x.Rows)
	}
	if x.Rows == 0 || x.Cols == 0 {
		return
	}
	if !hasAVX2() {
		blas64.Gemv(blas.Trans, 1, x, vector(g), 1, vector(dst))
		return
	}
	for j := addRows(dst, x, g); j < x.Cols; j++ {
		sum := dst[j]
		for i, v := range g {
			sum += v * x.Data[i*x.Stride+j]
		}
		dst[j] = sum
	}
}

const (
	// syrkBlock is the number of rows that SyrkWeighted transposes at a time,
	// so that they stay in a second-level cache.
	syrkBlock = 256
	// syrkDirect is the number of columns up to which the loop without
	// transposition is faster (BenchmarkSyrkWeighted).
	syrkDirect = 32
)

// SyrkScratch is the length of scratch that SyrkWeighted needs for an n×d X.
func SyrkScratch(n, d int) int {
	if d <= syrkDirect {
		return 0
	}
	return min(n, syrkBlock) * (d + 1)
}

// SyrkWeighted adds XᵀWX = Σ_i w_i·x_i·x_iᵀ to the upper triangle of the d×d
// matrix dst, d = x.Cols; the lower triangle is not touched. The weights, one
// a row of X, may have any sign. scratch has at least SyrkScratch elements.
func SyrkWeighted(dst []float64, x blas64.General, w, scratch []float64) {
	d := x.Cols
	checkSquare("SyrkWeighted", "dst", dst, d)
	if len(w) != x.Rows {
		panicLen("SyrkWeighted", "w", len(w), x.Rows)
	}
	if need := SyrkScratch(x.Rows, d); len(scratch) < need {
		panicLen("SyrkWeighted", "scratch", len(scratch), need)
	}
	if d <= syrkDirect {
		syrkRows(dst, x, w)
		return
	}
	for lo := 0; lo < x.Rows; lo += syrkBlock {
		n := min(syrkBlock, x.Rows-lo)
		part := blas64.General{Rows: n, Cols: d, Stride: x.Stride, Data: x.Data[lo*x.Stride:]}
		syrkColumns(dst, part, w[lo:lo+n], scratch)
	}
}

// syrkRows adds eight rows' outer products at a time, to load and store dst
// once for eight of them.
func syrkRows(dst []float64, x blas64.General, w []float64) {
	d, ld := x.Cols, x.Stride
	i := 0
	for ; i+8 <= x.Rows; i += 8 {
		x0 := x.Data[i*ld:][:d]
		x1 := x.Data[(i+1)*ld:][:d]
		x2 := x.Data[(i+2)*ld:][:d]
		x3 := x.Data[(i+3)*ld:][:d]
		x4 := x.Data[(i+4)*ld:][:d]
		x5 := x.Data[(i+5)*ld:][:d]
		x6 := x.Data[(i+6)*ld:][:d]
		x7 := x.Data[(i+7)*ld:][:d]
		v := w[i:][:8]
		for a := range d {
			t0, t1, t2, t3 := v[0]*x0[a], v[1]*x1[a], v[2]*x2[a], v[3]*x3[a]
			t4, t5, t6, t7 := v[4]*x4[a], v[5]*x5[a], v[6]*x6[a], v[7]*x7[a]
			row := dst[a*d:][:d]
			for b := a; b < d; b++ {
				row[b] += ((t0*x0[b] + t1*x1[b]) + (t2*x2[b] + t3*x3[b])) +
					((t4*x4[b] + t5*x5[b]) + (t6*x6[b] + t7*x7[b]))
			}
		}
	}
	for ; i < x.Rows; i++ {
		xi := x.Data[i*ld:][:d]
		for a, v := range xi {
			t := w[i] * v
			row := dst[a*d+a : a*d+d]
			for b, u := range xi[a:] {
				row[b] += t * u
			}
		}
	}
}

// syrkColumns lays the columns of X out as rows of scratch; row a of dst then
// grows by a matrix-vector product of columns a … d−1 with column a scaled by
// w: gonum's fastest kernel, on the upper triangle only.
func syrkColumns(dst []float64, x blas64.General, w, scratch []float64) {
	n, d := x.Rows, x.Cols
	wx, xt := scratch[:n], scratch[n:n+n*d]
	i := 0
	for ; i+4 <= n; i += 4 {
		x0 := x.Data[i*x.Stride:][:d]
		x1 := x.Data[(i+1)*x.Stride:][:d]
		x2 := x.Data[(i+2)*x.Stride:][:d]
		x3 := x.Data[(i+3)*x.Stride:][:d]
		for a := range d {
			c := xt[a*n+i:][:4]
			c[0], c[1], c[2], c[3] = x0[a], x1[a], x2[a], x3[a]
		}
	}
	for ; i < n; i++ {
		for a, v := range x.Data[i*x.Stride:][:d] {
			xt[a*n+i] = v
		}
	}
	for a := range d {
		col := xt[a*n:][:n]
		for i, v := range w {
			wx[i] = v * col[i]
		}
		blas64.Gemv(blas.NoTrans, 1,
			blas64.General{Rows: d - a, Cols: n, Stride: n, Data: xt[a*n:]},
			vector(wx), 1, vector(dst[a*d+a:a*d+d]))
	}
}
