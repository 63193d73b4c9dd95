package nn

import (
	"fmt"
	"math"
)

// Activation is the function that a layer applies to z = Wx + b.
type Activation int

const (
	Identity Activation = iota
	ReLU                // max(z, 0); its derivative at 0 is 0
	Tanh
	GELU     // z·Φ(z), Φ the normal distribution function (the exact form)
	Softplus // log(1 + e^z)
	Sigmoid  // 1/(1 + e^−z)
)

var activationNames = [...]string{"identity", "relu", "tanh", "gelu", "softplus", "sigmoid"}

func (a Activation) String() string {
	if a < 0 || int(a) >= len(activationNames) {
		return fmt.Sprintf("Activation(%d)", int(a))
	}
	return activationNames[a]
}

// Shape is the shape of one example: Channels × Height × Width numbers, channel
// by channel, each row by row.
type Shape struct{ Channels, Height, Width int }

// Vector is the shape of n numbers.
func Vector(n int) Shape { return Shape{1, 1, n} }

// Series is the shape of a series of length n with several channels.
func Series(channels, n int) Shape { return Shape{channels, 1, n} }

// Image is the shape of a picture.
func Image(channels, height, width int) Shape { return Shape{channels, height, width} }

// Size is the number of numbers of an example.
func (s Shape) Size() int { return s.Channels * s.Height * s.Width }

// Layer is the description of a layer: [Dense], [Conv1D], [Conv2D], [MaxPool] or [AvgPool].
// A convolution gives channels of a series or picture; Dense takes the numbers of
// any shape in their order.
type Layer interface {
	// plan returns the shape of the output and of the weights, W is rows×cols
	// and b has rows entries; rows = 0: no weights.
	plan(in Shape) (out Shape, rows, cols int, err error)
}

// Dense is a fully connected layer, act(Wx + b) with W of Out rows.
type Dense struct {
	Out int
	Act Activation
}

func (d Dense) plan(in Shape) (Shape, int, int, error) {
	if d.Out < 1 {
		return Shape{}, 0, 0, &Error{Func: "New", Param: "Dense.Out", Index: -1, Value: float64(d.Out), Want: "at least 1"}
	}
	if err := checkActivation(d.Act); err != nil {
		return Shape{}, 0, 0, err
	}
	return Vector(d.Out), d.Out, in.Size(), nil
}

func checkActivation(a Activation) error {
	if a < 0 || int(a) >= len(activationNames) {
		return &Error{Func: "New", Param: "Act", Index: -1, Value: float64(a), Want: "one of the activations"}
	}
	return nil
}

// Param is one block of the flat weight vector: Rows×Cols numbers, row-major,
// from Offset on. A bias has one column.
type Param struct {
	Name               string // W1, b1, W2, …; log precision or log scale
	Layer              int    // index of the layer; −1 for a parameter of the loss
	Offset, Rows, Cols int
}

// Len is the number of weights of the block.
func (p Param) Len() int { return p.Rows * p.Cols }

// Error says what was wrong with an argument.
type Error struct {
	Func, Param string
	Index       int // in a slice, −1 if none; a row where Param says so
	Value       float64
	Want        string
}

func (e *Error) Error() string {
	at := ""
	if e.Index >= 0 {
		at = fmt.Sprintf("[%d]", e.Index)
	}
	return fmt.Sprintf("nn: %s: %s%s is %v, want %s", e.Func, e.Param, at, e.Value, e.Want)
}

// arch is what a net of any element type knows of itself.
type arch struct {
	in, out Shape
	specs   []Layer
	shapes  []Shape // inputs of the layers, and the output
	params  []Param
	weights int // without those of the loss
	total   int
	loss    Loss
}

// tooMany tells whether the product of the sides is 2³¹ or more.
func tooMany(sides ...int) bool {
	n := 1
	for _, s := range sides {
		if s > math.MaxInt32/n {
			return true
		}
		n *= s
	}
	return false
}

func newArch(loss Loss, in Shape, layers []Layer) (*arch, error) {
	if loss == nil {
		return nil, &Error{Func: "New", Param: "loss", Index: -1, Want: "a loss, not nil"}
	}
	if in.Channels < 1 || in.Height < 1 || in.Width < 1 {
		return nil, &Error{Func: "New", Param: "in", Index: -1, Value: float64(in.Size()), Want: "a shape with sides of at least 1"}
	}
	if tooMany(in.Channels, in.Height, in.Width) {
		return nil, &Error{Func: "New", Param: "in", Index: -1, Value: float64(in.Channels) * float64(in.Height) * float64(in.Width), Want: "fewer than 2³¹ numbers"}
	}
	if len(layers) == 0 {
		return nil, &Error{Func: "New", Param: "layers", Index: -1, Want: "at least one layer"}
	}
	a := &arch{in: in, specs: append([]Layer(nil), layers...), loss: loss}
	at, num := in, 0
	for i, l := range layers {
		if l == nil {
			return nil, &Error{Func: "New", Param: "layers", Index: i, Want: "a layer, not nil"}
		}
		a.shapes = append(a.shapes, at)
		out, rows, cols, err := l.plan(at)
		if err != nil {
			if e, ok := err.(*Error); ok {
				e.Param = fmt.Sprintf("layers[%d].%s", i, e.Param)
			}
			return nil, err
		}
		if tooMany(out.Channels, out.Height, out.Width) || rows > 0 && tooMany(rows, cols+1) || a.total+rows*(cols+1) > math.MaxInt32 {
			return nil, &Error{Func: "New", Param: "layers", Index: i, Value: float64(rows) * float64(cols+1), Want: "fewer than 2³¹ outputs and weights in all"}
		}
		if rows > 0 {
			num++
			a.params = append(a.params,
				Param{fmt.Sprintf("W%d", num), i, a.total, rows, cols},
				Param{fmt.Sprintf("b%d", num), i, a.total + rows*cols, rows, 1})
			a.total += rows*cols + rows
		}
		at = out
	}
	a.out = at
	a.shapes = append(a.shapes, at)
	a.weights = a.total
	if err := loss.check(at.Size()); err != nil {
		return nil, err
	}
	if name := loss.learns(); name != "" {
		a.params = append(a.params, Param{name, -1, a.total, 1, 1})
		a.total++
	}
	if a.total == 0 {
		return nil, &Error{Func: "New", Param: "layers", Index: -1, Want: "a layer with weights"}
	}
	return a, nil
}
