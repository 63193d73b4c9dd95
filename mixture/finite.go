package mixture

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// Component is one part of a [Mixture]. Every [expfam.Reparameterizable] family is
// one, products of them included, and so are the Gaussians of package structured and the
// normal variance-mean mixtures of this one but [StudentT], whose Tangent needs the
// mixing variable of its own draws.
//
// Some methods beyond these are used where a component has them:
//
//	LogProbHess(dst *mat.SymDense, x []float64) *mat.SymDense   ∇²_x log q_c
//	LogProbHessDiag(dst, x []float64) []float64                 its diagonal
//	RetractSecondOrder(tan []float64, rho float64) (expfam.Condition, error)
//	Mirror(dst, x []float64) []float64                          antithetic partners
//	Transform(dst, e []float64) []float64                       a draw from standard normal e
//	Mean, Sd, Cov, Entropy                                      for those of the mixture
//	EntropyTangent(dst []float64) (exact bool)                  if it returns false, Tangent
//	                                                            takes ∇ log q_c off by itself
//
// SetNatural may forget what a component remembers of its steps, such as momentum: so does a
// step of the mixture that fails.
type Component interface {
	Dim() int
	NumParams() int
	LogProb(x []float64) float64
	// Score writes ∇_x log q_c(x) to dst.
	Score(dst, x []float64) []float64
	Sample(dst []float64, rng *rand.Rand) []float64
	// Tangent adds w times the gradient of E[log target] in expectation coordinates,
	// as seen at the draw d of the component, to dst.
	Tangent(dst []float64, d *expfam.Draw, w float64)
	Retract(tan []float64, rho float64) (expfam.Condition, error)
	Natural(dst []float64) []float64
	SetNatural(eta []float64) error
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(b []byte) error
}

// Mixture is the finite mixture
//
//	q(z) = Σ_c π_c q_c(z),   c = 1 … K,
//
// as the marginal of a minimal conditional exponential family over (c, z) (Lin,
// Khan and Schmidt 2019, section 4). Its state, as Natural writes it, is
//
//	log(π_c/π_K), c < K;   the state of component 1;  …;  the state of component K.
//
// A step moves weights and components at once along the natural gradient of the
// joint over (c, z), whose Fisher matrix is block diagonal. That matrix is an upper
// bound of that of q(z) itself, so that steps are never longer than the marginal
// geometry would have them.
//
// Make one with [New] or [Split] and hand it to vi.Fit. Sample and LogProb may run concurrently; methods
// that change the mixture, Tangent and Check may not run beside any other.
type Mixture struct {
	comps []Component
	dim   int
	at    []int // component c has the entries at[c]:at[c+1] of a state
	opts  Options

	logOdds, logW, w []float64 // log(π_c/π_K) with a last entry of 0; log π_c; π_c
	order            []int     // components by decreasing weight
	cum              []float64 // their cumulative weights

	steps    int     // taken so far
	baseline float64 // mean of log p − log q in the last step's estimates, NaN before the first
	low      []int   // steps in a row with a weight below the floor
	tally    struct{ sum, weight float64 }
	adam     adamState
	moves    int       // steps with momentum since the last SetNatural
	move     []float64 // the last of them; counts only if there was one

	curv   curvature
	second []secondOrder // RetractSecondOrder of a component, nil if it has none
	mirror []mirrorer
	open   []bool // Tangent of the component subtracts ∇ log q_c itself
	saved  []float64
	work   tangentWork
}

type secondOrder interface {
	RetractSecondOrder(tan []float64, rho float64) (expfam.Condition, error)
}

type mirrorer interface {
	Mirror(dst, x []float64) []float64
}

type entropyTangenter interface {
	EntropyTangent(dst []float64) (exact bool)
}

type transformer interface {
	Transform(dst, e []float64) []float64
}

type hesser interface {
	LogProbHess(dst *mat.SymDense, x []float64) *mat.SymDense
}

type diagHesser interface {
	LogProbHessDiag(dst, x []float64) []float64
}

// curvature says how much of ∇² log q all components can tell.
type curvature int

const (
	noCurvature curvature = iota
	diagCurvature
	fullCurvature
)

// weightTol is how far weights may sum from 1, for those read from text.
const weightTol = 1e-6

