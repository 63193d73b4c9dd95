package main

import (
	"bytes"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
	"github.com/natgrad/natgrad/examples/internal/mcmc"
	"github.com/natgrad/natgrad/glm"
	"gonum.org/v1/gonum/stat"
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

// The Student-t posterior, its degrees of freedom included, is that of a
// Metropolis chain on the density written out by hand.
func TestPosterior(t *testing.T) {
	c, err := fit("", filepath.Join(dir, "kidiq_typos.csv"), glm.StudentT())
	if err != nil {
		t.Fatal(err)
	}
	x := c.model.Design.X
	y := c.model.Design.Y
	sdY := stat.StdDev(y, nil)
	hs, iq := make([]float64, len(y)), make([]float64, len(y))
	for i := range y {
		hs[i], iq[i] = x.Data[i*x.Stride+1], x.Data[i*x.Stride+2]
	}
	hs0, hsSD := stat.MeanStdDev(hs, nil)
	iq0, iqSD := stat.MeanStdDev(iq, nil)
	// The default prior of the intercept is centred on the median of the scores.
	const median = 91
	logp := func(th []float64) float64 {
		sigma, nu := math.Exp(th[3]), math.Exp(th[4])
		s := distuv.Normal{Mu: median, Sigma: 2.5 * sdY}.LogProb(th[0])
		s += distuv.Normal{Sigma: 2.5 * sdY / hsSD}.LogProb(th[1])
		s += distuv.Normal{Sigma: 2.5 * sdY / iqSD}.LogProb(th[2])
		s += distuv.Exponential{Rate: 1 / sdY}.LogProb(sigma) + th[3]
		s += distuv.Gamma{Alpha: 2, Beta: 0.1}.LogProb(nu) + th[4]
		a, _ := math.Lgamma((nu + 1) / 2)
		b, _ := math.Lgamma(nu / 2)
		s += float64(len(y)) * (a - b - math.Log(nu*math.Pi)/2 - th[3])
		for i, yi := range y {
			u := (yi - th[0] - th[1]*(hs[i]-hs0) - th[2]*(iq[i]-iq0)) / sigma
			s -= (nu + 1) / 2 * math.Log(1+u*u/nu)
		}
		return s
	}
	chain, err := mcmc.Sample(logp, []float64{90, 5, 0.5, 2.6, 0.5}, []float64{1, 2, 0.05, 0.05, 0.1}, 5000, 40000, rand.New(rand.NewPCG(3, 4)))
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range chain.Draws {
		th[0] -= th[1]*hs0 + th[2]*iq0
	}
	if err := chain.Check(c.fit.Names, c.fit.Posterior.Mean(nil), c.fit.Posterior.Sd(nil), 0.03); err != nil {
		t.Error(err)
	}
	for j := 3; j < 5; j++ { // the summary is on the natural scale
		r := c.fit.Summary()[j]
		m, mse, sd, _ := chain.Moments(func(th []float64) float64 { return math.Exp(th[j]) })
		if math.Abs(r.Mean-m) > 4*mse+0.03*sd {
			t.Errorf("%s: mean %.4g, the chain has %.4g ± %.2g", r.Name, r.Mean, m, mse)
		}
	}
}

// Without the errors in the file the normal model is right, and its posterior
// known: posteriordb's kidiq-kidscore_momhsiq, by one-dimensional quadrature. The
// default priors move it by less than 0.02 sd; the robust fit of the file with
// errors stays within 1.5 sd of it.
func TestAgainstCorrectedFile(t *testing.T) {
	mean := []float64{25.7315, 5.9501, 0.56391}
	sd := []float64{5.8823, 2.2145, 0.060647}
	clean, err := fit("", filepath.Join(dir, "kidiq.csv"), glm.Gaussian())
	if err != nil {
		t.Fatal(err)
	}
	robust, err := fit("", filepath.Join(dir, "kidiq_typos.csv"), glm.StudentT())
	if err != nil {
		t.Fatal(err)
	}
	for j := range mean {
		if r := clean.fit.Summary()[j]; math.Abs(r.Mean-mean[j]) > 0.02*sd[j] || math.Abs(r.SD/sd[j]-1) > 0.01 {
			t.Errorf("%s: corrected file %.4g ± %.3g, want %.4g ± %.3g", r.Name, r.Mean, r.SD, mean[j], sd[j])
		}
		if r := robust.fit.Summary()[j]; math.Abs(r.Mean-mean[j]) > 1.5*sd[j] {
			t.Errorf("%s: robust fit %.4g ± %.3g, the corrected file has %.4g ± %.3g", r.Name, r.Mean, r.SD, mean[j], sd[j])
		}
	}
}
