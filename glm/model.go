package glm

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// Options states everything about a model but its formula and data. The zero
// value, and nil, mean a gaussian family, default priors and no missing values.
type Options struct {
	DesignOptions
	// Family of the outcome; nil is Gaussian().
	Family Family
	// Priors replace the defaults of [DefaultPriors], see [ResolvePriors].
	Priors []PriorSpec
	// After makes the posterior of an earlier fit the prior of this one:
	// yesterday's rows plus today's. It must be of the same formula and family,
	// and excludes Priors.
	After *Result
	// Settings of the engine.
	Settings vi.Settings
}

// Model is a formula, a family and priors bound to data: the posterior density
// over θ = (coefficients, logarithms of the positive parameters), constants and
// log-Jacobians included.
type Model struct {
	Design   *Design
	Family   Family
	Names    []string // the coefficients, then the positive parameters
	Priors   []Prior  // one a name; see InterceptCentred
	Warnings []string

	// InterceptCentred says that the prior of the intercept is about the
	// predictor at the column means, as the default is, and not about the
	// predictor where all columns are zero.
	InterceptCentred bool

	after    *expfam.Normal
	settings vi.Settings
	means    []float64 // of the columns of X
	p, dim   int

	// The engine works in coordinates φ with β = Tφ in which the columns of the
	// design are orthonormal (times √n), so that neither units nor collinearity
	// of the columns cost it digits. T is upper triangular, p×p.
	t       []float64
	logDet  float64 // log |det T|
	loglik  func(lo int, eta, aux []float64, d *vi.Derivs)
	outcome Outcome
}

// NewModel reads the columns of data that the formula names and checks that
// the model can be fitted: errors are those of [NewDesign], a *[RankError], an
// *[OutcomeError], a *[PriorError], and a *[DataError] for an outcome that the
// constant predictor fits without error where the density has no bound then.
func NewModel(formula string, data Frame, opt *Options) (*Model, error) {
	if opt == nil {
		opt = &Options{}
	}
	f, err := ParseFormula(formula)
	if err != nil {
		return nil, err
	}
	var d *Design
	if opt.After != nil {
		if want := opt.After.Encoding.Formula; f.String() != want {
			return nil, fmt.Errorf("glm: NewModel: the formula is %q, but the posterior that serves as prior was fitted with %q", f, want)
		}
		d, err = opt.After.Encoding.Design(data)
	} else {
		d, err = NewDesign(f, data, opt.DesignOptions)
	}
	if err != nil {
		return nil, err
	}
	return newModel(d, opt)
}

func newModel(d *Design, opt *Options) (*Model, error) {
	m := &Model{Design: d, Family: opt.Family, settings: opt.Settings}
	if m.Family == nil {
		m.Family = Gaussian()
	}
	if a := opt.After; a != nil {
		m.after = a.Posterior
		if a.Family.String() != m.Family.String() {
			return nil, fmt.Errorf("glm: NewModel: the family is %s, but the posterior that serves as prior has family %s", m.Family, a.Family)
		}
		if len(opt.Priors) > 0 {
			return nil, fmt.Errorf("glm: NewModel: Options.Priors and Options.After exclude each other: the earlier posterior is the prior of all parameters")
		}
	}
	if err := m.bindOutcome(); err != nil {
		return nil, err
	}
	sds := m.columnMoments()
	if opt.After != nil && !slices.Equal(m.Names, opt.After.Names) {
		return nil, fmt.Errorf("glm: NewModel: the parameters are %q, but those of the posterior that serves as prior are %q", m.Names, opt.After.Names)
	}
	if err := m.setPriors(opt.Priors, sds); err != nil {
		return nil, err
	}
	if err := m.checkConstantOutcome(); err != nil {
		return nil, err
	}
	if err := m.whiten(sds); err != nil {
		return nil, err
	}
	return m, nil
}

