package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Elementary functions in single precision, with AVX2. Every line of a body is one
// rounded operation of the Go function of the same name, so that the bits agree.
func init() {
	kernels["elementwise32"] = func() {
		tag = "Elementwise32"
		for _, f := range []struct {
			name string
			body func(x reg.VecVirtual) reg.VecVirtual
		}{
			{"exp", exp32}, {"expm1", expm132}, {"log", log32}, {"log1p", log1p32},
			{"tanh", tanh32}, {"sigmoid", sigmoid32}, {"softplus", softplus32},
		} {
			map32(f.name, f.body)
		}
	}
}

// eight are vectors of eight.
var eight = elem{}

// map32 builds dst = body(x) for at least eight elements. The last eight are read
// before anything is written, and their results overlap those of the last whole
// vector: dst may be x.
func map32(name string, body func(x reg.VecVirtual) reg.VecVirtual) {
	eight.text(name, "dst, x *float32, count int", "")
	dst, x, n := ptr("dst"), ptr("x"), ptr("count")
	last, i := GP64(), GP64()
	LEAQ(operand.Mem{Base: n, Disp: -8}, last)
	rest := eight.load(operand.Mem{Base: x, Index: last, Scale: 4})
	XORQ(i, i)
	Label("vector")
	eight.store(body(eight.load(operand.Mem{Base: x, Index: i, Scale: 4})), operand.Mem{Base: dst, Index: i, Scale: 4})
	ADDQ(operand.U8(8), i)
	CMPQ(i, last)
	JLE(operand.LabelRef("vector"))
	CMPQ(i, n)
	JE(operand.LabelRef("end"))
	eight.store(body(rest), operand.Mem{Base: dst, Index: last, Scale: 4})
	Label("end")
	end()
}

func vec(m operand.Op) reg.VecVirtual {
	v := YMM()
	VMOVUPS(m, v)
	return v
}

// horner is the polynomial with these coefficients, the highest first.
func horner(x reg.VecVirtual, c ...float32) reg.VecVirtual {
	p := YMM()
	VMULPS(single(c[0]), x, p)
	for _, v := range c[1 : len(c)-1] {
		VADDPS(single(v), p, p)
		VMULPS(x, p, p)
	}
	VADDPS(single(c[len(c)-1]), p, p)
	return p
}

func clamp32(x reg.VecVirtual, lo, hi float32) reg.VecVirtual {
	v := YMM()
	VMOVUPS(single(lo), v)
	VMAXPS(x, v, v) // NaN stays
	t := vec(single(hi))
	VMINPS(v, t, v)
	return v
}

