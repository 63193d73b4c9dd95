package ladder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/natgrad/natgrad/vi"
)

// Rung is a shape of posterior to try.
type Rung struct {
	Name string
	// New returns the start of a fit, built on the fits before it.
	New func(tried []Try) (vi.Posterior, error)
	// Search marks a start that looks for modes which the fits before it may have
	// missed: the climb does not end before it has tried one such rung, if there is one.
	Search bool
}

// Try is a fit of one rung.
type Try struct {
	Name   string
	Params int
	Fit    *vi.Result
	// Gain ± GainErr is the ELBO above that of the best try before, NaN for the first.
	Gain, GainErr float64
	// Err is what ended the fit early; the climb goes on with the next rung.
	Err error
}

// Settings steers a climb. The zero value, and nil, are good defaults.
type Settings struct {
	// Fit is passed to every fit; nil is vi's default. Method is applied where it
	// can be; leave it Auto.
	Fit *vi.Settings
	// Rungs are the shapes, simple ones first; nil means [Default].
	Rungs []Rung
	// Start is the point from which the first fit starts; nil means 0.
	Start []float64
	// All goes on to the last rung even where a simpler shape is good enough.
	All bool
	// Progress receives a line a rung.
	Progress io.Writer
}

// Result is a climb: the best fit, and all that was tried.
type Result struct {
	*vi.Result // of the chosen rung
	Tried      []Try
	Chosen     int // index in Tried
	// Tails are those of the chosen fit that were suspect of more mass than its draws reach, see
	// [vi.Tails], which is asked where the fit would be good, in up to 50 dimensions.
	Tails []vi.Tail
}

// Fit climbs from simple shapes of posterior to rich ones. It stops at a rung
// where the best fit so far is good (k̂ < 0.7 and a small variance of the
// importance ratios, see [vi.Result.Grade]) and the importance-sampling estimate of log p(D) says that
// no more than 0.05 nats are left to gain, or that the last shape tried gained less ELBO
// than the standard error of the difference; where there is a rung that searches for
// other modes, one of them is tried first. It returns the fit with the best ELBO, a simpler
// shape where the difference is within its standard error.
//
// When ctx ends the climb, or every fit fails, Fit returns what there is
// together with an error; a Result without any usable fit has a nil vi.Result.
func Fit(ctx context.Context, t *vi.Target, s *Settings) (*Result, error) {
	var set Settings
	if s != nil {
		set = *s
	}
	if t == nil || t.Dim <= 0 {
		return nil, errors.New("ladder: Fit: the target is nil or has no parameters, want a target with Dim > 0")
	}
	if set.Start != nil && len(set.Start) != t.Dim {
		return nil, fmt.Errorf("ladder: Fit: length of Settings.Start is %d, want Target.Dim = %d", len(set.Start), t.Dim)
	}
	if set.Rungs == nil {
		set.Rungs = defaults(ctx, t, set.Start, set.seed())
	}
	if len(set.Rungs) == 0 {
		return nil, errors.New("ladder: Fit: Settings.Rungs is empty, want at least one rung")
	}
	if set.Fit != nil && set.Fit.Diagnostics < 0 {
		return nil, fmt.Errorf("ladder: Fit: Settings.Fit.Diagnostics is %d, want >= 0: shapes are compared by their draws", set.Fit.Diagnostics)
	}
	r := &Result{Chosen: -1}
	settled, searched := false, false
	for _, rung := range set.Rungs {
		// Where all is well, there is one look for what none of the fits could see.
		if settled && (searched || !rung.Search) {
			continue
		}
		try := Try{Name: rung.Name, Gain: math.NaN(), GainErr: math.NaN()}
		var q vi.Posterior
		var err error
		q, try.Params, err = rung.start(r.Tried)
		if errors.Is(err, errSkip) {
			continue
		}
		if err == nil {
			try.Fit, err = vi.Fit(ctx, q, t, bounded(set.Fit))
		}
		try.Err = err
		settled, searched = r.add(try) && !set.All, searched || rung.Search
		if set.Progress != nil {
			if err := show(set.Progress, r.line(len(r.Tried)-1)); err != nil {
				return r, err
			}
		}
		if ctx.Err() != nil {
			return r, fmt.Errorf("ladder: stopped at the rung %q: %w", rung.Name, ctx.Err())
		}
	}
	if r.Chosen < 0 {
		var errs []error
		for _, try := range r.Tried {
			if !errors.Is(try.Err, errNoFit) || errs == nil { // which follows from the others
				errs = append(errs, fmt.Errorf("%s: %w", try.Name, try.Err))
			}
		}
		return r, fmt.Errorf("ladder: no rung could be fitted: %w", errors.Join(errs...))
	}
	return r, r.lookBeside(ctx, t, set.seed())
}

