package la

import (
	"math"
	"math/rand/v2"
	"testing"
)

func benchInput() []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, 1000)
	for i := range x {
		x[i] = 3 * rng.NormFloat64()
	}
	return x
}

// BenchmarkElementwise reports ns per element beside the scalar functions of
// package math on the same numbers.
func BenchmarkElementwise(b *testing.B) {
	x := benchInput()
	pos := make([]float64, len(x))
	for i, v := range x {
		pos[i] = math.Exp(v)
	}
	dst, dst2 := make([]float64, len(x)), make([]float64, len(x))
	each := func(f func(float64) float64) func([]float64, []float64) []float64 {
		return func(dst, x []float64) []float64 {
			for i, v := range x {
				dst[i] = f(v)
			}
			return dst
		}
	}
	sig := func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
	soft := func(v float64) float64 { return math.Max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }
	for _, c := range []struct {
		name string
		f    func(dst, x []float64) []float64
		x    []float64
	}{
		{"exp/la", Exp, x}, {"exp/math", each(math.Exp), x},
		{"expm1/la", Expm1, x}, {"expm1/math", each(math.Expm1), x},
		{"log/la", Log, pos}, {"log/math", each(math.Log), pos},
		{"log1p/la", Log1p, pos}, {"log1p/math", each(math.Log1p), pos},
		{"tanh/la", Tanh, x}, {"tanh/math", each(math.Tanh), x},
		{"sigmoid/la", Sigmoid, x}, {"sigmoid/math", each(sig), x},
		{"softplus/la", Softplus, x}, {"softplus/math", each(soft), x},
		{"logistic/la", func(dst, x []float64) []float64 { Logistic(dst, dst2, x); return dst }, x},
		{"logistic/math", func(dst, x []float64) []float64 { each(sig)(dst, x); each(soft)(dst2, x); return dst }, x},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.f(dst, c.x)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/elem")
		})
	}
}
