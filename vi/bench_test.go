package vi

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/internal/la"
	"gonum.org/v1/gonum/mat"
)

// BenchmarkStep times one natural-gradient step with its line search, engine
// and memory warm, by one worker. It must not allocate.
func BenchmarkStep(b *testing.B) {
	for _, s := range []struct{ n, d int }{{1_000, 10}, {10_000, 10}, {100_000, 10}, {20_000, 50}} {
		b.Run(fmt.Sprintf("n=%d,d=%d", s.n, s.d), func(b *testing.B) {
			q := someNormal(b, s.d, 0.05, 1)
			e, err := New(q, logisticTarget(s.n, s.d, 1), &Settings{Workers: 1, Diagnostics: -1})
			if err != nil {
				b.Fatal(err)
			}
			step := func() {
				e.status, e.iter, e.trace = Running, 0, e.trace[:0]
				if _, err := e.Step(); err != nil {
					b.Fatal(err)
				}
			}
			for range 3 {
				step()
			}
			b.ReportAllocs()
			passes := e.evals
			for b.Loop() {
				step()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64((e.evals-passes)*s.n), "ns/row")
		})
	}
}

// BenchmarkLogProbs times the densities behind the verdict, with the likelihood
// as a sum and as rows.
func BenchmarkLogProbs(b *testing.B) {
	for _, s := range []struct{ n, d int }{{3_000, 4}, {3_000, 10}, {3_000, 50}} {
		for _, name := range []string{"sum", "rows"} {
			b.Run(fmt.Sprintf("n=%d,d=%d/%s", s.n, s.d, name), func(b *testing.B) {
				lin := logisticTarget(s.n, s.d, 1).Linear
				if name == "sum" {
					sign := make([]float64, s.n)
					for i := range sign {
						sign[i] = float64(2*(i&1) - 1)
					}
					lin.Terms[0].Sum = func(lo int, eta, aux []float64) float64 {
						return la.SumLogSigmoid(sign[lo:lo+len(eta)], eta)
					}
				}
				p, err := newLinearPass(lin, s.d, 1)
				if err != nil {
					b.Fatal(err)
				}
				const points = 100
				x, rng, dst := mat.NewDense(points, s.d, nil), rand.New(rand.NewPCG(1, 1)), make([]float64, points)
				q := someNormal(b, s.d, 0.1, 1)
				for i := range points {
					q.Sample(x.RawRowView(i), rng)
				}
				for b.Loop() {
					if err := p.logProbs(dst, x); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*points*s.n), "ns/row/point")
			})
		}
	}
}
