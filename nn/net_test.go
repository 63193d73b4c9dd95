package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var losses = []Loss{
	Gaussian{Precision: 2.5}, Gaussian{Learned: true}, StudentT{DF: 3, Scale: 0.7}, StudentT{Learned: true},
	Bernoulli{}, Softmax{}, Poisson{},
}

// example is a batch that the loss accepts.
func example(rng *rand.Rand, n *Net, rows int) (w, x, y []float64) {
	w, x, y = make([]float64, n.NumParams()), make([]float64, rows*n.In()), make([]float64, rows*n.Targets())
	n.Init(w, rng)
	for i := range w {
		w[i] += 0.3 * rng.NormFloat64()
	}
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	for i := range y {
		switch n.Loss().(type) {
		case Bernoulli:
			y[i] = float64(rng.IntN(2))
		case Softmax:
			y[i] = float64(rng.IntN(n.Out()))
		case Poisson:
			y[i] = float64(rng.IntN(5))
		default:
			y[i] = rng.NormFloat64()
		}
	}
	return w, x, y
}

func close(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	scale := 0.0
	for _, v := range want {
		scale = max(scale, math.Abs(v))
	}
	for i, v := range want {
		if d := math.Abs(got[i] - v); !(d <= tol*(scale+1e-3)) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, got[i], v)
		}
	}
}

func nets(t *testing.T) map[string]*Net {
	t.Helper()
	all := map[string]*Net{}
	for i, loss := range losses {
		for a := Identity; a <= Sigmoid; a++ {
			n, err := New(loss, Vector(4), Dense{5, a}, Dense{3, Tanh}, Dense{2 + i%2, Identity})
			if err != nil {
				t.Fatal(err)
			}
			all[fmt.Sprintf("%T%v-%v", loss, i, a)] = n
		}
	}
	for name, c := range map[string]struct {
		in     Shape
		layers []Layer
	}{
		"conv2d":      {Image(2, 6, 5), []Layer{Conv2D{Out: 3, Kernel: 3, Pad: 1, Act: Tanh}, MaxPool{Size: 2}, Dense{3, Identity}}},
		"conv2d deep": {Image(1, 8, 8), []Layer{Conv2D{Out: 2, Kernel: 3, Act: GELU}, AvgPool{Size: 2, Stride: 1}, Conv2D{Out: 3, Kernel: 3, Stride: 2, Act: Softplus}, Dense{3, Identity}}},
		"conv1d":      {Series(2, 9), []Layer{Conv1D{Out: 4, Kernel: 3, Stride: 2, Pad: 2, Act: Tanh}, MaxPool{Size: 2}, Dense{4, Sigmoid}, Dense{3, Identity}}},
	} {
		for _, loss := range []Loss{Gaussian{Learned: true}, Softmax{}} {
			n, err := New(loss, c.in, c.layers...)
			if err != nil {
				t.Fatal(err)
			}
			all[fmt.Sprintf("%T %s", loss, name)] = n
		}
	}
	return all
}

func TestGradientDifferences(t *testing.T) {
	for name, n := range nets(t) {
		rng := rand.New(rand.NewPCG(1, 2))
		w, x, y := example(rng, n, 6)
		g, diff := make([]float64, len(w)), make([]float64, len(w))
		loss, err := n.Grad(g, w, x, y)
		if err != nil {
			t.Fatal(err)
		}
		ll, _ := n.LogLik(nil, w, x, y)
		mean := 0.0
		for _, v := range ll {
			mean -= v / 6
		}
		if math.Abs(mean-loss) > 1e-12*(1+math.Abs(loss)) {
			t.Errorf("%s: loss %v, mean of −LogLik %v", name, loss, mean)
		}
		scratch := make([]float64, len(w))
		for i := range w {
			const h = 1e-5
			v := w[i]
			w[i] = v + h
			up, _ := n.Grad(scratch, w, x, y)
			w[i] = v - h
			down, _ := n.Grad(scratch, w, x, y)
			w[i] = v
			diff[i] = (up - down) / (2 * h)
		}
		close(t, name+" gradient", g, diff, 1e-7)
	}
}

