package vi

import (
	"errors"
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
)

// schedule decides over rate, averaging and stopping of a stochastic run.
//
// Steps are taken in windows of two halves. The iterates of each half are
// averaged in natural coordinates (their domain is convex, so averages are
// proper), giving a, b and the mean c of the two. Near the optimum the ELBO is a
// parabola and a, b scatter about it independently, so that
//
//	gap = ELBO(c) − ½(ELBO(a) + ELBO(b))
//
// estimates what noise still costs c: for scatter v, E‖a−b‖²/8 = v/4, as
// much as the expected loss of c. If b is above a by more than Tol, the standard
// error and the gap, the run still climbs and goes on from b. Otherwise it has
// settled: a gap of at most Tol, or below its own standard error, ends the run
// with c as the answer, never the last noisy iterate; else the rate is
// halved and the window doubled, which halves the gap. The ELBOs are compared pair by pair, see
// estimator.gap.
type schedule struct {
	auto    bool    // the rate is halved when settled; else the caller's rule holds
	rate    float64 // of the automatic rule
	window  int
	n       int // steps in this window
	settled bool
	// Steps taken back since the last whole window, and windows that lost the best average.
	retries, collapses int
	falls              int // windows that went the wrong way
	lastGap            float64
	a, b               []float64 // sums of η over the halves
	best               []float64 // average with the highest ELBO
	gaps               []float64 // its estimator.gap values
	work               []float64
}

const (
	// guardTries bounds the halvings of a guarded step: far out a gradient may be
	// too large by many orders of magnitude.
	guardTries = 60
	// unresolved is the standard error of an ELBO difference, in nats, above
	// which it shows nothing: the densities of the draws differ wildly.
	unresolved = 1

	// fallingErrs is the number of standard errors by which the second half of a
	// window must be below the first to say that the run goes the wrong way.
	fallingErrs = 3

	firstRate   = 0.5
	firstWindow = 64
	// slowWindow is the first window of a Pacer: components that share the work of a fit
	// drift for long after the noise has settled, and a short window does not see it.
	slowWindow = 256
	maxRetries = 20
)

func (s *schedule) init(n int, auto bool) {
	s.auto, s.rate, s.window = auto, firstRate, firstWindow
	s.a, s.b, s.work = make([]float64, n), make([]float64, n), make([]float64, n)
}

func (e *Engine) stepNoisy() (Record, error) {
	s := &e.sched
	if e.iter == 0 {
		if err := e.prime(); err != nil {
			return Record{}, err
		}
	}
	est, err := e.cur, error(nil)
	if !e.have {
		est, err = e.est.estimate(e.tan, e.iter)
		e.evals += est.evals
	}
	e.have = false
	if err != nil && isNonFinite(err) && e.iter > 0 && e.s.Traps&expfam.NonFinite == 0 {
		return e.goBack(err)
	}
	if err != nil {
		return Record{}, err
	}
	e.q.Natural(e.eta0)
	r := Record{ELBO: est.elbo, ELBOErr: est.err, Rate: s.rate}
	if !s.auto {
		if r.Rate, err = e.rate(e.iter); err != nil {
			return Record{}, err
		}
	}
	if q, ok := e.q.(RateLimiter); ok {
		if limit := q.MaxRate(e.tan); r.Rate > limit {
			r.Rate = limit
			r.Conditions |= expfam.Shortened
		}
	}
	if s.settled {
		var c expfam.Condition
		if c, err = e.q.Retract(e.tan, r.Rate); err != nil {
			return e.goBack(err)
		}
		r.Conditions |= c
	} else {
		err = e.guardedStep(&r)
	}
	if err != nil {
		return Record{}, e.undo(err, e.eta0)
	}
	e.q.Natural(s.work)
	half := s.a
	if s.n >= s.window/2 {
		half = s.b
	}
	for i, v := range s.work {
		half[i] += v
	}
	if s.n++; s.n < s.window {
		return r, nil
	}
	s.retries = 0
	if err := e.endWindow(); err != nil {
		return r, e.undo(err, e.eta0)
	}
	return r, nil
}

