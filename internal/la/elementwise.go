package la

import (
	"fmt"
	"math"
)

const (
	// roundShift added to a number of magnitude below 2⁵¹ leaves it, rounded to
	// an integer, in the low bits of the sum.
	roundShift = 0x1.8p52
	// expMax bounds |x| for which e^x and its scale factor are normal numbers.
	expMax = 708
	// expTiny is the |x| below which e^x − 1 = x to the last bit.
	expTiny = 0x1p-54

	oneBits = 0x3ff << 52
	// logLow is the bit pattern of 0.6875, where the cells of logTab begin.
	logLow = 0x3fe6 << 48
	// minNormal and infBits bound the bit patterns of positive normal numbers.
	minNormal = 1 << 52
	infBits   = 0x7ff << 52
)

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
	panic(fmt.Sprintf("la: %s: length of %s is %d, want %d", fn, param, got, want))
}

// expReduce and expPoly split e^x = s·(1 + p) for |x| < expMax: with
// k = round(128·x/log 2) and r = x − k·log(2)/128, s is 2^(k/128) rounded and p
// is e^r − 1, corrected for that rounding, from its Taylor polynomial
// (|r| < 0.0028, error 2⁻⁶⁰). They are two so that both are inlined.
func expReduce(x float64) (k uint64, r float64) {
	z := x*invLn2N + roundShift
	n := z - roundShift
	return math.Float64bits(z), x - n*ln2HiN - n*ln2LoN
}

func expPoly(k uint64, r float64) (s, p float64) {
	t := &expTab[k&127]
	r2 := r * r
	return math.Float64frombits(math.Float64bits(t.val) + k&^127<<45),
		t.tail + r + r2*(0.5+r*(1./6)+r2*(1./24+r*(1./120)))
}

// log1pUnit returns log(1+e) for e in [0, 1]: with a = j/256 nearest to e and
// r = (e−a)/(1+a), log(1+a) from a table plus the Taylor polynomial of
// log(1+r) (|r| ≤ 2⁻⁹, error 2⁻⁵⁷·|r|). e−a is exact, and a = 0 for the
// smallest e, so small results keep their relative accuracy.
func log1pUnit(e float64) float64 {
	z := e*256 + roundShift
	t := &log1pTab[math.Float64bits(z)&511]
	r := (e - (z-roundShift)*(1./256)) * t.inv
	r2 := r * r
	return t.log + (r - r2*(0.5-r*(1./3)+r2*(0.25-r*(1./5)+r2*(1./6))))
}

// Exp writes e^x, elementwise.
func Exp(dst, x []float64) []float64 {
	dst = sized("Exp", dst, len(x))
	if !hasAVX2() || len(x) < 4 {
		expGo(dst, x)
		return dst
	}
	for lo := 0; lo < len(x); {
		lo += expFours(dst[lo:], x[lo:], 0)
		hi := min(lo+4, len(x)) // the last elements, or some that are far
		expGo(dst[lo:hi], x[lo:hi])
		lo = hi
	}
	return dst
}

// expGo writes e^x without vector instructions.
func expGo(dst, x []float64) {
	for i, v := range x {
		if !(math.Abs(v) < expMax) {
			dst[i] = math.Exp(v)
			continue
		}
		s, p := expPoly(expReduce(v))
		dst[i] = s + s*p
	}
}

// Expm1 writes e^x − 1, elementwise, accurate for small |x| too.
func Expm1(dst, x []float64) []float64 {
	dst = sized("Expm1", dst, len(x))
	if !hasAVX2() {
		expm1Go(dst, x)
		return dst
	}
	for lo := 0; lo < len(x); {
		lo += expm1Fours(dst[lo:], x[lo:])
		hi := min(lo+4, len(x)) // the last elements, or some that are far
		expm1Go(dst[lo:hi], x[lo:hi])
		lo = hi
	}
	return dst
}

// expm1Go is [Expm1] without vector instructions.
func expm1Go(dst, x []float64) {
	for i, v := range x {
		if a := math.Abs(v); !(a < expMax && a > expTiny) {
			dst[i] = math.Expm1(v)
			continue
		}
		s, p := expPoly(expReduce(v))
		dst[i] = (s - 1) + s*p
	}
}

