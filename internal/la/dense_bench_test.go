package la

import (
	"fmt"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// BenchmarkSyrkWeighted compares the two ways that SyrkWeighted has, and a
// plain product of scaled rows, on 256 rows. The flops counted are those of the
// upper triangle, n·d·(d+1).
func BenchmarkSyrkWeighted(b *testing.B) {
	const n = 256
	for _, d := range []int{4, 10, 20, 30, 40, 50} {
		x := randomGeneral(n, d, d+3, 1)
		w := randomGeneral(1, n, n, 2).Data
		dst := make([]float64, d*d)
		scratch := make([]float64, n*(d+1))
		for _, c := range []struct {
			name string
			f    func()
		}{
			{"rows", func() { syrkRows(dst, x, w) }},
			{"columns", func() { syrkColumns(dst, x, w, scratch) }},
			{"gemm", func() {
				s := blas64.General{Rows: n, Cols: d, Stride: d, Data: scratch[:n*d]}
				for i, v := range w {
					for a, u := range x.Data[i*x.Stride:][:d] {
						s.Data[i*d+a] = v * u
					}
				}
				blas64.Gemm(blas.Trans, blas.NoTrans, 1, s, x, 1, blas64.General{Rows: d, Cols: d, Stride: d, Data: dst})
			}},
		} {
			b.Run(fmt.Sprintf("d=%d/%s", d, c.name), func(b *testing.B) {
				for b.Loop() {
					c.f()
				}
				ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
				b.ReportMetric(float64(n*d*(d+1))/ns, "GFLOP/s")
				b.ReportMetric(ns/n, "ns/row")
			})
		}
	}
}

// BenchmarkAddMulTransVec times d rows of 256 columns, beside gonum's product.
func BenchmarkAddMulTransVec(b *testing.B) {
	const n = 256
	dst := make([]float64, n)
	for _, d := range []int{4, 10, 50} {
		x := randomGeneral(d, n, n, 1)
		g := randomGeneral(1, d, d, 2).Data
		for _, c := range []struct {
			name string
			f    func()
		}{
			{"la", func() { AddMulTransVec(dst, x, g) }},
			{"gonum", func() { blas64.Gemv(blas.Trans, 1, x, vector(g), 1, vector(dst)) }},
		} {
			b.Run(fmt.Sprintf("d=%d/%s", d, c.name), func(b *testing.B) {
				for b.Loop() {
					c.f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/column")
			})
		}
	}
}
