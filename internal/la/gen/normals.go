package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() {
	kernels["normals"] = func() {
		tag = "Normals"
		for _, w := range []vectors{ymm, zmm} {
			normals(w, false)
			normals(w, true)
		}
	}
}

// normals builds normalsState.block for all its lanes, double or single numbers.
// Lanes are independent: AVX2 does the lower eight for all blocks, then the others.
func normals(w vectors, wide bool) {
	name, typ, size := "normals32", "float32", 4
	if wide {
		name, typ, size = "normals64", "float64", 8
	}
	TEXT(name+w.suffix(), NOSPLIT, "func(dst *"+typ+", blocks int, s *uint32)")
	Pragma("noescape")
	Doc(name + w.suffix() + " writes blocks of 32 numbers.")
	start := Load(Param("dst"), GP64())
	blocks := Load(Param("blocks"), GP64())
	s := Load(Param("s"), GP64())
	for half := 0; half < 64/int(w); half++ {
		off := half * int(w)
		var st [4]reg.VecVirtual
		for k := range st {
			st[k] = w.vec()
			VMOVUPS(operand.Mem{Base: s, Disp: 64*k + off}, st[k])
		}
		dst, n := GP64(), GP64()
		MOVQ(start, dst)
		MOVQ(blocks, n)
		loop := "loop" + string(rune('0'+half))
		Label(loop)
		c, sn := w.normalPair(st)
		store := func(v reg.VecVirtual, place int) {
			if !wide {
				VMOVUPS(v, operand.Mem{Base: dst, Disp: place * 4})
				return
			}
			lo, hi := w.vec(), w.vec()
			if w == zmm {
				VCVTPS2PD(v.AsY(), lo)
				VEXTRACTF32X8(operand.U8(1), v, hi.AsY())
				VCVTPS2PD(hi.AsY(), hi)
			} else {
				VCVTPS2PD(v.AsX(), lo)
				VEXTRACTF128(operand.U8(1), v, hi.AsX())
				VCVTPS2PD(hi.AsX(), hi)
			}
			VMOVUPD(lo, operand.Mem{Base: dst, Disp: place * 8})
			VMOVUPD(hi, operand.Mem{Base: dst, Disp: place*8 + int(w)})
		}
		store(c, off/4)
		store(sn, 16+off/4)
		ADDQ(operand.U32(32*size), dst)
		DECQ(n)
		JNZ(operand.LabelRef(loop))
		for k := range st {
			VMOVUPS(st[k], operand.Mem{Base: s, Disp: 64*k + off})
		}
	}
	VZEROUPPER()
	RET()
}

func (w vectors) xor(a, b operand.Op, dst reg.VecVirtual) {
	if w == zmm {
		VPXORD(a, b, dst)
	} else {
		VPXOR(a, b, dst)
	}
}

func (w vectors) and(a, b operand.Op, dst reg.VecVirtual) {
	if w == zmm {
		VPANDD(a, b, dst)
	} else {
		VPAND(a, b, dst)
	}
}

func (w vectors) rotl(k int, v, dst reg.VecVirtual) {
	if w == zmm {
		VPROLD(operand.U8(k), v, dst)
		return
	}
	t := w.vec()
	VPSLLD(operand.U8(k), v, t)
	VPSRLD(operand.U8(32-k), v, dst)
	VPOR(t, dst, dst)
}

// next is normalState.next.
func (w vectors) next(st [4]reg.VecVirtual) reg.VecVirtual {
	r, t := w.vec(), w.vec()
	VPADDD(st[0], st[3], t)
	w.rotl(7, t, r)
	VPADDD(st[0], r, r)
	shifted := w.vec()
	VPSLLD(operand.U8(9), st[1], shifted)
	w.xor(st[2], st[0], st[2])
	w.xor(st[3], st[1], st[3])
	w.xor(st[1], st[2], st[1])
	w.xor(st[0], st[3], st[0])
	w.xor(st[2], shifted, st[2])
	w.rotl(11, st[3], st[3])
	return r
}

// normalPair is one step of the lanes; each line is one operation of block.
func (w vectors) normalPair(st [4]reg.VecVirtual) (cos, sin reg.VecVirtual) {
	a, b := w.next(st), w.next(st)
	// r = sqrt(−2 log u)
	u := a
	VPSRLD(operand.U8(1), a, u)
	VCVTDQ2PS(u, u)
	VADDPS(single(0.5), u, u)
	VMULPS(single(0x1p-31), u, u)
	i := u
	VPSUBD(u32(0x3f3504f3), u, i)
	e := w.vec()
	VPSRAD(operand.U8(23), i, e)
	VCVTDQ2PS(e, e)
	f := i
	w.and(u32(0x7fffff), i, f)
	VPADDD(u32(0x3f3504f3), f, f)
	VSUBPS(single(1), f, f)
	f2 := w.vec()
	VMULPS(f, f, f2)
	p := w.vec()
	VMULPS(single(7.0376836292e-2), f, p)
	for _, c := range []float32{-1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1} {
		VADDPS(single(c), p, p)
		VMULPS(f, p, p)
	}
	VADDPS(single(3.3333331174e-1), p, p)
	VMULPS(f, p, p)
	VMULPS(f2, p, p)
	VMULPS(single(0.5), f2, f2)
	VSUBPS(f2, p, p)
	VADDPS(f, p, p)
	VMULPS(single(6.9314718056e-1), e, e)
	VADDPS(e, p, p)
	VMULPS(single(-2), p, p)
	r := p
	VSQRTPS(p, r)
	// sin and cos
	x := w.vec()
	VPSLLD(operand.U8(2), b, x)
	VCVTDQ2PS(x, x)
	VMULPS(single(0x1p-32), x, x)
	VMULPS(single(1.5707963267948966), x, x)
	z := w.vec()
	VMULPS(x, x, z)
	q := w.vec()
	VMULPS(single(-1.9515295891e-4), z, q)
	VADDPS(single(8.3321608736e-3), q, q)
	VMULPS(z, q, q)
	VADDPS(single(-1.6666654611e-1), q, q)
	VMULPS(z, q, q)
	VMULPS(x, q, q)
	VADDPS(x, q, q)
	c := w.vec()
	VMULPS(single(2.443315711809948e-5), z, c)
	VADDPS(single(-1.388731625493765e-3), c, c)
	VMULPS(z, c, c)
	VADDPS(single(4.166664568298827e-2), c, c)
	VMULPS(z, c, c)
	VMULPS(z, c, c)
	VMULPS(single(0.5), z, z)
	VSUBPS(z, c, c)
	VADDPS(single(1), c, c)
	sign := z
	VPSLLD(operand.U8(1), b, sign)
	w.and(u32(1<<31), sign, sign)
	w.xor(sign, c, c)
	cos, sin = w.vec(), w.vec()
	if w == zmm {
		k := K()
		VPMOVD2M(b, k)
		VBLENDMPS(q, c, k, cos)
		VBLENDMPS(c, q, k, sin)
	} else {
		VBLENDVPS(b, q, c, cos)
		VBLENDVPS(b, c, q, sin)
	}
	VMULPS(r, cos, cos)
	VMULPS(r, sin, sin)
	return cos, sin
}
