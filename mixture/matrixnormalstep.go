package mixture

import (
	"math"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/la"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// matrixState is a mean with the two precisions.
type matrixState struct {
	w        []float64
	row, col precisionFactor
}

func newMatrixState(n, p int) *matrixState {
	return &matrixState{make([]float64, n*p), newPrecisionFactor(n), newPrecisionFactor(p)}
}

// precisionFactor is a precision matrix with what follows from it. All matrices
// are full, by rows.
type precisionFactor struct {
	k             int
	prec, r, cov  []float64 // P, its root P = R'R (upper triangle) and P⁻¹
	sym, move, up []float64 // scratch
	logDet        float64   // of P
}

func newPrecisionFactor(k int) precisionFactor {
	m := func() []float64 { return make([]float64, k*k) }
	return precisionFactor{k: k, prec: m(), r: m(), cov: m(), sym: m(), move: m(), up: m()}
}

func byRows(v []float64, n, p int) blas64.General {
	return blas64.General{Rows: n, Cols: p, Stride: p, Data: v}
}

func (f *precisionFactor) full(v []float64) blas64.General { return byRows(v, f.k, f.k) }

// upper is the root R.
func (f *precisionFactor) upper() blas64.Triangular {
	return blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: f.k, Data: f.r, Stride: f.k}
}

// factorize fills in everything that follows from the precision; false if it is not
// positive definite in floating point.
func (f *precisionFactor) factorize() bool {
	copy(f.r, f.prec)
	if !la.Cholesky(f.r, f.k) {
		return false
	}
	f.logDet = 0
	for i := range f.k {
		f.logDet += 2 * math.Log(f.r[i*f.k+i])
	}
	copy(f.cov, f.r)
	t := f.upper()
	t.Data = f.cov
	if _, ok := lapack64.Potri(t); !ok {
		return false
	}
	for i := range f.k {
		for j := range i {
			f.cov[i*f.k+j] = f.cov[j*f.k+i]
		}
	}
	for _, v := range f.cov {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// worst returns the smallest diagonal entry, or a NaN, to show in an error.
func (f *precisionFactor) worst() float64 {
	w := math.Inf(1)
	for i := range f.k {
		w = min(w, f.prec[i*f.k+i])
	}
	return w
}

// svecOfFull writes scale·svec of the symmetric part of the full matrix a to dst.
func svecOfFull(dst, a []float64, k int, scale float64) {
	clear(dst)
	addSvecOfFull(dst, a, k, scale)
}

// addSvecOfFull adds the same to dst.
func addSvecOfFull(dst, a []float64, k int, scale float64) {
	m := 0
	for i := range k {
		dst[m] += scale * a[i*k+i]
		m++
		for j := i + 1; j < k; j++ {
			dst[m] += scale / math.Sqrt2 * (a[i*k+j] + a[j*k+i])
			m++
		}
	}
}

// fullOfSvec writes the full symmetric matrix whose svec is v to dst.
func fullOfSvec(dst, v []float64, k int) {
	m := 0
	for i := range k {
		dst[i*k+i] = v[m]
		m++
		for j := i + 1; j < k; j++ {
			dst[i*k+j] = v[m] / math.Sqrt2
			dst[j*k+i] = dst[i*k+j]
			m++
		}
	}
}

// Tangent adds w times the natural gradient of E_q[log p], block by block, that the
// draw d shows: with E = Z − W, G = ∇log p(Z) as a matrix and G₀ = G + SET = ∇log p − ∇log q,
//
//	d_W = U G V,   d_S = S − sym(S E G₀')/p,   d_T = T − sym(T E' G₀)/n
//
// by Stein's identity ∇_U E f = ½ E[sym(S E ∇f')]; −∇log q and what it adds on average,
// the entropy's gradient, are there because the noise of the two cancels where q is
// close to p. (The paper's experiment puts the outer products G V G' in place of the
// curvature: a precision can then only rise.) It does not allocate.
func (q *MatrixNormal) Tangent(dst []float64, d *expfam.Draw, w float64) {
	q.checkLen("Tangent", "dst", dst, q.NumParams())
	q.checkLen("Tangent", "Draw.X", d.X, q.n*q.p)
	q.checkLen("Tangent", "Draw.Grad", d.Grad, q.n*q.p)
	dw, ds, dt := q.blocks(dst)
	row, col := &q.cur.row, &q.cur.col
	e, f, g := byRows(q.e, q.n, q.p), byRows(q.f, q.n, q.p), byRows(d.Grad, q.n, q.p)

	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, row.full(row.cov), g, 0, f)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, w, f, col.full(col.cov), 1, byRows(dw, q.n, q.p))

	for i, m := range q.cur.w {
		q.e[i] = d.X[i] - m
	}
	// G₀ is made in f, then S E and E T in the place of what is no longer needed.
	se, g0 := byRows(q.next.w, q.n, q.p), f
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, row.full(row.prec), e, 0, se)
	copy(q.f, d.Grad)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, se, col.full(col.prec), 1, g0)

	blas64.Gemm(blas.NoTrans, blas.Trans, 1, se, g0, 0, row.full(row.sym))
	addSvecOfFull(ds, row.sym, q.n, -w/float64(q.p))
	addSvecOfFull(ds, row.prec, q.n, w)

	et := se
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, e, col.full(col.prec), 0, et)
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, et, g0, 0, col.full(col.sym))
	addSvecOfFull(dt, col.sym, q.p, -w/float64(q.n))
	addSvecOfFull(dt, col.prec, q.p, w)
}

