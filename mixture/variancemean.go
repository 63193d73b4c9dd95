package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// VarianceMean is what the normal variance-mean mixtures
//
//	q(z) = ∫ N(z | μ + u(w) α, v(w) Σ) q(w) dw
//
// have in common (Barndorff-Nielsen, Kent and Sørensen 1982). With S = Σ⁻¹ and
// φ_z = (z/v, u z/v, zz'/v) they are minimal conditional exponential families (Lin,
// Khan and Schmidt 2019, sections 3 and 4):
//
//	η = (Sμ, Sα, svec(−S/2), −a)       Sα only where there is an α, −a only for StudentT
//	m = (M₁₁μ + M₁₂α, M₂₁μ + M₂₂α, svec E[zz'/v], E[1/w + log w])
//	M = [[E 1/v, E u/v], [E u/v, E u²/v]]
//
// They are posteriors for vi.Fit. A step moves in the coordinates of its tangent
//
//	tan = (g_μ, g_α, svec(G), g_a),  (g_μ; g_α) = (M⁻¹ ⊗ I)(∇_μL; ∇_αL),
//	G = ∇_ΣL,  g_a = ∇_aL/(ψ'(a) − 1/a),
//
// see Retract. The scale Σ is not the covariance: that is Cov.
//
// Methods that read may run concurrently, except Tangent, SampleStep, FisherMul and
// QuadraticTangent, which share scratch. A VarianceMean is made by the constructors
// of the types that embed it.
type VarianceMean struct {
	kind kind
	k    float64 // fixed shape of an inverse Gaussian q(w)
	dim  int
	// M with its inverse, and E u, E u².
	m11, m12, m22, i11, i12, i22, eu, eu2 float64

	rule  PrecisionStep
	beta  float64
	steps int // with momentum since the last SetNatural
	nodes int // of a product rule, see ExpModifiedNormal.SetProductRule

	cur, next, prev *vmState // prev is nil before the first step with momentum
	r, work         []float64
	sq              []float64 // d×d
}

// kind is what one family of mixtures differs in. All arguments q and b are
// (z−μ)'S(z−μ) and (z−μ)'Sα.
type kind interface {
	name() string
	skewed() bool // there is an α
	shaped() bool // q(w) has a parameter a that is fitted
	// moments returns M₁₁, M₁₂, M₂₂, E u and E u².
	moments(k float64) (m11, m12, m22, eu, eu2 float64)
	// meanV returns E v.
	meanV(a, k float64) float64
	// logProb returns log q(z).
	logProb(c *VarianceMean, st *vmState, q, b float64) float64
	// given returns moments given z.
	given(c *VarianceMean, st *vmState, q, b float64) given
	// closedEntropy tells whether the entropy is known without draws; entropy then returns
	// H − H(N(μ, Σ)) and its derivatives in s = α'Sα and in a.
	closedEntropy() bool
	entropy(c *VarianceMean, st *vmState) (h, ds, da float64)
	// mix draws w for a uniform p in [0, 1), which it inverts as far as it can, and rng.
	mix(c *VarianceMean, p float64, rng *rand.Rand) float64
	// scales returns u(w) and v(w).
	scales(w float64) (u, v float64)
}

// given holds what is known about the mixing variable of a point z.
type given struct {
	u    float64 // E[u|z]
	v    float64 // E[v|z]
	pair float64 // E[u|z] less the part that an Aside partner brings
	side float64 // what the partner brings in its place
	// ∇ log q(z) = −inv·S(z−μ) + skew·Sα, inv = E[1/v|z] and skew = E[u/v|z].
	inv, skew float64
}

// vmState is η with what follows from it.
type vmState struct {
	eta    []float64
	mu     []float64
	alpha  []float64 // empty without α
	s      []float64 // S, d×d row-major, both triangles
	u      []float64 // upper triangle: U with S = U'U
	logDet float64   // log|S|
	skew   float64   // α'Sα
	shape  float64   // a; 1 where there is none
}

