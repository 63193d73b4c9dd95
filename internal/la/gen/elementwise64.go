package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Elementary functions in double precision, with AVX2 and the tables of package la.
// Every line of a body is one rounded operation of the Go loop, so that the bits
// agree; GOAMD64=v3 lets the compiler fuse operations of those loops, hence the
// constraint.
func init() {
	kernels["elementwise64"] = func() {
		tag = "Elementwise64"
		ConstraintExpr("!amd64.v3")
		fours("expm1Fours", "expTab", expm164)
		fours("tanhFours", "expTab", tanh64)
		fours("logFours", "logTab", log64)
		fours("log1pFours", "logTab", log1p64)
		logistic64("sigmoidOfFours", "", sigmoidOf64)
		logistic64("softplusOfFours", "log1pTab", softplusOf64)
	}
}

// four are vectors of four.
var four = elem{double: true}

// table is a table of package la in memory.
type table struct{ base reg.GPVirtual }

func open(name string) table {
	t := table{GP64()}
	if name != "" {
		LEAQ(operand.NewDataAddr(operand.Symbol{Name: "·" + name}, 0), t.base)
	}
	return t
}

// fours builds a loop that stops before four elements of which one is not ok, and
// returns how many it did. body returns the mask of those that are, and a function
// that builds the rest.
func fours(name, tab string, body func(t table, x reg.VecVirtual) (ok reg.VecVirtual, rest func() reg.VecVirtual)) {
	TEXT(name+"AVX2", NOSPLIT, "func(dst, x *float64, n int) int")
	Pragma("noescape")
	Doc(name + "AVX2 needs n divisible by 4; it stops before four elements of which one is far.")
	dst, x, n := ptr("dst"), ptr("x"), ptr("n")
	t := open(tab)
	i, mask := GP64(), GP64()
	XORQ(i, i)
	JMP(operand.LabelRef("test"))
	Label("four")
	ok, rest := body(t, four.load(operand.Mem{Base: x, Index: i, Scale: 8}))
	VMOVMSKPD(ok, mask.As32())
	CMPL(mask.As32(), operand.U8(15))
	JNE(operand.LabelRef("done"))
	four.store(rest(), operand.Mem{Base: dst, Index: i, Scale: 8})
	ADDQ(operand.U8(4), i)
	Label("test")
	CMPQ(i, n)
	JLT(operand.LabelRef("four"))
	Label("done")
	VZEROUPPER()
	Store(i, ReturnIndex(0))
	RET()
}

// logistic64 builds dst = body(x, exp(−|x|)) for n divisible by 4.
func logistic64(name, tab string, body func(t table, x, e reg.VecVirtual) reg.VecVirtual) {
	TEXT(name+"AVX2", NOSPLIT, "func(dst, x, e *float64, n int)")
	Pragma("noescape")
	Doc(name + "AVX2 needs n divisible by 4; e is exp(−|x|).")
	dst, x, e, n := ptr("dst"), ptr("x"), ptr("e"), ptr("n")
	t := open(tab)
	i := GP64()
	XORQ(i, i)
	JMP(operand.LabelRef("test"))
	Label("four")
	at := func(p reg.GPVirtual) operand.Mem { return operand.Mem{Base: p, Index: i, Scale: 8} }
	four.store(body(t, four.load(at(x)), four.load(at(e))), at(dst))
	ADDQ(operand.U8(4), i)
	Label("test")
	CMPQ(i, n)
	JLT(operand.LabelRef("four"))
	end()
}

// lookup returns two neighbouring numbers of a table from the byte offsets in
// off: four scalar loads, which are no slower than gathers and often faster.
func (t table) lookup(off reg.VecVirtual) (index [4]reg.GPVirtual, first, second reg.VecVirtual) {
	high := XMM()
	VEXTRACTI128(operand.U8(1), off, high)
	for j := range index {
		index[j] = GP64()
		from := off.AsX()
		if j >= 2 {
			from = high
		}
		if j%2 == 0 {
			VMOVQ(from, index[j])
		} else {
			VPEXTRQ(operand.U8(1), from, index[j])
		}
	}
	at := func(j int) operand.Mem { return operand.Mem{Base: t.base, Index: index[j], Scale: 1} }
	a, b := YMM(), YMM()
	VMOVUPD(at(0), a.AsX())
	VINSERTF128(operand.U8(1), at(2), a, a)
	VMOVUPD(at(1), b.AsX())
	VINSERTF128(operand.U8(1), at(3), b, b)
	first, second = YMM(), YMM()
	VUNPCKLPD(b, a, first)
	VUNPCKHPD(b, a, second)
	return index, first, second
}

