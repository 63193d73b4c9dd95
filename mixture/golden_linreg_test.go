package mixture

import (
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/oracle"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

func init() {
	kinds = append(kinds, oracle.Of("linear regression in minibatches", func(f oracle.Fields) bool {
		return f.Has("model.noise_variance", "model.prior_precision", "X", "y", "runs")
	}, replayLinreg))
}

type linregFile struct {
	Model struct {
		Noise float64 `json:"noise_variance"`
		Prior float64 `json:"prior_precision"`
	}
	X    [][]float64
	Y    []float64
	Runs []linregRun
}

type linregRun struct {
	Method, Option string
	StepSize       float64 `json:"step_size"`
	Samples        int
	Draws          []struct {
		Normal [][]float64
		Batch  []int `json:"minibatch_zero_based"`
	}
	Iterates []struct {
		Step      int
		Mean      []float64
		Precision [][]float64
		NegELBO   float64 `json:"neg_elbo_full_data"`
		KL        float64 `json:"kl_to_exact"`
	}
}

// density returns the log likelihood of the rows of batch, scaled to all. If h is not
// nil it gets the Hessian, or with outer = true −(n/M) Σ g_i g_i' of the rows' gradients.
func (f *linregFile) density(batch []int, h *mat.SymDense, outer bool, g, x []float64) float64 {
	d, scale := len(x), float64(len(f.Y))/float64(len(batch))
	v := 0.0
	clear(g)
	if h != nil {
		h.Zero()
	}
	for _, n := range batch {
		r := f.Y[n]
		for i, a := range f.X[n] {
			r -= a * x[i]
		}
		v -= scale * 0.5 * (r*r/f.Model.Noise + math.Log(2*math.Pi*f.Model.Noise))
		row := mat.NewVecDense(d, f.X[n])
		for i, a := range f.X[n] {
			g[i] += scale * r * a / f.Model.Noise
		}
		switch {
		case h == nil:
		case outer:
			h.SymRankOne(h, -scale*r*r/(f.Model.Noise*f.Model.Noise), row)
		default:
			h.SymRankOne(h, -scale/f.Model.Noise, row)
		}
	}
	return v
}

func (f *linregFile) target(run *linregRun, batch *[]int, dim int) *vi.Target {
	t := &vi.Target{Dim: dim}
	prior, err := expfam.NewNormalPrecision(make([]float64, dim), scaled(dim, f.Model.Prior))
	if err != nil {
		panic(err)
	}
	t.Exact = func(tan []float64, q vi.Posterior) (float64, error) {
		// The gradient of E_q[log prior] in expectation coordinates is the prior's η.
		floats.Add(tan, prior.Natural(nil))
		return floats.Dot(prior.Natural(nil), q.(*Mixture).Component(0).(*expfam.Normal).Expectation(nil)) - prior.LogPartition() + prior.LogBase(make([]float64, dim)), nil
	}
	t.Grad = func(dst, x []float64) float64 { return f.density(*batch, nil, false, dst, x) }
	t.LogProb = func(x []float64) float64 {
		return f.density(*batch, nil, false, make([]float64, dim), x) + prior.LogProb(x)
	}
	outer := run.Method == "vogn"
	if outer || run.Option == "hess" {
		t.Hess = func(dst *mat.SymDense, g, x []float64) float64 { return f.density(*batch, dst, outer, g, x) }
	}
	return t
}

func replayLinreg(t *testing.T, data []byte) {
	var f linregFile
	decode(t, data, &f)
	d := len(f.X[0])
	all := make([]int, len(f.Y))
	for i := range all {
		all[i] = i
	}
	g, h := make([]float64, d), mat.NewSymDense(d, nil)
	f.density(all, h, false, g, make([]float64, d))
	h.ScaleSym(-1, h)
	h.AddSym(h, scaled(d, f.Model.Prior))
	var ch mat.Cholesky
	if !ch.Factorize(h) {
		t.Fatal("the exact posterior is improper")
	}
	mu := mat.NewVecDense(d, nil)
	if err := ch.SolveVecTo(mu, mat.NewVecDense(d, g)); err != nil {
		t.Fatal(err)
	}
	exact, err := expfam.NewNormalPrecision(mu.RawVector().Data, h)
	if err != nil {
		t.Fatal(err)
	}
	// log evidence = log p(D, x) − log posterior(x) at any x
	x := make([]float64, d)
	prior, err := expfam.NewNormalPrecision(x, scaled(d, f.Model.Prior))
	if err != nil {
		t.Fatal(err)
	}
	evidence := f.density(all, nil, false, g, x) + prior.LogProb(x) - exact.LogProb(x)
	for i := range f.Runs {
		run := &f.Runs[i]
		t.Run(run.Method+"_"+run.Option, func(t *testing.T) {
			rule, ok := map[string]Rule{"iblr": IBLR, "cvi": BLR, "vogn": BLR, "bbvi_adam": Adam}[run.Method]
			if !ok {
				t.Fatalf("unknown method %q", run.Method)
			}
			q, err := expfam.NewNormalPrecision(run.Iterates[0].Mean, mogSym(run.Iterates[0].Precision))
			if err != nil {
				t.Fatal(err)
			}
			m, err := New(nil, q)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.SetOptions(Options{Rule: rule, ExactEntropy: true, Backtrack: 0.8}); err != nil {
				t.Fatal(err)
			}
			var batch []int
			e, err := vi.New(m, f.target(run, &batch, d), &vi.Settings{
				Method: vi.Draws, Plain: true, Rate: vi.Constant(run.StepSize), Draws: run.Samples, Iterations: len(run.Draws), Diagnostics: -1,
				Points: func(p []expfam.Draw, iter int) {
					batch = run.Draws[iter].Batch
					for k := range p {
						m.Transform(p[k].X, run.Draws[iter].Normal[k], 0)
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range run.Iterates {
				if w.Step > 0 {
					if _, err := e.Step(); err != nil {
						t.Fatalf("step %d: %v", w.Step, err)
					}
				}
				prec := q.Precision(nil)
				var got []float64
				for i := range d {
					for j := range d {
						got = append(got, prec.At(i, j))
					}
				}
				nearTo(t, w.Step, "mean", 1e-9, q.Mean(nil), w.Mean)
				nearTo(t, w.Step, "precision", 1e-9, got, flatten(w.Precision))
				kl, err := expfam.KL(q, exact)
				if err != nil {
					t.Fatal(err)
				}
				nearTo(t, w.Step, "KL to the exact posterior", 1e-9, []float64{kl}, []float64{w.KL})
				nearTo(t, w.Step, "negative ELBO", 1e-9, []float64{kl - evidence}, []float64{w.NegELBO})
			}
		})
	}
}
