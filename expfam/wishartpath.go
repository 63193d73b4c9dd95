package expfam

import (
	"math"

	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// pathWork returns four d×d matrices of scratch. The caller holds the lock.
func (c *wishartCore) pathWork() (g, w, t, k blas64.General) {
	d := c.dim
	if c.paths == nil {
		c.paths = make([]float64, 4*d*d)
	}
	at := func(i int) blas64.General {
		return blas64.General{Rows: d, Cols: d, Stride: d, Data: c.paths[i*d*d : (i+1)*d*d]}
	}
	return at(0), at(1), at(2), at(3)
}

func asSymmetric(m blas64.General) blas64.Symmetric {
	return blas64.Symmetric{Uplo: blas.Upper, N: m.Rows, Data: m.Data, Stride: m.Stride}
}

// path differentiates f(W), ∇f = G = Smat(g), along W's parameters: it returns
// ∂f/∂(ν/2) and tr(GW) and leaves K = BWG + GWB in the fourth matrix of scratch.
// G is in the first one and is overwritten; the caller holds the lock.
//
// V → V + dV moves W to CWC', C = I + ½dV·B, so that ∂f/∂B = −½VKV. At fixed V
// the factor A of Bartlett's decomposition (see sample) moves by its gamma
// variables A_ii²/2, of shapes (ν−i)/2; it is the Cholesky factor of UWU'.
// ∂f/∂(ν/2) is NaN if W is not positive definite.
func (c *wishartCore) path(x []float64) (shape, trace float64) {
	d := c.dim
	g, w, t, k := c.pathWork()
	unpackSvec(w.Data, x, d)
	blas64.Symm(blas.Left, 1, asSymmetric(w), g, 0, t)
	b := blas64.Symmetric{Uplo: blas.Upper, N: d, Data: c.b, Stride: d}
	blas64.Symm(blas.Left, 1, b, t, 0, k)
	for i := range d {
		trace += t.Data[i*d+i]
		k.Data[i*d+i] *= 2
		for j := range i {
			v := k.Data[i*d+j] + k.Data[j*d+i]
			k.Data[i*d+j], k.Data[j*d+i] = v, v
		}
	}
	blas64.Trmm(blas.Left, blas.Trans, 1, c.tri(c.w), g)
	blas64.Trmm(blas.Right, blas.NoTrans, 1, c.tri(c.w), g)
	blas64.Trmm(blas.Left, blas.NoTrans, 1, c.tri(c.u), w)
	blas64.Trmm(blas.Right, blas.Trans, 1, c.tri(c.u), w)
	if _, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Lower, N: d, Data: w.Data, Stride: d}); !ok {
		return math.NaN(), trace
	}
	for i := range d {
		var ag float64 // (A'·U⁻ᵀGU⁻¹)_ii
		for j := i; j < d; j++ {
			ag += w.Data[j*d+i] * g.Data[j*d+i]
		}
		a := w.Data[i*d+i]
		shape += 2 * ag * special.GammaShapeGrad(0.5*(c.nu-float64(i)), 0.5*a*a) / a
	}
	return shape, trace
}

// pathScale writes the derivative of f in svec(−B/2), svec(VKV), to dst. K, left
// by path, is overwritten.
func (c *wishartCore) pathScale(dst []float64) {
	_, _, _, k := c.pathWork()
	w := c.tri(c.w)
	blas64.Trmm(blas.Left, blas.Trans, 1, w, k)
	blas64.Trmm(blas.Right, blas.NoTrans, 1, w, k)
	blas64.Trmm(blas.Left, blas.NoTrans, 1, w, k)
	blas64.Trmm(blas.Right, blas.Trans, 1, w, k)
	packSvec(dst, k.Data, c.dim)
}

// packSvec writes the svec of the upper triangle of a to dst.
func packSvec(dst, a []float64, d int) {
	k := 0
	for i := range d {
		dst[k] = a[i*d+i]
		k++
		for j := i + 1; j < d; j++ {
			dst[k] = math.Sqrt2 * a[i*d+j]
			k++
		}
	}
}

// addSolve adds w·F⁻¹ of a gradient in (ν/2, svec(−B/2)) to dst and returns w
// times its first entry. The gradient is given as its first entry r, tr(BR) of
// the second one R, and K = BRB in scratch: with a = dν/2,
//
//	a = (r − tr(BR)/ν)/(ψ'_d(ν/2) − 2d/ν),  −dB/2 = (K − 2aB)/(2ν).
func (c *wishartCore) addSolve(dst []float64, r, trace, w float64) float64 {
	_, _, _, m := c.pathWork()
	var den float64
	for j := range c.dim {
		f := c.nu - float64(j)
		den += special.TrigammaMinusInv(0.5*f) + 2*float64(j)/(c.nu*f)
	}
	a := (r - trace/c.nu) / den
	f := 0.5 * w / c.nu
	d, k := c.dim, 0
	for i := range d {
		dst[k] += f * (m.Data[i*d+i] - 2*a*c.b[i*d+i])
		k++
		for j := i + 1; j < d; j++ {
			dst[k] += f * math.Sqrt2 * (m.Data[i*d+j] - 2*a*c.b[i*d+j])
			k++
		}
	}
	return w * a
}

