package glm

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// TestReferenceDesign compares columns, their order and their terms with
// those of R; testdata/design/reference.R says how they were made.
func TestReferenceDesign(t *testing.T) {
	raw, err := os.ReadFile("testdata/design/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref struct {
		Frame map[string][]any
		Cases []struct {
			Formula string
			Cols    int
			Assign  []int
			Terms   []string
			X, Y    []float64
			Offset  []float64
		}
	}
	if err := json.Unmarshal(raw, &ref); err != nil {
		t.Fatal(err)
	}
	var ss []series.Series
	for _, name := range []string{"y", "x", "z", "k", "e", "f", "g"} {
		kind := series.Float
		if _, ok := ref.Frame[name][0].(string); ok {
			kind = series.String
		}
		ss = append(ss, series.New(ref.Frame[name], kind, name))
	}
	df := dataframe.New(ss...)
	if df.Err != nil || len(ref.Cases) < 20 {
		t.Fatal(df.Err, len(ref.Cases))
	}
	close := func(a, b []float64) bool {
		return slices.EqualFunc(a, b, func(u, v float64) bool { return math.Abs(u-v) <= 1e-12*(1+math.Abs(v)) })
	}
	for _, c := range ref.Cases {
		t.Run(c.Formula, func(t *testing.T) {
			d := mustDesign(t, c.Formula, df, DesignOptions{})
			if d.X.Cols != c.Cols {
				t.Fatalf("columns %v, want %d", d.Names, c.Cols)
			}
			assign := slices.Clone(d.Assign)
			for i := range assign {
				assign[i]++ // R counts terms from 1, the intercept is 0
			}
			if !slices.Equal(assign, c.Assign) {
				t.Errorf("assign %v, want %v", assign, c.Assign)
			}
			for i, s := range c.Terms {
				s = strings.ReplaceAll(s, "factor(", "C(")
				if d.Terms[i] != s {
					t.Errorf("term %d is %s, want %s", i, d.Terms[i], s)
				}
			}
			if !close(d.X.Data, c.X) {
				t.Errorf("X differs\n got %v\nwant %v", d.X.Data, c.X)
			}
			if !close(d.Y, c.Y) || !close(d.Offset, c.Offset) {
				t.Errorf("Y or Offset differ: %v %v", d.Y, d.Offset)
			}
		})
	}
}

func mustFormula(t testing.TB, s string) *Formula {
	t.Helper()
	f, err := ParseFormula(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustDesign(t testing.TB, s string, fr Frame, opt DesignOptions) *Design {
	t.Helper()
	d, err := NewDesign(mustFormula(t, s), fr, opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
