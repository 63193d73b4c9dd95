package autodiff

import (
	"math"
	"strconv"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/special"
)

// CategoricalLogitLogProb returns Σ_i log p(labels[i]) for data labels, []int or
// []float64 of whole numbers 0 … K−1, with the logits of observation i in row i of an n×K
// matrix:
//
//	Σ_i logits[i, labels[i]] − log Σ_k exp logits[i, k].
func CategoricalLogitLogProb(labels, logits any) Node {
	const fn = "CategoricalLogitLogProb"
	t := tapeOf(fn, logits)
	j := t.arg(fn, "logits", logits)
	n := &t.nodes[j]
	if n.kind != matrix {
		panic(&Error{Func: fn, Param: "logits", Value: n.shape(), Want: "a matrix with a row an observation"})
	}
	s := spec{rule: categoricalRule, in: [4]int32{j, none, none, none}, kind: scalar, rows: 1, cols: 1, view: -1, work: len(n.val)}
	t.labelled(&s, fn, "labels", labels, int(n.rows))
	return t.push(&s)
}

// labelled makes labels of n observations the ints or operand in[1] of a node.
func (t *tape) labelled(s *spec, fn, param string, labels any, n int) {
	k := 0
	if v, ok := labels.([]int); ok {
		k, s.ints = len(v), v
	} else {
		s.in[1] = t.arg(fn, param, labels)
		o := &t.nodes[s.in[1]]
		counts.check(fn, param, o)
		k = len(o.val)
	}
	if k != n {
		panic(&Error{Func: fn, Param: param, Value: strconv.Itoa(k) + " labels for " + strconv.Itoa(n) + " observations", Want: "one label an observation"})
	}
}

// checkLabels panics unless all labels are below k.
func checkLabels(t *tape, n *node, k int) {
	check := func(i, v int) {
		if v < 0 || v >= k {
			panic(&Error{Func: n.rule.name, Param: "labels[" + strconv.Itoa(i) + "]", Value: strconv.Itoa(v), Want: "a whole number 0 … " + strconv.Itoa(k-1)})
		}
	}
	if n.in[1] != none {
		for i, v := range t.nodes[n.in[1]].val {
			check(i, int(min(v, math.MaxInt32)))
		}
	}
	for i, v := range n.ints {
		check(i, v)
	}
}

// label is the label of observation i.
func (t *tape) label(n *node, i int) int {
	if n.ints != nil {
		return n.ints[i]
	}
	return int(t.nodes[n.in[1]].val[i])
}

// categoricalRule keeps the probabilities of all classes in work.
var categoricalRule = &rule{
	name:  "CategoricalLogitLogProb",
	setup: func(t *tape, n *node) { checkLabels(t, n, int(t.nodes[n.in[0]].cols)) },
	forward: func(t *tape, n *node) {
		o := &t.nodes[n.in[0]]
		k, total := int(o.cols), 0.0
		// Less the largest of each row, all exponentials at one go.
		for i := range int(o.rows) {
			row := o.val[i*k : (i+1)*k]
			top := row[0]
			for _, v := range row[1:] {
				top = max(top, v)
			}
			for c, v := range row {
				n.work[i*k+c] = v - top
			}
			total += row[t.label(n, i)] - top
		}
		la.Exp(n.work, n.work)
		for i := range int(o.rows) {
			p := n.work[i*k : (i+1)*k]
			s := 0.0
			for _, v := range p {
				s += v
			}
			total -= math.Log(s)
			for c := range p {
				p[c] /= s
			}
		}
		n.val[0] = total
	},
	backward: func(t *tape, n *node) {
		o := &t.nodes[n.in[0]]
		axpy(o.adj, -n.adj[0], n.work)
		for i := range int(o.rows) {
			o.adj[i*int(o.cols)+t.label(n, i)] += n.adj[0]
		}
	},
	tangent: func(t *tape, n *node) {
		o := &t.nodes[n.in[0]]
		s := -dot(n.work, o.dot)
		for i := range int(o.rows) {
			s += o.dot[i*int(o.cols)+t.label(n, i)]
		}
		n.dot[0] = s
	},
	backward2: func(t *tape, n *node) {
		o := &t.nodes[n.in[0]]
		k := int(o.cols)
		axpy(o.dadj, -n.dadj[0], n.work)
		for i := range int(o.rows) {
			o.dadj[i*k+t.label(n, i)] += n.dadj[0]
			p, u := n.work[i*k:(i+1)*k], o.dot[i*k:(i+1)*k]
			m := dot(p, u)
			for c, v := range p {
				o.dadj[i*k+c] -= n.adj[0] * v * (u[c] - m)
			}
		}
	},
}

