package la

import (
	"fmt"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// gemmShapes are m, n, k of C += A·B: squares, and the layers of small nets.
var gemmShapes = [][3]int{
	{16, 16, 16}, {32, 32, 32}, {50, 50, 50}, {64, 64, 64}, {100, 100, 100}, {128, 128, 128}, {256, 256, 256},
	{512, 512, 512}, {1024, 1024, 1024}, {128, 100, 784}, {32, 100, 784}, {32, 50, 13}, {20, 20, 1000},
}

func gflops(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
}

// benchGemm times A·B, and A·B' as in a layer of a net, at each level and by gonum.
func benchGemm[T float32 | float64](b *testing.B, name string,
	f, reference func(ta, tb bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)) {
	old := level
	defer func() { level = old }()
	for _, s := range gemmShapes {
		m, n, k := s[0], s[1], s[2]
		x, y, c := make([]T, m*k), make([]T, k*n), make([]T, m*n)
		for _, v := range [][]T{x, y, c} {
			for i := range v {
				v[i] = T(i%7) - 3
			}
		}
		for _, kind := range []struct {
			name   string
			ta, tb bool
		}{{"NN", false, false}, {"NT", false, true}, {"TN", true, false}} {
			lda, ldb := k, n
			if kind.ta {
				lda = m
			}
			if kind.tb {
				ldb = k
			}
			shape := fmt.Sprintf("%s/%dx%dx%d/%s", name, m, n, k, kind.name)
			for l := AVX2; l <= machine(); l++ {
				b.Run(fmt.Sprintf("%s/%v", shape, l), func(b *testing.B) {
					level = l
					for b.Loop() {
						f(kind.ta, kind.tb, m, n, k, 1, x, lda, y, ldb, 1, c, n)
					}
					gflops(b, 2*m*n*k)
				})
			}
			b.Run(shape+"/gonum", func(b *testing.B) {
				for b.Loop() {
					reference(kind.ta, kind.tb, m, n, k, 1, x, lda, y, ldb, 1, c, n)
				}
				gflops(b, 2*m*n*k)
			})
		}
	}
}

func BenchmarkGemm(b *testing.B) {
	benchGemm(b, "float64", Gemm, func(ta, tb bool, m, n, k int, alpha float64, x []float64, lda int, y []float64, ldb int, beta float64, c []float64, ldc int) {
		gonum.Implementation{}.Dgemm(transpose(ta), transpose(tb), m, n, k, alpha, x, lda, y, ldb, beta, c, ldc)
	})
	benchGemm(b, "float32", Gemm32, func(ta, tb bool, m, n, k int, alpha float32, x []float32, lda int, y []float32, ldb int, beta float32, c []float32, ldc int) {
		gonum.Implementation{}.Sgemm(transpose(ta), transpose(tb), m, n, k, alpha, x, lda, y, ldb, beta, c, ldc)
	})
}

// BenchmarkSyrk counts the flops of the upper triangle, n·(n+1)·k.
func BenchmarkSyrk(b *testing.B) {
	for _, s := range [][2]int{{20, 1000}, {50, 50}, {100, 100}, {128, 784}, {256, 256}} {
		n, k := s[0], s[1]
		a, c := randomGeneral(k, n, n, 1).Data, make([]float64, n*n)
		for _, trans := range []bool{true, false} {
			lda := k
			if trans {
				lda = n
			}
			for name, f := range map[string]func(){
				level.String(): func() { Syrk(trans, n, k, 1, a, lda, 0, c, n) },
				"gonum": func() {
					gonum.Implementation{}.Dsyrk(blas.Upper, transpose(trans), n, k, 1, a, lda, 0, c, n)
				},
			} {
				b.Run(fmt.Sprintf("%dx%d/trans=%v/%s", n, k, trans, name), func(b *testing.B) {
					for b.Loop() {
						f()
					}
					gflops(b, n*(n+1)*k)
				})
			}
		}
	}
}