// bindOutcome checks the outcome and names the parameters.
func (m *Model) bindOutcome() error {
	d := m.Design
	rows := make([]int, len(d.Rows))
	for i, r := range d.Rows {
		rows[i] = r + 1
	}
	if err := m.Family.CheckOutcome(d.Y, d.Trials, rows, d.Outcome); err != nil {
		var oe *OutcomeError
		if errors.As(err, &oe) {
			oe.File, oe.Line = d.file, d.lineOf(oe.Index)
		}
		return err
	}
	m.outcome = Outcome{Y: d.Y, Trials: d.Trials, Weights: d.Weights, Offset: d.Offset}
	m.loglik = m.Family.Eval(m.outcome)
	m.Names = append(slices.Clone(d.Names), m.Family.AuxNames()...)
	m.p, m.dim = len(d.Names), len(m.Names)
	return nil
}

// columnMoments fills means and returns the standard deviations of the columns.
func (m *Model) columnMoments() []float64 {
	x := m.Design.X
	m.means = make([]float64, x.Cols)
	sds := make([]float64, x.Cols)
	for i := range x.Rows {
		for j, v := range x.Data[i*x.Stride : i*x.Stride+x.Cols] {
			m.means[j] += v
		}
	}
	for j := range m.means {
		m.means[j] /= float64(x.Rows)
	}
	for i := range x.Rows {
		for j, v := range x.Data[i*x.Stride : i*x.Stride+x.Cols] {
			d := v - m.means[j]
			sds[j] += d * d
		}
	}
	for j := range sds {
		sds[j] = math.Sqrt(sds[j] / float64(max(x.Rows-1, 1)))
	}
	return sds
}

func (m *Model) positive() []bool {
	pos := make([]bool, m.dim)
	for j := m.p; j < m.dim; j++ {
		pos[j] = true
	}
	return pos
}

func (m *Model) setPriors(specs []PriorSpec, sds []float64) error {
	if m.after != nil {
		m.Priors = make([]Prior, m.dim)
		return nil
	}
	def := DefaultPriors(m.Family, m.Design.Names, sds, m.outcome)
	var err error
	m.Priors, err = ResolvePriors(def, specs, m.Names, m.positive())
	if err != nil {
		return err
	}
	m.InterceptCentred = m.Design.Intercept >= 0
	for _, s := range specs {
		if m.Design.Intercept >= 0 && s.Name == m.Names[m.Design.Intercept] {
			m.InterceptCentred = false
		}
	}
	return nil
}

// specs returns the priors as specifications in the order of Names.
func (m *Model) specs() []PriorSpec {
	if m.after != nil {
		return nil
	}
	s := make([]PriorSpec, m.dim)
	for j, p := range m.Priors {
		s[j] = PriorSpec{Name: m.Names[j], Prior: p}
	}
	return s
}

// PriorText says in words what the prior of parameter j is.
func (m *Model) PriorText(j int) string {
	switch {
	case m.after != nil:
		return "earlier posterior"
	case j == m.Design.Intercept && m.InterceptCentred:
		return m.Priors[j].String() + " at column means"
	}
	return m.Priors[j].String()
}

