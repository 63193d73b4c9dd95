//go:build gc && !purego && !amd64.v3

#include "textflag.h"

// Constants of four lanes.
#define CONST4(name, v) \
	DATA name<>+0(SB)/8, v  \
	DATA name<>+8(SB)/8, v  \
	DATA name<>+16(SB)/8, v \
	DATA name<>+24(SB)/8, v \
	GLOBL name<>(SB), RODATA|NOPTR, $32

CONST4(absMask, $0x7fffffffffffffff)
CONST4(expMax, $0x4086200000000000) // 708
CONST4(invLn2N, $0x40671547652b82fe)
CONST4(roundShift, $0x4338000000000000)
CONST4(stepN, $0x3f762e42fefa39ef)
CONST4(c24, $0x3fa5555555555555) // 1/24
CONST4(c6, $0x3fc5555555555555)  // 1/6
CONST4(half, $0x3fe0000000000000)
CONST4(one, $0x3ff0000000000000)
CONST4(cell, $127)
CONST4(ln2HiN, $0x3f762e42ff000000)
CONST4(ln2LoN, $0xbd5718432a1b0e26)
CONST4(c120, $0x3f81111111111111) // 1/120

// func sigmoidFoursAVX2(sign, x *float64, n int, s *sigmoidStrands) bool
//
// Lane j is strand j of addFoursGo; each line is one of its operations.
TEXT ·sigmoidFoursAVX2(SB), NOSPLIT, $0-33
	MOVQ    sign+0(FP), SI
	MOVQ    x+8(FP), DI
	MOVQ    n+16(FP), CX
	MOVQ    s+24(FP), DX
	LEAQ    ·expTab(SB), BX
	VMOVUPD (DX), Y0              // products
	VMOVUPD 32(DX), Y1            // sums
	VXORPD  Y2, Y2, Y2            // lanes that were far
	VMOVUPD cell<>(SB), Y6
	VMOVUPD one<>(SB), Y7
	VMOVUPD half<>(SB), Y8
	VMOVUPD c6<>(SB), Y9
	VMOVUPD c24<>(SB), Y10
	VMOVUPD stepN<>(SB), Y11
	VMOVUPD roundShift<>(SB), Y12
	VMOVUPD invLn2N<>(SB), Y13
	VMOVUPD absMask<>(SB), Y15

loop:
	VMOVUPD (DI), Y3
	VMULPD  (SI), Y3, Y3          // m
	VANDPD  Y15, Y3, Y4           // a = |m|
	VCMPPD  $1, expMax<>(SB), Y4, Y5  // a < expMax, false for NaN
	VANDNPD Y7, Y5, Y5            // 1.0 in far lanes, else 0
	VORPD   Y5, Y2, Y2
	VSUBPD  Y3, Y4, Y3
	VADDPD  Y3, Y1, Y1            // l += a − m
	VMULPD  Y13, Y4, Y5
	VSUBPD  Y5, Y12, Y5           // z, k in its low bits
	VSUBPD  Y12, Y5, Y3
	VMULPD  Y11, Y3, Y3
	VADDPD  Y3, Y4, Y3            // t

	VPAND        Y6, Y5, Y4       // cell k & 127
	VPSUBQ       Y4, Y5, Y5
	VPSLLQ       $45, Y5, Y5      // exponent
	VPSLLQ       $4, Y4, Y4       // 16 bytes an entry
	VEXTRACTI128 $1, Y4, X14
	VMOVQ        X4, R8
	VPEXTRQ      $1, X4, R9
	VMOVQ        X14, R10
	VPEXTRQ      $1, X14, R11
	VMOVSD       (BX)(R8*1), X4
	VMOVHPD      (BX)(R9*1), X4, X4
	VMOVSD       (BX)(R10*1), X14
	VMOVHPD      (BX)(R11*1), X14, X14
	VINSERTF128  $1, X14, Y4, Y4
	VPADDQ       Y4, Y5, Y5       // s

	VMULPD Y10, Y3, Y4
	VSUBPD Y4, Y9, Y4             // 1/6 − t/24
	VMULPD Y3, Y4, Y4
	VSUBPD Y4, Y8, Y4             // 1/2 − t(…)
	VMULPD Y3, Y4, Y4
	VSUBPD Y7, Y4, Y4             // t(…) − 1
	VMULPD Y3, Y4, Y4
	VMULPD Y5, Y4, Y4
	VADDPD Y5, Y4, Y4             // e

	VADDPD Y7, Y4, Y3
	VMULPD Y3, Y0, Y0
	VADDPD Y4, Y0, Y0             // p = e + p(1+e)

	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $4, CX
	JNZ  loop

	VMOVUPD   Y0, (DX)
	VMOVUPD   Y1, 32(DX)
	VXORPD    Y5, Y5, Y5
	VCMPPD    $4, Y5, Y2, Y2      // not 0
	VMOVMSKPD Y2, AX
	VZEROUPPER
	TESTL     AX, AX
	SETEQ     ret+32(FP)
	RET

