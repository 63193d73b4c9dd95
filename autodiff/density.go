package autodiff

import (
	"math"
	"strconv"
)

// density is a log density of up to four operands, summed over elements: the
// whole-data building block of a model. Operands are scalars, or vectors (or
// matrices) of one length.
//
// The forward pass leaves the first partial derivatives in the node's work (a
// sum for a scalar operand), so that the reverse pass is one multiply-add. The
// last element of work is the part that depends on data only.
type density struct {
	name    string
	params  [4]string  // operands; unused ones are ""
	support [4]support // of the operands; the zero value is any finite number
	// relate, if not nil, looks at what the operands of one element are to each
	// other, of those that are fixed: it returns the one that is wrong and what is
	// wanted of it, or "".
	relate func(x *[4]float64, fixed *[4]bool) (a int, want string)
	// base, if not nil, is the part of one element's log density that depends on
	// operands that must be data; term and loop leave it out.
	base func(x *[4]float64) float64
	// term returns the log density of one element at the operands x; with
	// order >= 1 it sets the first partial derivatives p.g, with order 2 the
	// second ones p.h as well (of the needed operands; see partials).
	term func(x *[4]float64, p *partials, order int) float64
	// prepare, if not nil, returns what loop wants of constant operands.
	prepare func(d *densityArgs) []float64
	// loop, if not nil, is a faster way for all elements: it returns the sum and,
	// if order is 1, adds to d.g. It returns false where it does not apply.
	loop func(d *densityArgs, order int) (sum float64, ok bool)

	rule, scalars, elements *rule // scalars is for operands that are all scalars, elements for no sum
}

// partials are the derivatives of one term: g[a] = ∂f/∂x_a and h[a][b] =
// ∂²f/∂x_a∂x_b for a <= b. need says which operands depend on parameters;
// derivatives of others may be left out.
type partials struct {
	need [4]bool
	g    [4]float64
	h    [4][4]float64
}

// outside is the log density outside the support, where it is flat.
func (p *partials) outside() float64 {
	p.g, p.h = [4]float64{}, [4][4]float64{}
	return math.Inf(-1)
}

// support is the set of values that an operand may have.
type support struct {
	want string
	has  func(v float64) bool
	data bool // the operand has no derivative and must not depend on a parameter
}

var (
	anyReal     = support{want: "a finite number", has: finite}
	positive    = support{want: "a positive, finite number", has: func(v float64) bool { return v > 0 && finite(v) }}
	nonNegative = support{want: "a finite number, 0 or more", has: func(v float64) bool { return v >= 0 && finite(v) }}
	openUnit    = support{want: "a number between 0 and 1", has: func(v float64) bool { return v > 0 && v < 1 }}
	probability = support{want: "a probability, 0 to 1", has: func(v float64) bool { return v >= 0 && v <= 1 }}
	zeroOne     = support{want: "0 or 1", has: func(v float64) bool { return v == 0 || v == 1 }, data: true}
	counts      = support{want: "a whole number, 0 or more", has: func(v float64) bool { return v >= 0 && v == math.Floor(v) && finite(v) }, data: true}
)

// check panics unless the operand of a node is data where it must be, and
// in the support where it is constant.
func (s *support) check(fn, param string, o *node) {
	if o.needs {
		if s.data {
			panic(&Error{Func: fn, Param: param, Value: "a node that depends on the function's argument", Want: "data: it has no derivative"})
		}
		return
	}
	for i, v := range o.val {
		if !s.has(v) {
			panic(outOfSupport(fn, param, o, i, v, s.want))
		}
	}
}

func outOfSupport(fn, param string, o *node, i int, v float64, want string) *Error {
	if o.kind != scalar {
		param += "[" + strconv.Itoa(i) + "]"
	}
	return &Error{Func: fn, Param: param, Value: strconv.FormatFloat(v, 'g', -1, 64), Want: want}
}

// densityArgs are the operands of a whole density: x[a] has one element (step 0) or
// n (step 1); g[a] is nil where no derivative is wanted; fixed[a] says that
// x[a] is constant.
type densityArgs struct {
	n     int
	step  [4]int
	fixed [4]bool
	x, g  [4][]float64
	pre   []float64 // of prepare
	buf   []float64 // scratch of block elements
}

