package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// DiagNormal is the d-dimensional normal distribution with independent
// coordinates, N(μ, diag(1/s)):
//
//	T(x) = (x, x²)
//	η    = (sμ, −s/2)                 length 2d, products entry by entry
//	m    = (μ, μ² + 1/s)
//	A(η) = Σ_i (s_iμ_i² − log s_i)/2,   h = (2π)^(−d/2)
//
// Everything costs O(d). Its methods that read may run concurrently. The zero
// value is good for UnmarshalBinary only.
type DiagNormal struct {
	name   string // of the univariate family that embeds it, else empty
	dim    int
	eta    []float64
	mu     []float64
	s      []float64
	v      []float64 // 1/s
	logDet float64   // Σ log s
	try    []float64
}

// newDiagNormal returns N(0, I), whose slices share one allocation.
func newDiagNormal(d int) *DiagNormal {
	b := make([]float64, 7*d)
	n := &DiagNormal{dim: d, eta: b[:2*d], try: b[2*d : 4*d], mu: b[4*d : 5*d], s: b[5*d : 6*d], v: b[6*d:]}
	for i := range d {
		n.eta[d+i], n.s[i], n.v[i] = -0.5, 1, 1
	}
	return n
}

// NewDiagNormal returns N(mu, diag(sd²)). It errs unless mu is finite and
// every sd positive and within the range of its own square, and panics if the
// lengths differ.
func NewDiagNormal(mu, sd []float64) (*DiagNormal, error) {
	checkLen("NewDiagNormal", "sd", sd, len(mu))
	d := len(mu)
	if d == 0 {
		return nil, &DomainError{"diagonal-normal", "NewDiagNormal", "length of mu", -1, 0, ">= 1"}
	}
	n := newDiagNormal(d)
	for i, m := range mu {
		if math.IsNaN(m) || math.IsInf(m, 0) {
			return nil, &DomainError{"diagonal-normal", "NewDiagNormal", "mu", i, m, "finite"}
		}
		s := 1 / sd[i] / sd[i]
		if !(sd[i] > 0) || math.IsInf(s, 0) || s == 0 {
			return nil, &DomainError{"diagonal-normal", "NewDiagNormal", "sd", i, sd[i], "> 0, with a finite square and inverse square"}
		}
		n.try[i], n.try[d+i] = s*m, -0.5*s
	}
	if err := n.set("diagonal-normal", "NewDiagNormal", n.try); err != nil {
		return nil, err
	}
	return n, nil
}

// StandardDiagNormal returns N(0, I) in d dimensions. It panics if d < 1.
func StandardDiagNormal(d int) *DiagNormal {
	if d < 1 {
		panic(fmt.Sprintf("expfam: StandardDiagNormal: d is %d, want >= 1", d))
	}
	return newDiagNormal(d)
}

// checkDiag errs unless eta is proper: finite, precisions positive, means and
// variances representable.
func checkDiag(family, fn string, eta []float64, d int) error {
	if i := firstNonFinite(eta); i >= 0 {
		return &DomainError{family, fn, "eta", i, eta[i], "finite"}
	}
	for i := range d {
		s := -2 * eta[d+i]
		if !(s > 0) || math.IsInf(s, 0) || math.IsInf(1/s, 0) {
			return &DomainError{family, fn, "precision", d + i, s, "> 0 and finite, with a finite inverse"}
		}
		if mu := eta[i] / s; math.IsInf(mu, 0) {
			return &DomainError{family, fn, "mean", i, mu, "finite"}
		}
	}
	return nil
}

// properDiag is checkDiag without the words.
func (n *DiagNormal) properDiag(eta []float64) bool {
	d := n.dim
	for i := range d {
		s := -2 * eta[d+i]
		mu := eta[i] / s
		if !(s > 0) || math.IsInf(s, 0) || math.IsInf(1/s, 0) || math.IsInf(mu, 0) || math.IsNaN(mu) {
			return false
		}
	}
	return true
}

func (n *DiagNormal) set(family, fn string, eta []float64) error {
	if !n.properDiag(eta) {
		return checkDiag(family, fn, eta, n.dim)
	}
	d := n.dim
	copy(n.eta, eta)
	n.logDet = 0
	for i := range d {
		s := -2 * n.eta[d+i]
		n.s[i], n.v[i], n.mu[i] = s, 1/s, n.eta[i]/s
		n.logDet += math.Log(s)
	}
	return nil
}

