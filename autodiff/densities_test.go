package autodiff

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// densityCase is a density with three elements of every operand, a closed form, and where y lives.
type densityCase struct {
	name  string
	at    func(o []any) Node
	x     [][]float64
	data  int // the first operands that must be data
	exact func(x []float64) float64
	space byte // of y: r(eal), p(ositive), u(nit interval), c(ounts), b(its)
}

func lgamma(x float64) float64 { v, _ := math.Lgamma(x); return v }

var densityCases = []densityCase{
	{"Normal", func(o []any) Node { return NormalLogProb(o[0], o[1], o[2]) }, [][]float64{{0.3, -1, 2}, {0.5, 1, -0.3}, {0.7, 1.2, 2.1}}, 0,
		func(x []float64) float64 { return distuv.Normal{Mu: x[1], Sigma: x[2]}.LogProb(x[0]) }, 'r'},
	{"Cauchy", func(o []any) Node { return CauchyLogProb(o[0], o[1], o[2]) }, [][]float64{{0.3, -1, 2}, {0.5, 1, -0.3}, {0.7, 1.2, 2.1}}, 0,
		func(x []float64) float64 {
			z := (x[0] - x[1]) / x[2]
			return -math.Log(math.Pi * x[2] * (1 + z*z))
		}, 'r'},
	{"Laplace", func(o []any) Node { return LaplaceLogProb(o[0], o[1], o[2]) }, [][]float64{{0.3, -1, 2}, {0.7, 1, -0.4}, {0.7, 1.2, 2.1}}, 0,
		func(x []float64) float64 { return distuv.Laplace{Mu: x[1], Scale: x[2]}.LogProb(x[0]) }, 'r'},
	{"Logistic", func(o []any) Node { return LogisticLogProb(o[0], o[1], o[2]) }, [][]float64{{0.3, -1, 2}, {0.5, 1, -0.3}, {0.7, 1.2, 2.1}}, 0,
		func(x []float64) float64 {
			c := math.Cosh((x[0] - x[1]) / x[2] / 2)
			return -math.Log(4 * x[2] * c * c)
		}, 'r'},
	{"StudentT", func(o []any) Node { return StudentTLogProb(o[0], o[1], o[2], o[3]) }, [][]float64{{0.3, -1, 2}, {3, 0.8, 12}, {0.5, 1, -0.3}, {0.7, 1.2, 2.1}}, 0,
		func(x []float64) float64 {
			return distuv.StudentsT{Mu: x[2], Sigma: x[3], Nu: x[1]}.LogProb(x[0])
		}, 'r'},
	{"LogNormal", func(o []any) Node { return LogNormalLogProb(o[0], o[1], o[2]) }, [][]float64{{0.3, 1, 2}, {0.5, 1, -0.3}, {0.7, 1.2, 2.1}}, 0,
		func(x []float64) float64 { return distuv.LogNormal{Mu: x[1], Sigma: x[2]}.LogProb(x[0]) }, 'p'},
	{"HalfNormal", func(o []any) Node { return HalfNormalLogProb(o[0], o[1]) }, [][]float64{{0.3, 1, 2}, {0.5, 1, 1.4}}, 0,
		func(x []float64) float64 { return math.Ln2 + distuv.Normal{Sigma: x[1]}.LogProb(x[0]) }, 'p'},
	{"HalfCauchy", func(o []any) Node { return HalfCauchyLogProb(o[0], o[1]) }, [][]float64{{0.3, 1, 2}, {0.5, 1, 1.4}}, 0,
		func(x []float64) float64 { z := x[0] / x[1]; return math.Log(2 / math.Pi / x[1] / (1 + z*z)) }, 'p'},
	{"Exponential", func(o []any) Node { return ExponentialLogProb(o[0], o[1]) }, [][]float64{{0.3, 1, 2}, {0.5, 1, 1.4}}, 0,
		func(x []float64) float64 { return distuv.Exponential{Rate: x[1]}.LogProb(x[0]) }, 'p'},
	{"Gamma", func(o []any) Node { return GammaLogProb(o[0], o[1], o[2]) }, [][]float64{{0.3, 1, 2}, {0.5, 1.1, 3}, {0.7, 1.2, 2.1}}, 0,
		func(x []float64) float64 { return distuv.Gamma{Alpha: x[1], Beta: x[2]}.LogProb(x[0]) }, 'p'},
	{"InverseGamma", func(o []any) Node { return InverseGammaLogProb(o[0], o[1], o[2]) }, [][]float64{{0.5, 1, 2}, {0.5, 1.1, 3}, {0.7, 1.2, 2.1}}, 0,
		func(x []float64) float64 { return distuv.InverseGamma{Alpha: x[1], Beta: x[2]}.LogProb(x[0]) }, 'p'},
	{"Weibull", func(o []any) Node { return WeibullLogProb(o[0], o[1], o[2]) }, [][]float64{{0.3, 1, 2}, {0.5, 1.1, 3}, {0.7, 1.2, 2.1}}, 0,
		func(x []float64) float64 { return distuv.Weibull{K: x[1], Lambda: x[2]}.LogProb(x[0]) }, 'p'},
	{"Beta", func(o []any) Node { return BetaLogProb(o[0], o[1], o[2]) }, [][]float64{{0.3, 0.5, 0.8}, {0.5, 1.1, 3}, {0.7, 1.2, 2.1}}, 0,
		func(x []float64) float64 { return distuv.Beta{Alpha: x[1], Beta: x[2]}.LogProb(x[0]) }, 'u'},
	{"Uniform", func(o []any) Node { return UniformLogProb(o[0], o[1], o[2]) }, [][]float64{{0.3, 0.5, 0.8}, {-0.4, 0, 0.1}, {1, 1.2, 2.1}}, 0,
		func(x []float64) float64 { return distuv.Uniform{Min: x[1], Max: x[2]}.LogProb(x[0]) }, 0},
	{"Bernoulli", func(o []any) Node { return BernoulliLogProb(o[0], o[1]) }, [][]float64{{0, 1, 0}, {0.2, 0.6, 0.9}}, 1,
		func(x []float64) float64 { return distuv.Bernoulli{P: x[1]}.LogProb(x[0]) }, 'b'},
	{"BernoulliLogit", func(o []any) Node { return BernoulliLogitLogProb(o[0], o[1]) }, [][]float64{{0, 1, 0}, {0.2, -1.6, 2.9}}, 1,
		func(x []float64) float64 { return -math.Log1p(math.Exp(x[1] * (1 - 2*x[0]))) }, 'b'},
	{"Binomial", func(o []any) Node { return BinomialLogProb(o[0], o[1], o[2]) }, [][]float64{{0, 3, 7}, {7, 12, 7}, {0.2, 0.6, 0.9}}, 2,
		func(x []float64) float64 { return distuv.Binomial{N: x[1], P: x[2]}.LogProb(x[0]) }, 'c'},
	{"BinomialLogit", func(o []any) Node { return BinomialLogitLogProb(o[0], o[1], o[2]) }, [][]float64{{0, 3, 7}, {7, 12, 7}, {0.2, -1.6, 2.9}}, 2,
		func(x []float64) float64 {
			return distuv.Binomial{N: x[1], P: 1 / (1 + math.Exp(-x[2]))}.LogProb(x[0])
		}, 'c'},
	{"Geometric", func(o []any) Node { return GeometricLogProb(o[0], o[1]) }, [][]float64{{0, 3, 7}, {0.2, 0.6, 0.9}}, 1,
		func(x []float64) float64 { return math.Log(x[1]) + x[0]*math.Log(1-x[1]) }, 'c'},
	{"Poisson", func(o []any) Node { return PoissonLogProb(o[0], o[1]) }, [][]float64{{0, 3, 7}, {0.7, 2.1, 9}}, 1,
		func(x []float64) float64 { return distuv.Poisson{Lambda: x[1]}.LogProb(x[0]) }, 'c'},
	{"PoissonLog", func(o []any) Node { return PoissonLogLogProb(o[0], o[1]) }, [][]float64{{0, 3, 7}, {-0.7, 1.1, 2.1}}, 1,
		func(x []float64) float64 { return distuv.Poisson{Lambda: math.Exp(x[1])}.LogProb(x[0]) }, 'c'},
	{"NegBinomialLog", func(o []any) Node { return NegBinomialLogLogProb(o[0], o[1], o[2]) }, [][]float64{{0, 3, 7}, {-0.7, 1.1, 2.1}, {0.6, 1.4, 4}}, 1,
		func(x []float64) float64 {
			y, m, phi := x[0], math.Exp(x[1]), x[2]
			return lgamma(y+phi) - lgamma(phi) - lgamma(y+1) + phi*math.Log(phi/(phi+m)) + y*math.Log(m/(phi+m))
		}, 'c'},
}

