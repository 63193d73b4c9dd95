package autodiff

import (
	"math"
	"testing"
)

func TestSoftmax(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(Node) Node
		want func(x []float64) []float64 // naive formula
	}{
		{"LogSumExp", Node.LogSumExp, func(x []float64) []float64 { return []float64{naiveLSE(x)} }},
		{"LogSumExpRows", func(x Node) Node { return x.Matrix(2, 3).LogSumExpRows() }, func(x []float64) []float64 {
			return []float64{naiveLSE(x[:3]), naiveLSE(x[3:])}
		}},
		{"Softmax", Node.Softmax, func(x []float64) []float64 {
			return each(func(v float64) float64 { return math.Exp(v - naiveLSE(x)) })(make([]float64, 6), x)
		}},
		{"Softmax rows", func(x Node) Node { return x.Matrix(3, 2).Softmax().Row(1) }, func(x []float64) []float64 {
			p := 1 / (1 + math.Exp(x[3]-x[2]))
			return []float64{p, 1 - p}
		}},
		{"LogSoftmax", Node.LogSoftmax, func(x []float64) []float64 {
			return each(func(v float64) float64 { return v - naiveLSE(x) })(make([]float64, 6), x)
		}},
		{"LogSoftmax rows", func(x Node) Node { return x.Matrix(3, 2).LogSoftmax().Row(2) }, func(x []float64) []float64 {
			return []float64{-math.Log1p(math.Exp(x[5] - x[4])), -math.Log1p(math.Exp(x[4] - x[5]))}
		}},
		{"LogAddExp", func(x Node) Node { return LogAddExp(x.Slice(0, 2), x.At(4)) }, func(x []float64) []float64 {
			return []float64{math.Log(math.Exp(x[0]) + math.Exp(x[4])), math.Log(math.Exp(x[1]) + math.Exp(x[4]))}
		}},
		{"LogMix", func(x Node) Node { return LogMix(x.Slice(0, 3), x.Slice(1, 3), []float64{0.3, -2}, x.At(5)) }, func(x []float64) []float64 {
			return []float64{naiveLSE([]float64{x[0] + x[1], x[1] + 0.3, x[2] + x[5]}), naiveLSE([]float64{x[0] + x[2], x[1] - 2, x[2] + x[5]})}
		}},
		{"LogMix scalars", func(x Node) Node { return LogMix([]float64{-1, 0.5}, x.At(2), x.At(5)) }, func(x []float64) []float64 {
			return []float64{naiveLSE([]float64{x[2] - 1, x[5] + 0.5})}
		}},
		{"LogMix of data", func(x Node) Node { return LogMix(x.Slice(0, 2), 1.5, []float64{1, 2, 3}) }, func(x []float64) []float64 {
			a, b := x[0], x[1]
			return []float64{naiveLSE([]float64{a + 1.5, b + 1}), naiveLSE([]float64{a + 1.5, b + 2}), naiveLSE([]float64{a + 1.5, b + 3})}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := point(6)
			near(t, valuesOf(t, c.f, x), c.want(x), 1e-14)
			checkDerivatives(t, func(x Node) Node { return weighted(c.f(x)) }, x, []float64{3, -2, 1, 1, 5, -4})
			checkDerivatives(t, func(x Node) Node { return weighted(c.f(x.Sin())) }, x)
		})
	}
	checkDerivatives(t, func(x Node) Node { return x.LogSumExp().Square() }, []float64{0.4})
	checkDerivatives(t, func(x Node) Node { return x.Exp().Softmax().Sum() }, []float64{0.4})
	checkDerivatives(t, func(x Node) Node { return LogAddExp(x, x).Sum() }, []float64{0.4, 2})
}

func naiveLSE(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += math.Exp(v)
	}
	return math.Log(s)
}

// TestSoftmaxFar has arguments whose exponentials overflow, and −Inf.
func TestSoftmaxFar(t *testing.T) {
	inf := math.Inf(-1)
	for _, c := range []struct {
		f    func(Node) Node
		x    []float64
		want float64
		grad []float64
	}{
		{Node.LogSumExp, []float64{1000, 1000}, 1000 + math.Ln2, []float64{0.5, 0.5}},
		{Node.LogSumExp, []float64{-1000, inf}, -1000, []float64{1, 0}},
		{Node.LogSumExp, []float64{inf, inf}, inf, []float64{0, 0}},
		{func(x Node) Node { return LogAddExp(x.At(0), x.At(1)) }, []float64{1000, inf}, 1000, []float64{1, 0}},
		{func(x Node) Node { return LogAddExp(x.At(0), x.At(1)) }, []float64{-1000, -1001}, -1000 + math.Log1p(math.Exp(-1)), []float64{1 / (1 + math.Exp(-1)), 1 / (1 + math.E)}},
		{func(x Node) Node { return LogMix([]float64{0, inf}, x.At(0), x.At(1)) }, []float64{-2000, 5}, -2000, []float64{1, 0}},
		{func(x Node) Node { return x.LogSoftmax().At(0) }, []float64{-800, 800}, -1600, []float64{1, -1}},
	} {
		fn, err := New(2, c.f)
		if err != nil {
			t.Fatal(err)
		}
		g, hv := make([]float64, 2), make([]float64, 2)
		if v := fn.Grad(g, c.x); !(v == c.want || math.Abs(v-c.want) < 1e-12) {
			t.Errorf("at %v: %v, want %v", c.x, v, c.want)
		}
		near(t, g, c.grad, 1e-15)
		fn.HessVec(hv, c.x, []float64{1, 2})
		if !finite(hv[0]) || !finite(hv[1]) {
			t.Errorf("at %v: ∇²f·v = %v", c.x, hv)
		}
	}
}

func TestLogMixErrors(t *testing.T) {
	for want, f := range map[string]func(x Node) Node{
		"autodiff: LogMix: logWeights is a vector of 3; want a vector of 2, an element a density":               func(x Node) Node { return LogMix(x, 1, 2).Sum() },
		"autodiff: LogMix: log density 2 is a vector of 2; want scalars and vectors of one length":              func(x Node) Node { return LogMix(x, 1, x, []float64{1, 2}).Sum() },
		"autodiff: Softmax: the node is a scalar; want a vector or a matrix":                                    func(x Node) Node { return x.At(0).Softmax().Sum() },
		"autodiff: LogAddExp: b is a vector of 2, a is a vector of 3; want one shape, or a scalar":              func(x Node) Node { return LogAddExp(x, []float64{1, 2}).Sum() },
		"autodiff: LogMix; want at least one operand that is a Node; numbers and data alone need no derivative": func(x Node) Node { return LogMix([]float64{0}, 1) },
	} {
		if _, err := New(3, f); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
