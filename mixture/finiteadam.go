package mixture

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// adamState holds the moving averages of the gradient and of its square, in
// the coordinates of the rule: log-odds, then a component's mean and the lower
// triangle of its covariance root, row by row (sds for a diagonal one). Their
// numbers are those of the natural parameters.
type adamState struct {
	count    int
	mean, sq []float64

	grad, delta []float64
	cov         *mat.SymDense
	root, g     []float64 // d×d
	mu, eta     []float64
	try         []float64 // averages of the step that is tried
}

const (
	adamMean = 0.9
	adamSq   = 0.999
	adamEps  = 1e-8
)

func (a *adamState) init(m *Mixture) {
	n, d := m.NumParams(), m.dim
	a.mean, a.sq = make([]float64, n), make([]float64, n)
	a.scratch(n, d)
}

func (a *adamState) scratch(n, d int) {
	a.grad, a.delta, a.try, a.eta = make([]float64, n), make([]float64, n), make([]float64, 2*n), make([]float64, n)
	a.cov = mat.NewSymDense(d, nil)
	a.root, a.g, a.mu = make([]float64, d*d), make([]float64, d*d), make([]float64, d)
}

// adamStep takes one step of Adam with the gradient that tan stands for: with G the
// gradient in Σ_c, tril(2 G C) in the root C of Σ_c = CC', and in the log weights
// π_c(g_c − Σ π_k g_k). On error nothing has changed.
func (m *Mixture) adamStep(tan []float64, rho float64) error {
	a, k := &m.adam, len(m.comps)
	n := len(a.mean)
	m.Natural(m.saved)
	avg := 0.0
	for c := range k - 1 {
		avg += m.w[c] * tan[c]
	}
	for c := range k - 1 {
		a.grad[c] = m.w[c] * (tan[c] - avg)
	}
	for c, q := range m.comps {
		switch q := q.(type) {
		case *expfam.Normal:
			a.normalGrad(q, m.part(a.grad, c), m.part(tan, c))
		case *expfam.DiagNormal:
			a.diagGrad(q, m.part(a.grad, c), m.part(tan, c))
		}
	}
	count := float64(a.count + 1)
	c1, c2 := 1-math.Pow(adamMean, count), 1-math.Pow(adamSq, count)
	mean, sq := a.try[:n], a.try[n:]
	for i, g := range a.grad {
		mean[i] = adamMean*a.mean[i] + (1-adamMean)*g
		sq[i] = adamSq*a.sq[i] + (1-adamSq)*g*g
		a.delta[i] = mean[i] / c1 / (math.Sqrt(sq[i]/c2) + adamEps)
		if math.IsNaN(a.delta[i]) || math.IsInf(a.delta[i], 0) {
			return &expfam.DomainError{Family: "mixture", Func: "Retract", Param: "tan", Index: i, Value: tan[i], Want: "finite, with a finite square"}
		}
	}
	for c, q := range m.comps {
		eta, delta := m.part(a.eta, c), m.part(a.delta, c)
		switch q := q.(type) {
		case *expfam.Normal:
			a.normalStep(q, eta, delta, m.part(mean, c), rho)
		case *expfam.DiagNormal:
			a.diagStep(q, eta, delta, m.part(mean, c), rho)
		}
		if err := q.SetNatural(eta); err != nil {
			m.rollBack(c)
			return fmt.Errorf("mixture: component %d: %w", c, err)
		}
	}
	a.count++
	copy(a.mean, mean)
	copy(a.sq, sq)
	t := rho * m.weightRate()
	for c := range k - 1 {
		m.logOdds[c] += t * a.delta[c]
	}
	return nil
}

