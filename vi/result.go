package vi

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/psis"
	"gonum.org/v1/gonum/mat"
)

// Result is what a fit reports. Its strings and JSON are stable for equal
// runs: it holds no times.
type Result struct {
	Posterior   Posterior
	Method      Method
	Status      Status
	Conditions  expfam.Condition
	Iterations  int
	Evaluations int // of the target's log density over all its data

	// ELBO is E_q[log p(D, θ)] + H(q) in nats and ELBOErr its standard error;
	// for a deterministic method the error of the quadrature.
	ELBO, ELBOErr float64
	// DataFit is E_q[log p(D | θ)] and KL is KL(q ‖ prior), so that
	// ELBO = DataFit − KL. For flat parts of the prior KL is relative to density 1.
	// Both are NaN if the target does not tell likelihood and prior apart.
	DataFit, KL float64

	// KHat is the Pareto shape of the importance ratios p/q of Diagnostics
	// draws (Vehtari et al. 2024): below 0.7 q is good enough to be corrected by
	// importance sampling. NaN if there were no diagnostics. The shape says
	// nothing about the size of the ratios, so HighKHat is raised only if
	// Spread shows that they matter.
	KHat float64
	// ESS is the effective number of those draws after Pareto smoothing.
	ESS float64
	// DiagnosticDraws is the number of those draws.
	DiagnosticDraws int
	// ELBOMC ± ELBOMCErr is the Monte Carlo estimate of the ELBO from the same
	// draws, an independent check of a quadrature.
	ELBOMC, ELBOMCErr float64
	// LogEvidence is the importance-sampling estimate of log p(D), at least as
	// large as the ELBO up to its noise.
	LogEvidence float64
	// Draws holds the diagnostic draws, one a row, LogP and LogQ their log
	// densities, and LogWeights their normalised Pareto-smoothed log importance
	// weights.
	Draws                  *mat.Dense
	LogP, LogQ, LogWeights []float64

	Trace []Record

	// unjudged: there is no ELBO because no draws were asked for, not because of an error.
	unjudged bool
}

// Grade sums a verdict up.
type Grade int

const (
	// Good: converged, and importance ratios say that q is close to the posterior.
	Good Grade = iota
	// Caution: usable with the named reservation.
	Caution
	// Bad: not to be used as it is.
	Bad
)

func (g Grade) String() string {
	return [...]string{"good", "caution", "bad"}[g]
}

// Spread is the relative variance of the importance ratios, an estimate of
// χ²(p‖q). By the Cauchy–Schwarz inequality no posterior mean differs from that of
// q by more than √Spread standard deviations of q. NaN without diagnostics.
func (r *Result) Spread() float64 {
	if !(r.ESS > 0) || r.DiagnosticDraws < 2 { // one draw has no variance
		return math.NaN()
	}
	return float64(r.DiagnosticDraws)/r.ESS - 1
}

// Spreads of the importance ratios that the grade distinguishes. By the
// inequality of Result.Spread means are within √0.15 = 0.39, √0.25 = 0.5 and
// √1.5 = 1.2 sd at worst, and usually far closer.
const (
	negligibleSpread = 0.15 // a high k̂ does no harm: its tail has no weight
	largeSpread      = 0.25 // p and q differ in shape
	wideSpread       = 1    // half of the draws are lost to the difference
	hugeSpread       = 1.5  // three fifths are
)

// Grade judges the fit.
//
//   - Bad: the run did not converge (but see Caution), the ELBO is not finite, Spread ≥ 1.5, or k̂ ≥ 1 and Spread ≥ 1.
//   - Caution: the iteration limit with Spread < 0.15, Spread ≥ 0.25, k̂ ≥ 0.7 and Spread ≥ 0.15, k̂ unknown (a fit without diagnostics is not judged), or an ELBO that fell.
//   - Good: everything else.
//
// The limits were set by comparison with chains (TestGradesAgainstChains in
// examples/accuracy): sds are 5 to 10 % low at a Spread of 0.4, 30 % and more at 1.5.
//
// k̂ is the shape of the ratios' tail and blind to its size; Spread is the size,
// which a tail with k̂ ≥ 0.7 may understate. So each is read beside the other.
func (r *Result) Grade() Grade {
	if r == nil || !finite(r.ELBO) && !r.unjudged {
		return Bad
	}
	spread := r.Spread()
	if r.Status != Converged && !(r.Status == IterationLimit && spread < negligibleSpread) {
		return Bad
	}
	switch {
	case spread >= hugeSpread, r.KHat >= 1 && spread >= wideSpread:
		return Bad
	case r.Status != Converged, math.IsNaN(r.KHat), spread >= largeSpread, r.Conditions&(expfam.HighKHat|expfam.ObjectiveFell) != 0:
		return Caution
	}
	return Good
}

