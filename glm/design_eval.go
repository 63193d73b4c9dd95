package glm

import (
	"fmt"
	"math"
)

// evaluator computes arithmetic on the kept rows of a frame.
type evaluator struct {
	cols  *columns
	rows  []int
	enc   *Encoding
	learn bool // center and scale set their moments rather than look them up
}

// numeric returns column name at the kept rows.
func (ev *evaluator) numeric(name string) ([]float64, error) {
	all, err := ev.cols.numeric(name)
	if err != nil {
		return nil, err
	}
	v := make([]float64, len(ev.rows))
	for i, r := range ev.rows {
		v[i] = all[r]
	}
	return v, nil
}

// eval returns the value of n at every kept row in a new slice. All values
// are finite.
func (ev *evaluator) eval(n *node) ([]float64, error) {
	switch n.kind {
	case nodeCol:
		return ev.numeric(n.name)
	case nodeNum:
		v := make([]float64, len(ev.rows))
		for i := range v {
			v[i] = n.num
		}
		return v, nil
	}
	v, err := ev.eval(n.args[0])
	if err != nil {
		return nil, err
	}
	switch n.kind {
	case nodeNeg:
		for i := range v {
			v[i] = -v[i]
		}
		return v, nil
	case nodeCall:
		if n.name == "center" || n.name == "scale" {
			return v, ev.standardise(n, v)
		}
		return v, ev.call(n, v)
	}
	w, err := ev.eval(n.args[1])
	if err != nil {
		return nil, err
	}
	return v, ev.binary(n, v, w)
}

func (ev *evaluator) call(n *node, v []float64) error {
	fn := funcs[n.name]
	for i, x := range v {
		if !fn.ok(x) {
			return ev.cols.err(n.args[0].String(), ev.rows[i], fmt.Sprint(x), fn.want+" for "+n.String())
		}
		v[i] = fn.f(x)
	}
	return ev.finite(n, v)
}

// binary sets v to v op w.
func (ev *evaluator) binary(n *node, v, w []float64) error {
	switch n.op {
	case '+':
		for i := range v {
			v[i] += w[i]
		}
	case '-':
		for i := range v {
			v[i] -= w[i]
		}
	case '*':
		for i := range v {
			v[i] *= w[i]
		}
	case '/':
		for i := range v {
			if w[i] == 0 {
				return ev.cols.err(n.args[1].String(), ev.rows[i], "0", "a divisor that is not zero for "+n.String())
			}
			v[i] /= w[i]
		}
	case '^':
		for i := range v {
			v[i] = math.Pow(v[i], w[i])
		}
	}
	return ev.finite(n, v)
}

func (ev *evaluator) finite(n *node, v []float64) error {
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return ev.cols.err(n.String(), ev.rows[i], fmt.Sprint(x), "a finite number")
		}
	}
	return nil
}

// standardise applies center or scale to v in place.
func (ev *evaluator) standardise(n *node, v []float64) error {
	call := n.String()
	var m *ColumnMoments
	for i := range ev.enc.Moments {
		if ev.enc.Moments[i].Call == call {
			m = &ev.enc.Moments[i]
		}
	}
	if m == nil {
		if !ev.learn {
			return ev.cols.err(call, -1, "the encoding holds no mean for it", "the encoding of a fit with this term")
		}
		if err := ev.inRange(n.args[0].String(), len(v), v, 1); err != nil {
			return err
		}
		mean, sd := meanSD(v)
		if n.name == "center" {
			sd = 1
		}
		if !(sd > 0) || math.IsInf(sd, 0) {
			return ev.cols.err(n.args[0].String(), -1, fmt.Sprintf("its sd is %v in %d rows", sd, len(v)), "a column that varies for "+call)
		}
		ev.enc.Moments = append(ev.enc.Moments, ColumnMoments{Call: call, Mean: mean, SD: sd})
		m = &ev.enc.Moments[len(ev.enc.Moments)-1]
	}
	for i := range v {
		v[i] = (v[i] - m.Mean) / m.SD
	}
	return ev.finite(n, v)
}

// meanSD returns the mean and the sd with divisor n − 1 in two passes; the sd
// of a constant is exactly 0.
func meanSD(v []float64) (mean, sd float64) {
	n := float64(len(v))
	lo, hi := v[0], v[0]
	for _, x := range v {
		mean += x / n
		lo, hi = min(lo, x), max(hi, x)
	}
	if lo == hi {
		return lo, 0
	}
	var ss, s float64
	for _, x := range v {
		d := x - mean
		ss += d * d
		s += d
	}
	// The second term removes what rounding of the mean adds (Chan, Golub and
	// LeVeque 1983, the corrected two-pass algorithm).
	return mean + s/n, math.Sqrt((ss - s*s/n) / (n - 1))
}
