package vadam

import (
	"math"
	"testing"

	"github.com/natgrad/natgrad/nn"
)

// goldenModel is a dense net as golden files describe it.
type goldenModel struct {
	Kind       string
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

// model is a dense net with its own backward pass, one example at a time: slow,
// and independent of package nn.
type model struct {
	width []int // of input, hidden layers, output
	bias  bool
	act   string
	lik   string
	tau   float64
}

func (g *goldenModel) build(t *testing.T) *model {
	t.Helper()
	m := &model{lik: g.Likelihood, bias: len(g.Params) > 1}
	m.width = append(append(append(m.width, g.Input), g.Hidden...), g.Output)
	if g.Act != nil {
		m.act = *g.Act
	}
	if g.NoisePrec != nil {
		m.tau = *g.NoisePrec
	}
	size := 0
	for _, p := range g.Params {
		n := 1
		for _, k := range p.Shape {
			n *= k
		}
		size += n
	}
	if size != m.size() {
		t.Fatalf("the file has %d weights, a dense net of its sizes %d", size, m.size())
	}
	return m
}

func (m *model) size() (n int) {
	for l := 1; l < len(m.width); l++ {
		n += m.width[l] * m.width[l-1]
		if m.bias {
			n += m.width[l]
		}
	}
	return n
}

// activation returns f(z) and f'(z).
func (m *model) activation(z float64) (f, df float64) {
	switch m.act {
	case "tanh":
		f = math.Tanh(z)
		return f, 1 - f*f
	case "sigmoid":
		f = 1 / (1 + math.Exp(-z))
		return f, f * (1 - f)
	case "relu":
		if z > 0 {
			return z, 1
		}
		return 0, 0
	}
	panic("activation " + m.act)
}

// example adds nothing: it overwrites grad with ∇l at (x, y) and returns l.
// curv gets the diagonal of the Hessian if the net has no hidden layer.
func (m *model) example(grad, curv, w, x []float64, y float64) float64 {
	last := len(m.width) - 1
	as, ds, off := [][]float64{x}, [][]float64{nil}, make([]int, last+1)
	at := 0
	for l := 1; l <= last; l++ {
		in, out := m.width[l-1], m.width[l]
		off[l] = at
		a, d := make([]float64, out), make([]float64, out)
		for j := range out {
			var z float64
			for i, v := range as[l-1] {
				z += w[at+j*in+i] * v
			}
			if m.bias {
				z += w[at+out*in+j]
			}
			a[j], d[j] = z, 1
			if l < last {
				a[j], d[j] = m.activation(z)
			}
		}
		as, ds = append(as, a), append(ds, d)
		at += out * in
		if m.bias {
			at += out
		}
	}
	f := as[last]
	delta := make([]float64, len(f))
	var loss, second float64
	switch m.lik {
	case "gaussian":
		r := f[0] - y
		loss, delta[0], second = 0.5*m.tau*r*r-0.5*math.Log(m.tau/(2*math.Pi)), m.tau*r, m.tau
	case "bernoulli":
		p := 1 / (1 + math.Exp(-f[0]))
		loss, delta[0], second = math.Log1p(math.Exp(-math.Abs(f[0])))+max(f[0], 0)-y*f[0], p-y, p*(1-p)
	case "categorical":
		top, sum := math.Inf(-1), 0.0
		for _, v := range f {
			top = max(top, v)
		}
		for j, v := range f {
			delta[j] = math.Exp(v - top)
			sum += delta[j]
		}
		for j := range f {
			delta[j] /= sum
		}
		loss = top + math.Log(sum) - f[int(y)]
		delta[int(y)]--
	default:
		panic("likelihood " + m.lik)
	}
	for l := last; l >= 1; l-- {
		in, out := m.width[l-1], m.width[l]
		back := make([]float64, in)
		for j := range out {
			dz := delta[j] * ds[l][j]
			for i, v := range as[l-1] {
				grad[off[l]+j*in+i] = dz * v
				back[i] += dz * w[off[l]+j*in+i]
				if curv != nil {
					curv[off[l]+j*in+i] = second * v * v
				}
			}
			if m.bias {
				grad[off[l]+out*in+j] = dz
				if curv != nil {
					curv[off[l]+out*in+j] = second
				}
			}
		}
		delta = back
	}
	return loss
}

// objective is the minibatch of the rows x with labels y.
func (m *model) objective(x, y []float64) *nn.Objective {
	one, two := make([]float64, m.size()), make([]float64, m.size())
	mean := func(grad, extra, w []float64, hess bool) (loss float64, err error) {
		clear(grad)
		clear(extra)
		n := 1 / float64(len(y))
		in := m.width[0]
		for r, label := range y {
			curv := two
			if !hess {
				curv = nil
			}
			loss += n * m.example(one, curv, w, x[r*in:(r+1)*in], label)
			for i, v := range one {
				grad[i] += n * v
				if extra != nil && !hess {
					extra[i] += n * v * v
				} else if hess {
					extra[i] += n * two[i]
				}
			}
		}
		return loss, nil
	}
	return &nn.Objective{
		Grad:     func(grad, w []float64) (float64, error) { return mean(grad, nil, w, false) },
		GradSq:   func(grad, sq, w []float64) (float64, error) { return mean(grad, sq, w, false) },
		GradHess: func(grad, hess, w []float64) (float64, error) { return mean(grad, hess, w, true) },
	}
}
