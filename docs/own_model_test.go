package docs_test

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
	"github.com/natgrad/natgrad/vi"
)

// line is a straight line, for errors of many kinds.
func line(x, y []float64, sigma model.Param) (*model.Model, error) {
	return model.New([]model.Param{model.Real("a"), model.Real("b"), sigma}, func(s *model.Scope) {
		mean := autodiff.Add(s.Get("a"), s.Get("b").Mul(x))
		s.Add("a", autodiff.NormalLogProb(s.Get("a"), 0, 10))
		s.Add("b", autodiff.NormalLogProb(s.Get("b"), 0, 10))
		s.Add("sigma", autodiff.HalfNormalLogProb(s.Get("sigma"), 5))
		s.Add("y", autodiff.NormalLogProb(y, mean, s.Get("sigma")))
	})
}

// regimes has readings around the level of a hidden state, 0 or 1, that
// seldom changes. The states are summed out.
func regimes(y []float64) (*model.Model, error) {
	start := []float64{math.Log(0.5), math.Log(0.5)}
	return model.New([]model.Param{
		model.Ordered("level", 2), model.Positive("sigma"), model.Simplex("P", 2, 2),
	}, func(s *model.Scope) {
		level, sigma, p := s.Get("level"), s.Get("sigma"), s.Get("P")
		s.Add("level", autodiff.NormalLogProb(level, 0, 5))
		s.Add("sigma", autodiff.HalfNormalLogProb(sigma, 2))
		s.Add("P", autodiff.Add(
			autodiff.DirichletLogProb(p.Row(0), []float64{9, 1}),
			autodiff.DirichletLogProb(p.Row(1), []float64{1, 9})))
		s.Add("y", autodiff.HMMLogProb(start, p.Log(), autodiff.StackColumns(
			autodiff.NormalLogProbs(y, level.At(0), sigma),
			autodiff.NormalLogProbs(y, level.At(1), sigma))))
	})
}

// growth has counts along the solution of y' = r·y·(1 − y/K), y(0) = y0.
func growth(times, y []float64) (*model.Model, error) {
	return model.New([]model.Param{
		model.Positive("r"), model.Positive("K").From(10), model.Positive("y0"), model.Positive("sigma").From(0.5),
	}, func(s *model.Scope) {
		r, k, sigma := s.Get("r"), s.Get("K"), s.Get("sigma")
		path := autodiff.RK4(func(_ float64, y autodiff.Node) autodiff.Node {
			return r.Mul(y).Mul(autodiff.Sub(1, y.Div(k)))
		}, autodiff.Concat(s.Get("y0")), 0, times, 4)
		s.Add("r", autodiff.HalfNormalLogProb(r, 2))
		s.Add("K", autodiff.LogNormalLogProb(k, math.Log(10), 1))
		s.Add("y0", autodiff.LogNormalLogProb(s.Get("y0"), 0, 1))
		s.Add("sigma", autodiff.HalfNormalLogProb(sigma, 1))
		s.Add("y", autodiff.LogNormalLogProb(y, path.Vector().Log(), sigma))
	})
}

// oneNormal fits a shape of one's own choice, without the ladder.
func oneNormal(ctx context.Context, m *model.Model) (*model.Posterior, error) {
	start, err := m.Start()
	if err != nil {
		return nil, err
	}
	t := m.Target()
	mode, err := vi.MAP(ctx, t, start, nil)
	if err != nil {
		return nil, err
	}
	q, err := vi.Start(t, mode)
	if err != nil {
		return nil, err
	}
	res, err := vi.Fit(ctx, q, t, nil)
	if err != nil {
		return nil, err
	}
	return m.Posterior(res)
}

