package vi

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// conjugateCase is a model whose posterior is known in closed form.
type conjugateCase struct {
	name  string
	c     *Conjugate
	n     int
	want  expfam.Dist
	start func(rng *rand.Rand) expfam.Dist
	logZ  float64 // log p(D), NaN if the case does not state it
}

func must[D expfam.Dist](d D, err error) expfam.Dist {
	if err != nil {
		panic(err)
	}
	return d
}

func conjugateCases() []conjugateCase {
	rng := rand.New(rand.NewPCG(5, 6))
	u := func(lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }
	lik := func(n int, one func(dst []float64, i int)) func([]float64, []int) {
		return func(dst []float64, idx []int) {
			if idx == nil {
				for i := range n {
					one(dst, i)
				}
				return
			}
			for _, i := range idx {
				one(dst, i)
			}
		}
	}
	lbeta := func(a, b float64) float64 {
		x, _ := math.Lgamma(a)
		y, _ := math.Lgamma(b)
		z, _ := math.Lgamma(a + b)
		return x + y - z
	}
	var cases []conjugateCase

	// Beta–Bernoulli: T = (log p, log(1−p)), prior Beta(2, 3).
	coins := []float64{1, 0, 1, 1, 0, 1, 1, 0, 1}
	ones := 6.0
	cases = append(cases, conjugateCase{
		name: "beta-bernoulli", n: len(coins),
		c: &Conjugate{Prior: must(expfam.NewBeta(2, 3)).Natural(nil), Const: -lbeta(2, 3), Lik: lik(len(coins), func(dst []float64, i int) {
			dst[0] += coins[i]
			dst[1] += 1 - coins[i]
		})},
		want: must(expfam.NewBeta(2+ones, 3+9-ones)),
		start: func(rng *rand.Rand) expfam.Dist {
			return must(expfam.NewBeta(0.1+9*rng.Float64(), 0.1+9*rng.Float64()))
		},
		logZ: lbeta(2+ones, 3+9-ones) - lbeta(2, 3),
	})

	// Gamma–Poisson: T = (log λ, λ), prior Gamma(1.5, 0.5).
	counts := []float64{3, 0, 7, 2, 2, 5}
	total, logFact := 0.0, 0.0
	for _, y := range counts {
		total += y
		g, _ := math.Lgamma(y + 1)
		logFact += g
	}
	g0, _ := math.Lgamma(1.5)
	g1, _ := math.Lgamma(1.5 + total)
	prior := 1.5*math.Log(0.5) - g0
	cases = append(cases, conjugateCase{
		name: "gamma-poisson", n: len(counts),
		c: &Conjugate{Prior: must(expfam.NewGamma(1.5, 0.5)).Natural(nil), Const: prior - logFact, Lik: lik(len(counts), func(dst []float64, i int) {
			dst[0] += counts[i]
			dst[1]--
		})},
		want: must(expfam.NewGamma(1.5+total, 0.5+6)),
		start: func(rng *rand.Rand) expfam.Dist {
			return must(expfam.NewGamma(0.1+5*rng.Float64(), 0.1+5*rng.Float64()))
		},
		logZ: prior - logFact + g1 - (1.5+total)*math.Log(6.5),
	})

	// Dirichlet–Categorical.
	faces := []int{0, 2, 2, 1, 3, 2, 0, 2}
	alpha := []float64{0.5, 1, 2, 1}
	post := append([]float64(nil), alpha...)
	for _, f := range faces {
		post[f]++
	}
	cases = append(cases, conjugateCase{
		name: "dirichlet-categorical", n: len(faces), logZ: math.NaN(),
		c:    &Conjugate{Prior: must(expfam.NewDirichlet(alpha)).Natural(nil), Lik: lik(len(faces), func(dst []float64, i int) { dst[faces[i]]++ })},
		want: must(expfam.NewDirichlet(post)),
		start: func(rng *rand.Rand) expfam.Dist {
			a := make([]float64, 4)
			for i := range a {
				a[i] = 0.1 + 4*rng.Float64()
			}
			return must(expfam.NewDirichlet(a))
		},
	})

	// Normal mean and precision: T = (τμ, τμ², log τ, τ) up to order and factors.
	// The natural parameter of one observation is the difference of two posteriors, so
	// it is read off the conjugate update itself.
	y := make([]float64, 12)
	s1, s2 := 0.0, 0.0
	for i := range y {
		y[i] = u(-1, 3)
		s1 += y[i]
	}
	n := float64(len(y))
	mean := s1 / n
	for _, v := range y {
		s2 += (v - mean) * (v - mean)
	}
	mu0, k0, a0, b0 := 0.3, 0.7, 1.2, 0.9
	one := func(m0, k, a, b, x float64) expfam.Dist {
		return must(expfam.NewNormalGamma((k*m0+x)/(k+1), k+1, a+0.5, b+0.5*k*(x-m0)*(x-m0)/(k+1)))
	}
	base := must(expfam.NewNormalGamma(mu0, k0, a0, b0))
	cases = append(cases, conjugateCase{
		name: "normal-gamma", n: len(y), logZ: math.NaN(),
		c: &Conjugate{Prior: base.Natural(nil), Lik: lik(len(y), func(dst []float64, i int) {
			p := one(mu0, k0, a0, b0, y[i]).Natural(nil)
			for j, b := range base.Natural(nil) {
				dst[j] += p[j] - b
			}
		})},
		want: must(expfam.NewNormalGamma((k0*mu0+s1)/(k0+n), k0+n, a0+n/2, b0+0.5*s2+0.5*k0*n*(mean-mu0)*(mean-mu0)/(k0+n))),
		start: func(rng *rand.Rand) expfam.Dist {
			return must(expfam.NewNormalGamma(rng.NormFloat64(), 0.1+rng.Float64(), 0.1+3*rng.Float64(), 0.1+3*rng.Float64()))
		},
	})

	// Normal mean with known covariance, and linear regression with known σ:
	// η of the likelihood is (X'y/σ², svec(−X'X/2σ²)).
	const d, rows, sigma = 3, 20, 0.7
	x := mat.NewDense(rows, d, nil)
	obs := make([]float64, rows)
	for i := range rows {
		for j := range d {
			x.Set(i, j, rng.NormFloat64())
		}
		obs[i] = x.At(i, 0) - 2*x.At(i, 2) + sigma*rng.NormFloat64()
	}
	normalPrior, err := expfam.NewNormal([]float64{0.2, 0, -0.1}, mat.NewSymDense(d, []float64{2, 0.3, 0, 0.3, 1, 0.1, 0, 0.1, 3}))
	if err != nil {
		panic(err)
	}
	rowEta := func(dst []float64, i int) {
		s := mat.NewSymDense(d, nil)
		for j := range d {
			dst[j] += x.At(i, j) * obs[i] / sigma / sigma
			for k := j; k < d; k++ {
				s.SetSym(j, k, -0.5*x.At(i, j)*x.At(i, k)/sigma/sigma)
			}
		}
		for j, v := range expfam.Svec(nil, s) {
			dst[d+j] += v
		}
	}
	// The textbook formula, by gonum's dense algebra.
	var xtx, prec mat.SymDense
	xtx.SymOuterK(1/sigma/sigma, x.T())
	prec.AddSym(normalPrior.Precision(nil), &xtx)
	var rhs, xty, m mat.VecDense
	xty.MulVec(x.T(), mat.NewVecDense(rows, obs))
	rhs.MulVec(normalPrior.Precision(nil), mat.NewVecDense(d, normalPrior.Mean(nil)))
	rhs.AddScaledVec(&rhs, 1/sigma/sigma, &xty)
	if err := m.SolveVec(&prec, &rhs); err != nil {
		panic(err)
	}
	cases = append(cases, conjugateCase{
		name: "linear regression", n: rows, logZ: math.NaN(),
		c:    &Conjugate{Prior: normalPrior.Natural(nil), Lik: lik(rows, rowEta)},
		want: must(expfam.NewNormalPrecision(m.RawVector().Data, &prec)),
		start: func(rng *rand.Rand) expfam.Dist {
			cov := mat.NewSymDense(d, nil)
			mu := make([]float64, d)
			for j := range d {
				mu[j] = 3 * rng.NormFloat64()
				cov.SetSym(j, j, 0.1+5*rng.Float64())
			}
			return must(expfam.NewNormal(mu, cov))
		},
	})
	return cases
}

