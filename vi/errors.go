package vi

import (
	"fmt"
	"runtime/debug"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// SettingError says which setting or target field cannot be used.
type SettingError struct {
	Param string
	Value any
	Want  string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("vi: New: %s is %v, want %s", e.Param, e.Value, e.Want)
}

// PanicError is a panic in a function of the caller, of the target or of the
// settings, turned into an error, in whatever goroutine it happened.
type PanicError struct {
	Func  string // the field that was called, such as "Target.Grad"; "" if there is no name for it
	Value any    // what it panicked with
	Stack []byte // of the goroutine that panicked
}

func (e *PanicError) Error() string {
	fn := e.Func
	if fn == "" {
		fn = "a function of the caller"
	}
	return fmt.Sprintf("vi: panic in %s: %v\n%s", fn, e.Value, e.Stack)
}

// Unwrap returns the value of the panic if it is an error, else nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// newPanicError is the error for what recover returned. A PanicError that was
// passed on by another panic stays what it is, with the stack of its origin.
func newPanicError(fn string, r any) *PanicError {
	if p, ok := r.(*PanicError); ok {
		return p
	}
	return &PanicError{Func: fn, Value: r, Stack: debug.Stack()}
}

// caught, deferred, writes a panic of fn to err.
func caught(fn string, err *error) {
	if r := recover(); r != nil {
		*err = newPanicError(fn, r)
	}
}

// named, deferred, gives a panic of fn its name and passes it on, for functions
// that are made of others.
func named(fn string) {
	if r := recover(); r != nil {
		panic(newPanicError(fn, r))
	}
}

// protect calls f, which calls the function fn of the caller, and turns a panic
// into an error.
func protect(fn string, f func() float64) (v float64, err error) {
	defer caught(fn, &err)
	return f(), nil
}

// NonFiniteError says where a NaN or an infinity came from.
type NonFiniteError struct {
	What  string    // "log density", "gradient of b", …
	Value float64   // NaN or ±Inf
	At    []float64 // the parameters at which it was seen, nil for an expectation
	Cause error     // what Target.Explain says about it, nil if it says nothing
}

func (e *NonFiniteError) Error() string {
	s := fmt.Sprintf("vi: %s is %v", e.What, e.Value)
	if len(e.At) > 0 {
		s += " at θ = " + pointText(e.At)
	}
	if e.Cause != nil {
		return s + ": " + e.Cause.Error()
	}
	return s + "; want a finite number"
}

// Unwrap returns Cause.
func (e *NonFiniteError) Unwrap() error { return e.Cause }

// pointText writes the first coordinates of a point.
func pointText(at []float64) string {
	more := ""
	if len(at) > 8 {
		at, more = at[:8], " …"
	}
	return fmt.Sprintf("%.6g%s", at, more)
}

// TrapError says that a condition listed in Settings.Traps occurred.
type TrapError struct {
	Condition expfam.Condition
	Iteration int
}

func (e *TrapError) Error() string {
	return fmt.Sprintf("vi: trapped condition at step %d: %s", e.Iteration, e.Condition)
}

// nonFinite is the error for a value at a point, with what Explain says about it.
func (t *Target) nonFinite(what string, v float64, at []float64) *NonFiniteError {
	e := &NonFiniteError{What: what, Value: v, At: append([]float64(nil), at...)}
	if t.Explain != nil {
		func() {
			defer caught("Target.Explain", &e.Cause)
			e.Cause = t.Explain(at)
		}()
	}
	return e
}

// checkFinite returns a NonFiniteError that names the first bad entry.
func (t *Target) checkFinite(what string, v float64, grad, at []float64) error {
	if !finite(v) {
		return t.nonFinite(what, v, at)
	}
	for i, g := range grad {
		if !finite(g) {
			return t.nonFinite("the gradient of "+nameOf(t.Names, i), g, at)
		}
	}
	return nil
}

// checkHess returns a NonFiniteError for the first bad entry of a Hessian.
func (t *Target) checkHess(h *mat.SymDense, at []float64) error {
	raw := h.RawSymmetric()
	for i := range raw.N {
		for j, v := range raw.Data[i*raw.Stride+i : i*raw.Stride+raw.N] {
			if !finite(v) {
				return t.nonFinite(fmt.Sprintf("the Hessian of the log density, at %s and %s,", nameOf(t.Names, i), nameOf(t.Names, i+j)), v, at)
			}
		}
	}
	return nil
}

// exactPart is t.Exact with its panics and what is not finite as errors.
func (t *Target) exactPart(tan []float64, q Posterior) (v float64, err error) {
	defer caught("Target.Exact", &err)
	if v, err = t.Exact(tan, q); err != nil {
		return v, err
	}
	if !finite(v) {
		return v, &NonFiniteError{What: "the value of Target.Exact", Value: v}
	}
	for i, g := range tan {
		if !finite(g) {
			return v, &NonFiniteError{What: fmt.Sprintf("entry %d of the step, after Target.Exact,", i), Value: g}
		}
	}
	return v, nil
}

// densityError says that log q is no number at a draw.
func densityError(v float64, x []float64) error {
	return &NonFiniteError{What: "the log density of the posterior", Value: v, At: append([]float64(nil), x...)}
}

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("theta[%d]", i)
}