// maxSteps is the limit of steps of a fit for which the caller set none: a shape that
// needs more is not worth the wait while others remain.
const maxSteps = 4000

func bounded(s *vi.Settings) *vi.Settings {
	var b vi.Settings
	if s != nil {
		b = *s
	}
	if b.Iterations == 0 {
		b.Iterations = maxSteps
	}
	return &b
}

// start calls New and turns what it should not do into errors.
func (g *Rung) start(tried []Try) (q vi.Posterior, params int, err error) {
	defer caught("Rung.New", &err)
	if g.New == nil {
		return nil, 0, errors.New("its New is nil, want a function")
	}
	if q, err = g.New(tried); err != nil {
		return nil, 0, err
	}
	if v := reflect.ValueOf(q); q == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, 0, errors.New("its New returned neither a posterior nor an error")
	}
	return q, q.NumParams(), nil
}

// show writes a line of progress. Only a panic of the writer is an error.
func show(w io.Writer, line string) (err error) {
	defer caught("Settings.Progress", &err)
	fmt.Fprintln(w, line)
	return nil
}

// caught, deferred, writes a panic of the caller's fn to err.
func caught(fn string, err *error) {
	if v := recover(); v != nil {
		p, ok := v.(*vi.PanicError)
		if !ok {
			p = &vi.PanicError{Func: fn, Value: v, Stack: debug.Stack()}
		}
		*err = p
	}
}

func (s *Settings) seed() uint64 {
	if s.Fit == nil {
		return 0
	}
	return s.Fit.Seed
}

func (r *Result) best() *Try {
	if r.Chosen < 0 {
		return nil
	}
	return &r.Tried[r.Chosen]
}

// usable tells whether a fit has a posterior to build on.
func (t *Try) usable() bool {
	return t.Fit != nil && !math.IsNaN(t.Fit.ELBO) && !math.IsInf(t.Fit.ELBO, 0)
}

// add judges a try against the best before it and tells whether the climb is
// at its end.
func (r *Result) add(try Try) (done bool) {
	best := r.best()
	defer func() { r.Tried = append(r.Tried, try) }()
	if !try.usable() {
		return false
	}
	here := len(r.Tried)
	if best == nil {
		r.Chosen, r.Result = here, try.Fit
		return r.enough(&try, false)
	}
	try.Gain = try.Fit.ELBO - best.Fit.ELBO
	try.GainErr = math.Hypot(try.Fit.ELBOErr, best.Fit.ELBOErr)
	small := try.Gain < math.Max(try.GainErr, negligibleGain)
	// A better grade is worth a rung as well, where the ELBOs do not tell.
	if !small || try.Fit.Grade() < best.Fit.Grade() && try.Gain > -try.GainErr {
		r.Chosen, r.Result = here, try.Fit
	}
	return r.enough(&try, small)
}

// enough tells whether the climb may end: the fit is good, and either the last shape
// brought little or the ELBO is that close to log p(D) that none can bring much.
func (r *Result) enough(last *Try, small bool) bool {
	close := r.Result.LogEvidence-r.Result.ELBO < worthwhileGain
	return (small || close) && r.Result.Grade() == vi.Good && !r.roomLeft(last)
}

// roomLeft tells whether a richer shape could gain more: log p(D) − ELBO is KL(q‖p),
// and importance sampling from any of the tries bounds log p(D) from below.
func (r *Result) roomLeft(last *Try) bool {
	_, z := r.evidence()
	z = math.Max(z, last.evidence(-1))
	return z-r.Result.ELBO > math.Max(worthwhileGain, 2*r.Result.ELBOErr)
}

// evidence is the importance-sampling estimate of log p(D), moved by side times
// two standard errors; −Inf where there is none.
func (t *Try) evidence(side float64) float64 {
	if !t.usable() || !(t.Fit.ESS > 1) {
		return math.Inf(-1)
	}
	return t.Fit.LogEvidence + side*2/math.Sqrt(t.Fit.ESS)
}

