package la

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// signed returns n numbers of the given spread and as many signs.
func signed(rng *rand.Rand, n int, spread float64) (sign, x []float64) {
	sign, x = make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = spread * rng.NormFloat64()
		sign[i] = float64(2*rng.IntN(2) - 1)
	}
	return sign, x
}

// The sum agrees with one of elements, whatever its length and whatever the
// size of the elements: e^−|x| of order 1, tiny, and underflowing.
func TestSumLogSigmoid(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, spread := range []float64{0, 1e-9, 0.1, 1, 5, 40, 200, 1e3, 1e300} {
		for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 255, 256, sumBlock - 1, sumBlock, sumBlock + 1, 4*sumBlock + 3} {
			sign, x := signed(rng, n, spread)
			m := make([]float64, n)
			for i := range m {
				m[i] = sign[i] * x[i]
			}
			want := 0.0
			for _, v := range LogSigmoid(nil, m) {
				want += v
			}
			got := SumLogSigmoid(sign, x)
			if !(math.Abs(got-want) <= 4e-15*float64(1+n/100)*math.Abs(want)) {
				t.Errorf("spread %v, n = %d: %v, one by one %v", spread, n, got, want)
			}
		}
	}
	// All on one side: the sum is tiny, or linear.
	for _, v := range []float64{0, 1e-300, 0.3, 20, 36.5, 100, 500, 707.9, 708, 745, 800} {
		for _, s := range []float64{-1, 1} {
			const n = 1000
			got := SumLogSigmoid(slices.Repeat([]float64{s}, n), slices.Repeat([]float64{v}, n))
			want := n * LogSigmoid(nil, []float64{s * v})[0]
			if !(math.Abs(got-want) <= 3e-13*math.Abs(want)+1e-307) {
				t.Errorf("%d times %v: %v, want %v", n, s*v, got, want)
			}
		}
	}
}

func TestSumLogSigmoidNotFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	inf := math.Inf(1)
	for at := range 11 {
		sign, x := signed(rng, 11, 1)
		rest := SumLogSigmoid(slices.Delete(slices.Clone(sign), at, at+1), slices.Delete(slices.Clone(x), at, at+1))
		for _, v := range []float64{math.NaN(), inf, -inf} {
			x[at] = v
			got := SumLogSigmoid(sign, x)
			switch {
			case math.IsNaN(v):
				if !math.IsNaN(got) {
					t.Errorf("NaN at %d: %v", at, got)
				}
			case sign[at]*v < 0:
				if !math.IsInf(got, -1) {
					t.Errorf("wrong side of infinity at %d: %v", at, got)
				}
			case !(math.Abs(got-rest) <= 1e-14*math.Abs(rest)):
				t.Errorf("right side of infinity at %d: %v, want %v", at, got, rest)
			}
		}
	}
}

// addFours gives the bits of the portable loop.
func TestSigmoidStrandsBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, spread := range []float64{0, 1e-8, 1, 10, 100, 1e4} {
		for n := 0; n <= sumBlock; n += 4 {
			sign, x := signed(rng, n, spread)
			var a, b sigmoidStrands
			okA, okB := a.addFours(sign, x), b.addFoursGo(sign, x)
			if okA != okB {
				t.Fatalf("spread %v, n = %d: %v, portable %v", spread, n, okA, okB)
			}
			if okA && a != b {
				t.Fatalf("spread %v, n = %d: %v, portable %v", spread, n, a, b)
			}
		}
	}
	for at := range 8 {
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 708, -708, math.Nextafter(708, 0)} {
			sign, x := signed(rng, 8, 1)
			x[at] = v
			var a, b sigmoidStrands
			if okA, okB := a.addFours(sign, x), b.addFoursGo(sign, x); okA != okB || okA != (math.Abs(v) < 708) {
				t.Errorf("%v at %d: %v, portable %v", v, at, okA, okB)
			}
		}
	}
}

