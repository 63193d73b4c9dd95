package vi

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/quad"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

const (
	blockRows = 256  // rows evaluated at a time: predictors and derivatives stay in the first cache
	groupRows = 1024 // least rows a work group holds
	maxGroups = 16   // groups a pass is divided into, whatever the number of workers
)

// want says how much of a pass is needed.
type want int

const (
	wantValue want = iota
	wantGrad
	wantHess
)

// span is a range of rows of one term.
type span struct{ term, lo, hi int }

// linearPass computes E_q[log p], E_q[∇ log p] and E_q[∇² log p] of a Linear,
// or their values at a point. Rows are divided into groups that do not depend
// on the number of workers; each group sums into its own partial result and
// the groups are added in order, so that the result does not depend on the
// number of workers bit for bit. A pass allocates nothing.
//
// Cost of a pass: n·d² multiply-adds for the predictor variances and as many
// for the Hessian, plus n·k evaluations, k the number of nodes (3 to 15 in
// usual fits).
type linearPass struct {
	lin     *Linear
	dim     int
	full    []span // all rows, divided into groups
	workers int

	// Input of the pass under way.
	level  want
	refine bool     // finer rules, to judge the usual ones
	q      Gaussian // nil at a point
	mean   []float64
	scale  float64 // of data terms: N over batch size
	spans  []span
	aux    []auxMoments // one a term
	groups int

	parts  []*linearPart
	scr    []*linearScratch
	run    []func()
	wg     sync.WaitGroup
	panics []error

	// Output.
	fit, prior float64 // data and prior parts of E[log p]
	grad       []float64
	hess       *mat.SymDense
	evals      int // function evaluations of rows, for reports
}

// auxMoments holds what a term needs of the auxiliary coordinates of q.
type auxMoments struct {
	cov  [][]float64 // Σ[:cols, a], one a coordinate
	mean [2]float64
	chol [3]float64 // l00, l10, l11 of their covariance
	rule [2]*quad.Nodes
}

type linearPart struct {
	fit, prior float64
	grad, hess []float64
	evals      int
}

type linearScratch struct {
	m, v, s, eta    []float64
	c, b            [2][]float64
	d, call         Derivs
	aux             [2]float64
	f, e, ee        []float64
	ea              [2][]float64
	work, syrk, tmp []float64
	hess            []float64 // X'WX of the span under way, cols×cols
}

func newLinearPass(lin *Linear, dim, workers int) (*linearPass, error) {
	if err := lin.check(dim); err != nil {
		return nil, err
	}
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	p := &linearPass{lin: lin, dim: dim, grad: make([]float64, dim), hess: mat.NewSymDense(dim, nil), aux: make([]auxMoments, len(lin.Terms))}
	rows := 0
	for _, t := range lin.Terms {
		rows += t.X.Rows
	}
	p.groups = min(maxGroups, max(1, rows/groupRows))
	size := (rows + p.groups - 1) / p.groups
	size = max(blockRows, (size+blockRows-1)/blockRows*blockRows)
	for k, t := range lin.Terms {
		for lo := 0; lo < t.X.Rows; lo += size {
			p.full = append(p.full, span{k, lo, min(lo+size, t.X.Rows)})
		}
		p.aux[k].cov = make([][]float64, len(t.Aux))
		for a := range t.Aux {
			p.aux[k].cov[a] = make([]float64, dim)
		}
	}
	p.workers = min(workers, p.groups)
	for range p.groups {
		p.parts = append(p.parts, &linearPart{grad: make([]float64, dim), hess: make([]float64, dim*dim)})
	}
	p.panics = make([]error, p.workers)
	for w := range p.workers {
		p.scr = append(p.scr, newLinearScratch(dim))
		p.run = append(p.run, func() {
			defer p.wg.Done()
			// A panic in a user's function must not take the process down.
			defer func() {
				if r := recover(); r != nil {
					p.panics[w] = &PanicError{Value: r, Stack: debug.Stack()}
				}
			}()
			for g := w; g < p.groups; g += p.workers {
				p.group(g, p.scr[w])
			}
		})
	}
	return p, nil
}

func newLinearScratch(dim int) *linearScratch {
	v := func() []float64 { return make([]float64, blockRows) }
	vs := func(n int) [][]float64 {
		s := make([][]float64, n)
		for i := range s {
			s[i] = v()
		}
		return s
	}
	s := &linearScratch{m: v(), v: v(), s: v(), eta: v(), f: v(), e: v(), ee: v(), syrk: make([]float64, la.SyrkScratch(blockRows, dim)), tmp: make([]float64, dim), hess: make([]float64, dim*dim), work: make([]float64, expfam.PredictorWork)}
	for a := range 2 {
		s.c[a], s.b[a], s.ea[a] = v(), v(), v()
	}
	s.d = Derivs{F: v(), E: v(), EE: v(), A: vs(2), EA: vs(2), AA: vs(3)}
	return s
}

