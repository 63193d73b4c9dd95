package vi

import (
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// A Student-t likelihood with unknown scale and degrees of freedom is narrow in
// the tails of q, which must not cost nodes that nothing depends on. Against a rule
// refined everywhere the value keeps its digits.
func TestLinearNarrowTails(t *testing.T) {
	term := Term{
		X:     blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{1}},
		Aux:   []int{1, 2},
		Width: func(aux []float64) float64 { return math.Exp(aux[0]+aux[1]/2) / math.Pi },
		Eval: func(_ int, eta, aux []float64, d *Derivs) {
			nu := math.Exp(aux[1])
			a, _ := math.Lgamma((nu + 1) / 2)
			b, _ := math.Lgamma(nu / 2)
			for i, e := range eta {
				u := (2 - e) / math.Exp(aux[0])
				d.F[i] = a - b - math.Log(nu)/2 - aux[0] - (nu+1)/2*math.Log1p(u*u/nu)
			}
		},
	}
	p, err := newLinearPass(&Linear{Terms: []Term{term}}, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sd    float64 // of both auxiliary coordinates
		evals int
	}{{0.2, 2_000}, {0.5, 20_000}, {1, 500_000}} {
		q, err := expfam.NewNormal([]float64{0.3, 0, 1}, mat.NewSymDense(3, []float64{0.25, 0, 0, 0, c.sd * c.sd, 0, 0, 0, c.sd * c.sd}))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.under(q, wantValue, p.full, 1); err != nil {
			t.Fatal(err)
		}
		got, evals := p.fit, p.evals
		p.refine = true
		err = p.under(q, wantValue, p.full, 1)
		p.refine = false
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("sd %v: %.13g, refined %.13g, %d evaluations", c.sd, got, p.fit, evals)
		if math.Abs(got-p.fit) > 2e-9 {
			t.Errorf("sd %v: %.13g, refined %.13g", c.sd, got, p.fit)
		}
		if evals > c.evals {
			t.Errorf("sd %v: %d evaluations of one row, want at most %d", c.sd, evals, c.evals)
		}
	}
}
