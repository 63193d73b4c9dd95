package glm

import (
	"math"
	"runtime"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mathext"
)

// gramRoot returns the upper triangular R with R'R = Z'Z/n, or false if the
// columns of Z, of unit size, are so close to dependent that forming Z'Z would
// lose more than half of the digits.
func gramRoot(z blas64.General) (r []float64, ok bool) {
	p := z.Cols
	g := blas64.Symmetric{Uplo: blas.Upper, N: p, Stride: p, Data: make([]float64, p*p)}
	// Blocks keep the product in cache and its order of summation fixed.
	const block = 4096
	for lo := 0; lo < z.Rows; lo += block {
		hi := min(lo+block, z.Rows)
		zb := blas64.General{Rows: hi - lo, Cols: p, Stride: z.Stride, Data: z.Data[lo*z.Stride:]}
		blas64.Syrk(blas.Trans, 1/float64(z.Rows), zb, 1, g)
	}
	t, ok := lapack64.Potrf(g)
	if !ok {
		return nil, false
	}
	for j := range p {
		if t.Data[j*p+j] < 1e-4 {
			return nil, false
		}
		for i := j + 1; i < p; i++ {
			t.Data[i*p+j] = 0
		}
	}
	return t.Data, true
}

// qrRoot is gramRoot by a Householder QR factorisation.
func qrRoot(z blas64.General) (r []float64, ok bool) {
	n, p := z.Rows, z.Cols
	if n < p {
		return nil, false
	}
	a := blas64.General{Rows: n, Cols: p, Stride: p, Data: append([]float64(nil), z.Data...)}
	tau := make([]float64, p)
	work := make([]float64, 1)
	lapack64.Geqrf(a, tau, work, -1)
	work = make([]float64, int(work[0]))
	lapack64.Geqrf(a, tau, work, len(work))
	r = make([]float64, p*p)
	root := math.Sqrt(float64(n))
	for i := range p {
		if math.Abs(a.Data[i*p+i]) < 1e-13*root {
			return nil, false
		}
		for j := i; j < p; j++ {
			r[i*p+j] = a.Data[i*p+j] / root
		}
	}
	return r, true
}

func identity(p int) []float64 {
	t := make([]float64, p*p)
	for i := range p {
		t[i*p+i] = 1
	}
	return t
}

// likelihoodWidth is the distance of the log likelihood's nearest complex
// singularity in η from the real axis, in units of π; see [vi.Term].
func likelihoodWidth(f Family) func(aux []float64) float64 {
	w := 1.0
	switch f := f.(type) {
	case *studentT: // 1 + (y−η)²/(νσ²) vanishes at y ± iσ√ν
		return func(aux []float64) float64 {
			df := f.df
			if len(aux) > 1 {
				df = math.Exp(aux[1])
			}
			return math.Exp(aux[0]) * math.Sqrt(df) / math.Pi
		}
	default:
		switch f.Link() {
		case "probit": // zeros of Φ
			w = 0.85
		case "cloglog": // zeros of 1 − exp(−e^η)
			w = 0.5
		}
	}
	return func([]float64) float64 { return w }
}

// priorWidth is the same for a prior in its coordinate.
func priorWidth(p Prior, positive bool) float64 {
	switch r := newPriorRow(p, positive); r.shape {
	case rowStudent:
		return r.sc * math.Sqrt(r.k) / math.Pi
	case rowHalfT:
		return 0.5
	case rowExp:
		return 0.5 / math.Abs(r.sc)
	}
	return 1
}

func maxWorkers() int { return runtime.GOMAXPROCS(0) }

func normalQuantile(p float64) float64 { return mathext.NormalQuantile(p) }
