package docs_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/structured"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/mat"
)

func fitNormal(ctx context.Context, t *vi.Target) (*vi.Result, error) {
	return vi.Fit(ctx, expfam.StandardNormal(t.Dim), t, nil)
}

func fitSkew(ctx context.Context, t *vi.Target) (*vi.Result, error) {
	n := expfam.StandardNormal(t.Dim)
	if _, err := vi.Fit(ctx, n, t, nil); err != nil {
		return nil, err
	}
	q, err := mixture.SkewNormalFrom(n, t.Grad, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		return nil, err
	}
	return vi.Fit(ctx, q, t, nil)
}

func fitStudentT(ctx context.Context, t *vi.Target) (*vi.Result, error) {
	n := expfam.StandardNormal(t.Dim)
	if _, err := vi.Fit(ctx, n, t, nil); err != nil {
		return nil, err
	}
	q, err := mixture.NewStudentT(n.Mean(nil), n.Cov(nil), 2) // 4 degrees of freedom to begin with
	if err != nil {
		return nil, err
	}
	return vi.Fit(ctx, q, t, nil)
}

func fitMixture(ctx context.Context, t *vi.Target, k int) (*vi.Result, error) {
	n := expfam.StandardNormal(t.Dim)
	if _, err := vi.Fit(ctx, n, t, nil); err != nil {
		return nil, err
	}
	q := mixture.Split(n, k, rand.New(rand.NewPCG(1, 1)))
	return vi.Fit(ctx, q, t, nil)
}

func fitWideMixture(ctx context.Context, t *vi.Target, k int) (*vi.Result, error) {
	wide, err := expfam.NewNormal(make([]float64, t.Dim), diagonal(t.Dim, 9)) // sds of 3: wide enough to reach all modes
	if err != nil {
		return nil, err
	}
	q := mixture.Split(wide, k, rand.New(rand.NewPCG(1, 1)))
	return vi.Fit(ctx, q, t, nil)
}

func diagonal(d int, v float64) *mat.SymDense {
	s := mat.NewSymDense(d, nil)
	for i := range d {
		s.SetSym(i, i, v)
	}
	return s
}

func fitLowRank(ctx context.Context, t *vi.Target, k int) (*vi.Result, error) {
	root, err := structured.Up(t.Dim, k)
	if err != nil {
		return nil, err
	}
	q, err := structured.New(make([]float64, t.Dim), root)
	if err != nil {
		return nil, err
	}
	return vi.Fit(ctx, q, t, nil)
}

func fitPositive(ctx context.Context, t *vi.Target) (*vi.Result, error) {
	ones := make([]float64, t.Dim)
	for i := range ones {
		ones[i] = 1
	}
	q, err := mixture.NewGammas(ones, ones) // Gamma(1, 1) for each parameter to begin with
	if err != nil {
		return nil, err
	}
	return vi.Fit(ctx, q, t, nil)
}

// A rate λ > 0 and a share θ in (0, 1), independent under q.
func fitParts(ctx context.Context, t *vi.Target) (*vi.Result, error) {
	lambda, err := expfam.NewGamma(1, 1)
	if err != nil {
		return nil, err
	}
	theta, err := expfam.NewBeta(1, 1)
	if err != nil {
		return nil, err
	}
	q, err := expfam.NewProduct(lambda, theta)
	if err != nil {
		return nil, err
	}
	return vi.Fit(ctx, q, t, nil)
}

func gammaPrior(shape, rate []float64, logLik func(dst, x []float64) float64, logProb func(x []float64) float64) *vi.Target {
	return &vi.Target{
		Dim:     len(shape),
		Grad:    logLik,  // the rest, without the prior
		LogProb: logProb, // all of it
		Exact: func(tan []float64, q vi.Posterior) (float64, error) {
			return q.(*mixture.Gammas).GammaPriorTangent(tan, shape, rate)
		},
	}
}

func fitValues(ctx context.Context, logProb func(x []float64) float64) (*vi.Result, error) {
	q := expfam.StandardNormal(2)
	return vi.Fit(ctx, q, &vi.Target{Dim: 2, LogProb: logProb}, &vi.Settings{Method: vi.GradientFree})
}

// corrected compares q's mean and sd of coordinate j with those of the posterior, as far as
// the draws of q know it.
func corrected(res *vi.Result, mean, sd []float64, j int) (string, error) {
	m, s, err := res.Moments()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("mean off by %.2f sd, sd %+.0f %%", (mean[j]-m[j])/s[j], 100*(sd[j]/s[j]-1)), nil
}

