package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/wire"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// MatrixNormal is the matrix normal distribution of an n×p matrix Z, a posterior
// for weight matrices,
//
//	q(Z) = |S|^p/2 |T|^n/2 (2π)^−np/2 exp(−½ tr(S (Z−W) T (Z−W)')),
//
// with S = U⁻¹ the precision of the rows and T = V⁻¹ that of the columns, so that
// cov(vec Z) = V⊗U needs n² + p² numbers in place of n²p². A point x holds Z row by row.
//
// Given the others, each of W, S and T is a natural parameter: a multi-linear
// exponential family, each block of which is moved by its own natural gradient
// (Lin, Khan and Schmidt 2019, section 5). The state is (W by rows, svec S, svec T).
//
// S and T share a scale, cS ⊗ T/c being the same for all c, and each block corrects
// all of it: step sizes should not exceed ½, with which the engine begins.
//
// Methods other than Sample use scratch of the receiver and are not safe for
// concurrent use. The zero value is usable only as a receiver of UnmarshalBinary.
type MatrixNormal struct {
	n, p      int
	cur, next *matrixState
	e, f      []float64 // n×p scratch
}

const matrixName = "matrix-normal"

// NewMatrixNormal returns the matrix normal distribution of the given mean (n×p),
// row precision S (n×n) and column precision T (p×p). It panics unless the sizes
// agree and errs unless the mean is finite and both precisions are positive definite.
func NewMatrixNormal(mean *mat.Dense, rowPrecision, colPrecision mat.Symmetric) (*MatrixNormal, error) {
	n, p := mean.Dims()
	if a, b := rowPrecision.SymmetricDim(), colPrecision.SymmetricDim(); a != n || b != p {
		panic(fmt.Sprintf("mixture: NewMatrixNormal: precisions of orders %d and %d for a mean of %d rows and %d columns", a, b, n, p))
	}
	q := newMatrixNormal(n, p)
	eta := make([]float64, q.NumParams())
	for i := range n {
		mat.Row(eta[i*p:(i+1)*p], i, mean)
	}
	expfam.Svec(eta[n*p:n*p+expfam.SvecLen(n)], rowPrecision)
	expfam.Svec(eta[n*p+expfam.SvecLen(n):], colPrecision)
	if err := q.set("New", eta); err != nil {
		return nil, err
	}
	return q, nil
}

func newMatrixNormal(n, p int) *MatrixNormal {
	return &MatrixNormal{n: n, p: p, cur: newMatrixState(n, p), next: newMatrixState(n, p), e: make([]float64, n*p), f: make([]float64, n*p)}
}

func (q *MatrixNormal) checkLen(fn, param string, v []float64, n int) {
	if len(v) != n {
		panic(fmt.Sprintf("mixture: MatrixNormal.%s: length of %s is %d, want %d", fn, param, len(v), n))
	}
}

func (q *MatrixNormal) sized(fn string, dst []float64, n int) []float64 {
	if dst == nil {
		return make([]float64, n)
	}
	q.checkLen(fn, "dst", dst, n)
	return dst
}

// blocks returns the three parts of a vector of state coordinates.
func (q *MatrixNormal) blocks(v []float64) (w, s, t []float64) {
	k := q.n * q.p
	return v[:k], v[k : k+expfam.SvecLen(q.n)], v[k+expfam.SvecLen(q.n):]
}

// Dim returns np.
func (q *MatrixNormal) Dim() int { return q.n * q.p }

// Dims returns the numbers of rows n and columns p of Z.
func (q *MatrixNormal) Dims() (n, p int) { return q.n, q.p }

// NumParams returns np + n(n+1)/2 + p(p+1)/2.
func (q *MatrixNormal) NumParams() int {
	return q.n*q.p + expfam.SvecLen(q.n) + expfam.SvecLen(q.p)
}

// Natural writes the state (W by rows, svec S, svec T) to dst.
func (q *MatrixNormal) Natural(dst []float64) []float64 {
	dst = q.sized("Natural", dst, q.NumParams())
	w, s, t := q.blocks(dst)
	copy(w, q.cur.w)
	svecOfFull(s, q.cur.row.prec, q.n, 1)
	svecOfFull(t, q.cur.col.prec, q.p, 1)
	return dst
}

// SetNatural moves to the state (W by rows, svec S, svec T). It errs, with the
// receiver unchanged, unless W is finite and S and T are positive definite.
func (q *MatrixNormal) SetNatural(eta []float64) error { return q.set("SetNatural", eta) }

func (q *MatrixNormal) set(fn string, eta []float64) error {
	q.checkLen(fn, "eta", eta, q.NumParams())
	w, s, t := q.blocks(eta)
	copy(q.next.w, w)
	fullOfSvec(q.next.row.prec, s, q.n)
	fullOfSvec(q.next.col.prec, t, q.p)
	return q.accept(fn)
}

