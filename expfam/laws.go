package expfam

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
)

func finiteOne(u float64) bool { return math.Abs(u) <= math.MaxFloat64 }

// logGammaPath returns ∂(log x)/∂a at fixed probability for x ~ Gamma(a, 1), of
// u = log x. Below tiny x, where P(a, x) = x^a/Γ(a+1), it is (ψ(a+1) − u)/a.
func logGammaPath(a, u float64) float64 {
	if u < -650 {
		return (special.Digamma(a+1) - u) / a
	}
	x := math.Exp(u)
	return special.GammaShapeGrad(a, x) / x
}

// gammaMeanExp returns E[x^k] of x ~ Gamma(a, rate), E[log x] for k = 0.
func gammaMeanExp(a, rate, k float64) float64 {
	if k == 0 {
		return shapeLogMean(a, a/rate)
	}
	return math.Exp(special.LgammaDelta(a, k) - k*math.Log(rate))
}

// gammaLaw is that of the logarithm u of a gamma variable, T = (u, e^u).
type gammaLaw struct{ *Gamma }

func (g gammaLaw) copyLaw() law              { c := *g.Gamma; return gammaLaw{&c} }
func (g gammaLaw) coords() (e0, e1 float64)  { return g.eta[0], g.eta[1] }
func (g gammaLaw) kl(q law) float64          { return g.KLTo(q.(gammaLaw).Gamma) }
func (g gammaLaw) inside(u float64) bool     { return finiteOne(u) }
func (g gammaLaw) meanExp(k float64) float64 { return gammaMeanExp(g.shape, g.rate, k) }
func (g gammaLaw) entropy() float64          { return g.Entropy() - g.meanExp(0) }

func (g gammaLaw) moments() (m0, m1 float64) {
	mean := g.shape / g.rate
	return shapeLogMean(g.shape, mean), mean
}

func (g gammaLaw) stat(u float64) (t0, t1 float64)     { return u, math.Exp(u) }
func (g gammaLaw) slope(u float64) (d0, d1 float64)    { return 1, math.Exp(u) }
func (g gammaLaw) base(u float64) (h, d float64)       { return u, 1 }
func (g gammaLaw) baseGrad(k float64) (g0, g1 float64) { return 1 - k, 0 }

func (g gammaLaw) solve(v0, v1 float64) (w0, w1 float64) {
	return gammaSolve(g.shape, g.rate, v0, v1)
}

func (g gammaLaw) path(u float64) (d0, d1 float64) {
	return logGammaPath(g.shape, u+math.Log(g.rate)), 1 / g.rate
}

func (g gammaLaw) draw(rng *rand.Rand) float64 {
	return sample.LogGamma(g.shape, rng) - math.Log(g.rate)
}

// rateLaw is that of the logarithm u of a gamma variable of known shape a,
// T = e^u, η = −rate.
type rateLaw struct {
	*Exponential // η
	a, lgamma    float64
}

func newRateLaw(a float64) rateLaw {
	return rateLaw{&Exponential{eta: [1]float64{-1}}, a, special.Lgamma(a)}
}

func (g rateLaw) copyLaw() law             { c := *g.Exponential; return rateLaw{&c, g.a, g.lgamma} }
func (g rateLaw) coords() (e0, e1 float64) { return g.eta[0], 0 }
func (g rateLaw) inside(u float64) bool    { return finiteOne(u) }
func (g rateLaw) LogPartition() float64    { return -g.a * math.Log(g.Rate()) }

func (g rateLaw) moments() (m0, m1 float64) { return g.a / g.Rate(), 0 }

func (g rateLaw) SetExpectation(m []float64) error {
	r := m[0] / g.a // 1/rate
	if !inScale(r) {
		return &DomainError{Func: "SetExpectation", Index: 0, Value: m[0], Want: wantScale}
	}
	return g.SetNatural([]float64{-1 / r})
}

func (g rateLaw) FisherMul(dst, v []float64) []float64 {
	return fill1("FisherMul", dst, g.a*v[0]/g.eta[0]/g.eta[0])
}

