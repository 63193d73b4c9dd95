package vadam

import (
	"testing"
	"time"

	"github.com/natgrad/natgrad/nn"
)

// BenchmarkStep times steps of the methods in turns, gradient included, and
// reports each as a multiple of Adam's.
func BenchmarkStep(b *testing.B) {
	b.Run("13-50-1", func(b *testing.B) {
		net, err := nn.New32(nn.Gaussian{Precision: 4}, nn.Vector(13), nn.Dense{Out: 50, Act: nn.ReLU}, nn.Dense{Out: 1})
		if err != nil {
			b.Fatal(err)
		}
		compare(b, net, 32, 1)
	})
	b.Run("784-100-10", func(b *testing.B) {
		net, err := nn.New32(nn.Softmax{}, nn.Vector(784), nn.Dense{Out: 100, Act: nn.ReLU}, nn.Dense{Out: 10})
		if err != nil {
			b.Fatal(err)
		}
		compare(b, net, 128, 10)
	})
}

func compare(b *testing.B, net *nn.Net32, rows, classes int) {
	x, y := make([]float32, rows*net.In()), make([]float32, rows)
	for i := range x {
		x[i] = float32(i*7919%1000)/500 - 1
	}
	for i := range y {
		y[i] = float32(i % classes)
	}
	obj := &nn.Objective32{
		Grad:   func(g, w []float32) (float32, error) { return net.Grad(g, w, x, y) },
		GradSq: func(g, q, w []float32) (float32, error) { return net.GradSq(g, q, w, x, y) },
	}
	w := make([]float32, net.NumParams())
	for i := range w {
		w[i] = float32(i*31%100)/2000 - 0.025
	}
	names := []Method{Adam, Vadam, VOGN, IVON}
	opts, spent := make([]*Optimizer32, len(names)), make([]time.Duration, len(names))
	for k, m := range names {
		var err error
		if opts[k], err = New32(w, &Settings{Method: m, N: 60000, Rate: 1e-5, Beta2: 0.999}); err != nil {
			b.Fatal(err)
		}
	}
	const burst = 20 // steps between turns: caches are warm, other work hits all alike
	for b.Loop() {
		for k, o := range opts {
			start := time.Now()
			for range burst {
				if err := o.Step(obj); err != nil {
					b.Fatal(err)
				}
			}
			spent[k] += time.Since(start)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(spent[0].Nanoseconds())/float64(burst*b.N), "ns/adam")
	for k, m := range names[1:] {
		b.ReportMetric(float64(spent[k+1])/float64(spent[0]), m.String()+"/adam")
	}
}
