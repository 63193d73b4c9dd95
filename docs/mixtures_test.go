package docs_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
)

// fitGammaMixture fits two gamma distributions with weights to a density on x > 0.
func fitGammaMixture(ctx context.Context, t *vi.Target) (*mixture.Mixture, error) {
	low, err := expfam.NewGamma(2, 1)
	if err != nil {
		return nil, err
	}
	high, err := expfam.NewGamma(5, 1)
	if err != nil {
		return nil, err
	}
	q, err := mixture.New(nil, low, high) // nil: equal weights
	if err != nil {
		return nil, err
	}
	_, err = vi.Fit(ctx, q, t, nil)
	return q, err
}

// replay takes the steps of a paper: its rule, its rate, its number of draws, nothing else.
func replay(ctx context.Context, q *mixture.Mixture, t *vi.Target) (*vi.Result, error) {
	err := q.SetOptions(mixture.Options{Rule: mixture.IBLR, WeightRate: 0.05, HessEntropy: true})
	if err != nil {
		return nil, err
	}
	return vi.Fit(ctx, q, t, &vi.Settings{Plain: true, Rate: vi.Constant(0.01), Draws: 50, Iterations: 2000})
}

func inspect(w io.Writer, q *mixture.Mixture) {
	for c, weight := range q.Weights(nil) {
		if n, ok := q.Component(c).(*expfam.Normal); ok {
			fmt.Fprintf(w, "%.2f at %.2f\n", weight, n.Mean(nil))
		}
	}
	lower, upper := q.EntropyBounds()
	fmt.Fprintf(w, "mean %.2f, sd %.2f, entropy between %.2f and %.2f\n", q.Mean(nil), q.Sd(nil), lower, upper)
	for _, issue := range q.Check() {
		fmt.Fprintln(w, issue)
	}
}

// The calls of the page do what it says.
func TestMixturesCalls(t *testing.T) {
	ctx := context.Background()
	want, err := mixture.New([]float64{0.4, 0.6}, dist(expfam.NewGamma(4, 4)).(*expfam.Gamma), dist(expfam.NewGamma(60, 10)).(*expfam.Gamma))
	if err != nil {
		t.Fatal(err)
	}
	dens := func(x float64) float64 { return want.LogProb([]float64{x}) }
	q, err := fitGammaMixture(ctx, &vi.Target{Dim: 1, Grad: func(dst, x []float64) float64 {
		h := 1e-5 * x[0]
		dst[0] = (dens(x[0]+h) - dens(x[0]-h)) / (2 * h)
		return dens(x[0])
	}})
	if err != nil {
		t.Fatal(err)
	}
	if w := slices.Min(q.Weights(nil)); math.Abs(w-0.4) > 0.03 {
		t.Errorf("the smaller weight is %v, want 0.4", w)
	}
	star := mixture.Split(expfam.StandardNormal(2), 10, rand.New(rand.NewPCG(1, 1)))
	r, err := replay(ctx, star, targets.Star())
	if err != nil || r.ELBOMC < -0.2 {
		t.Errorf("after the replay: %v, %v", r, err)
	}
	inspect(io.Discard, star)
}

var full = flag.Bool("full", false, "print all rates of the figures")

// TestBlackBoxFigures prints, with -v, the table of methods/mixtures.md: natural gradients
// and the black-box rule Adam from the same starts, with the same draws a step and constant
// rates, each rule with the best of four rates (all of them with -full).
func TestBlackBoxFigures(t *testing.T) {
	const draws, seeds = 50, 3
	page := readPage(t, "methods/mixtures.md")
	for _, c := range []struct {
		name   string
		target *vi.Target
		k      int
		lo, hi [2]float64
		best   [3]float64 // rates of the three rules, by the KL after 1000 steps
	}{
		{"star, K = 10", targets.Star(), 10, [2]float64{-5, -5}, [2]float64{5, 5}, [3]float64{0.1, 0.1, 0.03}},
		{"double banana, K = 10", targets.DoubleBanana(math.Log(30), 1, 0.09), 10, [2]float64{-2.5, -2}, [2]float64{2.5, 3}, [3]float64{0.03, 0.03, 0.03}},
	} {
		grid := targets.NewGrid(c.target, c.lo, c.hi, 150)
		last := map[mixture.Rule]float64{}
		first := *c.target
		first.Hess = nil // gradients alone, for both
		for i, rule := range []mixture.Rule{mixture.OwnRule, mixture.IBLR, mixture.Adam} {
			rates := []float64{c.best[i]}
			if *full {
				rates = []float64{0.003, 0.01, 0.03, 0.1}
			}
			for _, rate := range rates {
				kl := map[int][]float64{}
				for seed := range uint64(seeds) {
					q := mixture.Split(expfam.StandardNormal(2), c.k, rand.New(rand.NewPCG(seed, 1)))
					if err := q.SetOptions(mixture.Options{Rule: rule, WeightRate: 0.05}); err != nil {
						t.Fatal(err)
					}
					e, err := vi.New(q, &first, &vi.Settings{Seed: seed, Plain: true, Rate: vi.Constant(rate), Draws: draws, Iterations: 1000, Diagnostics: -1})
					if err != nil {
						t.Fatal(err)
					}
					for e.Status() == vi.Running {
						if _, err := e.Step(); err != nil {
							t.Logf("%v at %v: %v", rule, rate, err)
							break
						}
						if n := e.Iterations(); n == 100 || n == 300 || n == 1000 {
							v, _ := grid.KL(q.LogProb)
							kl[n] = append(kl[n], v)
						}
					}
				}
				mid := func(n int) float64 {
					if len(kl[n]) < seeds {
						return math.Inf(1)
					}
					slices.Sort(kl[n])
					return kl[n][seeds/2]
				}
				line := fmt.Sprintf("| %s | %v, rate %v | %.3f | %.3f | %.3f |", c.name, rule, rate, mid(100), mid(300), mid(1000))
				t.Log(line)
				if !*full && !strings.Contains(number.ReplaceAllString(page, "#"), number.ReplaceAllString(line, "#")) {
					t.Errorf("methods/mixtures.md does not have\n%s", line)
				}
				last[rule] = mid(1000)
			}
		}
		if !*full && last[mixture.OwnRule] > last[mixture.Adam] {
			t.Errorf("%s: after 1000 steps the own rule is at %v, Adam at %v: the page says otherwise", c.name, last[mixture.OwnRule], last[mixture.Adam])
		}
	}
}