// maxPrimed is the largest dimension whose Hessian prime takes by differences.
const maxPrimed = 500

// prime moves a start at which draws tell nothing, because their densities
// differ by so much that one of them is the whole ELBO, by the Laplace method:
// what happens at the mean of q is tame where its tails are not. It keeps the start
// if that does not help.
func (e *Engine) prime() error {
	if _, ok := e.q.(Gaussian); !ok || e.method != Draws || e.t.Exact != nil || e.t.Grad == nil || e.t.Hess == nil && e.t.Dim > maxPrimed {
		return nil
	}
	at := func() (mean, se float64, err error) {
		g, err := e.est.gap(nil)
		e.evals += len(g)
		if err != nil && !isNonFinite(err) {
			return 0, 0, err
		}
		if err != nil {
			return math.Inf(-1), math.Inf(1), nil
		}
		mean, se = pairedDifference(g, make([]float64, len(g)))
		return mean, se, nil
	}
	mean, se, err := at()
	if err != nil || se <= unresolved*float64(e.t.Dim) {
		return err
	}
	t, cost := *e.t, 1
	if t.Hess == nil {
		cost = 2*t.Dim + 1
		t.Hess = t.hessian()
	}
	start := e.q.Natural(nil)
	sub, err := New(e.q, &t, &Settings{Method: Laplace, Tol: 0.1, Iterations: 100, Workers: e.s.Workers, Diagnostics: -1})
	if err != nil {
		return nil // a posterior without a mean: there is nothing to do
	}
	for sub.status == Running {
		if _, err := sub.Step(); isPanic(err) {
			return e.undo(err, start)
		} else if err != nil {
			break
		}
	}
	e.evals += cost * sub.evals
	if err := sub.restoreBest(); err != nil {
		return e.undo(err, start)
	}
	better, _, err := at()
	if err != nil || !(better > mean) {
		return e.undo(err, start)
	}
	return nil
}

// undo puts q back to the state eta and returns the error that made it necessary,
// which may be nil.
func (e *Engine) undo(cause error, eta []float64) error {
	if err := e.q.SetNatural(eta); err != nil {
		return errors.Join(cause, fmt.Errorf("vi: cannot return to the last good posterior: %w", err))
	}
	return cause
}

// goBack returns to the last good posterior, with a smaller rate, after a step
// at whose end the target was not finite.
func (e *Engine) goBack(cause error) (Record, error) {
	s := &e.sched
	back := s.best
	if back == nil {
		back = e.eta0
	}
	if err := e.q.SetNatural(back); err != nil {
		return Record{}, cause
	}
	if s.auto {
		s.rate /= 2
	}
	if s.retries++; s.retries > maxRetries {
		return Record{}, cause
	}
	return Record{ELBO: math.NaN(), Conditions: expfam.NonFinite | expfam.Shortened}, nil
}

// guardedStep takes a step of a run that has not settled yet and may be far
// from the optimum, where an estimate from a few draws can point anywhere: the
// step is judged by the draws of the next step, which it has not seen, before and
// after it, and halved while the ELBO falls by more than a nat a dimension. Cost:
// one more estimate a step; the one after it serves the next step.
func (e *Engine) guardedStep(r *Record) error {
	before, err := e.est.estimate(e.tanNew, e.iter+1)
	e.evals += before.evals
	if err != nil && !isNonFinite(err) {
		return err
	}
	floor := math.Inf(-1)
	if err == nil {
		floor = before.elbo - float64(e.t.Dim)
	}
	for range guardTries {
		cond, err := e.q.Retract(e.tan, r.Rate)
		r.Conditions |= cond
		if err == nil {
			after, err := e.est.estimate(e.tanNew, e.iter+1)
			e.evals += after.evals
			if err == nil && after.elbo >= floor {
				e.tan, e.tanNew = e.tanNew, e.tan
				e.cur, e.have = after, true
				return nil
			}
			if err != nil && !isNonFinite(err) {
				return err
			}
			if err := e.q.SetNatural(e.eta0); err != nil {
				return err
			}
		}
		r.Conditions |= expfam.Shortened
		r.Rate /= 2
	}
	r.Rate = 0 // no step; new draws next time
	return nil
}

