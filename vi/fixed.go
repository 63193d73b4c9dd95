package vi

import (
	"math"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/wire"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// whitened is a normal posterior that maps standard normals to its draws.
type whitened interface {
	Gaussian
	Mirrorer
	Transform(dst, eps []float64) []float64
	FisherMul(dst, v []float64) []float64
}

// fixed takes expectations over the draws μ ± Mε_k, MM' = Σ, of m pairs whose ε_k are the same
// at every step and have the second moment Σ_k ε_kε_k'/m = I exactly.
//
// The steps then are those of a deterministic problem, with its line search and its quick
// convergence, and a quadratic log density is fitted without error by any m >= Dim. What it costs
// that the ε_k are few is estimated at the solution, see excess, and m grows until that is below
// the tolerance: a sample-average approximation with common random numbers (Giordano, Ingram and
// Broderick 2024), whose whitening is what allows full covariances.
type fixed struct {
	*draws
	to    whitened
	eps   []float64 // m rows
	steps int       // since eps was made
	loss  float64   // excess at the last step, NaN if it was not asked for
	mix   mixing

	means, mean, dev, fdev []float64 // tangents of groups, for excess
	slope                  []float64 // Dim×Dim
}

const (
	// maxFixed is the largest dimension at which the draws are fixed: m is at least that.
	maxFixed = 500
	// maxFixedPairs and maxFixedSize bound m and m·Dim.
	maxFixedPairs = maxPoints / 2
	maxFixedSize  = 1 << 22
	minPairs      = 8
	// fixedGroups is the number of groups of pairs whose gradients are compared.
	fixedGroups = 16
	// fixedSteps is the number of steps after which a fit to the same draws is given up.
	fixedSteps = 300

	// excessShare is the share of Tol that the choice of the draws may cost, by an estimate that
	// tends to be too large by a factor of two to five: the second moments of the ε_k are exact, which makes
	// the mean of a cubic log density exact too, but not in groups.
	excessShare = 0.35
	// solveShare and solveLoss are the shares of Tol and of the excess to which a problem
	// with fixed draws is solved; nearSolved is the multiple of Tol from which that is looked at.
	solveShare = 0.002
	solveLoss  = 0.25
	nearSolved = 20
)

// newFixed makes d a sum over fixed draws, nil where it must not or cannot be one.
func newFixed(e *Engine, d *draws) *fixed {
	q, ok := e.q.(whitened)
	_, paced := e.q.(Pacer)
	if !ok || paced || e.t.Dim > maxFixed || e.s.Draws > 0 || e.s.Batch > 0 || e.s.Rate != nil || e.s.Plain || e.s.Points != nil {
		return nil
	}
	n := q.NumParams()
	f := &fixed{draws: d, to: q, slope: make([]float64, e.t.Dim*e.t.Dim),
		means: make([]float64, fixedGroups*n), mean: make([]float64, n), dev: make([]float64, n), fdev: make([]float64, n)}
	f.mix.init(q)
	f.grow(max(minPairs, 2*e.t.Dim))
	return f
}

// pairs returns m.
func (f *fixed) pairs() int { return len(f.points) / 2 }

// grow makes m pairs, the first ones from the same random numbers as before.
func (f *fixed) grow(m int) {
	d := f.t.Dim
	f.eps = make([]float64, m*d)
	for k := range m {
		rng := f.rng.at(f.seed, streamFixed, uint64(k))
		for i := range d {
			f.eps[k*d+i] = rng.NormFloat64()
		}
	}
	x := blas64.General{Rows: m, Cols: d, Stride: d, Data: f.eps}
	w := blas64.Symmetric{N: d, Stride: d, Uplo: blas.Upper, Data: make([]float64, d*d)}
	blas64.Syrk(blas.Trans, 1/float64(m), x, 0, w)
	if u, ok := lapack64.Potrf(w); ok { // always, as m > Dim
		blas64.Trsm(blas.Right, blas.NoTrans, 1, u, x)
	}
	f.resize(2 * m)
	f.steps, f.loss = 0, math.NaN()
}

func (f *fixed) estimate(tan []float64, _ int) (estimate, error) {
	d := f.t.Dim
	for k := range f.pairs() {
		x := f.points[2*k].X
		f.to.Transform(x, f.eps[k*d:(k+1)*d])
		f.mirror.Mirror(f.points[2*k+1].X, x)
	}
	return f.over(tan)
}

// excess estimates what a fit loses on average because its ε_k are these: half the variance of
// the natural gradient in the metric of the Fisher matrix, which is the loss by one Newton step, from the
// scatter of the gradients of groups of pairs. It uses the points of the last estimate.
// The gradients have been fitted by Dim slopes, which hides the share Dim/m of their variance and
// adds as much to the error.
func (f *fixed) excess() float64 {
	f.straighten()
	p, m := f.to.NumParams(), f.pairs()
	groups := min(fixedGroups, m)
	clear(f.means)
	clear(f.mean)
	for k := range f.points {
		g := k / 2 % groups
		in := (m - g + groups - 1) / groups
		f.tangent.Tangent(f.means[g*p:(g+1)*p], &f.points[k], 0.5/float64(in))
	}
	for g := range groups {
		axpy(f.mean, 1/float64(groups), f.means[g*p:(g+1)*p])
	}
	v := 0.0
	for g := range groups {
		floats.SubTo(f.dev, f.means[g*p:(g+1)*p], f.mean)
		f.to.FisherMul(f.fdev, f.dev)
		v += floats.Dot(f.dev, f.fdev)
	}
	free := 1 - float64(f.t.Dim)/float64(m)
	return v / float64(groups*(groups-1)) / 2 / (free * free)
}

// straighten takes the linear part off the gradients at the points: over all ε_k it is
// exact, and no noise, though not over a group of them.
func (f *fixed) straighten() {
	d, m := f.t.Dim, f.pairs()
	slope := blas64.General{Rows: d, Cols: d, Stride: d, Data: f.slope}
	vec := func(v []float64) blas64.Vector { return blas64.Vector{N: d, Data: v, Inc: 1} }
	clear(f.slope)
	for k := range m {
		eps := vec(f.eps[k*d : (k+1)*d])
		blas64.Ger(0.5/float64(m), vec(f.points[2*k].Grad), eps, slope)
		blas64.Ger(-0.5/float64(m), vec(f.points[2*k+1].Grad), eps, slope)
	}
	for k := range m {
		eps := vec(f.eps[k*d : (k+1)*d])
		blas64.Gemv(blas.NoTrans, -1, slope, eps, 1, vec(f.points[2*k].Grad))
		blas64.Gemv(blas.NoTrans, 1, slope, eps, 1, vec(f.points[2*k+1].Grad))
	}
}

// enough returns the gain in nats that is not worth another step over the same draws, where
// left is what there may be.
func (f *fixed) enough(left, tol float64) float64 {
	f.loss = math.NaN()
	if left > nearSolved*tol {
		return 0
	}
	f.loss = f.excess()
	return math.Max(solveShare*tol, solveLoss*f.loss)
}

// stepFixed is stepExact over fixed draws, which goes on with more of them where their problem is
// solved, and with independent ones where it has no solution.
func (e *Engine) stepFixed() (Record, error) {
	f := e.fixed
	if e.iter == 0 && !e.have {
		est, err := f.estimate(e.tan, 0)
		e.evals += est.evals
		if err != nil && !isNonFinite(err) {
			return Record{}, err
		}
		e.cur, e.have = est, err == nil
		// One draw that is the whole ELBO says that draws tell nothing here.
		if err != nil || est.err > unresolved*float64(e.t.Dim) {
			if err := e.prime(); err != nil {
				return Record{}, err
			}
			e.have = false
		}
	}
	r, err := e.stepExact()
	f.steps++
	switch {
	case err != nil && !isNonFinite(err):
		return r, err
	case err != nil || e.status == Stalled || e.status == Running && f.steps > fixedSteps:
		return r, e.loosen()
	case e.status == Converged:
		e.refine()
	}
	return r, nil
}

// refine ends a run whose problem with fixed draws is solved, or goes on with more draws.
func (e *Engine) refine() {
	f := e.fixed
	if math.IsNaN(f.loss) {
		f.loss = f.excess()
	}
	limit, m := excessShare*e.s.Tol, f.pairs()
	most := min(maxFixedPairs, max(maxFixedSize/e.t.Dim, m))
	if !(f.loss > limit) || m >= most {
		return
	}
	e.status, e.have = Running, false
	f.grow(min(int(float64(m)*math.Min(4, math.Max(1.5, 1.2*f.loss/limit))), most))
}

// loosen goes over from fixed to independent draws.
func (e *Engine) loosen() error {
	d, err := newDraws(e)
	if err != nil {
		return err
	}
	e.est, e.fixed, e.noisy, e.have, e.status = d, nil, true, false, Running
	e.conds &^= expfam.NotConverged
	return nil
}

// slack is the fall of an ELBO that means nothing.
func (e *Engine) slack(elbo float64) float64 {
	if e.fixed != nil {
		// Tangents average over what a rotation of the ε_k would change; the value does not.
		return roundOff(elbo) + e.s.Tol
	}
	return roundOff(elbo)
}

// fixedState is what a saved run keeps of its fixed draws.
type fixedState struct {
	pairs, steps int
	dEta, dTan   [][]float64
}

func (f *fixed) write(w *wire.Writer) {
	if f == nil {
		w.Int(0)
		return
	}
	w.Int(f.pairs())
	w.Int(f.steps)
	w.Int(len(f.mix.dEta))
	for i := range f.mix.dEta {
		w.Floats(f.mix.dEta[i])
		w.Floats(f.mix.dTan[i])
	}
}

func (s *fixedState) read(r *wire.Reader) {
	if s.pairs = r.Int(); s.pairs == 0 {
		return
	}
	s.steps = r.Int()
	for range r.Len(16) {
		s.dEta, s.dTan = append(s.dEta, r.Floats()), append(s.dTan, r.Floats())
	}
}

// consistent tells whether a run with f and n parameters can have left the state.
func (s *fixedState) consistent(f *fixed, n int) bool {
	if s.pairs == 0 {
		return true
	}
	if f == nil || s.pairs < f.pairs() || s.pairs > max(maxFixedPairs, f.pairs()) || s.pairs*f.t.Dim > max(maxFixedSize, f.pairs()*f.t.Dim) || s.steps < 0 || len(s.dEta) > mixDepth {
		return false
	}
	for i, v := range s.dEta {
		if len(v) != n || len(s.dTan[i]) != n {
			return false
		}
	}
	return true
}

// restoreFixed puts the fixed draws of a saved run in place.
func (e *Engine) restoreFixed(s *fixedState) error {
	switch {
	case e.fixed == nil:
		return nil
	case s.pairs == 0:
		status, conds := e.status, e.conds
		err := e.loosen()
		e.status, e.conds = status, conds
		return err
	}
	if s.pairs > e.fixed.pairs() {
		e.fixed.grow(s.pairs)
	}
	e.fixed.steps = s.steps
	e.fixed.mix.restore(s.dEta, s.dTan)
	return nil
}
