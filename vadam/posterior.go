package vadam

import (
	"errors"
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/wire"
	"github.com/natgrad/natgrad/nn"
)

// Posterior is the normal distribution q(w) = N(mean, diag(sd²)) of the weights of a
// net, in double precision, with what is needed to predict from it elsewhere:
// the arrays of the net, the scaling of its data and the names of the columns. Methods
// that read may run concurrently. The zero value is good for UnmarshalBinary only.
type Posterior struct {
	mean, sd, prior []float64 // prior precisions, nil if unknown
	params          []nn.Param

	// Inputs and Targets, if not nil, standardise what the net is given and what it
	// is trained on; predictions are in the original units.
	Inputs, Targets *nn.Scaler
	// InputNames and TargetNames are the names of the columns, nil if they have none.
	InputNames, TargetNames []string
}

// NewPosterior returns N(mean, diag(sd²)) for the net with the arrays params, as
// (*nn.Net).Params or (*nn.Net32).Params give them. prior holds the prior
// precisions, one a weight, or is nil if they are unknown. All sd 0 is a point,
// a net without uncertainty. It errs unless means are finite, sds ≥ 0 and prior
// precisions ≥ 0, all of them finite, and panics on lengths that do not fit.
func NewPosterior(params []nn.Param, mean, sd, prior []float64) (*Posterior, error) {
	const fn = "NewPosterior"
	n := 0
	for _, p := range params {
		n += p.Len()
	}
	if n == 0 {
		return nil, posteriorError(fn, "number of weights", -1, 0, ">= 1")
	}
	for _, x := range []struct {
		name  string
		v     []float64
		least float64
	}{{"mean", mean, math.Inf(-1)}, {"sd", sd, 0}, {"prior", prior, 0}} {
		if x.name == "prior" && prior == nil {
			break
		}
		if len(x.v) != n {
			panicLen(fn, x.name, len(x.v), n)
		}
		for i, v := range x.v {
			if v-v != 0 || v < x.least {
				want := "finite"
				if x.least == 0 {
					want = ">= 0 and finite"
				}
				return nil, posteriorError(fn, x.name, i, v, want)
			}
		}
	}
	return &Posterior{
		mean:   append([]float64(nil), mean...),
		sd:     append([]float64(nil), sd...),
		prior:  append([]float64(nil), prior...),
		params: append([]nn.Param(nil), params...),
	}, nil
}

// NetPosterior returns the posterior that a net with the arrays params has now. That
// of Adam is a point.
func (o *Optimizer) NetPosterior(params []nn.Param) (*Posterior, error) {
	return o.c.netPosterior(params)
}

// NetPosterior returns the posterior that a net with the arrays params has now, in
// double precision. That of Adam is a point.
func (o *Optimizer32) NetPosterior(params []nn.Param) (*Posterior, error) {
	return o.c.netPosterior(params)
}

func (o *core[T]) netPosterior(params []nn.Param) (*Posterior, error) {
	wide := func(x []T) []float64 {
		v := make([]float64, len(x))
		for i, e := range x {
			v[i] = float64(e)
		}
		return v
	}
	return NewPosterior(params, wide(o.mean(nil)), wide(o.sd(nil)), wide(o.priorPrec(nil)))
}

func posteriorError(fn, param string, index int, value float64, want string) error {
	return &expfam.DomainError{Family: "posterior", Func: fn, Param: param, Index: index, Value: value, Want: want}
}

// Dim returns the number of weights.
func (q *Posterior) Dim() int { return len(q.mean) }

// Params returns the arrays that the weights belong to.
func (q *Posterior) Params() []nn.Param { return append([]nn.Param(nil), q.params...) }

// Mean writes the means.
func (q *Posterior) Mean(dst []float64) []float64 {
	dst = sized("Posterior.Mean", dst, q.Dim())
	copy(dst, q.mean)
	return dst
}

// SD writes the standard deviations.
func (q *Posterior) SD(dst []float64) []float64 {
	dst = sized("Posterior.SD", dst, q.Dim())
	copy(dst, q.sd)
	return dst
}

// Sample writes draw number stream of a seed, mean + sd·ε, a pure function of q and both numbers.
func (q *Posterior) Sample(dst []float64, seed, stream uint64) []float64 {
	dst = sized("Posterior.Sample", dst, q.Dim())
	la.Normals(dst, seed, stream)
	for i, e := range dst {
		dst[i] = q.mean[i] + q.sd[i]*e
	}
	return dst
}

// point says that q has no uncertainty.
func (q *Posterior) point() bool {
	for _, s := range q.sd {
		if s != 0 {
			return false
		}
	}
	return true
}

// KL returns KL(q‖prior) in nats, ½ Σ [λsd² + λmean² − 1 − log λsd²] for the prior
// N(0, 1/λ): NaN if the prior is unknown, +Inf if a λ or an sd is 0.
func (q *Posterior) KL() float64 {
	if len(q.prior) == 0 {
		return math.NaN()
	}
	return q.kl(0, q.Dim())
}

