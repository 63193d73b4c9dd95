package autodiff

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/num/dual"
	"gonum.org/v1/gonum/num/hyperdual"
)

// calc is an arithmetic in which the formulas below are evaluated: the tape's, that of
// dual numbers (first derivatives) and of hyperdual numbers (second ones).
type calc[T any] struct {
	num                          func(float64) T
	add, sub, mul, div, pow, lae func(a, b T) T
	exp, log, sqrt, sin, cos     func(T) T
	tanh, sigmoid, softplus      func(T) T
	expm1, log1p, square         func(T) T
}

var tapeCalc = calc[Node]{
	add: func(a, b Node) Node { return Add(a, b) }, sub: func(a, b Node) Node { return Sub(a, b) },
	mul: func(a, b Node) Node { return Mul(a, b) }, div: func(a, b Node) Node { return Div(a, b) },
	pow: func(a, b Node) Node { return Pow(a, b) }, lae: func(a, b Node) Node { return LogAddExp(a, b) },
	exp: Node.Exp, log: Node.Log, sqrt: Node.Sqrt, sin: Node.Sin, cos: Node.Cos,
	tanh: Node.Tanh, sigmoid: Node.Sigmoid, softplus: Node.Softplus,
	expm1: Node.Expm1, log1p: Node.Log1p, square: Node.Square,
}

// derived completes an arithmetic by formulas for the operations that it does not have.
func derived[T any](c calc[T]) calc[T] {
	one := c.num(1)
	c.lae = func(a, b T) T { return c.log(c.add(c.exp(a), c.exp(b))) }
	c.sigmoid = func(a T) T { return c.div(one, c.add(one, c.exp(c.sub(c.num(0), a)))) }
	c.softplus = func(a T) T { return c.log(c.add(one, c.exp(a))) }
	c.expm1 = func(a T) T { return c.sub(c.exp(a), one) }
	c.log1p = func(a T) T { return c.log(c.add(one, a)) }
	c.square = func(a T) T { return c.mul(a, a) }
	return c
}

var dualCalc = derived(calc[dual.Number]{
	num: func(v float64) dual.Number { return dual.Number{Real: v} },
	add: dual.Add, sub: dual.Sub, mul: dual.Mul, pow: dual.Pow,
	div: func(a, b dual.Number) dual.Number { return dual.Mul(a, dual.Inv(b)) },
	exp: dual.Exp, log: dual.Log, sqrt: dual.Sqrt, sin: dual.Sin, cos: dual.Cos, tanh: dual.Tanh,
})

var hyperdualCalc = derived(calc[hyperdual.Number]{
	num: func(v float64) hyperdual.Number { return hyperdual.Number{Real: v} },
	add: hyperdual.Add, sub: hyperdual.Sub, mul: hyperdual.Mul, pow: hyperdual.Pow,
	div: func(a, b hyperdual.Number) hyperdual.Number { return hyperdual.Mul(a, hyperdual.Inv(b)) },
	exp: hyperdual.Exp, log: hyperdual.Log, sqrt: hyperdual.Sqrt, sin: hyperdual.Sin, cos: hyperdual.Cos, tanh: hyperdual.Tanh,
})

// formulas are functions of three positive numbers.
func formulas[T any](c calc[T], x []T) []T {
	a, b, d := x[0], x[1], x[2]
	return []T{
		c.mul(c.add(a, b), c.sub(b, d)),
		c.div(c.mul(a, b), c.add(d, a)),
		c.pow(a, b),
		c.pow(c.add(a, d), c.sin(b)),
		c.exp(c.mul(c.sin(a), c.cos(c.mul(b, d)))),
		c.log(c.add(c.square(a), c.mul(b, d))),
		c.sqrt(c.add(c.exp(a), c.square(c.sub(b, d)))),
		c.tanh(c.sub(c.mul(a, b), d)),
		c.mul(c.sigmoid(c.sub(a, d)), c.softplus(c.mul(b, a))),
		c.div(c.expm1(c.mul(a, d)), c.log1p(b)),
		c.lae(c.mul(a, d), c.sub(b, a)),
		c.lae(c.lae(a, b), c.square(d)),
	}
}

// TestDual compares values, gradients and Hessian entries with those of gonum's dual and
// hyperdual numbers, whose errors are of rounding only.
func TestDual(t *testing.T) {
	const d = 3
	for _, x := range [][]float64{{0.7, 1.3, 0.4}, {2.1, 0.2, 1.6}, {0.05, 2.5, 3.1}} {
		for k := range formulas(dualCalc, make([]dual.Number, d)) {
			fn, err := New(d, func(x Node) Node { return formulas(tapeCalc, []Node{x.At(0), x.At(1), x.At(2)})[k] })
			if err != nil {
				t.Fatal(err)
			}
			g, hv, v := make([]float64, d), make([]float64, d), make([]float64, d)
			value := fn.Grad(g, x)
			check := func(what string, got, want float64) {
				if !(math.Abs(got-want) <= 1e-12*(1+math.Abs(want))) {
					t.Errorf("formula %d at %v: %s = %v, want %v", k, x, what, got, want)
				}
			}
			for i := range d {
				at := make([]dual.Number, d)
				for j := range at {
					at[j].Real = x[j]
				}
				at[i].Emag = 1
				want := formulas(dualCalc, at)[k]
				check("value", value, want.Real)
				check("gradient", g[i], want.Emag)
				clear(v)
				v[i] = 1
				fn.HessVec(hv, x, v)
				for j := range d {
					at := make([]hyperdual.Number, d)
					for l := range at {
						at[l].Real = x[l]
					}
					at[i].E1mag = 1
					at[j].E2mag = 1
					check("Hessian", hv[j], formulas(hyperdualCalc, at)[k].E1E2mag)
				}
			}
		}
	}
}