func (l *Linear) check(dim int) error {
	for k, t := range l.Terms {
		bad := func(format string, args ...any) error {
			return fmt.Errorf("vi: Linear.Terms[%d] (%s): %s", k, t.Name, fmt.Sprintf(format, args...))
		}
		switch {
		case t.Eval == nil:
			return bad("Eval is nil")
		case t.X.Cols < 0 || t.X.Cols > dim:
			return bad("X has %d columns, want at most Dim = %d", t.X.Cols, dim)
		case t.X.Rows > 0 && len(t.X.Data) < (t.X.Rows-1)*t.X.Stride+t.X.Cols:
			return bad("X has %d values, want %d×%d", len(t.X.Data), t.X.Rows, t.X.Cols)
		case t.Offset != nil && len(t.Offset) != t.X.Rows:
			return bad("Offset has length %d, want %d", len(t.Offset), t.X.Rows)
		case len(t.Aux) > 2:
			return bad("%d auxiliary coordinates, want at most 2", len(t.Aux))
		}
		for _, a := range t.Aux {
			if a < t.X.Cols || a >= dim {
				return bad("auxiliary coordinate %d, want one in [%d, %d)", a, t.X.Cols, dim)
			}
		}
	}
	return nil
}

// at evaluates the density itself at x.
func (p *linearPass) at(x []float64, level want) error {
	return p.pass(nil, x, level, p.full, 1)
}

// under takes expectations under q over the given spans; data terms count
// scale times.
func (p *linearPass) under(q Gaussian, level want, spans []span, scale float64) error {
	if p.mean == nil {
		p.mean = make([]float64, p.dim)
	}
	return p.pass(q, q.Mean(p.mean), level, spans, scale)
}

func (p *linearPass) pass(q Gaussian, mean []float64, level want, spans []span, scale float64) error {
	p.level, p.q, p.spans, p.scale = level, q, spans, scale
	saved := p.mean
	p.mean = mean
	for k := range p.lin.Terms {
		p.prepareAux(k)
	}
	p.wg.Add(p.workers)
	for w := 1; w < p.workers; w++ {
		go p.run[w]()
	}
	p.run[0]()
	p.wg.Wait()
	p.mean = saved
	for w, err := range p.panics {
		if err != nil {
			p.panics[w] = nil
			return err
		}
	}
	p.reduce()
	return nil
}

func (p *linearPass) reduce() {
	p.fit, p.prior, p.evals = 0, p.lin.Const, 0
	clear(p.grad)
	raw := p.hess.RawSymmetric()
	if p.level >= wantHess {
		clear(raw.Data)
	}
	for _, part := range p.parts {
		p.fit += part.fit
		p.prior += part.prior
		p.evals += part.evals
		if p.level >= wantGrad {
			for i, g := range part.grad {
				p.grad[i] += g
			}
		}
		if p.level >= wantHess {
			for i := range p.dim {
				row, src := raw.Data[i*raw.Stride:], part.hess[i*p.dim:]
				for j := i; j < p.dim; j++ {
					row[j] += src[j]
				}
			}
		}
	}
}

// prepareAux reads the joint moments of the auxiliary coordinates of term k
// and chooses the number of outer nodes.
func (p *linearPass) prepareAux(k int) {
	t, m := &p.lin.Terms[k], &p.aux[k]
	one := quad.Rule(1)
	m.chol, m.rule = [3]float64{}, [2]*quad.Nodes{one, one}
	var cov [2][2]float64
	for a, j := range t.Aux {
		m.mean[a] = p.mean[j]
		if p.q == nil {
			clear(m.cov[a])
			continue
		}
		p.q.CovColumn(m.cov[a], j)
		for b, i := range t.Aux {
			cov[a][b] = m.cov[a][i]
		}
	}
	if p.q == nil || len(t.Aux) == 0 {
		return
	}
	m.chol[0] = math.Sqrt(cov[0][0])
	if len(t.Aux) == 2 {
		m.chol[1] = cov[0][1] / m.chol[0]
		m.chol[2] = math.Sqrt(max(cov[1][1]-m.chol[1]*m.chol[1], 0))
	}
	for a := range t.Aux {
		// The functions depend on exp(−2ψ) at most, an entire function of spread 2·sd.
		m.rule[a] = p.points(2 * math.Sqrt(cov[a][a]))
	}
}

