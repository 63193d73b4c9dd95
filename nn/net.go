package nn

import "math/rand/v2"

// Net is a net in double precision. It holds the architecture and a workspace,
// no weights: every method takes the flat vector w of NumParams numbers, laid out
// as [Net.Params] says. A batch is rows of inputs x (rows×In, row-major) and
// targets y (rows×Targets). Methods other than the accessors use the workspace:
// one goroutine at a time, [Net.Clone] for another.
type Net struct{ n *net[float64] }

// New plans a net for the loss and inputs of shape in. It errs (*Error) if a size
// does not fit, naming the layer.
func New(loss Loss, in Shape, layers ...Layer) (*Net, error) {
	a, err := newArch(loss, in, layers)
	if err != nil {
		return nil, err
	}
	return &Net{newNet(a, ops64)}, nil
}

// NumParams is the length of the weight vector.
func (n *Net) NumParams() int { return n.n.total }

// In is the number of inputs.
func (n *Net) In() int { return n.n.in.Size() }

// Out is the number of outputs.
func (n *Net) Out() int { return n.n.out.Size() }

// Targets is the number of columns of y: Out, or 1 for class numbers.
func (n *Net) Targets() int { return n.n.arch.loss.targets(n.Out()) }

// Loss returns the loss.
func (n *Net) Loss() Loss { return n.n.arch.loss }

// Shape returns the shape of an input example.
func (n *Net) Shape() Shape { return n.n.in }

// Layers returns the layers' descriptions.
func (n *Net) Layers() []Layer { return append([]Layer(nil), n.n.specs...) }

// Params returns the blocks of the weight vector: W1 (row-major, a row an
// output), b1, W2, …, and the loss's own parameter if it learns one.
func (n *Net) Params() []Param { return append([]Param(nil), n.n.params...) }

// Clone returns a net of the same architecture with its own workspace.
func (n *Net) Clone() *Net {
	c := &Net{newNet(n.n.arch, n.n.o)}
	c.SetWorkers(len(n.n.lanes))
	return c
}

// SetWorkers sets the number of goroutines for gradients of more than 256 rows;
// results do not depend on it, bit for bit. It panics below 1.
func (n *Net) SetWorkers(workers int) { n.n.setWorkers(workers) }

// Init draws weights and biases from the uniform distribution on ±1/√(inputs of
// the unit), and sets the parameter of the loss to its start.
func (n *Net) Init(w []float64, rng *rand.Rand) { n.n.init(w, rng) }

// Forward writes the outputs f(x, w), rows×Out, to dst.
func (n *Net) Forward(dst, w, x []float64) []float64 { return n.n.forward(dst, w, x) }

// LogLik writes log p(y_i | x_i, w), a number a row, constants included, to dst.
// It errs (*Error) if an input is not finite or a target is not one of the loss's,
// with dst unchanged, or if a result is NaN; −Inf is a result.
func (n *Net) LogLik(dst, w, x, y []float64) ([]float64, error) { return n.n.logLik(dst, w, x, y) }

// Grad returns the mean negative log-likelihood (1/M) Σ l_i of the M rows and
// writes its gradient to grad. It errs (*Error) if an input is not finite or a
// target is not one of the loss's, with grad unchanged, or if the mean is not
// finite, and then says which weight is to blame; grad is of no use then.
// Cost: about six flops a weight and row.
func (n *Net) Grad(grad, w, x, y []float64) (float64, error) {
	return n.n.checked("Grad", none, grad, nil, w, x, y)
}

// GradSq is [Net.Grad] that also writes (1/M) Σ g_i², the mean of the squared
// gradients of the rows, to sq, for two more flops a weight and row.
func (n *Net) GradSq(grad, sq, w, x, y []float64) (float64, error) {
	return n.n.checked("GradSq", squared, grad, sq, w, x, y)
}

// GradHess is [Net.Grad] that also writes the diagonal of the mean generalised
// Gauss–Newton matrix (1/M) Σ J_iᵀH_iJ_i to hess, J_i the derivative of the
// outputs and H_i the Hessian of l_i in them (for StudentT its expectation): the
// Hessian's diagonal itself where outputs are linear in w. A learned parameter of the
// loss gets its own second derivative. Cost: a backward pass an output.
func (n *Net) GradHess(grad, hess, w, x, y []float64) (float64, error) {
	return n.n.checked("GradHess", gaussNewton, grad, hess, w, x, y)
}

// PerExample writes the gradient of every row's l_i to dst, rows×NumParams. It
// errs as [Net.Grad] does.
func (n *Net) PerExample(dst, w, x, y []float64) error { return n.n.perExample(dst, w, x, y) }

// LayerStats are what a layer with weights saw in the last gradient: In, its
// inputs, Rows × columns of W, and Grad, ∂l_i/∂z, Rows × rows of W, of single
// examples (not divided by their number). Rows is examples × Positions, example
// by example, and the gradient of an example in W is the sum of grad·inᵀ over its
// positions, in b that of grad. A dense layer has one position, a convolution one
// for every place of its window, whose inputs are the patches. The slices are
// views of the net's workspace and of x, valid until the next call.
type LayerStats struct {
	Layer, Rows, Positions int
	In, Grad               []float64
}

// Stats returns the statistics of every layer with weights, nil unless the last
// call was Grad or GradSq of at most 256 rows.
func (n *Net) Stats() []LayerStats {
	if n.n.seen == 0 {
		return nil
	}
	var s []LayerStats
	for i, l := range n.n.lanes[0].layers {
		if in, g, pos := l.stats(n.n.seen); in != nil {
			s = append(s, LayerStats{i, n.n.seen * pos, pos, in, g})
		}
	}
	return s
}
