package la

import "gonum.org/v1/gonum/mat"

// Absent tells whether a is nil, or a nil pointer to one of gonum's matrix types:
// the zero value of a variable that was never set.
func Absent(a mat.Matrix) bool {
	switch m := a.(type) {
	case nil:
		return true
	case *mat.Dense:
		return m == nil
	case *mat.SymDense:
		return m == nil
	case *mat.DiagDense:
		return m == nil
	}
	return false
}
