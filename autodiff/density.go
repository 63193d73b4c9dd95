package autodiff

// density is a log density of up to four operands, summed over elements: the
// whole-data building block of a model. Operands are scalars, or vectors (or
// matrices) of one length.
//
// The forward pass leaves the first partial derivatives in the node's work (a
// sum for a scalar operand), so that the reverse pass is one multiply-add.
type density struct {
	name   string
	params [4]string // operands; unused ones are ""
	// term returns the log density of one element at the operands x; with
	// order >= 1 it sets the first partial derivatives p.g, with order 2 the
	// second ones p.h as well (of the needed operands; see partials).
	term func(x *[4]float64, p *partials, order int) float64
	// loop, if not nil, is a faster way for all elements: it returns the sum and,
	// if order is 1, adds to d.g. It returns false where it does not apply.
	loop func(d *densityArgs, order int) (sum float64, ok bool)

	rule *rule
}

// partials are the derivatives of one term: g[a] = ∂f/∂x_a and h[a][b] =
// ∂²f/∂x_a∂x_b for a <= b. need says which operands depend on parameters;
// derivatives of others may be left out.
type partials struct {
	need [4]bool
	g    [4]float64
	h    [4][4]float64
}

// densityArgs are the operands of a whole density: x[a] has one element (step 0) or
// n (step 1); g[a] is nil where no derivative is wanted.
type densityArgs struct {
	n    int
	step [4]int
	x, g [4][]float64
}

// densityScratch is handed to functions through pointers and so lives on the tape.
type densityScratch struct {
	args densityArgs
	x    [4]float64
	p    partials
}

// newDensity completes the definition by its rule.
func newDensity(d density) *density {
	d.rule = &rule{name: d.name, forward: d.forward, backward: densityBackward, tangent: densityTangent, backward2: d.backward2}
	return &d
}

// at records the density at operands.
func (d *density) at(operands ...any) Node {
	t := tapeOf(d.name, operands...)
	in, work := noInputs, 0
	var like *node
	for a, v := range operands {
		in[a] = t.arg(d.name, d.params[a], v)
	}
	for a := range operands {
		n := &t.nodes[in[a]]
		if n.needs {
			work += len(n.val)
		}
		switch {
		case n.kind == scalar:
		case like == nil:
			like = n
		case n.kind != like.kind || n.rows != like.rows || n.cols != like.cols:
			panic(&Error{Func: d.name, Param: d.params[a], Value: n.shape() + " beside " + like.shape(), Want: "one shape, or a scalar"})
		}
	}
	return t.scalarNode(d.rule, in, work)
}

// args lays the operands out; g are the parts of n.work if grad is set.
func (n *node) args(t *tape, d *densityArgs, grad bool) {
	d.n = 1
	w := n.work
	for a, j := range n.in {
		if j == none {
			break
		}
		o := &t.nodes[j]
		d.x[a], d.step[a] = o.val, o.step()
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
	a, x, p := &t.dens.args, &t.dens.x, &t.dens.p
	*a = densityArgs{}
	n.args(t, a, t.order > 0)
	if t.order > 0 {
		clear(n.work)
	}
	if d.loop != nil {
		if s, ok := d.loop(a, t.order); ok {
			n.val[0] = s
			return
		}
	}
	for k := range p.need {
		p.need[k] = a.g[k] != nil
	}
	s := 0.0
	for i := range a.n {
		for k, v := range a.x {
			if v != nil {
				x[k] = v[i*a.step[k]]
			}
		}
		s += d.term(x, p, t.order)
		if t.order > 0 {
			for k, g := range a.g {
				if g != nil {
					g[i*a.step[k]] += p.g[k]
				}
			}
		}
	}
	n.val[0] = s
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
	*a, *p = densityArgs{}, partials{}
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
		for k, v := range a.x {
			if v != nil {
				x[k] = v[i*a.step[k]]
			}
			if p.need[k] {
				u[k] = dots[k][i*a.step[k]]
			}
		}
		d.term(x, p, 2)
		for k := range 4 {
			if !p.need[k] {
				continue
			}
			s := 0.0
			for l := range 4 {
				if p.need[l] && u[l] != 0 {
					s += p.h[min(k, l)][max(k, l)] * u[l]
				}
			}
			dadj[k][i*a.step[k]] += g * s
		}
	}
}
