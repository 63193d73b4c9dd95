package vadam

import "math"

// group returns the name of the group of weight i.
func (o *core[T]) group(i int) string {
	for _, g := range o.set.Groups {
		if g.Lo <= i && i < g.Hi {
			return g.Name
		}
	}
	return ""
}

func firstNonFinite[T float](x []T) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}

// refuse is the error of a loss that is not finite; the first weight whose
// gradient is not finite either says where it comes from.
func (o *core[T]) refuse(t, draw int, what string, value float64, g []T) error {
	e := &StepError{Method: o.set.Method, Step: t, Draw: draw, What: what, Index: firstNonFinite(g), Value: value}
	if e.Index >= 0 {
		e.Group = o.group(e.Index)
	}
	return e
}

// refuseMove finds the number that is not finite or the precision that is not
// positive. It returns nil if there is none: the sums by which the loops look may
// overflow alone.
func (o *core[T]) refuseMove(t int) error {
	at := func(what string, i int, v T) error {
		return &StepError{Method: o.set.Method, Step: t, Draw: -1, What: what, Index: i, Group: o.group(i), Value: float64(v)}
	}
	for _, c := range []struct {
		what string
		x    []T
	}{{"gradient", o.g}, {"momentum", o.next.m}, {"curvature", o.next.s}, {"mean", o.next.mu}} {
		if i := firstNonFinite(c.x); i >= 0 {
			return at(c.what, i, c.x[i])
		}
	}
	if o.set.Method == Adam {
		return nil
	}
	n, c, prior := o.scale(t)
	for _, sg := range o.seg {
		for i := sg.lo; i < sg.hi; i++ {
			if p := T(n)*o.next.s[i] + T(sg.lam*prior+c); !(p > 0) || math.IsInf(float64(p), 0) {
				return at("precision", i, p)
			}
		}
	}
	return nil
}
