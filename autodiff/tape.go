package autodiff

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/mat"
)

// Node is a handle on a scalar, a vector or a matrix of a function under record.
// It is valid until the function returns.
type Node struct {
	t   *tape
	i   int32
	gen uint32
}

type kind uint8

const (
	scalar kind = iota
	vector
	matrix // row-major, rows×cols
)

// rule is what an operation does. Adjoints are ∂(result)/∂(value); dots are
// directional derivatives along the direction of a Hessian-vector product,
// and dadj those of the adjoints. Functions add to adj and dadj and set val and
// dot; slices of operands that depend on no parameter are nil.
type rule struct {
	name string
	// setup, if not nil, runs once when the node is recorded, before the first
	// forward: it checks operands that are constant and keeps in n.pre what
	// follows from them alone.
	setup func(t *tape, n *node)
	// forward sets n.val from the operands. Where the derivatives come cheap
	// with the value, it keeps them in n.work unless t.order is 0.
	forward func(t *tape, n *node)
	// backward adds n.adj times the partial derivatives to the operands' adj.
	backward func(t *tape, n *node)
	// tangent sets n.dot.
	tangent func(t *tape, n *node)
	// backward2 adds the directional derivative of what backward adds to the
	// operands' dadj, by n.dadj, n.adj and all dots.
	backward2 func(t *tape, n *node)

	density *density // whose sum it is, if it is one
}

// node is one value of the tape. val, adj, dot and dadj have rows·cols entries.
type node struct {
	rule       *rule // nil: input, data, or a view of another node's memory
	in         [4]int32
	kind       kind
	needs      bool // depends on the input
	rows, cols int32
	view       int32 // offset in the memory of in[0], −1 if the node has its own
	k          float64
	ints       []int
	more       []int32 // operands of operations with any number of them
	val, adj   []float64
	dot, dadj  []float64
	work       []float64 // of the rule; first and second derivatives, factors
	pre        []float64 // of the rule; what setup made of constant operands
	mark       mark      // of val and work
	// For replays of gradients, see prune.
	direct *densityArgs // of a density that adds to its operands' adjoints itself
	given  bool         // the adjoint is 1 and the reverse pass leaves the node out
}

// tape is the record of one function; for one goroutine.
type tape struct {
	nodes []node
	prog  []int32 // nodes with a rule that depend on the input, in order
	live  []int32 // those of them that the result depends on
	back  []int32 // those that the reverse pass of a gradient visits
	ones  []int32 // other nodes of the sum that is the result

	forward, backward []step  // of replays of gradients
	outputs           []int32 // nodes marked by Output
	vals              arena   // val and work
	adjs              arena
	dots              arena // dot and dadj
	hasDots           bool

	order   int // 0: values are wanted, 1: gradients too
	gen     uint32
	cursor  int // next node of the record under way
	changed bool
	moved   bool // nodes or data have, since the steps were made
	dynamic bool
	labels  map[int32]string
	result  int32
	calls   int
	fresh   bool      // push has added a node
	more    []int32   // scratch of operations with any number of operands
	resets  int64     // of the Function when the tape was made
	dir     []float64 // scratch of Hess
	dens    densityScratch
}

// mark is a position in an arena.
type mark struct{ chunk, off int }

// arena hands out slices of chunks that never move.
type arena struct {
	chunks [][]float64
	pos    mark
}

func (a *arena) get(n int) []float64 {
	for {
		if a.pos.chunk == len(a.chunks) {
			size := 1024 << min(len(a.chunks), 10)
			a.chunks = append(a.chunks, make([]float64, max(size, n)))
			a.pos.off = 0
		}
		c := a.chunks[a.pos.chunk]
		if a.pos.off+n <= len(c) {
			s := c[a.pos.off : a.pos.off+n : a.pos.off+n]
			a.pos.off += n
			return s
		}
		a.pos = mark{a.pos.chunk + 1, 0}
	}
}

