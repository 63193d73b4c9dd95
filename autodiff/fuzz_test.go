package autodiff

import (
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// program reads code as operations on a pool of scalars, vectors of 3 and 3×3
// matrices that grows with each: a byte for the operation, one for each operand. All that is
// made is squashed, so that nothing overflows and differences stay accurate.
func program(code []byte) func(x Node) Node {
	return func(x Node) Node {
		next := func() int {
			if len(code) == 0 {
				return 0
			}
			b := code[0]
			code = code[1:]
			return int(b)
		}
		rest := code
		defer func() { code = rest }()
		data := mat.NewDense(3, 3, []float64{0.5, -1, 0.3, 0.2, 0.9, -0.4, 1, 0.1, -0.6})
		s, v := []Node{x.At(0), x.At(3)}, []Node{x.Slice(0, 3), x.Slice(2, 5)}
		m := []Node{Outer(v[0], v[1]), Add(data, x.At(4))}
		scalar := func() Node { return s[next()%len(s)] }
		vector := func() Node { return v[next()%len(v)] }
		matrix := func() Node { return m[next()%len(m)] }
		keep := func(a Node) {
			switch a = a.Mul(0.6).Tanh(); {
			case a.Len() == 1:
				s = append(s, a.Vector().At(0))
			case a.Len() == 3:
				v = append(v, a.Vector())
			default:
				m = append(m, a.Matrix(3, 3))
			}
		}
		any := func() Node { return []func() Node{scalar, vector, matrix}[next()%3]() }
		factor := func() Node { a := matrix(); return Cholesky(AddDiag(MatMulTrans(a, a), 0.4)) }
		ops := []func(){
			func() { keep(any().Exp()) },
			func() { a := any(); keep(a.Square().Log1p()) },
			func() { keep(any().Sin()) },
			func() { keep(any().Sigmoid()) },
			func() { keep(any().Softplus()) },
			func() { keep(any().LogNormalCDF()) },
			func() { keep(Add(vector(), scalar())) },
			func() { keep(Sub(scalar(), matrix())) },
			func() { keep(Mul(vector(), vector())) },
			func() { a := matrix(); keep(Div(a, matrix().Square().Add(1))) },
			func() { a := vector().Square().Add(0.5); keep(Pow(a, scalar())) },
			func() { keep(LogAddExp(matrix(), scalar())) },
			func() { keep(vector().CumSum()) },
			func() { keep(vector().Softmax()) },
			func() { keep(matrix().LogSoftmax()) },
			func() { i := next(); keep(Gather(vector(), []int{i % 3, 2, (i / 3) % 3})) },
			func() { i := next(); keep(ScatterAdd(matrix(), []int{i % 3, 0, (i / 3) % 3}, 3)) },
			func() { keep(Concat(scalar(), vector().Slice(0, 2))) },
			func() { keep(StackColumns(vector(), []float64{0.1, 0.2, -0.3}, vector())) },
			func() { keep(Outer(vector(), vector())) },
			func() { keep(MatMul(matrix(), matrix())) },
			func() { keep(TransMatMul(data, matrix())) },
			func() { keep(MatVec(matrix(), vector())) },
			func() { keep(matrix().Transpose()) },
			func() { keep(matrix().Column(next() % 3)) },
			func() { keep(matrix().Row(next() % 3)) },
			func() { keep(matrix().RowSums()) },
			func() { keep(matrix().LogSumExpRows()) },
			func() { keep(Diag(vector())) },
			func() { keep(matrix().Diagonal()) },
			func() { keep(factor()) },
			func() { keep(TriSolve(factor(), matrix())) },
			func() { keep(TriSolveTrans(factor(), vector())) },
			func() { keep(MVNormalCholeskyLogProb(matrix(), vector(), factor())) },
			func() { keep(QuadForm(matrix(), vector())) },
			func() { keep(vector().Mean()) },
			func() { keep(any().LogSumExp()) },
			func() { keep(Dot(vector(), vector())) },
			func() { keep(HMMLogProb(vector(), matrix(), matrix())) },
			func() { keep(LogMix(vector(), vector(), scalar(), vector())) },
			func() { keep(NormalLogProb(vector(), scalar(), vector().Exp())) },
		}
		for range min(8, (len(code)+2)/3) {
			ops[next()%len(ops)]()
		}
		return AddAll(s[len(s)-1], weighted(v[len(v)-1]), weighted(m[len(m)-1]))
	}
}

func FuzzExpressions(f *testing.F) {
	f.Add([]byte{})
	for op := range byte(41) {
		f.Add([]byte{op, 2, 1, 0, 38, 0, 1, 2, op, 5, 4, 3, 31, 2, 1, 0})
	}
	f.Fuzz(func(t *testing.T, code []byte) { checkDerivatives(t, program(code), point(5)) })
}

// TestExpressions runs random programs, the same ones every time.
func TestExpressions(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	code := make([]byte, 24)
	for range 300 {
		for i := range code {
			code[i] = byte(rng.IntN(256))
		}
		checkDerivatives(t, program(code), point(5))
		if t.Failed() {
			t.Fatalf("program %v", code)
		}
	}
}

// TestReplayAllocs evaluates every operation of the file's programs and those with memory of their own.
func TestReplayAllocs(t *testing.T) {
	polarExact, polarRough := polar(true), polar(false)
	fn, err := New(5, func(x Node) Node {
		terms := []Node{polarExact.At(x.Slice(0, 3)).Sum(), polarRough.At(x.Slice(1, 4)).Sum(), lynxHare(Concat(x, 1), []float64{0, 0.1}, 2).Sum()}
		for op := range byte(41) {
			terms = append(terms, program([]byte{op, 2, 1, 0, op, 1, 2, 3})(x))
		}
		return AddAll(terms...)
	})
	if err != nil {
		t.Fatal(err)
	}
	x, g, hv := point(5), make([]float64, 5), make([]float64, 5)
	for range 70 { // past the calls that record
		fn.HessVec(hv, x, g)
	}
	for name, f := range map[string]func(){
		"Value":   func() { fn.Value(x) },
		"Grad":    func() { fn.Grad(g, x) },
		"HessVec": func() { fn.HessVec(hv, x, g) },
	} {
		if a := testing.AllocsPerRun(10, f); a != 0 {
			t.Errorf("%s: %v allocations", name, a)
		}
	}
}