// func expFoursAVX2(dst, x *float64, n int, or uint64) int
//
// Each line is one operation of expReduce, expPoly and s + s·p.
TEXT ·expFoursAVX2(SB), NOSPLIT, $0-40
	MOVQ    dst+0(FP), DI
	MOVQ    x+8(FP), SI
	MOVQ    n+16(FP), CX
	VPBROADCASTQ or+24(FP), Y15
	LEAQ    ·expTab(SB), BX
	XORQ    AX, AX
	VMOVUPD half<>(SB), Y7
	VMOVUPD c6<>(SB), Y8
	VMOVUPD cell<>(SB), Y9
	VMOVUPD ln2LoN<>(SB), Y10
	VMOVUPD ln2HiN<>(SB), Y11
	VMOVUPD roundShift<>(SB), Y12
	VMOVUPD invLn2N<>(SB), Y13
	VMOVUPD absMask<>(SB), Y14
	JMP     test

exp:
	VMOVUPD   (SI)(AX*8), Y0
	VANDPD    Y14, Y0, Y1
	VCMPPD    $1, expMax<>(SB), Y1, Y1 // |x| < expMax, false for NaN
	VMOVMSKPD Y1, R8
	CMPQ      R8, $15
	JNE       done
	VORPD     Y15, Y0, Y0
	VMULPD    Y13, Y0, Y2
	VADDPD    Y12, Y2, Y2              // z, k in its low bits
	VSUBPD    Y12, Y2, Y3              // n
	VMULPD    Y11, Y3, Y4
	VSUBPD    Y4, Y0, Y0
	VMULPD    Y10, Y3, Y4
	VSUBPD    Y4, Y0, Y0               // r

	VPAND        Y9, Y2, Y3            // cell k & 127
	VPSUBQ       Y3, Y2, Y2
	VPSLLQ       $45, Y2, Y2           // exponent
	VPSLLQ       $4, Y3, Y3            // 16 bytes an entry
	VEXTRACTI128 $1, Y3, X4
	VMOVQ        X3, R8
	VPEXTRQ      $1, X3, R9
	VMOVQ        X4, R10
	VPEXTRQ      $1, X4, R11
	VMOVUPD      (BX)(R8*1), X3
	VINSERTF128  $1, (BX)(R10*1), Y3, Y3
	VMOVUPD      (BX)(R9*1), X4
	VINSERTF128  $1, (BX)(R11*1), Y4, Y4
	VUNPCKLPD    Y4, Y3, Y5            // values
	VUNPCKHPD    Y4, Y3, Y3            // tails
	VPADDQ       Y5, Y2, Y2            // s

	VADDPD  Y0, Y3, Y3                 // tail + r
	VMULPD  Y0, Y0, Y4                 // r²
	VMULPD  c120<>(SB), Y0, Y5
	VADDPD  c24<>(SB), Y5, Y5
	VMULPD  Y4, Y5, Y5                 // r²(1/24 + r/120)
	VMULPD  Y8, Y0, Y6
	VADDPD  Y7, Y6, Y6                 // 1/2 + r/6
	VADDPD  Y5, Y6, Y6
	VMULPD  Y4, Y6, Y6
	VADDPD  Y6, Y3, Y3                 // p
	VMULPD  Y2, Y3, Y3
	VADDPD  Y2, Y3, Y3                 // s + s·p
	VMOVUPD Y3, (DI)(AX*8)
	ADDQ    $4, AX

test:
	CMPQ AX, CX
	JLT  exp

done:
	VZEROUPPER
	MOVQ AX, ret+32(FP)
	RET

// func addRowsAVX2(dst, x, w *float64, n, rows, stride int)
//
// Sixteen elements of dst stay in registers for all rows, then four.
TEXT ·addRowsAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ w+16(FP), DX
	MOVQ n+24(FP), CX
	MOVQ rows+32(FP), R8
	MOVQ stride+40(FP), R9
	SHLQ $3, R9

sixteen:
	CMPQ    CX, $16
	JLT     four
	VMOVUPD (DI), Y0
	VMOVUPD 32(DI), Y1
	VMOVUPD 64(DI), Y2
	VMOVUPD 96(DI), Y3
	MOVQ    SI, R10
	XORQ    R11, R11

row16:
	VBROADCASTSD (DX)(R11*8), Y4
	VMULPD       (R10), Y4, Y5
	VMULPD       32(R10), Y4, Y6
	VMULPD       64(R10), Y4, Y7
	VMULPD       96(R10), Y4, Y8
	VADDPD       Y5, Y0, Y0
	VADDPD       Y6, Y1, Y1
	VADDPD       Y7, Y2, Y2
	VADDPD       Y8, Y3, Y3
	ADDQ         R9, R10
	INCQ         R11
	CMPQ         R11, R8
	JLT          row16
	VMOVUPD      Y0, (DI)
	VMOVUPD      Y1, 32(DI)
	VMOVUPD      Y2, 64(DI)
	VMOVUPD      Y3, 96(DI)
	ADDQ         $128, DI
	ADDQ         $128, SI
	SUBQ         $16, CX
	JMP          sixteen

four:
	CMPQ    CX, $4
	JLT     end
	VMOVUPD (DI), Y0
	MOVQ    SI, R10
	XORQ    R11, R11

row4:
	VBROADCASTSD (DX)(R11*8), Y4
	VMULPD       (R10), Y4, Y5
	VADDPD       Y5, Y0, Y0
	ADDQ         R9, R10
	INCQ         R11
	CMPQ         R11, R8
	JLT          row4
	VMOVUPD      Y0, (DI)
	ADDQ         $32, DI
	ADDQ         $32, SI
	SUBQ         $4, CX
	JMP          four

end:
	VZEROUPPER
	RET
