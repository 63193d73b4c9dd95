package main

import (
	"bytes"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
	"github.com/natgrad/natgrad/examples/internal/mcmc"
	"github.com/natgrad/natgrad/model"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
)

// fits are those of all examples, made once.
var fits = sync.OnceValues(func() (all [][]fitted, err error) {
	for _, e := range examples() {
		f, err := e.fit()
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
})

// updating tells whether go test -update rewrites what is stored.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// The program prints what testdata/output.txt shows, and the page has all of it.
func TestOutput(t *testing.T) {
	all, err := fits()
	if err != nil {
		t.Fatal(err)
	}
	const path = "../../docs/worked-examples.md"
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(old)
	var out strings.Builder
	for i, e := range examples() {
		var b strings.Builder
		if err := e.print(&b, all[i]); err != nil {
			t.Fatal(err)
		}
		out.WriteString(b.String())
		block := regexp.MustCompile("(?s)```text\n== " + e.title + "\n.*?```")
		page = block.ReplaceAllLiteralString(page, "```text\n"+b.String()+"```")
		if !strings.Contains(page, b.String()) {
			t.Errorf("%s has no block of output of %s", path, e.title)
		}
	}
	golden.Check(t, out.String())
	switch {
	case page == string(old):
	case updating():
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s shows another output; go test -update writes it", path)
	}
}

// Every second version is graded good and is right: means within 0.1 sd of the exact
// ones, sds within 10 %. Of the first ones, none that is off by more than 0.15 sd or 15 % is graded good.
func TestPosteriors(t *testing.T) {
	all, err := fits()
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range examples() {
		for j, p := range all[i] {
			mean, sd, _ := e.truth(e.versions[j])
			worst := 0.0
			for k, name := range e.exact.Names {
				c, err := p.Marginal(name)
				if err != nil {
					t.Fatal(err)
				}
				// An arm of the funnel has no fourth moment to estimate its sd by.
				if e.name == "funnel" && k == 0 {
					continue
				}
				worst = math.Max(worst, math.Max(math.Abs(c.Mean-mean[k]), math.Abs(c.SD-sd[k]))/sd[k])
			}
			t.Logf("%s, %s: %v, off by %.3f sd", e.name, e.versions[j].title, p.Grade(), worst)
			if j%2 == 1 && (p.Grade() != vi.Good || worst > 0.1) {
				t.Errorf("%s, %s: %v, off by %.2f sd", e.name, e.versions[j].title, p.Grade(), worst)
			}
			if p.Grade() == vi.Good && worst > 0.15 {
				t.Errorf("%s, %s: good and off by %.2f sd", e.name, e.versions[j].title, worst)
			}
		}
	}
}

// Models and exact densities are the same functions, up to what is integrated out.
func TestExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, 2)
	for _, c := range []struct {
		new   func() (*model.Model, error)
		exact *vi.Target
		at    func(x []float64) []float64 // coordinates of the exact density
	}{
		{labels, labelsExact(false), func(x []float64) []float64 { return x }},
		{func() (*model.Model, error) { return funnelCentred(1) }, funnelExact(), func(x []float64) []float64 { return []float64{x[1], x[0]} }},
		{banana, bananaExact(), func(x []float64) []float64 { return x }},
	} {
		m, err := c.new()
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			x[0], x[1] = 2*rng.NormFloat64(), 2*rng.NormFloat64()
			if got, want := m.Target().LogProb(x), c.exact.LogProb(c.at(x)); math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
				t.Errorf("at %v: the model has %v, the exact density %v", x, got, want)
			}
		}
	}
	// The two versions of eight schools differ by the Jacobian of theta = mu + tau z.
	c, err := schoolsCentred()
	if err != nil {
		t.Fatal(err)
	}
	n, err := schools()
	if err != nil {
		t.Fatal(err)
	}
	free, same := make([]float64, 10), make([]float64, 10)
	for range 20 {
		for i := range free {
			free[i] = rng.NormFloat64()
		}
		copy(same, free[:2])
		for i := 2; i < 10; i++ {
			same[i] = free[0] + math.Exp(free[1])*free[i]
		}
		if got, want := c.Target().LogProb(same)+8*free[1], n.Target().LogProb(free); math.Abs(got-want) > 1e-9*math.Abs(want) {
			t.Errorf("centred %v, non-centred %v", got, want)
		}
	}
}

// The integrals of eight schools agree with a Markov chain on all ten parameters.
func TestSchoolsChain(t *testing.T) {
	m, err := schools()
	if err != nil {
		t.Fatal(err)
	}
	scale := make([]float64, m.Dim())
	for i := range scale {
		scale[i] = 1
	}
	scale[0] = 3
	chain, err := mcmc.Sample(m.Target().LogProb, make([]float64, m.Dim()), scale, 20_000, 300_000, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	e := examples()[0]
	mean, sd := targets.NewGrid(e.exact, e.lo, e.hi, 400).Moments()
	for k, f := range []func(x []float64) float64{
		func(x []float64) float64 { return x[0] + math.Exp(x[1])*x[2] },
		func(x []float64) float64 { return x[1] },
	} {
		m, mse, s, sse := chain.Moments(f)
		if math.Abs(m-mean[k]) > 4*mse || math.Abs(s-sd[k]) > 4*sse || mse > 0.03*s {
			t.Errorf("%s: chain %.3f ± %.3f, sd %.3f ± %.3f; grid %.3f and %.3f", e.exact.Names[k], m, mse, s, sse, mean[k], sd[k])
		}
	}
}

// The pictures of the page are those that the program draws.
func TestPictures(t *testing.T) {
	all, err := fits()
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range examples() {
		path := filepath.Join("../../docs/img", e.file())
		want, err := os.ReadFile(path)
		if err != nil && !updating() {
			t.Fatal(err)
		}
		got, err := e.png(all[i])
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case bytes.Equal(got, want):
		case updating():
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s is not what the program draws; go test -update writes it", e.file())
		}
	}
}
