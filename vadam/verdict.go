package vadam

import (
	"fmt"
	"math"
	"strings"

	"github.com/natgrad/natgrad/expfam"
)

// Grade is the first word of a verdict.
type Grade int

const (
	// Good: nothing speaks against the posterior.
	Good Grade = iota
	// Caution: usable with the named reservation.
	Caution
	// Bad: not to be used as it is.
	Bad
)

// String returns good, caution or bad.
func (g Grade) String() string {
	if g < Good || g > Bad {
		return fmt.Sprintf("Grade(%d)", int(g))
	}
	return [...]string{"good", "caution", "bad"}[g]
}

// Limits of the verdict. Fits with the defaults of nets with 50 hidden units on yacht, energy,
// boston and two moons had curvatures of 0.55 to 1.3, means 0 to 0.5 sds off and rates that add up
// to 70 and more, also with up to four times the epochs (no false alarm in 48 fits of six sets). Fits with
// a tenth of the epochs or a thirtieth of the rate had sums of 2 to 45 and means 0.3 to 1.2 sds off, fits whose rate did not
// decay means 0.75 to 1.3 sds off, fits that kept their first sds curvatures of 0.01 to 0.4, and those of Vadam with
// batches of 32 curvatures of 2.3 to 7.
const (
	displacedLimit    = 0.65 // sds
	displacedFar      = 2.0  // sds
	travelLimit       = 50.0 // Newton steps
	curvatureWide     = 2.0  // sds 1.4 times too wide
	curvatureNarrow   = 0.5  // sds 1.4 times too narrow
	memoryLimit       = 2.0  // Σ (1 − Beta2): e⁻² of the first curvature is left
	atPriorLimit      = 0.8  // share of an array of weights
	perturbationLimit = 3.0  // times the loss that draws of the best normal distribution cost
	clippedLimit      = 0.75 // share of moves in the second half
	divergedBy        = 1.0  // nats a row above the best epoch
)

// Grade returns the first word of the verdict.
func (r *Result) Grade() Grade { return r.grade }

// Verdict returns one line on how far the posterior can be relied on, such as
//
//	good: 200 epochs, ELBO -173.4 ± 3.6 (data fit 335.2, KL 508.5), curvature 0.73 ± 0.07, means 0.23 sds off
//
// followed by what speaks against it and the conditions. The grade is
//
//   - bad if a step failed, the loss ended more than 1 nat a row above its best and above its
//     first epoch, a number is not finite, or the means are 2 sds off;
//   - caution if the fit was interrupted; if q is a point (Adam); if the method cannot give
//     calibrated sds (Vadam, Vprop and VadamSum with batches of more than one row); if means are
//     0.65 sds off, the loss was still falling, or the rates of all steps of a Newton method add up
//     to less than 50; if Curvature is beyond 0.5 or 2 by two standard errors; if
//     the curvature still remembers its start; if draws fit three times worse than they have to; if a
//     layer's weights are at their prior; or if most moves were clipped.
//
// It judges q as the best normal distribution of independent weights, not that family, nor the
// net, nor whether more epochs would find a better place: compare ELBOs for that.
func (r *Result) Verdict() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v: ", r.grade)
	if n := len(r.Trace); n > 0 {
		fmt.Fprintf(&b, "%d epochs", r.Trace[n-1].Epoch)
	} else {
		b.WriteString("less than an epoch")
	}
	switch {
	case finite(r.ELBO):
		fmt.Fprintf(&b, ", ELBO %.1f ± %.1f (data fit %.1f, KL %.1f)", r.ELBO, r.ELBOErr, r.DataFit, r.KL)
	case finite(r.DataFit):
		fmt.Fprintf(&b, ", data fit %.1f", r.DataFit)
	}
	if len(r.Layers) > 0 {
		fmt.Fprintf(&b, ", curvature %.2f ± %.2f, means %.2g sds off", r.All.Curvature, r.All.CurvatureErr, max(r.Displaced, 0))
	}
	for _, s := range r.reasons {
		b.WriteString("; " + s)
	}
	if r.Conditions != 0 {
		fmt.Fprintf(&b, " [%v]", r.Conditions)
	}
	return b.String()
}

