package autodiff

import (
	"math"
	"strconv"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/special"
)

// LogSumExp returns log Σ e^a_i over all elements, without overflow; −Inf elements
// count nothing.
func (a Node) LogSumExp() Node {
	n := a.n("LogSumExp")
	return a.t.scalarNode(logSumExpRule, one(a.i), len(n.val))
}

// LogSumExpRows returns the vector of log Σ_j e^a_ij, one element a row of a
// matrix: the log density of each observation from those under every component.
func (a Node) LogSumExpRows() Node {
	n := a.needMatrix("LogSumExpRows")
	return a.t.vectorNode(logSumExpRowsRule, one(a.i), int(n.rows), len(n.val))
}

// Softmax returns e^a_i / Σ_j e^a_j, of a vector or of every row of a matrix.
func (a Node) Softmax() Node { return a.rowwise(softmaxRule, 0) }

// LogSoftmax returns a_i − log Σ_j e^a_j, of a vector or of every row of a matrix.
func (a Node) LogSoftmax() Node { return a.rowwise(logSoftmaxRule, a.Len()) }

func (a Node) rowwise(r *rule, work int) Node {
	n := a.n(r.name)
	if n.kind == scalar {
		panic(&Error{Func: r.name, Param: "the node", Value: n.shape(), Want: "a vector or a matrix"})
	}
	return a.t.push(&spec{rule: r, in: one(a.i), kind: n.kind, rows: int(n.rows), cols: int(n.cols), view: -1, work: work})
}

// softmax sets p to e^x/Σ e^x and returns log Σ e^x. Where that is not finite, p
// holds a point mass, so that −Inf is not turned into a NaN.
func softmax(p, x []float64) float64 {
	m := math.Inf(-1)
	for _, v := range x {
		m = math.Max(m, v)
	}
	if math.IsInf(m, 0) || math.IsNaN(m) {
		for i, v := range x {
			p[i] = 0
			if v == m && m > 0 {
				p[i] = 1
			}
		}
		return m
	}
	for i, v := range x {
		p[i] = v - m
	}
	la.Exp(p, p)
	s := 0.0
	for _, v := range p {
		s += v
	}
	for i := range p {
		p[i] /= s
	}
	return m + math.Log(s)
}

// eachRow calls f with the bounds of the rows of x: a vector is one row.
func (n *node) eachRow(f func(row, lo, hi int)) {
	if n.kind != matrix {
		f(0, 0, len(n.val))
		return
	}
	c := int(n.cols)
	for i := range int(n.rows) {
		f(i, i*c, (i+1)*c)
	}
}

// logSumExpOver makes the rule of log-sum-exps of the equal parts of x, one for
// each element of the result; work holds the softmaxes, which are the gradients.
func logSumExpOver(name string) *rule {
	return &rule{
		name: name,
		forward: func(t *tape, n *node) {
			x := t.nodes[n.in[0]].val
			c := len(x) / len(n.val)
			for i := range n.val {
				n.val[i] = softmax(n.work[i*c:(i+1)*c], x[i*c:(i+1)*c])
			}
		},
		backward: func(t *tape, n *node) {
			adj := t.nodes[n.in[0]].adj
			c := len(adj) / len(n.adj)
			for i, g := range n.adj {
				axpy(adj[i*c:(i+1)*c], g, n.work[i*c:(i+1)*c])
			}
		},
		tangent: func(t *tape, n *node) {
			u := t.nodes[n.in[0]].dot
			c := len(u) / len(n.dot)
			for i := range n.dot {
				n.dot[i] = dot(n.work[i*c:(i+1)*c], u[i*c:(i+1)*c])
			}
		},
		backward2: func(t *tape, n *node) {
			x := &t.nodes[n.in[0]]
			c := len(x.dot) / len(n.dot)
			for i, g := range n.adj {
				dg, s := n.dadj[i], n.dot[i]
				for j := i * c; j < (i+1)*c; j++ {
					x.dadj[j] += n.work[j] * (dg + g*(x.dot[j]-s))
				}
			}
		},
	}
}

