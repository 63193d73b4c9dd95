package vi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/natgrad/natgrad/expfam"
)

// Engine is a fit under way. The loop of [Fit] is a convenience over Step.
// An Engine is not safe for concurrent use.
type Engine struct {
	q      Posterior
	t      *Target
	s      Settings
	est    estimator
	method Method
	noisy  bool    // the estimate changes from step to step
	fixed  *fixed  // draws that do not, nil for other estimators
	gamma  float64 // weight of the entropy

	iter, evals int
	conds       expfam.Condition
	status      Status
	err         error
	trace       []Record

	tan, tanNew, eta0 []float64
	work              []float64
	cur               estimate // at q, for deterministic problems
	have              bool     // cur and tan belong to q
	prevGain          float64
	best              bestIterate
	sched             schedule
	result            *Result
}

// estimate is what an estimator saw at q.
type estimate struct {
	elbo, err  float64
	fit, prior float64 // parts of E[log p]; NaN if the target does not tell them apart
	evals      int     // evaluations of the log density or of all its rows
}

// estimator fills tan with the gradient of the ELBO in expectation coordinates.
type estimator interface {
	estimate(tan []float64, iter int) (estimate, error)
	// gap returns ELBO contributions of q on draws or data that are the same at
	// every call, so that two posteriors are compared pair by pair; a single
	// value means that there is no noise.
	gap(dst []float64) ([]float64, error)
}

type bestIterate struct {
	eta  []float64
	elbo float64
	set  bool
}

// Fit moves q to the best approximation of the target within its family and
// reports how good it is. q is changed in place. When ctx ends the run, Fit
// returns the result so far together with an error that wraps ctx.Err(); other
// errors that occur during the run come with a Result as well.
func Fit(ctx context.Context, q Posterior, t *Target, s *Settings) (*Result, error) {
	e, err := New(q, t, s)
	if err != nil {
		return nil, err
	}
	return e.Run(ctx)
}

// New checks that target, posterior and settings go together and prepares a
// run that starts at q.
func New(q Posterior, t *Target, s *Settings) (*Engine, error) {
	if v := reflect.ValueOf(q); q == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		// A nil pointer is what a constructor returns with an error that was not looked at.
		return nil, &SettingError{"the posterior", nil, "a Posterior"}
	}
	if t == nil {
		return nil, &SettingError{"the target", nil, "a *Target"}
	}
	e := &Engine{q: q, t: t.complete()}
	if s != nil {
		e.s = *s
	}
	if err := e.checkSettings(); err != nil {
		return nil, err
	}
	switch {
	case e.s.EntropyWeight == 0:
		e.gamma = 1
	case e.s.EntropyWeight > 0:
		e.gamma = e.s.EntropyWeight
	}
	if err := e.chooseMethod(); err != nil {
		return nil, err
	}
	e.noisy = (e.method == Draws || e.method == GradientFree || e.s.Batch > 0) && e.fixed == nil
	if e.gamma != 1 && e.method != Draws && e.method != GradientFree && e.method != Exact {
		return nil, &SettingError{"Settings.EntropyWeight", e.s.EntropyWeight, "0 for the method " + e.method.String()}
	}
	n := q.NumParams()
	e.tan = make([]float64, n)
	if !e.s.Plain || !e.noisy { // a plain noisy step needs no other state than its tangent
		e.tanNew, e.eta0, e.work = make([]float64, n), make([]float64, n), make([]float64, n)
		e.sched.init(n, e.s.Rate == nil)
	}
	if p, ok := q.(Pacer); ok {
		e.sched.rate = p.FirstRate()
		e.sched.window = slowWindow
		if !(e.sched.rate > 0 && e.sched.rate <= 1) {
			return nil, &SettingError{"the posterior's FirstRate", e.sched.rate, "in (0, 1]"}
		}
	}
	deterministic := !e.noisy && e.fixed == nil
	if e.s.Iterations == 0 {
		e.s.Iterations = 500
		if !deterministic {
			e.s.Iterations = 20000
		}
	}
	if e.s.Tol == 0 {
		e.s.Tol = 1e-8
		if !deterministic {
			e.s.Tol = 0.01
		}
	}
	e.trace = make([]Record, 0, min(e.s.Iterations, 1024))
	return e, nil
}

