package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// log2Pi is log(2π).
const log2Pi = 1.8378770664093454835606594728112

// safeTries bounds the halvings of a safe step before a retraction gives up.
const safeTries = 60

// Normal is the d-dimensional normal distribution N(μ, Σ) with a full
// covariance matrix. With S = Σ⁻¹ the precision,
//
//	T(x) = (x, svec(xx'))
//	η    = (Sμ, svec(−S/2))                 length d + d(d+1)/2
//	m    = (μ, svec(μμ' + Σ))
//	A(η) = μ'Sμ/2 − log|S|/2,   h = (2π)^(−d/2)
//
// (Wainwright and Jordan 2008, example 3.3). Its methods that read may run
// concurrently; those that change it may not run beside any other.
//
// The zero value is good for UnmarshalBinary only.
type Normal struct {
	dim  int
	cur  *normalState
	next *normalState // where a step is tried; swapped with cur when it is accepted
	cov  covCache
}

// normalState is η with what follows from it.
type normalState struct {
	eta    []float64
	mu     []float64
	s      []float64 // S, d×d row-major, both triangles
	u      []float64 // upper triangle: U with S = U'U
	logDet float64   // log|S|
}

func newNormalState(d int) *normalState {
	return &normalState{
		eta: make([]float64, d+SvecLen(d)),
		mu:  make([]float64, d),
		s:   make([]float64, d*d),
		u:   make([]float64, d*d),
	}
}

func (st *normalState) tri() blas64.Triangular {
	d := len(st.mu)
	return blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: d, Data: st.u, Stride: d}
}

// solve overwrites v with S⁻¹v.
func (st *normalState) solve(v []float64) {
	x := blas64.Vector{N: len(v), Data: v, Inc: 1}
	blas64.Trsv(blas.Trans, st.tri(), x)
	blas64.Trsv(blas.NoTrans, st.tri(), x)
}

// factor computes everything from eta and reports whether eta is proper.
func (st *normalState) factor() bool {
	d := len(st.mu)
	unpackPrecision(st.s, st.eta[d:], d)
	var ok bool
	if st.logDet, ok = cholesky(st.u, st.s, d); !ok {
		return false
	}
	copy(st.mu, st.eta[:d])
	st.solve(st.mu)
	return !math.IsInf(st.logDet, 0) && firstNonFinite(st.mu) < 0
}

// StandardNormal returns N(0, I) in d dimensions. It panics if d < 1.
func StandardNormal(d int) *Normal {
	if d < 1 {
		panic(fmt.Sprintf("expfam: StandardNormal: d is %d, want >= 1", d))
	}
	n := &Normal{dim: d, cur: newNormalState(d)}
	k := d
	for i := range d {
		n.cur.eta[k] = -0.5
		k += d - i
	}
	n.cur.factor()
	return n
}

// NewNormal returns N(mu, cov). It errs if an entry is not finite or cov is
// not positive definite, and panics if the sizes differ.
func NewNormal(mu []float64, cov mat.Symmetric) (*Normal, error) {
	d := len(mu)
	if err := absent("normal", "NewNormal", "cov", cov); err != nil {
		return nil, err
	}
	if cov.SymmetricDim() != d {
		panicLen("NewNormal", "cov", cov.SymmetricDim(), d)
	}
	s, err := invertSPD("normal", "NewNormal", "cov", cov)
	if err != nil {
		return nil, err
	}
	return newNormalPrec("NewNormal", mu, s)
}

// NewNormalPrecision returns N(mu, prec⁻¹). It errs if an entry is not finite
// or prec is not positive definite, and panics if the sizes differ.
func NewNormalPrecision(mu []float64, prec mat.Symmetric) (*Normal, error) {
	d := len(mu)
	if err := absent("normal", "NewNormalPrecision", "prec", prec); err != nil {
		return nil, err
	}
	if prec.SymmetricDim() != d {
		panicLen("NewNormalPrecision", "prec", prec.SymmetricDim(), d)
	}
	s := make([]float64, d*d)
	for i := range d {
		for j := range d {
			s[i*d+j] = prec.At(i, j)
		}
	}
	return newNormalPrec("NewNormalPrecision", mu, s)
}

func newNormalPrec(fn string, mu, s []float64) (*Normal, error) {
	d := len(mu)
	if d == 0 {
		return nil, &DomainError{"normal", fn, "length of mu", -1, 0, ">= 1"}
	}
	if i := firstNonFinite(mu); i >= 0 {
		return nil, &DomainError{"normal", fn, "mu", i, mu[i], "finite"}
	}
	st := newNormalState(d)
	sym := blas64.Symmetric{Uplo: blas.Upper, N: d, Data: s, Stride: d}
	blas64.Symv(1, sym, blas64.Vector{N: d, Data: mu, Inc: 1}, 0, blas64.Vector{N: d, Data: st.eta[:d], Inc: 1})
	packPrecision(st.eta[d:], s, d)
	if !st.factor() {
		return nil, naturalError("normal", fn, st.eta, d)
	}
	return &Normal{dim: d, cur: st}, nil
}

