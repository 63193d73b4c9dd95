package glm

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// CoefficientClass is the name that stands for every coefficient except the
// intercept in a prior specification.
const CoefficientClass = "b"

// interceptName is the name of the constant column.
const interceptName = "(Intercept)"

// priorAliases maps other spellings to the kinds.
var priorAliases = map[string]string{
	"gaussian": "normal", "student": "student-t", "t": "student-t",
	"halfnormal": "half-normal", "halfcauchy": "half-cauchy", "half-t": "half-student-t", "half-student": "half-student-t",
	"inv-gamma": "inverse-gamma", "lognormal": "log-normal",
}

// ParsePrior returns the prior that a text such as "normal(0, 2.5)",
// "student_t(3, 0, 1)" or "flat" describes. The names are those of [Prior.Kind],
// with the parameters in the order of the constructors; case does not matter
// and an underscore stands for a hyphen. Parameters may be named, as in
// "normal(mean=0, sd=2.5)", in any order but then all of them. The error is a
// *PriorError that says what was wanted.
func ParsePrior(text string) (Prior, error) {
	fail := func(format string, a ...any) (Prior, error) {
		return Prior{}, &PriorError{Prior: strings.TrimSpace(text), Want: fmt.Sprintf(format, a...)}
	}
	word, args, err := splitCall(text)
	if err != nil {
		return fail("%v", err)
	}
	name := canonical(word)
	if k, ok := priorAliases[name]; ok {
		name = k
	}
	kind, ok := priorKinds[name]
	if !ok {
		list := make([]string, 0, len(priorKinds))
		for k := range priorKinds {
			list = append(list, k)
		}
		sort.Strings(list)
		return fail("one of %s%s", strings.Join(list, ", "), didYouMean(name, list))
	}
	if len(args) != len(kind.params) {
		form := name
		if len(kind.params) > 0 {
			form += "(" + strings.Join(kind.params, ", ") + ")"
		}
		return fail("%s, with %d parameters and not %d", form, len(kind.params), len(args))
	}
	p := Prior{kind: name}
	var seen [3]bool
	named := 0
	for i, a := range args {
		at := i
		if key, value, found := strings.Cut(a, "="); found {
			named++
			a, at = value, -1
			for j, n := range kind.params {
				if n == canonical(key) {
					at = j
				}
			}
			if at < 0 {
				return fail("parameters named %s, not %q", strings.Join(kind.params, ", "), strings.TrimSpace(key))
			}
		}
		if seen[at] {
			return fail("each parameter once; %s is there twice", kind.params[at])
		}
		seen[at] = true
		v, err := strconv.ParseFloat(strings.TrimSpace(a), 64)
		if err != nil {
			return fail("a number for %s, not %q", kind.params[at], strings.TrimSpace(a))
		}
		p.p[at] = v
	}
	if named != 0 && named != len(args) {
		return fail("either all parameters named or none")
	}
	if err := p.Check(); err != nil {
		return Prior{}, err
	}
	return p, nil
}

// PriorSpec assigns a prior to a parameter, or to all coefficients except the
// intercept if Name is [CoefficientClass].
type PriorSpec struct {
	Name  string
	Prior Prior
}

// String returns a text that ParsePriorSpec turns into the same specification.
func (s PriorSpec) String() string { return s.Name + " ~ " + s.Prior.String() }

// ParsePriorSpec reads "NAME ~ PRIOR", such as "b ~ normal(0, 1)",
// "(Intercept) ~ student-t(3, 0, 10)" or "sigma ~ exponential(1)".
func ParsePriorSpec(text string) (PriorSpec, error) {
	at := strings.LastIndexByte(text, '~')
	if at < 0 {
		return PriorSpec{}, &PriorError{Prior: strings.TrimSpace(text), Want: `a parameter and its prior, as in "b ~ normal(0, 1)"`}
	}
	name := strings.TrimSpace(text[:at])
	if name == "" {
		return PriorSpec{}, &PriorError{Prior: strings.TrimSpace(text), Want: `the name of a parameter before ~, or b for all coefficients`}
	}
	p, err := ParsePrior(text[at+1:])
	if err != nil {
		if e, ok := err.(*PriorError); ok {
			e.Param = name
		}
		return PriorSpec{}, err
	}
	return PriorSpec{Name: name, Prior: p}, nil
}

// ResolvePriors returns defaults with the specifications put in. Names are the
// parameters, positive marks the auxiliary ones among them (nil: none). A
// specification of one parameter beats the class b, wherever it stands; if a
// column itself is called b, the name means that column and there is no class.
// Unknown names, names stated twice and priors that do not fit are a
// *PriorError.
func ResolvePriors(defaults []Prior, specs []PriorSpec, names []string, positive []bool) ([]Prior, error) {
	if len(defaults) != len(names) || positive != nil && len(positive) != len(names) {
		panic(fmt.Sprintf("glm: ResolvePriors: %d defaults and %d positive for %d names", len(defaults), len(positive), len(names)))
	}
	out := append([]Prior(nil), defaults...)
	index := make(map[string]int, len(names))
	for j, n := range names {
		index[n] = j
	}
	isPositive := func(j int) bool { return positive != nil && positive[j] }
	stated := make(map[string]bool, len(specs))
	single := make([]bool, len(names))
	for _, s := range specs {
		if stated[s.Name] {
			return nil, &PriorError{Prior: s.Prior.String(), Param: s.Name, Want: "one prior a parameter; this one has two"}
		}
		stated[s.Name] = true
		if j, ok := index[s.Name]; ok {
			if err := s.Prior.CheckFor(s.Name, isPositive(j)); err != nil {
				return nil, err
			}
			out[j], single[j] = s.Prior, true
			continue
		}
		if s.Name != CoefficientClass {
			list := append([]string{CoefficientClass}, names...)
			return nil, &PriorError{Prior: s.Prior.String(), Param: s.Name, Want: "the name of a parameter: " + someOf(list) + didYouMean(s.Name, list)}
		}
		if err := s.Prior.CheckFor(s.Name, false); err != nil {
			return nil, err
		}
	}
	if _, ok := index[CoefficientClass]; ok {
		return out, nil
	}
	for _, s := range specs {
		if s.Name != CoefficientClass {
			continue
		}
		for j, n := range names {
			if !isPositive(j) && !single[j] && n != interceptName {
				out[j] = s.Prior
			}
		}
	}
	return out, nil
}

// someOf lists names, not too many of them.
func someOf(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(", … (%d in all)", len(names))
	}
	return strings.Join(names, ", ")
}
