package expfam

import (
	"fmt"
	"math"
)

// sized returns dst, or a new slice of length n if dst is nil; any other
// length is the programmer's mistake and panics.
func sized(fn string, dst []float64, n int) []float64 {
	if dst == nil {
		return make([]float64, n)
	}
	if len(dst) != n {
		panicLen(fn, "dst", len(dst), n)
	}
	return dst
}

func panicLen(fn, param string, got, want int) {
	panic(fmt.Sprintf("expfam: %s: length of %s is %d, want %d", fn, param, got, want))
}

// checkLen panics unless v has length n.
func checkLen(fn, param string, v []float64, n int) {
	if len(v) != n {
		panicLen(fn, param, len(v), n)
	}
}

// firstNonFinite returns the index of the first NaN or infinity of v, −1 if
// there is none.
func firstNonFinite(v []float64) int {
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return i
		}
	}
	return -1
}
