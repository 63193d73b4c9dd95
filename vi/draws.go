package vi

import (
	"fmt"
	"math"
	"runtime/debug"
	"sync"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// draws estimates the step from draws of q in antithetic pairs: Price's
// estimator with Hessians, Stein's with gradients alone.
//
// Draws are made, and added up, one after the other; only the target's
// functions run in workers. So the result does not depend on their number.
type draws struct {
	q       Tangenter
	mirror  Mirrorer // nil: plain draws
	t       *Target
	seed    uint64
	slots   []drawSlot
	workers int
	idx     []int // rows of the batch, nil for all
	scale   float64
	run     []func()
	wg      sync.WaitGroup
	rng     stream
}

type drawSlot struct {
	expfam.Draw
	lik  []float64
	grad *mat.Dense
	err  error
}

const (
	gapDraws = 128
	minDraws = 8 // a step, unless the caller says otherwise
	maxDraws = 64
)

func newDraws(e *Engine) (*draws, error) {
	q, ok := e.q.(Tangenter)
	if !ok {
		return nil, &SettingError{"the posterior", fmt.Sprintf("%T", e.q), "a vi.Tangenter for the Draws method"}
	}
	t := e.t
	batch := e.s.Batch > 0
	switch {
	case batch && (t.LogPrior == nil || t.LogLik == nil || t.LogLikGrad == nil):
		return nil, &SettingError{"Settings.Batch", e.s.Batch, "0, or Target.LogPrior, LogLik and LogLikGrad"}
	case !batch && t.Grad == nil && t.Hess == nil:
		return nil, &SettingError{"Target.Grad", "nil", "a gradient (or Target.Hess, Linear or Conjugate)"}
	case t.LogProb == nil:
		return nil, &SettingError{"Target.LogProb", "nil", "the log density"}
	}
	n := e.s.Draws
	if n == 0 {
		n = min(max(minDraws, 4*t.Dim), maxDraws)
	}
	d := &draws{q: q, t: t, seed: e.s.Seed, scale: 1, workers: max(1, e.s.Workers)}
	if m, ok := e.q.(Mirrorer); ok {
		d.mirror, n = m, n+n%2
	}
	if batch {
		d.idx, d.scale = make([]int, e.s.Batch), float64(t.N)/float64(e.s.Batch)
	}
	for range n {
		s := drawSlot{Draw: expfam.Draw{X: make([]float64, t.Dim), Grad: make([]float64, t.Dim)}}
		if batch {
			s.lik, s.grad = make([]float64, e.s.Batch), mat.NewDense(e.s.Batch, t.Dim, nil)
		} else if t.Hess != nil {
			s.Hess = mat.NewSymDense(t.Dim, nil)
		}
		d.slots = append(d.slots, s)
	}
	d.workers = min(d.workers, n)
	for w := range d.workers {
		d.run = append(d.run, func() {
			defer d.wg.Done()
			for i := w; i < len(d.slots); i += d.workers {
				d.eval(&d.slots[i])
			}
		})
	}
	return d, nil
}

func (d *draws) eval(s *drawSlot) {
	s.err = nil
	defer func() {
		if r := recover(); r != nil {
			s.err = &PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	switch {
	case d.idx != nil:
		s.LogP = d.t.LogPrior(s.Grad, s.X)
		d.t.LogLik(s.lik, s.X, d.idx)
		d.t.LogLikGrad(s.grad, s.X, d.idx)
		s.LogP += d.scale * sum(s.lik)
		for i := range s.lik {
			axpy(s.Grad, d.scale, s.grad.RawRowView(i))
		}
	case s.Hess != nil:
		s.LogP = d.t.Hess(s.Hess, s.Grad, s.X)
	default:
		s.LogP = d.t.Grad(s.Grad, s.X)
	}
	s.err = checkFinite("the log density", s.LogP, s.Grad, s.X, d.t.Names)
	if s.err == nil && s.Hess != nil {
		s.err = checkHess(s.Hess, s.X)
	}
}

func (d *draws) estimate(tan []float64, iter int) (estimate, error) {
	for k := 0; k < len(d.slots); k++ {
		s := &d.slots[k]
		d.q.Sample(s.X, d.rng.at(d.seed, streamDraws, uint64(iter)<<16|uint64(k)))
		if d.mirror != nil {
			d.mirror.Mirror(d.slots[k+1].X, s.X)
			k++
		}
	}
	if d.idx != nil {
		strata(d.idx, d.t.N, d.rng.at(d.seed, streamBatch, uint64(iter)))
	}
	d.wg.Add(d.workers)
	for w := 1; w < d.workers; w++ {
		go d.run[w]()
	}
	d.run[0]()
	d.wg.Wait()

	n := len(d.slots)
	out := estimate{evals: n, fit: math.NaN(), prior: math.NaN()}
	clear(tan)
	for k := range d.slots {
		s := &d.slots[k]
		if s.err != nil {
			return out, s.err
		}
		s.LogQ = d.q.LogProb(s.X)
		d.q.Tangent(tan, &s.Draw, 1/float64(n))
		out.elbo += (s.LogP - s.LogQ) / float64(n)
	}
	d.q.EntropyTangent(tan)
	// Pairs are independent of each other, their members are not.
	pair := 1
	if d.mirror != nil {
		pair = 2
	}
	if m := n / pair; m > 1 {
		v := 0.0
		for k := 0; k < n; k += pair {
			x := 0.0
			for _, s := range d.slots[k : k+pair] {
				x += (s.LogP - s.LogQ) / float64(pair)
			}
			v += (x - out.elbo) * (x - out.elbo)
		}
		out.err = math.Sqrt(v / float64(m-1) / float64(m))
	} else {
		out.err = math.Inf(1)
	}
	return out, nil
}

func (d *draws) gap(dst []float64) ([]float64, error) {
	x := make([]float64, d.t.Dim)
	for k := range gapDraws {
		d.q.Sample(x, d.rng.at(d.seed, streamGap, uint64(k)))
		v, err := protect(func() float64 { return d.t.LogProb(x) })
		if err == nil && !finite(v) {
			err = &NonFiniteError{What: "the log density", Value: v, At: x}
		}
		if err != nil {
			return dst, err
		}
		dst = append(dst, v-d.q.LogProb(x))
	}
	return dst, nil
}

// protect turns a panic of f into an error.
func protect(f func() float64) (v float64, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	return f(), nil
}

// checkFinite returns a NonFiniteError that names the first bad entry.
func checkFinite(what string, v float64, grad, at []float64, names []string) error {
	bad := func(what string, v float64) error {
		return &NonFiniteError{What: what, Value: v, At: append([]float64(nil), at...)}
	}
	if !finite(v) {
		return bad(what, v)
	}
	for i, g := range grad {
		if !finite(g) {
			return bad("the gradient of "+nameOf(names, i), g)
		}
	}
	return nil
}

// checkHess returns a NonFiniteError for the first bad entry of a Hessian.
func checkHess(h *mat.SymDense, at []float64) error {
	raw := h.RawSymmetric()
	for i := range raw.N {
		for _, v := range raw.Data[i*raw.Stride+i : i*raw.Stride+raw.N] {
			if !finite(v) {
				return &NonFiniteError{What: "the Hessian of the log density", Value: v, At: append([]float64(nil), at...)}
			}
		}
	}
	return nil
}

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("theta[%d]", i)
}