// accept moves to q.next if it is proper.
func (q *MatrixNormal) accept(fn string) error {
	for i, v := range q.next.w {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return &expfam.DomainError{Family: matrixName, Func: fn, Param: "mean", Index: i, Value: v, Want: "finite"}
		}
	}
	for k, f := range []*precisionFactor{&q.next.row, &q.next.col} {
		if !f.factorize() {
			return &expfam.DomainError{Family: matrixName, Func: fn, Param: [2]string{"row precision", "column precision"}[k], Index: -1, Value: f.worst(), Want: "a positive definite matrix"}
		}
	}
	q.cur, q.next = q.next, q.cur
	return nil
}

// Mean writes W, row by row, to dst.
func (q *MatrixNormal) Mean(dst []float64) []float64 {
	dst = q.sized("Mean", dst, q.n*q.p)
	copy(dst, q.cur.w)
	return dst
}

// Sd writes the standard deviations √(U_ii V_jj) of the entries, row by row, to dst.
func (q *MatrixNormal) Sd(dst []float64) []float64 {
	dst = q.sized("Sd", dst, q.n*q.p)
	for i := range q.n {
		for j := range q.p {
			dst[i*q.p+j] = math.Sqrt(q.cur.row.cov[i*q.n+i] * q.cur.col.cov[j*q.p+j])
		}
	}
	return dst
}

// RowPrecision writes S to dst, a new matrix if dst is nil.
func (q *MatrixNormal) RowPrecision(dst *mat.SymDense) *mat.SymDense {
	_, s, _ := q.blocks(q.Natural(nil))
	return expfam.Smat(dst, s, q.n)
}

// ColPrecision writes T to dst, a new matrix if dst is nil.
func (q *MatrixNormal) ColPrecision(dst *mat.SymDense) *mat.SymDense {
	_, _, t := q.blocks(q.Natural(nil))
	return expfam.Smat(dst, t, q.p)
}

// LogProb returns log q(x).
func (q *MatrixNormal) LogProb(x []float64) float64 {
	q.checkLen("LogProb", "x", x, q.n*q.p)
	for i, w := range q.cur.w {
		q.e[i] = x[i] - w
	}
	e := byRows(q.e, q.n, q.p)
	blas64.Trmm(blas.Left, blas.NoTrans, 1, q.cur.row.upper(), e)
	blas64.Trmm(blas.Right, blas.Trans, 1, q.cur.col.upper(), e)
	var s float64
	for _, v := range q.e {
		s += v * v
	}
	n, p := float64(q.n), float64(q.p)
	return 0.5 * (p*q.cur.row.logDet + n*q.cur.col.logDet - s - n*p*math.Log(2*math.Pi))
}

// Sample writes a draw W + R⁻¹ε Q⁻ᵀ, S = R'R and T = Q'Q, row by row, to dst.
func (q *MatrixNormal) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = q.sized("Sample", dst, q.n*q.p)
	for i := range dst {
		dst[i] = rng.NormFloat64()
	}
	z := byRows(dst, q.n, q.p)
	blas64.Trsm(blas.Left, blas.NoTrans, 1, q.cur.row.upper(), z)
	blas64.Trsm(blas.Right, blas.Trans, 1, q.cur.col.upper(), z)
	for i, w := range q.cur.w {
		dst[i] += w
	}
	return dst
}

// Mirror writes 2W − x to dst, the antithetic partner of x. dst may be x.
func (q *MatrixNormal) Mirror(dst, x []float64) []float64 {
	q.checkLen("Mirror", "x", x, q.n*q.p)
	dst = q.sized("Mirror", dst, q.n*q.p)
	for i, w := range q.cur.w {
		dst[i] = 2*w - x[i]
	}
	return dst
}

// MarshalBinary returns the bytes of the state.
func (q *MatrixNormal) MarshalBinary() ([]byte, error) {
	w := wire.NewWriter("ngmatnrm", 1)
	w.Int(q.n)
	w.Int(q.p)
	if q.cur != nil { // not a zero value
		w.Floats(q.cur.w)
		w.Floats(q.cur.row.prec)
		w.Floats(q.cur.col.prec)
	}
	return w.Finish(), nil
}

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The receiver
// has the saved size or is a zero value. On error it is unchanged.
func (q *MatrixNormal) UnmarshalBinary(b []byte) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("mixture: MatrixNormal.UnmarshalBinary: "+format, args...)
	}
	r, err := wire.NewReader(b, "ngmatnrm", 1)
	if err != nil {
		return fail("%w", err)
	}
	n, p := r.Int(), r.Int()
	mean, row, col := r.Floats(), r.Floats(), r.Floats()
	if err := r.Done(); err != nil {
		return fail("%w", err)
	}
	if n < 1 || p < 1 || len(mean)/n != p || len(mean)%n != 0 || len(row)/n != n || len(row)%n != 0 || len(col)/p != p || len(col)%p != 0 {
		return fail("%d means and precisions of %d and %d entries are no matrix of %d by %d", len(mean), len(row), len(col), n, p)
	}
	if q.cur != nil && (q.n != n || q.p != p) {
		return fail("the bytes hold a matrix of %d by %d, the receiver has %d by %d", n, p, q.n, q.p)
	}
	m := newMatrixNormal(n, p)
	copy(m.next.w, mean)
	copy(m.next.row.prec, row)
	copy(m.next.col.prec, col)
	if err := m.accept("UnmarshalBinary"); err != nil {
		return err
	}
	*q = *m
	return nil
}