// One step with ρ = 1 from any proper start is Bayes' rule.
func TestConjugateOneStep(t *testing.T) {
	for _, tc := range conjugateCases() {
		t.Run(tc.name, func(t *testing.T) {
			for seed := range uint64(20) {
				q := tc.start(rand.New(rand.NewPCG(seed, 1)))
				e, err := New(q, &Target{Dim: q.Dim(), N: tc.n, Conjugate: tc.c}, &Settings{Rate: Constant(1)})
				if err != nil {
					t.Fatal(err)
				}
				if r, err := e.Step(); err != nil || r.Conditions != 0 {
					t.Fatal(r, err)
				}
				want := tc.want.Natural(nil)
				for i, v := range q.Natural(nil) {
					if math.Abs(v-want[i]) > 1e-10*(1+math.Abs(want[i])) {
						t.Fatalf("seed %d: natural parameter %d is %v, want %v", seed, i, v, want[i])
					}
				}
			}
		})
	}
}

// A whole fit stops after the step that finds nothing left to gain, and its
// ELBO is the log evidence.
func TestConjugateFit(t *testing.T) {
	for _, tc := range conjugateCases() {
		t.Run(tc.name, func(t *testing.T) {
			q := tc.start(rand.New(rand.NewPCG(3, 1)))
			res, err := Fit(context.Background(), q, &Target{Dim: q.Dim(), N: tc.n, Conjugate: tc.c}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if res.Status != Converged || res.Iterations > 2 || res.Method != ConjugateForm {
				t.Errorf("%s by %v", res.Verdict(), res.Method)
			}
			if !math.IsNaN(tc.logZ) && math.Abs(res.ELBO-tc.logZ) > 1e-9 {
				t.Errorf("ELBO %v, log evidence %v", res.ELBO, tc.logZ)
			}
			// Exact: every importance ratio is the same.
			if res.Grade() != Good || math.Abs(res.KHat) > 1e-9 {
				t.Errorf("verdict: %s", res.Verdict())
			}
		})
	}
}

// Batches of a conjugate model with a Robbins–Monro rate end near the exact
// posterior: stochastic variational inference.
func TestConjugateBatches(t *testing.T) {
	for _, tc := range conjugateCases() {
		t.Run(tc.name, func(t *testing.T) {
			q := tc.start(rand.New(rand.NewPCG(3, 1)))
			res, err := Fit(context.Background(), q, &Target{Dim: q.Dim(), N: tc.n, Conjugate: tc.c}, &Settings{Batch: tc.n / 2, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			if kl := klBetween(t, q, tc.want); kl > 0.03 || res.Status != Converged {
				t.Errorf("KL to the exact posterior %g: %s", kl, res.Verdict())
			}
		})
	}
}

func TestToward(t *testing.T) {
	q := must(expfam.NewGamma(2, 3))
	target := must(expfam.NewGamma(5, 1))
	if _, err := Toward(q, target.Natural(nil), 0.25, nil); err != nil {
		t.Fatal(err)
	}
	g := q.(*expfam.Gamma)
	if math.Abs(g.Shape()-(0.75*2+0.25*5)) > 1e-14 || math.Abs(g.Rate()-(0.75*3+0.25*1)) > 1e-14 {
		t.Errorf("a quarter of the way is Gamma(%v, %v)", g.Shape(), g.Rate())
	}
	for _, rho := range []float64{0, -1, 1.5, math.NaN()} {
		if _, err := Toward(q, target.Natural(nil), rho, nil); err == nil {
			t.Errorf("rho %v: no error", rho)
		}
	}
	if _, err := Toward(q, []float64{1}, 0.5, nil); err == nil {
		t.Error("short eta: no error")
	}
}
