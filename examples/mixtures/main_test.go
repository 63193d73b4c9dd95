package main

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/mat"
)

func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(config{w: &b, seeds: 1, only: "betabinomial", maxK: 3}); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, b.String())
}

// The posteriors behind the table: a tenth of the published steps gives what all of
// them gave, and moments as those of the grid.
func TestPosteriors(t *testing.T) {
	for _, e := range experiments() {
		if e.p.name == "banana" && e.k != 1 || e.k > 3 && e.p.name == "betabinomial" {
			continue
		}
		m, _, err := e.tunedSteps(1, e.steps/short)
		if err != nil {
			t.Fatal(err)
		}
		kl, mass := e.p.grid.KL(m.LogProb)
		t.Logf("%s, %s, K = %d: KL %.3g, reference %.3g", e.p.title, e.estimator(), e.k, kl, e.kl)
		if kl > math.Max(e.kl, 0.005) || kl < -1e-6 || math.Abs(mass-1) > 1e-3 {
			t.Errorf("%s, K = %d: KL %.4f, want at most %.4f; mass %v", e.p.title, e.k, kl, e.kl, mass)
		}
		if e.k == 1 {
			continue // not expected to have them
		}
		mean, sd := e.p.grid.Moments()
		qm, qs := m.Mean(nil), m.Sd(nil)
		for i := range qm {
			if d := math.Abs(qm[i]-mean[i]) / sd[i]; d > 0.05 || math.Abs(qs[i]/sd[i]-1) > 0.1 {
				t.Errorf("%s, K = %d: coordinate %d has mean %.3f and sd %.3f, want %.3f and %.3f", e.p.title, e.k, i, qm[i], qs[i], mean[i], sd[i])
			}
		}
	}
}

func TestPictures(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	if err := pictures(config{w: &b, only: "star", pictures: dir}, experiments()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "mixture-star.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil || img.Bounds().Dx() < 1000 {
		t.Errorf("%v, %v", img, err)
	}
	if n := bytes.Count(b.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("%d lines of output, want 1:\n%s", n, &b)
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []config{{only: "stars"}, {seeds: -1}, {only: "pictures"}} {
		c.w = new(bytes.Buffer)
		if err := run(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

// The regions of highest density of a standard normal end at r² = −2 log(1 − mass).
func TestBands(t *testing.T) {
	one := mat.NewSymDense(2, []float64{1, 0, 0, 1})
	n := targets.MixtureOfNormals([]float64{0}, [][]float64{{0, 0}}, []*mat.SymDense{one})
	b := newBands(n.LogProb, view{lo: [2]float64{-6, -6}, hi: [2]float64{6, 6}}, nil)
	for i, mass := range bandMass {
		if want := math.Log(1-mass) - math.Log(2*math.Pi); math.Abs(b.levels[i]-want) > 0.02 {
			t.Errorf("region of mass %v ends at %v, want %v", mass, b.levels[i], want)
		}
	}
	c, r := b.Dims()
	if in, out := b.Z(c/2, r/2), b.Z(0, 0); in != float64(len(bandMass)) || out != 0 {
		t.Errorf("bands at centre and corner are %v and %v", in, out)
	}
}

// A standard normal against a Student-t that is nearly a point: MMD² is E k(x, x') −
// 2 E k(x, 0) + 1, and x − x' is normal.
func TestMarginalMMD(t *testing.T) {
	g, err := newMarginals([][]float64{{0}}, []*mat.SymDense{mat.NewSymDense(1, []float64{100})})
	if err != nil {
		t.Fatal(err)
	}
	m, err := scattered(1, 1, 0, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	same := func(a, b, shift float64) float64 { // E k(x, y), x − y ~ N(shift, a² + b²)
		v := bandwidth*bandwidth + a*a + b*b
		return bandwidth / math.Sqrt(v) * math.Exp(-shift*shift/(2*v))
	}
	want := math.Sqrt(same(1, 1, 0) - 2*same(1, 0, 0) + same(0, 0, 0))
	got, square, top, err := g.mmd(m)
	if err != nil || got != top || math.Abs(square-got*got) > 1e-12 || math.Abs(got-want) > 0.01 {
		t.Errorf("MMD %v and %v, its square %v, %v, want %v", got, top, square, err, want)
	}
	if n := found(m, [][]float64{{0}, {50}}, []*mat.SymDense{mat.NewSymDense(1, []float64{1}), mat.NewSymDense(1, []float64{1})}); n != 1 {
		t.Errorf("%d modes found, want 1", n)
	}
}

// Settings of the authors keep finding what they found: their own rule, their start.
func TestPublishedSettings(t *testing.T) {
	var e experiment
	for _, x := range experiments() {
		if x.p.name == "star" && x.hess {
			e = x
		}
	}
	e.steps /= 10
	m, evals, err := e.asPublished(0)
	if err != nil {
		t.Fatal(err)
	}
	if kl, _ := e.p.grid.KL(m.LogProb); kl > 0.3 || evals != e.steps*e.draws || m.Options().Rule != mixture.IBLR {
		t.Errorf("KL %v after %d evaluations, want about 0.1 after %d", kl, evals, e.steps*e.draws)
	}
}
