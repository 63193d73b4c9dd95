package structured

import (
	"math"

	"github.com/natgrad/natgrad/internal/la"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// square is a dense block: a view of k×k numbers A, row by row, and the
// factorisation A = PLU of them. Products go through the factors too, as that
// needs no scratch where dst is x.
type square struct {
	k   int
	a   []float64
	lu  []float64
	piv []int
}

func newSquare(k int) square {
	return square{k: k, lu: make([]float64, k*k), piv: make([]int, k)}
}

func general(a []float64, r, c, stride int) blas64.General {
	return blas64.General{Rows: r, Cols: c, Data: a, Stride: stride}
}

// factor makes L and U, and reports whether a is finite and regular. A pivot
// below the rounding errors of the sum of products it comes from,
// k·ε·(|L||U|)_ii (Higham 2002, theorem 9.3), counts as 0. The test does not
// depend on the scales of rows and columns.
func (s *square) factor() bool {
	if s.k == 0 {
		return true
	}
	copy(s.lu, s.a)
	if !allFinite(s.a) || !lapack64.Getrf(general(s.lu, s.k, s.k, s.k), s.piv) {
		return false
	}
	const eps = 0x1p-53
	for i := range s.k {
		row, u := s.lu[i*s.k:(i+1)*s.k], s.lu[i*s.k+i]
		sum := math.Abs(u)
		for j, l := range row[:i] {
			sum += math.Abs(l * s.lu[j*s.k+i])
		}
		if !regular(u) || !(math.Abs(u) > float64(s.k-1)*eps*sum) {
			return false
		}
	}
	return true
}

func (s *square) logDet() float64 {
	var sum float64
	for i := range s.k {
		sum += math.Log(math.Abs(s.lu[i*s.k+i]))
	}
	return sum
}

func (s *square) lower() blas64.Triangular {
	return blas64.Triangular{Uplo: blas.Lower, Diag: blas.Unit, N: s.k, Data: s.lu, Stride: s.k}
}

func (s *square) upper() blas64.Triangular {
	return blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: s.k, Data: s.lu, Stride: s.k}
}

// swap overwrites x by P'x.
func (s *square) swap(x []float64) {
	for i, j := range s.piv {
		x[i], x[j] = x[j], x[i]
	}
}

// swapBack overwrites x by Px.
func (s *square) swapBack(x []float64) {
	for i := s.k - 1; i >= 0; i-- {
		j := s.piv[i]
		x[i], x[j] = x[j], x[i]
	}
}

// mul, mulTrans, solve and solveTrans overwrite x by Ax, A'x, A⁻¹x and A⁻ᵀx.
func (s *square) mul(x []float64) {
	if s.k > 0 {
		blas64.Trmv(blas.NoTrans, s.upper(), vec(x))
		blas64.Trmv(blas.NoTrans, s.lower(), vec(x))
		s.swapBack(x)
	}
}

func (s *square) mulTrans(x []float64) {
	if s.k > 0 {
		s.swap(x)
		blas64.Trmv(blas.Trans, s.lower(), vec(x))
		blas64.Trmv(blas.Trans, s.upper(), vec(x))
	}
}

func (s *square) solve(x []float64) {
	if s.k > 0 {
		s.swap(x)
		blas64.Trsv(blas.NoTrans, s.lower(), vec(x))
		blas64.Trsv(blas.NoTrans, s.upper(), vec(x))
	}
}

func (s *square) solveTrans(x []float64) {
	if s.k > 0 {
		blas64.Trsv(blas.Trans, s.upper(), vec(x))
		blas64.Trsv(blas.Trans, s.lower(), vec(x))
		s.swapBack(x)
	}
}

// gemm adds alpha·op(a)·op(b) to c; nothing is done if c or the sum is empty.
func gemm(ta, tb blas.Transpose, alpha float64, a, b, c blas64.General) {
	if c.Rows == 0 || c.Cols == 0 || a.Rows == 0 || a.Cols == 0 {
		return
	}
	la.GemmGeneral(ta, tb, alpha, a, b, 1, c)
}

// symRank2 adds w·½(ab' + ba') to the k×k numbers of dst.
func symRank2(dst, a, b []float64, w float64) {
	k := len(a)
	w *= 0.5
	for i, ai := range a {
		wa, wb := w*ai, w*b[i]
		row := dst[i*k : (i+1)*k]
		for j := range row {
			row[j] += wa*b[j] + wb*a[j]
		}
	}
}