// block is a number of elements that stay in the first-level cache.
const (
	block = 256
	half  = block / 2 // where two of them are wanted
)

// densityScratch is handed to functions through pointers and so lives on the tape.
type densityScratch struct {
	args densityArgs
	x    [4]float64
	p    partials
	buf  [block]float64
}

// newDensity completes the definition by its rules.
func newDensity(d density) *density {
	for a, s := range d.support {
		if s.has == nil {
			d.support[a] = anyReal
		}
	}
	d.rule = &rule{name: d.name, setup: d.setup, forward: d.forward, backward: densityBackward, tangent: densityTangent, backward2: d.backward2, density: &d}
	d.scalars = &rule{name: d.name, setup: d.setup, forward: d.forwardScalars, backward: densityBackward, tangent: densityTangent, backward2: d.backward2, density: &d}
	d.elements = d.eachRule()
	return &d
}

// operands are those of a density on the tape, and one that has the shape of all.
type operands struct {
	t  *tape
	in [4]int32
	i  int32
}

// shape records operands, which have one shape or are scalars.
func (d *density) shape(fn string, args []any) (o operands) {
	o = operands{t: tapeOf(fn, args...), in: noInputs}
	for a, v := range args {
		o.in[a] = o.t.arg(fn, d.params[a], v)
	}
	o.i = o.in[0]
	for a := range args {
		n, like := &o.t.nodes[o.in[a]], &o.t.nodes[o.i]
		switch {
		case n.kind == scalar:
		case like.kind == scalar:
			o.i = o.in[a]
		case n.kind != like.kind || n.rows != like.rows || n.cols != like.cols:
			panic(&Error{Func: fn, Param: d.params[a], Value: n.shape() + " beside " + like.shape(), Want: "one shape, or a scalar"})
		}
	}
	return o
}

// at records the density at operands.
func (d *density) at(args ...any) Node {
	o := d.shape(d.name, args)
	r, work := d.rule, 1
	if o.t.nodes[o.i].kind == scalar {
		r = d.scalars
	}
	for _, j := range o.in {
		if j != none && o.t.nodes[j].needs {
			work += len(o.t.nodes[j].val)
		}
	}
	return o.t.scalarNode(r, o.in, work)
}

// setup checks constant operands and works out what follows from them.
func (d *density) setup(t *tape, n *node) {
	a, x := d.checkOperands(t, n)
	base := 0.0
	if d.base != nil {
		for i := range a.n {
			a.element(x, i)
			base += d.base(x)
		}
	}
	n.work[len(n.work)-1] = base
	if d.prepare != nil {
		n.pre = d.prepare(a)
	}
}

// checkOperands panics if constant operands are outside their support, and lays all out.
func (d *density) checkOperands(t *tape, n *node) (*densityArgs, *[4]float64) {
	for k, j := range n.in {
		if j != none {
			d.support[k].check(d.name, d.params[k], &t.nodes[j])
		}
	}
	a, x := &t.dens.args, &t.dens.x
	n.args(t, a, false)
	for i := 0; d.relate != nil && i < a.n; i++ {
		a.element(x, i)
		if k, want := d.relate(x, &a.fixed); want != "" {
			panic(outOfSupport(d.name, d.params[k], &t.nodes[n.in[k]], i*a.step[k], x[k], want))
		}
	}
	return a, x
}

// element copies the operands of element i.
func (a *densityArgs) element(x *[4]float64, i int) {
	for k, v := range a.x {
		if v != nil {
			x[k] = v[i*a.step[k]]
		}
	}
}

// args lays the operands out; g are the parts of n.work if grad is set.
func (n *node) args(t *tape, d *densityArgs, grad bool) {
	d.n, d.pre, d.buf = 1, n.pre, t.dens.buf[:]
	w := n.work
	for a, j := range n.in {
		d.g[a] = nil
		if j == none {
			d.x[a], d.step[a], d.fixed[a] = nil, 0, false
			continue
		}
		o := &t.nodes[j]
		d.x[a], d.step[a], d.fixed[a] = o.val, o.step(), !o.needs
		if o.kind != scalar {
			d.n = len(o.val)
		}
		if o.needs {
			if grad {
				d.g[a] = w[:len(o.val):len(o.val)]
			}
			w = w[len(o.val):]
		}
	}
}

