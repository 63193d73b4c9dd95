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

// lost is what both tails of a coordinate together surely lack of its variance.
type lost struct {
	tail         *vi.Tail // the one that lacks more
	total, least float64  // least is total less two standard errors
}

// lost returns the coordinate that surely lacks the most; tail is nil if there is none
// that matters.
func (r *Result) lost() lost {
	worst := lost{least: littleLost}
	for i := range r.Tails {
		c, square := lost{tail: &r.Tails[i]}, 0.
		for k := range r.Tails {
			t := &r.Tails[k]
			if t.Coord != c.tail.Coord {
				continue
			}
			c.total += t.Lost
			square += t.LostErr * t.LostErr
			if t.Lost > c.tail.Lost {
				c.tail = t
			}
		}
		if c.least = c.total - lostErrs*math.Sqrt(square); c.least >= worst.least {
			worst = c
		}
	}
	return worst
}

func (l lost) String() string {
	where := "below"
	if l.tail.Upper {
		where = "above"
	}
	return fmt.Sprintf("%.1f %% of the posterior has %s %s %.3g, where only %.1f %% of the weighted draws are: its sd is about %.0f %% too small",
		100*l.tail.Share, l.tail.Name, where, l.tail.From, 100*l.tail.Seen, 100*(1-1/math.Sqrt(1+l.total)))
}
