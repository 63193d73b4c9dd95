package glm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/natgrad/natgrad/vi"
)

// Family is a distribution of the outcome y given a linear predictor η, with
// its link. Some families have further positive parameters, such as σ; they
// are named by AuxNames and travel as their logarithms ψ, in that order,
// wherever a method takes aux.
//
// Families are made by [Gaussian], [StudentT], [Bernoulli], [Binomial],
// [Poisson], [NegativeBinomial], [Gamma] and [ParseFamily]. The interface is
// sealed; its values are immutable and safe for concurrent use.
type Family interface {
	// String returns a text that ParseFamily turns into the same family.
	String() string
	// Name returns the name of the distribution, such as "binomial".
	Name() string
	// Link returns the name of the link, such as "logit".
	Link() string
	// AuxNames returns the names of the positive parameters, such as "sigma".
	AuxNames() []string
	// Degree returns 2 if the log likelihood is a quadratic function of η, else
	// 0; see [vi.Term].
	Degree() int
	// LogConcave reports whether the log likelihood is concave in η for every y.
	LogConcave() bool
	// CheckOutcome returns an *OutcomeError that describes the first value
	// outside the support of the family, or a *FamilyError if there are trials
	// that the family has no use for. Trials is nil or holds the number of
	// trials of every row. Rows holds the row numbers of the data file, for the
	// message; nil numbers them from 1. Column is the name of the outcome.
	CheckOutcome(y, trials []float64, rows []int, column string) error
	// Eval returns the log likelihood of the rows of o, all constants included,
	// as the Eval function of a [vi.Term], with its derivatives in η and ψ. The
	// outcomes must pass CheckOutcome. The function keeps the slices of o, does
	// not allocate, and is safe for concurrent use.
	Eval(o Outcome) func(lo int, eta, aux []float64, d *vi.Derivs)
	// Mean returns E[y | η, ψ], for one trial if the family has trials. The mean
	// of a Student-t outcome is its location η, whatever its degrees of freedom.
	Mean(eta float64, aux []float64) float64
	// Variance returns Var[y | η, ψ], for one trial if the family has trials.
	Variance(eta float64, aux []float64) float64
	// Sample draws an outcome. Only the binomial family reads trials.
	Sample(rng *rand.Rand, eta float64, aux []float64, trials float64) float64
	// InitEta returns a sensible constant predictor (offset not included): the
	// link of the mean, shrunk a little so that it is finite.
	InitEta(o Outcome) float64
	// InitAux returns a sensible start of ψ by the method of moments.
	InitAux(o Outcome) []float64
	// Scale returns the size of a unit of η: the standard deviation of y under
	// an identity link, 1 otherwise. [DefaultPriors] multiplies by it.
	Scale(o Outcome) float64

	sealed()
}

// Outcome holds the observed data of a likelihood, one entry a row.
type Outcome struct {
	Y       []float64
	Trials  []float64 // numbers of trials of a binomial outcome; nil means 1
	Weights []float64 // multiply the log likelihood; nil means 1
	// Offset is a known part of the predictor. Only the starting values read
	// it: the predictors that the likelihood receives contain it already.
	Offset []float64
}

func (o *Outcome) weight(i int) float64 {
	if o.Weights == nil {
		return 1
	}
	return o.Weights[i]
}

func (o *Outcome) trial(i int) float64 {
	if o.Trials == nil {
		return 1
	}
	return o.Trials[i]
}

func (o *Outcome) offset(i int) float64 {
	if o.Offset == nil {
		return 0
	}
	return o.Offset[i]
}

// check panics if the columns differ in length.
func (o *Outcome) check() {
	n := len(o.Y)
	for _, c := range [...]struct {
		name string
		x    []float64
	}{{"Trials", o.Trials}, {"Weights", o.Weights}, {"Offset", o.Offset}} {
		if c.x != nil && len(c.x) != n {
			panic(fmt.Sprintf("glm: length of Outcome.%s is %d, want %d, the length of Y", c.name, len(c.x), n))
		}
	}
}

