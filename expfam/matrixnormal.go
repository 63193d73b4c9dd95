package expfam

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// MatrixNormal is the distribution MN(M, U, V) of a d×p matrix Z with mean M, free
// covariance U (d×d) between the rows and known covariance V (p×p) between the
// columns: Cov(Z_ij, Z_kl) = U_ik V_jl. An outcome is x = Z row by row, and so are
// the matrices of the parameters:
//
//	T(x) = (ZV⁻¹, svec(ZV⁻¹Z'))
//	η    = (U⁻¹M, svec(−U⁻¹/2))
//	m    = (MV⁻¹, svec(pU + MV⁻¹M'))
//	A(η) = ½ tr(U⁻¹MV⁻¹M') + p/2·log|U|,   h = (2π)^(−dp/2) |V|^(−d/2)
//
// (Gupta and Nagar 1999, Matrix Variate Distributions, chapter 2). With V free as
// well the density is no exponential family in (M, U, V): η would hold products of
// the entries of U⁻¹ and V⁻¹. A known U in place of V is the same with Z'.
//
// V is part of the family: distributions of different V have different names.
type MatrixNormal struct {
	name      string
	d, p      int
	cols      *columnCov
	eta, try  []float64
	cur, next *matrixNormalParams

	lock    sync.Mutex // guards the scratch
	e, r    []float64  // d×p
	q, t, s []float64  // d×d
}

// columnCov is the known V.
type columnCov struct {
	v, inv, chol []float64 // V, V⁻¹ and the upper triangular R with V = R'R, row-major
	logDet       float64
}

type matrixNormalParams struct {
	mean, prec, u, w []float64 // M, P = U⁻¹, u upper triangular with P = u'u, w = u⁻¹
	logDet           float64   // log|P|
}

func newMatrixNormal(name string, d, p int, cols *columnCov) *MatrixNormal {
	n := d*p + SvecLen(d)
	params := func() *matrixNormalParams {
		f := func(n int) []float64 { return make([]float64, n) }
		return &matrixNormalParams{mean: f(d * p), prec: f(d * d), u: f(d * d), w: f(d * d)}
	}
	f := make([]float64, 2*n+2*d*p+3*d*d)
	m := &MatrixNormal{name: name, d: d, p: p, cols: cols, cur: params(), next: params()}
	for _, part := range []struct {
		v *[]float64
		n int
	}{{&m.eta, n}, {&m.try, n}, {&m.e, d * p}, {&m.r, d * p}, {&m.q, d * d}, {&m.t, d * d}, {&m.s, d * d}} {
		*part.v, f = f[:part.n:part.n], f[part.n:]
	}
	return m
}

// NewMatrixNormal returns MN(mean, rowCov, colCov) with M = mean, U = rowCov and
// V = colCov. It errs unless mean is finite and both covariances are positive
// definite, and panics if the sizes differ.
func NewMatrixNormal(mean mat.Matrix, rowCov, colCov mat.Symmetric) (*MatrixNormal, error) {
	const family, fn = "matrix-normal", "New"
	for _, a := range []struct {
		param string
		m     mat.Matrix
	}{{"mean", mean}, {"rowCov", rowCov}, {"colCov", colCov}} {
		if err := absent(family, fn, a.param, a.m); err != nil {
			return nil, err
		}
	}
	d, p := mean.Dims()
	if rowCov.SymmetricDim() != d {
		panicLen("NewMatrixNormal", "rowCov", rowCov.SymmetricDim(), d)
	}
	if colCov.SymmetricDim() != p {
		panicLen("NewMatrixNormal", "colCov", colCov.SymmetricDim(), p)
	}
	if d == 0 || p == 0 {
		return nil, &DomainError{family, fn, "size of mean", -1, 0, "at least 1 × 1"}
	}
	prec, err := invertSPD(family, fn, "row covariance", rowCov)
	if err != nil {
		return nil, err
	}
	cols := &columnCov{v: make([]float64, p*p), chol: make([]float64, p*p)}
	if cols.inv, err = invertSPD(family, fn, "column covariance", colCov); err != nil {
		return nil, err
	}
	hash := fnv.New64a()
	for i := range p {
		for j := range p {
			cols.v[i*p+j] = colCov.At(i, j)
			hash.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(colCov.At(i, j))))
		}
	}
	var ok bool
	if cols.logDet, ok = cholesky(cols.chol, cols.v, p); !ok {
		k, v := badPivot(cols.v, p)
		return nil, notPosDef(family, fn, "column covariance", k, v)
	}
	m := newMatrixNormal(fmt.Sprintf("matrix-normal(p=%d,V=%016x)", p, hash.Sum64()), d, p, cols)
	for i := range d {
		for j := range p {
			x := mean.At(i, j)
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, &DomainError{family, fn, "mean", i*p + j, x, "finite"}
			}
			m.e[i*p+j] = x
		}
	}
	if err := m.setMeanPrec(fn, m.e, prec); err != nil {
		return nil, renamed(err, family)
	}
	return m, nil
}

