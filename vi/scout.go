package vi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

const (
	// scouts is the number of points from which Scout climbs.
	scouts = 4
	// scoutPool is the number of random points of which the best is one of them.
	scoutPool = 8
	// scoutSpread is the standard deviation of those about x0.
	scoutSpread = 2
	// scoutSteps bounds the evaluations of a climb, with as many again per dimension.
	scoutSteps = 100
	// sameMode is the squared distance, in sds of the normal at a maximum, within which another climb
	// has found the same one.
	sameMode = 16
	// littleMass is the difference of log masses from which a maximum is left out.
	littleMass = 7
	// polishSteps bounds the Newton steps at the end, polished is the gain in nats that ends them.
	polishSteps = 8
	polished    = 1e-6
)

// Scout looks for the modes of log p where nothing is known but a rough point x0 (nil means 0): it
// returns the Laplace approximations, see [Start], at the different maxima that BFGS finds from x0 and from three
// points N(x0, 2²), each the best of eight, the one that holds most mass first, by the
// log evidence log p(D, x̂) + (d/2) log 2π − ½ log|−∇² log p| of each: a narrow peak may be higher
// than the mode that holds the mass. Maxima of less than a thousandth of the first one's mass are left out. It needs a
// gradient, and costs one or two hundred of them a climb and 2·Dim for each maximum. Where the density has no maximum, or a distant
// one, the point is one where a fit can begin. It errs if no climb finds a finite density.
func Scout(ctx context.Context, t *Target, x0 []float64, seed uint64) ([]*expfam.Normal, error) {
	if x0 == nil {
		x0 = make([]float64, t.Dim)
	}
	if len(x0) != t.Dim {
		return nil, fmt.Errorf("vi: Scout: length of x0 is %d, want Target.Dim = %d", len(x0), t.Dim)
	}
	p := t.Problem()
	if p.Func == nil || p.Grad == nil {
		return nil, &SettingError{"Target.Grad", "nil", "a gradient (or Target.Hess or Linear) for Scout"}
	}
	p.Hess = nil
	caught := guardProblem(&p)
	p.Status = func() (optimize.Status, error) {
		if e := caught.Load(); e != nil {
			return optimize.Failure, e
		}
		if ctx.Err() != nil {
			return optimize.Failure, ctx.Err()
		}
		return optimize.NotTerminated, nil
	}
	var found []scouted
	var errs []error
	for k := range scouts {
		x, ok := scoutFrom(&p, x0, seed, k)
		if e := caught.Load(); e != nil {
			return nil, e
		}
		if !ok {
			continue
		}
		res, err := optimize.Minimize(p, x, &optimize.Settings{
			FuncEvaluations: scoutSteps + t.Dim, GradEvaluations: scoutSteps + t.Dim,
			Converger: &optimize.FunctionConverge{Absolute: 0.01, Iterations: 5},
		}, &optimize.BFGS{})
		if e := caught.Load(); e != nil {
			return nil, e
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("vi: Scout: %w", ctx.Err())
		}
		if res == nil || !finite(res.F) {
			errs = append(errs, err)
			continue
		}
		if known(found, res.X) {
			continue
		}
		n, err := Start(t, res.X)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		n = polish(t, &p, n)
		if e := caught.Load(); e != nil {
			return nil, e
		}
		// The normal has the entropy (d/2) log 2πe − ½ log|S|.
		if at := n.Mean(nil); !known(found, at) {
			found = append(found, scouted{n, n.Precision(nil), n.Entropy() - float64(t.Dim)/2 - p.Func(at)})
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("vi: Scout: no maximum with a finite log density found: %w", errors.Join(errs...))
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].evidence > found[j].evidence })
	var out []*expfam.Normal
	for _, f := range found {
		if f.evidence > found[0].evidence-littleMass {
			out = append(out, f.n)
		}
	}
	return out, nil
}

// scouted is a maximum that a climb found.
type scouted struct {
	n        *expfam.Normal
	p        *mat.SymDense // precision
	evidence float64
}

// polish takes Newton steps from the mean of n while they raise the log density, so that directions
// that are flat beside others are at their maximum too: a mean field may not find it.
func polish(t *Target, p *optimize.Problem, n *expfam.Normal) *expfam.Normal {
	g := make([]float64, t.Dim)
	for range polishSteps {
		x := n.Mean(nil)
		p.Grad(g, x)
		step := mat.NewVecDense(t.Dim, nil)
		step.MulVec(n.Cov(nil), mat.NewVecDense(t.Dim, g))
		gain, v := floats.Dot(g, step.RawVector().Data)/2, p.Func(x)
		if !(gain > polished) {
			return n
		}
		floats.Sub(x, step.RawVector().Data)
		if !(p.Func(x) < v) {
			return n
		}
		next, err := Start(t, x)
		if err != nil {
			return n
		}
		n = next
	}
	return n
}

// known tells whether x belongs to a maximum that has been found.
func known(found []scouted, x []float64) bool {
	for _, f := range found {
		way := f.n.Mean(nil)
		floats.Sub(way, x)
		v := mat.NewVecDense(len(way), way)
		if mat.Inner(v, f.p, v) < sameMode {
			return true
		}
	}
	return false
}

// scoutFrom returns the start of climb k, x0 for the first; false if log p is not finite there.
func scoutFrom(p *optimize.Problem, x0 []float64, seed uint64, k int) ([]float64, bool) {
	best := append([]float64(nil), x0...)
	if k == 0 {
		return best, finite(p.Func(best))
	}
	var s stream
	low := math.Inf(1)
	x := make([]float64, len(x0))
	rng := s.at(seed, streamScout, uint64(k))
	for range scoutPool {
		for i, m := range x0 {
			x[i] = m + scoutSpread*rng.NormFloat64()
		}
		if v := p.Func(x); v < low && finite(v) {
			low = v
			copy(best, x)
		}
	}
	return best, finite(low)
}