// addScore adds w·F⁻¹(T(W) − m) to dst and returns its first entry; logDet is
// log|W|.
func (c *wishartCore) addScore(dst, x []float64, logDet, w float64) float64 {
	d := c.dim
	g, wm, t, k := c.pathWork()
	unpackSvec(wm.Data, x, d)
	copy(g.Data, c.b)
	blas64.Symm(blas.Left, 1, asSymmetric(wm), g, 0, t)
	blas64.Symm(blas.Left, 1, asSymmetric(g), t, 0, k)
	var trace float64
	for i := range d {
		trace += t.Data[i*d+i]
	}
	for i, b := range c.b {
		k.Data[i] -= c.nu * b
	}
	return c.addSolve(dst, logDet-c.meanLogDet(), trace-c.nu*float64(d), w)
}

// inverse writes e·svec(W⁻¹) to dst, NaN if W is not positive definite. The
// caller holds the lock.
func (c *wishartCore) inverse(dst, x []float64, e float64) {
	d := c.dim
	_, w, _, _ := c.pathWork()
	unpackSvec(w.Data, x, d)
	if t, ok := lapack64.Potrf(asSymmetric(w)); ok {
		lapack64.Potri(t)
	} else {
		e = math.NaN()
	}
	packSvec(dst, w.Data, d)
	for i := range dst {
		dst[i] *= e
	}
}

// Score writes ∇ log p = svec((ν−d−1)/2·W⁻¹ − V⁻¹/2), the gradient in the entries
// of svec(W); NaN if W is not positive definite.
func (w *Wishart) Score(dst, x []float64) []float64 {
	checkLen("Wishart.Score", "x", x, w.Dim())
	dst = sized("Wishart.Score", dst, w.Dim())
	w.cur.lock.Lock()
	defer w.cur.lock.Unlock()
	w.cur.inverse(dst, x, w.eta[0])
	for i, e := range w.eta[1:] {
		dst[i] += e
	}
	return dst
}

// PathGrad writes (∂x/∂η)'g. A change of V moves W by congruence; one of ν moves
// the gamma variables of Bartlett's decomposition by implicit
// reparameterisation, see [Gamma.PathGrad].
func (w *Wishart) PathGrad(dst, g, x []float64) []float64 {
	checkLen("Wishart.PathGrad", "g", g, w.Dim())
	checkLen("Wishart.PathGrad", "x", x, w.Dim())
	dst = sized("Wishart.PathGrad", dst, w.NumParams())
	c := w.cur
	c.lock.Lock()
	defer c.lock.Unlock()
	m, _, _, _ := c.pathWork()
	unpackSvec(m.Data, g, c.dim)
	dst[0], _ = c.path(x)
	c.pathScale(dst[1:])
	return dst
}

// Tangent adds w·F⁻¹ PathGrad(d.Grad, d.X) to dst.
func (w *Wishart) Tangent(dst []float64, d *Draw, wt float64) {
	checkLen("Wishart.Tangent", "dst", dst, w.NumParams())
	checkLen("Wishart.Tangent", "X", d.X, w.Dim())
	checkLen("Wishart.Tangent", "Grad", d.Grad, w.Dim())
	c := w.cur
	c.lock.Lock()
	defer c.lock.Unlock()
	m, _, _, _ := c.pathWork()
	unpackSvec(m.Data, d.Grad, c.dim)
	shape, trace := c.path(d.X)
	dst[0] += c.addSolve(dst[1:], shape, 2*trace, wt)
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (w *Wishart) EntropyTangent(dst []float64) (exact bool) {
	return subEta("Wishart.EntropyTangent", dst, w.eta)
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst.
func (w *Wishart) ScoreTangent(dst, x []float64, wt float64) {
	checkLen("Wishart.ScoreTangent", "dst", dst, w.NumParams())
	checkLen("Wishart.ScoreTangent", "x", x, w.Dim())
	c := w.cur
	l := c.logDetSvec(x)
	c.lock.Lock()
	defer c.lock.Unlock()
	dst[0] += c.addScore(dst[1:], x, l, wt)
}
