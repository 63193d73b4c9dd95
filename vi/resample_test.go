package vi

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// Resampling a posterior that is off by half an sd gives the target's moments.
func TestResample(t *testing.T) {
	prec := mat.NewSymDense(1, []float64{1 / 0.64})
	target := normalTarget([]float64{0.5}, prec)
	r, err := Judge(expfam.StandardNormal(1), target, &Settings{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	mean, sd, err := r.Moments()
	if err != nil {
		t.Fatal(err)
	}
	se := 0.8 / math.Sqrt(r.ESS)
	if math.Abs(mean[0]-0.5) > 4*se || math.Abs(sd[0]-0.8) > 4*se {
		t.Errorf("moments are %v ± %v, want 0.5 ± 0.8 within %v", mean, sd, 4*se)
	}
	id := func(x []float64) float64 { return x[0] }
	if m, e, err := r.Expect(id); err != nil || math.Abs(m-mean[0]) > 1e-12 || !(e > se/2 && e < 2*se) {
		t.Errorf("Expect: %v ± %v (%v), want %v ± %v", m, e, err, mean[0], se)
	}
	if q, err := r.Quantiles([]float64{0.16, 0.5, 0.84}, id); err != nil || math.Abs(q[1]-0.5) > 6*se || math.Abs(q[2]-q[0]-1.6) > 12*se {
		t.Errorf("quantiles are %v (%v)", q, err)
	}
	var pe *PanicError
	if _, _, err := r.Expect(func([]float64) float64 { panic("boom") }); !errors.As(err, &pe) {
		t.Errorf("Expect of a panic: %v", err)
	}
	x, err := r.Resample(3000, 1)
	if err != nil {
		t.Fatal(err)
	}
	m, s := stat.MeanStdDev(mat.Col(nil, 0, x), nil)
	// Systematic resampling adds less noise than 3000 independent draws would.
	if noise := 0.8 / math.Sqrt(3000); math.Abs(m-mean[0]) > 2*noise || math.Abs(s-sd[0]) > 2*noise {
		t.Errorf("resampled moments are %v and %v, weighted ones %v and %v", m, s, mean, sd)
	}
	y, _ := r.Resample(3000, 1)
	if !mat.Equal(x, y) {
		t.Error("equal seeds give different draws")
	}
	if _, err := r.Resample(0, 1); err == nil {
		t.Error("n = 0 is accepted")
	}
	none, err := Judge(expfam.StandardNormal(1), target, &Settings{Diagnostics: -1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Resample(10, 1); err == nil {
		t.Error("a fit without draws is resampled")
	}
	if none.Grade() != Caution || !strings.Contains(none.Verdict(), "not judged") || none.Conditions&expfam.NonFinite != 0 {
		t.Errorf("without diagnostics: %v", none)
	}
	if _, _, err := none.Expect(id); err == nil {
		t.Error("a fit without draws has expectations")
	}
	if _, err := none.Quantiles([]float64{0.5}, id); err == nil {
		t.Error("a fit without draws has quantiles")
	}
	if _, _, err := none.Moments(); err == nil {
		t.Error("a fit without draws has weighted moments")
	}
}
