package glm

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Prior is a prior distribution of one parameter. The zero Prior is "not
// stated" and lets the default stand. Priors are comparable values; String and
// [ParsePrior] translate them to and from text.
//
// Coefficients take the normal, Student-t, Cauchy and flat priors. Auxiliary
// parameters, which are positive, take the exponential, half-normal,
// half-Cauchy, half-Student-t, inverse gamma, gamma, log-normal and flat ones.
// A constructor does not check its arguments: Check does, and so does every
// fit before it starts.
type Prior struct {
	kind string
	p    [3]float64
}

// NormalPrior returns N(mean, sd²) for a coefficient.
func NormalPrior(mean, sd float64) Prior {
	return Prior{"normal", [3]float64{mean, sd}}
}

// StudentTPrior returns the Student-t prior with df degrees of freedom around
// mean for a coefficient.
func StudentTPrior(df, mean, scale float64) Prior {
	return Prior{"student-t", [3]float64{df, mean, scale}}
}

// CauchyPrior returns the Cauchy prior for a coefficient.
func CauchyPrior(location, scale float64) Prior {
	return Prior{"cauchy", [3]float64{location, scale}}
}

// FlatPrior returns the improper prior with density 1: on a coefficient, or on
// the value (not the logarithm) of a positive parameter.
func FlatPrior() Prior { return Prior{kind: "flat"} }

// ExponentialPrior returns the density r exp(−r v) of a positive parameter v.
func ExponentialPrior(rate float64) Prior {
	return Prior{"exponential", [3]float64{rate}}
}

// HalfNormalPrior returns N(0, scale²) restricted to positive values.
func HalfNormalPrior(scale float64) Prior {
	return Prior{"half-normal", [3]float64{scale}}
}

// HalfCauchyPrior returns the Cauchy density around 0 restricted to positive
// values.
func HalfCauchyPrior(scale float64) Prior {
	return Prior{"half-cauchy", [3]float64{scale}}
}

// HalfStudentTPrior returns the Student-t density around 0 restricted to
// positive values.
func HalfStudentTPrior(df, scale float64) Prior {
	return Prior{"half-student-t", [3]float64{df, scale}}
}

// InverseGammaPrior returns the density b^a/Γ(a) v^(−a−1) exp(−b/v) of a
// positive parameter v, with shape a and scale b.
func InverseGammaPrior(shape, scale float64) Prior {
	return Prior{"inverse-gamma", [3]float64{shape, scale}}
}

// GammaPrior returns the density b^a/Γ(a) v^(a−1) exp(−b v) of a positive
// parameter v, with shape a and rate b.
func GammaPrior(shape, rate float64) Prior {
	return Prior{"gamma", [3]float64{shape, rate}}
}

// LogNormalPrior returns the density of a positive parameter whose logarithm
// is N(mean, sd²).
func LogNormalPrior(mean, sd float64) Prior {
	return Prior{"log-normal", [3]float64{mean, sd}}
}

// priorKind states the parameters of one kind of prior.
type priorKind struct {
	params   []string
	free     string // the parameter that may have any sign, if there is one
	coef     bool   // fits a coefficient
	positive bool   // fits a positive parameter
}

var priorKinds = map[string]priorKind{
	"normal":         {params: []string{"mean", "sd"}, free: "mean", coef: true},
	"student-t":      {params: []string{"df", "mean", "scale"}, free: "mean", coef: true},
	"cauchy":         {params: []string{"location", "scale"}, free: "location", coef: true},
	"flat":           {coef: true, positive: true},
	"exponential":    {params: []string{"rate"}, positive: true},
	"half-normal":    {params: []string{"scale"}, positive: true},
	"half-cauchy":    {params: []string{"scale"}, positive: true},
	"half-student-t": {params: []string{"df", "scale"}, positive: true},
	"inverse-gamma":  {params: []string{"shape", "scale"}, positive: true},
	"gamma":          {params: []string{"shape", "rate"}, positive: true},
	"log-normal":     {params: []string{"mean", "sd"}, free: "mean", positive: true},
}

// coefPriors and positivePriors list the kinds for messages.
const (
	coefPriors     = "normal(mean, sd), student-t(df, mean, scale), cauchy(location, scale) or flat"
	positivePriors = "exponential(rate), half-normal(scale), half-cauchy(scale), half-student-t(df, scale), inverse-gamma(shape, scale), gamma(shape, rate), log-normal(mean, sd) or flat"
)

