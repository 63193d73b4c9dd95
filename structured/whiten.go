package structured

import (
	"fmt"
	"sync"

	"gonum.org/v1/gonum/mat"
)

// scratch holds the p×p matrices of ProjectHess.
var scratch sync.Pool

// whiten returns B⁻¹HB⁻ᵀ, row by row and without the asymmetry of rounding, in
// a slice of the pool. It takes 2p solves.
func whiten(f Factor, h *mat.SymDense) *[]float64 {
	p := f.Dim()
	if n := h.SymmetricDim(); n != p {
		panic(fmt.Sprintf("structured: ProjectHess: h is %d×%d, want %d×%d", n, n, p, p))
	}
	buf, _ := scratch.Get().(*[]float64)
	if buf == nil || cap(*buf) < p*p {
		buf = new([]float64)
		*buf = make([]float64, p*p)
	}
	*buf = (*buf)[:p*p]
	x, raw := *buf, h.RawSymmetric()
	for i := range p {
		copy(x[i*p+i:(i+1)*p], raw.Data[i*raw.Stride+i:i*raw.Stride+p])
		for j := range i {
			x[i*p+j] = x[j*p+i]
		}
	}
	// The rows of x are first those of H, then of HB⁻ᵀ, of B⁻¹H, of B⁻¹HB⁻ᵀ.
	for i := range p {
		f.Solve(x[i*p:(i+1)*p], x[i*p:(i+1)*p])
	}
	for i := range p {
		for j := range i {
			x[i*p+j], x[j*p+i] = x[j*p+i], x[i*p+j]
		}
	}
	for i := range p {
		f.Solve(x[i*p:(i+1)*p], x[i*p:(i+1)*p])
	}
	for i := range p {
		for j := range i {
			mean := 0.5 * (x[i*p+j] + x[j*p+i])
			x[i*p+j], x[j*p+i] = mean, mean
		}
	}
	return buf
}
