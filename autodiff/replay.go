package autodiff

// Most of a log density is a sum of terms whose adjoint is 1, known before the
// reverse pass begins. A whole-data density among them adds its partial derivatives to
// its operands' adjoints while it is evaluated, and the reverse pass leaves it out.
// A sum of vectors with an operand that nothing else uses shares its adjoint
// with it. Both are settled by prune, once the record is complete, and hold for
// replays of gradients; Hessian-vector products need the adjoints and partial derivatives of
// all nodes and take the general way, as functions do that are recorded at every call.

// prune finds the nodes that the result depends on, for the rest, made for outputs
// or for nothing, is not evaluated for values and gradients, and lays out the adjoints.
func (t *tape) prune() {
	uses := make([]int32, len(t.nodes))
	uses[t.result] = 1
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := &t.nodes[i]
		n.direct, n.given = nil, false
		if uses[i] == 0 {
			continue
		}
		for _, j := range n.in {
			if j != none {
				uses[j]++
			}
		}
		for _, j := range n.more {
			uses[j]++
		}
	}
	t.ones = t.ones[:0]
	t.give(t.result, uses)
	t.layAdjoints(uses)
	t.live, t.back = t.live[:0], t.back[:0]
	for _, i := range t.prog {
		if n := &t.nodes[i]; uses[i] > 0 {
			t.live = append(t.live, i)
			if !n.given && !(n.rule == addRule && t.passed(n, n.in[0]) && t.passed(n, n.in[1])) {
				t.back = append(t.back, i)
			}
		}
	}
}

// give follows the adjoint 1 down from the result.
func (t *tape) give(i int32, uses []int32) {
	n := &t.nodes[i]
	switch {
	case !n.needs:
		return
	case uses[i] > 1 || n.rule == nil:
		t.ones = append(t.ones, i)
		return
	case n.rule == addAllRule:
		for _, j := range n.more {
			t.give(j, uses)
		}
	case n.rule == addRule && n.kind == scalar:
		t.give(n.in[0], uses)
		t.give(n.in[1], uses)
	case n.rule.density != nil:
		n.direct = &densityArgs{}
	default:
		t.ones = append(t.ones, i)
		return
	}
	n.given = true
}

// layAdjoints gives all nodes that the result depends on room for their adjoints.
func (t *tape) layAdjoints(uses []int32) {
	t.adjs.pos = mark{}
	// shared[i]−1 is the sum whose adjoint is that of node i, through any number of sums.
	shared := make([]int32, len(t.nodes))
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := &t.nodes[i]
		if uses[i] == 0 || !n.needs || n.given || n.rule != addRule && n.rule != subRule && n.rule != plusRule {
			continue
		}
		to := shared[i]
		if to == 0 {
			to = int32(i) + 1
		}
		for k, j := range n.in[:2] {
			o := &t.nodes[j]
			if uses[j] == 1 && o.needs && o.rule != nil && len(o.val) == len(n.val) && (k == 0 || n.rule == addRule) {
				shared[j] = to
			}
		}
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		n.adj = nil
		if n.needs && n.view < 0 && shared[i] == 0 && (uses[i] > 0 || i == 0) {
			n.adj = t.adjs.get(len(n.val))
		}
	}
	for i := range t.nodes {
		switch n := &t.nodes[i]; {
		case shared[i] != 0:
			n.adj = t.nodes[shared[i]-1].adj
		case n.needs && n.view >= 0 && uses[i] > 0:
			n.adj = t.nodes[n.in[0]].adj[n.view:][:len(n.val)]
		}
	}
}

// passed says that operand j of the sum n has n's adjoint, or none.
func (t *tape) passed(n *node, j int32) bool {
	adj := t.nodes[j].adj
	return adj == nil || same(adj, n.adj)
}

// same says that two adjoints are one.
func same(a, b []float64) bool { return &a[0] == &b[0] && len(a) == len(b) }

// step is one visit of a replay.
type step struct {
	n   *node
	run func(t *tape, n *node)
	// args are those of a density that adds to its operands' adjoints itself, by loop
	// where that applies. base is the part of its data.
	args *densityArgs
	loop func(d *densityArgs, order int) (sum float64, ok bool)
	base float64
}

// lay makes the steps of replays of gradients, after a record that has moved nodes or
// found data elsewhere.
func (t *tape) lay() {
	t.forward, t.backward = t.forward[:0], t.backward[:0]
	for _, i := range t.live {
		n := &t.nodes[i]
		s := step{n: n, run: n.rule.forward}
		if n.direct != nil {
			n.args(t, n.direct, false)
			for k, j := range n.in {
				if j != none {
					n.direct.g[k] = t.nodes[j].adj
				}
			}
			d := n.rule.density
			s.run = d.add
			if d.loop != nil {
				s.args, s.loop, s.base = n.direct, d.loop, n.work[len(n.work)-1]
			}
		}
		t.forward = append(t.forward, s)
	}
	for k := len(t.back) - 1; k >= 0; k-- {
		n := &t.nodes[t.back[k]]
		t.backward = append(t.backward, step{n: n, run: n.rule.backward})
	}
}

// grad sets the value and the adjoint of the argument for x.
func (t *tape) grad(f func(Node) Node, x []float64) float64 {
	if t.begin(f, x, 1); t.dynamic {
		t.reverse()
		return t.nodes[t.result].val[0]
	}
	t.adjs.clear()
	for k := range t.forward {
		s := &t.forward[k]
		if s.args != nil {
			if v, ok := s.loop(s.args, 1); ok {
				s.n.val[0] = s.base + v
				continue
			}
		}
		s.run(t, s.n)
	}
	for _, i := range t.ones {
		t.nodes[i].adj[0]++
	}
	for k := range t.backward {
		s := &t.backward[k]
		s.run(t, s.n)
	}
	return t.nodes[t.result].val[0]
}

// gradAll sets all values and adjoints for x.
func (t *tape) gradAll(f func(Node) Node, x []float64) float64 {
	v := t.eval(f, x, 1)
	t.reverse()
	return v
}

// seed clears the adjoints and sets that of the result.
func (t *tape) seed() {
	t.adjs.clear()
	if n := &t.nodes[t.result]; n.needs {
		n.adj[0] = 1
	}
}

func (t *tape) reverse() {
	t.seed()
	for k := len(t.live) - 1; k >= 0; k-- {
		n := &t.nodes[t.live[k]]
		n.rule.backward(t, n)
	}
}

// hessVec sets all directional derivatives along v of the values and adjoints
// that gradAll has set.
func (t *tape) hessVec(v []float64) {
	t.makeDots()
	t.dots.clear()
	copy(t.nodes[0].dot, v)
	for _, i := range t.live {
		n := &t.nodes[i]
		n.rule.tangent(t, n)
	}
	for k := len(t.live) - 1; k >= 0; k-- {
		n := &t.nodes[t.live[k]]
		n.rule.backward2(t, n)
	}
}
