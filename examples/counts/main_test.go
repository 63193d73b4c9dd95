package main

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
	"github.com/natgrad/natgrad/examples/internal/mcmc"
	"github.com/natgrad/natgrad/glm"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"
)

const dir = "../data"

func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(&b, dir); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, b.String())
	if err := run(&b, t.TempDir()); err == nil {
		t.Error("no data: no error")
	}
}

// The cubic is posteriordb's data of GLM_Poisson with priors normal(0, 10) on all
// coefficients; moments of 40 000 NUTS draws, whose means are exact to 0.01 sd and
// whose sds to 0.7 %.
func TestCubicPosterior(t *testing.T) {
	mean := []float64{4.284484, 1.245953, 0.06951026, -0.2295508}
	sd := []float64{0.02912484, 0.04487588, 0.02326828, 0.02339738}
	birds, err := glm.ReadCSVFile(filepath.Join(dir, "counts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	wide := glm.NormalPrior(0, 10)
	f, err := glm.Fit(context.Background(), cubic, birds, &glm.Options{
		Family: glm.Poisson(), Priors: []glm.PriorSpec{{Name: "b", Prior: wide}, {Name: "(Intercept)", Prior: wide}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for j, r := range f.Summary() {
		if d := math.Abs(r.Mean-mean[j]) / sd[j]; d > 0.04 {
			t.Errorf("%s: mean %.5g, want %.5g: %.3f sd away", r.Name, r.Mean, mean[j], d)
		}
		if q := r.SD / sd[j]; math.Abs(q-1) > 0.03 {
			t.Errorf("%s: sd %.4g, want %.4g", r.Name, r.SD, sd[j])
		}
	}
}

// The negative binomial model of the hospitals against a Metropolis chain on
// its density written out by hand. With 12 rows the posterior has heavier tails than
// a normal distribution, whose sds are 8 % too small.
func TestHospitalPosterior(t *testing.T) {
	surgery, err := glm.ReadCSVFile(filepath.Join(dir, "surgery.csv"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := glm.Fit(context.Background(), rate, surgery, &glm.Options{Family: glm.NegativeBinomial()})
	if err != nil {
		t.Fatal(err)
	}
	y, n := surgery.Col("deaths").Float(), surgery.Col("operations").Float()
	centre := math.Log(floats.Sum(y) / floats.Sum(n))
	logp := func(th []float64) float64 {
		phi := math.Exp(th[1])
		s := distuv.Normal{Mu: centre, Sigma: 2.5}.LogProb(th[0])
		s += distuv.StudentsT{Sigma: 5, Nu: 1}.LogProb(phi) + th[1]
		for i, yi := range y {
			mu := n[i] * math.Exp(th[0])
			a, _ := math.Lgamma(yi + phi)
			b, _ := math.Lgamma(phi)
			s += a - b + phi*math.Log(phi/(phi+mu)) + yi*math.Log(mu/(phi+mu))
		}
		return s
	}
	chain, err := mcmc.Sample(logp, []float64{-2.6, 2}, []float64{0.1, 0.5}, 3000, 60000, rand.New(rand.NewPCG(5, 6)))
	if err != nil {
		t.Fatal(err)
	}
	if err := chain.Check(f.Names, f.Posterior.Mean(nil), f.Posterior.Sd(nil), 0.1); err != nil {
		t.Error(err)
	}
}
