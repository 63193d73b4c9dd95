package autodiff

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// polar is (r, φ, c) → (r cos φ + c², r sin φ).
func polar(exact bool) *Custom {
	c := &Custom{
		Name: "polar", In: 3, Out: 2,
		Value: func(dst, x []float64) {
			dst[0], dst[1] = x[0]*math.Cos(x[1])+x[2]*x[2], x[0]*math.Sin(x[1])
		},
		VJP: func(dst, x, w []float64) {
			s, c := math.Sincos(x[1])
			dst[0], dst[1], dst[2] = w[0]*c+w[1]*s, x[0]*(w[1]*c-w[0]*s), 2*x[2]*w[0]
		},
	}
	if exact {
		c.JVP = func(dst, x, v []float64) {
			s, c := math.Sincos(x[1])
			dst[0], dst[1] = c*v[0]-x[0]*s*v[1]+2*x[2]*v[2], s*v[0]+x[0]*c*v[1]
		}
		c.VJPDot = func(dst, x, w, v []float64) {
			s, c := math.Sincos(x[1])
			dst[0] = v[1] * (w[1]*c - w[0]*s)
			dst[1] = v[0]*(w[1]*c-w[0]*s) - x[0]*v[1]*(w[1]*s+w[0]*c)
			dst[2] = 2 * w[0] * v[2]
		}
	}
	return c
}

func TestCustom(t *testing.T) {
	for _, exact := range []bool{true, false} {
		c := polar(exact)
		f := func(x Node) Node { return weighted(c.At(x.Exp().Slice(0, 3))) }
		checkDerivatives(t, f, []float64{0.3, -0.4, 0.2, 1}, []float64{1.3, 0.4, -2, 1})
		// The same by ordinary operations, second derivatives included.
		same := func(x Node) Node {
			x = x.Exp()
			r, phi := x.At(0), x.At(1)
			return weighted(Concat(r.Mul(phi.Cos()).Add(x.At(2).Square()), r.Mul(phi.Sin())))
		}
		x, v := []float64{0.3, -0.4, 0.2, 1}, []float64{1, -2, 0.5, 3}
		tol := 1e-14
		if !exact {
			tol = 1e-9
		}
		near(t, hessVecOf(t, f, x, v), hessVecOf(t, same, x, v), tol)
	}
	_, err := New(2, func(x Node) Node { return polar(true).At(x).Sum() })
	if want := `autodiff: Custom: the argument of "polar" is a vector of 2; want a vector of 3`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = New(2, func(x Node) Node { return (&Custom{Name: "f", In: 2, Out: 1}).At(x).Sum() })
	if err == nil || !strings.Contains(err.Error(), "Value set: false") {
		t.Errorf("no Value: %v", err)
	}
}

func hessVecOf(t *testing.T, f func(Node) Node, x, v []float64) []float64 {
	t.Helper()
	fn, err := New(len(x), f)
	if err != nil {
		t.Fatal(err)
	}
	hv := make([]float64, len(x))
	fn.HessVec(hv, x, v)
	return hv
}

func TestKernels(t *testing.T) {
	x := mat.NewDense(4, 2, point(8))
	d := SquaredDist(x, x)
	for i := range 4 {
		for j := range 4 {
			var r mat.VecDense
			r.SubVec(x.RowView(i), x.RowView(j))
			if want := mat.Dot(&r, &r); math.Abs(d.At(i, j)-want) > 1e-15 {
				t.Errorf("[%d,%d] %v, want %v", i, j, d.At(i, j), want)
			}
		}
	}
	if r, c := SquaredDist(mat.NewDense(3, 2, nil), x).Dims(); r != 3 || c != 4 {
		t.Errorf("%d×%d, want 3×4", r, c)
	}
	y := []float64{0.3, -1, 0.5, 2}
	gp := func(x Node) Node {
		x = x.Exp()
		return MVNormalCholeskyLogProb(y, 0, Cholesky(AddDiag(SquaredExponential(d, x.At(0), x.At(1)), x.At(2))))
	}
	checkDerivatives(t, gp, []float64{0.2, -0.3, -1})
	cov := valuesOf(t, func(x Node) Node { return SquaredExponential(d, x.At(0), 0.7) }, []float64{1.5})
	near(t, cov[1:2], []float64{2.25 * math.Exp(-d.At(0, 1)/(2*0.49))}, 1e-15)
}

