package autodiff

import (
	"fmt"
	"reflect"
	"strings"
)

// Error is a wrong use of an operation: shapes that do not fit, an operand of a
// type that is none. Operations panic with it, so that a formula needs no
// error handling; New returns it.
type Error struct {
	Func  string // the operation, as in "MatVec"
	Param string // its operand, if it is one
	Value string // what was given
	Want  string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("autodiff: " + e.Func)
	if e.Param != "" {
		b.WriteString(": " + e.Param)
	}
	if e.Value != "" {
		b.WriteString(" is " + e.Value)
	}
	return b.String() + "; want " + e.Want
}

// NonFiniteError says which operation made the first NaN or infinity of an
// evaluation, and of which operands and parameters.
type NonFiniteError struct {
	Op       string   // the operation, as in "Log"
	Term     string   // the named term it belongs to, if there is one
	Index    int      // of the element in the operation's value
	Value    float64  // NaN or ±Inf
	Operands []string // as in "x[2] = -1.5"
	Params   []string // labels of the parameters on which the operands depend
	Gradient bool     // it appeared in the reverse pass: the value was finite
}

func (e *NonFiniteError) Error() string {
	var b strings.Builder
	b.WriteString("autodiff: ")
	if e.Term != "" {
		fmt.Fprintf(&b, "term %q: ", e.Term)
	}
	if e.Gradient {
		b.WriteString("the derivative of ")
	}
	fmt.Fprintf(&b, "%s(%s)", e.Op, strings.Join(e.Operands, ", "))
	fmt.Fprintf(&b, " is %v", e.Value)
	if len(e.Params) > 0 {
		fmt.Fprintf(&b, "; it depends on %s", strings.Join(e.Params, ", "))
	}
	return b.String()
}

// typeName names the type of v without keeping v.
func typeName(v any) string {
	if t := reflect.TypeOf(v); t != nil {
		return "of type " + t.String()
	}
	return "nil"
}

func (n *node) shape() string {
	switch n.kind {
	case scalar:
		return "a scalar"
	case vector:
		return fmt.Sprintf("a vector of %d", n.rows)
	}
	return fmt.Sprintf("a %d×%d matrix", n.rows, n.cols)
}
