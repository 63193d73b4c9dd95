package vi

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// checkedTarget is a regression by log scales with everything a target can state: y
// normal around exp(x0)·t + unit·x1 with sd exp(x2), scaled by unit in x1; damage
// changes what it says.
func checkedTarget(unit float64, damage string) *Target {
	rng := rand.New(rand.NewPCG(3, 4))
	const n = 40
	y := make([]float64, n)
	for i := range y {
		y[i] = 2*float64(i)/n + 1 + 0.5*rng.NormFloat64()
	}
	row := func(g, x []float64, i int) float64 {
		s, w := float64(i)/n, math.Exp(-2*x[2])
		a := math.Exp(x[0]) * s
		r := y[i] - a - unit*x[1]
		if g != nil {
			g[0] += r * w * a
			g[1] += r * w * unit
			g[2] += r*r*w - 1
		}
		return -r*r*w/2 - x[2]
	}
	t := &Target{Dim: 3, N: n, Names: []string{"log a", "b", "log sigma"}}
	t.LogPrior = func(g, x []float64) float64 {
		u := unit * x[1]
		if g != nil {
			g[0], g[1], g[2] = -x[0], -u*unit/100, 1-math.Exp(x[2])
			if damage == "LogPrior" {
				g[2]--
			}
		}
		return -x[0]*x[0]/2 - u*u/200 + x[2] - math.Exp(x[2])
	}
	t.LogLik = func(dst, x []float64, idx []int) {
		for k := range dst {
			i := k
			if idx != nil {
				i = idx[k]
			}
			dst[k] = row(nil, x, i)
		}
		if damage == "LogLik" {
			dst[len(dst)-1] += 0.1
		}
	}
	t.LogLikGrad = func(dst *mat.Dense, x []float64, idx []int) {
		for k, i := range idx {
			g := dst.RawRowView(k)
			clear(g)
			row(g, x, i)
			if damage == "LogLikGrad" && k == 5 {
				g[0] *= 1.01
			}
		}
	}
	t.Grad = func(dst, x []float64) float64 {
		keep := dst[0]
		v := t.LogPrior(dst, x)
		for i := range y {
			v += row(dst, x, i)
		}
		switch {
		case damage == "Grad":
			dst[2] += x[2] / 10
		case damage == "one case of Grad" && x[0] < -5:
			dst[0]++
		case damage == "old numbers":
			dst[0] += keep
		case damage == "x":
			x[0]++
		case damage == "value":
			v++
		}
		return v
	}
	t.LogProb = func(x []float64) float64 { return t.Grad(make([]float64, 3), x) }
	if damage == "value" {
		t.LogProb = func(x []float64) float64 { return t.Grad(make([]float64, 3), x) - 1 }
	}
	t.Hess = func(h *mat.SymDense, g, x []float64) float64 {
		v := t.Grad(g, x)
		p := []float64{-1, 0, 0, 0, -unit * unit / 100, 0, 0, 0, -math.Exp(x[2])}
		for i, yi := range y {
			s, w := float64(i)/n, math.Exp(-2*x[2])
			a := math.Exp(x[0]) * s
			r := yi - a - unit*x[1]
			p[0] += w * a * (r - a)
			p[1] -= w * a * unit
			p[2] -= 2 * r * w * a
			p[4] -= w * unit * unit
			p[5] -= 2 * r * w * unit
			p[8] -= 2 * r * r * w
		}
		if damage == "Hess" {
			p[5] /= 2
		}
		for i := range 3 {
			for j := i; j < 3; j++ {
				h.SetSym(i, j, p[3*i+j])
			}
		}
		return v
	}
	t.HessVec = func(dst, x, v []float64) {
		h := mat.NewSymDense(3, nil)
		t.Hess(h, make([]float64, 3), x)
		d := mat.NewVecDense(3, dst)
		d.MulVec(h, mat.NewVecDense(3, v))
		if damage == "HessVec" {
			dst[0] *= 1.001
		}
	}
	return t
}

// Every function is believed where it is right, in units over 20 orders of
// magnitude, and named where it is wrong.
func TestCheckGradient(t *testing.T) {
	for _, unit := range []float64{1, 1e-10, 1e10} {
		if err := CheckGradient(checkedTarget(unit, "")); err != nil {
			t.Errorf("right, unit %g: %v", unit, err)
		}
		for _, c := range []struct{ damage, fn, name string }{
			{"Grad", "Target.Grad", "log sigma"}, {"Hess", "Target.Hess", ""}, {"HessVec", "Target.HessVec", "log a"},
			{"LogPrior", "Target.Grad", "log sigma"}, {"LogLikGrad", "Target.LogLikGrad", "log a"}, {"value", "Target.Grad", ""}, {"LogLik", "Target.LogLik", ""},
			{"old numbers", "Target.Grad", "log a"},
		} {
			var ge *GradientError
			err := CheckGradient(checkedTarget(unit, c.damage))
			if !errors.As(err, &ge) || ge.Func != c.fn || !strings.Contains(err.Error(), c.name) || len(ge.At) != 3 {
				t.Errorf("%s, unit %g: %v", c.damage, unit, err)
			}
			if c.damage == "Grad" && ge != nil && (ge.Wrong != 1 || ge.Dim != 3 || ge.Index != 2 || math.Abs(ge.Got-ge.Want-ge.At[2]/10) > 10*ge.Err+1e-9*math.Abs(ge.Want)) {
				t.Errorf("wrong figures: %+v", ge)
			}
		}
	}
	if err := CheckGradient(checkedTarget(1, "x")); err == nil || !strings.Contains(err.Error(), "changed x") {
		t.Errorf("a changed x: %v", err)
	}
	// A prior alone, and a case that no default point is in.
	prior := checkedTarget(1, "LogPrior")
	prior.Grad, prior.Hess, prior.HessVec, prior.LogProb = nil, nil, nil, nil
	var ge *GradientError
	if err := CheckGradient(prior); !errors.As(err, &ge) || ge.Func != "Target.LogPrior" || ge.Name != "log sigma" {
		t.Errorf("LogPrior: %v", err)
	}
	rare := checkedTarget(1, "one case of Grad")
	if err := CheckGradient(rare); err != nil {
		t.Errorf("the case is not in the default points: %v", err)
	}
	if err := CheckGradient(rare, []float64{0, 0, 0}, []float64{-6, 0, 0}); !errors.As(err, &ge) || ge.At[0] != -6 {
		t.Errorf("the case is in the points: %v", err)
	}
}

