package nn

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestNewErrors(t *testing.T) {
	for _, c := range []struct {
		loss   Loss
		in     Shape
		layers []Layer
		want   string
	}{
		{nil, Vector(3), []Layer{Dense{Out: 1}}, "loss"},
		{Gaussian{}, Vector(0), []Layer{Dense{Out: 1}}, "in is 0"},
		{Gaussian{}, Vector(3), nil, "layers"},
		{Gaussian{}, Image(1<<20, 1<<20, 1<<30), []Layer{Dense{Out: 1}}, "fewer than 2³¹ numbers"},
		{Gaussian{}, Vector(1 << 20), []Layer{Dense{Out: 1 << 20}}, "layers[0] is 1.09"},
		{Gaussian{}, Vector(1 << 15), []Layer{Dense{Out: 1 << 15}, Dense{Out: 1 << 15}}, "layers[1] is 1.07"},
		{Gaussian{}, Vector(3), []Layer{nil}, "layers[0]"},
		{Gaussian{}, Vector(3), []Layer{Dense{Out: 2}, Dense{Out: 0}}, "layers[1].Dense.Out is 0"},
		{Gaussian{}, Vector(3), []Layer{Dense{Out: 2, Act: 99}}, "layers[0].Act is 99"},
		{Gaussian{Precision: -1}, Vector(3), []Layer{Dense{Out: 1}}, "Gaussian.Precision is -1"},
		{Gaussian{Precision: math.NaN()}, Vector(3), []Layer{Dense{Out: 1}}, "Gaussian.Precision is NaN"},
		{StudentT{DF: math.Inf(1)}, Vector(3), []Layer{Dense{Out: 1}}, "StudentT.DF"},
		{Softmax{}, Vector(3), []Layer{Dense{Out: 1}}, "at least 2 classes"},
		{Gaussian{}, Image(1, 4, 4), []Layer{Conv2D{Out: 2, Kernel: 5}}, "layers[0].Conv2D.Kernel is 5"},
		{Gaussian{}, Image(1, 4, 4), []Layer{Conv2D{Out: 2, Kernel: 3, Pad: 3}}, "layers[0].Conv2D.Pad is 3"},
		{Gaussian{}, Image(1, 4, 4), []Layer{Conv1D{Out: 2, Kernel: 3}}, "Conv1D input height is 4"},
		{Gaussian{}, Series(1, 4), []Layer{MaxPool{Size: 5}}, "layers[0].MaxPool.Size is 5"},
		{Gaussian{}, Series(1, 4), []Layer{MaxPool{Size: 2}}, "a layer with weights"},
	} {
		_, err := New(c.loss, c.in, c.layers...)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want it to say %q", c.layers, err, c.want)
		}
	}
}

func TestTargetErrors(t *testing.T) {
	for _, c := range []struct {
		loss Loss
		out  int
		bad  []float64
	}{
		{Softmax{}, 3, []float64{3, -1, 0.5, math.NaN()}},
		{Bernoulli{}, 1, []float64{2, 0.5, -1, math.NaN()}},
		{Poisson{}, 1, []float64{-1, 0.5, math.NaN(), math.Inf(1)}},
		{Gaussian{}, 1, []float64{math.NaN(), math.Inf(-1)}},
		{StudentT{}, 1, []float64{math.NaN()}},
	} {
		n, err := New(c.loss, Vector(2), Dense{c.out, Identity})
		if err != nil {
			t.Fatal(err)
		}
		w, x, y := example(rand.New(rand.NewPCG(1, 1)), n, 4)
		g := make([]float64, len(w))
		for _, v := range c.bad {
			y[2] = v
			_, err := n.Grad(g, w, x, y)
			var e *Error
			if !errors.As(err, &e) || e.Index != 2 || e.Param != "y" {
				t.Errorf("%T with target %v: %v", c.loss, v, err)
			}
			for _, u := range g {
				if u != 0 {
					t.Fatalf("%T: a refused target changed the gradient", c.loss)
				}
			}
		}
	}
}

