package nn

import (
	"context"
	"math/rand/v2"
	"time"
)

// Stepper is an optimiser: it asks the objective where it likes and moves its
// weights. On an error it has not moved.
type Stepper interface {
	Step(*Objective) error
}

// Stepper32 is [Stepper] in single precision.
type Stepper32 interface {
	Step(*Objective32) error
}

// Position is a place in training: the next batch of an epoch.
type Position struct{ Epoch, Batch int }

// TrainRecord is what Progress is told after a step.
type TrainRecord struct {
	Position         // of the next batch; Batch 0: an epoch has ended
	Step     int     // number of steps since the start of epoch 0
	Epochs   int     // all of them
	Batches  int     // in an epoch
	Loss     float64 // mean loss of the epoch so far, as the optimiser saw it
	Elapsed  time.Duration
}

// TrainSettings steers [Train]. The zero value is 40 epochs of batches of 32.
type TrainSettings struct {
	Epochs, Batch int
	// Seed of the order of the rows, which is shuffled anew for every epoch.
	Seed uint64
	// Replacement draws every batch from all rows with replacement.
	Replacement bool
	// Start is the position to begin at: that of an earlier, interrupted Train.
	Start Position
	// Progress is called after every step, in the goroutine of Train.
	Progress func(TrainRecord)
}

// Train goes over minibatches of the data and calls opt.Step on each: the rows in
// an order that is a function of (Seed, epoch) only, the last batch of an epoch
// smaller if need be. It returns the position after the last step, with an error
// if the context ended, a step failed (the position is then that of the failed
// batch), or data and net do not fit (*Error).
func Train(ctx context.Context, net *Net, d *Data, opt Stepper, s *TrainSettings) (Position, error) {
	t, err := newTrainer(net.n, d.X, d.Y, d.Rows, s)
	if err != nil {
		return t.at, err
	}
	obj := &Objective{Grad: t.grad, GradSq: t.gradSq, GradHess: t.gradHess}
	return t.run(ctx, func() error { return opt.Step(obj) })
}

// Train32 is [Train] in single precision.
func Train32(ctx context.Context, net *Net32, d *Data32, opt Stepper32, s *TrainSettings) (Position, error) {
	t, err := newTrainer(net.n, d.X, d.Y, d.Rows, s)
	if err != nil {
		return t.at, err
	}
	obj := &Objective32{Grad: t.grad, GradSq: t.gradSq, GradHess: t.gradHess}
	return t.run(ctx, func() error { return opt.Step(obj) })
}

type trainer[T float] struct {
	net    *net[T]
	x, y   []T
	rows   int
	set    TrainSettings
	at     Position
	order  []int
	bx, by []T // the batch
	loss   float64
	asked  int
}

func newTrainer[T float](n *net[T], x, y []T, rows int, s *TrainSettings) (*trainer[T], error) {
	t := &trainer[T]{net: n, x: x, y: y, rows: rows}
	if s != nil {
		t.set = *s
	}
	if t.set.Epochs == 0 {
		t.set.Epochs = 40
	}
	if t.set.Batch == 0 {
		t.set.Batch = min(32, max(rows, 1))
	}
	t.at = t.set.Start
	wrong := func(param string, v int, want string) (*trainer[T], error) {
		return t, &Error{Func: "Train", Param: param, Index: -1, Value: float64(v), Want: want}
	}
	in, cols := n.in.Size(), n.arch.loss.targets(n.out.Size())
	switch {
	case rows < 1:
		return wrong("rows of the data", rows, "at least 1")
	case len(x) != rows*in:
		return wrong("columns of the data's X", len(x)/rows, "the net's number of inputs")
	case len(y) != rows*cols:
		return wrong("columns of the data's Y", len(y)/rows, "the net's number of targets")
	case t.set.Epochs < 0:
		return wrong("Epochs", t.set.Epochs, "at least 1")
	case t.set.Batch < 0:
		return wrong("Batch", t.set.Batch, "at least 1")
	case t.set.Batch > rows:
		return wrong("Batch", t.set.Batch, "at most the number of rows of the data")
	case t.at.Epoch < 0 || t.at.Batch < 0 || t.at.Batch >= t.batches():
		return wrong("Start.Batch", t.at.Batch, "a batch of an epoch")
	}
	if err := n.checkInputs("Train", x); err != nil {
		return t, err
	}
	if err := n.checkTargets("Train", y, rows); err != nil {
		return t, err
	}
	t.order = make([]int, rows)
	t.bx, t.by = make([]T, t.set.Batch*in), make([]T, t.set.Batch*cols)
	return t, nil
}

func (t *trainer[T]) batches() int { return (t.rows + t.set.Batch - 1) / t.set.Batch }

func (t *trainer[T]) grad(g, w []T) (T, error) {
	loss, err := t.net.gradient("Grad", none, g, nil, w, t.bx, t.by)
	return t.saw(loss), err
}

func (t *trainer[T]) gradSq(g, sq, w []T) (T, error) {
	loss, err := t.net.gradient("GradSq", squared, g, sq, w, t.bx, t.by)
	return t.saw(loss), err
}

func (t *trainer[T]) gradHess(g, h, w []T) (T, error) {
	loss, err := t.net.gradient("GradHess", gaussNewton, g, h, w, t.bx, t.by)
	return t.saw(loss), err
}

func (t *trainer[T]) saw(loss T) T {
	t.loss += float64(loss)
	t.asked++
	return loss
}

// shuffle sets the order of an epoch.
func (t *trainer[T]) shuffle(epoch int) {
	rng := rand.New(rand.NewPCG(t.set.Seed, uint64(epoch)))
	for i := range t.order {
		t.order[i] = i
	}
	if t.set.Replacement {
		for i := range t.order {
			t.order[i] = rng.IntN(t.rows)
		}
		return
	}
	rng.Shuffle(t.rows, func(i, j int) { t.order[i], t.order[j] = t.order[j], t.order[i] })
}

func (t *trainer[T]) run(ctx context.Context, step func() error) (Position, error) {
	start, batches := time.Now(), t.batches()
	in, cols := len(t.x)/t.rows, len(t.y)/t.rows
	bx, by := t.bx, t.by
	for ; t.at.Epoch < t.set.Epochs; t.at = (Position{t.at.Epoch + 1, 0}) {
		t.shuffle(t.at.Epoch)
		t.loss, t.asked = 0, 0
		for t.at.Batch < batches {
			if err := ctx.Err(); err != nil {
				return t.at, err
			}
			lo := t.at.Batch * t.set.Batch
			rows := t.order[lo:min(lo+t.set.Batch, t.rows)]
			t.bx, t.by = bx[:len(rows)*in], by[:len(rows)*cols]
			for i, r := range rows {
				copy(t.bx[i*in:(i+1)*in], t.x[r*in:])
				copy(t.by[i*cols:(i+1)*cols], t.y[r*cols:])
			}
			if err := step(); err != nil {
				return t.at, err
			}
			t.at.Batch++
			if t.set.Progress != nil {
				p := t.at
				if p.Batch == batches {
					p = Position{p.Epoch + 1, 0}
				}
				t.set.Progress(TrainRecord{p, p.Epoch*batches + p.Batch, t.set.Epochs, batches, t.loss / float64(max(t.asked, 1)), time.Since(start)})
			}
		}
	}
	return t.at, nil
}
