package model

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/natgrad/natgrad/constraint"
)

// Param declares a parameter: a scalar, or an array of Size elements that
// satisfy the constraint each. The constructors below write it shorter.
type Param struct {
	Name string
	// Constraint of the values; nil is constraint.Real.
	Constraint constraint.Constraint
	// Size is the number of copies; 0 is one that is no array. Each copy of a
	// vector constraint, such as a simplex, is a row of a matrix.
	Size int
	// Start holds values where the fit begins, in the order of the parameter's
	// names; nil begins at 0 on the unconstrained scale.
	Start []float64

	err error // of the constructor
}

// From returns the parameter with values where the fit begins.
func (p Param) From(start ...float64) Param {
	p.Start = start
	return p
}

// declare makes a Param; what is wrong with the constraint or the size, the
// optional last argument of the constructors, New says.
func declare(name string, c func() constraint.Constraint, n []int) (p Param) {
	p.Name = name
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*constraint.Error)
			if !ok {
				panic(r)
			}
			p.err = e
		}
	}()
	if len(n) > 1 || len(n) == 1 && n[0] < 1 {
		p.err = fmt.Errorf("the size is %v, want one number of 1 or more, or none", n)
		return p
	}
	if len(n) == 1 {
		p.Size = n[0]
	}
	p.Constraint = c()
	return p
}

// Real declares a real number, or a vector of n of them.
func Real(name string, n ...int) Param {
	return declare(name, func() constraint.Constraint { return constraint.Real() }, n)
}

// Positive declares a number above 0, or a vector of n of them.
func Positive(name string, n ...int) Param {
	return declare(name, func() constraint.Constraint { return constraint.Positive() }, n)
}

// Lower declares a number above lo, or a vector of n of them.
func Lower(name string, lo float64, n ...int) Param {
	return declare(name, func() constraint.Constraint { return constraint.Lower(lo) }, n)
}

// Upper declares a number below hi, or a vector of n of them.
func Upper(name string, hi float64, n ...int) Param {
	return declare(name, func() constraint.Constraint { return constraint.Upper(hi) }, n)
}

// Interval declares a number between lo and hi, or a vector of n of them.
func Interval(name string, lo, hi float64, n ...int) Param {
	return declare(name, func() constraint.Constraint { return constraint.Interval(lo, hi) }, n)
}

// Probability declares a number between 0 and 1, or a vector of n of them.
func Probability(name string, n ...int) Param { return Interval(name, 0, 1, n...) }

// Ordered declares a vector of k increasing numbers, or n such vectors.
func Ordered(name string, k int, n ...int) Param {
	return declare(name, func() constraint.Constraint { return constraint.Ordered(k) }, n)
}

// PositiveOrdered declares a vector of k increasing positive numbers, or n such vectors.
func PositiveOrdered(name string, k int, n ...int) Param {
	return declare(name, func() constraint.Constraint { return constraint.PositiveOrdered(k) }, n)
}

// Simplex declares k positive numbers that sum to 1, or n such vectors.
func Simplex(name string, k int, n ...int) Param {
	return declare(name, func() constraint.Constraint { return constraint.Simplex(k) }, n)
}

// CorrCholesky declares the Cholesky factor of a k×k correlation matrix.
func CorrCholesky(name string, k int) Param {
	return declare(name, func() constraint.Constraint { return constraint.CorrCholesky(k) }, nil)
}

// CovCholesky declares the Cholesky factor of a k×k covariance matrix.
func CovCholesky(name string, k int) Param {
	return declare(name, func() constraint.Constraint { return constraint.CovCholesky(k) }, nil)
}

// Correlation declares a k×k correlation matrix.
func Correlation(name string, k int) Param {
	return declare(name, func() constraint.Constraint { return constraint.Correlation(k) }, nil)
}

// Covariance declares a k×k covariance matrix.
func Covariance(name string, k int) Param {
	return declare(name, func() constraint.Constraint { return constraint.Covariance(k) }, nil)
}

