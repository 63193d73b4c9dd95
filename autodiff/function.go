package autodiff

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/mat"
)

// Function is a scalar function of a vector with its derivatives. Its methods
// may be called from several goroutines at once; each call has a tape of its own,
// taken from those of earlier calls. They fit the fields of a vi.Target.
type Function struct {
	dim  int
	f    func(x Node) Node
	last atomic.Pointer[tape] // a free tape, without a lock
	mu   sync.Mutex
	free []*tape      // more of them
	gen  atomic.Int64 // counts Resets
}

// New records f at x = 0, where its value need not be finite, and returns it with its
// derivatives. Wrong shapes and operands are an *Error; a panic of f's own
// is not recovered.
func New(dim int, f func(x Node) Node) (fn *Function, err error) {
	if dim < 1 {
		return nil, &Error{Func: "New", Param: "dim", Value: strconv.Itoa(dim), Want: "1 or more"}
	}
	if f == nil {
		return nil, &Error{Func: "New", Param: "f", Value: "nil", Want: "a function"}
	}
	fn = &Function{dim: dim, f: f}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			fn, err = nil, e
		}
	}()
	t := fn.take()
	t.record(fn.f, make([]float64, dim))
	fn.give(t)
	return fn, nil
}

// Dim returns the length of the function's argument.
func (f *Function) Dim() int { return f.dim }

// Reset forgets the record, for data that have changed since.
func (f *Function) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gen.Add(1)
	f.last.Store(nil)
	f.free = nil
}

