package expfam

import (
	"math"
)

// PathGrad writes (∂x/∂η)'g. A change dΣ moves x − μ by ½dΣS(x − μ), which keeps
// S^½(x − μ) but for a rotation; in η = (Sμ, svec(−S/2)) that is, with s = Σg,
//
//	(s, svec(sym(s(x + μ)'))),  sym(M) = (M + M')/2.
//
// FisherMul of a Tangent without Hessian is exactly this.
func (n *Normal) PathGrad(dst, g, x []float64) []float64 {
	checkLen("Normal.PathGrad", "g", g, n.dim)
	checkLen("Normal.PathGrad", "x", x, n.dim)
	dst = sized("Normal.PathGrad", dst, n.NumParams())
	d, mu := n.dim, n.cur.mu
	s := dst[:d]
	copy(s, g)
	n.cur.solve(s)
	k := d
	for i := range d {
		c := x[i] + mu[i]
		dst[k] = s[i] * c
		k++
		for j := i + 1; j < d; j++ {
			dst[k] = (s[i]*(x[j]+mu[j]) + s[j]*c) / math.Sqrt2
			k++
		}
	}
	return dst
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst:
// with a = S(x − μ), ∇_μ = a and ∇_Σ = (aa' − S)/2, in the coordinates of
// [Normal.Tangent].
func (n *Normal) ScoreTangent(dst, x []float64, w float64) {
	checkLen("Normal.ScoreTangent", "dst", dst, n.NumParams())
	checkLen("Normal.ScoreTangent", "x", x, n.dim)
	d, mu := n.dim, n.cur.mu
	n.cov.mu.Lock()
	defer n.cov.mu.Unlock()
	if n.cov.fisher == nil {
		n.cov.fisher = make([]float64, d*d+d)
	}
	a := n.cov.fisher[:d]
	for i := range a {
		a[i] = 0
		for j, s := range n.cur.s[i*d : (i+1)*d] {
			a[i] += s * (x[j] - mu[j])
		}
	}
	aMu := dot(a, mu)
	k := d
	for i, ai := range a {
		dst[i] += w * (ai - ai*aMu + n.cur.eta[i])
		dst[k] += 0.5 * w * (ai*ai - n.cur.s[i*d+i])
		k++
		for j := i + 1; j < d; j++ {
			dst[k] += w * (ai*a[j] - n.cur.s[i*d+j]) / math.Sqrt2
			k++
		}
	}
}

// PathGrad writes (∂x/∂η)'g = (g/s, g(x + μ)/s), the derivatives of
// x = μ + ε/√s in η = (sμ, −s/2).
func (n *DiagNormal) PathGrad(dst, g, x []float64) []float64 {
	checkLen("DiagNormal.PathGrad", "g", g, n.dim)
	checkLen("DiagNormal.PathGrad", "x", x, n.dim)
	dst = sized("DiagNormal.PathGrad", dst, n.NumParams())
	for i, m := range n.mu {
		s := g[i] * n.v[i]
		dst[i], dst[n.dim+i] = s, s*(x[i]+m)
	}
	return dst
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst:
// with a = s(x − μ) it is (a − (a² − s)μ, (a² − s)/2).
func (n *DiagNormal) ScoreTangent(dst, x []float64, w float64) {
	checkLen("DiagNormal.ScoreTangent", "dst", dst, n.NumParams())
	checkLen("DiagNormal.ScoreTangent", "x", x, n.dim)
	for i, m := range n.mu {
		a := n.s[i] * (x[i] - m)
		h := a*a - n.s[i]
		dst[i] += w * (a - h*m)
		dst[n.dim+i] += 0.5 * w * h
	}
}