// shapes calls f for every way in which n elements of the operands can be numbers, data,
// scalar nodes and vector nodes; x are the elements of the nodes, ops makes the operands.
func (c *densityCase) shapes(t *testing.T, n int, f func(t *testing.T, x []float64, elems func(x Node, i int) []any, ops func(x Node) []any)) {
	for code := range 1 << (2 * len(c.x)) {
		kinds, first := make([]int, len(c.x)), make([]int, len(c.x))
		var x []float64
		ok := true
		for a, v := range c.x {
			kinds[a], first[a] = code>>(2*a)&3, len(x)
			switch {
			case a < c.data:
				// Data of several operands have one shape, so that they fit together.
				ok = ok && kinds[a] < 2 && kinds[a] == kinds[0]
			case kinds[a] == 2:
				x = append(x, v[1])
			case kinds[a] == 3:
				x = append(x, v[:n]...)
			}
		}
		if !ok || len(x) == 0 {
			continue
		}
		operand := func(x Node, a, i int) any {
			switch {
			case kinds[a] == 0:
				return c.x[a][1]
			case kinds[a] == 1 && i < 0:
				return c.x[a][:n]
			case kinds[a] == 1:
				return c.x[a][i]
			case kinds[a] == 2:
				return x.At(first[a])
			case i < 0:
				return x.Slice(first[a], first[a]+n)
			}
			return x.At(first[a] + i)
		}
		elems := func(x Node, i int) []any {
			o := make([]any, len(c.x))
			for a := range o {
				o[a] = operand(x, a, i)
			}
			return o
		}
		t.Run(fmt.Sprint(kinds), func(t *testing.T) {
			f(t, x, elems, func(x Node) []any { return elems(x, -1) })
		})
	}
}

