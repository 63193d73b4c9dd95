package vi

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// mixing extrapolates from the last steps of a deterministic fixed-point iteration: with Δη_j and
// Δt_j the changes of state and natural gradient t over them, the direction
//
//	t − Σ_j γ_j (Δη_j + Δt_j),   γ = argmin ‖t − Σ_j γ_j Δt_j‖ in the Fisher metric at q
//
// leads to the maximum of a quadratic ELBO once there are as many steps as distinct
// curvatures (Anderson 1965; Walker and Ni 2011). It damps iterations that swing and speeds up those that
// creep, where the Fisher matrix is not the curvature of the ELBO.
type mixing struct {
	on         bool
	dEta, dTan [][]float64 // the newest last
	fTan       [][]float64 // F·dTan
	dir        []float64
	gram       []float64
	scale, b   []float64
	fisher     func(dst, v []float64) []float64
}

const (
	// mixDepth is the number of steps that are remembered.
	mixDepth = 6
	// mixRidge keeps steps that are nearly parallel from cancelling each other.
	mixRidge = 1e-8
)

func (m *mixing) init(q whitened) {
	// Differences of Natural are differences of tangents for exponential families only.
	if _, m.on = q.(interface{ LogPartition() float64 }); !m.on {
		return
	}
	m.fisher = q.FisherMul
	m.dir = make([]float64, q.NumParams())
	m.gram, m.scale, m.b = make([]float64, mixDepth*mixDepth), make([]float64, mixDepth), make([]float64, mixDepth)
	for range mixDepth {
		m.fTan = append(m.fTan, make([]float64, q.NumParams()))
	}
}

// add remembers the step from eta0, where the natural gradient was t0, to q, where it is t1.
func (m *mixing) add(q Posterior, eta0, t0, t1 []float64) {
	if !m.on {
		return
	}
	var a, b []float64
	if k := len(m.dEta); k == mixDepth {
		a, b = m.dEta[0], m.dTan[0]
		copy(m.dEta, m.dEta[1:])
		copy(m.dTan, m.dTan[1:])
		m.dEta, m.dTan = m.dEta[:k-1], m.dTan[:k-1]
	} else {
		a, b = make([]float64, len(eta0)), make([]float64, len(eta0))
	}
	q.Natural(a)
	floats.Sub(a, eta0)
	floats.SubTo(b, t1, t0)
	m.dEta, m.dTan = append(m.dEta, a), append(m.dTan, b)
}

// restore puts remembered steps in place.
func (m *mixing) restore(dEta, dTan [][]float64) {
	if m.on {
		m.dEta, m.dTan = dEta, dTan
	}
}

// direction returns that of the next step, tan itself where nothing is known; the result is
// overwritten by the next call.
func (m *mixing) direction(tan []float64) []float64 {
	k := len(m.dTan)
	if k == 0 {
		return tan
	}
	b := m.b[:k]
	g := blas64.Symmetric{N: k, Stride: mixDepth, Uplo: blas.Lower, Data: m.gram}
	for i, t := range m.dTan {
		m.fisher(m.fTan[i], t)
		size := floats.Dot(m.fTan[i], t)
		if !(size > 0) {
			return tan
		}
		m.scale[i] = 1 / math.Sqrt(size)
		b[i] = m.scale[i] * floats.Dot(m.fTan[i], tan)
		for j := range i {
			g.Data[i*g.Stride+j] = m.scale[i] * m.scale[j] * floats.Dot(m.fTan[i], m.dTan[j])
		}
		g.Data[i*g.Stride+i] = 1 + mixRidge
	}
	l, ok := lapack64.Potrf(g)
	if !ok {
		return tan
	}
	lapack64.Potrs(l, blas64.General{Rows: k, Cols: 1, Stride: 1, Data: b})
	copy(m.dir, tan)
	for j, c := range b {
		axpy(m.dir, -c*m.scale[j], m.dEta[j])
		axpy(m.dir, -c*m.scale[j], m.dTan[j])
	}
	return m.dir
}

// direction is that of the next deterministic step; it rises.
func (e *Engine) direction() []float64 {
	if e.fixed == nil {
		return e.tan
	}
	dir := e.fixed.mix.direction(e.tan)
	if &dir[0] != &e.tan[0] && !(e.slope(e.tan, dir) > 0) {
		return e.tan
	}
	return dir
}
