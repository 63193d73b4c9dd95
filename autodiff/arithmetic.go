package autodiff

// Values and gradients of sums, differences and products are most of what a model
// does outside its densities, so they have loops of their own; second derivatives are
// pairRule's.

func withLoops(r *rule, forward, backward func(t *tape, n *node)) *rule {
	r.forward, r.backward = forward, backward
	return r
}

func addForward(t *tape, n *node) {
	a, b := t.nodes[n.in[0]].val, t.nodes[n.in[1]].val
	dst := n.val
	switch {
	case len(a) == len(dst) && len(b) == len(dst):
		for i := range dst {
			dst[i] = a[i] + b[i]
		}
	case len(a) == 1:
		shift(dst, b, a[0])
	default:
		shift(dst, a, b[0])
	}
}

func shift(dst, x []float64, c float64) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i] + c
	}
}

func subForward(t *tape, n *node) {
	a, b := t.nodes[n.in[0]].val, t.nodes[n.in[1]].val
	dst := n.val
	switch {
	case len(a) == len(dst) && len(b) == len(dst):
		for i := range dst {
			dst[i] = a[i] - b[i]
		}
	case len(a) == 1:
		for i := range dst {
			dst[i] = a[0] - b[i]
		}
	default:
		shift(dst, a, -b[0])
	}
}

func mulForward(t *tape, n *node) {
	a, b := t.nodes[n.in[0]].val, t.nodes[n.in[1]].val
	dst := n.val
	if len(a) == len(dst) && len(b) == len(dst) {
		for i := range dst {
			dst[i] = a[i] * b[i]
		}
		return
	}
	if len(b) == 1 {
		a, b = b, a
	}
	c := a[0]
	b = b[:len(dst)]
	for i := range dst {
		dst[i] = c * b[i]
	}
}

// addTo adds g, the adjoint of a sum, to that of an operand, all of it to that of a scalar.
func addTo(adj, g []float64) {
	switch {
	case adj == nil || same(adj, g): // see layAdjoints
	case len(adj) == len(g) && len(g) > 16:
		axpy(adj, 1, g)
	case len(adj) == len(g):
		for i, v := range g {
			adj[i] += v
		}
	default:
		s := 0.0
		for _, v := range g {
			s += v
		}
		adj[0] += s
	}
}

func addBackward(t *tape, n *node) {
	addTo(t.nodes[n.in[0]].adj, n.adj)
	addTo(t.nodes[n.in[1]].adj, n.adj)
}

func subBackward(t *tape, n *node) {
	addTo(t.nodes[n.in[0]].adj, n.adj)
	switch adj := t.nodes[n.in[1]].adj; {
	case adj == nil:
	case len(adj) == len(n.adj):
		for i, v := range n.adj {
			adj[i] -= v
		}
	default:
		for _, v := range n.adj {
			adj[0] -= v
		}
	}
}

func mulBackward(t *tape, n *node) {
	a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
	if len(b.val) < len(n.val) {
		a, b = b, a
	}
	if len(a.val) == len(b.val) || a.adj == nil || b.adj == nil {
		mulTo(a.adj, n.adj, b.val)
		mulTo(b.adj, n.adj, a.val)
		return
	}
	// A scalar and a vector, the effects of groups with a scale of their own, in one pass.
	s, c := 0.0, a.val[0]
	val, adj := b.val[:len(n.adj)], b.adj[:len(n.adj)]
	for i, g := range n.adj {
		s += g * val[i]
		adj[i] += g * c
	}
	a.adj[0] += s
}

// mulTo adds g times the other factor to the adjoint of a factor.
func mulTo(adj, g, other []float64) {
	switch {
	case adj == nil:
	case len(adj) < len(g):
		s := 0.0
		other = other[:len(g)]
		for i, v := range g {
			s += v * other[i]
		}
		adj[0] += s
	case len(other) < len(g):
		c := other[0]
		for i, v := range g {
			adj[i] += v * c
		}
	default:
		other = other[:len(g)]
		for i, v := range g {
			adj[i] += v * other[i]
		}
	}
}
