package mixture

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
)

// checkLen panics unless v, an argument of the method fn of owner, has length n.
func checkLen(owner, fn, param string, v []float64, n int) {
	if len(v) != n {
		panic(fmt.Sprintf("mixture: %s.%s: length of %s is %d, want %d", owner, fn, param, len(v), n))
	}
}

// sized returns dst, or a new slice of length n if dst is nil; any other length
// panics.
func sized(owner, fn string, dst []float64, n int) []float64 {
	if dst == nil {
		return make([]float64, n)
	}
	checkLen(owner, fn, "dst", dst, n)
	return dst
}

// firstBad returns the index of the first entry that is not finite, −1 if all are.
func firstBad(v []float64) int {
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return i
		}
	}
	return -1
}

// checkStep errs unless the arguments of Retract are finite.
func checkStep(family string, tan []float64, rho float64) error {
	if i := firstBad(tan); i >= 0 {
		return &expfam.DomainError{Family: family, Func: "Retract", Param: "tan", Index: i, Value: tan[i], Want: "finite"}
	}
	if math.IsNaN(rho) || math.IsInf(rho, 0) {
		return &expfam.DomainError{Family: family, Func: "Retract", Param: "rho", Index: -1, Value: rho, Want: "finite"}
	}
	return nil
}
