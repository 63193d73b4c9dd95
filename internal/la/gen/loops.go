package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The loops of optimisers and of rows of matrices, with AVX2. Every line of a body
// is one rounded operation of the Go loop of the same name, so that the bits agree.
func init() {
	kernels["loops"] = func() {
		tag = "Loops"
		for _, t := range []elem{{double: true}, {}} {
			t.perturb()
			t.stepRoot()
			t.stepNewton()
			t.stepIVON()
			t.stepAdam()
			t.square()
			t.product()
			t.accumulate()
			t.accumulateProduct()
			t.addRow(false)
			t.addRow(true)
			t.maskPositive()
			t.addSumRows()
		}
	}
}

// elem is an element type and whether an instruction takes one or a vector of them.
type elem struct{ double, scalar bool }

func (e elem) suffix() string {
	if e.double {
		return "64AVX2"
	}
	return "32AVX2"
}

func (e elem) typ() string {
	if e.double {
		return "float64"
	}
	return "float32"
}

func (e elem) size() int {
	if e.double {
		return 8
	}
	return 4
}

type ins = func(...operand.Op)

// choose is the form of an instruction: packed double, packed single, scalar
// double, scalar single.
func (e elem) choose(pd, ps, sd, ss ins) ins {
	switch {
	case e.double && !e.scalar:
		return pd
	case !e.scalar:
		return ps
	case e.double:
		return sd
	}
	return ss
}

// reg is the register at the vectors of the instruction.
func (e elem) reg(o operand.Op) operand.Op {
	if v, ok := o.(reg.VecVirtual); ok && e.scalar {
		return v.AsX()
	}
	return o
}

func (e elem) do(f ins, a, b operand.Op, dst reg.VecVirtual) {
	f(e.reg(a), e.reg(b), e.reg(dst))
}

// In all of these dst = b ∘ a, as in Go's assembly.
func (e elem) add(a, b operand.Op, dst reg.VecVirtual) {
	e.do(e.choose(VADDPD, VADDPS, VADDSD, VADDSS), a, b, dst)
}
func (e elem) sub(a, b operand.Op, dst reg.VecVirtual) {
	e.do(e.choose(VSUBPD, VSUBPS, VSUBSD, VSUBSS), a, b, dst)
}
func (e elem) mul(a, b operand.Op, dst reg.VecVirtual) {
	e.do(e.choose(VMULPD, VMULPS, VMULSD, VMULSS), a, b, dst)
}
func (e elem) div(a, b operand.Op, dst reg.VecVirtual) {
	e.do(e.choose(VDIVPD, VDIVPS, VDIVSD, VDIVSS), a, b, dst)
}

// max and min give a where a number is NaN.
func (e elem) max(a, b operand.Op, dst reg.VecVirtual) {
	e.do(e.choose(VMAXPD, VMAXPS, VMAXSD, VMAXSS), a, b, dst)
}
func (e elem) min(a, b operand.Op, dst reg.VecVirtual) {
	e.do(e.choose(VMINPD, VMINPS, VMINSD, VMINSS), a, b, dst)
}
func (e elem) and(a, b operand.Op, dst reg.VecVirtual) {
	e.do(e.choose(VANDPD, VANDPS, VANDPD, VANDPS), a, b, dst)
}
func (e elem) or(a, b operand.Op, dst reg.VecVirtual) {
	e.do(e.choose(VORPD, VORPS, VORPD, VORPS), a, b, dst)
}
func (e elem) xor(a, b operand.Op, dst reg.VecVirtual) {
	e.do(e.choose(VXORPD, VXORPS, VXORPD, VXORPS), a, b, dst)
}

// cmp is dst = b (predicate) a, ones or zeros.
func (e elem) cmp(pred int, a, b operand.Op, dst reg.VecVirtual) {
	e.choose(VCMPPD, VCMPPS, VCMPSD, VCMPSS)(operand.U8(pred), e.reg(a), e.reg(b), e.reg(dst))
}

const (
	gt  = 0x1e // ordered, quiet
	ngt = 0x1a // not greater, or unordered
)

func (e elem) sqrt(a, dst reg.VecVirtual) {
	if e.scalar {
		e.choose(nil, nil, VSQRTSD, VSQRTSS)(a.AsX(), a.AsX(), dst.AsX())
		return
	}
	e.choose(VSQRTPD, VSQRTPS, nil, nil)(a, dst)
}

