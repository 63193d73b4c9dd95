package mixture

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Location writes μ to dst.
func (c *VarianceMean) Location(dst []float64) []float64 {
	dst = c.sized("Location", dst, c.dim)
	copy(dst, c.cur.mu)
	return dst
}

// Scale writes Σ to dst, a new matrix if dst is nil.
func (c *VarianceMean) Scale(dst *mat.SymDense) *mat.SymDense {
	return c.symInto("Scale", dst, c.scale())
}

// Precision writes S = Σ⁻¹ to dst, a new matrix if dst is nil.
func (c *VarianceMean) Precision(dst *mat.SymDense) *mat.SymDense {
	return c.symInto("Precision", dst, mat.NewSymDense(c.dim, append([]float64(nil), c.cur.s...)))
}

func (c *VarianceMean) symInto(fn string, dst, a *mat.SymDense) *mat.SymDense {
	if dst == nil || dst.IsEmpty() {
		if dst == nil {
			return a
		}
		dst.ReuseAsSym(c.dim)
	}
	if n := dst.SymmetricDim(); n != c.dim {
		panic(fmt.Sprintf("mixture: %s.%s: dst is %d×%d, want %d×%d", c.Name(), fn, n, n, c.dim, c.dim))
	}
	dst.CopySym(a)
	return dst
}

// scale returns Σ in a new matrix.
func (c *VarianceMean) scale() *mat.SymDense {
	d := c.dim
	out := mat.NewSymDense(d, nil)
	w := make([]float64, d*d) // U⁻¹
	for i := range d {
		w[i*d+i] = 1
	}
	blas64.Trsm(blas.Left, blas.NoTrans, 1, c.cur.tri(), blas64.General{Rows: d, Cols: d, Data: w, Stride: d})
	for i := range d {
		for j := i; j < d; j++ {
			out.SetSym(i, j, vmDot(w[i*d+j:(i+1)*d], w[j*d+j:(j+1)*d]))
		}
	}
	return out
}

// Mean writes E[z] = μ + E[u] α to dst. Where that does not exist (StudentT with
// a ≤ 1/2) it is the centre μ.
func (c *VarianceMean) Mean(dst []float64) []float64 {
	dst = c.Location(dst)
	for i, a := range c.cur.alpha {
		dst[i] += c.eu * a
	}
	return dst
}

// Cov writes the covariance E[v] Σ + Var(u) αα' to dst, a new matrix if dst is nil. For
// StudentT with a ≤ 1 it is infinite: all entries are NaN or ±Inf.
func (c *VarianceMean) Cov(dst *mat.SymDense) *mat.SymDense {
	out := c.scale()
	ev, vu := c.kind.meanV(c.cur.shape, c.k), c.eu2-c.eu*c.eu
	for i := range c.dim {
		for j := i; j < c.dim; j++ {
			x := ev * out.At(i, j)
			if c.cur.alpha != nil {
				x += vu * c.cur.alpha[i] * c.cur.alpha[j]
			}
			out.SetSym(i, j, x)
		}
	}
	return c.symInto("Cov", dst, out)
}

// Sd writes the standard deviations of the coordinates of z to dst.
func (c *VarianceMean) Sd(dst []float64) []float64 {
	dst = c.sized("Sd", dst, c.dim)
	cov := c.Cov(nil)
	for i := range dst {
		dst[i] = math.Sqrt(cov.At(i, i))
	}
	return dst
}

// forms returns (x−μ)'S(x−μ) and (x−μ)'Sα.
func (c *VarianceMean) forms(x []float64) (q, b float64) {
	d, st := c.dim, c.cur
	for i := range d {
		var r float64
		for j, uij := range st.u[i*d+i : (i+1)*d] {
			r += uij * (x[i+j] - st.mu[i+j])
		}
		q += r * r
	}
	if st.alpha != nil {
		for i, sa := range st.eta[d : 2*d] {
			b += sa * (x[i] - st.mu[i])
		}
	}
	return q, b
}

// LogProb returns log q(z), the mixing variable integrated out.
func (c *VarianceMean) LogProb(x []float64) float64 {
	c.check("LogProb", "x", x, c.dim)
	q, b := c.forms(x)
	return c.kind.logProb(c, c.cur, q, b)
}

// gaussian returns log N(z|μ, Σ) at (z−μ)'S(z−μ) = q.
func (st *vmState) gaussian(q float64) float64 {
	return 0.5 * (st.logDet - q - float64(len(st.mu))*vmLog2Pi)
}

