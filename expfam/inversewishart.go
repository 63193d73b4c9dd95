package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// invertedWishart is what InverseWishart and NormalInverseWishart share: an
// outcome whose matrix Σ, after lead other entries, is the inverse of that of base,
// a *Wishart or *NormalWishart. As log|Σ| = −log|Σ⁻¹| and the Jacobian is
// |dΣ⁻¹/dΣ| = |Σ|^−(d+1),
//
//	T = (−T₀, T₁, …),  η = (−η₀ − d − 1, η₁, …),  m = (−m₀, m₁, …)
//
// in terms of those of base at (…, Σ⁻¹), and A is the same.
type invertedWishart struct {
	family   string
	base     Dist
	d, lead  int
	eta, try []float64

	lock sync.Mutex // guards what follows
	a    []float64  // d×d
	x, g []float64  // an outcome of base and a gradient there
	c, t []float64  // d×d
	draw Draw
}

func newInvertedWishart(family string, base Dist, d, lead int) *invertedWishart {
	n, dim := base.NumParams(), base.Dim()
	v := make([]float64, 2*n+3*d*d+2*dim)
	s := &invertedWishart{family: family, base: base, d: d, lead: lead}
	for _, part := range []struct {
		v *[]float64
		n int
	}{{&s.eta, n}, {&s.try, n}, {&s.a, d * d}, {&s.c, d * d}, {&s.t, d * d}, {&s.x, dim}, {&s.g, dim}} {
		*part.v, v = v[:part.n:part.n], v[part.n:]
	}
	return s
}

// core returns the Wishart distribution of the inverse.
func (s *invertedWishart) core() *wishartCore {
	if w, ok := s.base.(*Wishart); ok {
		return w.cur
	}
	return s.base.(*NormalWishart).cur.wishartCore
}

// own returns an error of base in the terms of this family: the inverse scale of
// base is Ψ, the scale of Σ.
func (s *invertedWishart) own(err error) error {
	switch e := renamed(err, s.family).(type) {
	case *DomainError:
		e.Param = strings.TrimPrefix(e.Param, "inverse ")
		return e
	case *PrecisionError:
		e.Param = strings.TrimPrefix(e.Param, "inverse ")
		return e
	default:
		return e
	}
}

// invert writes the outcome of base that belongs to x to s.x and Σ⁻¹ to the upper
// triangle of s.a and returns log|Σ|, which is −Inf if Σ is not positive definite.
// The caller holds the lock.
func (s *invertedWishart) invert(x []float64) (logDet float64) {
	copy(s.x, x[:s.lead])
	unpackSvec(s.a, x[s.lead:], s.d)
	return s.invertMatrix(s.x[s.lead:])
}

// invertMatrix inverts s.a and writes the svec of the result to dst.
func (s *invertedWishart) invertMatrix(dst []float64) (logDet float64) {
	d := s.d
	t, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: d, Data: s.a, Stride: d})
	if !ok {
		return math.Inf(-1)
	}
	for i := range d {
		logDet += 2 * math.Log(s.a[i*d+i])
	}
	if math.IsNaN(logDet) || math.IsInf(logDet, 0) {
		return math.Inf(-1)
	}
	lapack64.Potri(t)
	k := 0
	for i := range d {
		dst[k] = s.a[i*d+i]
		k++
		for j := i + 1; j < d; j++ {
			s.a[j*d+i] = s.a[i*d+j]
			dst[k] = math.Sqrt2 * s.a[i*d+j]
			k++
		}
	}
	return logDet
}

// toBase writes v with the first entry of η, natural of base.
func (s *invertedWishart) toBase(dst, eta []float64) {
	copy(dst, eta)
	dst[0] = -eta[0] - float64(s.d) - 1
}

// checkLen and sized make the name of the method only for a panic.
func (s *invertedWishart) checkLen(fn, param string, v []float64, n int) {
	if len(v) != n {
		panicLen(s.family+"."+fn, param, len(v), n)
	}
}

func (s *invertedWishart) sized(fn string, dst []float64, n int) []float64 {
	if dst != nil {
		s.checkLen(fn, "dst", dst, n)
		return dst
	}
	return make([]float64, n)
}

// Name returns the name of the family.
func (s *invertedWishart) Name() string { return s.family }

// Dim returns the length of an outcome.
func (s *invertedWishart) Dim() int { return len(s.x) }

// NumParams returns the length of η.
func (s *invertedWishart) NumParams() int { return len(s.eta) }

// Order returns d, the order of the matrix.
func (s *invertedWishart) Order() int { return s.d }

// Dof returns ν.
func (s *invertedWishart) Dof() float64 { return s.core().nu }

// Scale writes Ψ to dst, a new matrix if dst is nil.
func (s *invertedWishart) Scale(dst *mat.SymDense) *mat.SymDense {
	dst = symSized(s.family+".Scale", dst, s.d)
	b := s.core().b
	for i := range s.d {
		for j := i; j < s.d; j++ {
			dst.SetSym(i, j, b[i*s.d+j])
		}
	}
	return dst
}