func TestPerExample(t *testing.T) {
	for name, n := range nets(t) {
		rng := rand.New(rand.NewPCG(3, 4))
		const rows = 300 // more than a block
		w, x, y := example(rng, n, rows)
		p := len(w)
		all, g, sq := make([]float64, rows*p), make([]float64, p), make([]float64, p)
		if err := n.PerExample(all, w, x, y); err != nil {
			t.Fatal(err)
		}
		if _, err := n.GradSq(g, sq, w, x, y); err != nil {
			t.Fatal(err)
		}
		mean, mean2, one := make([]float64, p), make([]float64, p), make([]float64, p)
		for i := range rows {
			if i%37 == 0 {
				k := n.Targets()
				if _, err := n.Grad(one, w, x[i*n.In():(i+1)*n.In()], y[i*k:(i+1)*k]); err != nil {
					t.Fatal(err)
				}
				close(t, name+" row", all[i*p:(i+1)*p], one, 1e-12)
			}
			for j, v := range all[i*p : (i+1)*p] {
				mean[j] += v / rows
				mean2[j] += v * v / rows
			}
		}
		close(t, name+" mean", g, mean, 1e-12)
		close(t, name+" mean of squares", sq, mean2, 1e-12)
	}
}

// The statistics of the layers make up the gradients.
func TestStats(t *testing.T) {
	for name, n := range nets(t) {
		const rows = 5
		w, x, y := example(rand.New(rand.NewPCG(8, 8)), n, rows)
		g, got := make([]float64, len(w)), make([]float64, len(w))
		if _, err := n.Grad(g, w, x, y); err != nil {
			t.Fatal(err)
		}
		for _, s := range n.Stats() {
			if s.Rows != rows*s.Positions {
				t.Fatalf("%s: %d rows of %d positions", name, s.Rows, s.Positions)
			}
			var p []Param
			for _, q := range n.Params() {
				if q.Layer == s.Layer {
					p = append(p, q)
				}
			}
			in, out := p[0].Cols, p[0].Rows
			for r := range s.Rows {
				for j := range out {
					d := s.Grad[r*out+j] / rows
					got[p[1].Offset+j] += d
					for k := range in {
						got[p[0].Offset+j*in+k] += d * s.In[r*in+k]
					}
				}
			}
		}
		last := n.Params()[len(n.Params())-1]
		if last.Layer < 0 {
			got[last.Offset] = g[last.Offset]
		}
		close(t, name, got, g, 1e-12)
	}
}

// Gauss–Newton by the outputs' derivatives, from differences.
func TestGaussNewtonDifferences(t *testing.T) {
	for name, n := range nets(t) {
		if _, ok := n.Loss().(Softmax); !ok {
			continue
		}
		const rows = 3
		w, x, y := example(rand.New(rand.NewPCG(11, 8)), n, rows)
		g, h, want := make([]float64, len(w)), make([]float64, len(w)), make([]float64, len(w))
		if _, err := n.GradHess(g, h, w, x, y); err != nil {
			t.Fatal(err)
		}
		f := n.Forward(nil, w, x)
		out := n.Out()
		for i := range w {
			const d = 1e-5
			v := w[i]
			w[i] = v + d
			up := n.Forward(nil, w, x)
			w[i] = v - d
			down := n.Forward(nil, w, x)
			w[i] = v
			for r := range rows {
				sum, jp, jjp := 0.0, 0.0, 0.0
				for c := range out {
					e := math.Exp(f[r*out+c])
					j := (up[r*out+c] - down[r*out+c]) / (2 * d)
					sum += e
					jp += j * e
					jjp += j * j * e
				}
				want[i] += (jjp/sum - jp*jp/sum/sum) / rows
			}
		}
		close(t, name, h, want, 1e-6)
	}
}

