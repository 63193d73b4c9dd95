package vi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// complete returns a copy of t in which the fields that follow from others
// are filled in: everything from Linear, Grad from Hess, LogProb from Grad.
func (t *Target) complete() *Target {
	c := *t
	if c.Linear != nil && c.Linear.check(c.Dim) == nil {
		pool := &sync.Pool{New: func() any {
			p, err := newLinearPass(c.Linear, c.Dim, 1)
			if err != nil {
				panic(err)
			}
			return p
		}}
		at := func(x []float64, level want, use func(*linearPass)) float64 {
			p := pool.Get().(*linearPass)
			defer pool.Put(p)
			if err := p.at(x, level); err != nil {
				panic(err)
			}
			if use != nil {
				use(p)
			}
			return p.fit + p.prior
		}
		if c.LogProb == nil && c.Exact == nil { // with Exact it is the rest
			c.LogProb = func(x []float64) float64 { return at(x, wantValue, nil) }
		}
		if c.Grad == nil {
			c.Grad = func(dst, x []float64) float64 {
				return at(x, wantGrad, func(p *linearPass) { copy(dst, p.grad) })
			}
		}
		if c.Hess == nil {
			c.Hess = func(dst *mat.SymDense, grad, x []float64) float64 {
				return at(x, wantHess, func(p *linearPass) {
					copy(grad, p.grad)
					dst.CopySym(p.hess)
				})
			}
		}
	}
	if c.Grad == nil && c.Hess != nil {
		hess, dim := c.Hess, c.Dim
		c.Grad = func(dst, x []float64) float64 { return hess(mat.NewSymDense(dim, nil), dst, x) }
	}
	if c.LogProb == nil && c.Grad == nil && c.LogPrior != nil && c.LogLik != nil {
		prior, lik, n := c.LogPrior, c.LogLik, c.N
		c.LogProb = func(x []float64) float64 {
			v := make([]float64, n)
			lik(v, x, nil)
			return prior(nil, x) + sum(v)
		}
	}
	if c.LogProb == nil && c.Grad != nil && c.Exact == nil {
		grad, dim := c.Grad, c.Dim
		c.LogProb = func(x []float64) float64 { return grad(make([]float64, dim), x) }
	}
	return &c
}

// Problem returns the target as a minimisation problem, −log p(D, x), for any
// of gonum's optimize methods.
func (t *Target) Problem() optimize.Problem {
	c := t.complete()
	p := optimize.Problem{}
	if c.LogProb != nil {
		p.Func = func(x []float64) float64 { return -c.LogProb(x) }
	}
	if c.Grad != nil && c.Exact == nil {
		p.Grad = func(grad, x []float64) {
			c.Grad(grad, x)
			scaleBy(grad, -1)
		}
	}
	if c.Hess != nil && c.Exact == nil {
		p.Hess = func(hess *mat.SymDense, x []float64) {
			c.Hess(hess, make([]float64, len(x)), x)
			hess.ScaleSym(-1, hess)
		}
	}
	return p
}

// MAP returns a maximum of log p(D, x) found by gonum's optimize from x0: by
// Newton's method if the target has a Hessian, else by BFGS, or by the method given.
// On failure it returns the best point seen together with the error.
func MAP(ctx context.Context, t *Target, x0 []float64, method optimize.Method) ([]float64, error) {
	if len(x0) != t.Dim {
		return nil, fmt.Errorf("vi: MAP: length of x0 is %d, want Target.Dim = %d", len(x0), t.Dim)
	}
	p := t.Problem()
	if p.Func == nil {
		return nil, &SettingError{"Target.LogProb", "nil", "the log density"}
	}
	if method == nil {
		switch {
		case p.Hess != nil:
			method = &optimize.Newton{}
		case p.Grad != nil:
			method = &optimize.BFGS{}
		}
	}
	caught := guardProblem(&p)
	p.Status = func() (optimize.Status, error) {
		if e := caught.Load(); e != nil {
			return optimize.Failure, e
		}
		if ctx.Err() != nil {
			return optimize.Failure, ctx.Err()
		}
		return optimize.NotTerminated, nil
	}
	res, err := optimize.Minimize(p, x0, nil, method)
	if e := caught.Load(); e != nil {
		err = e
	}
	if res == nil {
		return nil, fmt.Errorf("vi: MAP: %w", err)
	}
	// Line searches fail where rounding hides the last gains: at the maximum.
	if err != nil && caught.Load() == nil && p.Grad != nil {
		g := make([]float64, len(res.X))
		p.Grad(g, res.X)
		if floats.Norm(g, math.Inf(1)) <= 1e-5*math.Max(1, math.Abs(res.F)) {
			return res.X, nil
		}
	}
	if err != nil {
		return res.X, fmt.Errorf("vi: MAP: %w", err)
	}
	return res.X, nil
}

