package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { kernels["gemm"] = gemm }

// width is a vector width with the tile that its registers hold.
type width struct {
	name  string
	bytes int   // of a vector
	rows  []int // rows of a tile, for what is left of m
	vecs  int   // vectors of a tile along a row of C
	vec   func(i int) reg.Register
}

// float is an element type with its instructions.
type float struct {
	name, typ string
	shift     uint64 // log2 of the bytes
	fma       func(ops ...Op)
	mul       func(ops ...Op)
	load      func(ops ...Op)
	loadMask  func(src, mask, dst Op) // zeroing
	broadcast func(ops ...Op)
	maskMove  func(src, mask, dst Op) // AVX
}

var (
	avx512 = width{"AVX512", 64, []int{8, 4, 2, 1}, 3, func(i int) reg.Register {
		return []reg.VecPhysical{reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10,
			reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15, reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22,
			reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31}[i]
	}}
	avx2 = width{"AVX2", 32, []int{4, 2, 1}, 3, func(i int) reg.Register {
		return []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10,
			reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}[i]
	}}
	f64 = float{"64", "float64", 3, VFMADD231PD, VMULPD, VMOVUPD, VMOVUPD_Z, VBROADCASTSD, VMASKMOVPD}
	f32 = float{"32", "float32", 2, VFMADD231PS, VMULPS, VMOVUPS, VMOVUPS_Z, VBROADCASTSS, VMASKMOVPS}
)

func gemm() {
	maskTable()
	for _, f := range []float{f64, f32} {
		gemmTiles(f, avx512)
		gemmTiles(f, avx2)
		packTrans(f)
	}
}

// masks is the table for AVX's masked moves.
const masks = "gemmMasks"

// maskTable is a vector of ones and one of zeros: a load that begins r elements
// before the middle selects the first r.
func maskTable() {
	GLOBL(masks, RODATA|NOPTR)
	for i := range 8 {
		DATA(8*i, U64(^uint64(0)*uint64(1-i/4)))
	}
}

