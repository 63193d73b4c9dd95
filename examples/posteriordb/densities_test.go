package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// root is the folder of the posteriors.
func root() string {
	if dir := os.Getenv("NATGRAD_POSTERIORDB"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "testdata", "posteriordb")
}

// each runs f for every posterior of the root that the package has a model for.
func each(t *testing.T, f func(t *testing.T, c *loaded)) {
	cases, unknown, err := load(root(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range unknown {
		t.Logf("%s: no model here", name)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { f(t, c) })
	}
}

func TestReferenceDensities(t *testing.T) {
	each(t, func(t *testing.T, c *loaded) {
		target := c.model.Target()
		if target.Dim != c.ref.Dim {
			t.Fatalf("%d coordinates, the reference has %d", target.Dim, c.ref.Dim)
		}
		for k, check := range c.ref.Checks {
			x, g, want := make([]float64, target.Dim), make([]float64, target.Dim), make([]float64, target.Dim)
			for i, j := range c.free {
				x[j], want[j] = check.At[i], check.Gradient[i]
			}
			v := target.Grad(g, x)
			if e := math.Abs(v-check.LogDensity) / math.Max(1, math.Abs(check.LogDensity)); !(e < 1e-7) {
				t.Errorf("point %d: log density %.10g, want %.10g (off by %.2g)", k, v, check.LogDensity, e)
			}
			scale := 0.0
			for _, w := range want {
				scale = math.Max(scale, math.Abs(w))
			}
			for j := range g {
				tol := 1e-6 * math.Max(math.Abs(want[j]), 1e-3*scale)
				if c.name == "hudson_lynx_hare-lotka_volterra" {
					tol = 1e-4 // two solvers of relative accuracy 1e-6 and better
				}
				if e := math.Abs(g[j] - want[j]); !(e <= tol) {
					t.Errorf("point %d: gradient by %s is %.10g, want %.10g", k, target.Names[j], g[j], want[j])
				}
			}
		}
	})
}

// The Hessian along a direction is the difference of gradients.
func TestHessians(t *testing.T) {
	each(t, func(t *testing.T, c *loaded) {
		target := c.model.Target()
		d := target.Dim
		x, v, hv, up, down := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
		for i, j := range c.free {
			x[j] = c.ref.Checks[2].At[i]
			v[j] = c.ref.Unconstrained.SD[i] * math.Cos(float64(3*i))
		}
		target.HessVec(hv, x, v)
		const h = 1e-4
		at := func(dst []float64, h float64) {
			y := make([]float64, d)
			for i := range y {
				y[i] = x[i] + h*v[i]
			}
			target.Grad(dst, y)
		}
		// Richardson's extrapolation of central differences
		wide := make([]float64, d)
		at(up, 2*h)
		at(down, -2*h)
		for i := range wide {
			wide[i] = (up[i] - down[i]) / (4 * h)
		}
		at(up, h)
		at(down, -h)
		diff := mat.NewVecDense(d, nil)
		for i := range up {
			diff.SetVec(i, (4*(up[i]-down[i])/(2*h)-wide[i])/3)
		}
		size := mat.Norm(diff, math.Inf(1))
		for i := range hv {
			if e := math.Abs(hv[i] - diff.AtVec(i)); !(e < 1e-6*size) {
				t.Errorf("Hessian product by %s is %.8g, differences give %.8g", target.Names[i], hv[i], diff.AtVec(i))
			}
		}
	})
}
