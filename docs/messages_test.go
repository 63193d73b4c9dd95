package docs_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/vi"
)

// sixRows has x3 = 2·x1 − x2 and a constant k; five pages fit it.
const sixRows = "y,x1,x2,x3,k,g\n1,1,2,0,5,a\n2,2,1,3,5,b\n2.5,3,5,1,5,c\n4,4,4,4,5,a\n5.5,5,7,3,5,b\n5,6,6,6,5,c\n"

const separated = "z,x\n0,1\n0,2\n0,3\n1,4\n1,5\n1,6\n"

func table(t *testing.T, csv string) glm.Table {
	t.Helper()
	d, err := glm.ReadCSV(strings.NewReader(csv), "data.csv")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// logistic is 2000 rows of a logistic regression.
func logistic() string {
	rng := rand.New(rand.NewPCG(1, 1))
	var b strings.Builder
	b.WriteString("z,x\n")
	for range 2000 {
		x, z := rng.NormFloat64(), 0
		if rng.Float64() < 1/(1+math.Exp(-0.5-x)) {
			z = 1
		}
		fmt.Fprintf(&b, "%d,%.4f\n", z, x)
	}
	return b.String()
}

// scenario is a fit and what it says.
type scenario struct {
	page, formula, csv, family string
	priors                     []string
	settings                   vi.Settings
	verdictElsewhere           bool // the page shows the warnings alone
}

var flat = []string{"b ~ flat", "(Intercept) ~ flat", "sigma ~ flat"}

var scenarios = []scenario{
	{page: "collinear-columns", formula: "y ~ x1 + x2 + x3", csv: sixRows},
	{page: "constant-column", formula: "y ~ x1 + k", csv: sixRows},
	{page: "constant-column", formula: "y ~ x", csv: "y,x\n4,1\n4,2\n4,3\n4,5\n"},
	{page: "cell-range", formula: "y ~ x", csv: "y,x\n1,1\n2,1e300\n4,3\n"},
	{page: "cell-range", formula: "y ~ x", csv: "y,x\n1,1e-200\n2,3e-200\n4,2e-200\n"},
	{page: "perfect-separation", formula: "z ~ x", csv: separated, family: "bernoulli"},
	{page: "perfect-separation", formula: "z ~ x", csv: separated, family: "bernoulli", priors: flat[:2]},
	{page: "perfect-separation", formula: "z ~ x", csv: "z,x\n1,1\n1,2\n1,3\n", family: "bernoulli", verdictElsewhere: true},
	{page: "missing-rows", formula: "y ~ x", csv: "y,x\n1,2\n2,NA\n,3\n4,5\n"},
	{page: "text-in-numeric-column", formula: "y ~ x", csv: "y,x\n1,2\n2,3\n3,12O\n4,5\n"},
	{page: "text-in-numeric-column", formula: "y ~ log(g)", csv: sixRows},
	{page: "text-in-numeric-column", formula: "y ~ x", csv: "y,x\n1,\"1,036\"\n2,\"2,500\"\n3,\"1,120\"\n4,980\n"},
	{page: "text-in-numeric-column", formula: "y ~ x", csv: "y,x\n1,ann\n2,bo\n3,cy\n4,di\n5,ed\n6,flo\n7,gus\n8,hal\n9,ida\n8,jo\n7,kit\n6,lee\n"},
	{page: "outcome-outside-support", formula: "z ~ x", csv: "z,x\n0,1\n2,2\n-1,3\n3,4\n", family: "poisson"},
	{page: "outcome-outside-support", formula: "z ~ x", csv: "z,x\n0,1\n2,2\n1,3\n3,4\n", family: "bernoulli"},
	{page: "outcome-outside-support", formula: "z ~ x", csv: "z,x\n0,1\n2.5,2\n1,3\n3,4\n", family: "gamma"},
	{page: "improper-posterior", formula: "y ~ x1 + x2 + g", csv: "y,x1,x2,g\n1,1,2,a\n2,2,1,b\n3,3,7,c\n", priors: flat[:2]},
	{page: "improper-posterior", formula: "y ~ x1", csv: "y,x1\n1,1\n2,2.5\n4,3\n", priors: flat, settings: vi.Settings{Iterations: 100}},
	{page: "k-hat-high", formula: "y ~ x1 + x2", csv: sixRows, priors: flat},
	{page: "formula-arithmetic", formula: "y ~ x1^2", csv: sixRows},
	{page: "formula-arithmetic", formula: "y ~ x1 + 2", csv: sixRows},
	{page: "formula-arithmetic", formula: "y ~ poly(x1, 2)", csv: sixRows},
	{page: "formula-arithmetic", formula: "y ~ (1 | g)", csv: sixRows},
	{page: "retracted-shortened", formula: "y ~ g - 1", csv: sixRows},
	{page: "not-converged", formula: "z ~ x", csv: logistic(), family: "bernoulli", settings: vi.Settings{Batch: 64, Iterations: 200}},
	{page: "not-converged", formula: "z ~ x", csv: logistic(), family: "bernoulli", settings: vi.Settings{Batch: 64}},
	{page: "not-converged", formula: "z ~ x", csv: logistic(), family: "bernoulli"},
}

func (s *scenario) run(t *testing.T) (*glm.Result, error) {
	t.Helper()
	opt := &glm.Options{Settings: s.settings}
	if s.family != "" {
		f, err := glm.ParseFamily(s.family)
		if err != nil {
			t.Fatal(err)
		}
		opt.Family = f
	}
	for _, text := range s.priors {
		p, err := glm.ParsePriorSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		opt.Priors = append(opt.Priors, p)
	}
	return glm.Fit(context.Background(), s.formula, table(t, s.csv), opt)
}

// number is what may differ between processors in a verdict.
var number = regexp.MustCompile(`-?\d+(\.\d+)?(e[-+]?\d+)?`)

// shows reports whether page sharp-bits/NAME.md holds the message, up to the
// digits of its numbers if it is a verdict.
func shows(t *testing.T, name, message string, verdict bool) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("sharp-bits", name+".md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	if verdict {
		page, message = number.ReplaceAllString(page, "#"), number.ReplaceAllString(message, "#")
	}
	if !strings.Contains(page, message) {
		t.Errorf("sharp-bits/%s.md does not show\n%s", name, message)
	}
}

