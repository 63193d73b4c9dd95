//go:build gc && !purego && !amd64.v3

package la

import "gonum.org/v1/gonum/blas/blas64"

// hasAVX2 says that the processor has 256-bit integer instructions and that
// the operating system saves the registers.
var hasAVX2 = detectAVX2()

func detectAVX2() bool {
	const (
		osxsave, avx = 1 << 27, 1 << 28 // leaf 1, ecx
		avx2         = 1 << 5           // leaf 7, ebx
		xmmYmm       = 6                // XCR0
	)
	top, _, _, _ := cpuid(0, 0)
	if top < 7 {
		return false
	}
	if _, _, c, _ := cpuid(1, 0); c&osxsave == 0 || c&avx == 0 {
		return false
	}
	if xgetbv()&xmmYmm != xmmYmm {
		return false
	}
	_, b, _, _ := cpuid(7, 0)
	return b&avx2 != 0
}

// addFours is addFoursGo, with the same bits, four elements an instruction
// where the processor can.
func (s *sigmoidStrands) addFours(sign, x []float64) bool {
	if !hasAVX2 || len(x) == 0 {
		return s.addFoursGo(sign, x)
	}
	return sigmoidFoursAVX2(&sign[0], &x[0], len(x), s)
}

// sigmoidFoursAVX2 needs n > 0 and divisible by 4.
//
//go:noescape
func sigmoidFoursAVX2(sign, x *float64, n int, s *sigmoidStrands) bool

// expFours writes the exponentials of leading elements, four at a time, with
// the bits of expGo, and returns how many: it stops before four of which one is
// beyond ±expMax or NaN. The bits of or are set in every argument first. It
// needs hasAVX2.
func expFours(dst, x []float64, or uint64) int {
	n := min(len(dst), len(x)) &^ 3
	if n == 0 {
		return 0
	}
	return expFoursAVX2(&dst[0], &x[0], n, or)
}

// expFoursAVX2 needs n divisible by 4.
//
//go:noescape
func expFoursAVX2(dst, x *float64, n int, or uint64) int

// addRows adds Σ_i g_i·x_i, x_i row i of x, to leading elements of dst, a multiple
// of four, and returns how many. It needs hasAVX2 and at least one row.
func addRows(dst []float64, x blas64.General, g []float64) int {
	n := x.Cols &^ 3
	if n == 0 {
		return 0
	}
	_, _ = x.Data[(x.Rows-1)*x.Stride+x.Cols-1], g[x.Rows-1]
	addRowsAVX2(&dst[0], &x.Data[0], &g[0], n, x.Rows, x.Stride)
	return n
}

// addRowsAVX2 adds x'w to dst in n columns, n divisible by 4, rows > 0.
//
//go:noescape
func addRowsAVX2(dst, x, w *float64, n, rows, stride int)

func cpuid(leaf, sub uint32) (a, b, c, d uint32)

// xgetbv returns the low half of XCR0.
func xgetbv() uint32
