package expfam

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// residual writes E = Z − M to m.e and R = PE to m.r. The caller holds the lock.
func (m *MatrixNormal) residual(x []float64) {
	for i, v := range x {
		m.e[i] = v - m.cur.mean[i]
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, m.dd(m.cur.prec), m.dp(m.e), 0, m.dp(m.r))
}

// FisherMul writes F·v to dst: with Q = Smat(v₂) and dM = U(v₁ + 2QM),
//
//	F·v = (dM V⁻¹, svec(2pUQU + dM V⁻¹M' + MV⁻¹dM')).
func (m *MatrixNormal) FisherMul(dst, v []float64) []float64 {
	checkLen("MatrixNormal.FisherMul", "v", v, len(m.eta))
	dst = sized("MatrixNormal.FisherMul", dst, len(m.eta))
	d, k := m.d, m.Dim()
	m.lock.Lock()
	defer m.lock.Unlock()
	copy(m.e, v[:k])
	unpackSvec(m.q, v[k:], d)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 2, m.dd(m.q), m.dp(m.cur.mean), 1, m.dp(m.e))
	m.mulRowCov(m.cur, m.e)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, m.dp(m.e), m.pp(m.cols.inv), 0, m.dp(dst[:k]))
	w, q := upperTri(m.cur.w, d), m.dd(m.q)
	blas64.Trmm(blas.Left, blas.Trans, 2*float64(m.p), w, q)
	blas64.Trmm(blas.Left, blas.NoTrans, 1, w, q)
	blas64.Trmm(blas.Right, blas.NoTrans, 1, w, q)
	blas64.Trmm(blas.Right, blas.Trans, 1, w, q)
	packSvec(dst[k:], m.q, d)
	m.addOuter(dst[k:], 1, 2, dst[:k], m.cur.mean)
	return dst
}

// Score writes ∇ log p = −U⁻¹(Z−M)V⁻¹.
func (m *MatrixNormal) Score(dst, x []float64) []float64 {
	checkLen("MatrixNormal.Score", "x", x, m.Dim())
	dst = sized("MatrixNormal.Score", dst, m.Dim())
	m.lock.Lock()
	defer m.lock.Unlock()
	m.residual(x)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, -1, m.dp(m.r), m.pp(m.cols.inv), 0, m.dp(dst))
	return dst
}

// PathGrad writes (∂x/∂η)'g for Z = M + U^½ε V^½ moved by
// dZ = dM + ½dU U⁻¹(Z−M), which keeps the law.
func (m *MatrixNormal) PathGrad(dst, g, x []float64) []float64 {
	checkLen("MatrixNormal.PathGrad", "g", g, m.Dim())
	checkLen("MatrixNormal.PathGrad", "x", x, m.Dim())
	dst = sized("MatrixNormal.PathGrad", dst, len(m.eta))
	clear(dst)
	m.addTangent(dst, g, x, nil, 1)
	return m.FisherMul(dst, dst)
}

// Tangent adds w·∇_m E[log p] to dst as the draw dr shows it. With G the gradient,
// d×p, and S the gradient in U,
//
//	S = ½ Σ_jk V_jk ∂²log p/∂z_j∂z_k'   (columns z_j; Price 1958), if dr.Hess is set
//	    sym(U⁻¹(Z−M)G')/2               (Stein's identity), if it is not
//	∇_m = (GV − 2SM/p, svec(S)/p).
//
// If dr.X, dr.Grad and dr.Hess are the mean and expectations under q, it is exact.
func (m *MatrixNormal) Tangent(dst []float64, dr *Draw, w float64) {
	checkLen("MatrixNormal.Tangent", "dst", dst, len(m.eta))
	checkLen("MatrixNormal.Tangent", "Grad", dr.Grad, m.Dim())
	if dr.Hess == nil {
		checkLen("MatrixNormal.Tangent", "X", dr.X, m.Dim())
		m.addTangent(dst, dr.Grad, dr.X, nil, w)
		return
	}
	h := dr.Hess.RawSymmetric()
	if h.N != m.Dim() {
		panicLen("MatrixNormal.Tangent", "Hess", h.N, m.Dim())
	}
	m.addTangent(dst, dr.Grad, nil, &h, w)
}

func (m *MatrixNormal) addTangent(dst, g, x []float64, h *blas64.Symmetric, w float64) {
	d, p, k := m.d, m.p, m.Dim()
	m.lock.Lock()
	defer m.lock.Unlock()
	if h != nil {
		for i := range d {
			for j := i; j < d; j++ {
				var s float64
				for a := range p {
					for b := range p {
						row, col := i*p+a, j*p+b
						s += m.cols.v[a*p+b] * h.Data[min(row, col)*h.Stride+max(row, col)]
					}
				}
				m.q[i*d+j], m.q[j*d+i] = s/2, s/2
			}
		}
	} else {
		m.residual(x)
		blas64.Gemm(blas.NoTrans, blas.Trans, 0.25, m.dp(m.r), m.dp(g), 0, m.dd(m.q))
		for i := range d {
			for j := i; j < d; j++ {
				s := m.q[i*d+j] + m.q[j*d+i]
				m.q[i*d+j], m.q[j*d+i] = s, s
			}
		}
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, w, m.dp(g), m.pp(m.cols.v), 1, m.dp(dst[:k]))
	f := w / float64(p)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, -2*f, m.dd(m.q), m.dp(m.cur.mean), 1, m.dp(dst[:k]))
	m.addSvec(dst[k:], f)
}

// addSvec adds f·svec(m.q) to dst.
func (m *MatrixNormal) addSvec(dst []float64, f float64) {
	d, k := m.d, 0
	for i := range d {
		dst[k] += f * m.q[i*d+i]
		k++
		for j := i + 1; j < d; j++ {
			dst[k] += f * math.Sqrt2 * m.q[i*d+j]
			k++
		}
	}
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (m *MatrixNormal) EntropyTangent(dst []float64) (exact bool) {
	return subEta("MatrixNormal.EntropyTangent", dst, m.eta)
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst: with
// R = U⁻¹(Z−M) and Q = RV⁻¹R'/(2p) − U⁻¹/2 it is (R − 2QM, svec(Q)).
func (m *MatrixNormal) ScoreTangent(dst, x []float64, w float64) {
	checkLen("MatrixNormal.ScoreTangent", "dst", dst, len(m.eta))
	checkLen("MatrixNormal.ScoreTangent", "x", x, m.Dim())
	k := m.Dim()
	m.lock.Lock()
	defer m.lock.Unlock()
	m.residual(x)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, m.dp(m.r), m.pp(m.cols.inv), 0, m.dp(m.e))
	copy(m.q, m.cur.prec)
	blas64.Gemm(blas.NoTrans, blas.Trans, 0.5/float64(m.p), m.dp(m.e), m.dp(m.r), -0.5, m.dd(m.q))
	for i, r := range m.r {
		dst[i] += w * r
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, -2*w, m.dd(m.q), m.dp(m.cur.mean), 1, m.dp(dst[:k]))
	m.addSvec(dst[k:], w)
}