// Name returns "normal".
func (n *Normal) Name() string { return "normal" }

// Dim returns d.
func (n *Normal) Dim() int { return n.dim }

// NumParams returns d + d(d+1)/2.
func (n *Normal) NumParams() int { return n.dim + SvecLen(n.dim) }

// SuffStat writes (x, svec(xx')) to dst.
func (n *Normal) SuffStat(dst, x []float64) []float64 {
	checkLen("Normal.SuffStat", "x", x, n.dim)
	dst = sized("Normal.SuffStat", dst, n.NumParams())
	copy(dst, x)
	svecOuter(dst[n.dim:], x)
	return dst
}

// LogBase returns −(d/2) log 2π.
func (n *Normal) LogBase(x []float64) float64 {
	checkLen("Normal.LogBase", "x", x, n.dim)
	return -0.5 * float64(n.dim) * log2Pi
}

// CheckNatural errs unless eta is finite and its precision positive definite.
func (n *Normal) CheckNatural(eta []float64) error {
	return n.Clone().(*Normal).setNatural("CheckNatural", eta)
}

// Natural writes η = (Sμ, svec(−S/2)) to dst.
func (n *Normal) Natural(dst []float64) []float64 {
	dst = sized("Normal.Natural", dst, n.NumParams())
	copy(dst, n.cur.eta)
	return dst
}

// SetNatural moves the receiver to eta, at the cost of one Cholesky
// factorisation.
func (n *Normal) SetNatural(eta []float64) error { return n.setNatural("SetNatural", eta) }

func (n *Normal) setNatural(fn string, eta []float64) error {
	if len(eta) != n.NumParams() {
		panicLen("Normal."+fn, "eta", len(eta), n.NumParams())
	}
	st := n.spare()
	copy(st.eta, eta)
	if firstNonFinite(eta) >= 0 || !st.factor() {
		return naturalError("normal", fn, eta, n.dim)
	}
	n.accept()
	return nil
}

func (n *Normal) spare() *normalState {
	if n.next == nil {
		n.next = newNormalState(n.dim)
	}
	return n.next
}

func (n *Normal) accept() {
	n.cur, n.next = n.next, n.cur
	n.cov.reset()
}

// Expectation writes m = (μ, svec(μμ' + Σ)) to dst.
func (n *Normal) Expectation(dst []float64) []float64 {
	dst = sized("Normal.Expectation", dst, n.NumParams())
	d := n.dim
	copy(dst, n.cur.mu)
	svecOuter(dst[d:], n.cur.mu)
	w := n.invRoot()
	k := d
	for i := range d {
		for j := i; j < d; j++ {
			// Σ_ij = Σ_{k ≥ j} W_ik W_jk for the upper triangular W = U⁻¹.
			v := dot(w[i*d+j:(i+1)*d], w[j*d+j:(j+1)*d])
			if j > i {
				v *= math.Sqrt2
			}
			dst[k] += v
			k++
		}
	}
	return dst
}

// SetExpectation moves the receiver to μ = m₁, Σ = Smat(m₂) − μμ'. It errs if
// that Σ is not positive definite.
func (n *Normal) SetExpectation(m []float64) error {
	checkLen("Normal.SetExpectation", "m", m, n.NumParams())
	if i := firstNonFinite(m); i >= 0 {
		return &DomainError{"normal", "SetExpectation", "m", i, m[i], "finite"}
	}
	d := n.dim
	cov := Smat(nil, m[d:], d)
	cov.SymRankOne(cov, -1, mat.NewVecDense(d, append([]float64(nil), m[:d]...)))
	s, err := invertSPD("normal", "SetExpectation", "covariance", cov)
	if err != nil {
		return err
	}
	q, err := newNormalPrec("SetExpectation", m[:d], s)
	if err != nil {
		return err
	}
	n.next = q.cur
	n.accept()
	return nil
}

// Mean writes μ to dst.
func (n *Normal) Mean(dst []float64) []float64 {
	dst = sized("Normal.Mean", dst, n.dim)
	copy(dst, n.cur.mu)
	return dst
}

// LogPartition returns A(η) = μ'Sμ/2 − log|S|/2.
func (n *Normal) LogPartition() float64 {
	return 0.5 * (dot(n.cur.mu, n.cur.eta[:n.dim]) - n.cur.logDet)
}

// Entropy returns (d/2) log 2πe − log|S|/2 in nats.
func (n *Normal) Entropy() float64 {
	return 0.5 * (float64(n.dim)*(1+log2Pi) - n.cur.logDet)
}

// LogProb returns log N(x|μ, Σ).
func (n *Normal) LogProb(x []float64) float64 {
	checkLen("Normal.LogProb", "x", x, n.dim)
	d, st := n.dim, n.cur
	var q float64
	for i := range d {
		var r float64
		for j, uij := range st.u[i*d+i : (i+1)*d] {
			r += uij * (x[i+j] - st.mu[i+j])
		}
		q += r * r
	}
	return 0.5 * (st.logDet - q - float64(d)*log2Pi)
}

