package autodiff

import "strconv"

// linearRule makes the rule of a linear map of one operand x: apply sets dst to
// the image of src, adjoint adds the transposed map of src to dst. Derivatives
// of any order are the same two maps.
func linearRule(name string, apply, adjoint func(x, n *node, dst, src []float64)) *rule {
	return &rule{
		name:      name,
		forward:   func(t *tape, n *node) { x := &t.nodes[n.in[0]]; apply(x, n, n.val, x.val) },
		backward:  func(t *tape, n *node) { x := &t.nodes[n.in[0]]; adjoint(x, n, x.adj, n.adj) },
		tangent:   func(t *tape, n *node) { x := &t.nodes[n.in[0]]; apply(x, n, n.dot, x.dot) },
		backward2: func(t *tape, n *node) { x := &t.nodes[n.in[0]]; adjoint(x, n, x.dadj, n.dadj) },
	}
}

// node is the handle on node i.
func (t *tape) node(i int32) Node { return Node{t, i, t.gen} }

// one is the list of a single operand.
func one(i int32) [4]int32 { return [4]int32{i, none, none, none} }

// vectorOf returns the operand v, which must be a vector.
func (t *tape) vectorOf(fn, param string, v any) int32 {
	i := t.arg(fn, param, v)
	if n := &t.nodes[i]; n.kind != vector {
		panic(&Error{Func: fn, Param: param, Value: n.shape(), Want: "a vector"})
	}
	return i
}

// matrixOf returns the operand v, which must be a matrix.
func (t *tape) matrixOf(fn, param string, v any) int32 {
	i := t.arg(fn, param, v)
	if n := &t.nodes[i]; n.kind != matrix {
		panic(&Error{Func: fn, Param: param, Value: n.shape(), Want: "a matrix"})
	}
	return i
}

// squareOf returns the operand v, which must be a square matrix.
func (t *tape) squareOf(fn, param string, v any) int32 {
	i := t.arg(fn, param, v)
	if n := &t.nodes[i]; n.kind != matrix || n.rows != n.cols {
		panic(&Error{Func: fn, Param: param, Value: n.shape(), Want: "a square matrix"})
	}
	return i
}

// vectorNode and matrixNode record a result of a rule.
func (t *tape) vectorNode(r *rule, in [4]int32, n, work int) Node {
	return t.push(&spec{rule: r, in: in, kind: vector, rows: n, cols: 1, view: -1, work: work})
}

func (t *tape) matrixNode(r *rule, in [4]int32, rows, cols, work int) Node {
	return t.push(&spec{rule: r, in: in, kind: matrix, rows: rows, cols: cols, view: -1, work: work})
}

// Gather returns the elements x[index[0]], x[index[1]], … of a vector, or those rows
// of a matrix: the effect of its group for every observation. Indices count from
// 0 and may repeat; index may not change afterwards.
func Gather(x any, index []int) Node {
	t := tapeOf("Gather", x)
	i := t.arg("Gather", "x", x)
	n := &t.nodes[i]
	if n.kind == scalar {
		panic(&Error{Func: "Gather", Param: "x", Value: n.shape(), Want: "a vector or a matrix"})
	}
	checkIndex("Gather", index, int(n.rows))
	return t.push(&spec{rule: gatherRule, in: one(i), kind: n.kind, rows: len(index), cols: int(n.cols), view: -1, ints: index})
}

// ScatterAdd returns the vector of length n whose element k is the sum of all x[i] with
// index[i] = k: totals by group, the transpose of Gather. Of a matrix the rows are
// added up. Indices count from 0; index may not change afterwards.
func ScatterAdd(x any, index []int, n int) Node {
	t := tapeOf("ScatterAdd", x)
	i := t.arg("ScatterAdd", "x", x)
	o := &t.nodes[i]
	if o.kind == scalar {
		panic(&Error{Func: "ScatterAdd", Param: "x", Value: o.shape(), Want: "a vector or a matrix"})
	}
	if len(index) != int(o.rows) {
		panic(&Error{Func: "ScatterAdd", Param: "index", Value: "of length " + strconv.Itoa(len(index)) + " for " + o.shape(), Want: "an index for each of its rows"})
	}
	if n < 1 {
		panic(&Error{Func: "ScatterAdd", Param: "n", Value: strconv.Itoa(n), Want: "1 or more"})
	}
	checkIndex("ScatterAdd", index, n)
	return t.push(&spec{rule: scatterRule, in: one(i), kind: o.kind, rows: n, cols: int(o.cols), view: -1, ints: index})
}

