package la

// Functions in single precision. Each is its double-precision function rounded,
// so errors are below one unit in the last place, and special values are as there.

// Exp32 writes e^x, elementwise.
func Exp32(dst, x []float32) []float32 { return rounded("Exp32", Exp, dst, x) }

// Expm132 writes e^x − 1.
func Expm132(dst, x []float32) []float32 { return rounded("Expm132", Expm1, dst, x) }

// Log32 writes log x.
func Log32(dst, x []float32) []float32 { return rounded("Log32", Log, dst, x) }

// Log1p32 writes log(1+x).
func Log1p32(dst, x []float32) []float32 { return rounded("Log1p32", Log1p, dst, x) }

// Tanh32 writes tanh x.
func Tanh32(dst, x []float32) []float32 { return rounded("Tanh32", Tanh, dst, x) }

// Sigmoid32 writes 1/(1+e^−x).
func Sigmoid32(dst, x []float32) []float32 { return rounded("Sigmoid32", Sigmoid, dst, x) }

// Softplus32 writes log(1+e^x).
func Softplus32(dst, x []float32) []float32 { return rounded("Softplus32", Softplus, dst, x) }

func rounded(fn string, f func(dst, x []float64) []float64, dst, x []float32) []float32 {
	if dst == nil {
		dst = make([]float32, len(x))
	}
	if len(dst) != len(x) {
		panicLen(fn, "dst", len(dst), len(x))
	}
	for lo := 0; lo < len(x); lo += chunk {
		var buf [chunk]float64
		n := min(chunk, len(x)-lo)
		b := buf[:n]
		for i, v := range x[lo : lo+n] {
			b[i] = float64(v)
		}
		f(b, b)
		for i, v := range b {
			dst[lo+i] = float32(v)
		}
	}
	return dst
}
