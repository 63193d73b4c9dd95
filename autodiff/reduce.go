package autodiff

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/natgrad/natgrad/internal/la"
)

// Sum returns the sum of the elements.
func (a Node) Sum() Node {
	a.n("Sum")
	return a.t.scalarNode(sumRule, [4]int32{a.i, none, none, none}, 0)
}

func (t *tape) scalarNode(r *rule, in [4]int32, work int) Node {
	return t.push(&spec{rule: r, in: in, kind: scalar, rows: 1, cols: 1, view: -1, work: work})
}

var sumRule = &rule{
	name: "Sum",
	forward: func(t *tape, n *node) {
		s := 0.0
		for _, v := range t.nodes[n.in[0]].val {
			s += v
		}
		n.val[0] = s
	},
	backward: func(t *tape, n *node) { addConst(t.nodes[n.in[0]].adj, n.adj[0]) },
	tangent: func(t *tape, n *node) {
		s := 0.0
		for _, v := range t.nodes[n.in[0]].dot {
			s += v
		}
		n.dot[0] = s
	},
	backward2: func(t *tape, n *node) { addConst(t.nodes[n.in[0]].dadj, n.dadj[0]) },
}

func addConst(dst []float64, c float64) {
	for i := range dst {
		dst[i] += c
	}
}

// AddAll returns the sum of scalars, such as the terms of a log density.
func AddAll(terms ...Node) Node {
	if len(terms) == 0 {
		panic(&Error{Func: "AddAll", Want: "at least one term"})
	}
	terms[0].n("AddAll")
	t := terms[0].t
	t.more = t.more[:0]
	for _, a := range terms {
		n := a.n("AddAll")
		if a.t != t {
			panic(&Error{Func: "AddAll", Want: "nodes of one function"})
		}
		if n.kind != scalar {
			panic(&Error{Func: "AddAll", Param: "a term", Value: n.shape(), Want: "a scalar"})
		}
		t.more = append(t.more, a.i)
	}
	return t.push(&spec{rule: addAllRule, in: noInputs, more: t.more, kind: scalar, rows: 1, cols: 1, view: -1})
}

var addAllRule = &rule{
	name: "AddAll",
	forward: func(t *tape, n *node) {
		s := 0.0
		for _, j := range n.more {
			s += t.nodes[j].val[0]
		}
		n.val[0] = s
	},
	backward: func(t *tape, n *node) {
		for _, j := range n.more {
			if a := t.nodes[j].adj; a != nil {
				a[0] += n.adj[0]
			}
		}
	},
	tangent: func(t *tape, n *node) {
		s := 0.0
		for _, j := range n.more {
			if d := t.nodes[j].dot; d != nil {
				s += d[0]
			}
		}
		n.dot[0] = s
	},
	backward2: func(t *tape, n *node) {
		for _, j := range n.more {
			if a := t.nodes[j].dadj; a != nil {
				a[0] += n.dadj[0]
			}
		}
	},
}

// Dot returns the sum Σ a_i·b_i over all elements; a and b have the same shape.
func Dot(a, b any) Node {
	t := tapeOf("Dot", a, b)
	i, j := t.arg("Dot", "a", a), t.arg("Dot", "b", b)
	n, m := &t.nodes[i], &t.nodes[j]
	if n.kind != m.kind || n.rows != m.rows || n.cols != m.cols {
		panic(&Error{Func: "Dot", Param: "b", Value: m.shape() + ", a is " + n.shape(), Want: "one shape"})
	}
	return t.scalarNode(dotRule, [4]int32{i, j, none, none}, 0)
}

var dotRule = &rule{
	name:    "Dot",
	forward: func(t *tape, n *node) { n.val[0] = dot(t.nodes[n.in[0]].val, t.nodes[n.in[1]].val) },
	backward: func(t *tape, n *node) {
		a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		axpy(a.adj, n.adj[0], b.val)
		axpy(b.adj, n.adj[0], a.val)
	},
	tangent: func(t *tape, n *node) {
		a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		n.dot[0] = dot(a.dot, b.val) + dot(b.dot, a.val)
	},
	backward2: func(t *tape, n *node) {
		a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		axpy(a.dadj, n.dadj[0], b.val)
		axpy(b.dadj, n.dadj[0], a.val)
		if b.dot != nil {
			axpy(a.dadj, n.adj[0], b.dot)
		}
		if a.dot != nil {
			axpy(b.dadj, n.adj[0], a.dot)
		}
	},
}

// dot is the inner product; 0 if x is nil.
func dot(x, y []float64) float64 {
	if x == nil {
		return 0
	}
	return blas64.Dot(blas64.Vector{N: len(x), Data: x, Inc: 1}, blas64.Vector{N: len(y), Data: y, Inc: 1})
}

