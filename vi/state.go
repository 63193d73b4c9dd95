package vi

import (
	"fmt"
	"math"
	"slices"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/wire"
)

const (
	stateMagic   = "ngrun"
	stateVersion = 3
)

// MarshalBinary writes the whole run: posterior, counters, schedule, averages
// and trace. [Resume] goes on from it as if it had never stopped, bit for bit.
func (e *Engine) MarshalBinary() ([]byte, error) {
	q, err := e.q.MarshalBinary()
	if err != nil {
		return nil, err
	}
	w := wire.NewWriter(stateMagic, stateVersion)
	w.Int(int(e.method))
	w.Uint(e.s.Seed)
	w.Int(e.s.Batch)
	w.Uint(e.plain())
	w.Float(e.gamma)
	w.Int(e.s.Draws)
	w.Int(e.t.Dim)
	w.Int(e.q.NumParams())
	w.Bytes(q)
	w.Int(e.iter)
	evals := e.evals
	if e.have && (e.fixed == nil || e.status == Running) {
		evals -= e.cur.evals // a resumed run makes this estimate again
	}
	w.Int(evals)
	w.Uint(uint64(e.conds))
	w.Int(int(e.status))
	w.Float(e.prevGain)
	w.Float(e.best.elbo)
	w.Floats(e.best.eta)
	s := &e.sched
	w.Float(s.rate)
	w.Int(s.window)
	w.Int(s.n)
	w.Int(s.retries)
	w.Int(s.collapses)
	w.Int(s.falls)
	settled := uint64(0)
	if s.settled {
		settled = 1
	}
	w.Uint(settled)
	w.Float(s.lastGap)
	w.Floats(s.a)
	w.Floats(s.b)
	w.Floats(s.best)
	w.Floats(s.gaps)
	w.Floats(e.eta0)
	e.fixed.write(w)
	w.Int(len(e.trace))
	for _, r := range e.trace {
		w.Float(r.ELBO)
		w.Float(r.ELBOErr)
		w.Float(r.Rate)
		w.Uint(uint64(r.Conditions))
	}
	return w.Finish(), nil
}

// plain is 1 for a run with Settings.Plain.
func (e *Engine) plain() uint64 {
	if e.s.Plain {
		return 1
	}
	return 0
}

// StateError says why a saved run cannot be resumed.
type StateError struct{ Reason string }

func (e *StateError) Error() string { return "vi: Resume: the saved state is " + e.Reason }

// Resume prepares the run that MarshalBinary saved. Target and settings must
// be those of the saved run (Iterations, Workers, Recorder, Progress and Checkpoint may
// differ); q gives the type of the posterior and is overwritten. On error q is unchanged.
func Resume(q Posterior, t *Target, s *Settings, state []byte) (*Engine, error) {
	e, err := New(q, t, s)
	if err != nil {
		return nil, err
	}
	r, err := wire.NewReader(state, stateMagic, stateVersion)
	if err != nil {
		return nil, &StateError{err.Error()}
	}
	mismatch := func(what string, got, want any) (*Engine, error) {
		return nil, &StateError{fmt.Sprintf("of another run: %s %v, want %v", what, got, want)}
	}
	if m := Method(r.Int()); m != e.method {
		return mismatch("method", m, e.method)
	}
	if v := r.Uint(); v != e.s.Seed {
		return mismatch("seed", v, e.s.Seed)
	}
	if v := r.Int(); v != e.s.Batch {
		return mismatch("batch", v, e.s.Batch)
	}
	if v := r.Uint(); v != e.plain() {
		return mismatch("plain steps", v, e.plain())
	}
	if v := r.Float(); v != e.gamma {
		return mismatch("entropy weight", v, e.gamma)
	}
	if v := r.Int(); v != e.s.Draws {
		return mismatch("draws a step", v, e.s.Draws)
	}
	if v := r.Int(); v != e.t.Dim {
		return mismatch("dimension", v, e.t.Dim)
	}
	n := e.q.NumParams()
	if v := r.Int(); v != n {
		return mismatch("number of parameters", v, n)
	}
	posterior := r.Bytes()
	e.iter = r.Int()
	e.evals = r.Int()
	e.conds = expfam.Condition(r.Uint())
	e.status = Status(r.Int())
	e.prevGain = r.Float()
	e.best.elbo = r.Float()
	e.best.eta = r.Floats()
	e.best.set = e.best.eta != nil
	c := &e.sched
	c.rate, c.window, c.n, c.retries = r.Float(), r.Int(), r.Int(), r.Int()
	c.collapses, c.falls, c.settled = r.Int(), r.Int(), r.Uint() != 0
	c.lastGap = r.Float()
	c.a, c.b, c.best, c.gaps = r.Floats(), r.Floats(), r.Floats(), r.Floats()
	e.eta0 = r.Floats()
	var fixed fixedState
	fixed.read(r)
	e.trace = make([]Record, 0, r.Len(32))
	for i := range cap(e.trace) {
		e.trace = append(e.trace, Record{Iteration: i + 1, ELBO: r.Float(), ELBOErr: r.Float(), Rate: r.Float(), Conditions: expfam.Condition(r.Uint())})
	}
	if err := r.Done(); err != nil {
		return nil, &StateError{err.Error()}
	}
	for _, v := range [][]float64{e.best.eta, c.best} {
		if v != nil && len(v) != n {
			return mismatch("length of an average", len(v), n)
		}
	}
	if k := len(e.tanNew); len(c.a) != k || len(c.b) != k || len(e.eta0) != k || len(e.trace) != e.iter || e.iter < 0 || c.n < 0 || c.window < c.n || k > 0 && (c.window == c.n || !(c.rate > 0 && c.rate <= 1)) ||
		math.IsNaN(e.prevGain) || math.IsNaN(c.lastGap) || e.status < Running || e.status > Failed {
		return nil, &StateError{"inconsistent"}
	}
	if (c.best != nil) != (len(c.gaps) > 0) || c.best != nil && len(c.gaps) != e.gapLen() || !allFinite(c.gaps) {
		return nil, &StateError{"inconsistent"}
	}
	if !fixed.consistent(e.fixed, n) {
		return nil, &StateError{"inconsistent"}
	}
	backup, err := q.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if err := q.UnmarshalBinary(posterior); err != nil {
		return nil, &StateError{"damaged: " + err.Error()}
	}
	if q.Dim() != e.t.Dim || q.NumParams() != n {
		_ = q.UnmarshalBinary(backup) // it was just written by q itself
		return mismatch("posterior dimension", q.Dim(), e.t.Dim)
	}
	// What the estimator asked q, such as whether its entropy is exact, the bytes may have changed.
	if err = e.chooseMethod(); err == nil {
		err = e.restoreFixed(&fixed)
	}
	if err != nil {
		_ = q.UnmarshalBinary(backup)
		return nil, err
	}
	// A run that ended at its iteration limit may go on under a higher one.
	if e.status == IterationLimit && e.iter < e.s.Iterations || e.status == Interrupted {
		e.status = Running
		e.conds &^= expfam.NotConverged | expfam.Stopped
	}
	if e.status == Failed {
		e.err = &StateError{"of a run that had failed"}
	}
	e.trace = slices.Grow(e.trace, 64)
	return e, nil
}

// gapLen is the number of values that the estimator's gap returns.
func (e *Engine) gapLen() int {
	if e.method == Draws || e.method == GradientFree {
		return gapDraws
	}
	return 1
}

func allFinite(v []float64) bool {
	for _, x := range v {
		if !finite(x) {
			return false
		}
	}
	return true
}
