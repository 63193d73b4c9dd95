package structured

import (
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// quadratic is log p = −½w'Hw + b'w + const as a target of all methods.
func quadratic(h *mat.SymDense, b []float64) *vi.Target {
	p := len(b)
	hv := mat.NewVecDense(p, nil)
	grad := func(dst, x []float64) float64 {
		xv := mat.NewVecDense(p, x)
		hv.MulVec(h, xv)
		v := 0.0
		for i := range x {
			v += x[i] * (b[i] - 0.5*hv.AtVec(i))
			if dst != nil {
				dst[i] = b[i] - hv.AtVec(i)
			}
		}
		return v
	}
	neg := mat.NewSymDense(p, nil)
	neg.ScaleSym(-1, h)
	return &vi.Target{
		Dim:     p,
		LogProb: func(x []float64) float64 { return grad(nil, x) },
		Grad:    grad,
		Hess: func(dst *mat.SymDense, g, x []float64) float64 {
			dst.CopySym(neg)
			return grad(g, x)
		},
	}
}

// exactly is a quadratic with its expectation in closed form, for any γ.
func exactly(target *vi.Target) *vi.Target {
	p := target.Dim
	hess, dr := target.Hess, &expfam.Draw{Grad: make([]float64, p), Hess: mat.NewSymDense(p, nil)}
	return &vi.Target{Dim: p, LogProb: target.LogProb, Exact: func(tan []float64, q vi.Posterior) (float64, error) {
		g := q.(*Gaussian)
		dr.X = g.Mean(dr.X)
		v := hess(dr.Hess, dr.Grad, dr.X)
		g.Tangent(tan, dr, 1)
		for j := range p { // ½ tr(Σ ∇²)
			c := g.CovColumn(nil, j)
			for i, x := range c {
				v += 0.5 * x * dr.Hess.At(i, j)
			}
		}
		return v, nil
	}}
}

// predictors is a quadratic as functions of linear predictors: the rows of a root
// of H, and b.
func predictors(t testing.TB, h *mat.SymDense, b []float64) *vi.Target {
	t.Helper()
	p := len(b)
	var chol mat.Cholesky
	if !chol.Factorize(h) {
		t.Fatal("H is not positive definite")
	}
	u := new(mat.TriDense)
	chol.UTo(u)
	rows := blas64.General{Rows: p, Cols: p, Data: mat.DenseCopyOf(u).RawMatrix().Data, Stride: p}
	square := func(lo int, eta, aux []float64, d *vi.Derivs) {
		for i, e := range eta {
			if d.F != nil {
				d.F[i] = -0.5 * e * e
			}
			if d.E != nil {
				d.E[i] = -e
			}
			if d.EE != nil {
				d.EE[i] = -1
			}
		}
	}
	linear := func(lo int, eta, aux []float64, d *vi.Derivs) {
		for i, e := range eta {
			if d.F != nil {
				d.F[i] = e
			}
			if d.E != nil {
				d.E[i] = 1
			}
			if d.EE != nil {
				d.EE[i] = 0
			}
		}
	}
	return &vi.Target{Dim: p, Linear: &vi.Linear{Terms: []vi.Term{
		{Name: "quadratic", X: rows, Degree: 2, Eval: square},
		{Name: "linear", X: blas64.General{Rows: 1, Cols: p, Data: b, Stride: p}, Degree: 2, Eval: linear},
	}}}
}

// logistic is the log joint density of a logistic regression with prior
// N(0, 1/prior).
func logistic(x [][]float64, y []float64, prior float64) *vi.Target {
	p := len(x[0])
	eval := func(hess *mat.SymDense, grad, w []float64) float64 {
		v := -0.5 * prior * dot(w, w)
		for i := range grad {
			grad[i] = -prior * w[i]
		}
		if hess != nil {
			hess.Zero()
			for i := range p {
				hess.SetSym(i, i, -prior)
			}
		}
		for i, row := range x {
			eta := dot(row, w)
			s := special.Sigmoid(eta)
			v += y[i]*eta - special.Log1pExp(eta)
			for j, a := range row {
				if grad != nil {
					grad[j] += (y[i] - s) * a
				}
				if hess != nil {
					for k := j; k < p; k++ {
						hess.SetSym(j, k, hess.At(j, k)-s*(1-s)*a*row[k])
					}
				}
			}
		}
		return v
	}
	return &vi.Target{
		Dim:     p,
		LogProb: func(w []float64) float64 { return eval(nil, nil, w) },
		Grad:    func(dst, w []float64) float64 { return eval(nil, dst, w) },
		Hess:    func(h *mat.SymDense, g, w []float64) float64 { return eval(h, g, w) },
	}
}

// rosenbrock writes gradient and Hessian of f(w) = (1/p) Σ 100(w_{i+1} − w_i²)² + (1 −
// w_i)² and returns it.
func rosenbrock(h *mat.SymDense, g, w []float64) float64 {
	p := float64(len(w))
	h.Zero()
	clear(g)
	v := 0.0
	for i := range len(w) - 1 {
		a, b := w[i+1]-w[i]*w[i], 1-w[i]
		v += (100*a*a + b*b) / p
		g[i] += (-400*a*w[i] - 2*b) / p
		g[i+1] += 200 * a / p
		h.SetSym(i, i, h.At(i, i)+(1200*w[i]*w[i]-400*w[i+1]+2)/p)
		h.SetSym(i, i+1, h.At(i, i+1)-400*w[i]/p)
		h.SetSym(i+1, i+1, h.At(i+1, i+1)+200/p)
	}
	return v
}
