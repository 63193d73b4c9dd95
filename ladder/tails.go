package ladder

import (
	"context"
	"fmt"
	"math"

	"github.com/natgrad/natgrad/vi"
)

// maxTails is the largest dimension in which the tails of a fit are looked at: gradients
// grow with its square.
const maxTails = 50

// Parts of a coordinate's variance that a grade lets a tail lack, beyond two standard
// errors: 0.1 is an sd that is 5 % too small, 1 one of 30 %.
const (
	littleLost = 0.1
	muchLost   = 1
	lostErrs   = 2
)

// lookBeside fills in Tails where the chosen fit would be good: mass beside it that its
// draws do not reach is what its own k̂ cannot see.
func (r *Result) lookBeside(ctx context.Context, t *vi.Target, seed uint64) error {
	if r.Grade() != vi.Good || t.Dim > maxTails || t.Exact != nil || t.Problem().Grad == nil {
		return nil
	}
	tails, evals, err := vi.Tails(ctx, t, r.Result, seed)
	r.Tails = tails
	r.Result.Evaluations += evals
	if err != nil {
		return fmt.Errorf("ladder: %w", err)
	}
	return nil
}

// lost is the tail that surely lacks the most, and what it lacks of the variance less two
// standard errors; nil if there is none that matters.
func (r *Result) lost() (worst *vi.Tail, least float64) {
	least = littleLost
	for i := range r.Tails {
		if v := r.Tails[i].Lost - lostErrs*r.Tails[i].LostErr; v >= least {
			worst, least = &r.Tails[i], v
		}
	}
	return worst, least
}

// beside says what a tail lacks.
func beside(t *vi.Tail) string {
	where := "below"
	if t.Upper {
		where = "above"
	}
	return fmt.Sprintf("%.1f %% of the posterior has %s %s %.3g, where only %.1f %% of the weighted draws are: its sd is about %.0f %% too small",
		100*t.Share, t.Name, where, t.From, 100*t.Seen, 100*(1-1/math.Sqrt(1+t.Lost)))
}