// expReduce32 returns roundShift32 + k and p of e^x = 2^k·(1+p).
func expReduce32(x reg.VecVirtual) (z, p reg.VecVirtual) {
	z = YMM()
	VMULPS(single(1.44269504088896341), x, z)
	VADDPS(single(0x1.8p23), z, z)
	n, r, t := YMM(), YMM(), YMM()
	VSUBPS(single(0x1.8p23), z, n)
	VMULPS(single(0.693359375), n, t)
	VSUBPS(t, x, r)
	VMULPS(single(-2.12194440e-4), n, t)
	VSUBPS(t, r, r)
	q := horner(r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
	VMULPS(r, r, t)
	VMULPS(t, q, q)
	VADDPS(r, q, q)
	return z, q
}

// pow2 is 2^k·factor from the low bits of an integer or of roundShift32 + k.
func pow2(k reg.VecVirtual, factor float32) reg.VecVirtual {
	s := YMM()
	VPSLLD(operand.U8(23), k, s)
	VPADDD(single(factor), s, s)
	return s
}

func exp32(x reg.VecVirtual) reg.VecVirtual { return expOf32(clamp32(x, -104, 89)) }

func expOf32(x reg.VecVirtual) reg.VecVirtual {
	z, y := expReduce32(x)
	VADDPS(single(1), y, y)
	VPSUBD(u32(0x4b400000), z, z)
	h := YMM()
	VPSRAD(operand.U8(1), z, h)
	VPSUBD(h, z, z)
	VMULPS(pow2(h, 1), y, y)
	VMULPS(pow2(z, 1), y, y)
	return y
}

// expNegAbs32 is e^(−|x|).
func expNegAbs32(x reg.VecVirtual) reg.VecVirtual {
	a := YMM()
	VORPS(u32(1<<31), x, a)
	t := vec(single(-104))
	VMAXPS(a, t, a)
	return expOf32(a)
}

// blend is b where the sign bit of mask is set, a elsewhere.
func blend(mask, a, b reg.VecVirtual) reg.VecVirtual {
	v := YMM()
	VBLENDVPS(mask, b, a, v)
	return v
}

func (e elem) where(pred int, x reg.VecVirtual, c operand.Op) reg.VecVirtual {
	m := YMM()
	e.cmp(pred, c, x, m)
	return m
}

const (
	eq = 0x00
	lt = 0x11 // ordered, quiet
	ge = 0x1d
)

func abs32(x reg.VecVirtual) reg.VecVirtual {
	a := YMM()
	VANDPS(u32(1<<31-1), x, a)
	return a
}

// small returns y, or x where |x| < 2⁻²⁴.
func small(x, y reg.VecVirtual) reg.VecVirtual {
	return blend(eight.where(lt, abs32(x), single(0x1p-24)), y, x)
}

func expm132(x reg.VecVirtual) reg.VecVirtual {
	z, p := expReduce32(clamp32(x, -18, 89))
	s := pow2(z, 0.5)
	VMULPS(s, p, p)
	VSUBPS(single(0.5), s, s)
	VADDPS(s, p, p)
	VADDPS(p, p, p)
	return small(x, p)
}

func tanh32(x reg.VecVirtual) reg.VecVirtual {
	a := YMM()
	VORPS(u32(1<<31), x, a)
	VADDPS(a, a, a)
	t := vec(single(-20))
	VMAXPS(a, t, a)
	z, q := expReduce32(a)
	s := pow2(z, 1)
	VMULPS(s, q, q)
	whole, num, d := vec(single(1)), YMM(), YMM()
	VSUBPS(s, whole, whole)
	VSUBPS(q, whole, num)
	VADDPS(q, s, s)
	VADDPS(single(1), s, d)
	VSUBPS(single(1), d, t)
	VSUBPS(t, s, s)
	VMULPS(num, s, s)
	VADDPS(residual32(s, d), q, q)
	VSUBPS(q, whole, q)
	VDIVPS(d, q, q)
	q = abs32(q)
	sign := YMM()
	VANDPS(u32(1<<31), x, sign)
	VORPS(sign, q, q)
	return q
}

func sigmoid32(x reg.VecVirtual) reg.VecVirtual {
	e := expNegAbs32(x)
	return overOnePlus32(blend(x, vec(single(1)), e), e)
}

func overOnePlus32(num, e reg.VecVirtual) reg.VecVirtual {
	d, c := YMM(), YMM()
	VADDPS(single(1), e, d)
	VSUBPS(single(1), d, c)
	VSUBPS(c, e, c)
	y := YMM()
	VDIVPS(d, num, y)
	VMULPS(y, c, c)
	VSUBPS(residual32(c, d), y, y)
	return y
}

func residual32(c, d reg.VecVirtual) reg.VecVirtual {
	t, r := YMM(), vec(single(1.457))
	VMULPS(single(0.5), d, t)
	VSUBPS(t, r, r)
	VMULPS(r, c, r)
	return r
}

func softplus32(x reg.VecVirtual) reg.VecVirtual {
	e := expNegAbs32(x)
	u, w := YMM(), YMM()
	VADDPS(single(1), e, u)
	VSUBPS(single(1), u, w)
	VSUBPS(w, e, e)
	l := logOf32(u, e, false)
	zero := eight.zero()
	VMAXPS(x, zero, zero)
	VADDPS(zero, l, l)
	return l
}

// logReduce32 returns the integer exponent, times 2²³, and m − 1.
func logReduce32(u reg.VecVirtual) (i, f reg.VecVirtual) {
	i, f = YMM(), YMM()
	VPSUBD(u32(0x3f3504f3), u, i)
	VPAND(u32(0x7fffff), i, f)
	VPADDD(u32(0x3f3504f3), f, f)
	VSUBPS(single(1), f, f)
	return i, f
}

func exponent(i reg.VecVirtual) reg.VecVirtual {
	e := YMM()
	VPSRAD(operand.U8(23), i, e)
	VCVTDQ2PS(e, e)
	return e
}

func logOf32(u, c reg.VecVirtual, large bool) reg.VecVirtual {
	i, f := logReduce32(u)
	s, t := YMM(), YMM()
	VPAND(u32(0xff800000), i, t)
	VMOVUPS(single(1), s)
	VPSUBD(t, s, s)
	VMULPS(c, s, s)
	if large {
		VANDPS(eight.where(lt, u, single(0x1p30)), s, s)
	}
	VADDPS(s, f, f)
	return logSum32(exponent(i), f)
}

func logSum32(e, f reg.VecVirtual) reg.VecVirtual {
	f2, t := YMM(), YMM()
	VMULPS(f, f, f2)
	y := horner(f, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
		-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
	VMULPS(f, y, y)
	VMULPS(f2, y, y)
	VMULPS(single(-2.12194440e-4), e, t)
	VADDPS(t, y, y)
	VMULPS(single(0.5), f2, f2)
	VSUBPS(f2, y, y)
	VADDPS(f, y, y)
	VMULPS(single(0.693359375), e, t)
	VADDPS(t, y, y)
	return y
}

func log32(x reg.VecVirtual) reg.VecVirtual {
	sub := eight.where(lt, x, single(0x1p-126))
	up := YMM()
	VMULPS(single(0x1p23), x, up)
	i, f := logReduce32(blend(sub, x, up))
	e := exponent(i)
	VANDPS(single(23), sub, sub)
	VSUBPS(sub, e, e)
	y := logSum32(e, f)
	return outsideLog(x, y, 0)
}

// outsideLog puts right y where x is not between pole and +Inf.
func outsideLog(x, y reg.VecVirtual, pole float32) reg.VecVirtual {
	bad := YMM()
	VCMPPS(operand.U8(ge), single(pole), x, bad)
	nan := vec(u32(0x7fc00000))
	y = blend(bad, nan, y) // also where x is NaN
	y = blend(eight.where(eq, x, single(pole)), y, vec(u32(0xff800000)))
	return blend(eight.where(eq, x, u32(0x7f800000)), y, x)
}

func log1p32(x reg.VecVirtual) reg.VecVirtual {
	u, w, c, t := YMM(), YMM(), YMM(), YMM()
	VADDPS(single(1), x, u)
	VSUBPS(single(1), u, w)
	VSUBPS(w, u, t)
	VMOVUPS(single(1), c)
	VSUBPS(t, c, c)
	VSUBPS(w, x, t)
	VADDPS(t, c, c)
	return outsideLog(x, small(x, logOf32(u, c, true)), -1)
}
