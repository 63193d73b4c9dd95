package mixture

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/mathext"
)

const (
	plainFraction = 0.8  // of the way to the floor, the longest plain step
	shapeFloor    = 0.01 // a plain step does not take a shape below this
)

// Gammas is a product of gamma distributions of shapes a_i > 0 and rates
// b_i > 0, a posterior for positive parameters,
//
//	q(x) = Π_i b_i^a_i/Γ(a_i) · x_i^(a_i−1) e^(−b_i x_i).
//
// Its state is (e₁, e₂) = (a, b/a), the shape and the reciprocal of the mean, in
// which the Fisher matrix diag(ψ'(a) − 1/a, a/e₂²) of a coordinate is diagonal; all
// e₁ come first, then all e₂. Steps are those of the improved Bayesian learning
// rule (Lin, Schmidt and Khan 2020, "Handling the positive-definite constraint in
// the Bayesian learning rule", section 4): never outside the domain, without a
// search. Draws are differentiated implicitly (Figurnov, Mohamed and Mnih 2018).
//
// A coordinate with a conjugate likelihood is served better by a product of
// [expfam.Gamma], whose step with ρ = 1 is exact there.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type Gammas struct {
	pairs
	// PlainStep takes the plain natural-gradient step in place of the improved one,
	// cut to 0.8 of the way to the floor of the coordinate that would meet it first:
	// 0.01 for shapes (0 for shapes below that) and 0 for e₂. It is the rule with
	// which the paper compares the improved one.
	PlainStep bool
	// PlainGradient takes the draws' gradients of log p alone, as the paper does, in
	// place of the estimate of less noise that Tangent describes.
	PlainGradient bool
}

func gammaPairs(dim int) pairs { return newPairs("gammas", [2]string{"shape", "rate/shape"}, 1, dim) }

// NewGammas returns independent gamma distributions, coordinate i of shape[i] and
// rate[i] (in units of 1/x_i). It panics unless the lengths are equal, and errs
// unless there is a coordinate and every entry, and rate/shape, lies between 1e-100
// and 1e100.
func NewGammas(shape, rate []float64) (*Gammas, error) {
	if err := positiveArgs("gammas", "shape", "rate", shape, rate); err != nil {
		return nil, err
	}
	g := &Gammas{pairs: gammaPairs(len(shape))}
	e1, e2 := g.halves(g.next)
	for i, a := range shape {
		e1[i], e2[i] = a, rate[i]/a
	}
	if err := g.set("New", g.next); err != nil {
		return nil, err
	}
	return g, nil
}

// Dim returns the number of coordinates D.
func (g *Gammas) Dim() int { return g.dim }

// NumParams returns 2D.
func (g *Gammas) NumParams() int { return 2 * g.dim }

// Natural writes the state (a, b/a) to dst.
func (g *Gammas) Natural(dst []float64) []float64 { return g.natural(dst) }

// SetNatural moves to the state (a, b/a). It errs, with the receiver unchanged,
// unless every entry lies between 1e-100 and 1e100.
func (g *Gammas) SetNatural(eta []float64) error { return g.set("SetNatural", eta) }

// Shape writes the shapes a to dst.
func (g *Gammas) Shape(dst []float64) []float64 {
	dst = g.sized("Shape", dst, g.dim)
	copy(dst, g.eta)
	return dst
}

// Rate writes the rates b, in units of 1/x, to dst.
func (g *Gammas) Rate(dst []float64) []float64 {
	dst = g.sized("Rate", dst, g.dim)
	e1, e2 := g.halves(g.eta)
	for i, a := range e1 {
		dst[i] = a * e2[i]
	}
	return dst
}

// Mean writes E[x] = a/b to dst.
func (g *Gammas) Mean(dst []float64) []float64 {
	dst = g.sized("Mean", dst, g.dim)
	for i, e2 := range g.eta[g.dim:] {
		dst[i] = 1 / e2
	}
	return dst
}

// Sd writes the standard deviations √a/b to dst.
func (g *Gammas) Sd(dst []float64) []float64 {
	dst = g.sized("Sd", dst, g.dim)
	e1, e2 := g.halves(g.eta)
	for i, a := range e1 {
		dst[i] = 1 / (e2[i] * math.Sqrt(a))
	}
	return dst
}

