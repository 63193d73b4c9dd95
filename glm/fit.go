package glm

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Result is a fitted model: the Gaussian posterior over θ = (coefficients,
// logarithms of the positive parameters) and how far it can be trusted.
type Result struct {
	Encoding *Encoding // formula, factor levels and scales: what new rows need
	Family   Family
	Names    []string // the coefficients, then the positive parameters
	Priors   []string // what the prior of each was, in words
	Coefs    int      // number of coefficients; the rest are positive parameters
	Rows     int      // rows that were used
	Omitted  int      // rows left out for missing values
	Warnings []string

	Posterior *expfam.Normal

	// VI is the engine's result; its Posterior is in the engine's own coordinates,
	// its draws and densities are over θ.
	VI *vi.Result

	specs   []PriorSpec    // the priors as specifications, to bind the fit to data again
	centred bool           // the prior of the intercept is about the column means
	means   []float64      // those means
	after   *expfam.Normal // the prior of a fit that continued an earlier one
}

// Fit fits a model in one call: it is NewModel followed by Model.Fit.
// When ctx ends the run, the fit so far is returned together with the error.
func Fit(ctx context.Context, formula string, data Frame, opt *Options) (*Result, error) {
	m, err := NewModel(formula, data, opt)
	if err != nil {
		return nil, err
	}
	return m.Fit(ctx)
}

// laplaceSteps bounds the steps of the first stage. Three are usual; more only
// where the likelihood has no maximum to find.
const laplaceSteps = 8

// separationSteps bounds the further steps of that stage that look for separation
// where priors are flat: predictors grow by about 1 a step.
const separationSteps = 50

// startAuxSD is the largest sd at which ψ starts. Away from the mode the density
// may have no curvature in ψ, and a q as wide as that says spans σ over many
// orders of magnitude, which costs a great many quadrature nodes and helps nobody.
const startAuxSD = 0.5

// start is the density's curvature at the constant predictor or at the earlier
// posterior; if the likelihood is concave in all parameters, after some steps with
// expectations at the mean, which cost one evaluation a row where the full ones
// cost several.
func (m *Model) start(t *vi.Target) (*expfam.Normal, error) {
	phi := make([]float64, m.dim)
	if m.after != nil {
		beta := m.after.Mean(nil)
		copy(phi[m.p:], beta[m.p:])
		m.toPhi(phi[:m.p], beta[:m.p])
	} else {
		copy(phi[m.p:], m.Family.InitAux(m.outcome))
		if j := m.Design.Intercept; j >= 0 {
			beta := make([]float64, m.p)
			beta[j] = m.Family.InitEta(m.outcome)
			m.toPhi(phi[:m.p], beta)
		}
	}
	// At 0 the coefficients show the trouble that needs no direction.
	if err := m.improper(make([]float64, m.p)); err != nil {
		return nil, err
	}
	if m.Family.LogConcave() && m.dim == m.p && m.settings.Batch == 0 {
		one := mat.NewDiagDense(m.dim, nil)
		for i := range m.dim {
			one.SetDiag(i, 1)
		}
		q, err := expfam.NewNormalPrecision(phi, one)
		if err != nil {
			return nil, err
		}
		// Not to be interrupted: where a resumable run starts must not depend on when it was stopped.
		s := &vi.Settings{Method: vi.Laplace, Iterations: laplaceSteps, Tol: 0.1, Workers: m.settings.Workers, Diagnostics: -1}
		res, err := vi.Fit(context.Background(), q, t, s)
		if err := m.improper(m.fromPhi(q.Mean(nil))); err != nil {
			return nil, err
		}
		if err == nil && res.Status == vi.Converged {
			return q, nil
		}
		if m.flat() != nil {
			// Where there is no posterior, full steps would go on for long.
			far := q.Clone()
			s.Iterations = separationSteps
			_, _ = vi.Fit(context.Background(), far, t, s) // wherever it ends
			if err := m.improper(m.fromPhi(far.Mean(nil))); err != nil {
				return nil, err
			}
		}
	}
	q, err := vi.Start(t, phi)
	if err != nil || m.dim == m.p {
		return q, err
	}
	prec := q.Precision(nil)
	for j := m.p; j < m.dim; j++ {
		prec.SetSym(j, j, prec.At(j, j)+1/(startAuxSD*startAuxSD))
	}
	return expfam.NewNormalPrecision(phi, prec)
}

// toPhi solves Tφ = β by back substitution.
func (m *Model) toPhi(phi, beta []float64) {
	for j := m.p - 1; j >= 0; j-- {
		v := beta[j]
		for k := j + 1; k < m.p; k++ {
			v -= m.t[j*m.p+k] * phi[k]
		}
		phi[j] = v / m.t[j*m.p+j]
	}
}

// fromPhi returns β = Tφ.
func (m *Model) fromPhi(phi []float64) []float64 {
	beta := make([]float64, m.p)
	for j := range beta {
		for k := j; k < m.p; k++ {
			beta[j] += m.t[j*m.p+k] * phi[k]
		}
	}
	return beta
}

// engine prepares a run.
func (m *Model) engine(state []byte) (*vi.Engine, error) {
	t := m.engineTarget()
	q, err := m.start(t)
	var improper *ImproperError
	if errors.As(err, &improper) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("glm: %w", err)
	}
	if state != nil {
		return vi.Resume(q, t, &m.settings, state)
	}
	return vi.New(q, t, &m.settings)
}

