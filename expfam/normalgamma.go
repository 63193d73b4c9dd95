package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
)

// NormalGamma is the joint distribution of x = (μ, τ), the mean and precision
// of a univariate normal, with τ ~ Gamma(α, rate β) and μ|τ ~ N(μ₀, 1/(κτ)):
//
//	T(x) = (log τ, τ, τμ, τμ²)
//	η    = (α − ½, −β − κμ₀²/2, κμ₀, −κ/2)
//	m    = (ψ(α) − log β, α/β, μ₀α/β, 1/κ + μ₀²α/β)
//	A(η) = log Γ(α) − α log β − ½ log κ,   h = (2π)^(−1/2)
//
// (Bernardo and Smith 1994, section 3.2.4). It is conjugate to the normal with
// unknown mean and precision. The zero value is good for UnmarshalBinary only.
type NormalGamma struct {
	eta, try  []float64
	cur, next normalGammaParams
}

type normalGammaParams struct{ mu0, kappa, alpha, beta float64 }

func newNormalGamma() *NormalGamma {
	return &NormalGamma{eta: make([]float64, 4), try: make([]float64, 4)}
}

// NewNormalGamma returns NG(mu0, kappa, alpha, beta). It errs unless mu0 is
// finite and the others positive and finite.
func NewNormalGamma(mu0, kappa, alpha, beta float64) (*NormalGamma, error) {
	if math.IsNaN(mu0) || math.IsInf(mu0, 0) {
		return nil, &DomainError{"normal-gamma", "NewNormalGamma", "mu0", -1, mu0, "finite"}
	}
	for _, p := range []struct {
		name string
		v    float64
	}{{"kappa", kappa}, {"alpha", alpha}, {"beta", beta}} {
		if !(p.v > 0) || math.IsInf(p.v, 0) {
			return nil, &DomainError{"normal-gamma", "NewNormalGamma", p.name, -1, p.v, "> 0 and finite"}
		}
	}
	n := newNormalGamma()
	if err := n.set("NewNormalGamma", naturalNG(mu0, kappa, alpha, beta)); err != nil {
		return nil, err
	}
	return n, nil
}

// isPositive reports whether x is positive and finite.
func isPositive(x float64) bool { return x > 0 && !math.IsInf(x, 0) }

func naturalNG(mu0, kappa, alpha, beta float64) []float64 {
	return []float64{alpha - 0.5, -beta - 0.5*kappa*mu0*mu0, kappa * mu0, -0.5 * kappa}
}

// load sets the candidate from eta and reports whether it is proper.
func (n *NormalGamma) load(eta []float64) bool {
	p := &n.next
	p.alpha = eta[0] + 0.5
	p.kappa = -2 * eta[3]
	p.mu0 = eta[2] / p.kappa
	p.beta = -eta[1] - 0.5*eta[2]*p.mu0
	return isPositive(p.kappa) && isPositive(p.alpha) && isPositive(p.beta) && isPositive(p.alpha/p.beta) &&
		!math.IsNaN(p.mu0) && !math.IsInf(p.mu0*p.mu0*p.alpha/p.beta+1/p.kappa, 0)
}

func (n *NormalGamma) accept(eta []float64) {
	copy(n.eta, eta)
	n.cur = n.next
}

func (n *NormalGamma) set(fn string, eta []float64) error {
	if i := firstNonFinite(eta); i >= 0 {
		return &DomainError{"normal-gamma", fn, "eta", i, eta[i], "finite"}
	}
	if n.load(eta) {
		n.accept(eta)
		return nil
	}
	p := n.next
	switch {
	case !isPositive(p.alpha):
		return &DomainError{"normal-gamma", fn, "alpha", 0, p.alpha, "> 0"}
	case !isPositive(p.kappa):
		return &DomainError{"normal-gamma", fn, "kappa", 3, p.kappa, "> 0"}
	case !isPositive(p.beta):
		return &DomainError{"normal-gamma", fn, "beta", 1, p.beta, "> 0"}
	}
	return &DomainError{"normal-gamma", fn, "E[T]", -1, math.Inf(1), "within the range of float64"}
}

// Name returns "normal-gamma".
func (n *NormalGamma) Name() string { return "normal-gamma" }

// Dim returns 2: x = (μ, τ).
func (n *NormalGamma) Dim() int { return 2 }

// NumParams returns 4.
func (n *NormalGamma) NumParams() int { return len(n.eta) }

// Mu0 returns μ₀, the location of μ.
func (n *NormalGamma) Mu0() float64 { return n.cur.mu0 }

// Kappa returns κ, the number of observations that μ₀ is worth.
func (n *NormalGamma) Kappa() float64 { return n.cur.kappa }

// Alpha returns α, the shape of τ.
func (n *NormalGamma) Alpha() float64 { return n.cur.alpha }

// Beta returns β, the rate of τ.
func (n *NormalGamma) Beta() float64 { return n.cur.beta }