// LogProb returns log q(x), −Inf outside the support.
func (g *Gammas) LogProb(x []float64) float64 {
	g.checkLen("LogProb", "x", x, g.dim)
	e1, e2 := g.halves(g.eta)
	var s float64
	for i, a := range e1 {
		if !(x[i] > 0) || math.IsInf(x[i], 1) {
			return math.Inf(-1)
		}
		// With y = x/E[x]: a(log y − y + 1) − log x plus what is left of
		// a log a − a − log Γ(a), so that large shapes do not cancel.
		s += a*meanBregman(x[i], e2[i]) - math.Log(x[i]) + 0.5*math.Log(a/(2*math.Pi)) - special.StirlingError(a)
	}
	return s
}

// meanBregman returns log y − y + 1 ≤ 0 at y = rx without cancellation near y = 1.
func meanBregman(x, r float64) float64 {
	y := r * x
	if y < 0.5 {
		return math.Log(x) + math.Log(r) - y + 1 // y may have underflowed
	}
	return special.Log1pmx(y - 1)
}

// Sample writes a draw to dst. What underflows is returned as 1e-300, so that 1/x
// is finite.
func (g *Gammas) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = g.sized("Sample", dst, g.dim)
	e1, e2 := g.halves(g.eta)
	for i, a := range e1 {
		u, b := sample.Gamma(a, rng)
		if b != 0 {
			u *= math.Exp(b)
		}
		dst[i] = clampDraw(u / (a * e2[i]))
	}
	return dst
}

// SampleStep fills X of the draws, an even number, in antithetic pairs: the members
// of a pair lie at the probabilities p and 1 − p of each coordinate. For shapes below
// 1 this holds of the two factors of x = G(a+1)·U^(1/a) in place of x.
func (g *Gammas) SampleStep(draws []expfam.Draw, rng *rand.Rand) {
	e1, e2 := g.halves(g.eta)
	for k := 0; k+1 < len(draws); k += 2 {
		for i, a := range e1 {
			b, boost := a*e2[i], [2]float64{1, 1}
			if a < 1 {
				v := rng.Float64()
				boost[0], boost[1] = math.Pow(v, 1/a), math.Pow(1-v, 1/a)
				a++
			}
			u, _ := sample.Gamma(a, rng)
			draws[k].X[i] = clampDraw(u / b * boost[0])
			draws[k+1].X[i] = clampDraw(mirrorGamma(a, u) / b * boost[1])
		}
	}
	if k := len(draws) - 1; k%2 == 0 {
		g.Sample(draws[k].X, rng)
	}
}

// mirrorGamma returns the quantile of Gamma(a, 1) at the probability above u, to an
// error of about 1e-16 in the probability, or u where rounding leaves nothing of it.
func mirrorGamma(a, u float64) float64 {
	v := mathext.GammaIncRegCompInv(a, mathext.GammaIncReg(a, u))
	if !(v > 0) || math.IsInf(v, 1) {
		return u
	}
	return v
}

// Transform writes x_i = u_i/b_i to dst: a draw of the receiver, if u_i are draws of
// Gamma(a_i, rate 1). dst may be u.
func (g *Gammas) Transform(dst, u []float64) []float64 {
	g.checkLen("Transform", "u", u, g.dim)
	dst = g.sized("Transform", dst, g.dim)
	e1, e2 := g.halves(g.eta)
	for i, a := range e1 {
		dst[i] = u[i] / (a * e2[i])
	}
	return dst
}

// Path writes the implicit derivatives ∂x_i/∂a_i and ∂x_i/∂b_i of draws x at fixed
// probability to the first two slices (not nil): u'/b, u' the derivative in a of the
// quantile u = bx of Gamma(a, 1), and −x/b.
func (g *Gammas) Path(dShape, dRate, x []float64) {
	g.checkLen("Path", "dShape", dShape, g.dim)
	g.checkLen("Path", "dRate", dRate, g.dim)
	g.checkLen("Path", "x", x, g.dim)
	e1, e2 := g.halves(g.eta)
	for i, a := range e1 {
		b := a * e2[i]
		dShape[i], dRate[i] = special.GammaShapeGrad(a, b*x[i])/b, -x[i]/b
	}
}