// Log writes log x, elementwise.
func Log(dst, x []float64) []float64 {
	dst = sized("Log", dst, len(x))
	if !hasAVX2() {
		logGo(dst, x)
		return dst
	}
	for lo := 0; lo < len(x); {
		lo += logFours(dst[lo:], x[lo:])
		hi := min(lo+4, len(x)) // the last elements, or some that are far
		logGo(dst[lo:hi], x[lo:hi])
		lo = hi
	}
	return dst
}

// logGo is [Log] without vector instructions.
func logGo(dst, x []float64) {
	for i, v := range x {
		b := math.Float64bits(v)
		if b-minNormal >= infBits-minNormal {
			dst[i] = math.Log(v)
			continue
		}
		m := b - logLow
		k := float64(int64(m) >> 52)
		t := &logTab[m>>44&255]
		z := math.Float64frombits(b - m&^(1<<52-1))
		r := (z - t.c) * t.inv
		dst[i] = logSum(k, t.log, r)
	}
}

// logSum returns k·log 2 + logc + log(1+r) for |r| ≤ 2⁻⁸.
func logSum(k, logc, r float64) float64 {
	r2 := r * r
	p := r2 * (0.5 - r*(1./3) + r2*(0.25-r*(1./5)+r2*(1./6-r*(1./7))))
	return (k*ln2Hi + logc) + (r - (p - k*ln2Lo))
}

// Log1p writes log(1+x), elementwise, accurate for small |x| too.
func Log1p(dst, x []float64) []float64 {
	dst = sized("Log1p", dst, len(x))
	if !hasAVX2() {
		log1pGo(dst, x)
		return dst
	}
	for lo := 0; lo < len(x); {
		lo += log1pFours(dst[lo:], x[lo:])
		hi := min(lo+4, len(x)) // the last elements, or some that are far
		log1pGo(dst[lo:hi], x[lo:hi])
		lo = hi
	}
	return dst
}

// log1pGo is [Log1p] without vector instructions.
func log1pGo(dst, x []float64) {
	for i, v := range x {
		if !(v > -1 && v < 0x1p1000) || math.Abs(v) < expTiny {
			dst[i] = math.Log1p(v)
			continue
		}
		// u + c = 1 + x exactly; c joins the reduced argument.
		u := 1 + v
		w := u - 1
		c := (1 - (u - w)) + (v - w)
		b := math.Float64bits(u)
		m := b - logLow
		t := &logTab[m>>44&255]
		e := m &^ (1<<52 - 1)
		z := math.Float64frombits(b - e)
		scale := math.Float64frombits(oneBits - e)
		r := ((z - t.c) + c*scale) * t.inv
		dst[i] = logSum(float64(int64(m)>>52), t.log, r)
	}
}

// Tanh writes tanh x, elementwise.
func Tanh(dst, x []float64) []float64 {
	dst = sized("Tanh", dst, len(x))
	if !hasAVX2() {
		tanhGo(dst, x)
		return dst
	}
	for lo := 0; lo < len(x); {
		lo += tanhFours(dst[lo:], x[lo:])
		hi := min(lo+4, len(x)) // the last elements, or some that are far
		tanhGo(dst[lo:hi], x[lo:hi])
		lo = hi
	}
	return dst
}

// tanhGo is [Tanh] without vector instructions.
func tanhGo(dst, x []float64) {
	for i, v := range x {
		a := math.Abs(v)
		if !(a < expMax/2 && a > expTiny) {
			dst[i] = math.Tanh(v)
			continue
		}
		// tanh a = (1 − e)/(1 + e), e = e^(−2a), each side rounded on its own.
		s, p := expPoly(expReduce(-2 * a))
		q := s * p
		dst[i] = math.Copysign(((1-s)-q)/(1+(s+q)), v)
	}
}

// chunk is the number of elements that the logistic functions take through
// one stage before the next. Short loops keep more elements in flight than one
// long loop body does.
const chunk = 128

// expNegAbs writes exp(−|x|) to the first len(x) elements of e.
func expNegAbs(e *[chunk]float64, x []float64) {
	x = x[:min(len(x), chunk)]
	if !hasAVX2() {
		expNegAbsGo(e[:len(x)], x)
		return
	}
	for lo := 0; lo < len(x); {
		lo += expFours(e[lo:], x[lo:], 1<<63)
		hi := min(lo+4, len(x))
		expNegAbsGo(e[lo:hi], x[lo:hi])
		lo = hi
	}
}