// moments returns the weighted mean and variance of y − offset and the sum of
// the weights. Without weight the mean is 0 and the variance 0.
func (o *Outcome) moments() (mean, variance, weight float64) {
	var s float64
	for i, y := range o.Y {
		w := o.weight(i)
		if w <= 0 {
			continue
		}
		weight += w
		d := y - o.offset(i) - mean
		mean += w / weight * d
		s += w * d * (y - o.offset(i) - mean)
	}
	if weight > 0 {
		variance = s / weight
	}
	return mean, variance, weight
}

// scale returns the standard deviation of y − offset, or 1 if it is zero.
func (o *Outcome) scale() float64 {
	if _, v, _ := o.moments(); v > 0 && !math.IsInf(v, 1) {
		return math.Sqrt(v)
	}
	return 1
}

// traits holds what all families state about themselves.
type traits struct {
	name, link string
	aux        []string
	degree     int
	concave    bool
}

func (t *traits) Name() string       { return t.name }
func (t *traits) Link() string       { return t.link }
func (t *traits) AuxNames() []string { return append([]string(nil), t.aux...) }
func (t *traits) Degree() int        { return t.degree }
func (t *traits) LogConcave() bool   { return t.concave }
func (t *traits) String() string     { return t.name + "(" + t.link + ")" }
func (t *traits) sealed()            {}

// OutcomeError reports an outcome outside the support of a family.
type OutcomeError struct {
	Family string  // name of the family
	File   string  // name of the file, if the data came from one
	Column string  // name of the outcome's column
	Row    int     // row number as given to CheckOutcome
	Line   int     // line of the file, counted from 1 with the header; 0 if not known
	Index  int     // index in y
	Value  float64 // the outcome
	Trials float64 // its number of trials, or NaN
	Count  int     // number of rows with the same kind of trouble, this one included
	Want   string  // what the family requires
}

// Error describes the value and what the family requires.
func (e *OutcomeError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "glm: family %s: ", e.Family)
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	fmt.Fprintf(&b, "column %q, row %d", e.Column, e.Row)
	if e.Line > 0 {
		fmt.Fprintf(&b, " (line %d)", e.Line)
	}
	fmt.Fprintf(&b, ": value %g", e.Value)
	if !math.IsNaN(e.Trials) {
		fmt.Fprintf(&b, " with %g trials", e.Trials)
	}
	fmt.Fprintf(&b, ", want %s", e.Want)
	if e.Count > 1 {
		fmt.Fprintf(&b, " (and %s)", plural(e.Count-1, "more row"))
	}
	return b.String()
}

// checkRows returns an error if ok refuses a row.
func checkRows(family, want, column string, y, trials []float64, rows []int, ok func(y, n float64) bool) error {
	if trials != nil && len(trials) != len(y) || rows != nil && len(rows) != len(y) {
		panic(fmt.Sprintf("glm: CheckOutcome: %d trials and %d rows for %d outcomes", len(trials), len(rows), len(y)))
	}
	var bad *OutcomeError
	for i, v := range y {
		n := math.NaN()
		if trials != nil {
			n = trials[i]
		}
		if ok(v, n) {
			continue
		}
		if bad != nil {
			bad.Count++
			continue
		}
		row := i + 1
		if rows != nil {
			row = rows[i]
		}
		bad = &OutcomeError{Family: family, Column: column, Row: row, Index: i, Value: v, Trials: n, Count: 1, Want: want}
	}
	if bad == nil {
		return nil
	}
	return bad
}