func shapeTargets() []shapeTarget {
	unit := mat.NewSymDense(2, []float64{1, 0.3, 0.3, 1})
	modes := func(d float64) *vi.Target {
		return targets.MixtureOfNormals([]float64{0, 0}, [][]float64{{-d, 0}, {d, 1}}, []*mat.SymDense{unit, unit})
	}
	heavy := targets.MixtureOfStudentT([]float64{0}, [][]float64{{1, -1}}, []*mat.SymDense{unit}, 1.5)
	return []shapeTarget{
		{"skewed: beta-binomial", targets.CancerBetaBinomial(), [2]float64{-9, 2}, [2]float64{-5, 22}, 200},
		{"bent: x₂ = x₁² + noise", targets.SkewRidge(1, 0.5), [2]float64{-5, -4}, [2]float64{5, 18}, 200},
		{"heavy tails: t, 3 degrees of freedom", heavy, [2]float64{-60, -60}, [2]float64{60, 60}, 500},
		{"two modes 4 sds apart", modes(2), [2]float64{-8, -8}, [2]float64{8, 8}, 200},
		{"two modes 9 sds apart", modes(4.5), [2]float64{-11, -8}, [2]float64{11, 8}, 200},
	}
}

type shapeTarget struct {
	name   string
	target *vi.Target
	lo, hi [2]float64
	n      int
}

// TestShapesFigures prints, with -v, the tables of shapes.md, what five shapes make of five
// targets of known normaliser, and compares their words with the page's.
func TestShapesFigures(t *testing.T) {
	page := readPage(t, "shapes.md")
	line := func(s string) {
		t.Helper()
		t.Log(s)
		if !strings.Contains(number.ReplaceAllString(page, "#"), number.ReplaceAllString(s, "#")) {
			t.Errorf("shapes.md does not have\n%s", s)
		}
	}
	shapes := []func(ctx context.Context, t *vi.Target) (*vi.Result, error){
		fitNormal, fitSkew, fitStudentT,
		func(ctx context.Context, t *vi.Target) (*vi.Result, error) { return fitMixture(ctx, t, 5) },
		func(ctx context.Context, t *vi.Target) (*vi.Result, error) { return fitWideMixture(ctx, t, 5) },
	}
	for _, c := range shapeTargets() {
		row := "| " + c.name + " |"
		grid := targets.NewGrid(c.target, c.lo, c.hi, c.n)
		for i, fit := range shapes {
			r, err := fit(context.Background(), c.target)
			if err != nil {
				t.Fatalf("%s, shape %d: %v", c.name, i, err)
			}
			kl, mass := grid.KL(r.Posterior.LogProb)
			if math.Abs(mass-1) > 0.001 {
				t.Errorf("%s, shape %d: mass %v on the grid", c.name, i, mass)
			}
			row += fmt.Sprintf(" %.3f %v |", math.Abs(kl), r.Grade())
			if i > 0 {
				continue
			}
			n := r.Posterior.(*expfam.Normal)
			off, err := corrected(r, n.Mean(nil), n.Sd(nil), 1)
			if err != nil {
				t.Fatal(err)
			}
			defer line(fmt.Sprintf("| %s | %.2f | %.2f | %s |", c.name, r.Spread(), r.KHat, off))
		}
		line(row)
	}
}

// TestShapesSizes compares the numbers of parameters on the page with the types'.
func TestShapesSizes(t *testing.T) {
	const d = 100
	mu, unit := make([]float64, d), diagonal(d, 1)
	ones := make([]float64, d)
	for i := range ones {
		ones[i] = 1
	}
	skew, err := mixture.NewSkewNormal(mu, ones, unit)
	if err != nil {
		t.Fatal(err)
	}
	heavy, err := mixture.NewStudentT(mu, unit, 2)
	if err != nil {
		t.Fatal(err)
	}
	gammas, err := mixture.NewGammas(ones, ones)
	if err != nil {
		t.Fatal(err)
	}
	root, err := structured.Up(d, 5)
	if err != nil {
		t.Fatal(err)
	}
	low, err := structured.New(mu, root)
	if err != nil {
		t.Fatal(err)
	}
	diag, err := expfam.NewDiagNormal(mu, ones)
	if err != nil {
		t.Fatal(err)
	}
	page := readPage(t, "shapes.md")
	for name, q := range map[string]vi.Posterior{
		"`expfam.Normal`": expfam.StandardNormal(d), "`expfam.DiagNormal`": diag, "`mixture.SkewNormal`": skew, "`mixture.StudentT`": heavy, "`mixture.Gammas`": gammas,
		"`structured.Up(100, 5)`": low, "`mixture.Split`, K = 5": mixture.Split(expfam.StandardNormal(d), 5, rand.New(rand.NewPCG(1, 1))),
	} {
		if !regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(name) + `[^|]*\| ` + fmt.Sprint(q.NumParams()) + ` \|`).MatchString(page) {
			t.Errorf("shapes.md has no row of %s with %d numbers", name, q.NumParams())
		}
	}
}

