package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Wishart is the distribution W(ν, V) of a d×d symmetric positive definite
// matrix W with ν > d−1 degrees of freedom and scale matrix V, E[W] = νV. An
// outcome is x = svec(W), of length d(d+1)/2; densities are with respect to
// Π_{i≤j} dW_ij, as in the literature.
//
//	T(x) = (log|W|, svec(W))
//	η    = ((ν−d−1)/2, svec(−V⁻¹/2))
//	m    = (ψ_d(ν/2) + d log 2 + log|V|, svec(νV))
//	A(η) = νd/2·log 2 + ν/2·log|V| + log Γ_d(ν/2),   h = 1
//
// (Bishop 2006, B.78–B.82). The zero value is good for UnmarshalBinary only.
type Wishart struct {
	eta, try  []float64
	cur, next *wishartCore
}

func newWishart(d int) *Wishart {
	n := 1 + SvecLen(d)
	return &Wishart{make([]float64, n), make([]float64, n), newWishartCore(d), newWishartCore(d)}
}

// NewWishart returns W(dof, scale). It errs unless scale is positive definite
// and dof > d−1.
func NewWishart(dof float64, scale mat.Symmetric) (*Wishart, error) {
	if err := absent("wishart", "NewWishart", "scale", scale); err != nil {
		return nil, err
	}
	d := scale.SymmetricDim()
	if d == 0 {
		return nil, &DomainError{"wishart", "NewWishart", "dimension of scale", -1, 0, ">= 1"}
	}
	b, err := invertSPD("wishart", "NewWishart", "scale", scale)
	if err != nil {
		return nil, err
	}
	w := newWishart(d)
	if err := w.setDofInvScale("NewWishart", dof, b); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *Wishart) setDofInvScale(fn string, dof float64, b []float64) error {
	d := w.cur.dim
	w.try[0] = 0.5 * (dof - float64(d) - 1)
	packPrecision(w.try[1:], b, d)
	return w.set(fn, w.try)
}

// load sets the candidate core from eta and reports whether it is proper.
func (w *Wishart) load(eta []float64) bool {
	d := w.cur.dim
	w.next.nu = 2*eta[0] + float64(d) + 1
	unpackPrecision(w.next.b, eta[1:], d)
	return w.next.factor()
}

func (w *Wishart) set(fn string, eta []float64) error {
	if i := firstNonFinite(eta); i >= 0 {
		return &DomainError{"wishart", fn, "eta", i, eta[i], "finite"}
	}
	if !w.load(eta) {
		return w.next.refusal("wishart", fn)
	}
	w.accept(eta)
	return nil
}

func (w *Wishart) accept(eta []float64) {
	copy(w.eta, eta)
	w.cur, w.next = w.next, w.cur
}

// Name returns "wishart".
func (w *Wishart) Name() string { return "wishart" }

// Dim returns d(d+1)/2, the length of svec(W).
func (w *Wishart) Dim() int { return len(w.eta) - min(len(w.eta), 1) }

// NumParams returns 1 + d(d+1)/2.
func (w *Wishart) NumParams() int { return len(w.eta) }

// Order returns d, the order of the matrix.
func (w *Wishart) Order() int { return w.cur.dim }

// Dof returns ν.
func (w *Wishart) Dof() float64 { return w.cur.nu }

// Scale writes V to dst, a new matrix if dst is nil.
func (w *Wishart) Scale(dst *mat.SymDense) *mat.SymDense {
	return w.cur.scale(symSized("Wishart.Scale", dst, w.cur.dim))
}

func (c *wishartCore) scale(dst *mat.SymDense) *mat.SymDense {
	for i := range c.dim {
		for j := i; j < c.dim; j++ {
			dst.SetSym(i, j, c.v(i, j))
		}
	}
	return dst
}

// SuffStat writes (log|W|, svec(W)) to dst; log|W| is −Inf outside the support.
func (w *Wishart) SuffStat(dst, x []float64) []float64 {
	checkLen("Wishart.SuffStat", "x", x, w.Dim())
	dst = sized("Wishart.SuffStat", dst, w.NumParams())
	dst[0] = w.cur.logDetSvec(x)
	copy(dst[1:], x)
	return dst
}

// LogBase returns 0 if Smat(x) is positive definite and −Inf if it is not.
func (w *Wishart) LogBase(x []float64) float64 {
	checkLen("Wishart.LogBase", "x", x, w.Dim())
	if math.IsInf(w.cur.logDetSvec(x), -1) {
		return math.Inf(-1)
	}
	return 0
}

// CheckNatural errs unless eta is finite, ν > d−1 and V positive definite.
func (w *Wishart) CheckNatural(eta []float64) error {
	checkLen("Wishart.CheckNatural", "eta", eta, w.NumParams())
	return newWishart(w.cur.dim).set("CheckNatural", eta)
}

// Natural writes η to dst.
func (w *Wishart) Natural(dst []float64) []float64 {
	dst = sized("Wishart.Natural", dst, w.NumParams())
	copy(dst, w.eta)
	return dst
}

// SetNatural moves the receiver to eta.
func (w *Wishart) SetNatural(eta []float64) error {
	checkLen("Wishart.SetNatural", "eta", eta, w.NumParams())
	return w.set("SetNatural", eta)
}