var (
	logSumExpRule     = logSumExpOver("LogSumExp")
	logSumExpRowsRule = logSumExpOver("LogSumExpRows")
)

var softmaxRule = &rule{
	name: "Softmax",
	forward: func(t *tape, n *node) {
		x := t.nodes[n.in[0]].val
		n.eachRow(func(_, lo, hi int) { softmax(n.val[lo:hi], x[lo:hi]) })
	},
	backward: func(t *tape, n *node) {
		x := &t.nodes[n.in[0]]
		n.eachRow(func(_, lo, hi int) {
			s := dot(n.adj[lo:hi], n.val[lo:hi])
			for i := lo; i < hi; i++ {
				x.adj[i] += n.val[i] * (n.adj[i] - s)
			}
		})
	},
	tangent: func(t *tape, n *node) {
		x := &t.nodes[n.in[0]]
		n.eachRow(func(_, lo, hi int) {
			s := dot(x.dot[lo:hi], n.val[lo:hi])
			for i := lo; i < hi; i++ {
				n.dot[i] = n.val[i] * (x.dot[i] - s)
			}
		})
	},
	backward2: func(t *tape, n *node) {
		x := &t.nodes[n.in[0]]
		n.eachRow(func(_, lo, hi int) {
			s := dot(n.adj[lo:hi], n.val[lo:hi])
			ds := dot(n.dadj[lo:hi], n.val[lo:hi]) + dot(n.adj[lo:hi], n.dot[lo:hi])
			for i := lo; i < hi; i++ {
				x.dadj[i] += n.dot[i]*(n.adj[i]-s) + n.val[i]*(n.dadj[i]-ds)
			}
		})
	},
}

var logSoftmaxRule = &rule{
	name: "LogSoftmax",
	forward: func(t *tape, n *node) {
		x := t.nodes[n.in[0]].val
		n.eachRow(func(_, lo, hi int) {
			l := softmax(n.work[lo:hi], x[lo:hi])
			for i := lo; i < hi; i++ {
				n.val[i] = x[i] - l
			}
		})
	},
	backward: func(t *tape, n *node) {
		x := &t.nodes[n.in[0]]
		n.eachRow(func(_, lo, hi int) {
			s := sum(n.adj[lo:hi])
			for i := lo; i < hi; i++ {
				x.adj[i] += n.adj[i] - n.work[i]*s
			}
		})
	},
	tangent: func(t *tape, n *node) {
		x := &t.nodes[n.in[0]]
		n.eachRow(func(_, lo, hi int) {
			s := dot(x.dot[lo:hi], n.work[lo:hi])
			for i := lo; i < hi; i++ {
				n.dot[i] = x.dot[i] - s
			}
		})
	},
	backward2: func(t *tape, n *node) {
		x := &t.nodes[n.in[0]]
		n.eachRow(func(_, lo, hi int) {
			s, ds := sum(n.adj[lo:hi]), sum(n.dadj[lo:hi])
			for i := lo; i < hi; i++ {
				x.dadj[i] += n.dadj[i] - n.work[i]*(ds+n.dot[i]*s)
			}
		})
	},
}

func sum(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}

// LogAddExp returns log(e^a + e^b) elementwise, without overflow.
func LogAddExp(a, b any) Node { return binary("LogAddExp", logAddExpRule, a, b) }

var logAddExpRule = pairRule("LogAddExp", func(a, b float64) float64 {
	if a == b { // infinities too
		return a + math.Ln2
	}
	return math.Max(a, b) + math.Log1p(math.Exp(-math.Abs(a-b)))
}, logAddExpGrad, func(a, b, c float64) (float64, float64, float64) {
	da, db := logAddExpGrad(a, b, c)
	return da * db, -da * db, da * db
})

func logAddExpGrad(a, b, _ float64) (da, db float64) {
	if a == b {
		return 0.5, 0.5
	}
	return special.Sigmoid(a - b), special.Sigmoid(b - a)
}

