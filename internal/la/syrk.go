package la

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// syrkLeaf is the order up to which a symmetric product is computed whole.
const syrkLeaf = 16

// Syrk adds a symmetric product to the upper triangle of the n×n matrix C:
// C ← alpha·AᵀA + beta·C with A k×n if trans, else C ← alpha·AAᵀ + beta·C with A
// n×k. The lower triangle of C is neither read nor written. Otherwise it is as
// [Gemm].
func Syrk(trans bool, n, k int, alpha float64, a []float64, lda int, beta float64, c []float64, ldc int) {
	checkSyrk(trans, n, k, len(a), lda, len(c), ldc)
	if level == Portable {
		gonum.Implementation{}.Dsyrk(blas.Upper, transpose(trans), n, k, alpha, a, lda, beta, c, ldc)
		return
	}
	syrk(trans, n, k, alpha, a, lda, beta, c, ldc)
}

// Syrk32 is [Syrk] in single precision.
func Syrk32(trans bool, n, k int, alpha float32, a []float32, lda int, beta float32, c []float32, ldc int) {
	checkSyrk(trans, n, k, len(a), lda, len(c), ldc)
	if level == Portable {
		gonum.Implementation{}.Ssyrk(blas.Upper, transpose(trans), n, k, alpha, a, lda, beta, c, ldc)
		return
	}
	syrk(trans, n, k, alpha, a, lda, beta, c, ldc)
}

func checkSyrk(trans bool, n, k, a, lda, c, ldc int) {
	if n < 0 || k < 0 {
		panic(fmt.Sprintf("la: Syrk: n, k are %d, %d", n, k))
	}
	rows, cols := n, k
	if trans {
		rows, cols = k, n
	}
	checkMatrix("Syrk", "a", rows, cols, lda, a)
	checkMatrix("Syrk", "c", n, n, ldc, c)
}

// syrk halves the matrix: two smaller triangles and a rectangle that is a plain
// product.
func syrk[T float32 | float64](trans bool, n, k int, alpha T, a []T, lda int, beta T, c []T, ldc int) {
	if n == 0 {
		return
	}
	if n > syrkLeaf {
		h := (n/2 + 7) &^ 7
		lower := h * lda
		if trans {
			lower = h
		}
		if k == 0 {
			lower = 0
		}
		syrk(trans, h, k, alpha, a, lda, beta, c, ldc)
		gemm(trans, !trans, h, n-h, k, alpha, a, lda, a[lower:], lda, beta, c[h:], ldc)
		syrk(trans, n-h, k, alpha, a[lower:], lda, beta, c[h*ldc+h:], ldc)
		return
	}
	var sum [syrkLeaf * syrkLeaf]T
	gemm(trans, !trans, n, n, k, alpha, a, lda, a, lda, 0, sum[:], n)
	for i := range n {
		row := c[i*ldc:][:n]
		for j := i; j < n; j++ {
			v := sum[i*n+j]
			if beta != 0 {
				v += beta * row[j]
			}
			row[j] = v
		}
	}
}