// clear zeroes everything handed out.
func (a *arena) clear() {
	for i := 0; i < a.pos.chunk && i < len(a.chunks); i++ {
		clear(a.chunks[i])
	}
	if a.pos.chunk < len(a.chunks) {
		clear(a.chunks[a.pos.chunk][:a.pos.off])
	}
}

const none = int32(-1)

var noInputs = [4]int32{none, none, none, none}

// spec is a node to be.
type spec struct {
	rule       *rule
	in         [4]int32
	kind       kind
	rows, cols int
	view       int
	k          float64
	ints       []int
	more       []int32
	data       []float64 // values of a constant
	work       int       // length of the rule's work
}

// push records a node. A node that equals the one recorded last time at this place
// takes its memory over; the first that does not ends the agreement.
func (t *tape) push(s *spec) Node {
	i := t.cursor
	t.cursor++
	var n *node
	if i < len(t.nodes) {
		if n = &t.nodes[i]; !n.same(s) {
			t.cut(i)
			n = nil
		} else if s.data != nil && &n.val[0] != &s.data[0] {
			n.val, t.moved = s.data, true
		}
	}
	if n == nil {
		n = t.add(s)
		if n.rule != nil && n.rule.setup != nil {
			n.rule.setup(t, n)
		}
	}
	if n.rule != nil {
		n.rule.forward(t, n)
	}
	return Node{t, int32(i), t.gen}
}

func (n *node) same(s *spec) bool {
	return n.rule == s.rule && n.in == s.in && n.kind == s.kind && int(n.rows) == s.rows && int(n.cols) == s.cols &&
		int(n.view) == s.view && math.Float64bits(n.k) == math.Float64bits(s.k) && len(n.work) == s.work &&
		sameInts(n.ints, s.ints) && slices.Equal(n.more, s.more) &&
		(s.data == nil || &n.val[0] == &s.data[0] || sameBits(n.val, s.data))
}

func sameInts(a, b []int) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

func sameBits(a, b []float64) bool {
	for i, v := range a {
		if math.Float64bits(v) != math.Float64bits(b[i]) {
			return false
		}
	}
	return true
}

// cut forgets node i and all behind it.
func (t *tape) cut(i int) {
	t.vals.pos = t.nodes[i].mark
	clear(t.nodes[i:])
	t.nodes = t.nodes[:i]
	for len(t.prog) > 0 && t.prog[len(t.prog)-1] >= int32(i) {
		t.prog = t.prog[:len(t.prog)-1]
	}
	for j := range t.labels {
		if j >= int32(i) {
			delete(t.labels, j)
		}
	}
	t.hasDots, t.changed = false, true
}

func (t *tape) add(s *spec) *node {
	t.fresh = true
	t.nodes = append(t.nodes, node{rule: s.rule, in: s.in, kind: s.kind, rows: int32(s.rows), cols: int32(s.cols),
		view: int32(s.view), k: s.k, ints: s.ints, more: slices.Clone(s.more), mark: t.vals.pos})
	t.moved = true
	i := len(t.nodes) - 1
	n := &t.nodes[i]
	for _, j := range s.in {
		n.needs = n.needs || j != none && t.nodes[j].needs
	}
	for _, j := range s.more {
		n.needs = n.needs || t.nodes[j].needs
	}
	size := s.rows * s.cols
	switch {
	case s.view >= 0:
		of := &t.nodes[s.in[0]]
		n.val = of.val[s.view : s.view+size]
		return n
	case s.data != nil:
		n.val = s.data
		return n
	}
	n.val = t.vals.get(size)
	n.work = t.vals.get(s.work)
	if s.rule == nil {
		n.needs = true // the input
	} else if n.needs {
		t.prog = append(t.prog, int32(i))
	}
	t.hasDots = false
	return n
}

// makeDots gives all nodes that depend on the input room for directional derivatives.
func (t *tape) makeDots() {
	if t.hasDots {
		return
	}
	t.dots.pos = mark{}
	for i := range t.nodes {
		n := &t.nodes[i]
		if !n.needs {
			continue
		}
		size := len(n.val)
		if n.view >= 0 {
			of, v := &t.nodes[n.in[0]], int(n.view)
			n.dot, n.dadj = of.dot[v:v+size], of.dadj[v:v+size]
		} else {
			n.dot, n.dadj = t.dots.get(size), t.dots.get(size)
		}
	}
	t.hasDots = true
}

