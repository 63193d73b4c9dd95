package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkSVG fails unless the figure is one well-formed, self-contained SVG element
// with the same bytes each time, and returns its text.
func checkSVG(t *testing.T, f *Figure) string {
	t.Helper()
	s := f.SVG()
	if s != f.SVG() {
		t.Error("two renderings differ")
	}
	if !strings.HasPrefix(s, "<svg ") || strings.Contains(s, "href") {
		t.Errorf("not a clean SVG element: %.200s", s)
	}
	var text strings.Builder
	dec := xml.NewDecoder(strings.NewReader(s))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if tok.Name.Local == "script" {
				t.Error("a script element")
			}
			for _, a := range tok.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("coordinates %.200s", a.Value)
				}
			}
		case xml.CharData:
			text.Write(tok)
			text.WriteByte('\n')
		}
	}
}

func wantText(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in the figure's text:\n%s", w, text)
		}
	}
}

func noise(n int, f func(r *rand.Rand) float64) []float64 {
	r := rand.New(rand.NewPCG(5, 6))
	x := make([]float64, n)
	for i := range x {
		x[i] = f(r)
	}
	return x
}

func TestCoefPlotScales(t *testing.T) {
	near := []Coef{{Name: "a", Mean: 1, SD: 0.3}, {Name: hostile, Mean: -0.5, SD: 0.2}, {Name: "precise", Mean: 0.7, SD: 1e-4}}
	text := checkSVG(t, CoefPlot(near, nil))
	wantText(t, text, "Coefficients", "a\n", "<script>", "1.00 [0.51, 1.49]", "−0.500 [−0.829, −0.171]")
	if strings.Contains(text, "sd") {
		t.Errorf("coefficients of one scale need no other axis:\n%s", text)
	}
	dwarf := append([]Coef{{Name: "(Intercept)", Mean: 500, SD: 2}}, near...)
	f := CoefPlot(dwarf, nil)
	wantText(t, f.Note, "(Intercept) is left out", "500.00 [496.71, 503.29]")
	checkSVG(t, f)
	far := append(dwarf, Coef{Name: "small", Mean: 1e-6, SD: 1e-7})
	f = CoefPlot(far, nil)
	wantText(t, f.Note, "units of its own posterior sd", "arrow")
	wantText(t, checkSVG(t, f), "(Intercept)", "small", "value / posterior sd")
	f = CoefPlot(far, &CoefPlotOptions{Scale: RawScale, Title: "Mine"})
	wantText(t, checkSVG(t, f), "Mine", "(Intercept)", "small")
	if f.Note != "" {
		t.Errorf("note %q: nothing was left out", f.Note)
	}
}

func TestCoefPlotDegenerate(t *testing.T) {
	wantText(t, checkSVG(t, CoefPlot(nil, nil)), "no coefficients")
	wantText(t, checkSVG(t, CoefPlot(testCoefs[3:], nil)), "no coefficients", "1 coefficient left out: not finite")
	for _, c := range []Coef{{}, {Name: "fixed", Mean: 3}, {Name: "big", Mean: 1e149, SD: 1e140}, {Name: "far", Mean: 1e9, SD: 1e-6},
		{Name: "over", Mean: 1e300, SD: 1}, {Name: "swapped", Mean: 1, SD: -1, Q05: 2, Q95: 0.1}, {Name: strings.Repeat("W", 500), Mean: -1, SD: 1}} {
		for _, s := range []Scale{AutoScale, RawScale, SDScale} {
			checkSVG(t, CoefPlot([]Coef{c}, &CoefPlotOptions{Scale: s}))
			checkSVG(t, CoefPlot([]Coef{testCoefs[0], c, testCoefs[1]}, &CoefPlotOptions{Scale: s}))
		}
	}
	many := make([]Coef, 1000)
	for i := range many {
		many[i] = Coef{Name: fmt.Sprintf("u[%d]", i+1), Mean: float64(i%37) - 18, SD: 5}
	}
	many[500].Mean = 100
	f := CoefPlot(many, nil)
	wantText(t, f.Note, "40 of 1000")
	text := checkSVG(t, f)
	wantText(t, text, "u[501]")
	if n := strings.Count(text, "u["); n != 40 {
		t.Errorf("%d coefficients shown, want 40", n)
	}
}

