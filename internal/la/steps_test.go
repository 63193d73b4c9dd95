package la

import (
	"math"
	"math/rand/v2"
	"testing"
)

// checkLoop runs a loop with every kind of kernel on slices of all small lengths,
// sometimes with an infinity or NaN in them; f returns what it computed.
func checkLoop[T float](t *testing.T, name string, f func(in [][]T, n int) []T) {
	t.Helper()
	best := level
	defer func() { level = best }()
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 70 {
		in := make([][]T, 8)
		for i := range in {
			in[i] = make([]T, n)
			for j := range in[i] {
				in[i][j] = T(rng.NormFloat64())
				if n%7 == 3 && rng.IntN(200) == 0 {
					in[i][j] = T([]float64{math.Inf(1), math.Inf(-1), math.NaN(), 0}[rng.IntN(4)])
				}
				if i == 4 { // s
					in[i][j] = T(math.Abs(float64(in[i][j])))
				}
			}
		}
		run := func(l Level) []T {
			level = l
			c := make([][]T, len(in))
			for i := range in {
				c[i] = append([]T(nil), in[i]...)
			}
			return f(c, n)
		}
		want := run(Portable)
		for l := Portable + 1; l <= best; l++ {
			got := run(l)
			for i, v := range want {
				if got[i] != v && !(got[i] != got[i] && v != v) {
					t.Fatalf("%s, %v, length %d: number %d is %v, portable %v", name, l, n, i, got[i], v)
				}
			}
		}
	}
}

func cat[T float](s ...[]T) []T {
	var all []T
	for _, v := range s {
		all = append(all, v...)
	}
	return all
}

func TestLoopsBits(t *testing.T) {
	c8 := [8]float64{0.1, 0.02, 0.05, 0.9, 0.3, 1.5, 0.01, 0.2}
	i8 := [8]float64{0.1, 0.02, 0.05, 0.3, 50, 1, 1.1, 0.7}
	checkLoop(t, "Perturb", func(x [][]float64, n int) []float64 {
		Perturb(x[0], x[1], x[2], x[4], 30, 0.1)
		return cat(x[0], x[1])
	})
	checkLoop(t, "StepRoot", func(x [][]float64, n int) []float64 {
		a, b, d := make([]float64, n), make([]float64, n), make([]float64, n)
		r := StepRoot(a, b, d, x[3], x[4], x[5], x[6], x[7], &c8)
		return cat(a, b, d, []float64{r})
	})
	checkLoop(t, "StepNewton", func(x [][]float64, n int) []float64 {
		a, b, d := make([]float64, n), make([]float64, n), make([]float64, n)
		r := StepNewton(a, b, d, x[3], x[4], x[5], x[6], x[7], &c8)
		return cat(a, b, d, []float64{r})
	})
	checkLoop(t, "StepIVON", func(x [][]float64, n int) []float64 {
		a, b, d := make([]float64, n), make([]float64, n), make([]float64, n)
		r, k := StepIVON(a, b, d, x[3], x[4], x[5], x[6], x[7], &i8)
		if r != r {
			return []float64{r} // where it is bad nothing else counts
		}
		return cat(a, b, d, []float64{r, float64(k)})
	})
	checkLoop(t, "StepAdam", func(x [][]float64, n int) []float64 {
		a, b, d := make([]float64, n), make([]float64, n), make([]float64, n)
		r := StepAdam(a, b, d, x[3], x[4], x[5], x[6], (*[6]float64)(c8[:6]))
		return cat(a, b, d, []float64{r})
	})
	checkLoop(t, "slices", func(x [][]float64, n int) []float64 {
		sq, pr := make([]float64, n), make([]float64, n)
		Square(sq, x[0])
		Product(pr, x[0], x[1])
		Accumulate(x[2], x[0], 0.3)
		AccumulateProduct(x[3], x[4], x[5], x[6], 0.7)
		MaskPositive(x[6], x[7])
		return cat(sq, pr, x[2], x[3], x[4], x[6])
	})
	checkLoop(t, "rows", func(x [][]float64, n int) []float64 {
		if n < 3 {
			return nil
		}
		z, b, s := cat(x[0], x[1], x[2])[:3*n], x[3], x[4]
		AddSumRows(s, z, 0.37)
		y := append([]float64(nil), z...)
		AddRow(y, b)
		AddRowReLU(z, b)
		return cat(s, y, z)
	})
}

func TestLoops32Bits(t *testing.T) {
	c8 := [8]float32{0.1, 0.02, 0.05, 0.9, 0.3, 1.5, 0.01, 0.2}
	i8 := [8]float32{0.1, 0.02, 0.05, 0.3, 50, 1, 1.1, 0.7}
	checkLoop(t, "Perturb32", func(x [][]float32, n int) []float32 {
		Perturb32(x[0], x[1], x[2], x[4], 30, 0.1)
		return cat(x[0], x[1])
	})
	checkLoop(t, "steps", func(x [][]float32, n int) []float32 {
		a, b, d := make([]float32, n), make([]float32, n), make([]float32, n)
		r := StepRoot32(a, b, d, x[3], x[4], x[5], x[6], x[7], &c8)
		out := cat(a, b, d, []float32{r})
		r = StepNewton32(a, b, d, x[3], x[4], x[5], x[6], x[7], &c8)
		out = cat(out, a, b, d, []float32{r})
		r = StepAdam32(a, b, d, x[3], x[4], x[5], x[6], (*[6]float32)(c8[:6]))
		return cat(out, a, b, d, []float32{r})
	})
	checkLoop(t, "StepIVON32", func(x [][]float32, n int) []float32 {
		a, b, d := make([]float32, n), make([]float32, n), make([]float32, n)
		r, k := StepIVON32(a, b, d, x[3], x[4], x[5], x[6], x[7], &i8)
		if r != r {
			return []float32{r}
		}
		return cat(a, b, d, []float32{r, float32(k)})
	})
	checkLoop(t, "slices", func(x [][]float32, n int) []float32 {
		sq, pr := make([]float32, n), make([]float32, n)
		Square32(sq, x[0])
		Product32(pr, x[0], x[1])
		Accumulate32(x[2], x[0], 0.3)
		AccumulateProduct32(x[3], x[4], x[5], x[6], 0.7)
		MaskPositive32(x[6], x[7])
		return cat(sq, pr, x[2], x[3], x[4], x[6])
	})
	checkLoop(t, "rows", func(x [][]float32, n int) []float32 {
		if n < 3 {
			return nil
		}
		z, b, s := cat(x[0], x[1], x[2])[:3*n], x[3], x[4]
		AddSumRows32(s, z, 0.37)
		y := append([]float32(nil), z...)
		AddRow32(y, b)
		AddRowReLU32(z, b)
		return cat(s, y, z)
	})
}
