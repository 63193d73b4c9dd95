package mixture

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
)

// Rule is how a step moves the components of a [Mixture].
type Rule int

const (
	// OwnRule lets every component retract by its own rule: members of an exponential
	// family take the plain step where it is inside their domain, which is exact on
	// conjugate targets, and their safe path where it is not: the second-order step for
	// normal ones. At the large steps that the engine begins with, the second-order step
	// of [IBLR] overshoots more, and more often loses a mode.
	OwnRule Rule = iota
	// IBLR is the improved Bayesian learning rule (Lin, Schmidt and Khan 2020): normal
	// components always take the second-order step, which keeps any precision
	// positive definite and adds the old one's solve to the mean; components without
	// RetractSecondOrder take their own.
	IBLR
	// BLR is the Bayesian learning rule (Lin, Khan and Schmidt 2019): the plain step in
	// natural coordinates, for all components and the weights with one step size, shortened
	// by Options.Backtrack until all components are proper. All must be expfam.Dists.
	BLR
	// Adam is the black-box baseline, for comparisons: the Adam optimiser (Kingma and
	// Ba 2015; 0.9, 0.999, 1e-8) on means, lower Cholesky roots of the covariances and
	// log weights, with the same gradient estimates. Components must be
	// *expfam.Normal or *expfam.DiagNormal.
	Adam
)

func (r Rule) String() string {
	switch r {
	case OwnRule:
		return "own rule"
	case IBLR:
		return "IBLR"
	case BLR:
		return "BLR"
	case Adam:
		return "Adam"
	}
	return fmt.Sprintf("Rule(%d)", int(r))
}

// Options steer the steps of a [Mixture]. The zero value is a good default.
type Options struct {
	Rule Rule
	// WeightRate is ρ_w: the log-odds move by ρ·ρ_w times their natural gradient
	// (under Adam, ρ·ρ_w is their learning rate). 0 means i/400 at step i, but at
	// least 0.05 and at most ½ (steps that the engine takes back count too): weights that move fast at the start kill components
	// before they have found their place, weights that stay slow keep the fit from its
	// end. A negative number means fixed weights, which serve best where many components
	// are to find modes that lie far apart: none can die. The published experiments use
	// 0 to 0.05 throughout.
	WeightRate float64
	// NoBaseline leaves log p − log q in the gradient of the weights as it is. The
	// default subtracts its mean in the step before, which changes no expectation
	// and takes most of the noise out; the first step then leaves the weights alone.
	NoBaseline bool
	// EntropyPull is R in the pull of the weights to equal ones, log-odds ← (1 −
	// r ρ ρ_w) log-odds + …, r = R β/(1 − (1 − β)^i) ≈ R/i at step i = 1, 2, …,
	// β = 1e-8, of the public code of the 2019 paper, where R = 5e5. 0 means none.
	EntropyPull float64
	// Backtrack is the factor of BLR's shorter steps; 0 means ½.
	Backtrack float64
	// Momentum is β in [0, 1) of a heavy ball in natural coordinates, averaged
	// exponentially (the option of the public code of the 2019 paper): with
	// d = (1 − β)/(1 − βⁱ) at step i, counted from the last SetNatural, every step has the
	// size ρd, and (1 − d) times the last move of the state is added to it:
	//
	//	η_i+1 = step(η_i, ρd·tan) + (1 − d)(η_i − η_i−1)
	//
	// For a normal component and the plain step these are (1 − d)(S_i − S_i−1) for the
	// precision and (1 − d) S_i−1(μ_i − μ_i−1) for Sμ at the new S. Where the sum is
	// improper, BLR shortens both parts together, and the other rules add ½, ¼, … of
	// the move, or nothing; the condition is Shortened. The engine's averages and steps
	// back are SetNatural: momentum serves runs with Settings.Plain. It needs components
	// that are expfam.Dists (a structured.Gaussian has a SetMomentum of its own) and a rule other
	// than Adam, which averages already. 0 means none.
	Momentum float64
	// HessEntropy uses ∇² log q, if the components know it, for the part of −log q also
	// where the target has no Hessian, as the published first-order form does. The
	// default treats both parts alike, so that their noise cancels as q approaches the
	// target.
	HessEntropy bool
	// ExactEntropy uses the closed form of the entropy. It is for a single component.
	ExactEntropy bool
	// Reseed restarts a component whose weight has died: it becomes, with half of its
	// weight, a copy of the heaviest one, and the two part along its longest axis.
	// It stays near the heaviest: a mode that no component has seen stays unseen.
	// Components must be *expfam.Normal or *expfam.DiagNormal.
	Reseed bool
}

const (
	minWeightRate  = 0.05
	maxWeightRate  = 0.5
	weightRateRise = 400 // steps in which the rate would reach 1
	backtracks     = 400 // tries of BLR, enough for any factor up to 0.9
	momentumTries  = 8   // of the last move, down to 1/128 of its share
)