// Of a net without hidden layer the Gauss–Newton diagonal is the Hessian's.
func TestGaussNewtonLinear(t *testing.T) {
	for _, loss := range []Loss{Gaussian{Precision: 2}, Gaussian{Learned: true}, Bernoulli{}, Softmax{}, Poisson{}} {
		n, err := New(loss, Vector(3), Dense{3, Identity})
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(5, 6))
		w, x, y := example(rng, n, 7)
		p := len(w)
		g, h, up, down, diff := make([]float64, p), make([]float64, p), make([]float64, p), make([]float64, p), make([]float64, p)
		if _, err := n.GradHess(g, h, w, x, y); err != nil {
			t.Fatal(err)
		}
		for i := range w {
			const d = 1e-5
			v := w[i]
			w[i] = v + d
			n.Grad(up, w, x, y)
			w[i] = v - d
			n.Grad(down, w, x, y)
			w[i] = v
			diff[i] = (up[i] - down[i]) / (2 * d)
		}
		close(t, fmt.Sprintf("%T", loss), h, diff, 1e-7)
	}
}

func TestWorkersBits(t *testing.T) {
	n, _ := New(Softmax{}, Vector(4), Dense{6, ReLU}, Dense{3, Identity})
	w, x, y := example(rand.New(rand.NewPCG(1, 1)), n, 5*blockRows+17)
	p := len(w)
	g1, s1 := make([]float64, p), make([]float64, p)
	l1, _ := n.GradSq(g1, s1, w, x, y)
	for _, k := range []int{2, 3, 7} {
		g, s := make([]float64, p), make([]float64, p)
		n.SetWorkers(k)
		l, _ := n.GradSq(g, s, w, x, y)
		if l != l1 {
			t.Errorf("%d workers: loss %v, want %v", k, l, l1)
		}
		for i := range g {
			if g[i] != g1[i] || s[i] != s1[i] {
				t.Fatalf("%d workers: weight %d differs", k, i)
			}
		}
	}
}

func Test32(t *testing.T) {
	for i, loss := range losses {
		layers := []Layer{Dense{5, GELU}, Dense{4, Softplus}, Dense{2 + i%2, Identity}}
		n, err := New(loss, Vector(4), layers...)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := New32(loss, Vector(4), layers...)
		w, x, y := example(rand.New(rand.NewPCG(9, 9)), n, 20)
		g, h := make([]float64, len(w)), make([]float64, len(w))
		g32, h32 := make([]float32, len(w)), make([]float32, len(w))
		n.GradHess(g, h, w, x, y)
		if _, err := m.GradHess(g32, h32, narrow(w), narrow(x), narrow(y)); err != nil {
			t.Fatal(err)
		}
		close(t, "gradient", widen(g32), g, 1e-5)
		close(t, "curvature", widen(h32), h, 1e-5)
	}
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func TestAllocations(t *testing.T) {
	n, _ := New(Gaussian{}, Vector(13), Dense{50, ReLU}, Dense{1, Identity})
	w, x, y := example(rand.New(rand.NewPCG(1, 1)), n, 32)
	g, s := make([]float64, len(w)), make([]float64, len(w))
	n.GradSq(g, s, w, x, y)
	if a := testing.AllocsPerRun(100, func() { n.GradSq(g, s, w, x, y) }); a != 0 {
		t.Errorf("%v allocations a gradient", a)
	}
}

func BenchmarkGrad(b *testing.B) {
	for _, c := range []struct {
		name         string
		loss         Loss
		in, hid, out int
		rows         int
	}{{"13-50-1", Gaussian{}, 13, 50, 1, 32}, {"784-100-10", Softmax{}, 784, 100, 10, 128}} {
		n, _ := New(c.loss, Vector(c.in), Dense{c.hid, ReLU}, Dense{c.out, Identity})
		m, _ := New32(c.loss, Vector(c.in), Dense{c.hid, ReLU}, Dense{c.out, Identity})
		w, x, y := example(rand.New(rand.NewPCG(1, 1)), n, c.rows)
		g := make([]float64, len(w))
		w32, x32, y32, g32 := narrow(w), narrow(x), narrow(y), make([]float32, len(w))
		b.Run(c.name+"/f64", func(b *testing.B) {
			for b.Loop() {
				n.Grad(g, w, x, y)
			}
		})
		b.Run(c.name+"/f32", func(b *testing.B) {
			for b.Loop() {
				m.Grad(g32, w32, x32, y32)
			}
		})
	}
}
