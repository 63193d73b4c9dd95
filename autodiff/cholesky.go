package autodiff

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/natgrad/natgrad/internal/la"
)

// Cholesky returns the lower triangular L with positive diagonal and LLᵀ = A, with
// zeros above the diagonal. A is symmetric; of one that is not, the symmetric
// part ½(A + Aᵀ) is meant. If A is not positive definite, all elements are NaN,
// which Function.Explain traces back. Cost n³/3, and about 2n³ for the derivatives.
//
// See Murray, Differentiation of the Cholesky decomposition (arXiv:1602.07527), section
// 3, for the forms of the derivatives.
func Cholesky(a any) Node {
	t := tapeOf("Cholesky", a)
	i := t.squareOf("Cholesky", "a", a)
	d := int(t.nodes[i].rows)
	return t.matrixNode(choleskyRule, one(i), d, d, 3*d*d)
}

// choleskyRule keeps P = Φ(LᵀL̄) in the first third of its work, where Φ takes the
// lower triangle with half its diagonal and L̄ is the adjoint of L; the rest is scratch.
var choleskyRule = &rule{
	name: "Cholesky",
	forward: func(t *tape, n *node) {
		d := int(n.rows)
		symmetricPart(n.val, t.nodes[n.in[0]].val, d)
		_, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Lower, N: d, Data: n.val, Stride: d})
		for i := range d {
			v := n.val[i*(d+1)]
			ok = ok && v > 0 && !math.IsInf(v, 1)
			clear(n.val[i*d+i+1 : (i+1)*d])
		}
		if !ok {
			for i := range n.val {
				n.val[i] = math.NaN()
			}
		}
	},
	// Ā = ½(S + Sᵀ) with S = L⁻ᵀPL⁻¹.
	backward: func(t *tape, n *node) {
		p, s, _ := n.thirds()
		l := n.lower(n.val)
		copy(p, n.adj)
		blas64.Trmm(blas.Left, blas.Trans, 1, l, n.general(p))
		halfLower(p, int(n.rows))
		copy(s, p)
		n.between(l, s)
		addSymmetric(t.nodes[n.in[0]].adj, s, int(n.rows))
	},
	// L̇ = LM with M = Φ(L⁻¹ȦL⁻ᵀ).
	tangent: func(t *tape, n *node) {
		_, m, _ := n.thirds()
		d, l := int(n.rows), n.lower(n.val)
		symmetricPart(m, t.nodes[n.in[0]].dot, d)
		blas64.Trsm(blas.Left, blas.NoTrans, 1, l, n.general(m))
		blas64.Trsm(blas.Right, blas.Trans, 1, l, n.general(m))
		halfLower(m, d)
		copy(n.dot, m)
		blas64.Trmm(blas.Left, blas.NoTrans, 1, l, n.general(n.dot))
	},
	// LᵀSL = P gives Ṡ = L⁻ᵀ(Ṗ − MᵀP − PM)L⁻¹ with Ṗ = Φ(L̇ᵀL̄ + LᵀdL̄).
	backward2: func(t *tape, n *node) {
		p, m, s := n.thirds()
		d, l := int(n.rows), n.lower(n.val)
		copy(m, n.dot)
		blas64.Trsm(blas.Left, blas.NoTrans, 1, l, n.general(m))
		copy(s, n.dadj)
		blas64.Trmm(blas.Left, blas.Trans, 1, l, n.general(s))
		la.GemmGeneral(blas.Trans, blas.NoTrans, 1, n.general(n.dot), n.general(n.adj), 1, n.general(s))
		halfLower(s, d)
		la.GemmGeneral(blas.Trans, blas.NoTrans, -1, n.general(m), n.general(p), 1, n.general(s))
		la.GemmGeneral(blas.NoTrans, blas.NoTrans, -1, n.general(p), n.general(m), 1, n.general(s))
		n.between(l, s)
		addSymmetric(t.nodes[n.in[0]].dadj, s, d)
	},
}

// thirds splits the work of a square matrix.
func (n *node) thirds() (a, b, c []float64) {
	k := len(n.val)
	return n.work[:k], n.work[k : 2*k], n.work[2*k : 3*k]
}

// lower is a view of data as a lower triangle in the shape of the square n.
func (n *node) lower(data []float64) blas64.Triangular {
	return blas64.Triangular{Uplo: blas.Lower, Diag: blas.NonUnit, N: int(n.rows), Stride: int(n.rows), Data: data}
}

