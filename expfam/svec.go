package expfam

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// SvecLen is the length d(d+1)/2 of the svec of a d×d symmetric matrix.
func SvecLen(d int) int { return d * (d + 1) / 2 }

// Svec writes the upper triangle of a, row by row, to dst with its
// off-diagonal entries multiplied by √2:
//
//	(a00, √2·a01, …, √2·a0d, a11, √2·a12, …).
//
// Then ⟨Svec(a), Svec(b)⟩ = tr(ab), so the plain dot product is the pairing of
// natural and expectation parameters and central differences of A in svec
// coordinates equal the stored expectation.
func Svec(dst []float64, a mat.Symmetric) []float64 {
	d := a.SymmetricDim()
	dst = sized("Svec", dst, SvecLen(d))
	k := 0
	for i := range d {
		dst[k] = a.At(i, i)
		k++
		for j := i + 1; j < d; j++ {
			dst[k] = math.Sqrt2 * a.At(i, j)
			k++
		}
	}
	return dst
}

// Smat is the inverse of [Svec]: it writes the d×d symmetric matrix whose svec
// is v to dst, a new matrix if dst is nil.
func Smat(dst *mat.SymDense, v []float64, d int) *mat.SymDense {
	if len(v) != SvecLen(d) {
		panicLen("Smat", "v", len(v), SvecLen(d))
	}
	if dst == nil {
		dst = mat.NewSymDense(d, nil)
	} else if dst.SymmetricDim() != d {
		panicLen("Smat", "dst", dst.SymmetricDim(), d)
	}
	k := 0
	for i := range d {
		dst.SetSym(i, i, v[k])
		k++
		for j := i + 1; j < d; j++ {
			dst.SetSym(i, j, v[k]/math.Sqrt2)
			k++
		}
	}
	return dst
}