func (g rateLaw) kl(q law) float64                      { return g.a * g.KLTo(q.(rateLaw).Exponential) }
func (g rateLaw) solve(v0, v1 float64) (w0, w1 float64) { return v0 / g.a * g.eta[0] * g.eta[0], 0 }
func (g rateLaw) stat(u float64) (t0, t1 float64)       { return math.Exp(u), 0 }
func (g rateLaw) slope(u float64) (d0, d1 float64)      { return math.Exp(u), 0 }
func (g rateLaw) base(u float64) (h, d float64)         { return g.a*u - g.lgamma, g.a }
func (g rateLaw) path(u float64) (d0, d1 float64)       { return 1 / g.Rate(), 0 }
func (g rateLaw) meanExp(k float64) float64             { return gammaMeanExp(g.a, g.Rate(), k) }
func (g rateLaw) baseGrad(k float64) (g0, g1 float64)   { return (g.a - k) / g.a * g.Rate(), 0 }
func (g rateLaw) draw(rng *rand.Rand) float64           { return sample.LogGamma(g.a, rng) - math.Log(g.Rate()) }
func (g rateLaw) entropy() float64 {
	return special.ShapeEntropy(g.a) - math.Log(g.Rate()) - g.meanExp(0)
}

// shapeLaw is that of the logarithm u of a gamma variable of rate 1/2, a
// chi-squared one of 2a degrees of freedom: T = u, η = a − 1, log h = u − e^u/2.
type shapeLaw struct{ eta, a float64 }

func (g *shapeLaw) NumParams() int            { return 1 }
func (g *shapeLaw) copyLaw() law              { c := *g; return &c }
func (g *shapeLaw) coords() (e0, e1 float64)  { return g.eta, 0 }
func (g *shapeLaw) inside(u float64) bool     { return finiteOne(u) }
func (g *shapeLaw) LogPartition() float64     { return special.Lgamma(g.a) + g.a*math.Ln2 }
func (g *shapeLaw) meanExp(k float64) float64 { return gammaMeanExp(g.a, 0.5, k) }
func (g *shapeLaw) entropy() float64          { return special.ShapeEntropy(g.a) + math.Ln2 - g.meanExp(0) }

func (g *shapeLaw) CheckNatural(eta []float64) error {
	if inScale(eta[0] + 1) {
		return nil
	}
	return &DomainError{Func: "SetNatural", Param: "shape-1", Index: 0, Value: eta[0], Want: "> -1 (at most 1e150)"}
}

func (g *shapeLaw) SetNatural(eta []float64) error {
	if err := g.CheckNatural(eta); err != nil {
		return err
	}
	g.eta, g.a = eta[0], eta[0]+1
	return nil
}

func (g *shapeLaw) moments() (m0, m1 float64) { return special.Digamma(g.a) + math.Ln2, 0 }

// SetExpectation inverts the digamma function.
func (g *shapeLaw) SetExpectation(m []float64) error {
	a := special.InvDigamma(m[0] - math.Ln2)
	if !inScale(a) || a-1 == -1 {
		return &DomainError{Func: "SetExpectation", Param: "E[log x]", Index: 0, Value: m[0], Want: "from -1e16 to 345"}
	}
	g.eta, g.a = a-1, a-1+1
	return nil
}

func (g *shapeLaw) FisherMul(dst, v []float64) []float64 {
	return fill1("FisherMul", dst, special.Trigamma(g.a)*v[0])
}

func (g *shapeLaw) kl(q law) float64 { return special.LgammaBregman(g.a, q.(*shapeLaw).a) }
func (g *shapeLaw) solve(v0, v1 float64) (w0, w1 float64) {
	return v0 / special.Trigamma(g.a), 0
}
func (g *shapeLaw) stat(u float64) (t0, t1 float64)  { return u, 0 }
func (g *shapeLaw) slope(u float64) (d0, d1 float64) { return 1, 0 }
func (g *shapeLaw) base(u float64) (h, d float64) {
	x := math.Exp(u) / 2
	return u - x, 1 - x
}
func (g *shapeLaw) path(u float64) (d0, d1 float64) { return logGammaPath(g.a, u-math.Ln2), 0 }
func (g *shapeLaw) draw(rng *rand.Rand) float64     { return sample.LogGamma(g.a, rng) + math.Ln2 }
func (g *shapeLaw) baseGrad(k float64) (g0, g1 float64) {
	return 1 - k - 1/special.Trigamma(g.a), 0 // E[log h − ku] = (1−k)m − a
}

// betaLaw is that of the logit u of a beta variable x,
// T = (log x, log(1−x)), log h = log x + log(1−x).
type betaLaw struct{ *Beta }

