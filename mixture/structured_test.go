package mixture_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/structured"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/mat"
)

// twoModes is a mixture of two normal densities in three dimensions; its log normaliser is 0.
func twoModes() *vi.Target {
	return targets.MixtureOfNormals([]float64{math.Log(0.3), math.Log(0.7)}, [][]float64{{-3, 0, 1}, {3, 1, 0}},
		[]*mat.SymDense{mat.NewSymDense(3, []float64{1, 0.4, 0, 0.4, 1.5, 0, 0, 0, 1}), mat.NewSymDense(3, []float64{1, 0, 0.3, 0, 0.5, 0, 0.3, 0, 2})})
}

// shapes returns a mixture of two structured normals of sd 2, one with momentum of its own.
func shapes(t *testing.T, momentum float64) *mixture.Mixture {
	t.Helper()
	root, err := structured.Up(3, 1)
	if err == nil {
		err = root.Scale(0.5)
	}
	if err != nil {
		t.Fatal(err)
	}
	var comps []mixture.Component
	for _, mu := range [][]float64{{-2, 0.5, 0}, {2, 0, 0.5}} {
		g, err := structured.New(mu, root)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.SetMomentum(momentum); err != nil {
			t.Fatal(err)
		}
		comps = append(comps, g)
	}
	m, err := mixture.New(nil, comps...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Structured components find two modes with defaults, with and without Hessians of the
// target.
func TestStructuredComponentsFit(t *testing.T) {
	for _, hess := range []bool{true, false} {
		m, target := shapes(t, 0), twoModes()
		if !hess {
			target.Hess = nil
		}
		r, err := vi.Fit(context.Background(), m, target, &vi.Settings{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("Hessian %v: %v after %d steps, weights %.3f", hess, r.ELBO, r.Iterations, m.Weights(nil))
		if r.Grade() != vi.Good || r.ELBO < -0.02 || math.Abs(m.Weights(nil)[0]-0.3) > 0.05 {
			t.Errorf("Hessian %v: %v, weights %v", hess, r, m.Weights(nil))
		}
	}
}

// At q = p every draw says that there is nothing to do: the noise of the two parts
// cancels, Hessian or not.
func TestStructuredComponentsCancelNoise(t *testing.T) {
	m := shapes(t, 0)
	tan := make([]float64, m.NumParams())
	const h = 1e-5
	for _, x := range [][]float64{{-3, 1, 0.5}, {0.2, -1, 2}, {2.5, 0, 0}} {
		d := expfam.Draw{X: x, Grad: make([]float64, 3), Hess: mat.NewSymDense(3, nil), LogP: m.LogProb(x)}
		grad := func(x []float64) []float64 {
			g := make([]float64, 3)
			for i := range g {
				v := append([]float64(nil), x...)
				v[i] = x[i] + h
				up := m.LogProb(v)
				v[i] = x[i] - h
				g[i] = (up - m.LogProb(v)) / (2 * h)
			}
			return g
		}
		copy(d.Grad, grad(x))
		for i := range 3 {
			v := append([]float64(nil), x...)
			v[i] += 10 * h
			up := grad(v)
			v[i] -= 20 * h
			for j, down := range grad(v)[:i+1] {
				d.Hess.SetSym(i, j, (up[j]-down)/(20*h))
			}
		}
		m.Tangent(tan, &d, 1)
	}
	for i, v := range tan {
		if math.Abs(v) > 1e-4 {
			t.Errorf("entry %d of the tangent is %v at q = p, want 0", i, v)
		}
	}
}

// A resumed run of structured components with momentum of their own ends in the same
// bytes as one that was not interrupted.
func TestStructuredComponentsResume(t *testing.T) {
	for _, s := range []vi.Settings{
		{Seed: 3, Iterations: 150, Diagnostics: -1},
		{Seed: 3, Iterations: 90, Diagnostics: -1, Plain: true, Rate: vi.Constant(0.05), Draws: 8},
	} {
		for _, cut := range []int{1, 40, 70} {
			whole, err := vi.New(shapes(t, 0.6), twoModes(), &s)
			if err != nil {
				t.Fatal(err)
			}
			var state []byte
			for whole.Status() == vi.Running {
				if whole.Iterations() == cut {
					if state, err = whole.MarshalBinary(); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := whole.Step(); err != nil {
					t.Fatal(err)
				}
			}
			rest, err := vi.Resume(shapes(t, 0), twoModes(), &s, state)
			if err != nil {
				t.Fatal(err)
			}
			for rest.Status() == vi.Running {
				if _, err := rest.Step(); err != nil {
					t.Fatal(err)
				}
			}
			a, err := whole.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if b, err := rest.MarshalBinary(); err != nil || !bytes.Equal(a, b) {
				t.Errorf("the run resumed at step %d ends elsewhere (%v)", cut, err)
			}
		}
	}
}

// What a structured normal cannot do is said before a step.
func TestStructuredComponentsErrors(t *testing.T) {
	m := shapes(t, 0)
	for _, o := range []mixture.Options{{Rule: mixture.BLR}, {Rule: mixture.Adam}, {Reseed: true}, {Momentum: 0.5}} {
		var e *mixture.ComponentError
		if err := m.SetOptions(o); !errors.As(err, &e) || m.Options() != (mixture.Options{}) {
			t.Errorf("%+v: error %v, options %+v", o, err, m.Options())
		}
	}
}

// Sample and LogProb may run at the same time, whatever the components.
func TestMixtureConcurrentReads(t *testing.T) {
	structuredPart := shapes(t, 0).Component(0)
	skew, err := mixture.NewSkewNormal([]float64{0, 0, 0}, []float64{1, 0, 1}, mat.NewDiagDense(3, []float64{1, 2, 3}))
	if err != nil {
		t.Fatal(err)
	}
	m, err := mixture.New(nil, structuredPart, skew, expfam.StandardNormal(3))
	if err != nil {
		t.Fatal(err)
	}
	x := []float64{0.5, -1, 2}
	want := m.LogProb(x)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			for range 200 {
				if lp := m.LogProb(m.Sample(nil, rng)); math.IsNaN(lp) || m.LogProb(x) != want {
					t.Error("log densities differ between goroutines")
					return
				}
			}
		})
	}
	wg.Wait()
}
