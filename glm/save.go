package glm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
)

const (
	saveFormat  = "natgrad-glm"
	saveVersion = 1
)

// number is a float64 whose NaN and infinities survive JSON.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if v := float64(n); math.IsNaN(v) || math.IsInf(v, 0) {
		return json.Marshal(fmt.Sprint(v))
	}
	return json.Marshal(float64(n))
}

func (n *number) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		switch s {
		case "NaN":
			*n = number(math.NaN())
		case "+Inf":
			*n = number(math.Inf(1))
		case "-Inf":
			*n = number(math.Inf(-1))
		default:
			return fmt.Errorf("number %q, want NaN, +Inf or -Inf", s)
		}
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

// saved is the file format. It holds no times, so that equal fits have equal
// bytes; floats are written with as many digits as they need to come back exactly.
type saved struct {
	Format   string      `json:"format"`
	Version  int         `json:"version"`
	Formula  string      `json:"formula"`
	Family   string      `json:"family"`
	Encoding *Encoding   `json:"encoding"`
	Rows     int         `json:"rows"`
	Omitted  int         `json:"omitted"`
	Coefs    int         `json:"coefficients"`
	Params   []savedRow  `json:"parameters"`
	Specs    []PriorSpec `json:"priors,omitempty"`
	Centred  bool        `json:"intercept_prior_at_column_means"`
	Means    []float64   `json:"column_means"`
	Warnings []string    `json:"warnings,omitempty"`
	// Natural parameters of the posterior over (coefficients, log of the positive parameters).
	Natural []float64  `json:"posterior_natural"`
	After   []float64  `json:"prior_natural,omitempty"`
	Run     savedRun   `json:"run"`
	Trace   []savedRec `json:"trace"`
}

type savedRow struct {
	Name  string `json:"name"`
	Mean  number `json:"mean"`
	SD    number `json:"sd"`
	Q05   number `json:"q05"`
	Q50   number `json:"q50"`
	Q95   number `json:"q95"`
	Prior string `json:"prior"`
}

type savedRun struct {
	Verdict     string           `json:"verdict"`
	Grade       string           `json:"grade"`
	Status      vi.Status        `json:"status"`
	Conditions  expfam.Condition `json:"conditions"`
	Method      vi.Method        `json:"method"`
	Iterations  int              `json:"iterations"`
	Evaluations int              `json:"evaluations"`
	ELBO        number           `json:"elbo"`
	ELBOErr     number           `json:"elbo_err"`
	DataFit     number           `json:"data_fit"`
	KL          number           `json:"kl"`
	KHat        number           `json:"k_hat"`
	ESS         number           `json:"ess"`
	Draws       int              `json:"diagnostic_draws"`
	ELBOMC      number           `json:"elbo_mc"`
	ELBOMCErr   number           `json:"elbo_mc_err"`
	LogEvidence number           `json:"log_evidence"`
}

type savedRec struct {
	ELBO       number           `json:"elbo"`
	ELBOErr    number           `json:"elbo_err"`
	Rate       number           `json:"rate"`
	Conditions expfam.Condition `json:"conditions,omitempty"`
}

// Save writes the fit as JSON that [Load] reads back: the posterior exactly, the
// model, the engine's report and trace. The diagnostic draws are not written.
func (f *Result) Save(w io.Writer) error {
	v := f.VI
	s := saved{
		Format: saveFormat, Version: saveVersion, Formula: f.Encoding.Formula, Family: f.Family.String(), Encoding: f.Encoding,
		Rows: f.Rows, Omitted: f.Omitted, Coefs: f.Coefs, Specs: f.specs, Centred: f.centred, Means: f.means, Warnings: f.Warnings,
		Natural: f.Posterior.Natural(nil),
		Run: savedRun{
			Verdict: v.Verdict(), Grade: v.Grade().String(), Status: v.Status, Conditions: v.Conditions, Method: v.Method,
			Iterations: v.Iterations, Evaluations: v.Evaluations,
			ELBO: number(v.ELBO), ELBOErr: number(v.ELBOErr), DataFit: number(v.DataFit), KL: number(v.KL), KHat: number(v.KHat), ESS: number(v.ESS),
			Draws: v.DiagnosticDraws, ELBOMC: number(v.ELBOMC), ELBOMCErr: number(v.ELBOMCErr), LogEvidence: number(v.LogEvidence),
		},
	}
	if f.after != nil {
		s.After = f.after.Natural(nil)
	}
	for _, r := range f.Summary() {
		s.Params = append(s.Params, savedRow{r.Name, number(r.Mean), number(r.SD), number(r.Q05), number(r.Q50), number(r.Q95), r.Prior})
	}
	for _, r := range v.Trace {
		s.Trace = append(s.Trace, savedRec{number(r.ELBO), number(r.ELBOErr), number(r.Rate), r.Conditions})
	}
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return fmt.Errorf("glm: Save: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// maxSaved bounds what Load reads.
const maxSaved = 1 << 30

// Load reads a fit that Save wrote. The file may come from anywhere: everything
// in it is checked, and an error says what is wrong.
func Load(r io.Reader) (*Result, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSaved+1))
	if err != nil {
		return nil, fmt.Errorf("glm: Load: %w", err)
	}
	if len(b) > maxSaved {
		return nil, fmt.Errorf("glm: Load: the file is larger than %d bytes", maxSaved)
	}
	var s saved
	if err := json.Unmarshal(b, &s); err != nil {
		var syn *json.SyntaxError
		if errors.As(err, &syn) {
			return nil, fmt.Errorf("glm: Load: truncated or no saved fit: %w (byte %d of %d)", err, syn.Offset, len(b))
		}
		return nil, fmt.Errorf("glm: Load: no saved fit: %w", err)
	}
	if s.Format != saveFormat {
		return nil, fmt.Errorf("glm: Load: format is %q, want %q: not a saved fit", s.Format, saveFormat)
	}
	if s.Version != saveVersion {
		return nil, fmt.Errorf("glm: Load: version is %d, want %d", s.Version, saveVersion)
	}
	f, err := s.restore()
	if err != nil {
		return nil, fmt.Errorf("glm: Load: damaged: %w", err)
	}
	return f, nil
}