// evidence returns the try that is surest to have seen the most mass of exp(log p),
// and a lower bound of the log of that mass.
func (r *Result) evidence() (try int, logMass float64) {
	try, logMass = -1, math.Inf(-1)
	for i := range r.Tried {
		if z := r.Tried[i].evidence(-1); z > logMass {
			try, logMass = i, z
		}
	}
	return try, logMass
}

// Missed returns the share of the posterior's mass that the draws of another
// try reached and those of the chosen one did not, beyond two standard errors of both: more than
// nothing where the chosen shape lacks a mode that another one found, which its own k̂
// cannot see. by is the index of that other try, −1 if there is none.
func (r *Result) Missed() (share float64, by int) {
	if r.Chosen < 0 {
		return math.NaN(), -1
	}
	by, z := r.evidence()
	if lost := z - r.Tried[r.Chosen].evidence(1); lost > 0 && by != r.Chosen {
		return -math.Expm1(-lost), by
	}
	return 0, -1
}

// Shares of the mass that a grade lets a posterior miss.
const (
	littleMissed = 0.02
	muchMissed   = 0.2
)

// Grade is that of the chosen fit, but not better than Caution where it missed 2 % of
// the posterior's mass, see [Result.Missed], and Bad from 20 % on; likewise where the tails that its draws
// do not reach add 10 % to the variance of a coordinate, beyond two standard errors, and 100 %.
func (r *Result) Grade() vi.Grade {
	if r.none() {
		return vi.Bad
	}
	g := r.Result.Grade()
	switch share, _ := r.Missed(); {
	case share >= muchMissed:
		return vi.Bad
	case share >= littleMissed:
		g = max(g, vi.Caution)
	}
	switch l := r.lost(); {
	case l.tail == nil:
	case l.least >= muchLost:
		return vi.Bad
	default:
		g = max(g, vi.Caution)
	}
	return g
}

// negligibleGain is the ELBO gain, in nats, that no reader of a posterior would notice:
// the KL of two normals whose means differ by a seventh of their sd.
const negligibleGain = 0.01

// worthwhileGain is the KL from which the climb goes on although a rung was good: that of
// two normals whose means differ by a third of their sd.
const worthwhileGain = 0.05

// line is one try in words.
func (r *Result) line(i int) string {
	t := &r.Tried[i]
	mark := " "
	if i == r.Chosen {
		mark = "*"
	}
	if !t.usable() {
		first, _, _ := strings.Cut(fmt.Sprint(t.Err), "\n") // a stack stays in Err
		return fmt.Sprintf("%s %-14s failed: %s", mark, t.Name, first)
	}
	gain := strings.Repeat(" ", 9)
	if !math.IsNaN(t.Gain) {
		gain = fmt.Sprintf("%+9.3f", t.Gain)
	}
	return fmt.Sprintf("%s %-14s %7d parameters  ELBO %12.3f ± %-6.3f gain %s  k-hat %5.2f  spread %8.3g  %s", mark, t.Name, t.Params,
		t.Fit.ELBO, t.Fit.ELBOErr, gain, t.Fit.KHat, t.Fit.Spread(), t.Fit.Grade())
}

// String lists what was tried, a line a rung, and the verdict of the chosen one, marked by a star.
func (r *Result) String() string {
	if r == nil {
		return "no result"
	}
	var b strings.Builder
	for i := range r.Tried {
		b.WriteString(r.line(i))
		b.WriteByte('\n')
	}
	b.WriteString(r.Verdict())
	return b.String()
}

// none reports that no rung was chosen, as in the zero value and nil.
func (r *Result) none() bool { return r == nil || r.Chosen < 0 || r.Chosen >= len(r.Tried) }

// Verdict is the chosen rung and its fit's verdict in one line.
func (r *Result) Verdict() string {
	if r.none() {
		return "no rung could be fitted"
	}
	v := r.Tried[r.Chosen].Name + ": " + r.Result.Verdict()
	if share, by := r.Missed(); share >= littleMissed {
		v = fmt.Sprintf("%s; graded %s, because draws of %s reach %.0f %% of the posterior's mass that this one misses", v, r.Grade(), r.Tried[by].Name, 100*share)
	}
	if l := r.lost(); l.tail != nil {
		v = fmt.Sprintf("%s; graded %s, because %s", v, r.Grade(), l)
	}
	return v
}

// SimpleRender shows the climb in a notebook.
func (r *Result) SimpleRender() map[string]interface{} {
	return map[string]interface{}{"text/plain": r.String()}
}