// The remaining calls of the page find what they are made for.
func TestShapesCalls(t *testing.T) {
	ctx := context.Background()
	// A rate of Gamma(5, 3) and a share of Beta(8, 3).
	rate, share := dist(expfam.NewGamma(5, 3)).(*expfam.Gamma), dist(expfam.NewBeta(8, 3)).(*expfam.Beta)
	both := dist(expfam.NewProduct(rate, share)).(*expfam.Product)
	two := dist(expfam.NewProduct(rate, rate)).(*expfam.Product)
	of := func(p *expfam.Product) *vi.Target {
		return &vi.Target{Dim: 2, Grad: func(dst, x []float64) float64 { p.Score(dst, x); return p.LogProb(x) }}
	}
	for name, f := range map[string]func() (*vi.Result, error){
		"parts":    func() (*vi.Result, error) { return fitParts(ctx, of(both)) },
		"positive": func() (*vi.Result, error) { return fitPositive(ctx, of(two)) },
		"values":   func() (*vi.Result, error) { return fitValues(ctx, expfam.StandardNormal(2).LogProb) },
		"exact prior": func() (*vi.Result, error) {
			ones := []float64{1, 1}
			q, err := mixture.NewGammas(ones, ones)
			if err != nil {
				return nil, err
			}
			// Counts 4 in 2 units of time and 1 in 3, under Gamma(2, 1): Gamma(6, 3) and Gamma(3, 4).
			logLik := func(dst, x []float64) float64 {
				dst[0], dst[1] = 4/x[0]-2, 1/x[1]-3
				return 4*math.Log(x[0]) - 2*x[0] + math.Log(x[1]) - 3*x[1]
			}
			logProb := func(x []float64) float64 {
				return logLik(make([]float64, 2), x) + math.Log(x[0]) - x[0] + math.Log(x[1]) - x[1]
			}
			r, err := vi.Fit(ctx, q, gammaPrior([]float64{2, 2}, ones, logLik, logProb), nil)
			if m := q.Mean(nil); err == nil && (math.Abs(m[0]-2) > 0.05 || math.Abs(m[1]-0.75) > 0.05) {
				t.Errorf("means %v, want 2 and 0.75", m)
			}
			return r, err
		},
		"low rank": func() (*vi.Result, error) { return fitLowRank(ctx, arrow(20, 0), 1) },
	} {
		r, err := f()
		if err != nil || r.Grade() != vi.Good {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}

// arrow has p coordinates that all hang on coordinate at: log p = −½x_at² − 2 Σ(x_i − x_at)².
func arrow(p, at int) *vi.Target {
	return &vi.Target{Dim: p, Grad: func(dst, x []float64) float64 {
		v := -0.5 * x[at] * x[at]
		clear(dst)
		dst[at] = -x[at]
		for i := range x {
			r := x[i] - x[at]
			v -= 2 * r * r
			dst[i] -= 4 * r
			dst[at] += 4 * r
		}
		return v
	}}
}

// readmeShapes is the example of the section Shapes in the README.
func readmeShapes(ctx context.Context, target *vi.Target) error {
	q := expfam.StandardNormal(2)
	res, err := vi.Fit(ctx, q, target, nil)
	if err != nil {
		return err
	}
	fmt.Println(res.Grade()) // caution: "the posterior is not normal in shape"
	five := mixture.Split(q, 5, rand.New(rand.NewPCG(1, 1)))
	if res, err = vi.Fit(ctx, five, target, nil); err != nil {
		return err
	}
	fmt.Println(res.Grade()) // good
	return nil
}

func Example_readmeShapes() {
	if err := readmeShapes(context.Background(), targets.CancerBetaBinomial()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// caution
	// good
}

// Every piece of Go in these pages is code that is tested.
func TestShapesCode(t *testing.T) {
	indent := regexp.MustCompile(`(?m)^[ \t]+`)
	flat := func(s string) string { return indent.ReplaceAllString(s, "") }
	code := flat(readPage(t, "shapes_test.go") + readPage(t, "mixtures_test.go") + readPage(t, "families_test.go") + readPage(t, "lomax_test.go"))
	blocks := regexp.MustCompile("(?s)```go\n(.*?)\n```")
	for page, least := range map[string]int{"shapes.md": 8, "methods/mixtures.md": 3, "methods/families.md": 2, "methods/natural-gradient-vi.md": 1} {
		list := blocks.FindAllStringSubmatch(readPage(t, page), -1)
		if len(list) < least {
			t.Errorf("%s: only %d blocks of Go were found", page, len(list))
		}
		for _, b := range list {
			if !strings.Contains(code, flat(b[1])) {
				t.Errorf("%s: no tested code has\n%s", page, b[1])
			}
		}
	}
	_, section, _ := strings.Cut(readPage(t, "../README.md"), "\n## Shapes\n")
	if b := blocks.FindStringSubmatch(section); b == nil || !strings.Contains(code, flat(b[1])) {
		t.Errorf("the section Shapes of the README has no code that is tested: %q", b)
	}
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