// Name returns "diagonal-normal".
func (n *DiagNormal) Name() string {
	if n.name != "" {
		return n.name
	}
	return "diagonal-normal"
}

// Dim returns d.
func (n *DiagNormal) Dim() int { return n.dim }

// NumParams returns 2d.
func (n *DiagNormal) NumParams() int { return 2 * n.dim }

// SuffStat writes (x, x²) to dst.
func (n *DiagNormal) SuffStat(dst, x []float64) []float64 {
	checkLen("DiagNormal.SuffStat", "x", x, n.dim)
	dst = sized("DiagNormal.SuffStat", dst, n.NumParams())
	for i, v := range x {
		dst[i], dst[n.dim+i] = v, v*v
	}
	return dst
}

// LogBase returns −(d/2) log 2π.
func (n *DiagNormal) LogBase(x []float64) float64 {
	checkLen("DiagNormal.LogBase", "x", x, n.dim)
	return -0.5 * float64(n.dim) * log2Pi
}

// CheckNatural errs unless eta is finite and every precision positive.
func (n *DiagNormal) CheckNatural(eta []float64) error {
	checkLen("DiagNormal.CheckNatural", "eta", eta, n.NumParams())
	return checkDiag(n.Name(), "CheckNatural", eta, n.dim)
}

// Natural writes η = (sμ, −s/2) to dst.
func (n *DiagNormal) Natural(dst []float64) []float64 {
	dst = sized("DiagNormal.Natural", dst, n.NumParams())
	copy(dst, n.eta)
	return dst
}

// SetNatural moves the receiver to eta.
func (n *DiagNormal) SetNatural(eta []float64) error {
	checkLen("DiagNormal.SetNatural", "eta", eta, n.NumParams())
	return n.set(n.Name(), "SetNatural", eta)
}

// Expectation writes m = (μ, μ² + 1/s) to dst.
func (n *DiagNormal) Expectation(dst []float64) []float64 {
	dst = sized("DiagNormal.Expectation", dst, n.NumParams())
	for i, m := range n.mu {
		dst[i], dst[n.dim+i] = m, m*m+n.v[i]
	}
	return dst
}

// SetExpectation moves the receiver to μ = m₁, 1/s = m₂ − m₁². It errs unless
// that is positive.
func (n *DiagNormal) SetExpectation(m []float64) error {
	checkLen("DiagNormal.SetExpectation", "m", m, n.NumParams())
	if i := firstNonFinite(m); i >= 0 {
		return &DomainError{n.Name(), "SetExpectation", "m", i, m[i], "finite"}
	}
	d := n.dim
	for i := range d {
		v := m[d+i] - m[i]*m[i]
		if !(v > 0) || math.IsInf(1/v, 0) {
			return &DomainError{n.Name(), "SetExpectation", "variance", d + i, v, "> 0, with a finite inverse"}
		}
		n.try[i], n.try[d+i] = m[i]/v, -0.5/v
	}
	return n.set(n.Name(), "SetExpectation", n.try)
}

// Mean writes μ to dst.
func (n *DiagNormal) Mean(dst []float64) []float64 {
	dst = sized("DiagNormal.Mean", dst, n.dim)
	copy(dst, n.mu)
	return dst
}

// Sd writes the standard deviations 1/√s to dst.
func (n *DiagNormal) Sd(dst []float64) []float64 {
	dst = sized("DiagNormal.Sd", dst, n.dim)
	for i, v := range n.v {
		dst[i] = math.Sqrt(v)
	}
	return dst
}

// Cov writes diag(1/s) to dst, a new matrix if dst is nil.
func (n *DiagNormal) Cov(dst *mat.SymDense) *mat.SymDense {
	return setDiag(symSized("DiagNormal.Cov", dst, n.dim), n.v)
}

// Precision writes diag(s) to dst, a new matrix if dst is nil.
func (n *DiagNormal) Precision(dst *mat.SymDense) *mat.SymDense {
	return setDiag(symSized("DiagNormal.Precision", dst, n.dim), n.s)
}

func setDiag(dst *mat.SymDense, v []float64) *mat.SymDense {
	dst.Zero()
	for i, x := range v {
		dst.SetSym(i, i, x)
	}
	return dst
}

// CovColumn writes column j of the covariance matrix to dst.
func (n *DiagNormal) CovColumn(dst []float64, j int) []float64 {
	dst = sized("DiagNormal.CovColumn", dst, n.dim)
	checkIndex("DiagNormal.CovColumn", "j", j, n.dim)
	clear(dst)
	dst[j] = n.v[j]
	return dst
}

