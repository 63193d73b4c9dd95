package la

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/blas/gonum"
)

// gemmBlock is the number of products that are summed before the sum goes to C:
// a panel of B of so many rows stays in the first-level cache. It is the same
// for all kernels, so that they give the same bits.
const gemmBlock = 256

func transpose(t bool) blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}

// Gemm adds a product: C ← alpha·op(A)·op(B) + beta·C with op(A) m×k, op(B) k×n,
// C m×n, all row-major with the given strides, as in BLAS. With beta = 0 the
// old C is not read, with alpha = 0 neither A nor B. C must not overlap A or B.
// It allocates nothing and starts no goroutines; a matrix that does not fit its
// slice panics.
//
// An element of C is summed in order with fused multiply-adds, in blocks of 256
// products each of which is scaled by alpha and added: all vector widths give the
// same bits. Without vector kernels it is gonum's product, which rounds otherwise
// and skips the products with a zero of op(A) whatever op(B) holds there.
func Gemm(ta, tb bool, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	checkGemm(ta, tb, m, n, k, len(a), lda, len(b), ldb, len(c), ldc)
	if !gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) {
		gonum.Implementation{}.Dgemm(transpose(ta), transpose(tb), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
	}
}

// GemmGeneral is [Gemm] on gonum's matrices. Shapes that do not fit panic.
func GemmGeneral(ta, tb blas.Transpose, alpha float64, a, b blas64.General, beta float64, c blas64.General) {
	m, k, kb, n := a.Rows, a.Cols, b.Rows, b.Cols
	if ta != blas.NoTrans {
		m, k = k, m
	}
	if tb != blas.NoTrans {
		kb, n = n, kb
	}
	if k != kb || m != c.Rows || n != c.Cols {
		panic(fmt.Sprintf("la: GemmGeneral: %d×%d times %d×%d into %d×%d", m, k, kb, n, c.Rows, c.Cols))
	}
	Gemm(ta != blas.NoTrans, tb != blas.NoTrans, m, n, k, alpha, a.Data, a.Stride, b.Data, b.Stride, beta, c.Data, c.Stride)
}

// Gemm32 is [Gemm] in single precision.
func Gemm32(ta, tb bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	checkGemm(ta, tb, m, n, k, len(a), lda, len(b), ldb, len(c), ldc)
	if !gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) {
		gonum.Implementation{}.Sgemm(transpose(ta), transpose(tb), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
	}
}

func checkGemm(ta, tb bool, m, n, k, a, lda, b, ldb, c, ldc int) {
	if m < 0 || n < 0 || k < 0 {
		panic(fmt.Sprintf("la: Gemm: m, n, k are %d, %d, %d", m, n, k))
	}
	if ta {
		checkMatrix("Gemm", "a", k, m, lda, a)
	} else {
		checkMatrix("Gemm", "a", m, k, lda, a)
	}
	if tb {
		checkMatrix("Gemm", "b", n, k, ldb, b)
	} else {
		checkMatrix("Gemm", "b", k, n, ldb, b)
	}
	checkMatrix("Gemm", "c", m, n, ldc, c)
}

// checkMatrix panics if rows rows of cols elements, stride apart, are not a
// matrix inside a slice of n elements.
func checkMatrix(fn, param string, rows, cols, stride, n int) {
	if stride < max(1, cols) {
		panic(fmt.Sprintf("la: %s: stride of %s is %d, want at least %d", fn, param, stride, max(1, cols)))
	}
	if rows > 0 && cols > 0 && n < (rows-1)*stride+cols {
		panic(fmt.Sprintf("la: %s: length of %s is %d, want at least %d for %d×%d with stride %d",
			fn, param, n, (rows-1)*stride+cols, rows, cols, stride))
	}
}

// scaleMatrix sets the m×n matrix C to beta·C, without reading it for beta = 0.
func scaleMatrix[T float32 | float64](m, n int, beta T, c []T, ldc int) {
	if beta == 1 {
		return
	}
	for i := range m {
		row := c[i*ldc:][:n]
		if beta == 0 {
			clear(row)
			continue
		}
		for j := range row {
			row[j] *= beta
		}
	}
}
