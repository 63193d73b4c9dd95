package autodiff

import (
	"math"
	"strconv"

	"github.com/natgrad/natgrad/internal/special"
)

// DirichletLogProb returns log Dirichlet(x | alpha) of a vector x of K positive numbers that sum to
// 1, alpha > 0 a vector of K or a scalar for all:
//
//	log Γ(Σ alpha) − Σ log Γ(alpha_k) + Σ (alpha_k − 1)·log x_k,
//
// with respect to the first K−1 elements of x. It is −Inf where an element is not positive; that
// the sum is 1 is looked at in data only.
func DirichletLogProb(x, alpha any) Node {
	const fn = "DirichletLogProb"
	t := tapeOf(fn, x, alpha)
	i, j := t.arg(fn, "x", x), t.arg(fn, "alpha", alpha)
	n, a := &t.nodes[i], &t.nodes[j]
	if n.kind != vector {
		panic(&Error{Func: fn, Param: "x", Value: n.shape(), Want: "a vector"})
	}
	if a.kind != scalar && (a.kind != vector || a.rows != n.rows) {
		panic(&Error{Func: fn, Param: "alpha", Value: a.shape() + ", x is " + n.shape(), Want: "a vector of the same length, or a scalar"})
	}
	return t.scalarNode(dirichletRule, [4]int32{i, j, none, none}, 0)
}

var dirichletRule = &rule{
	name: "DirichletLogProb",
	setup: func(t *tape, n *node) {
		x, a := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		positive.check(n.rule.name, "alpha", a)
		positive.check(n.rule.name, "x", x)
		if x.needs {
			return
		}
		sum := 0.0
		for _, v := range x.val {
			sum += v
		}
		if math.Abs(sum-1) > 1e-8 {
			panic(&Error{Func: n.rule.name, Param: "the sum of x", Value: strconv.FormatFloat(sum, 'g', -1, 64), Want: "1"})
		}
	},
	forward: func(t *tape, n *node) {
		x, a := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		sa := a.step()
		f, sum, out := 0.0, 0.0, false
		for i, v := range x.val {
			alpha := a.val[i*sa]
			sum += alpha
			f += (alpha-1)*math.Log(v) - special.Lgamma(alpha)
			out = out || v <= 0
		}
		n.val[0] = f + special.Lgamma(sum)
		if out {
			n.val[0] = math.Inf(-1)
		}
	},
	backward: func(t *tape, n *node) {
		x, a := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		sa, psi := a.step(), 0.0
		if a.adj != nil {
			psi = special.Digamma(sumOf(x, a))
		}
		for i, v := range x.val {
			alpha := a.val[i*sa]
			if x.adj != nil {
				x.adj[i] += n.adj[0] * (alpha - 1) / v
			}
			if a.adj != nil {
				a.adj[i*sa] += n.adj[0] * (psi - special.Digamma(alpha) + math.Log(v))
			}
		}
	},
	tangent: func(t *tape, n *node) {
		x, a := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		sa, psi, s := a.step(), 0.0, 0.0
		if a.dot != nil {
			psi = special.Digamma(sumOf(x, a))
		}
		for i, v := range x.val {
			alpha := a.val[i*sa]
			if x.dot != nil {
				s += x.dot[i] * (alpha - 1) / v
			}
			if a.dot != nil {
				s += a.dot[i*sa] * (psi - special.Digamma(alpha) + math.Log(v))
			}
		}
		n.dot[0] = s
	},
	backward2: func(t *tape, n *node) {
		x, a := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		g, dg := n.adj[0], n.dadj[0]
		sa, psi, psi1, turn := a.step(), 0.0, 0.0, 0.0 // turn is the direction of Σ alpha
		if a.dot != nil {
			sum := sumOf(x, a)
			psi, psi1 = special.Digamma(sum), special.Trigamma(sum)
			for i := range x.val {
				turn += a.dot[i*sa]
			}
		}
		for i, v := range x.val {
			alpha, u, w := a.val[i*sa], 0.0, 0.0
			if x.dot != nil {
				u = x.dot[i]
			}
			if a.dot != nil {
				w = a.dot[i*sa]
				a.dadj[i*sa] += dg*(psi-special.Digamma(alpha)+math.Log(v)) + g*(psi1*turn-special.Trigamma(alpha)*w+u/v)
			}
			if x.dot != nil {
				x.dadj[i] += dg*(alpha-1)/v + g*(w-(alpha-1)*u/v)/v
			}
		}
	},
}

// sumOf is the sum of a, a vector as long as x or a scalar for each of its elements.
func sumOf(x, a *node) float64 {
	s, sa := 0.0, a.step()
	for i := range x.val {
		s += a.val[i*sa]
	}
	return s
}

