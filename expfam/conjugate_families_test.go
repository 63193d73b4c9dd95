package expfam_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
)

// checkOneStep starts at random proper parameters and checks that one step of
// size 1 along η_post − η lands on the posterior.
func checkOneStep(t *testing.T, post expfam.Dist, rng *rand.Rand) {
	t.Helper()
	want := post.Natural(nil)
	for range 50 {
		start := post.Clone()
		eta := start.Natural(nil)
		tan := make([]float64, len(eta))
		for {
			for i := range eta {
				// In the families below ±(η+1) is a shape or a rate, or any sign will do.
				eta[i] = math.Exp(4*rng.NormFloat64()) - 1
				if start.Name() == "gamma" && i == 1 {
					eta[i] = -math.Exp(4 * rng.NormFloat64())
				}
			}
			if start.SetNatural(eta) == nil {
				break
			}
		}
		for i := range tan {
			tan[i] = want[i] - eta[i]
		}
		cond, err := start.Retract(tan, 1)
		if err != nil || cond != 0 {
			t.Fatalf("from %v: conditions %v, error %v", eta, cond, err)
		}
		got := start.Natural(nil)
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-10*(1+math.Abs(want[i])) {
				t.Errorf("from %v: η[%d] is %v, want %v", eta, i, got[i], want[i])
			}
		}
	}
}

// posterior adds the natural parameters of a likelihood to those of a prior.
func posterior(t *testing.T, prior expfam.Dist, lik []float64) expfam.Dist {
	t.Helper()
	post := prior.Clone()
	eta := post.Natural(nil)
	for i := range eta {
		eta[i] += lik[i]
	}
	if err := post.SetNatural(eta); err != nil {
		t.Fatal(err)
	}
	return post
}

func TestConjugateBetaBernoulli(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	coin := must[*expfam.Bernoulli](t)(expfam.NewBernoulli(0.3))
	const n = 40
	var s float64
	for range n {
		s += coin.Sample(nil, rng)[0]
	}
	post := posterior(t, must[*expfam.Beta](t)(expfam.NewBeta(2, 3)), []float64{s, n - s})
	near(t, "alpha", post.(*expfam.Beta).Alpha(), 2+s, 1e-15)
	near(t, "beta", post.(*expfam.Beta).Beta(), 3+n-s, 1e-15)
	checkOneStep(t, post, rng)
}

func TestConjugateGammaPoisson(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	counts := must[*expfam.Poisson](t)(expfam.NewPoisson(6))
	const n = 40
	var s float64
	for range n {
		s += counts.Sample(nil, rng)[0]
	}
	post := posterior(t, must[*expfam.Gamma](t)(expfam.NewGamma(2, 0.5)), []float64{s, -n})
	near(t, "shape", post.(*expfam.Gamma).Shape(), 2+s, 1e-15)
	near(t, "rate", post.(*expfam.Gamma).Rate(), 0.5+n, 1e-15)
	checkOneStep(t, post, rng)
}

func TestConjugateDirichletCategorical(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 1))
	die := must[*expfam.Categorical](t)(expfam.NewCategorical([]float64{0.1, 0.2, 0.3, 0.4}))
	counts := make([]float64, 4)
	for range 60 {
		counts[int(die.Sample(nil, rng)[0])]++
	}
	prior := []float64{0.5, 1, 2, 1}
	post := posterior(t, must[*expfam.Dirichlet](t)(expfam.NewDirichlet(prior)), counts)
	for i, a := range post.(*expfam.Dirichlet).Concentration(nil) {
		near(t, "concentration", a, prior[i]+counts[i], 1e-15)
	}
	checkOneStep(t, post, rng)
}