// Fit runs the engine. When ctx ends the run, the fit so far is returned
// together with an error that wraps ctx.Err(). A model without a posterior is an
// *[ImproperError].
func (m *Model) Fit(ctx context.Context) (*Result, error) { return m.run(ctx, nil) }

// Resume goes on with a run that Settings.Checkpoint saved. The model must be
// that of the saved run; the result equals that of the uninterrupted run bit for bit.
func (m *Model) Resume(ctx context.Context, state []byte) (*Result, error) {
	if state == nil {
		state = []byte{}
	}
	return m.run(ctx, state)
}

func (m *Model) run(ctx context.Context, state []byte) (*Result, error) {
	e, err := m.engine(state)
	if err != nil {
		return nil, err
	}
	res, err := e.Run(ctx)
	if res == nil {
		return nil, err
	}
	f, ferr := m.finish(res)
	if ferr != nil {
		return nil, ferr
	}
	return f, err
}

// finish takes the result back to θ.
func (m *Model) finish(res *vi.Result) (*Result, error) {
	map_ := mat.NewDense(m.dim, m.dim, nil)
	for i := range m.dim {
		for j := range m.dim {
			switch {
			case i < m.p && j < m.p:
				map_.Set(i, j, m.t[i*m.p+j])
			case i == j:
				map_.Set(i, j, 1)
			}
		}
	}
	q, err := res.Posterior.(*expfam.Normal).Affine(nil, map_)
	if err != nil {
		return nil, fmt.Errorf("glm: the posterior correlations of %q are too close to ±1 for double precision: centre the columns (center(x) in the formula): %w", m.Names[:m.p], err)
	}
	if res.Draws != nil {
		// Draws and densities over θ instead of φ.
		var x mat.Dense
		x.Mul(res.Draws, map_.T())
		res.Draws = &x
		for i := range res.LogP {
			res.LogP[i] -= m.logDet
			res.LogQ[i] -= m.logDet
		}
	}
	f := &Result{
		Encoding: m.Design.Encoding(), Family: m.Family, Names: m.Names, Coefs: m.p, Rows: len(m.Design.Rows), Omitted: len(m.Design.Omitted),
		Warnings: m.Warnings, Posterior: q, VI: res,
	}
	for j := range m.Priors {
		f.Priors = append(f.Priors, m.PriorText(j))
	}
	f.specs, f.centred, f.means = m.specs(), m.InterceptCentred, m.means
	f.after = m.after
	for _, w := range []string{m.separation(q.Mean(nil)), m.exactFit(q.Mean(nil))} {
		if w != "" {
			f.Warnings = append(f.Warnings, w)
		}
	}
	return f, nil
}

// Row is one parameter of a fit.
type Row struct {
	Name                    string
	Mean, SD, Q05, Q50, Q95 float64
	Prior                   string
}

// Summary returns mean, standard deviation and quantiles of every parameter on
// its natural scale: a coefficient is normal, a positive parameter log-normal.
func (f *Result) Summary() []Row {
	mean, sd := f.Posterior.Mean(nil), f.Posterior.Sd(nil)
	rows := make([]Row, len(f.Names))
	const z = 1.6448536269514722 // 95 % quantile of the standard normal
	for j := range rows {
		m, s := mean[j], sd[j]
		r := Row{Name: f.Names[j], Mean: m, SD: s, Q05: m - z*s, Q50: m, Q95: m + z*s, Prior: f.Priors[j]}
		if j >= f.Coefs {
			ln := distuv.LogNormal{Mu: m, Sigma: s}
			r.Mean, r.SD = ln.Mean(), ln.StdDev()
			r.Q05, r.Q50, r.Q95 = math.Exp(r.Q05), math.Exp(r.Q50), math.Exp(r.Q95)
		}
		rows[j] = r
	}
	return rows
}

// Verdict is the engine's verdict in one line.
func (f *Result) Verdict() string { return f.VI.Verdict() }
