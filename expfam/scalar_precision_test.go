package expfam_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/oracle"
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

// TestInverseGaussianReferences compares with the grid of values of 400 digits
// among the golden files, of parameters α = λ and β = 1/μ.
func TestInverseGaussianReferences(t *testing.T) {
	type grid struct {
		Rows []struct {
			Alpha, Beta, Z, Mean, Entropy float64
			LogPdf                        *float64 `json:"log_pdf"`
			DzDalpha                      float64  `json:"dz_dalpha"`
			DzDbeta                       float64  `json:"dz_dbeta"`
			MeanInverse                   float64  `json:"mean_inverse"`
			DHDalpha                      float64  `json:"dH_dalpha"`
			DHDbeta                       float64  `json:"dH_dbeta"`
		}
	}
	rows := func(data []byte) (g grid, ok bool) {
		err := json.Unmarshal(data, &g)
		return g, err == nil && len(g.Rows) > 0 && g.Rows[0].LogPdf != nil && g.Rows[0].DzDalpha != 0
	}
	for _, f := range oracle.Files(t, "mixtures", func(data []byte) bool { _, ok := rows(data); return ok }) {
		g, ok := rows(f.Data)
		if !ok {
			continue
		}
		for _, r := range g.Rows {
			d := must[*expfam.InverseGaussian](t)(expfam.NewInverseGaussian(1/r.Beta, r.Alpha))
			// The chain rule of η = (−αβ²/2, −α/2).
			chain := func(g []float64) (da, db float64) {
				return -r.Beta*r.Beta/2*g[0] - g[1]/2, -r.Alpha * r.Beta * g[0]
			}
			x := []float64{r.Z}
			m, tan := d.Expectation(nil), make([]float64, 2)
			if !d.EntropyTangent(tan) {
				t.Error("the gradient of the entropy is not exact")
			}
			za, zb := chain(d.PathGrad(nil, []float64{1}, x))
			ha, hb := chain(d.FisherMul(nil, tan))
			for what, v := range map[string][2]float64{
				"log p": {d.LogProb(x), *r.LogPdf}, "E[x]": {m[0], r.Mean}, "E[1/x]": {m[1], r.MeanInverse}, "entropy": {d.Entropy(), r.Entropy},
				"∂x/∂α": {za, r.DzDalpha}, "∂x/∂β": {zb, r.DzDbeta}, "∂H/∂α": {ha, r.DHDalpha}, "∂H/∂β": {hb, r.DHDbeta},
			} {
				if !(math.Abs(v[0]-v[1]) <= 1e-11*(1e-2+math.Abs(v[1]))) {
					t.Errorf("%s of α = %v, β = %v at %v is %.17g, want %.17g", what, r.Alpha, r.Beta, r.Z, v[0], v[1])
				}
			}
		}
	}
}