// between is s = L⁻ᵀ·s·L⁻¹.
func (n *node) between(l blas64.Triangular, s []float64) {
	blas64.Trsm(blas.Left, blas.Trans, 1, l, n.general(s))
	blas64.Trsm(blas.Right, blas.NoTrans, 1, l, n.general(s))
}

// symmetricPart is dst = ½(a + aᵀ).
func symmetricPart(dst, a []float64, d int) {
	for i := range d {
		for j := range i {
			v := 0.5 * (a[i*d+j] + a[j*d+i])
			dst[i*d+j], dst[j*d+i] = v, v
		}
		dst[i*d+i] = a[i*d+i]
	}
}

// addSymmetric is dst += ½(s + sᵀ).
func addSymmetric(dst, s []float64, d int) {
	for i := range d {
		for j := range i {
			v := 0.5 * (s[i*d+j] + s[j*d+i])
			dst[i*d+j] += v
			dst[j*d+i] += v
		}
		dst[i*d+i] += s[i*d+i]
	}
}

// halfLower is Φ: it zeroes what is above the diagonal and halves the diagonal.
func halfLower(m []float64, d int) {
	for i := range d {
		m[i*d+i] *= 0.5
		clear(m[i*d+i+1 : (i+1)*d])
	}
}

// TriSolve returns L⁻¹B for a lower triangular L (n×n; what is above its diagonal is
// not read) and a vector of n or a matrix of n rows. Cost n² for each column, and
// as much for each derivative.
func TriSolve(l, b any) Node { return triSolve("TriSolve", triSolveRule, l, b) }

// TriSolveTrans returns L⁻ᵀB; see TriSolve.
func TriSolveTrans(l, b any) Node { return triSolve("TriSolveTrans", triSolveTransRule, l, b) }

func triSolve(fn string, r *rule, l, b any) Node {
	t := tapeOf(fn, l, b)
	i, j := t.squareOf(fn, "l", l), t.arg(fn, "b", b)
	n, m := &t.nodes[i], &t.nodes[j]
	if m.kind == scalar || m.rows != n.rows {
		panic(&Error{Func: fn, Param: "b", Value: m.shape() + ", l is " + n.shape(), Want: "a vector or a matrix with as many rows"})
	}
	return t.push(&spec{rule: r, in: [4]int32{i, j, none, none}, kind: m.kind, rows: int(m.rows), cols: int(m.cols), view: -1, work: 2 * len(m.val)})
}

var (
	triSolveRule      = solveRule("TriSolve", blas.NoTrans)
	triSolveTransRule = solveRule("TriSolveTrans", blas.Trans)
)

// solveRule makes the rule of X = op(L)⁻¹B. Its work holds G = op(L)⁻ᵀX̄, which is
// the adjoint of B, and Ġ; the adjoint of L is the lower triangle of −GXᵀ, or of −XGᵀ if
// op transposes.
func solveRule(name string, op blas.Transpose) *rule {
	addOuter := func(n, l *node, dst, g, x []float64) {
		if dst == nil {
			return
		}
		if op == blas.Trans {
			g, x = x, g
		}
		subLowerOuter(dst, g, x, int(l.rows), int(n.cols))
	}
	return &rule{
		name: name,
		forward: func(t *tape, n *node) {
			l, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			copy(n.val, b.val)
			n.solve(op, l.lower(l.val), n.val)
		},
		backward: func(t *tape, n *node) {
			l, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			g := n.work[:len(n.val)]
			copy(g, n.adj)
			n.solve(flip(op), l.lower(l.val), g)
			axpy(b.adj, 1, g)
			addOuter(n, l, l.adj, g, n.val)
		},
		// Ẋ = op(L)⁻¹(Ḃ − op(L̇)X)
		tangent: func(t *tape, n *node) {
			l, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			clear(n.dot)
			if l.dot != nil {
				copy(n.dot, n.val)
				n.triMul(op, -1, l.lower(l.dot), n.dot)
			}
			if b.dot != nil {
				axpy(n.dot, 1, b.dot)
			}
			n.solve(op, l.lower(l.val), n.dot)
		},
		// Ġ = op(L)⁻ᵀ(dX̄ − op(L̇)ᵀG)
		backward2: func(t *tape, n *node) {
			l, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			g, dg := n.work[:len(n.val)], n.work[len(n.val):]
			clear(dg)
			if l.dot != nil {
				copy(dg, g)
				n.triMul(flip(op), -1, l.lower(l.dot), dg)
			}
			axpy(dg, 1, n.dadj)
			n.solve(flip(op), l.lower(l.val), dg)
			axpy(b.dadj, 1, dg)
			addOuter(n, l, l.dadj, dg, n.val)
			addOuter(n, l, l.dadj, g, n.dot)
		},
	}
}

