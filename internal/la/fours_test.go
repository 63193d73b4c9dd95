package la

import (
	"math"
	"math/rand/v2"
	"testing"
)

// With all kinds of kernel the elementary functions have the same bits, whatever
// the length and wherever an element is far, also in place.
func TestElementwiseBits(t *testing.T) {
	best := level
	defer func() { level = best }()
	rng := rand.New(rand.NewPCG(9, 1))
	special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 5e-324, -1e-310, 1e-20, -1, -2,
		354, -354, 708, -708, 709.5, -740, 1e300, math.MaxFloat64, 0x1p-1022, 0x1p1000, -0x1p-54, 0x1p-54}
	for round := range 1500 {
		n := round % 300
		scale := []float64{1e-9, 1e-3, 1, 30, 300}[rng.IntN(5)]
		x := make([]float64, n)
		for i := range x {
			x[i] = scale * rng.NormFloat64()
		}
		for range rng.IntN(4) {
			if n > 0 {
				x[rng.IntN(n)] = special[rng.IntN(len(special))]
			}
		}
		if round%2 == 0 {
			for i, v := range x {
				x[i] = math.Abs(v)
			}
		}
		for _, c := range functions() {
			level = Portable
			want := c.f(nil, x)
			for l := AVX2; l <= best; l++ {
				level = l
				got := append([]float64(nil), x...)
				c.f(got, got)
				for i, w := range want {
					if math.Float64bits(got[i]) != math.Float64bits(w) && !(got[i] != got[i] && w != w) {
						t.Fatalf("%s, n = %d: f(%v) = %v with %v, portable %v", c.name, n, x[i], got[i], l, w)
					}
				}
			}
		}
	}
}