const (
	vmLog2Pi = 1.8378770664093454835606594728112
	// vmMinPivot is the smallest u_ii²/s_ii at which a Cholesky factor carries information.
	vmMinPivot = 0x1p-50
)

// newVarianceMean returns a member of the family at N(0, I) mixed with α = 0.
func newVarianceMean(kd kind, d int, k float64) *VarianceMean {
	c := &VarianceMean{kind: kd, k: k, dim: d}
	c.m11, c.m12, c.m22, c.eu, c.eu2 = kd.moments(k)
	c.i11 = 1 / c.m11
	if kd.skewed() {
		det := c.m11*c.m22 - c.m12*c.m12
		c.i11, c.i12, c.i22 = c.m22/det, -c.m12/det, c.m11/det
	}
	c.cur, c.next = c.newState(), c.newState()
	c.r, c.work, c.sq = make([]float64, d), make([]float64, d), make([]float64, d*d)
	return c
}

func (c *VarianceMean) newState() *vmState {
	d := c.dim
	st := &vmState{eta: make([]float64, c.NumParams()), mu: make([]float64, d), s: make([]float64, d*d), u: make([]float64, d*d), shape: 1}
	if c.kind.skewed() {
		st.alpha = make([]float64, d)
	}
	return st
}

// build checks the parameters of a constructor and sets the receiver to them.
func (c *VarianceMean) build(fn string, mu, alpha []float64, scale mat.Symmetric, shape float64) error {
	d, name := c.dim, c.kind.name()
	for _, p := range []struct {
		name string
		v    []float64
	}{{"mu", mu}, {"alpha", alpha}} {
		if i := firstBad(p.v); i >= 0 {
			return &expfam.DomainError{Family: name, Func: fn, Param: p.name, Index: i, Value: p.v[i], Want: "finite"}
		}
	}
	if !(shape > 0) || math.IsInf(shape, 1) {
		return &expfam.DomainError{Family: name, Func: fn, Param: "shape", Index: -1, Value: shape, Want: "> 0 and finite"}
	}
	n, err := expfam.NewNormal(mu, scale)
	if err != nil {
		if e, ok := err.(*expfam.DomainError); ok {
			e.Family, e.Func = name, fn
			if e.Param == "cov" {
				e.Param = "scale"
			}
		}
		return err
	}
	eta := make([]float64, c.NumParams())
	m := n.Natural(nil)
	copy(eta, m[:d])
	copy(eta[c.symAt():], m[d:])
	if alpha != nil {
		prec := make([]float64, d*d)
		vmPrecision(prec, m[d:], d)
		blas64.Symv(1, vmSym(prec, d), vmVec(alpha), 0, vmVec(eta[d:2*d]))
	}
	if c.kind.shaped() {
		eta[len(eta)-1] = -shape
	}
	return c.set(fn, eta)
}

// vmCheckSizes errs if there is no scale, and panics unless the arguments of a
// constructor go together.
func vmCheckSizes(fn string, mu, alpha []float64, scale mat.Symmetric) error {
	if la.Absent(scale) {
		return &expfam.DomainError{Family: "mixture", Func: fn, Param: "size of scale", Index: -1, Value: 0, Want: "a matrix, not nil"}
	}
	if len(mu) == 0 {
		panic("mixture: " + fn + ": len(mu) is 0, want >= 1")
	}
	if alpha != nil && len(alpha) != len(mu) {
		panic(fmt.Sprintf("mixture: %s: len(alpha) is %d, want %d", fn, len(alpha), len(mu)))
	}
	if n := scale.SymmetricDim(); n != len(mu) {
		panic(fmt.Sprintf("mixture: %s: scale is %d×%d, want %d×%d", fn, n, n, len(mu), len(mu)))
	}
	return nil
}

// Name returns the name of the family, such as "skew-normal".
func (c *VarianceMean) Name() string { return c.kind.name() }

