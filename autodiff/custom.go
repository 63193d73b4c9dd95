package autodiff

import (
	"fmt"
	"math"
	"strconv"
	"sync"
)

// Custom is a vector function of a vector that comes with its own derivative, such as
// the solution of a differential equation at given times as a function of its
// parameters. Its fields are set once, before the first use; the functions may be
// called from several goroutines at once and must not keep or change their
// arguments, except that they set all of dst.
//
// One Custom is made outside of the function under record; one made inside is
// another operation at every call, which is then never replayed.
type Custom struct {
	Name    string // for messages
	In, Out int    // lengths of x and f(x)
	// Value sets dst = f(x).
	Value func(dst, x []float64)
	// VJP sets dst = J(x)ᵀw, with J the Jacobian (Out×In) and w of length Out.
	VJP func(dst, x, w []float64)
	// JVP sets dst = J(x)v. It is for Hessian-vector products and may be nil: then
	// central differences of Value along v are taken, relative error about 1e-10.
	JVP func(dst, x, v []float64)
	// VJPDot sets dst to the derivative of J(x)ᵀw along v at fixed w, Σ_k w_k ∇²f_k(x)v. It may
	// be nil as JVP may: then central differences of VJP are taken.
	VJPDot func(dst, x, w, v []float64)

	once sync.Once
	rule *rule
}

// At returns f(x) for a vector x.
func (c *Custom) At(x Node) Node {
	n := x.n("Custom")
	if c.In < 1 || c.Out < 1 || c.Value == nil || c.VJP == nil {
		panic(&Error{Func: "Custom", Param: "the function " + strconv.Quote(c.Name), Value: fmt.Sprintf("of %d to %d elements, Value set: %t, VJP set: %t", c.In, c.Out, c.Value != nil, c.VJP != nil), Want: "lengths of 1 or more, Value and VJP"})
	}
	if n.kind != vector || int(n.rows) != c.In {
		panic(&Error{Func: "Custom", Param: "the argument of " + strconv.Quote(c.Name), Value: n.shape(), Want: "a vector of " + strconv.Itoa(c.In)})
	}
	c.once.Do(c.makeRule)
	return x.t.vectorNode(c.rule, one(x.i), c.Out, c.In+2*max(c.In, c.Out))
}

func (c *Custom) makeRule() {
	c.rule = &rule{
		name:    c.Name,
		forward: func(t *tape, n *node) { c.Value(n.val, t.nodes[n.in[0]].val) },
		backward: func(t *tape, n *node) {
			x := &t.nodes[n.in[0]]
			_, g, _ := c.cut(n)
			c.VJP(g[:c.In], x.val, n.adj)
			axpy(x.adj, 1, g[:c.In])
		},
		tangent: func(t *tape, n *node) {
			x := &t.nodes[n.in[0]]
			if c.JVP != nil {
				c.JVP(n.dot, x.val, x.dot)
				return
			}
			c.difference(n, n.dot, x.val, x.dot, c.Value)
		},
		backward2: func(t *tape, n *node) {
			x := &t.nodes[n.in[0]]
			_, g, _ := c.cut(n)
			g = g[:c.In]
			c.VJP(g, x.val, n.dadj)
			axpy(x.dadj, 1, g)
			if c.VJPDot != nil {
				c.VJPDot(g, x.val, n.adj, x.dot)
			} else {
				c.difference(n, g, x.val, x.dot, func(dst, at []float64) { c.VJP(dst, at, n.adj) })
			}
			axpy(x.dadj, 1, g)
		},
	}
}

func (c *Custom) cut(n *node) (at, a, b []float64) {
	m := max(c.In, c.Out)
	return n.work[:c.In], n.work[c.In : c.In+m], n.work[c.In+m:]
}

// difference sets dst to the derivative of f along v at x by central differences
// with steps of about the cube root of the rounding error.
func (c *Custom) difference(n *node, dst, x, v []float64, f func(dst, at []float64)) {
	scale := 0.0 // the longest step, in units of the size of x
	for i, u := range v {
		scale = math.Max(scale, math.Abs(u)/(1+math.Abs(x[i])))
	}
	if scale == 0 {
		clear(dst)
		return
	}
	h := 6e-6 / scale
	at, up, down := c.cut(n)
	up, down = up[:len(dst)], down[:len(dst)]
	for i := range at {
		at[i] = x[i] + h*v[i]
	}
	f(up, at)
	for i := range at {
		at[i] = x[i] - h*v[i]
	}
	f(down, at)
	for i := range dst {
		dst[i] = (up[i] - down[i]) / (2 * h)
	}
}
