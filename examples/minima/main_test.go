package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
)

func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, b.String())
}

func TestGradients(t *testing.T) {
	for name, f := range map[string]function{"tangle": tangle, "ripples": ripples} {
		for _, x := range random(20, 2, 1) {
			grad := make([]float64, 2)
			f(grad, x)
			for j := range x {
				const h = 1e-6
				at := x[j]
				x[j] = at + h
				up := value(f, x)
				x[j] = at - h
				d := (up - value(f, x)) / (2 * h)
				x[j] = at
				if math.Abs(d-grad[j]) > 1e-5*(1+math.Abs(d)) {
					t.Errorf("%s at %v: derivative %d is %v, by differences %v", name, x, j, grad[j], d)
				}
			}
		}
		if v := value(f, []float64{0, 0}); v != 0 {
			t.Errorf("%s is %v at the origin", name, v)
		}
	}
}

// At rate 1 the ends of VadaGrad are far below those of AdaGrad, from the same starts.
func TestNoiseHelps(t *testing.T) {
	ways := walkers(1)
	starts := random(30, 10, 5)
	var v [2][]float64
	for i, k := range []walker{ways[2], ways[1]} {
		ends, err := k.ends(ripples, starts, 1, 1000)
		if err != nil {
			t.Fatal(err)
		}
		v[i] = values(ripples, ends)
	}
	wins := 0
	for i := range starts {
		if v[0][i] < v[1][i] {
			wins++
		}
	}
	// A fair coin wins 25 of 30 once in 6000 tries.
	if wins < 25 {
		t.Errorf("VadaGrad ends lower from %d of %d starts", wins, len(starts))
	}
}

// The perturbations are all that tells silent VadaGrad from AdaGrad.
func TestSilentIsAdaGrad(t *testing.T) {
	k := walkers(1)[1]
	x := []float64{3, -2}
	got, err := k.walk(ripples, x, 0.5, 50, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, sum, g := []float64{3, -2}, []float64{1e-8, 1e-8}, make([]float64, 2)
	for i := 1; i <= 50; i++ {
		ripples(g, w)
		rate := 0.5 * 0.5 * (1 + math.Cos(math.Pi*float64(i)/50))
		for j := range w {
			sum[j] += g[j] * g[j]
			w[j] -= rate * g[j] / math.Sqrt(sum[j])
		}
	}
	for j := range w {
		if math.Abs(w[j]-got[j]) > 1e-9 {
			t.Errorf("weight %d: %v, AdaGrad %v", j, got[j], w[j])
		}
	}
}

func TestPicture(t *testing.T) {
	d := t.TempDir()
	if err := savePicture(d); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(filepath.Join(d, "minima.svg")); err != nil || i.Size() < 5_000 || i.Size() > 200_000 {
		t.Error(i, err)
	}
}
