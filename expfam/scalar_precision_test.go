package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
)

// TestScalarInversePrecision checks the promise of the numeric inverses over the
// range of the parameters: η comes back to 1e-10, or a *PrecisionError says that
// it cannot, only where the rounding of m is the reason.
func TestScalarInversePrecision(t *testing.T) {
	for name, draw := range map[string]func(rng *rand.Rand) expfam.Dist{
		"chi-squared": func(rng *rand.Rand) expfam.Dist {
			return must[*expfam.ChiSquared](t)(expfam.NewChiSquared(logUniform(rng, -6, 9)))
		},
		"inverse-gaussian": func(rng *rand.Rand) expfam.Dist {
			mu := logUniform(rng, -6, 6)
			return must[*expfam.InverseGaussian](t)(expfam.NewInverseGaussian(mu, mu*logUniform(rng, -4, 8)))
		},
		"continuous-bernoulli": func(rng *rand.Rand) expfam.Dist {
			d := must[*expfam.ContinuousBernoulli](t)(expfam.NewContinuousBernoulli(0.5))
			if err := d.SetNatural([]float64{math.Copysign(logUniform(rng, -12, 8), rng.Float64()-0.5)}); err != nil {
				t.Fatal(err)
			}
			return d
		},
		"von-mises": func(rng *rand.Rand) expfam.Dist {
			return must[*expfam.VonMises](t)(expfam.NewVonMises(6*rng.Float64()-3, logUniform(rng, -9, 8)))
		},
		"one-sided normal": func(rng *rand.Rand) expfam.Dist {
			sigma := logUniform(rng, -2, 2)
			a := rng.NormFloat64()
			lo, hi := a, inf
			if rng.IntN(2) == 0 {
				lo, hi = hi, lo
				lo = -lo
				hi = a
			}
			return must[*expfam.TruncatedNormal](t)(expfam.NewTruncatedNormal(a+10*sigma*rng.NormFloat64(), sigma, lo, hi))
		},
		"two-sided normal": func(rng *rand.Rand) expfam.Dist {
			lo := rng.NormFloat64()
			hi := lo + logUniform(rng, -2, 2)
			sigma := (hi - lo) * logUniform(rng, -1.5, 1.5)
			return must[*expfam.TruncatedNormal](t)(expfam.NewTruncatedNormal(lo+5*(hi-lo)*rng.NormFloat64(), sigma, lo, hi))
		},
		"convex on an interval": func(rng *rand.Rand) expfam.Dist {
			d := must[*expfam.TruncatedNormal](t)(expfam.NewTruncatedNormal(0, 1, -1, 1))
			if err := d.SetNatural([]float64{3 * rng.NormFloat64(), logUniform(rng, -3, 1)}); err != nil {
				t.Fatal(err)
			}
			return d
		},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(43, 1))
			var worst float64
			least, refused := inf, 0
			const draws = 300
			for range draws {
				d := draw(rng)
				q := d.Clone()
				tan := d.Natural(nil)
				q.Retract(tan, 0.5) // a start that is not the answer
				err := q.SetExpectation(d.Expectation(nil))
				off, loss, _ := distance(t, d, q.Natural(nil))
				var e *expfam.PrecisionError
				switch {
				case err == nil:
					if worst = max(worst, off); off > 1 {
						t.Errorf("η = %v of %s is off by %.2g·1e-10; rounding of m explains %.2g", d.Natural(nil), d.Name(), off, loss)
					}
				case !errors.As(err, &e):
					t.Errorf("η = %v of %s: %v", d.Natural(nil), d.Name(), err)
				default:
					refused++
					if least = min(least, loss); loss < 1./16 {
						t.Errorf("η = %v of %s: %v, but rounding of m does %.2g·1e-10 only", d.Natural(nil), d.Name(), err, loss)
					}
				}
			}
			t.Logf("%d of %d refused, with a loss of at least %.2g·1e-10; the others are within %.2g·1e-10", refused, draws, least, worst)
			if refused > draws/3 {
				t.Errorf("%d of %d refused", refused, draws)
			}
		})
	}
}
