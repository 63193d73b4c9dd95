package structured

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// toeplitz is a lower triangular Toeplitz root, B_ij = d_{i−j}: a polynomial in
// the shift by one place, up to its power p−1.
type toeplitz struct {
	p         int
	cur, next []float64
	work      []float64
}

// Toeplitz returns the identity of the group of regular lower triangular
// Toeplitz matrices B_ij = d_{i−j}. The p numbers are d. Π averages over
// diagonals: with X symmetric,
//
//	d_0 = tr(X)/p,   d_k = 2 Σ_i X_{i+k,i} / (p−k)
//
// Everything but ProjectIdentity and FisherMul costs O(p²), and ProjectHess
// O(p³). It errs unless p >= 1.
func Toeplitz(p int) (Factor, error) {
	if err := checkSizes("Toeplitz", p); err != nil {
		return nil, err
	}
	f := &toeplitz{p: p, cur: make([]float64, p)}
	f.cur[0] = 1
	return f, nil
}

func (f *toeplitz) Name() string { return "toeplitz" }

func (f *toeplitz) Dim() int { return f.p }

func (f *toeplitz) NumParams() int { return f.p }

func (f *toeplitz) LogDet() float64 { return float64(f.p) * math.Log(math.Abs(f.cur[0])) }

func (f *toeplitz) Values(dst []float64) []float64 {
	return copied("Values", dst, f.cur, f.p)
}

func (f *toeplitz) spare() []float64 {
	if f.next == nil {
		f.next, f.work = make([]float64, f.p), make([]float64, f.p)
	}
	return f.next
}

func (f *toeplitz) accept() { f.cur, f.next = f.next, f.cur }

func (f *toeplitz) SetValues(v []float64) error {
	checkLen("SetValues", "v", v, f.p)
	if err := nonFinite(f.Name(), "SetValues", "values", v); err != nil {
		return err
	}
	if !regular(v[0]) {
		return domainError(f.Name(), "SetValues", "values", 0, v[0], wantPivot)
	}
	copy(f.cur, v)
	return nil
}

func (f *toeplitz) Scale(c float64) error {
	if err := checkScale(f.Name(), c); err != nil {
		return err
	}
	next := f.spare()
	for i, x := range f.cur {
		next[i] = c * x
	}
	if !allFinite(next) || !regular(next[0]) {
		return badScale(f.Name(), c)
	}
	f.accept()
	return nil
}

func (f *toeplitz) Clone() Factor {
	return &toeplitz{p: f.p, cur: append([]float64(nil), f.cur...)}
}

// convolve overwrites x by the product of the polynomials d and x, up to the
// power p−1.
func convolve(x, d []float64) {
	for i := len(x) - 1; i >= 0; i-- {
		axpy(x[i+1:], x[i], d[1:len(x)-i])
		x[i] *= d[0]
	}
}

func (f *toeplitz) Mul(dst, x []float64) []float64 {
	dst = copied("Mul", dst, x, f.p)
	convolve(dst, f.cur)
	return dst
}

func (f *toeplitz) MulTrans(dst, x []float64) []float64 {
	dst = copied("MulTrans", dst, x, f.p)
	for i := range dst {
		dst[i] = dot(f.cur[:f.p-i], dst[i:])
	}
	return dst
}

func (f *toeplitz) Solve(dst, x []float64) []float64 {
	dst = copied("Solve", dst, x, f.p)
	for i := range dst {
		dst[i] /= f.cur[0]
		axpy(dst[i+1:], -dst[i], f.cur[1:f.p-i])
	}
	return dst
}

func (f *toeplitz) SolveTrans(dst, x []float64) []float64 {
	dst = copied("SolveTrans", dst, x, f.p)
	for i := f.p - 1; i >= 0; i-- {
		dst[i] = (dst[i] - dot(f.cur[1:f.p-i], dst[i+1:])) / f.cur[0]
	}
	return dst
}

func (f *toeplitz) ProjectPair(dst, a, b []float64, w float64) {
	checkLen("ProjectPair", "dst", dst, f.p)
	checkLen("ProjectPair", "a", a, f.p)
	checkLen("ProjectPair", "b", b, f.p)
	dst[0] += w * dot(a, b) / float64(f.p)
	for k := 1; k < f.p; k++ {
		n := f.p - k
		dst[k] += w * (dot(a[k:], b[:n]) + dot(b[k:], a[:n])) / float64(n)
	}
}

func (f *toeplitz) ProjectIdentity(dst []float64, w float64) {
	checkLen("ProjectIdentity", "dst", dst, f.p)
	dst[0] += w
}

func (f *toeplitz) ProjectHess(dst []float64, h *mat.SymDense, w float64) {
	checkLen("ProjectHess", "dst", dst, f.p)
	buf := whiten(f, h)
	defer scratch.Put(buf)
	for k := range f.p {
		n, c := f.p-k, 2*w
		if k == 0 {
			c = w
		}
		var sum float64
		for i := range n {
			sum += (*buf)[(i+k)*f.p+i]
		}
		dst[k] += c * sum / float64(n)
	}
}

// FisherMul multiplies d_0 by 2p and d_k by p−k, the numbers of equal entries.
func (f *toeplitz) FisherMul(dst, v []float64) []float64 {
	dst = copied("FisherMul", dst, v, f.p)
	dst[0] *= 2
	for k := range dst {
		dst[k] *= float64(f.p - k)
	}
	return dst
}

func (f *toeplitz) Retract(m []float64, rho float64) error {
	checkLen("Retract", "m", m, f.p)
	next, t := f.spare(), f.work
	copy(t, f.cur)
	convolve(t, m)
	for i, x := range t {
		t[i] = rho * x
		next[i] = f.cur[i] + t[i]
	}
	convolve(t, m)
	axpy(next, 0.5*rho, t)
	if !allFinite(next) || !regular(next[0]) {
		if err := checkStep(f.Name(), m, rho); err != nil {
			return err
		}
		return noStep(f.Name(), rho)
	}
	f.accept()
	return nil
}