// Score writes ∇_x log q(x) = −E[1/v|x] S(x−μ) + E[u/v|x] Sα to dst. dst must not
// be x.
func (c *VarianceMean) Score(dst, x []float64) []float64 {
	c.check("Score", "x", x, c.dim)
	dst = c.sized("Score", dst, c.dim)
	q, b := c.forms(x)
	gv := c.kind.given(c, c.cur, q, b)
	c.score(dst, x, gv)
	return dst
}

func (c *VarianceMean) score(dst, x []float64, gv given) {
	d, st := c.dim, c.cur
	for i := range d {
		var a float64
		for j, s := range st.s[i*d : (i+1)*d] {
			a += s * (x[j] - st.mu[j])
		}
		dst[i] = -gv.inv * a
		if st.alpha != nil {
			dst[i] += gv.skew * st.eta[d+i]
		}
	}
}

// MixingMean returns E[v|z], the mean of the factor of Σ given z.
func (c *VarianceMean) MixingMean(z []float64) float64 {
	c.check("MixingMean", "z", z, c.dim)
	q, b := c.forms(z)
	return c.kind.given(c, c.cur, q, b).v
}

// Entropy returns −E[log q(z)] in nats, NaN for the normal-inverse-Gaussian families,
// whose entropy has no closed form. For the skew and the exponentially modified normal
// it is a quadrature in one dimension with an error below 1e-12.
func (c *VarianceMean) Entropy() float64 {
	if !c.kind.closedEntropy() {
		return math.NaN()
	}
	h, _, _ := c.kind.entropy(c, c.cur)
	return 0.5*(float64(c.dim)*(1+vmLog2Pi)-c.cur.logDet) + h
}

// EntropyTangent adds the tangent of the entropy to dst if it has a closed form (or a
// quadrature without noise) and tells whether it did. It depends on S and on s = α'Sα:
//
//	∇_Σ H = S/2 − h'(s) Sαα'S,   ∇_α H = 2h'(s) Sα,   ∇_μ H = 0.
func (c *VarianceMean) EntropyTangent(dst []float64) (exact bool) {
	c.check("EntropyTangent", "dst", dst, c.NumParams())
	d, st := c.dim, c.cur
	if !c.kind.closedEntropy() {
		return false
	}
	_, ds, da := c.kind.entropy(c, st)
	k := c.symAt()
	for i := range d {
		for j := i; j < d; j++ {
			x := 0.5 * st.s[i*d+j]
			if st.alpha != nil {
				x -= ds * st.eta[d+i] * st.eta[d+j]
			}
			if j > i {
				x *= math.Sqrt2
			}
			dst[k] += x
			k++
		}
	}
	if st.alpha != nil {
		for i, sa := range st.eta[d : 2*d] {
			dst[i] += c.i12 * 2 * ds * sa
			dst[d+i] += c.i22 * 2 * ds * sa
		}
	}
	if c.kind.shaped() {
		dst[k] += da / special.TrigammaMinusInv(st.shape)
	}
	return true
}

// FisherMul writes F·v to dst for v in the coordinates of a tangent: with V =
// Smat(v₃) it is ((M ⊗ Σ)(v₁; v₂), svec(2ΣVΣ), (ψ'(a) − 1/a) v₄), so that v'F·tan is the
// rate at which the ELBO rises in direction v. dst may be v.
func (c *VarianceMean) FisherMul(dst, v []float64) []float64 {
	c.check("FisherMul", "v", v, c.NumParams())
	dst = c.sized("FisherMul", dst, c.NumParams())
	d, at, st := c.dim, c.symAt(), c.cur
	if c.kind.shaped() {
		dst[len(dst)-1] = special.TrigammaMinusInv(st.shape) * v[len(v)-1]
	}
	m := blas64.General{Rows: d, Cols: d, Data: c.sq, Stride: d}
	vmUnpack(m.Data, v[at:], d)
	for _, side := range []blas.Side{blas.Left, blas.Right} {
		first, second := blas.Trans, blas.NoTrans
		if side == blas.Right {
			first, second = second, first
		}
		blas64.Trsm(side, first, 1, st.tri(), m)
		blas64.Trsm(side, second, 1, st.tri(), m)
	}
	k := at
	for i := range d {
		for j := i; j < d; j++ {
			x := m.Data[i*d+j] + m.Data[j*d+i] // 2ΣVΣ, symmetric but for rounding
			if j > i {
				x *= math.Sqrt2
			}
			dst[k] = x
			k++
		}
	}
	copy(c.r, v[:d])
	st.solve(c.r)
	if st.alpha == nil {
		for i, r := range c.r {
			dst[i] = c.m11 * r
		}
		return dst
	}
	copy(c.work, v[d:2*d])
	st.solve(c.work)
	for i, r := range c.r {
		dst[i], dst[d+i] = c.m11*r+c.m12*c.work[i], c.m12*r+c.m22*c.work[i]
	}
	return dst
}