// axpy is dst += c·x; nothing if dst is nil.
func axpy(dst []float64, c float64, x []float64) {
	if dst == nil {
		return
	}
	blas64.Axpy(c, blas64.Vector{N: len(x), Data: x, Inc: 1}, blas64.Vector{N: len(dst), Data: dst, Inc: 1})
}

// MatVec returns the product X·v of a matrix (n×p) and a vector (p). Cost 2np, and
// 2np more for each operand that needs a derivative.
func MatVec(x, v any) Node {
	t := tapeOf("MatVec", x, v)
	i, j := t.arg("MatVec", "x", x), t.arg("MatVec", "v", v)
	n, m := &t.nodes[i], &t.nodes[j]
	if n.kind != matrix {
		panic(&Error{Func: "MatVec", Param: "x", Value: n.shape(), Want: "a matrix"})
	}
	if m.kind != vector || m.rows != n.cols {
		panic(&Error{Func: "MatVec", Param: "v", Value: m.shape() + ", x is " + n.shape(), Want: "a vector with an element a column"})
	}
	return t.push(&spec{rule: matVecRule, in: [4]int32{i, j, none, none}, kind: vector, rows: int(n.rows), cols: 1, view: -1})
}

var matVecRule = &rule{
	name: "MatVec",
	forward: func(t *tape, n *node) {
		matVec(n.val, &t.nodes[n.in[0]], t.nodes[n.in[0]].val, t.nodes[n.in[1]].val, 0)
	},
	backward: func(t *tape, n *node) {
		x, v := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		if v.adj != nil {
			transVec(v.adj, x, n.adj)
		}
		if x.adj != nil {
			outer(x.adj, n.adj, v.val)
		}
	},
	tangent: func(t *tape, n *node) {
		x, v := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		clear(n.dot)
		if v.dot != nil {
			matVec(n.dot, x, x.val, v.dot, 1)
		}
		if x.dot != nil {
			matVec(n.dot, x, x.dot, v.val, 1)
		}
	},
	backward2: func(t *tape, n *node) {
		x, v := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		if v.adj != nil {
			la.AddMulTransVec(v.dadj, x.general(x.val), n.dadj)
			if x.dot != nil {
				la.AddMulTransVec(v.dadj, x.general(x.dot), n.adj)
			}
		}
		if x.adj != nil {
			outer(x.dadj, n.dadj, v.val)
			if v.dot != nil {
				outer(x.dadj, n.adj, v.dot)
			}
		}
	},
}

// general is a view of data in the node's shape.
func (n *node) general(data []float64) blas64.General {
	return blas64.General{Rows: int(n.rows), Cols: int(n.cols), Stride: int(n.cols), Data: data}
}

// matVec is dst = X·v + beta·dst with X in the shape of x.
func matVec(dst []float64, x *node, data, v []float64, beta float64) {
	if len(v) == 2 && beta == 0 { // twice as fast as the call of a routine a row
		a, b := v[0], v[1]
		data = data[:2*len(dst)]
		i := 0
		for ; i+1 < len(dst); i += 2 {
			r := (*[4]float64)(data[2*i:])
			dst[i], dst[i+1] = r[0]*a+r[1]*b, r[2]*a+r[3]*b
		}
		if i < len(dst) {
			dst[i] = data[2*i]*a + data[2*i+1]*b
		}
		return
	}
	blas64.Gemv(blas.NoTrans, 1, x.general(data), blas64.Vector{N: len(v), Data: v, Inc: 1}, beta, blas64.Vector{N: len(dst), Data: dst, Inc: 1})
}

// transVec is dst += X'g.
func transVec(dst []float64, x *node, g []float64) {
	if len(dst) != 2 {
		la.AddMulTransVec(dst, x.general(x.val), g)
		return
	}
	var a, b, c, d float64
	data := x.val[:2*len(g)]
	i := 0
	for ; i+1 < len(g); i += 2 {
		r := (*[4]float64)(data[2*i:])
		u, v := g[i], g[i+1]
		a += u * r[0]
		b += u * r[1]
		c += v * r[2]
		d += v * r[3]
	}
	if i < len(g) {
		a += g[i] * data[2*i]
		b += g[i] * data[2*i+1]
	}
	dst[0] += a + c
	dst[1] += b + d
}

// outer is dst += u·v'.
func outer(dst, u, v []float64) {
	for i, c := range u {
		axpy(dst[i*len(v):(i+1)*len(v)], c, v)
	}
}
