package vi

import (
	"fmt"
	"math"
	"sync"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// draws estimates the step from draws of q in antithetic pairs: Price's
// estimator with Hessians, Stein's with gradients alone.
//
// Draws are made, and added up, one after the other; only the target's
// functions run in workers. So the result does not depend on their number.
type draws struct {
	q       Posterior
	tangent Tangenter   // nil for a Scorer that is none
	score   Scorer      // of the gradient-free estimator, nil for the others
	mirror  Mirrorer    // nil: plain draws
	whole   StepSampler // nil: one draw after the other
	given   func(draws []expfam.Draw, iter int)
	gamma   float64 // weight of the entropy
	exact   bool    // its gradient has a closed form
	// scorer, if not nil, gives ∇log q: see landing.
	scorer interface {
		Score(dst, x []float64) []float64
	}
	at      []float64 // a score
	t       *Target
	seed    uint64
	points  []expfam.Draw
	slots   []drawSlot // one a point
	work    []float64
	workers int
	idx     []int // rows of the batch, nil for all
	scale   float64
	run     []func()
	wg      sync.WaitGroup
	rng     stream
}

type drawSlot struct {
	lik  []float64
	grad *mat.Dense
	err  error
}

const (
	gapDraws = 128
	minDraws = 8 // a step, unless the caller says otherwise
	maxDraws = 64

	maxPoints = 1 << 16 // the streams of a step hold so many
)

func newDraws(e *Engine) (*draws, error) {
	q, ok := e.q.(Tangenter)
	if !ok {
		return nil, &SettingError{"the posterior", fmt.Sprintf("%T", e.q), "a vi.Tangenter for the Draws method"}
	}
	if k, ok := e.q.(interface{ Differentiable() error }); ok {
		if err := k.Differentiable(); err != nil {
			return nil, &SettingError{"the posterior", fmt.Sprintf("%T", e.q), "differentiable draws for the Draws method: " + err.Error()}
		}
	}
	t := e.t
	batch := e.s.Batch > 0
	switch {
	case batch && (t.LogPrior == nil || t.LogLik == nil || t.LogLikGrad == nil):
		return nil, &SettingError{"Settings.Batch", e.s.Batch, "0, or Target.LogPrior, LogLik and LogLikGrad"}
	case batch && t.Exact != nil:
		return nil, &SettingError{"Settings.Batch", e.s.Batch, "0 with Target.Exact"}
	case !batch && t.Grad == nil && t.Hess == nil:
		return nil, &SettingError{"Target.Grad", "nil", "a gradient (or Target.Hess, Linear or Conjugate)"}
	case t.LogProb == nil:
		return nil, &SettingError{"Target.LogProb", "nil", "the log density"}
	}
	d := &draws{q: q}
	if err := d.init(e); err != nil {
		return nil, err
	}
	d.landing(e)
	d.prepare(0)
	return d, nil
}

// prepare gives the points from number k on what their evaluation fills.
func (d *draws) prepare(k int) {
	for ; k < len(d.points); k++ {
		p, s := &d.points[k], &d.slots[k]
		p.Grad = make([]float64, d.t.Dim)
		if d.idx != nil {
			s.lik, s.grad = make([]float64, len(d.idx)), mat.NewDense(len(d.idx), d.t.Dim, nil)
		} else if d.t.Hess != nil {
			p.Hess = mat.NewSymDense(d.t.Dim, nil)
		}
	}
}

// resize goes over to n points.
func (d *draws) resize(n int) {
	old := len(d.points)
	d.points = append(d.points[:min(n, old)], make([]expfam.Draw, max(0, n-old))...)
	d.slots = append(d.slots[:min(n, old)], make([]drawSlot, max(0, n-old))...)
	for k := old; k < n; k++ {
		d.points[k].X = make([]float64, d.t.Dim)
	}
	d.prepare(old)
}

// landing lets the entropy enter by −∇log q at the draws instead of by its closed
// form, where the estimate is linear in gradients: E[∇_λ of log q at fixed q] is
// that of −H. The noise of the two parts cancels as q approaches p, and vanishes
// where q = p (Roeder, Wu and Duvenaud 2017, "Sticking the landing").
func (d *draws) landing(e *Engine) {
	if s, ok := e.q.(interface {
		Score(dst, x []float64) []float64
	}); ok && d.exact && d.gamma == 1 && e.t.Hess == nil && e.t.Exact == nil && !e.s.Plain {
		d.scorer, d.at = s, make([]float64, e.t.Dim)
	}
}

// newGradientFree is newDraws for values alone.
func newGradientFree(e *Engine) (*draws, error) {
	q, ok := e.q.(Scorer)
	switch {
	case !ok:
		return nil, &SettingError{"the posterior", fmt.Sprintf("%T", e.q), "a vi.Scorer for the GradientFree method"}
	case e.s.Batch > 0 || e.t.Exact != nil:
		return nil, &SettingError{"Settings.Method", GradientFree, "another method with Settings.Batch or Target.Exact"}
	case e.t.LogProb == nil:
		return nil, &SettingError{"Target.LogProb", "nil", "the log density"}
	}
	if k, ok := e.q.(interface{ Scorable() error }); ok {
		if err := k.Scorable(); err != nil {
			return nil, &SettingError{"the posterior", fmt.Sprintf("%T", e.q), "a natural gradient of log q for the GradientFree method: " + err.Error()}
		}
	}
	d := &draws{q: q, score: q}
	return d, d.init(e)
}

// init fills in what all estimators from draws share.
func (d *draws) init(e *Engine) error {
	t := e.t
	n := e.s.Draws
	if p, ok := e.q.(Pacer); n == 0 && ok {
		if n = p.FirstDraws(); n < 1 || n > maxPoints {
			return &SettingError{"the posterior's FirstDraws", n, fmt.Sprintf("between 1 and %d", maxPoints)}
		}
	}
	if n == 0 {
		n = min(max(minDraws, 4*t.Dim), maxDraws)
	}
	d.t, d.seed, d.given, d.gamma, d.workers = t, e.s.Seed, e.s.Points, e.gamma, max(1, e.s.Workers)
	d.scale = 1
	d.mirror, _ = e.q.(Mirrorer)
	d.whole, _ = e.q.(StepSampler)
	switch {
	case d.given != nil: // as many as were asked for, and no pairs are known among them
		d.mirror, d.whole = nil, nil
	case d.whole != nil:
		d.mirror = nil
		n += n % 2
	case d.mirror != nil:
		n += n % 2
	}
	d.work = make([]float64, e.q.NumParams())
	if d.tangent, _ = e.q.(Tangenter); d.tangent != nil {
		d.exact = d.tangent.EntropyTangent(d.work)
	}
	if d.gamma != 1 && !d.exact {
		return &SettingError{"Settings.EntropyWeight", e.s.EntropyWeight, fmt.Sprintf("0 for %T, whose entropy has no closed form", e.q)}
	}
	if e.s.Batch > 0 {
		d.idx, d.scale = make([]int, e.s.Batch), float64(t.N)/float64(e.s.Batch)
	}
	d.points, d.slots = make([]expfam.Draw, n), make([]drawSlot, n)
	for k := range d.points {
		d.points[k].X = make([]float64, t.Dim)
	}
	d.workers = min(d.workers, n)
	for w := range d.workers {
		d.run = append(d.run, func() {
			defer d.wg.Done()
			for i := w; i < len(d.points); i += d.workers {
				d.eval(&d.points[i], &d.slots[i])
			}
		})
	}
	return nil
}

func (d *draws) eval(p *expfam.Draw, s *drawSlot) {
	s.err = nil
	var fn string
	defer func() {
		if r := recover(); r != nil {
			s.err = newPanicError(fn, r)
		}
	}()
	switch {
	case d.score != nil:
		fn = "Target.LogProb"
		p.LogP = d.t.LogProb(p.X)
	case d.idx != nil:
		fn = "Target.LogPrior"
		p.LogP = d.t.LogPrior(p.Grad, p.X)
		fn = "Target.LogLik"
		d.t.LogLik(s.lik, p.X, d.idx)
		fn = "Target.LogLikGrad"
		d.t.LogLikGrad(s.grad, p.X, d.idx)
		p.LogP += d.scale * sum(s.lik)
		for i := range s.lik {
			axpy(p.Grad, d.scale, s.grad.RawRowView(i))
		}
	case p.Hess != nil:
		fn = "Target.Hess"
		p.LogP = d.t.Hess(p.Hess, p.Grad, p.X)
	default:
		fn = "Target.Grad"
		p.LogP = d.t.Grad(p.Grad, p.X)
	}
	s.err = d.t.checkFinite("the log density", p.LogP, p.Grad, p.X)
	if s.err == nil && p.Hess != nil {
		s.err = d.t.checkHess(p.Hess, p.X)
	}
}

// place puts the points of step iter.
func (d *draws) place(iter int) error {
	switch {
	case d.given != nil:
		if _, err := protect("Settings.Points", func() float64 { d.given(d.points, iter); return 0 }); err != nil {
			return err
		}
	case d.whole != nil:
		d.whole.SampleStep(d.points, d.rng.at(d.seed, streamDraws, uint64(iter)<<16))
	default:
		for k := 0; k < len(d.points); k++ {
			x := d.points[k].X
			d.q.Sample(x, d.rng.at(d.seed, streamDraws, uint64(iter)<<16|uint64(k)))
			if d.mirror != nil {
				d.mirror.Mirror(d.points[k+1].X, x)
				k++
			}
		}
	}
	if d.idx != nil {
		strata(d.idx, d.t.N, d.rng.at(d.seed, streamBatch, uint64(iter)))
	}
	return nil
}

// agrees errs if the mean of log q over n draws is not minus the entropy, as far as
// chance can tell: a normal distribution whose covariance is so badly conditioned that draws and
// densities no longer fit together in floating point. Its ELBO means nothing.
func (d *draws) agrees(meanLogQ float64, n int) error {
	q, ok := d.q.(Gaussian)
	if !ok || d.given != nil {
		return nil
	}
	h := q.Entropy()
	// log q of a draw has the variance Dim/2.
	if off := math.Abs(meanLogQ + h); off > 20*math.Sqrt(float64(d.t.Dim)/float64(n))+1e-6*math.Abs(h)+1 {
		return &NonFiniteError{What: "the log density of the posterior, which has lost its digits and is off by", Value: off, At: q.Mean(nil)}
	}
	return nil
}

func (d *draws) estimate(tan []float64, iter int) (estimate, error) {
	if err := d.place(iter); err != nil {
		return estimate{}, err
	}
	return d.over(tan)
}

// over evaluates the points that are in place and adds them up.
func (d *draws) over(tan []float64) (estimate, error) {
	d.wg.Add(d.workers)
	for w := 1; w < d.workers; w++ {
		go d.run[w]()
	}
	d.run[0]()
	d.wg.Wait()

	out := estimate{evals: len(d.points), fit: math.NaN(), prior: math.NaN()}
	clear(tan)
	n := 0
	for k := range d.points {
		if err := d.slots[k].err; err != nil {
			return out, err
		}
		if !d.points[k].Aside {
			n++
		}
	}
	if n == 0 {
		return out, &SettingError{"Settings.Points", "a step of points that are all Aside", "at least one draw of q"}
	}
	logQ := 0.0
	for k := range d.points {
		p := &d.points[k]
		p.LogQ = d.q.LogProb(p.X)
		if !p.Aside {
			if !finite(p.LogQ) {
				return out, densityError(p.LogQ, p.X)
			}
			out.elbo += (p.LogP - d.gamma*p.LogQ) / float64(n)
			logQ += p.LogQ / float64(n)
		}
		if d.scorer != nil {
			axpy(p.Grad, -1, d.scorer.Score(d.at, p.X))
		}
		if d.score == nil {
			d.tangent.Tangent(tan, p, 1/float64(n))
		}
	}
	if err := d.agrees(logQ, n); err != nil {
		return out, err
	}
	// Pairs are independent of each other, their members need not be.
	pair := 1
	if d.mirror != nil || d.whole != nil {
		pair = 2
	}
	if d.score != nil {
		d.scores(tan, n, pair)
	}
	out.err = d.stdErr(out.elbo, n, pair)
	if d.exact && d.scorer == nil {
		clear(d.work)
		d.tangent.EntropyTangent(d.work)
		axpy(tan, d.gamma, d.work)
	}
	if d.t.Exact != nil {
		v, err := d.t.exactPart(tan, d.q)
		if err != nil {
			return out, err
		}
		out.elbo += v
	}
	return out, nil
}

// scores adds the gradient-free estimate: values less a baseline, times scores. The
// baseline of a pair is the mean of the values outside it, since with its own the
// part of log p, and of it alone, would shrink by a factor of up to 1 − 2/n. Given points
// have that of all values, as in the paper.
func (d *draws) scores(tan []float64, n, pair int) {
	value := func(p *expfam.Draw) float64 {
		switch {
		case p.Aside:
			return 0
		case d.exact:
			return p.LogP
		}
		return p.LogP - p.LogQ
	}
	total := 0.0
	for k := range d.points {
		total += value(&d.points[k]) / float64(n)
	}
	for k := 0; k < len(d.points); k += pair {
		base := total
		if d.given == nil {
			own, in := 0.0, 0
			for i := k; i < k+pair; i++ {
				if p := &d.points[i]; !p.Aside {
					own += value(p) / float64(n)
					in++
				}
			}
			if base = 0; n > in {
				base = (total - own) * float64(n) / float64(n-in)
			}
		}
		for i := k; i < k+pair; i++ {
			if p := &d.points[i]; !p.Aside {
				d.score.ScoreTangent(tan, p.X, (value(p)-base)/float64(n))
			}
		}
	}
}

// stdErr returns the standard error of the ELBO, the mean over n draws.
func (d *draws) stdErr(elbo float64, n, pair int) float64 {
	v, m := 0.0, 0
	for k := 0; k+pair <= len(d.points); k += pair {
		x, in := 0.0, 0
		for i := range pair {
			if p := &d.points[k+i]; !p.Aside {
				x += p.LogP - d.gamma*p.LogQ
				in++
			}
		}
		if in == 0 {
			continue
		}
		x = x/float64(in) - elbo
		v += x * x
		m++
	}
	if m < 2 {
		return math.Inf(1)
	}
	return math.Sqrt(v / float64(m-1) / float64(m))
}

func (d *draws) gap(dst []float64) ([]float64, error) {
	x, logQ := make([]float64, d.t.Dim), 0.0
	for k := range gapDraws {
		d.q.Sample(x, d.rng.at(d.seed, streamGap, uint64(k)))
		v, err := protect("Target.LogProb", func() float64 { return d.t.LogProb(x) })
		if err == nil && !finite(v) {
			err = d.t.nonFinite("the log density", v, x)
		}
		if err != nil {
			return dst, err
		}
		lq := d.q.LogProb(x)
		if !finite(lq) {
			return dst, densityError(lq, x)
		}
		dst = append(dst, v-d.gamma*lq)
		logQ += lq / gapDraws
	}
	return dst, d.agrees(logQ, gapDraws)
}
