package mixture

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// IssueKind names what can go wrong with the components of a mixture.
type IssueKind int

const (
	// Dead: the weight of a component has been below 0.01/K for 100 steps, so
	// that hardly any draw tells it where to go.
	Dead IssueKind = iota
	// Coinciding: two components are closer than 0.01 nats.
	Coinciding
	// Narrowing: an sd of a component is below 1e-5 of the mixture's, as when a
	// component closes in on one point of an unbounded density.
	Narrowing
)

func (k IssueKind) String() string {
	switch k {
	case Dead:
		return "dead"
	case Coinciding:
		return "coinciding"
	case Narrowing:
		return "narrowing"
	}
	return fmt.Sprintf("IssueKind(%d)", int(k))
}

// Issue is one finding of [Mixture.Check].
type Issue struct {
	Kind      IssueKind
	Component int     // from 0
	Other     int     // the second component of a pair, −1 otherwise
	Value     float64 // weight, divergence in nats, or ratio of sds
}

// String says what was found and what can be done.
func (i Issue) String() string {
	switch i.Kind {
	case Dead:
		return fmt.Sprintf("component %d is dead (weight %.2g): use fewer components, more draws a step, or Options.Reseed", i.Component, i.Value)
	case Coinciding:
		return fmt.Sprintf("components %d and %d coincide (divergence %.2g nats): one of them will do; to make them part, start them apart", i.Component, i.Other, i.Value)
	case Narrowing:
		return fmt.Sprintf("component %d narrows without bound (an sd is %.2g of the mixture's): check the log density for a spike, or take smaller steps", i.Component, i.Value)
	}
	return i.Kind.String()
}

const (
	watchEvery = 64
	deadWeight = 0.01 // of 1/K
	deadSteps  = 100
	closeNats  = 0.01
	narrowSd   = 1e-5
)

// Check looks for dead, coinciding and narrowing components. Those that
// coincide are found among members of one exponential family, by their symmetrised
// divergence (KL(p‖q) + KL(q‖p))/2; each is reported once, with the first that it
// repeats. Cost: K² divergences.
func (m *Mixture) Check() []Issue {
	var out []Issue
	for c := range m.comps {
		if m.dead(c) {
			out = append(out, Issue{Dead, c, -1, m.w[c]})
		}
		if r := m.narrowest(c); r < narrowSd {
			out = append(out, Issue{Narrowing, c, -1, r})
		}
	}
	copies := make([]bool, len(m.comps))
	for o := range m.comps {
		for c := range o {
			if copies[c] {
				continue
			}
			if kl, ok := m.divergence(c, o); ok && kl < closeNats {
				copies[o] = true
				out = append(out, Issue{Coinciding, c, o, kl})
				break
			}
		}
	}
	return out
}

// divergence returns (KL(p‖q) + KL(q‖p))/2 of two components of one exponential family.
func (m *Mixture) divergence(c, o int) (kl float64, ok bool) {
	p, is := m.comps[c].(expfam.Dist)
	q, also := m.comps[o].(expfam.Dist)
	if !is || !also {
		return 0, false
	}
	there, err := expfam.KL(p, q)
	if err != nil { // of different families
		return 0, false
	}
	back, err := expfam.KL(q, p)
	return (there + back) / 2, err == nil
}

func (m *Mixture) dead(c int) bool { return m.low[c] >= deadSteps }

// narrowest returns the smallest ratio of an sd of component c to that of the
// mixture, 1 if a component does not know its moments.
func (m *Mixture) narrowest(c int) float64 {
	own := m.work.sd
	q, ok := m.comps[c].(interface{ Sd(dst []float64) []float64 })
	if !ok || !m.moments(m.work.mean, m.work.variance) {
		return 1
	}
	q.Sd(own)
	ratio := 1.0
	for i, v := range m.work.variance {
		ratio = math.Min(ratio, own[i]/math.Sqrt(v))
	}
	return ratio
}

// watch is the part of Check that is cheap enough for a run, and reseeds.
func (m *Mixture) watch() (cond expfam.Condition) {
	k := len(m.comps)
	for c, w := range m.w {
		if w < deadWeight/float64(k) {
			m.low[c]++
		} else {
			m.low[c] = 0
		}
	}
	if m.steps%watchEvery != 0 || k == 1 {
		return 0
	}
	for c := range m.comps {
		if m.dead(c) {
			cond |= expfam.Collapsed
			if m.opts.Reseed {
				m.reseed(c)
			}
		} else if m.narrowest(c) < narrowSd {
			cond |= expfam.Collapsed
		}
	}
	return cond
}

// reseed makes component c, with half of its weight, a copy of the heaviest one
// and moves the two half an sd apart from where that was, to both sides along its
// longest axis. A copy that rounding makes improper leaves c as it is.
func (m *Mixture) reseed(c int) {
	top := m.order[0]
	mu, dir := make([]float64, m.dim), make([]float64, m.dim)
	cov := m.comps[top].(interface {
		Cov(*mat.SymDense) *mat.SymDense
	}).Cov(nil)
	m.comps[top].(interface{ Mean([]float64) []float64 }).Mean(mu)
	var eig mat.EigenSym
	if !eig.Factorize(cov, true) {
		return
	}
	var axes mat.Dense
	eig.VectorsTo(&axes)
	last := m.dim - 1
	half := 0.5 * math.Sqrt(math.Max(eig.Values(nil)[last], 0))
	for i := range dir {
		dir[i] = half * axes.At(i, last)
	}
	m.Natural(m.saved)
	to := make([]float64, m.dim)
	for s, i := range [...]int{top, c} {
		for j := range to {
			to[j] = mu[j] + (1-2*float64(s))*dir[j]
		}
		q, err := normalState(m.comps[i], to, cov)
		if err == nil {
			err = m.comps[i].SetNatural(q)
		}
		if err != nil {
			m.rollBack(len(m.comps))
			return
		}
	}
	both := m.logOdds[top] - math.Ln2
	m.logOdds[top], m.logOdds[c] = both, both
	m.low[c] = 0
	m.moves = 0
	if m.adam.mean != nil {
		for _, i := range [...]int{top, c} {
			clear(m.part(m.adam.mean, i))
			clear(m.part(m.adam.sq, i))
		}
	}
	k := len(m.comps) - 1
	for i := range m.logOdds[:k] {
		m.logOdds[i] -= m.logOdds[k]
	}
	m.logOdds[k] = 0
	m.setWeights()
}

// normalState returns the natural parameter of the member of the normal family of
// like with the given mean and covariance, whose diagonal is all that a diagonal one keeps.
func normalState(like Component, mu []float64, cov *mat.SymDense) ([]float64, error) {
	if _, ok := like.(*expfam.Normal); ok {
		q, err := expfam.NewNormal(mu, cov)
		if err != nil {
			return nil, err
		}
		return q.Natural(nil), nil
	}
	sd := make([]float64, len(mu))
	for i := range sd {
		sd[i] = math.Sqrt(cov.At(i, i))
	}
	q, err := expfam.NewDiagNormal(mu, sd)
	if err != nil {
		return nil, err
	}
	return q.Natural(nil), nil
}
