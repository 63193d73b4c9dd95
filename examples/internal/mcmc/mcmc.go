// Package mcmc samples posteriors by random-walk Metropolis, so that the tests
// of the examples have moments to compare with that owe nothing to variational
// inference. It is made for a handful of parameters and says how exact its own
// answers are.
package mcmc

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// batches is the number of batches behind a standard error, which then has a
// relative error of 1/√(2·63) = 9 %.
const batches = 64

// Chain holds the draws after warm-up, one a row, successive ones correlated.
type Chain struct {
	Draws  [][]float64
	Accept float64 // share of accepted proposals after warm-up
}

// Sample draws from the density exp(logp) over ℝᵈ from start on. Proposals are
// normal steps; scale holds their first standard deviations. In warm-up their
// covariance follows that of the chain (Haario, Saksman and Tamminen, Bernoulli
// 7, 2001) and their size the acceptance rate 0.3; afterwards both stand still,
// so that the draws kept are those of an ordinary Metropolis chain.
func Sample(logp func(x []float64) float64, start, scale []float64, warmup, draws int, rng *rand.Rand) (*Chain, error) {
	d := len(start)
	if d == 0 || len(scale) != d {
		return nil, fmt.Errorf("mcmc: Sample: start has %d coordinates and scale %d, want equally many and at least 1", d, len(scale))
	}
	if warmup < 100*d || draws < 2*batches {
		return nil, fmt.Errorf("mcmc: Sample: warmup is %d and draws %d, want at least %d and %d", warmup, draws, 100*d, 2*batches)
	}
	x := append([]float64(nil), start...)
	lp := logp(x)
	if math.IsNaN(lp) || math.IsInf(lp, 0) {
		return nil, fmt.Errorf("mcmc: Sample: the log density is %v at the start %v, want a finite number", lp, start)
	}
	root := mat.NewTriDense(d, mat.Lower, nil)
	for i, s := range scale {
		root.SetTri(i, i, s)
	}
	p := proposal{root: root, logSize: math.Log(2.38 / math.Sqrt(float64(d))), mean: append([]float64(nil), x...), cov: mat.NewSymDense(d, nil)}
	y, step := make([]float64, d), make([]float64, d)
	c := &Chain{Draws: make([][]float64, 0, draws)}
	flat := make([]float64, draws*d)
	accepted := 0
	for i := range warmup + draws {
		for k := range step {
			step[k] = rng.NormFloat64()
		}
		p.scale(step)
		for k := range y {
			y[k] = x[k] + step[k]
		}
		a := 0.0
		if ly := logp(y); !math.IsNaN(ly) {
			a = math.Exp(math.Min(0, ly-lp))
			if rng.Float64() < a {
				x, y, lp = y, x, ly
				if i >= warmup {
					accepted++
				}
			}
		}
		if i < warmup {
			p.adapt(x, a, i, warmup)
			continue
		}
		row := flat[len(c.Draws)*d : (len(c.Draws)+1)*d]
		copy(row, x)
		c.Draws = append(c.Draws, row)
	}
	c.Accept = float64(accepted) / float64(draws)
	return c, nil
}

// proposal is the normal step: size times a lower triangular root.
type proposal struct {
	root    *mat.TriDense
	logSize float64
	seen    float64
	mean    []float64
	cov     *mat.SymDense
}

func (p *proposal) scale(step []float64) {
	size := math.Exp(p.logSize)
	blas64.Trmv(blas.NoTrans, p.root.RawTriangular(), blas64.Vector{N: len(step), Inc: 1, Data: step})
	for k := range step {
		step[k] *= size
	}
}

// adapt takes in state x of warm-up step i and its acceptance probability.
func (p *proposal) adapt(x []float64, accept float64, i, warmup int) {
	p.logSize += (accept - 0.3) / math.Pow(float64(i+1), 0.6)
	if i == warmup/4 {
		p.seen = 0 // forget the way from the start to the bulk
		p.cov.Zero()
	}
	p.seen++
	w := 1 / p.seen
	diff := make([]float64, len(x))
	for k := range x {
		diff[k] = x[k] - p.mean[k]
		if p.seen == 1 {
			p.mean[k], diff[k] = x[k], 0
			continue
		}
		p.mean[k] += w * diff[k]
	}
	p.cov.ScaleSym(1-w, p.cov)
	p.cov.SymRankOne(p.cov, w*(1-w), mat.NewVecDense(len(x), diff))
	if n := int(p.seen); n < 50*len(x) || n%50 != 0 {
		return
	}
	var ch mat.Cholesky
	if ch.Factorize(p.cov) {
		ch.LTo(p.root)
	}
}

// Mean returns the average of f over the draws and its standard error, by
// batch means.
func (c *Chain) Mean(f func(x []float64) float64) (mean, se float64) {
	size := len(c.Draws) / batches
	sum, sum2 := 0.0, 0.0
	for b := range batches {
		m := 0.0
		for _, x := range c.Draws[b*size : (b+1)*size] {
			m += f(x)
		}
		m /= float64(size)
		d := m - sum
		sum += d / float64(b+1)
		sum2 += d * (m - sum)
	}
	return sum, math.Sqrt(sum2 / (batches - 1) / batches)
}

// Moments returns mean and standard deviation of f over the draws with their
// standard errors.
func (c *Chain) Moments(f func(x []float64) float64) (mean, meanSE, sd, sdSE float64) {
	mean, meanSE = c.Mean(f)
	v, vse := c.Mean(func(x []float64) float64 { d := f(x) - mean; return d * d })
	sd = math.Sqrt(v)
	return mean, meanSE, sd, vse / (2 * sd)
}

// Check compares means and standard deviations of the coordinates of the chain
// with those of an approximate posterior. They may differ by four standard
// errors of the chain and, in units of the posterior sd, by bias more: what the
// approximation itself is allowed. All differences beyond that are reported.
func (c *Chain) Check(names []string, mean, sd []float64, bias float64) error {
	var errs []error
	for j, name := range names {
		m, mse, s, sse := c.Moments(func(x []float64) float64 { return x[j] })
		if !(mse < 0.1*s) {
			errs = append(errs, fmt.Errorf("%s: the chain's mean has a standard error of %.2g sd, too large to compare with", name, mse/s))
		}
		if d := math.Abs(mean[j] - m); !(d <= 4*mse+bias*s) {
			errs = append(errs, fmt.Errorf("%s: mean %.5g, the chain has %.5g ± %.2g (sd %.3g)", name, mean[j], m, mse, s))
		}
		if d := math.Abs(sd[j] - s); !(d <= 4*sse+bias*s) {
			errs = append(errs, fmt.Errorf("%s: sd %.5g, the chain has %.5g ± %.2g", name, sd[j], s, sse))
		}
	}
	return errors.Join(errs...)
}
