package autodiff

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestReductions(t *testing.T) {
	x := mat.NewDense(4, 3, []float64{1, 2, -1, 0.5, 0, 3, 1, -2, 0.3, 1, 1, 1})
	p := []float64{0.8, -1.5, 2}
	p12 := []float64{0.8, -1.5, 2, 1, 0.2, 0.4, -0.3, 0.9, 1.1, 0.6, -0.8, 0.5, 0.3, 0.2, -0.7}
	checkDerivatives(t, func(x Node) Node { return x.Exp().Sum() }, p)
	checkDerivatives(t, func(x Node) Node { return Dot(x.Exp(), x.Sin()) }, p)
	checkDerivatives(t, func(x Node) Node { return Dot(x, x) }, p)
	checkDerivatives(t, func(b Node) Node { return weighted(MatVec(x, b.Exp())) }, p)
	checkDerivatives(t, func(b Node) Node {
		return weighted(MatVec(b.Slice(0, 12).Matrix(4, 3).Exp(), b.Slice(12, 15)))
	}, p12)
	checkDerivatives(t, func(b Node) Node { return weighted(MatVec(b.Slice(0, 12).Matrix(4, 3), p)) }, p12)
	checkDerivatives(t, func(b Node) Node { return weighted(b.Slice(0, 12).Matrix(4, 3).Row(2).Exp()) }, p12)
	checkDerivatives(t, func(b Node) Node {
		return AddAll(b.At(0).Exp(), b.At(1).Mul(b.At(2)), Add(b.At(0), 3))
	}, p)
}

func TestDensities(t *testing.T) {
	y := []float64{0.3, -1, 2}
	p := []float64{0.5, 1, -0.3, 0.7, 1.2, 2.1}
	for name, f := range map[string]func(x Node) Node{
		"normal":          func(x Node) Node { return NormalLogProb(y, x.Slice(0, 3), x.At(4)) },
		"normal vectors":  func(x Node) Node { return NormalLogProb(x.Slice(0, 3), x.Slice(1, 4), x.Slice(3, 6)) },
		"normal numbers":  func(x Node) Node { return NormalLogProb(x, 0, 2) },
		"normal scalars":  func(x Node) Node { return NormalLogProb(1.5, x.At(0), x.At(1)) },
		"bernoulli":       func(x Node) Node { return BernoulliLogitLogProb([]float64{0, 1, 1}, x.Slice(2, 5)) },
		"bernoulli share": func(x Node) Node { return BernoulliLogitLogProb([]float64{0, 1, 1}, x.At(2)) },
	} {
		t.Run(name, func(t *testing.T) { checkDerivatives(t, f, p) })
	}
	fn, err := New(1, func(x Node) Node { return NormalLogProb(y, x.At(0), 2) })
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, v := range y {
		want += -0.5*math.Log(2*math.Pi*4) - (v-0.7)*(v-0.7)/8
	}
	if got := fn.Value([]float64{0.7}); math.Abs(got-want) > 1e-13 {
		t.Errorf("normal: %v, want %v", got, want)
	}
}

// TestRecording follows functions that may and may not be replayed.
func TestRecording(t *testing.T) {
	calls := 0
	fn, err := New(2, func(x Node) Node { calls++; return Dot(x, x) })
	if err != nil {
		t.Fatal(err)
	}
	g := make([]float64, 2)
	for i := range 100 {
		if v, want := fn.Grad(g, []float64{float64(i), 1}), float64(i*i)+1; v != want || g[0] != 2*float64(i) {
			t.Fatalf("call %d: %v, %v", i, v, g)
		}
	}
	if calls > 12 {
		t.Errorf("a static function was called %d times in 100 evaluations", calls)
	}
	branch, err := New(1, func(x Node) Node {
		if v := x.At(0); v.Value() > 0 {
			return v.Square()
		}
		return x.At(0).Neg().Exp()
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		x := float64(i%5) - 2
		want := x * x
		if x <= 0 {
			want = math.Exp(-x)
		}
		if v := branch.Value([]float64{x}); math.Abs(v-want) > 1e-14 {
			t.Fatalf("branch at %v: %v, want %v", x, v, want)
		}
	}
	// One that changes without looking at a value is noticed on a call that records.
	k := 0.0
	outside, err := New(1, func(x Node) Node { k++; return x.At(0).Mul(k) })
	if err != nil {
		t.Fatal(err)
	}
	outside.Value([]float64{1})
	for i := range 20 {
		if v := outside.Value([]float64{1}); v != float64(i+3) {
			t.Fatalf("call %d: %v", i, v)
		}
	}
	// Data that are made anew are the same data if their numbers are.
	n := 0
	anew, err := New(1, func(x Node) Node { n++; return NormalLogProb([]float64{1, 2}, x.At(0), 1) })
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		anew.Value([]float64{1})
	}
	if n > 12 {
		t.Errorf("equal data: recorded %d times", n)
	}
	y := []float64{1, 2}
	if _, err := New(1, func(x Node) Node { return Dot(y, y).Add(x.At(0)) }); err == nil {
		t.Fatal("Dot of data alone: no error")
	}
	reset, err := New(1, func(x Node) Node { return x.At(0).Mul(y).Sum() })
	if err != nil {
		t.Fatal(err)
	}
	reset.Value([]float64{1})
	y[0] = 10
	reset.Reset()
	if v := reset.Value([]float64{1}); v != 12 {
		t.Errorf("after Reset: %v, want 12", v)
	}
}