func TestNonFinite(t *testing.T) {
	n, _ := New(Gaussian{}, Vector(2), Dense{3, ReLU}, Dense{1, Identity})
	w, x, y := example(rand.New(rand.NewPCG(1, 1)), n, 4)
	g := make([]float64, len(w))
	x[5] = math.NaN()
	if _, err := n.Grad(g, w, x, y); err == nil || !strings.Contains(err.Error(), "x, row 2, column[1] is NaN") {
		t.Errorf("NaN in x: %v", err)
	}
	if _, err := n.LogLik(nil, w, x, y); err == nil || !strings.Contains(err.Error(), "x, row 2, column[1] is NaN") {
		t.Errorf("LogLik, NaN in x: %v", err)
	}
	if err := n.PerExample(make([]float64, 4*len(w)), w, x, y); err == nil || !strings.Contains(err.Error(), "x, row 2, column[1] is NaN") {
		t.Errorf("PerExample, NaN in x: %v", err)
	}
	x[5] = 0
	w[7] = math.NaN()
	if _, err := n.LogLik(nil, w, x, y); err == nil || !strings.Contains(err.Error(), "w, b1[1] is NaN") {
		t.Errorf("LogLik, NaN in w: %v", err)
	}
	if err := n.PerExample(make([]float64, 4*len(w)), w, x, y); err == nil || !strings.Contains(err.Error(), "w, b1[1] is NaN") {
		t.Errorf("PerExample, NaN in w: %v", err)
	}
	w[7] = math.Inf(1)
	if _, err := n.Grad(g, w, x, y); err == nil || !strings.Contains(err.Error(), "w, b1[1] is +Inf") {
		t.Errorf("Inf in w: %v", err)
	}
	w[7] = 1e200
	w[10] = 1e200
	if _, err := n.Grad(g, w, x, y); err == nil || !strings.Contains(err.Error(), "overflowed") {
		t.Errorf("overflow: %v", err)
	}
	// a saturated unit hides its input from the loss
	s, _ := New(Gaussian{}, Vector(2), Dense{3, Tanh}, Dense{1, Identity})
	for i := range w {
		w[i] = 1
	}
	for i := range x { // at every offset of the check
		x[i] = math.Inf(1)
		var e *Error
		if _, err := s.Grad(g, w, x, y); !errors.As(err, &e) || e.Index != i%2 {
			t.Errorf("Inf at x[%d] before tanh: %v", i, err)
		}
		x[i] = 0
	}
}

// Rows, inputs, targets and results of the wrong length are the programmer's.
func TestLengths(t *testing.T) {
	n, _ := New(Gaussian{}, Vector(2), Dense{1, Identity})
	w, x, y, g := make([]float64, 3), make([]float64, 8), make([]float64, 4), make([]float64, 3)
	for want, f := range map[string]func(){
		"nn: Grad: length of w is 2, want 3":               func() { n.Grad(g, w[:2], x, y) },
		"nn: Grad: length of grad is 2, want 3":            func() { n.Grad(g[:2], w, x, y) },
		"nn: Grad: length of y is 3, want 4":               func() { n.Grad(g, w, x, y[:3]) },
		"nn: Grad: length of x is 7, want a multiple of 2": func() { n.Grad(g, w, x[:7], y) },
		"nn: GradSq: length of curvature is 2, want 3":     func() { n.GradSq(g, g[:2], w, x, y) },
		"nn: Forward: length of dst is 3, want 4":          func() { n.Forward(y[:3], w, x) },
		"nn: LogLik: length of dst is 3, want 4":           func() { n.LogLik(y[:3], w, x, y) },
		"nn: PerExample: length of dst is 3, want 12":      func() { n.PerExample(g, w, x, y) },
		"nn: SetWorkers: number of workers is 0":           func() { n.SetWorkers(0) },
		"nn: Scaler.Apply: length of dst is 1, want 4":     func() { (&Scaler{y[:2], y[:2]}).Apply(g[:1], y) },
	} {
		func() {
			defer func() {
				if r, ok := recover().(string); !ok || !strings.HasPrefix(r, want) {
					t.Errorf("panic %q, want %q", r, want)
				}
			}()
			f()
		}()
	}
}

// still is an optimiser that only counts.
type still struct {
	w, g  []float64
	seen  []float64 // sums of the inputs it saw through the gradient of a linear net
	fails int
}

func (s *still) Step(o *Objective) error {
	if s.fails > 0 && len(s.seen)+1 == s.fails {
		return errBroken
	}
	_, err := o.Grad(s.g, s.w)
	s.seen = append(s.seen, s.g...)
	return err
}