// solve is x = op(L)⁻¹x in the shape of n.
func (n *node) solve(op blas.Transpose, l blas64.Triangular, x []float64) {
	if n.cols == 1 {
		blas64.Trsv(op, l, blas64.Vector{N: len(x), Data: x, Inc: 1})
		return
	}
	blas64.Trsm(blas.Left, op, 1, l, n.general(x))
}

// triMul is x = c·op(L)·x in the shape of n.
func (n *node) triMul(op blas.Transpose, c float64, l blas64.Triangular, x []float64) {
	blas64.Trmm(blas.Left, op, c, l, n.general(x))
}

// subLowerOuter subtracts the lower triangle of GXᵀ (G and X are d×m) from dst.
func subLowerOuter(dst, g, x []float64, d, m int) {
	for i := range d {
		if m == 1 {
			axpy(dst[i*d:i*d+i+1], -g[i], x[:i+1])
			continue
		}
		gi := g[i*m : (i+1)*m]
		for j := range i + 1 {
			dst[i*d+j] -= dot(gi, x[j*m:(j+1)*m])
		}
	}
}

// InvQuadForm returns vᵀA⁻¹v = |L⁻¹v|² for A = LLᵀ and a vector v.
func InvQuadForm(l, v any) Node {
	t := tapeOf("InvQuadForm", l, v)
	j := t.vectorOf("InvQuadForm", "v", v)
	z := triSolve("InvQuadForm", triSolveRule, l, t.node(j))
	return Dot(z, z)
}

// LogDetCholesky returns log |LLᵀ| = 2 Σ log L_ii for the factor that Cholesky returns.
func LogDetCholesky(l any) Node {
	t := tapeOf("LogDetCholesky", l)
	return t.node(t.squareOf("LogDetCholesky", "l", l)).Diagonal().Log().Sum().Mul(2)
}

// MVNormalCholeskyLogProb returns the log density of the multivariate normal
//
//	Σ −½(y−mu)ᵀ(LLᵀ)⁻¹(y−mu) − Σ_i log L_ii − ½ d log 2π
//
// of a vector y of d, or summed over the rows of a matrix y (n×d). The mean mu is a
// scalar, a vector of d, or a matrix in the shape of y; L is the lower triangular
// Cholesky factor of the covariance (d×d).
func MVNormalCholeskyLogProb(y, mu, l any) Node {
	const fn = "MVNormalCholeskyLogProb"
	t := tapeOf(fn, y, mu, l)
	iy, im, il := t.arg(fn, "y", y), t.arg(fn, "mu", mu), t.squareOf(fn, "l", l)
	ny, nm, d := &t.nodes[iy], &t.nodes[im], t.nodes[il].rows
	width, count := ny.rows, 1
	if ny.kind == matrix {
		width, count = ny.cols, int(ny.rows)
	}
	if ny.kind == scalar || width != d {
		panic(&Error{Func: fn, Param: "y", Value: ny.shape() + ", l is " + t.nodes[il].shape(), Want: "as many elements, in each row of a matrix, as l has rows"})
	}
	if nm.kind == vector && nm.rows != d || nm.kind == matrix && (ny.kind != matrix || nm.rows != ny.rows || nm.cols != d) {
		panic(&Error{Func: fn, Param: "mu", Value: nm.shape() + " beside " + ny.shape(), Want: "a scalar, a vector with an element a dimension, or the shape of y"})
	}
	many, rows := ny.kind == matrix, nm.kind == vector
	obs, mean := t.node(iy), t.node(im)
	var r Node // residuals; of many rows they are solved for as columns
	switch {
	case many && rows:
		ones := make([]float64, count)
		addConst(ones, 1)
		r = Sub(obs.Transpose(), Outer(mean, ones))
	case many:
		r = Sub(obs, mean).Transpose()
	default:
		r = Sub(obs, mean)
	}
	z := TriSolve(t.node(il), r)
	logDet := LogDetCholesky(t.node(il)).Mul(-0.5 * float64(count))
	return AddAll(Dot(z, z).Mul(-0.5), logDet).Sub(float64(count) * float64(d) * logSqrt2Pi)
}