// PredictorVar writes the variances Σ_j x_ij²/s_j of the linear predictors
// x_i'θ to dst, one a row of x, which meets the first x.Cols <= d coordinates.
// It needs no scratch; work is there to have one signature with
// [Normal.PredictorVar].
func (n *DiagNormal) PredictorVar(dst []float64, x blas64.General, work []float64) []float64 {
	dst = sized("DiagNormal.PredictorVar", dst, x.Rows)
	if x.Cols > n.dim {
		panicLen("DiagNormal.PredictorVar", "x.Cols", x.Cols, n.dim)
	}
	for i := range dst {
		var s float64
		for j, a := range x.Data[i*x.Stride : i*x.Stride+x.Cols] {
			s += a * a * n.v[j]
		}
		dst[i] = s
	}
	return dst
}

// LogPartition returns A(η).
func (n *DiagNormal) LogPartition() float64 {
	return 0.5 * (dot(n.mu, n.eta[:n.dim]) - n.logDet)
}

// Entropy returns (d/2) log 2πe − Σ log s/2 in nats.
func (n *DiagNormal) Entropy() float64 {
	return 0.5 * (float64(n.dim)*(1+log2Pi) - n.logDet)
}

// LogProb returns log N(x|μ, diag(1/s)).
func (n *DiagNormal) LogProb(x []float64) float64 {
	checkLen("DiagNormal.LogProb", "x", x, n.dim)
	var q float64
	for i, m := range n.mu {
		r := x[i] - m
		q += n.s[i] * r * r
	}
	return 0.5 * (n.logDet - q - float64(n.dim)*log2Pi)
}

// Sample writes μ + ε/√s to dst, ε standard normal.
func (n *DiagNormal) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("DiagNormal.Sample", dst, n.dim)
	for i, m := range n.mu {
		dst[i] = m + math.Sqrt(n.v[i])*rng.NormFloat64()
	}
	return dst
}

// Mirror writes 2μ − x to dst, the antithetic partner of a draw x. dst may be x.
func (n *DiagNormal) Mirror(dst, x []float64) []float64 {
	checkLen("DiagNormal.Mirror", "x", x, n.dim)
	dst = sized("DiagNormal.Mirror", dst, n.dim)
	for i, m := range n.mu {
		dst[i] = 2*m - x[i]
	}
	return dst
}

// FisherMul writes F·v to dst: dμ = (v₁ + 2μv₂)/s, F·v = (dμ, 2μ dμ + 2v₂/s²).
func (n *DiagNormal) FisherMul(dst, v []float64) []float64 {
	checkLen("DiagNormal.FisherMul", "v", v, n.NumParams())
	dst = sized("DiagNormal.FisherMul", dst, n.NumParams())
	for i, m := range n.mu {
		v2, w := v[n.dim+i], n.v[i]
		dMu := w * (v[i] + 2*m*v2)
		dst[i], dst[n.dim+i] = dMu, 2*m*dMu+2*w*w*v2
	}
	return dst
}

