package vi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// familyTarget is the density of q, up to a constant, with its gradient alone.
func familyTarget(q expfam.Reparameterizable) *Target {
	return &Target{
		Dim:     q.Dim(),
		LogProb: func(x []float64) float64 { return q.LogProb(x) + 3 },
		Grad: func(dst, x []float64) float64 {
			q.Score(dst, x)
			return q.LogProb(x) + 3
		},
	}
}

// TestFamilyPosteriors fits every continuous family, and a product of them, to
// the density of a member of it, from starts on several sides: the member is
// found and the verdict is good.
func TestFamilyPosteriors(t *testing.T) {
	v := mat.NewSymDense(2, []float64{0.5, 0.1, 0.1, 0.3})
	far := mat.NewSymDense(2, []float64{3, -1, -1, 2})
	gamma := func(a, b float64) expfam.Dist { return must(expfam.NewGamma(a, b)) }
	dirichlet := func(a ...float64) expfam.Dist { return must(expfam.NewDirichlet(a)) }
	product := func(parts ...expfam.Dist) expfam.Dist { return must(expfam.NewProduct(parts...)) }
	for _, c := range []struct {
		want   expfam.Dist
		starts []expfam.Dist
	}{
		{gamma(7, 3), []expfam.Dist{gamma(1, 1), gamma(0.3, 20), gamma(100, 0.5), gamma(500, 500)}},
		{gamma(0.4, 2), []expfam.Dist{gamma(1, 1), gamma(30, 0.5)}},
		{must(expfam.NewInverseGamma(4, 6)), []expfam.Dist{must(expfam.NewInverseGamma(1, 1)), must(expfam.NewInverseGamma(30, 3))}},
		{must(expfam.NewExponential(5)), []expfam.Dist{must(expfam.NewExponential(0.01)), must(expfam.NewExponential(300))}},
		{must(expfam.NewBeta(8, 3)), []expfam.Dist{must(expfam.NewBeta(1, 1)), must(expfam.NewBeta(2, 60))}},
		{dirichlet(9, 2, 31, 4), []expfam.Dist{dirichlet(1, 1, 1, 1), dirichlet(50, 3, 0.6, 8)}},
		{must(expfam.NewNormalGamma(2, 5, 6, 3)), []expfam.Dist{must(expfam.NewNormalGamma(0, 1, 1, 1)), must(expfam.NewNormalGamma(9, 0.5, 40, 2))}},
		{must(expfam.NewWishart(9, v)), []expfam.Dist{must(expfam.NewWishart(4, far)), must(expfam.NewWishart(40, v))}},
		{must(expfam.NewNormalWishart([]float64{1, -2}, 4, 9, v)), []expfam.Dist{must(expfam.NewNormalWishart([]float64{0, 0}, 1, 5, far))}},
		{product(gamma(7, 3), dirichlet(3, 5, 2), must(expfam.NewBeta(8, 3))), []expfam.Dist{product(gamma(1, 1), dirichlet(1, 1, 1), must(expfam.NewBeta(1, 1)))}},
	} {
		target := familyTarget(c.want.(expfam.Reparameterizable))
		for i, q := range c.starts {
			t.Run(fmt.Sprintf("%s/%d", c.want.Name(), i), func(t *testing.T) {
				res, err := Fit(context.Background(), q, target, &Settings{Seed: 3})
				if err != nil {
					t.Fatal(err)
				}
				kl, err := expfam.KL(q, c.want)
				if err != nil {
					t.Fatal(err)
				}
				if res.Grade() != Good || !(kl < 0.02) || math.Abs(res.ELBO-3) > 0.05 {
					t.Errorf("KL is %v: %v", kl, res)
				}
				t.Log(kl, res.Evaluations, res)
			})
		}
	}
}

