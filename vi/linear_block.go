package vi

import (
	"math"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/quad"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// block takes the expectations of rows lo … hi−1 of term k and adds them to
// part.
func (p *linearPass) block(part *linearPart, s *linearScratch, k, lo, hi int) {
	t, am := &p.lin.Terms[k], &p.aux[k]
	n, cols := hi-lo, t.X.Cols
	x := blas64.General{Rows: n, Cols: cols, Stride: t.X.Stride}
	if n > 0 && cols > 0 {
		x.Data = t.X.Data[lo*t.X.Stride : (hi-1)*t.X.Stride+cols]
	}
	m := s.m[:n]
	if t.Offset != nil {
		copy(m, t.Offset[lo:hi])
	} else {
		clear(m)
	}
	mulAdd(m, x, p.mean[:cols])
	spread := p.spreads(s, x, am, len(t.Aux), n)
	part.evals += p.expect(s, t, am, lo, n, spread)
	p.deposit(part, s, t, x)
}

// expect fills s.f, s.e, s.ee and s.ea with the expectations of n rows from lo,
// and s.aGrad and s.aHess with those of the auxiliary coordinates, summed over the rows. It
// returns the number of evaluations.
func (p *linearPass) expect(s *linearScratch, t *Term, am *auxMoments, lo, n int, spread float64) (evals int) {
	na := len(t.Aux)
	f, e, ee, eta := s.f[:n], s.e[:n], s.ee[:n], s.eta[:n]
	clear(f)
	clear(e)
	clear(ee)
	for a := range na {
		clear(s.ea[a][:n])
	}
	s.aGrad, s.aHess = [2]float64{}, [3]float64{}
	d := p.wanted(s, n, na)
	aux := &s.aux // in the scratch, as d is: what a func value is given escapes
	for i0, z0 := range am.rule[0].Z {
		for i1, z1 := range am.rule[1].Z {
			wo := am.rule[0].W[i0] * am.rule[1].W[i1]
			aux[0] = am.mean[0] + am.chol[0]*z0
			aux[1] = am.mean[1] + am.chol[1]*z0 + am.chol[2]*z1
			inner := p.innerRule(t, aux[:na], spread, wo)
			for iz, z := range inner.Z {
				copy(eta, s.m[:n])
				if p.q != nil {
					if z != 0 {
						axpy(eta, z, s.s[:n])
					}
					if na > 0 {
						axpy(eta, z0, s.b[0][:n])
					}
					if na > 1 {
						axpy(eta, z1, s.b[1][:n])
					}
				}
				t.Eval(lo, eta, aux[:na], d)
				evals += n
				w := wo * inner.W[iz]
				axpy(f, w, d.F)
				if p.level >= wantGrad {
					axpy(e, w, d.E)
					for a := range na {
						s.aGrad[a] += w * sum(d.A[a][:n])
					}
				}
				if p.level >= wantHess {
					axpy(ee, w, d.EE)
					for a := range na {
						axpy(s.ea[a][:n], w, d.EA[a][:n])
					}
					for a := range d.AA {
						s.aHess[a] += w * sum(d.AA[a][:n])
					}
				}
			}
		}
	}
	return evals
}

// wanted is the Derivs that the level of the pass asks for, n rows long.
func (p *linearPass) wanted(s *linearScratch, n, na int) *Derivs {
	d := &s.call
	*d = Derivs{F: s.d.F[:n]}
	if p.level >= wantGrad {
		d.E = s.d.E[:n]
	}
	if p.level >= wantHess {
		d.EE = s.d.EE[:n]
	}
	if na > 0 && p.level >= wantGrad {
		d.A = s.d.A[:na]
		if p.level >= wantHess {
			d.EA, d.AA = s.d.EA[:na], s.d.AA[:na*(na+1)/2]
		}
	}
	return d
}

// deposit adds the expectations of the rows x to value, gradient and Hessian.
func (p *linearPass) deposit(part *linearPart, s *linearScratch, t *Term, x blas64.General) {
	n, cols, scale := x.Rows, x.Cols, 1.0
	f, e, ee := s.f[:n], s.e[:n], s.ee[:n]
	if t.Prior {
		part.prior += sum(f)
	} else {
		scale = p.scale
		part.fit += scale * sum(f)
	}
	if p.level < wantGrad {
		return
	}
	if scale != 1 {
		scaleBy(e, scale)
	}
	mulTransAdd(part.grad[:cols], x, e)
	for a, j := range t.Aux {
		part.grad[j] += scale * s.aGrad[a]
	}
	if p.level < wantHess {
		return
	}
	if scale != 1 {
		scaleBy(ee, scale)
	}
	la.SyrkWeighted(s.hess[:cols*cols], x, ee, s.syrk)
	for a, j := range t.Aux {
		ea := s.ea[a][:n]
		if scale != 1 {
			scaleBy(ea, scale)
		}
		tmp := s.tmp[:cols]
		clear(tmp)
		mulTransAdd(tmp, x, ea)
		for i, v := range tmp {
			part.hess[i*p.dim+j] += v // i < cols ≤ j: the upper triangle
		}
		for b, i := range t.Aux {
			if i <= j {
				part.hess[i*p.dim+j] += scale * s.aHess[a+b] // Derivs.AA holds (a, b) at a+b
			}
		}
	}
}

// innerRule chooses the rule over the predictor for the widest row of a block.
func (p *linearPass) innerRule(t *Term, aux []float64, spread, weight float64) *quad.Nodes {
	switch {
	case p.q == nil || spread == 0 || t.Degree == 1:
		return quad.Rule(1)
	case t.Degree == 2 || t.Degree == 3:
		return quad.Rule(2)
	}
	if t.Width != nil {
		spread /= t.Width(aux)
	}
	limit := math.Inf(1)
	if len(t.Aux) > 0 {
		// Far out in the auxiliary coordinates the functions may be as sharp as
		// they like: what they contribute is as small as the weight of the node.
		limit = innerSpread
		if weight < 1e-4 {
			limit = outerSpread
		}
	}
	return p.points(spread, limit)
}

// Spreads beyond which terms with auxiliary coordinates get no finer rules: 22
// nodes over an auxiliary coordinate and 70 over the predictor.
const (
	outerSpread = 0.93
	innerSpread = 3
	leastSpread = 1e-3 // two nodes at least
)

// points is the rule for a spread of at most limit, or for half as much again
// of both.
func (p *linearPass) points(spread, limit float64) *quad.Nodes {
	spread = math.Min(spread, limit)
	if p.refine {
		spread *= 1.5
	}
	// One node would lose ½·f″·var, which is half a nat a parameter however
	// narrow q is: the sum of f″ grows as the variances fall.
	return quad.ForSpread(max(spread, leastSpread))
}

// spreads fills s.s with the standard deviations of the predictors given the
// auxiliary coordinates, s.b with their loadings on the auxiliary nodes, and
// returns the largest standard deviation.
func (p *linearPass) spreads(s *linearScratch, x blas64.General, am *auxMoments, na, n int) float64 {
	if p.q == nil {
		return 0
	}
	v := s.v[:n]
	p.q.PredictorVar(v, x, s.work)
	for a := range na {
		c := s.c[a][:n]
		clear(c)
		mulAdd(c, x, am.cov[a][:x.Cols])
	}
	// With ψ = ψ̄ + L z, cov(η, z) = L⁻¹ cov(ψ, η).
	if na > 0 {
		b0 := s.b[0][:n]
		for i, c := range s.c[0][:n] {
			b0[i] = c / am.chol[0]
			v[i] -= b0[i] * b0[i]
		}
	}
	if na > 1 {
		b0, b1 := s.b[0][:n], s.b[1][:n]
		for i, c := range s.c[1][:n] {
			b1[i] = 0
			if am.chol[2] > 0 {
				b1[i] = (c - am.chol[1]*b0[i]) / am.chol[2]
			}
			v[i] -= b1[i] * b1[i]
		}
	}
	spread := 0.0
	for i, vi := range v {
		sd := math.Sqrt(max(vi, 0))
		s.s[i] = sd
		spread = max(spread, sd)
	}
	return spread
}

// mulAdd adds x·b to dst.
func mulAdd(dst []float64, x blas64.General, b []float64) {
	if x.Cols == 0 || x.Rows == 0 {
		return
	}
	blas64.Gemv(blas.NoTrans, 1, x, blas64.Vector{N: len(b), Data: b, Inc: 1}, 1, blas64.Vector{N: len(dst), Data: dst, Inc: 1})
}

// mulTransAdd adds x'·w to dst.
func mulTransAdd(dst []float64, x blas64.General, w []float64) {
	if x.Cols == 0 || x.Rows == 0 {
		return
	}
	blas64.Gemv(blas.Trans, 1, x, blas64.Vector{N: len(w), Data: w, Inc: 1}, 1, blas64.Vector{N: len(dst), Data: dst, Inc: 1})
}

// axpy adds a·x to dst.
func axpy(dst []float64, a float64, x []float64) {
	n := len(dst)
	blas64.Axpy(a, blas64.Vector{N: n, Data: x[:n], Inc: 1}, blas64.Vector{N: n, Data: dst, Inc: 1})
}

func scaleBy(dst []float64, a float64) {
	for i := range dst {
		dst[i] *= a
	}
}

// sum adds up x in four strands, which wait for each other less.
func sum(x []float64) float64 {
	var a, b, c, d float64
	for ; len(x) >= 4; x = x[4:] {
		a += x[0]
		b += x[1]
		c += x[2]
		d += x[3]
	}
	for _, v := range x {
		a += v
	}
	return (a + b) + (c + d)
}
