package nn

import (
	"github.com/natgrad/natgrad/internal/la"
)

// float is the element type of a net.
type float interface{ float32 | float64 }

// ops are the functions of one element type.
type ops[T float] struct {
	gemm    func(ta, tb bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)
	exp     func(dst, x []T) []T
	tanh    func(dst, x []T) []T
	sigmoid func(dst, x []T) []T
	softp   func(dst, x []T) []T
	normCDF func(dst, x []T)
	addRow  func(z, b []T)
	relu    func(z, b []T)
	mask    func(dz, y []T)
	sumRows func(dst, z []T, alpha T)
	square  func(dst, x []T)
}

var (
	ops64 = &ops[float64]{
		gemm: la.Gemm, exp: la.Exp, tanh: la.Tanh, sigmoid: la.Sigmoid, softp: la.Softplus, normCDF: la.NormalCDF,
		addRow: la.AddRow, relu: la.AddRowReLU, mask: la.MaskPositive, sumRows: la.AddSumRows, square: la.Square,
	}
	ops32 = &ops[float32]{
		gemm: la.Gemm32, exp: la.Exp32, tanh: la.Tanh32, sigmoid: la.Sigmoid32, softp: la.Softplus32, normCDF: la.NormalCDF32,
		addRow: la.AddRow32, relu: la.AddRowReLU32, mask: la.MaskPositive32, sumRows: la.AddSumRows32, square: la.Square32,
	}
)

func grow[T float](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