// Dim returns d, the length of z.
func (c *VarianceMean) Dim() int { return c.dim }

// NumParams returns the length of η and of a tangent: d(d+1)/2 and d, once more d
// with an α, and 1 with a fitted shape.
func (c *VarianceMean) NumParams() int {
	n := c.symAt() + expfam.SvecLen(c.dim)
	if c.kind.shaped() {
		n++
	}
	return n
}

// symAt is where the symmetric block of η begins.
func (c *VarianceMean) symAt() int {
	if c.kind.skewed() {
		return 2 * c.dim
	}
	return c.dim
}

// factor computes everything from eta and reports whether eta is proper.
func (c *VarianceMean) factor(st *vmState) bool {
	d, at := c.dim, c.symAt()
	vmPrecision(st.s, st.eta[at:], d)
	if !st.cholesky() {
		return false
	}
	copy(st.mu, st.eta[:d])
	st.solve(st.mu)
	st.skew = 0
	if st.alpha != nil {
		copy(st.alpha, st.eta[d:2*d])
		st.solve(st.alpha)
		// α'Sα as a sum of squares |Uα|², which is never negative.
		for i := range d {
			var x float64
			for j, uij := range st.u[i*d+i : (i+1)*d] {
				x += uij * st.alpha[i+j]
			}
			st.skew += x * x
		}
	}
	st.shape = 1
	if c.kind.shaped() {
		st.shape = -st.eta[len(st.eta)-1]
		if !(st.shape > 0) || math.IsInf(1/st.shape, 0) {
			return false
		}
	}
	return !math.IsInf(st.logDet, 0) && !math.IsInf(st.skew, 0) && firstBad(st.mu) < 0 && firstBad(st.alpha) < 0
}

// cholesky factors st.s into st.u; false where it is not positive definite to
// working precision.
func (st *vmState) cholesky() bool {
	d := len(st.mu)
	copy(st.u, st.s)
	if _, ok := lapack64.Potrf(vmSym(st.u, d)); !ok {
		return false
	}
	st.logDet = 0
	for i := range d {
		p := st.u[i*d+i]
		if !(p*p > vmMinPivot*st.s[i*d+i]) || math.IsInf(p, 0) {
			return false
		}
		st.logDet += 2 * math.Log(p)
	}
	return true
}

func (st *vmState) tri() blas64.Triangular {
	d := len(st.mu)
	return blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: d, Data: st.u, Stride: d}
}

// solve overwrites v with S⁻¹v.
func (st *vmState) solve(v []float64) {
	blas64.Trsv(blas.Trans, st.tri(), vmVec(v))
	blas64.Trsv(blas.NoTrans, st.tri(), vmVec(v))
}

// Natural writes η to dst.
func (c *VarianceMean) Natural(dst []float64) []float64 {
	dst = c.sized("Natural", dst, c.NumParams())
	copy(dst, c.cur.eta)
	return dst
}

// SetNatural moves the receiver to eta and forgets its momentum. It errs, with the
// receiver unchanged, unless eta is finite, S positive definite and a positive.
func (c *VarianceMean) SetNatural(eta []float64) error { return c.set("SetNatural", eta) }

func (c *VarianceMean) set(fn string, eta []float64) error {
	c.check(fn, "eta", eta, c.NumParams())
	if i := firstBad(eta); i >= 0 {
		return &expfam.DomainError{Family: c.Name(), Func: fn, Param: "eta", Index: i, Value: eta[i], Want: "finite"}
	}
	copy(c.next.eta, eta)
	if !c.factor(c.next) {
		return c.improper(fn, eta)
	}
	c.cur, c.next = c.next, c.cur
	c.prev, c.steps = nil, 0
	return nil
}