// Verdict is the fit's report in one line.
func (r *Result) Verdict() string {
	if r == nil {
		return "no result"
	}
	var b strings.Builder
	steps := "steps"
	if r.Iterations == 1 {
		steps = "step"
	}
	elbo := "ELBO " + withErr(r.ELBO, r.ELBOErr)
	if r.unjudged {
		elbo = "not judged (there were no diagnostic draws)"
	}
	fmt.Fprintf(&b, "%s: %s after %d %s, %s", r.Grade(), r.Status, r.Iterations, steps, elbo)
	if !math.IsNaN(r.DataFit) {
		fmt.Fprintf(&b, " (data fit %.2f, KL %.2f)", r.DataFit, r.KL)
	}
	switch {
	case math.IsNaN(r.KHat):
		b.WriteString(", k-hat unknown")
	default:
		fmt.Fprintf(&b, ", k-hat %.2f", r.KHat)
	}
	switch {
	case r.Status == IterationLimit:
		b.WriteString(": allow more iterations, or larger batches if there are any")
	case r.Status != Converged: // k-hat judges a posterior that is not final
	case r.KHat >= 0.7 && r.Spread() < negligibleSpread:
		fmt.Fprintf(&b, " (harmless: the variance of the importance ratios is only %.2g)", r.Spread())
	case r.KHat >= 0.7 || r.Spread() >= largeSpread:
		fmt.Fprintf(&b, ": the posterior is not %s in shape (variance of the importance ratios %.2g); means are nearer the truth than tails and standard deviations", r.shape(), r.Spread())
	}
	if c := r.Conditions &^ (expfam.HighKHat | expfam.NotConverged); c != 0 {
		fmt.Fprintf(&b, " [%s]", c)
	}
	return b.String()
}

// shape names the shapes that q can take.
func (r *Result) shape() string {
	switch q := r.Posterior.(type) {
	case *expfam.Normal:
		return "normal"
	case *expfam.DiagNormal:
		return "normal with independent coordinates"
	case Gaussian:
		return "normal with a covariance of this structure"
	case expfam.Dist:
		return q.Name()
	}
	return "quite like its approximation"
}

// String is the verdict.
func (r *Result) String() string { return r.Verdict() }

// SimpleRender shows the verdict in a notebook.
func (r *Result) SimpleRender() map[string]interface{} {
	return map[string]interface{}{"text/plain": r.Verdict()}
}

// withErr prints a value with as many digits as its error warrants.
func withErr(v, err float64) string {
	if !(err > 5e-5) || math.IsInf(err, 0) { // rounding and quadrature are below the digits shown
		return fmt.Sprintf("%.4f", v)
	}
	digits := int(math.Max(0, 1-math.Floor(math.Log10(err))))
	return fmt.Sprintf("%.*f ± %.*f", digits, v, digits, err)
}

// Result ends the run if it is still going, puts the best posterior seen in
// place and judges it. Calls after the first return the same Result.
func (e *Engine) Result() (*Result, error) {
	if e.result != nil {
		return e.result, nil
	}
	if e.status == Running {
		e.status = Interrupted
		e.conds |= expfam.NotConverged | expfam.Stopped
	}
	if err := e.restoreBest(); err != nil {
		return nil, err
	}
	r := &Result{
		Posterior: e.q, Method: e.method, Status: e.status, Iterations: e.iter, Trace: e.trace,
		ELBO: math.NaN(), ELBOErr: math.NaN(), DataFit: math.NaN(), KL: math.NaN(),
		KHat: math.NaN(), ESS: math.NaN(), ELBOMC: math.NaN(), ELBOMCErr: math.NaN(), LogEvidence: math.NaN(),
	}
	e.result = r
	err := e.diagnose(r)
	switch est := e.est.(type) {
	case *quadrature:
		v, verr := e.cur, error(nil)
		switch {
		case e.noisy:
			v, verr = est.value()
			e.evals++
		case !e.have || !e.best.set || e.best.elbo != e.cur.elbo:
			// The last step did not end at the best posterior, or it is unknown
			// where it ended; the same pass as in a step, so that bits agree.
			v, verr = est.estimate(e.tanNew, e.iter)
			e.evals++
		}
		fine, ferr := est.refined()
		if verr != nil || ferr != nil {
			if err == nil {
				err = errors.Join(verr, ferr)
			}
			break
		}
		e.evals++
		r.ELBO, r.ELBOErr = v.elbo, math.Abs(fine.elbo-v.elbo)+roundOff(v.elbo)
		r.DataFit, r.KL = v.fit, v.fit-v.elbo
	case *exact:
		v, verr := est.estimate(e.tan, e.iter)
		e.evals += v.evals
		if err = errors.Join(err, verr); verr == nil {
			r.ELBO, r.ELBOErr = v.elbo, roundOff(v.elbo)
		}
	case *conjugate:
		if jerr := est.joint(0, true); jerr != nil {
			err = errors.Join(err, jerr)
			break
		}
		r.ELBO = est.elbo().elbo
		r.ELBOErr = roundOff(r.ELBO)
	default:
		r.ELBO, r.ELBOErr = r.ELBOMC, r.ELBOMCErr
	}
	r.unjudged = err == nil && math.IsNaN(r.ELBO) && r.DiagnosticDraws == 0
	if err != nil || !finite(r.ELBO) && !r.unjudged {
		e.conds |= expfam.NonFinite
	}
	r.Conditions, r.Evaluations = e.conds, e.evals
	return r, err
}