// SuffStat writes (log τ, τ, τμ, τμ²) to dst.
func (n *NormalGamma) SuffStat(dst, x []float64) []float64 {
	checkLen("NormalGamma.SuffStat", "x", x, 2)
	dst = sized("NormalGamma.SuffStat", dst, 4)
	mu, tau := x[0], x[1]
	dst[0], dst[1], dst[2], dst[3] = math.Log(tau), tau, tau*mu, tau*mu*mu
	return dst
}

// LogBase returns −½ log 2π, −Inf unless τ > 0.
func (n *NormalGamma) LogBase(x []float64) float64 {
	checkLen("NormalGamma.LogBase", "x", x, 2)
	if !isPositive(x[1]) {
		return math.Inf(-1)
	}
	return -0.5 * log2Pi
}

// CheckNatural errs unless α, κ and β are positive.
func (n *NormalGamma) CheckNatural(eta []float64) error {
	checkLen("NormalGamma.CheckNatural", "eta", eta, 4)
	return newNormalGamma().set("CheckNatural", eta)
}

// Natural writes η to dst.
func (n *NormalGamma) Natural(dst []float64) []float64 {
	dst = sized("NormalGamma.Natural", dst, 4)
	copy(dst, n.eta)
	return dst
}

// SetNatural moves the receiver to eta.
func (n *NormalGamma) SetNatural(eta []float64) error {
	checkLen("NormalGamma.SetNatural", "eta", eta, 4)
	return n.set("SetNatural", eta)
}

// Expectation writes m to dst.
func (n *NormalGamma) Expectation(dst []float64) []float64 {
	dst = sized("NormalGamma.Expectation", dst, 4)
	p := &n.cur
	t := p.alpha / p.beta
	tm := p.mu0 * t
	// All that holds a large α is log m₂ − m₁, and all that holds κ, if μ₀ is
	// many sds from 0, is m₄ − m₃²/m₂: both entries get one rounding.
	dst[0], dst[1], dst[2] = shapeLogMean(p.alpha, t), t, tm
	dst[3] = math.FMA(p.mu0, tm, p.mu0*math.FMA(p.mu0, t, -tm)+1/p.kappa)
	return dst
}

// SetExpectation moves the receiver to expectation parameter m:
//
//	μ₀ = m₃/m₂,  1/κ = m₄ − m₃²/m₂,  log α − ψ(α) = log m₂ − m₁,  β = α/m₂.
//
// It returns a *DomainError unless m₂, m₄ − m₃²/m₂ and log m₂ − m₁ are
// positive. The entries of η, and α, are within 1e-10 relative of the exact
// inverse of m; where a rounding of m can move α or κ by more, a
// *PrecisionError is returned instead: for large α as in
// [Gamma.SetExpectation], for κ if κμ₀²α/β is above about 1e5. β is in η only
// as β + κμ₀²/2, after any setter.
func (n *NormalGamma) SetExpectation(m []float64) error {
	const fn = "SetExpectation"
	checkLen("NormalGamma.SetExpectation", "m", m, 4)
	if i := firstNonFinite(m); i >= 0 {
		return &DomainError{"normal-gamma", fn, "m", i, m[i], "finite"}
	}
	if !(m[1] > 0) {
		return &DomainError{"normal-gamma", fn, "E[τ]", 1, m[1], "> 0"}
	}
	// v = m₄ − μ₀m₃ − μ₀(m₃ − μ₀m₂) with the product and the rest kept exact.
	mu0 := m[2] / m[1]
	p := mu0 * m[2]
	v := (m[3] - p) - (math.FMA(mu0, m[2], -p) + mu0*math.FMA(-mu0, m[1], m[2]))
	known := halfUlp(m[3]) + math.Abs(mu0)*(2*halfUlp(m[2])+math.Abs(mu0)*halfUlp(m[1]))
	if !(v > known) {
		if v >= -known {
			return imprecise("normal-gamma", "kappa", -1, math.Inf(1), math.Inf(1))
		}
		return &DomainError{"normal-gamma", fn, "E[τμ²] − E[τμ]²/E[τ]", 3, v, "> 0"}
	}
	if err := imprecise("normal-gamma", "kappa", -1, 1/v, known/v+8*unit); err != nil {
		return err
	}
	alpha, err := shapeFromMoments("normal-gamma", "alpha", "E[log τ]", "< log E[τ] (Jensen's inequality)", m[1], m[0])
	if err != nil {
		return err
	}
	return n.set(fn, naturalNG(mu0, 1/v, alpha, alpha/m[1]))
}

// Mean writes (E[μ], E[τ]) = (μ₀, α/β) to dst; E[μ] exists for α > ½ and is the
// location μ₀ otherwise.
func (n *NormalGamma) Mean(dst []float64) []float64 {
	dst = sized("NormalGamma.Mean", dst, 2)
	dst[0], dst[1] = n.cur.mu0, n.cur.alpha/n.cur.beta
	return dst
}

// LogPartition returns A(η) = log Γ(α) − α log β − ½ log κ.
func (n *NormalGamma) LogPartition() float64 {
	p := &n.cur
	return special.Lgamma(p.alpha) - p.alpha*math.Log(p.beta) - 0.5*math.Log(p.kappa)
}

