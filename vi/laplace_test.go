package vi

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// The fixed point of the Laplace method is the mode with the curvature there,
// for a density given by its Hessian and for one given as a Linear.
func TestLaplace(t *testing.T) {
	lin := logisticTarget(500, 3, 4)
	c := lin.complete()
	hess := &Target{Dim: 3, Hess: c.Hess}
	for name, tg := range map[string]*Target{"linear": lin, "hessian": hess} {
		q := expfam.StandardNormal(3)
		res, err := Fit(context.Background(), q, tg, &Settings{Method: Laplace})
		if err != nil {
			t.Fatal(err)
		}
		if res.Status != Converged || res.Method != Laplace {
			t.Errorf("%s: %s by %v", name, res.Verdict(), res.Method)
		}
		g, h := make([]float64, 3), mat.NewSymDense(3, nil)
		at := q.Mean(nil)
		c.Hess(h, g, at)
		prec := q.Precision(nil)
		for i := range 3 {
			if math.Abs(g[i]) > 1e-5 {
				t.Errorf("%s: gradient[%d] at the mode is %g", name, i, g[i])
			}
			for j := i; j < 3; j++ {
				if math.Abs(prec.At(i, j)+h.At(i, j)) > 1e-3*math.Abs(prec.At(i, i)) {
					t.Errorf("%s: precision[%d,%d] is %v, curvature %v", name, i, j, prec.At(i, j), -h.At(i, j))
				}
			}
		}
		// The Laplace approximation is no better than the best normal.
		best := expfam.StandardNormal(3)
		b, err := Fit(context.Background(), best, lin, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.ELBO > b.ELBO+5*res.ELBOErr {
			t.Errorf("%s: ELBO %v ± %v above the optimum %v", name, res.ELBO, res.ELBOErr, b.ELBO)
		}
	}
	var se *SettingError
	if _, err := New(expfam.StandardNormal(3), &Target{Dim: 3, Grad: c.Grad, LogProb: c.LogProb}, &Settings{Method: Laplace}); !errors.As(err, &se) {
		t.Errorf("no Hessian: %v", err)
	}
	if _, err := New(expfam.StandardNormal(3), lin, &Settings{Method: Laplace, Batch: 10}); !errors.As(err, &se) {
		t.Errorf("batches: %v", err)
	}
}
