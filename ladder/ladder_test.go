package ladder_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/ladder"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

func normals(logw []float64, means [][]float64, precs ...[]float64) *vi.Target {
	var p []*mat.SymDense
	for _, v := range precs {
		p = append(p, mat.NewSymDense(len(means[0]), v))
	}
	return targets.MixtureOfNormals(logw, means, p)
}

// Shapes that one Gaussian gets wrong: the Gaussian rungs say so, and the climb
// ends at a shape that is good, whose importance-corrected moments are those of a grid.
func TestReferenceShapes(t *testing.T) {
	for _, c := range []struct {
		name   string
		t      *vi.Target
		start  []float64
		lo, hi [2]float64
	}{
		{"skewed: beta-binomial", targets.CancerBetaBinomial(), []float64{-7, 6}, [2]float64{-8.5, 2}, [2]float64{-4.5, 26}},
		{"skewed: ridge", targets.SkewRidge(0.7, 0.5), nil, [2]float64{-8, -5}, [2]float64{8, 40}},
		{"bimodal: double banana", targets.DoubleBanana(math.Log(30), 1, 0.09), nil, [2]float64{-3, -3}, [2]float64{3, 3}},
		{"bimodal: two normals", normals([]float64{0, 0.5}, [][]float64{{-2, 0}, {2, 0}}, []float64{1, 0.8, 0.8, 1.5}, []float64{1, -0.8, -0.8, 1.5}), nil, [2]float64{-9, -9}, [2]float64{9, 9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := ladder.Fit(context.Background(), c.t, &ladder.Settings{Start: c.start, Fit: &vi.Settings{Seed: 2}})
			if err != nil {
				t.Fatal(err)
			}
			for _, try := range r.Tried {
				gaussian := try.Name == "diagonal" || try.Name == "full"
				if gaussian && try.Fit.Grade() == vi.Good {
					t.Errorf("the rung %s is graded good: %v", try.Name, try.Fit)
				}
			}
			if r.Grade() != vi.Good || !strings.HasPrefix(r.Verdict(), "mixture(") {
				t.Errorf("want a good mixture, got\n%v", r)
			}
			g := targets.NewGrid(c.t, c.lo, c.hi, 300)
			if gap := g.LogZ() - r.ELBO; gap > 0.12 || gap < -3*r.ELBOErr {
				t.Errorf("ELBO is %.3f ± %.3f, log normaliser %.3f", r.ELBO, r.ELBOErr, g.LogZ())
			}
			wantMean, wantSd := g.Moments()
			mean, sd, err := r.Moments()
			if err != nil {
				t.Fatal(err)
			}
			for i := range mean {
				se := wantSd[i] / math.Sqrt(r.ESS)
				// Fourth moments of skewed densities make sds noisier than √(1/2n).
				if math.Abs(mean[i]-wantMean[i]) > 4*se || math.Abs(sd[i]-wantSd[i]) > 8*se {
					t.Errorf("parameter %d: %.4f ± %.4f, grid %.4f ± %.4f (standard error %.4f)", i, mean[i], sd[i], wantMean[i], wantSd[i], se)
				}
			}
		})
	}
}

// Where a simple shape is right the climb stops there.
func TestStopsEarly(t *testing.T) {
	independent := normals([]float64{0}, [][]float64{{-1.5, 0}}, []float64{1, 0, 0, 3})
	r, err := ladder.Fit(context.Background(), independent, nil)
	if err != nil || r.Chosen != 0 || len(r.Tried) != 1 || r.Grade() != vi.Good {
		t.Errorf("independent normals: %v\n%v", err, r)
	}
	correlated := normals([]float64{0}, [][]float64{{-1.5, 0}}, []float64{1, 0.8, 0.8, 1})
	r, err = ladder.Fit(context.Background(), correlated, nil)
	if err != nil || r.Tried[r.Chosen].Name != "full" || len(r.Tried) != 2 || r.Grade() != vi.Good {
		t.Errorf("correlated normals: %v\n%v", err, r)
	}
	r, err = ladder.Fit(context.Background(), independent, &ladder.Settings{All: true})
	if err != nil || len(r.Tried) != 7 || r.Tried[6].Name != "mixture(16)" {
		t.Errorf("All: %v, %d tries", err, len(r.Tried))
	}
}