func TestDensityDerivatives(t *testing.T) {
	for _, c := range densityCases {
		t.Run(c.name, func(t *testing.T) {
			c.shapes(t, 3, func(t *testing.T, x []float64, elems func(Node, int) []any, ops func(Node) []any) {
				checkDerivatives(t, func(x Node) Node { return c.at(ops(x)) }, x)
			})
		})
	}
}

// TestDensityLoops compares densities of more than a block of elements with the sum of their elements.
func TestDensityLoops(t *testing.T) {
	const n = 300
	rng := rand.New(rand.NewPCG(3, 5))
	for _, c := range densityCases {
		long := c
		long.x = make([][]float64, len(c.x))
		for range n {
			k := rng.IntN(3)
			for a := range c.x {
				long.x[a] = append(long.x[a], c.x[a][k])
			}
		}
		for a := range c.x {
			long.x[a][1] = c.x[a][1]
		}
		t.Run(c.name, func(t *testing.T) {
			long.shapes(t, n, func(t *testing.T, x []float64, elems func(Node, int) []any, ops func(Node) []any) {
				whole, err := New(len(x), func(x Node) Node { return c.at(ops(x)) })
				if err != nil {
					t.Fatal(err)
				}
				parts, err := New(len(x), func(x Node) Node {
					count := 1
					for _, o := range ops(x) {
						if v, ok := o.([]float64); ok {
							count = len(v)
						} else if v, ok := o.(Node); ok {
							count = max(count, v.Len())
						}
					}
					terms := make([]Node, count)
					for i := range terms {
						terms[i] = c.at(elems(x, i))
					}
					return AddAll(terms...)
				})
				if err != nil {
					t.Fatal(err)
				}
				g, want := make([]float64, len(x)), make([]float64, len(x))
				v, w := whole.Grad(g, x), parts.Grad(want, x)
				if math.Abs(v-w) > 1e-11*(1+math.Abs(w)) || math.Abs(whole.Value(x)-w) > 1e-11*(1+math.Abs(w)) {
					t.Errorf("%v and %v, its elements sum to %v", v, whole.Value(x), w)
				}
				for i := range g {
					if math.Abs(g[i]-want[i]) > 1e-10*(1+math.Abs(want[i])) {
						t.Fatalf("gradient[%d] %v, its elements' is %v", i, g[i], want[i])
					}
				}
			})
		})
	}
}

