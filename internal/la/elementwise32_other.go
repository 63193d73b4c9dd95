//go:build !amd64 || !gc || purego

package la

// Kernels that this build does not have. level is Portable, so nothing calls them.

func exp32AVX2(dst *float32, x *float32, count int)      { panic(absentKernel) }
func expm132AVX2(dst *float32, x *float32, count int)    { panic(absentKernel) }
func log32AVX2(dst *float32, x *float32, count int)      { panic(absentKernel) }
func log1p32AVX2(dst *float32, x *float32, count int)    { panic(absentKernel) }
func tanh32AVX2(dst *float32, x *float32, count int)     { panic(absentKernel) }
func sigmoid32AVX2(dst *float32, x *float32, count int)  { panic(absentKernel) }
func softplus32AVX2(dst *float32, x *float32, count int) { panic(absentKernel) }
