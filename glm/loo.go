package glm

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/natgrad/natgrad/internal/psis"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Accuracy is an estimate of out-of-sample predictive accuracy: the expected
// log pointwise predictive density of as many new observations.
type Accuracy struct {
	ELPD, SE  float64   // sum over the observations and its standard error
	P, PSE    float64   // effective number of parameters
	Pointwise []float64 // one a row of the design
	KHat      []float64 // Pareto k̂ of each row's importance ratios; nil for WAIC
	// Unsafe lists the rows of the design whose terms are not to be trusted: for
	// LOO those with k̂ ≥ 0.7 whose importance ratios also vary by more than
	// negligible 5 % (the tail of the fit's own ratios is in every row's k̂), for WAIC
	// those with a posterior variance of the log likelihood above 0.4.
	Unsafe []int
}

const (
	negligibleSpread = 0.05 // of a row's importance ratios; stricter than for the grade of a whole fit
	highVariance     = 0.4  // Vehtari, Gelman and Gabry 2017, section 2.2
)

// PointwiseLogLik writes log p(y_i | θ_s) of rows lo ≤ i < hi of the design
// under the draws θ_s, the rows of draws, to dst[s·(hi−lo)+i−lo]. Safe for
// concurrent use.
func (m *Model) PointwiseLogLik(dst []float64, draws *mat.Dense, lo, hi int) {
	raw := draws.RawMatrix()
	n, x := hi-lo, m.Design.X
	if raw.Cols != m.dim || len(dst) != raw.Rows*n {
		panic(fmt.Sprintf("glm: PointwiseLogLik: draws have %d columns and dst length %d, want %d and %d", raw.Cols, len(dst), m.dim, raw.Rows*n))
	}
	if n == 0 {
		return
	}
	eta := blas64.General{Rows: raw.Rows, Cols: n, Stride: n, Data: make([]float64, raw.Rows*n)}
	if m.p > 0 {
		xb := blas64.General{Rows: n, Cols: m.p, Stride: x.Stride, Data: x.Data[lo*x.Stride : (hi-1)*x.Stride+m.p]}
		th := blas64.General{Rows: raw.Rows, Cols: m.p, Stride: raw.Stride, Data: raw.Data}
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, th, xb, 0, eta)
	}
	for s := range raw.Rows {
		e := eta.Data[s*n : (s+1)*n]
		if m.Design.Offset != nil {
			for i := range e {
				e[i] += m.Design.Offset[lo+i]
			}
		}
		d := vi.Derivs{F: dst[s*n : (s+1)*n]}
		m.loglik(lo, e, raw.Data[s*raw.Stride+m.p:s*raw.Stride+m.dim], &d)
	}
}

// LOO estimates leave-one-out accuracy from the draws of a fit of this model by
// Pareto-smoothed importance sampling (Vehtari, Gelman and Gabry 2017), the
// weights of the draws under the exact posterior included. A row with k̂ ≥ 0.7
// influences the posterior too much for its estimate to be trusted.
func (m *Model) LOO(f *Result) (*Accuracy, error) {
	p, lw, err := m.pointwise("LOO", f)
	if err != nil {
		return nil, err
	}
	r, err := psis.LOO(p, lw, m.workers())
	if err != nil {
		return nil, fmt.Errorf("glm: LOO: %w", err)
	}
	a := &Accuracy{ELPD: r.ELPD, SE: r.SE, P: r.P, PSE: r.PSE}
	draws := float64(len(lw))
	for i, pt := range r.Points {
		a.Pointwise = append(a.Pointwise, pt.ELPD)
		a.KHat = append(a.KHat, pt.KHat)
		if pt.KHat >= psis.HighKHat && draws/pt.ESS-1 >= negligibleSpread {
			a.Unsafe = append(a.Unsafe, i)
		}
	}
	return a, nil
}

// WAIC is the widely applicable information criterion as an estimate of the
// same quantity (Watanabe 2010); LOO is the more robust of the two.
func (m *Model) WAIC(f *Result) (*Accuracy, error) {
	p, lw, err := m.pointwise("WAIC", f)
	if err != nil {
		return nil, err
	}
	r, err := psis.WAIC(p, lw, m.workers())
	if err != nil {
		return nil, fmt.Errorf("glm: WAIC: %w", err)
	}
	a := &Accuracy{ELPD: r.ELPD, SE: r.SE, P: r.P, PSE: r.PSE}
	for i, pt := range r.Points {
		a.Pointwise = append(a.Pointwise, pt.ELPD)
		if pt.P > highVariance {
			a.Unsafe = append(a.Unsafe, i)
		}
	}
	return a, nil
}

// checkFit says whether f can be a fit of this model.
func (m *Model) checkFit(fn string, f *Result) error {
	if !slices.Equal(f.Names, m.Names) || f.Family.String() != m.Family.String() {
		return fmt.Errorf("glm: %s: the fit has family %s and parameters %q, the model %s and %q; want a fit of this model", fn, f.Family, f.Names, m.Family, m.Names)
	}
	return nil
}

func (m *Model) workers() int {
	if w := m.settings.Workers; w > 0 {
		return w
	}
	return maxWorkers()
}

func (m *Model) pointwise(fn string, f *Result) (*psis.Pointwise, []float64, error) {
	if f == nil || f.VI == nil {
		return nil, nil, fmt.Errorf("glm: %s: the fit is nil", fn)
	}
	if err := m.checkFit(fn, f); err != nil {
		return nil, nil, err
	}
	v := f.VI
	if v.Draws == nil { // loaded from a file
		var err error
		if v, err = m.Judge(f, &m.settings); err != nil {
			return nil, nil, fmt.Errorf("glm: %s: %w", fn, err)
		}
		if v.Draws == nil {
			return nil, nil, fmt.Errorf("glm: %s: Settings.Diagnostics is negative; want draws", fn)
		}
	}
	lw := make([]float64, len(v.LogP))
	for i := range lw {
		lw[i] = v.LogP[i] - v.LogQ[i]
	}
	s, _ := v.Draws.Dims()
	return &psis.Pointwise{Draws: s, N: m.Design.X.Rows, LogLik: func(dst []float64, lo, hi int) {
		defer func() {
			if r := recover(); r != nil { // psis makes an error of it, and keeps what this says
				panic(&vi.PanicError{Func: "Family.Eval", Value: r, Stack: debug.Stack()})
			}
		}()
		m.PointwiseLogLik(dst, v.Draws, lo, hi)
	}}, lw, nil
}
