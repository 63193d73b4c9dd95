package vadam

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
)

// Status says how a fit ended.
type Status int

const (
	Finished    Status = iota // all epochs were run
	Interrupted               // the context ended it
	Failed                    // a step could not be taken
)

// String names the status.
func (s Status) String() string {
	if s < 0 || s > Failed {
		return fmt.Sprintf("Status(%d)", int(s))
	}
	return [...]string{"finished", "interrupted", "failed"}[s]
}

// Early says that not all epochs were run.
func (s Status) Early() bool { return s != Finished }

// Result is what [Fit] returns.
type Result struct {
	Posterior *Posterior
	Status    Status
	// Conditions: NonFinite (a step was refused), Shortened (IVON clipped), Stopped,
	// NotConverged (the grade is not good for a reason that more steps may remove).
	Conditions expfam.Condition
	Trace      []EpochRecord

	// DataFit is E_q[log p(D|w)] of all rows, KL that from q to the prior and ELBO their
	// difference, a lower bound of log p(D), in nats and in the units that the net
	// was trained in. ELBOErr is the Monte Carlo standard error. FitAtMean is the
	// log-likelihood at the mean weights. NaN if the fit ended early, ELBO and KL also for Adam.
	ELBO, ELBOErr, DataFit, KL, FitAtMean float64
	// Layers are the arrays of weights one by one and All all of them, empty for Adam.
	Layers []Layer
	All    Layer
	// Displaced is how far the means are from where the ELBO's gradient vanishes, in
	// sds, a root mean square over the effective weights in diagonal approximation.
	Displaced float64

	grade   Grade
	reasons []string
	state   []byte
}

// State returns what FitSettings.Resume takes to go on from here.
func (r *Result) State() []byte { return append([]byte(nil), r.state...) }

// result makes the Result of the state reached; err is what ended training.
func (f *fit[T]) result(ctx context.Context, err error) (*Result, error) {
	q, qErr := f.posterior()
	if qErr != nil {
		return nil, qErr
	}
	r := &Result{Posterior: q, Trace: f.records, ELBO: nan, ELBOErr: nan, DataFit: nan, KL: nan, FitAtMean: nan, Displaced: nan, state: f.state()}
	var step *StepError
	switch {
	case err == nil:
	case errors.As(err, &step):
		r.Status = Failed
		r.Conditions |= expfam.NonFinite
	case ctx.Err() != nil:
		r.Status = Interrupted
		r.Conditions |= expfam.Stopped
	default: // settings and data that do not fit together
		return nil, err
	}
	for _, e := range f.records {
		if e.Clipped > 0 {
			r.Conditions |= expfam.Shortened
		}
	}
	if r.Status != Finished {
		f.judge(r, err)
		return r, fmt.Errorf("vadam: Fit: %v after %d of %d steps: %w", r.Status, f.opt.Steps(), f.steps, err)
	}
	d, err := f.diagnose(ctx, q)
	switch {
	case err == nil:
		r.DataFit, r.FitAtMean = d.fit, d.atMean
		if !q.point() {
			r.KL, r.ELBOErr = q.KL(), d.fitErr
			r.ELBO = r.DataFit - r.KL
			r.Layers, r.All = d.layers, d.all
			r.Displaced = math.Copysign(math.Sqrt(2*math.Abs(d.displaced)/max(d.all.Effective, 1)), d.displaced)
		}
	case ctx.Err() != nil:
		r.Status = Interrupted
		r.Conditions |= expfam.Stopped
		f.judge(r, nil)
		return r, fmt.Errorf("vadam: Fit: interrupted after the last step: %w", err)
	default:
		f.judge(r, err)
		return r, nil
	}
	f.judge(r, nil)
	return r, nil
}