// chooseMethod builds the estimator, or says which field or capability is missing.
func (e *Engine) chooseMethod() error {
	var firstErr error
	try := func(m Method, build func() (estimator, error)) bool {
		if e.s.Method != Auto && e.s.Method != m {
			return false
		}
		est, err := build()
		if err != nil {
			// With Auto, the last refusal is the one about draws, which asks for least.
			firstErr = err
			return false
		}
		e.est, e.method = est, m
		return true
	}
	switch {
	case try(ConjugateForm, func() (estimator, error) { return newConjugate(e) }):
	case try(Quadrature, func() (estimator, error) { return newQuadrature(e) }):
	case e.t.Exact != nil && e.t.Grad == nil && e.t.Hess == nil && try(Exact, func() (estimator, error) { return newExact(e) }):
	case try(Draws, func() (estimator, error) { return e.newDraws() }):
	case e.s.Method == Exact && try(Exact, func() (estimator, error) { return newExact(e) }):
	case e.s.Method == GradientFree && try(GradientFree, func() (estimator, error) { return newGradientFree(e) }):
	case e.s.Method != Auto && try(Laplace, func() (estimator, error) { return newLaplace(e) }):
	case firstErr != nil:
		return firstErr
	default:
		return &SettingError{"Settings.Method", e.s.Method, "Auto, Quadrature, Draws, ConjugateForm, Laplace, GradientFree or Exact"}
	}
	return nil
}

// newDraws is the estimator of the Draws method.
func (e *Engine) newDraws() (estimator, error) {
	d, err := newDraws(e)
	if err != nil {
		return nil, err
	}
	if e.fixed = newFixed(e, d); e.fixed != nil {
		return e.fixed, nil
	}
	return d, nil
}

// Posterior returns the posterior that the engine moves.
func (e *Engine) Posterior() Posterior { return e.q }

// Status tells whether the run goes on.
func (e *Engine) Status() Status { return e.status }

// Iterations returns the number of steps taken.
func (e *Engine) Iterations() int { return e.iter }

// Step takes one natural-gradient step. It returns an error, and leaves the
// posterior as it was, if the target is not finite at it or if no admissible
// step exists; an error after the step, if a trapped condition occurred or the
// Recorder refused it.
//
// A deterministic step with the default rate starts from ρ = 1 and halves ρ
// until the ELBO does not fall. Cost: one pass over the target an attempt.
func (e *Engine) Step() (Record, error) {
	if e.status != Running {
		return Record{}, fmt.Errorf("vi: Engine.Step: the run has ended (%s)", e.status)
	}
	var r Record
	var err error
	switch {
	case e.noisy && e.s.Plain:
		r, err = e.stepPlain()
	case e.noisy:
		r, err = e.stepNoisy()
	case e.fixed != nil:
		r, err = e.stepFixed()
	default:
		r, err = e.stepExact()
	}
	if err != nil {
		e.status, e.err = Failed, err
		return r, err
	}
	e.iter++
	r.Iteration = e.iter
	e.conds |= r.Conditions
	e.trace = append(e.trace, r)
	if t := r.Conditions & e.s.Traps; t != 0 {
		e.status, e.err = Failed, &TrapError{t, e.iter}
		return r, e.err
	}
	if e.s.Recorder != nil {
		if err := e.record(r); err != nil {
			e.status, e.err = Failed, fmt.Errorf("vi: Settings.Recorder at step %d: %w", e.iter, err)
			return r, e.err
		}
	}
	if e.status == Running && e.iter >= e.s.Iterations {
		e.status = IterationLimit
		e.conds |= expfam.NotConverged
	}
	return r, nil
}

