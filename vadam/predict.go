package vadam

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/natgrad/natgrad/nn"
)

// PredictSettings are the settings of a prediction. The zero value is good.
type PredictSettings struct {
	Draws   int    // weight vectors K, default 100
	Seed    uint64 // of the draws
	Workers int    // goroutines, default 1; results do not depend on it, bit for bit
}

// Predict returns the predictive distribution of the targets of the inputs x,
// rows×net.In(), over draws from q. x and the prediction are in original units if
// q has scalers. The net is cloned, so that several predictions may share it. A point, such
// as Adam's, is predicted from once. Cost: Draws forward passes, and Draws·rows·outputs numbers
// that the prediction keeps.
//
// It errs if q is of another net, x is not finite or empty, an output is not finite, or the context ends.
func (q *Posterior) Predict(ctx context.Context, net *nn.Net, x []float64, s *PredictSettings) (*Prediction, error) {
	return PredictMixture(ctx, net, []*Posterior{q}, x, s)
}

// PredictMixture is [Posterior.Predict] for the mixture of several posteriors with
// equal weights, such as those of runs from several starts, with
// ⌈Draws/len(qs)⌉ draws of each. Points alone, a deep ensemble (Lakshminarayanan et
// al., NeurIPS 2017), are taken once each.
func PredictMixture(ctx context.Context, net *nn.Net, qs []*Posterior, x []float64, s *PredictSettings) (*Prediction, error) {
	const fn = "PredictMixture"
	var set PredictSettings
	if s != nil {
		set = *s
	}
	if len(qs) == 0 {
		return nil, posteriorError(fn, "number of posteriors", -1, 0, ">= 1")
	}
	points := true
	sources := make([]source, len(qs))
	for i, q := range qs {
		if err := q.fits(fn, net.Params()); err != nil {
			return nil, err
		}
		points = points && q.point()
		sources[i] = source{func(dst []float64, k uint64) { q.Sample(dst, set.Seed, k) }, q.Inputs, q.Targets}
	}
	if set.Draws == 0 {
		set.Draws = 100
	}
	each := (set.Draws + len(qs) - 1) / len(qs)
	if points && set.Draws > 0 {
		each = 1
	}
	p, err := predict(ctx, fn, net, sources, each, x, set)
	if err == nil {
		p.Targets = qs[0].TargetNames
	}
	return p, err
}

// PredictEnsemble is [Posterior.Predict] with given weight vectors in place of draws,
// in the units of the net; s.Draws and s.Seed are not used.
func PredictEnsemble(ctx context.Context, net *nn.Net, weights [][]float64, x []float64, s *PredictSettings) (*Prediction, error) {
	const fn = "PredictEnsemble"
	var set PredictSettings
	if s != nil {
		set = *s
	}
	if len(weights) == 0 {
		return nil, posteriorError(fn, "number of weight vectors", -1, 0, ">= 1")
	}
	sources := make([]source, len(weights))
	for i, w := range weights {
		if len(w) != net.NumParams() {
			panicLen(fn, fmt.Sprintf("weights[%d]", i), len(w), net.NumParams())
		}
		sources[i] = source{weights: func(dst []float64, _ uint64) { copy(dst, w) }}
	}
	return predict(ctx, fn, net, sources, 1, x, set)
}

// source gives weight vectors for data in its own scaling.
type source struct {
	weights         func(dst []float64, k uint64)
	inputs, targets *nn.Scaler
}