func (m *MatrixNormal) dp(data []float64) blas64.General {
	return blas64.General{Rows: m.d, Cols: m.p, Data: data, Stride: m.p}
}

func (m *MatrixNormal) dd(data []float64) blas64.General {
	return blas64.General{Rows: m.d, Cols: m.d, Data: data, Stride: m.d}
}

func (m *MatrixNormal) pp(data []float64) blas64.General {
	return blas64.General{Rows: m.p, Cols: m.p, Data: data, Stride: m.p}
}

func upperTri(data []float64, n int) blas64.Triangular {
	return blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: n, Data: data, Stride: n}
}

// setMeanPrec moves to the mean M, row by row, and the precision P of the rows.
func (m *MatrixNormal) setMeanPrec(fn string, mean, prec []float64) error {
	eta := make([]float64, len(m.eta))
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, m.dd(prec), m.dp(mean), 0, m.dp(eta[:m.d*m.p]))
	packPrecision(eta[m.d*m.p:], prec, m.d)
	return m.set(fn, eta)
}

// load sets the candidate from eta and reports whether it is proper.
func (m *MatrixNormal) load(c *matrixNormalParams, eta []float64) bool {
	d, k := m.d, m.d*m.p
	unpackPrecision(c.prec, eta[k:], d)
	var ok bool
	if c.logDet, ok = cholesky(c.u, c.prec, d); !ok {
		return false
	}
	copy(c.w, c.u)
	lapack64.Trtri(upperTri(c.w, d))
	for i := range d {
		clear(c.w[i*d : i*d+i])
		clear(c.u[i*d : i*d+i])
	}
	copy(c.mean, eta[:k])
	m.mulRowCov(c, c.mean)
	return !math.IsInf(c.logDet, 0) && firstNonFinite(c.w) < 0 && firstNonFinite(c.mean) < 0
}

// mulRowCov overwrites x, d×p, with Ux = ww'x.
func (m *MatrixNormal) mulRowCov(c *matrixNormalParams, x []float64) {
	w := upperTri(c.w, m.d)
	blas64.Trmm(blas.Left, blas.Trans, 1, w, m.dp(x))
	blas64.Trmm(blas.Left, blas.NoTrans, 1, w, m.dp(x))
}

func (m *MatrixNormal) set(fn string, eta []float64) error {
	if err := m.check(fn, m.next, eta); err != nil {
		return err
	}
	copy(m.eta, eta)
	m.cur, m.next = m.next, m.cur
	return nil
}

// check loads eta into c or says what is wrong with it.
func (m *MatrixNormal) check(fn string, c *matrixNormalParams, eta []float64) error {
	if err := finite(m.name, fn, "eta", eta); err != nil {
		return err
	}
	if m.load(c, eta) {
		return nil
	}
	if k, v := badPivot(c.prec, m.d); k >= 0 {
		return notPosDef(m.name, fn, "row precision", k, v)
	}
	return &DomainError{m.name, fn, "mean", -1, math.Inf(1), "within the range of float64"}
}

// Name returns "matrix-normal(p=…,V=…)" with a hash of the known V.
func (m *MatrixNormal) Name() string { return m.name }

// Dim returns dp.
func (m *MatrixNormal) Dim() int { return m.d * m.p }

// NumParams returns dp + d(d+1)/2.
func (m *MatrixNormal) NumParams() int { return len(m.eta) }

// Dims returns d and p, the numbers of rows and columns of Z.
func (m *MatrixNormal) Dims() (rows, cols int) { return m.d, m.p }

// RowCov writes U to dst, a new matrix if dst is nil.
func (m *MatrixNormal) RowCov(dst *mat.SymDense) *mat.SymDense {
	d := m.d
	dst = symSized("MatrixNormal.RowCov", dst, d)
	for i := range d {
		for j := i; j < d; j++ {
			dst.SetSym(i, j, dot(m.cur.w[i*d+j:(i+1)*d], m.cur.w[j*d+j:(j+1)*d]))
		}
	}
	return dst
}

// ColCov writes the known V to dst, a new matrix if dst is nil.
func (m *MatrixNormal) ColCov(dst *mat.SymDense) *mat.SymDense {
	dst = symSized("MatrixNormal.ColCov", dst, m.p)
	for i := range m.p {
		for j := i; j < m.p; j++ {
			dst.SetSym(i, j, m.cols.v[i*m.p+j])
		}
	}
	return dst
}