// SetOptions replaces the options. It errs, and changes nothing, if a number is out
// of its range (*expfam.DomainError) or the rule does not go with a component
// ([*ComponentError]).
func (m *Mixture) SetOptions(o Options) error {
	if err := m.checkOptions(o); err != nil {
		return err
	}
	if o.Rule == Adam && m.adam.mean == nil {
		m.adam.init(m)
	}
	if o.Momentum != m.opts.Momentum {
		m.moves = 0
		m.move = make([]float64, m.NumParams())
	}
	m.opts = o
	return nil
}

func (m *Mixture) checkOptions(o Options) error {
	bad := func(param string, v float64, want string) error {
		return &expfam.DomainError{Family: "mixture", Func: "SetOptions", Param: param, Index: -1, Value: v, Want: want}
	}
	switch {
	case o.Rule < OwnRule || o.Rule > Adam:
		return bad("Rule", float64(o.Rule), "OwnRule, IBLR, BLR or Adam")
	case math.IsNaN(o.WeightRate) || math.IsInf(o.WeightRate, 0):
		return bad("WeightRate", o.WeightRate, "finite")
	case !(o.EntropyPull >= 0) || math.IsInf(o.EntropyPull, 0):
		return bad("EntropyPull", o.EntropyPull, ">= 0")
	case !(o.Backtrack >= 0 && o.Backtrack <= 0.9):
		return bad("Backtrack", o.Backtrack, "0 or in (0, 0.9]")
	case !(o.Momentum >= 0 && o.Momentum < 1):
		return bad("Momentum", o.Momentum, "in [0, 1)")
	case o.Momentum > 0 && o.Rule == Adam:
		return bad("Momentum with the rule Adam", o.Momentum, "0: Adam averages its gradients")
	case o.ExactEntropy && len(m.comps) > 1:
		return bad("ExactEntropy with K components, K", float64(len(m.comps)), "1: the entropy of a mixture has no closed form")
	}
	for c, q := range m.comps {
		if _, ok := q.(expfam.Dist); (o.Rule == BLR || o.Momentum > 0) && !ok {
			what := "the rule BLR"
			if o.Rule != BLR {
				what = "Momentum"
			}
			return &ComponentError{"SetOptions", c, fmt.Sprintf("a %T, want an expfam.Dist for %s", q, what)}
		}
		if (o.Rule == Adam || o.Reseed) && !isNormal(q) {
			what := "the rule Adam"
			if o.Rule != Adam {
				what = "Reseed"
			}
			return &ComponentError{"SetOptions", c, fmt.Sprintf("a %T, want *expfam.Normal or *expfam.DiagNormal for %s", q, what)}
		}
		if e, ok := q.(entropyTangenter); o.ExactEntropy && (!ok || !e.EntropyTangent(make([]float64, q.NumParams()))) {
			return &ComponentError{"SetOptions", c, fmt.Sprintf("a %T, whose entropy has no closed form; want one that has for ExactEntropy", q)}
		}
	}
	return nil
}

// Options returns the present options.
func (m *Mixture) Options() Options { return m.opts }

func isNormal(q Component) bool {
	switch q.(type) {
	case *expfam.Normal, *expfam.DiagNormal:
		return true
	}
	return false
}

func (m *Mixture) weightRate() float64 {
	switch w := m.opts.WeightRate; {
	case w < 0:
		return 0
	case w == 0:
		return min(maxWeightRate, max(minWeightRate, float64(m.steps)/weightRateRise))
	default:
		return w
	}
}

// FirstRate is ¼, the step size with which a stochastic run had better begin: half that
// of a single normal, because a component that is overtaken by its own noise may lose
// its place to another for good.
func (m *Mixture) FirstRate() float64 { return 0.25 }

// FirstDraws is the number of draws a step: eight a component, so that each sees
// some of its own, at least four a dimension and 16, at most 256.
func (m *Mixture) FirstDraws() int { return min(max(8*len(m.comps), 4*m.dim, 16), 256) }

