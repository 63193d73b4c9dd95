package glm

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	kniren "github.com/kniren/gota/dataframe"
)

const csvSmall = `y,x,region,k,e,n,w,won
1,0.5,south,10,1,5,1,yes
0,1.25,north,2,2,6,0.5,no
2,2,east,3,4,7,2,yes
3,3.5,south,10,8,8,0,no
1,1,north,2,3,9,1,yes
0,0.75,east,3,5,4,1,yes
`

func table(t testing.TB, csv string) Table {
	t.Helper()
	tb, err := ReadCSV(strings.NewReader(csv), "d.csv")
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func TestFrames(t *testing.T) {
	tb := table(t, csvSmall)
	frames := map[string]Frame{
		"gota":   dataframe.ReadCSV(strings.NewReader(csvSmall)),
		"kniren": kniren.ReadCSV(strings.NewReader(csvSmall)),
		"rows":   tb.Subset([]int{0, 1, 2, 3, 4, 5}),
	}
	const formula = "y ~ x * region + C(k) + log(e) + won"
	want := mustDesign(t, formula, tb, DesignOptions{Weights: "w"})
	if got := fmt.Sprint(want.Names); got != "[(Intercept) x region[north] region[south] C(k)[3] C(k)[10] log(e) won[yes] x:region[north] x:region[south]]" {
		t.Error(got)
	}
	for name, fr := range frames {
		d := mustDesign(t, formula, fr, DesignOptions{Weights: "w"})
		if !reflect.DeepEqual(d.X, want.X) || !slices.Equal(d.Y, want.Y) || !slices.Equal(d.Weights, want.Weights) || !slices.Equal(d.Names, want.Names) {
			t.Errorf("%s: another design\n%v\n%v", name, d, want)
		}
	}
	// Ints, bools and missing ints of a frame made in code.
	df := dataframe.New(
		series.New([]int{1, 2, 3, 4}, series.Int, "y"),
		series.New([]bool{true, false, true, false}, series.Bool, "b"),
		series.New([]any{1, nil, 5, 7}, series.Int, "i"))
	d := mustDesign(t, "y ~ b + i", df, DesignOptions{Missing: "omit"})
	if got := fmt.Sprint(d.Names, d.X.Data, d.Rows, d.Omitted, d.Y); got != "[(Intercept) b[true] i] [1 1 1 1 1 5 1 0 7] [0 2 3] [1] [1 3 4]" {
		t.Error(got)
	}
	before := df.Records()
	mustDesign(t, "i ~ scale(y) + I(-y)", df, DesignOptions{Missing: "omit"})
	if !reflect.DeepEqual(before, df.Records()) {
		t.Error("the frame was written to")
	}
}

func TestDesignParts(t *testing.T) {
	tb := table(t, csvSmall)
	for _, c := range []struct {
		formula             string
		opt                 DesignOptions
		outcome             string
		y, trials, off, wts []float64
	}{
		{"y ~ x", DesignOptions{}, "y", []float64{1, 0, 2, 3, 1, 0}, nil, nil, nil},
		{"cbind(y, k) ~ x", DesignOptions{}, "cbind(y, k)", []float64{1, 0, 2, 3, 1, 0}, []float64{11, 2, 5, 13, 3, 3}, nil, nil},
		{"y | trials(n) ~ x", DesignOptions{}, "y", []float64{1, 0, 2, 3, 1, 0}, []float64{5, 6, 7, 8, 9, 4}, nil, nil},
		{"y | trials(8) ~ x", DesignOptions{}, "y", []float64{1, 0, 2, 3, 1, 0}, []float64{8, 8, 8, 8, 8, 8}, nil, nil},
		{"y ~ x", DesignOptions{Trials: "n", Weights: "w"}, "y", []float64{1, 0, 2, 3, 1, 0}, []float64{5, 6, 7, 8, 9, 4}, nil, []float64{1, 0.5, 2, 0, 1, 1}},
		{"I(y + 1) ~ x + offset(2 * e)", DesignOptions{Offset: "k"}, "I(y + 1)", []float64{2, 1, 3, 4, 2, 1}, nil, []float64{12, 6, 11, 26, 8, 13}, nil},
	} {
		d := mustDesign(t, c.formula, tb, c.opt)
		if d.Outcome != c.outcome || !slices.Equal(d.Y, c.y) || !slices.Equal(d.Trials, c.trials) || !slices.Equal(d.Offset, c.off) || !slices.Equal(d.Weights, c.wts) {
			t.Errorf("%s: outcome %s, y %v, trials %v, offset %v, weights %v", c.formula, d.Outcome, d.Y, d.Trials, d.Offset, d.Weights)
		}
	}
	d := mustDesign(t, "won ~ x", tb, DesignOptions{})
	if fmt.Sprint(d.OutcomeLevels, d.Y) != "[no yes] [1 0 1 0 1 1]" {
		t.Error(d.OutcomeLevels, d.Y)
	}
	// The dot leaves out the response and what the options use.
	d = mustDesign(t, "log(n) ~ . - region - won", tb, DesignOptions{Weights: "w", Offset: "e"})
	if fmt.Sprint(d.Names, d.Intercept, d.Terms, d.Assign) != "[(Intercept) y x k] 0 [y x k] [-1 0 1 2]" {
		t.Error(d.Names, d.Intercept, d.Terms, d.Assign)
	}
	if d = mustDesign(t, "y ~ 0 + x:region + x", tb, DesignOptions{}); fmt.Sprint(d.Names, d.Intercept) != "[x x:region[north] x:region[south]] -1" {
		t.Error(d.Names, d.Intercept)
	}
}

func TestMissing(t *testing.T) {
	tb := table(t, "y,x,f,gap\n1,2,a,\n2,,b,\n3,4,,1\n4,8,b,\nNA,9,a,2\n6,3,a,\n")
	f := mustFormula(t, "y ~ scale(x) + f")
	_, err := NewDesign(f, tb, DesignOptions{})
	var e *MissingError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if fmt.Sprint(e.Columns, e.Cells, e.Rows, e.N) != "[y x f] [[5] [2] [3]] [2 3 5] 6" {
		t.Error(e.Columns, e.Cells, e.Rows)
	}
	if want := `glm.NewDesign: d.csv: 3 of 6 rows have missing values: y in row 5 (line 6); x in row 2 (line 3); f in row 3 (line 4); `; !strings.HasPrefix(err.Error(), want) {
		t.Error(err)
	}
	d, err := NewDesign(f, tb, DesignOptions{Missing: "omit"})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(d.Rows, d.Omitted, d.Y) != "[0 3 5] [1 2 4] [1 4 6]" {
		t.Error(d.Rows, d.Omitted, d.Y)
	}
	m := d.Encoding().Moments[0] // of 2, 8, 3
	if sd := math.Sqrt(31.0 / 3); math.Abs(m.Mean-13.0/3) > 1e-14 || math.Abs(m.SD-sd) > 1e-14 {
		t.Error(m, sd)
	}
	if _, err = NewDesign(mustFormula(t, "y ~ x"), tb.Subset([]int{1, 4}), DesignOptions{Missing: "omit"}); err == nil || !strings.Contains(err.Error(), "all 2 rows have missing values") {
		t.Error(err)
	}
}

// TestApply saves an encoding as JSON and encodes other rows with it.
func TestApply(t *testing.T) {
	tb := table(t, csvSmall)
	d := mustDesign(t, "won | trials(n) ~ scale(log(x)) * region + C(k) + offset(log(e)) + center(y)", tb, DesignOptions{Offset: "e", Weights: "w"})
	raw, err := json.Marshal(d.Encoding())
	if err != nil {
		t.Fatal(err)
	}
	var enc Encoding
	if err := json.Unmarshal(raw, &enc); err != nil {
		t.Fatal(err)
	}
	for name, apply := range map[string]func(Frame) error{
		"design": func(fr Frame) error {
			x, off, trials, rows, err := d.Apply(fr)
			return sameAs(d, x.Data, off, trials, rows, err)
		},
		"json": func(fr Frame) error {
			x, off, trials, rows, err := enc.Apply(fr)
			return sameAs(d, x.Data, off, trials, rows, err)
		},
		"further": func(fr Frame) error {
			g, err := enc.Design(fr)
			if err == nil && (!slices.Equal(g.Y, d.Y) || !slices.Equal(g.Names, d.Names) || !slices.Equal(g.Weights, d.Weights) || !slices.Equal(g.Assign, d.Assign)) {
				return errors.New("other outcome, names or weights")
			}
			return err
		},
	} {
		if err := apply(tb); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One new row: no response, no trials; the level of C(k) written otherwise.
	x, off, trials, rows, err := enc.Apply(table(t, "x,region,k,e,y\n2,south,2.0,4,1\n"))
	if err != nil {
		t.Fatal(err)
	}
	m := d.Encoding().Moments
	z := (math.Log(2) - m[0].Mean) / m[0].SD
	want := []float64{1, z, 0, 1, 0, 0, 1 - m[1].Mean, 0, z}
	if !slices.Equal(x.Data, want) || trials != nil || fmt.Sprint(rows) != "[0]" || math.Abs(off[0]-4-math.Log(4)) > 1e-15 {
		t.Errorf("x %v, want %v; offset %v, trials %v, rows %v", x.Data, want, off, trials, rows)
	}
	for csv, want := range map[string]string{
		"x,region,k,e,y\n2,south,2,4,1\n2,west,2,4,1\n": `column region: row 2 (line 3) is "west", want one of the levels of the fit: east, north, south`,
		"x,region,k,e,y\n2,south,4,4,1\n":               `column k: row 1 (line 2) is "4", want one of the levels of the fit: 2, 3, 10`,
		"x,region,k,y\n2,south,2,4\n":                   "column e: there is no such column",
		"x,region,k,e,y\n-1,south,2,4,1\n":              "column x: row 1 (line 2) is -1, want a positive number for log(x)",
		"x,region,k,e,y\n,south,2,4,1\n":                "1 of 1 rows have missing values: x in row 1 (line 2)",
		"x,region,k,e,y\nlow,south,2,4,1\n":             `column x: row 1 (line 2) is "low", want a number`,
	} {
		if _, _, _, _, err := enc.Apply(table(t, csv)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", csv, err, want)
		}
	}
}

func sameAs(d *Design, x, off, trials []float64, rows []int, err error) error {
	if err != nil {
		return err
	}
	if !slices.Equal(x, d.X.Data) || !slices.Equal(off, d.Offset) || !slices.Equal(trials, d.Trials) || !slices.Equal(rows, d.Rows) {
		return errors.New("other rows than those of the design")
	}
	return nil
}

// Further rows must carry the outcome as the first ones did.
func TestFurtherOutcome(t *testing.T) {
	text := mustDesign(t, "won ~ x", table(t, csvSmall), DesignOptions{}).Encoding()
	number := mustDesign(t, "y ~ x", table(t, csvSmall), DesignOptions{}).Encoding()
	d, err := text.Design(table(t, "won,x\nyes,1\nyes,2\n"))
	if err != nil || fmt.Sprint(d.Y, d.OutcomeLevels) != "[1 1] [no yes]" {
		t.Error(d, err)
	}
	for csv, enc := range map[string]*Encoding{
		"won,x\nmaybe,1\n": text, "won,x\n1,1\n": text, "y,x\nyes,1\n": number, "x\n1\n": number,
	} {
		var e *DataError
		if _, err := enc.Design(table(t, csv)); !errors.As(err, &e) || e.Func != "Design" {
			t.Errorf("%q: %v", csv, err)
		}
	}
}

// An encoding may come from a file that anyone wrote.
func TestEncodingChecked(t *testing.T) {
	tb := table(t, csvSmall)
	good := mustDesign(t, "y ~ scale(x) * region + .", tb, DesignOptions{}).Encoding()
	for name, spoil := range map[string]func(e *Encoding){
		"version":   func(e *Encoding) { e.Version = 0 },
		"formula":   func(e *Encoding) { e.Formula = "y ~ (" },
		"other":     func(e *Encoding) { e.Formula = "y ~ x" },
		"names":     func(e *Encoding) { e.Names[1] = "z" },
		"intercept": func(e *Encoding) { e.Intercept = 7 },
		"level":     func(e *Encoding) { e.Factors[0].Levels = e.Factors[0].Levels[:1] },
		"twice":     func(e *Encoding) { e.Factors[0].Levels[0] = e.Factors[0].Levels[1] },
		"lost":      func(e *Encoding) { e.Factors = nil },
		"sd":        func(e *Encoding) { e.Moments[0].SD = 0 },
		"mean":      func(e *Encoding) { e.Moments[0].Mean = math.NaN() },
		"moments":   func(e *Encoding) { e.Moments = nil },
		"outcome":   func(e *Encoding) { e.OutcomeLevels = []string{"a"} },
		"dot":       func(e *Encoding) { e.Dot = []string{"x", "q"} },
	} {
		e := good.clone()
		spoil(e)
		if _, _, _, _, err := e.Apply(tb); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, _, _, _, err := good.Apply(tb); err != nil {
		t.Error(err)
	}
	if _, _, _, _, err := (*Encoding)(nil).Apply(tb); err == nil {
		t.Error("a nil encoding was accepted")
	}
}

func TestDesignErrors(t *testing.T) {
	tb := table(t, "y,age,one,f,city,zero,big,grp\n1,30,4,a,p,0,1e300,u\n2,40,4,a,q,1,1e200,u\n3,20,4,a,r,2,1e300,v\n")
	for _, c := range []struct {
		formula, want string
		opt           DesignOptions
	}{
		{"y ~ agee", "column agee: there is no such column, want a column of the data; did you mean age?", DesignOptions{}},
		{"y ~ nothing", "want one of y, age, one, f, city, zero, big, grp", DesignOptions{}},
		{"y ~ age", "column wt: there is no such column", DesignOptions{Weights: "wt"}},
		{"y ~ log(city)", `column city: row 1 (line 2) is "p", want a number`, DesignOptions{}},
		{"y ~ log(zero)", "column zero: row 1 (line 2) is 0, want a positive number for log(zero)", DesignOptions{}},
		{"y ~ I(age / zero)", "column zero: row 1 (line 2) is 0, want a divisor that is not zero for age/zero", DesignOptions{}},
		{"y ~ I(big^2)", "column big^2: row 1 (line 2) is +Inf, want a finite number", DesignOptions{}},
		{"y ~ exp(I(age * 30))", "column exp(I(age * 30)): row 1 (line 2) is +Inf", DesignOptions{}},
		{"y ~ big:I(big + 1)", "column big:I(big + 1): row 1 (line 2) is +Inf, want a finite product", DesignOptions{}},
		{"y ~ sqrt(I(-age))", "column I(-age): row 1 (line 2) is -30, want a number that is not negative for sqrt", DesignOptions{}},
		{"y ~ one", "column one: it is constant, 4 in all 3 rows", DesignOptions{}},
		{"y ~ 0 + I(one - 4)", "it is constant, 0 in all 3 rows", DesignOptions{}},
		{"y ~ scale(one)", "column one: its sd is 0 in 3 rows", DesignOptions{}},
		{"y ~ f", `column f: a factor with the one level "a", want at least two levels`, DesignOptions{}},
		{"y ~ C(one)", `column C(one): a factor with the one level "4"`, DesignOptions{}},
		{"y ~ city:grp", "column city[r]:grp[u]: it is constant, 0 in all", DesignOptions{}},
		{"city ~ age", "a text outcome with the levels p, q, r, want numbers, or text with two levels", DesignOptions{}},
		{"f ~ age", "a text outcome with the levels a, want", DesignOptions{}},
		{"y ~ age", "row 1 (line 2) is 0, want a whole number of trials from 1", DesignOptions{Trials: "zero"}},
		{"cbind(I(y - 2), y) ~ age", "column I(y - 2): row 1 (line 2) is -1, want a whole number from 0", DesignOptions{}},
		{"cbind(y, y) ~ age", "trials are given by the formula and by the options", DesignOptions{Trials: "one"}},
		{"y ~ age", `Missing: "drop", want "error" or "omit"`, DesignOptions{Missing: "drop"}},
		{"y ~ 0", "no terms and no intercept", DesignOptions{}},
	} {
		_, err := NewDesign(mustFormula(t, c.formula), tb, c.opt)
		var e *DataError
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v, want a *DataError", c.formula, err)
		} else if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "glm.NewDesign: ") {
			t.Errorf("%s: %v, want %s", c.formula, err, c.want)
		}
	}
	df := dataframe.New(series.Floats([]float64{1, 2}), series.Floats([]float64{1, math.Inf(1)}))
	if _, err := NewDesign(mustFormula(t, "X0 ~ X1"), df, DesignOptions{}); err == nil || !strings.Contains(err.Error(), "column X1: row 2 is +Inf, want a finite number") {
		t.Error(err)
	}
	for _, w := range []string{"-1\n", "0\n"} {
		_, err := NewDesign(mustFormula(t, "y ~ 1"), table(t, "y,w\n1,0\n2,"+w), DesignOptions{Weights: "w"})
		if err == nil || !strings.Contains(err.Error(), "weight") {
			t.Error(err)
		}
	}
	if _, err := NewDesign(nil, df, DesignOptions{}); err == nil {
		t.Error("a nil formula was accepted")
	}
	if _, err := NewDesign(mustFormula(t, "y ~ x"), nil, DesignOptions{}); err == nil {
		t.Error("a nil frame was accepted")
	}
	if _, err := NewDesign(mustFormula(t, "y ~ x"), dataframe.DataFrame{}, DesignOptions{}); err == nil {
		t.Error("an empty frame was accepted")
	}
}

// An identifier taken for a factor is refused before memory is asked for.
func TestDesignTooLarge(t *testing.T) {
	ids := make([]string, 20_000)
	y := make([]float64, len(ids))
	for i := range ids {
		ids[i] = fmt.Sprintf("user-%d", i)
		y[i] = float64(i)
	}
	df := dataframe.New(series.New(ids, series.String, "id"), series.New(y, series.Float, "y"))
	for _, s := range []string{"y ~ id", "y ~ id:C(y)"} {
		_, err := NewDesign(mustFormula(t, s), df, DesignOptions{})
		var e *DataError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), "levels") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// The work per cell does not allocate.
func TestDesignAllocs(t *testing.T) {
	f := mustFormula(t, "y ~ x * g + log(x) + scale(x)")
	allocs := func(n int) float64 {
		x, g := make([]float64, n), make([]string, n)
		for i := range x {
			x[i], g[i] = 1+math.Mod(float64(i)*0.37, 5), []string{"a", "b", "c"}[i%3]
		}
		df := dataframe.New(series.New(x, series.Float, "x"), series.New(g, series.String, "g"), series.New(x, series.Float, "y"))
		return testing.AllocsPerRun(3, func() {
			if _, err := NewDesign(f, df, DesignOptions{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	if small, large := allocs(100), allocs(10_000); large > small+20 {
		t.Errorf("%v allocations at 100 rows, %v at 10000", small, large)
	}
}
