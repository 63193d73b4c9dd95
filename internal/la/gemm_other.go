//go:build !amd64 || !gc || purego

package la

// gemm does nothing and says so.
func gemm[T float32 | float64](ta, tb bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) bool {
	return false
}