// judge sets grade and reasons. err is what kept the diagnosis from its numbers, if
// anything, or what ended training.
func (f *fit[T]) judge(r *Result, err error) {
	say := func(g Grade, format string, args ...any) {
		r.grade = max(r.grade, g)
		r.reasons = append(r.reasons, fmt.Sprintf(format, args...))
	}
	unfinished := func(format string, args ...any) {
		say(Caution, format, args...)
		r.Conditions |= expfam.NotConverged
	}
	o := f.opt.Settings()
	switch {
	case r.Status == Failed:
		say(Bad, "failed in step %d of %d: %v", f.opt.Steps()+1, f.steps, err)
		return
	case r.Status == Interrupted:
		unfinished("interrupted after step %d of %d", f.opt.Steps(), f.steps)
		return
	case err != nil:
		r.Conditions |= expfam.NonFinite
		say(Bad, "draws from q cannot be evaluated: %v", err)
		return
	}
	if first, best := lossRange(r.Trace); -r.DataFit/float64(f.data.Rows) > max(first, best+divergedBy) {
		say(Bad, "diverged: the mean loss of a row is %.3g, it was %.3g in the best epoch: lower the rate", -r.DataFit/float64(f.data.Rows), best)
	}
	if f.falling(r.Trace) {
		unfinished("the loss was still falling: more epochs, or a rate that decays")
	}
	if o.Method == Adam {
		say(Caution, "a point without standard deviations: Adam has no posterior")
		return
	}
	rows := f.set.Batch
	if (o.Method == Vadam || o.Method == Vprop || o.Method == VadamSum) && rows > 1 {
		say(Caution, "%v squares gradients of %d rows at once: sds too wide, by up to √%d; IVON or VOGN give calibrated ones", o.Method, rows, rows)
	}
	if memory := f.memory(); memory < memoryLimit {
		unfinished("sds are still near their start: (1 − Beta2)·steps is %.2g, want some", memory)
	}
	switch c, e := r.All.Curvature, 2*r.All.CurvatureErr; {
	case !finite(r.DataFit):
		r.Conditions |= expfam.NonFinite
		say(Bad, "the data fit is %v", r.DataFit)
	case c-e > curvatureWide:
		say(Caution, "sds about %.1f times too wide", math.Sqrt(c))
	case c+e < curvatureNarrow:
		say(Caution, "sds about %.1f times too narrow", 1/math.Sqrt(max(c, 1e-4)))
	}
	switch d := r.Displaced; {
	case d > displacedFar:
		r.Conditions |= expfam.NotConverged
		say(Bad, "means are far from an optimum: more epochs, or another rate")
	case d > displacedLimit:
		unfinished("means are not at an optimum: more epochs, or a rate that decays")
	}
	if way := f.travel(); way < travelLimit {
		unfinished("the rates of all steps add up to %.2g, want %.0f: more epochs, or a higher rate", way, travelLimit)
	}
	// Draws of the best normal distribution cost half a nat an effective weight.
	if cost := r.FitAtMean - r.DataFit; cost > perturbationLimit*0.5*max(r.All.Effective, 1) {
		say(Caution, "draws fit %.0f nats worse than their mean, at %.0f effective weights: the sds destroy the fit", cost, r.All.Effective)
	}
	for j, l := range r.Layers {
		if f.params[j].Cols > 1 && f.params[j].Layer >= 0 && l.AtPrior > atPriorLimit {
			say(Caution, "%.0f %% of the weights of %s are at their prior: it is too narrow, or the data are too few for the layer", 100*l.AtPrior, l.Name)
		}
	}
	clipped, half := 0.0, r.Trace[len(r.Trace)/2:]
	for _, e := range half {
		clipped += e.Clipped / float64(len(half))
	}
	if clipped > clippedLimit {
		say(Caution, "%.0f %% of the moves were clipped: lower the rate or raise ClipRadius", 100*clipped)
	}
}

// lossRange returns the loss of the first and of the best epoch.
func lossRange(records []EpochRecord) (first, best float64) {
	if len(records) == 0 {
		return math.Inf(1), math.Inf(1)
	}
	first, best = records[0].Loss, records[0].Loss
	for _, e := range records {
		best = min(best, e.Loss)
	}
	return first, best
}

// falling says that the loss fell over the last fifth of the epochs by more than 0.02 nats a
// row and four standard errors of a fitted line, at a rate that had not decayed. (Where it
// has, the loss falls because the noise of the steps does.)
func (f *fit[T]) falling(records []EpochRecord) bool {
	at := f.set.Optimizer.RateAt
	if n := len(records); n < 25 || at(f.steps) < 0.1*at(max(1, f.steps/2)) {
		return false
	} else {
		records = records[n-n/5:]
	}
	n := float64(len(records))
	mean, slope, sxx := 0.0, 0.0, 0.0
	for _, e := range records {
		mean += e.Loss / n
	}
	for i, e := range records {
		x := float64(i) - (n-1)/2
		slope += x * e.Loss
		sxx += x * x
	}
	slope /= sxx
	rss := 0.0
	for i, e := range records {
		d := e.Loss - mean - slope*(float64(i)-(n-1)/2)
		rss += d * d
	}
	return -slope*n > 0.02 && -slope > 4*math.Sqrt(rss/(n-2)/sxx)
}

// memory is Σ_t (1 − Beta2): the curvature keeps e^−memory of its start.
func (f *fit[T]) memory() float64 {
	o := f.opt.Settings()
	sum := 0.0
	for t := 1; t <= f.steps; t++ {
		rho := 1 - o.Beta2
		if o.CurvatureRateAt != nil {
			rho *= o.CurvatureRateAt(t)
		}
		sum += rho
	}
	return sum
}

// travel is the sum of the rates of a Newton method, in steps to the optimum of a quadratic loss
// with the curvature that IVON's rate refers to; +Inf for other methods, whose rates
// have another meaning.
func (f *fit[T]) travel() float64 {
	o := f.opt.Settings()
	switch o.Method {
	case IVON, VON, VOGN, MomentumVOGN:
	default:
		return math.Inf(1)
	}
	sum := 0.0
	for t := 1; t <= f.steps; t++ {
		sum += o.Rate * o.RateAt(t)
	}
	return sum
}
