package vadam

import "math"

// coefficients are the numbers of one step in one segment, by the names that the
// kernels give them.
type coefficients[T float] struct {
	momentum  T // 1 − β
	prior     T // d = λ/N
	rho       T
	decay     T // 1; T of MomentumVOGN; 0 lets s grow
	shift     T
	rate      T // α/ĉ₁
	corrected T // by which s is multiplied under the root
	offset    T // what is taken off there
	damp      T
	fresh     T // 1: the step of μ divides by the new s, 0: by the old one
	n, lam    T // P = ns + lam of the draws
	debias    T // 1/ĉ₁
	clip      T
}

// coefficients returns what the methods make of the one step that they share:
// those numbers that are the same for all weights.
func (o *core[T]) coefficients(h hyper, t int) coefficients[T] {
	s := &o.set
	c1, c2 := 1.0, 1.0 // Adam's corrections
	if !s.NoDebias {
		c1 = -math.Expm1(float64(t) * math.Log(s.Beta1))
		c2 = -math.Expm1(float64(t) * math.Log1p(-h.rho))
	}
	c := coefficients[T]{momentum: T(1 - s.Beta1), rho: T(h.rho), decay: 1, corrected: 1, fresh: 1, rate: T(h.rate)}
	switch s.Method {
	case Vadam:
		c.rate, c.corrected = T(h.rate/c1), T(1/c2)
	case VadamSum:
		c.rate, c.corrected = T(h.rate*h.ess/c1), T(h.ess/c2)
	case VadamVO:
		c.rate = T(h.rate * math.Sqrt(c2) / c1)
	case VadaGrad:
		c.decay = 0
	case VOGN, VON:
		c.rate = T(h.rate / c1)
	case MomentumVOGN:
		c.decay, c.fresh = T(s.Temperature), 0
	case IVON:
		c.debias, c.clip = T(1/c1), T(s.ClipRadius)
	case Adam:
		c.rate, c.corrected, c.damp = T(h.rate/c1), T(1/c2), T(s.Epsilon)
	}
	return c
}

// localise adds the numbers that depend on the prior of a segment.
func (o *core[T]) localise(c *coefficients[T], sg *segment, h hyper, t int) {
	s := &o.set
	lam := sg.lam * h.prior
	d := lam / h.ess
	c.prior = T(d)
	switch s.Method {
	case Vadam, Vprop, VadamVO:
		c.damp = T(d)
		if s.CorrectData {
			// s₀bᵗ + (s − s₀bᵗ)/(1 − bᵗ) = s/(1 − bᵗ) − s₀b²ᵗ/(1 − bᵗ), b = 1 − ρ
			left := math.Exp(float64(t) * math.Log1p(-h.rho))
			c.offset = T(sg.s0 * left * left / (1 - left))
		}
	case VadamSum:
		c.damp = T(lam)
	case MomentumVOGN:
		c.shift = T(s.Damping + (1-s.Temperature)*d)
	case IVON:
		c.n, c.lam = T(h.n), T(sg.lam*h.before)
		if s.GradSquared {
			c.n, c.lam = 0, T(h.ess)
		}
		if !s.NoRescale {
			c.rate = T(h.rate * (sg.s0 + sg.lam/s.ESS))
		}
	}
}