// Retract moves weights and components by rho·tan by the rule of the options:
//
//	log-odds ← (1 − rρρ_w) log-odds + ρρ_w tan_w
//
// and every component by its own part. The conditions are those of the
// components, Shortened if BLR reduced the step, and Collapsed if [Mixture.Check],
// which looks at every 64th step, finds a component dead or narrowing
// without bound. On error nothing has changed.
func (m *Mixture) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	checkLen("Mixture", "Retract", "tan", tan, m.NumParams())
	if err := checkStep("mixture", tan, rho); err != nil {
		return expfam.NonFinite, err
	}
	if m.opts.Rule == Adam {
		return m.finish(0, m.adamStep(tan, rho))
	}
	m.Natural(m.saved)
	var cond expfam.Condition
	var err error
	rho, keep := m.momentum(rho)
	if m.opts.Rule == BLR {
		rho, keep, cond, err = m.plainStep(tan, rho, keep)
	} else {
		cond, err = m.ownSteps(tan, rho, keep)
	}
	if err != nil {
		return cond, err
	}
	odds := m.logOdds[:len(m.comps)-1]
	t := rho * m.weightRate()
	pull := 0.0
	if m.opts.EntropyPull > 0 {
		const beta = 1e-8
		pull = t * m.opts.EntropyPull * beta / (1 - math.Pow(1-beta, float64(m.steps+1)))
	}
	for c := range odds {
		odds[c] = (1-pull)*odds[c] + t*tan[c]
		if keep != 0 {
			odds[c] += keep * m.move[c]
		}
	}
	if err := m.checkOdds("Retract", "new log-odds", odds); err != nil {
		copy(odds, m.saved)
		m.rollBack(len(m.comps))
		return cond | expfam.NonFinite, err
	}
	return m.finish(cond, nil)
}

// momentum returns the size of a step of size rho and the share of the last move
// that is added to it, see Options.Momentum.
func (m *Mixture) momentum(rho float64) (size, keep float64) {
	if m.opts.Momentum == 0 || m.moves == 0 {
		return rho, 0
	}
	d := (1 - m.opts.Momentum) / (1 - math.Pow(m.opts.Momentum, float64(m.moves+1)))
	return rho * d, 1 - d
}

// ownSteps moves the components by their own rules and keep of their last moves, or none.
func (m *Mixture) ownSteps(tan []float64, rho, keep float64) (cond expfam.Condition, err error) {
	for c, q := range m.comps {
		var k expfam.Condition
		if s := m.second[c]; s != nil && m.opts.Rule == IBLR {
			k, err = s.RetractSecondOrder(m.part(tan, c), rho)
		} else {
			k, err = q.Retract(m.part(tan, c), rho)
		}
		cond |= k
		if err != nil {
			m.rollBack(c)
			return cond, fmt.Errorf("mixture: component %d: %w", c, err)
		}
		if keep != 0 {
			cond |= m.addMove(c, keep)
		}
	}
	return cond, nil
}

// addMove moves component c on by the largest keep/2ⁿ of its last move that it accepts,
// if any.
func (m *Mixture) addMove(c int, keep float64) (cond expfam.Condition) {
	q := m.comps[c]
	at, next := q.Natural(m.part(m.work.at, c)), m.part(m.work.next, c)
	for range momentumTries {
		for i, v := range m.part(m.move, c) {
			next[i] = at[i] + keep*v
		}
		if q.SetNatural(next) == nil {
			return cond
		}
		keep /= 2
		cond = expfam.Shortened
	}
	return cond
}

// plainStep moves all components to η + f(rho·tan + keep·(the last move)) with the largest
// f = Backtrackⁿ that all accept, and returns the two factors; m.saved holds η.
func (m *Mixture) plainStep(tan []float64, rho, keep float64) (size, kept float64, cond expfam.Condition, err error) {
	back := m.opts.Backtrack
	if back == 0 {
		back = 0.5
	}
	var first error
	for range backtracks {
		refused := -1
		for c, q := range m.comps {
			next := m.part(m.work.next, c)
			for i, v := range m.part(m.saved, c) {
				next[i] = v + rho*m.part(tan, c)[i]
			}
			if keep != 0 {
				for i, v := range m.part(m.move, c) {
					next[i] += keep * v
				}
			}
			if err := q.SetNatural(next); err != nil {
				refused = c
				if first == nil {
					first = err
				}
				break
			}
		}
		if refused < 0 {
			return rho, keep, cond, nil
		}
		m.rollBack(refused)
		rho, keep, cond = rho*back, keep*back, expfam.Shortened
	}
	return rho, keep, cond, fmt.Errorf("mixture: no step in the direction of tan is proper: %w", first)
}

// finish counts the step and brings everything that follows from the state up to
// date; m.saved holds the state before it.
func (m *Mixture) finish(cond expfam.Condition, err error) (expfam.Condition, error) {
	if err != nil {
		return cond | expfam.NonFinite, err
	}
	m.setWeights()
	m.steps++
	if m.opts.Momentum > 0 {
		m.moves++
		m.Natural(m.move)
		for i, v := range m.saved {
			m.move[i] -= v
		}
	}
	if m.tally.weight > 0 {
		if b := m.tally.sum / m.tally.weight; !math.IsNaN(b) && !math.IsInf(b, 0) {
			m.baseline = b
		}
	}
	m.tally.sum, m.tally.weight = 0, 0
	return cond | m.watch(), nil
}
