package quad

import (
	"math"
	"testing"
)

// The k-point rule integrates w^j, of expectation j!, exactly for j < 2k.
func TestLaguerre(t *testing.T) {
	for _, k := range []int{1, 2, 5, 30, MaxLaguerre} {
		r := Laguerre(k)
		want := 1.0
		for j := 0; j < 2*k && j < 120; j++ {
			if j > 0 {
				want *= float64(j)
			}
			var got float64
			for i, z := range r.Z {
				got += r.W[i] * math.Pow(z, float64(j))
			}
			if math.Abs(got/want-1) > 1e-11 {
				t.Fatalf("k = %d: E[w^%d] is %v, want %v", k, j, got, want)
			}
		}
		for i := 1; i < k; i++ {
			if !(r.Z[i] > r.Z[i-1]) {
				t.Fatalf("k = %d: nodes do not ascend", k)
			}
		}
		if Laguerre(k) != r {
			t.Errorf("k = %d: the rule was computed twice", k)
		}
	}
	for _, k := range []int{0, MaxLaguerre + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Laguerre(%d) did not panic", k)
				}
			}()
			Laguerre(k)
		}()
	}
}
