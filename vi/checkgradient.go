package vi

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// GradientError says which derivative of a target disagrees with differences.
type GradientError struct {
	// Func is the function that is wrong: "Target.Grad", "Target.Hess",
	// "Target.HessVec", "Target.LogPrior", "Target.LogLik" or "Target.LogLikGrad".
	Func string
	// What it is wrong in: "the gradient", "the value", "row 3 of the gradient", …
	What string
	// Index and Name are of the coordinate that is farthest off, in units of what
	// the comparison can resolve; −1 and "" if the value is wrong.
	Index int
	Name  string
	// Got is what Func says there, Want ± Err what it should be.
	Got, Want, Err float64
	// At is the point.
	At []float64
	// Wrong is the number of coordinates in which Func is wrong at one of the points
	// at least, of Dim.
	Wrong, Dim int
	// Hint says what is the matter where that is plain, else "".
	Hint string
}

func (e *GradientError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "vi: CheckGradient: %s is wrong", e.Func)
	if e.Index >= 0 {
		fmt.Fprintf(&b, " in %d of %d coordinates, most in %s", e.Wrong, e.Dim, e.Name)
	}
	fmt.Fprintf(&b, ": %s is %.10g", e.What, e.Got)
	if e.Hint == "" {
		fmt.Fprintf(&b, ", differences say %.10g ± %.1g,", e.Want, e.Err)
	} else {
		fmt.Fprintf(&b, ", want %.10g", e.Want)
	}
	b.WriteString(" at θ = " + pointText(e.At))
	if e.Hint != "" {
		b.WriteString(": " + e.Hint)
	}
	return b.String()
}

const (
	checkPoints = 4    // random ones around a single given one
	checkRows   = 32   // of LogLikGrad
	checkTries  = 20   // for a random point with a finite density
	checkRel    = 1e-6 // relative errors below it are not looked for
	checkValue  = 1e-9 // the same of values that two functions return
)

// CheckGradient compares the derivatives that a target states with differences of its
// log density and returns a [GradientError] for the first function that is
// wrong, nil if all are right:
//
//   - Grad with LogProb, value included (with Exact, whose LogProb is another density, with Grad's own value),
//   - Hess and HessVec with differences of the gradient, and LogPrior's gradient with LogPrior,
//   - LogLikGrad with LogLik in up to 32 rows, and LogPrior + ΣLogLik with LogProb,
//   - all of them when dst holds old numbers, which they have to overwrite.
//
// It looks at the points given. For none it takes the origin, and for one it adds
// four random ones around it, the same in every call: two at three times the distance on which the density
// changes by about one nat, two at distance 1. Where functions have cases, give points in all of them.
//
// Differences are central, on a falling series of steps that begins where the
// density has changed by about one nat, extrapolated to step 0 (Ridders 1982, "Accurate
// computation of F′(x) and F′(x)F″(x)"); rounding and curvature enter the
// error that comes with them. What is reported differs by more than ten such errors and
// by more than 1e-6 of the larger of the two derivatives and of one nat over the first
// step. So units do not matter, and an error smaller than that is not seen.
//
// Cost: about 12·Dim evaluations of the density a point, as many of the gradient for
// Hess, and of the rows for LogLikGrad. A density that is not finite at a point given is a [NonFiniteError], a
// panic in one of the functions a [PanicError].
func CheckGradient(t *Target, points ...[]float64) (err error) {
	if t == nil {
		return &SettingError{"the target", nil, "a *Target"}
	}
	if t.Dim <= 0 {
		return &SettingError{"Target.Dim", t.Dim, "> 0"}
	}
	for k, x := range points {
		if len(x) != t.Dim {
			return fmt.Errorf("vi: CheckGradient: length of point %d is %d, want Target.Dim = %d", k, len(x), t.Dim)
		}
	}
	if len(points) == 0 {
		points = [][]float64{make([]float64, t.Dim)}
	}
	c := &gradientCheck{t: t, full: t.complete(), rng: rand.New(rand.NewPCG(1, 2))}
	if c.full.Grad == nil && t.HessVec == nil && t.LogPrior == nil && t.LogLikGrad == nil {
		return &SettingError{"Target.Grad", "nil", "a derivative to check"}
	}
	defer func() {
		if r := recover(); r != nil {
			err = newPanicError(c.fn, r)
		}
	}()
	c.density()
	var at []*scaled
	for _, x := range points {
		p, err := c.measure(x, c.f)
		if err != nil {
			return err
		}
		at = append(at, p)
	}
	if len(points) == 1 {
		at = append(at, c.around(at[0])...)
	}
	for _, check := range []func(p *scaled) error{c.checkGrad, c.checkParts, c.checkHess, c.checkHessVec} {
		c.worst, c.excess, c.wrong = nil, 1, make([]bool, t.Dim)
		for _, p := range at {
			x := append([]float64(nil), p.x...)
			if err := check(p); err != nil {
				return err
			}
			if !slices.Equal(x, p.x) {
				return fmt.Errorf("vi: CheckGradient: %s has changed x", c.fn)
			}
		}
		if c.worst != nil {
			for _, w := range c.wrong {
				if w {
					c.worst.Wrong++
				}
			}
			return c.worst
		}
	}
	return nil
}

