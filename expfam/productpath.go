package expfam

import (
	"fmt"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// tangenter is a part that can turn draws into a step, as every
// Reparameterizable can.
type tangenter interface {
	Tangent(dst []float64, d *Draw, w float64)
	EntropyTangent(dst []float64) (exact bool)
}

// scorer is a part whose log density has a natural gradient in closed form.
type scorer interface {
	ScoreTangent(dst, x []float64, w float64)
}

// productPaths is what the pathwise methods of a Product need: the parts with
// their tangents and the share of a draw that a part is shown.
type productPaths struct {
	parts   []tangenter // nil where a part is none
	closed  []bool      // entropy gradients in closed form
	exact   bool        // all of them
	entropy []float64   // scratch, under lock

	lock sync.Mutex
	draw Draw
	hess mat.SymDense
}

func newProductPaths(q *Product) *productPaths {
	p := &productPaths{exact: true, entropy: make([]float64, q.NumParams())}
	p.parts, p.closed = make([]tangenter, len(q.parts)), make([]bool, len(q.parts))
	for i := range q.parts {
		if q.partDifferentiable(i) == nil {
			p.parts[i] = q.parts[i].(tangenter)
			p.closed[i] = p.parts[i].EntropyTangent(q.pp(p.entropy, i))
		}
		p.exact = p.exact && p.closed[i]
	}
	return p
}

func (q *Product) partDifferentiable(i int) error {
	d := q.parts[i]
	if _, ok := d.(Reparameterizable); !ok {
		return fmt.Errorf("expfam: part %d of %s is %T, want an expfam.Reparameterizable: a continuous family with pathwise derivatives", i, q.name, d)
	}
	if k, ok := d.(interface{ Differentiable() error }); ok {
		return k.Differentiable()
	}
	return nil
}

// Differentiable returns nil if every part is a [Reparameterizable], and an error
// that names the first one that is not, such as a discrete one. Without it Tangent panics.
func (q *Product) Differentiable() error {
	for i := range q.parts {
		if err := q.partDifferentiable(i); err != nil {
			return err
		}
	}
	return nil
}

// Scorable returns nil if every part has a ScoreTangent, and an error that names
// the first one that has none. Without it ScoreTangent panics.
func (q *Product) Scorable() error {
	for i, d := range q.parts {
		if _, ok := d.(scorer); !ok {
			return fmt.Errorf("expfam: part %d of %s is %T, want a family with ScoreTangent", i, q.name, d)
		}
		if k, ok := d.(interface{ Scorable() error }); ok {
			if err := k.Scorable(); err != nil {
				return err
			}
		}
	}
	return nil
}

// reparameterizable returns part i.
func (q *Product) reparameterizable(fn string, i int) Reparameterizable {
	d, ok := q.parts[i].(Reparameterizable)
	if !ok {
		panic(fmt.Sprintf("expfam: Product.%s: part %d of %s is %T, want an expfam.Reparameterizable", fn, i, q.name, q.parts[i]))
	}
	return d
}

// Score writes the gradients of the log densities, part after part, to dst. It
// panics unless every part is a [Reparameterizable].
func (q *Product) Score(dst, x []float64) []float64 {
	checkLen("Product.Score", "x", x, q.Dim())
	dst = sized("Product.Score", dst, q.Dim())
	for i := range q.parts {
		q.reparameterizable("Score", i).Score(q.px(dst, i), q.px(x, i))
	}
	return dst
}

// PathGrad writes the (∂x_i/∂η_i)'g_i, part after part, to dst. It panics unless
// every part is a [Reparameterizable].
func (q *Product) PathGrad(dst, g, x []float64) []float64 {
	checkLen("Product.PathGrad", "g", g, q.Dim())
	checkLen("Product.PathGrad", "x", x, q.Dim())
	dst = sized("Product.PathGrad", dst, q.NumParams())
	for i := range q.parts {
		q.reparameterizable("PathGrad", i).PathGrad(q.pp(dst, i), q.px(g, i), q.px(x, i))
	}
	return dst
}

// Tangent adds the tangents of the parts to dst: each is shown its entries of
// the draw and its block of the Hessian. If EntropyTangent is not exact, the
// entropy of every part is in it.
func (q *Product) Tangent(dst []float64, d *Draw, w float64) {
	checkLen("Product.Tangent", "dst", dst, q.NumParams())
	checkLen("Product.Tangent", "X", d.X, q.Dim())
	checkLen("Product.Tangent", "Grad", d.Grad, q.Dim())
	p := q.paths
	p.lock.Lock()
	defer p.lock.Unlock()
	for i, part := range p.parts {
		if part == nil {
			panic(fmt.Sprintf("expfam: Product.Tangent: %v", q.Differentiable()))
		}
		p.draw = Draw{X: q.px(d.X, i), Grad: q.px(d.Grad, i), LogP: d.LogP, LogQ: d.LogQ, Aside: d.Aside}
		if d.Hess != nil {
			h, n := d.Hess.RawSymmetric(), q.parts[i].Dim()
			if h.N != q.Dim() {
				panicLen("Product.Tangent", "Hess", h.N, q.Dim())
			}
			at := q.x[i] * (h.Stride + 1)
			p.hess.SetRawSymmetric(blas64.Symmetric{Uplo: blas.Upper, N: n, Stride: h.Stride, Data: h.Data[at : at+(n-1)*h.Stride+n]})
			p.draw.Hess = &p.hess
		}
		if d.HessDiag != nil {
			p.draw.HessDiag = q.px(d.HessDiag, i)
		}
		part.Tangent(q.pp(dst, i), &p.draw, w)
		if p.closed[i] && !p.exact {
			e, t := q.pp(p.entropy, i), q.pp(dst, i)
			clear(e)
			part.EntropyTangent(e)
			for j, v := range e {
				t[j] += w * v
			}
		}
	}
}

// EntropyTangent adds the gradients of the entropies of the parts to dst if all
// of them have closed forms; if not, or if a part has no EntropyTangent, it adds
// nothing and returns false.
func (q *Product) EntropyTangent(dst []float64) (exact bool) {
	checkLen("Product.EntropyTangent", "dst", dst, q.NumParams())
	if !q.paths.exact {
		return false
	}
	for i, d := range q.paths.parts {
		d.EntropyTangent(q.pp(dst, i))
	}
	return true
}

// ScoreTangent adds the natural gradients of the log densities of the parts,
// times w, to dst; see [Product.Scorable].
func (q *Product) ScoreTangent(dst, x []float64, w float64) {
	checkLen("Product.ScoreTangent", "dst", dst, q.NumParams())
	checkLen("Product.ScoreTangent", "x", x, q.Dim())
	for i, d := range q.parts {
		s, ok := d.(scorer)
		if !ok {
			panic(fmt.Sprintf("expfam: Product.ScoreTangent: %v", q.Scorable()))
		}
		s.ScoreTangent(q.pp(dst, i), q.px(x, i), w)
	}
}