// New returns the mixture of the components with the given weights, nil for equal
// ones. The mixture takes the components over: they move with it, and no two may be
// the same. It errs (*expfam.DomainError, or [*ComponentError] for a component that is
// nil, given twice, of another dimension or without differentiable draws) if there are none, their number is
// not that of the weights, or the weights are not positive numbers that sum to 1 (to
// 1e-6; they are normalised).
func New(weights []float64, components ...Component) (*Mixture, error) {
	k := len(components)
	if k == 0 {
		return nil, &expfam.DomainError{Family: "mixture", Func: "New", Param: "number of components", Index: -1, Value: 0, Want: ">= 1"}
	}
	if weights == nil {
		weights = make([]float64, k)
		for i := range weights {
			weights[i] = 1 / float64(k)
		}
	}
	if len(weights) != k {
		return nil, &expfam.DomainError{Family: "mixture", Func: "New", Param: "number of weights", Index: -1, Value: float64(len(weights)), Want: fmt.Sprintf("%d, one a component", k)}
	}
	sum := 0.0
	for i, w := range weights {
		if !(w > 0) || math.IsInf(w, 0) {
			return nil, &expfam.DomainError{Family: "mixture", Func: "New", Param: "weights", Index: i, Value: w, Want: "> 0"}
		}
		sum += w
	}
	if !(math.Abs(sum-1) <= weightTol) {
		return nil, &expfam.DomainError{Family: "mixture", Func: "New", Param: "sum of weights", Index: -1, Value: sum, Want: "1"}
	}
	m := &Mixture{comps: slices.Clone(components), at: []int{k - 1}, baseline: math.NaN()}
	for c, q := range components {
		switch {
		case q == nil || isNil(q):
			return nil, &ComponentError{"New", c, "nil, want a Component"}
		case q.Dim() != components[0].Dim():
			return nil, &ComponentError{"New", c, fmt.Sprintf("of dimension %d, want %d, that of component 0", q.Dim(), components[0].Dim())}
		case slices.Contains(components[:c], q):
			return nil, &ComponentError{"New", c, "given twice; want a component of its own (a Clone)"}
		}
		if _, ok := q.(*StudentT); ok {
			return nil, &ComponentError{"New", c, "a *mixture.StudentT, whose steps need the mixing variable of its own draws; want another family"}
		}
		if d, ok := q.(interface{ Differentiable() error }); ok {
			if err := d.Differentiable(); err != nil {
				return nil, &ComponentError{"New", c, "without differentiable draws: " + err.Error()}
			}
		}
		m.at = append(m.at, m.at[c]+q.NumParams())
	}
	m.dim = components[0].Dim()
	m.init()
	for c := range k {
		m.logOdds[c] = math.Log(weights[c]) - math.Log(weights[k-1])
	}
	m.logOdds[k-1] = 0
	m.setWeights()
	return m, nil
}

