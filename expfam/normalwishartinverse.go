package expfam

import "math"

// SetExpectation moves the receiver to expectation parameter m: with
// M = Smat(m₂), μ₀ = M⁻¹m₃, d/κ = m₄ − m₃'μ₀, and (ν, V) as for a [Wishart]. It
// returns a *DomainError where one of them does not exist.
//
// ν−d+1 and κ are within 1e-10 relative of the exact inverse of m, and the
// entries of η₂ and η₃ within 1e-10 of their size or of 1/sd(T_i), their natural
// unit, if that is larger. Where a rounding of m can move one of them by more, a
// *PrecisionError is returned instead: ν and V as for [Wishart.SetExpectation],
// κ if κνμ₀'Vμ₀ is above about 1e5, κμ₀ from a condition number of about 1e4.
func (n *NormalWishart) SetExpectation(m []float64) error {
	const fn = "SetExpectation"
	checkLen("NormalWishart.SetExpectation", "m", m, n.NumParams())
	if i := firstNonFinite(m); i >= 0 {
		return &DomainError{"normal-wishart", fn, "m", i, m[i], "finite"}
	}
	d := n.Order()
	c := newWishartCore(d)
	l, sv, lin := n.blocks(m)
	relNu, err := c.fitMean("normal-wishart", l, sv)
	if err != nil {
		return err
	}
	work := make([]float64, 3*d)
	s := meanSplit{c: c, sv: sv, lin: lin, mu0: work[:d], off: work[d : 2*d], rest: work[2*d:], relNu: relNu}
	if err := s.split(m[len(m)-1]); err != nil {
		return err
	}
	return n.setParams(fn, s.mu0, s.kappa, c.nu, c.b)
}

// meanSplit is the part of the inverse map of a NormalWishart that is not that
// of its Wishart, after c.fitMean(·, sv).
type meanSplit struct {
	c          *wishartCore
	sv, lin    []float64 // m₂ and m₃
	mu0, off   []float64 // μ₀ and how much a rounding of m can move it
	rest       []float64 // m₃ − Mμ₀
	kappa      float64
	relNu, rel float64 // how much a rounding of m can move ν and κ, relative
}

// split finds μ₀ and κ and errs if a rounding of m can move η₂, η₃ or κ by more
// than inversePrecision.
func (s *meanSplit) split(last float64) error {
	c, d := s.c, s.c.dim
	const family = "normal-wishart"
	for i := range d { // c.b = νM⁻¹
		s.mu0[i] = dot(c.b[i*d:(i+1)*d], s.lin) / c.nu
	}
	// v = m₄ − m₃'M⁻¹m₃ = m₄ − μ₀'m₃ − μ₀'(m₃ − Mμ₀) + O(error of μ₀)².
	symvSvec(s.rest, s.sv, s.mu0)
	v := last - dot(s.lin, s.mu0)
	known, slack := halfUlp(last), float64(d+2)*unit
	for i, mu := range s.mu0 {
		s.rest[i] = s.lin[i] - s.rest[i]
		v -= mu * s.rest[i]
		e := halfUlp(s.lin[i]) + slack*math.Abs(s.lin[i])
		known += math.Abs(mu) * (e + halfUlp(s.lin[i]))
		for j, x := range s.mu0 {
			g := c.w[i*d+j] * math.Abs(x)
			known += math.Abs(mu) * g
			e += g
		}
		s.rest[i] = e // from here on, how much m₃ − Mμ₀ can be moved
	}
	if !(v > known) {
		if v >= -known {
			return imprecise(family, "kappa", -1, math.Inf(1), math.Inf(1))
		}
		return &DomainError{family, "SetExpectation", "E[μ'Λμ] − E[Λμ]'μ0", len(s.sv) + len(s.lin) + 1, v, "> 0"}
	}
	s.kappa, s.rel = float64(d)/v, known/v+8*unit
	if err := imprecise(family, "kappa", -1, s.kappa, s.rel); err != nil {
		return err
	}
	for i := range d {
		s.off[i] = 0
		for j, e := range s.rest {
			s.off[i] += math.Abs(c.b[i*d+j]) / c.nu * e
		}
	}
	return s.check(family)
}

// check errs if η₂ = svec(−(B + κμ₀μ₀')/2) or η₃ = κμ₀ can be moved too far, in
// terms of their size and of 1/sd(T_i), where
//
//	var Λ_ij = (M_ij² + M_iiM_jj)/ν,  var (Λμ)_i = M_ii/κ + (m₃ᵢ² + M_ii m₃'μ₀)/ν.
func (s *meanSplit) check(family string) error {
	c, d, kappa := s.c, s.c.dim, s.kappa
	q := dot(s.lin, s.mu0)
	for i, mu := range s.mu0 {
		mii := s.sv[svecIndex(d, i, i)]
		off := kappa*s.off[i] + s.rel*math.Abs(kappa*mu)
		sd := math.Sqrt(mii/kappa + (s.lin[i]*s.lin[i]+mii*q)/c.nu)
		if err := imprecise(family, "kappa·mu0", i, kappa*mu, off/max(math.Abs(kappa*mu), 1/sd)); err != nil {
			return err
		}
		for j := i; j < d; j++ {
			b, x := c.b[i*d+j], kappa*mu*s.mu0[j]
			off := s.relNu*math.Abs(b) + c.u[i*d+j] + s.rel*math.Abs(x) +
				kappa*(s.off[i]*math.Abs(s.mu0[j])+math.Abs(mu)*s.off[j])
			size := max(math.Abs(b+x), inverseSd(c.nu, s.sv, d, i, j))
			if err := imprecise(family, "inverse scale + kappa·mu0·mu0'", svecIndex(d, i, j), b+x, off/size); err != nil {
				return err
			}
		}
	}
	return nil
}