// SuffStat writes T(x) to dst: NaN, but for log|Σ| = −Inf, outside the support.
func (s *invertedWishart) SuffStat(dst, x []float64) []float64 {
	s.checkLen("SuffStat", "x", x, s.Dim())
	dst = s.sized("SuffStat", dst, len(s.eta))
	s.lock.Lock()
	defer s.lock.Unlock()
	logDet := s.invert(x)
	if math.IsInf(logDet, -1) {
		for i := range dst {
			dst[i] = math.NaN()
		}
	} else {
		s.base.SuffStat(dst, s.x)
	}
	dst[0] = logDet
	return dst
}

// LogBase returns log h, −Inf unless Σ is positive definite.
func (s *invertedWishart) LogBase(x []float64) float64 {
	s.checkLen("LogBase", "x", x, s.Dim())
	s.lock.Lock()
	defer s.lock.Unlock()
	if math.IsInf(s.invert(x), -1) {
		return math.Inf(-1)
	}
	return -0.5 * float64(s.lead) * log2Pi
}

// CheckNatural errs unless eta is finite, ν > d−1 and Ψ positive definite; so is
// κ > 0 wanted of a normal-inverse-Wishart distribution.
func (s *invertedWishart) CheckNatural(eta []float64) error {
	s.checkLen("CheckNatural", "eta", eta, len(s.eta))
	if err := finite(s.family, "CheckNatural", "eta", eta); err != nil {
		return err
	}
	v := make([]float64, len(eta))
	s.toBase(v, eta)
	if err := s.base.CheckNatural(v); err != nil {
		return s.own(err)
	}
	return nil
}

// Natural writes η to dst.
func (s *invertedWishart) Natural(dst []float64) []float64 {
	dst = s.sized("Natural", dst, len(s.eta))
	copy(dst, s.eta)
	return dst
}

// SetNatural moves to eta; see CheckNatural.
func (s *invertedWishart) SetNatural(eta []float64) error {
	s.checkLen("SetNatural", "eta", eta, len(s.eta))
	if err := finite(s.family, "SetNatural", "eta", eta); err != nil {
		return err
	}
	first, rest := eta[0], eta[1:]
	s.toBase(s.try, eta)
	if err := s.base.SetNatural(s.try); err != nil {
		return s.own(err)
	}
	s.eta[0] = first
	copy(s.eta[1:], rest)
	return nil
}

// Expectation writes m to dst.
func (s *invertedWishart) Expectation(dst []float64) []float64 {
	dst = s.base.Expectation(s.sized("Expectation", dst, len(s.eta)))
	dst[0] = -dst[0]
	return dst
}

// SetExpectation moves to expectation parameter m, with the precision and the
// errors of the Wishart or normal-Wishart distribution of the inverse.
func (s *invertedWishart) SetExpectation(m []float64) error {
	const fn = "SetExpectation"
	s.checkLen(fn, "m", m, len(s.eta))
	if err := finite(s.family, fn, "m", m); err != nil {
		return err
	}
	q := s.base.Clone()
	v := append([]float64(nil), m...)
	v[0] = -v[0]
	if err := q.SetExpectation(v); err != nil {
		return s.own(err)
	}
	q.Natural(v)
	v[0] = -v[0] - float64(s.d) - 1
	return s.SetNatural(v)
}

// LogPartition returns A(η).
func (s *invertedWishart) LogPartition() float64 { return s.base.LogPartition() }

// Entropy returns that of the inverse plus (d+1) E[log|Σ|], in nats.
func (s *invertedWishart) Entropy() float64 {
	return s.base.Entropy() - float64(s.d+1)*s.core().meanLogDet()
}

// LogProb returns log p(x), −Inf unless Σ is positive definite.
func (s *invertedWishart) LogProb(x []float64) float64 {
	s.checkLen("LogProb", "x", x, s.Dim())
	s.lock.Lock()
	defer s.lock.Unlock()
	logDet := s.invert(x)
	if math.IsInf(logDet, -1) {
		return logDet
	}
	return s.base.LogProb(s.x) - float64(s.d+1)*logDet
}

// Sample writes one draw to dst, with the inverse by Bartlett's decomposition. Σ is
// NaN where the inverse is singular in floating point, as it may be for d > 1 and ν
// next to d−1: for d = 2 and ν = 1.1 one draw in eight is.
func (s *invertedWishart) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = s.base.Sample(s.sized("Sample", dst, s.Dim()), rng)
	s.lock.Lock()
	defer s.lock.Unlock()
	unpackSvec(s.a, dst[s.lead:], s.d)
	if math.IsInf(s.invertMatrix(dst[s.lead:]), -1) { // rather than W itself
		for i := range dst[s.lead:] {
			dst[s.lead+i] = math.NaN()
		}
	}
	return dst
}

// FisherMul writes F·v to dst: that of the inverse with the signs of the first row
// and column changed.
func (s *invertedWishart) FisherMul(dst, v []float64) []float64 {
	s.checkLen("FisherMul", "v", v, len(s.eta))
	dst = s.sized("FisherMul", dst, len(s.eta))
	copy(dst, v)
	dst[0] = -dst[0]
	s.base.FisherMul(dst, dst)
	dst[0] = -dst[0]
	return dst
}

