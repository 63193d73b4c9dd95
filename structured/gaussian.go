package structured

import (
	"math/rand/v2"
)

const (
	gaussianName = "structured normal"
	log2Pi       = 1.8378770664093454835606594728112
)

// Gaussian is the normal distribution N(μ, S⁻¹) in p dimensions whose precision
// S = BBᵀ has its root B in a matrix group, see [Factor]. With standard normal ε,
//
//	x = μ + B⁻ᵀε,   log q(x) = log|B| − ½|Bᵀ(x−μ)|² − (p/2) log 2π.
//
// It is a posterior for vi.Fit: its state is (μ, free numbers of B), its tangents
// are (u, entries of M), both of length NumParams, see the package comment. What
// it costs is what products and solves with B cost: O(p) for [Diagonal], O(kp)
// for [Low] and [Up]; p×p matrices are formed by none of the methods unless B is
// one, or their comment says so.
//
// Methods that read may run at the same time. The zero value is good for
// UnmarshalBinary only.
type Gaussian struct {
	mu, next []float64
	f        Factor
	meanRate float64
	alpha    float64
	mom, try []float64 // momentum and its candidate, nil if alpha is 0
	scratch  *vectors
}

// New returns N(mu, (BBᵀ)⁻¹) with B a copy of f; the constructors of factors make
// the identity, and f.Scale(c) makes every standard deviation 1/c. It errs if mu
// is not finite or f nil, and panics if the lengths differ.
func New(mu []float64, f Factor) (*Gaussian, error) {
	if err := needFactor("New", "f", f); err != nil {
		return nil, err
	}
	checkLen("New", "mu", mu, f.Dim())
	if err := nonFinite(gaussianName, "New", "mu", mu); err != nil {
		return nil, err
	}
	p := len(mu)
	return &Gaussian{mu: append([]float64(nil), mu...), next: make([]float64, p), f: f.Clone(), meanRate: 1, scratch: new(vectors)}, nil
}

// Name says which shape the precision has, such as "structured normal, up(10)".
func (g *Gaussian) Name() string { return gaussianName + ", " + g.f.Name() }

// Dim returns p.
func (g *Gaussian) Dim() int { return len(g.mu) }

// NumParams returns p plus the number of free numbers of B.
func (g *Gaussian) NumParams() int { return len(g.mu) + g.f.NumParams() }

// Factor returns a copy of the root B of the precision.
func (g *Gaussian) Factor() Factor { return g.f.Clone() }

// Natural writes the state (μ, free numbers of B) to dst. It is what a step moves,
// not the natural parameter of the family of all normal distributions.
func (g *Gaussian) Natural(dst []float64) []float64 {
	dst = sized("Gaussian.Natural", dst, g.NumParams())
	p := copy(dst, g.mu)
	g.f.Values(dst[p:])
	return dst
}

// SetNatural moves the receiver to the state eta as Natural writes it; momentum
// is forgotten. It errs, with the receiver unchanged, if an entry is not finite or
// B would be singular.
func (g *Gaussian) SetNatural(eta []float64) error {
	checkLen("Gaussian.SetNatural", "eta", eta, g.NumParams())
	p := len(g.mu)
	if err := nonFinite(gaussianName, "SetNatural", "mu", eta[:p]); err != nil {
		return err
	}
	if err := g.f.SetValues(eta[p:]); err != nil {
		return err
	}
	copy(g.mu, eta)
	clear(g.mom)
	return nil
}

// Mean writes μ to dst.
func (g *Gaussian) Mean(dst []float64) []float64 {
	dst = sized("Gaussian.Mean", dst, len(g.mu))
	copy(dst, g.mu)
	return dst
}

// Transform writes μ + B⁻ᵀeps to dst, which may be eps: a draw, if eps is
// standard normal. Cost: one solve.
func (g *Gaussian) Transform(dst, eps []float64) []float64 {
	checkLen("Gaussian.Transform", "eps", eps, len(g.mu))
	dst = sized("Gaussian.Transform", dst, len(g.mu))
	g.f.SolveTrans(dst, eps)
	for i, m := range g.mu {
		dst[i] += m
	}
	return dst
}

// Sample writes one draw to dst.
func (g *Gaussian) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("Gaussian.Sample", dst, len(g.mu))
	for i := range dst {
		dst[i] = rng.NormFloat64()
	}
	return g.Transform(dst, dst)
}

// Mirror writes 2μ − x to dst, the antithetic partner of a draw x. dst may be x.
func (g *Gaussian) Mirror(dst, x []float64) []float64 {
	checkLen("Gaussian.Mirror", "x", x, len(g.mu))
	dst = sized("Gaussian.Mirror", dst, len(g.mu))
	for i, m := range g.mu {
		dst[i] = 2*m - x[i]
	}
	return dst
}

// whiten writes ε = Bᵀ(x−μ) to dst, which may be x.
func (g *Gaussian) whiten(dst, x []float64) {
	for i, m := range g.mu {
		dst[i] = x[i] - m
	}
	g.f.MulTrans(dst, dst)
}

// LogProb returns log N(x|μ, S⁻¹).
func (g *Gaussian) LogProb(x []float64) float64 {
	p := len(g.mu)
	checkLen("Gaussian.LogProb", "x", x, p)
	e := g.scratch.get(p)
	g.whiten(e, x)
	q := dot(e, e)
	g.scratch.put(e)
	return g.f.LogDet() - 0.5*(q+float64(p)*log2Pi)
}

// Score writes ∇_x log q(x) = −S(x−μ) to dst, which may be x.
func (g *Gaussian) Score(dst, x []float64) []float64 {
	checkLen("Gaussian.Score", "x", x, len(g.mu))
	dst = sized("Gaussian.Score", dst, len(g.mu))
	g.whiten(dst, x)
	g.f.Mul(dst, dst)
	for i := range dst {
		dst[i] = -dst[i]
	}
	return dst
}

// Entropy returns (p/2) log 2πe − log|B| in nats.
func (g *Gaussian) Entropy() float64 {
	return 0.5*float64(len(g.mu))*(1+log2Pi) - g.f.LogDet()
}

// Clone returns an independent copy, momentum included.
func (g *Gaussian) Clone() *Gaussian {
	c := &Gaussian{
		mu: append([]float64(nil), g.mu...), next: make([]float64, len(g.mu)), f: g.f.Clone(),
		meanRate: g.meanRate, alpha: g.alpha, scratch: new(vectors),
	}
	if g.mom != nil {
		c.mom, c.try = append([]float64(nil), g.mom...), make([]float64, len(g.mom))
	}
	return c
}
