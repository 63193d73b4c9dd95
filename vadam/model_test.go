package vadam

import (
	"slices"
	"testing"

	"github.com/natgrad/natgrad/nn"
)

// goldenModel is a dense net as golden files describe it.
type goldenModel struct {
	Input      int
	Hidden     []int
	Output     int
	Act        *string
	Likelihood string
	NoisePrec  *float64 `json:"noise_prec"`
	Params     []struct {
		Name  string
		Shape []int
	}
}

// model is a net and the number of its weights that the file has: all of them,
// or all but the bias of a model that has none.
type model struct {
	net  *nn.Net
	size int
}

func (g *goldenModel) build(t *testing.T) *model {
	t.Helper()
	act := nn.Identity
	if len(g.Hidden) > 0 {
		known := map[string]nn.Activation{"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}
		a, ok := known[*g.Act]
		if !ok {
			t.Fatalf("unknown activation %q", *g.Act)
		}
		act = a
	}
	var layers []nn.Layer
	for _, n := range g.Hidden {
		layers = append(layers, nn.Dense{Out: n, Act: act})
	}
	layers = append(layers, nn.Dense{Out: g.Output})
	var loss nn.Loss
	switch g.Likelihood {
	case "gaussian":
		loss = nn.Gaussian{Precision: *g.NoisePrec}
	case "bernoulli":
		loss = nn.Bernoulli{}
	case "categorical":
		loss = nn.Softmax{}
	default:
		t.Fatalf("unknown likelihood %q", g.Likelihood)
	}
	net, err := nn.New(loss, nn.Vector(g.Input), layers...)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{net: net}
	for _, p := range g.Params {
		n := 1
		for _, k := range p.Shape {
			n *= k
		}
		m.size += n
	}
	if without := net.NumParams() - g.Output; m.size != net.NumParams() && (m.size != without || len(g.Hidden) > 0) {
		t.Fatalf("the file has %d weights, the net of its sizes %d", m.size, net.NumParams())
	}
	return m
}

// objective is the minibatch of the rows x with targets y.
func (m *model) objective(x, y []float64) *nn.Objective {
	p := m.net.NumParams()
	whole := func(w []float64) []float64 { return append(slices.Clone(w), make([]float64, p-len(w))...) }
	return &nn.Objective{
		Grad: func(grad, w []float64) (float64, error) {
			g := make([]float64, p)
			loss, err := m.net.Grad(g, whole(w), x, y)
			copy(grad, g)
			return loss, err
		},
		GradSq: func(grad, sq, w []float64) (float64, error) {
			g, q := make([]float64, p), make([]float64, p)
			loss, err := m.net.GradSq(g, q, whole(w), x, y)
			copy(grad, g)
			copy(sq, q)
			return loss, err
		},
	}
}
