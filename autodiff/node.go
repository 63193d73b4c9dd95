package autodiff

import "strconv"

// n returns the node itself, after a look at whether the handle is still valid.
func (a Node) n(fn string) *node {
	if a.t == nil {
		panic(&Error{Func: fn, Param: "the node", Value: "the zero Node", Want: "one that an operation returned"})
	}
	if a.gen != a.t.gen {
		panic(&Error{Func: fn, Param: "the node", Want: "a node of this call of the function; this one was kept from another"})
	}
	return &a.t.nodes[a.i]
}

// Len returns the number of elements: 1, the length of a vector, rows times columns.
func (a Node) Len() int { n := a.n("Len"); return int(n.rows * n.cols) }

// Dims returns the rows and columns of a matrix, n and 1 of a vector, 1 and 1 of a scalar.
func (a Node) Dims() (rows, cols int) { n := a.n("Dims"); return int(n.rows), int(n.cols) }

// Value returns the number in a scalar. A function that looks at values may
// depend on them, so from then on it is recorded anew at every call.
func (a Node) Value() float64 {
	n := a.n("Value")
	if n.kind != scalar {
		panic(&Error{Func: "Value", Param: "the node", Value: n.shape(), Want: "a scalar"})
	}
	a.t.dynamic = a.t.dynamic || n.needs
	return n.val[0]
}

// Values writes the elements to dst (nil allocates), a matrix row by row; see
// Value for what that means.
func (a Node) Values(dst []float64) []float64 {
	n := a.n("Values")
	if dst == nil {
		dst = make([]float64, len(n.val))
	}
	if len(dst) != len(n.val) {
		panic("autodiff: Values: dst has length " + strconv.Itoa(len(dst)) + ", the node " + strconv.Itoa(len(n.val)))
	}
	a.t.dynamic = a.t.dynamic || n.needs
	copy(dst, n.val)
	return dst
}

// Label names the node for messages and returns it.
func (a Node) Label(name string) Node {
	a.n("Label")
	if a.t.labels == nil {
		a.t.labels = map[int32]string{}
	}
	a.t.labels[a.i] = name
	return a
}

// Output marks the node as one that Function.Outputs returns, and returns it: a
// quantity that follows from the argument and is wanted beside the function's value. It
// costs nothing when only that is asked for.
func (a Node) Output() Node {
	a.n("Output")
	a.t.outputs = append(a.t.outputs, a.i)
	return a
}

// At returns element i of a vector. It costs nothing.
func (a Node) At(i int) Node {
	n := a.n("At")
	if n.kind != vector || i < 0 || i >= int(n.rows) {
		panic(&Error{Func: "At", Param: "i", Value: strconv.Itoa(i) + " in " + n.shape(), Want: "an element of a vector"})
	}
	return a.viewOf(scalar, i, 1, 1)
}

// Slice returns elements lo … hi−1 of a vector. It costs nothing.
func (a Node) Slice(lo, hi int) Node {
	n := a.n("Slice")
	if n.kind != vector || lo < 0 || hi <= lo || hi > int(n.rows) {
		panic(&Error{Func: "Slice", Param: "lo:hi", Value: strconv.Itoa(lo) + ":" + strconv.Itoa(hi) + " in " + n.shape(), Want: "a part of a vector"})
	}
	return a.viewOf(vector, lo, hi-lo, 1)
}

// Row returns row i of a matrix as a vector. It costs nothing.
func (a Node) Row(i int) Node {
	n := a.n("Row")
	if n.kind != matrix || i < 0 || i >= int(n.rows) {
		panic(&Error{Func: "Row", Param: "i", Value: strconv.Itoa(i) + " in " + n.shape(), Want: "a row of a matrix"})
	}
	return a.viewOf(vector, i*int(n.cols), int(n.cols), 1)
}

// Matrix returns the elements as a matrix, row by row; Len must be rows·cols. It
// costs nothing.
func (a Node) Matrix(rows, cols int) Node {
	n := a.n("Matrix")
	if rows < 1 || cols < 1 || rows*cols != len(n.val) {
		panic(&Error{Func: "Matrix", Param: "rows×cols", Value: strconv.Itoa(rows) + "×" + strconv.Itoa(cols) + " for " + n.shape(), Want: "as many elements"})
	}
	return a.viewOf(matrix, 0, rows, cols)
}

// Vector returns the elements as a vector, those of a matrix row by row. It costs nothing.
func (a Node) Vector() Node {
	n := a.n("Vector")
	return a.viewOf(vector, 0, len(n.val), 1)
}

func (a Node) viewOf(k kind, offset, rows, cols int) Node {
	in := noInputs
	in[0] = a.i
	return a.t.push(&spec{in: in, kind: k, rows: rows, cols: cols, view: offset})
}

// Shape returns nothing for a scalar, the length of a vector, rows and columns of a matrix.
func (a Node) Shape() []int {
	switch n := a.n("Shape"); n.kind {
	case scalar:
		return nil
	case vector:
		return []int{int(n.rows)}
	default:
		return []int{int(n.rows), int(n.cols)}
	}
}

// DependsOn reports whether b entered the computation of a, with whatever effect. Of a
// function that looks at values, where another call may differ, it is true.
func (a Node) DependsOn(b Node) bool {
	const fn = "DependsOn"
	a.n(fn)
	b.n(fn)
	t := a.t
	if b.t != t {
		panic(&Error{Func: fn, Param: "b", Want: "a node of the same function"})
	}
	if t.dynamic {
		return true
	}
	reach := make([]bool, a.i+1)
	reach[a.i] = true
	for i := a.i; i > b.i; i-- {
		if reach[i] {
			for _, o := range t.operands(&t.nodes[i]) {
				reach[o] = true
			}
		}
	}
	return b.i <= a.i && reach[b.i]
}