// LogMix returns log Σ_k e^(w_k + d_k): the log density of a mixture with the log
// weights w (a vector of K) whose components have the log densities d_1 … d_K,
// vectors with an element an observation, or scalars. This sums a discrete latent
// variable out, one a element; scalar only if all densities are. The weights count as
// they are: log weights that do not sum to one on the natural scale are the user's
// (LogSoftmax normalises).
func LogMix(logWeights any, logDensities ...any) Node {
	t := tapeOf("LogMix", append([]any{logWeights}, logDensities...)...)
	w := t.vectorOf("LogMix", "logWeights", logWeights)
	if k := int(t.nodes[w].rows); k != len(logDensities) {
		panic(&Error{Func: "LogMix", Param: "logWeights", Value: t.nodes[w].shape(), Want: "a vector of " + strconv.Itoa(len(logDensities)) + ", an element a density"})
	}
	t.more = t.more[:0]
	kd, size := scalar, 1
	for k, d := range logDensities {
		i := t.arg("LogMix", "a log density", d)
		n := &t.nodes[i]
		if n.kind == matrix || n.kind == vector && kd == vector && len(n.val) != size {
			panic(&Error{Func: "LogMix", Param: "log density " + strconv.Itoa(k), Value: n.shape(), Want: "scalars and vectors of one length"})
		}
		if n.kind == vector {
			kd, size = vector, len(n.val)
		}
		t.more = append(t.more, i)
	}
	return t.push(&spec{rule: logMixRule, in: one(w), more: t.more, kind: kd, rows: size, cols: 1, view: -1, work: (size + 1) * len(logDensities)})
}

// logMixRule keeps the responsibilities, K for every element, in its work, behind
// them K numbers of scratch.
var logMixRule = &rule{
	name: "LogMix",
	forward: func(t *tape, n *node) {
		w := t.nodes[n.in[0]].val
		k := len(w)
		s := n.work[len(n.val)*k:]
		for i := range n.val {
			for j, id := range n.more {
				d := &t.nodes[id]
				s[j] = w[j] + d.val[i*d.step()]
			}
			n.val[i] = softmax(n.work[i*k:(i+1)*k], s)
		}
	},
	backward: func(t *tape, n *node) {
		w := &t.nodes[n.in[0]]
		k := len(w.val)
		for j, id := range n.more {
			d, step := &t.nodes[id], t.nodes[id].step()
			s := 0.0
			for i, g := range n.adj {
				r := g * n.work[i*k+j]
				s += r
				if d.adj != nil {
					d.adj[i*step] += r
				}
			}
			if w.adj != nil {
				w.adj[j] += s
			}
		}
	},
	tangent: func(t *tape, n *node) {
		w := &t.nodes[n.in[0]]
		k := len(w.val)
		clear(n.dot)
		for j := range n.more {
			for i := range n.dot {
				n.dot[i] += n.work[i*k+j] * mixDot(t, n, i, j)
			}
		}
	},
	backward2: func(t *tape, n *node) {
		w := &t.nodes[n.in[0]]
		k := len(w.val)
		for j, id := range n.more {
			d, step := &t.nodes[id], t.nodes[id].step()
			s := 0.0
			for i, g := range n.adj {
				r := n.work[i*k+j] * (n.dadj[i] + g*(mixDot(t, n, i, j)-n.dot[i]))
				s += r
				if d.adj != nil {
					d.dadj[i*step] += r
				}
			}
			if w.adj != nil {
				w.dadj[j] += s
			}
		}
	},
}

// mixDot is the directional derivative of w_j + d_j at element i.
func mixDot(t *tape, n *node, i, j int) float64 {
	v := 0.0
	if u := t.nodes[n.in[0]].dot; u != nil {
		v = u[j]
	}
	if d := &t.nodes[n.more[j]]; d.dot != nil {
		v += d.dot[i*d.step()]
	}
	return v
}