// noTrials returns an error if a family without trials is given some.
func noTrials(family, column string, trials []float64) error {
	if trials == nil {
		return nil
	}
	return &FamilyError{Text: family, Want: fmt.Sprintf("no number of trials for outcome %q: only the binomial family has trials", column)}
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func isCount(x float64) bool { return x >= 0 && !math.IsInf(x, 1) && x == math.Floor(x) }

// FamilyError reports a family that does not exist or is misused.
type FamilyError struct {
	Text string // the family as written
	Want string // what was wanted
}

// Error describes the text and what was wanted.
func (e *FamilyError) Error() string { return fmt.Sprintf("glm: family %q: want %s", e.Text, e.Want) }

// familyAliases maps what people write to the names of the families.
var familyAliases = map[string]string{
	"gaussian": "gaussian", "normal": "gaussian",
	"student-t": "student-t", "student": "student-t", "t": "student-t",
	"bernoulli": "bernoulli", "binomial": "binomial", "poisson": "poisson",
	"negative-binomial": "negative-binomial", "negbinomial": "negative-binomial", "negbin": "negative-binomial", "nb": "negative-binomial",
	"gamma": "gamma",
}

var familyNames = []string{"gaussian", "student-t", "bernoulli", "binomial", "poisson", "negative-binomial", "gamma"}

// ParseFamily returns the family that a text names:
//
//	gaussian           normal outcome with identity link; sigma unknown
//	student-t          robust: as gaussian with t errors; sigma and nu unknown
//	student-t(df=4)    the same with 4 degrees of freedom
//	bernoulli(LINK)    outcome 0 or 1; LINK is logit (if omitted), probit or cloglog
//	binomial(LINK)     successes out of a number of trials; the same links
//	poisson            counts with log link
//	negative-binomial  overdispersed counts with log link; phi unknown
//	gamma              positive outcome with log link; shape unknown
//
// Case does not matter, an underscore stands for a hyphen, and "normal",
// "student" and "negbin" are understood. The error is a *FamilyError that says
// what was wanted and suggests the nearest name.
func ParseFamily(text string) (Family, error) {
	fail := func(format string, a ...any) (Family, error) {
		return nil, &FamilyError{Text: text, Want: fmt.Sprintf(format, a...)}
	}
	word, arg, err := splitCall(text)
	if err != nil {
		return fail("%v", err)
	}
	word = canonical(word)
	name, ok := familyAliases[word]
	if !ok {
		switch word {
		case "logit", "probit", "cloglog", "logistic":
			if word == "logistic" {
				word = "logit"
			}
			return fail("a family with its link, such as bernoulli(%s)", word)
		}
		list := make([]string, 0, len(familyAliases))
		for k := range familyAliases {
			list = append(list, k)
		}
		return fail("one of %s%s", strings.Join(familyNames, ", "), didYouMean(word, list))
	}
	key, value := "", ""
	if len(arg) > 1 {
		return fail("at most one argument")
	}
	if len(arg) == 1 {
		key, value = "", strings.TrimSpace(arg[0])
		if k, v, found := strings.Cut(value, "="); found {
			key, value = canonical(k), strings.TrimSpace(v)
		}
	}
	if name == "student-t" {
		if len(arg) == 0 || (key == "" || key == "link") && canonical(value) == "identity" {
			return StudentT(), nil
		}
		if key != "" && key != "df" && key != "nu" {
			return fail("df=NUMBER as the argument of student-t")
		}
		df, err := strconv.ParseFloat(value, 64)
		if err != nil || !(df > 0) || math.IsInf(df, 1) {
			return fail("a positive finite number of degrees of freedom, as in student-t(df=4)")
		}
		return StudentTDF(df), nil
	}
	if key != "" && key != "link" {
		return fail("a link as the argument of %s", name)
	}
	link := canonical(value)
	links := []string{"log"}
	switch name {
	case "gaussian":
		links[0] = "identity"
	case "bernoulli", "binomial":
		links = linkNames
	}
	if len(arg) == 0 {
		link = links[0]
	}
	found := false
	for _, l := range links {
		found = found || l == link
	}
	if !found {
		return fail("one of the links of %s: %s%s", name, strings.Join(links, ", "), didYouMean(link, links))
	}
	switch name {
	case "gaussian":
		return Gaussian(), nil
	case "bernoulli":
		return Bernoulli(link), nil
	case "binomial":
		return Binomial(link), nil
	case "poisson":
		return Poisson(), nil
	case "negative-binomial":
		return NegativeBinomial(), nil
	}
	return Gamma(), nil
}