// Densities that are hard to difference are not called wrong.
func TestCheckGradientHardDensities(t *testing.T) {
	for name, f := range map[string]func(g, x []float64) float64{
		"a kink beside the point": func(g, x []float64) float64 {
			g[0], g[1] = -math.Copysign(1, x[0]-0.01), -x[1]
			return -math.Abs(x[0]-0.01) - x[1]*x[1]/2
		},
		"a large constant": func(g, x []float64) float64 {
			g[0], g[1] = -x[0], -x[1]
			return 1e9 - x[0]*x[0]/2 - x[1]*x[1]/2
		},
		"narrow and wide": func(g, x []float64) float64 {
			u, v := x[0]/1e-7, x[1]/1e7
			g[0], g[1] = -u/1e-7, -v/1e7
			return -u*u/2 - v*v/2
		},
		"a steep wall": func(g, x []float64) float64 {
			e := math.Exp(50 * x[0])
			g[0], g[1] = -50*e, -x[1]
			return -e - x[1]*x[1]/2
		},
		"half a line": func(g, x []float64) float64 {
			g[0], g[1] = -1+1/(x[0]+0.001), -x[1]
			return math.Log(x[0]+0.001) - x[0] - x[1]*x[1]/2
		},
		"flat in one direction": func(g, x []float64) float64 {
			g[0], g[1] = -x[0], 0
			return -x[0] * x[0] / 2
		},
		"heavy tails": func(g, x []float64) float64 {
			g[0], g[1] = -2*x[0]/(1+x[0]*x[0]), -2*x[1]/(1+x[1]*x[1])
			return -math.Log1p(x[0]*x[0]) - math.Log1p(x[1]*x[1])
		},
		"rounding noise": func(g, x []float64) float64 { // as of a solver with a tolerance of 1e-9
			g[0], g[1] = -x[0], -x[1]
			return math.Round((-x[0]*x[0]/2-x[1]*x[1]/2)*1e9) / 1e9
		},
		"rows that cancel": func(g, x []float64) float64 {
			v := 0.0
			g[0], g[1] = 0, 0
			for i := range 10000 {
				r := float64(i) - 4999.5 - x[0] + 1e6*x[1]
				v -= r * r / 2
				g[0] += r
				g[1] -= 1e6 * r
			}
			return v
		},
	} {
		good := &Target{Dim: 2, Grad: f}
		if err := CheckGradient(good); err != nil {
			t.Errorf("%s, right: %v", name, err)
		}
		bad := &Target{Dim: 2, Grad: func(g, x []float64) float64 {
			v := f(g, x)
			g[0] = g[0]*1.001 + 1e-3
			return v
		}}
		var ge *GradientError
		if err := CheckGradient(bad); !errors.As(err, &ge) || ge.Index != 0 || ge.Wrong != 1 {
			t.Errorf("%s, wrong: %v", name, err)
		}
	}
	if err := CheckGradient(logisticTarget(300, 4, 1)); err != nil {
		t.Errorf("a linear target: %v", err)
	}
	wrong := logisticTarget(300, 4, 1)
	eval := wrong.Linear.Terms[0].Eval
	wrong.Linear.Terms[0].Eval = func(lo int, eta, aux []float64, d *Derivs) {
		eval(lo, eta, aux, d)
		for i := range d.EE {
			d.EE[i] *= 1.1
		}
	}
	var ge *GradientError
	if err := CheckGradient(wrong); !errors.As(err, &ge) || ge.Func != "Target.Linear" {
		t.Errorf("a linear target with wrong second derivatives: %v", err)
	}
}

func TestCheckGradientMisuse(t *testing.T) {
	free, _ := quadraticTarget(t, 2, 1, false)
	rng := rand.New(rand.NewPCG(1, 1))
	nan := func(dst, x []float64) float64 { dst[0], dst[1] = 0, math.NaN(); return 0 }
	for want, err := range map[string]error{
		"the target is":      CheckGradient(nil),
		"Target.Dim":         CheckGradient(&Target{Grad: free.Grad}),
		"Target.Grad":        CheckGradient(&Target{Dim: 2, LogProb: free.LogProb}),
		"length of point 1":  CheckGradient(free, []float64{1, 2}, []float64{1}),
		"the gradient of b":  CheckGradient(&Target{Dim: 2, Names: []string{"a", "b"}, Grad: nan}),
		"the same value":     CheckGradient(&Target{Dim: 2, Grad: func(dst, x []float64) float64 { return rng.Float64() }}),
		"the log density is": CheckGradient(&Target{Dim: 2, Grad: free.Grad, LogProb: func([]float64) float64 { return math.Inf(-1) }}),
		"changed v":          CheckGradient(&Target{Dim: 2, Grad: free.Grad, HessVec: func(dst, x, v []float64) { v[0] = 3 }}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