// improper says what is wrong with a finite eta that factor refused.
func (c *VarianceMean) improper(fn string, eta []float64) error {
	e := &expfam.DomainError{Family: c.Name(), Func: fn, Param: "precision", Index: -1, Value: math.NaN(), Want: "a positive definite matrix"}
	if c.kind.shaped() {
		if a := -eta[len(eta)-1]; !(a > 0) || math.IsInf(1/a, 0) {
			e.Param, e.Index, e.Value, e.Want = "shape", len(eta)-1, a, "> 0, with a finite inverse"
			return e
		}
	}
	n := expfam.StandardNormal(c.dim)
	err := n.SetNatural(append(append([]float64(nil), eta[:c.dim]...), eta[c.symAt():c.symAt()+expfam.SvecLen(c.dim)]...))
	if d, ok := err.(*expfam.DomainError); ok {
		e.Param, e.Value, e.Want = d.Param, d.Value, d.Want
		return e
	}
	e.Param, e.Value, e.Want = "alpha", math.Inf(1), "within the range of float64"
	return e
}

// Expectation writes m to dst: (M₁₁μ + M₁₂α, M₂₁μ + M₂₂α, svec(M₁₁μμ' + M₁₂(μα' +
// αμ') + M₂₂αα' + Σ), 1 + log a − ψ(a)).
func (c *VarianceMean) Expectation(dst []float64) []float64 {
	dst = c.sized("Expectation", dst, c.NumParams())
	d, st := c.dim, c.cur
	for i, mu := range st.mu {
		dst[i] = c.m11 * mu
		if st.alpha != nil {
			dst[i] += c.m12 * st.alpha[i]
			dst[d+i] = c.m12*mu + c.m22*st.alpha[i]
		}
	}
	cov := c.scale()
	k := c.symAt()
	for i, mu := range st.mu {
		for j := i; j < d; j++ {
			x := cov.At(i, j) + mu*dst[j]
			if st.alpha != nil {
				x += st.alpha[i] * dst[d+j]
			}
			if j > i {
				x *= math.Sqrt2
			}
			dst[k] = x
			k++
		}
	}
	if c.kind.shaped() {
		dst[k] = 1 + special.LogMinusDigamma(st.shape)
	}
	return dst
}

// SetExpectation moves the receiver to the member with expectation parameter m: the
// inverse of [VarianceMean.Expectation], a closed form but for the shape. It errs,
// with the receiver unchanged, unless that Σ is positive definite and E[1/w + log w] > 1.
func (c *VarianceMean) SetExpectation(m []float64) error {
	c.check("SetExpectation", "m", m, c.NumParams())
	fail := func(param string, i int, v float64, want string) error {
		return &expfam.DomainError{Family: c.Name(), Func: "SetExpectation", Param: param, Index: i, Value: v, Want: want}
	}
	if i := firstBad(m); i >= 0 {
		return fail("m", i, m[i], "finite")
	}
	d, at := c.dim, c.symAt()
	mu, alpha, shape := make([]float64, d), []float64(nil), 1.0
	for i := range d {
		mu[i] = c.i11 * m[i]
	}
	if c.kind.skewed() {
		alpha = make([]float64, d)
		for i := range d {
			mu[i] += c.i12 * m[d+i]
			alpha[i] = c.i12*m[i] + c.i22*m[d+i]
		}
	}
	scale := expfam.Smat(nil, m[at:at+expfam.SvecLen(d)], d)
	for i := range d {
		for j := i; j < d; j++ {
			x := mu[i] * m[j]
			if alpha != nil {
				x += alpha[i] * m[d+j]
			}
			scale.SetSym(i, j, scale.At(i, j)-x)
		}
	}
	if c.kind.shaped() {
		k := len(m) - 1
		if !(m[k] > 1) {
			return fail("m", k, m[k], "> 1, the value of E[1/w + log w] for an infinite shape")
		}
		shape = special.InvLogMinusDigamma(m[k] - 1)
	}
	return c.build("SetExpectation", mu, alpha, scale, shape)
}
