package vadam

import (
	"fmt"
	"strconv"

	"github.com/natgrad/natgrad/expfam"
)

// StepError says why a step was refused. The state of the optimiser is bitwise
// what it was before, so the caller may drop the batch and go on, lower the
// rate, or stop.
type StepError struct {
	Method Method
	Step   int     // the step that was tried, from 1
	Draw   int     // the draw in which it was seen, −1 after the draws
	What   string  // "objective", "loss", "gradient", "curvature", "mean", "momentum" or "precision"
	Index  int     // first weight concerned, −1 if it is none
	Group  string  // name of the weight's group in Settings.Groups, if it has one
	Value  float64 // what was there, 0 with Err
	Err    error   // what the objective returned, else nil
}

func (e *StepError) Error() string {
	s := fmt.Sprintf("vadam: %v: step %d", e.Method, e.Step)
	if e.Draw >= 0 {
		s += fmt.Sprintf(", draw %d", e.Draw)
	}
	if e.Err != nil {
		return s + ": " + e.Err.Error()
	}
	want := "finite"
	if e.What == "precision" {
		want = "> 0 and finite"
	}
	s += ": " + e.What
	if e.Index >= 0 {
		s += "[" + strconv.Itoa(e.Index) + "]"
		if e.Group != "" {
			s += " (" + e.Group + ")"
		}
	}
	return s + fmt.Sprintf(" is %v, want %s; the state is unchanged", e.Value, want)
}

// Unwrap returns Err.
func (e *StepError) Unwrap() error { return e.Err }

func (m Method) domain(param string, index int, value float64, want string) error {
	return &expfam.DomainError{Family: m.String(), Func: "New", Param: param, Index: index, Value: value, Want: want}
}

func panicLen(fn, param string, got, want int) {
	panic(fmt.Sprintf("vadam: %s: len(%s) is %d, want %d", fn, param, got, want))
}

func sized[T float](fn string, dst []T, n int) []T {
	if dst == nil {
		return make([]T, n)
	}
	if len(dst) != n {
		panicLen(fn, "dst", len(dst), n)
	}
	return dst
}