// take returns a tape, the one that was given back last if nobody else has it.
func (f *Function) take() *tape {
	if t := f.last.Swap(nil); t != nil && t.resets == f.gen.Load() {
		return t
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if k := len(f.free); k > 0 {
		t := f.free[k-1]
		f.free = f.free[:k-1]
		return t
	}
	return &tape{resets: f.gen.Load()}
}

func (f *Function) give(t *tape) {
	if f.last.CompareAndSwap(nil, t) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.resets == f.gen.Load() {
		f.free = append(f.free, t)
	}
}

// Value returns f(x).
func (f *Function) Value(x []float64) float64 {
	f.check("Value", "x", len(x))
	t := f.take()
	v := t.eval(f.f, x, 0)
	f.give(t)
	return v
}

// Grad writes ∇f(x) to dst, of length Dim, and returns f(x).
func (f *Function) Grad(dst, x []float64) float64 {
	f.check("Grad", "x", len(x))
	f.check("Grad", "dst", len(dst))
	t := f.take()
	v := t.grad(f.f, x)
	copy(dst, t.nodes[0].adj)
	f.give(t)
	return v
}

// HessVec writes ∇²f(x)·v to dst, of length Dim, which may be v.
func (f *Function) HessVec(dst, x, v []float64) {
	f.check("HessVec", "x", len(x))
	f.check("HessVec", "v", len(v))
	f.check("HessVec", "dst", len(dst))
	t := f.take()
	t.gradAll(f.f, x)
	t.hessVec(v)
	copy(dst, t.nodes[0].dadj)
	f.give(t)
}

// Hess writes ∇²f(x) to dst and, unless grad is nil, ∇f(x) to grad, and returns
// f(x). It costs Dim Hessian-vector products.
func (f *Function) Hess(dst *mat.SymDense, grad, x []float64) float64 {
	f.check("Hess", "x", len(x))
	f.check("Hess", "dst", dst.SymmetricDim())
	t := f.take()
	v := t.gradAll(f.f, x)
	if grad != nil {
		f.check("Hess", "grad", len(grad))
		copy(grad, t.nodes[0].adj)
	}
	if len(t.dir) != f.dim {
		t.dir = make([]float64, f.dim)
	}
	raw := dst.RawSymmetric()
	for i := range t.dir {
		t.dir[i] = 1
		t.hessVec(t.dir)
		t.dir[i] = 0
		copy(raw.Data[i*raw.Stride+i:i*raw.Stride+f.dim], t.nodes[0].dadj[i:])
	}
	f.give(t)
	return v
}

// Outputs evaluates the nodes marked by Node.Output at x and appends their
// elements, one node after the other, to dst.
func (f *Function) Outputs(dst, x []float64) []float64 {
	f.check("Outputs", "x", len(x))
	t := f.take()
	t.eval(f.f, x, 0)
	for _, i := range t.prog {
		n := &t.nodes[i]
		n.rule.forward(t, n)
	}
	for _, i := range t.outputs {
		dst = append(dst, t.nodes[i].val...)
	}
	f.give(t)
	return dst
}

// Explain returns a *NonFiniteError if f(x) or ∇f(x) is not finite, and nil if both are.
func (f *Function) Explain(x []float64) error {
	f.check("Explain", "x", len(x))
	t := f.take()
	defer f.give(t)
	t.record(f.f, x)
	if err := t.badValue(); err != nil {
		return err
	}
	return t.badAdjoint()
}

func (f *Function) check(fn, param string, n int) {
	if n != f.dim {
		panic(fmt.Sprintf("autodiff: %s: %s has length %d, the function's argument %d", fn, param, n, f.dim))
	}
}

// begin sets the argument, and all values if this call records.
func (t *tape) begin(f func(Node) Node, x []float64, order int) (recorded bool) {
	t.order = order
	t.calls++
	// Calls 1, 2, 3, 5, 9, 17 … record.
	if k := t.calls - 1; t.dynamic || k&(k-1) == 0 {
		t.record(f, x)
		return true
	}
	copy(t.nodes[0].val, x)
	return false
}

// eval sets all values for x.
func (t *tape) eval(f func(Node) Node, x []float64, order int) float64 {
	if !t.begin(f, x, order) {
		for _, i := range t.live {
			n := &t.nodes[i]
			n.rule.forward(t, n)
		}
	}
	return t.nodes[t.result].val[0]
}

// record calls the function.
func (t *tape) record(f func(Node) Node, x []float64) {
	first := len(t.nodes) == 0
	t.gen++
	t.cursor, t.changed = 0, false
	t.outputs = t.outputs[:0]
	if first {
		t.push(&spec{in: noInputs, kind: vector, rows: len(x), cols: 1, view: -1})
	} else {
		t.cursor = 1
	}
	copy(t.nodes[0].val, x)
	root := f(Node{t, 0, t.gen})
	if root.t != t || root.gen != t.gen {
		panic(&Error{Func: "New", Param: "the function's result", Want: "a node of this call"})
	}
	n := &t.nodes[root.i]
	if n.kind != scalar {
		panic(&Error{Func: "New", Param: "the function's result", Value: n.shape(), Want: "a scalar: see Sum"})
	}
	if t.cursor < len(t.nodes) {
		t.cut(t.cursor)
	}
	if !first && (t.changed || t.result != root.i) {
		t.dynamic = true
	}
	if t.changed || first || t.result != root.i {
		t.result = root.i
		t.prune()
	}
	if !t.dynamic && t.moved {
		t.moved = false
		t.lay()
	}
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// badValue looks for the first value that is not finite.
func (t *tape) badValue() error {
	if finite(t.nodes[t.result].val[0]) {
		return nil
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		for j, v := range n.val {
			// Infinite data may be meant: the logarithm of a probability of zero.
			if !finite(v) && (n.needs || math.IsNaN(v)) {
				return t.nonFinite(i, j, v, false)
			}
		}
	}
	return nil
}

// badAdjoint looks for the operation that makes the first adjoint that is not finite.
func (t *tape) badAdjoint() error {
	t.order = 1
	for _, i := range t.live {
		t.nodes[i].rule.forward(t, &t.nodes[i])
	}
	t.seed()
	for k := len(t.live) - 1; k >= 0; k-- {
		i := t.live[k]
		n := &t.nodes[i]
		n.rule.backward(t, n)
		for _, j := range t.operands(n) {
			for e, v := range t.nodes[j].adj {
				if !finite(v) {
					return t.nonFinite(int(i), min(e, len(n.val)-1), v, true)
				}
			}
		}
	}
	return nil
}

func (t *tape) operands(n *node) []int32 {
	out := append([]int32(nil), n.more...)
	for _, j := range n.in {
		if j != none {
			out = append(out, j)
		}
	}
	return out
}

// nonFinite describes element e of node i.
func (t *tape) nonFinite(i, e int, v float64, gradient bool) error {
	n := &t.nodes[i]
	err := &NonFiniteError{Index: e, Value: v, Gradient: gradient}
	if n.rule == nil || n.rule == constant {
		err.Op = "data"
		if n.needs {
			err.Op = "x"
		}
	} else {
		err.Op = n.rule.name
	}
	if len(n.val) > 1 {
		err.Op += "[" + strconv.Itoa(e) + "]"
	}
	for _, j := range t.operands(n) {
		o := &t.nodes[j]
		s := o.shape()
		switch {
		case o.kind == scalar:
			s = strconv.FormatFloat(o.val[0], 'g', 6, 64)
		case len(o.val) == len(n.val):
			s = fmt.Sprintf("[%d] %.6g", e, o.val[e])
		}
		if l := t.labels[j]; l != "" {
			s = l + " = " + s
		}
		err.Operands = append(err.Operands, s)
	}
	// Ancestors and descendants by one sweep each way: operands come first.
	reach := make([]bool, len(t.nodes))
	reach[i] = true
	for j := i; j >= 0; j-- {
		if !reach[j] {
			continue
		}
		if l := t.labels[int32(j)]; l != "" && j != i && t.nodes[j].needs {
			err.Params = append(err.Params, l)
			continue // what a labelled node is made of needs no mention
		}
		for _, o := range t.operands(&t.nodes[j]) {
			reach[o] = true
		}
	}
	down := make([]bool, len(t.nodes))
	down[i] = true
	for j := i; j < len(t.nodes); j++ {
		for _, o := range t.operands(&t.nodes[j]) {
			down[j] = down[j] || down[o]
		}
		if l := t.labels[int32(j)]; down[j] && l != "" {
			err.Term = l
			break
		}
	}
	return err
}
