package autodiff

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// checkDerivatives compares the gradient of f at x with central differences of
// its value, Hessian-vector products with differences of the gradient, the
// Hessian with both, the two ways of the reverse pass with each other, and a second call
// (a replay) with the first, bit for bit.
func checkDerivatives(t *testing.T, f func(Node) Node, points ...[]float64) {
	t.Helper()
	d := len(points[0])
	fn, err := New(d, f)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 11))
	g, gUp, gDown, hv, v, y := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
	for _, x := range points {
		val := fn.Grad(g, x)
		if math.IsNaN(val) || math.IsInf(val, 0) {
			t.Fatalf("at %v: value %v: %v", x, val, fn.Explain(x))
		}
		again := make([]float64, d)
		for range 4 {
			if w := fn.Grad(again, x); w != val {
				t.Fatalf("at %v: value %v, then %v", x, val, w)
			}
			for i := range g {
				if g[i] != again[i] {
					t.Fatalf("at %v: gradient[%d] %v, then %v", x, i, g[i], again[i])
				}
			}
		}
		if w := fn.Value(x); math.Abs(w-val) > 1e-13*(1+math.Abs(val)) {
			t.Errorf("at %v: Value %v, Grad %v", x, w, val)
		}
		for i := range x {
			// Richardson's combination of two steps: error of order h⁴.
			diff := func(h float64) float64 {
				copy(y, x)
				y[i] = x[i] + h
				up := fn.Value(y)
				y[i] = x[i] - h
				return (up - fn.Value(y)) / (2 * h)
			}
			h := 1e-3 * math.Max(0.1, math.Abs(x[i]))
			want := (4*diff(h/2) - diff(h)) / 3
			if tol := 1e-7*(1+math.Abs(want)) + 1e-12*math.Abs(val)/h; math.Abs(g[i]-want) > tol {
				t.Errorf("at %v: ∂f/∂x[%d] = %v, differences give %v", x, i, g[i], want)
			}
		}
		hess := mat.NewSymDense(d, nil)
		fn.Hess(hess, gUp, x)
		// Hess takes the general reverse pass, Grad the short one.
		for i := range g {
			if math.Abs(g[i]-gUp[i]) > 1e-11*(1+math.Abs(g[i])) {
				t.Errorf("at %v: gradient[%d] %v of Grad, %v of Hess", x, i, g[i], gUp[i])
			}
		}
		for range 2 {
			for i := range v {
				v[i] = rng.NormFloat64()
			}
			fn.HessVec(hv, x, v)
			diff := func(dst []float64, h float64) {
				for i := range y {
					y[i] = x[i] + h*v[i]
				}
				fn.Grad(gUp, y)
				for i := range y {
					y[i] = x[i] - h*v[i]
				}
				fn.Grad(gDown, y)
				for i := range dst {
					dst[i] = (gUp[i] - gDown[i]) / (2 * h)
				}
			}
			coarse, fine := make([]float64, d), make([]float64, d)
			const h = 2e-4
			diff(coarse, h)
			diff(fine, h/2)
			for i := range hv {
				want := (4*fine[i] - coarse[i]) / 3
				if tol := 1e-6*(1+math.Abs(want)) + 1e-11*math.Abs(g[i])/h; math.Abs(hv[i]-want) > tol {
					t.Errorf("at %v: (∇²f·v)[%d] = %v, differences give %v", x, i, hv[i], want)
				}
				s := 0.0
				for j := range v {
					s += hess.At(i, j) * v[j]
				}
				if math.Abs(hv[i]-s) > 1e-9*(1+math.Abs(s)) {
					t.Errorf("at %v: (∇²f·v)[%d] = %v, the Hessian gives %v", x, i, hv[i], s)
				}
			}
		}
	}
}
