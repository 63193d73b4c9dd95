package glm

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/vi"
)

// A value computed alone has the bits that it has beside its derivatives: a
// resumed fit takes the ELBO that it ends with either way.
func TestBinomialValueBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const n = 700
	one, y, trials := make([]float64, n), make([]float64, n), make([]float64, n)
	eta := make([]float64, n)
	for i := range eta {
		one[i] = float64(rng.IntN(2))
		trials[i] = float64(1 + rng.IntN(9))
		y[i] = float64(rng.IntN(int(trials[i]) + 1))
		eta[i] = 20 * rng.NormFloat64()
	}
	eta[0], eta[1], eta[2], eta[3] = 0, math.Copysign(0, -1), 800, -800
	for _, c := range []struct {
		name string
		o    Outcome
	}{{"bernoulli", Outcome{Y: one}}, {"binomial", Outcome{Y: y, Trials: trials}}} {
		eval := Binomial("logit").Eval(c.o)
		alone, beside := vi.Derivs{F: make([]float64, n)}, vi.Derivs{F: make([]float64, n), E: make([]float64, n), EE: make([]float64, n)}
		eval(0, eta, nil, &alone)
		eval(0, eta, nil, &beside)
		for i := range eta {
			if math.Float64bits(alone.F[i]) != math.Float64bits(beside.F[i]) {
				t.Errorf("%s, row %d, η = %v: %v alone, %v beside derivatives", c.name, i, eta[i], alone.F[i], beside.F[i])
			}
		}
	}
}