// third returns the numbers 16 bytes behind the first.
func (t table) third(index [4]reg.GPVirtual) reg.VecVirtual {
	at := func(j int) operand.Mem { return operand.Mem{Base: t.base, Index: index[j], Scale: 1, Disp: 16} }
	a, b := YMM(), XMM()
	VMOVSD(at(0), a.AsX())
	VMOVHPD(at(1), a.AsX(), a.AsX())
	VMOVSD(at(2), b)
	VMOVHPD(at(3), b, b)
	VINSERTF128(operand.U8(1), b, a, a)
	return a
}

func abs64(x reg.VecVirtual) reg.VecVirtual {
	a := YMM()
	VANDPD(u64(1<<63-1), x, a)
	return a
}

// between is lo < a < hi.
func between(lo float64, a reg.VecVirtual, hi float64) reg.VecVirtual {
	ok := four.where(lt, a, double(hi))
	VANDPD(four.where(gt, a, double(lo)), ok, ok)
	return ok
}

// times, plus and minus are fresh registers.
func times(a operand.Op, b reg.VecVirtual) reg.VecVirtual {
	v := YMM()
	VMULPD(a, b, v)
	return v
}

func plus(a operand.Op, b reg.VecVirtual) reg.VecVirtual {
	v := YMM()
	VADDPD(a, b, v)
	return v
}

// minus is a − b.
func minus(a reg.VecVirtual, b operand.Op) reg.VecVirtual {
	v := YMM()
	VSUBPD(b, a, v)
	return v
}

func vec64(v float64) reg.VecVirtual { return vec(double(v)) }

// expSP64 is expPoly of expReduce.
func expSP64(t table, x reg.VecVirtual) (s, p reg.VecVirtual) {
	const ln2HiN, ln2LoN, invLn2N = 0x1.62e42ffp-08, -0x1.718432a1b0e26p-42, 0x1.71547652b82fep+07
	z := times(double(invLn2N), x)
	VADDPD(double(0x1.8p52), z, z)
	n := minus(z, double(0x1.8p52))
	r := minus(x, times(double(ln2HiN), n))
	VSUBPD(times(double(ln2LoN), n), r, r)
	cell := YMM()
	VPAND(u64(127), z, cell)
	VPSUBQ(cell, z, z)
	VPSLLQ(operand.U8(45), z, z)
	VPSLLQ(operand.U8(4), cell, cell)
	_, s, p = t.lookup(cell)
	VPADDQ(z, s, s)
	VADDPD(r, p, p)
	r2 := times(r, r)
	a := times(double(1./120), r)
	VADDPD(double(1./24), a, a)
	VMULPD(r2, a, a)
	b := times(double(1./6), r)
	VADDPD(double(0.5), b, b)
	VADDPD(a, b, b)
	VMULPD(r2, b, b)
	VADDPD(b, p, p)
	return s, p
}

func expm164(t table, x reg.VecVirtual) (reg.VecVirtual, func() reg.VecVirtual) {
	return between(0x1p-54, abs64(x), 708), func() reg.VecVirtual {
		s, p := expSP64(t, x)
		VMULPD(s, p, p)
		return plus(p, minus(s, double(1)))
	}
}

func tanh64(t table, x reg.VecVirtual) (reg.VecVirtual, func() reg.VecVirtual) {
	a := abs64(x)
	return between(0x1p-54, a, 354), func() reg.VecVirtual {
		s, q := expSP64(t, times(double(-2), a))
		VMULPD(s, q, q)
		num := minus(vec64(1), s)
		VSUBPD(q, num, num)
		VADDPD(q, s, s)
		VADDPD(double(1), s, s)
		VDIVPD(s, num, num)
		sign := YMM()
		VANDPD(u64(1<<63), x, sign)
		VANDPD(u64(1<<63-1), num, num)
		VORPD(sign, num, num)
		return num
	}
}

const logLow = 0x3fe6 << 48

// cell64 returns b − logLow and the entry of logTab.
func cell64(t table, b reg.VecVirtual) (m, c, inv, log reg.VecVirtual) {
	m = YMM()
	VPSUBQ(u64(logLow), b, m)
	off, off3 := YMM(), YMM()
	VPSRLQ(operand.U8(44), m, off)
	VPAND(u64(255), off, off)
	VPSLLQ(operand.U8(3), off, off)
	VPADDQ(off, off, off3)
	VPADDQ(off, off3, off)
	index, c, inv := t.lookup(off)
	return m, c, inv, t.third(index)
}

