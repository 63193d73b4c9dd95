package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/natgrad/natgrad/examples/internal/golden"
	"github.com/natgrad/natgrad/examples/internal/mcmc"
	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/structured"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

const data = "../data/wells.csv"

func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(&b, data, func(time.Duration) string { return "~" }); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, b.String())
	if err := run(&b, filepath.Join(t.TempDir(), "none.csv"), nil); err == nil {
		t.Error("no data: no error")
	}
}

// The dense fit is that of a normal distribution with a full covariance, a
// different family moved by a different step, and a Metropolis chain agrees.
func TestWellsPosterior(t *testing.T) {
	target, err := wells(data)
	if err != nil {
		t.Fatal(err)
	}
	all := wellsShapes()
	fits, err := fitAll(target, all[len(all)-1:], wellsScale)
	if err != nil {
		t.Fatal(err)
	}
	dense := fits[0]
	normal := expfam.StandardNormal(target.Dim)
	r, err := vi.Fit(context.Background(), normal, target, &vi.Settings{Diagnostics: -1})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(r.ELBO-dense.ELBO) > 1e-6 {
		t.Errorf("ELBO %.8f of a dense root, %.8f of a full covariance", dense.ELBO, r.ELBO)
	}
	x, y := target.Linear.Terms[0].X, outcomes(t, target)
	eta, soft := make([]float64, len(y)), make([]float64, len(y))
	logp := func(b []float64) float64 {
		blas64.Gemv(blas.NoTrans, 1, x, blas64.Vector{N: len(b), Inc: 1, Data: b}, 0, blas64.Vector{N: len(y), Inc: 1, Data: eta})
		la.Softplus(soft, eta)
		l := 0.0
		for i, e := range eta {
			l += y[i]*e - soft[i]
		}
		for _, v := range b {
			l -= 0.5 * v * v
		}
		return l
	}
	mean, sd := dense.q.Mean(nil), dense.q.Sd(nil)
	chain, err := mcmc.Sample(logp, mean, sd, 4000, 40000, rand.New(rand.NewPCG(9, 3)))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"1", "t", "t²", "s", "st", "st²", "s²", "s²t", "s²t²"}
	if err := chain.Check(names, mean, sd, 0.05); err != nil {
		t.Error(err)
	}
}

// outcomes reads y off the likelihood, whose derivative at predictor 0 is y − ½.
func outcomes(t *testing.T, target *vi.Target) []float64 {
	t.Helper()
	y := make([]float64, target.Linear.Terms[0].X.Rows)
	target.Linear.Terms[0].Eval(0, make([]float64, len(y)), nil, &vi.Derivs{E: y})
	for i := range y {
		y[i] += 0.5
	}
	return y
}

// Every shape reaches the optimum of the quadratic in closed form: with a block G of
// B⁻¹ whose rows also reach the indices R,
//
//	ELBO = ½b'H⁻¹b + (p/2) log 2π − ½ Σ_G log|H_GG − H_GR H_RR⁻¹ H_RG|.
func TestQuadraticOptima(t *testing.T) {
	h := mat.NewSymDense(6, quadH)
	target, err := quadratic(h, quadB)
	if err != nil {
		t.Fatal(err)
	}
	fits, err := fitAll(target, shapes(6, []int{2}), 1)
	if err != nil {
		t.Fatal(err)
	}
	type block struct{ rows, reach []int }
	single := func(reach []int, rows ...int) (b []block) {
		for _, r := range rows {
			b = append(b, block{[]int{r}, reach})
		}
		return b
	}
	blocks := map[string][]block{
		"diagonal":            single(nil, 0, 1, 2, 3, 4, 5),
		"up(2)":               append(single(nil, 2, 3, 4, 5), block{[]int{0, 1}, []int{2, 3, 4, 5}}),
		"low(2)":              append(single([]int{0, 1}, 2, 3, 4, 5), block{[]int{0, 1}, nil}),
		"heisenberg-up(2,1)":  append(single([]int{5}, 2, 3, 4), block{[]int{0, 1}, []int{2, 3, 4, 5}}, block{[]int{5}, nil}),
		"heisenberg-low(2,1)": append(single([]int{0, 1}, 2, 3, 4), block{[]int{0, 1}, nil}, block{[]int{5}, []int{0, 1, 2, 3, 4}}),
		"cholesky":            {{[]int{0, 1, 2, 3, 4, 5}, nil}},
		"dense":               {{[]int{0, 1, 2, 3, 4, 5}, nil}},
	}
	logDet := func(idx ...int) float64 {
		if len(idx) == 0 {
			return 0
		}
		m := mat.NewSymDense(len(idx), nil)
		for i, a := range idx {
			for j, b := range idx {
				m.SetSym(i, j, h.At(a, b))
			}
		}
		return math.Log(mat.Det(m))
	}
	var mean mat.VecDense
	b := mat.NewVecDense(6, quadB)
	if err := mean.SolveVec(h, b); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, f := range fits {
		bs, ok := blocks[f.shape]
		if !ok {
			continue
		}
		checked++
		want := 0.5*mat.Dot(b, &mean) + 3*math.Log(2*math.Pi)
		for _, g := range bs {
			want -= 0.5 * (logDet(append(append([]int{}, g.rows...), g.reach...)...) - logDet(g.reach...))
		}
		if math.Abs(f.ELBO-want) > 1e-7 {
			t.Errorf("%s: ELBO %.8f, want %.8f", f.shape, f.ELBO, want)
		}
	}
	if checked != len(blocks) {
		t.Errorf("%d shapes were compared, want %d", checked, len(blocks))
	}
}