func TestELBOPlot(t *testing.T) {
	var exact, noisy []TracePoint
	r := rand.New(rand.NewPCG(7, 8))
	for i := range 2000 {
		exact = append(exact, TracePoint{Iter: i, ELBO: -100 - 50*math.Pow(0.99, float64(i))})
		noisy = append(noisy, TracePoint{Iter: i, ELBO: -100 - 5e4*math.Exp(-float64(i)/50) + r.NormFloat64(), SE: 1})
	}
	exact = append(exact, TracePoint{2000, math.NaN(), 0}, TracePoint{2001, -100, 0})
	f := ELBOPlot(exact)
	wantText(t, checkSVG(t, f), "Distance to the best ELBO", "gap (nats, log scale)", "1 iteration left out", "-100.0000 nats, at iteration 2001")
	if n := len(f.SVG()); n > 40000 {
		t.Errorf("%d bytes: a long trace must be thinned", n)
	}
	f = ELBOPlot(noisy)
	wantText(t, checkSVG(t, f), "ELBO by iteration", "± 2 standard errors", "below the frame")
	for _, tr := range [][]TracePoint{nil, {{}}, {{0, math.NaN(), 0}}, {{5, -3, 0.1}}, {{0, 1, 0}, {1, 1, 0}}, {{0, -1e149, 1}, {1, 1e149, 1}},
		{{0, -1e308, 0}, {1, 0, 0}}, {{3, 2, math.Inf(1)}, {3, 2, 1}}, {{9, 1, 0}, {0, 5, 0}}, {{0, 1, 0}, {1, 1 + 1e-15, 0}}} {
		checkSVG(t, ELBOPlot(tr))
	}
}

func TestPredictiveChecks(t *testing.T) {
	y := noise(200, func(r *rand.Rand) float64 { return r.NormFloat64() })
	counts := noise(200, func(r *rand.Rand) float64 { return math.Floor(4 * r.ExpFloat64()) })
	sets := [][]float64{y[:100], y[100:], append(y[:50:50], math.NaN(), math.Inf(1))}
	f := PredictiveDensity(append(y, math.NaN()), sets)
	wantText(t, checkSVG(t, f), "observed", "replicated, 90 %", "1 observation left out", "2 replicated values left out")
	f = PredictiveCounts(counts, [][]float64{counts, counts[:100]})
	wantText(t, checkSVG(t, f), "replicated, median", "The last bar takes in everything above it")
	wide := noise(200, func(r *rand.Rand) float64 { return math.Floor(1000 * r.Float64()) })
	wantText(t, checkSVG(t, PredictiveCounts(wide, [][]float64{wide})), "Each bar covers 25 values")
	for _, y := range [][]float64{nil, {1}, {3, 3, 3}, {0, 0}, {-1e149, 1e149}, {1e149, 1e149}, {1e-300, 2e-300}, {0, 0, 0, 1e12}, {1e17, 1e17 + 64}} {
		for _, rep := range [][][]float64{nil, {nil}, {{3}}, {y}, {y, {2, 4}}, {{math.NaN()}}} {
			checkSVG(t, PredictiveDensity(y, rep))
			checkSVG(t, PredictiveCounts(y, rep))
			if t.Failed() {
				t.Fatalf("y = %v, rep = %v", y, rep)
			}
		}
	}
}

func TestKDEIsADensity(t *testing.T) {
	x := sorted(noise(5000, func(r *rand.Rand) float64 { return 2 + 3*r.NormFloat64() }))
	h := bandwidth(x)
	if want := 0.9 * 3 * math.Pow(5000, -0.2); math.Abs(h-want) > 0.05*want {
		t.Errorf("bandwidth %v, want about %v", h, want)
	}
	lo, hi := -16.0, 20.0
	d := kde(make([]float64, 401), x, lo, hi, h)
	step, area := (hi-lo)/400, 0.0
	for i, v := range d {
		area += v * step
		u := lo + float64(i)*step
		// Against the direct sum over the sample.
		if i%50 == 0 {
			want := 0.0
			for _, xi := range x {
				want += math.Exp(-0.5*(u-xi)*(u-xi)/(h*h)) / (h * math.Sqrt(2*math.Pi) * float64(len(x)))
			}
			if math.Abs(v-want) > 1e-3*0.133 {
				t.Errorf("density %v at %v, want %v", v, u, want)
			}
		}
	}
	if math.Abs(area-1) > 1e-3 {
		t.Errorf("area %v, want 1", area)
	}
}

