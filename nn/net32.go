package nn

import "math/rand/v2"

// Net32 is [Net] in single precision.
type Net32 struct{ n *net[float32] }

// New32 is [New] in single precision.
func New32(loss Loss, in Shape, layers ...Layer) (*Net32, error) {
	a, err := newArch(loss, in, layers)
	if err != nil {
		return nil, err
	}
	return &Net32{newNet(a, ops32)}, nil
}

// NumParams is [Net.NumParams].
func (n *Net32) NumParams() int { return n.n.total }

// In is [Net.In].
func (n *Net32) In() int { return n.n.in.Size() }

// Out is [Net.Out].
func (n *Net32) Out() int { return n.n.out.Size() }

// Targets is [Net.Targets].
func (n *Net32) Targets() int { return n.n.arch.loss.targets(n.Out()) }

// Loss is [Net.Loss].
func (n *Net32) Loss() Loss { return n.n.arch.loss }

// Shape is [Net.Shape].
func (n *Net32) Shape() Shape { return n.n.in }

// Layers is [Net.Layers].
func (n *Net32) Layers() []Layer { return append([]Layer(nil), n.n.specs...) }

// Params is [Net.Params].
func (n *Net32) Params() []Param { return append([]Param(nil), n.n.params...) }

// Clone is [Net.Clone].
func (n *Net32) Clone() *Net32 {
	c := &Net32{newNet(n.n.arch, n.n.o)}
	c.SetWorkers(len(n.n.lanes))
	return c
}

// SetWorkers is [Net.SetWorkers].
func (n *Net32) SetWorkers(workers int) { n.n.setWorkers(workers) }

// Init is [Net.Init].
func (n *Net32) Init(w []float32, rng *rand.Rand) { n.n.init(w, rng) }

// Forward is [Net.Forward].
func (n *Net32) Forward(dst, w, x []float32) []float32 { return n.n.forward(dst, w, x) }

// LogLik is [Net.LogLik].
func (n *Net32) LogLik(dst, w, x, y []float32) ([]float32, error) { return n.n.logLik(dst, w, x, y) }

// Grad is [Net.Grad].
func (n *Net32) Grad(grad, w, x, y []float32) (float32, error) {
	return n.n.checked("Grad", none, grad, nil, w, x, y)
}

// GradSq is [Net.GradSq].
func (n *Net32) GradSq(grad, sq, w, x, y []float32) (float32, error) {
	return n.n.checked("GradSq", squared, grad, sq, w, x, y)
}

// GradHess is [Net.GradHess].
func (n *Net32) GradHess(grad, hess, w, x, y []float32) (float32, error) {
	return n.n.checked("GradHess", gaussNewton, grad, hess, w, x, y)
}

// PerExample is [Net.PerExample].
func (n *Net32) PerExample(dst, w, x, y []float32) error { return n.n.perExample(dst, w, x, y) }

// LayerStats32 is [LayerStats] in single precision.
type LayerStats32 struct {
	Layer, Rows, Positions int
	In, Grad               []float32
}

// Stats is [Net.Stats].
func (n *Net32) Stats() []LayerStats32 {
	if n.n.seen == 0 {
		return nil
	}
	var s []LayerStats32
	for i, l := range n.n.lanes[0].layers {
		if in, g, pos := l.stats(n.n.seen); in != nil {
			s = append(s, LayerStats32{i, n.n.seen * pos, pos, in, g})
		}
	}
	return s
}
