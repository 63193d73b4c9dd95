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

// Student's curvature is the expectation: (ν+1)/((ν+3)s²) an output, and the
// scale's own second derivative is that of the log-likelihood.
func TestGaussNewtonStudent(t *testing.T) {
	n, err := New(StudentT{DF: 3, Learned: true}, Vector(2), Dense{2, Identity})
	if err != nil {
		t.Fatal(err)
	}
	const rows, d = 9, 1e-5
	w, x, y := example(rand.New(rand.NewPCG(2, 6)), n, rows)
	p := len(w)
	g, h, up, down, want := make([]float64, p), make([]float64, p), make([]float64, p), make([]float64, p), make([]float64, p)
	if _, err := n.GradHess(g, h, w, x, y); err != nil {
		t.Fatal(err)
	}
	s2 := math.Exp(2 * w[p-1])
	for o := range 2 {
		for i := range rows {
			want[2*o] += x[2*i] * x[2*i] / rows * 4 / (6 * s2)
			want[2*o+1] += x[2*i+1] * x[2*i+1] / rows * 4 / (6 * s2)
		}
		want[4+o] = 4 / (6 * s2)
	}
	w[p-1] += d
	n.Grad(up, w, x, y)
	w[p-1] -= 2 * d
	n.Grad(down, w, x, y)
	want[p-1] = (up[p-1] - down[p-1]) / (2 * d)
	close(t, "curvature", h, want, 1e-7)
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
		n := n.Clone()
		if len(n.n.lanes) != k {
			t.Fatalf("the clone has %d workers, want %d", len(n.n.lanes), k)
		}
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

// Single precision is double precision to its rounding, in all that a net does.
func Test32(t *testing.T) {
	for name, n := range nets(t) {
		m, err := New32(n.Loss(), n.Shape(), n.Layers()...)
		if err != nil {
			t.Fatal(err)
		}
		const rows = 20
		w, x, y := example(rand.New(rand.NewPCG(9, 9)), n, rows)
		w32, x32, y32 := narrow(w), narrow(x), narrow(y)
		p := len(w)
		g, h, all := make([]float64, p), make([]float64, p), make([]float64, rows*p)
		g32, h32, all32 := make([]float32, p), make([]float32, p), make([]float32, rows*p)
		must := func(err error) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		_, err = n.GradHess(g, h, w, x, y)
		must(err)
		_, err = m.GradHess(g32, h32, w32, x32, y32)
		must(err)
		close(t, name+" curvature", widen(h32), h, 2e-5)
		l, err := n.GradSq(g, h, w, x, y)
		must(err)
		l32, err := m.GradSq(g32, h32, w32, x32, y32)
		must(err)
		close(t, name+" loss", []float64{float64(l32)}, []float64{l}, 1e-5)
		close(t, name+" gradient", widen(g32), g, 2e-5)
		close(t, name+" squares", widen(h32), h, 2e-5)
		must(n.PerExample(all, w, x, y))
		must(m.PerExample(all32, w32, x32, y32))
		close(t, name+" rows", widen(all32), all, 2e-5)
		ll, err := n.LogLik(nil, w, x, y)
		must(err)
		ll32, err := m.Clone().LogLik(nil, w32, x32, y32)
		must(err)
		close(t, name+" log-likelihood", widen(ll32), ll, 1e-5)
		close(t, name+" outputs", widen(m.Forward(nil, w32, x32)), n.Forward(nil, w, x), 1e-5)
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
	for name, n := range nets(t) {
		m, err := New32(n.Loss(), n.Shape(), n.Layers()...)
		if err != nil {
			t.Fatal(err)
		}
		const rows = 4
		w, x, y := example(rand.New(rand.NewPCG(1, 1)), n, rows)
		w32, x32, y32 := narrow(w), narrow(x), narrow(y)
		g, s, f := make([]float64, len(w)), make([]float64, len(w)), make([]float64, rows*n.Out())
		all, g32, s32 := make([]float64, rows*len(w)), make([]float32, len(w)), make([]float32, len(w))
		work := func() {
			n.Grad(g, w, x, y)
			n.GradSq(g, s, w, x, y)
			n.GradHess(g, s, w, x, y)
			n.Forward(f, w, x)
			n.LogLik(f[:rows], w, x, y)
			n.PerExample(all, w, x, y)
			m.GradSq(g32, s32, w32, x32, y32)
			m.GradHess(g32, s32, w32, x32, y32)
		}
		work()
		if a := testing.AllocsPerRun(10, work); a != 0 {
			t.Errorf("%s: %v allocations", name, a)
		}
	}
}

// Statistics are there only where they are those of the last call.
func TestStatsAge(t *testing.T) {
	n, _ := New(Gaussian{}, Vector(4), Dense{3, Tanh}, Dense{1, Identity})
	w, x, y := example(rand.New(rand.NewPCG(1, 1)), n, blockRows+1)
	g, s := make([]float64, len(w)), make([]float64, len(w))
	some := func() { n.GradSq(g, s, w, x[:4*blockRows], y[:blockRows]) }
	for i, f := range []func(){
		func() {}, func() { n.Grad(g, w, x, y) }, func() { n.GradHess(g, s, w, x[:4], y[:1]) },
		func() { n.Forward(nil, w, x[:4]) }, func() { n.LogLik(nil, w, x[:4], y[:1]) }, func() { n.PerExample(g, w, x[:4], y[:1]) },
	} {
		if f(); n.Stats() != nil {
			t.Errorf("statistics after call %d", i)
		}
		if some(); len(n.Stats()) != 2 || n.Stats()[1].Rows != blockRows {
			t.Errorf("statistics after a gradient of %d rows: %d", blockRows, len(n.Stats()))
		}
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
