package psis

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/blas/blas64"

	"github.com/natgrad/natgrad/internal/la"
)

// Pointwise gives log likelihoods of N observations under S posterior draws
// without holding them all.
type Pointwise struct {
	Draws int // S
	N     int // number of observations
	// LogLik writes log p(y_i|θ_s) of observations lo ≤ i < hi to
	// dst[s·(hi−lo) + i−lo], one row a draw. It must be safe for concurrent
	// use if more than one worker is asked for.
	LogLik func(dst []float64, lo, hi int)
}

// Matrix returns the Pointwise of a matrix with one row a draw and one column
// an observation. It keeps ll.
func Matrix(ll blas64.General) *Pointwise {
	return &Pointwise{Draws: ll.Rows, N: ll.Cols, LogLik: func(dst []float64, lo, hi int) {
		for s := range ll.Rows {
			copy(dst[s*(hi-lo):(s+1)*(hi-lo)], ll.Data[s*ll.Stride+lo:s*ll.Stride+hi])
		}
	}}
}

// LOOResult is an estimate of leave-one-out predictive accuracy.
type LOOResult struct {
	ELPD   float64 // elpd_loo = Σ_i log p(y_i|y_−i), in nats
	SE     float64 // its standard error √(N·var(pointwise)); 0 if N = 1, where it is unknown
	P      float64 // p_loo = Σ_i log p(y_i|y) − elpd_loo, the effective number of parameters
	PSE    float64 // its standard error
	LOOIC  float64 // −2·elpd_loo
	Points []LOOPoint
	// HighK counts the points with k̂ ≥ HighKHat, whose terms are not to be trusted.
	HighK int
	// Base describes the base weights; KHat is 0 and ESS the number of draws
	// if there are none.
	Base Diagnostics
}

// LOOPoint is one observation's share of a LOOResult.
type LOOPoint struct {
	ELPD float64 // log p(y_i|y_−i)
	P    float64 // log p(y_i|y) − log p(y_i|y_−i)
	KHat float64 // Pareto shape of the observation's importance ratios
	ESS  float64 // importance-sampling sample size 1/Σw²
}

// WAICResult is the widely applicable information criterion.
type WAICResult struct {
	ELPD   float64 // elpd_waic = Σ_i (log p(y_i|y) − p_i), in nats
	SE     float64 // its standard error √(N·var(pointwise)); 0 if N = 1, where it is unknown
	P      float64 // p_waic = Σ_i p_i
	PSE    float64 // its standard error
	WAIC   float64 // −2·elpd_waic
	Points []WAICPoint
	// HighP counts the points with p_i > 0.4, where LOO is to be preferred
	// (Vehtari, Gelman and Gabry 2017, section 2.2).
	HighP int
	Base  Diagnostics // as in LOOResult
}

// WAICPoint is one observation's share of a WAICResult.
type WAICPoint struct {
	ELPD float64 // log p(y_i|y) − P
	P    float64 // posterior variance of log p(y_i|θ)
}

