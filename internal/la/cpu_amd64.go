//go:build gc && !purego

package la

import "golang.org/x/sys/cpu"

// machine is the widest kind of kernel that the processor and the operating
// system support.
func machine() Level {
	x := &cpu.X86
	switch avx2 := x.HasAVX2 && x.HasFMA && x.HasBMI2; {
	case avx2 && x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL:
		return AVX512
	case avx2:
		return AVX2
	}
	return Portable
}
