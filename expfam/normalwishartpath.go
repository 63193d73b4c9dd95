package expfam

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Score writes ∇ log p = (−κΛr, svec((ν−d)/2·Λ⁻¹ − V⁻¹/2 − κrr'/2)), r = μ − μ₀;
// NaN if Λ is not positive definite.
func (n *NormalWishart) Score(dst, x []float64) []float64 {
	checkLen("NormalWishart.Score", "x", x, n.Dim())
	dst = sized("NormalWishart.Score", dst, n.Dim())
	p, d := n.cur, n.Order()
	p.lock.Lock()
	defer p.lock.Unlock()
	sv := dst[d:]
	p.inverse(sv, x[d:], n.eta[0])
	r := n.residual(x)
	symvSvec(dst[:d], x[d:], r)
	k := 0
	for i := range d {
		dst[i] *= -p.kappa
		sv[k] -= 0.5 * (p.b[i*d+i] + p.kappa*r[i]*r[i])
		k++
		for j := i + 1; j < d; j++ {
			sv[k] -= (p.b[i*d+j] + p.kappa*r[i]*r[j]) / math.Sqrt2
			k++
		}
	}
	return dst
}

// residual returns μ − μ₀ in scratch. The caller holds the lock.
func (n *NormalWishart) residual(x []float64) []float64 {
	r := n.cur.dMu
	for i, m := range n.cur.mu0 {
		r[i] = x[i] - m
	}
	return r
}

// pathGradient puts the gradient of f in Λ into scratch for path, with what a
// change of Λ does to r = μ − μ₀ added: dr = −½Λ⁻¹dΛ r keeps Λ^½r but for a
// rotation, which adds −(sr' + rs')/4, s = Λ⁻¹∇_μf. It returns r'∇_μf. The
// caller holds the lock.
func (n *NormalWishart) pathGradient(g, x []float64) float64 {
	p, d := n.cur, n.Order()
	r := n.residual(x)
	m, w, t, _ := p.pathWork()
	unpackSvec(m.Data, g[d:], d)
	unpackSvec(w.Data, x[d:], d)
	s := t.Data[:d]
	copy(s, g[:d])
	if u, ok := lapack64.Potrf(asSymmetric(w)); ok {
		lapack64.Potrs(u, blas64.General{Rows: d, Cols: 1, Data: s, Stride: 1})
	} else {
		s[0] = math.NaN()
	}
	for i := range d {
		for j := range d {
			m.Data[i*d+j] -= 0.25 * (s[i]*r[j] + r[i]*s[j])
		}
	}
	return dot(r, g[:d])
}

// PathGrad writes (∂x/∂η)'g: the precision moves as in [Wishart.PathGrad], the
// mean as a normal variable given the precision.
func (n *NormalWishart) PathGrad(dst, g, x []float64) []float64 {
	checkLen("NormalWishart.PathGrad", "g", g, n.Dim())
	checkLen("NormalWishart.PathGrad", "x", x, n.Dim())
	dst = sized("NormalWishart.PathGrad", dst, n.NumParams())
	p, d := n.cur, n.Order()
	p.lock.Lock()
	defer p.lock.Unlock()
	n.pathGradient(g, x)
	_, sv, lin := n.blocks(dst)
	dst[0], _ = p.path(x[d:])
	p.pathScale(sv)
	// η holds B + κμ₀μ₀', κμ₀ and κ.
	symvSvec(lin, sv, p.mu0)
	for i := range lin {
		lin[i] += g[i] / p.kappa
	}
	dst[len(dst)-1] = dot(p.mu0, lin) + dot(g[:d], x[:d])/p.kappa
	return dst
}

// Tangent adds w·F⁻¹ PathGrad(d.Grad, d.X) to dst; in (ν, V⁻¹), μ₀ and κ the
// Fisher matrix is block diagonal, with κνV for μ₀ and d/(2κ²) for κ.
func (n *NormalWishart) Tangent(dst []float64, dr *Draw, w float64) {
	checkLen("NormalWishart.Tangent", "dst", dst, n.NumParams())
	checkLen("NormalWishart.Tangent", "X", dr.X, n.Dim())
	checkLen("NormalWishart.Tangent", "Grad", dr.Grad, n.Dim())
	p, d := n.cur, n.Order()
	p.lock.Lock()
	defer p.lock.Unlock()
	rg := n.pathGradient(dr.Grad, dr.X)
	shape, trace := p.path(dr.X[d:])
	_, sv, _ := n.blocks(dst)
	dst[0] += p.addSolve(sv, shape, 2*trace, w)
	n.addMean(dst, dr.Grad[:d], w/(p.kappa*p.nu), -w*p.kappa*rg/float64(d))
}

// addMean adds the change of η that changes dμ₀ = f·Bv and dκ make. The caller
// holds the lock.
func (n *NormalWishart) addMean(dst, v []float64, f, dKappa float64) {
	p, d := n.cur, n.Order()
	_, sv, lin := n.blocks(dst)
	l := p.scratch[:d] // κdμ₀ + dκμ₀/2, so that d(κμ₀μ₀') = lμ₀' + μ₀l'
	for i, m := range p.mu0 {
		l[i] = p.kappa*f*dot(p.b[i*d:(i+1)*d], v) + 0.5*dKappa*m
		lin[i] += l[i] + 0.5*dKappa*m
	}
	k := 0
	for i, li := range l {
		sv[k] -= li * p.mu0[i]
		k++
		for j := i + 1; j < d; j++ {
			sv[k] -= (li*p.mu0[j] + p.mu0[i]*l[j]) / math.Sqrt2
			k++
		}
	}
	dst[len(dst)-1] -= 0.5 * dKappa
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (n *NormalWishart) EntropyTangent(dst []float64) (exact bool) {
	return subEta("NormalWishart.EntropyTangent", dst, n.eta)
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst.
func (n *NormalWishart) ScoreTangent(dst, x []float64, w float64) {
	checkLen("NormalWishart.ScoreTangent", "dst", dst, n.NumParams())
	checkLen("NormalWishart.ScoreTangent", "x", x, n.Dim())
	p, d := n.cur, n.Order()
	logDet := p.logDetSvec(x[d:])
	p.lock.Lock()
	defer p.lock.Unlock()
	_, sv, _ := n.blocks(dst)
	dst[0] += p.addScore(sv, x[d:], logDet, w)
	r := n.residual(x)
	_, _, t, _ := p.pathWork()
	v := t.Data[:d] // Λr
	symvSvec(v, x[d:], r)
	n.addMean(dst, v, w/p.nu, w*p.kappa*(1-p.kappa*dot(r, v)/float64(d)))
}