// expNegAbsGo writes exp(−|x|) without vector instructions.
func expNegAbsGo(e, x []float64) {
	e = e[:len(x)]
	for i, v := range x {
		a := math.Abs(v)
		if !(a < expMax) {
			e[i] = math.Exp(-a)
			continue
		}
		s, p := expPoly(expReduce(-a))
		e[i] = s + s*p
	}
}

// sigmoidOf writes the sigmoid of x from e = exp(−|x|): 1/(1+e) for x ≥ 0 and
// e/(1+e) below. The choice is made on bits because a branch on the sign of a
// predictor is mispredicted half of the time.
func sigmoidOf(dst, x []float64, e *[chunk]float64) {
	for i := sigmoidOfFours(dst, x, e); i < len(x); i++ {
		u := e[i&(chunk-1)]
		neg := uint64(int64(math.Float64bits(x[i])) >> 63)
		num := math.Float64frombits(math.Float64bits(u)&neg | oneBits&^neg)
		dst[i] = num / (1 + u)
	}
}

// softplusOf writes the softplus of x from e = exp(−|x|).
func softplusOf(dst, x []float64, e *[chunk]float64) {
	for i := softplusOfFours(dst, x, e); i < len(x); i++ {
		dst[i] = positivePart(x[i]) + log1pUnit(e[i&(chunk-1)])
	}
}

// positivePart returns v where its sign bit is clear and 0 elsewhere.
func positivePart(v float64) float64 {
	b := math.Float64bits(v)
	return math.Float64frombits(b &^ uint64(int64(b)>>63))
}

// Sigmoid writes 1/(1+e^(−x)), elementwise.
func Sigmoid(dst, x []float64) []float64 {
	dst = sized("Sigmoid", dst, len(x))
	var e [chunk]float64
	for lo := 0; lo < len(x); lo += chunk {
		hi := min(lo+chunk, len(x))
		expNegAbs(&e, x[lo:hi])
		sigmoidOf(dst[lo:hi], x[lo:hi], &e)
	}
	return dst
}

// Softplus writes log(1+e^x), elementwise, accurate in relative terms in both
// tails.
func Softplus(dst, x []float64) []float64 {
	dst = sized("Softplus", dst, len(x))
	var e [chunk]float64
	for lo := 0; lo < len(x); lo += chunk {
		hi := min(lo+chunk, len(x))
		expNegAbs(&e, x[lo:hi])
		softplusOf(dst[lo:hi], x[lo:hi], &e)
	}
	return dst
}

// LogSigmoid writes log(1/(1+e^(−x))) = −softplus(−x), elementwise, accurate in
// relative terms in both tails.
func LogSigmoid(dst, x []float64) []float64 {
	dst = sized("LogSigmoid", dst, len(x))
	var e [chunk]float64
	for lo := 0; lo < len(x); lo += chunk {
		hi := min(lo+chunk, len(x))
		expNegAbs(&e, x[lo:hi])
		d := dst[lo:hi]
		for i, v := range x[lo:hi] {
			d[i] = -(positivePart(-v) + log1pUnit(e[i&(chunk-1)]))
		}
	}
	return dst
}

// Logistic writes 1/(1+e^(−x)) to sig and log(1+e^x) to softplus with one
// exponential an element: the first derivative and the value that a logistic
// likelihood needs. A nil output is not computed; either may be x.
func Logistic(sig, softplus, x []float64) {
	switch {
	case sig == nil && softplus == nil:
		return
	case sig == nil:
		Softplus(softplus, x)
		return
	case softplus == nil:
		Sigmoid(sig, x)
		return
	}
	if len(sig) != len(x) {
		panicLen("Logistic", "sig", len(sig), len(x))
	}
	if len(softplus) != len(x) {
		panicLen("Logistic", "softplus", len(softplus), len(x))
	}
	var e [chunk]float64
	for lo := 0; lo < len(x); lo += chunk {
		hi := min(lo+chunk, len(x))
		expNegAbs(&e, x[lo:hi])
		if &softplus[lo] == &x[lo] { // x last
			sigmoidOf(sig[lo:hi], x[lo:hi], &e)
			softplusOf(softplus[lo:hi], x[lo:hi], &e)
		} else {
			softplusOf(softplus[lo:hi], x[lo:hi], &e)
			sigmoidOf(sig[lo:hi], x[lo:hi], &e)
		}
	}
}