// covRoot writes the lower Cholesky root of the covariance of q to a.root.
func (a *adamState) covRoot(q *expfam.Normal) blas64.General {
	d := len(a.mu)
	q.Cov(a.cov)
	raw := a.cov.RawSymmetric()
	clear(a.root)
	for i := range d {
		for j := i; j < d; j++ {
			a.root[j*d+i] = raw.Data[i*raw.Stride+j]
		}
	}
	lapack64.Potrf(blas64.Symmetric{Uplo: blas.Lower, N: d, Data: a.root, Stride: d})
	return blas64.General{Rows: d, Cols: d, Data: a.root, Stride: d}
}

func (a *adamState) normalGrad(q *expfam.Normal, dst, tan []float64) {
	d := len(a.mu)
	q.Mean(a.mu)
	k := d
	for i := range d { // G from its svec
		a.g[i*d+i] = tan[k]
		k++
		for j := i + 1; j < d; j++ {
			v := tan[k] / math.Sqrt2
			a.g[i*d+j], a.g[j*d+i] = v, v
			k++
		}
	}
	copy(dst, tan[:d])
	for i := range d {
		for j, g := range a.g[i*d : (i+1)*d] {
			dst[i] += 2 * g * a.mu[j]
		}
	}
	root := a.covRoot(q)
	blas64.Trmm(blas.Right, blas.NoTrans, 2, blas64.Triangular{Uplo: blas.Lower, Diag: blas.NonUnit, N: d, Data: root.Data, Stride: d},
		blas64.General{Rows: d, Cols: d, Data: a.g, Stride: d})
	k = d
	for i := range d {
		k += copy(dst[k:], a.g[i*d:i*d+i+1])
	}
}

// normalStep writes the natural parameter after the step to eta. The root that is
// made from it next time has a positive diagonal; where the step has changed the
// sign of a column, that of its average changes with it.
func (a *adamState) normalStep(q *expfam.Normal, eta, delta, mean []float64, rho float64) {
	d := len(a.mu)
	q.Mean(a.mu)
	root := a.covRoot(q)
	for i := range d {
		a.mu[i] += rho * delta[i]
	}
	k := d
	for i := range d {
		for j := range i + 1 {
			a.root[i*d+j] += rho * delta[k]
			k++
		}
	}
	for j := range d {
		if a.root[j*d+j] >= 0 {
			continue
		}
		for i := j; i < d; i++ {
			a.root[i*d+j] = -a.root[i*d+j]
			at := d + i*(i+1)/2 + j
			mean[at] = -mean[at]
		}
	}
	// S = C⁻ᵀC⁻¹
	if !lapack64.Trtri(blas64.Triangular{Uplo: blas.Lower, Diag: blas.NonUnit, N: d, Data: root.Data, Stride: d}) {
		for i := range eta {
			eta[i] = math.NaN()
		}
		return
	}
	k = d
	clear(eta[:d])
	for i := range d {
		for j := i; j < d; j++ {
			s := 0.0
			for l := j; l < d; l++ {
				s += a.root[l*d+i] * a.root[l*d+j]
			}
			eta[i] += s * a.mu[j]
			if j == i {
				eta[k] = -s / 2
			} else {
				eta[j] += s * a.mu[i]
				eta[k] = -s / math.Sqrt2
			}
			k++
		}
	}
}

func (a *adamState) diagGrad(q *expfam.DiagNormal, dst, tan []float64) {
	d := len(a.mu)
	q.Mean(a.mu)
	q.Sd(a.root[:d])
	for i, mu := range a.mu {
		dst[i] = tan[i] + 2*tan[d+i]*mu
		dst[d+i] = 2 * tan[d+i] * a.root[i]
	}
}

func (a *adamState) diagStep(q *expfam.DiagNormal, eta, delta, mean []float64, rho float64) {
	d := len(a.mu)
	q.Mean(a.mu)
	q.Sd(a.root[:d])
	for i, mu := range a.mu {
		sd := a.root[i] + rho*delta[d+i]
		if sd < 0 {
			mean[d+i] = -mean[d+i]
		}
		s := 1 / (sd * sd)
		eta[i], eta[d+i] = s*(mu+rho*delta[i]), -s/2
	}
}