// Expectation writes m to dst.
func (w *Wishart) Expectation(dst []float64) []float64 {
	dst = sized("Wishart.Expectation", dst, w.NumParams())
	dst[0] = w.cur.meanLogDet()
	w.cur.meanSvec(dst[1:])
	return dst
}

// SetExpectation moves the receiver to expectation parameter m, the dof by
// Newton's method. It returns a *DomainError unless Smat(m₂) is positive
// definite and log|Smat(m₂)| > m₁.
//
// ν−d+1 and ν are within 1e-10 relative of the exact inverse of m, and the
// entries of V⁻¹ within 1e-10 of their size or of 1/sd(W_ij), their natural
// unit, if that is larger. Where a rounding of m can move one of them by more, a
// *PrecisionError is returned instead: a large ν is in m only through
// log|Smat(m₂)| − m₁ ≈ d(d+1)/(2ν), which holds it up to about 8e4 if V = I, and
// V⁻¹ is held if Smat(m₂), scaled to a unit diagonal, has a condition number
// below about 1e5.
func (w *Wishart) SetExpectation(m []float64) error {
	checkLen("Wishart.SetExpectation", "m", m, w.NumParams())
	if i := firstNonFinite(m); i >= 0 {
		return &DomainError{"wishart", "SetExpectation", "m", i, m[i], "finite"}
	}
	c := newWishartCore(w.cur.dim)
	if _, err := c.fitMean("wishart", m[0], m[1:]); err != nil {
		return err
	}
	return w.setDofInvScale("SetExpectation", c.nu, c.b)
}

// Mean writes svec(νV) to dst.
func (w *Wishart) Mean(dst []float64) []float64 {
	dst = sized("Wishart.Mean", dst, w.Dim())
	w.cur.meanSvec(dst)
	return dst
}

// LogPartition returns A(η).
func (w *Wishart) LogPartition() float64 { return w.cur.logNorm() }

// Entropy returns −E[log p(W)] in nats.
func (w *Wishart) Entropy() float64 { return w.cur.entropy() }

// LogProb returns (ν−d−1)/2·log|W| − tr(V⁻¹W)/2 − A(η), −Inf if W is not
// positive definite.
func (w *Wishart) LogProb(x []float64) float64 {
	checkLen("Wishart.LogProb", "x", x, w.Dim())
	l := w.cur.logDetSvec(x)
	if math.IsInf(l, -1) {
		return l
	}
	return w.eta[0]*l - 0.5*w.cur.traceB(x) - w.cur.logNorm()
}

// Sample writes svec(W) of one draw to dst, by Bartlett's decomposition.
func (w *Wishart) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("Wishart.Sample", dst, w.Dim())
	w.cur.sample(dst, nil, rng)
	return dst
}

// FisherMul writes F·v to dst: with Q = Smat(v₂),
//
//	F·v = (v₁ψ'_d(ν/2) + 2 tr(VQ), svec(2v₁V + 2νVQV)).
func (w *Wishart) FisherMul(dst, v []float64) []float64 {
	checkLen("Wishart.FisherMul", "v", v, w.NumParams())
	dst = sized("Wishart.FisherMul", dst, w.NumParams())
	copy(dst, v)
	w.cur.lock.Lock()
	defer w.cur.lock.Unlock()
	dst[0] = w.cur.fisher(dst[0], dst[1:])
	return dst
}

// KLTo returns KL(receiver‖q) in nats; q must be a *Wishart of equal order.
func (w *Wishart) KLTo(q Dist) float64 {
	o, ok := q.(*Wishart)
	if !ok || o.Dim() != w.Dim() {
		panic(fmt.Sprintf("expfam: Wishart.KLTo: q is %s of dimension %d, want wishart of dimension %d", q.Name(), q.Dim(), w.Dim()))
	}
	return w.cur.klTo(o.cur)
}

// Retract moves η to η + rho·tan, with rho halved, and Shortened returned, as
// long as that is not proper. It errs, with the receiver unchanged, if tan or
// rho is not finite or no step is admissible.
func (w *Wishart) Retract(tan []float64, rho float64) (Condition, error) {
	checkLen("Wishart.Retract", "tan", tan, w.NumParams())
	return retractHalving(w, tan, rho, w.try)
}

// Clone returns an independent copy.
func (w *Wishart) Clone() Dist {
	c := newWishart(w.cur.dim)
	copy(c.eta, w.eta)
	c.cur.set(w.cur)
	return c
}

// MarshalBinary returns the bytes of η.
func (w *Wishart) MarshalBinary() ([]byte, error) { return marshalEta(w) }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The
// receiver has the saved dimension or is a zero value.
func (w *Wishart) UnmarshalBinary(b []byte) error { return unmarshalEta(w, b) }

func (w *Wishart) resize(dim, numParams int) error {
	if dim == 0 && numParams == 0 {
		*w = Wishart{}
		return nil
	}
	d := svecOrder(dim)
	if d < 1 || numParams != dim+1 {
		return fmt.Errorf("no Wishart distribution has dimension %d and %d parameters", dim, numParams)
	}
	*w = *newWishart(d)
	return nil
}

// svecOrder returns d with SvecLen(d) = n, 0 if there is none.
func svecOrder(n int) int {
	d := int((math.Sqrt(8*float64(n)+1) - 1) / 2)
	for k := max(d-1, 1); k <= d+1; k++ {
		if SvecLen(k) == n {
			return k
		}
	}
	return 0
}