func isPanic(err error) bool {
	var p *PanicError
	return errors.As(err, &p)
}

func isNonFinite(err error) bool {
	var nf *NonFiniteError
	return errors.As(err, &nf)
}

// endWindow judges the averages of the window that has just ended.
func (e *Engine) endWindow() error {
	s := &e.sched
	c := s.work
	for i := range c {
		s.a[i] /= float64(s.window / 2)
		s.b[i] /= float64(s.window - s.window/2)
		c[i] = (s.a[i] + s.b[i]) / 2
	}
	end := e.q.Natural(nil)
	ga, err := e.gapAt(s.a)
	var gb, gc []float64
	if err == nil {
		gb, err = e.gapAt(s.b)
	}
	if err == nil {
		gc, err = e.gapAt(c)
	}
	if err != nil {
		// The iterates still differ by so much that their average means nothing.
		if s.collapses++; s.collapses > maxRetries || isPanic(err) {
			return err
		}
		s.restart()
		copy(e.eta0, end)
		return e.q.SetNatural(end)
	}
	climb, se := pairedDifference(gb, ga)
	mid := make([]float64, len(ga))
	for i := range mid {
		mid[i] = (ga[i] + gb[i]) / 2
	}
	gap, gapErr := pairedDifference(gc, mid)
	climbing := climb > math.Max(math.Max(e.s.Tol, 2*se), 2*gap) || math.Max(se, gapErr) > unresolved
	falling := s.auto && climb < -math.Max(e.s.Tol, fallingErrs*se)
	next, gn := c, gc
	switch {
	case falling:
		next, gn = s.a, ga
	case climbing:
		next, gn = s.b, gb
	}
	better := true
	if s.best != nil {
		d, _ := pairedDifference(gn, s.gaps)
		if d < -float64(e.t.Dim) {
			return e.collapsed()
		}
		better = d > 0
	}
	if better {
		s.best, s.gaps = append(s.best[:0], next...), gn
	}
	if falling && s.falls < maxRetries {
		// Noise drives the run away from where it began the window.
		s.falls++
		s.rate /= 4
		s.restart()
		e.have = false
		return e.q.SetNatural(s.best)
	}
	// One small gap may be luck: the window before bounds it too.
	if left := math.Max(gap, s.lastGap/4); !climbing && s.lastGap > 0 && left <= math.Max(e.s.Tol, gapErr) {
		e.status = Converged
	}
	if err := e.q.SetNatural(next); err != nil {
		return err
	}
	if !climbing {
		s.settled = true
		s.lastGap = math.Max(gap, math.SmallestNonzeroFloat64)
		s.window *= 2
		if s.auto {
			s.rate /= 2
		}
	}
	s.restart()
	e.have = false // q has moved to an average
	return nil
}

// restart empties the window.
func (s *schedule) restart() {
	clear(s.a)
	clear(s.b)
	s.n = 0
}

// collapsed goes back to the best average after a window that lost it, with a
// smaller rate and guarded steps.
func (e *Engine) collapsed() error {
	s := &e.sched
	e.have = false
	s.restart()
	s.settled = false
	if s.auto {
		s.rate /= 2
	}
	if s.collapses++; s.collapses > maxRetries {
		e.giveUp(math.Inf(1))
	}
	return e.q.SetNatural(s.best)
}

func (e *Engine) gapAt(eta []float64) ([]float64, error) {
	if err := e.q.SetNatural(eta); err != nil {
		return nil, err
	}
	g, err := e.est.gap(nil)
	e.evals += len(g)
	return g, err
}

// pairedDifference returns mean(a − b) and its standard error.
func pairedDifference(a, b []float64) (diff, se float64) {
	n := float64(len(a))
	for i := range a {
		diff += (a[i] - b[i]) / n
	}
	if len(a) < 2 {
		return diff, 0
	}
	v := 0.0
	for i := range a {
		d := a[i] - b[i] - diff
		v += d * d
	}
	return diff, math.Sqrt(v / (n - 1) / n)
}