// Tangent adds w times the natural gradient of E_q[log p] in (e₁, e₂) that the
// draw d shows: with u = bx and the derivative u' of the quantile of Gamma(a, 1) in a,
//
//	∂x/∂e₁ = (u' − u/a)/b,  ∂x/∂e₂ = −x/e₂,  d₁ = G ∂x/∂e₁/(ψ'(a) − 1/a),  d₂ = G ∂x/∂e₂ · e₂²/a
//
// and G = ∇log p(x). Unless PlainGradient is set, G is ∇log p(x) − ∇log q(x) and the
// entropy's gradient, which −∇log q adds on average, is taken off again: where q is
// close to p the noise of the two cancels (Roeder, Wu and Duvenaud 2017). Calls with
// different dst may run at the same time; none allocates.
func (g *Gammas) Tangent(dst []float64, d *expfam.Draw, w float64) {
	g.checkLen("Tangent", "dst", dst, 2*g.dim)
	g.checkLen("Tangent", "Draw.X", d.X, g.dim)
	g.checkLen("Tangent", "Draw.Grad", d.Grad, g.dim)
	e1, e2 := g.halves(g.eta)
	d1, d2 := g.halves(dst)
	for i, a := range e1 {
		b, x := a*e2[i], d.X[i]
		gx := d.Grad[i] * x
		if !g.PlainGradient {
			gx += b*x - (a - 1)
			d1[i] += w * (a - 1)
			d2[i] += w * e2[i] / a
		}
		d1[i] += w * gx * (quantileSlope(a, b, x) - 1/a) / special.TrigammaMinusInv(a)
		d2[i] -= w * gx * e2[i] / a
	}
}

// quantileSlope returns ∂log u/∂a of the quantile u = bx of Gamma(a, 1) at fixed
// probability. Where u is next to nothing that probability is u^a/Γ(a+1).
func quantileSlope(a, b, x float64) float64 {
	if u := b * x; u > 1e-290 {
		return special.GammaShapeGrad(a, u) / u
	}
	return (special.Digamma(a+1) - math.Log(b) - math.Log(x)) / a
}

// EntropyTangent adds the natural gradient of the entropy, (1 − a, −e₂/a), to dst
// and returns true: it is exact.
func (g *Gammas) EntropyTangent(dst []float64) (exact bool) {
	g.checkLen("EntropyTangent", "dst", dst, 2*g.dim)
	e1, e2 := g.halves(g.eta)
	d1, d2 := g.halves(dst)
	for i, a := range e1 {
		d1[i] += 1 - a
		d2[i] -= e2[i] / a
	}
	return true
}

// Entropy returns Σ_i a_i − log b_i + log Γ(a_i) + (1 − a_i) ψ(a_i) in nats.
func (g *Gammas) Entropy() float64 {
	var h float64
	e1, e2 := g.halves(g.eta)
	for i, a := range e1 {
		h += special.ShapeEntropy(a) - math.Log(a) - math.Log(e2[i])
	}
	return h
}

// GammaPriorTangent returns E_q[log p(x)] in nats for independent priors
// x_i ~ Gamma(shape[i], rate[i]) and adds its natural gradient,
// (a₀ − 1, (b₀ − (a₀ − 1)e₂)/a), to tan. It is meant for vi.Target.Exact:
//
//	Exact: func(tan []float64, q vi.Posterior) (float64, error) {
//		return q.(*mixture.Gammas).GammaPriorTangent(tan, shape, rate)
//	}
//
// A prior in the target's Grad does as well, and better where the draws' noise is to
// cancel (see Tangent): what is left to Exact no longer meets −∇log q.
//
// It errs, with tan unchanged, unless shapes and rates are positive and finite.
func (g *Gammas) GammaPriorTangent(tan, shape, rate []float64) (float64, error) {
	g.checkLen("GammaPriorTangent", "tan", tan, 2*g.dim)
	g.checkLen("GammaPriorTangent", "shape", shape, g.dim)
	g.checkLen("GammaPriorTangent", "rate", rate, g.dim)
	for i := range shape {
		for k, v := range [2]float64{shape[i], rate[i]} {
			if !(v > 0) || math.IsInf(v, 1) {
				return 0, &expfam.DomainError{Family: g.family, Func: "GammaPriorTangent", Param: [2]string{"shape", "rate"}[k], Index: i, Value: v, Want: "> 0 and finite"}
			}
		}
	}
	e1, e2 := g.halves(g.eta)
	d1, d2 := g.halves(tan)
	var value float64
	for i, a := range e1 {
		a0, b0 := shape[i], rate[i]
		logMean := -math.Log(e2[i]) - special.LogMinusDigamma(a) // E[log x]
		value += a0*math.Log(b0) - special.Lgamma(a0) + (a0-1)*logMean - b0/e2[i]
		d1[i] += a0 - 1
		d2[i] += (b0 - (a0-1)*e2[i]) / a
	}
	return value, nil
}

