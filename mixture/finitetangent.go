package mixture

import (
	"math"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// tangentWork is what Tangent needs for one draw.
type tangentWork struct {
	logP               []float64 // log q_c(z)
	resp               []float64 // r_c = π_c q_c(z)/q(z)
	scores             []float64 // K×d, ∇ log q_c(z)
	at, next           []float64 // a state, and one to be tried
	gradQ              []float64 // ∇ log q(z)
	diff               []float64 // ∇ log p − ∇ log q
	lean               []float64 // that and ∇ log q_c
	one                []float64 // −∇²log q_c of one component, when that is diagonal
	mean, sd, variance []float64 // of narrowest
	hessQ              *mat.SymDense
	hessDiff           *mat.SymDense
	hessOne            *mat.SymDense
	diagQ              []float64
	diagDiff           []float64
	target             expfam.Draw // the part of log p, or of log p − log q where both are treated alike
	entropy            expfam.Draw // the part of −log q
}

func (w *tangentWork) init(k, d, params int, curv curvature) {
	w.at, w.next = make([]float64, params), make([]float64, params)
	w.mean, w.sd, w.variance = make([]float64, d), make([]float64, d), make([]float64, d)
	w.logP, w.resp, w.scores = make([]float64, k), make([]float64, k), make([]float64, k*d)
	w.gradQ, w.diff, w.lean = make([]float64, d), make([]float64, d), make([]float64, d)
	switch curv {
	case fullCurvature:
		w.hessQ, w.hessDiff, w.hessOne = mat.NewSymDense(d, nil), mat.NewSymDense(d, nil), mat.NewSymDense(d, nil)
	case diagCurvature:
		w.diagQ, w.diagDiff, w.one = make([]float64, d), make([]float64, d), make([]float64, d)
	}
}

// EntropyTangent adds the gradient of the entropy in closed form, and returns true,
// with a single component that has one and [Options.ExactEntropy]. The entropy of
// more than one has none; Tangent estimates it.
func (m *Mixture) EntropyTangent(dst []float64) (exact bool) {
	checkLen("Mixture", "EntropyTangent", "dst", dst, m.NumParams())
	if !m.opts.ExactEntropy {
		return false
	}
	q, ok := m.comps[0].(entropyTangenter)
	return ok && q.EntropyTangent(m.part(dst, 0))
}

// Entropy returns that of a single component with [Options.ExactEntropy], NaN
// otherwise: no mixture has one in closed form. See [Mixture.EntropyBounds].
func (m *Mixture) Entropy() float64 {
	if m.opts.ExactEntropy {
		if q, ok := m.comps[0].(interface{ Entropy() float64 }); ok {
			return q.Entropy()
		}
	}
	return math.NaN()
}

// Tangent adds w times the natural gradient of the ELBO that the draw dr of the
// whole mixture shows to dst (Lin, Khan and Schmidt 2019, section 4.1, with all
// components sharing all draws). With δ_c = q_c(z)/q(z), v = dr.LogP − log q(z) and b
// the mean of v in the last step,
//
//	log-odds of c:   δ_c(v − b) − δ_K(v − b)
//	component c:     δ_c · its own Tangent of log p − log q
//
// (the second is that of the joint, 1/π_c times the gradient in its expectation
// parameters). If dr.Hess is there and the components know ∇² log q_c, as normal ones
// do, both Hessians are used (Price's theorem); otherwise gradients alone
// (Stein's identity, or the family's pathwise derivative). See
// [Options.HessEntropy].
//
// Cost: one Tangent of every component, O(K d²) for normal ones. It does not
// allocate.
func (m *Mixture) Tangent(dst []float64, dr *expfam.Draw, w float64) {
	checkLen("Mixture", "Tangent", "dst", dst, m.NumParams())
	checkLen("Mixture", "Tangent", "X", dr.X, m.dim)
	checkLen("Mixture", "Tangent", "Grad", dr.Grad, m.dim)
	if m.opts.ExactEntropy {
		m.comps[0].Tangent(m.part(dst, 0), dr, w)
		return
	}
	t, k := &m.work, len(m.comps)
	logQ := m.responsibilities(dr.X)
	v := dr.LogP - logQ
	m.tally.sum += w * v
	m.tally.weight += w
	if !m.opts.NoBaseline {
		v -= m.baseline
	}
	if math.IsNaN(v) { // before the first step there is no baseline: weights wait for it
		v = 0
	}
	last := math.Exp(t.logP[k-1] - logQ)
	for c := range k - 1 {
		dst[c] += w * v * (math.Exp(t.logP[c]-logQ) - last)
	}
	both := m.split(dr)
	for c, q := range m.comps {
		delta := math.Exp(t.logP[c] - logQ)
		if delta == 0 {
			continue
		}
		if m.open[c] { // its Tangent takes ∇ log q_c off, where ∇ log q is meant
			m.openTangent(m.part(dst, c), q, dr, w*delta)
			continue
		}
		q.Tangent(m.part(dst, c), &t.target, w*delta)
		if both {
			q.Tangent(m.part(dst, c), &t.entropy, w*delta)
		}
	}
}

// openTangent adds the Tangent of a component that subtracts ∇ log q_c itself.
func (m *Mixture) openTangent(dst []float64, q Component, dr *expfam.Draw, w float64) {
	t := &m.work
	q.Score(t.lean, dr.X)
	floats.Add(t.lean, dr.Grad)
	floats.Sub(t.lean, t.gradQ)
	t.entropy = expfam.Draw{X: dr.X, Grad: t.lean, LogP: dr.LogP, LogQ: dr.LogQ}
	q.Tangent(dst, &t.entropy, w)
}

// responsibilities computes log q_c(x), r_c, the scores and ∇ log q, and returns
// log q(x).
func (m *Mixture) responsibilities(x []float64) (logQ float64) {
	t, d := &m.work, m.dim
	top := math.Inf(-1)
	for c, q := range m.comps {
		t.logP[c] = q.LogProb(x)
		t.resp[c] = m.logW[c] + t.logP[c]
		top = math.Max(top, t.resp[c])
	}
	sum := 0.0
	for _, v := range t.resp {
		sum += math.Exp(v - top)
	}
	logQ = top + math.Log(sum)
	clear(t.gradQ)
	for c, q := range m.comps {
		t.resp[c] = math.Exp(t.resp[c] - logQ)
		if t.resp[c] == 0 {
			continue
		}
		a := t.scores[c*d : (c+1)*d]
		q.Score(a, x)
		floats.AddScaled(t.gradQ, t.resp[c], a)
	}
	return logQ
}

// split puts what the components' Tangents read into target and, if it returns
// true, into entropy.
func (m *Mixture) split(dr *expfam.Draw) (both bool) {
	t := &m.work
	t.target = expfam.Draw{X: dr.X, Grad: dr.Grad, LogP: dr.LogP, LogQ: dr.LogQ, Hess: dr.Hess, HessDiag: dr.HessDiag}
	curv := m.curv
	if dr.Hess == nil && dr.HessDiag == nil && !m.opts.HessEntropy {
		curv = noCurvature
	}
	floats.SubTo(t.diff, dr.Grad, t.gradQ)
	switch {
	case curv == noCurvature: // a Hessian of log p alone would bring noise that nothing cancels
		t.target.Grad, t.target.Hess, t.target.HessDiag = t.diff, nil, nil
		return false
	case curv == fullCurvature && dr.Hess != nil:
		m.hessQ(dr.X)
		addSym(t.hessDiff, dr.Hess, t.hessQ, -1)
		t.target.Grad, t.target.Hess = t.diff, t.hessDiff
		return false
	case curv == diagCurvature && (dr.Hess != nil || dr.HessDiag != nil):
		m.diagQ(dr.X)
		for i, h := range t.diagQ {
			if dr.HessDiag != nil {
				t.diagDiff[i] = dr.HessDiag[i] - h
			} else {
				t.diagDiff[i] = dr.Hess.At(i, i) - h
			}
		}
		t.target.Grad, t.target.Hess, t.target.HessDiag = t.diff, nil, t.diagDiff
		return false
	}
	t.entropy = expfam.Draw{X: dr.X, Grad: t.diff}
	for i, g := range t.gradQ {
		t.diff[i] = -g
	}
	switch curv {
	case fullCurvature:
		m.hessQ(dr.X)
		addSym(t.hessDiff, nil, t.hessQ, -1)
		t.entropy.Hess = t.hessDiff
	case diagCurvature:
		m.diagQ(dr.X)
		for i, h := range t.diagQ {
			t.diagDiff[i] = -h
		}
		t.entropy.HessDiag = t.diagDiff
	}
	return true
}

// hessQ computes ∇² log q = Σ r_c(∇² log q_c + a_c a_c') − gg', where a_c are the
// scores and g = Σ r_c a_c. Upper triangles only.
func (m *Mixture) hessQ(x []float64) {
	t, d := &m.work, m.dim
	h := t.hessQ.RawSymmetric()
	for i := range d {
		for j := i; j < d; j++ {
			h.Data[i*h.Stride+j] = -t.gradQ[i] * t.gradQ[j]
		}
	}
	for c, q := range m.comps {
		r := t.resp[c]
		if r == 0 {
			continue
		}
		a := t.scores[c*d : (c+1)*d]
		o := q.(hesser).LogProbHess(t.hessOne, x).RawSymmetric()
		for i := range d {
			for j := i; j < d; j++ {
				h.Data[i*h.Stride+j] += r * (o.Data[i*o.Stride+j] + a[i]*a[j])
			}
		}
	}
}

// diagQ is the diagonal of hessQ for components that are independent across
// coordinates.
func (m *Mixture) diagQ(x []float64) {
	t, d := &m.work, m.dim
	for i, g := range t.gradQ {
		t.diagQ[i] = -g * g
	}
	for c, q := range m.comps {
		r := t.resp[c]
		if r == 0 {
			continue
		}
		a := t.scores[c*d : (c+1)*d]
		for i, h := range q.(diagHesser).LogProbHessDiag(t.one, x) {
			t.diagQ[i] += r * (h + a[i]*a[i])
		}
	}
}

// addSym writes a + s·b to the upper triangle of dst; a nil stands for zero.
func addSym(dst, a, b *mat.SymDense, s float64) {
	x, z := dst.RawSymmetric(), b.RawSymmetric()
	for i := range x.N {
		for j := i; j < x.N; j++ {
			x.Data[i*x.Stride+j] = s * z.Data[i*z.Stride+j]
		}
	}
	if a == nil {
		return
	}
	y := a.RawSymmetric()
	for i := range x.N {
		for j := i; j < x.N; j++ {
			x.Data[i*x.Stride+j] += y.Data[i*y.Stride+j]
		}
	}
}
