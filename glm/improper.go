package glm

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// ImproperError reports a model without a posterior: the likelihood does not
// fall in some direction of the coefficients, and neither does a flat prior.
type ImproperError struct {
	Outcome string   // the outcome as written in the formula
	Cause   string   // why the likelihood has no maximum, such as "every outcome of y is 1"
	Flat    []string // the coefficients with flat priors
}

// Error names the cause and the priors to state.
func (e *ImproperError) Error() string {
	var want []string
	for _, name := range e.Flat {
		target := "b"
		if name == interceptName {
			target = name
		}
		if s := fmt.Sprintf("%q", target+" ~ normal(0, 2.5)"); !slices.Contains(want, s) {
			want = append(want, s)
		}
	}
	priors := "prior of %s is"
	if len(e.Flat) > 1 {
		priors = "priors of %s are"
	}
	return fmt.Sprintf("glm: there is no posterior: %s, so the likelihood has no maximum, and the "+priors+" flat; state a proper prior, such as %s",
		e.Cause, joinStrings(e.Flat, 8, ", "), strings.Join(want, " and "))
}

// unbounded returns why the likelihood goes on rising, or does not fall, as the
// coefficients used go to infinity in the direction beta, and "" if it does
// not. Columns are taken relative to origin; nil is 0. A nil used means all.
//
// A binary outcome: x'β > 0 in every row with a success and x'β < 0 in every row
// with a failure, after adding any constant if the used columns span it. Counts
// that are all 0: x'β < 0 in every row.
func (m *Model) unbounded(beta, origin []float64, used []bool) (cause string, separated bool) {
	d := m.Design
	counts := false
	switch m.Family.Name() {
	case "bernoulli", "binomial":
	case "poisson", "negative-binomial":
		counts = true
	default:
		return "", false
	}
	failure, success := math.Inf(-1), math.Inf(1) // largest and smallest predictor
	for i := range d.X.Rows {
		n, y := m.outcome.trial(i), d.Y[i]
		if m.outcome.weight(i) == 0 || n == 0 {
			continue
		}
		u := 0.0
		for j, v := range d.X.Data[i*d.X.Stride:][:m.p] {
			switch {
			case used != nil && !used[j]:
				continue
			case origin != nil && j != d.Intercept:
				v -= origin[j]
			}
			u += v * beta[j]
		}
		if y > 0 {
			if counts {
				return "", false
			}
			success = min(success, u)
		}
		if y < n || counts {
			failure = max(failure, u)
		}
	}
	switch {
	case math.IsInf(failure, -1) && math.IsInf(success, 1), math.IsNaN(failure), math.IsNaN(success):
		return "", false
	case failure >= 0 || success <= 0:
		if failure >= success || !m.spansConstant(used) {
			return "", false
		}
	}
	switch {
	case math.IsInf(success, 1):
		return fmt.Sprintf("every outcome of %s is 0", d.Outcome), false
	case math.IsInf(failure, -1) && d.Trials != nil:
		return fmt.Sprintf("every trial of %s is a success", d.Outcome), false
	case math.IsInf(failure, -1):
		return fmt.Sprintf("every outcome of %s is 1", d.Outcome), false
	}
	return fmt.Sprintf("the predictor tells every 0 of %s from every 1", d.Outcome), true
}

// spansConstant reports whether some combination of the used columns is 1 in
// every row: the intercept, or all indicators of a factor.
func (m *Model) spansConstant(used []bool) bool {
	d := m.Design
	if d.Intercept >= 0 {
		return used == nil || used[d.Intercept]
	}
	for term := range d.Terms {
		ok := true
		for j, k := range d.Assign {
			ok = ok && (k != term || used == nil || used[j])
		}
		for i := 0; i < d.X.Rows && ok; i++ {
			sum := 0.0
			for j, k := range d.Assign {
				if k == term {
					sum += d.X.Data[i*d.X.Stride+j]
				}
			}
			ok = sum == 1
		}
		if ok {
			return true
		}
	}
	return false
}

// separation is the warning about a likelihood without maximum, if the
// posterior mean shows that.
func (m *Model) separation(beta []float64) string {
	cause, separated := m.unbounded(beta[:m.p], nil, nil)
	switch {
	case cause == "":
		return ""
	case separated:
		return "perfect separation: " + cause + ", so the likelihood has no maximum and the prior decides how large the coefficients are"
	}
	return cause + ": the likelihood has no maximum and the prior decides how large the coefficients are"
}

