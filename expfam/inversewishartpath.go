package expfam

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// sandwich writes −svec(AGA) to dst, A = s.a symmetric and svec(G) = g: as
// d(A⁻¹) = −A⁻¹dA A⁻¹, it turns a gradient in A into one in A⁻¹. The caller holds
// the lock.
func (s *invertedWishart) sandwich(dst, g []float64) {
	d := s.d
	a := blas64.Symmetric{Uplo: blas.Upper, N: d, Data: s.a, Stride: d}
	c := blas64.General{Rows: d, Cols: d, Data: s.c, Stride: d}
	unpackSvec(s.c, g, d)
	t := blas64.General{Rows: d, Cols: d, Data: s.t, Stride: d}
	blas64.Symm(blas.Left, 1, a, c, 0, t)
	blas64.Symm(blas.Right, -1, a, t, 0, c)
	packSvec(dst, s.c, d)
}

// toInverse moves to the outcome of base that belongs to x, s.x, and writes the
// gradient there that belongs to g to s.g. Outside the support both are NaN. The
// caller holds the lock.
func (s *invertedWishart) toInverse(g, x []float64) {
	if math.IsInf(s.invert(x), -1) {
		for i := range s.x {
			s.x[i], s.g[i] = math.NaN(), math.NaN()
		}
		return
	}
	copy(s.g, g[:s.lead])
	unpackSvec(s.a, x[s.lead:], s.d)
	s.sandwich(s.g[s.lead:], g[s.lead:])
}

// Score writes ∇ log p to dst: in Σ it is −Σ⁻¹GΣ⁻¹ − (d+1)Σ⁻¹ with G the gradient
// of the density of the inverse. It is NaN if Σ is not positive definite.
func (s *invertedWishart) Score(dst, x []float64) []float64 {
	s.checkLen("Score", "x", x, s.Dim())
	dst = s.sized("Score", dst, s.Dim())
	s.lock.Lock()
	defer s.lock.Unlock()
	if math.IsInf(s.invert(x), -1) {
		for i := range dst {
			dst[i] = math.NaN()
		}
		return dst
	}
	s.base.(Reparameterizable).Score(s.g, s.x)
	copy(dst, s.g[:s.lead])
	s.sandwich(dst[s.lead:], s.g[s.lead:])
	for i, v := range s.x[s.lead:] {
		dst[s.lead+i] -= float64(s.d+1) * v
	}
	return dst
}

// PathGrad writes (∂x/∂η)'g, that of the inverse at Σ⁻¹ with the gradient −ΣGΣ in
// place of G.
func (s *invertedWishart) PathGrad(dst, g, x []float64) []float64 {
	s.checkLen("PathGrad", "g", g, s.Dim())
	s.checkLen("PathGrad", "x", x, s.Dim())
	dst = s.sized("PathGrad", dst, len(s.eta))
	s.lock.Lock()
	defer s.lock.Unlock()
	s.toInverse(g, x)
	s.base.(Reparameterizable).PathGrad(dst, s.g, s.x)
	dst[0] = -dst[0]
	return dst
}

// Tangent adds w·F⁻¹ PathGrad(d.Grad, d.X) to dst.
func (s *invertedWishart) Tangent(dst []float64, d *Draw, w float64) {
	s.checkLen("Tangent", "dst", dst, len(s.eta))
	s.checkLen("Tangent", "X", d.X, s.Dim())
	s.checkLen("Tangent", "Grad", d.Grad, s.Dim())
	s.lock.Lock()
	defer s.lock.Unlock()
	s.toInverse(d.Grad, d.X)
	s.draw = Draw{X: s.x, Grad: s.g}
	dst[0] = -dst[0]
	s.base.(Reparameterizable).Tangent(dst, &s.draw, w)
	dst[0] = -dst[0]
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (s *invertedWishart) EntropyTangent(dst []float64) (exact bool) {
	s.checkLen("EntropyTangent", "dst", dst, len(s.eta))
	return subEta("", dst, s.eta)
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst.
func (s *invertedWishart) ScoreTangent(dst, x []float64, w float64) {
	s.checkLen("ScoreTangent", "dst", dst, len(s.eta))
	s.checkLen("ScoreTangent", "x", x, s.Dim())
	s.lock.Lock()
	defer s.lock.Unlock()
	if math.IsInf(s.invert(x), -1) {
		for i := range dst {
			dst[i] = math.NaN()
		}
		return
	}
	dst[0] = -dst[0]
	s.base.(interface {
		ScoreTangent(dst, x []float64, w float64)
	}).ScoreTangent(dst, s.x, w)
	dst[0] = -dst[0]
}
