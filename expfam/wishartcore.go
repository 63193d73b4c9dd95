package expfam

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// wishartCore is W(ν, V), factorised, for the families that hold one. B = V⁻¹.
type wishartCore struct {
	dim    int
	nu     float64
	b      []float64 // B, d×d row-major, both triangles
	u      []float64 // upper triangle: U with B = U'U
	w      []float64 // U⁻¹, upper triangular with explicit zeros: V = WW'
	logDet float64   // log|B|

	lock    sync.Mutex // guards scratch and paths, so that methods that read may run at once
	scratch []float64  // d×d
	paths   []float64  // four d×d, of the pathwise derivatives; nil before the first
}

func newWishartCore(d int) *wishartCore {
	s := make([]float64, 4*d*d)
	return &wishartCore{dim: d, b: s[:d*d], u: s[d*d : 2*d*d], w: s[2*d*d : 3*d*d], scratch: s[3*d*d:]}
}

func (c *wishartCore) set(o *wishartCore) {
	c.nu, c.logDet = o.nu, o.logDet
	copy(c.b, o.b)
	copy(c.u, o.u)
	copy(c.w, o.w)
}

// factor computes u, w and logDet from nu and b and reports whether they are
// proper.
func (c *wishartCore) factor() bool {
	d := c.dim
	if !(c.nu > float64(d-1)) || math.IsInf(c.nu, 0) {
		return false
	}
	var ok bool
	if c.logDet, ok = cholesky(c.u, c.b, d); !ok {
		return false
	}
	copy(c.w, c.u)
	lapack64.Trtri(c.tri(c.w))
	for i := range d {
		clear(c.w[i*d : i*d+i])
	}
	return !math.IsInf(c.logDet, 0) && firstNonFinite(c.w) < 0
}

func (c *wishartCore) tri(data []float64) blas64.Triangular {
	return blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: c.dim, Data: data, Stride: c.dim}
}

// refusal says what factor did not accept.
func (c *wishartCore) refusal(family, fn string) error {
	if !(c.nu > float64(c.dim-1)) || math.IsInf(c.nu, 0) {
		return &DomainError{family, fn, "dof", -1, c.nu, "finite and > d−1"}
	}
	k, v := badPivot(c.b, c.dim)
	return notPosDef(family, fn, "inverse scale", k, v)
}

// v returns V_ij for i <= j.
func (c *wishartCore) v(i, j int) float64 {
	d := c.dim
	return dot(c.w[i*d+j:(i+1)*d], c.w[j*d+j:(j+1)*d])
}

// logNorm is the log normaliser νd/2·log 2 + ν/2·log|V| + log Γ_d(ν/2).
func (c *wishartCore) logNorm() float64 {
	return 0.5*c.nu*(float64(c.dim)*math.Ln2-c.logDet) + special.LogMvGamma(c.dim, 0.5*c.nu)
}

// meanLogDet is E[log|W|] = ψ_d(ν/2) + d log 2 + log|V|, as log|νV| less the
// gap of Jensen's inequality: for large ν the gap is all that holds ν, so that
// the sum is rounded once where its terms are of very different size.
func (c *wishartCore) meanLogDet() float64 {
	var hi, lo float64
	for i := range c.dim {
		u := c.u[i*c.dim+i]
		h, l := splitLog(c.nu / u / u)
		hi += h
		lo += l
	}
	s, _ := wishartGap(c.dim, 0.5*c.nu)
	return hi + (lo - s)
}

// meanSvec writes svec(νV) to dst.
func (c *wishartCore) meanSvec(dst []float64) {
	k := 0
	for i := range c.dim {
		dst[k] = c.nu * c.v(i, i)
		k++
		for j := i + 1; j < c.dim; j++ {
			dst[k] = math.Sqrt2 * c.nu * c.v(i, j)
			k++
		}
	}
}

// entropy in nats, written with the entropies of the d gammas of Bartlett's
// decomposition so that large ν do not cancel:
//
//	d(d−1)/4·log π + d(d+1)/2·log 2 + (d+1)/2·log|V|
//	  + Σ_j [h(a_j) + (d−1−j)/2·ψ(a_j) + j/2],   a_j = (ν−j)/2.
func (c *wishartCore) entropy() float64 {
	d := float64(c.dim)
	h := d*(d-1)/4*math.Log(math.Pi) + d*(d+1)/2*math.Ln2 - (d+1)/2*c.logDet
	for j := range c.dim {
		a := 0.5 * (c.nu - float64(j))
		h += special.ShapeEntropy(a) + 0.5*float64(j)
		if k := c.dim - 1 - j; k > 0 {
			h += 0.5 * float64(k) * special.Digamma(a)
		}
	}
	return h
}