// Every page shows the message that the code gives.
func TestMessages(t *testing.T) {
	for _, s := range scenarios {
		f, err := s.run(t)
		if err != nil {
			shows(t, s.page, err.Error(), false)
			continue
		}
		if !s.verdictElsewhere {
			shows(t, s.page, f.Verdict(), true)
		}
		for _, w := range f.Warnings {
			shows(t, s.page, w, false)
		}
	}
}

// A level that the fit did not see, and the names that it gives to levels.
func TestFactorMessages(t *testing.T) {
	f, err := (&scenario{formula: "y ~ g", csv: sixRows}).run(t)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Predict(table(t, "g\nd\n"), nil)
	var de *glm.DataError
	if !errors.As(err, &de) {
		t.Fatalf("error %v, want a DataError", err)
	}
	shows(t, "factor-levels", err.Error(), false)
	shows(t, "factor-levels", strings.Join(f.Names[:3], ", "), false)
	shows(t, "intercept-prior", "at column means", false)
	if !strings.HasSuffix(f.Priors[0], " at column means") {
		t.Errorf("the intercept's prior is %q", f.Priors[0])
	}
}

// Saved states that belong to another run, or to none.
func TestResumeMessages(t *testing.T) {
	data := table(t, logistic())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var state []byte
	model := func(formula string, s vi.Settings) *glm.Model {
		m, err := glm.NewModel(formula, data, &glm.Options{Family: glm.Bernoulli("logit"), Settings: s})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	f, err := model("z ~ x", vi.Settings{
		Batch:      64,
		Checkpoint: func(b []byte) error { state = append(state[:0], b...); return nil },
		Recorder: func(r vi.Record) error {
			if r.Iteration == 50 {
				cancel()
			}
			return nil
		},
	}).Fit(ctx)
	if !errors.Is(err, context.Canceled) || f == nil || len(state) == 0 {
		t.Fatalf("error %v, fit %v, %d bytes of state", err, f, len(state))
	}
	shows(t, "resume-refused", err.Error(), false)
	for _, c := range []struct {
		formula string
		s       vi.Settings
		state   []byte
	}{
		{"z ~ x", vi.Settings{Batch: 128}, state},
		{"z ~ x", vi.Settings{Batch: 64, Seed: 7}, state},
		{"z ~ x + I(x^2)", vi.Settings{Batch: 64}, state},
		{"z ~ x", vi.Settings{Batch: 64}, []byte("hello, this is no state")},
	} {
		_, err := model(c.formula, c.s).Resume(context.Background(), c.state)
		var se *vi.StateError
		if !errors.As(err, &se) {
			t.Fatalf("error %v, want a StateError", err)
		}
		shows(t, "resume-refused", err.Error(), false)
	}
	_, err = model("z ~ x", vi.Settings{Batch: 64}).Resume(context.Background(), state[:len(state)/2])
	if err == nil {
		t.Fatal("half a state is accepted")
	}
	shows(t, "resume-refused", strings.SplitAfter(err.Error(), "truncated")[0], false)
}

// Expectation parameters that do not hold a shape, and some that belong to no
// distribution.
func TestExpectationMessages(t *testing.T) {
	for _, shape := range []float64{1e6, 1e15} {
		g, err := expfam.NewGamma(shape, 2)
		if err != nil {
			t.Fatal(err)
		}
		err = g.Clone().SetExpectation(g.Expectation(nil))
		var lost *expfam.PrecisionError
		if !errors.As(err, &lost) {
			t.Fatalf("shape %g: error %v, want a PrecisionError", shape, err)
		}
		shows(t, "large-shapes", err.Error(), true)
	}
	g, err := expfam.NewGamma(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	err = g.SetExpectation([]float64{1, 2})
	var domain *expfam.DomainError
	if !errors.As(err, &domain) {
		t.Fatalf("error %v, want a DomainError", err)
	}
	shows(t, "large-shapes", err.Error(), false)
}
