package autodiff

import (
	"strconv"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/natgrad/natgrad/internal/la"
)

// MatMul returns the matrix product A·B (n×k times k×m). Cost 2nkm, and 2nkm more for each
// operand that needs a derivative.
func MatMul(a, b any) Node { return product("MatMul", matMulRule, a, b, false, false) }

// TransMatMul returns AᵀB (A is k×n, B k×m).
func TransMatMul(a, b any) Node { return product("TransMatMul", transMatMulRule, a, b, true, false) }

// MatMulTrans returns ABᵀ (A is n×k, B m×k): L·Lᵀ is the covariance with the Cholesky factor L.
func MatMulTrans(a, b any) Node { return product("MatMulTrans", matMulTransRule, a, b, false, true) }

func product(fn string, r *rule, a, b any, ta, tb bool) Node {
	t := tapeOf(fn, a, b)
	i, j := t.matrixOf(fn, "a", a), t.matrixOf(fn, "b", b)
	n, m := &t.nodes[i], &t.nodes[j]
	rows, inner, cols, innerB := n.rows, n.cols, m.cols, m.rows
	if ta {
		rows, inner = inner, rows
	}
	if tb {
		cols, innerB = innerB, cols
	}
	if inner != innerB {
		panic(&Error{Func: fn, Param: "b", Value: m.shape() + ", a is " + n.shape(), Want: "matrices with one inner dimension"})
	}
	return t.matrixNode(r, [4]int32{i, j, none, none}, int(rows), int(cols), 0)
}

var (
	matMulRule      = productRule("MatMul", blas.NoTrans, blas.NoTrans)
	transMatMulRule = productRule("TransMatMul", blas.Trans, blas.NoTrans)
	matMulTransRule = productRule("MatMulTrans", blas.NoTrans, blas.Trans)
)

func flip(t blas.Transpose) blas.Transpose {
	if t == blas.NoTrans {
		return blas.Trans
	}
	return blas.NoTrans
}

// productRule makes the rule of op(A)·op(B).
func productRule(name string, ta, tb blas.Transpose) *rule {
	// adjoint adds to the adjoints da and db of A and B what the adjoint c of the product
	// makes of them at the operands x and y; nil ones are not wanted.
	adjoint := func(n, a, b *node, c, da, x, db, y []float64) {
		if da != nil {
			if ta == blas.NoTrans {
				la.GemmGeneral(blas.NoTrans, flip(tb), 1, n.general(c), b.general(y), 1, a.general(da))
			} else {
				la.GemmGeneral(tb, blas.Trans, 1, b.general(y), n.general(c), 1, a.general(da))
			}
		}
		if db != nil {
			if tb == blas.NoTrans {
				la.GemmGeneral(flip(ta), blas.NoTrans, 1, a.general(x), n.general(c), 1, b.general(db))
			} else {
				la.GemmGeneral(blas.Trans, ta, 1, n.general(c), a.general(x), 1, b.general(db))
			}
		}
	}
	return &rule{
		name: name,
		forward: func(t *tape, n *node) {
			a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			la.GemmGeneral(ta, tb, 1, a.general(a.val), b.general(b.val), 0, n.general(n.val))
		},
		backward: func(t *tape, n *node) {
			a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			adjoint(n, a, b, n.adj, a.adj, a.val, b.adj, b.val)
		},
		tangent: func(t *tape, n *node) {
			a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			clear(n.dot)
			if a.dot != nil {
				la.GemmGeneral(ta, tb, 1, a.general(a.dot), b.general(b.val), 1, n.general(n.dot))
			}
			if b.dot != nil {
				la.GemmGeneral(ta, tb, 1, a.general(a.val), b.general(b.dot), 1, n.general(n.dot))
			}
		},
		backward2: func(t *tape, n *node) {
			a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			adjoint(n, a, b, n.dadj, a.dadj, a.val, b.dadj, b.val)
			// The product is bilinear: each adjoint changes with the other operand.
			if b.dot != nil {
				adjoint(n, a, b, n.adj, a.dadj, nil, nil, b.dot)
			}
			if a.dot != nil {
				adjoint(n, a, b, n.adj, nil, a.dot, b.dadj, nil)
			}
		},
	}
}

// Outer returns the matrix u·vᵀ of the products u_i·v_j of two vectors.
func Outer(u, v any) Node {
	t := tapeOf("Outer", u, v)
	i, j := t.vectorOf("Outer", "u", u), t.vectorOf("Outer", "v", v)
	return t.matrixNode(outerRule, [4]int32{i, j, none, none}, int(t.nodes[i].rows), int(t.nodes[j].rows), 0)
}

