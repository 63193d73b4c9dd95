package vi

import (
	"context"
	"errors"
	"fmt"
	"math"
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
		c.Grad = func(dst, x []float64) float64 {
			defer named("Target.Hess")
			return hess(mat.NewSymDense(dim, nil), dst, x)
		}
	}
	if c.LogProb == nil && c.Grad == nil && c.LogPrior != nil && c.LogLik != nil {
		prior, lik, n := c.LogPrior, c.LogLik, c.N
		c.LogProb = func(x []float64) float64 {
			v := make([]float64, n)
			func() {
				defer named("Target.LogLik")
				lik(v, x, nil)
			}()
			defer named("Target.LogPrior")
			return prior(nil, x) + sum(v)
		}
	}
	if c.LogProb == nil && c.Grad != nil && c.Exact == nil {
		grad, dim := c.Grad, c.Dim
		c.LogProb = func(x []float64) float64 {
			defer named("Target.Grad")
			return grad(make([]float64, dim), x)
		}
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
// On failure it returns the best point seen together with the error; a log density
// that is not finite at x0 is a [NonFiniteError], a panic a [PanicError].
func MAP(ctx context.Context, t *Target, x0 []float64, method optimize.Method) ([]float64, error) {
	if t == nil {
		return nil, &SettingError{"the target", nil, "a *Target"}
	}
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
	if v, err := protect("Target.LogProb", func() float64 { return p.Func(x0) }); err != nil {
		return nil, fmt.Errorf("vi: MAP: %w", err)
	} else if !finite(v) {
		return nil, t.nonFinite("the log density", -v, x0)
	}
	first := guardProblem(&p)
	p.Status = func() (optimize.Status, error) {
		if e := first.Load(); e != nil {
			return optimize.Failure, e
		}
		if ctx.Err() != nil {
			return optimize.Failure, ctx.Err()
		}
		return optimize.NotTerminated, nil
	}
	res, err := optimize.Minimize(p, x0, nil, method)
	if e := first.Load(); e != nil {
		err = e
	}
	if res == nil {
		return nil, fmt.Errorf("vi: MAP: %w", err)
	}
	// Line searches fail where rounding hides the last gains: at the maximum.
	if err != nil && first.Load() == nil && p.Grad != nil {
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
	first := new(atomic.Pointer[PanicError])
	guard := func(fn string, f func()) {
		defer func() {
			if r := recover(); r != nil {
				first.CompareAndSwap(nil, newPanicError(fn, r))
			}
		}()
		f()
	}
	fn, grad, hess := p.Func, p.Grad, p.Hess
	p.Func = func(x []float64) float64 {
		v := math.NaN()
		guard("Target.LogProb", func() { v = fn(x) })
		return v
	}
	if grad != nil {
		p.Grad = func(dst, x []float64) { guard("Target.Grad", func() { grad(dst, x) }) }
	}
	if hess != nil {
		p.Hess = func(dst *mat.SymDense, x []float64) { guard("Target.Hess", func() { hess(dst, x) }) }
	}
	return first
}

// Start returns the Gaussian N(x, (−∇² log p(D, x))⁻¹) around x, a start that
// is equivariant under affine changes of the parameters. Where the negative
// Hessian is not positive definite its eigenvalues are replaced by their
// absolute values, as in saddle-free Newton methods. At a MAP point it is the Laplace approximation.
// A target without Hess gets Dim products by HessVec or, without that, central
// differences of its gradient, 2·Dim more evaluations.
func Start(t *Target, x []float64) (*expfam.Normal, error) {
	if t == nil {
		return nil, &SettingError{"the target", nil, "a *Target"}
	}
	c := t.complete()
	if c.Hess == nil && c.Grad == nil {
		return nil, &SettingError{"Target.Grad", "nil", "a gradient (or Target.Hess or Linear) for Start"}
	}
	if len(x) != t.Dim {
		return nil, fmt.Errorf("vi: Start: length of x is %d, want Target.Dim = %d", len(x), t.Dim)
	}
	h, g := mat.NewSymDense(t.Dim, nil), make([]float64, t.Dim)
	hess := c.hessian()
	v, err := protect("Target.Hess", func() float64 { return hess(h, g, x) })
	if err != nil {
		return nil, err
	}
	if err := t.checkFinite("the log density", v, g, x); err != nil {
		return nil, err
	}
	if err := t.checkHess(h, x); err != nil {
		return nil, err
	}
	h.ScaleSym(-1, h)
	if n, err := expfam.NewNormalPrecision(x, h); err == nil {
		return n, nil
	}
	var eig mat.EigenSym
	if !eig.Factorize(h, true) {
		return nil, errors.New("vi: Start: the iteration for the eigenvalues of the Hessian did not converge")
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
	symmetrize(h, &s)
	return expfam.NewNormalPrecision(x, h)
}

// hessian returns t.Hess, or what stands for it: Dim products by HessVec, or else
// central differences of Grad.
func (t *Target) hessian() func(dst *mat.SymDense, grad, x []float64) float64 {
	switch {
	case t.Hess != nil:
		return t.Hess
	case t.HessVec == nil:
		return differenceHessian(t.Grad)
	}
	grad, mul, d := t.Grad, t.HessVec, t.Dim
	rows, unit := mat.NewDense(d, d, nil), make([]float64, d)
	products := func(x []float64) {
		defer named("Target.HessVec")
		for i := range d {
			clear(unit)
			unit[i] = 1
			mul(rows.RawRowView(i), x, unit)
		}
	}
	return func(dst *mat.SymDense, g, x []float64) float64 {
		products(x)
		symmetrize(dst, rows)
		defer named("Target.Grad")
		return grad(g, x)
	}
}

// symmetrize writes (a + a')/2 to dst.
func symmetrize(dst *mat.SymDense, a *mat.Dense) {
	d, _ := a.Dims()
	for i := range d {
		for j := i; j < d; j++ {
			dst.SetSym(i, j, (a.At(i, j)+a.At(j, i))/2)
		}
	}
}

// differenceHessian makes a Hessian of central differences of a gradient.
func differenceHessian(grad func(dst, x []float64) float64) func(dst *mat.SymDense, g, x []float64) float64 {
	return func(dst *mat.SymDense, g, x []float64) float64 {
		defer named("Target.Grad")
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
		symmetrize(dst, h)
		return grad(g, x)
	}
}
