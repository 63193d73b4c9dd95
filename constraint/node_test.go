package constraint_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/constraint"
)

// The tape gives the numbers of Constrain, and derivatives that agree with
// differences of them: of every element of y and of the log-Jacobian, mixed
// by random weights and a nonlinearity.
func TestNode(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, c := range all() {
		n, m := c.FreeSize(), c.Size()
		if elementwise(c) {
			n, m = 4, 4
		}
		w := normals(rng, make([]float64, m), 1)
		y, values := make([]float64, m), make([]float64, m)
		numeric := func(x []float64) float64 {
			f := c.Constrain(y, x)
			for i, v := range y {
				f += w[i] * math.Sin(v)
			}
			return f
		}
		free := true
		fn, err := autodiff.New(n, func(x autodiff.Node) autodiff.Node {
			node, logJac, ok := c.Node(x)
			node = node.Vector()
			f := autodiff.Dot(w, node.Sin())
			if ok {
				return f.Add(logJac)
			}
			free = false
			return f
		})
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		if trivial := c.String() == "real" || c.String() == "ordered(1)"; free == trivial {
			t.Errorf("%v: ok is %v", c, free)
		}
		x := make([]float64, n)
		for range 3 {
			normals(rng, x, 1)
			checkDerivatives(t, c.String(), fn, numeric, x)
		}
		// Values alone, further out, element by element.
		for _, sd := range []float64{0, 3, 30} {
			normals(rng, x, sd)
			jac := c.Constrain(y, x)
			got := 0.0
			look, err := autodiff.New(n, func(z autodiff.Node) autodiff.Node {
				node, logJac, ok := c.Node(z)
				node.Vector().Values(values)
				if ok {
					got = logJac.Value()
				}
				return node.Vector().Sum()
			})
			if err != nil {
				t.Fatal(err)
			}
			look.Value(x)
			if math.Abs(got-jac) > 1e-13*(1+math.Abs(jac)) {
				t.Errorf("%v at %v: log-Jacobian %v on the tape, %v in numbers", c, x, got, jac)
			}
			for i, v := range y {
				if math.Abs(values[i]-v) > 1e-12*math.Abs(v) && math.Abs(values[i]-v) > scaleOf(c, y)*1e-15 {
					t.Errorf("%v at %v: y[%d] is %v on the tape, %v in numbers", c, x, i, values[i], v)
				}
			}
		}
	}
}

// scaleOf is the size of what y was added up from.
func scaleOf(c constraint.Constraint, y []float64) float64 {
	s := 0.0
	if b := c.String(); len(b) > 3 && (b[:3] == "cov" || b[:3] == "cor") {
		for _, v := range y {
			s = max(s, math.Abs(v))
		}
	}
	return s
}

func checkDerivatives(t *testing.T, name string, fn *autodiff.Function, numeric func([]float64) float64, x []float64) {
	t.Helper()
	n := len(x)
	g, up, down, z, v, hv := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	val := fn.Grad(g, x)
	if want := numeric(x); math.Abs(val-want) > 1e-12*(1+math.Abs(want)) {
		t.Errorf("%s at %v: %v on the tape, %v in numbers", name, x, val, want)
	}
	for i := range x {
		diff := func(h float64) float64 {
			copy(z, x)
			z[i] = x[i] + h
			f := numeric(z)
			z[i] = x[i] - h
			return (f - numeric(z)) / (2 * h)
		}
		const h = 2e-4
		want := (4*diff(h/2) - diff(h)) / 3
		if math.Abs(g[i]-want) > 1e-7*(1+math.Abs(want)+math.Abs(val)) {
			t.Errorf("%s at %v: ∂/∂x[%d] is %v, differences give %v", name, x, i, g[i], want)
		}
		v[i] = math.Cos(float64(i) + 1)
	}
	fn.HessVec(hv, x, v)
	const h = 1e-5
	for i := range x {
		z[i] = x[i] + h*v[i]
	}
	fn.Grad(up, z)
	for i := range x {
		z[i] = x[i] - h*v[i]
	}
	fn.Grad(down, z)
	for i := range x {
		want := (up[i] - down[i]) / (2 * h)
		if math.Abs(hv[i]-want) > 1e-5*(1+math.Abs(want)+math.Abs(g[i])) {
			t.Errorf("%s at %v: (∇²f·v)[%d] is %v, differences give %v", name, x, i, hv[i], want)
		}
	}
}

// Elementwise constraints keep the shape, and gradients cost no allocation.
func TestNodeShapes(t *testing.T) {
	_, err := autodiff.New(6, func(x autodiff.Node) autodiff.Node {
		for _, c := range all() {
			if !elementwise(c) {
				continue
			}
			for _, in := range []autodiff.Node{x.At(0), x, x.Matrix(2, 3)} {
				y, logJac, ok := c.Node(in)
				r0, c0 := in.Dims()
				if r, k := y.Dims(); r != r0 || k != c0 {
					t.Errorf("%v: %d×%d becomes %d×%d", c, r0, c0, r, k)
				}
				if ok && logJac.Len() != 1 {
					t.Errorf("%v: log-Jacobian of %d elements", c, logJac.Len())
				}
			}
		}
		y, _, _ := constraint.Correlation(4).Node(x)
		if r, k := y.Dims(); r != 4 || k != 4 {
			t.Errorf("correlation(4) is %d×%d", r, k)
		}
		return x.Sum()
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = autodiff.New(3, func(x autodiff.Node) autodiff.Node {
		y, _, _ := constraint.Simplex(3).Node(x)
		return y.Sum()
	})
	var e *autodiff.Error
	if want := "autodiff: constraint.simplex(3): x is of shape 3×1; want a vector of 2"; !errors.As(err, &e) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	fn, err := autodiff.New(6, func(x autodiff.Node) autodiff.Node {
		y, logJac, _ := constraint.Covariance(3).Node(x)
		return logJac.Sub(y.Vector().Square().Sum())
	})
	if err != nil {
		t.Fatal(err)
	}
	x, g := make([]float64, 6), make([]float64, 6)
	for range 4 {
		fn.Grad(g, x) // replays begin
	}
	if a := testing.AllocsPerRun(100, func() { fn.Grad(g, x) }); a > 0.2 {
		t.Errorf("%v allocations a gradient", a)
	}
}
