package main

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
	"github.com/natgrad/natgrad/examples/internal/mcmc"
	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, b.String())
}

// The gradient is that of the log density.
func TestGradient(t *testing.T) {
	for _, tg := range []*vi.Target{target(), batches()} {
		if err := vi.CheckGradient(tg, []float64{0.5, 0, 0.5, -1}); err != nil {
			t.Error(err)
		}
	}
}

// Rows add up to the whole, for all of them and for some.
func TestBatchesAddUp(t *testing.T) {
	whole, parts := target(), batches()
	x := []float64{0.3, -0.4, 0.6, -1}
	want := make([]float64, 4)
	logp := whole.Grad(want, x)
	got := make([]float64, 4)
	sum := parts.LogPrior(got, x)
	lik, grad := make([]float64, parts.N), mat.NewDense(parts.N, 4, nil)
	parts.LogLik(lik, x, nil)
	parts.LogLikGrad(grad, x, nil)
	for i, l := range lik {
		sum += l
		for j := range got {
			got[j] += grad.At(i, j)
		}
	}
	one, row := make([]float64, 1), mat.NewDense(1, 4, nil)
	parts.LogLik(one, x, []int{7})
	parts.LogLikGrad(row, x, []int{7})
	if one[0] != lik[7] || row.At(0, 3) != grad.At(7, 3) {
		t.Errorf("row 7: %v, %v; want %v, %v", one[0], row.At(0, 3), lik[7], grad.At(7, 3))
	}
	if math.Abs(sum-logp) > 1e-9 {
		t.Errorf("log density %v, want %v", sum, logp)
	}
	for j := range want {
		if math.Abs(got[j]-want[j]) > 1e-9*math.Max(1, math.Abs(want[j])) {
			t.Errorf("d/d %s is %v, want %v", whole.Names[j], got[j], want[j])
		}
	}
}

// fitBatches takes 20 rows a step.
func fitBatches(ctx context.Context, q *expfam.Normal) (*vi.Result, error) {
	return vi.Fit(ctx, q, batches(), &vi.Settings{Batch: 20})
}

// The posterior from the standard normal, on all rows and by batches, against a
// Metropolis chain. TestOutput has the fit from the mode.
func TestPosterior(t *testing.T) {
	tg := target()
	logp := func(x []float64) float64 { return tg.Grad(make([]float64, tg.Dim), x) }
	chain, err := mcmc.Sample(logp, []float64{0.7, -0.2, 0.5, -2.2}, []float64{0.05, 0.1, 0.05, 0.1}, 3000, 60000, rand.New(rand.NewPCG(5, 6)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for name, fit := range map[string]func(q *expfam.Normal) (*vi.Result, error){
		"whole":   func(q *expfam.Normal) (*vi.Result, error) { return vi.Fit(ctx, q, tg, nil) },
		"batches": func(q *expfam.Normal) (*vi.Result, error) { return fitBatches(ctx, q) },
	} {
		q := expfam.StandardNormal(tg.Dim)
		res, err := fit(q)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s", name, res)
		if res.Status != vi.Converged {
			t.Errorf("%s: %s", name, res)
		}
		if err := chain.Check(tg.Names, q.Mean(nil), q.Sd(nil), 0.1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
