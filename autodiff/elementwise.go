package autodiff

import (
	"math"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/special"
)

// Binary operations. The operands have one shape, or one of them is a scalar.

// Add returns a + b elementwise.
func Add(a, b any) Node { return binary("Add", addRule, a, b) }

// Sub returns a − b elementwise.
func Sub(a, b any) Node { return binary("Sub", subRule, a, b) }

// Mul returns a·b elementwise; see MatMul for the matrix product.
func Mul(a, b any) Node { return binary("Mul", mulRule, a, b) }

// Div returns a/b elementwise.
func Div(a, b any) Node { return binary("Div", divRule, a, b) }

// Pow returns a^b elementwise for a > 0, and for a <= 0 where b is a whole number that does
// not depend on a parameter.
func Pow(a, b any) Node { return binary("Pow", powRule, a, b) }

// Add returns a + b.
func (a Node) Add(b any) Node { return binary("Add", addRule, a, b) }

// Sub returns a − b.
func (a Node) Sub(b any) Node { return binary("Sub", subRule, a, b) }

// Mul returns a·b elementwise.
func (a Node) Mul(b any) Node { return binary("Mul", mulRule, a, b) }

// Div returns a/b elementwise.
func (a Node) Div(b any) Node { return binary("Div", divRule, a, b) }

func binary(fn string, r *rule, a, b any) Node {
	t := tapeOf(fn, a, b)
	i, j := t.arg(fn, "a", a), t.arg(fn, "b", b)
	n, m := &t.nodes[i], &t.nodes[j]
	s := spec{rule: r, in: [4]int32{i, j, none, none}, view: -1}
	like := n
	if n.kind == scalar {
		like = m
	} else if m.kind != scalar && (n.kind != m.kind || n.rows != m.rows || n.cols != m.cols) {
		panic(&Error{Func: fn, Param: "b", Value: m.shape() + ", a is " + n.shape(), Want: "one shape, or a scalar"})
	}
	s.kind, s.rows, s.cols = like.kind, int(like.rows), int(like.cols)
	return t.push(&s)
}

// step is the distance between elements as an operand of an elementwise operation
// sees them: 0 for a scalar.
func (n *node) step() int {
	if n.kind == scalar {
		return 0
	}
	return 1
}

// pairRule makes the rule of c = f(a, b) of the partial derivatives at (a, b, c):
// first ones for backward and tangent, second ones for backward2.
func pairRule(name string, f func(a, b float64) float64, d1 func(a, b, c float64) (da, db float64), d2 func(a, b, c float64) (aa, ab, bb float64)) *rule {
	return &rule{
		name: name,
		forward: func(t *tape, n *node) {
			a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			sa, sb := a.step(), b.step()
			for i := range n.val {
				n.val[i] = f(a.val[i*sa], b.val[i*sb])
			}
		},
		backward: func(t *tape, n *node) {
			a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			sa, sb := a.step(), b.step()
			for i, g := range n.adj {
				da, db := d1(a.val[i*sa], b.val[i*sb], n.val[i])
				if a.adj != nil {
					a.adj[i*sa] += g * da
				}
				if b.adj != nil {
					b.adj[i*sb] += g * db
				}
			}
		},
		tangent: func(t *tape, n *node) {
			a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			sa, sb := a.step(), b.step()
			for i := range n.dot {
				da, db := d1(a.val[i*sa], b.val[i*sb], n.val[i])
				v := 0.0
				if a.dot != nil {
					v = da * a.dot[i*sa]
				}
				if b.dot != nil {
					v += db * b.dot[i*sb]
				}
				n.dot[i] = v
			}
		},
		backward2: func(t *tape, n *node) {
			a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
			sa, sb := a.step(), b.step()
			for i, g := range n.adj {
				x, y, z := a.val[i*sa], b.val[i*sb], n.val[i]
				da, db := d1(x, y, z)
				aa, ab, bb := d2(x, y, z)
				var u, v float64
				if a.dot != nil {
					u = a.dot[i*sa]
				}
				if b.dot != nil {
					v = b.dot[i*sb]
				}
				dg := n.dadj[i]
				if a.adj != nil {
					a.dadj[i*sa] += dg * da
					if g != 0 {
						a.dadj[i*sa] += g * mixed(aa, u, ab, v)
					}
				}
				if b.adj != nil {
					b.dadj[i*sb] += dg * db
					if g != 0 {
						b.dadj[i*sb] += g * mixed(ab, u, bb, v)
					}
				}
			}
		},
	}
}

// mixed is h·u + k·v, where a direction of zero silences a derivative that is not finite.
func mixed(h, u, k, v float64) float64 {
	s := 0.0
	if u != 0 {
		s = h * u
	}
	if v != 0 {
		s += k * v
	}
	return s
}