// roundOff is a bound on the rounding error of an ELBO.
func roundOff(elbo float64) float64 { return 1e-12 + 1e-13*math.Abs(elbo) }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// stepPlain takes a noisy step as it comes.
func (e *Engine) stepPlain() (Record, error) {
	rho, err := e.rate(e.iter)
	if err != nil {
		return Record{}, err
	}
	est, err := e.est.estimate(e.tan, e.iter)
	e.evals += est.evals
	if err != nil {
		return Record{}, err
	}
	r := Record{ELBO: est.elbo, ELBOErr: est.err, Rate: rho}
	r.Conditions, err = e.q.Retract(e.tan, r.Rate)
	return r, err
}

func (e *Engine) stepExact() (Record, error) {
	if !e.have {
		est, err := e.est.estimate(e.tan, e.iter)
		e.evals += est.evals
		if err != nil {
			return Record{}, err
		}
		e.cur, e.have = est, true
	}
	e.q.Natural(e.eta0)
	rho, search := 1.0, e.s.Rate == nil
	dir := e.direction()
	slope := e.slope(e.tan, dir)
	if !search {
		var err error
		if rho, err = e.rate(e.iter); err != nil {
			return Record{}, err
		}
	}
	var r Record
	for try := 0; ; try++ {
		cond, err := e.q.Retract(dir, rho)
		var est estimate
		if err == nil {
			est, err = e.est.estimate(e.tanNew, e.iter)
			e.evals += est.evals
			if err == nil && (!search || e.rises(est, dir, slope, try < searchTries)) {
				r = Record{ELBO: est.elbo, ELBOErr: est.err, Rate: rho, Conditions: r.Conditions | cond}
				stuck := search && est.elbo-e.cur.elbo < e.s.Tol && (try >= searchTries || try >= creepTries && slope < resolution)
				e.settle(est, rho, &r)
				if stuck {
					e.giveUp(slope)
				}
				return r, nil
			}
			if back := e.undo(nil, e.eta0); back != nil {
				return r, errors.Join(err, back)
			}
		}
		if err != nil && (!search || est.evals > 0 && !isNonFinite(err)) {
			return r, err
		}
		if err == nil && (try == maxTries || try >= searchTries && slope < resolution) {
			r.ELBO, r.Rate = e.cur.elbo, 0
			e.giveUp(slope)
			return r, nil
		}
		if try == maxTries {
			return r, err
		}
		r.Conditions |= expfam.Shortened
		rho /= 2
	}
}

// slope returns tan'F dir, the rate at which the ELBO rises at q along dir when
// tan is its natural gradient there; NaN if the posterior has no Fisher matrix
// or the objective is not the ELBO.
func (e *Engine) slope(tan, dir []float64) float64 {
	d, ok := e.q.(interface {
		FisherMul(dst, v []float64) []float64
	})
	if !ok || e.method == Laplace {
		return math.NaN()
	}
	d.FisherMul(e.work, dir)
	s, size := 0.0, 0.0
	for i, v := range tan {
		s += v * e.work[i]
		size += math.Abs(v * e.work[i])
	}
	if math.Abs(s) < 1e-12*size {
		return math.NaN() // nothing but rounding
	}
	return s
}

const (
	// maxTries bounds the halvings of a step.
	maxTries = 50
	// resolution is the slope, in nats, below which an ELBO that does not rise
	// counts as maximal: twice the gain that a quadratic would have left.
	resolution = 1e-2
)

// giveUp ends a run in which no step of any size raises the ELBO: it is at its
// maximum, as far as the estimate resolves it, or the estimate is no gradient of it.
func (e *Engine) giveUp(slope float64) {
	e.status = Converged
	if slope > resolution {
		e.status = Stalled
		e.conds |= expfam.NotConverged
	}
}

const (
	// searchTries is the number of halvings after which a step that merely does
	// not lower the ELBO is taken.
	searchTries = 12
	// creepTries is the number of halvings from which a step that gains less than
	// Tol ends the run: what is left is below what the quadrature resolves.
	creepTries = 4
)