func (d *density) forward(t *tape, n *node) {
	a := &t.dens.args
	n.args(t, a, t.order > 0)
	if t.order > 0 {
		clear(n.work[:len(n.work)-1])
	}
	n.val[0] = d.sum(t, n, a)
}

// add is forward that adds the derivatives to the operands' adjoints: that of n is 1.
func (d *density) add(t *tape, n *node) { n.val[0] = d.sum(t, n, n.direct) }

// sum returns the sum over elements and, unless t.order is 0, adds the derivatives to a.g.
func (d *density) sum(t *tape, n *node, a *densityArgs) float64 {
	s := n.work[len(n.work)-1]
	if d.loop != nil {
		if v, ok := d.loop(a, t.order); ok {
			return s + v
		}
	}
	x, p := &t.dens.x, &t.dens.p
	for k := range p.need {
		p.need[k] = a.g[k] != nil
	}
	for i := range a.n {
		a.element(x, i)
		s += d.term(x, p, t.order)
		if t.order > 0 {
			for k, g := range a.g {
				if g != nil {
					g[i*a.step[k]] += p.g[k]
				}
			}
		}
	}
	return s
}

// forwardScalars is forward for one element.
func (d *density) forwardScalars(t *tape, n *node) {
	x, p, grad := &t.dens.x, &t.dens.p, t.order > 0
	for k, j := range n.in {
		if p.need[k] = false; j != none {
			o := &t.nodes[j]
			x[k], p.need[k] = o.val[0], o.needs && grad
		}
	}
	w := n.work
	n.val[0] = d.term(x, p, t.order) + w[len(w)-1]
	for k, need := range p.need {
		if need {
			w[0], w = p.g[k], w[1:]
		}
	}
}

func densityBackward(t *tape, n *node) {
	w := n.work
	for _, j := range n.in {
		if j == none {
			return
		}
		if o := &t.nodes[j]; o.needs {
			if len(o.val) == 1 {
				o.adj[0] += n.adj[0] * w[0]
			} else {
				axpy(o.adj, n.adj[0], w[:len(o.val)])
			}
			w = w[len(o.val):]
		}
	}
}

func densityTangent(t *tape, n *node) {
	w, s := n.work, 0.0
	for _, j := range n.in {
		if j == none {
			break
		}
		if o := &t.nodes[j]; o.needs {
			s += dot(o.dot, w[:len(o.val)])
			w = w[len(o.val):]
		}
	}
	n.dot[0] = s
}

func (d *density) backward2(t *tape, n *node) {
	a, x, p := &t.dens.args, &t.dens.x, &t.dens.p
	*p = partials{}
	n.args(t, a, true)
	var u [4]float64
	var dots, dadj [4][]float64
	for k, j := range n.in {
		if j != none && t.nodes[j].needs {
			p.need[k] = true
			dots[k], dadj[k] = t.nodes[j].dot, t.nodes[j].dadj
			axpy(dadj[k], n.dadj[0], a.g[k])
		}
	}
	g := n.adj[0]
	if g == 0 {
		return
	}
	for i := range a.n {
		a.element(x, i)
		for k, need := range p.need {
			if need {
				u[k] = dots[k][i*a.step[k]]
			}
		}
		d.term(x, p, 2)
		for k, need := range p.need {
			if need {
				dadj[k][i*a.step[k]] += g * p.second(k, &u)
			}
		}
	}
}

// second is the directional derivative of g[k] along u; a direction of zero
// silences a second derivative that is not finite.
func (p *partials) second(k int, u *[4]float64) float64 {
	s := 0.0
	for l, need := range p.need {
		if need && u[l] != 0 {
			s += p.h[min(k, l)][max(k, l)] * u[l]
		}
	}
	return s
}
