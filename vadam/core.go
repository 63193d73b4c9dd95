package vadam

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
)

// maxDraws bounds the draws of a step, which share one stream number per step.
const maxDraws = 1 << 16

// state is what a step moves: the means, the curvatures per datum and the momentum.
type state[T float] struct{ mu, s, m []T }

// objective is nn.Objective for both precisions.
type objective[T float] struct {
	grad     func(grad, w []T) (T, error)
	gradSq   func(grad, sq, w []T) (T, error)
	gradHess func(grad, hess, w []T) (T, error)
}

// core is the optimiser for both precisions. Between steps the slices of next
// are free: during a step next.mu holds the perturbed weights, next.s the noise, and
// next.m the gradient of one of several draws, until the new state overwrites them.
type core[T float] struct {
	set       Settings
	method    method
	seg       []segment
	cur, next state[T]
	g, q, one []T // mean gradient, curvature, curvature of one draw
	wide      []float64
	do        *kernels[T]
	pack      [8]T // the coefficients of a kernel
	pack6     [6]T
	t         int
	loss      float64
	clipped   int
}

// hyper are the numbers that schedules change, at one step.
type hyper struct {
	rate, rho, ess, prior float64
	n, c, before          float64 // scale of the state before the step
}

func newCore[T float](mu []T, s *Settings, do *kernels[T]) (*core[T], error) {
	if s == nil {
		s = &Settings{}
	}
	p := len(mu)
	set, seg, err := s.resolve(p)
	if err != nil {
		return nil, err
	}
	if p == 0 {
		return nil, set.Method.domain("length of mu", -1, 0, ">= 1")
	}
	for i, v := range mu {
		if v-v != 0 {
			return nil, set.Method.domain("mu", i, float64(v), "finite")
		}
	}
	set.Groups = append([]Group(nil), set.Groups...)
	set.PriorPrecs = nil // kept in seg
	vec := func() []T { return make([]T, p) }
	o := &core[T]{set: set, method: methods[set.Method], seg: seg, do: do, loss: nan, g: vec(), q: vec()}
	o.cur, o.next = state[T]{vec(), vec(), vec()}, state[T]{vec(), vec(), vec()}
	copy(o.cur.mu, mu)
	for _, sg := range seg {
		for i := sg.lo; i < sg.hi; i++ {
			o.cur.s[i] = T(sg.s0)
		}
	}
	if set.Draws > 1 && o.method.needsObjective() {
		o.one = vec()
	}
	if set.Noise != nil {
		o.wide = make([]float64, p)
	}
	if _, err := o.at(1); err != nil {
		return nil, err
	}
	return o, nil
}

func (m method) needsObjective() bool { return m.curv == exampleSquare || m.curv == hessian }

// at evaluates the schedules at step t.
func (o *core[T]) at(t int) (h hyper, err error) {
	s := &o.set
	factor := func(name string, f func(int) float64, low bool) float64 {
		if f == nil {
			return 1
		}
		v := f(t)
		if err == nil && (!(v >= 0) || math.IsInf(v, 0) || low && v == 0) {
			want := "finite and >= 0"
			if low {
				want = "finite and > 0"
			}
			err = &expfam.DomainError{Family: s.Method.String(), Func: "Step", Param: name, Index: t, Value: v, Want: want}
		}
		return v
	}
	h = hyper{
		rate:  s.Rate * factor("RateAt", s.RateAt, false),
		rho:   (1 - s.Beta2) * factor("CurvatureRateAt", s.CurvatureRateAt, false),
		ess:   s.ESS * factor("ESSAt", s.ESSAt, true),
		prior: factor("PriorAt", s.PriorAt, true),
	}
	if err == nil && h.rho*s.Temperature > 1 {
		err = &expfam.DomainError{Family: s.Method.String(), Func: "Step", Param: "CurvatureRateAt", Index: t, Value: h.rho, Want: "(1 - Beta2) times it <= 1 (and <= 1/Temperature)"}
	}
	return h, err
}

// scale returns n and c of the precisions P = n·s + c + λ·(prior factor) after t steps.
func (o *core[T]) scale(t int) (n, c, prior float64) {
	h, _ := o.at(max(t, 1))
	n, c, prior = h.ess, o.set.MinPrec, h.prior
	if o.set.Method == VadamSum {
		if t == 0 {
			return n, 0, 0
		}
		n /= -math.Expm1(float64(t) * math.Log1p(-h.rho))
	}
	return n, c, prior
}

// step draws weights, asks for their gradients and moves the state; it is
// committed only when all of it is finite.
func (o *core[T]) step(obj objective[T]) error {
	t := o.t + 1
	h, err := o.at(t)
	if err != nil {
		return err
	}
	if err := o.has(obj); err != nil {
		return err
	}
	h.n, h.c, h.before = o.scale(o.t)
	loss, err := o.estimate(obj, h, t)
	if err != nil {
		return err
	}
	clipped, err := o.move(h, t)
	if err != nil {
		return err
	}
	o.cur, o.next = o.next, o.cur
	o.t, o.loss, o.clipped = t, loss, clipped
	return nil
}

func (o *core[T]) has(obj objective[T]) error {
	missing := ""
	switch {
	case o.method.curv == exampleSquare && obj.gradSq == nil:
		missing = "GradSq"
	case o.method.curv == hessian && obj.gradHess == nil:
		missing = "GradHess"
	case !o.method.needsObjective() && obj.grad == nil:
		missing = "Grad"
	}
	if missing == "" {
		return nil
	}
	return &StepError{Method: o.set.Method, Step: o.t + 1, Draw: -1, What: "objective", Index: -1,
		Err: fmt.Errorf("the method needs Objective.%s, which is nil; the state is unchanged", missing)}
}

