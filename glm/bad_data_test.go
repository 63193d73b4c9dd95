package glm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// fitCSV fits a formula to the text of a file.
func fitCSV(t *testing.T, csv, formula, family string, priors ...string) (*Result, error) {
	t.Helper()
	f, err := ParseFamily(family)
	if err != nil {
		t.Fatal(err)
	}
	opt := &Options{Family: f}
	for _, s := range priors {
		p, err := ParsePriorSpec(s)
		if err != nil {
			t.Fatal(err)
		}
		opt.Priors = append(opt.Priors, p)
	}
	return Fit(context.Background(), formula, table(t, csv), opt)
}

// An outcome outside the support is found in the file even if blank lines and
// omitted rows precede it.
func TestOutcomeLine(t *testing.T) {
	tb := table(t, "y,x\n1,1\n\n2,NA\n\n-3,2\n4,3\n")
	_, err := NewModel("y ~ x", tb, &Options{Family: Poisson(), DesignOptions: DesignOptions{Missing: "omit"}})
	var oe *OutcomeError
	if !errors.As(err, &oe) || oe.File != "d.csv" || oe.Row != 3 || oe.Line != 6 || oe.Value != -3 {
		t.Fatalf("error %+v", err)
	}
	if want := `glm: family poisson: d.csv: column "y", row 3 (line 6): value -3, want a whole number ≥ 0`; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

// Cells whose products overflow or vanish are named, whatever their role.
func TestCellRange(t *testing.T) {
	rows := func(header, bad string) string {
		return header + "\n1,2,1,3\n2,1,2,4\n4,3,1," + bad + "\n3,5,3,5\n7,4,2,3\n"
	}
	for _, c := range []struct{ header, bad, formula, family, column string }{
		{"y,x,z,v", "1e300", "y ~ x + v", "gaussian", "v"},
		{"y,x,z,v", "-1e200", "y ~ x + v:z", "gaussian", "v:z"},
		{"y,x,z,v", "1e300", "y ~ x + scale(v)", "gaussian", "v"},
		{"y,x,z,v", "1e300", "y ~ x + center(v)", "gaussian", "v"},
		{"y,x,z,v", "1e200", "v ~ x", "gaussian", "v"},
		{"y,x,z,v", "1e200", "v ~ x", "poisson", "v"},
		{"y,x,z,v", "1e200", "y ~ x + offset(v)", "gaussian", "v"},
		{"y,x,z,v", "1e200", "y ~ x + offset(v) + offset(z)", "gaussian", "offset"},
		{"y,x,z,v", "1e200", "y | trials(v) ~ x", "binomial", "v"},
	} {
		_, err := fitCSV(t, rows(c.header, c.bad), c.formula, c.family)
		var de *DataError
		if !errors.As(err, &de) || de.Column != c.column || de.Row != 3 || de.Line != 4 || !strings.Contains(de.Want, "rescale") {
			t.Errorf("%s: error %v", c.formula, err)
		}
	}
	_, err := NewModel("y ~ x", table(t, rows("y,x,z,v", "1e200")), &Options{DesignOptions: DesignOptions{Weights: "v"}})
	var de *DataError
	if !errors.As(err, &de) || de.Column != "v" || de.Line != 4 {
		t.Errorf("weights: error %v", err)
	}
	_, err = NewModel("y ~ x", table(t, rows("y,x,z,v", "1e200")), &Options{DesignOptions: DesignOptions{Offset: "v"}})
	if !errors.As(err, &de) || de.Column != "v" || de.Line != 4 {
		t.Errorf("offset: error %v", err)
	}
	_, err = fitCSV(t, "y,x\n1,0\n2,3e-200\n4,2e-200\n", "y ~ x", "gaussian")
	if !errors.As(err, &de) || de.Column != "x" || de.Row != 2 || de.Value != "3e-200" || !strings.Contains(de.Want, "vanish") {
		t.Errorf("tiny cells: error %v", err)
	}
}

// Just inside the bounds, units do not matter: the fit is that of ordinary
// cells. New rows beyond them are refused.
func TestCellRangeInside(t *testing.T) {
	csv := func(scale float64) string {
		var b strings.Builder
		b.WriteString("y,x\n")
		for i := range 40 {
			fmt.Fprintf(&b, "%g,%g\n", scale*(math.Sin(float64(i))+0.1*float64(i)), scale*float64(i))
		}
		return b.String()
	}
	ref, err := fitCSV(t, csv(1), "y ~ x", "gaussian")
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []float64{1e73, 1e-73} {
		f, err := fitCSV(t, csv(scale), "y ~ x", "gaussian")
		if err != nil {
			t.Errorf("scale %g: %v", scale, err)
			continue
		}
		got, want := f.Summary()[1], ref.Summary()[1]
		if math.Abs(got.Mean-want.Mean) > 1e-3*want.SD || math.Abs(got.SD/want.SD-1) > 1e-3 {
			t.Errorf("scale %g: slope %v ± %v, want %v ± %v", scale, got.Mean, got.SD, want.Mean, want.SD)
		}
	}
	_, err = ref.Predict(table(t, "x\n1\n-1e300\n"), nil)
	var de *DataError
	if !errors.As(err, &de) || de.Func != "Apply" || de.Column != "x" || de.Line != 3 || de.Value != "-1e+300" {
		t.Errorf("predict: error %v", err)
	}
	if _, err := ref.Predict(table(t, "x\n1e-300\n"), nil); err != nil {
		t.Errorf("a small cell in new rows: %v", err)
	}
}

// Numbers with signs, units or separators do not silently become a factor.
func TestTextThatLooksNumeric(t *testing.T) {
	column := func(cells ...string) string {
		var b strings.Builder
		b.WriteString("y,x\n")
		for i := range 24 {
			fmt.Fprintf(&b, "%d,%q\n", i*i%7, cells[i%len(cells)])
		}
		return b.String()
	}
	var names []string
	for i := range 24 {
		names = append(names, "id-"+string(rune('a'+i)))
	}
	for _, c := range []struct {
		cells []string
		line  int // 0 if the column is a factor
	}{
		{[]string{"0.5%", "1%", "12.25 %"}, 2},
		{[]string{"1,036", "2,000,000", "999"}, 2},
		{[]string{"999", "1,036", "-3,036"}, 3},
		{[]string{"$3", "$ 4.50", "−$5"}, 2},
		{[]string{"€3", "£4", "¥5", "n/a"}, 2},
		{[]string{"12 kg", "13.5kg", "9 KG"}, 2},
		{[]string{"n/a", "1.5 mg/l", "2.0 mg/l"}, 3},
		{[]string{"1 036,5", "20,5", "3,25"}, 2},
		{names, 2},
		{[]string{"a", "b", "c"}, 0},
		{[]string{"1st", "2nd", "3rd"}, 0},
		{[]string{"1a", "1b", "2a", "2b"}, 0},
		{[]string{"0-9", "10-19", "20+"}, 0},
		{[]string{"2020-01-01", "2020-01-02", "2020-01-03"}, 0},
		{[]string{"5 mg", "10 mg"}, 0},
		{[]string{"4wd", "fwd", "rwd"}, 0},
		{names[:12], 0},
		{names[:13], 2},
	} {
		_, err := NewModel("y ~ x", table(t, column(c.cells...)), nil)
		var de *DataError
		switch {
		case c.line == 0 && err != nil:
			t.Errorf("%q: %v", c.cells, err)
		case c.line > 0 && (!errors.As(err, &de) || de.Column != "x" || de.Line != c.line || de.Value != quote(c.cells[c.line-2]) || !strings.Contains(de.Want, "clean it") || !strings.Contains(de.Want, "C(x)")):
			t.Errorf("%q: error %v", c.cells, err)
		}
		if _, err := NewModel("y ~ C(x) - 1", table(t, column(c.cells...)), nil); err != nil {
			t.Errorf("%q as C(x): %v", c.cells, err)
		}
	}
	_, err := NewModel("x ~ y", table(t, column("1,036", "2,000", "999")), nil)
	if err == nil || !strings.Contains(err.Error(), `column x: row 1 (line 2) is "1,036", want a number`) {
		t.Errorf("outcome: %v", err)
	}
	_, err = NewModel("y ~ `my x`", table(t, strings.Replace(column(names...), "x", "my x", 1)), nil)
	if err == nil || !strings.Contains(err.Error(), "C(`my x`)") {
		t.Errorf("name with a space: %v", err)
	}
}
