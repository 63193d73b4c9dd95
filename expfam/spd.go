package expfam

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/internal/la"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// minPivot is the smallest u_ii²/s_ii at which a Cholesky factor u of s still
// carries information: below it the pivot is rounding error of the subtraction
// that made it.
const minPivot = 0x1p-50

// cholesky writes u, upper triangular with s = u'u, for s d×d row-major and
// returns log |s|. It is false where s is not positive definite to working
// precision. Below its diagonal u holds entries of s.
func cholesky(u, s []float64, d int) (logDet float64, ok bool) {
	copy(u, s)
	if _, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: d, Data: u, Stride: d}); !ok {
		return 0, false
	}
	for i := range d {
		p := u[i*d+i]
		if !(p*p > minPivot*s[i*d+i]) {
			return 0, false
		}
		logDet += 2 * math.Log(p)
	}
	return logDet, true
}

// dot returns a'b.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s float64
	for i, x := range a {
		s += x * b[i]
	}
	return s
}

// unpackPrecision writes S to s, both triangles, from v = svec(−S/2).
func unpackPrecision(s, v []float64, d int) {
	k := 0
	for i := range d {
		s[i*d+i] = -2 * v[k]
		k++
		for j := i + 1; j < d; j++ {
			x := -math.Sqrt2 * v[k]
			s[i*d+j], s[j*d+i] = x, x
			k++
		}
	}
}

// unpackSvec writes Smat(v) to a, d×d row-major, both triangles.
func unpackSvec(a, v []float64, d int) {
	k := 0
	for i := range d {
		a[i*d+i] = v[k]
		k++
		for j := i + 1; j < d; j++ {
			x := v[k] / math.Sqrt2
			a[i*d+j], a[j*d+i] = x, x
			k++
		}
	}
}

// packPrecision writes svec(−S/2) to v from the upper triangle of s.
func packPrecision(v, s []float64, d int) {
	k := 0
	for i := range d {
		v[k] = -0.5 * s[i*d+i]
		k++
		for j := i + 1; j < d; j++ {
			v[k] = -s[i*d+j] / math.Sqrt2
			k++
		}
	}
}

// svecOuter writes svec(xx') to dst.
func svecOuter(dst, x []float64) {
	k := 0
	for i, xi := range x {
		dst[k] = xi * xi
		k++
		for _, xj := range x[i+1:] {
			dst[k] = math.Sqrt2 * (xi * xj)
			k++
		}
	}
}

// invertSPD returns the inverse of a, d×d row-major.
func invertSPD(family, fn, param string, a mat.Symmetric) ([]float64, error) {
	d := a.SymmetricDim()
	s := make([]float64, d*d)
	for i := range d {
		for j := range d {
			s[i*d+j] = a.At(i, j)
			if math.IsNaN(s[i*d+j]) || math.IsInf(s[i*d+j], 0) {
				return nil, &DomainError{family, fn, fmt.Sprintf("%s(%d,%d)", param, i, j), -1, s[i*d+j], "finite"}
			}
		}
	}
	if d == 0 {
		return s, nil
	}
	if k, v := badPivot(s, d); k >= 0 {
		return nil, notPosDef(family, fn, param, k, v)
	}
	t, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: d, Data: s, Stride: d})
	if !ok {
		return nil, notPosDef(family, fn, param, d-1, 0)
	}
	lapack64.Potri(t)
	for i := range d {
		for j := range i {
			s[i*d+j] = s[j*d+i]
		}
	}
	return s, nil
}

// badPivot returns the index and value of the first Cholesky pivot of s (d×d,
// row-major) that is not positive to working precision, −1 if there is none.
func badPivot(s []float64, d int) (int, float64) {
	u := make([]float64, d*d)
	for i := range d {
		for j := i; j < d; j++ {
			x := s[i*d+j]
			for k := range i {
				x -= u[k*d+i] * u[k*d+j]
			}
			if j == i {
				if !(x > minPivot*s[i*d+i]) || math.IsInf(x, 0) {
					return i, x
				}
				u[i*d+i] = math.Sqrt(x)
				continue
			}
			u[i*d+j] = x / u[i*d+i]
		}
	}
	return -1, 0
}

// absent returns the error of a constructor whose matrix is nil.
func absent(family, fn, param string, a mat.Matrix) error {
	if !la.Absent(a) {
		return nil
	}
	return &DomainError{family, fn, "size of " + param, -1, 0, "a matrix, not nil"}
}

func notPosDef(family, fn, param string, pivot int, value float64) error {
	return &DomainError{family, fn, param, -1, value,
		fmt.Sprintf("a positive definite matrix (the value is Cholesky pivot %d)", pivot)}
}

// naturalError says what is wrong with an η = (·, svec(−S/2)) that factor refused.
func naturalError(family, fn string, eta []float64, d int) error {
	if i := firstNonFinite(eta); i >= 0 {
		return &DomainError{family, fn, "eta", i, eta[i], "finite"}
	}
	s := make([]float64, d*d)
	unpackPrecision(s, eta[d:], d)
	if k, v := badPivot(s, d); k >= 0 {
		return notPosDef(family, fn, "precision", k, v)
	}
	return &DomainError{family, fn, "mean", -1, math.Inf(1), "within the range of float64"}
}
