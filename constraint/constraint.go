package constraint

import (
	"fmt"
	"math"
	"strconv"

	"github.com/natgrad/natgrad/autodiff"
)

// Constraint is one kind of constrained parameter. Its values come from the
// functions of this package, hold no state and may be shared by goroutines.
//
// Elementwise constraints (Real, Positive, Lower, Upper, Interval) have Dims nil
// and act on every element of what they are given, so that one call serves any
// number of independent parameters. Matrices are stored row by row.
type Constraint interface {
	// String names the constraint, as in "positive" or "simplex(3)".
	String() string

	// Dims returns the shape of y: nil for an elementwise constraint, (K) for a
	// vector, (K, K) for a matrix.
	Dims() []int

	// Size returns the number of elements of y, 1 for an elementwise constraint.
	Size() int

	// FreeSize returns the number of coordinates of x, 1 for an elementwise
	// constraint.
	FreeSize() int

	// Constrain writes y(x) to dst and returns log|det ∂y/∂x|, where y stands for
	// its independent elements: the first K−1 of a simplex, the lower triangle of
	// a covariance, the strict lower triangle of a correlation matrix or of its
	// Cholesky factor. The lengths are Size and FreeSize, or any one length for an
	// elementwise constraint; others panic. It does not allocate. dst may be
	// x for an elementwise constraint; otherwise they may not overlap.
	Constrain(dst, x []float64) (logJac float64)

	// Unconstrain writes x with y(x) = y to dst. It returns a *ViolationError and
	// leaves dst alone if y violates the constraint: bounds are strict; sums,
	// symmetry and unit diagonals have to hold to 1e-8. Lengths are as in
	// Constrain. dst may be y for an elementwise constraint; otherwise they may
	// not overlap.
	Unconstrain(dst, y []float64) error

	// Node is Constrain on the tape. x is a vector of FreeSize, or has any shape
	// for an elementwise constraint, which y then has as well. ok is false
	// if the log-Jacobian is 0 whatever x: then logJac is no valid node. A wrong
	// shape is a panic with an *autodiff.Error, which autodiff.New returns.
	Node(x autodiff.Node) (y, logJac autodiff.Node, ok bool)

	// ElementName names element i of y of the parameter called name, as in "theta[2]"
	// or "L[2,1]": names count from 1, i from 0. For an elementwise constraint it is the name.
	ElementName(name string, i int) string

	// FreeName names coordinate i of x by the function of y that it is, as in
	// "log(sigma)" or "log(mu[2]-mu[1])".
	FreeName(name string, i int) string

	sealed()
}

// tol is how well equalities have to hold in Unconstrain.
const tol = 1e-8

// ViolationError says which value violates a constraint.
type ViolationError struct {
	Constraint string  // as its String
	Param      string  // name of the parameter, "y" if none is known
	Element    string  // the offender as ElementName names it, "" if it is no single element
	Index      int     // of the offender in y, from 0; −1 if it is no single element
	Value      float64 // of the element, or of what Quantity says
	Quantity   string  // what has the value, if not an element, as in "the sum"
	Want       string  // as in "> 0"
}

func (e *ViolationError) Error() string {
	what := e.Element
	if e.Quantity != "" {
		what = e.Quantity + " of " + e.Param
	}
	return fmt.Sprintf("constraint: %s: %s is %v, want %s", e.Constraint, what, e.Value, e.Want)
}

// Named returns the same violation of the parameter called name, whose constraint
// is c; for an elementwise constraint name is that of element Index itself.
func (e *ViolationError) Named(c Constraint, name string) *ViolationError {
	f := *e
	f.Param = name
	if f.Index >= 0 {
		f.Element = c.ElementName(name, f.Index)
	}
	return &f
}

// violation is the error for element i of y.
func violation(c Constraint, i int, value float64, want string) error {
	return &ViolationError{Constraint: c.String(), Param: "y", Element: c.ElementName("y", i), Index: i, Value: value, Want: want}
}

// violationOf is the error for a quantity of y.
func violationOf(c Constraint, quantity string, value float64, want string) error {
	return &ViolationError{Constraint: c.String(), Param: "y", Index: -1, Quantity: quantity, Value: value, Want: want}
}

// Error is a wrong argument of a constructor, which panics with it: constraints
// stand in lists of parameters, where there is no room for error handling.
type Error struct {
	Func  string // as in "Interval"
	Param string // as in "hi"
	Value float64
	Want  string
}

func (e *Error) Error() string {
	return fmt.Sprintf("constraint: %s: %s is %v, want %s", e.Func, e.Param, e.Value, e.Want)
}

func checkSize(fn string, k, least int) {
	if k < least {
		panic(&Error{Func: fn, Param: "K", Value: float64(k), Want: strconv.Itoa(least) + " or more"})
	}
}

// checkLens panics unless dst and from have the lengths.
func checkLens(c Constraint, fn string, dst, from []float64, param string, nDst, nFrom int) {
	if len(dst) != nDst || len(from) != nFrom {
		panic(fmt.Sprintf("constraint: %v.%s: dst has length %d, want %d; %s has length %d, want %d", c, fn, len(dst), nDst, param, len(from), nFrom))
	}
}

// checkFinite returns a violation for the first value that is not finite.
func checkFinite(c Constraint, y []float64) error {
	for i, v := range y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return violation(c, i, v, "a finite number")
		}
	}
	return nil
}

// checkNode panics unless x is a vector of FreeSize.
func checkNode(c Constraint, x autodiff.Node) {
	if r, k := x.Dims(); r != c.FreeSize() || k != 1 {
		panic(&autodiff.Error{Func: "constraint." + c.String(), Param: "x",
			Value: fmt.Sprintf("of shape %d×%d", r, k), Want: "a vector of " + strconv.Itoa(c.FreeSize())})
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// vectorName is name[i+1].
func vectorName(name string, i int) string { return name + "[" + strconv.Itoa(i+1) + "]" }

// matrixName is name[i+1,j+1].
func matrixName(name string, i, j int) string {
	return name + "[" + strconv.Itoa(i+1) + "," + strconv.Itoa(j+1) + "]"
}

// span is lo+1:hi+1, or one number if they are equal.
func span(lo, hi int) string {
	if lo == hi {
		return strconv.Itoa(lo + 1)
	}
	return strconv.Itoa(lo+1) + ":" + strconv.Itoa(hi+1)
}