// guardProblem turns panics of the functions of p, which gonum calls in goroutines
// of its own, into the error that is returned here; the value is NaN then.
func guardProblem(p *optimize.Problem) *atomic.Pointer[PanicError] {
	caught := new(atomic.Pointer[PanicError])
	guard := func(f func()) {
		defer func() {
			if r := recover(); r != nil {
				caught.CompareAndSwap(nil, &PanicError{Value: r, Stack: debug.Stack()})
			}
		}()
		f()
	}
	fn, grad, hess := p.Func, p.Grad, p.Hess
	p.Func = func(x []float64) float64 {
		v := math.NaN()
		guard(func() { v = fn(x) })
		return v
	}
	if grad != nil {
		p.Grad = func(dst, x []float64) { guard(func() { grad(dst, x) }) }
	}
	if hess != nil {
		p.Hess = func(dst *mat.SymDense, x []float64) { guard(func() { hess(dst, x) }) }
	}
	return caught
}

// Start returns the Gaussian N(x, (−∇² log p(D, x))⁻¹) around x, a start that
// is equivariant under affine changes of the parameters. Where the negative
// Hessian is not positive definite its eigenvalues are replaced by their
// absolute values, as in saddle-free Newton methods. At a MAP point it is the Laplace approximation.
// A target without Hess gets central differences of its gradient, 2·Dim more evaluations.
func Start(t *Target, x []float64) (*expfam.Normal, error) {
	c := t.complete()
	if c.Hess == nil && c.Grad == nil {
		return nil, &SettingError{"Target.Grad", "nil", "a gradient (or Target.Hess or Linear) for Start"}
	}
	if c.Hess == nil {
		c.Hess = differenceHessian(c.Grad)
	}
	if len(x) != t.Dim {
		return nil, fmt.Errorf("vi: Start: length of x is %d, want Target.Dim = %d", len(x), t.Dim)
	}
	h, g := mat.NewSymDense(t.Dim, nil), make([]float64, t.Dim)
	v, err := protect(func() float64 { return c.Hess(h, g, x) })
	if err != nil {
		return nil, err
	}
	if err := checkFinite("the log density", v, g, x, t.Names); err != nil {
		return nil, err
	}
	h.ScaleSym(-1, h)
	if n, err := expfam.NewNormalPrecision(x, h); err == nil {
		return n, nil
	}
	var eig mat.EigenSym
	if !eig.Factorize(h, true) {
		return nil, errors.New("vi: Start: the Hessian has no eigendecomposition (is it finite?)")
	}
	vals := eig.Values(nil)
	top := 0.0
	for _, l := range vals {
		top = math.Max(top, math.Abs(l))
	}
	if top == 0 {
		top = 1
	}
	var u, us mat.Dense
	eig.VectorsTo(&u)
	for i, l := range vals {
		vals[i] = math.Max(math.Abs(l), 1e-4*top)
	}
	us.Mul(&u, mat.NewDiagDense(t.Dim, vals))
	var s mat.Dense
	s.Mul(&us, u.T())
	for i := range t.Dim {
		for j := i; j < t.Dim; j++ {
			h.SetSym(i, j, (s.At(i, j)+s.At(j, i))/2)
		}
	}
	return expfam.NewNormalPrecision(x, h)
}

// differenceHessian makes a Hessian of central differences of a gradient.
func differenceHessian(grad func(dst, x []float64) float64) func(dst *mat.SymDense, g, x []float64) float64 {
	return func(dst *mat.SymDense, g, x []float64) float64 {
		d := len(x)
		at := append([]float64(nil), x...)
		up, down := make([]float64, d), make([]float64, d)
		h := mat.NewDense(d, d, nil)
		for i := range d {
			// The cube root of the rounding unit balances rounding and truncation.
			step := 6e-6 * math.Max(1, math.Abs(x[i]))
			at[i] = x[i] + step
			grad(up, at)
			at[i] = x[i] - step
			grad(down, at)
			at[i] = x[i]
			for j := range d {
				h.Set(i, j, (up[j]-down[j])/(2*step))
			}
		}
		for i := range d {
			for j := i; j < d; j++ {
				dst.SetSym(i, j, (h.At(i, j)+h.At(j, i))/2)
			}
		}
		return grad(g, x)
	}
}
