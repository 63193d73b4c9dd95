package la

import "math"

// Functions in single precision: polynomials without tables, after Moshier's
// Cephes library. Errors are below 2 units in the last place over the whole range,
// subnormal results included; infinities, NaN and signed zeros come out as in
// package math. Every product is rounded before it is added to, so that all kinds
// of kernel and all compilers give the same bits.

const (
	lanes32 = 8 // elements that a kernel needs at least

	log2e        = 1.44269504088896341
	roundShift32 = 0x1.8p23
	shiftBits    = 0x4b400000 // its bit pattern
	oneBits32    = 0x3f800000
	ln2Hi32      = 0.693359375 // log 2 to 9 bits, so that its products with exponents are exact
	ln2Lo32      = -2.12194440e-4
	tiny32       = 0x1p-24 // |x| below which e^x − 1 and log(1+x) are x
)

// expm1Poly are the coefficients of (e^r − 1 − r)/r² for |r| ≤ ½ log 2.
var expm1Poly = [...]float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// log1pPoly are those of (log(1+f) − f + f²/2)/f³ on [√½−1, √2−1].
var log1pPoly = [...]float32{logP8, logP7, logP6, logP5, logP4, logP3, logP2, logP1, logP0}

func sized32(fn string, dst []float32, n int) []float32 {
	if dst == nil {
		return make([]float32, n)
	}
	if len(dst) != n {
		panicLen(fn, "dst", len(dst), n)
	}
	return dst
}

// Exp32 writes e^x, elementwise.
func Exp32(dst, x []float32) []float32 {
	dst = sized32("Exp32", dst, len(x))
	if level >= AVX2 && len(x) >= lanes32 {
		exp32AVX2(&dst[0], &x[0], len(x))
		return dst
	}
	for i, v := range x {
		dst[i] = exp32(v)
	}
	return dst
}

// Expm132 writes e^x − 1, elementwise, accurate for small |x| too.
func Expm132(dst, x []float32) []float32 {
	dst = sized32("Expm132", dst, len(x))
	if level >= AVX2 && len(x) >= lanes32 {
		expm132AVX2(&dst[0], &x[0], len(x))
		return dst
	}
	for i, v := range x {
		dst[i] = expm132(v)
	}
	return dst
}

// Log32 writes log x, elementwise.
func Log32(dst, x []float32) []float32 {
	dst = sized32("Log32", dst, len(x))
	if level >= AVX2 && len(x) >= lanes32 {
		log32AVX2(&dst[0], &x[0], len(x))
		return dst
	}
	for i, v := range x {
		dst[i] = log32(v)
	}
	return dst
}

// Log1p32 writes log(1+x), elementwise, accurate for small |x| too.
func Log1p32(dst, x []float32) []float32 {
	dst = sized32("Log1p32", dst, len(x))
	if level >= AVX2 && len(x) >= lanes32 {
		log1p32AVX2(&dst[0], &x[0], len(x))
		return dst
	}
	for i, v := range x {
		dst[i] = log1p32(v)
	}
	return dst
}

// Tanh32 writes tanh x, elementwise.
func Tanh32(dst, x []float32) []float32 {
	dst = sized32("Tanh32", dst, len(x))
	if level >= AVX2 && len(x) >= lanes32 {
		tanh32AVX2(&dst[0], &x[0], len(x))
		return dst
	}
	for i, v := range x {
		dst[i] = tanh32(v)
	}
	return dst
}

// Sigmoid32 writes 1/(1+e^(−x)), elementwise.
func Sigmoid32(dst, x []float32) []float32 {
	dst = sized32("Sigmoid32", dst, len(x))
	if level >= AVX2 && len(x) >= lanes32 {
		sigmoid32AVX2(&dst[0], &x[0], len(x))
		return dst
	}
	for i, v := range x {
		dst[i] = sigmoid32(v)
	}
	return dst
}

// Softplus32 writes log(1+e^x), elementwise, accurate in relative terms in both tails.
func Softplus32(dst, x []float32) []float32 {
	dst = sized32("Softplus32", dst, len(x))
	if level >= AVX2 && len(x) >= lanes32 {
		softplus32AVX2(&dst[0], &x[0], len(x))
		return dst
	}
	for i, v := range x {
		dst[i] = softplus32(v)
	}
	return dst
}

// expReduce32 splits e^x = 2^k·(1+p), |x| < 128.
func expReduce32(x float32) (k int32, p float32) {
	z := float32(x*log2e) + roundShift32
	n := z - roundShift32
	r := x - float32(n*ln2Hi32)
	r -= float32(n * ln2Lo32)
	q := expm1Poly[0]
	for _, c := range expm1Poly[1:] {
		q = float32(q*r) + c
	}
	return int32(math.Float32bits(z) - shiftBits), float32(q*float32(r*r)) + r
}

