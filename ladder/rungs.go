package ladder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/structured"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Largest dimensions at which Default tries a shape, by memory and time a step.
const (
	maxStart   = 200  // a Hessian at the start, by differences if need be
	maxFull    = 1000 // d²/2 numbers, d³ a step
	maxSkew    = 100
	maxMixture = 40 // K d²/2 numbers
	maxWide    = 8
	maxFew     = 10
	wide       = 3. // sds
	farMode    = 4. // sds
	minLowRank = 30 // below it a full covariance is as cheap
	rank       = 10
)

// Default returns the rungs that [Fit] climbs for a target of t's dimension d:
//
//	diagonal      mean field, O(d)
//	low-rank      covariance of rank 10 plus diagonal, O(10 d), for d > 30
//	full          any covariance, O(d²) memory, for d <= 1000
//	skew-normal   full with one direction of skewness, for d <= 100
//	modes(K)      the K > 1 modes that vi.Scout found, if it did, for d <= 40
//	mixture(K)    of K = 2, 4, 8 full normals, for d <= 40, and of 16 for d <= 10;
//	              there also from wide starts, which reach other modes, unless
//	              scouts have met at one mode
//
// start is the point about which vi.Scout looks for where to begin (nil: 0), seed that of the random
// choices in the starts of the others.
func Default(t *vi.Target, start []float64, seed uint64) []Rung {
	return defaults(context.Background(), t, start, seed)
}

// errSkip says that a rung does not apply.
var errSkip = errors.New("ladder: nothing to try here")

func defaults(ctx context.Context, t *vi.Target, start []float64, seed uint64) []Rung {
	d := t.Dim
	at := &scouted{ctx: ctx, t: t, start: start, seed: seed}
	rungs := []Rung{{Name: "diagonal", New: func([]Try) (vi.Posterior, error) { return at.diagonal() }}}
	if d > minLowRank {
		rungs = append(rungs, Rung{Name: fmt.Sprintf("low-rank(%d)", rank), New: func(tried []Try) (vi.Posterior, error) { return lowRank(tried, rank) }})
	}
	if d > 1 && d <= maxFull {
		rungs = append(rungs, Rung{Name: "full", New: func(tried []Try) (vi.Posterior, error) { return at.full(tried) }})
	}
	if grad := t.Problem().Grad; d <= maxSkew && grad != nil {
		rungs = append(rungs, Rung{Name: "skew-normal", New: func(tried []Try) (vi.Posterior, error) {
			n, err := normal(tried)
			if err != nil {
				return nil, err
			}
			ascent := func(dst, x []float64) float64 {
				grad(dst, x)
				for i := range dst {
					dst[i] = -dst[i]
				}
				return 0
			}
			return mixture.SkewNormalFrom(n, ascent, rand.New(rand.NewPCG(seed, 0)))
		}})
	}
	if d <= maxMixture {
		rungs = append(rungs, Rung{Name: "modes", Search: true, New: func([]Try) (vi.Posterior, error) { return at.mixture() }})
		for _, k := range []int{2, 4, 8, 16} {
			if k > maxWide && d > maxFew {
				continue
			}
			rungs = append(rungs, Rung{Name: fmt.Sprintf("mixture(%d)", k), New: func(tried []Try) (vi.Posterior, error) { return split(tried, k, seed) }})
			if d <= maxFew {
				rungs = append(rungs, Rung{Name: fmt.Sprintf("mixture(%d) wide", k), Search: true, New: func(tried []Try) (vi.Posterior, error) {
					if len(at.find()) == 1 {
						return nil, errSkip
					}
					return splitWide(tried, k, seed, start)
				}})
			}
		}
	}
	return rungs
}

// split is a mixture around the fitted normal.
func split(tried []Try, k int, seed uint64) (vi.Posterior, error) {
	n, err := normal(tried)
	if err != nil {
		return nil, err
	}
	return mixture.Split(n, k, rand.New(rand.NewPCG(seed, uint64(k)))), nil
}

// splitWide is a mixture around the start that reaches over the fitted normal,
// and at least one unit of every parameter: a normal knows only the mode to which it was fitted.
// One component is that normal, so that a look elsewhere does not lose what is known.
func splitWide(tried []Try, k int, seed uint64, start []float64) (vi.Posterior, error) {
	n, err := normal(tried)
	if err != nil {
		return nil, err
	}
	at := make([]float64, n.Dim())
	copy(at, start)
	cov, way := n.Cov(nil), n.Mean(nil)
	cov.ScaleSym(wide*wide, cov)
	for i := range at {
		cov.SetSym(i, i, cov.At(i, i)+1)
		way[i] -= at[i]
	}
	cov.SymRankOne(cov, 1, mat.NewVecDense(len(way), way))
	wideN, err := expfam.NewNormal(at, cov)
	if err != nil {
		return nil, err
	}
	m := mixture.Split(wideN, k, rand.New(rand.NewPCG(seed, uint64(k))))
	comps := []mixture.Component{n.Clone().(*expfam.Normal)}
	for c := 1; c < k; c++ {
		comps = append(comps, m.Component(c))
	}
	return mixture.New(nil, comps...)
}