func (b betaLaw) copyLaw() law             { c := *b.Beta; return betaLaw{&c} }
func (b betaLaw) coords() (e0, e1 float64) { return b.eta[0], b.eta[1] }
func (b betaLaw) kl(q law) float64         { return b.KLTo(q.(betaLaw).Beta) }
func (b betaLaw) inside(u float64) bool    { return finiteOne(u) }
func (b betaLaw) baseGrad(k float64) (g0, g1 float64) {
	return 1 - k, 1 + k
}

func (b betaLaw) moments() (m0, m1 float64) {
	var m [2]float64
	simplexExpectation(m[:], b.alpha[:], b.sum)
	return m[0], m[1]
}

func (b betaLaw) solve(v0, v1 float64) (w0, w1 float64) {
	w := [2]float64{v0 / special.Trigamma(b.alpha[0]), v1 / special.Trigamma(b.alpha[1])}
	simplexRankOne(w[:], b.alpha[:], b.sum, w[0]+w[1])
	return w[0], w[1]
}

func (b betaLaw) stat(u float64) (t0, t1 float64) {
	return -special.Log1pExp(-u), -special.Log1pExp(u)
}

func (b betaLaw) slope(u float64) (d0, d1 float64) {
	return special.Sigmoid(-u), -special.Sigmoid(u)
}

func (b betaLaw) base(u float64) (h, d float64) {
	t0, t1 := b.stat(u)
	d0, d1 := b.slope(u)
	return t0 + t1, d0 + d1
}

func (b betaLaw) path(u float64) (d0, d1 float64) {
	if u > 0 { // 1 − x is the smaller, and beta with the parameters exchanged
		d1, d0 = logitBetaPath(b.alpha[1], b.alpha[0], -u)
		return -d0, -d1
	}
	return logitBetaPath(b.alpha[0], b.alpha[1], u)
}

// logitBetaPath returns ∂u/∂a and ∂u/∂b for u ≤ 0, from I_x = x^a/(aB(a, b))
// where x is tiny.
func logitBetaPath(a, b, u float64) (da, db float64) {
	if u < -600 {
		return (1/a - special.DigammaDelta(a, b) - u) / a, -special.DigammaDelta(b, a) / a
	}
	x, y := special.Sigmoid(u), special.Sigmoid(-u)
	da, db = special.BetaShapeGrads(a, b, x, y)
	return da / (x * y), db / (x * y)
}

func (b betaLaw) draw(rng *rand.Rand) float64 {
	return sample.LogGamma(b.alpha[0], rng) - sample.LogGamma(b.alpha[1], rng)
}

func (b betaLaw) meanExp(k float64) float64 {
	switch {
	case k == 0:
		return special.DigammaDelta(b.alpha[1], b.alpha[0]-b.alpha[1])
	case b.alpha[1] <= k:
		return math.Inf(1)
	}
	return math.Exp(special.LgammaDelta(b.alpha[0], k) + special.LgammaDelta(b.alpha[1], -k))
}

func (b betaLaw) entropy() float64 {
	m0, m1 := b.moments()
	return b.Entropy() - m0 - m1
}

// normalLaw is N(μ, σ²) of u, T = (u, u²).
type normalLaw struct{ *NormalUV }

func (n normalLaw) copyLaw() law             { return normalLaw{n.Clone().(*NormalUV)} }
func (n normalLaw) coords() (e0, e1 float64) { return n.eta[0], n.eta[1] }
func (n normalLaw) kl(q law) float64         { return n.KLTo(q.(normalLaw).NormalUV) }
func (n normalLaw) inside(u float64) bool    { return finiteOne(u) }
func (n normalLaw) entropy() float64         { return n.Entropy() }

func (n normalLaw) moments() (m0, m1 float64)           { return n.mu[0], n.mu[0]*n.mu[0] + n.v[0] }
func (n normalLaw) stat(u float64) (t0, t1 float64)     { return u, u * u }
func (n normalLaw) slope(u float64) (d0, d1 float64)    { return 1, 2 * u }
func (n normalLaw) base(u float64) (h, d float64)       { return -0.5 * math.Log(2*math.Pi), 0 }
func (n normalLaw) path(u float64) (d0, d1 float64)     { return n.v[0], n.v[0] * (u + n.mu[0]) }
func (n normalLaw) baseGrad(k float64) (g0, g1 float64) { return -k, 0 }

