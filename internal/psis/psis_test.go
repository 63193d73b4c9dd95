package psis

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

// closeTo accepts tol relative to max(1, |want|).
func closeTo(got, want, tol float64) bool {
	return math.Abs(got-want) <= tol*max(1, math.Abs(want))
}

// testdata/psis.json is written by testdata/psis.R with R package loo 2.5.1.
func TestGoldenPSIS(t *testing.T) {
	var cases []struct {
		Name       string
		LW         []float64
		KHat       float64
		NEff       float64 `json:"n_eff"`
		Tail       int
		LogWeights []float64 `json:"log_weights"`
	}
	readJSON(t, "psis.json", &cases)
	if len(cases) < 10 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			dst := make([]float64, len(c.LW))
			d, err := Smooth(dst, c.LW)
			if err != nil {
				t.Fatal(err)
			}
			if !closeTo(d.KHat, c.KHat, 1e-9) {
				t.Errorf("k = %v, want %v", d.KHat, c.KHat)
			}
			if !closeTo(d.ESS, c.NEff, 1e-9) {
				t.Errorf("ESS = %v, want %v", d.ESS, c.NEff)
			}
			if got := tailLength(len(c.LW)); got != c.Tail {
				t.Errorf("tail length %d, want %d", got, c.Tail)
			}
			worst := 0.0
			for i, w := range c.LogWeights {
				worst = max(worst, math.Abs(dst[i]-w)/max(1, math.Abs(w)))
			}
			if !(worst <= 1e-9) {
				t.Errorf("log weights differ by up to %.2g", worst)
			}
			k, err := KHat(c.LW)
			if err != nil || k != d.KHat {
				t.Errorf("KHat = %v, %v, want %v", k, err, d.KHat)
			}
		})
	}
}

// With weights from a Pareto tail of shape k the estimate is within a few of
// its own standard errors; the asymptotic variance of k̂ is (1+k)²/M.
func TestKHatRecoversShape(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	const n, reps = 4000, 20
	m := float64(tailLength(n))
	var s Smoother
	for _, k := range []float64{0.2, 0.5, 0.7, 1, 1.5} {
		mean := 0.0
		lw := make([]float64, n)
		for range reps {
			for i := range lw {
				lw[i] = k * rng.ExpFloat64()
			}
			d, err := s.Smooth(lw, lw)
			if err != nil {
				t.Fatal(err)
			}
			mean += d.KHat / reps
		}
		want := (m*k + 5) / (m + 10)
		if se := (1 + k) / math.Sqrt(m*reps); math.Abs(mean-want) > 4*se {
			t.Errorf("k = %v: mean estimate %.3f, want %.3f ± %.3f", k, mean, want, se)
		}
	}
}

func TestSmoothProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	lw := make([]float64, 900)
	for i := range lw {
		lw[i] = -300 + 2*rng.NormFloat64()
	}
	lw[3], lw[4] = math.Inf(-1), math.Inf(-1)
	orig := slices.Clone(lw)
	dst := make([]float64, len(lw))
	d, err := Smooth(dst, lw)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(lw, orig) {
		t.Error("lw was changed")
	}
	sum, sum2, top := 0.0, 0.0, slices.Max(lw)
	for i, l := range dst {
		sum += math.Exp(l)
		sum2 += math.Exp(2 * l)
		if raw := d.LogMean + math.Log(float64(len(lw))) + l; raw > top+1e-9 {
			t.Fatalf("weight %d is above the largest raw weight", i)
		}
		for j := range i {
			if lw[i] < lw[j] && dst[i] > dst[j] {
				t.Fatalf("the order of weights %d and %d changed", i, j)
			}
		}
	}
	if math.Abs(sum-1) > 1e-12 || math.Abs(1/sum2-d.ESS) > 1e-9*d.ESS {
		t.Errorf("Σw = %v, 1/Σw² = %v, ESS = %v", sum, 1/sum2, d.ESS)
	}
	if !math.IsInf(dst[3], -1) {
		t.Errorf("a zero weight became %v", dst[3])
	}
	// Adding a constant shifts LogMean alone; dst may be lw.
	for i := range lw {
		lw[i] += 1000
	}
	d2, err := Smooth(lw, lw)
	if err != nil || math.Abs(d2.KHat-d.KHat) > 1e-9 || math.Abs(d2.LogMean-1000-d.LogMean) > 1e-9 {
		t.Errorf("after a shift: %+v, %v, want %+v", d2, err, d)
	}
	for i := range lw {
		if !math.IsInf(dst[i], -1) && math.Abs(lw[i]-dst[i]) > 1e-9 {
			t.Fatalf("shifted weight %d = %v, want %v", i, lw[i], dst[i])
		}
	}
}