// Tangent adds w·∇_m E_q[log p] to dst as the draw dr shows it: with g = ∇log p
// and h its diagonal second derivatives at dr.X,
//
//	∇_m = (g − hμ, h/2),   h_i = ∂²log p/∂x_i²   if dr.HessDiag or dr.Hess is set
//	                       h_i ≈ s_i(x_i−μ_i)g_i  (Stein's identity) otherwise.
//
// Calls with different dst may run at the same time; none allocates.
func (n *DiagNormal) Tangent(dst []float64, dr *Draw, w float64) {
	checkLen("DiagNormal.Tangent", "dst", dst, n.NumParams())
	checkLen("DiagNormal.Tangent", "Grad", dr.Grad, n.dim)
	d := n.dim
	var hess []float64
	stride := 0
	switch {
	case dr.HessDiag != nil:
		checkLen("DiagNormal.Tangent", "HessDiag", dr.HessDiag, d)
		hess, stride = dr.HessDiag, 1
	case dr.Hess != nil:
		r := dr.Hess.RawSymmetric()
		if r.N != d {
			panicLen("DiagNormal.Tangent", "Hess", r.N, d)
		}
		hess, stride = r.Data, r.Stride+1
	default:
		checkLen("DiagNormal.Tangent", "X", dr.X, d)
	}
	for i, g := range dr.Grad {
		var h float64
		if hess != nil {
			h = hess[i*stride]
		} else {
			h = n.s[i] * (dr.X[i] - n.mu[i]) * g
		}
		dst[i] += w * (g - h*n.mu[i])
		dst[d+i] += 0.5 * w * h
	}
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (n *DiagNormal) EntropyTangent(dst []float64) (exact bool) {
	checkLen("DiagNormal.EntropyTangent", "dst", dst, n.NumParams())
	for i, e := range n.eta {
		dst[i] -= e
	}
	return true
}

// Retract moves η to η + rho·tan. Coordinates whose new precision would not be
// positive take the step of the improved Bayesian learning rule, whose
// precision always is (Lin, Schmidt and Khan 2020, section 3): with G = tan₂
// and g = tan₁ + 2Gμ,
//
//	s ← s − 2ρG + 2ρ²G²/s,   μ ← μ + ρg/s   (the old s)
//
// and Retracted is returned; the other coordinates keep the exact step. If the
// result is not representable ρ is halved and Shortened is added. It errs, with
// the receiver unchanged, if tan or rho is not finite or no step is
// representable.
func (n *DiagNormal) Retract(tan []float64, rho float64) (Condition, error) {
	checkLen("DiagNormal.Retract", "tan", tan, n.NumParams())
	if err := checkStep(n.Name(), tan, rho); err != nil {
		return NonFinite, err
	}
	for i, e := range n.eta {
		n.try[i] = e + rho*tan[i]
	}
	if n.properDiag(n.try) {
		return 0, n.set(n.Name(), "Retract", n.try)
	}
	cond, d := Retracted, n.dim
	for range safeTries {
		for i, m := range n.mu {
			G, s := tan[d+i], n.s[i]
			n.try[i], n.try[d+i] = n.eta[i]+rho*tan[i], n.eta[d+i]+rho*G
			if s1 := -2 * n.try[d+i]; s1 > 0 && !math.IsInf(1/s1, 0) {
				continue
			}
			r := rho * G / s
			s1 := s * (1 - 2*r + 2*r*r)
			n.try[i], n.try[d+i] = s1*(m+rho*(tan[i]+2*G*m)/s), -0.5*s1
		}
		if n.properDiag(n.try) {
			return cond, n.set(n.Name(), "Retract", n.try)
		}
		rho /= 2
		cond |= Shortened
	}
	return cond | NonFinite, &DomainError{n.Name(), "Retract", "rho", -1, rho, "a step whose result is representable (tried down to this value)"}
}

// KLTo returns KL(receiver‖q) in nats; q must be a *DiagNormal of equal Dim.
// With r = s_q/s it is ½Σ[r − 1 − log r + s_q(μ − μ_q)²], every term ≥ 0.
func (n *DiagNormal) KLTo(q Dist) float64 {
	o, ok := q.(*DiagNormal)
	if !ok || o.dim != n.dim {
		panic(fmt.Sprintf("expfam: DiagNormal.KLTo: q is %s of dimension %d, want diagonal-normal of dimension %d", q.Name(), q.Dim(), n.dim))
	}
	return n.klTo(o)
}

func (n *DiagNormal) klTo(o *DiagNormal) float64 {
	var kl float64
	for i, m := range n.mu {
		e := (o.s[i] - n.s[i]) * n.v[i]
		r := m - o.mu[i]
		kl += o.s[i]*r*r - special.Log1pmx(e)
	}
	return 0.5 * kl
}

// Clone returns an independent copy.
func (n *DiagNormal) Clone() Dist { return n.clone() }

func (n *DiagNormal) clone() *DiagNormal {
	c := newDiagNormal(n.dim)
	copy(c.eta, n.eta)
	copy(c.mu, n.mu)
	copy(c.s, n.s)
	copy(c.v, n.v)
	c.logDet = n.logDet
	return c
}

// MarshalBinary returns the bytes of η.
func (n *DiagNormal) MarshalBinary() ([]byte, error) { return marshalEta(n) }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The
// receiver has the saved dimension or is a zero value.
func (n *DiagNormal) UnmarshalBinary(b []byte) error { return unmarshalEta(n, b) }

func (n *DiagNormal) resize(dim, numParams int) error {
	if dim == 0 && numParams == 0 {
		*n = DiagNormal{}
		return nil
	}
	if dim < 1 || 2*dim != numParams {
		return fmt.Errorf("no diagonal normal distribution has dimension %d and %d parameters", dim, numParams)
	}
	*n = *newDiagNormal(dim)
	return nil
}
