package structured

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/blas/blas64"
)

// sized returns dst, or a new slice of length n if dst is nil.
func sized(fn string, dst []float64, n int) []float64 {
	if dst == nil {
		return make([]float64, n)
	}
	checkLen(fn, "dst", dst, n)
	return dst
}

// checkLen panics unless v has length n.
func checkLen(fn, param string, v []float64, n int) {
	if len(v) != n {
		panic(fmt.Sprintf("structured: %s: length of %s is %d, want %d", fn, param, len(v), n))
	}
}

// copied returns dst with x in it, the place where a product or solve of x is
// then made without scratch.
func copied(fn string, dst, x []float64, n int) []float64 {
	checkLen(fn, "x", x, n)
	dst = sized(fn, dst, n)
	copy(dst, x)
	return dst
}

func domainError(family, fn, param string, index int, value float64, want string) error {
	return &expfam.DomainError{Family: family, Func: fn, Param: param, Index: index, Value: value, Want: want}
}

// wantPivot is what an entry of a diagonal has to be.
const wantPivot = "not 0, with a finite inverse"

func finite(x float64) bool { return x-x == 0 }

// allFinite reports whether v has no NaN and no infinity.
func allFinite(v []float64) bool {
	var s0, s1, s2, s3 float64 // 0 or NaN; four, as one chain of additions is slow
	for len(v) >= 4 {
		s0 += v[0] * 0
		s1 += v[1] * 0
		s2 += v[2] * 0
		s3 += v[3] * 0
		v = v[4:]
	}
	for _, x := range v {
		s0 += x * 0
	}
	return s0+s1+s2+s3 == 0
}

// nonFinite returns the error of fn at the first entry of v that is not finite,
// nil if there is none.
func nonFinite(family, fn, param string, v []float64) error {
	if allFinite(v) {
		return nil
	}
	for i, x := range v {
		if !finite(x) {
			return domainError(family, fn, param, i, x, "finite")
		}
	}
	return nil
}

// regular reports whether a pivot x and its inverse are numbers other than 0.
func regular(x float64) bool { return x != 0 && finite(x) && finite(1/x) }

// logAbsDet returns Σ log |v_i|, with one logarithm for many factors.
func logAbsDet(v []float64) float64 {
	sum, prod := 0.0, 1.0
	for _, x := range v {
		x = math.Abs(x)
		if next := prod * x; next > 1e-200 && next < 1e200 {
			prod = next
			continue
		}
		sum += math.Log(prod) + math.Log(x)
		prod = 1
	}
	return sum + math.Log(prod)
}

// checkTangent returns the error of a Retract unless the tangent, called param, and
// rho are finite.
func checkTangent(family, param string, tan []float64, rho float64) error {
	if err := nonFinite(family, "Retract", param, tan); err != nil {
		return err
	}
	if !finite(rho) {
		return domainError(family, "Retract", "rho", -1, rho, "finite")
	}
	return nil
}

// checkStep is checkTangent for a Factor.
func checkStep(name string, m []float64, rho float64) error {
	return checkTangent(name, "m", m, rho)
}

// noStep returns the error of a step to a matrix that is not representable or
// not regular.
func noStep(name string, rho float64) error {
	return domainError(name, "Retract", "rho", -1, rho, "a step to a matrix that is finite and regular in floating point")
}

// singular returns the error of SetValues at a matrix without an inverse.
func singular(name, block string) error {
	return domainError(name, "SetValues", block, -1, 0, "a regular matrix (in floating point)")
}

// checkScale returns the error of Scale unless c is positive and finite.
func checkScale(name string, c float64) error {
	if !(c > 0) || !finite(c) {
		return domainError(name, "Scale", "c", -1, c, "> 0 and finite")
	}
	return nil
}

// badScale returns the error of a multiple that is not representable.
func badScale(name string, c float64) error {
	return domainError(name, "Scale", "c", -1, c, "a factor whose result is finite and regular in floating point")
}

// needFactor returns the error of a constructor whose root is nil.
func needFactor(fn, param string, f Factor) error {
	if f == nil {
		return domainError("structured", fn, "size of "+param, -1, 0, "a Factor, not nil")
	}
	return nil
}

// size is an argument of a constructor.
type size struct {
	param string
	v     int
}

// checkSizes returns the error of a constructor unless p >= 1 and the sizes are
// from 0 to p.
func checkSizes(fn string, p int, sizes ...size) error {
	if p < 1 {
		return domainError("structured", fn, "p", -1, float64(p), ">= 1")
	}
	for _, s := range sizes {
		if s.v < 0 || s.v > p {
			return domainError("structured", fn, s.param, -1, float64(s.v), fmt.Sprintf("from 0 to p = %d", p))
		}
	}
	return nil
}

func vec(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Data: x, Inc: 1} }

func dot(a, b []float64) float64 { return blas64.Dot(vec(a), vec(b)) }

// axpy adds c·x to dst.
func axpy(dst []float64, c float64, x []float64) { blas64.Axpy(c, vec(x), vec(dst)) }