func (s *saved) restore() (*Result, error) {
	if s.Encoding == nil {
		return nil, errors.New("no encoding")
	}
	family, err := ParseFamily(s.Family)
	if err != nil {
		return nil, err
	}
	if s.Coefs < 0 || len(s.Params) != s.Coefs+len(family.AuxNames()) || len(s.Params) == 0 {
		return nil, fmt.Errorf("%d parameters for %d coefficients and family %s", len(s.Params), s.Coefs, family)
	}
	f := &Result{Encoding: s.Encoding, Family: family, Coefs: s.Coefs, Rows: s.Rows, Omitted: s.Omitted, Warnings: s.Warnings, specs: s.Specs, centred: s.Centred, means: s.Means}
	for _, p := range s.Params {
		f.Names, f.Priors = append(f.Names, p.Name), append(f.Priors, p.Prior)
	}
	if f.Posterior, err = normalFrom(s.Natural, len(f.Names)); err != nil {
		return nil, fmt.Errorf("posterior_natural: %w", err)
	}
	if s.After != nil {
		if f.after, err = normalFrom(s.After, len(f.Names)); err != nil {
			return nil, fmt.Errorf("prior_natural: %w", err)
		}
	} else if len(s.Specs) != len(f.Names) {
		return nil, fmt.Errorf("%d priors for %d parameters", len(s.Specs), len(f.Names))
	}
	r := s.Run
	f.VI = &vi.Result{
		Posterior: f.Posterior, Method: r.Method, Status: r.Status, Conditions: r.Conditions, Iterations: r.Iterations, Evaluations: r.Evaluations,
		ELBO: float64(r.ELBO), ELBOErr: float64(r.ELBOErr), DataFit: float64(r.DataFit), KL: float64(r.KL), KHat: float64(r.KHat), ESS: float64(r.ESS), DiagnosticDraws: r.Draws,
		ELBOMC: float64(r.ELBOMC), ELBOMCErr: float64(r.ELBOMCErr), LogEvidence: float64(r.LogEvidence),
	}
	for i, t := range s.Trace {
		f.VI.Trace = append(f.VI.Trace, vi.Record{Iteration: i + 1, ELBO: float64(t.ELBO), ELBOErr: float64(t.ELBOErr), Rate: float64(t.Rate), Conditions: t.Conditions})
	}
	return f, nil
}

func normalFrom(eta []float64, dim int) (*expfam.Normal, error) {
	if want := dim + expfam.SvecLen(dim); len(eta) != want {
		return nil, fmt.Errorf("length is %d, want %d for %d parameters", len(eta), want, dim)
	}
	q := expfam.StandardNormal(dim)
	if err := q.SetNatural(eta); err != nil {
		return nil, err
	}
	return q, nil
}

// Bind rebuilds the model of a fit on data, the data it was fitted to or other
// rows with the same columns, to compute LOO, replicated data or anything else that needs the rows.
func (f *Result) Bind(data Frame) (*Model, error) {
	d, err := f.Encoding.Design(data)
	if err != nil {
		return nil, err
	}
	m := &Model{Design: d, Family: f.Family, InterceptCentred: f.centred, after: f.after}
	if err := m.bindOutcome(); err != nil {
		return nil, err
	}
	if len(m.Names) != len(f.Names) {
		return nil, fmt.Errorf("glm: Result.Bind: the data give %d parameters, the fit has %d", len(m.Names), len(f.Names))
	}
	if m.means = f.means; len(m.means) != m.p {
		return nil, fmt.Errorf("glm: Result.Bind: the fit has %d column means, want %d", len(m.means), m.p)
	}
	m.Priors = make([]Prior, m.dim)
	if f.after == nil {
		for j, s := range f.specs {
			if err := s.Prior.CheckFor(m.Names[j], j >= m.p); err != nil {
				return nil, err
			}
			m.Priors[j] = s.Prior
		}
	}
	m.t = identity(m.p)
	return m, nil
}

// Judge examines the posterior of f, such as a loaded one, against this
// model's density and fills in the draws that LOO and WAIC need. Settings: only Seed,
// Workers and Diagnostics count.
func (m *Model) Judge(f *Result, s *vi.Settings) (*vi.Result, error) {
	if err := m.checkFit("Judge", f); err != nil {
		return nil, err
	}
	var keep vi.Settings
	if s != nil {
		keep = vi.Settings{Seed: s.Seed, Workers: s.Workers, Diagnostics: s.Diagnostics}
	}
	return vi.Judge(f.Posterior, m.Target(), &keep)
}