func TestSmoothEdges(t *testing.T) {
	inf := math.Inf(1)
	fill := func(n int, f func(i int) float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = f(i)
		}
		return v
	}
	for _, c := range []struct {
		name    string
		lw      []float64
		k, ess  float64
		anyKHat bool
	}{
		{"constant", fill(200, func(int) float64 { return -7 }), 0, 200, false},
		{"rounding noise", fill(200, func(i int) float64 { return -1e4 + 1e-11*float64(i*i%7) }), 0, 200, false},
		{"one draw", []float64{3}, inf, 1, false},
		{"twenty draws", fill(20, func(i int) float64 { return 0 }), inf, 20, false},
		{"one non-zero", fill(100, func(i int) float64 {
			if i == 7 {
				return 0
			}
			return -inf
		}), inf, 1, false},
		{"underflow", fill(100, func(i int) float64 { return -1000 * float64(i) }), inf, 1, false},
		{"two values, ties at the cut-off", fill(300, func(i int) float64 { return float64(i % 2) }), 0, 300 * 0.25 * (1 + math.E) * (1 + math.E) / (0.5 * (1 + math.E*math.E)), false},
		{"mostly ties", fill(1000, func(i int) float64 { return max(0, float64(i-970)/10) }), 0, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Smooth(make([]float64, len(c.lw)), c.lw)
			if err != nil {
				t.Fatal(err)
			}
			if math.IsNaN(d.KHat) || math.IsNaN(d.ESS) || math.IsNaN(d.LogMean) {
				t.Errorf("NaN in %+v", d)
			}
			if !c.anyKHat && (d.KHat != c.k || math.Abs(d.ESS-c.ess) > 1e-6*c.ess) {
				t.Errorf("k = %v, ESS = %v, want %v, %v", d.KHat, d.ESS, c.k, c.ess)
			}
			if c.anyKHat && math.IsInf(d.KHat, 1) {
				t.Error("ties at the cut-off defeated the fit")
			}
		})
	}
	for _, c := range []struct {
		lw   []float64
		word string
	}{
		{nil, "non-zero weights"},
		{[]float64{-inf, -inf}, "non-zero weights"},
		{[]float64{0, math.NaN()}, "draw 1 is NaN"},
		{[]float64{0, 1, inf}, "draw 2 is +Inf"},
	} {
		_, err := Smooth(make([]float64, len(c.lw)), c.lw)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.word) {
			t.Errorf("Smooth(%v): error %v, want one with %q", c.lw, err, c.word)
		}
	}
}

func TestSelectKth(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for n := 1; n < 60; n++ {
		v := make([]float64, n)
		for i := range v {
			v[i] = float64(rng.IntN(1 + n/2))
		}
		sorted := slices.Sorted(slices.Values(v))
		for k := range n {
			if got := selectKth(slices.Clone(v), k); got != sorted[k] {
				t.Fatalf("n = %d, k = %d: %v, want %v", n, k, got, sorted[k])
			}
		}
	}
}

func TestSmootherAllocs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	lw, dst := make([]float64, 1000), make([]float64, 1000)
	for i := range lw {
		lw[i] = rng.NormFloat64()
	}
	var s Smoother
	if n := testing.AllocsPerRun(10, func() {
		if _, err := s.Smooth(dst, lw); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkSmooth(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	lw, dst := make([]float64, 1000), make([]float64, 1000)
	for i := range lw {
		lw[i] = rng.NormFloat64()
	}
	var s Smoother
	for b.Loop() {
		if _, err := s.Smooth(dst, lw); err != nil {
			b.Fatal(err)
		}
	}
}