// whiten makes T. With an intercept the columns are centred first: that is
// what keeps a calendar year as covariate as accurate as a centred one.
func (m *Model) whiten(sds []float64) error {
	x, p := m.Design.X, m.p
	if p == 0 {
		return nil
	}
	centre := m.Design.Intercept == 0
	scale := make([]float64, p)
	for j := range p {
		scale[j] = sds[j]
		if !centre || j == 0 || sds[j] == 0 {
			scale[j] = math.Hypot(m.means[j], sds[j])
		}
		if scale[j] == 0 {
			scale[j] = 1
		}
	}
	shift, factor := make([]float64, p), make([]float64, p)
	for j := range p {
		factor[j] = 1 / scale[j]
		if centre && j > 0 {
			shift[j] = m.means[j]
		}
	}
	fill := func(dst []float64, lo, hi int) {
		for i := lo; i < hi; i++ {
			row := dst[(i-lo)*p:][:p]
			for j, v := range x.Data[i*x.Stride:][:p] {
				row[j] = (v - shift[j]) * factor[j]
			}
		}
	}
	r, ok := gramRoot(x.Rows, p, m.workers(), fill)
	if !ok {
		rank := m.Design.CheckRank()
		if rank == nil {
			// Nearly collinear, but not exactly: Householder QR does not square the condition number.
			z := blas64.General{Rows: x.Rows, Cols: p, Stride: p, Data: make([]float64, x.Rows*p)}
			fill(z.Data, 0, x.Rows)
			r, ok = qrRoot(z)
		}
		if !ok {
			if err := m.allowRankDeficient(rank); err != nil {
				return err
			}
			r = identity(p)
		}
	}
	// T = C R⁻¹ with C the centring and scaling.
	t := blas64.General{Rows: p, Cols: p, Stride: p, Data: make([]float64, p*p)}
	for j := range p {
		t.Data[j*p+j] = 1 / scale[j]
		if centre && j > 0 {
			t.Data[j] = -m.means[j] / scale[j]
		}
	}
	tri := blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: p, Stride: p, Data: r}
	blas64.Trsm(blas.Right, blas.NoTrans, 1, tri, t)
	m.t = t.Data
	for j := range p {
		m.logDet += math.Log(math.Abs(m.t[j*p+j]))
	}
	return nil
}

// allowRankDeficient decides about a design whose columns are dependent: that
// is a mistake in the formula, unless there are fewer rows than columns and
// every coefficient has a proper prior.
func (m *Model) allowRankDeficient(rank error) error {
	proper := m.after != nil
	if !proper {
		proper = true
		for _, pr := range m.Priors[:m.p] {
			proper = proper && pr.Proper()
		}
	}
	if rank == nil || proper && m.Design.X.Rows < m.p || m.after != nil {
		m.Warnings = append(m.Warnings, fmt.Sprintf("%s cannot determine %s: some directions are known from the prior alone", plural(m.Design.X.Rows, "row"), plural(m.p, "coefficient")))
		return nil
	}
	return rank
}

// Target returns the posterior density over θ as the engine takes it, with the
// rows in the order of the design. Its dimension and names are those of the model.
func (m *Model) Target() *vi.Target {
	return m.target(identity(m.p), 0, m.Design.X, m.loglik, sumOf(m.Family, m.outcome))
}

// engineTarget is the target in the coordinates φ, its rows in random order if
// there are batches, else ordered by the spread of their predictors.
func (m *Model) engineTarget() *vi.Target {
	z, length := whitened(m.Design.X, m.t, m.workers())
	var perm []int
	compress := m.Family.Name() == "gaussian" && m.settings.Batch == 0
	switch {
	case m.settings.Batch > 0:
		perm = rand.New(rand.NewPCG(m.settings.Seed, 0x5eed)).Perm(z.Rows)
	case m.Family.Degree() == 0:
		perm = bySpread(length)
	}
	eval, out := m.loglik, m.outcome
	if perm != nil {
		z, out = permutedRows(z, perm), permuted(out, perm)
		eval = m.Family.Eval(out)
	}
	t := m.target(m.t, m.logDet, z, eval, sumOf(m.Family, out))
	t.Names = nil // φ has no names of its own
	lik := &t.Linear.Terms[0]
	lik.Offset = out.Offset
	if compress {
		if c, ok := gaussianTerm(z, out, m.p); ok {
			*lik = c
		}
	}
	return t
}

func permuted(o Outcome, perm []int) Outcome {
	pick := func(v []float64) []float64 {
		if v == nil {
			return nil
		}
		w := make([]float64, len(v))
		for i, k := range perm {
			w[i] = v[k]
		}
		return w
	}
	return Outcome{Y: pick(o.Y), Trials: pick(o.Trials), Weights: pick(o.Weights), Offset: pick(o.Offset)}
}