// klTo returns KL(c‖o). With a = ν/2, M = U_o W and e_i = (a/a_o)M_ii² − 1 it is
//
//	Σ_j D(a − j/2, a_o − j/2) + d·a_o·ℓ(a/a_o − 1) − a_o Σ_i ℓ(e_i) + a Σ_{i<j} M_ij²,
//
// D the Bregman divergence of log Γ and ℓ(t) = log(1+t) − t.
func (c *wishartCore) klTo(o *wishartCore) float64 {
	d := c.dim
	M := append([]float64(nil), c.w...)
	blas64.Trmm(blas.Left, blas.NoTrans, 1, o.tri(o.u), blas64.General{Rows: d, Cols: d, Data: M, Stride: d})
	a, ao := 0.5*c.nu, 0.5*o.nu
	kl := float64(d) * ao * special.Log1pmx((a-ao)/ao)
	for i := range d {
		j := 0.5 * float64(i)
		kl += special.LgammaBregman(a-j, ao-j)
		mii := M[i*d+i]
		kl -= ao * special.Log1pmx((a*mii*mii-ao)/ao)
		for _, x := range M[i*d+i+1 : (i+1)*d] {
			kl += a * x * x
		}
	}
	return max(kl, 0)
}

// minBartlett bounds A_ii from below, so that W and, for d = 1, W⁻¹ are positive
// numbers where ν is next to d−1 and χ²(ν−i) underflows.
const minBartlett = 1e-75

// sample writes svec(W) of one draw to dst by Bartlett's decomposition:
// W = (U⁻¹A)(U⁻¹A)' with A lower triangular, A_ii² ~ χ²(ν−i), A_ij ~ N(0, 1).
// If eps is not nil and holds standard normals, it becomes U'A⁻ᵀ·eps, a draw
// from N(0, W⁻¹).
//
// For d > 1 and ν next to d−1 (a tenth above it: one draw in eight for d = 2) draws
// come nearer to singular than floating point holds, and svec(W) is not positive
// definite.
func (c *wishartCore) sample(dst, eps []float64, rng *rand.Rand) {
	c.lock.Lock()
	defer c.lock.Unlock()
	d, a := c.dim, c.scratch
	for i := range d {
		for j := range i {
			a[i*d+j] = rng.NormFloat64()
		}
		clear(a[i*d+i+1 : (i+1)*d])
		a[i*d+i] = math.Exp(0.5 * (math.Ln2 + sample.LogGamma(0.5*(c.nu-float64(i)), rng)))
		a[i*d+i] = max(a[i*d+i], minBartlett)
	}
	if eps != nil {
		x := blas64.Vector{N: d, Data: eps, Inc: 1}
		blas64.Trsv(blas.Trans, blas64.Triangular{Uplo: blas.Lower, Diag: blas.NonUnit, N: d, Data: a, Stride: d}, x)
		blas64.Trmv(blas.Trans, c.tri(c.u), x)
	}
	blas64.Trmm(blas.Left, blas.NoTrans, 1, c.tri(c.w), blas64.General{Rows: d, Cols: d, Data: a, Stride: d})
	k := 0
	for i := range d {
		dst[k] = dot(a[i*d:(i+1)*d], a[i*d:(i+1)*d])
		k++
		for j := i + 1; j < d; j++ {
			dst[k] = math.Sqrt2 * dot(a[i*d:(i+1)*d], a[j*d:(j+1)*d])
			k++
		}
	}
}

// logDetSvec returns log|W| of the W whose svec is v, −Inf if W is not positive
// definite or not finite.
func (c *wishartCore) logDetSvec(v []float64) float64 {
	c.lock.Lock()
	defer c.lock.Unlock()
	d := c.dim
	unpackSvec(c.scratch, v, d)
	if _, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: d, Data: c.scratch, Stride: d}); !ok {
		return math.Inf(-1)
	}
	var s float64
	for i := range d {
		s += 2 * math.Log(c.scratch[i*d+i])
	}
	if math.IsNaN(s) || math.IsInf(s, 0) {
		return math.Inf(-1)
	}
	return s
}

// traceB returns tr(BW) for the W whose svec is v.
func (c *wishartCore) traceB(v []float64) float64 {
	var s float64
	k := 0
	for i := range c.dim {
		s += c.b[i*c.dim+i] * v[k]
		k++
		for _, b := range c.b[i*c.dim+i+1 : (i+1)*c.dim] {
			s += math.Sqrt2 * b * v[k]
			k++
		}
	}
	return s
}

// fisher overwrites q (length d(d+1)/2), the direction −svec(dB)/2, with the
// derivative of svec(νV) along it and dν = 2a, and returns the derivative of
// E[log|W|]:
//
//	d E[log|W|] = a·ψ'_d(ν/2) + 2 tr(VQ),   d(νV) = 2aV + 2νVQV.
//
// The caller holds the lock.
func (c *wishartCore) fisher(a float64, q []float64) float64 {
	d := c.dim
	m := blas64.General{Rows: d, Cols: d, Data: c.scratch, Stride: d}
	unpackSvec(m.Data, q, d)
	w := c.tri(c.w)
	blas64.Trmm(blas.Left, blas.Trans, 2*c.nu, w, m)
	blas64.Trmm(blas.Right, blas.NoTrans, 1, w, m)
	dl := a * special.MvTrigamma(d, 0.5*c.nu)
	for i := range d {
		dl += m.Data[i*d+i] / c.nu
	}
	blas64.Trmm(blas.Left, blas.NoTrans, 1, w, m)
	blas64.Trmm(blas.Right, blas.Trans, 1, w, m)
	k := 0
	for i := range d {
		q[k] = m.Data[i*d+i] + 2*a*c.v(i, i)
		k++
		for j := i + 1; j < d; j++ {
			q[k] = math.Sqrt2 * (m.Data[i*d+j] + 2*a*c.v(i, j))
			k++
		}
	}
	return dl
}
