package main

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	"github.com/natgrad/natgrad/examples/internal/mcmc"
	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/vi"
)

// The grade is held against chains on the same density, for regressions with
// so few rows that no normal fits well: a fit called good is right, within 0.15 sd
// and 15 %, and a fit called bad is not one that was right after all.
func TestGradesAgainstChains(t *testing.T) {
	for _, fam := range []glm.Family{glm.Bernoulli("logit"), glm.Gaussian(), glm.StudentT(), glm.Poisson()} {
		for _, n := range []int{20, 50} {
			for seed := range uint64(3) {
				df := smallData(fam, n, seed)
				m, err := glm.NewModel("y ~ x1 + x2", df, &glm.Options{Family: fam})
				if err != nil {
					t.Fatal(err)
				}
				f, err := m.Fit(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				p := m.Target().Problem()
				mean, sd := f.Posterior.Mean(nil), f.Posterior.Sd(nil)
				c, err := mcmc.Sample(func(x []float64) float64 { return -p.Func(x) }, mean, sd, 4000, 20000, rand.New(rand.NewPCG(seed, 2)))
				if err != nil {
					t.Fatal(err)
				}
				off, noise, ratio := 0.0, 0.0, 1.0
				for j := range mean {
					m, mSE, s, sSE := c.Moments(func(x []float64) float64 { return x[j] })
					off = math.Max(off, math.Abs(mean[j]-m)/s)
					noise = math.Max(noise, math.Max(mSE, sSE)/s)
					if r := sd[j] / s; math.Abs(math.Log(r)) > math.Abs(math.Log(ratio)) {
						ratio = r
					}
				}
				t.Logf("%v, %d rows: mean %.2f sd off, sd ratio %.2f, k-hat %.2f, spread %.2f: %s", fam, n, off, ratio, f.VI.KHat, f.VI.Spread(), f.VI.Grade())
				switch g := f.VI.Grade(); {
				case g == vi.Good && (off > 0.15+4*noise || math.Abs(ratio-1) > 0.15+4*noise):
					t.Errorf("called good: %s", f.Verdict())
				case g == vi.Bad && off < 0.05 && math.Abs(ratio-1) < 0.1:
					t.Errorf("called bad: %s", f.Verdict())
				}
			}
		}
	}
}

func smallData(f glm.Family, n int, seed uint64) dataframe.DataFrame {
	rng := rand.New(rand.NewPCG(seed, 17))
	x1, x2, y := make([]float64, n), make([]float64, n), make([]float64, n)
	aux := make([]float64, len(f.AuxNames()))
	for i := range n {
		x1[i], x2[i] = rng.NormFloat64(), rng.NormFloat64()
		y[i] = f.Sample(rng, 0.4+0.8*x1[i]-0.6*x2[i], aux, 1)
	}
	return dataframe.New(series.New(x1, series.Float, "x1"), series.New(x2, series.Float, "x2"), series.New(y, series.Float, "y"))
}
