package model

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/natgrad/natgrad/ladder"
	"github.com/natgrad/natgrad/vi"
)

// Fit climbs from simple shapes of posterior to rich ones until one is good enough
// (see ladder.Fit), from the declared start values unless s.Start is set, and
// returns the best in terms of the model's own parameters. nil settings are good
// defaults.
//
// When ctx ends the climb, or fits fail, the Posterior so far comes with the error;
// it is nil if there is none.
func (m *Model) Fit(ctx context.Context, s *ladder.Settings) (*Posterior, error) {
	var set ladder.Settings
	if s != nil {
		set = *s
	}
	if set.Start == nil {
		start, err := m.Start()
		if err != nil {
			return nil, err
		}
		set.Start = start
	}
	res, err := ladder.Fit(ctx, m.Target(), &set)
	if res == nil || res.Result == nil {
		return nil, err
	}
	p, wrapErr := m.Posterior(res.Result)
	if wrapErr != nil {
		return nil, errors.Join(err, wrapErr)
	}
	p.Climb = res
	return p, err
}

// Posterior presents a fit of the model's Target, by vi.Fit or other means, in
// terms of the model's parameters. The fit must have kept draws, as it does by
// default.
func (m *Model) Posterior(fit *vi.Result) (p *Posterior, err error) {
	if fit == nil || fit.Draws == nil || len(fit.LogWeights) == 0 {
		return nil, errors.New("model: Posterior: the fit has no draws; want one with Settings.Diagnostics >= 0")
	}
	if _, d := fit.Draws.Dims(); d != m.dim {
		return nil, &ParamError{Func: "Posterior", Name: "fit", Value: "a fit of another target", Want: "one of this model's Target"}
	}
	defer func() {
		// A density that branches is called again for derived quantities.
		if r := recover(); r != nil {
			p, err = nil, &vi.PanicError{Func: "the log density", Value: r, Stack: debug.Stack()}
		}
	}()
	return newPosterior(m, fit), nil
}