// lynxHare is the predator-prey model: x = log of four rates, two initial values.
func lynxHare(x Node, times []float64, steps int) Node {
	x = x.Exp()
	a, b, c, d := x.At(0), x.At(1), x.At(2), x.At(3)
	return RK4(func(_ float64, y Node) Node {
		u, v := y.At(0), y.At(1)
		return Concat(a.Sub(b.Mul(v)).Mul(u), d.Mul(u).Sub(c).Mul(v))
	}, x.Slice(4, 6), 0, times, steps)
}

var lynxHareAt = []float64{math.Log(0.55), math.Log(0.028), math.Log(0.8), math.Log(0.024), math.Log(34), math.Log(6)}

func yearly(n int) []float64 {
	times := make([]float64, n)
	for i := range times {
		times[i] = float64(i + 1)
	}
	return times
}

func TestRK4(t *testing.T) {
	// y' = −y·x + t has a solution in closed form.
	f := func(steps int) func(x Node) Node {
		return func(x Node) Node {
			return RK4(func(s float64, y Node) Node { return Add(s, y.Mul(x.At(0)).Neg()) }, x.Slice(1, 2), 0.5, []float64{0.5, 1, 2.5}, steps)
		}
	}
	x := []float64{0.7, 2}
	exact := func(s float64) float64 {
		part := func(s float64) float64 { return s/x[0] - 1/(x[0]*x[0]) }
		return part(s) + (x[1]-part(0.5))*math.Exp(-x[0]*(s-0.5))
	}
	want := []float64{2, exact(1), exact(2.5)}
	near(t, valuesOf(t, f(40), x), want, 1e-8)
	coarse, fine := valuesOf(t, f(4), x), valuesOf(t, f(8), x)
	if r := (coarse[2] - want[2]) / (fine[2] - want[2]); r < 12 || r > 21 {
		t.Errorf("half the step divides the error by %v, want about 16", r)
	}
	checkDerivatives(t, func(x Node) Node { return weighted(f(2)(x)) }, x)
	checkDerivatives(t, func(x Node) Node { return weighted(lynxHare(x, yearly(3), 4)).Log() }, lynxHareAt)
	for want, f := range map[string]func(x Node) Node{
		"autodiff: RK4: times[1] is 1; want finite and after 1":             func(x Node) Node { return lynxHare(x, []float64{1, 1}, 3).Sum() },
		"autodiff: RK4: times and steps is 1 and 0; want 1 or more of both": func(x Node) Node { return lynxHare(x, []float64{1}, 0).Sum() },
		"autodiff: RK4: the derivative is a scalar; want a vector of 6 as y": func(x Node) Node {
			return RK4(func(_ float64, y Node) Node { return y.Sum() }, x, 0, []float64{1}, 1).Sum()
		},
		"autodiff: RK4: y0 is a scalar; want a vector": func(x Node) Node { return RK4(nil, x.At(0), 0, []float64{1}, 1).Sum() },
	} {
		if _, err := New(6, f); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// BenchmarkLynxHare replays some 8000 small nodes: 20 intervals of 20 steps.
func BenchmarkLynxHare(b *testing.B) {
	fn, err := New(6, func(x Node) Node { return lynxHare(x, yearly(20), 20).Log().Sum() })
	if err != nil {
		b.Fatal(err)
	}
	g, hv := make([]float64, 6), make([]float64, 6)
	for range 10 {
		fn.Grad(g, lynxHareAt)
	}
	t := fn.take()
	nodes := len(t.nodes)
	fn.give(t)
	b.Run("Value", func(b *testing.B) {
		b.ReportMetric(float64(nodes), "nodes")
		for range b.N {
			fn.Value(lynxHareAt)
		}
	})
	b.Run("Grad", func(b *testing.B) {
		for range b.N {
			fn.Grad(g, lynxHareAt)
		}
	})
	b.Run("HessVec", func(b *testing.B) {
		for range b.N {
			fn.HessVec(hv, lynxHareAt, g)
		}
	})
	b.Run("record", func(b *testing.B) {
		t := fn.take()
		for range b.N {
			t.record(fn.f, lynxHareAt)
		}
		fn.give(t)
	})
}
