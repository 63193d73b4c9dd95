package vadam

import (
	"context"
	"math"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/nn"
)

// pairs is the number of antithetic pairs of draws that a fit is judged by, and diagnoseStream the
// first of their noise streams, which neither steps nor predictions use.
const (
	pairs          = 32
	diagnoseStream = 1 << 15
)

// Layer is what a fit found out about an array of weights, such as W1.
type Layer struct {
	Name string
	// Curvature is the curvature of the negative log-likelihood that draws of q see,
	// as a multiple of that which the sds stand for,
	//
	//	Σ N E_q[g σε] / Σ (1 − λσ²),
	//
	// 1 where q is the best normal distribution of its form (Stein's identity): the sds are then about
	// √Curvature times too wide. CurvatureErr is its standard error. Both are NaN if Effective is
	// below a half.
	Curvature, CurvatureErr float64
	Effective               float64 // Σ (1 − λσ²), how many of its weights the data have determined
	AtPrior                 float64 // share of weights of which the data have told nothing: λσ² > 0.9, λμ² < 0.1
}

// diagnosis is what draws from q tell of it.
type diagnosis struct {
	fit, fitErr float64 // E_q of the log-likelihood of all rows, and its standard error
	atMean      float64 // the log-likelihood at the mean
	all         Layer   // of all arrays together
	layers      []Layer // W's and b's and the loss's parameter
	displaced   float64 // ½ Σ σ²(∂ELBO/∂μ)², nats
}

// diagnose evaluates loss and gradient over all rows at antithetic pairs of draws, whose
// odd terms cancel.
func (f *fit[T]) diagnose(ctx context.Context, q *Posterior) (*diagnosis, error) {
	d := &diagnosis{}
	n, p := float64(f.data.Rows), q.Dim()
	ess := f.opt.Settings().ESS
	if at := f.opt.Settings().ESSAt; at != nil {
		ess *= at(max(1, f.opt.Steps()))
	}
	w, g, other := make([]T, p), make([]T, p), make([]T, p)
	eval := func(sign float64, eps []float64, g []T) (float64, error) {
		for i := range w {
			w[i] = T(q.mean[i] + sign*q.sd[i]*eps[i])
		}
		loss, err := f.net.Grad(g, w, f.x, f.y)
		return -n * float64(loss), err
	}
	eps := make([]float64, p)
	var err error
	if d.atMean, err = eval(0, eps, g); err != nil || q.point() {
		d.fit = d.atMean
		return d, err
	}
	d.layers = make([]Layer, len(f.params))
	curv, curvSq := make([]float64, len(f.params)+1), make([]float64, len(f.params)+1)
	halves := [2][]float64{make([]float64, p), make([]float64, p)}
	sum, sq := 0.0, 0.0
	for k := range pairs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		la.Normals(eps, f.set.Seed, diagnoseStream+uint64(k))
		up, err := eval(1, eps, g)
		if err != nil {
			return nil, err
		}
		down, err := eval(-1, eps, other)
		if err != nil {
			return nil, err
		}
		l := (up + down) / 2
		sum, sq = sum+l/pairs, sq+l*l/pairs
		half, total := halves[k%2], 0.0
		for j, a := range f.params {
			c := 0.0
			for i := a.Offset; i < a.Offset+a.Len(); i++ {
				u, v := float64(g[i]), float64(other[i])
				half[i] += (u + v) / pairs // the mean over half of the pairs
				c += ess * q.sd[i] * eps[i] * (u - v) / 2
			}
			curv[j], curvSq[j] = curv[j]+c/pairs, curvSq[j]+c*c/pairs
			total += c
		}
		curv[len(f.params)] += total / pairs
		curvSq[len(f.params)] += total * total / pairs
	}
	stdErr := func(mean, sq float64) float64 { return math.Sqrt(max(sq-mean*mean, 0) / (pairs - 1)) }
	d.fit, d.fitErr = sum, stdErr(sum, sq)
	for i, mu := range q.mean {
		a, b := ess*halves[0][i]+q.prior[i]*mu, ess*halves[1][i]+q.prior[i]*mu
		d.displaced += 0.5 * q.sd[i] * q.sd[i] * a * b
	}
	for j, a := range f.params {
		d.layers[j] = f.layer(q, a)
		d.layers[j].curvature(curv[j], stdErr(curv[j], curvSq[j]))
		d.all.Effective += d.layers[j].Effective
	}
	j := len(f.params)
	d.all.curvature(curv[j], stdErr(curv[j], curvSq[j]))
	return d, nil
}

func (l *Layer) curvature(sum, err float64) {
	l.Curvature, l.CurvatureErr = nan, nan
	if l.Effective >= 0.5 {
		l.Curvature, l.CurvatureErr = sum/l.Effective, err/l.Effective
	}
}

// layer counts what the data have told of an array.
func (f *fit[T]) layer(q *Posterior, a nn.Param) Layer {
	l := Layer{Name: a.Name}
	for i := a.Offset; i < a.Offset+a.Len(); i++ {
		r, m := q.prior[i]*q.sd[i]*q.sd[i], q.prior[i]*q.mean[i]*q.mean[i]
		l.Effective += 1 - r
		if r > 0.9 && m < 0.1 {
			l.AtPrior += 1 / float64(a.Len())
		}
	}
	return l
}