// isNil tells whether a component is a nil pointer, as of a constructor whose error
// was not looked at.
func isNil(q Component) bool {
	v := reflect.ValueOf(q)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// ComponentError says which component cannot be used, and why.
type ComponentError struct {
	Func  string // the function that refused
	Index int    // of the component, from 0
	Why   string
}

func (e *ComponentError) Error() string {
	return fmt.Sprintf("mixture: %s: component %d is %s", e.Func, e.Index, e.Why)
}

// init makes everything that follows from the components' types and sizes.
func (m *Mixture) init() {
	k := len(m.comps)
	m.logOdds, m.logW, m.w, m.cum = make([]float64, k), make([]float64, k), make([]float64, k), make([]float64, k)
	m.order, m.low = make([]int, k), make([]int, k)
	m.second, m.mirror, m.open = make([]secondOrder, k), make([]mirrorer, k), make([]bool, k)
	m.curv = fullCurvature
	diag := true
	for c, q := range m.comps {
		m.second[c], _ = q.(secondOrder)
		m.mirror[c], _ = q.(mirrorer)
		if e, ok := q.(entropyTangenter); ok {
			m.open[c] = !e.EntropyTangent(make([]float64, q.NumParams()))
		}
		if _, ok := q.(hesser); !ok {
			m.curv = noCurvature
		}
		if _, ok := q.(diagHesser); !ok {
			diag = false
		}
	}
	if diag {
		m.curv = diagCurvature
	}
	m.saved = make([]float64, m.NumParams())
	m.work.init(k, m.dim, m.NumParams(), m.curv)
}

// setWeights computes everything that follows from logOdds.
func (m *Mixture) setWeights() {
	top := slices.Max(m.logOdds)
	sum := 0.0
	for _, v := range m.logOdds {
		sum += math.Exp(v - top)
	}
	norm := top + math.Log(sum)
	for c, v := range m.logOdds {
		m.logW[c] = v - norm
		m.w[c] = math.Exp(m.logW[c])
		m.order[c] = c
	}
	slices.SortStableFunc(m.order, func(a, b int) int { return cmp.Compare(m.w[b], m.w[a]) })
	sum = 0
	for i, c := range m.order {
		sum += m.w[c]
		m.cum[i] = sum
	}
}

// pick returns the component at the quantile u of the weights in decreasing order.
func (m *Mixture) pick(u float64) int {
	for i, c := range m.order {
		if u <= m.cum[i] {
			return c
		}
	}
	return m.order[len(m.order)-1]
}

// K returns the number of components.
func (m *Mixture) K() int { return len(m.comps) }

// Dim returns the dimension of z.
func (m *Mixture) Dim() int { return m.dim }

// NumParams returns K − 1 plus the numbers of parameters of the components.
func (m *Mixture) NumParams() int { return m.at[len(m.comps)] }

// Component returns component c itself: to change it is to change the mixture.
func (m *Mixture) Component(c int) Component { return m.comps[c] }

// Params returns the entries of the state or tangent v that belong to component
// c, as a slice of v.
func (m *Mixture) Params(v []float64, c int) []float64 {
	checkLen("Mixture", "Params", "v", v, m.NumParams())
	return m.part(v, c)
}

func (m *Mixture) part(v []float64, c int) []float64 { return v[m.at[c]:m.at[c+1]:m.at[c+1]] }

// Weights writes π to dst.
func (m *Mixture) Weights(dst []float64) []float64 {
	dst = sized("Mixture", "Weights", dst, len(m.comps))
	copy(dst, m.w)
	return dst
}

// Natural writes the state, see [Mixture], to dst.
func (m *Mixture) Natural(dst []float64) []float64 {
	dst = sized("Mixture", "Natural", dst, m.NumParams())
	copy(dst, m.logOdds[:len(m.comps)-1])
	for c, q := range m.comps {
		q.Natural(m.part(dst, c))
	}
	return dst
}

// SetNatural moves the mixture to the state eta and forgets its momentum. It errs, and changes nothing, if
// a log-odds is not finite or a component refuses its part.
func (m *Mixture) SetNatural(eta []float64) error {
	checkLen("Mixture", "SetNatural", "eta", eta, m.NumParams())
	if err := m.checkOdds("SetNatural", "log-odds", eta); err != nil {
		return err
	}
	m.Natural(m.saved)
	for c, q := range m.comps {
		if err := q.SetNatural(m.part(eta, c)); err != nil {
			m.rollBack(c)
			return fmt.Errorf("mixture: component %d: %w", c, err)
		}
	}
	copy(m.logOdds, eta[:len(m.comps)-1])
	m.setWeights()
	m.tally.sum, m.tally.weight = 0, 0
	m.moves = 0
	return nil
}

// checkOdds errs unless the first K − 1 entries of v are finite.
func (m *Mixture) checkOdds(fn, param string, v []float64) error {
	if i := firstBad(v[:len(m.comps)-1]); i >= 0 {
		return &expfam.DomainError{Family: "mixture", Func: fn, Param: param, Index: i, Value: v[i], Want: "finite"}
	}
	return nil
}

// rollBack returns the first n components to m.saved, where they were.
func (m *Mixture) rollBack(n int) {
	for c, q := range m.comps[:n] {
		if err := q.SetNatural(m.part(m.saved, c)); err != nil {
			panic("mixture: a component refuses its own state: " + err.Error())
		}
	}
}

// LogProb returns log Σ π_c q_c(x), −Inf outside all supports.
func (m *Mixture) LogProb(x []float64) float64 {
	top, sum := math.Inf(-1), 0.0
	for c, q := range m.comps {
		switch v := m.logW[c] + q.LogProb(x); {
		case math.IsInf(v, -1):
		case v <= top:
			sum += math.Exp(v - top)
		default:
			sum = sum*math.Exp(top-v) + 1
			top = v
		}
	}
	if sum == 0 {
		return top
	}
	return top + math.Log(sum)
}

// Sample writes one draw to dst.
func (m *Mixture) Sample(dst []float64, rng *rand.Rand) []float64 {
	return m.comps[m.pick(rng.Float64())].Sample(dst, rng)
}

// Transform writes the draw that u in [0, 1] and the standard normals e make to
// dst and returns its component: the one at quantile u of the weights in decreasing
// order, ties in their own order; the draw is that component's Transform of e, for
// a normal one μ_c + U⁻¹e with precision U'U. dst may be e. It panics if
// the component has no Transform.
func (m *Mixture) Transform(dst, e []float64, u float64) ([]float64, int) {
	c := m.pick(u)
	t, ok := m.comps[c].(transformer)
	if !ok {
		panic(fmt.Sprintf("mixture: Mixture.Transform: component %d, a %T, has no Transform", c, m.comps[c]))
	}
	return t.Transform(dst, e), c
}

// SampleStep fills X of all draws, in pairs. The components of the pairs are
// chosen by one uniform number and equal steps through the cumulative weights, so
// that each gets within one pair of its share; the members of a pair are of the same
// component, mirror images about its centre if it has one.
func (m *Mixture) SampleStep(draws []expfam.Draw, rng *rand.Rand) {
	pairs := (len(draws) + 1) / 2
	u := rng.Float64()
	for k := range pairs {
		c := m.pick((float64(k) + u) / float64(pairs))
		q := m.comps[c]
		x := draws[2*k].X
		q.Sample(x, rng)
		if 2*k+1 == len(draws) {
			break
		}
		if r := m.mirror[c]; r != nil {
			r.Mirror(draws[2*k+1].X, x)
		} else {
			q.Sample(draws[2*k+1].X, rng)
		}
	}
}
