package vi

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/la"
	"gonum.org/v1/gonum/mat"
)

const (
	// newtonGain is the expected gain in nats below which NewtonStart takes its
	// last step: what is left is the engine's affair, whose steps count the
	// spread of q too.
	newtonGain = 0.1
	// newtonContraction is the ratio of the last two expected gains above which the
	// density counts as unlike a quadratic: Newton's method converges quadratically
	// to a regular maximum, but gains shrink by about e⁻¹ a step on the way along a
	// likelihood that has none.
	newtonContraction = 0.1
	// newtonHalvings bounds the line search of a step.
	newtonHalvings = 8
)

// NewtonStart returns a start as [Start] does, after at most steps steps of
// Newton's method from x towards a maximum of log p(D, x),
//
//	x ← x + ρS⁻¹g,  S = −∇² log p(D, x),  g = ∇ log p(D, x),
//
// with ρ = 1, halved while the density falls. It stops early where the expected
// gain g'S⁻¹g/2 is below 0.1 nats, or where S is not positive definite. If gains
// shrink slowly even there, as with separated outcomes, the maximum says little
// about where the posterior is, and the start is that at x. On a
// log-concave density it comes close to the Laplace approximation, from which the
// engine needs two or three steps; a step here costs one evaluation a row, one of
// the engine's several. Rows of Target.Linear are shared out among workers
// goroutines, 0 meaning GOMAXPROCS.
func NewtonStart(t *Target, x []float64, steps, workers int) (*expfam.Normal, error) {
	if len(x) != t.Dim {
		return nil, fmt.Errorf("vi: NewtonStart: length of x is %d, want Target.Dim = %d", len(x), t.Dim)
	}
	hess, err := t.hessian(workers)
	if err != nil {
		return nil, err
	}
	d := t.Dim
	cur, next := newNewtonPoint(d), newNewtonPoint(d)
	copy(cur.x, x)
	if err := hess(cur); err != nil {
		return nil, err
	}
	if err := checkFinite("the log density", cur.value, cur.grad, cur.x, t.Names); err != nil {
		return nil, err
	}
	first := newNewtonPoint(d)
	first.copy(cur)
	last := math.Inf(1)
	root, step := make([]float64, d*d), make([]float64, d)
	for range steps {
		gain, ok := cur.newton(root, step)
		if !ok {
			break
		}
		if gain < newtonGain && gain > newtonContraction*last {
			cur = first
			break
		}
		last = gain
		if gain < newtonGain {
			for i, s := range step {
				cur.x[i] += s
			}
			break
		}
		risen := false
		for rho := 1.0; !risen && rho > math.Ldexp(1, -newtonHalvings); rho /= 2 {
			for i, s := range step {
				next.x[i] = cur.x[i] + rho*s
			}
			// A density that is not finite there is a step too long.
			if err := hess(next); err != nil {
				return nil, err
			}
			risen = next.value > cur.value && checkFinite("", next.value, next.grad, next.x, nil) == nil
		}
		if !risen {
			break
		}
		cur, next = next, cur
	}
	cur.hess.ScaleSym(-1, cur.hess)
	if n, err := expfam.NewNormalPrecision(cur.x, cur.hess); err == nil {
		return n, nil
	}
	return Start(t, cur.x)
}

// newtonPoint is the density at x.
type newtonPoint struct {
	x, grad []float64
	hess    *mat.SymDense
	value   float64
}

func newNewtonPoint(d int) *newtonPoint {
	return &newtonPoint{x: make([]float64, d), grad: make([]float64, d), hess: mat.NewSymDense(d, nil)}
}

func (p *newtonPoint) copy(q *newtonPoint) {
	copy(p.x, q.x)
	copy(p.grad, q.grad)
	p.hess.CopySym(q.hess)
	p.value = q.value
}

// newton writes S⁻¹g to step, with root as scratch, and returns g'S⁻¹g/2, or
// false if S is not positive definite.
func (p *newtonPoint) newton(root, step []float64) (gain float64, ok bool) {
	d := len(step)
	raw := p.hess.RawSymmetric()
	for i := range d {
		for j := i; j < d; j++ {
			root[i*d+j] = -raw.Data[i*raw.Stride+j]
		}
	}
	if !la.Cholesky(root, d) {
		return 0, false
	}
	copy(step, p.grad)
	la.CholeskySolve(root, d, step)
	for i, g := range p.grad {
		gain += g * step[i] / 2
	}
	return gain, gain >= 0 && !math.IsInf(gain, 1)
}

// hessian returns a function that fills value, gradient and Hessian at p.x.
func (t *Target) hessian(workers int) (func(p *newtonPoint) error, error) {
	if t.Linear != nil {
		pass, err := newLinearPass(t.Linear, t.Dim, workers)
		if err != nil {
			return nil, err
		}
		return func(p *newtonPoint) error {
			if err := pass.at(p.x, wantHess); err != nil {
				return err
			}
			p.value = pass.fit + pass.prior
			copy(p.grad, pass.grad)
			p.hess.CopySym(pass.hess)
			return nil
		}, nil
	}
	c := t.complete()
	if c.Hess == nil {
		return nil, &SettingError{"Target.Hess", "nil", "a Hessian (or Target.Linear) for NewtonStart"}
	}
	return func(p *newtonPoint) error {
		v, err := protect(func() float64 { return c.Hess(p.hess, p.grad, p.x) })
		p.value = v
		return err
	}, nil
}
