package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// StickBreaking is the distribution of K independent fractions v_k ~ Beta(α_k, β_k),
// K ≥ 1, which break a stick of length 1 into K + 1 weights,
//
//	w_k = v_k Π_{j<k} (1−v_j),  k < K,   w_K = Π_j (1−v_j)
//
// (Sethuraman 1994): with α_k = 1 and β_k = α the Dirichlet process of that
// concentration truncated at K + 1 components (Blei and Jordan 2006), with
// α_k = 1 − δ and β_k = α + (k+1)δ the Pitman–Yor process. An outcome is
// x = (v_0, …, v_{K−1}); [StickBreaking.Weights] turns it into weights.
//
// Parameters come in pairs, stick by stick: T = (log v_k, log(1−v_k)),
// η = (α_k − 1, β_k − 1), m = (ψ(α_k) − ψ(α_k+β_k), ψ(β_k) − ψ(α_k+β_k)), h = 1 and
// A = Σ log B(α_k, β_k).
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type StickBreaking struct {
	sticks []Beta
	work   []float64
}

func newStickBreaking(k int) *StickBreaking {
	return &StickBreaking{make([]Beta, k), make([]float64, 2*k)}
}

// NewStickBreaking returns the distribution with the given α and β, of equal
// length K ≥ 1. It errs unless each is between 1e-16 and 1e150, and panics if the
// lengths differ.
func NewStickBreaking(alpha, beta []float64) (*StickBreaking, error) {
	const family = "stick-breaking"
	checkLen("NewStickBreaking", "beta", beta, len(alpha))
	if len(alpha) == 0 {
		return nil, &DomainError{family, "New", "number of sticks", -1, 0, ">= 1"}
	}
	s := newStickBreaking(len(alpha))
	for k, a := range alpha {
		if err := checkScale(family, "alpha", k, a); err != nil {
			return nil, err
		}
		if err := checkScale(family, "beta", k, beta[k]); err != nil {
			return nil, err
		}
		s.work[2*k], s.work[2*k+1] = a-1, beta[k]-1
	}
	if err := s.SetNatural(s.work); err != nil {
		return nil, err
	}
	return s, nil
}

// NewDirichletProcess returns the sticks of a Dirichlet process of the given
// concentration α truncated at components ≥ 2 weights: components − 1 sticks
// Beta(1, α).
func NewDirichletProcess(components int, concentration float64) (*StickBreaking, error) {
	if components < 2 || components > math.MaxInt32 {
		return nil, &DomainError{"stick-breaking", "New", "components", -1, float64(components), ">= 2"}
	}
	alpha, beta := make([]float64, components-1), make([]float64, components-1)
	for k := range alpha {
		alpha[k], beta[k] = 1, concentration
	}
	return NewStickBreaking(alpha, beta)
}

// Name returns "stick-breaking".
func (s *StickBreaking) Name() string { return "stick-breaking" }

// Dim returns K, the number of sticks.
func (s *StickBreaking) Dim() int { return len(s.sticks) }

// NumParams returns 2K.
func (s *StickBreaking) NumParams() int { return len(s.work) }

// Components returns K + 1, the number of weights.
func (s *StickBreaking) Components() int { return len(s.sticks) + 1 }

// Stick returns α_k and β_k.
func (s *StickBreaking) Stick(k int) (alpha, beta float64) {
	return s.sticks[k].Alpha(), s.sticks[k].Beta()
}

// Weights writes the K + 1 weights that the fractions x make, which sum to 1.
func (s *StickBreaking) Weights(dst, x []float64) []float64 {
	checkLen("stick-breaking.Weights", "x", x, s.Dim())
	dst = sized("stick-breaking.Weights", dst, s.Components())
	left := 1.0
	for k, v := range x {
		dst[k] = left * v
		left *= 1 - v
	}
	dst[len(x)] = left
	return dst
}

// MeanWeights writes E[w_k] = E[v_k] Π_{j<k} (1 − E[v_j]), K + 1 entries.
func (s *StickBreaking) MeanWeights(dst []float64) []float64 {
	dst = sized("stick-breaking.MeanWeights", dst, s.Components())
	left := 1.0
	for k := range s.sticks {
		b := &s.sticks[k]
		dst[k] = left * (b.alpha[0] / b.sum)
		left *= b.alpha[1] / b.sum
	}
	dst[len(s.sticks)] = left
	return dst
}

// MeanLogWeights writes E[log w_k] = E[log v_k] + Σ_{j<k} E[log(1−v_j)], K + 1
// entries: the message of the weights to a component indicator.
func (s *StickBreaking) MeanLogWeights(dst []float64) []float64 {
	dst = sized("stick-breaking.MeanLogWeights", dst, s.Components())
	var left float64
	var m [2]float64
	for k := range s.sticks {
		b := &s.sticks[k]
		simplexExpectation(m[:], b.alpha[:], b.sum)
		dst[k] = left + m[0]
		left += m[1]
	}
	dst[len(s.sticks)] = left
	return dst
}