// rises judges the step to q that has the given estimate and natural gradient
// tanNew: the ELBO must not have fallen, and if it turned on the way it must not
// now fall more than half as steeply as it rose at first. Where ρ = 1 lands on the
// maximum the slope is zero; where the iteration would swing to and fro about it for ever the
// slope has nearly the old size.
func (e *Engine) rises(est estimate, dir []float64, first float64, strict bool) bool {
	noise := e.slack(e.cur.elbo)
	if est.elbo < e.cur.elbo-noise {
		return false
	}
	if !strict || !(first > 1e3*noise) {
		return true
	}
	return !(e.slope(e.tanNew, dir) < -first/2)
}

// settle accepts the new estimate and applies the stopping rule: the gain that
// is left is below Tol.
func (e *Engine) settle(est estimate, rho float64, r *Record) {
	gain := est.elbo - e.cur.elbo
	if e.fixed != nil {
		e.fixed.mix.add(e.q, e.eta0, e.tan, e.tanNew)
	}
	e.tan, e.tanNew = e.tanNew, e.tan
	e.cur = est
	if gain < -e.slack(est.elbo) {
		r.Conditions |= expfam.ObjectiveFell
	}
	prevGain := e.prevGain
	e.prevGain = gain
	if e.s.Plain {
		return
	}
	if !e.best.set || est.elbo > e.best.elbo || e.fixed != nil {
		e.best.elbo, e.best.set = est.elbo, true
		e.best.eta = e.q.Natural(e.best.eta)
	}
	// What is left to gain: half the slope on a quadratic, or what the last two
	// gains extrapolate to where there is no slope.
	left := e.slope(e.tan, e.tan) / 2
	if !(left >= 0) {
		left = math.Abs(gain) / rho
		if ratio := math.Abs(gain / prevGain); e.iter > 0 && ratio < 1 {
			left = math.Max(left*ratio/(1-ratio), left*1e-3)
		}
	}
	floor, tol := roundOff(est.elbo), e.s.Tol/2
	if e.fixed != nil {
		// Along directions in which the ELBO is flatter than the Fisher matrix more is left.
		left = math.Max(left, e.slope(e.tan, e.direction())/2)
		tol = e.fixed.enough(left, e.s.Tol)
	}
	if left <= math.Max(tol, floor) || math.Abs(gain)/rho <= floor {
		e.status = Converged
	}
}

// Run steps until the run ends and returns its Result.
func (e *Engine) Run(ctx context.Context) (*Result, error) {
	every := e.s.CheckpointEvery
	if every == 0 {
		every = 2 * time.Second
	}
	start := time.Now()
	saved, shown := start, start
	for e.status == Running {
		if err := ctx.Err(); err != nil {
			// The state is saved while it still says Running, so that Resume goes on.
			if cerr := e.checkpoint(); cerr != nil {
				err = errors.Join(err, cerr)
			}
			e.status, e.err = Interrupted, fmt.Errorf("vi: stopped after %d steps: %w", e.iter, err)
			e.conds |= expfam.Stopped | expfam.NotConverged
			break
		}
		r, err := e.Step()
		if err != nil {
			break
		}
		now := time.Now()
		if e.s.Checkpoint != nil && now.Sub(saved) >= every {
			saved = now
			if err := e.checkpoint(); err != nil {
				e.status, e.err = Failed, err
				break
			}
		}
		if e.s.Progress != nil && now.Sub(shown) >= 2*time.Second {
			shown = now
			if err := e.progress(r, now.Sub(start)); err != nil {
				e.status, e.err = Failed, err
				break
			}
		}
	}
	res, err := e.Result()
	if e.err != nil {
		return res, e.err
	}
	if err != nil {
		return res, err
	}
	if t := e.conds & e.s.Traps; t != 0 {
		return res, &TrapError{t, e.iter}
	}
	return res, nil
}
