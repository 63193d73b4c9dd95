package vi

import (
	"errors"
	"math"

	"github.com/natgrad/natgrad/expfam"
)

// schedule decides over rate, averaging and stopping of a stochastic run.
//
// Steps are taken in windows. The iterates of a window are averaged in natural
// coordinates (their domain is convex, so the average is proper), and the
// average is compared with the best average so far by the paired ELBO
// difference of estimator.gap. A gain above Tol and its own standard error keeps the
// rate; otherwise the rate is halved and the window doubled. Two windows in
// succession without gain end the run, and the best average is the answer,
// never the last noisy iterate.
type schedule struct {
	auto    bool    // the rate is halved at plateaus; else the caller's rule holds
	rate    float64 // of the automatic rule
	window  int
	n       int // steps in this window
	strikes int
	sum     []float64 // of η over the window
	best    []float64 // average with the highest ELBO
	gaps    []float64 // its estimator.gap values
	work    []float64
}

const (
	firstRate   = 0.5
	firstWindow = 50
)

func (s *schedule) init(n int, auto bool) {
	s.auto, s.rate, s.window = auto, firstRate, firstWindow
	s.sum, s.work = make([]float64, n), make([]float64, n)
}

func (e *Engine) stepNoisy() (Record, error) {
	s := &e.sched
	rate := func() float64 {
		if s.auto {
			return s.rate
		}
		return e.s.Rate(e.iter)
	}
	est, err := e.est.estimate(e.tan, e.iter)
	e.evals += est.evals
	var cond expfam.Condition
	var nf *NonFiniteError
	if errors.As(err, &nf) && e.iter > 0 && e.s.Traps&expfam.NonFinite == 0 {
		// The last step went too far: go back to the last average, or to the
		// posterior before the step, and go on more carefully.
		back := s.best
		if back == nil {
			back = e.eta0
		}
		if berr := e.q.SetNatural(back); berr != nil {
			return Record{}, err
		}
		cond = expfam.NonFinite | expfam.Shortened
		if s.auto {
			s.rate /= 2
		}
		if s.strikes++; s.strikes > 20 {
			return Record{}, err
		}
		return Record{ELBO: math.NaN(), Rate: 0, Conditions: cond}, nil
	}
	if err != nil {
		return Record{}, err
	}
	e.q.Natural(e.eta0)
	rho := rate()
	c, err := e.q.Retract(e.tan, rho)
	if err != nil {
		return Record{}, err
	}
	r := Record{ELBO: est.elbo, ELBOErr: est.err, Rate: rho, Conditions: cond | c}
	e.q.Natural(s.work)
	for i, v := range s.work {
		s.sum[i] += v
	}
	if s.n++; s.n < s.window {
		return r, nil
	}
	return r, e.endWindow(&r)
}

// endWindow judges the average of the window that has just ended.
func (e *Engine) endWindow(r *Record) error {
	s := &e.sched
	for i := range s.sum {
		s.sum[i] /= float64(s.n)
	}
	if err := e.q.SetNatural(s.sum); err != nil {
		return err
	}
	gaps, err := e.est.gap(nil)
	e.evals += len(gaps)
	if err != nil {
		return err
	}
	diff, se := pairedDifference(gaps, s.gaps)
	switch {
	case s.best == nil || diff > math.Max(e.s.Tol, se):
		s.strikes = 0
	default:
		s.strikes++
		if s.auto {
			s.rate /= 2
			s.window *= 2
		}
		if diff < -2*se-e.s.Tol {
			r.Conditions |= expfam.ObjectiveFell
		}
	}
	if s.best == nil || diff > 0 {
		s.best, s.gaps = append(s.best[:0], s.sum...), gaps
	}
	if s.strikes >= 2 {
		e.status = Converged
	}
	clear(s.sum)
	s.n = 0
	return nil
}

// pairedDifference returns mean(a − b) and its standard error.
func pairedDifference(a, b []float64) (diff, se float64) {
	if b == nil {
		return math.Inf(1), 0
	}
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
