package vi

import (
	"fmt"
	"time"
)

// record calls Settings.Recorder.
func (e *Engine) record(r Record) (err error) {
	defer caught("Settings.Recorder", &err)
	return e.s.Recorder(r)
}

// progress writes a line to Settings.Progress. That the writer refuses it is no
// reason to lose a fit; that it panics is.
func (e *Engine) progress(r Record, since time.Duration) (err error) {
	defer caught("Settings.Progress", &err)
	fmt.Fprintf(e.s.Progress, "step %d  ELBO %s  rate %.3g  %.0f s\n", e.iter, withErr(r.ELBO, r.ELBOErr), r.Rate, since.Seconds())
	return nil
}

// checkpoint calls Settings.Checkpoint, if there is one.
func (e *Engine) checkpoint() error {
	if e.s.Checkpoint == nil {
		return nil
	}
	b, err := e.MarshalBinary()
	if err == nil {
		err = e.save(b)
	}
	if err != nil {
		return fmt.Errorf("vi: checkpoint after %d steps: %w", e.iter, err)
	}
	return nil
}

func (e *Engine) save(state []byte) (err error) {
	defer caught("Settings.Checkpoint", &err)
	return e.s.Checkpoint(state)
}