var (
	addRule = withLoops(pairRule("Add", func(a, b float64) float64 { return a + b },
		func(_, _, _ float64) (float64, float64) { return 1, 1 },
		func(_, _, _ float64) (float64, float64, float64) { return 0, 0, 0 }), addForward, addBackward)
	subRule = withLoops(pairRule("Sub", func(a, b float64) float64 { return a - b },
		func(_, _, _ float64) (float64, float64) { return 1, -1 },
		func(_, _, _ float64) (float64, float64, float64) { return 0, 0, 0 }), subForward, subBackward)
	mulRule = withLoops(pairRule("Mul", func(a, b float64) float64 { return a * b },
		func(a, b, _ float64) (float64, float64) { return b, a },
		func(_, _, _ float64) (float64, float64, float64) { return 0, 1, 0 }), mulForward, mulBackward)
	divRule = pairRule("Div", func(a, b float64) float64 { return a / b },
		func(_, b, c float64) (float64, float64) { return 1 / b, -c / b },
		func(_, b, c float64) (float64, float64, float64) { return 0, -1 / (b * b), 2 * c / (b * b) })
	powRule = pairRule("Pow", math.Pow,
		func(a, b, c float64) (float64, float64) {
			da := b * math.Pow(a, b-1)
			if b == 0 {
				da = 0
			}
			db := 0.0
			if c != 0 {
				db = c * math.Log(a)
			}
			return da, db
		},
		func(a, b, c float64) (float64, float64, float64) {
			l := math.Log(a)
			var aa, bb float64
			if b != 0 && b != 1 {
				aa = b * (b - 1) * math.Pow(a, b-2)
			}
			if c != 0 {
				bb = c * l * l
			}
			return aa, math.Pow(a, b-1) * (1 + b*l), bb
		})
)

// Unary operations act on every element.

// Neg returns −a.
func (a Node) Neg() Node { return a.unary(negRule) }

// Exp returns e^a.
func (a Node) Exp() Node { return a.unary(expRule) }

// Expm1 returns e^a − 1, accurate near 0.
func (a Node) Expm1() Node { return a.unary(expm1Rule) }

// Log returns log a.
func (a Node) Log() Node { return a.unary(logRule) }

// Log1p returns log(1 + a), accurate near 0.
func (a Node) Log1p() Node { return a.unary(log1pRule) }

// Sqrt returns √a.
func (a Node) Sqrt() Node { return a.unary(sqrtRule) }

// Square returns a².
func (a Node) Square() Node { return a.unary(squareRule) }

// Inv returns 1/a.
func (a Node) Inv() Node { return a.unary(invRule) }

// Tanh returns the hyperbolic tangent.
func (a Node) Tanh() Node { return a.unary(tanhRule) }

// Sin returns sin a.
func (a Node) Sin() Node { return a.unary(sinRule) }

// Cos returns cos a.
func (a Node) Cos() Node { return a.unary(cosRule) }

// Sigmoid returns 1/(1 + e^−a), the inverse of the logit.
func (a Node) Sigmoid() Node { return a.unary(sigmoidRule) }

// Softplus returns log(1 + e^a).
func (a Node) Softplus() Node { return a.unary(softplusRule) }

// LogSigmoid returns log(1/(1 + e^−a)) without underflow.
func (a Node) LogSigmoid() Node { return a.unary(logSigmoidRule) }

// Lgamma returns log Γ(a) for a > 0.
func (a Node) Lgamma() Node { return a.unary(lgammaRule) }

// Digamma returns ψ(a) = d log Γ(a)/da for a > 0.
func (a Node) Digamma() Node { return a.unary(digammaRule) }

// NormalCDF returns Φ(a), the distribution function of the standard normal.
func (a Node) NormalCDF() Node { return a.unary(normalCDFRule) }

// LogNormalCDF returns log Φ(a), accurate in both tails.
func (a Node) LogNormalCDF() Node { return a.unary(logNormalCDFRule) }

func (a Node) unary(r *rule) Node {
	n := a.n(r.name)
	return a.t.push(&spec{rule: r, in: [4]int32{a.i, none, none, none}, kind: n.kind, rows: int(n.rows), cols: int(n.cols), view: -1})
}