// scaled is a point with the distance, one a coordinate, on which the log
// density changes by about one nat.
type scaled struct{ x, step []float64 }

type gradientCheck struct {
	t, full *Target
	f       func(x []float64) float64 // the density that Grad belongs to
	fn      string                    // function of the caller that is being called
	rng     *rand.Rand

	worst  *GradientError
	excess float64 // of the worst, in units of the tolerance
	wrong  []bool
}

// density chooses c.f.
func (c *gradientCheck) density() {
	name, f := "Target.LogProb", c.full.LogProb
	if f == nil || c.t.Exact != nil {
		if grad := c.full.Grad; grad != nil {
			own := make([]float64, c.t.Dim)
			name, f = "Target.Grad", func(x []float64) float64 { return grad(own, x) }
		} else if f == nil {
			name, f = "Target.LogPrior", func(x []float64) float64 { return c.t.LogPrior(nil, x) }
		}
	}
	c.f = func(x []float64) float64 {
		c.fn = name
		return f(x)
	}
}

// measure checks that f, a log density or a part of one, is finite at a point, and
// finds the steps there: a change of 0.1 to 10 nats, or as near as it comes.
func (c *gradientCheck) measure(at []float64, f func(x []float64) float64) (*scaled, error) {
	p := &scaled{x: append([]float64(nil), at...)}
	f0 := f(p.x)
	if !slices.Equal(p.x, at) {
		return nil, fmt.Errorf("vi: CheckGradient: %s has changed x", c.fn)
	}
	if !finite(f0) {
		return nil, c.t.nonFinite("the log density", f0, at)
	}
	if again := f(p.x); again != f0 {
		return nil, fmt.Errorf("vi: CheckGradient: %s gives %.17g and %.17g at the same θ = %s; want the same value in every call", c.fn, f0, again, pointText(at))
	}
	least := math.Max(0.1, 1e7*0x1p-52*math.Abs(f0)) // well above rounding
	p.step = make([]float64, len(p.x))
	x := append([]float64(nil), p.x...)
	for i, xi := range p.x {
		change := func(h float64) float64 {
			x[i] = xi + h
			up := f(x)
			x[i] = xi - h
			down := f(x)
			x[i] = xi
			return math.Max(math.Abs(up-f0), math.Abs(down-f0)) // NaN beyond the domain
		}
		h := 0.1 * math.Max(1, math.Abs(xi))
		d := change(h)
		floor := 1e-10 * math.Max(math.Abs(xi), 1e-10)
		for !(d <= 100*least) && h > floor {
			h /= 8
			d = change(h)
		}
		for ceil := 1e6 * math.Max(1, math.Abs(xi)); d < least && h < ceil; {
			next := change(4 * h)
			if !(next <= 100*least) {
				break
			}
			h, d = 4*h, next
		}
		p.step[i] = h
	}
	return p, nil
}

// around returns random points near p at which the density is finite.
func (c *gradientCheck) around(p *scaled) []*scaled {
	var out []*scaled
	for k := range checkPoints {
		size := 1.
		for range checkTries {
			x := append([]float64(nil), p.x...)
			for i := range x {
				sd := 1.
				if k%2 == 0 {
					sd = 3 * p.step[i]
				}
				x[i] += size * sd * c.rng.NormFloat64()
			}
			if q, err := c.measure(x, c.f); err == nil {
				out = append(out, q)
				break
			}
			size /= 2
		}
	}
	return out
}
