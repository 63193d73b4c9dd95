package main

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
	"github.com/natgrad/natgrad/examples/internal/mcmc"
	"github.com/natgrad/natgrad/glm"
	"gonum.org/v1/gonum/stat"
)

const data = "../data/wells.csv"

func TestOutput(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	if err := run(&b, data, dir); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, b.String())
	for _, name := range []string{"calibration.svg", "coefficients.svg"} {
		svg, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(svg, []byte("<svg")) || len(svg) > 60_000 {
			t.Errorf("%s: %d bytes that begin with %.40q", name, len(svg), svg)
		}
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	if err := run(&bytes.Buffer{}, filepath.Join(dir, "wels.csv"), dir); err == nil || !strings.Contains(err.Error(), "wels.csv") {
		t.Errorf("no data: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(&bytes.Buffer{}, data, file); err == nil {
		t.Error("the folder for the pictures is a file: no error")
	}
}

// The posterior is that of a Metropolis chain on the density written out by
// hand: Bernoulli outcomes, normal(0, 2.5/sd(x)) slopes, and normal(0, 2.5) on the
// predictor at the means of the columns.
func TestPosterior(t *testing.T) {
	wells, err := glm.ReadCSVFile(data)
	if err != nil {
		t.Fatal(err)
	}
	f, err := glm.Fit(context.Background(), "switch ~ I(dist/100) + arsenic", wells, &glm.Options{Family: glm.Bernoulli("logit")})
	if err != nil {
		t.Fatal(err)
	}
	y, dist, arsenic := wells.Col("switch").Float(), wells.Col("dist").Float(), wells.Col("arsenic").Float()
	for i := range dist {
		dist[i] /= 100
	}
	d0, dsd := stat.MeanStdDev(dist, nil)
	a0, asd := stat.MeanStdDev(arsenic, nil)
	// The chain runs in centred columns, in which it moves more freely.
	logp := func(c []float64) float64 {
		u, v, w := c[0]/2.5, c[1]*dsd/2.5, c[2]*asd/2.5
		s, odds := -(u*u+v*v+w*w)/2, 1.0
		for i, yi := range y {
			eta := c[0] + c[1]*(dist[i]-d0) + c[2]*(arsenic[i]-a0)
			s += yi * eta
			if odds *= 1 + math.Exp(eta); odds > 1e200 { // one logarithm for many factors
				s -= math.Log(odds)
				odds = 1
			}
		}
		return s - math.Log(odds)
	}
	chain, err := mcmc.Sample(logp, []float64{0, 0, 0}, []float64{0.04, 0.1, 0.04}, 2000, 12000, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chain.Draws {
		c[0] -= c[1]*d0 + c[2]*a0
	}
	if err := chain.Check(f.Names, f.Posterior.Mean(nil), f.Posterior.Sd(nil), 0.01); err != nil {
		t.Error(err)
	}

	// And its predictions average the probability over the same posterior.
	rows, err := glm.ReadCSV(strings.NewReader("dist,arsenic\n20,3\n150,0.6\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	pred, err := f.Predict(rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range [][2]float64{{0.2, 3}, {1.5, 0.6}} {
		mean, mse, sd, sse := chain.Moments(func(c []float64) float64 {
			return 1 / (1 + math.Exp(-c[0]-c[1]*x[0]-c[2]*x[1]))
		})
		// Predict's own moments rest on 4000 draws.
		if d := math.Abs(pred[i].Mean.Mean - mean); d > 4*math.Hypot(mse, sd/math.Sqrt(4000)) {
			t.Errorf("row %d: mean probability %.4f, the chain has %.4f ± %.4f", i, pred[i].Mean.Mean, mean, mse)
		}
		if d := math.Abs(pred[i].Mean.SD - sd); d > 4*math.Hypot(sse, sd/math.Sqrt(8000)) {
			t.Errorf("row %d: sd %.4f, the chain has %.4f ± %.4f", i, pred[i].Mean.SD, sd, sse)
		}
	}
}
