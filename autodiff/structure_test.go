package autodiff

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// point is n different numbers, none of them round.
func point(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 0.9*math.Sin(1.7*float64(i)+0.3) + 0.05*float64(i%5)
	}
	return x
}

// valuesOf evaluates a vector or matrix operation at x through the outputs.
func valuesOf(t *testing.T, f func(Node) Node, x []float64) []float64 {
	t.Helper()
	fn, err := New(len(x), func(x Node) Node { return f(x).Output().Sum() })
	if err != nil {
		t.Fatal(err)
	}
	return fn.Outputs(nil, x)
}

func near(t *testing.T, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tol*(1+math.Abs(w))) {
			t.Errorf("[%d] = %v, want %v", i, got[i], w)
		}
	}
}

func TestStructure(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(Node) Node
		want []float64 // at 1, 2, … 6
	}{
		{"Gather", func(x Node) Node { return Gather(x, []int{5, 0, 0, 2}) }, []float64{6, 1, 1, 3}},
		{"Gather rows", func(x Node) Node { return Gather(x.Matrix(3, 2), []int{2, 0, 2}) }, []float64{5, 6, 1, 2, 5, 6}},
		{"ScatterAdd", func(x Node) Node { return ScatterAdd(x, []int{3, 0, 0, 3, 1, 3}, 5) }, []float64{5, 5, 0, 11, 0}},
		{"ScatterAdd rows", func(x Node) Node { return ScatterAdd(x.Matrix(3, 2), []int{1, 0, 1}, 3) }, []float64{3, 4, 6, 8, 0, 0}},
		{"Concat", func(x Node) Node { return Concat(x.At(3), 7, x.Slice(0, 2), []float64{8, 9}, x.At(3)) }, []float64{4, 7, 1, 2, 8, 9, 4}},
		{"StackRows", func(x Node) Node { return StackRows(x.Slice(0, 2), []float64{8, 9}, x.Slice(1, 3)) }, []float64{1, 2, 8, 9, 2, 3}},
		{"StackColumns", func(x Node) Node { return StackColumns(x.Slice(0, 2), []float64{8, 9}, x.Slice(1, 3)) }, []float64{1, 8, 2, 2, 9, 3}},
		{"CumSum", Node.CumSum, []float64{1, 3, 6, 10, 15, 21}},
		{"Mean", Node.Mean, []float64{3.5}},
		{"Transpose", func(x Node) Node { return x.Matrix(2, 3).Transpose() }, []float64{1, 4, 2, 5, 3, 6}},
		{"Column", func(x Node) Node { return x.Matrix(2, 3).Column(1) }, []float64{2, 5}},
		{"RowSums", func(x Node) Node { return x.Matrix(2, 3).RowSums() }, []float64{6, 15}},
	} {
		t.Run(c.name, func(t *testing.T) {
			near(t, valuesOf(t, c.f, []float64{1, 2, 3, 4, 5, 6}), c.want, 0)
			checkDerivatives(t, func(x Node) Node { return weighted(c.f(x.Exp())) }, point(6))
		})
	}
}

func TestStructureErrors(t *testing.T) {
	for want, f := range map[string]func(x Node) Node{
		"autodiff: Gather: index[1] is 3; want 0 to 2":                                                          func(x Node) Node { return Gather(x, []int{0, 3}).Sum() },
		"autodiff: Gather: index is empty; want one index or more":                                              func(x Node) Node { return Gather(x, nil).Sum() },
		"autodiff: Gather: x is a scalar; want a vector or a matrix":                                            func(x Node) Node { return Gather(x.At(0), []int{0}).Sum() },
		"autodiff: ScatterAdd: index[2] is -1; want 0 to 4":                                                     func(x Node) Node { return ScatterAdd(x, []int{0, 1, -1}, 5).Sum() },
		"autodiff: ScatterAdd: index is of length 2 for a vector of 3; want an index for each of its rows":      func(x Node) Node { return ScatterAdd(x, []int{0, 1}, 5).Sum() },
		"autodiff: Concat: part 1 is a 2×2 matrix; want a scalar or a vector":                                   func(x Node) Node { return Concat(x, mat.NewDense(2, 2, nil)).Sum() },
		"autodiff: StackRows: part 1 is a vector of 2; want a vector of 3 as the first":                         func(x Node) Node { return StackRows(x, []float64{1, 2}).Sum() },
		"autodiff: Transpose: the node is a vector of 3; want a matrix":                                         func(x Node) Node { return x.Transpose().Sum() },
		"autodiff: Column: j is 1 in a 3×1 matrix; want a column of the matrix":                                 func(x Node) Node { return x.Matrix(3, 1).Column(1).Sum() },
		"autodiff: CumSum: the node is a scalar; want a vector":                                                 func(x Node) Node { return x.At(0).CumSum().Sum() },
		"autodiff: Concat; want at least one operand that is a Node; numbers and data alone need no derivative": func(x Node) Node { return Concat(1.0, 2) },
	} {
		if _, err := New(3, f); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