// exponent64 is m>>52 in double precision: the upper halves hold it.
func exponent64(m reg.VecVirtual) reg.VecVirtual {
	k, high := YMM(), XMM()
	VEXTRACTI128(operand.U8(1), m, high)
	VSHUFPS(operand.U8(0xdd), high, m.AsX(), high)
	VPSRAD(operand.U8(20), high, high)
	VCVTDQ2PD(high, k)
	return k
}

// logSum64 is logSum.
func logSum64(k, logc, r reg.VecVirtual) reg.VecVirtual {
	const ln2Hi, ln2Lo = 0x1.62e42ffp-01, -0x1.718432a1b0e26p-35
	r2 := times(r, r)
	a := minus(vec64(1./6), times(double(1./7), r))
	VMULPD(r2, a, a)
	b := minus(vec64(0.25), times(double(1./5), r))
	VADDPD(a, b, b)
	VMULPD(r2, b, b)
	c := minus(vec64(0.5), times(double(1./3), r))
	VADDPD(b, c, c)
	VMULPD(r2, c, c)
	VSUBPD(times(double(ln2Lo), k), c, c)
	c = minus(r, c)
	h := times(double(ln2Hi), k)
	VADDPD(logc, h, h)
	return plus(c, h)
}

func log64(t table, x reg.VecVirtual) (reg.VecVirtual, func() reg.VecVirtual) {
	ok := four.where(ge, x, double(0x1p-1022))
	VANDPD(four.where(lt, x, u64(0x7ff<<52)), ok, ok)
	return ok, func() reg.VecVirtual {
		m, c, inv, log := cell64(t, x)
		e, z := YMM(), YMM()
		VPAND(u64(0xfff<<52), m, e)
		VPSUBQ(e, x, z)
		r := minus(z, c)
		VMULPD(inv, r, r)
		return logSum64(exponent64(m), log, r)
	}
}

func log1p64(t table, x reg.VecVirtual) (reg.VecVirtual, func() reg.VecVirtual) {
	ok := between(-1, x, 0x1p1000)
	VANDPD(four.where(ge, abs64(x), double(0x1p-54)), ok, ok)
	return ok, func() reg.VecVirtual {
		u := plus(double(1), x)
		w := minus(u, double(1))
		rest := minus(vec64(1), minus(u, w))
		VADDPD(minus(x, w), rest, rest)
		m, c, inv, log := cell64(t, u)
		e, z, scale := YMM(), YMM(), YMM()
		VPAND(u64(0xfff<<52), m, e)
		VPSUBQ(e, u, z)
		VMOVUPD(double(1), scale)
		VPSUBQ(e, scale, scale)
		r := minus(z, c)
		VADDPD(times(scale, rest), r, r)
		VMULPD(inv, r, r)
		return logSum64(exponent64(m), log, r)
	}
}

func sigmoidOf64(_ table, x, e reg.VecVirtual) reg.VecVirtual {
	num := YMM()
	VBLENDVPD(x, e, vec64(1), num)
	VDIVPD(plus(double(1), e), num, num)
	return num
}

// softplusOf64 is positivePart(x) + log1pUnit(e).
func softplusOf64(t table, x, e reg.VecVirtual) reg.VecVirtual {
	z := times(double(256), e)
	VADDPD(double(0x1.8p52), z, z)
	off := YMM()
	VPAND(u64(511), z, off)
	VPSLLQ(operand.U8(4), off, off)
	_, inv, log := t.lookup(off)
	VSUBPD(double(0x1.8p52), z, z)
	VMULPD(double(1./256), z, z)
	r := minus(e, z)
	VMULPD(inv, r, r)
	r2 := times(r, r)
	a := times(double(1./6), r2)
	b := minus(vec64(0.25), times(double(1./5), r))
	VADDPD(a, b, b)
	VMULPD(r2, b, b)
	c := minus(vec64(0.5), times(double(1./3), r))
	VADDPD(b, c, c)
	VMULPD(r2, c, c)
	l := minus(r, c)
	VADDPD(log, l, l)
	pos := YMM()
	VBLENDVPD(x, four.zero(), x, pos)
	return plus(pos, l)
}