// LKJCholeskyLogProb returns the log density of the Cholesky factor L (lower triangular, K×K) of
// a correlation matrix R = LL' whose density is proportional to |R|^(eta−1), eta > 0:
//
//	Σ_{k=2}^K (K − k + 2·eta − 2)·log L_kk + (K−1)·log Γ(eta + (K−1)/2)
//	  − Σ_{k=1}^{K−1} ( k/2·log π + log Γ(eta + (K−1−k)/2) ),
//
// with respect to the elements of L below the diagonal. It is NaN where a diagonal element is negative.
// Lewandowski, Kurowicka and Joe (2009), Generating random correlation matrices based on vines
// and extended onion method, theorem 5; with the Jacobian of R to L.
func LKJCholeskyLogProb(l, eta any) Node {
	const fn = "LKJCholeskyLogProb"
	t := tapeOf(fn, l, eta)
	i, j := t.arg(fn, "L", l), t.arg(fn, "eta", eta)
	n, e := &t.nodes[i], &t.nodes[j]
	if n.kind != matrix || n.rows != n.cols {
		panic(&Error{Func: fn, Param: "L", Value: n.shape(), Want: "a square matrix"})
	}
	if e.kind != scalar {
		panic(&Error{Func: fn, Param: "eta", Value: e.shape(), Want: "a scalar"})
	}
	return t.scalarNode(lkjRule, [4]int32{i, j, none, none}, 0)
}

var lkjRule = &rule{
	name: "LKJCholeskyLogProb",
	setup: func(t *tape, n *node) {
		l := &t.nodes[n.in[0]]
		positive.check(n.rule.name, "eta", &t.nodes[n.in[1]])
		for k := 0; k < int(l.rows) && !l.needs; k++ {
			if i := k * int(l.cols+1); !positive.has(l.val[i]) {
				panic(outOfSupport(n.rule.name, "L", l, i, l.val[i], "a positive diagonal"))
			}
		}
	},
	forward: func(t *tape, n *node) {
		l, eta := &t.nodes[n.in[0]], t.nodes[n.in[1]].val[0]
		size := float64(l.rows)
		f := (size - 1) * special.Lgamma(eta+(size-1)/2)
		for k := 1; k < int(l.rows); k++ {
			f += (size-1-float64(k)+2*eta-2)*math.Log(l.val[k*int(l.cols+1)]) -
				float64(k)/2*math.Log(math.Pi) - special.Lgamma(eta+(size-1-float64(k))/2)
		}
		n.val[0] = f
	},
	backward: func(t *tape, n *node) {
		l, e := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		for k := 1; k < int(l.rows) && l.adj != nil; k++ {
			i := k * int(l.cols+1)
			l.adj[i] += n.adj[0] * lkjPower(l, k, e.val[0]) / l.val[i]
		}
		if e.adj != nil {
			d, _ := lkjSlope(l, e.val[0])
			e.adj[0] += n.adj[0] * d
		}
	},
	tangent: func(t *tape, n *node) {
		l, e := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		s := 0.0
		for k := 1; k < int(l.rows) && l.dot != nil; k++ {
			i := k * int(l.cols+1)
			s += l.dot[i] * lkjPower(l, k, e.val[0]) / l.val[i]
		}
		if e.dot != nil {
			d, _ := lkjSlope(l, e.val[0])
			s += e.dot[0] * d
		}
		n.dot[0] = s
	},
	backward2: func(t *tape, n *node) {
		l, e := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
		g, dg := n.adj[0], n.dadj[0]
		du := 0.0
		if e.dot != nil {
			du = e.dot[0]
			d1, d2 := lkjSlope(l, e.val[0])
			e.dadj[0] += dg*d1 + g*d2*du
		}
		for k := 1; k < int(l.rows) && l.dot != nil; k++ {
			i := k * int(l.cols+1)
			v, p := l.val[i], lkjPower(l, k, e.val[0])
			l.dadj[i] += dg*p/v + g*(2*du-p*l.dot[i]/v)/v
			if e.dot != nil {
				e.dadj[0] += g * 2 * l.dot[i] / v
			}
		}
	},
}

// lkjPower is the power of diagonal element k, counted from 0.
func lkjPower(l *node, k int, eta float64) float64 { return float64(int(l.rows)-k-1) + 2*eta - 2 }

// lkjSlope returns the first two derivatives along eta.
func lkjSlope(l *node, eta float64) (d1, d2 float64) {
	size := float64(l.rows)
	d1 = (size - 1) * special.Digamma(eta+(size-1)/2)
	d2 = (size - 1) * special.Trigamma(eta+(size-1)/2)
	for k := 1; k < int(l.rows); k++ {
		b := eta + (size-1-float64(k))/2
		d1 += 2*math.Log(l.val[k*int(l.cols+1)]) - special.Digamma(b)
		d2 -= special.Trigamma(b)
	}
	return d1, d2
}
