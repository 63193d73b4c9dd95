package structured

import "math"

// farthest is the largest ‖rho·M‖ of a noisy step on a diagonal-type block.
// There h(M) and h(−M) are nearly inverse; at ‖M‖ = 2 both are growth, so
// that noise of either sign would drive B off to infinity.
const farthest = 0.5

// limiter is a root that knows the size of a tangent's diagonal-type blocks, by
// which h compounds from step to step. What is off them adds up only, and counts half.
type limiter interface {
	// norm returns the largest Frobenius norm of a block of m, halved off the diagonal.
	norm(m []float64) float64
}

// MaxRate returns the largest rho for which rho·M stays below ½ in norm on the
// diagonal-type blocks of the root, for the tangent (u, M): a noisy step beyond it
// says more about its noise than about the gradient (vi.RateLimiter). It is +Inf for
// roots of other packages.
func (g *Gaussian) MaxRate(tan []float64) float64 {
	checkLen("Gaussian.MaxRate", "tan", tan, g.NumParams())
	f, ok := g.f.(limiter)
	if !ok {
		return math.Inf(1)
	}
	return farthest / f.norm(tan[len(g.mu):])
}

func frobenius(m []float64) float64 {
	s := 0.0
	for _, v := range m {
		s += v * v
	}
	return math.Sqrt(s)
}

func (f *heisenberg) norm(m []float64) float64 {
	b := f.blocks(m)
	return max(frobenius(b.A), frobenius(b.F), maxAbs(b.D), frobenius(b.R)/2, frobenius(b.P)/2, frobenius(b.Q)/2)
}

func maxAbs(m []float64) float64 {
	s := 0.0
	for _, v := range m {
		s = max(s, math.Abs(v))
	}
	return s
}

func (f *triangular) norm(m []float64) float64 {
	s, k := 0.0, 0
	for i := range f.p {
		k += i
		s = max(s, math.Abs(m[k+i])) // entry (i, i) of rows of lengths 1, 2, …
	}
	return s
}

func (f *toeplitz) norm(m []float64) float64 { return math.Abs(m[0]) }

// norm counts both roots, which move the common scale together.
func (f *kronecker) norm(m []float64) float64 {
	s, n := 0.0, f.c.NumParams()
	if c, ok := f.c.(limiter); ok {
		s = c.norm(m[:n])
	}
	if k, ok := f.k.(limiter); ok {
		s += k.norm(m[n:])
	}
	return s
}