// PriorError reports a prior that cannot be understood or used.
type PriorError struct {
	Prior string // the prior as written
	Param string // name of the model parameter, or empty
	Want  string // what was wanted
}

// Error describes the prior and what was wanted.
func (e *PriorError) Error() string {
	if e.Param != "" {
		return fmt.Sprintf("glm: prior %q on %s: want %s", e.Prior, e.Param, e.Want)
	}
	return fmt.Sprintf("glm: prior %q: want %s", e.Prior, e.Want)
}

// IsZero reports whether the prior is not stated.
func (p Prior) IsZero() bool { return p.kind == "" }

// Kind returns the name of the distribution, such as "half-normal".
func (p Prior) Kind() string { return p.kind }

// Params returns the parameters in the order of the constructor.
func (p Prior) Params() []float64 {
	n := len(priorKinds[p.kind].params)
	return append([]float64(nil), p.p[:n]...)
}

// Proper reports whether the density integrates to 1. Only the flat prior does
// not.
func (p Prior) Proper() bool { return p.kind != "" && p.kind != "flat" }

// String returns a text that ParsePrior turns into the same prior.
func (p Prior) String() string {
	params := priorKinds[p.kind].params
	if len(params) == 0 {
		return p.kind
	}
	var b strings.Builder
	b.WriteString(p.kind)
	for i := range params {
		b.WriteString([]string{"(", ", ", ", "}[i])
		b.WriteString(strconv.FormatFloat(p.p[i], 'g', -1, 64))
	}
	b.WriteByte(')')
	return b.String()
}

// MarshalText returns String.
func (p Prior) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is [ParsePrior]; an empty text is the zero Prior.
func (p *Prior) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = Prior{}
		return nil
	}
	q, err := ParsePrior(string(text))
	if err == nil {
		*p = q
	}
	return err
}

// Check returns a *PriorError unless the prior is stated and its parameters are
// finite and, except means and locations, positive.
func (p Prior) Check() error {
	k, ok := priorKinds[p.kind]
	if !ok {
		return &PriorError{Prior: p.String(), Want: "a prior that a constructor or ParsePrior returned"}
	}
	for i, name := range k.params {
		v := p.p[i]
		switch {
		case name == k.free:
			if !isFinite(v) {
				return &PriorError{Prior: p.String(), Want: "a finite " + name}
			}
		case !(v > 0) || !isFinite(v):
			return &PriorError{Prior: p.String(), Want: fmt.Sprintf("a positive finite %s, not %g", name, v)}
		}
	}
	return nil
}

// CheckFor returns Check's error, or a *PriorError that lists the alternatives
// if the prior does not fit the parameter called param: a coefficient, or, if
// positive is set, an auxiliary parameter.
func (p Prior) CheckFor(param string, positive bool) error {
	if err := p.Check(); err != nil {
		e := *err.(*PriorError)
		e.Param = param
		return &e
	}
	k := priorKinds[p.kind]
	switch {
	case positive && !k.positive:
		want := "a prior on a positive parameter: " + positivePriors
		if half, ok := map[string]Prior{
			"normal":    HalfNormalPrior(p.p[1]),
			"cauchy":    HalfCauchyPrior(p.p[1]),
			"student-t": HalfStudentTPrior(p.p[0], p.p[2]),
		}[p.kind]; ok {
			want += "; did you mean " + half.String() + "?"
		}
		return &PriorError{Prior: p.String(), Param: param, Want: want}
	case !positive && !k.coef:
		return &PriorError{Prior: p.String(), Param: param, Want: "a prior on a coefficient, which may be negative: " + coefPriors}
	}
	return nil
}

// degree returns the degree of the log density as a polynomial in the
// coordinate (the coefficient, or ψ = log v if positive), or 0 if it is none.
func (p Prior) degree(positive bool) int {
	switch {
	case p.kind == "normal" && !positive, p.kind == "log-normal" && positive, p.kind == "flat":
		return 2
	}
	return 0
}

// LogDensity returns the log density at a value of the parameter, constants
// included; −Inf outside the support. It is a density over the value: over the
// logarithm ψ of a positive parameter add ψ.
func (p Prior) LogDensity(value float64) float64 {
	k := priorKinds[p.kind]
	if !k.positive || p.kind == "flat" {
		f, _, _ := newPriorRow(p, false).eval(value)
		return f
	}
	if !(value > 0) {
		return math.Inf(-1)
	}
	x := math.Log(value)
	f, _, _ := newPriorRow(p, true).eval(x)
	return f - x
}
