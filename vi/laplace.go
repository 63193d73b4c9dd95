package vi

import (
	"fmt"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// laplace takes expectations at the mean of q alone. With ρ = 1 its step is
// Newton's: S ← −∇² log p(μ), μ ← μ + S⁻¹∇ log p(μ).
type laplace struct {
	q    Gaussian
	t    *Target
	hess func(dst *mat.SymDense, grad, x []float64) float64
	pass *linearPass // of Target.Linear, which it evaluates with all workers
	draw expfam.Draw
}

func newLaplace(e *Engine) (*laplace, error) {
	l := &laplace{t: e.t, draw: expfam.Draw{X: make([]float64, e.t.Dim)}}
	var ok bool
	if l.q, ok = e.q.(Gaussian); !ok {
		return nil, &SettingError{"the posterior", fmt.Sprintf("%T", e.q), "a vi.Gaussian for the Laplace method"}
	}
	switch {
	case e.t.Exact != nil:
		return nil, &SettingError{"Target.Exact", "set", "nil for the Laplace method"}
	case e.s.Batch > 0:
		return nil, &SettingError{"Settings.Batch", e.s.Batch, "0 for the Laplace method"}
	case e.t.Linear != nil:
		var err error
		if l.pass, err = newLinearPass(e.t.Linear, e.t.Dim, e.s.Workers); err != nil {
			return nil, err
		}
		l.draw.Grad, l.draw.Hess = l.pass.grad, l.pass.hess
	case e.t.Hess != nil || e.t.HessVec != nil && e.t.Grad != nil:
		l.hess = e.t.hessian()
		l.draw.Grad, l.draw.Hess = make([]float64, e.t.Dim), mat.NewSymDense(e.t.Dim, nil)
	default:
		return nil, &SettingError{"Target.Hess", "nil", "a Hessian (or Target.HessVec or Linear) for the Laplace method"}
	}
	return l, nil
}

func (l *laplace) estimate(tan []float64, iter int) (estimate, error) {
	out := estimate{evals: 1}
	l.q.Mean(l.draw.X)
	var err error
	if l.pass != nil {
		err = l.pass.at(l.draw.X, wantHess)
		out.elbo = l.pass.fit + l.pass.prior
	} else {
		out.elbo, err = protect("Target.Hess", func() float64 { return l.hess(l.draw.Hess, l.draw.Grad, l.draw.X) })
	}
	if err == nil {
		err = l.t.checkFinite("the log density", out.elbo, l.draw.Grad, l.draw.X)
	}
	if err == nil {
		err = l.t.checkHess(l.draw.Hess, l.draw.X)
	}
	if err != nil {
		return out, err
	}
	clear(tan)
	l.q.Tangent(tan, &l.draw, 1)
	l.q.EntropyTangent(tan)
	return out, nil
}

func (l *laplace) gap(dst []float64) ([]float64, error) {
	v, err := protect("Target.LogProb", func() float64 { return l.t.LogProb(l.q.Mean(nil)) })
	return append(dst, v), err
}