// QuadraticTangent adds the tangent of E_q[−½(z−m₀)'P(z−m₀)] to tan, P the symmetric
// matrix prec (mat.DiagDense for independent coordinates), and returns that
// expectation. It integrates a normal log prior or likelihood in closed form, as the
// Exact part of a vi.Target:
//
//	∇_μ = −P(μ + E[u] α − m₀),  ∇_α = −P(E[u](μ − m₀) + E[u²] α),  ∇_Σ = −½E[v] P,
//	∇_a = ½ tr(PΣ)/(a−1)² for StudentT.
//
// For StudentT with a ≤ 1 the expectation is −Inf and tan stays as it is.
func (c *VarianceMean) QuadraticTangent(tan, m0 []float64, prec mat.Symmetric) float64 {
	c.check("QuadraticTangent", "tan", tan, c.NumParams())
	c.check("QuadraticTangent", "m0", m0, c.dim)
	if n := prec.SymmetricDim(); n != c.dim {
		panic(fmt.Sprintf("mixture: %s.QuadraticTangent: prec is %d×%d, want %d×%d", c.Name(), n, n, c.dim, c.dim))
	}
	d, at, st := c.dim, c.symAt(), c.cur
	ev := c.kind.meanV(st.shape, c.k)
	if math.IsInf(ev, 1) {
		return math.Inf(-1)
	}
	m := blas64.General{Rows: d, Cols: d, Data: c.sq, Stride: d}
	for i := range d {
		for j := range d {
			m.Data[i*d+j] = prec.At(i, j)
		}
	}
	blas64.Trsm(blas.Left, blas.Trans, 1, st.tri(), m)
	blas64.Trsm(blas.Left, blas.NoTrans, 1, st.tri(), m)
	var value, trace float64
	k := at
	for i := range d {
		var pMu, pAlpha float64 // P(μ−m₀) and Pα
		for j := range d {
			p := prec.At(i, j)
			pMu += p * (st.mu[j] - m0[j])
			if st.alpha != nil {
				pAlpha += p * st.alpha[j]
			}
		}
		trace += m.Data[i*d+i]
		gMu := -(pMu + c.eu*pAlpha)
		value += 0.5 * (st.mu[i] - m0[i]) * gMu
		tan[i] += c.i11 * gMu
		if st.alpha != nil {
			gAlpha := -(c.eu*pMu + c.eu2*pAlpha)
			value += 0.5 * st.alpha[i] * gAlpha
			tan[i] += c.i12 * gAlpha
			tan[d+i] += c.i12*gMu + c.i22*gAlpha
		}
		for j := i; j < d; j++ {
			x := -0.5 * ev * prec.At(i, j)
			if j > i {
				x *= math.Sqrt2
			}
			tan[k] += x
			k++
		}
	}
	if c.kind.shaped() {
		a1 := st.shape - 1
		tan[k] += 0.5 * trace / (a1 * a1) / special.TrigammaMinusInv(st.shape)
	}
	return value - 0.5*ev*trace
}

func (c *VarianceMean) sized(fn string, dst []float64, n int) []float64 {
	return sized(c.Name(), fn, dst, n)
}

func (c *VarianceMean) check(fn, param string, v []float64, n int) {
	checkLen(c.Name(), fn, param, v, n)
}

func vmVec(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Data: x, Inc: 1} }

func vmSym(a []float64, d int) blas64.Symmetric {
	return blas64.Symmetric{Uplo: blas.Upper, N: d, Data: a, Stride: d}
}

func vmDot(a, b []float64) float64 {
	b = b[:len(a)]
	var s float64
	for i, x := range a {
		s += x * b[i]
	}
	return s
}

// vmPrecision writes S to s, both triangles, from v = svec(−S/2).
func vmPrecision(s, v []float64, d int) {
	vmUnpack(s, v, d)
	for i := range s {
		s[i] *= -2
	}
}

// vmUnpack writes Smat(v) to a, d×d row-major, both triangles.
func vmUnpack(a, v []float64, d int) {
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

// vmPack writes svec(−S/2) to v from the upper triangle of s.
func vmPack(v, s []float64, d int) {
	k := 0
	for i := range d {
		v[k] = -0.5 * s[i*d+i]
		k++
		for j := i + 1; j < d; j++ {
			v[k] = -math.Sqrt2 / 2 * s[i*d+j]
			k++
		}
	}
}