// improper returns an *ImproperError if beta shows that there is no posterior:
// where the likelihood is unbounded along coefficients with flat priors alone.
func (m *Model) improper(beta []float64) error {
	flat := m.flat()
	if flat == nil {
		return nil
	}
	var origin []float64
	if m.InterceptCentred {
		// The proper prior of the intercept holds the predictor at the column means.
		origin = m.means
	}
	cause, _ := m.unbounded(beta, origin, flat)
	if cause == "" {
		return nil
	}
	e := &ImproperError{Outcome: m.Design.Outcome, Cause: cause}
	for j, name := range m.Names[:m.p] {
		if flat[j] {
			e.Flat = append(e.Flat, name)
		}
	}
	return e
}

// flat marks the coefficients with flat priors; it is nil if there are none.
func (m *Model) flat() []bool {
	if m.after != nil || !slices.ContainsFunc(m.Priors[:m.p], func(p Prior) bool { return !p.Proper() }) {
		return nil
	}
	flat := make([]bool, m.p)
	for j, p := range m.Priors[:m.p] {
		flat[j] = !p.Proper()
	}
	return flat
}

// checkConstantOutcome refuses an outcome that the constant predictor fits
// without error, for families whose density then has no bound. With n the sum of
// the weights and p the number of coefficients, integrated over them:
//
//	identity link  as σ → 0 the likelihood is of order σ^(p−n)
//	gamma          as the shape k → ∞ the likelihood is of order k^((n−p)/2)
//
// So there is no posterior unless the prior falls fast enough.
func (m *Model) checkConstantOutcome() error {
	gamma := m.Family.Name() == "gamma"
	if !gamma && m.Family.Link() != "identity" || m.after != nil {
		return nil
	}
	lo, hi, n, rows, value := math.Inf(1), math.Inf(-1), 0.0, 0, 0.0
	for i, y := range m.outcome.Y {
		w := m.outcome.weight(i)
		if w == 0 {
			continue
		}
		v := y
		if gamma {
			v = math.Log(y)
		}
		v -= m.outcome.offset(i)
		lo, hi, value = min(lo, v), max(hi, v), y
		if lo < hi {
			return nil
		}
		n += w
		rows++
	}
	if lo != 0 && !m.spansConstant(nil) {
		return nil
	}
	excess, limit := n-float64(m.p), "0"
	if gamma {
		limit = "infinity"
		// A prior of order k^(−t) leaves a finite integral if (n−p)/2 − t < −1.
		if excess/2-tailOrder(m.Priors[m.p]) < -1 {
			return nil
		}
	} else if excess < originOrder(m.Priors[m.p]) {
		return nil
	}
	e := &DataError{Func: "NewModel", File: m.Design.file, Column: m.Design.Outcome, Value: fmt.Sprintf("it is constant, %v in all %d rows", value, rows),
		Want: fmt.Sprintf("an outcome that varies: the fit is without error, and the density has no bound as %s goes to %s", m.Names[m.p], limit)}
	if m.outcome.Offset != nil {
		e.Value = fmt.Sprintf("it is constant in all %d rows once the offset is allowed for", rows)
	}
	return e
}

// exactFit is the warning about a predictor that leaves nothing but rounding for σ.
func (m *Model) exactFit(mean []float64) string {
	if m.Family.Link() != "identity" {
		return ""
	}
	largest := 0.0
	for i, y := range m.outcome.Y {
		largest = max(largest, math.Abs(y), math.Abs(m.outcome.offset(i)))
	}
	const rounding = 1e-13 // of a few hundred operations
	if math.Exp(mean[m.p]) > rounding*largest {
		return ""
	}
	return fmt.Sprintf("the predictor gives %s without error: %s is no more than rounding, and so are the standard deviations", m.Design.Outcome, m.Names[m.p])
}

// originOrder returns a if the prior density is of order v^(a−1) as v → 0, and
// infinity if it falls faster than any power.
func originOrder(p Prior) float64 {
	switch p.Kind() {
	case "inverse-gamma", "log-normal":
		return math.Inf(1)
	case "gamma":
		return p.Params()[0]
	}
	return 1
}

// tailOrder returns t if the prior density is of order v^(−t) as v → ∞, and
// infinity if it falls faster than any power.
func tailOrder(p Prior) float64 {
	switch p.Kind() {
	case "flat":
		return 0
	case "half-cauchy":
		return 2
	case "half-student-t", "inverse-gamma":
		return p.Params()[0] + 1
	}
	return math.Inf(1)
}