// TestOwnModels recovers, with the models of own-model.md, the parameters behind simulated data.
func TestOwnModels(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	ctx := context.Background()
	within := func(p *model.Posterior, name string, want float64) {
		t.Helper()
		c, err := p.Marginal(name)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(c.Mean-want) > 3.5*c.SD {
			t.Errorf("%s: %.3f ± %.3f, the data were made with %v", name, c.Mean, c.SD, want)
		}
	}
	var y []float64
	state := 0
	for range 150 {
		if rng.Float64() < 0.1 {
			state = 1 - state
		}
		y = append(y, []float64{-1, 2}[state]+0.7*rng.NormFloat64())
	}
	m, err := regimes(y)
	if err != nil {
		t.Fatal(err)
	}
	p, err := oneNormal(ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	within(p, "level[1]", -1)
	within(p, "level[2]", 2)
	within(p, "sigma", 0.7)
	within(p, "P[1,1]", 0.9)
	t.Log(p)

	times, counts := make([]float64, 12), make([]float64, 12)
	for i := range times {
		times[i] = 0.75 * float64(i+1)
		exact := 12 / (1 + (12/0.8-1)*math.Exp(-1.1*times[i])) // the logistic curve
		counts[i] = exact * math.Exp(0.1*rng.NormFloat64())
	}
	if m, err = growth(times, counts); err != nil {
		t.Fatal(err)
	}
	if err := vi.CheckGradient(m.Target()); err != nil {
		t.Error(err)
	}
	if p, err = oneNormal(ctx, m); err != nil {
		t.Fatal(err)
	}
	within(p, "r", 1.1)
	within(p, "K", 12)
	within(p, "y0", 0.8)
	within(p, "sigma", 0.1)
	t.Log(p)
}

// The table in own-model.md is that of the model in front of it, up to the noise of a fit.
func TestOwnModelTable(t *testing.T) {
	effects, errs := []float64{28, 8, -3, 7, -1, 1, 18, 12}, []float64{15, 10, 16, 11, 9, 11, 10, 18}
	m, err := model.New([]model.Param{
		model.Real("mu"), model.Positive("tau"), model.Real("z", len(effects)),
	}, func(s *model.Scope) {
		mu, tau, z := s.Get("mu"), s.Get("tau"), s.Get("z")
		theta := s.Derive("theta", autodiff.Add(mu, tau.Mul(z)))
		s.Add("mu", autodiff.NormalLogProb(mu, 0, 5))
		s.Add("tau", autodiff.HalfCauchyLogProb(tau, 5))
		s.Add("z", autodiff.NormalLogProb(z, 0, 1))
		s.Add("schools", autodiff.NormalLogProb(effects, theta, errs))
		s.Derive("log tau", tau.Log())
	})
	if err != nil {
		t.Fatal(err)
	}
	post, err := m.Fit(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("own-model.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range post.Marginals() {
		row := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(c.Name) + ` +(-?[0-9.]+) +([0-9.]+) `).FindSubmatch(page)
		if row == nil {
			t.Errorf("own-model.md has no row of %s", c.Name)
			continue
		}
		mean, _ := strconv.ParseFloat(string(row[1]), 64)
		sd, _ := strconv.ParseFloat(string(row[2]), 64)
		if math.Abs(mean-c.Mean) > 0.15*c.SD || math.Abs(sd-c.SD) > 0.15*c.SD {
			t.Errorf("%s: own-model.md has mean %v and sd %v, the fit %.3f and %.3f", c.Name, mean, sd, c.Mean, c.SD)
		}
	}
}

// TestOwnModelMessages holds the pages to the messages that the code gives.
func TestOwnModelMessages(t *testing.T) {
	x, y := []float64{1, 2, 3, 4}, []float64{2.1, 3.9, 6.2, 7.8}
	sigma := model.Positive("sigma")
	on := func(page string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: no error", page)
			return
		}
		text, rerr := os.ReadFile(page)
		first, _, _ := strings.Cut(err.Error(), "\n")
		if rerr != nil || !strings.Contains(number.ReplaceAllString(string(text), "#"), number.ReplaceAllString(first, "#")) {
			t.Errorf("%s does not show\n%s", page, first)
		}
	}
	_, err := line(x[:3], y, sigma)
	on("sharp-bits/shape-mismatch.md", err)
	_, err = model.New([]model.Param{model.Real("a", 3)}, func(s *model.Scope) { s.Add("a", s.Get("a")) })
	on("sharp-bits/shape-mismatch.md", err)
	_, err = model.New([]model.Param{model.Real("a"), model.Positive("a")}, func(s *model.Scope) {})
	on("own-model.md", err)
	_, err = line(x, y, sigma.From(-1))
	on("own-model.md", err)
	_, err = model.New([]model.Param{model.Real("a")}, func(s *model.Scope) { s.Get("alpha") })
	on("own-model.md", err)
	_, err = line(x, []float64{2.1, math.NaN(), 6.2, 7.8}, sigma)
	on("own-model.md", err)

	m, err := model.New([]model.Param{model.Real("rate"), model.Positive("sigma")}, func(s *model.Scope) {
		s.Add("rate", autodiff.NormalLogProb(s.Get("rate"), 0, 1))
		s.Add("sigma", autodiff.HalfNormalLogProb(s.Get("sigma"), 1))
		s.Add("y", autodiff.NormalLogProb(y, s.Get("rate").Sub(1).Log(), s.Get("sigma")))
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Fit(context.Background(), nil)
	on("sharp-bits/term-not-finite.md", err)
	if err := m.Explain([]float64{3, 0}); err != nil {
		t.Error(err)
	}

}

// TestChangedData shows what data-changed.md says: a model sees some of a change of its
// data, so that its density is neither the old nor the new one.
func TestChangedData(t *testing.T) {
	y, se, scale := []float64{1, 2, 4}, []float64{1, 1, 1}, 1.0
	fresh := func() *model.Model {
		m, err := model.New([]model.Param{model.Real("mu")}, func(s *model.Scope) {
			s.Add("mu", autodiff.NormalLogProb(s.Get("mu"), 0, scale))
			s.Add("y", autodiff.NormalLogProb(y, s.Get("mu"), se))
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	at := []float64{1}
	m := fresh()
	old := 0.0
	for range 20 {
		old = m.Target().LogProb(at)
	}
	y[0], se[1], scale = 5, 3, 2
	got, want := m.Target().LogProb(at), fresh().Target().LogProb(at)
	t.Logf("before %.3f, after %.3f, a new model %.3f", old, got, want)
	if got == want || got == old {
		t.Error("data may change after all: data-changed.md says otherwise")
	}
}

// Every block of Go in own-model.md is a part of code that is tested.
func TestOwnModelCode(t *testing.T) {
	indent := regexp.MustCompile(`(?m)^[ \t]+`)
	flat := func(s string) string { return indent.ReplaceAllString(s, "") }
	code := ""
	for _, f := range []string{"own_model_test.go", "../examples/worked/schools.go", "../examples/worked/labels.go"} {
		b, err := os.ReadFile(filepath.FromSlash(f))
		if err != nil {
			t.Fatal(err)
		}
		code += flat(string(b))
	}
	b, err := os.ReadFile("own-model.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)\n```").FindAllStringSubmatch(string(b), -1)
	if len(blocks) < 5 {
		t.Errorf("only %d blocks of Go were found: does the pattern still match?", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(code, flat(b[1])) {
			t.Errorf("no tested code has\n%s", b[1])
		}
	}
}