func TestCalibrationPlot(t *testing.T) {
	p := noise(500, func(r *rand.Rand) float64 { return r.Float64() })
	y := make([]float64, 500)
	for i := range y {
		if i%3 == 0 {
			y[i] = 1
		}
	}
	wantText(t, checkSVG(t, CalibrationPlot(p, y)), "500 rows, 50 in each of 10 groups", "observed fraction")
	wantText(t, checkSVG(t, CalibrationPlot([]float64{0.5, math.NaN(), 0.5, -1, 0.2}, []float64{1, 1, 2, 0})), "4 rows left out", "1 row, 1 in each of 1 group")
	// Ties are one group, whatever the order of the rows.
	tied := CalibrationPlot([]float64{0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3},
		[]float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	wantText(t, tied.Note, "20 in each of 1 group")
	wantText(t, checkSVG(t, CalibrationPlot(nil, nil)), "no predictions")
	checkSVG(t, CalibrationPlot([]float64{0, 1}, []float64{0, 1}))
}

// Brown, Cai and DasGupta's and R's prop.test(correct = FALSE) values.
func TestWilson(t *testing.T) {
	for _, c := range []struct{ k, n, z, lo, hi float64 }{
		{15, 148, 1.959963984540054, 0.062386142, 0.160448617}, // Newcombe 1998, table I: 0.0624 to 0.1605
		{0, 20, 1.959963984540054, 0, 0.1611},
		{1, 29, 1.959963984540054, 0.0061, 0.1718},
	} {
		lo, hi := wilson(c.k, c.n, c.z)
		if math.Abs(lo-c.lo) > 6e-5 || math.Abs(hi-c.hi) > 6e-5 {
			t.Errorf("wilson(%v, %v) = %v, %v, want %v, %v", c.k, c.n, lo, hi, c.lo, c.hi)
		}
	}
}

func TestMarginalPlot(t *testing.T) {
	draws := noise(1000, func(r *rand.Rand) float64 { return 1 + 2*r.NormFloat64() })
	f := MarginalPlot(hostile, 1, 2, append(draws, 1e6, math.NaN()))
	wantText(t, checkSVG(t, f), "Posterior of", "1 draw left out", "1 draw lie", "Normal approximation")
	for _, c := range [][2]float64{{0, 0}, {math.NaN(), 1}, {1e10, 1e-8}, {1e17, 10}, {0, 1e-300}, {0, 1e140}, {1, math.Inf(1)}} {
		checkSVG(t, MarginalPlot("x", c[0], c[1], nil))
		checkSVG(t, MarginalPlot("x", c[0], c[1], draws))
	}
}

func TestFigureOutputs(t *testing.T) {
	f := CoefPlot(testCoefs, nil)
	img, err := png.Decode(bytes.NewReader(f.PNG()))
	if err != nil || img.Bounds().Dx() != 1280 {
		t.Fatalf("PNG: %v, width %v, want 1280", err, img.Bounds())
	}
	if !bytes.Equal(f.PNG(), f.PNG()) {
		t.Error("two PNG renderings differ")
	}
	dir := t.TempDir()
	for _, name := range []string{"a.svg", "b.PNG"} {
		if err := f.Save(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a.svg")); err != nil || !bytes.HasPrefix(b, []byte("<?xml")) {
		t.Errorf("%v: a file of its own starts with an XML declaration: %.40q", err, b)
	}
	for _, bad := range []string{"c.pdf", "c", filepath.Join("no", "such", "c.svg")} {
		if err := f.Save(filepath.Join(dir, bad)); err == nil || !strings.Contains(err.Error(), "report: Figure.Save") {
			t.Errorf("%s: error %v", bad, err)
		}
	}
	var none *Figure
	if none.SVG() != "" || none.PNG() != nil || none.Save("x.svg") == nil || len(none.SimpleRender()) != 2 {
		t.Error("a nil figure is not empty")
	}
	checkSVG(t, &Figure{})
	checkSVG(t, &Figure{Title: hostile, Note: strings.Repeat(hostile, 20), Width: 20, Height: 10, Plot: f.Plot})
}

func TestNiceTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		whole  bool
		want   string
	}{
		{0, 1, false, "0.0 0.2 0.4 0.6 0.8 1.0"}, {-3, 3, false, "−3 −2 −1 0 1 2 3"}, {0, 3, true, "0 1 2 3"}, {0, 2.9, true, "0 1 2"},
		{0.00012, 0.00034, false, "1.5e−04 2.0e−04 2.5e−04 3.0e−04"}, {0, 4e6, false, "0 1e+06 2e+06 3e+06 4e+06"}, {99, 102, false, "99.0 99.5 100.0 100.5 101.0 101.5 102.0"},
		{1, 1, false, ""}, {0, math.Inf(1), false, ""}, {1e17, 1e17 + 64, false, ""}, {0, 700, true, "0 200 400 600"},
	} {
		var got []string
		for _, tick := range (niceTicks{whole: c.whole}).Ticks(c.lo, c.hi) {
			got = append(got, tick.Label)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("ticks from %v to %v: %q, want %q", c.lo, c.hi, s, c.want)
		}
	}
}

func BenchmarkCoefPlotSVG(b *testing.B) {
	coefs := make([]Coef, 20)
	for i := range coefs {
		coefs[i] = Coef{Name: fmt.Sprintf("x%d", i), Mean: float64(i), SD: 1}
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = CoefPlot(coefs, nil).SVG()
	}
}

func BenchmarkPredictiveDensity(b *testing.B) {
	y := noise(10000, func(r *rand.Rand) float64 { return r.NormFloat64() })
	rep := make([][]float64, 100)
	for i := range rep {
		rep[i] = y
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = PredictiveDensity(y, rep).SVG()
	}
}