// ParamError says what is wrong with the declaration or the use of a parameter.
type ParamError struct {
	Func  string // "New", "Scope.Get", …
	Name  string // of the parameter
	Value string // what was given, if that is not the name
	Want  string
	Err   error // of the constraint, if it is one
}

func (e *ParamError) Error() string {
	s := "model: " + e.Func + ": parameter " + strconv.Quote(e.Name)
	if e.Value != "" {
		s += ": " + e.Value
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Want != "" {
		s += "; want " + e.Want
	}
	return s
}

func (e *ParamError) Unwrap() error { return e.Err }

// slot is a parameter's place: free coordinates and values.
type slot struct {
	Param
	copies    int // 1 if it is no array
	free, val int // first coordinate and value
}

func (s *slot) frees() int { return s.copies * s.Constraint.FreeSize() }
func (s *slot) vals() int  { return s.copies * s.Constraint.Size() }

// elementwise tells whether all copies are one vector for the constraint.
func (s *slot) elementwise() bool { return len(s.Constraint.Dims()) == 0 }

// dims returns the parameter's shape.
func (s *slot) dims() []int {
	if s.Size == 0 {
		return s.Constraint.Dims()
	}
	return append([]int{s.Size}, s.Constraint.Dims()...)
}

const goodName = "a name without brackets, commas, quotes, line ends and outer blanks"

// validName tells whether elements of name are told from all other names, in files too.
func validName(name string) bool {
	return name != "" && !strings.ContainsAny(name, "[],\n\"") && strings.TrimSpace(name) == name
}

// layout checks declarations and gives each its place.
func layout(params []Param) (slots []slot, byName map[string]int, err error) {
	if len(params) == 0 {
		return nil, nil, &ParamError{Func: "New", Value: "there is none", Want: "one parameter or more"}
	}
	byName = map[string]int{}
	free, val := 0, 0
	for i, p := range params {
		if p.err != nil {
			return nil, nil, &ParamError{Func: "New", Name: p.Name, Err: p.err}
		}
		if p.Constraint == nil {
			p.Constraint = constraint.Real()
		}
		s := slot{Param: p, copies: max(p.Size, 1), free: free, val: val}
		bad := func(value, want string) error {
			return &ParamError{Func: "New", Name: p.Name, Value: value, Want: want}
		}
		switch first, twice := byName[p.Name]; {
		case p.Name == "":
			return nil, nil, bad(fmt.Sprintf("parameter %d has no name", i), "a name")
		case !validName(p.Name):
			return nil, nil, bad("", goodName)
		case twice:
			return nil, nil, bad(fmt.Sprintf("parameters %d and %d have this name", first, i), "different names")
		case p.Size < 0:
			return nil, nil, bad("the size of the array is not a positive number", "one size of 1 or more, or none")
		case p.Size > 0 && len(p.Constraint.Dims()) > 1:
			return nil, nil, bad(fmt.Sprintf("an array of %d matrices", p.Size), "one matrix a parameter")
		case p.Start != nil && len(p.Start) != s.vals():
			return nil, nil, bad(fmt.Sprintf("%d start values", len(p.Start)), strconv.Itoa(s.vals()))
		}
		byName[p.Name] = i
		slots = append(slots, s)
		free, val = free+s.frees(), val+s.vals()
	}
	return slots, byName, nil
}

// elements appends the names of the elements of an array of the given shape:
// name, name[1] …, name[1,1] …, counted from 1 as Stan does.
func elements(dst []string, name string, dims []int) []string {
	switch len(dims) {
	case 0:
		return append(dst, name)
	case 1:
		for i := range dims[0] {
			dst = append(dst, fmt.Sprintf("%s[%d]", name, i+1))
		}
		return dst
	}
	for i := range dims[0] {
		for j := range dims[1] {
			dst = append(dst, fmt.Sprintf("%s[%d,%d]", name, i+1, j+1))
		}
	}
	return dst
}
