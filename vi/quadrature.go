package vi

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
)

// batchRun is the number of neighbouring rows that are drawn together.
const batchRun = 16

// quadrature takes expectations of a Linear under a Gaussian without noise
// (or, with batches, with the noise of the rows alone): by Bonnet's and Price's
// theorems E_q[∇ log p] and ½ E_q[∇² log p] are the gradients in mean and
// covariance.
type quadrature struct {
	q     Gaussian
	t     *Target
	pass  *linearPass
	draw  expfam.Draw
	seed  uint64
	runs  int // rows/batchRun of the data terms, 0 without batches
	take  int // runs a batch
	rows  int
	terms []int // data terms
	batch []span
	rng   stream
}

func newQuadrature(e *Engine) (*quadrature, error) {
	if e.t.Linear == nil {
		return nil, &SettingError{"Target.Linear", "nil", "a sum of functions of linear predictors for the Quadrature method"}
	}
	if e.t.Exact != nil {
		return nil, &SettingError{"Target.Exact", "set", "nil for the Quadrature method"}
	}
	q, ok := e.q.(Gaussian)
	if !ok {
		return nil, &SettingError{"the posterior", fmt.Sprintf("%T", e.q), "a vi.Gaussian for the Quadrature method"}
	}
	pass, err := newLinearPass(e.t.Linear, e.t.Dim, e.s.Workers)
	if err != nil {
		return nil, err
	}
	est := &quadrature{q: q, t: e.t, pass: pass, seed: e.s.Seed}
	est.draw = expfam.Draw{X: make([]float64, e.t.Dim), Grad: pass.grad, Hess: pass.hess}
	if b := e.s.Batch; b > 0 {
		for k, t := range e.t.Linear.Terms {
			if t.Prior {
				continue
			}
			if t.X.Rows != e.t.N {
				return nil, &SettingError{fmt.Sprintf("the number of rows of term %q", t.Name), t.X.Rows, fmt.Sprintf("Target.N = %d for batches", e.t.N)}
			}
			est.terms = append(est.terms, k)
		}
		est.rows = e.t.N
		est.runs = (e.t.N + batchRun - 1) / batchRun
		est.take = max(1, b/batchRun)
	}
	return est, nil
}

// choose draws the rows of a step: one run from each of take equal strata, so
// that every run has the same chance take/runs.
func (e *quadrature) choose(iter int) (spans []span, scale float64) {
	if e.runs == 0 {
		return e.pass.full, 1
	}
	rng := e.rng.at(e.seed, streamBatch, uint64(iter))
	e.batch = e.batch[:0]
	for k, t := range e.pass.lin.Terms {
		if t.Prior {
			e.batch = append(e.batch, span{k, 0, t.X.Rows})
		}
	}
	width := float64(e.runs) / float64(e.take)
	for i := range e.take {
		run := min(int((float64(i)+rng.Float64())*width), e.runs-1)
		for _, k := range e.terms {
			e.batch = append(e.batch, span{k, run * batchRun, min((run+1)*batchRun, e.rows)})
		}
	}
	return e.batch, width
}

func (e *quadrature) estimate(tan []float64, iter int) (estimate, error) {
	spans, scale := e.choose(iter)
	if err := e.pass.under(e.q, wantHess, spans, scale); err != nil {
		return estimate{evals: 1}, err
	}
	out := estimate{fit: e.pass.fit, prior: e.pass.prior, evals: 1}
	out.elbo = out.fit + out.prior + e.q.Entropy()
	e.q.Mean(e.draw.X)
	if err := e.t.checkFinite("E[log p]", out.elbo, e.pass.grad, e.draw.X); err != nil {
		return out, err
	}
	if err := e.t.checkHess(e.pass.hess, e.draw.X); err != nil {
		return out, err
	}
	clear(tan)
	e.q.Tangent(tan, &e.draw, 1)
	e.q.EntropyTangent(tan)
	return out, nil
}

func (e *quadrature) gap(dst []float64) ([]float64, error) {
	v, err := e.value()
	return append(dst, v.elbo), err
}

// value is the ELBO over all rows.
func (e *quadrature) value() (estimate, error) {
	err := e.pass.under(e.q, wantValue, e.pass.full, 1)
	out := estimate{fit: e.pass.fit, prior: e.pass.prior, evals: 1}
	out.elbo = out.fit + out.prior + e.q.Entropy()
	if err == nil && !finite(out.elbo) {
		err = e.t.nonFinite("E[log p]", out.elbo, e.q.Mean(nil))
	}
	return out, err
}

// refined returns the ELBO with finer rules everywhere; its distance to value
// is the error of the quadrature.
func (e *quadrature) refined() (estimate, error) {
	e.pass.refine = true
	defer func() { e.pass.refine = false }()
	return e.value()
}

// conjugate is Bayes' rule: the gradient of E_q[log p] in expectation
// coordinates is the natural parameter of the likelihood and the prior.
type conjugate struct {
	q          expfam.Dist
	t          *Target
	eta, m, qe []float64
	idx        []int
	scale      float64
	seed       uint64
	rng        stream
	full       bool // eta holds the sum over all examples
}