// pow2 is 2^k for −127 < k < 128.
func pow2(k int32) float32 { return math.Float32frombits(uint32(k)<<23 + oneBits32) }

// scaled is 2^k·(1+p) in two factors, since 2^k may underflow or overflow alone.
func scaled(k int32, p float32) float32 {
	h := k >> 1
	return float32((1+p)*pow2(h)) * pow2(k-h)
}

// clamp32 leaves NaN.
func clamp32(x, lo, hi float32) float32 {
	if x < lo {
		return lo
	}
	if x > hi {
		return hi
	}
	return x
}

func abs32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

func exp32(x float32) float32 { return scaled(expReduce32(clamp32(x, -104, 89))) }

func expm132(x float32) float32 {
	if abs32(x) < tiny32 {
		return x
	}
	k, p := expReduce32(clamp32(x, -18, 89))
	s := pow2(k - 1) // half, since 2^128 is beyond the largest number
	return ((s - 0.5) + float32(s*p)) * 2
}

// tanh32 is (1 − e)/(1 + e) with e = e^(−2|x|), each side rounded on its own.
func tanh32(x float32) float32 {
	k, p := expReduce32(clamp32(-2*abs32(x), -20, 0))
	s := pow2(k)
	q := float32(s * p)
	num, d, c := (1-s)-q, float32(1), s+q
	d += c
	c -= d - 1
	y := ((1 - s) - (q + residual32(num*c, d))) / d
	return math.Float32frombits(math.Float32bits(y)&^(1<<31) | math.Float32bits(x)&(1<<31))
}

// overOnePlus32 is num/(1+e) for e in [0, 1], corrected for the rounding of 1+e.
func overOnePlus32(num, e float32) float32 {
	d := 1 + e
	c := e - (d - 1)
	y := num / d
	return y - residual32(y*c, d)
}

// residual32 is c/d for d in [1, 2], to 5 %.
func residual32(c, d float32) float32 { return float32(c * (1.457 - float32(0.5*d))) }

func expNegAbs32(x float32) float32 { return exp32(-abs32(x)) }

func sigmoid32(x float32) float32 {
	e := expNegAbs32(x)
	num := float32(1)
	if math.Float32bits(x)>>31 != 0 {
		num = e
	}
	return overOnePlus32(num, e)
}

func softplus32(x float32) float32 {
	e := expNegAbs32(x)
	u := 1 + e
	l := logOf32(u, e-(u-1))
	if x > 0 {
		return x + l
	}
	return l
}

// logOf32 is log(u+c) for normal u > 0 and |c| at most about an ulp of u: with
// u = 2^e·m, m in [√½, √2), it is e·log 2 + log(1+f), f = (m−1) + c/2^e.
func logOf32(u, c float32) float32 {
	i := int32(math.Float32bits(u) - sqrtHalfBits)
	e := float32(i >> 23)
	f := math.Float32frombits(uint32(i&0x7fffff+sqrtHalfBits)) - 1
	if !(u >= 0x1p30) { // beyond, c is nothing and the scale no normal number
		f += float32(c * math.Float32frombits(oneBits32-uint32(i&^0x7fffff)))
	}
	return logSum32(e, f)
}

func logSum32(e, f float32) float32 {
	f2 := f * f
	p := log1pPoly[0]
	for _, c := range log1pPoly[1:] {
		p = float32(p*f) + c
	}
	y := float32(float32(p*f) * f2)
	y += float32(e * ln2Lo32)
	y -= float32(0.5 * f2)
	return (f + y) + float32(e*ln2Hi32)
}

func log32(x float32) float32 {
	switch {
	case !(x >= 0) || x > math.MaxFloat32:
		return outsideLog(x)
	case x == 0:
		return float32(math.Inf(-1))
	}
	shift := float32(0)
	if x < 0x1p-126 {
		x *= 0x1p23
		shift = 23
	}
	i := int32(math.Float32bits(x) - sqrtHalfBits)
	f := math.Float32frombits(uint32(i&0x7fffff+sqrtHalfBits)) - 1
	return logSum32(float32(i>>23)-shift, f)
}

// outsideLog is the logarithm of a negative number, +Inf or NaN.
func outsideLog(x float32) float32 {
	if x < 0 {
		return float32(math.NaN())
	}
	return x
}

func log1p32(x float32) float32 {
	switch {
	case !(x >= -1):
		return outsideLog(x)
	case x == -1:
		return float32(math.Inf(-1))
	case abs32(x) < tiny32 || x > math.MaxFloat32:
		return x
	}
	u := 1 + x
	w := u - 1
	c := (1 - (u - w)) + (x - w) // u + c = 1 + x exactly
	return logOf32(u, c)
}
