package autodiff

import "testing"

// weighted makes a scalar of a vector such that every element counts differently
// and curvature is not lost.
func weighted(a Node) Node {
	w := make([]float64, a.Len())
	for i := range w {
		w[i] = 1 + 0.3*float64(i)
	}
	v := a.Vector()
	return Dot(w, v).Add(v.At(0).Mul(v.At(len(w) - 1)))
}

func TestUnary(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(Node) Node
		x    []float64
	}{
		{"Neg", Node.Neg, []float64{-1, 0.3, 2}},
		{"Exp", Node.Exp, []float64{-1, 0.3, 2}},
		{"Expm1", Node.Expm1, []float64{-1, 0.01, 2}},
		{"Log", Node.Log, []float64{0.1, 1, 7}},
		{"Log1p", Node.Log1p, []float64{-0.5, 0.01, 7}},
		{"Sqrt", Node.Sqrt, []float64{0.3, 1, 7}},
		{"Square", Node.Square, []float64{-0.3, 1, 7}},
		{"Inv", Node.Inv, []float64{-0.7, 1, 7}},
		{"Tanh", Node.Tanh, []float64{-0.7, 0.1, 2}},
		{"Sin", Node.Sin, []float64{-0.7, 0.1, 2}},
		{"Cos", Node.Cos, []float64{-0.7, 0.1, 2}},
		{"Sigmoid", Node.Sigmoid, []float64{-3, 0.1, 2}},
		{"Softplus", Node.Softplus, []float64{-3, 0.1, 2}},
		{"LogSigmoid", Node.LogSigmoid, []float64{-3, 0.1, 2}},
		{"Lgamma", Node.Lgamma, []float64{0.4, 1.3, 7}},
		{"Digamma", Node.Digamma, []float64{0.4, 1.3, 7}},
		{"NormalCDF", Node.NormalCDF, []float64{-2, 0.3, 1}},
		{"LogNormalCDF", Node.LogNormalCDF, []float64{-9, -2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkDerivatives(t, func(x Node) Node { return weighted(c.f(x)) }, c.x)
			checkDerivatives(t, func(x Node) Node { return c.f(x.At(1)) }, c.x)
		})
	}
}

func TestBinary(t *testing.T) {
	data := []float64{0.5, 2, 1.5}
	for name, f := range map[string]func(a, b any) Node{"Add": Add, "Sub": Sub, "Mul": Mul, "Div": Div, "Pow": Pow} {
		for shape, g := range map[string]func(x Node) Node{
			"vector vector": func(x Node) Node { return f(x.Slice(0, 3), x.Slice(3, 6)) },
			"vector scalar": func(x Node) Node { return f(x.Slice(0, 3), x.At(5)) },
			"scalar vector": func(x Node) Node { return f(x.At(4), x.Slice(0, 3)) },
			"scalar scalar": func(x Node) Node { return f(x.At(4), x.At(1)) },
			"data":          func(x Node) Node { return f(data, x.Slice(1, 4)) },
			"number":        func(x Node) Node { return f(x.Slice(1, 4), 1.7) },
			"whole number":  func(x Node) Node { return f(2, x) },
			"itself":        func(x Node) Node { return f(x, x) },
		} {
			t.Run(name+"/"+shape, func(t *testing.T) {
				checkDerivatives(t, func(x Node) Node { return weighted(g(x)) }, []float64{0.8, 1.5, 2, 0.5, 1.2, 2.5})
			})
		}
	}
	// Whole powers of negative numbers.
	checkDerivatives(t, func(x Node) Node { return Pow(x, 3).Sum() }, []float64{-1.5, 0.5})
}
