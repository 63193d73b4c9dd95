package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
	"github.com/natgrad/natgrad/expfam"
)

const dir = "../../testdata/logreg"

func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(&b, dir); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, b.String())
	if err := run(io.Discard, t.TempDir()); err == nil {
		t.Error("no data: no error")
	}
}

// The best distribution is the one that L-BFGS and Gauss-Hermite quadratures found.
func TestBest(t *testing.T) {
	p, err := cancer(dir)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../../testdata/oracles/weight-perturbation/mf_exact_logreg.json")
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Cases []struct {
			NegELBO   float64   `json:"neg_elbo"`
			LogLoss   float64   `json:"test_logloss_nats"`
			Mu, Sigma []float64 // the bias first
		}
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	c := f.Cases[0]
	if d := p.bound + c.NegELBO; math.Abs(d) > 1e-6 {
		t.Errorf("ELBO %.8f, want %.8f", p.bound, -c.NegELBO)
	}
	if got := p.elbo(p.best, p.best.KLTo(prior(t, p))); math.Abs(got-p.bound) > 1e-7 {
		t.Errorf("ELBO %.8f by the trapezoidal rule, %.8f by vi.Fit", got, p.bound)
	}
	if got := p.logLoss(p.best); math.Abs(got-c.LogLoss) > 1e-5 {
		t.Errorf("log loss %.7f, want %.7f", got, c.LogLoss)
	}
	mean, sd := p.best.Mean(nil), p.best.Sd(nil)
	for j := range mean {
		k := (j + 1) % len(mean)
		if math.Abs(mean[j]-c.Mu[k]) > 3e-3*c.Sigma[k] || math.Abs(sd[j]/c.Sigma[k]-1) > 1e-4 {
			t.Errorf("weight %d: %v ± %v, want %v ± %v", j, mean[j], sd[j], c.Mu[k], c.Sigma[k])
		}
	}
}

// once makes the fits of a test those of one seed.
func once(t *testing.T) {
	all := seeds
	seeds = 1
	t.Cleanup(func() { seeds = all })
}

// prior is the prior of the weights.
func prior(t *testing.T, p *problem) *expfam.DiagNormal {
	t.Helper()
	sd := make([]float64, len(p.prior))
	for j, l := range p.prior {
		sd[j] = 1 / math.Sqrt(l)
	}
	q, err := expfam.NewDiagNormal(make([]float64, len(sd)), sd)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// What the tables are there to show: IVON finds the sds at any size of the
// minibatch, Vadam's grow with it.
func TestWidths(t *testing.T) {
	once(t)
	p, err := cancer(dir)
	if err != nil {
		t.Fatal(err)
	}
	ratio := func(m method) float64 {
		f, err := m.medians(p, epochs)
		if err != nil {
			t.Fatal(err)
		}
		return f.ratio
	}
	for _, c := range []struct {
		m      method
		lo, hi float64
	}{
		{bySize[0].make(1), 1.05, 1.3},
		{bySize[0].make(32), 1.8, 2.4},
		{bySize[2].make(1), 0.9, 1.1},
		{bySize[2].make(32), 0.9, 1.1},
	} {
		if r := ratio(c.m); r < c.lo || r > c.hi {
			t.Errorf("%v, M = %d: ratio of sds %.3f outside [%v, %v]", c.m.Method, c.m.batch, r, c.lo, c.hi)
		}
	}
}

func TestPaper(t *testing.T) {
	var b bytes.Buffer
	if err := paperTable(&b, dir, 20, 1); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != 8 {
		t.Errorf("%d lines:\n%s", n, b.String())
	}
}

func TestPicture(t *testing.T) {
	once(t)
	d := t.TempDir()
	if err := savePicture(d, dir); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(filepath.Join(d, "logreg.svg")); err != nil || i.Size() < 5_000 || i.Size() > 100_000 {
		t.Error(i, err)
	}
}
