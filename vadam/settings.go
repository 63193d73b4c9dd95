package vadam

import (
	"fmt"
	"math"
)

// Zero is the number 0 in those fields of [Settings] whose zero value stands for
// a default: PriorPrec, Beta1, Beta2, InitCurvature, MinPrec and a Group's PriorPrec.
const Zero = -1

var nan = math.NaN()

// Settings are the choice of a method and its numbers. The zero value of a field
// stands for the default of the method, see [Method]; a field that is set although
// the method does not use it is an error.
type Settings struct {
	Method Method

	// N is the number of examples in the training set, of which the objective
	// returns means. ESS, the effective sample size, weighs the likelihood against
	// the prior in its place: more than N for a colder posterior, less for a warmer
	// one. Its default is N.
	N   int
	ESS float64

	// Rate is the learning rate α; Beta1 keeps the momentum m, Beta2 the curvature s.
	Rate, Beta1, Beta2 float64

	// PriorPrec is the precision λ of the prior N(0, 1/λ) of every weight that
	// neither Groups nor PriorPrecs gives another one. PriorPrecs, if not nil, holds
	// one a weight.
	PriorPrec  float64
	PriorPrecs []float64
	// Groups name ranges of weights, such as the arrays of a net: for their own
	// prior precisions and in errors. In ascending order, without overlap; they need
	// not cover all weights.
	Groups []Group

	// InitPrec is the posterior precision P at the start. It is at least the prior
	// precision, since roots of a negative s₀ are not numbers; VOGN, MomentumVOGN and
	// VON, which take none, may start wider than the prior. InitCurvature gives s₀ instead.
	InitPrec, InitCurvature float64

	Temperature float64 // T of MomentumVOGN, > 0
	Damping     float64 // δ of MomentumVOGN, >= 0
	MinPrec     float64 // c of VadamVO
	Epsilon     float64 // of Adam
	ClipRadius  float64 // of IVON: bound on |Δμ|/α' of a weight; 0 is none
	// GradSquared makes IVON's f = N·mean(g²), the estimate of the authors' code of
	// that name, whose factor N is an open question there. For comparisons only.
	GradSquared bool
	NoRescale   bool // IVON: α' = α
	NoDebias    bool // ĉ₁ = ĉ₂ = 1
	// CorrectData makes Vadam divide only that part of s by ĉ₂ which came from data,
	// s₀(1−ρ)ᵗ + (s − s₀(1−ρ)ᵗ)/ĉ₂ in place of s/ĉ₂, which with s₀ > 0 is
	// far too large in the first steps.
	CorrectData bool

	// Draws is the number of perturbed weight vectors a step, default 1, or 2 with
	// Antithetic, which makes every second draw the mirror image 2μ − w of the one
	// before it; Draws is even then.
	Draws      int
	Antithetic bool
	// Seed determines the noise. Noise, if not nil, supplies it in place of Seed: it
	// fills dst with the standard normals of draw 0, 1, … of step 1, 2, …
	Seed  uint64
	Noise func(dst []float64, step, draw int)

	// Schedules are factors by which a number is multiplied at step t = 1, 2, …: the
	// rate, ρ = 1 − Beta2, all prior precisions, and ESS; nil is 1.
	// They must be pure functions of t.
	RateAt, CurvatureRateAt, PriorAt, ESSAt func(t int) float64
}

// Group is the range [Lo, Hi) of weights with a name. PriorPrec 0 stands for that
// of Settings.
type Group struct {
	Name      string
	Lo, Hi    int
	PriorPrec float64
}

// segment is a range of weights that share prior precision and start.
type segment struct {
	lo, hi int
	lam    float64 // prior precision
	s0     float64
}

