package autodiff

import (
	"math"

	"github.com/natgrad/natgrad/internal/la"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

func handLogistic(g, b, eta, y []float64, xm *mat.Dense) float64 {
	x := xm.RawMatrix()
	blas64.Gemv(blas.NoTrans, 1, x, vec(b), 0, vec(eta))
	s := 0.0
	for i, e := range eta {
		if e >= 0 {
			u := math.Exp(-e)
			s += (y[i]-1)*e - math.Log1p(u)
			eta[i] = y[i] - 1/(1+u)
		} else {
			u := math.Exp(e)
			s += y[i]*e - math.Log1p(u)
			eta[i] = y[i] - u/(1+u)
		}
	}
	return s + handPrior(g, b, eta, x)
}

func handLogisticKernels(g, b, eta, soft, y []float64, xm *mat.Dense) float64 {
	x := xm.RawMatrix()
	blas64.Gemv(blas.NoTrans, 1, x, vec(b), 0, vec(eta))
	s := blas64.Dot(vec(y), vec(eta))
	la.Logistic(eta, soft, eta)
	for i, v := range eta {
		s -= soft[i]
		eta[i] = y[i] - v
	}
	return s + handPrior(g, b, eta, x)
}

func handPrior(g, b, r []float64, x blas64.General) float64 {
	blas64.Gemv(blas.Trans, 1, x, vec(r), 0, vec(g))
	s := 0.0
	for j, v := range b {
		s -= v*v/200 + math.Log(10) + logSqrt2Pi
		g[j] -= v / 100
	}
	return s
}

func vec(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Data: x, Inc: 1} }
