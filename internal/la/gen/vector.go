package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vectors is a vector length: 32 bytes with AVX2, 64 with AVX-512.
type vectors int

const (
	ymm vectors = 32
	zmm vectors = 64
)

func (w vectors) suffix() string {
	if w == zmm {
		return "AVX512"
	}
	return "AVX2"
}

// vec is a fresh vector register.
func (w vectors) vec() reg.VecVirtual {
	if w == zmm {
		return ZMM()
	}
	return YMM()
}

// pick is the name of an instruction that EVEX calls otherwise.
func (w vectors) pick(vex, evex func(...operand.Op)) func(...operand.Op) {
	if w == zmm {
		return evex
	}
	return vex
}

// constants are 64 bytes of one number, so that both widths can read them.
var constants = map[string]operand.Mem{}

func constant(key string, bits uint64, bytes int) operand.Mem {
	if m, ok := constants[key]; ok {
		return m
	}
	m := GLOBL(fmt.Sprintf("k%s%d", tag, len(constants)), attr.RODATA|attr.NOPTR)
	for off := 0; off < 64; off += bytes {
		if bytes == 4 {
			DATA(off, operand.U32(uint32(bits)))
		} else {
			DATA(off, operand.U64(bits))
		}
	}
	constants[key] = m
	return m
}

// tag keeps the constants of two files apart.
var tag string

func single(v float32) operand.Mem {
	b := math.Float32bits(v)
	return constant(fmt.Sprintf("s%x", b), uint64(b), 4)
}
func u32(v uint32) operand.Mem     { return constant(fmt.Sprintf("s%x", v), uint64(v), 4) }
func double(v float64) operand.Mem { return u64(math.Float64bits(v)) }
func u64(v uint64) operand.Mem     { return constant(fmt.Sprintf("d%x", v), v, 8) }
