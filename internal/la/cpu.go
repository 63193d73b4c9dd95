package la

import (
	"fmt"
	"os"
)

// Level is a kind of kernel.
type Level int

const (
	Portable Level = iota // Go and gonum
	AVX2                  // 256-bit vectors with FMA
	AVX512                // 512-bit vectors: F, DQ, BW and VL
)

var levelNames = [...]string{"portable", "avx2", "avx512"}

func (l Level) String() string { return levelNames[l] }

// KernelsEnv names the environment variable that asks for a kind of kernel:
// portable, avx2 or avx512, which is read once, at the start, and lowered to what
// the processor can run. Without it AVX-512 is not taken: its kernels bring
// nothing on processors that split 512-bit operations in two, and they have been
// run on too few others.
const KernelsEnv = "NATGRAD_KERNELS"

// level is the kind of kernel in use. Tests change it.
var level = choose(os.Getenv(KernelsEnv), machine())

// choose is the level asked for, at most best. An unknown name is reported on
// the standard error, since nobody reads an error of package initialisation.
func choose(name string, best Level) Level {
	if name == "" {
		return min(AVX2, best)
	}
	for l, n := range levelNames {
		if n == name {
			return min(Level(l), best)
		}
	}
	fmt.Fprintf(os.Stderr, "natgrad: %s is %q, want portable, avx2 or avx512; taking %v\n", KernelsEnv, name, min(AVX2, best))
	return min(AVX2, best)
}

// Kernels is the kind of kernel in use.
func Kernels() Level { return level }
