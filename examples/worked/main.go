// Worked fits four models whose posteriors are known to be hard, each as it is first
// written down and as it should be written, and holds every fit beside the
// exact answer: eight schools and Neal's funnel (centred and non-centred), a
// normal mixture (labels free and ordered), a twisted normal (bent and straight).
//
//	go run ./examples/worked
//	go run ./examples/worked -only funnel
//	go run ./examples/worked -pictures docs/img
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/ladder"
	"github.com/natgrad/natgrad/model"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
)

func main() {
	only := flag.String("only", "", "one of schools, labels, funnel and banana")
	dir := flag.String("pictures", "", "folder for pictures of the fits")
	flag.Parse()
	list := examples()
	if *only != "" {
		list = slices.DeleteFunc(list, func(e example) bool { return e.name != *only })
	}
	if len(list) == 0 {
		log.Fatalf("-only is %q, want one of schools, labels, funnel and banana", *only)
	}
	for i, e := range list {
		fits, err := e.fit()
		if err != nil {
			log.Fatal(err)
		}
		if i > 0 {
			fmt.Println()
		}
		if err := e.print(os.Stdout, fits); err != nil {
			log.Fatal(err)
		}
		if *dir == "" {
			continue
		}
		b, err := e.png(fits)
		if err == nil {
			err = os.WriteFile(filepath.Join(*dir, e.file()), b, 0o644)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}

// example is a posterior, two of whose quantities are compared and drawn, in several
// versions: as one writes it first, then better ones.
type example struct {
	name, title string
	// exact is the density of the two quantities, all others integrated out.
	exact  *vi.Target
	lo, hi [2]float64 // box of its integrals, which hold all but 1e-4 of an sd
	view   [4]float64 // of the picture: x from, to, y from, to
	// mean, sd are those of the quantities where the integral has a closed form.
	mean, sd [2]float64
	versions []version
}

type version struct {
	title string
	new   func() (*model.Model, error)
	// start is the mean of the normal with which its fit begins, nil for 0.
	start []float64
	// rungs are the shapes to climb, nil all of them.
	rungs []string
	// half tells that the version has only that part of the exact density in
	// which the first quantity is the smaller one.
	half *vi.Target
}

func examples() []example {
	return []example{{
		name: "schools", title: "Eight schools", exact: schoolsExact(),
		lo: [2]float64{-60, -9}, hi: [2]float64{90, 6.5}, view: [4]float64{-12, 28, -3.5, 3.5},
		versions: []version{{title: "centred", new: schoolsCentred}, {title: "non-centred", new: schools}},
	}, {
		name: "labels", title: "Two components, labels free", exact: labelsExact(false),
		lo: [2]float64{-5, -5}, hi: [2]float64{6, 6}, view: [4]float64{-2.8, 3.8, -2.8, 3.8},
		versions: []version{{title: "exchangeable", new: labels, start: []float64{2, -1}}, {title: "ordered", new: labelsOrdered, half: labelsExact(true)}},
	}, {
		name: "funnel", title: "Neal's funnel", exact: funnelExact(),
		lo: [2]float64{-40, -12}, hi: [2]float64{40, 12}, view: [4]float64{-18, 18, -9, 9},
		mean: [2]float64{}, sd: [2]float64{funnelSD, 3},
		versions: []version{
			{title: "centred, one arm", new: func() (*model.Model, error) { return funnelCentred(1) }},
			{title: "non-centred, one arm", new: func() (*model.Model, error) { return funnel(1) }},
			{title: "centred, nine arms", new: func() (*model.Model, error) { return funnelCentred(9) }, rungs: []string{"diagonal", "full", "mixture(4)"}},
			{title: "non-centred, nine arms", new: func() (*model.Model, error) { return funnel(9) }},
		},
	}, {
		name: "banana", title: "A twisted normal", exact: bananaExact(),
		lo: [2]float64{-60, -100}, hi: [2]float64{60, 10}, view: [4]float64{-28, 28, -18, 8},
		mean: [2]float64{}, sd: [2]float64{10, bananaSD},
		versions: []version{{title: "bent", new: banana}, {title: "straight", new: bananaStraight}},
	}}
}

func (e *example) file() string { return "worked-" + e.name + ".png" }

// fitted is a version's climb, and one normal beside it.
type fitted struct {
	*model.Posterior
	normal *vi.Result
}

// fit fits every version by one normal and by the ladder.
func (e *example) fit() ([]fitted, error) {
	var fits []fitted
	for _, v := range e.versions {
		m, err := v.new()
		if err != nil {
			return nil, err
		}
		var s ladder.Settings
		if v.rungs != nil {
			s.Rungs = slices.DeleteFunc(ladder.Default(m.Target(), nil, 0), func(r ladder.Rung) bool { return !slices.Contains(v.rungs, r.Name) })
		}
		p, err := m.Fit(context.Background(), &s)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", e.name, v.title, err)
		}
		q := expfam.StandardNormal(m.Dim())
		if v.start != nil {
			if q, err = expfam.NewNormal(v.start, q.Cov(nil)); err != nil {
				return nil, err
			}
		}
		one, err := vi.Fit(context.Background(), q, m.Target(), nil)
		if err != nil {
			return nil, fmt.Errorf("%s, %s, one normal: %w", e.name, v.title, err)
		}
		fits = append(fits, fitted{p, one})
	}
	return fits, nil
}

// truth returns means and sds of the two quantities in version v, and log p(D).
func (e *example) truth(v version) (mean, sd [2]float64, logZ float64) {
	if e.sd[0] > 0 {
		return e.mean, e.sd, 0
	}
	t := e.exact
	if v.half != nil {
		t = v.half
	}
	g := targets.NewGrid(t, e.lo, e.hi, 400)
	mean, sd = g.Moments()
	return mean, sd, g.LogZ()
}

// manyDraws look into corners that the 4000 of a verdict seldom reach.
const manyDraws = 100_000

// again judges the chosen shape by many draws.
func again(p fitted) (*vi.Result, error) {
	return vi.Judge(p.Fit.Posterior, p.Model.Target(), &vi.Settings{Diagnostics: manyDraws, Seed: 1})
}

func (e *example) print(w io.Writer, fits []fitted) error {
	fmt.Fprintf(w, "== %s\n", e.title)
	for i, p := range fits {
		v := e.versions[i]
		mean, sd, logZ := e.truth(v)
		fmt.Fprintf(w, "%s\n  %s\n", v.title, p.Verdict())
		fmt.Fprintf(w, "  one normal is %s: k-hat %.2f, variance of the importance ratios %.2f\n", p.normal.Grade(), p.normal.KHat, math.Abs(p.normal.Spread()))
		more, err := again(p)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  by %d draws the shape is %s, k-hat %.2f, variance of the importance ratios %.2f\n", manyDraws, more.Grade(), more.KHat, math.Abs(more.Spread()))
		fmt.Fprintf(w, "  log p(D) %.2f by its draws, exactly %.2f\n", p.Fit.LogEvidence, logZ)
		for k, name := range e.exact.Names {
			c, err := p.Marginal(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "  %-8s mean %5.2f  sd %4.2f   exactly %5.2f and %4.2f\n", name, c.Mean, c.SD, mean[k], sd[k])
		}
	}
	return nil
}