// addOuter adds f times the symmetric part of AB', A and B d×p row by row, to keep
// times the matrix with svec dst.
func (m *MatrixNormal) addOuter(dst []float64, keep, f float64, a, b []float64) {
	k := 0
	for i := range m.d {
		ai, bi := a[i*m.p:(i+1)*m.p], b[i*m.p:(i+1)*m.p]
		dst[k] = keep*dst[k] + f*dot(ai, bi)
		k++
		for j := i + 1; j < m.d; j++ {
			s := dot(ai, b[j*m.p:(j+1)*m.p]) + dot(a[j*m.p:(j+1)*m.p], bi)
			dst[k] = keep*dst[k] + f*s/math.Sqrt2
			k++
		}
	}
}

// SuffStat writes (ZV⁻¹, svec(ZV⁻¹Z')) to dst.
func (m *MatrixNormal) SuffStat(dst, x []float64) []float64 {
	checkLen("MatrixNormal.SuffStat", "x", x, m.Dim())
	dst = sized("MatrixNormal.SuffStat", dst, len(m.eta))
	k := m.Dim()
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, m.dp(x), m.pp(m.cols.inv), 0, m.dp(dst[:k]))
	m.addOuter(dst[k:], 0, 1, dst[:k], x)
	return dst
}

// LogBase returns −dp/2·log 2π − d/2·log|V|.
func (m *MatrixNormal) LogBase(x []float64) float64 {
	checkLen("MatrixNormal.LogBase", "x", x, m.Dim())
	return -0.5 * float64(m.d) * (float64(m.p)*log2Pi + m.cols.logDet)
}

// CheckNatural errs unless eta is finite and U positive definite.
func (m *MatrixNormal) CheckNatural(eta []float64) error {
	checkLen("MatrixNormal.CheckNatural", "eta", eta, len(m.eta))
	c := newMatrixNormal(m.name, m.d, m.p, m.cols)
	return c.check("CheckNatural", c.next, eta)
}

// Natural writes η to dst.
func (m *MatrixNormal) Natural(dst []float64) []float64 {
	return copied("MatrixNormal.Natural", dst, m.eta)
}

// SetNatural moves to eta. It errs unless eta is finite and U positive definite.
func (m *MatrixNormal) SetNatural(eta []float64) error {
	checkLen("MatrixNormal.SetNatural", "eta", eta, len(m.eta))
	return m.set("SetNatural", eta)
}

// Expectation writes m = (MV⁻¹, svec(pU + MV⁻¹M')) to dst.
func (m *MatrixNormal) Expectation(dst []float64) []float64 {
	dst = m.SuffStat(sized("MatrixNormal.Expectation", dst, len(m.eta)), m.cur.mean)
	d, w, k := m.d, m.cur.w, m.Dim()
	for i := range d {
		for j := i; j < d; j++ {
			u := float64(m.p) * dot(w[i*d+j:(i+1)*d], w[j*d+j:(j+1)*d])
			if i != j {
				u *= math.Sqrt2
			}
			dst[k] += u
			k++
		}
	}
	return dst
}

// SetExpectation moves to M = m₁V, U = (Smat(m₂) − m₁M')/p. It errs unless U is
// positive definite. The inverse is a closed form that does not look at the
// rounding of m, which a mean many standard deviations from 0 feels.
func (m *MatrixNormal) SetExpectation(v []float64) error {
	const fn = "SetExpectation"
	checkLen("MatrixNormal.SetExpectation", "m", v, len(m.eta))
	if err := finite(m.name, fn, "m", v); err != nil {
		return err
	}
	k, d := m.Dim(), m.d
	mean, sv, cov := make([]float64, k), append([]float64(nil), v[k:]...), make([]float64, d*d)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, m.dp(v[:k]), m.pp(m.cols.v), 0, m.dp(mean))
	m.addOuter(sv, 1, -1, v[:k], mean)
	unpackSvec(cov, sv, d)
	for i := range cov {
		cov[i] /= float64(m.p)
	}
	prec, err := invertSPD(m.name, fn, "row covariance", mat.NewSymDense(d, cov))
	if err != nil {
		return err
	}
	return m.setMeanPrec(fn, mean, prec)
}

// Mean writes E[Z] = M, row by row.
func (m *MatrixNormal) Mean(dst []float64) []float64 {
	return copied("MatrixNormal.Mean", dst, m.cur.mean)
}

