package autodiff

import (
	"math"
	"strconv"
)

// RK4 returns the solution of y' = f(t, y), y(t0) = y0, at the given times as the rows of a
// matrix (len(times)×Len(y0)), by the classical Runge–Kutta method of fourth order with steps
// of equal length, steps of them from each time to the next. The error of a step of
// length h is of the order h⁵: compare with twice the steps. What f computes is
// recorded like everything else, so gradients are those of the numerical solution. The
// times increase and the first is not before t0; where it equals t0, the row is y0. For
// stiff equations and variable steps see Custom. See Hairer, Nørsett and Wanner, Solving
// Ordinary Differential Equations I (1993), table II.1.2.
func RK4(f func(t float64, y Node) Node, y0 Node, t0 float64, times []float64, steps int) Node {
	const fn = "RK4"
	n := y0.n(fn)
	if n.kind != vector {
		panic(&Error{Func: fn, Param: "y0", Value: n.shape(), Want: "a vector"})
	}
	if len(times) == 0 || steps < 1 {
		panic(&Error{Func: fn, Param: "times and steps", Value: strconv.Itoa(len(times)) + " and " + strconv.Itoa(steps), Want: "1 or more of both"})
	}
	rows := make([]any, len(times))
	y, now := y0, t0
	for i, to := range times {
		if !(to > now || i == 0 && to == now) || math.IsInf(to, 0) {
			panic(&Error{Func: fn, Param: "times[" + strconv.Itoa(i) + "]", Value: strconv.FormatFloat(to, 'g', -1, 64), Want: "finite and after " + strconv.FormatFloat(now, 'g', -1, 64)})
		}
		if h := (to - now) / float64(steps); h > 0 {
			for s := range steps {
				y = rk4Step(f, now+float64(s)*h, h, y)
			}
		}
		rows[i], now = y, to
	}
	return StackRows(rows...)
}

func rk4Step(f func(t float64, y Node) Node, t, h float64, y Node) Node {
	k1 := f(t, y)
	k2 := f(t+h/2, y.plus(h/2, k1))
	k3 := f(t+h/2, y.plus(h/2, k2))
	k4 := f(t+h, y.plus(h, k3))
	return y.plus(h/6, k1).plus(h/3, k2).plus(h/3, k3).plus(h/6, k4)
}

// plus returns a + c·b for two nodes of one shape and a number.
func (a Node) plus(c float64, b Node) Node {
	n, m := a.n("RK4"), b.n("RK4")
	if m.kind != n.kind || m.rows != n.rows {
		panic(&Error{Func: "RK4", Param: "the derivative", Value: m.shape(), Want: n.shape() + " as y"})
	}
	return a.t.push(&spec{rule: plusRule, in: [4]int32{a.i, b.i, none, none}, kind: n.kind, rows: int(n.rows), cols: 1, view: -1, k: c})
}

var plusRule = &rule{
	name: "RK4",
	forward: func(t *tape, n *node) {
		a, b := t.nodes[n.in[0]].val, t.nodes[n.in[1]].val
		for i := range n.val {
			n.val[i] = a[i] + n.k*b[i]
		}
	},
	backward: func(t *tape, n *node) { n.plusAdjoint(t.nodes[n.in[0]].adj, t.nodes[n.in[1]].adj, n.adj) },
	tangent: func(t *tape, n *node) {
		a, b := t.nodes[n.in[0]].dot, t.nodes[n.in[1]].dot
		clear(n.dot)
		copy(n.dot, a)
		for i, v := range b {
			n.dot[i] += n.k * v
		}
	},
	backward2: func(t *tape, n *node) { n.plusAdjoint(t.nodes[n.in[0]].dadj, t.nodes[n.in[1]].dadj, n.dadj) },
}

func (n *node) plusAdjoint(a, b, c []float64) {
	if a != nil && !same(a, c) {
		for i, v := range c {
			a[i] += v
		}
	}
	for i := range b {
		b[i] += n.k * c[i]
	}
}