func (e elem) load(m operand.Mem) reg.VecVirtual {
	v := YMM()
	e.choose(VMOVUPD, VMOVUPS, VMOVSD, VMOVSS)(m, e.reg(v))
	return v
}

func (e elem) store(v reg.VecVirtual, m operand.Mem) {
	e.choose(VMOVUPD, VMOVUPS, VMOVSD, VMOVSS)(e.reg(v), m)
}

func (e elem) constant(v float64) operand.Mem {
	if e.double {
		return double(v)
	}
	return single(float32(v))
}

// broadcast fills a vector with the number at m.
func (e elem) broadcast(m operand.Mem) reg.VecVirtual {
	v := YMM()
	if e.double {
		VBROADCASTSD(m, v)
	} else {
		VBROADCASTSS(m, v)
	}
	return v
}

func (e elem) zero() reg.VecVirtual {
	z := YMM()
	VXORPS(z, z, z)
	return z
}

// each runs body over n elements: full vectors first, then one at a time. at
// gives the memory of the present element of a slice.
func (e elem) each(name string, n reg.GPVirtual, body func(e elem, at func(base reg.GPVirtual) operand.Mem)) {
	i, left := GP64(), GP64()
	lanes := 32 / e.size()
	XORQ(i, i)
	MOVQ(n, left)
	at := func(base reg.GPVirtual) operand.Mem {
		return operand.Mem{Base: base, Index: i, Scale: uint8(e.size())}
	}
	CMPQ(left, operand.U8(lanes))
	JLT(operand.LabelRef(name + "one"))
	Label(name + "vector")
	body(e, at)
	ADDQ(operand.U8(lanes), i)
	SUBQ(operand.U8(lanes), left)
	CMPQ(left, operand.U8(lanes))
	JGE(operand.LabelRef(name + "vector"))
	Label(name + "one")
	TESTQ(left, left)
	JZ(operand.LabelRef(name + "end"))
	Label(name + "single")
	e.scalar = true
	body(e, at)
	INCQ(i)
	DECQ(left)
	JNZ(operand.LabelRef(name + "single"))
	Label(name + "end")
}

func (e elem) text(name, args, result string) {
	TEXT(name+e.suffix(), NOSPLIT, "func("+args+")"+result)
	Pragma("noescape")
	Doc(name + e.suffix() + " is " + name + " of the portable loops.")
}