// arg makes a node of an operand; fn and param are for the error.
func (t *tape) arg(fn, param string, v any) int32 {
	// Only concrete types: anything that called a method of v would make every
	// operand of every caller escape to the heap.
	switch v := v.(type) {
	case Node:
		if v.t != t || v.gen != t.gen {
			panic(&Error{Func: fn, Param: param, Want: "a node of this call of the function; this one was kept from another"})
		}
		return v.i
	case float64:
		return t.number(v)
	case int:
		return t.number(float64(v))
	case []float64:
		if len(v) == 0 {
			panic(&Error{Func: fn, Param: param, Value: "an empty slice", Want: "one number or more"})
		}
		return t.data(fn, param, &spec{in: noInputs, kind: vector, rows: len(v), cols: 1, view: -1, data: v})
	case *mat.VecDense:
		if v == nil || v.IsEmpty() {
			panic(&Error{Func: fn, Param: param, Value: "an empty vector", Want: "one number or more"})
		}
		raw := v.RawVector()
		data := raw.Data[:(raw.N-1)*raw.Inc+1]
		if raw.Inc != 1 {
			data = packed(raw.Data, raw.N, 1, raw.Inc)
		}
		return t.data(fn, param, &spec{in: noInputs, kind: vector, rows: raw.N, cols: 1, view: -1, data: data})
	case *mat.Dense:
		if v == nil || v.IsEmpty() {
			panic(&Error{Func: fn, Param: param, Value: "an empty matrix", Want: "one row and column or more"})
		}
		raw := v.RawMatrix()
		data := raw.Data[:raw.Rows*raw.Cols]
		if raw.Stride != raw.Cols {
			data = packed(raw.Data, raw.Rows, raw.Cols, raw.Stride)
		}
		return t.data(fn, param, &spec{in: noInputs, kind: matrix, rows: raw.Rows, cols: raw.Cols, view: -1, data: data})
	}
	panic(&Error{Func: fn, Param: param, Value: typeName(v), Want: "a Node, float64, int, []float64, *mat.VecDense or *mat.Dense"})
}

// data records data. Infinite ones may be meant, as the logarithm of a probability of
// zero; NaN makes everything NaN, and is looked for when the data are new. What a function
// that looks at values computes on the way is not data and may be NaN at some points.
func (t *tape) data(fn, param string, s *spec) int32 {
	t.fresh = false
	i := t.push(s).i
	if !t.fresh || t.dynamic {
		return i
	}
	for k, v := range s.data {
		if math.IsNaN(v) {
			param += "[" + strconv.Itoa(k/s.cols)
			if s.kind == matrix {
				param += "," + strconv.Itoa(k%s.cols)
			}
			panic(&Error{Func: fn, Param: param + "]", Value: "NaN", Want: "a number"})
		}
	}
	return i
}

// packed copies rows that lie stride apart.
func packed(data []float64, rows, cols, stride int) []float64 {
	dst := make([]float64, 0, rows*cols)
	for i := range rows {
		dst = append(dst, data[i*stride:i*stride+cols]...)
	}
	return dst
}

// number is a constant scalar. It lives in the arena, so that it costs no allocation.
func (t *tape) number(v float64) int32 {
	return t.push(&spec{rule: constant, in: noInputs, kind: scalar, rows: 1, cols: 1, view: -1, k: v}).i
}

var constant = &rule{name: "constant", forward: func(_ *tape, n *node) { n.val[0] = n.k }}

// tapeOf finds the tape among operands.
func tapeOf(fn string, operands ...any) *tape {
	for _, v := range operands {
		if n, ok := v.(Node); ok && n.t != nil {
			return n.t
		}
	}
	panic(&Error{Func: fn, Want: "at least one operand that is a Node; numbers and data alone need no derivative"})
}
