package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (e elem) square() {
	e.text("square", "dst, x *"+e.typ()+", count int", "")
	dst, x, n := ptr("dst"), ptr("x"), ptr("count")
	e.each("", n, func(e elem, at func(reg.GPVirtual) operand.Mem) {
		v := e.load(at(x))
		e.mul(v, v, v)
		e.store(v, at(dst))
	})
	end()
}

func (e elem) product() {
	e.text("product", "dst, x, y *"+e.typ()+", count int", "")
	dst, x, y, n := ptr("dst"), ptr("x"), ptr("y"), ptr("count")
	e.each("", n, func(e elem, at func(reg.GPVirtual) operand.Mem) {
		v := e.load(at(x))
		e.mul(at(y), v, v)
		e.store(v, at(dst))
	})
	end()
}

func (e elem) accumulate() {
	e.text("accumulate", "grad, x *"+e.typ()+", count int, c "+e.typ(), "")
	g, x, n := ptr("grad"), ptr("x"), ptr("count")
	c := e.param("c")
	e.each("", n, func(e elem, at func(reg.GPVirtual) operand.Mem) {
		v := e.load(at(x))
		e.mul(c, v, v)
		e.add(at(g), v, v)
		e.store(v, at(g))
	})
	end()
}

func (e elem) accumulateProduct() {
	e.text("accumulateProduct", "grad, q, x, y *"+e.typ()+", count int, c "+e.typ(), "")
	g, q, x, y, n := ptr("grad"), ptr("q"), ptr("x"), ptr("y"), ptr("count")
	c := e.param("c")
	e.each("", n, func(e elem, at func(reg.GPVirtual) operand.Mem) {
		v := e.load(at(x))
		p := YMM()
		e.mul(at(y), v, p)
		e.mul(c, v, v)
		e.add(at(g), v, v)
		e.store(v, at(g))
		e.mul(c, p, p)
		e.add(at(q), p, p)
		e.store(p, at(q))
	})
	end()
}

// addRow adds b to every row of z, and takes the positive part.
func (e elem) addRow(relu bool) {
	name := "addRow"
	if relu {
		name = "addRowReLU"
	}
	e.text(name, "z, b *"+e.typ()+", cols, rows int", "")
	z, b, cols, rows := ptr("z"), ptr("b"), ptr("cols"), ptr("rows")
	zero := e.zero()
	Label("row")
	e.each("", cols, func(e elem, at func(reg.GPVirtual) operand.Mem) {
		v := e.load(at(b))
		e.add(at(z), v, v)
		if relu {
			e.max(v, zero, v) // NaN stays
		}
		e.store(v, at(z))
	})
	LEAQ(operand.Mem{Base: z, Index: cols, Scale: uint8(e.size())}, z)
	DECQ(rows)
	JNZ(operand.LabelRef("row"))
	end()
}

func (e elem) maskPositive() {
	e.text("maskPositive", "dz, y *"+e.typ()+", count int", "")
	dz, y, n := ptr("dz"), ptr("y"), ptr("count")
	zero := e.zero()
	e.each("", n, func(e elem, at func(reg.GPVirtual) operand.Mem) {
		v := e.load(at(y))
		e.cmp(gt, zero, v, v)
		d := e.load(at(dz))
		e.and(v, d, d)
		e.store(d, at(dz))
	})
	end()
}

// addSumRows adds alpha times every row of z to dst.
func (e elem) addSumRows() {
	e.text("addSumRows", "dst, z *"+e.typ()+", cols, rows int, alpha "+e.typ(), "")
	dst, z, cols, rows := ptr("dst"), ptr("z"), ptr("cols"), ptr("rows")
	alpha := e.param("alpha")
	step := GP64()
	MOVQ(cols, step)
	IMUL3Q(operand.U8(e.size()), step, step)
	label := 0
	e.each("", cols, func(e elem, at func(reg.GPVirtual) operand.Mem) {
		sum := e.load(at(dst))
		p, left := GP64(), GP64()
		LEAQ(at(z), p)
		MOVQ(rows, left)
		name := "column" + string(rune('0'+label))
		label++
		Label(name)
		v := e.load(operand.Mem{Base: p})
		e.mul(alpha, v, v)
		e.add(v, sum, sum)
		ADDQ(step, p)
		DECQ(left)
		JNZ(operand.LabelRef(name))
		e.store(sum, at(dst))
	})
	end()
}
