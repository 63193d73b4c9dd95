package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/examples/internal/golden"
	"github.com/natgrad/natgrad/glm"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

const data = "../data/wells.csv"

func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(&b, data, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, b.String())
}

// The posterior after the last batch is that of all 3020 rows: posteriordb's
// wells data with the interaction of centred columns, moments of 40 000 NUTS
// draws, whose means are exact to 0.005 sd. Its flat priors differ from normal(0, 10)
// by less than 0.001 sd; three posteriors carried over as normal ones cost up to
// 0.03 sd and 3 % of an sd.
func TestPosterior(t *testing.T) {
	mean := []float64{0.351624, -0.8770897, 0.4713769, -0.1785701}
	sd := []float64{0.03986823, 0.1057564, 0.04238362, 0.1024493}
	dir := t.TempDir()
	if err := run(&bytes.Buffer{}, data, dir); err != nil {
		t.Fatal(err)
	}
	f, err := load(filepath.Join(dir, "random.json"))
	if err != nil {
		t.Fatal(err)
	}
	wells, err := glm.ReadCSVFile(data)
	if err != nil {
		t.Fatal(err)
	}
	d, a := stat.Mean(wells.Col("dist").Float(), nil)/100, stat.Mean(wells.Col("arsenic").Float(), nil)
	// b0 + b1 x + b2 z + b3 xz about x = d and z = a.
	q, err := f.Posterior.Affine(nil, mat.NewDense(4, 4, []float64{
		1, d, a, d * a,
		0, 1, 0, a,
		0, 0, 1, d,
		0, 0, 0, 1,
	}))
	if err != nil {
		t.Fatal(err)
	}
	m, s := q.Mean(nil), q.Sd(nil)
	for j := range mean {
		if d := math.Abs(m[j]-mean[j]) / sd[j]; d > 0.04 {
			t.Errorf("coefficient %d: mean %.5g, want %.5g: %.3f sd away", j, m[j], mean[j], d)
		}
		if r := s[j] / sd[j]; math.Abs(r-1) > 0.04 {
			t.Errorf("coefficient %d: sd %.5g, want %.5g", j, s[j], sd[j])
		}
	}
}

// What cannot be continued leaves the saved posterior as it was.
func TestKeepsState(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "posterior.json")
	rows, err := glm.ReadCSV(strings.NewReader("switch,dist,arsenic\n1,20,3\n0,150,0.6\n1,30,1\n0,80,2\n1,44,1.3\n0,12,0.7\n"), "rows")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := update(state, rows); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := glm.ReadCSV(strings.NewReader("switch,dist,arsenic\n2,20,3\n"), "rows")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := update(state, bad); err == nil || !strings.Contains(err.Error(), "switch") {
		t.Errorf("an outcome of 2: %v", err)
	}
	after, err := os.ReadFile(state)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the saved posterior changed (%v)", err)
	}
	if err := os.WriteFile(state, before[:len(before)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := update(state, rows); err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("a truncated posterior: %v", err)
	}
}