// group sums the spans of one group.
func (p *linearPass) group(g int, s *linearScratch) {
	part := p.parts[g]
	part.fit, part.prior, part.evals = 0, 0, 0
	if p.level >= wantGrad {
		clear(part.grad)
	}
	if p.level >= wantHess {
		clear(part.hess)
	}
	for k := g; k < len(p.spans); k += p.groups {
		sp := p.spans[k]
		cols := p.lin.Terms[sp.term].X.Cols
		if p.level >= wantHess {
			clear(s.hess[:cols*cols])
		}
		for lo := sp.lo; lo < sp.hi; lo += blockRows {
			p.block(part, s, sp.term, lo, min(lo+blockRows, sp.hi))
		}
		if p.level >= wantHess {
			for i := range cols {
				axpy(part.hess[i*p.dim:i*p.dim+cols], 1, s.hess[i*cols:])
			}
		}
	}
}

// block takes the expectations of rows lo … hi−1 of term k.
func (p *linearPass) block(part *linearPart, s *linearScratch, k, lo, hi int) {
	t, am := &p.lin.Terms[k], &p.aux[k]
	n, cols := hi-lo, t.X.Cols
	x := blas64.General{Rows: n, Cols: cols, Stride: t.X.Stride}
	if n > 0 && cols > 0 {
		x.Data = t.X.Data[lo*t.X.Stride : (hi-1)*t.X.Stride+cols]
	}
	na := len(t.Aux)
	scale := 1.0
	if !t.Prior {
		scale = p.scale
	}

	m := s.m[:n]
	if t.Offset != nil {
		copy(m, t.Offset[lo:hi])
	} else {
		clear(m)
	}
	mulAdd(m, x, p.mean[:cols])
	spread := p.spreads(s, x, am, na, n)

	f, e, ee := s.f[:n], s.e[:n], s.ee[:n]
	clear(f)
	clear(e)
	clear(ee)
	for a := range na {
		clear(s.ea[a][:n])
	}
	// d and aux live in the scratch: what a func value is given escapes.
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
	var aGrad [2]float64
	var aHess [3]float64
	aux := &s.aux

	for i0, z0 := range am.rule[0].Z {
		for i1, z1 := range am.rule[1].Z {
			wo := am.rule[0].W[i0] * am.rule[1].W[i1]
			aux[0] = am.mean[0] + am.chol[0]*z0
			aux[1] = am.mean[1] + am.chol[1]*z0 + am.chol[2]*z1
			inner := p.innerRule(t, aux[:na], spread)
			for iz, z := range inner.Z {
				eta := s.eta[:n]
				copy(eta, m)
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
				part.evals += n
				w := wo * inner.W[iz]
				axpy(f, w, d.F)
				if p.level >= wantGrad {
					axpy(e, w, d.E)
					for a := range na {
						aGrad[a] += w * sum(d.A[a][:n])
					}
				}
				if p.level >= wantHess {
					axpy(ee, w, d.EE)
					for a := range na {
						axpy(s.ea[a][:n], w, d.EA[a][:n])
					}
					for a := range d.AA {
						aHess[a] += w * sum(d.AA[a][:n])
					}
				}
			}
		}
	}

	total := scale * sum(f)
	if t.Prior {
		part.prior += total
	} else {
		part.fit += total
	}
	if p.level < wantGrad {
		return
	}
	if scale != 1 {
		scaleBy(e, scale)
	}
	mulTransAdd(part.grad[:cols], x, e)
	for a, j := range t.Aux {
		part.grad[j] += scale * aGrad[a]
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
			if i < j || i == j {
				part.hess[i*p.dim+j] += scale * aHess[pairIndex(a, b)]
			}
		}
	}
}

// pairIndex is the index in Derivs.AA of the pair (a, b).
func pairIndex(a, b int) int { return a + b }

// innerRule chooses the rule over the predictor for the widest row of a block.
func (p *linearPass) innerRule(t *Term, aux []float64, spread float64) *quad.Nodes {
	switch {
	case p.q == nil || spread == 0 || t.Degree == 1:
		return quad.Rule(1)
	case t.Degree == 2 || t.Degree == 3:
		return quad.Rule(2)
	}
	if t.Width != nil {
		spread /= t.Width(aux)
	}
	return p.points(spread)
}

// points is the rule for a spread, or for half as much again.
func (p *linearPass) points(spread float64) *quad.Nodes {
	if p.refine {
		spread *= 1.5
	}
	return quad.ForSpread(spread)
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

func axpy(dst []float64, a float64, x []float64) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] += a * v
	}
}

func scaleBy(dst []float64, a float64) {
	for i := range dst {
		dst[i] *= a
	}
}

func sum(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}