// A mode far from the start is found by the one look that ends every climb.
func TestFarMode(t *testing.T) {
	target := normals([]float64{math.Log(0.3), math.Log(0.7)}, [][]float64{{-4, 0}, {4, 0}}, []float64{1, 0, 0, 1}, []float64{4, 0, 0, 4})
	r, err := ladder.Fit(context.Background(), target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.ELBO < -0.1 || r.Grade() != vi.Good {
		t.Errorf("want both modes, got\n%v", r)
	}
}

// Three common factors in 60 dimensions: low rank gains, the full covariance is
// exact, from gradients alone.
func TestLowRank(t *testing.T) {
	const d = 60
	rng := rand.New(rand.NewPCG(4, 4))
	cov := mat.NewSymDense(d, nil)
	a := mat.NewDense(d, 3, nil)
	for i := range d {
		for j := range 3 {
			a.Set(i, j, rng.NormFloat64())
		}
	}
	cov.SymOuterK(1, a)
	mu := make([]float64, d)
	for i := range d {
		cov.SetSym(i, i, cov.At(i, i)+0.5+rng.Float64())
		mu[i] = 3 * rng.NormFloat64()
	}
	p, err := expfam.NewNormal(mu, cov)
	if err != nil {
		t.Fatal(err)
	}
	target := &vi.Target{Dim: d, LogProb: p.LogProb, Grad: func(dst, x []float64) float64 {
		p.Score(dst, x)
		return p.LogProb(x)
	}}
	r, err := ladder.Fit(context.Background(), target, &ladder.Settings{Rungs: ladder.Default(target, nil, 0)[:3]})
	if err != nil {
		t.Fatal(err)
	}
	// Tried[1] cannot be exact: its rank comes from ten coordinates that are seen with noise.
	diag, low := r.Tried[0].Fit, r.Tried[1].Fit
	if low.ELBO < diag.ELBO+2 || diag.Grade() == vi.Good || r.Tried[r.Chosen].Name != "full" || math.Abs(r.ELBO) > 1e-3 {
		t.Errorf("want a low rank well above the diagonal, and the full covariance exact, got\n%v", r)
	}
}

// A target of linear predictors goes through quadrature on the Gaussian rungs.
func TestLinearTarget(t *testing.T) {
	x := []float64{1, -2, 1, -1, 1, 0.5, 1, 1, 1, 2, 1, 3}
	y := []float64{0, 0, 1, 1, 1, 1}
	eval := func(lo int, eta, aux []float64, d *vi.Derivs) {
		for i, e := range eta {
			p := 1 / (1 + math.Exp(-e))
			if d.F != nil {
				d.F[i] = y[lo+i]*e - math.Log1p(math.Exp(e))
			}
			if d.E != nil {
				d.E[i] = y[lo+i] - p
			}
			if d.EE != nil {
				d.EE[i] = -p * (1 - p)
			}
		}
	}
	prior := func(lo int, eta, aux []float64, d *vi.Derivs) {
		for i, e := range eta {
			if d.F != nil {
				d.F[i] = -e * e / 18
			}
			if d.E != nil {
				d.E[i] = -e / 9
			}
			if d.EE != nil {
				d.EE[i] = -1. / 9
			}
		}
	}
	target := &vi.Target{Dim: 2, Linear: &vi.Linear{Terms: []vi.Term{
		{Name: "likelihood", X: blas64.General{Rows: 6, Cols: 2, Stride: 2, Data: x}, Eval: eval},
		{Name: "prior", Prior: true, Degree: 2, X: blas64.General{Rows: 2, Cols: 2, Stride: 2, Data: []float64{1, 0, 0, 1}}, Eval: prior},
	}}}
	r, err := ladder.Fit(context.Background(), target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Tried[1].Fit.Method != vi.Quadrature || r.Grade() != vi.Good || r.ELBO < r.Tried[1].Fit.ELBO {
		t.Errorf("want quadrature first and a good fit in the end, got\n%v", r)
	}
}

type badWriter struct{}

func (badWriter) Write([]byte) (int, error) { panic("no paper") }

func TestMisuse(t *testing.T) {
	ok := normals([]float64{0}, [][]float64{{0, 0}}, []float64{1, 0, 0, 1})
	for name, f := range map[string]func() error{
		"nil target": func() error { _, err := ladder.Fit(context.Background(), nil, nil); return err },
		"start": func() error {
			_, err := ladder.Fit(context.Background(), ok, &ladder.Settings{Start: []float64{1}})
			return err
		},
		"no rungs": func() error {
			_, err := ladder.Fit(context.Background(), ok, &ladder.Settings{Rungs: []ladder.Rung{}})
			return err
		},
	} {
		if err := f(); err == nil || !strings.HasPrefix(err.Error(), "ladder: ") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if _, err := ladder.Fit(context.Background(), ok, &ladder.Settings{Fit: &vi.Settings{Diagnostics: -1}}); err == nil || !strings.Contains(err.Error(), "Diagnostics") {
		t.Errorf("without diagnostics: error is %v", err)
	}
	for name, f := range map[string]func([]ladder.Try) (vi.Posterior, error){
		"nil":     nil,
		"nothing": func([]ladder.Try) (vi.Posterior, error) { return nil, nil },
		"a nil pointer": func([]ladder.Try) (vi.Posterior, error) {
			var q *expfam.Normal
			return q, nil
		},
		"a panic": func([]ladder.Try) (vi.Posterior, error) { panic("boom") },
	} {
		if r, err := ladder.Fit(context.Background(), ok, &ladder.Settings{Rungs: []ladder.Rung{{Name: "bad", New: f}}}); err == nil || strings.Count(r.String(), "\n") != 1 {
			t.Errorf("New is %s: error is %v, result %v", name, err, r)
		}
	}
	boom := errors.New("boom")
	// A panic in the target ends every fit, in whatever goroutine, and is not hidden by the
	// rungs that have nothing to start from.
	for _, workers := range []int{1, 4} {
		var pe *vi.PanicError
		_, err := ladder.Fit(context.Background(), &vi.Target{Dim: 2, Grad: func(dst, x []float64) float64 { panic(boom) }}, &ladder.Settings{Fit: &vi.Settings{Workers: workers}})
		if !errors.As(err, &pe) || pe.Func != "Target.Grad" || !errors.Is(err, boom) || strings.Contains(err.Error(), "no simpler fit") {
			t.Errorf("%d workers: error is %v", workers, err)
		}
	}
	// One in what shows the climb ends it.
	var pe *vi.PanicError
	if r, err := ladder.Fit(context.Background(), ok, &ladder.Settings{Progress: badWriter{}}); !errors.As(err, &pe) || pe.Func != "Settings.Progress" || len(r.Tried) != 1 {
		t.Errorf("a writer that panics: error is %v", err)
	}
	bad := []ladder.Rung{{Name: "bad", New: func([]ladder.Try) (vi.Posterior, error) { return nil, boom }}}
	r, err := ladder.Fit(context.Background(), ok, &ladder.Settings{Rungs: bad})
	if !errors.Is(err, boom) || r == nil || !strings.Contains(r.String(), "failed: boom") {
		t.Errorf("error is %v, result %v", err, r)
	}
	// A rung that fails does not end the climb.
	var out bytes.Buffer
	r, err = ladder.Fit(context.Background(), ok, &ladder.Settings{Rungs: append(bad, ladder.Default(ok, nil, 0)...), Progress: &out})
	if err != nil || r.Grade() != vi.Good || r.Tried[r.Chosen].Name != "diagonal" {
		t.Errorf("%v, %v", err, r)
	}
	if n := strings.Count(out.String(), "\n"); n != len(r.Tried) {
		t.Errorf("%d lines of progress for %d tries:\n%s", n, len(r.Tried), out.String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err = ladder.Fit(ctx, ok, nil); !errors.Is(err, context.Canceled) || len(r.Tried) != 1 {
		t.Errorf("after a cancel: error is %v, %d tries", err, len(r.Tried))
	}
	nan := &vi.Target{Dim: 2, Grad: func(dst, x []float64) float64 { return math.NaN() }}
	var nf *vi.NonFiniteError
	if r, err = ladder.Fit(context.Background(), nan, nil); !errors.As(err, &nf) {
		t.Errorf("density NaN: error is %v\n%v", err, r)
	}
}
