//go:build gc && !purego && !amd64.v3

package la

import "gonum.org/v1/gonum/blas/blas64"

// hasAVX2 tells whether the kernels of this file run: those whose portable loops
// the compiler must not fuse, so that the bits agree.
func hasAVX2() bool { return level >= AVX2 }

// addFours is addFoursGo, with the same bits, four elements an instruction
// where the processor can.
func (s *sigmoidStrands) addFours(sign, x []float64) bool {
	if !hasAVX2() || len(x) == 0 {
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

// The functions named …Fours write leading elements, four at a time, with the bits
// of the portable loop, and return how many: all but the last one to three, or up to
// four of which one is far. They need hasAVX2, but for those of the logistic
// functions, which do nothing without it.

func expm1Fours(dst, x []float64) int {
	if n := min(len(dst), len(x)) &^ 3; n > 0 {
		return expm1FoursAVX2(&dst[0], &x[0], n)
	}
	return 0
}

func tanhFours(dst, x []float64) int {
	if n := min(len(dst), len(x)) &^ 3; n > 0 {
		return tanhFoursAVX2(&dst[0], &x[0], n)
	}
	return 0
}

func logFours(dst, x []float64) int {
	if n := min(len(dst), len(x)) &^ 3; n > 0 {
		return logFoursAVX2(&dst[0], &x[0], n)
	}
	return 0
}

func log1pFours(dst, x []float64) int {
	if n := min(len(dst), len(x)) &^ 3; n > 0 {
		return log1pFoursAVX2(&dst[0], &x[0], n)
	}
	return 0
}

func sigmoidOfFours(dst, x []float64, e *[chunk]float64) int {
	n := min(len(dst), len(x), chunk) &^ 3
	if n == 0 || !hasAVX2() {
		return 0
	}
	sigmoidOfFoursAVX2(&dst[0], &x[0], &e[0], n)
	return n
}

func softplusOfFours(dst, x []float64, e *[chunk]float64) int {
	n := min(len(dst), len(x), chunk) &^ 3
	if n == 0 || !hasAVX2() {
		return 0
	}
	softplusOfFoursAVX2(&dst[0], &x[0], &e[0], n)
	return n
}