// OrderedLogitLogProb returns the log density of ordered categories, Σ_i log p(labels[i]),
// for data labels, []int or []float64 of whole numbers 0 … K−1, of which n have linear
// predictors eta (a vector of n) and K−1 cutpoints c_1 < … < c_{K−1} (a vector) in common:
//
//	P(label = k) = S(c_{k+1} − eta) − S(c_k − eta), S(v) = 1/(1+e^−v), c_0 = −∞, c_K = ∞.
//
// It is −Inf or NaN where the cutpoints do not increase.
func OrderedLogitLogProb(labels, eta, cutpoints any) Node {
	const fn = "OrderedLogitLogProb"
	t := tapeOf(fn, eta, cutpoints)
	j, c := t.arg(fn, "eta", eta), t.arg(fn, "cutpoints", cutpoints)
	for i, param := range [2]string{"eta", "cutpoints"} {
		if o := &t.nodes[[2]int32{j, c}[i]]; o.kind != vector {
			panic(&Error{Func: fn, Param: param, Value: o.shape(), Want: "a vector"})
		}
	}
	n := int(t.nodes[j].rows)
	s := spec{rule: orderedRule, in: [4]int32{j, none, c, none}, kind: scalar, rows: 1, cols: 1, view: -1, work: 2 * n}
	t.labelled(&s, fn, "labels", labels, n)
	return t.push(&s)
}

// orderedTerm is log(S(hi) − S(lo)), S the inverse logit, with its derivatives along lo
// and hi:
//
//	log S(hi) + log S(−lo) + log(1 − e^(lo−hi)).
func orderedTerm(lo, hi float64) (f, dLo, dHi, ll, lh, hh float64) {
	r := 1 / math.Expm1(hi-lo)
	f = -special.Log1pExp(-hi) - special.Log1pExp(lo)
	if !math.IsInf(hi-lo, 1) {
		f += math.Log(-math.Expm1(lo - hi))
	}
	s, c := special.Sigmoid(lo), special.Sigmoid(-hi)
	rr := r * (1 + r)
	return f, -s - r, c + r, -s*special.Sigmoid(-lo) - rr, rr, -c*special.Sigmoid(hi) - rr
}

// between returns the ends of the interval that the label of observation i stands for.
func (t *tape) between(n *node, i int) (k int, lo, hi float64) {
	eta, cut := t.nodes[n.in[0]].val[i], t.nodes[n.in[2]].val
	k, lo, hi = t.label(n, i), math.Inf(-1), math.Inf(1)
	if k > 0 {
		lo = cut[k-1] - eta
	}
	if k < len(cut) {
		hi = cut[k] - eta
	}
	return k, lo, hi
}

// spread adds derivatives along the ends of observation i's interval to those along its
// operands.
func (t *tape) spread(n *node, i, k int, eta, cut []float64, dLo, dHi float64) {
	if eta != nil {
		eta[i] -= dLo + dHi
	}
	if cut != nil && k > 0 {
		cut[k-1] += dLo
	}
	if cut != nil && k < len(cut) {
		cut[k] += dHi
	}
}

// orderedRule keeps the derivatives along both ends of every observation's interval in work.
var orderedRule = &rule{
	name:  "OrderedLogitLogProb",
	setup: func(t *tape, n *node) { checkLabels(t, n, int(t.nodes[n.in[2]].rows)+1) },
	forward: func(t *tape, n *node) {
		s := 0.0
		for i := range t.nodes[n.in[0]].val {
			_, lo, hi := t.between(n, i)
			f, dLo, dHi, _, _, _ := orderedTerm(lo, hi)
			n.work[2*i], n.work[2*i+1] = dLo, dHi
			s += f
		}
		n.val[0] = s
	},
	backward: func(t *tape, n *node) {
		eta, cut := &t.nodes[n.in[0]], &t.nodes[n.in[2]]
		for i := range eta.val {
			t.spread(n, i, t.label(n, i), eta.adj, cut.adj, n.adj[0]*n.work[2*i], n.adj[0]*n.work[2*i+1])
		}
	},
	tangent: func(t *tape, n *node) {
		s := 0.0
		for i := range t.nodes[n.in[0]].val {
			u, v := t.orderedDots(n, i, t.label(n, i))
			s += n.work[2*i]*u + n.work[2*i+1]*v
		}
		n.dot[0] = s
	},
	backward2: func(t *tape, n *node) {
		eta, cut := &t.nodes[n.in[0]], &t.nodes[n.in[2]]
		g, dg := n.adj[0], n.dadj[0]
		for i := range eta.val {
			k, lo, hi := t.between(n, i)
			_, dLo, dHi, ll, lh, hh := orderedTerm(lo, hi)
			u, v := t.orderedDots(n, i, k)
			t.spread(n, i, k, eta.dadj, cut.dadj, dg*dLo+g*(ll*u+lh*v), dg*dHi+g*(lh*u+hh*v))
		}
	},
}

// orderedDots are the directional derivatives of the ends of observation i's interval, 0 of
// an infinite one.
func (t *tape) orderedDots(n *node, i, k int) (u, v float64) {
	eta, cut := t.nodes[n.in[0]].dot, t.nodes[n.in[2]].dot
	size := int(t.nodes[n.in[2]].rows)
	if cut != nil && k > 0 {
		u = cut[k-1]
	}
	if cut != nil && k < size {
		v = cut[k]
	}
	if eta != nil {
		if k > 0 {
			u -= eta[i]
		}
		if k < size {
			v -= eta[i]
		}
	}
	return u, v
}