// predict evaluates the net at each draws of every source, in turn. Draw k is
// draw k/S of source k mod S.
func predict(ctx context.Context, fn string, net *nn.Net, sources []source, each int, x []float64, set PredictSettings) (*Prediction, error) {
	in, out := net.In(), net.Out()
	if len(x)%in != 0 {
		panicLen(fn, "x", len(x), (len(x)/in+1)*in)
	}
	rows := len(x) / in
	switch {
	case rows == 0:
		return nil, posteriorError(fn, "rows of x", -1, 0, ">= 1")
	case set.Draws < 0:
		return nil, posteriorError(fn, "Draws", -1, float64(set.Draws), ">= 1, or 0 for 100")
	case set.Workers < 0:
		return nil, posteriorError(fn, "Workers", -1, float64(set.Workers), ">= 1, or 0 for 1")
	}
	for i, v := range x {
		if v-v != 0 {
			return nil, posteriorError(fn, fmt.Sprintf("x, row %d, column", i/in), i%in, v, "finite")
		}
	}
	draws := each * len(sources)
	p := &Prediction{Rows: rows, Out: out, Draws: draws, obs: newObservation(net.Loss())}
	p.v, p.scale = make([]float64, draws*rows*out), make([]float64, draws*out)
	xs := make([][]float64, len(sources))
	for i, src := range sources {
		xs[i] = x
		if src.inputs != nil && i > 0 && src.inputs == sources[i-1].inputs {
			xs[i] = xs[i-1]
		} else if src.inputs != nil {
			if n := len(src.inputs.Mean); n != in {
				return nil, posteriorError(fn, "columns of the input scaler", i, float64(n), fmt.Sprintf("%d, the net's inputs", in))
			}
			xs[i] = src.inputs.Apply(nil, x)
		}
		if src.targets == nil {
			continue
		}
		if !p.obs.scaled() {
			return nil, posteriorError(fn, "target scaler", i, float64(len(src.targets.Mean)), "none: the loss is for labels or counts")
		}
		if n := len(src.targets.Mean); n != out {
			return nil, posteriorError(fn, "columns of the target scaler", i, float64(n), fmt.Sprintf("%d, the net's outputs", out))
		}
	}

	workers := min(max(set.Workers, 1), draws)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for g := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			own, w := net.Clone(), make([]float64, net.NumParams())
			own.SetWorkers(1)
			for k := g; k < draws; k += workers {
				if errs[g] = ctx.Err(); errs[g] != nil {
					return
				}
				src := k % len(sources)
				sources[src].weights(w, uint64(k/len(sources)))
				own.Forward(p.at(k), w, xs[src])
				if errs[g] = p.take(fn, k, w, sources[src].targets); errs[g] != nil {
					return
				}
			}
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	p.summarise()
	return p, nil
}

// take turns the outputs of draw k, in place, into what the observation is parameterised by.
func (p *Prediction) take(fn string, k int, w []float64, targets *nn.Scaler) error {
	o, v := &p.obs, p.at(k)
	s := o.scale
	if o.learned != nil {
		s = o.learned(w[len(w)-1])
		if !(s > 0) || math.IsInf(s, 1) {
			return posteriorError(fn, fmt.Sprintf("noise scale of draw %d", k), -1, s, "> 0 and finite")
		}
	}
	scale := p.scale[k*p.Out : (k+1)*p.Out]
	for j := range scale {
		scale[j] = s
		if targets != nil {
			scale[j] *= targets.SD[j]
		}
	}
	switch o.kind {
	case poisson:
		for i, f := range v {
			v[i] = math.Exp(f)
		}
	case categorical:
		for r := range p.Rows {
			logSoftmax(v[r*p.Out : (r+1)*p.Out])
		}
	}
	if targets != nil {
		targets.Invert(v, v)
	}
	for i, f := range v {
		// A log probability may be −Inf; a NaN or an output beyond all numbers is an overflow of the net.
		if math.IsNaN(f) || math.IsInf(f, 1) || math.IsInf(f, -1) && o.kind != categorical {
			return posteriorError(fn, fmt.Sprintf("output of draw %d, row %d, column", k, i/p.Out), i%p.Out, f, "finite")
		}
	}
	return nil
}

// logSoftmax turns logits into log probabilities.
func logSoftmax(f []float64) {
	top := f[0]
	for _, v := range f[1:] {
		top = max(top, v)
	}
	sum := 0.0
	for _, v := range f {
		sum += math.Exp(v - top)
	}
	top += math.Log(sum)
	for i := range f {
		f[i] -= top
	}
}
