package report

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestFormatWith(t *testing.T) {
	for _, c := range []struct {
		x, sd float64
		want  string
	}{
		{0.5, 0.0999, "0.500"}, {0.5, 0.1, "0.500"}, {0.5, 0.31, "0.50"}, {12.3456, 3, "12.3"}, {12.3456, 31, "12"},
		{120, 1, "120.00"}, {2e6, 1e6, "2000000"}, {-1.2e-7, 6e-8, "-1.20e-07"}, {6e-8, 6e-8, "6.0e-08"},
		{1e9, 1, "1.00000000000e+09"}, {5e-300, 1e-300, "5.00e-300"}, {3e300, 1e300, "3.00e+300"},
		{-0.0001, 0.5, "0.00"}, {0, 0.5, "0.00"}, {0, 1e-20, "0"}, {0, 1e9, "0"}, {1.23456789, 0, "1.23457"},
		{1.5, math.NaN(), "1.5"}, {1.5, math.Inf(1), "1.5"}, {math.NaN(), 1, "NaN"}, {math.Inf(1), 1, "Inf"}, {math.Inf(-1), 0, "-Inf"},
	} {
		if got := FormatWith(c.x, c.sd); got != c.want {
			t.Errorf("FormatWith(%v, %v) = %q, want %q", c.x, c.sd, got, c.want)
		}
	}
}

// Whatever the magnitudes, the value read back is within 6 % of an sd: half a unit in
// the second digit of an sd that starts with 3 or more is at most 1/60 of it.
func TestFormatWithLosesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 10000 {
		sd := math.Pow(10, 30*(2*rng.Float64()-1))
		x := sd * rng.NormFloat64() * math.Pow(10, 10*rng.Float64()-2)
		s := FormatWith(x, sd)
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.Abs(v-x) > sd/60*1.0001+1e-15*math.Abs(x) {
			t.Fatalf("FormatWith(%v, %v) = %q, off by %v sds", x, sd, s, (v-x)/sd)
		}
		if len(s) > 23 {
			t.Fatalf("FormatWith(%v, %v) = %q is too long", x, sd, s)
		}
	}
}

var testCoefs = []Coef{
	{Name: "(Intercept)", Mean: 0.9, SD: 0.2, Prior: "normal(0, 2.5)"},
	{Name: "age", Mean: -12.3, SD: 4, Q05: -19, Q50: -12, Q95: -6, Prior: "flat"},
	{Name: "tiny", Mean: 1.5e-8, SD: 4e-9, Prior: "flat"},
	{Name: "lost", Mean: math.NaN(), SD: math.NaN(), Prior: "flat"},
}

func TestCoefTable(t *testing.T) {
	const want = `                 mean       sd       5%       50%       95%  prior
-----------  --------  -------  -------  --------  --------  --------------
(Intercept)     0.900    0.200    0.571     0.900     1.229  normal(0, 2.5)
age           -12.3      4.0    -19.0     -12.0      -6.0    flat
tiny         1.50e-08  4.0e-09  8.4e-09  1.50e-08  2.16e-08  flat
lost          NaN      NaN      NaN       NaN       NaN      flat
`
	if got := NewCoefTable(testCoefs).String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if tab := NewCoefTable([]Coef{{Name: "a", Mean: 1, SD: 1}}); len(tab.Columns) != 6 {
		t.Errorf("columns %q: there are no priors to show", tab.Columns)
	}
}

const hostile = "<script>alert('x')</script> & \"q\" | *b* _i_ `c` [l](u) \\ \n\x00\u202e"

func TestTableEscapes(t *testing.T) {
	tab := &Table{Title: hostile, Columns: []string{hostile, "n"}, Rows: [][]string{{hostile, "1.5"}, {"short"}, {"a", "b", hostile}},
		Align: []Align{Left, Decimal}, Note: hostile}
	h := tab.HTML()
	if strings.Contains(h, "<script") || strings.Contains(h, "\x00") || strings.Contains(h, "\u202e") || strings.Count(h, "&lt;script&gt;") != 5 {
		t.Errorf("HTML is not escaped:\n%s", h)
	}
	md := tab.Markdown()
	for _, line := range strings.Split(strings.TrimSpace(md), "\n") {
		if strings.HasPrefix(line, "|") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 4 {
			t.Errorf("Markdown row does not have three cells: %s", line)
		}
	}
	if strings.Contains(md, "<script") || strings.Contains(md, " *b*") || strings.Contains(md, "[l](") {
		t.Errorf("Markdown is not escaped:\n%s", md)
	}
	if n := strings.Count(tab.String(), "\n"); n != 7 {
		t.Errorf("text has %d lines, want 7:\n%s", n, tab)
	}
}

func TestTableDegenerate(t *testing.T) {
	for _, tab := range []*Table{nil, {}, {Rows: [][]string{nil, {}}}, {Columns: []string{"a"}}, {Align: []Align{Decimal}}} {
		for mime, v := range tab.SimpleRender() {
			if _, ok := v.(string); !ok {
				t.Errorf("%s is a %T", mime, v)
			}
		}
	}
	var tab Table
	tab.AddRow("x", 1.23456789, 7, true)
	if got := tab.String(); got != "x  1.235  7  true\n" {
		t.Errorf("got %q", got)
	}
}

func TestTableDecimalHTML(t *testing.T) {
	tab := &Table{Columns: []string{"v"}, Align: []Align{Decimal}, Rows: [][]string{{"1.25"}, {"10"}, {"3.5"}, {"1e-09"}}}
	h := tab.HTML()
	for _, want := range []string{">1.25<", ">10\u2008\u2007\u2007<", ">3.5\u2007<", ">1e-09<"} {
		if !strings.Contains(h, want) {
			t.Errorf("no %q in\n%s", want, h)
		}
	}
}

func TestShorten(t *testing.T) {
	if got := shorten("abcdefghij", 5); got != "ab…ij" {
		t.Errorf("got %q", got)
	}
	if got := shorten("äöüäöü", 6); got != "äöüäöü" {
		t.Errorf("got %q", got)
	}
}