// TestReverse has sums that share adjoints, and densities with an adjoint of 1, of 2 and of a
// term that is used twice; a function that looks at a value takes the general way.
func TestReverse(t *testing.T) {
	y, sd := []float64{0.3, -1, 2}, []float64{1, 2, 0.5}
	for name, f := range map[string]func(x Node) Node{
		"nested sums": func(x Node) Node {
			a := Sub(Add(x.At(3), Mul(x.At(4).Exp(), x.Slice(0, 3))), x.Slice(1, 4).Sin())
			return NormalLogProb(y, Add(a, x.Slice(0, 3).Square()), sd)
		},
		"an operand twice": func(x Node) Node { a := x.Slice(0, 3).Exp(); return NormalLogProb(y, Add(a, a), x.At(4)) },
		"a sum used twice": func(x Node) Node {
			a := Add(x.Slice(0, 3).Exp(), x.At(3))
			return Add(NormalLogProb(y, a, sd), a.At(1))
		},
		"a term twice":       func(x Node) Node { p := NormalLogProb(y, x.At(0), x.At(4)); return AddAll(p, x.At(1), p) },
		"a term of its own":  func(x Node) Node { p := NormalLogProb(x.Slice(0, 3), x.At(0), x.At(4)); return Add(p, p.Exp()) },
		"a multiple":         func(x Node) Node { return Mul(2, BernoulliLogitLogProb([]float64{0, 1, 1}, x.Slice(0, 3))) },
		"one memory":         func(x Node) Node { return NormalLogProb(x.Slice(0, 3), x.Slice(1, 4), x.Slice(2, 5).Exp()) },
		"sums of numbers":    func(x Node) Node { return Add(Add(x.At(0).Exp(), Add(x.At(1), 2)), HalfCauchyLogProb(x.At(4), 3)) },
		"nothing but a term": func(x Node) Node { return PoissonLogLogProb([]float64{0, 3, 1}, Sub(x.Slice(0, 3), x.At(3))) },
	} {
		t.Run(name, func(t *testing.T) {
			p := []float64{0.5, -0.7, 0.3, 0.4, 1.2}
			checkDerivatives(t, f, p)
			checkDerivatives(t, func(x Node) Node { x.At(0).Value(); return f(x) }, p)
		})
	}
}