var outerRule = &rule{
	name: "Outer",
	forward: func(t *tape, n *node) {
		clear(n.val)
		outer(n.val, t.nodes[n.in[0]].val, t.nodes[n.in[1]].val)
	},
	backward: func(t *tape, n *node) {
		u, v := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		outerAdjoint(n, n.adj, u.adj, v.val, v.adj, u.val)
	},
	tangent: func(t *tape, n *node) {
		u, v := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		clear(n.dot)
		if u.dot != nil {
			outer(n.dot, u.dot, v.val)
		}
		if v.dot != nil {
			outer(n.dot, u.val, v.dot)
		}
	},
	backward2: func(t *tape, n *node) {
		u, v := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		outerAdjoint(n, n.dadj, u.dadj, v.val, v.dadj, u.val)
		if v.dot != nil {
			outerAdjoint(n, n.adj, u.dadj, v.dot, nil, nil)
		}
		if u.dot != nil {
			outerAdjoint(n, n.adj, nil, nil, v.dadj, u.dot)
		}
	},
}

// outerAdjoint is du += C·v and dv += Cᵀu; a nil du or dv is not wanted.
func outerAdjoint(n *node, c, du, v, dv, u []float64) {
	if du != nil {
		matVec(du, n, c, v, 1)
	}
	if dv != nil {
		blas64.Gemv(blas.Trans, 1, n.general(c), blas64.Vector{N: len(u), Data: u, Inc: 1}, 1, blas64.Vector{N: len(dv), Data: dv, Inc: 1})
	}
}

// Diag returns the square matrix with the vector v on its diagonal and zeros elsewhere.
func Diag(v any) Node {
	t := tapeOf("Diag", v)
	i := t.vectorOf("Diag", "v", v)
	d := int(t.nodes[i].rows)
	return t.matrixNode(diagRule, one(i), d, d, 0)
}

// Diagonal returns the diagonal of a square matrix as a vector.
func (a Node) Diagonal() Node {
	n := a.needMatrix("Diagonal")
	if n.rows != n.cols {
		panic(&Error{Func: "Diagonal", Param: "the node", Value: n.shape(), Want: "a square matrix"})
	}
	return a.t.vectorNode(diagonalRule, one(a.i), int(n.rows), 0)
}

var (
	diagRule = linearRule("Diag", func(_, _ *node, dst, src []float64) {
		clear(dst)
		addToDiagonal(dst, src)
	}, func(_, _ *node, dst, src []float64) { addDiagonal(dst, src) })
	diagonalRule = linearRule("Diagonal", func(_, _ *node, dst, src []float64) {
		clear(dst)
		addDiagonal(dst, src)
	}, func(_, _ *node, dst, src []float64) { addToDiagonal(dst, src) })
)

// addToDiagonal adds v to the diagonal of m.
func addToDiagonal(m, v []float64) {
	for i, x := range v {
		m[i*(len(v)+1)] += x
	}
}

// addDiagonal adds the diagonal of m to v.
func addDiagonal(v, m []float64) {
	for i := range v {
		v[i] += m[i*(len(v)+1)]
	}
}

// AddDiag returns A + diag(d) for a square matrix and a vector, or A + d·I for a
// scalar d: noise, or a jitter, on a covariance.
func AddDiag(a, d any) Node {
	t := tapeOf("AddDiag", a, d)
	i, j := t.squareOf("AddDiag", "a", a), t.arg("AddDiag", "d", d)
	n, m := &t.nodes[i], &t.nodes[j]
	if m.kind == matrix || m.kind == vector && m.rows != n.rows {
		panic(&Error{Func: "AddDiag", Param: "d", Value: m.shape() + ", a is " + n.shape(), Want: "a scalar or a vector of " + strconv.Itoa(int(n.rows))})
	}
	return t.matrixNode(addDiagRule, [4]int32{i, j, none, none}, int(n.rows), int(n.rows), 0)
}

var addDiagRule = &rule{
	name: "AddDiag",
	forward: func(t *tape, n *node) {
		a, d := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		copy(n.val, a.val)
		spread(n, n.val, d.val)
	},
	backward: func(t *tape, n *node) {
		a, d := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		axpy(a.adj, 1, n.adj)
		collect(n, d.adj, n.adj)
	},
	tangent: func(t *tape, n *node) {
		a, d := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		clear(n.dot)
		copy(n.dot, a.dot)
		spread(n, n.dot, d.dot)
	},
	backward2: func(t *tape, n *node) {
		a, d := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		axpy(a.dadj, 1, n.dadj)
		collect(n, d.dadj, n.dadj)
	},
}

// spread adds d, an element each or one for all, to the diagonal of m.
func spread(n *node, m, d []float64) {
	if len(d) != 1 {
		addToDiagonal(m, d)
		return
	}
	for i := range int(n.rows) {
		m[i*int(n.rows+1)] += d[0]
	}
}

// collect is the transpose of spread.
func collect(n *node, d, m []float64) {
	if len(d) != 1 {
		addDiagonal(d, m)
		return
	}
	for i := range int(n.rows) {
		d[0] += m[i*int(n.rows+1)]
	}
}

// QuadForm returns vᵀAv for a square matrix and a vector.
func QuadForm(a, v any) Node {
	t := tapeOf("QuadForm", a, v)
	x := t.node(t.vectorOf("QuadForm", "v", v))
	return Dot(x, MatVec(t.node(t.squareOf("QuadForm", "a", a)), x))
}
