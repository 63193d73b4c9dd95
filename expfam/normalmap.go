package expfam

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// Affine returns the distribution of y = a + Tx, N(a + Tμ, TΣT'), for a k×d
// matrix T of full row rank; a nil a is zero. It errs if an entry is not finite
// or the rows of T are linearly dependent, and panics if the sizes do not
// match. The covariance is made from a QR factorisation of a root of Σ, so that
// no condition number is squared.
func (n *Normal) Affine(a []float64, T mat.Matrix) (*Normal, error) {
	k, c := T.Dims()
	if c != n.dim {
		panicLen("Normal.Affine", "a row of T", c, n.dim)
	}
	if a == nil {
		a = make([]float64, k)
	}
	checkLen("Normal.Affine", "a", a, k)
	d := n.dim
	t := blas64.General{Rows: k, Cols: d, Data: make([]float64, k*d), Stride: d}
	for i := range k {
		for j := range d {
			v := T.At(i, j)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, &DomainError{"normal", "Affine", fmt.Sprintf("T(%d,%d)", i, j), -1, v, "finite"}
			}
			t.Data[i*d+j] = v
		}
	}
	mu := append([]float64(nil), a...)
	blas64.Gemv(blas.NoTrans, 1, t, blas64.Vector{N: d, Data: n.cur.mu, Inc: 1}, 1, blas64.Vector{N: k, Data: mu, Inc: 1})
	blas64.Trmm(blas.Right, blas.NoTrans, 1, blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: d, Data: n.invRoot(), Stride: d}, t)
	return normalFromRoot("Affine", mu, t)
}

// normalFromRoot returns N(mu, BB') for a k×d matrix B of rank k.
func normalFromRoot(fn string, mu []float64, b blas64.General) (*Normal, error) {
	k, d := b.Rows, b.Cols
	dependent := func(row int, v float64) error {
		return &DomainError{"normal", fn, "row", row, v, "linearly independent of the rows before it"}
	}
	if k == 0 {
		return nil, &DomainError{"normal", fn, "number of coordinates", -1, 0, ">= 1"}
	}
	if k > d {
		return nil, dependent(d, 0)
	}
	qr := blas64.General{Rows: d, Cols: k, Data: make([]float64, d*k), Stride: k}
	norm := make([]float64, k)
	for i := range k {
		for j := range d {
			v := b.Data[i*b.Stride+j]
			qr.Data[j*k+i] = v
			norm[i] = math.Hypot(norm[i], v)
		}
	}
	lapack64.Geqrf(qr, make([]float64, k), make([]float64, 64*k), 64*k)
	for i := range k {
		if r := qr.Data[i*k+i]; !(r*r > minPivot*norm[i]*norm[i]) {
			return nil, dependent(i, r)
		}
	}
	// Σ = R'R, so S = VV' with V = R⁻¹.
	r := blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: k, Data: qr.Data[:k*k], Stride: k}
	lapack64.Trtri(r)
	s := make([]float64, k*k)
	for i := range k {
		for j := i; j < k; j++ {
			v := dot(r.Data[i*k+j:(i+1)*k], r.Data[j*k+j:(j+1)*k])
			s[i*k+j], s[j*k+i] = v, v
		}
	}
	return newNormalPrec(fn, mu, s)
}

// checkSubset errs unless idx names distinct coordinates, at least one.
func (n *Normal) checkSubset(fn string, idx []int) error {
	seen := make([]bool, n.dim)
	for k, i := range idx {
		if i < 0 || i >= n.dim {
			return &DomainError{"normal", fn, "idx", k, float64(i), fmt.Sprintf(">= 0 and < %d", n.dim)}
		}
		if seen[i] {
			return &DomainError{"normal", fn, "idx", k, float64(i), "a coordinate that was not named before"}
		}
		seen[i] = true
	}
	if len(idx) == 0 {
		return &DomainError{"normal", fn, "length of idx", -1, 0, ">= 1"}
	}
	return nil
}

// Marginal returns the distribution of the coordinates idx, in that order:
// N(μ[idx], Σ[idx,idx]). It errs if idx is empty or names a coordinate that
// does not exist or names one twice.
func (n *Normal) Marginal(idx []int) (*Normal, error) {
	if err := n.checkSubset("Marginal", idx); err != nil {
		return nil, err
	}
	d := n.dim
	w := n.invRoot()
	b := blas64.General{Rows: len(idx), Cols: d, Data: make([]float64, len(idx)*d), Stride: d}
	mu := make([]float64, len(idx))
	for k, i := range idx {
		copy(b.Data[k*d:(k+1)*d], w[i*d:(i+1)*d])
		mu[k] = n.cur.mu[i]
	}
	return normalFromRoot("Marginal", mu, b)
}

// Conditional returns the distribution of the other coordinates, in their
// order, given that the coordinates idx are x: with r the rest and c = idx,
//
//	η = (S_rr μ_r − S_rc (x − μ_c), svec(−S_rr/2)).
//
// It errs as Marginal does, if x is not finite or if no coordinate is left,
// and panics if x and idx differ in length.
func (n *Normal) Conditional(idx []int, x []float64) (*Normal, error) {
	checkLen("Normal.Conditional", "x", x, len(idx))
	if err := n.checkSubset("Conditional", idx); err != nil {
		return nil, err
	}
	if i := firstNonFinite(x); i >= 0 {
		return nil, &DomainError{"normal", "Conditional", "x", i, x[i], "finite"}
	}
	d, k := n.dim, n.dim-len(idx)
	if k == 0 {
		return nil, &DomainError{"normal", "Conditional", "length of idx", -1, float64(len(idx)), fmt.Sprintf("< %d", d)}
	}
	given := make([]bool, d)
	for _, i := range idx {
		given[i] = true
	}
	rest := make([]int, 0, k)
	for i := range d {
		if !given[i] {
			rest = append(rest, i)
		}
	}
	st := newNormalState(k)
	s := make([]float64, k*k)
	for a, i := range rest {
		for b, j := range rest {
			s[a*k+b] = n.cur.s[i*d+j]
			st.eta[a] += n.cur.s[i*d+j] * n.cur.mu[j]
		}
		for b, j := range idx {
			st.eta[a] -= n.cur.s[i*d+j] * (x[b] - n.cur.mu[j])
		}
	}
	packPrecision(st.eta[k:], s, k)
	if !st.factor() {
		return nil, naturalError("normal", "Conditional", st.eta, k)
	}
	return &Normal{dim: k, cur: st}, nil
}