// Sample writes μ + L⁻ᵀε to dst, ε standard normal and S = LL'.
func (n *Normal) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("Normal.Sample", dst, n.dim)
	for i := range dst {
		dst[i] = rng.NormFloat64()
	}
	blas64.Trsv(blas.NoTrans, n.cur.tri(), blas64.Vector{N: n.dim, Data: dst, Inc: 1})
	for i, m := range n.cur.mu {
		dst[i] += m
	}
	return dst
}

// FisherMul writes F·v to dst, the derivative of m in direction v: with
// V = Smat(v₂),
//
//	dμ = Σ(v₁ + 2Vμ),  dΣ = 2ΣVΣ,  F·v = (dμ, svec(dμ μ' + μ dμ' + dΣ)).
func (n *Normal) FisherMul(dst, v []float64) []float64 {
	checkLen("Normal.FisherMul", "v", v, n.NumParams())
	dst = sized("Normal.FisherMul", dst, n.NumParams())
	d, mu := n.dim, n.cur.mu
	w := blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: d, Data: n.invRoot(), Stride: d}
	n.cov.mu.Lock()
	defer n.cov.mu.Unlock()
	if n.cov.fisher == nil {
		n.cov.fisher = make([]float64, d*d+d)
	}
	m := blas64.General{Rows: d, Cols: d, Data: n.cov.fisher[:d*d], Stride: d}
	dMu := n.cov.fisher[d*d:]
	unpackSvec(m.Data, v[d:], d)
	copy(dMu, v[:d])
	blas64.Gemv(blas.NoTrans, 2, m, blas64.Vector{N: d, Data: mu, Inc: 1}, 1, blas64.Vector{N: d, Data: dMu, Inc: 1})
	n.cur.solve(dMu)
	blas64.Trmm(blas.Left, blas.Trans, 2, w, m)
	blas64.Trmm(blas.Right, blas.NoTrans, 1, w, m)
	blas64.Trmm(blas.Left, blas.NoTrans, 1, w, m)
	blas64.Trmm(blas.Right, blas.Trans, 1, w, m)
	copy(dst, dMu)
	k := d
	for i := range d {
		for j := i; j < d; j++ {
			x := dMu[i]*mu[j] + mu[i]*dMu[j] + m.Data[i*d+j]
			if j > i {
				x *= math.Sqrt2
			}
			dst[k] = x
			k++
		}
	}
	return dst
}

// KLTo returns KL(receiver‖q) in nats; q must be a *Normal of equal Dim. With
// M = U_q U⁻¹ it is a sum of non-negative terms, so nothing cancels:
//
//	½ [Σ_{i<j} M_ij² + Σ_i (M_ii² − 1 − log M_ii²) + |U_q(μ − μ_q)|²].
func (n *Normal) KLTo(q Dist) float64 {
	o, ok := q.(*Normal)
	if !ok || o.dim != n.dim {
		panic(fmt.Sprintf("expfam: Normal.KLTo: q is %s of dimension %d, want normal of dimension %d", q.Name(), q.Dim(), n.dim))
	}
	d := n.dim
	M := append([]float64(nil), n.invRoot()...)
	blas64.Trmm(blas.Left, blas.NoTrans, 1, o.cur.tri(), blas64.General{Rows: d, Cols: d, Data: M, Stride: d})
	var kl float64
	for i := range d {
		e := (M[i*d+i] - 1) * (M[i*d+i] + 1)
		kl -= special.Log1pmx(e)
		for _, x := range M[i*d+i+1 : (i+1)*d] {
			kl += x * x
		}
		var r float64
		for j := i; j < d; j++ {
			r += o.cur.u[i*d+j] * (n.cur.mu[j] - o.cur.mu[j])
		}
		kl += r * r
	}
	return 0.5 * kl
}

// Clone returns an independent copy.
func (n *Normal) Clone() Dist {
	st := newNormalState(n.dim)
	copy(st.eta, n.cur.eta)
	copy(st.mu, n.cur.mu)
	copy(st.s, n.cur.s)
	copy(st.u, n.cur.u)
	st.logDet = n.cur.logDet
	return &Normal{dim: n.dim, cur: st}
}

// MarshalBinary returns the bytes of η.
func (n *Normal) MarshalBinary() ([]byte, error) { return marshalEta(n) }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The
// receiver has the saved dimension or is a zero value.
func (n *Normal) UnmarshalBinary(b []byte) error { return unmarshalEta(n, b) }

func (n *Normal) resize(dim, numParams int) error {
	if dim == 0 && numParams == 0 {
		n.dim, n.cur, n.next = 0, nil, nil
		return nil
	}
	if dim < 1 || dim+SvecLen(dim) != numParams {
		return fmt.Errorf("no normal distribution has dimension %d and %d parameters", dim, numParams)
	}
	n.dim, n.cur, n.next = dim, StandardNormal(dim).cur, nil
	return nil
}