// LOO estimates the leave-one-out predictive density of every observation by
// Pareto-smoothed importance sampling (Vehtari, Gelman and Gabry 2017, section
// 2.1): with smoothed normalised weights w of the ratios
//
//	r_is = exp(lw_s)/p(y_i|θ_s),  elpd_i = log Σ_s w_is·p(y_i|θ_s).
//
// lw holds one log weight log p(D,θ_s) − log q(θ_s), up to a constant, a draw
// if the draws come from an approximation q, and is nil for draws from the
// posterior itself. A weight of −Inf leaves a draw out. log p(y_i|y) takes the
// smoothed base weights.
//
// Observations are taken in blocks by the given number of workers (less than 2
// is 1); the result does not depend on it. A log likelihood that is NaN or
// infinite at a draw of non-zero weight is an *[Error]; so is a panic of LogLik
// an error.
func LOO(p *Pointwise, lw []float64, workers int) (*LOOResult, error) {
	b, err := newBase("LOO", p, lw)
	if err != nil {
		return nil, err
	}
	r := &LOOResult{Points: make([]LOOPoint, p.N), Base: b.diag}
	err = p.each(workers, func(w *worker, i int, ll []float64) error {
		lpd, err := b.logMeanExp("LOO", w, i, ll)
		if err != nil {
			return err
		}
		for s, v := range ll {
			w.ratio[s] = b.raw(s) - v
			if math.IsInf(b.raw(s), -1) {
				w.ratio[s] = math.Inf(-1)
			}
		}
		d, err := w.smoother.Smooth(w.ratio, w.ratio)
		if err != nil {
			return err
		}
		for s, v := range ll {
			if !math.IsInf(w.ratio[s], -1) {
				w.ratio[s] += v
			}
		}
		elpd := w.logSumExp(w.ratio)
		r.Points[i] = LOOPoint{ELPD: elpd, P: lpd - elpd, KHat: d.KHat, ESS: d.ESS}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.ELPD, r.SE = total(p.N, func(i int) float64 { return r.Points[i].ELPD })
	r.P, r.PSE = total(p.N, func(i int) float64 { return r.Points[i].P })
	r.LOOIC = -2 * r.ELPD
	for _, q := range r.Points {
		if q.KHat >= HighKHat {
			r.HighK++
		}
	}
	return r, nil
}

// WAIC returns the widely applicable information criterion (Watanabe 2010;
// Vehtari, Gelman and Gabry 2017, section 2.2): elpd_i = log p(y_i|y) − p_i with
// p_i the posterior variance of log p(y_i|θ), by the unbiased estimate
//
//	Σ_s w_s (ℓ_s − ℓ̄)² / (1 − Σ_s w_s²).
//
// Arguments and errors are those of [LOO].
func WAIC(p *Pointwise, lw []float64, workers int) (*WAICResult, error) {
	b, err := newBase("WAIC", p, lw)
	if err != nil {
		return nil, err
	}
	if b.sum2 > 1-1e-12 {
		return nil, &Error{"WAIC", "number of draws of non-zero weight", -1, -1, 1, "at least 2"}
	}
	r := &WAICResult{Points: make([]WAICPoint, p.N), Base: b.diag}
	err = p.each(workers, func(w *worker, i int, ll []float64) error {
		lpd, err := b.logMeanExp("WAIC", w, i, ll)
		if err != nil {
			return err
		}
		mean, v := 0.0, 0.0
		for s, l := range ll {
			if b.w[s] > 0 {
				mean += b.w[s] * l
			}
		}
		for s, l := range ll {
			if b.w[s] > 0 {
				v += b.w[s] * (l - mean) * (l - mean)
			}
		}
		v /= 1 - b.sum2
		r.Points[i] = WAICPoint{ELPD: lpd - v, P: v}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.ELPD, r.SE = total(p.N, func(i int) float64 { return r.Points[i].ELPD })
	r.P, r.PSE = total(p.N, func(i int) float64 { return r.Points[i].P })
	r.WAIC = -2 * r.ELPD
	for _, q := range r.Points {
		if q.P > 0.4 {
			r.HighP++
		}
	}
	return r, nil
}

// total returns Σ v_i and √(n·var(v)).
func total(n int, v func(i int) float64) (sum, se float64) {
	for i := range n {
		sum += v(i)
	}
	if n < 2 {
		return sum, 0
	}
	mean, ss := sum/float64(n), 0.0
	for i := range n {
		d := v(i) - mean
		ss += d * d
	}
	return sum, math.Sqrt(ss / float64(n-1) * float64(n))
}

// base holds the base weights of the draws.
type base struct {
	lw   []float64 // as given, nil for equal ones
	logW []float64 // smoothed, normalised
	w    []float64 // exp(logW)
	sum2 float64   // Σw²
	diag Diagnostics
}

func newBase(fn string, p *Pointwise, lw []float64) (*base, error) {
	switch {
	case p == nil || p.LogLik == nil:
		return nil, fmt.Errorf("psis: %s: no log likelihood was given", fn)
	case p.Draws < 1:
		return nil, &Error{fn, "number of draws", -1, -1, float64(p.Draws), "at least 1"}
	case p.N < 1:
		return nil, &Error{fn, "number of observations", -1, -1, float64(p.N), "at least 1"}
	case lw != nil && len(lw) != p.Draws:
		return nil, &Error{fn, "number of base log weights", -1, -1, float64(len(lw)), fmt.Sprintf("%d, one a draw", p.Draws)}
	}
	n := float64(p.Draws)
	b := &base{lw: lw, logW: make([]float64, p.Draws), diag: Diagnostics{ESS: n}}
	if lw == nil {
		for s := range b.logW {
			b.logW[s] = -math.Log(n)
		}
	} else {
		d, err := Smooth(b.logW, lw)
		if err != nil {
			return nil, fmt.Errorf("psis: %s: base weights: %w", fn, err)
		}
		b.diag = d
	}
	b.w = la.Exp(nil, b.logW)
	for _, w := range b.w {
		b.sum2 += w * w
	}
	return b, nil
}

func (b *base) raw(s int) float64 {
	if b.lw == nil {
		return 0
	}
	return b.lw[s]
}

// logMeanExp checks the log likelihoods of observation i and returns
// log Σ w_s·exp(ll_s).
func (b *base) logMeanExp(fn string, w *worker, i int, ll []float64) (float64, error) {
	for s, v := range ll {
		if math.IsInf(b.logW[s], -1) {
			w.ratio[s] = math.Inf(-1)
			continue
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, &Error{fn, "log likelihood", i, s, v, "a finite number"}
		}
		w.ratio[s] = b.logW[s] + v
	}
	return w.logSumExp(w.ratio), nil
}

// worker is one goroutine's workspace.
type worker struct {
	smoother          Smoother
	block             []float64
	ll, ratio, expBuf []float64
}

// logSumExp returns log Σ exp(v); not all of v are −Inf.
func (w *worker) logSumExp(v []float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = max(top, x)
	}
	for i, x := range v {
		w.expBuf[i] = x - top
	}
	sum := 0.0
	for _, e := range la.Exp(w.expBuf, w.expBuf) {
		sum += e
	}
	return top + math.Log(sum)
}

// blockValues bounds the log likelihoods that a worker holds at a time.
const blockValues = 1 << 16

// each calls f for every observation with its log likelihoods. f writes only
// what belongs to observation i. The error returned is that of the first
// observation that had one, whatever the number of workers.
func (p *Pointwise) each(workers int, f func(w *worker, i int, ll []float64) error) error {
	size := min(max(blockValues/p.Draws, 1), p.N)
	blocks := (p.N + size - 1) / size
	errs := make([]error, blocks)
	var next atomic.Int64
	var failed atomic.Bool
	run := func() {
		w := &worker{
			block: make([]float64, p.Draws*size),
			ll:    make([]float64, p.Draws), ratio: make([]float64, p.Draws), expBuf: make([]float64, p.Draws),
		}
		// Blocks are begun in order, so every block before a failed one has
		// been begun when failed is set and will be finished.
		for !failed.Load() {
			k := int(next.Add(1)) - 1
			if k >= blocks {
				return
			}
			if errs[k] = p.one(w, k*size, min((k+1)*size, p.N), f); errs[k] != nil {
				failed.Store(true)
			}
		}
	}
	if workers = min(workers, blocks); workers < 2 {
		run()
	} else {
		var wg sync.WaitGroup
		for range workers {
			wg.Go(run)
		}
		wg.Wait()
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// one handles observations lo … hi−1. A panic of the caller's LogLik becomes an
// error: in a goroutine of ours it would end the process.
func (p *Pointwise) one(w *worker, lo, hi int, f func(w *worker, i int, ll []float64) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("psis: log likelihood of observations %d to %d panicked: %v", lo, hi-1, r)
			if cause, ok := r.(error); ok {
				err = fmt.Errorf("psis: log likelihood of observations %d to %d: %w", lo, hi-1, cause)
			}
		}
	}()
	n := hi - lo
	block := w.block[:p.Draws*n]
	p.LogLik(block, lo, hi)
	for i := range n {
		for s := range w.ll {
			w.ll[s] = block[s*n+i]
		}
		if err := f(w, lo+i, w.ll); err != nil {
			return err
		}
	}
	return nil
}
