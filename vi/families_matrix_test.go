package vi

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// TestMatrixFamilyPosteriors fits the matrix, directional and stick-breaking
// families to the density of a member of each.
func TestMatrixFamilyPosteriors(t *testing.T) {
	v := mat.NewSymDense(2, []float64{5, 1, 1, 3})
	far := mat.NewSymDense(2, []float64{3, -1, -1, 2})
	vmf := func(kappa float64, mu ...float64) expfam.Dist { return must(expfam.NewVonMisesFisher(mu, kappa)) }
	for _, c := range []struct{ want, start expfam.Dist }{
		{must(expfam.NewInverseWishart(12, v)), must(expfam.NewInverseWishart(6, far))},
		{must(expfam.NewNormalInverseWishart([]float64{1, -2}, 4, 14, v)), must(expfam.NewNormalInverseWishart([]float64{0, 0}, 1, 8, far))},
		{must(expfam.NewMatrixNormal(mat.NewDense(2, 2, []float64{1, 2, 3, 4}), v, far)), must(expfam.NewMatrixNormal(mat.NewDense(2, 2, nil), far, far))},
		{vmf(20, 1, 2, 3), vmf(1, -1, 1, 0)},
		{vmf(4, 1, 2), vmf(50, 1, -0.5)},
		{must(expfam.NewStickBreaking([]float64{3, 8}, []float64{5, 2})), must(expfam.NewDirichletProcess(3, 1))},
	} {
		t.Run(fmt.Sprintf("%s/%d", c.want.Name(), c.want.Dim()), func(t *testing.T) {
			res, err := Fit(context.Background(), c.start, familyTarget(c.want.(expfam.Reparameterizable)), &Settings{Seed: 3})
			if err != nil {
				t.Fatal(err)
			}
			kl, err := expfam.KL(c.start, c.want)
			if err != nil {
				t.Fatal(err)
			}
			if res.Grade() != Good || !(kl < 0.02) || math.Abs(res.ELBO-3) > 0.05 {
				t.Errorf("KL is %v: %v", kl, res)
			}
		})
	}
}