// Entropy returns h(α) − log β + ½[log 2πe − log κ − ψ(α) + log β] in nats, with
// h(α) the entropy of Gamma(α, 1).
func (n *NormalGamma) Entropy() float64 {
	p := &n.cur
	return special.ShapeEntropy(p.alpha) - 0.5*math.Log(p.beta) +
		0.5*(1+log2Pi-math.Log(p.kappa)-special.Digamma(p.alpha))
}

// LogProb returns log p(μ, τ), −Inf unless τ > 0.
func (n *NormalGamma) LogProb(x []float64) float64 {
	checkLen("NormalGamma.LogProb", "x", x, 2)
	mu, tau := x[0], x[1]
	if !isPositive(tau) {
		return math.Inf(-1)
	}
	p := &n.cur
	r := mu - p.mu0
	return -0.5*log2Pi + n.eta[0]*math.Log(tau) - p.beta*tau - 0.5*p.kappa*tau*r*r - n.LogPartition()
}

// Sample writes (μ, τ) to dst: τ by Marsaglia and Tsang, then μ given τ.
func (n *NormalGamma) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("NormalGamma.Sample", dst, 2)
	p := &n.cur
	logTau := sample.LogGamma(p.alpha, rng) - math.Log(p.beta)
	dst[1] = positive(math.Exp(logTau))
	dst[0] = p.mu0 + math.Exp(-0.5*(logTau+math.Log(p.kappa)))*rng.NormFloat64()
	return dst
}

// FisherMul writes F·v to dst, the derivative of m along dα = v₁, dκ = −2v₄,
// dμ₀ = (v₃ − μ₀dκ)/κ, dβ = −v₂ − μ₀²dκ/2 − κμ₀dμ₀.
func (n *NormalGamma) FisherMul(dst, v []float64) []float64 {
	checkLen("NormalGamma.FisherMul", "v", v, 4)
	dst = sized("NormalGamma.FisherMul", dst, 4)
	p := &n.cur
	mu0, t := p.mu0, p.alpha/p.beta
	dAlpha, dKappa := v[0], -2*v[3]
	dMu := (v[2] - mu0*dKappa) / p.kappa
	// −v₂ − μ₀²dκ/2 − κμ₀dμ₀ with the terms in v₄ gathered.
	dBeta := -v[1] - mu0*v[2] - mu0*mu0*v[3]
	dT := (dAlpha - t*dBeta) / p.beta
	dst[0] = special.Trigamma(p.alpha)*dAlpha - dBeta/p.beta
	dst[1] = dT
	dst[2] = dMu*t + mu0*dT
	dst[3] = -dKappa/(p.kappa*p.kappa) + 2*mu0*dMu*t + mu0*mu0*dT
	return dst
}

// KLTo returns KL(receiver‖q) in nats; q must be a *NormalGamma. It is the
// divergence of the gammas plus ½[κ_q/κ − 1 − log(κ_q/κ) + κ_q(μ₀ − μ₀q)²α/β].
func (n *NormalGamma) KLTo(q Dist) float64 {
	o, ok := q.(*NormalGamma)
	if !ok {
		panic(fmt.Sprintf("expfam: NormalGamma.KLTo: q is %s, want normal-gamma", q.Name()))
	}
	a, b := &n.cur, &o.cur
	t := a.alpha / a.beta
	e := (t*b.beta - b.alpha) / b.alpha // ratio of the means of τ, minus 1
	r := a.mu0 - b.mu0
	return special.ShapeKL(a.alpha, b.alpha) - b.alpha*special.Log1pmx(e) +
		0.5*(b.kappa*r*r*t-special.Log1pmx((b.kappa-a.kappa)/a.kappa))
}

// Retract moves η to η + rho·tan, with rho halved, and Shortened returned, as
// long as that is not proper. It errs, with the receiver unchanged, if tan or
// rho is not finite or no step is admissible.
func (n *NormalGamma) Retract(tan []float64, rho float64) (Condition, error) {
	checkLen("NormalGamma.Retract", "tan", tan, 4)
	return retractHalving(n, tan, rho, n.try)
}

// Clone returns an independent copy.
func (n *NormalGamma) Clone() Dist {
	c := newNormalGamma()
	copy(c.eta, n.eta)
	c.cur = n.cur
	return c
}

// MarshalBinary returns the bytes of η.
func (n *NormalGamma) MarshalBinary() ([]byte, error) { return marshalEta(n) }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The
// receiver may be a zero value.
func (n *NormalGamma) UnmarshalBinary(b []byte) error { return unmarshalEta(n, b) }

func (n *NormalGamma) resize(dim, numParams int) error {
	if dim == 0 && numParams == 0 {
		*n = NormalGamma{}
		return nil
	}
	if dim != 2 || numParams != 4 {
		return fmt.Errorf("a normal-gamma distribution has dimension 2 and 4 parameters, not %d and %d", dim, numParams)
	}
	*n = *newNormalGamma()
	return nil
}
