// Package kernels gives the matrix products of this module's vector kernels to
// gonum, for programs whose time goes into large matrices:
//
//	blas64.Use(kernels.Blas64())
//	blas32.Use(kernels.Blas32())
//
// From then on gonum's mat and lapack packages multiply with them, and with them
// factorise, solve and invert. That holds for the whole program; so no package
// does it by itself. The results differ from gonum's in the last bits.
package kernels

import (
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/natgrad/natgrad/internal/la"
)

// Name is the kind of kernel in use, chosen once at the start: "avx512" or "avx2"
// on amd64 processors that have them, else "portable", which is gonum's own code.
// The environment variable NATGRAD_KERNELS, set to one of these names, chooses a
// lower kind.
func Name() string { return la.Kernels().String() }

// Blas64 returns gonum's double precision BLAS with other general and symmetric
// products (Dgemm, and Dsyrk for upper triangles). Large general products share
// their rows among runtime.GOMAXPROCS goroutines; the bits of the result do not
// depend on the number.
func Blas64() blas.Float64 { return double{} }

// Blas32 is [Blas64] in single precision (Sgemm, Ssyrk).
func Blas32() blas.Float32 { return single{} }

type double struct{ gonum.Implementation }

func (d double) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	ta, okA := transposed(tA)
	tb, okB := transposed(tB)
	if !okA || !okB || la.Kernels() == la.Portable {
		d.Implementation.Dgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	workers := workers(m, n, k)
	if workers < 2 {
		la.Gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	byRows(m, workers, func(i, rows int) {
		la.Gemm(ta, tb, rows, n, k, alpha, a[offset(ta, i, lda):], lda, b, ldb, beta, c[i*ldc:], ldc)
	})
}

func (d double) Dsyrk(ul blas.Uplo, tA blas.Transpose, n, k int, alpha float64, a []float64, lda int, beta float64, c []float64, ldc int) {
	t, ok := transposed(tA)
	if !ok || ul != blas.Upper {
		d.Implementation.Dsyrk(ul, tA, n, k, alpha, a, lda, beta, c, ldc)
		return
	}
	la.Syrk(t, n, k, alpha, a, lda, beta, c, ldc)
}

type single struct{ gonum.Implementation }

func (s single) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	ta, okA := transposed(tA)
	tb, okB := transposed(tB)
	if !okA || !okB || la.Kernels() == la.Portable {
		s.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	workers := workers(m, n, k)
	if workers < 2 {
		la.Gemm32(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	byRows(m, workers, func(i, rows int) {
		la.Gemm32(ta, tb, rows, n, k, alpha, a[offset(ta, i, lda):], lda, b, ldb, beta, c[i*ldc:], ldc)
	})
}

func (s single) Ssyrk(ul blas.Uplo, tA blas.Transpose, n, k int, alpha float32, a []float32, lda int, beta float32, c []float32, ldc int) {
	t, ok := transposed(tA)
	if !ok || ul != blas.Upper {
		s.Implementation.Ssyrk(ul, tA, n, k, alpha, a, lda, beta, c, ldc)
		return
	}
	la.Syrk32(t, n, k, alpha, a, lda, beta, c, ldc)
}

// transposed reads a flag; what it does not know is left to gonum's panics.
func transposed(t blas.Transpose) (trans, ok bool) {
	return t != blas.NoTrans, t == blas.NoTrans || t == blas.Trans || t == blas.ConjTrans
}

// offset is where row i of op(A) begins.
func offset(trans bool, i, lda int) int {
	if trans {
		return i
	}
	return i * lda
}

// shareFrom is the number of multiply-adds that pays for a goroutine: some tenths
// of a millisecond.
const shareFrom = 1 << 22

// workers is the number of goroutines for a product.
func workers(m, n, k int) int {
	return min(runtime.GOMAXPROCS(0), m/8, m*n/shareFrom*k+m*n%shareFrom*k/shareFrom)
}

// byRows calls f for parts of m rows, in whole tiles.
func byRows(m, workers int, f func(i, rows int)) {
	part := (m/workers + 7) &^ 7
	var wg sync.WaitGroup
	for i := 0; i < m; i += part {
		wg.Go(func() { f(i, min(part, m-i)) })
	}
	wg.Wait()
}