// mapRule makes the rule of y = f(x) of its derivatives at (x, y).
func mapRule(name string, f func(dst, x []float64) []float64, d1, d2 func(x, y float64) float64) *rule {
	return &rule{
		name:    name,
		forward: func(t *tape, n *node) { f(n.val, t.nodes[n.in[0]].val) },
		backward: func(t *tape, n *node) {
			a := &t.nodes[n.in[0]]
			for i, g := range n.adj {
				if g != 0 {
					a.adj[i] += g * d1(a.val[i], n.val[i])
				}
			}
		},
		tangent: func(t *tape, n *node) {
			a := &t.nodes[n.in[0]]
			for i, u := range a.dot {
				n.dot[i] = 0
				if u != 0 {
					n.dot[i] = u * d1(a.val[i], n.val[i])
				}
			}
		},
		backward2: func(t *tape, n *node) {
			a := &t.nodes[n.in[0]]
			for i, g := range n.adj {
				x, y := a.val[i], n.val[i]
				if dg := n.dadj[i]; dg != 0 {
					a.dadj[i] += dg * d1(x, y)
				}
				if u := g * a.dot[i]; u != 0 {
					a.dadj[i] += u * d2(x, y)
				}
			}
		},
	}
}

func each(f func(float64) float64) func(dst, x []float64) []float64 {
	return func(dst, x []float64) []float64 {
		for i, v := range x {
			dst[i] = f(v)
		}
		return dst
	}
}

const sqrt2Pi = 2.50662827463100050241576528481104525

var (
	negRule    = mapRule("Neg", each(func(x float64) float64 { return -x }), func(_, _ float64) float64 { return -1 }, func(_, _ float64) float64 { return 0 })
	expRule    = mapRule("Exp", la.Exp, func(_, y float64) float64 { return y }, func(_, y float64) float64 { return y })
	expm1Rule  = mapRule("Expm1", la.Expm1, func(_, y float64) float64 { return y + 1 }, func(_, y float64) float64 { return y + 1 })
	logRule    = mapRule("Log", la.Log, func(x, _ float64) float64 { return 1 / x }, func(x, _ float64) float64 { return -1 / (x * x) })
	log1pRule  = mapRule("Log1p", la.Log1p, func(x, _ float64) float64 { return 1 / (1 + x) }, func(x, _ float64) float64 { return -1 / ((1 + x) * (1 + x)) })
	sqrtRule   = mapRule("Sqrt", each(math.Sqrt), func(_, y float64) float64 { return 0.5 / y }, func(x, y float64) float64 { return -0.25 / (x * y) })
	squareRule = mapRule("Square", each(func(x float64) float64 { return x * x }), func(x, _ float64) float64 { return 2 * x }, func(_, _ float64) float64 { return 2 })
	invRule    = mapRule("Inv", each(func(x float64) float64 { return 1 / x }), func(_, y float64) float64 { return -y * y }, func(_, y float64) float64 { return 2 * y * y * y })
	tanhRule   = mapRule("Tanh", la.Tanh, func(_, y float64) float64 { return (1 - y) * (1 + y) }, func(_, y float64) float64 { return -2 * y * (1 - y) * (1 + y) })
	sinRule    = mapRule("Sin", each(math.Sin), func(x, _ float64) float64 { return math.Cos(x) }, func(_, y float64) float64 { return -y })
	cosRule    = mapRule("Cos", each(math.Cos), func(x, _ float64) float64 { return -math.Sin(x) }, func(_, y float64) float64 { return -y })

	sigmoidRule = mapRule("Sigmoid", la.Sigmoid, func(x, y float64) float64 { return y * special.Sigmoid(-x) },
		func(x, y float64) float64 { return y * special.Sigmoid(-x) * (special.Sigmoid(-x) - y) })
	softplusRule = mapRule("Softplus", la.Softplus, func(x, _ float64) float64 { return special.Sigmoid(x) },
		func(x, _ float64) float64 { return special.Sigmoid(x) * special.Sigmoid(-x) })
	logSigmoidRule = mapRule("LogSigmoid", la.LogSigmoid, func(x, _ float64) float64 { return special.Sigmoid(-x) },
		func(x, _ float64) float64 { return -special.Sigmoid(x) * special.Sigmoid(-x) })
	lgammaRule  = mapRule("Lgamma", each(special.Lgamma), func(x, _ float64) float64 { return special.Digamma(x) }, func(x, _ float64) float64 { return special.Trigamma(x) })
	digammaRule = mapRule("Digamma", each(special.Digamma), func(x, _ float64) float64 { return special.Trigamma(x) }, func(x, _ float64) float64 { return special.Tetragamma(x) })

	normalCDFRule = mapRule("NormalCDF", each(func(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }),
		func(x, _ float64) float64 { return math.Exp(-x*x/2) / sqrt2Pi },
		func(x, _ float64) float64 { return -x * math.Exp(-x*x/2) / sqrt2Pi })
	logNormalCDFRule = mapRule("LogNormalCDF", each(special.LogNormalCDF),
		func(x, _ float64) float64 { return special.NormalHazard(x) },
		func(x, _ float64) float64 { h := special.NormalHazard(x); return -h * (h + x) })
)