func param(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

func loaded(name string) reg.GPVirtual {
	r := GP64()
	MOVQ(param(name), r)
	return r
}

// tiles is what the blocks of a gemm function share.
type tiles struct {
	f             float
	w             width
	ars, acs, ldb reg.GPVirtual // bytes
	rs3, rs5, rs7 reg.GPVirtual // 3, 5 and 7·ars
	n, b, c       Mem           // what is left of the columns, and where they begin
	mask          reg.GPVirtual // AVX2: address of the mask of the last vector
	rowsA, rowsC  reg.GPVirtual // beginning of the present rows of A and of the tile of C
	m             reg.GPVirtual // rows left
	ldc           reg.GPVirtual
}

// gemmTiles writes C ← alpha·A·B (+ C if add): column tiles outside, so that a
// panel of B stays in the first-level cache, row tiles inside.
func gemmTiles(f float, w width) {
	t := &tiles{f: f, w: w}
	TEXT("gemm"+f.name+w.name, NOSPLIT, fmt.Sprintf(
		"func(m, n, k int, alpha %[1]s, a *%[1]s, ars, acs int, b *%[1]s, ldb int, c *%[1]s, ldc int, add bool)", f.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("gemm%s%s sets C to alpha·A·B, or adds it, by tiles in vectors of %d bytes.", f.name, w.name, w.bytes),
		"A has strides ars and acs, B and C have contiguous rows. m, n and k are positive.")
	lanes := w.bytes >> f.shift

	t.ars, t.acs, t.ldb = loaded("ars"), loaded("acs"), loaded("ldb")
	for _, r := range []reg.GPVirtual{t.ars, t.acs, t.ldb} {
		SHLQ(U8(f.shift), r)
	}
	t.rs3, t.rs5, t.rs7 = GP64(), GP64(), GP64()
	LEAQ(Mem{Base: t.ars, Index: t.ars, Scale: 2}, t.rs3)
	if w.rows[0] > 4 {
		LEAQ(Mem{Base: t.ars, Index: t.ars, Scale: 4}, t.rs5)
		LEAQ(Mem{Base: t.rs3, Index: t.ars, Scale: 4}, t.rs7)
	}
	// The columns' place lives in the arguments: the inner loops need the registers.
	t.n, t.b, t.c = param("n"), param("b"), param("c")
	t.mask, t.rowsA, t.rowsC, t.m, t.ldc = GP64(), GP64(), GP64(), GP64(), GP64()

	Label("columns")
	n := GP64()
	MOVQ(t.n, n)
	full := w.vecs * lanes
	CMPQ(n, U32(full))
	JLT(LabelRef("last"))
	if w.vecs == 3 {
		// Four vectors are two and two: a lone one would leave the multipliers
		// waiting for their own results.
		JEQ(LabelRef("full"))
		CMPQ(n, U32(4*lanes))
		JLE(LabelRef("masked2"))
	}
	t.panel("full", w.vecs, false)
	Label("last")
	for v := 1; v < w.vecs; v++ {
		CMPQ(n, U32(v*lanes))
		JLE(LabelRef(fmt.Sprintf("masked%d", v)))
	}
	for v := w.vecs; v > 0; v-- {
		t.panel(fmt.Sprintf("masked%d", v), v, true)
	}
	Label("done")
	VZEROUPPER()
	RET()
}

// panel writes all rows of v vectors of columns, and goes on to the next columns.
func (t *tiles) panel(name string, v int, masked bool) {
	lanes := t.w.bytes >> t.f.shift
	Label(name)
	if masked {
		// r = min(lanes, n − (v−1)·lanes) elements of the last vector.
		r, most := GP64(), GP64()
		MOVQ(t.n, r)
		SUBQ(U32((v-1)*lanes), r)
		MOVQ(U32(lanes), most)
		CMPQ(r, most)
		CMOVQGT(most, r)
		if t.w.bytes == 64 {
			bits := GP64()
			MOVQ(I32(-1), bits)
			BZHIQ(r, bits, bits)
			KMOVW(bits.As32(), reg.K1)
		} else {
			LEAQ(NewDataAddr(NewStaticSymbol(masks), 32), t.mask)
			SHLQ(U8(t.f.shift), r)
			SUBQ(r, t.mask)
		}
	}
	MOVQ(param("a"), t.rowsA)
	MOVQ(t.c, t.rowsC)
	MOVQ(param("m"), t.m)
	MOVQ(param("ldc"), t.ldc)
	SHLQ(U8(t.f.shift), t.ldc)
	for i, rows := range t.w.rows {
		again := fmt.Sprintf("%s_%d", name, rows)
		next := fmt.Sprintf("%s_end", name)
		if i+1 < len(t.w.rows) {
			next = fmt.Sprintf("%s_%d", name, t.w.rows[i+1])
		}
		Label(again)
		CMPQ(t.m, U32(rows))
		JLT(LabelRef(next))
		t.tile(again, rows, v, masked)
		SUBQ(U8(rows), t.m)
		if i == 0 {
			JMP(LabelRef(again))
		}
	}
	Label(name + "_end")
	if masked && v == t.w.vecs {
		JMP(LabelRef("done"))
		return
	}
	ADDQ(U32(v*t.w.bytes), t.b)
	ADDQ(U32(v*t.w.bytes), t.c)
	SUBQ(U32(v*lanes), t.n)
	JLE(LabelRef("done"))
	JMP(LabelRef("columns"))
}

// tile is one tile: rows × v sums over k in registers, then scaled into C.
func (t *tiles) tile(name string, rows, v int, masked bool) {
	f, w := t.f, t.w
	acc := func(r, j int) reg.Register { return w.vec(r*v + j) }
	row := func(j int) reg.Register { return w.vec(rows*v + j) }
	one := w.vec(rows*v + v)
	for i := range rows * v {
		if w.bytes == 64 {
			VPXORD(w.vec(i), w.vec(i), w.vec(i))
		} else {
			VXORPS(w.vec(i), w.vec(i), w.vec(i))
		}
	}
	pa, pb, k := GP64(), GP64(), GP64()
	MOVQ(t.rowsA, pa)
	MOVQ(t.b, pb)
	MOVQ(param("k"), k)
	Label(name + "_k")
	for j := range v {
		src := Mem{Base: pb, Disp: j * w.bytes}
		switch {
		case !masked || j < v-1:
			f.load(src, row(j))
		case w.bytes == 64:
			f.loadMask(src, reg.K1, row(j))
		default: // no register is left for the mask: it goes where the elements will
			f.load(Mem{Base: t.mask}, row(j))
			f.maskMove(src, row(j), row(j))
		}
	}
	for r := range rows {
		f.broadcast(t.element(pa, r), one)
		for j := range v {
			f.fma(row(j), one, acc(r, j))
		}
	}
	ADDQ(t.acs, pa)
	ADDQ(t.ldb, pb)
	DECQ(k)
	JNE(LabelRef(name + "_k"))

	f.broadcast(param("alpha"), one)
	MOVQ(t.rowsC, pb)
	CMPB(param("add"), U8(0))
	JE(LabelRef(name + "_set"))
	t.store(pb, rows, v, masked, func(j int, at Mem, sum reg.Register) reg.Register {
		old := row(0)
		switch {
		case !masked || j < v-1:
			f.load(at, old)
		case w.bytes == 64:
			f.loadMask(at, reg.K1, old)
		default:
			f.load(Mem{Base: t.mask}, old)
			f.maskMove(at, old, old)
		}
		f.fma(sum, one, old)
		return old
	}, acc)
	JMP(LabelRef(name + "_next"))
	Label(name + "_set")
	t.store(pb, rows, v, masked, func(_ int, _ Mem, sum reg.Register) reg.Register {
		f.mul(sum, one, sum)
		return sum
	}, acc)
	Label(name + "_next")
	MOVQ(pb, t.rowsC)
	LEAQ(Mem{Base: t.rowsA, Index: t.ars, Scale: uint8(rows)}, t.rowsA)
}

// element is the address of row r of A at pa.
func (t *tiles) element(pa reg.GPVirtual, r int) Mem {
	switch r {
	case 0:
		return Mem{Base: pa}
	case 3:
		return Mem{Base: pa, Index: t.rs3, Scale: 1}
	case 5:
		return Mem{Base: pa, Index: t.rs5, Scale: 1}
	case 6:
		return Mem{Base: pa, Index: t.rs3, Scale: 2}
	case 7:
		return Mem{Base: pa, Index: t.rs7, Scale: 1}
	}
	return Mem{Base: pa, Index: t.ars, Scale: uint8(r)}
}

// store writes a tile from row address p on, leaving p at the row after it.
func (t *tiles) store(p reg.GPVirtual, rows, v int, masked bool, value func(j int, at Mem, sum reg.Register) reg.Register, acc func(r, j int) reg.Register) {
	for r := range rows {
		for j := range v {
			at := Mem{Base: p, Disp: j * t.w.bytes}
			out := value(j, at, acc(r, j))
			switch {
			case !masked || j < v-1:
				t.f.load(out, at)
			case t.w.bytes == 64:
				t.f.load(out, reg.K1, at)
			default:
				mask := t.w.vec(14)
				if out == mask || acc(r, j) == mask {
					panic("the mask has no register")
				}
				t.f.load(Mem{Base: t.mask}, mask)
				t.f.maskMove(out, mask, at)
			}
		}
		ADDQ(t.ldc, p)
	}
}

// packTrans writes the transpose of blocks of four by four.
func packTrans(f float) {
	TEXT("packTrans"+f.name, NOSPLIT, fmt.Sprintf("func(dst *%[1]s, ldd int, src *%[1]s, lds, rows, cols int)", f.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("packTrans%s writes the transpose of src, rows × cols, to dst. It needs AVX;", f.name),
		"rows and cols are positive and divisible by 4.")
	dst, ldd, src, lds := loaded("dst"), loaded("ldd"), loaded("src"), loaded("lds")
	rows, all := loaded("rows"), loaded("cols")
	SHLQ(U8(f.shift), ldd)
	SHLQ(U8(f.shift), lds)
	lds3, ldd3 := GP64(), GP64()
	LEAQ(Mem{Base: lds, Index: lds, Scale: 2}, lds3)
	LEAQ(Mem{Base: ldd, Index: ldd, Scale: 2}, ldd3)
	size := 4 << f.shift
	v := func(i int) reg.Register {
		if size == 32 {
			return avx2.vec(i)
		}
		return avx2.vec(i).(reg.VecPhysical).AsX()
	}
	from, to, cols := GP64(), GP64(), GP64()

	Label("rows")
	MOVQ(src, from)
	MOVQ(dst, to)
	MOVQ(all, cols)
	Label("cols")
	for i, at := range []Mem{{Base: from}, {Base: from, Index: lds, Scale: 1}, {Base: from, Index: lds, Scale: 2}, {Base: from, Index: lds3, Scale: 1}} {
		f.load(at, v(i))
	}
	if size == 32 {
		VUNPCKLPD(v(1), v(0), v(4))
		VUNPCKHPD(v(1), v(0), v(5))
		VUNPCKLPD(v(3), v(2), v(6))
		VUNPCKHPD(v(3), v(2), v(7))
		VPERM2F128(U8(0x20), v(6), v(4), v(0))
		VPERM2F128(U8(0x20), v(7), v(5), v(1))
		VPERM2F128(U8(0x31), v(6), v(4), v(2))
		VPERM2F128(U8(0x31), v(7), v(5), v(3))
	} else {
		VUNPCKLPS(v(1), v(0), v(4))
		VUNPCKHPS(v(1), v(0), v(5))
		VUNPCKLPS(v(3), v(2), v(6))
		VUNPCKHPS(v(3), v(2), v(7))
		VUNPCKLPD(v(6), v(4), v(0))
		VUNPCKHPD(v(6), v(4), v(1))
		VUNPCKLPD(v(7), v(5), v(2))
		VUNPCKHPD(v(7), v(5), v(3))
	}
	for i, at := range []Mem{{Base: to}, {Base: to, Index: ldd, Scale: 1}, {Base: to, Index: ldd, Scale: 2}, {Base: to, Index: ldd3, Scale: 1}} {
		f.load(v(i), at)
	}
	ADDQ(U8(size), from)
	LEAQ(Mem{Base: to, Index: ldd, Scale: 4}, to)
	SUBQ(U8(4), cols)
	JNE(LabelRef("cols"))
	LEAQ(Mem{Base: src, Index: lds, Scale: 4}, src)
	ADDQ(U8(size), dst)
	SUBQ(U8(4), rows)
	JNE(LabelRef("rows"))
	VZEROUPPER()
	RET()
}