// Judge examines a posterior without moving it, such as one read from a file:
// ELBO, k̂ and ESS as after a fit. Its Status is Converged.
func Judge(q Posterior, t *Target, s *Settings) (*Result, error) {
	e, err := New(q, t, s)
	if err != nil {
		return nil, err
	}
	e.status = Converged
	return e.Result()
}

func (e *Engine) restoreBest() error {
	best := e.best.eta
	if e.noisy {
		best = e.sched.best
	}
	if best == nil {
		return nil
	}
	return e.q.SetNatural(best)
}

// diagnose draws from q and fills in everything that rests on draws.
func (e *Engine) diagnose(r *Result) error {
	n := e.s.Diagnostics
	if n == 0 {
		rows := e.t.rows()
		n = min(max(4_000_000/rows, 1000), 4000)
		n = min(n, max(20_000_000/rows, 200))
		n = min(n, max(maxKept/e.t.Dim, 100))
	}
	if n < 0 || e.t.LogProb == nil {
		return nil
	}
	r.DiagnosticDraws = n
	r.Draws = mat.NewDense(n, e.t.Dim, nil)
	r.LogP, r.LogQ, r.LogWeights = make([]float64, n), make([]float64, n), make([]float64, n)
	var s stream
	for i := range n {
		x := r.Draws.RawRowView(i)
		e.q.Sample(x, s.at(e.s.Seed, streamDiagnostics, uint64(i)))
		r.LogQ[i] = e.q.LogProb(x)
	}
	if err := e.logProbs(r.LogP, r.Draws); err != nil {
		return err
	}
	e.evals += n
	mean, m2 := 0.0, 0.0
	for i := range r.LogP {
		if math.IsNaN(r.LogP[i]) || math.IsInf(r.LogP[i], 1) {
			return e.t.nonFinite("the log density", r.LogP[i], r.Draws.RawRowView(i))
		}
		d := r.LogP[i] - r.LogQ[i]
		r.LogWeights[i] = d
		delta := d - mean
		mean += delta / float64(i+1)
		m2 += delta * (d - mean)
	}
	r.ELBOMC, r.ELBOMCErr = mean, math.Sqrt(m2/float64(n-1)/float64(n))
	if math.IsNaN(mean) { // a draw where the density is zero
		r.ELBOMC, r.ELBOMCErr = math.Inf(-1), math.Inf(1)
	}
	d, err := psis.Smooth(r.LogWeights, r.LogWeights)
	if err != nil {
		return fmt.Errorf("vi: importance ratios: %w", err)
	}
	r.KHat, r.ESS, r.LogEvidence = d.KHat, d.ESS, d.LogMean
	if d.KHat >= 0.7 && !(r.Spread() < negligibleSpread) {
		e.conds |= expfam.HighKHat
	}
	return nil
}

// maxKept is the number of float64 that diagnostic draws take by default.
const maxKept = 50_000_000

// rows is the number of terms in the log density, as a measure of its cost.
func (t *Target) rows() int {
	n := 0
	if t.Linear != nil {
		for _, term := range t.Linear.Terms {
			n += term.X.Rows
		}
	} else {
		n = t.N
	}
	return max(n, 1)
}

// logProbs evaluates the log density at every row of x.
func (e *Engine) logProbs(dst []float64, x *mat.Dense) error {
	if quad, ok := e.est.(*quadrature); ok {
		return quad.pass.logProbs(dst, x)
	}
	for i := range dst {
		v, err := protect("Target.LogProb", func() float64 { return e.t.LogProb(x.RawRowView(i)) })
		if err != nil {
			return err
		}
		dst[i] = v
	}
	return nil
}
