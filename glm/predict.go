package glm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// PredictOptions steers predictions; the zero value is a good default.
type PredictOptions struct {
	Level float64 // coverage of the intervals; 0 means 0.9
	Draws int     // posterior draws behind outcome intervals; 0 means 4000
	Seed  uint64
}

// Interval is a prediction with its central interval.
type Interval struct{ Mean, SD, Lower, Upper float64 }

// Prediction is what the model says of one new row.
type Prediction struct {
	Row       int      // row of the frame, from 0
	Predictor Interval // of the linear predictor η
	Mean      Interval // of the mean outcome (for one trial, if the family has trials)
	Outcome   Interval // of an outcome not yet seen, its own noise included
}

// Predict predicts new rows: the linear predictor η = x'β + offset, whose
// posterior is normal; the mean E[y|η], whose interval is that of η through the
// link; and a new outcome, by draws. Rows with missing values are treated as the
// model's Missing option says. Cost: O(d²) a row and Draws outcomes.
func (f *Result) Predict(data Frame, opt *PredictOptions) ([]Prediction, error) {
	var o PredictOptions
	if opt != nil {
		o = *opt
	}
	if o.Level == 0 {
		o.Level = 0.9
	}
	if !(o.Level > 0 && o.Level < 1) {
		return nil, fmt.Errorf("glm: Result.Predict: Level is %v, want in (0, 1)", o.Level)
	}
	if o.Draws == 0 {
		o.Draws = 4000
	}
	if o.Draws < 100 {
		return nil, fmt.Errorf("glm: Result.Predict: Draws is %d, want at least 100", o.Draws)
	}
	x, offset, trials, rows, err := f.Encoding.Apply(data)
	if err != nil {
		return nil, err
	}
	draws := f.Draws(o.Draws, o.Seed)
	mean := f.Posterior.Mean(nil)
	vars := f.Posterior.PredictorVar(nil, x, nil)
	z := normalQuantile((1 + o.Level) / 2)
	out := make([]Prediction, len(rows))
	y, mu := make([]float64, o.Draws), make([]float64, o.Draws)
	aux := make([]float64, len(f.Names)-f.Coefs)
	rng := rand.New(rand.NewPCG(o.Seed, 0x9d1c7))
	for i := range out {
		eta, n := dotRow(x, i, mean), 1.0
		if offset != nil {
			eta += offset[i]
		}
		if trials != nil {
			n = trials[i]
		}
		sd := math.Sqrt(vars[i])
		p := &out[i]
		p.Row = rows[i]
		p.Predictor = Interval{eta, sd, eta - z*sd, eta + z*sd}
		for s := range y {
			th := draws.RawRowView(s)
			copy(aux, th[f.Coefs:])
			e := dotRow(x, i, th)
			if offset != nil {
				e += offset[i]
			}
			mu[s] = f.Family.Mean(e, aux)
			y[s] = f.Family.Sample(rng, e, aux, n)
		}
		p.Mean = moments(mu)
		// Links are monotone, so the interval is exact.
		p.Mean.Lower, p.Mean.Upper = f.Family.Mean(p.Predictor.Lower, aux), f.Family.Mean(p.Predictor.Upper, aux)
		p.Outcome = moments(y)
		slices.Sort(y)
		p.Outcome.Lower, p.Outcome.Upper = sortedQuantile(y, (1-o.Level)/2), sortedQuantile(y, (1+o.Level)/2)
	}
	return out, nil
}

// Draws returns n draws of θ from the posterior, one a row.
func (f *Result) Draws(n int, seed uint64) *mat.Dense {
	rng := rand.New(rand.NewPCG(seed, 0xd4a35))
	d := mat.NewDense(n, len(f.Names), nil)
	for i := range n {
		f.Posterior.Sample(d.RawRowView(i), rng)
	}
	return d
}

func dotRow(x blas64.General, i int, b []float64) float64 {
	s := 0.0
	for j, v := range x.Data[i*x.Stride : i*x.Stride+x.Cols] {
		s += v * b[j]
	}
	return s
}

func moments(v []float64) Interval {
	m, m2 := 0.0, 0.0
	for i, x := range v {
		d := x - m
		m += d / float64(i+1)
		m2 += d * (x - m)
	}
	return Interval{Mean: m, SD: math.Sqrt(m2 / float64(len(v)-1))}
}

// sortedQuantile is the order statistic at which the empirical distribution
// function first reaches p; for counts that is a value that can occur.
func sortedQuantile(sorted []float64, p float64) float64 {
	k := sort.Search(len(sorted), func(i int) bool { return float64(i+1)/float64(len(sorted)) >= p })
	return sorted[min(k, len(sorted)-1)]
}

// quantiles returns the 5 % and 95 % quantiles of v, which it sorts.
func quantiles(v []float64) (q05, q95 float64) {
	slices.Sort(v)
	return sortedQuantile(v, 0.05), sortedQuantile(v, 0.95)
}