// TestGammaToLogNormal fits a gamma distribution to a density that none has: the
// ELBO, taken by quadrature, is that of the best one within the tolerance.
func TestGammaToLogNormal(t *testing.T) {
	// log p(x) = −log x − (log x − 1)²/(2·0.5²) + const, normalised.
	logP := func(x float64) float64 {
		z := (math.Log(x) - 1) / 0.5
		return -math.Log(x) - z*z/2 - math.Log(0.5*math.Sqrt(2*math.Pi))
	}
	elbo := func(shape, rate float64) float64 {
		q := must(expfam.NewGamma(shape, rate))
		var s float64
		const h = 1e-2
		for u := -8.0; u < 8; u += h { // u = log x
			x := math.Exp(u)
			if l := q.LogProb([]float64{x}); l > -700 {
				s += h * x * math.Exp(l) * (logP(x) - l)
			}
		}
		return s
	}
	q := must(expfam.NewGamma(1, 1)).(*expfam.Gamma)
	target := &Target{Dim: 1, LogProb: func(x []float64) float64 { return logP(x[0]) }, Grad: func(dst, x []float64) float64 {
		dst[0] = (-1 - (math.Log(x[0])-1)/0.25) / x[0]
		return logP(x[0])
	}}
	res, err := Fit(context.Background(), q, target, &Settings{Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	got, best := elbo(q.Shape(), q.Rate()), math.Inf(-1)
	for shape := 2.0; shape < 8; shape += 0.25 {
		for mean := 2.0; mean < 4; mean += 0.1 {
			best = max(best, elbo(shape, shape/mean))
		}
	}
	if !(got > best-0.01) || math.Abs(res.ELBO-got) > 0.03 || res.Status != Converged {
		t.Errorf("ELBO is %v by quadrature, the best one %v: %v", got, best, res)
	}
	t.Logf("ELBO %v, best %v: %v", got, best, res)
}

// countsAndLengths is the model y_i ~ Poisson(λ), z_j ~ N(θ, 1) with priors
// λ ~ Gamma(2, 1) and θ ~ N(0, 10²), whose posterior is a product.
func countsAndLengths() (target *Target, want *expfam.Product) {
	y, z := []float64{3, 1, 4, 1, 5, 9, 2}, []float64{5.3, 5.8, 9.7, 9.3, 2.3}
	sumY, sumZ := 0.0, 0.0
	for _, v := range y {
		sumY += v
	}
	for _, v := range z {
		sumZ += v
	}
	prec := 0.01 + float64(len(z))
	want, err := expfam.NewProduct(must(expfam.NewGamma(2+sumY, 1+float64(len(y)))), must(expfam.NewNormalUV(sumZ/prec, 1/math.Sqrt(prec))))
	if err != nil {
		panic(err)
	}
	logProb := func(x []float64) float64 {
		l := (1+sumY)*math.Log(x[0]) - (1+float64(len(y)))*x[0] - 0.005*x[1]*x[1]
		for _, v := range z {
			l -= 0.5 * (v - x[1]) * (v - x[1])
		}
		return l
	}
	return &Target{Dim: 2, LogProb: logProb, Grad: func(dst, x []float64) float64 {
		dst[0] = (1+sumY)/x[0] - 1 - float64(len(y))
		dst[1] = sumZ - prec*x[1]
		return logProb(x)
	}}, want
}

func TestProductPosterior(t *testing.T) {
	target, want := countsAndLengths()
	for _, method := range []Method{Draws, GradientFree} {
		q := must(expfam.NewProduct(must(expfam.NewGamma(1, 1)), must(expfam.NewNormalUV(0, 1)))).(*expfam.Product)
		s := &Settings{Method: method, Seed: 2}
		if method == GradientFree {
			s.Draws = 64
		}
		res, err := Fit(context.Background(), q, target, s)
		if err != nil {
			t.Fatal(err)
		}
		if kl, _ := expfam.KL(q, want); res.Grade() != Good || !(kl < 0.02) {
			t.Errorf("%v: KL is %v: %v", method, kl, res)
		}
		// Both parts are sums of sufficient statistics, so that A(posterior) −
		// terms in x alone is the log evidence.
		x := []float64{4, 6}
		logZ := target.LogProb(x) - want.LogProb(x)
		if math.Abs(res.ELBO-logZ) > 0.05 {
			t.Errorf("%v: ELBO is %v, want %v: %v", method, res.ELBO, logZ, res)
		}
	}
}

func TestDirichletPosterior(t *testing.T) {
	counts := []float64{12, 0, 35, 3, 7}
	alpha := make([]float64, len(counts))
	for i, n := range counts {
		alpha[i] = 0.5 + n
	}
	want := must(expfam.NewDirichlet(alpha))
	target := &Target{Dim: len(counts), Grad: func(dst, x []float64) float64 {
		var l float64
		for i, n := range counts {
			l += (n - 0.5) * math.Log(x[i])
			dst[i] = (n - 0.5) / x[i]
		}
		return l
	}}
	target.LogProb = func(x []float64) float64 { return target.Grad(make([]float64, len(x)), x) }
	q := must(expfam.NewDirichlet([]float64{1, 1, 1, 1, 1}))
	res, err := Fit(context.Background(), q, target, &Settings{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if kl, _ := expfam.KL(q, want); res.Grade() != Good || !(kl < 0.02) {
		t.Errorf("KL is %v: %v", kl, res)
	}
	// A(posterior) is the log evidence of these counts in order.
	if logZ := want.LogPartition(); math.Abs(res.ELBO-logZ) > 0.05 {
		t.Errorf("ELBO is %v, want %v", res.ELBO, logZ)
	}
}

// TestNotDifferentiable checks that a product with a discrete part is refused
// before a run, by the methods that would need its gradients, and only by them.
func TestNotDifferentiable(t *testing.T) {
	q := must(expfam.NewProduct(must(expfam.NewGamma(1, 1)), must(expfam.NewPoisson(2)))).(*expfam.Product)
	f := func(x []float64) float64 { return 0 }
	target := &Target{Dim: 2, LogProb: f, Grad: func(dst, x []float64) float64 { clear(dst); return 0 }}
	for _, m := range []Method{Draws, GradientFree} {
		var e *SettingError
		if _, err := New(q, target, &Settings{Method: m}); !errors.As(err, &e) || !strings.Contains(err.Error(), "part 1 of product(gamma:2,poisson:1) is *expfam.Poisson") {
			t.Errorf("%v: error is %v", m, err)
		}
	}
	target = &Target{Dim: 2, LogProb: f, Exact: func(tan []float64, q Posterior) (float64, error) { return 0, nil }}
	if _, err := New(q, target, &Settings{Method: Exact}); err == nil || strings.Contains(err.Error(), "panic") {
		t.Errorf("Exact: error is %v", err)
	}
}
