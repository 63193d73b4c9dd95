package vi

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/quad"
	"gonum.org/v1/gonum/mat"
)

const (
	blockRows = 256 // rows evaluated at a time: predictors and derivatives stay in the first cache
	groupRows = 512 // least rows a work group holds
	maxGroups = 16  // groups a pass is divided into, whatever the number of workers
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
	workers int    // of passes, at most one a group
	allowed int    // of anything else

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
	taken  atomic.Int64 // groups that a worker has taken
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
	aux, aGrad      [2]float64
	aHess           [3]float64
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
	p.workers, p.allowed = min(workers, p.groups), workers
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
					p.panics[w] = newPanicError("Target.Linear", r)
				}
			}()
			// The last rows first: a target may have put its widest rows there.
			for {
				g := p.groups - int(p.taken.Add(1))
				if g < 0 {
					return
				}
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
	p.taken.Store(0)
	p.wg.Add(p.workers)
	for w := 1; w < p.workers; w++ {
		go p.run[w]()
	}
	p.run[0]()
	p.wg.Wait()
	p.mean = saved
	for _, err := range p.panics {
		if err != nil {
			clear(p.panics) // more than one worker may have one
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
		m.rule[a] = p.points(2*math.Sqrt(cov[a][a]), outerSpread)
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
