package vi

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
)

// exact takes the expectation of the whole log density from Target.Exact.
type exact struct {
	q       Posterior
	entropy Tangenter // nil: a posterior without entropy, such as a point
	t       *Target
	gamma   float64
	work    []float64
}

func newExact(e *Engine) (*exact, error) {
	switch {
	case e.t.Exact == nil:
		return nil, &SettingError{"Target.Exact", "nil", "expectations in closed form for the Exact method"}
	case e.t.Grad != nil || e.t.Hess != nil:
		return nil, &SettingError{"Target.Grad", "set", "nil for the Exact method, whose Target.Exact is the whole log density"}
	case e.s.Batch > 0:
		return nil, &SettingError{"Settings.Batch", e.s.Batch, "0 for the Exact method"}
	}
	x := &exact{q: e.q, t: e.t, gamma: e.gamma, work: make([]float64, e.q.NumParams())}
	if q, ok := e.q.(Tangenter); ok && x.gamma != 0 {
		x.entropy = q
		if !q.EntropyTangent(x.work) {
			return nil, &SettingError{"the posterior", fmt.Sprintf("%T", e.q), "one whose entropy has a closed form for the Exact method"}
		}
	}
	return x, nil
}

func (x *exact) estimate(tan []float64, iter int) (estimate, error) {
	out := estimate{evals: 1}
	clear(tan)
	v, err := x.t.exactPart(tan, x.q)
	if err != nil {
		return out, err
	}
	out.elbo = v
	if x.entropy != nil {
		clear(x.work)
		x.entropy.EntropyTangent(x.work)
		floats.AddScaled(tan, x.gamma, x.work)
		out.elbo += x.gamma * x.entropy.Entropy()
	}
	return out, nil
}

func (x *exact) gap(dst []float64) ([]float64, error) {
	est, err := x.estimate(make([]float64, len(x.work)), 0)
	return append(dst, est.elbo), err
}
