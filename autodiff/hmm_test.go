package autodiff

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// paths sums over all sequences of states: the log probability and the
// probabilities of the states at each time.
func paths(initial []float64, p, e *mat.Dense) (float64, *mat.Dense) {
	steps, k := e.Dims()
	total, probs := 0.0, mat.NewDense(steps, k, nil)
	state := make([]int, steps)
	var walk func(t int, w float64)
	walk = func(t int, w float64) {
		if t == steps {
			total += w
			for s, j := range state {
				probs.Set(s, j, probs.At(s, j)+w)
			}
			return
		}
		for j := range k {
			state[t] = j
			l := e.At(t, j)
			if t == 0 {
				l += initial[j]
			} else {
				l += p.At(state[t-1], j)
			}
			walk(t+1, w*math.Exp(l))
		}
	}
	walk(0, 1)
	probs.Scale(1/total, probs)
	return math.Log(total), probs
}

func TestHMM(t *testing.T) {
	for _, c := range []struct{ k, steps int }{{1, 1}, {1, 3}, {2, 1}, {2, 2}, {2, 6}, {3, 5}} {
		k, steps := c.k, c.steps
		n := k + k*k + k*steps
		x := point(n)
		initial, p, e := x[:k], mat.NewDense(k, k, x[k:k+k*k]), mat.NewDense(steps, k, x[k+k*k:])
		part := func(x Node) (i, tr, em Node) {
			return x.Slice(0, k), x.Slice(k, k+k*k).Matrix(k, k), x.Slice(k+k*k, n).Matrix(steps, k)
		}
		for name, f := range map[string]func(x Node) Node{
			"all":        func(x Node) Node { i, tr, em := part(x); return HMMLogProb(i, tr, em) },
			"transition": func(x Node) Node { _, tr, _ := part(x); return HMMLogProb(initial, tr, e) },
			"emission":   func(x Node) Node { _, _, em := part(x); return HMMLogProb(initial, p, em) },
			"initial":    func(x Node) Node { i, _, _ := part(x); return HMMLogProb(i, p, e) },
			"curved":     func(x Node) Node { i, tr, em := part(x.Sin()); return HMMLogProb(i, tr.LogSoftmax(), em).Exp() },
		} {
			checkDerivatives(t, f, x)
			want, _ := paths(initial, p, e)
			if name != "curved" {
				near(t, valuesOf(t, f, x), []float64{want}, 1e-13)
			}
		}
		want, probs := paths(initial, p, e)
		got, v := HMMStateProbs(nil, initial, p, e)
		near(t, []float64{v}, []float64{want}, 1e-13)
		near(t, got.RawMatrix().Data, probs.RawMatrix().Data, 1e-13)
	}
}

// TestHMMFar has a state that the data exclude for long, and comes back: its probability
// underflows unless it is kept as a logarithm.
func TestHMMFar(t *testing.T) {
	inf := math.Inf(-1)
	p := mat.NewDense(2, 2, []float64{0, inf, inf, 0}) // no moves
	e := mat.NewDense(4, 2, []float64{0, -900, 0, -900, -3000, 0, 0, -1})
	fn, err := New(2, func(x Node) Node { return HMMLogProb(x, p, e) })
	if err != nil {
		t.Fatal(err)
	}
	g, hv := make([]float64, 2), make([]float64, 2)
	if v := fn.Grad(g, []float64{0, 0}); v != -1801 || g[0] != 0 || g[1] != 1 {
		t.Errorf("%v, gradient %v; want -1801, [0 1]", v, g)
	}
	fn.HessVec(hv, []float64{0, 0}, []float64{1, 2})
	near(t, hv, []float64{0, 0}, 0)
	// Impossible observations are −Inf, not NaN, and name the operation.
	if v := fn.Grad(g, []float64{0, inf}); v != -3000 {
		t.Errorf("%v, want -3000", v)
	}
	none, err := New(2, func(x Node) Node {
		return HMMLogProb(x.Label("start"), p, mat.NewDense(2, 2, []float64{0, inf, inf, 0}))
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := none.Value([]float64{0, 0}); !math.IsInf(v, -1) {
		t.Errorf("impossible: %v, want -Inf", v)
	}
	if err := none.Explain([]float64{0, 0}); err == nil || err.Error() != "autodiff: HMMLogProb(start = a vector of 2, a 2×2 matrix, a 2×2 matrix) is -Inf; it depends on start" {
		t.Errorf("impossible: %v", err)
	}
}

func TestHMMErrors(t *testing.T) {
	for want, f := range map[string]func(x Node) Node{
		"autodiff: HMMLogProb: logInitial is a vector of 3, logTransition is a 2×2 matrix; want an element a state": func(x Node) Node {
			return HMMLogProb(x, mat.NewDense(2, 2, nil), mat.NewDense(5, 2, nil))
		},
		"autodiff: HMMLogProb: logEmission is a 5×2 matrix, logTransition is a 3×3 matrix; want a column a state": func(x Node) Node {
			return HMMLogProb(x, mat.NewDense(3, 3, nil), mat.NewDense(5, 2, nil))
		},
	} {
		if _, err := New(3, f); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	defer func() {
		if r := recover(); r != "autodiff: HMMStateProbs: dst is 1×1, logEmission 5×2" {
			t.Errorf("panic %v", r)
		}
	}()
	HMMStateProbs(mat.NewDense(1, 1, nil), make([]float64, 2), mat.NewDense(2, 2, nil), mat.NewDense(5, 2, nil))
}