// kl is the part of KL that weights lo to hi contribute.
func (q *Posterior) kl(lo, hi int) (kl float64) {
	for i := lo; i < hi; i++ {
		r := q.prior[i] * q.sd[i] * q.sd[i]
		if r == 0 {
			return math.Inf(1)
		}
		kl += 0.5 * (q.prior[i]*q.mean[i]*q.mean[i] + r - 1 - math.Log(r))
	}
	return kl
}

// Normal returns q as a distribution of package expfam. It errs if an sd is 0.
func (q *Posterior) Normal() (*expfam.DiagNormal, error) {
	return expfam.NewDiagNormal(q.mean, q.sd)
}

// fits errs unless the arrays of a net are those of q.
func (q *Posterior) fits(fn string, params []nn.Param) error {
	if len(params) != len(q.params) {
		return posteriorError(fn, "number of the net's arrays", -1, float64(len(params)), fmt.Sprintf("%d, as in the net of the posterior", len(q.params)))
	}
	for i, p := range params {
		if o := q.params[i]; p.Name != o.Name || p.Rows != o.Rows || p.Cols != o.Cols {
			return posteriorError(fn, "the net's array "+p.Name, i, float64(p.Len()),
				fmt.Sprintf("%s of %d×%d, as in the net of the posterior, not %d×%d", o.Name, o.Rows, o.Cols, p.Rows, p.Cols))
		}
	}
	return nil
}

const (
	posteriorMagic   = "ngweight"
	posteriorVersion = 1
)

// MarshalBinary returns means, sds, prior, arrays, scaling and names, with a checksum.
func (q *Posterior) MarshalBinary() ([]byte, error) {
	w := wire.NewWriter(posteriorMagic, posteriorVersion)
	w.Int(len(q.params))
	for _, p := range q.params {
		w.Bytes([]byte(p.Name))
		for _, v := range []int{p.Layer, p.Offset, p.Rows, p.Cols} {
			w.Int(v)
		}
	}
	w.Floats(q.mean)
	w.Floats(q.sd)
	w.Floats(q.prior)
	for _, s := range []*nn.Scaler{q.Inputs, q.Targets} {
		if s == nil {
			s = &nn.Scaler{}
		}
		w.Floats(s.Mean)
		w.Floats(s.SD)
	}
	for _, names := range [][]string{q.InputNames, q.TargetNames} {
		w.Int(len(names))
		for _, s := range names {
			w.Bytes([]byte(s))
		}
	}
	return w.Finish(), nil
}

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. Damaged or
// foreign bytes are an error and leave the receiver unchanged.
func (q *Posterior) UnmarshalBinary(b []byte) error {
	fail := func(err error) error { return fmt.Errorf("vadam: Posterior.UnmarshalBinary: %w", err) }
	r, err := wire.NewReader(b, posteriorMagic, posteriorVersion)
	if err != nil {
		return fail(err)
	}
	var params []nn.Param
	at := 0
	for range r.Len(8) {
		p := nn.Param{Name: string(r.Bytes()), Layer: r.Int(), Offset: r.Int(), Rows: r.Int(), Cols: r.Int()}
		if p.Rows < 1 || p.Cols < 1 || p.Rows > len(b)/p.Cols || p.Offset != at {
			return fail(fmt.Errorf("array %q of %d×%d at %d does not follow %d weights", p.Name, p.Rows, p.Cols, p.Offset, at))
		}
		at += p.Len()
		params = append(params, p)
	}
	mean, sd, prior := r.Floats(), r.Floats(), r.Floats()
	var scalers [2]*nn.Scaler
	for i := range scalers {
		s := &nn.Scaler{Mean: r.Floats(), SD: r.Floats()}
		if len(s.Mean) != len(s.SD) {
			return fail(errors.New("a scaler with means and sds of different lengths"))
		}
		if len(s.Mean) > 0 {
			scalers[i] = s
		}
	}
	var names [2][]string
	for i := range names {
		for range r.Len(8) {
			names[i] = append(names[i], string(r.Bytes()))
		}
	}
	if e := r.Done(); e != nil {
		return fail(e)
	}
	if len(mean) != at || len(sd) != at || len(prior) != at && len(prior) != 0 {
		return fail(fmt.Errorf("%d means, %d sds and %d prior precisions of %d weights", len(mean), len(sd), len(prior), at))
	}
	if len(prior) == 0 {
		prior = nil
	}
	n, err := NewPosterior(params, mean, sd, prior)
	if err != nil {
		return fail(err)
	}
	n.Inputs, n.Targets, n.InputNames, n.TargetNames = scalers[0], scalers[1], names[0], names[1]
	*q = *n
	return nil
}