func line(t *testing.T, rows int) (*Net, *Data) {
	n, err := New(Gaussian{}, Vector(1), Dense{1, Identity})
	if err != nil {
		t.Fatal(err)
	}
	var x, y []float64
	for i := range rows {
		x, y = append(x, float64(i)), append(y, 1)
	}
	d, err := NewData(x, y, rows)
	if err != nil {
		t.Fatal(err)
	}
	return n, d
}

// Every epoch sees every row once, in another order, and an interrupted run goes
// on where it was.
func TestTrain(t *testing.T) {
	const rows, batch, epochs = 23, 5, 3
	n, d := line(t, rows)
	run := func(s *still, set TrainSettings) Position {
		t.Helper()
		at, err := Train(context.Background(), n, d, s, &set)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	fresh := func() *still { return &still{w: make([]float64, 2), g: make([]float64, 2)} }
	whole := fresh()
	var last TrainRecord
	steps := 0
	at := run(whole, TrainSettings{Epochs: epochs, Batch: batch, Seed: 4, Progress: func(r TrainRecord) { last = r; steps++ }})
	if at != (Position{epochs, 0}) || steps != 15 || last.Step != 15 || last.Epochs != 3 || last.Batches != 5 {
		t.Errorf("position %v, %d steps, last record %+v", at, steps, last)
	}
	// w = 0, y = 1: the gradient of w is −mean x
	sum := 0.0
	for k := range 5 {
		m := min(batch, rows-k*batch)
		sum -= whole.seen[2*k] * float64(m)
	}
	if math.Abs(sum-rows*(rows-1)/2) > 1e-9 {
		t.Errorf("inputs of an epoch sum to %v", sum)
	}
	if whole.seen[0] == whole.seen[10] && whole.seen[2] == whole.seen[12] {
		t.Error("the second epoch has the order of the first")
	}
	for stop := range 15 {
		parts := fresh()
		ctx, cancel := context.WithCancel(context.Background())
		count := 0
		pos, err := Train(ctx, n, d, parts, &TrainSettings{Epochs: epochs, Batch: batch, Seed: 4, Progress: func(TrainRecord) {
			if count++; count == stop {
				cancel()
			}
		}})
		if stop == 0 {
			cancel()
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("stop %d: %v", stop, err)
		}
		run(parts, TrainSettings{Epochs: epochs, Batch: batch, Seed: 4, Start: pos})
		for i, v := range whole.seen {
			if parts.seen[i] != v {
				t.Fatalf("stopped after %d steps: batch %d differs", stop, i/2)
			}
		}
		cancel()
	}
}

// all is an optimiser that asks for everything and stays where it is.
type all struct {
	w, g, s []float64
	g1, g2  []float64 // sums of gradients and curvatures
}

func (a *all) Step(o *Objective) error {
	for _, f := range []func(g, s, w []float64) (float64, error){o.GradSq, o.GradHess} {
		if _, err := f(a.g, a.s, a.w); err != nil {
			return err
		}
		for i, v := range a.g {
			a.g1[i] += v
			a.g2[i] += a.s[i]
		}
	}
	return nil
}

// all32 is all in single precision.
type all32 struct{ w, g, s, g1, g2 []float32 }

func (a *all32) Step(o *Objective32) error {
	for _, f := range []func(g, s, w []float32) (float32, error){o.GradSq, o.GradHess} {
		if _, err := f(a.g, a.s, a.w); err != nil {
			return err
		}
		for i, v := range a.g {
			a.g1[i] += v
			a.g2[i] += a.s[i]
		}
	}
	return nil
}

// Both precisions see the same batches, with and without replacement, and a step
// allocates nothing.
func TestTrain32(t *testing.T) {
	n, _ := New(Bernoulli{}, Vector(3), Dense{4, Tanh}, Dense{1, Identity})
	m, _ := New32(Bernoulli{}, Vector(3), Dense{4, Tanh}, Dense{1, Identity})
	const rows = 31
	w, x, y := example(rand.New(rand.NewPCG(1, 1)), n, rows)
	d, err := NewData(x, y, rows)
	if err != nil {
		t.Fatal(err)
	}
	p := len(w)
	sums := map[bool][]float64{}
	for _, again := range []bool{false, true} {
		a := &all{w, make([]float64, p), make([]float64, p), make([]float64, p), make([]float64, p)}
		b := &all32{narrow(w), make([]float32, p), make([]float32, p), make([]float32, p), make([]float32, p)}
		s := &TrainSettings{Epochs: 2, Batch: 8, Seed: 3, Replacement: again}
		at, err := Train(context.Background(), n, d, a, s)
		if err != nil {
			t.Fatal(err)
		}
		at32, err := Train32(context.Background(), m, d.Float32(), b, s)
		if err != nil || at != at32 {
			t.Fatalf("positions %v and %v, error %v", at, at32, err)
		}
		close(t, "gradients", widen(b.g1), a.g1, 1e-5)
		close(t, "curvatures", widen(b.g2), a.g2, 1e-5)
		sums[again] = a.g1
	}
	if sums[false][0] == sums[true][0] {
		t.Error("the batches with replacement are those without")
	}
	a := &all{w, make([]float64, p), make([]float64, p), make([]float64, p), make([]float64, p)}
	run := func(epochs int) float64 {
		return testing.AllocsPerRun(5, func() {
			if _, err := Train(context.Background(), n, d, a, &TrainSettings{Epochs: epochs, Batch: 8}); err != nil {
				t.Fatal(err)
			}
		})
	}
	if one, ten := run(1), run(10); ten-one > 2*9 { // the generator of an epoch's order
		t.Errorf("%v allocations in 9 epochs of 4 steps", ten-one)
	}
}

func TestTrainErrors(t *testing.T) {
	n, d := line(t, 10)
	s := &still{w: make([]float64, 2), g: make([]float64, 2)}
	for _, c := range []struct {
		set  TrainSettings
		want string
	}{
		{TrainSettings{Batch: 11}, "Batch is 11"},
		{TrainSettings{Batch: -1}, "Batch is -1"},
		{TrainSettings{Epochs: -1}, "Epochs is -1"},
		{TrainSettings{Batch: 5, Start: Position{0, 2}}, "Start.Batch is 2"},
	} {
		var e *Error
		if _, err := Train(context.Background(), n, d, s, &c.set); !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.set, err)
		}
	}
	if _, err := Train(context.Background(), n, d, &still{w: s.w, g: s.g, fails: 1}, &TrainSettings{Batch: 5}); !errors.Is(err, errBroken) {
		t.Errorf("failing step: %v", err)
	}
	d.X[7] = math.NaN()
	if _, err := Train(context.Background(), n, d, s, nil); err == nil || !strings.Contains(err.Error(), "row 7") {
		t.Errorf("NaN in the data: %v", err)
	}
	wide, _ := New(Gaussian{}, Vector(3), Dense{1, Identity})
	if _, err := Train(context.Background(), wide, d, s, nil); err == nil || !strings.Contains(err.Error(), "columns of the data's X is 1") {
		t.Errorf("other inputs: %v", err)
	}
}