// LogPartition returns A(η).
func (m *MatrixNormal) LogPartition() float64 {
	var s float64 // tr(N'MV⁻¹)
	p := m.p
	for i := range m.d {
		for j, n := range m.eta[i*p : (i+1)*p] {
			s += n * dot(m.cur.mean[i*p:(i+1)*p], m.cols.inv[j*p:(j+1)*p])
		}
	}
	return 0.5 * (s - float64(p)*m.cur.logDet)
}

// Entropy returns ½[dp log 2πe + p log|U| + d log|V|] in nats.
func (m *MatrixNormal) Entropy() float64 {
	d, p := float64(m.d), float64(m.p)
	return 0.5 * (d*p*(1+log2Pi) - p*m.cur.logDet + d*m.cols.logDet)
}

// whitened returns ‖uEV^(−½)‖² of E, d×p, and overwrites E.
func (m *MatrixNormal) whitened(c *matrixNormalParams, e []float64) float64 {
	blas64.Trmm(blas.Left, blas.NoTrans, 1, upperTri(c.u, m.d), m.dp(e))
	blas64.Trsm(blas.Right, blas.NoTrans, 1, upperTri(m.cols.chol, m.p), m.dp(e))
	return dot(e, e)
}

// LogProb returns log p(Z).
func (m *MatrixNormal) LogProb(x []float64) float64 {
	checkLen("MatrixNormal.LogProb", "x", x, m.Dim())
	m.lock.Lock()
	defer m.lock.Unlock()
	for i, v := range x {
		m.e[i] = v - m.cur.mean[i]
	}
	return m.LogBase(x) + 0.5*(float64(m.p)*m.cur.logDet-m.whitened(m.cur, m.e))
}

// Sample writes M + U^½ε V^½ to dst, ε standard normal.
func (m *MatrixNormal) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("MatrixNormal.Sample", dst, m.Dim())
	for i := range dst {
		dst[i] = rng.NormFloat64()
	}
	blas64.Trmm(blas.Left, blas.NoTrans, 1, upperTri(m.cur.w, m.d), m.dp(dst))
	blas64.Trmm(blas.Right, blas.NoTrans, 1, upperTri(m.cols.chol, m.p), m.dp(dst))
	for i, v := range m.cur.mean {
		dst[i] += v
	}
	return dst
}

// Mirror writes 2M − x to dst, the antithetic partner of a draw x. dst may be x.
func (m *MatrixNormal) Mirror(dst, x []float64) []float64 {
	checkLen("MatrixNormal.Mirror", "x", x, m.Dim())
	dst = sized("MatrixNormal.Mirror", dst, m.Dim())
	for i, v := range m.cur.mean {
		dst[i] = 2*v - x[i]
	}
	return dst
}

// KLTo returns KL(receiver‖q) in nats; q must be a *MatrixNormal of equal size and
// V: with S = u_q w it is ½[p Σ(s_ii² − 1 − log s_ii²) + p Σ_{i<j} s_ij² +
// ‖u_q(M − M_q)V^(−½)‖²], every term ≥ 0.
func (m *MatrixNormal) KLTo(q Dist) float64 {
	o := as[*MatrixNormal](q)
	checkKnown(m, o)
	d := m.d
	if o.d != d {
		panicLen("MatrixNormal.KLTo", "q", o.d, d)
	}
	s := append([]float64(nil), m.cur.w...)
	blas64.Trmm(blas.Left, blas.NoTrans, 1, upperTri(o.cur.u, d), m.dd(s))
	var kl float64
	for i := range d {
		sii := s[i*d+i]
		kl -= special.Log1pmx((sii - 1) * (sii + 1))
		kl += dot(s[i*d+i+1:(i+1)*d], s[i*d+i+1:(i+1)*d])
	}
	e := make([]float64, m.Dim())
	for i, v := range m.cur.mean {
		e[i] = v - o.cur.mean[i]
	}
	return 0.5 * (float64(m.p)*kl + m.whitened(o.cur, e))
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (m *MatrixNormal) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(m, tan, rho, m.try)
}

// Clone returns an independent copy.
func (m *MatrixNormal) Clone() Dist {
	c := newMatrixNormal(m.name, m.d, m.p, m.cols)
	copy(c.eta, m.eta)
	copy(c.cur.mean, m.cur.mean)
	copy(c.cur.prec, m.cur.prec)
	copy(c.cur.u, m.cur.u)
	copy(c.cur.w, m.cur.w)
	c.cur.logDet = m.cur.logDet
	return c
}

// MarshalBinary returns the family name, which holds a hash of V, and η.
func (m *MatrixNormal) MarshalBinary() ([]byte, error) { return marshalEta(m) }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit, into a matrix
// normal distribution of the same size and V.
func (m *MatrixNormal) UnmarshalBinary(b []byte) error { return unmarshalEta(m, b) }