func checkIndex(fn string, index []int, n int) {
	if len(index) == 0 {
		panic(&Error{Func: fn, Param: "index", Value: "empty", Want: "one index or more"})
	}
	for i, k := range index {
		if k < 0 || k >= n {
			panic(&Error{Func: fn, Param: "index[" + strconv.Itoa(i) + "]", Value: strconv.Itoa(k), Want: "0 to " + strconv.Itoa(n-1)})
		}
	}
}

var (
	gatherRule = linearRule("Gather", func(_, n *node, dst, src []float64) {
		gather(dst, src, n.ints, int(n.cols))
	}, func(_, n *node, dst, src []float64) {
		scatter(dst, src, n.ints, int(n.cols))
	})
	scatterRule = linearRule("ScatterAdd", func(_, n *node, dst, src []float64) {
		clear(dst)
		scatter(dst, src, n.ints, int(n.cols))
	}, func(_, n *node, dst, src []float64) {
		w := int(n.cols)
		for i, k := range n.ints {
			for j := range w {
				dst[i*w+j] += src[k*w+j]
			}
		}
	})
)

// gather sets rows of width w of dst to the rows index of src.
func gather(dst, src []float64, index []int, w int) {
	if w == 1 {
		for i, k := range index {
			dst[i] = src[k]
		}
		return
	}
	for i, k := range index {
		copy(dst[i*w:(i+1)*w], src[k*w:(k+1)*w])
	}
}

// scatter adds the rows of src to the rows index of dst.
func scatter(dst, src []float64, index []int, w int) {
	if w == 1 {
		for i, k := range index {
			dst[k] += src[i]
		}
		return
	}
	for i, k := range index {
		axpy(dst[k*w:(k+1)*w], 1, src[i*w:(i+1)*w])
	}
}

// Concat returns one vector of the elements of scalars and vectors, in order.
func Concat(parts ...any) Node {
	t := tapeOf("Concat", parts...)
	t.more = t.more[:0]
	size := 0
	for k, p := range parts {
		i := t.arg("Concat", "a part", p)
		n := &t.nodes[i]
		if n.kind == matrix {
			panic(&Error{Func: "Concat", Param: "part " + strconv.Itoa(k), Value: n.shape(), Want: "a scalar or a vector"})
		}
		size += len(n.val)
		t.more = append(t.more, i)
	}
	return t.push(&spec{rule: concatRule, in: noInputs, more: t.more, kind: vector, rows: size, cols: 1, view: -1})
}

// StackRows returns the matrix whose rows are the given vectors, all of one length.
func StackRows(rows ...any) Node { return stack("StackRows", rows) }

// StackColumns returns the matrix whose columns are the given vectors, all of one length.
func StackColumns(columns ...any) Node { return stack("StackColumns", columns).Transpose() }

func stack(fn string, parts []any) Node {
	t := tapeOf(fn, parts...)
	t.more = t.more[:0]
	width := 0
	for k, p := range parts {
		i := t.vectorOf(fn, "a part", p)
		n := &t.nodes[i]
		if k == 0 {
			width = len(n.val)
		} else if len(n.val) != width {
			panic(&Error{Func: fn, Param: "part " + strconv.Itoa(k), Value: n.shape(), Want: "a vector of " + strconv.Itoa(width) + " as the first"})
		}
		t.more = append(t.more, i)
	}
	return t.push(&spec{rule: concatRule, in: noInputs, more: t.more, kind: matrix, rows: len(parts), cols: width, view: -1})
}

var concatRule = &rule{
	name: "Concat",
	forward: func(t *tape, n *node) {
		dst := n.val
		for _, j := range n.more {
			dst = dst[copy(dst, t.nodes[j].val):]
		}
	},
	backward: func(t *tape, n *node) {
		src := n.adj
		for _, j := range n.more {
			o := &t.nodes[j]
			for i := range o.adj {
				o.adj[i] += src[i]
			}
			src = src[len(o.val):]
		}
	},
	tangent: func(t *tape, n *node) {
		dst := n.dot
		for _, j := range n.more {
			o := &t.nodes[j]
			if o.dot != nil {
				copy(dst, o.dot)
			} else {
				clear(dst[:len(o.val)])
			}
			dst = dst[len(o.val):]
		}
	},
	backward2: func(t *tape, n *node) {
		src := n.dadj
		for _, j := range n.more {
			o := &t.nodes[j]
			for i := range o.dadj {
				o.dadj[i] += src[i]
			}
			src = src[len(o.val):]
		}
	},
}