func newConjugate(e *Engine) (*conjugate, error) {
	c := e.t.Conjugate
	if c == nil {
		return nil, &SettingError{"Target.Conjugate", "nil", "natural parameters for the ConjugateForm method"}
	}
	if e.t.Exact != nil {
		return nil, &SettingError{"Target.Exact", "set", "nil for the ConjugateForm method"}
	}
	q, ok := e.q.(expfam.Dist)
	if !ok {
		return nil, &SettingError{"the posterior", fmt.Sprintf("%T", e.q), "an expfam.Dist for the ConjugateForm method"}
	}
	n := q.NumParams()
	if len(c.Prior) != n {
		return nil, &SettingError{"the length of Target.Conjugate.Prior", len(c.Prior), fmt.Sprintf("%d, the posterior's NumParams", n)}
	}
	est := &conjugate{q: q, t: e.t, eta: make([]float64, n), m: make([]float64, n), qe: make([]float64, n), scale: 1, seed: e.s.Seed}
	if b := e.s.Batch; b > 0 {
		est.idx, est.scale = make([]int, b), float64(e.t.N)/float64(b)
	}
	if e.t.LogProb == nil {
		e.t.LogProb = est.logProb
	}
	return est, nil
}

// logProb evaluates the density that the conjugate form states.
func (e *conjugate) logProb(x []float64) float64 {
	if err := e.joint(0, true); err != nil {
		panic(err) // of the caller's own panic: LogProb has no error to return
	}
	v := e.q.LogBase(x) + e.t.Conjugate.Const
	for i, s := range e.q.SuffStat(e.m, x) {
		v += e.eta[i] * s
	}
	return v
}

func (e *conjugate) joint(iter int, full bool) (err error) {
	if full && e.full {
		return nil
	}
	defer caught("Target.Conjugate.Lik", &err)
	e.full = false
	clear(e.eta)
	if e.t.Conjugate.Lik != nil {
		idx, scale := e.idx, e.scale
		if full {
			idx, scale = nil, 1
		} else if idx != nil {
			strata(idx, e.t.N, e.rng.at(e.seed, streamBatch, uint64(iter)))
		}
		e.t.Conjugate.Lik(e.eta, idx)
		if scale != 1 {
			scaleBy(e.eta, scale)
		}
	}
	for i, p := range e.t.Conjugate.Prior {
		e.eta[i] += p
	}
	e.full = full || e.idx == nil
	return nil
}

func (e *conjugate) estimate(tan []float64, iter int) (estimate, error) {
	if err := e.joint(iter, false); err != nil {
		return estimate{evals: 1}, err
	}
	out := e.elbo()
	for i, v := range e.eta {
		if !finite(v) {
			return out, &NonFiniteError{What: fmt.Sprintf("entry %d of the conjugate natural parameter", i), Value: v}
		}
	}
	if !finite(out.elbo) {
		return out, &NonFiniteError{What: "the ELBO of the conjugate form", Value: out.elbo}
	}
	e.q.Natural(e.qe)
	for i, v := range e.eta {
		tan[i] = v - e.qe[i]
	}
	return out, nil
}

// elbo is ⟨η, m⟩ + E_q[log h] + Const + H(q) = ⟨η − η_q, m⟩ + A(η_q) + Const.
func (e *conjugate) elbo() estimate {
	e.q.Expectation(e.m)
	e.q.Natural(e.qe)
	v := e.q.LogPartition() + e.t.Conjugate.Const
	for i, m := range e.m {
		v += (e.eta[i] - e.qe[i]) * m
	}
	return estimate{elbo: v, fit: math.NaN(), prior: math.NaN(), evals: 1}
}

func (e *conjugate) gap(dst []float64) ([]float64, error) {
	err := e.joint(0, true)
	return append(dst, e.elbo().elbo), err
}

// Toward moves d a fraction rho of the way to the natural parameter eta,
// η_d ← (1−ρ)η_d + ρη: the conjugate step of stochastic variational inference
// (Hoffman et al. 2013, section 2.4); ρ = 1 is Bayes' rule. work may be nil or
// has length NumParams.
func Toward(d expfam.Dist, eta []float64, rho float64, work []float64) (expfam.Condition, error) {
	work = d.Natural(work)
	if len(eta) != len(work) {
		return 0, &expfam.DomainError{Family: d.Name(), Func: "vi.Toward", Param: "length of eta", Index: -1, Value: float64(len(eta)), Want: fmt.Sprintf("%d", len(work))}
	}
	if !(rho > 0 && rho <= 1) {
		return 0, &expfam.DomainError{Family: d.Name(), Func: "vi.Toward", Param: "rho", Index: -1, Value: rho, Want: "in (0, 1]"}
	}
	for i, v := range eta {
		work[i] = v - work[i]
	}
	return d.Retract(work, rho)
}
