package vadam

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/nn"
)

// nets returns the same net, weights and batch in both precisions.
func nets(t testing.TB, hidden, in, rows int) (n *nn.Net, n32 *nn.Net32, w []float64, w32 []float32, obj *nn.Objective, obj32 *nn.Objective32) {
	t.Helper()
	layers := []nn.Layer{nn.Dense{Out: hidden, Act: nn.Tanh}, nn.Dense{Out: 3}}
	n, err := nn.New(nn.Softmax{}, nn.Vector(in), layers...)
	if err != nil {
		t.Fatal(err)
	}
	if n32, err = nn.New32(nn.Softmax{}, nn.Vector(in), layers...); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(6, 6))
	w = make([]float64, n.NumParams())
	n.Init(w, rng)
	narrow := func(v []float64) []float32 {
		s := make([]float32, len(v))
		for i, x := range v {
			s[i] = float32(x)
			v[i] = float64(s[i])
		}
		return s
	}
	x, y := make([]float64, rows*in), make([]float64, rows)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	for i := range y {
		y[i] = float64(rng.IntN(3))
	}
	w32 = narrow(w)
	x32, y32 := narrow(x), narrow(y)
	return n, n32, w, w32,
		&nn.Objective{
			Grad:     func(g, w []float64) (float64, error) { return n.Grad(g, w, x, y) },
			GradSq:   func(g, q, w []float64) (float64, error) { return n.GradSq(g, q, w, x, y) },
			GradHess: func(g, q, w []float64) (float64, error) { return n.GradHess(g, q, w, x, y) },
		},
		&nn.Objective32{
			Grad:     func(g, w []float32) (float32, error) { return n32.Grad(g, w, x32, y32) },
			GradSq:   func(g, q, w []float32) (float32, error) { return n32.GradSq(g, q, w, x32, y32) },
			GradHess: func(g, q, w []float32) (float32, error) { return n32.GradHess(g, q, w, x32, y32) },
		}
}

// TestSinglePrecision: both precisions make the same run, from the same noise.
func TestSinglePrecision(t *testing.T) {
	for m := range numMethods {
		t.Run(fmt.Sprint(m), func(t *testing.T) {
			_, _, w, w32, obj, obj32 := nets(t, 5, 4, 20)
			s := plain(m)
			s.Rate, s.Beta2 = 0.005, 0.99
			o, err := New(w, &s)
			if err != nil {
				t.Fatal(err)
			}
			o32, err := New32(w32, &s)
			if err != nil {
				t.Fatal(err)
			}
			for range 30 {
				if err := o.Step(obj); err != nil {
					t.Fatal(err)
				}
				if err := o32.Step(obj32); err != nil {
					t.Fatal(err)
				}
			}
			mu, sd, mu32, sd32 := o.Mean(nil), o.SD(nil), o32.Mean(nil), o32.SD(nil)
			for i := range mu {
				if math.Abs(float64(mu32[i])-mu[i]) > 1e-4 || math.Abs(float64(sd32[i])-sd[i]) > 1e-4*sd[i] {
					t.Fatalf("weight %d: %v ± %v, in single precision %v ± %v", i, mu[i], sd[i], mu32[i], sd32[i])
				}
			}
			if math.Abs(o.Loss()-o32.Loss()) > 1e-4 || math.Abs(o.GradNorm()-o32.GradNorm()) > 1e-4 {
				t.Errorf("loss %v and %v, gradient %v and %v", o.Loss(), o32.Loss(), o.GradNorm(), o32.GradNorm())
			}
			if m != Adam && m != VadaGrad && math.Abs(o.KL()-o32.KL()) > 1e-3*o.KL() {
				t.Errorf("KL %v and %v", o.KL(), o32.KL())
			}

			// A run restored from its bytes makes the same next step.
			saved, err := o32.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			z, err := New32(w32, &s)
			if err != nil {
				t.Fatal(err)
			}
			if err := z.UnmarshalBinary(saved); err != nil {
				t.Fatal(err)
			}
			if err := z.Step(obj32); err != nil {
				t.Fatal(err)
			}
			if err := o32.Step(obj32); err != nil {
				t.Fatal(err)
			}
			a, _ := z.MarshalBinary()
			b, _ := o32.MarshalBinary()
			if !bytes.Equal(a, b) {
				t.Error("the restored run takes another step")
			}
		})
	}
}

func TestNoAllocations(t *testing.T) {
	w, w32 := []float64{1, -1, 2}, []float32{1, -1, 2}
	obj, obj32 := noisy(0), &nn.Objective32{
		Grad:     func(g, w []float32) (float32, error) { return 1, nil },
		GradSq:   func(g, q, w []float32) (float32, error) { return 1, nil },
		GradHess: func(g, q, w []float32) (float32, error) { return 1, nil },
	}
	for m := range numMethods {
		s := plain(m)
		s.RateAt = CosineRate(3, 1000)
		if m != Adam {
			s.Draws, s.Antithetic = 2, true
		}
		o, err := New(w, &s)
		if err != nil {
			t.Fatal(err)
		}
		o32, err := New32(w32, &s)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float64, len(w))
		if n := testing.AllocsPerRun(20, func() {
			if err := o.Step(obj); err != nil {
				t.Fatal(err)
			}
			if err := o32.Step(obj32); err != nil {
				t.Fatal(err)
			}
			o.Mean(dst)
			o.SD(dst)
			o.Sample(dst, 1, 2)
			_, _, _ = o.SDRange()
			_, _ = o.GradNorm(), o.KL()
		}); n != 0 {
			t.Errorf("%v: %v allocations a step", m, n)
		}
	}
}