// FisherMul writes F·v to dst, F the diagonal Fisher matrix in (e₁, e₂). dst may be v.
func (g *Gammas) FisherMul(dst, v []float64) []float64 {
	g.checkLen("FisherMul", "v", v, 2*g.dim)
	dst = g.sized("FisherMul", dst, 2*g.dim)
	e1, e2 := g.halves(g.eta)
	for i, a := range e1 {
		dst[i] = special.TrigammaMinusInv(a) * v[i]
		dst[g.dim+i] = a / e2[i] * (v[g.dim+i] / e2[i])
	}
	return dst
}

// Retract moves along tan = (d₁, d₂) by the improved step
//
//	e₁ ← e₁ + ρd₁ − ½ρ²d₁² F'(e₁)/(2F(e₁)),  F(e) = ψ'(e) − 1/e
//	e₂ ← e₂ + ρd₂ + ½ρ²d₂²/e₂
//
// or, with PlainStep, by ρ(d₁, d₂) cut as described there, with the condition
// Shortened. Shortened is also returned if ρ had to be halved because a result was not
// representable. It errs, with the receiver unchanged, if tan or rho is not finite
// or no step is representable.
func (g *Gammas) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	fill := g.improved
	var cut expfam.Condition
	if g.PlainStep {
		g.checkLen("Retract", "tan", tan, 2*g.dim)
		fill = g.plain
		if t := g.longest(tan); t < rho {
			rho, cut = t, expfam.Shortened
		}
	}
	cond, err := g.retract(tan, rho, fill)
	return cond | cut, err
}

func (g *Gammas) improved(next, tan []float64, rho float64) {
	e1, e2 := g.halves(g.eta)
	for i, a := range e1 {
		s1, s2 := rho*tan[i], rho*tan[g.dim+i]
		curve := special.TrigammaMinusInvSlope(a) / (2 * special.TrigammaMinusInv(a)) // the Christoffel symbol
		next[i] = a + s1 - 0.5*s1*s1*curve
		next[g.dim+i] = e2[i] + s2 + 0.5*s2*(s2/e2[i])
	}
}

func (g *Gammas) plain(next, tan []float64, rho float64) {
	for i, e := range g.eta {
		next[i] = e + rho*tan[i]
	}
}

// longest returns the longest plain step along tan.
func (g *Gammas) longest(tan []float64) float64 {
	t := math.Inf(1)
	for i, e := range g.eta {
		floor := 0.0
		if i < g.dim && e > shapeFloor {
			floor = shapeFloor
		}
		if tan[i] < 0 {
			t = min(t, plainFraction*(e-floor)/-tan[i])
		}
	}
	return t
}

// MarshalBinary returns the bytes of the state and of the two options.
func (g *Gammas) MarshalBinary() ([]byte, error) {
	var flag uint64
	if g.PlainStep {
		flag = 1
	}
	if g.PlainGradient {
		flag |= 2
	}
	return g.marshal(flag), nil
}

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The receiver
// has the saved dimension or is a zero value. On error it is unchanged.
func (g *Gammas) UnmarshalBinary(b []byte) error {
	p := g.pairs
	if p.dim == 0 {
		p = gammaPairs(0)
	}
	flag, err := p.unmarshal(b)
	if err != nil {
		return err
	}
	g.pairs, g.PlainStep, g.PlainGradient = p, flag&1 != 0, flag&2 != 0
	return nil
}