func TestOutputs(t *testing.T) {
	for _, dynamic := range []bool{false, true} {
		fn, err := New(2, func(x Node) Node {
			sd := x.At(1).Exp().Output()
			Mul(x, sd).Output() // for nobody else
			if dynamic {
				x.At(0).Value()
			}
			return NormalLogProb(3, x.At(0), sd)
		})
		if err != nil {
			t.Fatal(err)
		}
		g := make([]float64, 2)
		for i := range 10 {
			x := []float64{float64(i), 0.5}
			fn.Grad(g, x)
			t0 := fn.take()
			fn.give(t0)
			if !dynamic && i > 3 && len(t0.live) != len(t0.prog)-1 {
				t.Errorf("%d of %d operations are evaluated for a gradient, want one less", len(t0.live), len(t0.prog))
			}
			got, e := fn.Outputs(nil, x), math.Exp(0.5)
			want := []float64{e, x[0] * e, 0.5 * e}
			for k := range want {
				if len(got) != 3 || math.Abs(got[k]-want[k]) > 1e-14*want[k] {
					t.Fatalf("outputs %v, want %v", got, want)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	var kept Node
	for want, f := range map[string]func(x Node) Node{
		"autodiff: Add: b is a vector of 2, a is a vector of 3; want one shape, or a scalar":                    func(x Node) Node { return Add(x, []float64{1, 2}).Sum() },
		"autodiff: MatVec: v is a vector of 3, x is a 1×2 matrix; want a vector with an element a column":       func(x Node) Node { return MatVec(mat.NewDense(1, 2, nil), x).Sum() },
		"autodiff: NormalLogProb: mu is a vector of 2 beside a vector of 3; want one shape, or a scalar":        func(x Node) Node { return NormalLogProb(x, []float64{1, 2}, 1) },
		"autodiff: Mul: b is of type string; want a Node, float64, int, []float64, *mat.VecDense or *mat.Dense": func(x Node) Node { return Mul(x, "2").Sum() },
		"autodiff: Mul: b is nil; want a Node, float64, int, []float64, *mat.VecDense or *mat.Dense":            func(x Node) Node { return Mul(x, nil).Sum() },
		"autodiff: Add; want at least one operand that is a Node; numbers and data alone need no derivative":    func(x Node) Node { return Add(1, 2) },
		"autodiff: New: the function's result is a vector of 3; want a scalar: see Sum":                         func(x Node) Node { return x },
		"autodiff: At: i is 3 in a vector of 3; want an element of a vector":                                    func(x Node) Node { return x.At(3) },
		"autodiff: Sum: the node is the zero Node; want one that an operation returned":                         func(x Node) Node { return Node{}.Sum() },
		"autodiff: Dot: b is an empty slice; want one number or more":                                           func(x Node) Node { return Dot(x, []float64{}) },
		"autodiff: Exp: the node; want a node of this call of the function; this one was kept from another":     func(x Node) Node { return kept.Exp() },
		"autodiff: New: the function's result; want a node of this call":                                        func(x Node) Node { return Node{} },
		"autodiff: MatVec: x[1,2] is NaN; want a number":                                                        func(x Node) Node { return MatVec(mat.NewDense(2, 3, []float64{5: math.NaN()}), x).Sum() },
		"autodiff: Matrix: rows×cols is 2×2 for a vector of 3; want as many elements":                           func(x Node) Node { return x.Matrix(2, 2).Sum() },
		"autodiff: Dot: b is a 3×1 matrix, a is a vector of 3; want one shape":                                  func(x Node) Node { return Dot(x, x.Matrix(3, 1)) },
		"autodiff: Slice: lo:hi is 2:2 in a vector of 3; want a part of a vector":                               func(x Node) Node { return x.Slice(2, 2).Sum() },
		"autodiff: Row: i is 0 in a vector of 3; want a row of a matrix":                                        func(x Node) Node { return x.Row(0).Sum() },
		"autodiff: AddAll: a term is a vector of 3; want a scalar":                                              func(x Node) Node { return AddAll(x) },
		"autodiff: Value: the node is a vector of 3; want a scalar":                                             func(x Node) Node { x.Value(); return x.Sum() },
	} {
		if _, err := New(3, func(x Node) Node { kept = Node{x.t, 0, x.gen - 1}; return f(x) }); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if _, err := New(0, nil); err == nil {
		t.Error("dimension 0: no error")
	}
	if _, err := New(1, nil); err == nil {
		t.Error("nil function: no error")
	}
}

func TestExplain(t *testing.T) {
	fn, err := New(3, func(x Node) Node {
		mu, tau := x.At(0).Label("mu"), x.At(1).Label("tau")
		lik := NormalLogProb([]float64{1, 2}, mu, 1).Label("likelihood")
		prior := tau.Log().Label("prior of tau")
		return AddAll(lik, prior, x.At(2).Sqrt())
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := fn.Explain([]float64{1, 1, 1}); err != nil {
		t.Errorf("finite: %v", err)
	}
	err = fn.Explain([]float64{1, -2, 1})
	var e *NonFiniteError
	if !errors.As(err, &e) || e.Op != "Log" || e.Term != "prior of tau" || len(e.Params) != 1 || e.Params[0] != "tau" {
		t.Errorf("log of a negative number: %v", err)
	}
	if want := `autodiff: term "prior of tau": Log(tau = -2) is NaN; it depends on tau`; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := fn.Explain([]float64{1, 1, 0}); err == nil || !strings.Contains(err.Error(), "the derivative of Sqrt") {
		t.Errorf("slope of a root at 0: %v", err)
	}
}

func logistic(n, d int) (x *mat.Dense, y []float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, y = mat.NewDense(n, d, nil), make([]float64, n)
	for i := range n {
		for j := range d {
			x.Set(i, j, rng.NormFloat64())
		}
		y[i] = float64(rng.IntN(2))
	}
	return x, y
}

func logisticFunction(n, d int) *Function {
	x, y := logistic(n, d)
	fn, err := New(d, func(b Node) Node {
		return Add(BernoulliLogitLogProb(y, MatVec(x, b)), NormalLogProb(b, 0, 10))
	})
	if err != nil {
		panic(err)
	}
	return fn
}

func TestAllocations(t *testing.T) {
	fn := logisticFunction(100, 5)
	x, g := make([]float64, 5), make([]float64, 5)
	fn.HessVec(g, x, x)
	for range 40 {
		fn.Grad(g, x)
	}
	if n := testing.AllocsPerRun(100, func() { fn.Grad(g, x); fn.Value(x); fn.HessVec(g, x, x) }); n != 0 {
		t.Errorf("replay: %v allocations a call", n)
	}
	// Recording anew costs none either.
	c, y := 2.5, []float64{1, 2, 3}
	dyn, err := New(3, func(x Node) Node {
		s := x.Sum()
		if s.Value() > 0 {
			s = s.Mul(c)
		}
		return Add(Dot(y, x.Exp()), NormalLogProb(y, x, s.Exp()))
	})
	if err != nil {
		t.Fatal(err)
	}
	x, g = []float64{1, 2, 3}, make([]float64, 3)
	dyn.Grad(g, x)
	if n := testing.AllocsPerRun(100, func() { dyn.Grad(g, x) }); n != 0 {
		t.Errorf("recording: %v allocations a call", n)
	}
}

func TestConcurrent(t *testing.T) {
	fn := logisticFunction(200, 4)
	want := make([]float64, 4)
	at := []float64{0.1, -0.2, 0.3, 0}
	v := fn.Grad(want, at)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			g, other := make([]float64, 4), []float64{float64(w), 1, 2, 3}
			for range 50 {
				fn.Grad(g, other)
				if got := fn.Grad(g, at); got != v || g[2] != want[2] {
					t.Errorf("worker %d: %v, want %v", w, got, v)
					return
				}
			}
		})
	}
	wg.Wait()
}

// By hand and with the same vector kernels where Go's standard library has them:
// the baseline of the issue is the first, the second shows what the tape itself costs.
func BenchmarkLogistic(b *testing.B) {
	const n, d = 1000, 20
	xm, y := logistic(n, d)
	fn := logisticFunction(n, d)
	at, g := make([]float64, d), make([]float64, d)
	for i := range at {
		at[i] = 0.1 * float64(i%3)
	}
	b.Run("tape", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			fn.Grad(g, at)
		}
	})
	eta := make([]float64, n)
	b.Run("hand", func(b *testing.B) {
		for range b.N {
			handLogistic(g, at, eta, y, xm)
		}
	})
	b.Run("hand with kernels", func(b *testing.B) {
		soft := make([]float64, n)
		for range b.N {
			handLogisticKernels(g, at, eta, soft, y, xm)
		}
	})
}

func TestDependsOn(t *testing.T) {
	check := func(looks bool) (got []bool) {
		_, err := New(3, func(x Node) Node {
			a, b, c := x.At(0), x.Slice(1, 3), x.At(2)
			if looks {
				c.Value()
			}
			y := Add(a.Exp(), AddAll(b.Sum(), a))
			got = []bool{y.DependsOn(a), y.DependsOn(b), y.DependsOn(c), y.DependsOn(x), y.DependsOn(y), a.DependsOn(y)}
			return y
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got, want := check(false), []bool{true, true, false, true, true, false}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := check(true); slices.Contains(got, false) {
		t.Errorf("a function that looks at values: %v", got)
	}
}