// Exponentials by vector instructions have the bits of those without, the
// lengths and places of far elements notwithstanding.
func TestExpFoursBits(t *testing.T) {
	if !hasAVX2() {
		return // there is one loop only
	}
	rng := rand.New(rand.NewPCG(5, 2))
	for n := range 300 {
		_, x := signed(rng, n, []float64{1e-9, 1, 30, 400}[n%4])
		if n > 0 && n%3 == 0 {
			x[rng.IntN(n)] = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 708, -708, 709.5, -740, -800}[rng.IntN(8)]
		}
		want, got := make([]float64, n), Exp(nil, x)
		expGo(want, x)
		for i := range x {
			if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
				t.Fatalf("n = %d: exp(%v) = %v, without vectors %v", n, x[i], got[i], want[i])
			}
		}
		if n > chunk {
			continue
		}
		var e [chunk]float64
		expNegAbs(&e, x)
		expNegAbsGo(want, x)
		for i := range x {
			if math.Float64bits(e[i]) != math.Float64bits(want[i]) {
				t.Fatalf("n = %d: exp(−|%v|) = %v, without vectors %v", n, x[i], e[i], want[i])
			}
		}
	}
}

func TestSumLog1p(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 3))
	for _, spread := range []float64{0, 1, 20, 200, 600} {
		for _, n := range []int{0, 1, 3, 4, 5, 31, 32, 33, 1000, 1023} {
			x := make([]float64, n)
			want := 0.0
			for i := range x {
				x[i] = math.Exp(spread * rng.NormFloat64())
				want += math.Log1p(x[i])
			}
			if got := SumLog1p(x); got != want && !(math.Abs(got-want) <= 1e-15*float64(2+n/10)*math.Abs(want)) {
				t.Errorf("spread %v, n = %d: %v, one by one %v", spread, n, got, want)
			}
		}
	}
	for _, v := range []float64{0, 1e-300, 1e-17, 1e-9, 1, factorMax / 2, factorMax, 1e300} {
		const n = 997
		if got, want := SumLog1p(slices.Repeat([]float64{v}, n)), n*math.Log1p(v); !(math.Abs(got-want) <= 2e-13*want) {
			t.Errorf("%d times %v: %v, want %v", n, v, got, want)
		}
	}
	for at := range 7 {
		x := make([]float64, 7)
		x[at] = math.Inf(1)
		if got := SumLog1p(x); !math.IsInf(got, 1) {
			t.Errorf("infinity at %d: %v", at, got)
		}
		x[at] = math.NaN()
		if got := SumLog1p(x); !math.IsNaN(got) {
			t.Errorf("NaN at %d: %v", at, got)
		}
	}
}

func TestSumsAllocAndPanic(t *testing.T) {
	sign, x := signed(rand.New(rand.NewPCG(1, 1)), 700, 1)
	if n := testing.AllocsPerRun(5, func() { SumLogSigmoid(sign, x) }); n != 0 {
		t.Errorf("SumLogSigmoid allocates %v times", n)
	}
	if n := testing.AllocsPerRun(5, func() { SumLog1p(x[:0:0]); SumLog1p(sign[:0]) }); n != 0 {
		t.Errorf("SumLog1p allocates %v times", n)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic on a wrong length")
		}
	}()
	SumLogSigmoid(sign[:3], x)
}

// BenchmarkSumLogSigmoid compares the sum, its portable loop, and the sum of
// elements on 256 of them.
func BenchmarkSumLogSigmoid(b *testing.B) {
	sign, x := signed(rand.New(rand.NewPCG(1, 2)), 256, 1)
	for _, c := range []struct {
		name string
		f    func(sign, x []float64) float64
	}{
		{"sum", SumLogSigmoid},
		{"portable", func(sign, x []float64) float64 {
			var s sigmoidStrands
			s.addFoursGo(sign, x)
			return s.value()
		}},
		{"elements", sumLogSigmoidFar},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.f(sign, x)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/elem")
		})
	}
}