// resolve returns s with defaults in place and the segments of p weights.
func (s Settings) resolve(p int) (Settings, []segment, error) {
	if s.Method < 0 || s.Method >= numMethods {
		return s, nil, Method(s.Method).domain("Method", -1, float64(s.Method), fmt.Sprintf("a method in [0, %d)", int(numMethods)))
	}
	m := methods[s.Method]
	if err := s.unused(m); err != nil {
		return s, nil, err
	}
	bad := s.Method.domain
	def := func(v *float64, d float64) {
		switch *v {
		case 0:
			*v = d
		case Zero:
			*v = 0
		}
	}
	if m.uses&useN == 0 {
		s.ESS = 1
	} else {
		if s.N < 1 {
			return s, nil, bad("N", -1, float64(s.N), ">= 1, the number of examples")
		}
		if s.ESS == 0 {
			s.ESS = float64(s.N)
		}
	}
	if s.Rate == 0 {
		s.Rate = m.rate
	}
	if s.Temperature == 0 {
		s.Temperature = 1
	}
	if s.Epsilon == 0 {
		s.Epsilon = 1e-8
	}
	if s.ClipRadius == 0 {
		s.ClipRadius = math.Inf(1)
	}
	def(&s.Beta1, m.beta1)
	if math.IsNaN(m.beta2) && s.Beta2 == 0 {
		s.Beta2 = 1 - s.Rate
	} else {
		def(&s.Beta2, m.beta2)
	}
	def(&s.PriorPrec, m.prior)
	def(&s.MinPrec, m.minPrec)
	if s.Draws == 0 {
		s.Draws = 1
		if s.Antithetic {
			s.Draws = 2
		}
	}
	for _, c := range []struct {
		name string
		v    float64
		ok   bool
		want string
	}{
		{"ESS", s.ESS, s.ESS > 0, "> 0 and finite"},
		{"Rate", s.Rate, s.Rate > 0, "> 0 and finite"},
		{"Beta1", s.Beta1, s.Beta1 >= 0 && s.Beta1 < 1, "in [0, 1), or Zero"},
		{"Beta2", s.Beta2, s.Beta2 >= 0 && s.Beta2 < 1, "in [0, 1), or Zero"},
		{"PriorPrec", s.PriorPrec, s.PriorPrec >= 0, ">= 0 and finite, or Zero"},
		{"Temperature", s.Temperature, s.Temperature > 0 && (1-s.Beta2)*s.Temperature <= 1, "> 0, with (1 - Beta2)·Temperature <= 1"},
		{"Damping", s.Damping, s.Damping >= 0, ">= 0 and finite"},
		{"MinPrec", s.MinPrec, s.MinPrec >= 0, ">= 0 and finite, or Zero"},
		{"Epsilon", s.Epsilon, s.Epsilon > 0, "> 0 and finite"},
	} {
		if !c.ok || math.IsInf(c.v, 0) {
			return s, nil, bad(c.name, -1, c.v, c.want)
		}
	}
	if !(s.ClipRadius > 0) {
		return s, nil, bad("ClipRadius", -1, s.ClipRadius, "> 0, or 0 for none")
	}
	if s.Draws < 1 || s.Draws >= maxDraws {
		return s, nil, bad("Draws", -1, float64(s.Draws), fmt.Sprintf("in [1, %d)", maxDraws))
	}
	if s.Antithetic && s.Draws%2 != 0 {
		return s, nil, bad("Draws", -1, float64(s.Draws), "even, since draws are antithetic pairs")
	}
	seg, err := s.segments(m, p)
	return s, seg, err
}

// unused errs if a field is set that the method does not use.
func (s *Settings) unused(m method) error {
	num := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	for _, f := range []struct {
		name string
		v    float64
		bit  field
	}{
		{"N", float64(s.N), useN},
		{"ESS", s.ESS, useN},
		{"ESSAt", num(s.ESSAt != nil), useN},
		{"Beta1", s.Beta1, useBeta1},
		{"PriorPrec", s.PriorPrec, usePrior},
		{"PriorAt", num(s.PriorAt != nil), usePrior},
		{"PriorPrecs", float64(len(s.PriorPrecs)), usePrior},
		{"InitPrec", s.InitPrec, useInitCurvature},
		{"InitCurvature", s.InitCurvature, useInitCurvature},
		{"Temperature", s.Temperature, useTemperature},
		{"Damping", s.Damping, useDamping},
		{"MinPrec", s.MinPrec, useMinPrec},
		{"Epsilon", s.Epsilon, useEpsilon},
		{"ClipRadius", s.ClipRadius, useClip},
		{"GradSquared", num(s.GradSquared), useClip},
		{"NoRescale", num(s.NoRescale), useClip},
		{"NoDebias", num(s.NoDebias), useDebias},
		{"CorrectData", num(s.CorrectData), useCorrect},
		{"Draws", float64(s.Draws), useNoise},
		{"Antithetic", num(s.Antithetic), useNoise},
		{"Noise", num(s.Noise != nil), useNoise},
	} {
		if m.uses&f.bit == 0 && f.v != 0 {
			return s.Method.domain(f.name, -1, f.v, "unset: the method does not use it")
		}
	}
	if s.CorrectData && (s.NoDebias || s.CurvatureRateAt != nil) {
		return s.Method.domain("CorrectData", -1, 1, "unset with NoDebias or CurvatureRateAt, under which it has no meaning")
	}
	if s.InitPrec != 0 && s.InitCurvature != 0 {
		return s.Method.domain("InitPrec", -1, s.InitPrec, "unset, since InitCurvature is set")
	}
	for i, g := range s.Groups {
		if g.PriorPrec != 0 && m.uses&usePrior == 0 {
			return s.Method.domain("Groups.PriorPrec", i, g.PriorPrec, "unset: the method does not use it")
		}
		if g.PriorPrec != 0 && s.PriorPrecs != nil {
			return s.Method.domain("Groups.PriorPrec", i, g.PriorPrec, "unset, since PriorPrecs is set")
		}
	}
	return nil
}