// estimate fills g with the gradient and q with the curvature, both averaged over
// the draws, and returns the mean loss.
func (o *core[T]) estimate(obj objective[T], h hyper, t int) (loss float64, err error) {
	w, eps, g := o.next.mu, o.next.s, o.g
	draws, curv := o.set.Draws, o.method.curv
	one := o.q
	if draws > 1 {
		g, one = o.next.m, o.one
		clear(o.g)
		clear(o.q)
	}
	if curv == none {
		w = o.cur.mu
	}
	c := T(1 / float64(draws))
	for k := range draws {
		switch {
		case curv == none:
		case o.set.Antithetic && k%2 == 1:
			mirror(w, eps, o.cur.mu)
		default:
			o.perturb(w, eps, h, t, k)
		}
		var l T
		switch curv {
		case exampleSquare:
			l, err = obj.gradSq(g, one, w)
		case hessian:
			l, err = obj.gradHess(g, one, w)
		default:
			l, err = obj.grad(g, w)
		}
		if err != nil {
			return 0, &StepError{Method: o.set.Method, Step: t, Draw: k, What: "objective", Index: -1, Err: err}
		}
		if l-l != 0 {
			return 0, o.refuse(t, k, "loss", float64(l), g)
		}
		loss += float64(l) / float64(draws)
		if draws > 1 {
			switch curv {
			case exampleSquare, hessian:
				o.do.accumulate(o.g, g, c)
				o.do.accumulate(o.q, one, c)
			case squaredGrad:
				o.do.accumulateProduct(o.g, o.q, g, g, c)
			case price:
				y := eps
				if o.set.GradSquared {
					y = g
				}
				o.do.accumulateProduct(o.g, o.q, g, y, c)
			default:
				o.do.accumulate(o.g, g, c)
			}
		}
	}
	return loss, nil
}

// noiseBlock is the number of weights that share a stream of normals.
const noiseBlock = 8192

// perturb makes w = μ + σε with the noise of draw k and leaves σε in eps.
func (o *core[T]) perturb(w, eps []T, h hyper, t, k int) {
	if o.set.Noise != nil {
		o.set.Noise(o.wide, t, k)
		for i, v := range o.wide {
			eps[i] = T(v)
		}
	}
	sg, stream := 0, uint64(t)*maxDraws+uint64(k)
	for lo := 0; lo < len(w); lo += noiseBlock {
		hi := min(lo+noiseBlock, len(w))
		if o.set.Noise == nil {
			o.do.normals(eps[lo:hi], o.set.Seed, stream+uint64(lo/noiseBlock)<<48)
		}
		for a := lo; a < hi; {
			g := &o.seg[sg]
			b := min(hi, g.hi)
			o.do.perturb(w[a:b], eps[a:b], o.cur.mu[a:b], o.cur.s[a:b], T(h.n), T(g.lam*h.before+h.c))
			if a = b; a == g.hi {
				sg++
			}
		}
	}
}

// block is the number of weights that a step takes at once, so that the curvature
// is read from the nearest cache.
const block = 4096

// curvature returns those of the weights [lo, hi): from q, or made of the mean
// gradient in scratch, where that is all that they need.
func (o *core[T]) curvature(lo, hi int) []T {
	curv := o.method.curv
	if curv != squaredMean && (o.set.Draws > 1 || curv == exampleSquare || curv == hessian) {
		return o.q[lo:hi]
	}
	q := o.q[:hi-lo]
	switch {
	case curv == none:
	case curv == price && !o.set.GradSquared:
		o.do.product(q, o.g[lo:hi], o.next.s[lo:hi])
	default:
		o.do.square(q, o.g[lo:hi])
	}
	return q
}

// move writes the state after step t to next.
func (o *core[T]) move(h hyper, t int) (clipped int, err error) {
	base := o.coefficients(h, t)
	var bad T
	for i := range o.seg {
		sg := &o.seg[i]
		c := base
		o.localise(&c, sg, h, t)
		switch o.set.Method {
		case VOGN, MomentumVOGN, VON:
			o.pack = [8]T{c.momentum, c.prior, c.rho, c.decay, c.rate, c.shift, c.fresh, 1 - c.fresh}
		case IVON:
			o.pack = [8]T{c.momentum, c.prior, c.rho, c.rate, c.n, c.lam, c.debias, c.clip}
		case Adam:
			o.pack6 = [6]T{c.momentum, c.prior, c.rho, c.rate, c.corrected, c.damp}
		default:
			o.pack = [8]T{c.momentum, c.prior, c.rho, c.decay, c.rate, c.corrected, c.offset, c.damp}
		}
		for lo := sg.lo; lo < sg.hi; lo += block {
			z, k := o.moveBlock(lo, min(lo+block, sg.hi))
			bad += z
			clipped += k
		}
	}
	if bad != 0 { // NaN
		err = o.refuseMove(t)
	}
	return clipped, err
}

func (o *core[T]) moveBlock(lo, hi int) (bad T, clipped int) {
	a, b := &o.cur, &o.next
	mu1, s1, m1, mu, s, m, g, q := b.mu[lo:hi], b.s[lo:hi], b.m[lo:hi], a.mu[lo:hi], a.s[lo:hi], a.m[lo:hi], o.g[lo:hi], o.curvature(lo, hi)
	switch o.set.Method {
	case VOGN, MomentumVOGN, VON:
		return o.do.newton(mu1, s1, m1, mu, s, m, g, q, &o.pack), 0
	case IVON:
		return o.do.ivon(mu1, s1, m1, mu, s, m, g, q, &o.pack)
	case Adam:
		return o.do.adam(mu1, s1, m1, mu, s, m, g, &o.pack6), 0
	}
	return o.do.root(mu1, s1, m1, mu, s, m, g, q, &o.pack), 0
}