// density is the density of numbers.
func (c *densityCase) density(t *testing.T, x []float64) float64 {
	fn, err := New(1, func(p Node) Node {
		o := make([]any, len(x))
		for a, v := range x {
			o[a] = v
		}
		o[len(o)-1] = p.At(0)
		return c.at(o)
	})
	if err != nil {
		t.Fatal(err)
	}
	return fn.Value(x[len(x)-1:])
}

func TestDensityValues(t *testing.T) {
	for _, c := range densityCases {
		t.Run(c.name, func(t *testing.T) {
			x := make([]float64, len(c.x))
			for i := range 3 {
				for a := range x {
					x[a] = c.x[a][i]
				}
				if got, want := c.density(t, x), c.exact(x); math.Abs(got-want) > 1e-12*(1+math.Abs(want)) {
					t.Errorf("at %v: %v, want %v", x, got, want)
				}
			}
			// ∫ p(y) dy by the trapezoidal rule after y = y0 ± e^((π/2) sinh t), or Σ p(y).
			sum, y0 := 0.0, 0.0
			switch c.space {
			case 'b':
				for x[0] = 0; x[0] <= 1; x[0]++ {
					sum += math.Exp(c.density(t, x))
				}
			case 'c':
				last := 200.0
				if strings.HasPrefix(c.name, "Binomial") {
					last = x[1]
				}
				for x[0] = 0; x[0] <= last; x[0]++ {
					sum += math.Exp(c.density(t, x))
				}
			case 'u':
				for k := -160; k <= 160; k++ {
					s := math.Pi / 2 * math.Sinh(float64(k)/40)
					x[0] = 1 / (1 + math.Exp(-2*s))
					if x[0] > 0 && x[0] < 1 {
						sum += math.Exp(c.density(t, x)) * math.Pi / 2 * math.Cosh(float64(k)/40) / 2 / (math.Cosh(s) * math.Cosh(s)) / 40
					}
				}
			case 'r', 'p':
				signs := []float64{1}
				if c.space == 'r' {
					signs, y0 = []float64{1, -1}, x[len(x)-2]
				}
				for _, sign := range signs {
					for k := -180; k <= 180; k++ {
						s := math.Pi / 2 * math.Sinh(float64(k)/40)
						x[0] = y0 + sign*math.Exp(s)
						sum += math.Exp(c.density(t, x)+s) * math.Pi / 2 * math.Cosh(float64(k)/40) / 40
					}
				}
			default:
				return
			}
			if math.Abs(sum-1) > 1e-9 {
				t.Errorf("sums to %.12g", sum)
			}
		})
	}
}