// pair is the part of a parameter vector of stick k, one of an outcome.
func pair(v []float64, k int) []float64 { return v[2*k : 2*k+2 : 2*k+2] }
func one(v []float64, k int) []float64  { return v[k : k+1 : k+1] }

// SuffStat writes (log v_k, log(1−v_k)), stick by stick.
func (s *StickBreaking) SuffStat(dst, x []float64) []float64 {
	checkLen("stick-breaking.SuffStat", "x", x, s.Dim())
	dst = sized("stick-breaking.SuffStat", dst, s.NumParams())
	for k := range s.sticks {
		s.sticks[k].SuffStat(pair(dst, k), one(x, k))
	}
	return dst
}

// LogBase returns 0 if all 0 < v_k < 1 and −Inf elsewhere.
func (s *StickBreaking) LogBase(x []float64) float64 {
	checkLen("stick-breaking.LogBase", "x", x, s.Dim())
	for _, v := range x {
		if !(v > 0 && v < 1) {
			return math.Inf(-1)
		}
	}
	return 0
}

// CheckNatural wants all α_k − 1 and β_k − 1 above −1.
func (s *StickBreaking) CheckNatural(eta []float64) error {
	checkLen("stick-breaking.CheckNatural", "eta", eta, s.NumParams())
	return checkConcentration("stick-breaking", eta)
}

// Natural writes η.
func (s *StickBreaking) Natural(dst []float64) []float64 {
	dst = sized("stick-breaking.Natural", dst, s.NumParams())
	for k := range s.sticks {
		s.sticks[k].Natural(pair(dst, k))
	}
	return dst
}

// SetNatural moves to eta; see [StickBreaking.CheckNatural].
func (s *StickBreaking) SetNatural(eta []float64) error {
	if err := s.CheckNatural(eta); err != nil {
		return err
	}
	for k := range s.sticks {
		if err := s.sticks[k].SetNatural(pair(eta, k)); err != nil {
			panic("expfam: stick-breaking: a stick refuses what was checked: " + err.Error())
		}
	}
	return nil
}

// Expectation writes m.
func (s *StickBreaking) Expectation(dst []float64) []float64 {
	dst = sized("stick-breaking.Expectation", dst, s.NumParams())
	for k := range s.sticks {
		s.sticks[k].Expectation(pair(dst, k))
	}
	return dst
}

// SetExpectation solves for the parameters of every stick, with the precision and
// the errors of [Beta.SetExpectation]; if one errs, none moves.
func (s *StickBreaking) SetExpectation(m []float64) error {
	checkLen("stick-breaking.SetExpectation", "m", m, s.NumParams())
	var b Beta
	for k := range s.sticks {
		if err := b.SetExpectation(pair(m, k)); err != nil {
			return stickError(err, k)
		}
		b.Natural(pair(s.work, k))
	}
	return s.SetNatural(s.work)
}

// stickError names the stick in an error of stick k, with the index counted in
// the whole vector.
func stickError(err error, k int) error {
	switch e := renamed(err, "stick-breaking").(type) {
	case *DomainError:
		e.Param = fmt.Sprintf("stick %d: %s", k, e.Param)
		if e.Index >= 0 {
			e.Index += 2 * k
		}
		return e
	case *PrecisionError:
		e.Param = fmt.Sprintf("stick %d: %s", k, e.Param)
		if e.Index >= 0 {
			e.Index += 2 * k
		}
		return e
	default:
		return e
	}
}

// Mean writes E[v_k] = α_k/(α_k+β_k).
func (s *StickBreaking) Mean(dst []float64) []float64 {
	dst = sized("stick-breaking.Mean", dst, s.Dim())
	for k := range s.sticks {
		s.sticks[k].Mean(one(dst, k))
	}
	return dst
}

// LogPartition returns A = Σ log B(α_k, β_k).
func (s *StickBreaking) LogPartition() float64 {
	var a float64
	for k := range s.sticks {
		a += s.sticks[k].logPart
	}
	return a
}

// Entropy returns the sum of the entropies of the sticks in nats.
func (s *StickBreaking) Entropy() float64 {
	var h float64
	for k := range s.sticks {
		h += s.sticks[k].Entropy()
	}
	return h
}

// LogProb returns log p(v), −Inf unless all 0 < v_k < 1.
func (s *StickBreaking) LogProb(x []float64) float64 {
	checkLen("stick-breaking.LogProb", "x", x, s.Dim())
	var l float64
	for k := range s.sticks {
		l += s.sticks[k].LogProb(one(x, k))
	}
	return l
}

