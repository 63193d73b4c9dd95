package glm

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/stat/distuv"
)

// plainLogLik is the log likelihood of one outcome as a textbook writes it; th
// holds the positive parameters. It shares no code with the families.
var plainLogLik = map[string]func(y, eta float64, th []float64) float64{
	"gaussian":     func(y, eta float64, th []float64) float64 { return distuv.Normal{Mu: eta, Sigma: th[0]}.LogProb(y) },
	"student-t":    func(y, eta float64, th []float64) float64 { return plainStudent(y, eta, th[0], th[1]) },
	"student-t(4)": func(y, eta float64, th []float64) float64 { return plainStudent(y, eta, th[0], 4) },
	"bernoulli":    func(y, eta float64, _ []float64) float64 { return -math.Log1p(math.Exp((1 - 2*y) * eta)) },
	"probit":       func(y, eta float64, _ []float64) float64 { return math.Log(math.Erfc((1-2*y)*eta/math.Sqrt2) / 2) },
	"poisson":      func(y, eta float64, _ []float64) float64 { return y*eta - math.Exp(eta) - lgamma(y+1) },
	"gamma": func(y, eta float64, th []float64) float64 {
		a := th[0]
		return a*math.Log(a) - a*eta - lgamma(a) + (a-1)*math.Log(y) - a*y*math.Exp(-eta)
	},
	"negative-binomial": func(y, eta float64, th []float64) float64 {
		phi := th[0]
		den := phi + math.Exp(eta)
		return lgamma(y+phi) - lgamma(phi) - lgamma(y+1) + phi*math.Log(phi/den) + y*(eta-math.Log(den))
	},
	"cloglog": func(y, eta float64, _ []float64) float64 {
		if y == 0 {
			return -math.Exp(eta)
		}
		return math.Log(-math.Expm1(-math.Exp(eta)))
	},
}

func lgamma(x float64) float64 { v, _ := math.Lgamma(x); return v }

func plainStudent(y, eta, sigma, nu float64) float64 {
	u := (y - eta) / sigma
	return lgamma((nu+1)/2) - lgamma(nu/2) - math.Log(nu*math.Pi)/2 - math.Log(sigma) - (nu+1)/2*math.Log1p(u*u/nu)
}

// elboFamilies pairs the text of a family with its plain log likelihood.
var elboFamilies = []struct{ family, plain string }{
	{"gaussian", "gaussian"}, {"student-t", "student-t"}, {"student-t(4)", "student-t(4)"},
	{"bernoulli", "bernoulli"}, {"bernoulli(probit)", "probit"}, {"bernoulli(cloglog)", "cloglog"},
	{"poisson", "poisson"}, {"negative-binomial", "negative-binomial"}, {"gamma", "gamma"},
}

// elboData draws n rows with covariates x and z from a model of the family.
func elboData(f Family, n int, seed uint64) dataframe.DataFrame {
	rng := rand.New(rand.NewPCG(seed, 0xe1b0))
	x, z, y := make([]float64, n), make([]float64, n), make([]float64, n)
	aux := make([]float64, len(f.AuxNames()))
	for i := range x {
		x[i], z[i] = rng.NormFloat64(), rng.NormFloat64()*20+100
		y[i] = f.Sample(rng, 0.6+0.9*x[i]-0.03*(z[i]-100), aux, 1)
	}
	return dataframe.New(series.New(y, series.Float, "y"), series.New(x, series.Float, "x"), series.New(z, series.Float, "z"))
}

// plainLogJoint is log p(D, θ) over (β, ψ), written out from the priors and
// plainLogLik.
func plainLogJoint(m *Model, plain func(y, eta float64, th []float64) float64, theta, aux []float64) float64 {
	s := 0.0
	for a := range aux {
		psi := theta[m.p+a]
		aux[a] = math.Exp(psi)
		s += m.Priors[m.p+a].LogDensity(aux[a]) + psi
	}
	x := m.Design.X
	centre := 0.0
	for i, y := range m.Design.Y {
		eta := 0.0
		for j := range m.p {
			eta += x.Data[i*x.Stride+j] * theta[j]
		}
		s += plain(y, eta, aux)
		centre += eta / float64(x.Rows)
	}
	for j := range m.p {
		b := theta[j]
		if j == m.Design.Intercept && m.InterceptCentred {
			b = centre
		}
		s += m.Priors[j].LogDensity(b)
	}
	return s
}

// The ELBO that a fit reports is E_q[log p(D, θ) − log q(θ)]: a long plain Monte
// Carlo average over q, of a density that shares no code with the fit, agrees
// within four standard errors. With 5 to 10 rows the posterior is wide, the
// predictors spread over many units of the link, and the quadrature has to
// work for its digits.
func TestELBOMonteCarlo(t *testing.T) {
	for _, c := range elboFamilies {
		f, err := ParseFamily(c.family)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{5, 8, 40} {
			t.Run(fmt.Sprintf("%s/%d", c.family, n), func(t *testing.T) {
				m, err := NewModel("y ~ x + z", elboData(f, n, uint64(n)), &Options{Family: f, Settings: vi.Settings{Diagnostics: 200}})
				if err != nil {
					t.Fatal(err)
				}
				fit, err := m.Fit(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				draws := 40000
				mean, m2 := 0.0, 0.0
				x, aux := make([]float64, m.dim), make([]float64, m.dim-m.p)
				rng := rand.New(rand.NewPCG(7, uint64(n)))
				spread := 0.0
				for s := range draws {
					fit.Posterior.Sample(x, rng)
					v := plainLogJoint(m, plainLogLik[c.plain], x, aux) - fit.Posterior.LogProb(x)
					d := v - mean
					mean += d / float64(s+1)
					m2 += d * (v - mean)
				}
				for _, v := range fit.Posterior.PredictorVar(nil, m.Design.X, nil) {
					spread = math.Max(spread, math.Sqrt(v))
				}
				se := math.Sqrt(m2/float64(draws-1)) / math.Sqrt(float64(draws))
				z := (fit.VI.ELBO - mean) / se
				t.Logf("ELBO %.5f ± %.0e, Monte Carlo %.5f ± %.5f (z %.2f), widest predictor sd %.2f, %s", fit.VI.ELBO, fit.VI.ELBOErr, mean, se, z, spread, strings.SplitN(fit.Verdict(), ",", 2)[0])
				if !(math.Abs(z) < 4) || !(se < 0.05) {
					t.Errorf("ELBO %.5f ± %.1e, Monte Carlo %.5f ± %.5f", fit.VI.ELBO, fit.VI.ELBOErr, mean, se)
				}
			})
		}
	}
}
