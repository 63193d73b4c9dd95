// Package la is the one door of this module to elementwise functions on slices
// and to small dense linear algebra.
//
// The elementwise functions ([Exp], [Log], [Logistic] and so on) are portable
// Go with table lookups and short polynomials: errors stay below 3 units in
// the last place over the whole range, and infinities, NaN, overflow and
// gradual underflow come out as in package math. They allocate nothing when
// dst is given, and dst may be x itself (but must not overlap it otherwise).
//
// On amd64 processors with AVX2, which are found out at run time, these functions,
// [SumLogSigmoid] and [AddMulTransVec] take four elements an instruction, or eight
// of single precision. All but the last give the bits of the portable loops. The
// build tag purego leaves these kernels out, and GOAMD64=v3 those of double
// precision, since the compiler then rounds the portable loops in other places.
//
// The matrix functions work in place on row-major []float64 of n×n or on
// [blas64.General], allocate nothing, and give the same bits on every call.
//
// Products of matrices ([Gemm], [Syrk] and their single precision forms) have
// kernels for AVX2 with FMA and for AVX-512, written by package gen. A kernel
// keeps a tile of C in registers, reads A with any strides and takes vectors
// along the rows of B, so that small matrices are multiplied where they lie; a B
// that is transposed, or whose rows are pages apart, is copied in parts to the
// stack. All vector widths give the same bits. Elsewhere gonum multiplies.
// [Kernels] tells what was chosen, and the environment variable named by
// [KernelsEnv] lowers it.
//
// Slices named dst follow gonum's rule: nil allocates, a wrong length panics.
package la

//go:generate go run gentables.go
//go:generate go run -C gen . -kernels normals -out ../normals_amd64.s -stubs ../stubs_normals_amd64.go -pkg la
//go:generate go run -C gen . -kernels loops -out ../loops_amd64.s -stubs ../stubs_loops_amd64.go -pkg la
//go:generate go run -C gen . -kernels gemm -pkg la -out ../gemm_amd64.s -stubs ../gemm_amd64.go
//go:generate go run -C gen . -kernels elementwise32 -out ../elementwise32_amd64.s -stubs ../stubs_elementwise32_amd64.go -pkg la
//go:generate go run -C gen . -kernels elementwise64 -out ../elementwise64_amd64.s -stubs ../stubs_elementwise64_amd64.go -pkg la