// scouted holds the Laplace approximations at the modes that a short search finds, made
// when a rung asks for them.
type scouted struct {
	ctx   context.Context
	t     *vi.Target
	start []float64
	seed  uint64
	done  bool
	modes []*expfam.Normal
}

func (s *scouted) find() []*expfam.Normal {
	if !s.done && s.t.Dim <= maxStart && (s.t.Hess != nil || s.t.Grad != nil || s.t.Linear != nil) {
		s.modes, _ = vi.Scout(s.ctx, s.t, s.start, s.seed) // fits say what is wrong with a target
	}
	s.done = true
	return s.modes
}

// normal is that of the most massive mode, nil if there is none.
func (s *scouted) normal() *expfam.Normal {
	if modes := s.find(); len(modes) > 0 {
		return modes[0]
	}
	return nil
}

// mixture has a component at each mode. Scouts that met at one are sent out a second time:
// of two modes of equal mass, four climbs miss one in an eighth of the cases, eight in a hundredth.
func (s *scouted) mixture() (vi.Posterior, error) {
	modes := s.find()
	if len(modes) == 1 {
		more, err := vi.Scout(s.ctx, s.t, s.start, s.seed+1)
		if err != nil {
			return nil, errSkip
		}
		for _, n := range more {
			if far(modes[0], n) {
				modes = append(modes, n)
			}
		}
		s.modes = modes
	}
	if len(modes) < 2 {
		return nil, errSkip
	}
	var comps []mixture.Component
	for _, n := range modes {
		comps = append(comps, n.Clone().(*expfam.Normal))
	}
	return mixture.New(nil, comps...)
}

// far tells whether the mean of b is more than farMode sds of a away from a's.
func far(a, b *expfam.Normal) bool {
	way := b.Mean(nil)
	floats.Sub(way, a.Mean(nil))
	v := mat.NewVecDense(len(way), way)
	return mat.Inner(v, a.Precision(nil), v) > farMode*farMode
}

// diagonal is the optimum of the mean field for the scouted normal, a standard normal at
// the start where there is none.
func (s *scouted) diagonal() (vi.Posterior, error) {
	mu, sd := make([]float64, s.t.Dim), make([]float64, s.t.Dim)
	copy(mu, s.start)
	for i := range sd {
		sd[i] = 1
	}
	if n := s.normal(); n != nil {
		n.Mean(mu)
		p := n.Precision(nil)
		for i := range sd {
			sd[i] = 1 / math.Sqrt(p.At(i, i))
		}
	}
	return expfam.NewDiagNormal(mu, sd)
}

// errNoFit says that a rung is built on others, all of which have failed.
var errNoFit = errors.New("ladder: no simpler fit to start from")

// full is the scouted normal, or one with the moments of the last try.
func (s *scouted) full(tried []Try) (vi.Posterior, error) {
	if n := s.normal(); n != nil {
		return n.Clone().(*expfam.Normal), nil
	}
	return full(tried)
}

// lastOf returns the last posterior of the tries that has moments.
func lastOf(tried []Try) (mean, sd []float64, err error) {
	for i := len(tried) - 1; i >= 0; i-- {
		if !tried[i].usable() {
			continue
		}
		if q, ok := tried[i].Fit.Posterior.(interface {
			Mean(dst []float64) []float64
			Sd(dst []float64) []float64
		}); ok {
			return q.Mean(nil), q.Sd(nil), nil
		}
	}
	return nil, nil, errNoFit
}

func lowRank(tried []Try, k int) (vi.Posterior, error) {
	mean, sd, err := lastOf(tried)
	if err != nil {
		return nil, err
	}
	f, err := structured.Up(len(mean), k)
	if err != nil {
		return nil, err
	}
	// The diagonal of B in the layout of Up: the k×k block by rows, then the rest.
	v := f.Values(nil)
	for i, s := range sd {
		at := i*k + i
		if i >= k {
			at = k*k + i - k
		}
		v[at] = 1 / s
	}
	if err := f.SetValues(v); err != nil {
		return nil, err
	}
	return structured.New(mean, f)
}

func full(tried []Try) (vi.Posterior, error) {
	mean, sd, err := lastOf(tried)
	if err != nil {
		return nil, err
	}
	cov := mat.NewSymDense(len(mean), nil)
	for i, s := range sd {
		cov.SetSym(i, i, s*s)
	}
	return expfam.NewNormal(mean, cov)
}

// normal returns the last normal distribution with a full covariance, or one
// with the moments of the last try where there is none.
func normal(tried []Try) (*expfam.Normal, error) {
	for i := len(tried) - 1; i >= 0; i-- {
		if tried[i].usable() {
			if n, ok := tried[i].Fit.Posterior.(*expfam.Normal); ok {
				return n, nil
			}
		}
	}
	q, err := full(tried)
	if err != nil {
		return nil, err
	}
	return q.(*expfam.Normal), nil
}
