package targets

import (
	"fmt"
	"math"
	"sync"

	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// MixtureOfNormals is Σ_c w_c N(x | mean_c, prec_c⁻¹), w ∝ exp(logw); normalised.
// It panics if the sizes do not fit or a precision is not positive definite.
func MixtureOfNormals(logw []float64, means [][]float64, precs []*mat.SymDense) *vi.Target {
	return newMixture("MixtureOfNormals", logw, means, precs, math.Inf(1)).target()
}

// MixtureOfStudentT is the mixture of multivariate Student-t distributions
// with 2·alpha degrees of freedom, locations mean_c and scale matrices prec_c⁻¹;
// normalised. It panics as [MixtureOfNormals] does.
func MixtureOfStudentT(logw []float64, means [][]float64, precs []*mat.SymDense, alpha float64) *vi.Target {
	if !(alpha > 0) {
		panic(fmt.Sprintf("targets: MixtureOfStudentT: alpha is %v, want > 0", alpha))
	}
	return newMixture("MixtureOfStudentT", logw, means, precs, alpha).target()
}

// mixture holds what the densities share; alpha = ∞ is the normal case.
type mixture struct {
	d     int
	logc  []float64 // log weight and log constant of a component
	means [][]float64
	precs [][]float64 // row-major d×d
	alpha float64
	pool  sync.Pool
}

type mixtureWork struct {
	logp, kappa, curve []float64 // a component: log density, and factors of its derivatives
	pr                 []float64 // P(x − mean), a row a component
}

func newMixture(fn string, logw []float64, means [][]float64, precs []*mat.SymDense, alpha float64) *mixture {
	k := len(logw)
	if k == 0 || len(means) != k || len(precs) != k {
		panic(fmt.Sprintf("targets: %s: %d weights, %d means and %d precisions, want equal numbers", fn, k, len(means), len(precs)))
	}
	m := &mixture{d: len(means[0]), alpha: alpha}
	d := float64(m.d)
	norm := special.LogSumExp(logw)
	for c := range k {
		if len(means[c]) != m.d || precs[c].SymmetricDim() != m.d {
			panic(fmt.Sprintf("targets: %s: component %d has a mean of length %d and a precision of order %d, want %d", fn, c, len(means[c]), precs[c].SymmetricDim(), m.d))
		}
		var ch mat.Cholesky
		if !ch.Factorize(precs[c]) {
			panic(fmt.Sprintf("targets: %s: precision %d is not positive definite", fn, c))
		}
		lc := logw[c] - norm + 0.5*ch.LogDet()
		if math.IsInf(alpha, 1) {
			lc -= 0.5 * d * math.Log(2*math.Pi)
		} else {
			lc += special.LgammaDelta(alpha, d/2) - 0.5*d*math.Log(2*math.Pi*alpha)
		}
		m.logc = append(m.logc, lc)
		m.means = append(m.means, append([]float64(nil), means[c]...))
		p := make([]float64, m.d*m.d)
		for i := range m.d {
			for j := range m.d {
				p[i*m.d+j] = precs[c].At(i, j)
			}
		}
		m.precs = append(m.precs, p)
	}
	m.pool.New = func() any {
		return &mixtureWork{make([]float64, k), make([]float64, k), make([]float64, k), make([]float64, k*m.d)}
	}
	return m
}

// eval fills w at x and returns log p; w.logp becomes the log responsibilities.
func (m *mixture) eval(w *mixtureWork, x []float64) float64 {
	d := m.d
	for c, mean := range m.means {
		pr, q := w.pr[c*d:(c+1)*d], 0.
		for i := range pr {
			s := 0.
			for j, p := range m.precs[c][i*d : (i+1)*d] {
				s += p * (x[j] - mean[j])
			}
			pr[i] = s
			q += s * (x[i] - mean[i])
		}
		if math.IsInf(m.alpha, 1) {
			w.kappa[c], w.curve[c] = 1, 0
			w.logp[c] = m.logc[c] - q/2
			continue
		}
		a, half := m.alpha, m.alpha+float64(d)/2
		w.kappa[c] = half / (a + q/2)
		w.curve[c] = w.kappa[c] / (a + q/2)
		w.logp[c] = m.logc[c] - half*math.Log1p(q/(2*a))
	}
	v := special.LogSumExp(w.logp)
	for c := range w.logp {
		w.logp[c] -= v
	}
	return v
}

func (m *mixture) grad(w *mixtureWork, dst, x []float64) float64 {
	v := m.eval(w, x)
	clear(dst)
	for c, l := range w.logp {
		r := math.Exp(l) * w.kappa[c]
		for i := range dst {
			dst[i] -= r * w.pr[c*m.d+i]
		}
	}
	return v
}

func (m *mixture) target() *vi.Target {
	t := &vi.Target{Dim: m.d}
	t.LogProb = func(x []float64) float64 {
		w := m.pool.Get().(*mixtureWork)
		defer m.pool.Put(w)
		return m.eval(w, x)
	}
	t.Grad = func(dst, x []float64) float64 {
		w := m.pool.Get().(*mixtureWork)
		defer m.pool.Put(w)
		return m.grad(w, dst, x)
	}
	t.Hess = func(dst *mat.SymDense, g, x []float64) float64 {
		w := m.pool.Get().(*mixtureWork)
		defer m.pool.Put(w)
		v := m.grad(w, g, x)
		d := m.d
		for i := range d {
			for j := i; j < d; j++ {
				h := -g[i] * g[j]
				for c, l := range w.logp {
					pp := w.pr[c*d+i] * w.pr[c*d+j]
					h += math.Exp(l) * (-w.kappa[c]*m.precs[c][i*d+j] + (w.curve[c]+w.kappa[c]*w.kappa[c])*pp)
				}
				dst.SetSym(i, j, h)
			}
		}
		return v
	}
	return t
}
