// Package expfam holds minimal exponential families with both of their
// coordinate systems.
//
// A family has densities
//
//	p(x|η) = h(x) exp(⟨η, T(x)⟩ − A(η)),
//
// where ⟨·,·⟩ is the plain dot product of two []float64. The natural
// parameter η and the expectation parameter m = E[T(x)] = ∇A(η) name the same
// distribution; the maps between them are Natural, SetNatural, Expectation and
// SetExpectation. A natural-gradient step is the plain gradient in m, added to
// η (Khan and Lin 2017, section 3), which is why every other package of this
// module asks a Dist for nothing more than these two sides and a retraction.
//
// Symmetric matrices travel as svec, see [Svec].
//
// A [Dist] is always proper: its setters refuse parameters outside the domain
// with a [*DomainError] and leave the receiver as it was. A message or a
// gradient is a bare []float64 in natural coordinates and need not be proper.
//
// Slices named dst follow gonum's rule: nil allocates, a wrong length panics.
// The receiver never keeps a slice that it was given or hands out its own.
package expfam

import (
	"encoding"
	"fmt"
	"math/rand/v2"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// Family is a minimal exponential family, independent of its parameter.
type Family interface {
	// Name is a short lower-case name such as "gamma"; two Dists of equal
	// Name, Dim and NumParams belong to the same family.
	Name() string
	// Dim is the length of an outcome x.
	Dim() int
	// NumParams is the length of η, of m and of T(x).
	NumParams() int
	// SuffStat writes T(x) to dst.
	SuffStat(dst, x []float64) []float64
	// LogBase returns log h(x); it is −Inf outside the support.
	LogBase(x []float64) float64
	// CheckNatural returns nil if eta is inside the domain of A and a
	// *DomainError otherwise.
	CheckNatural(eta []float64) error
}

// Dist is a Family at a proper parameter. Its state is η; everything else it
// holds is a deterministic function of η, so that a Dist restored from its η
// behaves bit for bit like the original.
type Dist interface {
	Family
	// Natural writes η to dst.
	Natural(dst []float64) []float64
	// SetNatural moves the receiver to eta. On error the receiver is unchanged.
	SetNatural(eta []float64) error
	// Expectation writes m = E[T(x)] to dst.
	Expectation(dst []float64) []float64
	// SetExpectation moves the receiver to the distribution with expectation
	// parameter m. An inverse that is numeric reaches the exact one of m to
	// 1e-10 relative to the larger of |η_i| and 1/sd(T_i), or returns an
	// error: a *DomainError if there is none, a *PrecisionError if rounding the
	// entries of m to float64 can move η by more than that. On error the
	// receiver is unchanged. Inverses that are a closed form, such as that of a
	// normal distribution, do not look at the rounding of m.
	SetExpectation(m []float64) error
	// Mean writes E[x] to dst. It differs from Expectation, which is E[T(x)].
	Mean(dst []float64) []float64
	// LogPartition returns A(η).
	LogPartition() float64
	// Entropy returns −E[log p(x)] in nats.
	Entropy() float64
	// LogProb returns log p(x), −Inf outside the support.
	LogProb(x []float64) float64
	// Sample writes one draw to dst.
	Sample(dst []float64, rng *rand.Rand) []float64
	// FisherMul writes F·v to dst, F = ∇²A(η) = ∂m/∂η the Fisher matrix.
	// dst may be v.
	FisherMul(dst, v []float64) []float64
	// Retract moves η to η + rho·tan if that is proper. If it is not, the
	// family moves inside its domain in the direction of tan by its own safe
	// path and says so by Retracted or Shortened. On error (NonFinite input, no
	// admissible step) the receiver is unchanged.
	Retract(tan []float64, rho float64) (Condition, error)
	// Clone returns an independent copy.
	Clone() Dist
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// Reparameterizable is a continuous Dist whose draws are differentiable
// functions of its parameter, so that it is a posterior for any density with a
// gradient.
//
// With x = x(η, ε) for fixed noise ε, the pathwise derivative ∂x/∂η moves the mass
// of p as its density changes: for one dimension it is −(∂F/∂η)/p(x) with F the
// distribution function (implicit reparameterisation: Figurnov, Mohamed and Mnih
// 2018), for more the same by conditional distribution functions or by a
// factorisation. It is a function of x and η alone, so that any sampler will do.
type Reparameterizable interface {
	Dist
	// Score writes ∇_x log p(x) to dst.
	Score(dst, x []float64) []float64
	// PathGrad writes (∂x/∂η)ᵀg to dst, of length NumParams; g has length Dim.
	// Then ∇_η E[f(x)] = E[PathGrad(∇f(x), x)].
	PathGrad(dst, g, x []float64) []float64
	// Tangent adds w times the gradient of E[log target] in expectation coordinates,
	// F⁻¹ PathGrad(d.Grad, d.X), to dst (or an estimate of less variance).
	Tangent(dst []float64, d *Draw, w float64)
	// EntropyTangent adds the gradient of the entropy in expectation coordinates, −η −
	// ∇_m E[log h(x)], if it has a closed form and tells whether it did.
	EntropyTangent(dst []float64) (exact bool)
}

// Draw is one point at which a target was evaluated, as a posterior's Tangent
// reads it. Fields that the target or estimator does not provide are nil.
type Draw struct {
	X        []float64     // the point, or the mean of q when Grad and Hess are expectations under q
	Grad     []float64     // ∇ log p(D, x)
	LogP     float64       // log p(D, x)
	LogQ     float64       // log q(x)
	Hess     *mat.SymDense // ∇² log p(D, x)
	HessDiag []float64     // its diagonal, for posteriors that need no more
	Aux      []float64     // what the sampler remembers besides X, such as a mixing variable; its meaning is the posterior's
	Aside    bool          // X is no draw of q: it serves Tangent, and the ELBO leaves it out
}

// Condition is a set of things that a step or a fit had to do or noticed.
type Condition uint32

const (
	// Retracted: the plain step would have left the domain; the family's safe
	// path was taken instead.
	Retracted Condition = 1 << iota
	// Shortened: the step size was reduced, by the family or by a line search.
	Shortened
	// NonFinite: a NaN or infinity was seen in a value, gradient or step.
	NonFinite
	// ObjectiveFell: the ELBO fell by more than its own standard error.
	ObjectiveFell
	// HighKHat: the Pareto shape of the importance ratios is 0.7 or more.
	HighKHat
	// NotConverged: the iteration or time limit came before the stopping rule.
	NotConverged
	// Stopped: the caller's context ended the run.
	Stopped
	// Collapsed: a component of a mixture has lost its weight or narrows without bound.
	Collapsed
)

var conditionNames = []string{"retracted", "shortened", "non-finite", "objective fell", "k-hat high", "not converged", "stopped", "a component collapsed"}

// String lists the conditions, "none" if there are none.
func (c Condition) String() string {
	var s []string
	for i, n := range conditionNames {
		if c&(1<<i) != 0 {
			s = append(s, n)
		}
	}
	if s == nil {
		return "none"
	}
	return strings.Join(s, ", ")
}

// DomainError says which parameter of which family is outside its domain.
type DomainError struct {
	Family string  // family name
	Func   string  // the method that refused
	Param  string  // parameter name in the field's terms, such as "shape" or "precision"
	Index  int     // index in the slice that was given, −1 if it is no single entry
	Value  float64 // the offending value
	Want   string  // what was wanted, such as "> 0" or "a positive definite matrix"
}

func (e *DomainError) Error() string {
	at := ""
	if e.Index >= 0 {
		at = fmt.Sprintf("[%d]", e.Index)
	}
	return fmt.Sprintf("expfam: %s.%s: %s%s is %v, want %s", e.Family, e.Func, e.Param, at, e.Value, e.Want)
}

// KL returns KL(p‖q) = E_p[log p − log q] in nats for two members of one
// family, as the Bregman divergence A(η_q) − A(η_p) − ⟨η_q − η_p, m_p⟩ or by
// the family's own closed form where that difference would cancel. It errs if
// p and q are of different families or sizes.
func KL(p, q Dist) (float64, error) {
	if p.Name() != q.Name() || p.Dim() != q.Dim() || p.NumParams() != q.NumParams() {
		return 0, fmt.Errorf("expfam: KL: p is %s of dimension %d, q is %s of dimension %d; want one family of one size",
			p.Name(), p.Dim(), q.Name(), q.Dim())
	}
	if k, ok := p.(interface{ KLTo(q Dist) float64 }); ok {
		return k.KLTo(q), nil
	}
	ep, eq, m := p.Natural(nil), q.Natural(nil), p.Expectation(nil)
	kl := q.LogPartition() - p.LogPartition()
	for i := range m {
		kl -= (eq[i] - ep[i]) * m[i]
	}
	return max(kl, 0), nil
}