// meanMatrix writes svec(Ψ/(ν−d−1)) to dst. For ν ≤ d+1 there is no mean: the
// diagonal is +Inf and the rest NaN.
func (s *invertedWishart) meanMatrix(dst []float64) {
	c := s.core()
	k := 0
	for i := range s.d {
		for j := i; j < s.d; j++ {
			switch over := c.nu - float64(s.d) - 1; {
			case over <= 0 && i == j:
				dst[k] = math.Inf(1)
			case over <= 0:
				dst[k] = math.NaN()
			case i == j:
				dst[k] = c.b[i*s.d+j] / over
			default:
				dst[k] = math.Sqrt2 * c.b[i*s.d+j] / over
			}
			k++
		}
	}
}

func (s *invertedWishart) copyOf() *invertedWishart {
	c := newInvertedWishart(s.family, s.base.Clone(), s.d, s.lead)
	copy(c.eta, s.eta)
	return c
}

// InverseWishart is the distribution IW(ν, Ψ) of a d×d symmetric positive definite
// matrix Σ whose inverse is W(ν, Ψ⁻¹), with ν > d−1 degrees of freedom and scale
// matrix Ψ. An outcome is x = svec(Σ), of length d(d+1)/2; densities are with
// respect to Π_{i≤j} dΣ_ij.
//
//	T(x) = (log|Σ|, svec(Σ⁻¹))
//	η    = (−(ν+d+1)/2, svec(−Ψ/2))
//	m    = (log|Ψ| − ψ_d(ν/2) − d log 2, svec(νΨ⁻¹))
//	A(η) = νd/2·log 2 − ν/2·log|Ψ| + log Γ_d(ν/2),   h = 1
//
// (Gelman et al. 2013, Bayesian Data Analysis, appendix A). It is the conjugate
// prior of the covariance of a normal distribution with known mean. The zero value
// is good for UnmarshalBinary only.
type InverseWishart struct{ *invertedWishart }

func newInverseWishart(d int) *InverseWishart {
	return &InverseWishart{newInvertedWishart("inverse-wishart", newWishart(d), d, 0)}
}

// NewInverseWishart returns IW(dof, scale). It errs unless scale is positive
// definite and dof > d−1.
func NewInverseWishart(dof float64, scale mat.Symmetric) (*InverseWishart, error) {
	if err := absent("inverse-wishart", "New", "scale", scale); err != nil {
		return nil, err
	}
	d := scale.SymmetricDim()
	if d == 0 {
		return nil, &DomainError{"inverse-wishart", "New", "dimension of scale", -1, 0, ">= 1"}
	}
	w := newInverseWishart(d)
	eta := make([]float64, w.NumParams())
	eta[0] = -0.5 * (dof + float64(d) + 1)
	for i, v := range Svec(nil, scale) {
		eta[1+i] = -0.5 * v
	}
	if err := w.SetNatural(eta); err != nil {
		return nil, err
	}
	return w, nil
}

// Mean writes svec(E[Σ]) = svec(Ψ/(ν−d−1)) to dst; for ν ≤ d+1 it does not exist,
// and the diagonal is +Inf and the rest NaN.
func (w *InverseWishart) Mean(dst []float64) []float64 {
	dst = sized("InverseWishart.Mean", dst, w.Dim())
	w.meanMatrix(dst)
	return dst
}

// KLTo returns KL(receiver‖q) in nats, that of the inverses; q must be an
// *InverseWishart of equal order.
func (w *InverseWishart) KLTo(q Dist) float64 {
	return w.base.(*Wishart).KLTo(as[*InverseWishart](q).base)
}

// Retract moves η to η + rho·tan, with rho halved, and Shortened returned, as long
// as that is not proper. It errs, with the receiver unchanged, if tan or rho is not
// finite or no step is admissible.
func (w *InverseWishart) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(w, tan, rho, w.try)
}

// Clone returns an independent copy.
func (w *InverseWishart) Clone() Dist { return &InverseWishart{w.copyOf()} }

// MarshalBinary returns the bytes of η.
func (w *InverseWishart) MarshalBinary() ([]byte, error) { return marshalEta(w) }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The receiver
// has the saved dimension or is a zero value.
func (w *InverseWishart) UnmarshalBinary(b []byte) error {
	if w.invertedWishart != nil {
		return unmarshalEta(w, b)
	}
	dim, eta, err := decodeEta("inverse-wishart", b)
	if err != nil {
		return err
	}
	d := svecOrder(dim)
	if d < 1 || len(eta) != dim+1 {
		return fmt.Errorf("expfam: inverse-wishart.UnmarshalBinary: no inverse Wishart distribution has dimension %d and %d parameters", dim, len(eta))
	}
	q := newInverseWishart(d)
	if err := q.SetNatural(eta); err != nil {
		return err
	}
	*w = *q
	return nil
}
