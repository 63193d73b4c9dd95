package expfam_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/blas/blas64"
)

func BenchmarkNormalRetract(b *testing.B) {
	for _, d := range []int{5, 20, 50, 100} {
		b.Run(fmt.Sprintf("d=%d", d), func(b *testing.B) {
			q := randNormal(b, d, rand.New(rand.NewPCG(1, 1)))
			tan := q.Natural(nil)
			rho := 1e-3
			b.ReportAllocs()
			for b.Loop() {
				if cond, err := q.Retract(tan, rho); cond != 0 || err != nil {
					b.Fatal(cond, err)
				}
				rho = -rho
			}
		})
	}
}

func BenchmarkPredictorVar(b *testing.B) {
	const n, d = 10000, 50
	rng := rand.New(rand.NewPCG(1, 1))
	q := randNormal(b, d, rng)
	dst, work := make([]float64, n), make([]float64, expfam.PredictorWork)
	for _, cols := range []int{d, d - 1} {
		x := blas64.General{Rows: n, Cols: cols, Stride: cols, Data: randVec(n*cols, rng)}
		b.Run(fmt.Sprintf("n=%d,d=%d,cols=%d", n, d, cols), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q.PredictorVar(dst, x, work)
			}
		})
	}
}