// Sample writes one draw of the fractions.
func (s *StickBreaking) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("stick-breaking.Sample", dst, s.Dim())
	for k := range s.sticks {
		s.sticks[k].Sample(one(dst, k), rng)
	}
	return dst
}

// FisherMul writes F·v; F is block diagonal.
func (s *StickBreaking) FisherMul(dst, v []float64) []float64 {
	checkLen("stick-breaking.FisherMul", "v", v, s.NumParams())
	dst = sized("stick-breaking.FisherMul", dst, s.NumParams())
	for k := range s.sticks {
		s.sticks[k].FisherMul(pair(dst, k), pair(v, k))
	}
	return dst
}

// KLTo returns the sum of the divergences of the sticks in nats. It panics if q is
// no *StickBreaking with as many sticks.
func (s *StickBreaking) KLTo(q Dist) float64 {
	o := as[*StickBreaking](q)
	if len(o.sticks) != len(s.sticks) {
		panicLen("stick-breaking.KLTo", "q", len(o.sticks), len(s.sticks))
	}
	var kl float64
	for k := range s.sticks {
		kl += s.sticks[k].KLTo(&o.sticks[k])
	}
	return kl
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (s *StickBreaking) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(s, tan, rho, s.work)
}

// Score writes ∇ log p.
func (s *StickBreaking) Score(dst, x []float64) []float64 {
	checkLen("stick-breaking.Score", "x", x, s.Dim())
	dst = sized("stick-breaking.Score", dst, s.Dim())
	for k := range s.sticks {
		s.sticks[k].Score(one(dst, k), one(x, k))
	}
	return dst
}

// PathGrad writes (∂v/∂η)'g, stick by stick as [Beta.PathGrad].
func (s *StickBreaking) PathGrad(dst, g, x []float64) []float64 {
	checkLen("stick-breaking.PathGrad", "g", g, s.Dim())
	checkLen("stick-breaking.PathGrad", "x", x, s.Dim())
	dst = sized("stick-breaking.PathGrad", dst, s.NumParams())
	for k := range s.sticks {
		s.sticks[k].PathGrad(pair(dst, k), one(g, k), one(x, k))
	}
	return dst
}

// Tangent adds w·F⁻¹ PathGrad(d.Grad, d.X) to dst.
func (s *StickBreaking) Tangent(dst []float64, d *Draw, w float64) {
	checkLen("stick-breaking.Tangent", "dst", dst, s.NumParams())
	checkLen("stick-breaking.Tangent", "Grad", d.Grad, s.Dim())
	checkLen("stick-breaking.Tangent", "X", d.X, s.Dim())
	for k := range s.sticks {
		dk := Draw{X: one(d.X, k), Grad: one(d.Grad, k)}
		s.sticks[k].Tangent(pair(dst, k), &dk, w)
	}
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (s *StickBreaking) EntropyTangent(dst []float64) (exact bool) {
	checkLen("stick-breaking.EntropyTangent", "dst", dst, s.NumParams())
	for k := range s.sticks {
		s.sticks[k].EntropyTangent(pair(dst, k))
	}
	return true
}

// ScoreTangent adds w·F⁻¹(T(v) − m), the natural gradient of log p(v), to dst.
func (s *StickBreaking) ScoreTangent(dst, x []float64, w float64) {
	checkLen("stick-breaking.ScoreTangent", "dst", dst, s.NumParams())
	checkLen("stick-breaking.ScoreTangent", "x", x, s.Dim())
	for k := range s.sticks {
		s.sticks[k].ScoreTangent(pair(dst, k), one(x, k), w)
	}
}

// Clone returns an independent copy.
func (s *StickBreaking) Clone() Dist {
	c := newStickBreaking(len(s.sticks))
	copy(c.sticks, s.sticks)
	return c
}

// MarshalBinary returns the family name and η with a checksum.
func (s *StickBreaking) MarshalBinary() ([]byte, error) { return marshalEta(s) }

// UnmarshalBinary restores a stick-breaking distribution bit for bit, into a zero
// value or one with as many sticks; damaged or foreign bytes are an error and leave
// the receiver unchanged.
func (s *StickBreaking) UnmarshalBinary(b []byte) error { return unmarshalEta(s, b) }

func (s *StickBreaking) resize(dim, numParams int) error {
	if dim == 0 && numParams == 0 {
		*s = StickBreaking{}
		return nil
	}
	if dim < 1 || numParams != 2*dim {
		return fmt.Errorf("dimension %d with %d parameters, want twice as many, at least 1", dim, numParams)
	}
	*s = *newStickBreaking(dim)
	return nil
}