// segments cuts the weights where the prior precision changes.
func (s *Settings) segments(m method, p int) ([]segment, error) {
	bad := s.Method.domain
	var seg []segment
	add := func(lo, hi int, lam float64) {
		if k := len(seg) - 1; k >= 0 && seg[k].lam == lam {
			seg[k].hi = hi
		} else if lo < hi {
			seg = append(seg, segment{lo: lo, hi: hi, lam: lam})
		}
	}
	at := 0
	for i, g := range s.Groups {
		if g.Lo < at || g.Hi <= g.Lo || g.Hi > p {
			return nil, bad("Groups", i, float64(g.Lo), fmt.Sprintf("a range [Lo, Hi) after the group before it and within %d weights, not [%d, %d)", p, g.Lo, g.Hi))
		}
		lam := g.PriorPrec
		switch {
		case lam == 0:
			lam = s.PriorPrec
		case lam == Zero:
			lam = 0
		case !(lam > 0) || math.IsInf(lam, 0):
			return nil, bad("Groups.PriorPrec", i, lam, ">= 0 and finite, or Zero")
		}
		add(at, g.Lo, s.PriorPrec)
		add(g.Lo, g.Hi, lam)
		at = g.Hi
	}
	add(at, p, s.PriorPrec)
	if s.PriorPrecs != nil {
		if len(s.PriorPrecs) != p {
			panicLen("New", "PriorPrecs", len(s.PriorPrecs), p)
		}
		seg = seg[:0]
		for i, lam := range s.PriorPrecs {
			if !(lam >= 0) || math.IsInf(lam, 0) {
				return nil, bad("PriorPrecs", i, lam, ">= 0 and finite")
			}
			add(i, i+1, lam)
		}
	}
	for i := range seg {
		if err := s.start(m, &seg[i]); err != nil {
			return nil, err
		}
	}
	return seg, nil
}

// start sets s₀ of a segment.
func (s *Settings) start(m method, g *segment) error {
	bad := s.Method.domain
	switch {
	case s.InitPrec != 0 && (!(s.InitPrec > 0) || math.IsInf(s.InitPrec, 0)):
		return bad("InitPrec", -1, s.InitPrec, "> 0 and finite")
	case s.InitPrec != 0 && s.Method == VadamSum:
		g.s0 = s.InitPrec / s.ESS
	case s.InitPrec != 0:
		g.s0 = (s.InitPrec - g.lam - s.MinPrec) / s.ESS
		if newton := m.curv == exampleSquare || m.curv == hessian; g.s0 < 0 && !newton {
			return bad("InitPrec", -1, s.InitPrec, fmt.Sprintf(">= %v, the prior precision of weight %d", g.lam+s.MinPrec, g.lo))
		}
	case s.InitCurvature == Zero:
		g.s0 = 0
	case s.InitCurvature != 0:
		g.s0 = s.InitCurvature
		if !(g.s0 > 0) || math.IsInf(g.s0, 0) {
			return bad("InitCurvature", -1, g.s0, ">= 0 and finite, or Zero")
		}
	case s.Method == VadamSum:
		g.s0 = g.lam / s.ESS
	default:
		g.s0 = m.initial
	}
	if p0 := s.ESS*g.s0 + g.lam + s.MinPrec; s.Method != Adam && !(p0 > 0) || math.IsInf(p0, 0) {
		return bad("InitCurvature", g.lo, g.s0, "a posterior precision > 0 and finite at the start (set InitPrec, or a prior precision > 0)")
	}
	if s.Method == VadamSum && !(g.s0 > 0) {
		return bad("InitPrec", g.lo, g.s0*s.ESS, "> 0")
	}
	return nil
}
