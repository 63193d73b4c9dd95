//go:build !amd64 || !gc || purego

package la

// The kernels that this build does not have. level is Portable, so nothing calls them.

const absentKernel = "la: kernel called without its processor"

func perturb64AVX2(w *float64, eps *float64, mu *float64, s *float64, count int, n float64, lam float64) {
	panic(absentKernel)
}
func stepRoot64AVX2(mu1 *float64, s1 *float64, m1 *float64, mu *float64, s *float64, m *float64, grad *float64, q *float64, count int, c *float64) float64 {
	panic(absentKernel)
}
func stepNewton64AVX2(mu1 *float64, s1 *float64, m1 *float64, mu *float64, s *float64, m *float64, grad *float64, q *float64, count int, c *float64) float64 {
	panic(absentKernel)
}
func stepIVON64AVX2(mu1 *float64, s1 *float64, m1 *float64, mu *float64, s *float64, m *float64, grad *float64, q *float64, count int, c *float64) (bad float64, clipped int) {
	panic(absentKernel)
}
func stepAdam64AVX2(mu1 *float64, s1 *float64, m1 *float64, mu *float64, s *float64, m *float64, grad *float64, count int, c *float64) float64 {
	panic(absentKernel)
}
func square64AVX2(dst *float64, x *float64, count int)                 { panic(absentKernel) }
func product64AVX2(dst *float64, x *float64, y *float64, count int)    { panic(absentKernel) }
func accumulate64AVX2(grad *float64, x *float64, count int, c float64) { panic(absentKernel) }
func accumulateProduct64AVX2(grad *float64, q *float64, x *float64, y *float64, count int, c float64) {
	panic(absentKernel)
}
func addRow64AVX2(z *float64, b *float64, cols int, rows int)     { panic(absentKernel) }
func addRowReLU64AVX2(z *float64, b *float64, cols int, rows int) { panic(absentKernel) }
func maskPositive64AVX2(dz *float64, y *float64, count int)       { panic(absentKernel) }
func addSumRows64AVX2(dst *float64, z *float64, cols int, rows int, alpha float64) {
	panic(absentKernel)
}
func perturb32AVX2(w *float32, eps *float32, mu *float32, s *float32, count int, n float32, lam float32) {
	panic(absentKernel)
}
func stepRoot32AVX2(mu1 *float32, s1 *float32, m1 *float32, mu *float32, s *float32, m *float32, grad *float32, q *float32, count int, c *float32) float32 {
	panic(absentKernel)
}
func stepNewton32AVX2(mu1 *float32, s1 *float32, m1 *float32, mu *float32, s *float32, m *float32, grad *float32, q *float32, count int, c *float32) float32 {
	panic(absentKernel)
}
func stepIVON32AVX2(mu1 *float32, s1 *float32, m1 *float32, mu *float32, s *float32, m *float32, grad *float32, q *float32, count int, c *float32) (bad float32, clipped int) {
	panic(absentKernel)
}
func stepAdam32AVX2(mu1 *float32, s1 *float32, m1 *float32, mu *float32, s *float32, m *float32, grad *float32, count int, c *float32) float32 {
	panic(absentKernel)
}
func square32AVX2(dst *float32, x *float32, count int)                 { panic(absentKernel) }
func product32AVX2(dst *float32, x *float32, y *float32, count int)    { panic(absentKernel) }
func accumulate32AVX2(grad *float32, x *float32, count int, c float32) { panic(absentKernel) }
func accumulateProduct32AVX2(grad *float32, q *float32, x *float32, y *float32, count int, c float32) {
	panic(absentKernel)
}
func addRow32AVX2(z *float32, b *float32, cols int, rows int)     { panic(absentKernel) }
func addRowReLU32AVX2(z *float32, b *float32, cols int, rows int) { panic(absentKernel) }
func maskPositive32AVX2(dz *float32, y *float32, count int)       { panic(absentKernel) }
func addSumRows32AVX2(dst *float32, z *float32, cols int, rows int, alpha float32) {
	panic(absentKernel)
}
