package main

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/metrics"
	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

// config is everything that a run is made with.
type config struct {
	method        vadam.Method
	tau, lambda   float64 // noise precision of the standardised target, prior precision
	df            float64 // degrees of freedom of the noise; 0: it is normal
	cold          float64 // ESS as a multiple of the rows
	rate          float64
	epochs, batch int
	draws         int
	members       int // runs that are mixed
	seed          uint64
}

const hidden = 50

// predictor draws functions from what was learnt.
type predictor struct {
	net   *nn.Net32
	draws []*vadam.Optimizer32
	point bool // weights at the mean
	tau   float64
	df    float64
}

// fit trains a net of one hidden layer of 50 rectified linear units.
func fit(ctx context.Context, p *part, c config) (*predictor, error) {
	var loss nn.Loss = nn.Gaussian{Precision: c.tau}
	if c.df > 0 {
		loss = nn.StudentT{DF: c.df, Scale: 1 / math.Sqrt(c.tau)}
	}
	net, err := nn.New32(loss, nn.Vector(p.inputs), nn.Dense{Out: hidden, Act: nn.ReLU}, nn.Dense{Out: 1})
	if err != nil {
		return nil, err
	}
	data := (&nn.Data{X: p.x, Y: p.y, Rows: p.rows}).Float32()
	out := &predictor{net: net, point: c.method == vadam.Adam, tau: c.tau, df: c.df}
	batch := min(c.batch, p.rows)
	steps := c.epochs * ((p.rows + batch - 1) / batch)
	for m := range max(c.members, 1) {
		seed := c.seed + uint64(m)*1000003
		w := make([]float32, net.NumParams())
		net.Init(w, rand.New(rand.NewPCG(seed, 1)))
		opt, err := vadam.New32(w, settings(c, p.rows, steps, seed))
		if err != nil {
			return nil, err
		}
		if _, err := nn.Train32(ctx, net, data, opt, &nn.TrainSettings{Epochs: c.epochs, Batch: batch, Seed: seed}); err != nil {
			return nil, err
		}
		out.draws = append(out.draws, opt)
	}
	return out, nil
}

// settings are the optimiser's. Vadam has the paper's; the others were chosen on
// training parts of the small sets.
func settings(c config, rows, steps int, seed uint64) *vadam.Settings {
	s := &vadam.Settings{Method: c.method, N: rows, PriorPrec: c.lambda, Draws: c.draws, Seed: seed}
	switch c.method {
	case vadam.Vadam:
		s.Rate, s.Beta1, s.Beta2 = 0.01, 0.9, 0.99
		s.InitPrec = c.lambda
	case vadam.Adam:
		s.Draws = 0
		s.Rate = 0.01
		s.RateAt = vadam.CosineRate(0, steps+1)
	case vadam.VOGN:
		s.ESS = float64(rows) * c.cold
		s.Beta1, s.Beta2 = 0.9, 1-min(0.1, 10/float64(steps))
		s.Rate = c.rate
		s.InitCurvature = curvature0 * c.tau
		s.RateAt = vadam.CosineRate(0, steps+1)
	case vadam.IVON:
		s.ESS = float64(rows) * c.cold
		s.Beta1, s.Beta2 = 0.9, 1-min(0.1, 10/float64(steps))
		s.Rate, s.NoRescale, s.ClipRadius = c.rate, true, 1
		s.InitCurvature = curvature0 * c.tau
		s.RateAt = vadam.CosineRate(0, steps+1)
	}
	return s
}

// curvature0 times the noise precision is the curvature at the start.
const curvature0 = 0.1

// functions writes draws predictions for every row of x, in standard units.
func (p *predictor) functions(x []float64, draws int, seed uint64) (f []float64, k int) {
	x32 := make([]float32, len(x))
	for i, v := range x {
		x32[i] = float32(v)
	}
	rows := len(x) / p.net.In()
	each := max(draws/len(p.draws), 1)
	if p.point {
		each = 1
	}
	w, out := make([]float32, p.net.NumParams()), make([]float32, rows)
	for _, o := range p.draws {
		for d := range each {
			if p.point {
				o.Mean(w)
			} else {
				o.Sample(w, seed, uint64(d))
			}
			p.net.Forward(out, w, x32)
			for _, v := range out {
				f = append(f, float64(v))
			}
		}
	}
	return f, each * len(p.draws)
}

// scores are the figures of one run in the target's own units.
type scores struct {
	RMSE, Pointwise, Joint, Coverage, CRPS float64
	// Calibration is the mean distance between the share of targets below the
	// predictive quantiles 0.05, 0.10, …, 0.95 and those levels.
	Calibration float64
}

// score compares predictions with targets in their own units.
func (p *predictor) score(sy *nn.Scaler, x, y []float64, draws int, seed uint64) (s scores, err error) {
	f, k := p.functions(x, draws, seed)
	sy.Invert(f, f)
	n, tau := len(y), p.tau/(sy.SD[0]*sy.SD[0])
	noise := noise{tau: tau, df: p.df}
	ll := make([]float64, len(f))
	mean, sd, pit := make([]float64, n), make([]float64, n), make([]float64, n)
	for i, v := range f {
		j := i % n
		ll[i] = noise.logDensity(y[j] - v)
		mean[j] += v / float64(k)
		pit[j] += noise.cdf(y[j]-v) / float64(k) // the predictive distribution is a mixture
	}
	for i, v := range f {
		d := v - mean[i%n]
		sd[i%n] += d * d / float64(k)
	}
	lower, upper := make([]float64, n), make([]float64, n)
	for j := range n {
		sd[j] = math.Sqrt(sd[j] + 1/tau)
		lower[j], upper[j] = mean[j]-1.959964*sd[j], mean[j]+1.959964*sd[j]
		pit[j] = min(pit[j], 1) // a sum of k rounded numbers
	}
	target := y
	if p.df > 0 { // the interval of levels, not of deviations
		target = pit
		for j := range n {
			lower[j], upper[j] = 0.025, 0.975
		}
	}
	if s.RMSE, err = metrics.RMSE(mean, y); err != nil {
		return s, err
	}
	if s.Pointwise, err = metrics.PointwiseLogLik(ll, k); err != nil {
		return s, err
	}
	if s.Joint, err = metrics.JointLogLik(ll, k); err != nil {
		return s, err
	}
	if s.Coverage, err = metrics.Coverage(lower, upper, target); err != nil {
		return s, err
	}
	if p.df > 0 {
		points, each := noise.spread(f, n, 9)
		s.CRPS, err = metrics.SampleCRPS(points, k*each, y)
	} else {
		s.CRPS, err = metrics.NormalCRPS(mean, sd, y)
	}
	if err != nil {
		return s, err
	}
	var levels []float64
	for l := 1; l < 20; l++ {
		levels = append(levels, float64(l)/20)
	}
	at, err := metrics.CoverageAt(nil, pit, levels)
	if err != nil {
		return s, err
	}
	for i, l := range levels {
		s.Calibration += math.Abs(at[i]-l) / float64(len(levels))
	}
	return s, err
}
