package nn_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/natgrad/natgrad/nn"
)

// descent is an optimiser: plain gradient descent on weights it owns.
type descent struct {
	w, grad []float64
	rate    float64
}

func (d *descent) Step(o *nn.Objective) error {
	if _, err := o.Grad(d.grad, d.w); err != nil {
		return err
	}
	for i, g := range d.grad {
		d.w[i] -= d.rate * g
	}
	return nil
}

// A net learns when two bits differ. The optimisers of package vadam take the
// place of descent and give a posterior in place of a point.
func Example() {
	x := []float64{0, 0, 0, 1, 1, 0, 1, 1}
	y := []float64{0, 1, 1, 0}
	data, err := nn.NewData(x, y, 4)
	if err != nil {
		panic(err)
	}
	net, err := nn.New(nn.Bernoulli{}, nn.Vector(2), nn.Dense{Out: 8, Act: nn.Tanh}, nn.Dense{Out: 1})
	if err != nil {
		panic(err)
	}
	for _, p := range net.Params() {
		fmt.Printf("%s %d×%d at %d\n", p.Name, p.Rows, p.Cols, p.Offset)
	}

	opt := &descent{w: make([]float64, net.NumParams()), grad: make([]float64, net.NumParams()), rate: 0.5}
	net.Init(opt.w, rand.New(rand.NewPCG(1, 1)))
	if _, err := nn.Train(context.Background(), net, data, opt, &nn.TrainSettings{Epochs: 1000, Batch: 4}); err != nil {
		panic(err)
	}
	for i, f := range net.Forward(nil, opt.w, x) { // log odds
		fmt.Println(x[2*i:2*i+2], f > 0)
	}
	// Output:
	// W1 8×2 at 0
	// b1 8×1 at 16
	// W2 1×8 at 24
	// b2 1×1 at 32
	// [0 0] false
	// [0 1] true
	// [1 0] true
	// [1 1] false
}