// CumSum returns the partial sums a_0, a_0+a_1, … of a vector: a random walk of its steps.
func (a Node) CumSum() Node {
	n := a.n("CumSum")
	if n.kind != vector {
		panic(&Error{Func: "CumSum", Param: "the node", Value: n.shape(), Want: "a vector"})
	}
	return a.t.vectorNode(cumSumRule, one(a.i), int(n.rows), 0)
}

var cumSumRule = linearRule("CumSum", func(_, _ *node, dst, src []float64) {
	s := 0.0
	for i, v := range src {
		s += v
		dst[i] = s
	}
}, func(_, _ *node, dst, src []float64) {
	s := 0.0
	for i := len(src) - 1; i >= 0; i-- {
		s += src[i]
		dst[i] += s
	}
})

// Mean returns the arithmetic mean of the elements.
func (a Node) Mean() Node {
	a.n("Mean")
	return a.t.scalarNode(meanRule, one(a.i), 0)
}

var meanRule = linearRule("Mean", func(_, _ *node, dst, src []float64) {
	s := 0.0
	for _, v := range src {
		s += v
	}
	dst[0] = s / float64(len(src))
}, func(_, _ *node, dst, src []float64) { addConst(dst, src[0]/float64(len(dst))) })

// Transpose returns the transpose of a matrix.
func (a Node) Transpose() Node {
	n := a.needMatrix("Transpose")
	return a.t.matrixNode(transposeRule, one(a.i), int(n.cols), int(n.rows), 0)
}

// needMatrix returns the node, which must be a matrix.
func (a Node) needMatrix(fn string) *node {
	n := a.n(fn)
	if n.kind != matrix {
		panic(&Error{Func: fn, Param: "the node", Value: n.shape(), Want: "a matrix"})
	}
	return n
}

var transposeRule = linearRule("Transpose", func(x, _ *node, dst, src []float64) {
	r, c := int(x.rows), int(x.cols)
	for i := range r {
		for j, v := range src[i*c : (i+1)*c] {
			dst[j*r+i] = v
		}
	}
}, func(x, _ *node, dst, src []float64) {
	r, c := int(x.rows), int(x.cols)
	for i := range r {
		for j := range c {
			dst[i*c+j] += src[j*r+i]
		}
	}
})

// Column returns column j of a matrix as a vector; unlike Row it copies.
func (a Node) Column(j int) Node {
	n := a.needMatrix("Column")
	if j < 0 || j >= int(n.cols) {
		panic(&Error{Func: "Column", Param: "j", Value: strconv.Itoa(j) + " in " + n.shape(), Want: "a column of the matrix"})
	}
	return a.t.push(&spec{rule: columnRule, in: one(a.i), kind: vector, rows: int(n.rows), cols: 1, view: -1, k: float64(j)})
}

var columnRule = linearRule("Column", func(x, n *node, dst, src []float64) {
	j, c := int(n.k), int(x.cols)
	for i := range dst {
		dst[i] = src[i*c+j]
	}
}, func(x, n *node, dst, src []float64) {
	j, c := int(n.k), int(x.cols)
	for i, v := range src {
		dst[i*c+j] += v
	}
})

// RowSums returns the vector of the sums over the elements of each row of a matrix.
func (a Node) RowSums() Node {
	n := a.needMatrix("RowSums")
	return a.t.vectorNode(rowSumsRule, one(a.i), int(n.rows), 0)
}

var rowSumsRule = linearRule("RowSums", func(x, _ *node, dst, src []float64) {
	c := int(x.cols)
	for i := range dst {
		s := 0.0
		for _, v := range src[i*c : (i+1)*c] {
			s += v
		}
		dst[i] = s
	}
}, func(x, _ *node, dst, src []float64) {
	c := int(x.cols)
	for i, v := range src {
		addConst(dst[i*c:(i+1)*c], v)
	}
})