// With momentum a run at a rate that bears it takes less than half the steps.
func TestMomentumSavesSteps(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	h := spread(rng, 6, 30)
	target := nearness(h, rng, 50)
	eye := mat.NewSymDense(6, identity(6).Data)
	eye.ScaleSym(1./30, eye)
	var steps [2]int
	for k, c := range []struct{ alpha, rate float64 }{{0, 0.1}, {0.7, 0.1}} {
		z, err := structured.NewSPD(eye)
		if err != nil {
			t.Fatal(err)
		}
		if err := z.SetMomentum(c.alpha); err != nil {
			t.Fatal(err)
		}
		if steps[k], err = stepsTo(z, target, c.rate, -1e-8, 1000); err != nil {
			t.Fatal(err)
		}
		// At the goal Z is the inverse of Q.
		var prod mat.Dense
		prod.Mul(z.Matrix(nil), h)
		prod.Sub(&prod, mat.NewDense(6, 6, identity(6).Data))
		if d := mat.Norm(&prod, 2); d > 1e-3 {
			t.Errorf("momentum %v: |ZQ − I| = %g", c.alpha, d)
		}
	}
	if !(2*steps[1] < steps[0]) {
		t.Errorf("%d steps without momentum, %d with it", steps[0], steps[1])
	}
}

// A step allocates nothing, and its table has a row a size.
func TestLarge(t *testing.T) {
	var b bytes.Buffer
	if err := largeTable(&b, 1000); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	last := strings.Fields(lines[len(lines)-1])
	if len(last) != 8 || last[0] != "1000" || last[1] != "11990" || last[6] != "0" || last[7] != "0" {
		t.Errorf("%s", b.String())
	}
}

func TestPictures(t *testing.T) {
	dir := t.TempDir()
	if err := savePictures(dir, data); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"structured-densities.svg", "structured-correlations.svg"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(b) < 5_000 || len(b) > 80_000 {
			t.Errorf("%s has %d bytes", name, len(b))
		}
		for d := xml.NewDecoder(bytes.NewReader(b)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// The exact marginal of the pictures agrees with the draws of the dense fit after
// reweighting: means of both coefficients.
func TestMarginal(t *testing.T) {
	x, y := parabolaRows()
	g := marginal(x, y, parabolaPriorSd)
	fits, err := fitAll(logistic(x, y, parabolaPriorSd), []shape{{"dense", func() (structured.Factor, error) { return structured.Dense(3) }}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := fits[0]
	var total, mx, my float64
	for r, c := range g.y {
		for k, b := range g.x {
			w := g.z.At(r, k)
			total, mx, my = total+w, mx+w*b, my+w*c
		}
	}
	exact := []float64{mx / total, my / total}
	for j, want := range exact {
		sum := 0.0
		for i, lw := range f.LogWeights {
			sum += math.Exp(lw) * f.Draws.At(i, j+1)
		}
		se := f.q.Sd(nil)[j+1] / math.Sqrt(f.ESS)
		if math.Abs(sum-want) > 5*se {
			t.Errorf("coefficient %d: mean %.3f on the grid, %.3f ± %.3f by draws", j+1, want, sum, se)
		}
	}
}