// target assembles likelihood and priors for coefficients β = Tφ and a design
// x that meets φ.
func (m *Model) target(t []float64, logDet float64, x blas64.General, eval func(lo int, eta, aux []float64, d *vi.Derivs), sum sumFunc) *vi.Target {
	aux := make([]int, m.dim-m.p)
	for a := range aux {
		aux[a] = m.p + a
	}
	lin := &vi.Linear{Const: logDet}
	lin.Terms = append(lin.Terms, vi.Term{
		Name: "likelihood", X: x, Offset: m.outcome.Offset, Aux: aux, Degree: m.Family.Degree(), Width: likelihoodWidth(m.Family), Eval: eval, Sum: sum,
	})
	if m.after != nil {
		lin.Terms = append(lin.Terms, normalPriorTerm(m.after, t, m.p))
	} else {
		lin.Terms = append(lin.Terms, m.priorTerms(t)...)
	}
	return &vi.Target{Dim: m.dim, N: x.Rows, Names: m.Names, Linear: lin}
}

// priorTerms states the independent priors as functions of linear predictors:
// the coefficient β_j = T_j φ, the intercept at the column means, or ψ.
func (m *Model) priorTerms(t []float64) []vi.Term {
	var quad []Prior
	var quadPos []bool
	var quadRows [][]float64
	var terms []vi.Term
	for j, pr := range m.Priors {
		pos := j >= m.p
		row := make([]float64, m.dim)
		if pos {
			row[j] = 1
		} else {
			copy(row, t[j*m.p:(j+1)*m.p])
			if j == m.Design.Intercept && m.InterceptCentred {
				for k, mean := range m.means {
					if k != j {
						for c := range m.p {
							row[c] += mean * t[k*m.p+c]
						}
					}
				}
			}
		}
		if pr.degree(pos) == 2 {
			if pr.Proper() || pos {
				quad, quadPos, quadRows = append(quad, pr), append(quadPos, pos), append(quadRows, row)
			}
			continue
		}
		terms = append(terms, priorTerm("prior of "+m.Names[j], []Prior{pr}, []bool{pos}, [][]float64{row}, 0, priorWidth(pr, pos)))
	}
	if len(quad) > 0 {
		terms = append(terms, priorTerm("priors", quad, quadPos, quadRows, 2, 1))
	}
	return terms
}

func priorTerm(name string, priors []Prior, positive []bool, rows [][]float64, degree int, width float64) vi.Term {
	dim := len(rows[0])
	x := blas64.General{Rows: len(rows), Cols: dim, Stride: dim, Data: make([]float64, 0, len(rows)*dim)}
	for _, r := range rows {
		x.Data = append(x.Data, r...)
	}
	return vi.Term{Name: name, Prior: true, X: x, Degree: degree, Width: func([]float64) float64 { return width }, Eval: priorEval(priors, positive)}
}

// normalPriorTerm is the density of q over (β, ψ) = (Tφ, ψ): with precision
// S = LL', −½ Σ_k (L_k'(θ − μ))² + const.
func normalPriorTerm(q *expfam.Normal, t []float64, p int) vi.Term {
	d := q.Dim()
	l := q.CholPrecision(nil)
	mu := q.Mean(nil)
	x := blas64.General{Rows: d, Cols: d, Stride: d, Data: make([]float64, d*d)}
	off := make([]float64, d)
	for k := range d {
		for i := range d {
			w := l.At(i, k)
			off[k] -= w * mu[i]
			if i >= p {
				x.Data[k*d+i] += w
				continue
			}
			for c := range p {
				x.Data[k*d+c] += w * t[i*p+c]
			}
		}
	}
	c := (q.LogDetPrecision()/2 - float64(d)*halfLog2Pi) / float64(d)
	return vi.Term{Name: "earlier posterior", Prior: true, X: x, Offset: off, Degree: 2, Eval: func(lo int, eta, aux []float64, dv *vi.Derivs) {
		for i, u := range eta {
			if dv.F != nil {
				dv.F[i] = c - u*u/2
			}
			if dv.E != nil {
				dv.E[i] = -u
			}
			if dv.EE != nil {
				dv.EE[i] = -1
			}
		}
	}}
}