func (n normalLaw) solve(v0, v1 float64) (w0, w1 float64) {
	w1 = (v1 - 2*n.mu[0]*v0) / (2 * n.v[0] * n.v[0])
	return v0/n.v[0] - 2*n.mu[0]*w1, w1
}

func (n normalLaw) draw(rng *rand.Rand) float64 { return n.mu[0] + n.Sigma()*rng.NormFloat64() }

func (n normalLaw) meanExp(k float64) float64 {
	if k == 0 {
		return n.mu[0]
	}
	return math.Exp(k*n.mu[0] + k*k*n.v[0]/2)
}

func (n normalLaw) logProb(u float64) float64 {
	z := (u - n.mu[0]) / n.Sigma()
	return -0.5*z*z - 0.5*math.Log(2*math.Pi*n.v[0])
}

// expoLaw is the exponential distribution of u ≥ 0, T = u, h = 1.
type expoLaw struct{ *Exponential }

func newExpoLaw() expoLaw { return expoLaw{&Exponential{eta: [1]float64{-1}}} }

func (e expoLaw) copyLaw() law                          { c := *e.Exponential; return expoLaw{&c} }
func (e expoLaw) coords() (e0, e1 float64)              { return e.eta[0], 0 }
func (e expoLaw) kl(q law) float64                      { return e.KLTo(q.(expoLaw).Exponential) }
func (e expoLaw) solve(v0, v1 float64) (w0, w1 float64) { return v0 * e.eta[0] * e.eta[0], 0 }
func (e expoLaw) inside(u float64) bool                 { return u >= 0 && finiteOne(u) }
func (e expoLaw) stat(u float64) (t0, t1 float64)       { return u, 0 }
func (e expoLaw) slope(u float64) (d0, d1 float64)      { return 1, 0 }
func (e expoLaw) base(u float64) (h, d float64)         { return 0, 0 }
func (e expoLaw) path(u float64) (d0, d1 float64)       { return u / e.Rate(), 0 }
func (e expoLaw) moments() (m0, m1 float64)             { return 1 / e.Rate(), 0 }
func (e expoLaw) draw(rng *rand.Rand) float64           { return rng.ExpFloat64() / e.Rate() }
func (e expoLaw) entropy() float64                      { return e.Entropy() }
func (e expoLaw) baseGrad(k float64) (g0, g1 float64)   { return -k, 0 }
func (e expoLaw) meanExp(k float64) float64 {
	switch r := e.Rate(); {
	case k == 0:
		return 1 / r
	case r <= k:
		return math.Inf(1)
	default:
		return r / (r - k)
	}
}

// twoSidedLaw is the Laplace distribution of known location, T = |u − location|.
type twoSidedLaw struct {
	*Exponential // η
	location     float64
}

func (l twoSidedLaw) copyLaw() law             { c := *l.Exponential; return twoSidedLaw{&c, l.location} }
func (l twoSidedLaw) coords() (e0, e1 float64) { return l.eta[0], 0 }
func (l twoSidedLaw) kl(q law) float64         { return l.KLTo(q.(twoSidedLaw).Exponential) }
func (l twoSidedLaw) solve(v0, v1 float64) (w0, w1 float64) {
	return v0 * l.eta[0] * l.eta[0], 0
}
func (l twoSidedLaw) inside(u float64) bool           { return finiteOne(u) }
func (l twoSidedLaw) moments() (m0, m1 float64)       { return 1 / l.Rate(), 0 }
func (l twoSidedLaw) stat(u float64) (t0, t1 float64) { return math.Abs(u - l.location), 0 }
func (l twoSidedLaw) slope(u float64) (d0, d1 float64) {
	if u == l.location {
		return 0, 0
	}
	return math.Copysign(1, u-l.location), 0
}
func (l twoSidedLaw) base(u float64) (h, d float64)       { return -math.Ln2, 0 }
func (l twoSidedLaw) path(u float64) (d0, d1 float64)     { return (u - l.location) / l.Rate(), 0 }
func (l twoSidedLaw) meanExp(k float64) float64           { return l.location }
func (l twoSidedLaw) entropy() float64                    { return l.Entropy() + math.Ln2 }
func (l twoSidedLaw) baseGrad(k float64) (g0, g1 float64) { return 0, 0 }
func (l twoSidedLaw) draw(rng *rand.Rand) float64 {
	x := rng.ExpFloat64() / l.Rate()
	if rng.Uint64()&1 == 0 {
		x = -x
	}
	return l.location + x
}