func TestVectorDensities(t *testing.T) {
	logits := []float64{0.3, -1, 2, 0.5, 0, 1, -0.7, 0.2, 0.9, 1.5, -2, 0.1}
	cat := func(labels any) func(Node) Node {
		return func(x Node) Node { return CategoricalLogitLogProb(labels, x.Matrix(4, 3)) }
	}
	checkDerivatives(t, cat([]int{0, 2, 1, 0}), logits)
	checkDerivatives(t, cat([]float64{0, 2, 1, 0}), logits)
	eta, cut := []float64{0.3, -1, 2, 0.5}, []float64{-1, 0.4, 1.7}
	both := append(append([]float64(nil), eta...), cut...)
	labels := []int{0, 3, 2, 1}
	checkDerivatives(t, func(x Node) Node { return OrderedLogitLogProb(labels, x.Slice(0, 4), x.Slice(4, 7)) }, both)
	checkDerivatives(t, func(x Node) Node { return OrderedLogitLogProb(labels, x, cut) }, eta)
	checkDerivatives(t, func(x Node) Node { return OrderedLogitLogProb([]float64{0, 3, 2, 1}, eta, x) }, cut)
	simplex, alpha := []float64{0.2, 0.5, 0.3}, []float64{0.7, 2, 3.1}
	six := append(append([]float64(nil), simplex...), alpha...)
	checkDerivatives(t, func(x Node) Node { return DirichletLogProb(x.Slice(0, 3), x.Slice(3, 6)) }, six)
	checkDerivatives(t, func(x Node) Node { return DirichletLogProb(x.Slice(0, 3), x.At(4)) }, six)
	checkDerivatives(t, func(x Node) Node { return DirichletLogProb(simplex, x) }, alpha)
	checkDerivatives(t, func(x Node) Node { return DirichletLogProb(x, 2) }, simplex)
	l := []float64{1, 0, 0, 0.6, 0.8, 0, 0.3, 0.5, 0.81, 1.7}
	checkDerivatives(t, func(x Node) Node { return LKJCholeskyLogProb(x.Slice(0, 9).Matrix(3, 3), x.At(9)) }, l)
	checkDerivatives(t, func(x Node) Node { return LKJCholeskyLogProb(x.Slice(0, 9).Matrix(3, 3), 2) }, l)
	checkDerivatives(t, func(x Node) Node { return LKJCholeskyLogProb(mat.NewDense(3, 3, l[:9]), x.At(0)) }, []float64{1.7})

	value := func(f func(Node) Node, x []float64) float64 {
		fn, err := New(len(x), f)
		if err != nil {
			t.Fatal(err)
		}
		return fn.Value(x)
	}
	// Sums over labels, and integrals over a simplex and correlations.
	for name, sum := range map[string]float64{
		"categorical": func() (s float64) {
			for k := range 3 {
				s += math.Exp(value(func(x Node) Node { return CategoricalLogitLogProb([]int{k}, x.Matrix(1, 3)) }, logits[:3]))
			}
			return s
		}(),
		"ordered": func() (s float64) {
			for k := range 4 {
				s += math.Exp(value(func(x Node) Node { return OrderedLogitLogProb([]int{k}, x, cut) }, []float64{0.3}))
			}
			return s
		}(),
		"Dirichlet": func() (s float64) {
			fn, _ := New(3, func(x Node) Node { return DirichletLogProb(x, []float64{3, 4, 5}) })
			const n = 200
			for i := range n {
				for j := range n {
					a, b := (float64(i)+0.5)/n, (float64(j)+0.5)/n // x = (a, b(1−a), …)
					s += math.Exp(fn.Value([]float64{a, b * (1 - a), (1 - a) * (1 - b)})) * (1 - a) / (n * n)
				}
			}
			return s
		}(),
		"LKJ": func() (s float64) {
			fn, _ := New(9, func(x Node) Node { return LKJCholeskyLogProb(x.Matrix(3, 3), 2.5) })
			const n = 300 // over L21 and the radius of (L31, L32); the angle gives 2π
			for i := range n {
				for j := range n {
					a, r := -1+2*(float64(i)+0.5)/n, (float64(j)+0.5)/n
					x := []float64{1, 0, 0, a, math.Sqrt(1 - a*a), 0, r, 0, math.Sqrt(1 - r*r)}
					s += math.Exp(fn.Value(x)) * 2 * math.Pi * r * 2 / (n * n)
				}
			}
			return s
		}(),
	} {
		if math.Abs(sum-1) > 1e-4 {
			t.Errorf("%s: sums to %v", name, sum)
		}
	}
}

