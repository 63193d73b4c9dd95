package vi

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/internal/psis"
	"gonum.org/v1/gonum/mat"
)

// Resample returns n draws, one a row, of the posterior corrected by
// importance sampling: the diagnostic draws, taken with the Pareto-smoothed weights of the
// density ratios (Vehtari et al. 2024) by systematic resampling. It is a
// better sample of p(θ | D) than draws of q are as long as k̂ < 0.7; rows repeat
// where weights are large, so that ESS, not n, says what they are worth. It errs
// if the fit kept no draws or n < 1.
func (r *Result) Resample(n int, seed uint64) (*mat.Dense, error) {
	if err := r.weighted("Resample"); err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, fmt.Errorf("vi: Resample: n is %d, want at least 1", n)
	}
	rows, d := r.Draws.Dims()
	dst := mat.NewDense(n, d, nil)
	var s stream
	rng := s.at(seed, streamResample, 0)
	u := rng.Float64()
	cum, i := math.Exp(r.LogWeights[0]), 0
	for k := range n {
		for at := (float64(k) + u) / float64(n); cum < at && i < rows-1; {
			i++
			cum += math.Exp(r.LogWeights[i])
		}
		dst.SetRow(k, r.Draws.RawRowView(i))
	}
	// The order of the draws would make neighbours equal.
	rng.Shuffle(n, func(a, b int) {
		x, y := dst.RawRowView(a), dst.RawRowView(b)
		for j := range x {
			x[j], y[j] = y[j], x[j]
		}
	})
	return dst, nil
}

// Moments returns mean and standard deviation of every parameter of the
// posterior corrected by importance sampling, as [Result.Resample] does but
// without its noise. Their standard errors are about sd/√ESS and sd/√(2 ESS).
func (r *Result) Moments() (mean, sd []float64, err error) {
	if err := r.weighted("Moments"); err != nil {
		return nil, nil, err
	}
	rows, d := r.Draws.Dims()
	mean, sd = make([]float64, d), make([]float64, d)
	for pass := range 2 {
		for i := range rows {
			w := math.Exp(r.LogWeights[i])
			for j, x := range r.Draws.RawRowView(i) {
				if pass == 0 {
					mean[j] += w * x
				} else {
					sd[j] += w * (x - mean[j]) * (x - mean[j])
				}
			}
		}
	}
	for j, v := range sd {
		sd[j] = math.Sqrt(v)
	}
	return mean, sd, nil
}

// Expect returns the mean of f under the posterior corrected by importance
// sampling, Σ w f(x) over the diagnostic draws x with their weights w, and its standard
// error √Σ w²(f(x) − mean)². The error is to be trusted while k̂ < 0.7. Infinities and
// NaN of f are passed on. It errs if the fit kept no draws or f panics.
func (r *Result) Expect(f func(x []float64) float64) (mean, se float64, err error) {
	if err := r.weighted("Expect"); err != nil {
		return 0, 0, err
	}
	v, err := r.values("Expect", f)
	if err != nil {
		return 0, 0, err
	}
	for i, lw := range r.LogWeights {
		if w := math.Exp(lw); w > 0 { // a draw without weight may be where f is not defined
			mean += w * v[i]
		}
	}
	for i, lw := range r.LogWeights {
		if w := math.Exp(lw); w > 0 {
			se += w * w * (v[i] - mean) * (v[i] - mean)
		}
	}
	return mean, math.Sqrt(se), nil
}

// Quantiles returns the quantiles of f at the probabilities p under the posterior
// corrected by importance sampling: the inverse of the weighted distribution function of the
// diagnostic draws, linear between the middles of its steps. It errs if the fit
// kept no draws, a p is not in [0, 1], a value of f is NaN, or f panics.
func (r *Result) Quantiles(p []float64, f func(x []float64) float64) ([]float64, error) {
	if err := r.weighted("Quantiles"); err != nil {
		return nil, err
	}
	v, err := r.values("Quantiles", f)
	if err != nil {
		return nil, err
	}
	q, err := psis.Quantiles(nil, p, v, r.LogWeights)
	if err != nil {
		return nil, fmt.Errorf("vi: Quantiles: %w", err)
	}
	return q, nil
}

// values evaluates f, the argument of the method fn, at the diagnostic draws.
func (r *Result) values(fn string, f func(x []float64) float64) (v []float64, err error) {
	defer caught("the argument of "+fn, &err)
	v = make([]float64, len(r.LogWeights))
	for i := range v {
		v[i] = f(r.Draws.RawRowView(i))
	}
	return v, nil
}

func (r *Result) weighted(fn string) error {
	if r.Draws == nil || len(r.LogWeights) == 0 || math.IsNaN(r.KHat) {
		return fmt.Errorf("vi: %s: the fit has no weighted draws; want Settings.Diagnostics >= 0 and a target with LogProb", fn)
	}
	return nil
}