// EntropyTangent adds the natural gradient of the entropy, (0, −S, −T) block by
// block, to dst and returns true: it is exact.
func (q *MatrixNormal) EntropyTangent(dst []float64) (exact bool) {
	q.checkLen("EntropyTangent", "dst", dst, q.NumParams())
	_, ds, dt := q.blocks(dst)
	addSvecOfFull(ds, q.cur.row.prec, q.n, -1)
	addSvecOfFull(dt, q.cur.col.prec, q.p, -1)
	return true
}

// Entropy returns ½(np(1 + log 2π) − p log|S| − n log|T|) in nats.
func (q *MatrixNormal) Entropy() float64 {
	n, p := float64(q.n), float64(q.p)
	return 0.5 * (n*p*(1+math.Log(2*math.Pi)) - p*q.cur.row.logDet - n*q.cur.col.logDet)
}

// FisherMul writes F·v to dst, F the block-diagonal Fisher matrix that maps
// (d_W, d_S, d_T) to (S d_W T, ½p U d_S U, ½n V d_T V). dst may be v.
func (q *MatrixNormal) FisherMul(dst, v []float64) []float64 {
	q.checkLen("FisherMul", "v", v, q.NumParams())
	dst = q.sized("FisherMul", dst, q.NumParams())
	vw, vs, vt := q.blocks(v)
	dw, ds, dt := q.blocks(dst)
	row, col := &q.cur.row, &q.cur.col
	f := byRows(q.f, q.n, q.p)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, row.full(row.prec), byRows(vw, q.n, q.p), 0, f)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, f, col.full(col.prec), 0, byRows(dw, q.n, q.p))
	row.fisher(ds, vs, float64(q.p)/2)
	col.fisher(dt, vt, float64(q.n)/2)
	return dst
}

// fisher writes c·svec(P⁻¹ D P⁻¹) with svec(D) = v to dst.
func (f *precisionFactor) fisher(dst, v []float64, c float64) {
	fullOfSvec(f.move, v, f.k)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, f.full(f.cov), f.full(f.move), 0, f.full(f.up))
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, f.full(f.up), f.full(f.cov), 0, f.full(f.sym))
	svecOfFull(dst, f.sym, f.k, c)
}

// improve writes P + ρD + ½ρ²D P⁻¹ D, svec(D) = v, to dst: it is positive definite
// for every ρ.
func (f *precisionFactor) improve(dst, v []float64, rho float64) {
	fullOfSvec(f.move, v, f.k)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, f.full(f.cov), f.full(f.move), 0, f.full(f.up))
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 0.5*rho*rho, f.full(f.move), f.full(f.up), 0, f.full(f.sym))
	for i := range f.k {
		for j := range f.k {
			dst[i*f.k+j] = f.prec[i*f.k+j] + rho*f.move[i*f.k+j] + 0.5*(f.sym[i*f.k+j]+f.sym[j*f.k+i])
		}
	}
}

// Retract moves along tan = (d_W, svec d_S, svec d_T) by the improved step of the
// Gaussian in each block, whose precisions stay positive definite for every ρ (Lin,
// Schmidt and Khan 2020, section 4):
//
//	W ← W + ρd_W,   S ← S + ρd_S + ½ρ² d_S U d_S,   T ← T + ρd_T + ½ρ² d_T V d_T.
//
// Shortened is returned if ρ had to be halved because a result was not
// representable. It errs, with the receiver unchanged, if tan or rho is not finite
// or no step is representable.
func (q *MatrixNormal) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	q.checkLen("Retract", "tan", tan, q.NumParams())
	for i, t := range tan {
		if math.IsNaN(t) || math.IsInf(t, 0) {
			return expfam.NonFinite, &expfam.DomainError{Family: matrixName, Func: "Retract", Param: "tan", Index: i, Value: t, Want: "finite"}
		}
	}
	if math.IsNaN(rho) || math.IsInf(rho, 0) {
		return expfam.NonFinite, &expfam.DomainError{Family: matrixName, Func: "Retract", Param: "rho", Index: -1, Value: rho, Want: "finite"}
	}
	dw, ds, dt := q.blocks(tan)
	var cond expfam.Condition
	var err error
	for range positiveHalvings {
		for i, w := range q.cur.w {
			q.next.w[i] = w + rho*dw[i]
		}
		q.cur.row.improve(q.next.row.prec, ds, rho)
		q.cur.col.improve(q.next.col.prec, dt, rho)
		if err = q.accept("Retract"); err == nil {
			return cond, nil
		}
		rho /= 2
		cond = expfam.Shortened
	}
	return cond, err
}
