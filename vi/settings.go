package vi

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/natgrad/natgrad/expfam"
)

// Method names the way in which expectations under q are taken.
type Method int

const (
	// Auto takes the first of ConjugateForm, Quadrature and Draws that target
	// and posterior allow.
	Auto Method = iota
	// Quadrature needs Target.Linear and a [Gaussian] posterior.
	Quadrature
	// Draws needs Target.Grad or Target.Hess (Price's estimator is used if Hess
	// is there, Stein's if not) and a [Tangenter].
	Draws
	// ConjugateForm needs Target.Conjugate and an expfam.Dist.
	ConjugateForm
	// Laplace takes expectations at the mean of q alone: Newton's method, whose
	// fixed point is the Laplace approximation N(mode, (−∇² log p)⁻¹) (Lin et al.
	// 2021, section 3, the Newton-like case). It needs Target.Hess or
	// Target.Linear and a Gaussian. Auto never chooses it; the ELBO of
	// its trace is the log density at the mean.
	Laplace
	// GradientFree needs nothing but Target.LogProb, and a [Scorer]: the
	// score-function estimator with the mean of the other values as the baseline of a pair
	// (Lin et al. 2021, section 3; with a full covariance, exponential natural evolution
	// strategies). Its noise grows with the dimension; Auto never chooses it.
	GradientFree
	// Exact needs Target.Exact for the whole log density.
	Exact
)

func (m Method) String() string {
	switch m {
	case Auto:
		return "auto"
	case Quadrature:
		return "quadrature"
	case Draws:
		return "draws"
	case ConjugateForm:
		return "conjugate form"
	case Laplace:
		return "Laplace"
	case GradientFree:
		return "gradient-free"
	case Exact:
		return "exact"
	}
	return fmt.Sprintf("Method(%d)", int(m))
}

// Rate gives the step size ρ of step t = 0, 1, …; it must lie in (0, 1].
type Rate func(t int) float64

// Constant is the rate ρ at every step.
func Constant(rho float64) Rate { return func(int) float64 { return rho } }

// Decay is the Robbins–Monro rate ρ0·(1 + t/t0)^−κ with κ in (½, 1].
func Decay(rho0, t0, kappa float64) Rate {
	return func(t int) float64 { return rho0 * math.Pow(1+float64(t)/t0, -kappa) }
}

// Settings steers a fit. The zero value, and nil, are good defaults.
type Settings struct {
	// Method of taking expectations; zero is Auto.
	Method Method
	// Seed of all random numbers; the same seed gives the same result bit for
	// bit, whatever the number of workers.
	Seed uint64
	// Iterations is the largest number of steps; 0 means 500 for deterministic
	// problems and 20000 for stochastic ones.
	Iterations int
	// Draws a step for the Draws method, new ones at every step; odd numbers are rounded up to
	// whole antithetic pairs. 0 means, for a normal posterior of up to 500 dimensions with the default
	// Rate, antithetic pairs whose standard normals stay the same from step to step, so that the line
	// search and the stopping rule of deterministic problems apply: two pairs a dimension, at least
	// eight, and more of them once the fit to them is done, until what their choice costs, estimated
	// from their scatter, is below about a third of Tol. For all other posteriors, and where
	// that does not succeed, 0 means four new draws a dimension, at least 8 and at most 64.
	Draws int
	// Batch is the number of examples a step; 0 means all N. The target holds N,
	// so a batch is scaled by N/Batch without the caller's help. Batches of a
	// Linear are made of runs of 16 neighbouring rows: shuffle ordered data.
	Batch int
	// Workers is the number of goroutines; 0 means GOMAXPROCS for quadrature,
	// whose functions are the library's, and 1 for Draws, whose functions are
	// the caller's.
	Workers int
	// Rate is the step size; nil means ρ = 1 with a line search on the ELBO for
	// deterministic problems and fixed draws, and for other stochastic ones ρ = ½, halved each time
	// the ELBO has stopped rising by more than its standard error.
	Rate Rate
	// Plain takes the steps of Rate, which must be set, as they come: no line
	// search, no guarded first steps, no averages, no stopping rule; the run ends at
	// Iterations with its last iterate. It is for comparisons with other programs
	// and for rates that are known to be right.
	Plain bool
	// Points, if not nil, supplies the points of every step of the Draws and
	// GradientFree methods in place of the posterior's own sampler: it fills X (and
	// Aux and Aside, where the posterior uses them) of all draws of step iter = 0, 1,
	// … Use it for quasi-random points, common random numbers and replays. The
	// ELBO of the run is right if the points that are not Aside are draws of q.
	Points func(draws []expfam.Draw, iter int)
	// EntropyWeight is γ in the objective E_q[log p(D, θ)] + γ H(q). 0 means 1,
	// which makes it the ELBO; a negative value means γ = 0, a search for a point near which
	// log p is high on average. For γ ≠ 1 the posterior's entropy must have a closed
	// form, and k̂ still compares q with p.
	EntropyWeight float64
	// Tol is the ELBO gain in nats below which a fit has converged; 0 means
	// 1e-8 for deterministic problems and 0.01 for stochastic ones.
	Tol float64
	// Traps lists conditions that end the fit with an error when they occur.
	Traps expfam.Condition
	// Diagnostics is the number of draws behind k̂, ESS and the Monte Carlo
	// ELBO; 0 means 4000 for up to 1000 rows, 1000 from 4000 rows on, and fewer
	// (at least 200) when rows times draws exceed 2·10⁷ or (at least 100) when Dim times
	// draws, which the Result keeps, exceed 5·10⁷. Negative means none.
	Diagnostics int
	// Recorder receives every step; an error from it ends the fit.
	Recorder func(Record) error
	// Progress receives a line every two seconds of a long fit.
	Progress io.Writer
	// Checkpoint receives the state of the run, for [Resume], about every
	// CheckpointEvery (0 means 2 s) and when the fit is stopped.
	Checkpoint      func(state []byte) error
	CheckpointEvery time.Duration
}

// Record is one step as the Recorder and Result.Trace see it.
type Record struct {
	Iteration  int              // steps taken so far, from 1
	ELBO       float64          // of the posterior before a stochastic step, after a deterministic one
	ELBOErr    float64          // its standard error, 0 without Monte Carlo noise
	Rate       float64          // the step size that was taken
	Conditions expfam.Condition // what the step had to do
}

// Status says how a run ended.
type Status int

const (
	// Running: the stopping rule has not been met yet.
	Running Status = iota
	// Converged: the ELBO no longer rises by more than Tol and its standard error.
	Converged
	// IterationLimit: Settings.Iterations came first.
	IterationLimit
	// Interrupted: the context ended the run.
	Interrupted
	// Stalled: no step of any size raises the ELBO although its gradient says
	// that one should.
	Stalled
	// Failed: a step could not be taken, or a trapped condition occurred.
	Failed
)

// String names the status in a word or two.
func (s Status) String() string {
	switch s {
	case Running:
		return "running"
	case Converged:
		return "converged"
	case IterationLimit:
		return "iteration limit"
	case Interrupted:
		return "interrupted"
	case Stalled:
		return "stalled"
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("Status(%d)", int(s))
}

// Early reports whether the run ended before the stopping rule was met.
func (s Status) Early() bool { return s != Converged }

// Err returns nil for Converged and an error that names the status otherwise.
func (s Status) Err() error {
	if s == Converged {
		return nil
	}
	return fmt.Errorf("vi: %s", s)
}