func TestData(t *testing.T) {
	if _, err := NewData([]float64{1, 2, 3}, []float64{1, 2}, 2); err == nil {
		t.Error("3 numbers in 2 rows: no error")
	}
	if _, err := NewData([]float64{1, math.Inf(1)}, []float64{1, 2}, 2); err == nil || !strings.Contains(err.Error(), "x, row 1, column[0]") {
		t.Errorf("Inf: %v", err)
	}
	if _, err := NewData(nil, nil, 0); err == nil {
		t.Error("no rows: no error")
	}
	d, err := NewData([]float64{1, 10, 2, 20, 3, 60}, []float64{7, 8, 9}, 3)
	if err != nil {
		t.Fatal(err)
	}
	d.Inputs = []string{"a", "b"}
	s := d.Subset([]int{2, 0})
	if s.Rows != 2 || s.X[1] != 60 || s.Y[1] != 7 || s.Inputs[1] != "b" {
		t.Errorf("subset %+v", s)
	}
	c := NewScaler([]float64{1, 0.998, 3, 0.998000001, 5, 0.998}, 2)
	if c.Mean[0] != 3 || c.SD[0] != 2 || c.SD[1] != 1 {
		t.Errorf("scaler %+v", c)
	}
	x := []float64{7, 2}
	back := c.Invert(nil, c.Apply(nil, x))
	close(t, "there and back", back, x, 1e-12)
}