func ptr(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

func (e elem) perturb() {
	e.text("perturb", "w, eps, mu, s *"+e.typ()+", count int, n, lam "+e.typ(), "")
	w, eps, mu, s, count := ptr("w"), ptr("eps"), ptr("mu"), ptr("s"), ptr("count")
	n, lam := e.param("n"), e.param("lam")
	e.each("", count, func(e elem, at func(reg.GPVirtual) operand.Mem) {
		p := e.load(at(s))
		e.mul(n, p, p)
		e.add(lam, p, p)
		e.sqrt(p, p)
		d := e.load(at(eps))
		e.div(p, d, d)
		e.store(d, at(eps))
		e.add(at(mu), d, d)
		e.store(d, at(w))
	})
	end()
}

func end() {
	VZEROUPPER()
	RET()
}

// param is a number of the arguments in all lanes.
func (e elem) param(name string) reg.VecVirtual {
	x := Load(Param(name), XMM()).(reg.VecVirtual)
	v := YMM()
	if e.double {
		VBROADCASTSD(x, v)
	} else {
		VBROADCASTSS(x, v)
	}
	return v
}

// step opens a function over eight slices with an array of coefficients; names
// are their places.
func (e elem) step(name, slices, result string, names ...string) (map[string]reg.GPVirtual, map[string]reg.VecVirtual) {
	e.text(name, slices+" *"+e.typ()+", count int, c *"+e.typ(), result)
	p := map[string]reg.GPVirtual{}
	for _, s := range []string{"mu1", "s1", "m1", "mu", "s", "m", "grad", "q"} {
		if s == "q" && name == "stepAdam" {
			continue
		}
		p[s] = ptr(s)
	}
	p["n"] = ptr("count")
	c := ptr("c")
	p["c"] = c
	k := map[string]reg.VecVirtual{}
	for i, n := range names {
		if n == "" {
			continue
		}
		k[n] = e.broadcast(operand.Mem{Base: c, Disp: i * e.size()})
	}
	return p, k
}

const stepSlices = "mu1, s1, m1, mu, s, m, grad, q"

// bad adds (x+u+v)·0 to the sum that ends as 0 or NaN.
func (e elem) bad(sum, x, u, v reg.VecVirtual) {
	t := YMM()
	e.add(u, x, t)
	e.add(v, t, t)
	e.sumBad(sum, t)
}

// sumBad adds t·0. A single number must not clear the other lanes of sum.
func (e elem) sumBad(sum, t reg.VecVirtual) {
	e.mul(e.constant(0), t, t)
	e.add(t, sum, sum)
}

// fold folds the upper lanes into the lowest before single numbers are added,
// which zero the upper half of a register.
func (e elem) fold(sum reg.VecVirtual) {
	h := YMM()
	VEXTRACTF128(operand.U8(1), sum, h.AsX())
	if e.double {
		VADDPD(h.AsX(), sum.AsX(), sum.AsX())
		VHADDPD(sum.AsX(), sum.AsX(), sum.AsX())
		Store(sum.AsX(), ReturnIndex(0))
		return
	}
	VADDPS(h.AsX(), sum.AsX(), sum.AsX())
	VHADDPS(sum.AsX(), sum.AsX(), sum.AsX())
	VHADDPS(sum.AsX(), sum.AsX(), sum.AsX())
	Store(sum.AsX(), ReturnIndex(0))
}

// tally is the two sums of a step: of vectors, and of single numbers.
type tally struct{ many, one reg.VecVirtual }

func (e elem) tally() tally { return tally{e.zero(), e.zero()} }
func (t tally) of(e elem) reg.VecVirtual {
	if e.scalar {
		return t.one
	}
	return t.many
}

func (e elem) close(t tally) {
	// the lanes above the first of one are zero
	e.add(t.one, t.many, t.many)
	e.fold(t.many)
	end()
}

func (e elem) stepRoot() {
	p, k := e.step("stepRoot", stepSlices, " "+e.typ(), "momentum", "prior", "rho", "decay", "rate", "corrected", "offset", "damp")
	sum := e.tally()
	e.each("", p["n"], func(e elem, at func(reg.GPVirtual) operand.Mem) {
		x := e.load(at(p["mu"]))
		v := e.load(at(p["m"]))
		t := YMM()
		e.mul(k["prior"], x, t)
		e.add(at(p["grad"]), t, t)
		e.sub(v, t, t)
		e.mul(k["momentum"], t, t)
		e.add(t, v, v)
		u := e.load(at(p["s"]))
		e.mul(k["decay"], u, t)
		d := e.load(at(p["q"]))
		e.sub(t, d, d)
		e.mul(k["rho"], d, d)
		e.add(d, u, u)
		e.mul(k["corrected"], u, d)
		e.sub(k["offset"], d, d)
		e.xor(t, t, t)
		e.max(d, t, d)
		e.sqrt(d, d)
		e.add(k["damp"], d, d)
		e.mul(k["rate"], v, t)
		e.div(d, t, t)
		e.sub(t, x, x)
		e.store(x, at(p["mu1"]))
		e.store(u, at(p["s1"]))
		e.store(v, at(p["m1"]))
		e.bad(sum.of(e), x, u, v)
	})
	e.close(sum)
}

func (e elem) stepNewton() {
	p, k := e.step("stepNewton", stepSlices, " "+e.typ(), "momentum", "prior", "rho", "decay", "rate", "shift", "fresh", "stale")
	sum := e.tally()
	e.each("", p["n"], func(e elem, at func(reg.GPVirtual) operand.Mem) {
		x := e.load(at(p["mu"]))
		v := e.load(at(p["m"]))
		t := YMM()
		e.mul(k["prior"], x, t)
		e.add(at(p["grad"]), t, t)
		e.sub(v, t, t)
		e.mul(k["momentum"], t, t)
		e.add(t, v, v)
		old := e.load(at(p["s"]))
		u := e.load(at(p["q"]))
		e.add(k["shift"], u, u)
		e.mul(k["decay"], old, t)
		e.sub(t, u, u)
		e.mul(k["rho"], u, u)
		e.add(u, old, u)
		e.add(k["prior"], u, t)
		z := YMM()
		e.xor(z, z, z)
		e.cmp(ngt, z, t, t) // not u + prior > 0: NaN
		e.add(t, sum.of(e), sum.of(e))
		e.mul(k["fresh"], u, t)
		e.mul(k["stale"], old, old)
		e.add(old, t, t)
		e.add(k["prior"], t, t)
		e.mul(k["rate"], v, z)
		e.div(t, z, z)
		e.sub(z, x, x)
		e.store(x, at(p["mu1"]))
		e.store(u, at(p["s1"]))
		e.store(v, at(p["m1"]))
		e.bad(sum.of(e), x, u, v)
	})
	e.close(sum)
}

func (e elem) stepIVON() {
	p, k := e.step("stepIVON", stepSlices, " (bad "+e.typ()+", clipped int)", "", "prior", "", "", "", "", "debias", "clip")
	// too few registers for all coefficients: these are read again
	again := func(i int) reg.VecVirtual { return e.broadcast(operand.Mem{Base: p["c"], Disp: i * e.size()}) }
	sum := e.tally()
	clipped, bits := GP64(), GP64()
	XORQ(clipped, clipped)
	e.each("", p["n"], func(e elem, at func(reg.GPVirtual) operand.Mem) {
		v := e.load(at(p["m"]))
		t := e.load(at(p["grad"]))
		e.sub(v, t, t)
		e.mul(again(0), t, t)
		e.add(t, v, v)
		h := e.load(at(p["s"]))
		r := YMM()
		e.mul(again(4), h, r)
		e.add(again(5), r, r)
		e.mul(at(p["q"]), r, r)
		e.sub(h, r, r)
		e.mul(again(2), r, r)
		u := YMM()
		e.add(r, h, u)
		e.mul(e.constant(0.5), r, t)
		e.mul(r, t, t)
		e.add(k["prior"], h, h)
		e.div(h, t, t)
		e.add(t, u, u)
		e.add(k["prior"], u, h)
		e.xor(r, r, r)
		e.cmp(ngt, r, h, t) // not u + d > 0: NaN
		e.add(t, sum.of(e), sum.of(e))
		x := e.load(at(p["mu"]))
		dx := YMM()
		e.mul(k["debias"], v, dx)
		e.mul(k["prior"], x, t)
		e.add(t, dx, dx)
		e.div(h, dx, dx)
		e.bad(sum.of(e), dx, u, v)
		// clip
		lo := h
		e.sub(k["clip"], r, lo) // −clip; r is 0
		over, under := t, r
		e.cmp(gt, k["clip"], dx, over)
		e.cmp(gt, dx, lo, under)
		e.or(under, over, over)
		switch {
		case e.double:
			VMOVMSKPD(over, bits.As32())
		default:
			VMOVMSKPS(over, bits.As32())
		}
		if e.scalar {
			ANDL(operand.U8(1), bits.As32())
		}
		POPCNTL(bits.As32(), bits.As32())
		ADDQ(bits, clipped)
		e.min(dx, k["clip"], dx)
		e.max(dx, lo, dx)
		e.mul(again(3), dx, dx)
		e.sub(dx, x, x)
		e.store(x, at(p["mu1"]))
		e.store(u, at(p["s1"]))
		e.store(v, at(p["m1"]))
		e.sumBad(sum.of(e), x)
	})
	Store(clipped, ReturnIndex(1))
	e.close(sum)
}

func (e elem) stepAdam() {
	p, k := e.step("stepAdam", "mu1, s1, m1, mu, s, m, grad", " "+e.typ(), "momentum", "prior", "rho", "rate", "corrected", "damp")
	sum := e.tally()
	e.each("", p["n"], func(e elem, at func(reg.GPVirtual) operand.Mem) {
		x := e.load(at(p["mu"]))
		g := YMM()
		e.mul(k["prior"], x, g)
		e.add(at(p["grad"]), g, g)
		v := e.load(at(p["m"]))
		t := YMM()
		e.sub(v, g, t)
		e.mul(k["momentum"], t, t)
		e.add(t, v, v)
		u := e.load(at(p["s"]))
		e.mul(g, g, g)
		e.sub(u, g, g)
		e.mul(k["rho"], g, g)
		e.add(g, u, u)
		e.mul(k["corrected"], u, t)
		e.sqrt(t, t)
		e.add(k["damp"], t, t)
		e.mul(k["rate"], v, g)
		e.div(t, g, g)
		e.sub(g, x, x)
		e.store(x, at(p["mu1"]))
		e.store(u, at(p["s1"]))
		e.store(v, at(p["m1"]))
		e.bad(sum.of(e), x, u, v)
	})
	e.close(sum)
}