func TestDensitySupport(t *testing.T) {
	for want, f := range map[string]func(x Node) Node{
		"autodiff: PoissonLogLogProb: y[1] is -1; want a whole number, 0 or more":                                        func(x Node) Node { return PoissonLogLogProb([]float64{1, -1, 2}, x) },
		"autodiff: BernoulliLogitLogProb: y[2] is 2; want 0 or 1":                                                        func(x Node) Node { return BernoulliLogitLogProb([]float64{1, 0, 2}, x) },
		"autodiff: NormalLogProb: sigma is 0; want a positive, finite number":                                            func(x Node) Node { return NormalLogProb(x, 0, 0) },
		"autodiff: NormalLogProb: y[0] is NaN; want a number":                                                            func(x Node) Node { return NormalLogProb([]float64{math.NaN(), 1, 2}, x, 1) },
		"autodiff: BinomialLogitLogProb: y[1] is 4; want a count not above n":                                            func(x Node) Node { return BinomialLogitLogProb([]float64{1, 4, 2}, 3, x) },
		"autodiff: UniformLogProb: hi is 1; want a number above lo":                                                      func(x Node) Node { return UniformLogProb(x, 2, 1) },
		"autodiff: PoissonLogProb: y is a node that depends on the function's argument; want data: it has no derivative": func(x Node) Node { return PoissonLogProb(x, 1) },
		"autodiff: CategoricalLogitLogProb: labels[0] is 3; want a whole number 0 … 2":                                   func(x Node) Node { return CategoricalLogitLogProb([]int{3}, x.Matrix(1, 3)) },
		"autodiff: CategoricalLogitLogProb: labels is 2 labels for 1 observations; want one label an observation":        func(x Node) Node { return CategoricalLogitLogProb([]int{0, 1}, x.Matrix(1, 3)) },
		"autodiff: OrderedLogitLogProb: labels[1] is 0.5; want a whole number, 0 or more":                                func(x Node) Node { return OrderedLogitLogProb([]float64{0, 0.5, 1}, x, x) },
		"autodiff: DirichletLogProb: the sum of x is 1.5; want 1":                                                        func(x Node) Node { return DirichletLogProb([]float64{0.5, 0.5, 0.5}, x) },
		"autodiff: BetaLogProb: y is 1; want a number between 0 and 1":                                                   func(x Node) Node { return BetaLogProb(1, x, 1) },
		"autodiff: LKJCholeskyLogProb: eta is -1; want a positive, finite number":                                        func(x Node) Node { return LKJCholeskyLogProb(x.Matrix(3, 1), -1) },
	} {
		_, err := New(3, f)
		var e *Error
		if !errors.As(err, &e) || err.Error() != want && !strings.HasPrefix(want, "autodiff: LKJ") {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	// Values that depend on parameters are −Inf outside, and Explain names the density.
	for name, f := range map[string]func(x Node) Node{
		"GammaLogProb":       func(x Node) Node { return GammaLogProb(x, 2, 3) },
		"LogNormalLogProb":   func(x Node) Node { return LogNormalLogProb(x, 2, 3) },
		"HalfCauchyLogProb":  func(x Node) Node { return HalfCauchyLogProb(x, 3) },
		"BetaLogProb":        func(x Node) Node { return BetaLogProb(x, 2, 3) },
		"UniformLogProb":     func(x Node) Node { return UniformLogProb(x, 0, 3) },
		"WeibullLogProb":     func(x Node) Node { return WeibullLogProb(x, 2, 3) },
		"ExponentialLogProb": func(x Node) Node { return ExponentialLogProb(x, 3) },
		"DirichletLogProb":   func(x Node) Node { return DirichletLogProb(x, 3) },
	} {
		fn, err := New(2, f)
		if err != nil {
			t.Fatal(err)
		}
		x := []float64{0.5, -0.5}
		var e *NonFiniteError
		if v := fn.Value(x); !math.IsInf(v, -1) {
			t.Errorf("%s: %v outside the support", name, v)
		}
		if err := fn.Explain(x); !errors.As(err, &e) || e.Op != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}
