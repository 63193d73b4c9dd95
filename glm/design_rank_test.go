package glm

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// frameOf makes a frame of n rows from functions of the row.
func frameOf(n int, cols map[string]func(i int) float64) dataframe.DataFrame {
	var names []string
	for s := range cols {
		names = append(names, s)
	}
	slices.Sort(names)
	var ss []series.Series
	for _, s := range names {
		v := make([]float64, n)
		for i := range v {
			v[i] = cols[s](i)
		}
		ss = append(ss, series.New(v, series.Float, s))
	}
	return dataframe.New(ss...)
}

func TestCheckRank(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 300
	a, b := make([]float64, n), make([]float64, n)
	for i := range a {
		a[i], b[i] = rng.NormFloat64(), 1000*rng.NormFloat64()
	}
	cents := func(x float64) float64 { return math.Round(100*x) / 100 }
	df := frameOf(n, map[string]func(i int) float64{
		"y":     func(i int) float64 { return a[i] },
		"x1":    func(i int) float64 { return a[i] },
		"x2":    func(i int) float64 { return b[i] },
		"x3":    func(i int) float64 { return 2*a[i] - b[i] },
		"near":  func(i int) float64 { return 2*a[i] - b[i] + 1e-5*rng.NormFloat64() },
		"year":  func(i int) float64 { return 3952 + float64(i*61/(n-1)) },
		"since": func(i int) float64 { return float64(i*61/(n-1)) - 8 },
		"f":     func(i int) float64 { return float64(i % 3) },
		"big":   func(i int) float64 { return 1e70 * a[i] },
		"stamp": func(i int) float64 { return 1e12 + float64(i) },
		"p":     func(i int) float64 { return cents(30 + a[i]) },
		"q":     func(i int) float64 { return 100 - cents(30+a[i]) },
		"id":    func(i int) float64 { return float64(i % 2) },
	})
	for _, c := range []struct {
		formula, columns, relations string
		rank                        int
	}{
		{"y ~ x1 + x2", "[]", "[]", 3},
		{"y ~ x1 + x2 + x3", "[x3]", "[x3 = 2·x1 − x2]", 3},
		{"y ~ 0 + x1 + x2 + x3", "[x3]", "[x3 = 2·x1 − x2]", 2},
		{"y ~ x3 + x2 + x1", "[x1]", "[x1 = 0.5·x3 + 0.5·x2]", 3},
		{"y ~ x1 + x2 + near", "[]", "[]", 4},
		{"y ~ year", "[]", "[]", 2},
		{"y ~ year + I(year^2) + I(year^3)", "[]", "[]", 4},
		{"y ~ year + since", "[since]", "[since = year − 3960]", 2},
		{"y ~ 0 + year + since", "[]", "[]", 2},
		{"y ~ stamp + x1", "[]", "[]", 3},
		{"y ~ 0 + stamp", "[]", "[]", 1},
		{"y ~ p + q", "[q]", "[q = −p + 100]", 2},
		{"y ~ big + x2", "[]", "[]", 3},
		{"y ~ big + x1", "[x1]", "[x1 = 1e-70·big]", 2},
		{"y ~ C(f) + f", "[f]", "[f = C(f)[1] + 2·C(f)[2]]", 3},
		{"y ~ f + C(f)", "[C(f)[2]]", "[C(f)[2] = 0.5·f − 0.5·C(f)[1]]", 3},
		{"y ~ x1 + I(3 * x1) + I(x1 + 1) + x2 + I(x2 / 7)", "[I(3 * x1) I(x1 + 1) I(x2/7)]", "[I(3 * x1) = 3·x1 I(x1 + 1) = x1 + 1 I(x2/7) = 0.142857·x2]", 3},
		{"y ~ C(f) * C(id) * x1", "[]", "[]", 12},
		{"y ~ 1", "[]", "[]", 1},
	} {
		d := mustDesign(t, c.formula, df, DesignOptions{})
		var e *RankError
		if err := d.CheckRank(); err == nil {
			e = &RankError{Rank: d.X.Cols}
		} else if !errors.As(err, &e) || e.N != n || e.P != d.X.Cols || e.TooFew {
			t.Errorf("%s: %v", c.formula, err)
			continue
		}
		if got := fmt.Sprint(e.Columns); got != c.columns {
			t.Errorf("%s: columns %s, want %s", c.formula, got, c.columns)
		}
		if got := fmt.Sprint(e.Relations); got != c.relations {
			t.Errorf("%s: relations %s, want %s", c.formula, got, c.relations)
		}
		if e.Rank != c.rank {
			t.Errorf("%s: rank %d, want %d", c.formula, e.Rank, c.rank)
		}
	}
	few := mustDesign(t, "y ~ x1 + x2 + year + big", df.Subset([]int{3, 99, 200}), DesignOptions{})
	var e *RankError
	if err := few.CheckRank(); !errors.As(err, &e) || !e.TooFew || e.Rank != 3 || len(e.Columns) != 2 {
		t.Errorf("3 rows: %v", err)
	}
}

func TestRankErrorText(t *testing.T) {
	e := &RankError{Columns: []string{"x3"}, Relations: []string{"x3 = 2·x1 − x2"}, N: 9, P: 4, Rank: 3}
	if got := e.Error(); got != "glm.CheckRank: the design has 4 columns but rank 3; collinear: x3 = 2·x1 − x2" {
		t.Error(got)
	}
	e = &RankError{N: 2, P: 4, Rank: 2, TooFew: true}
	if got := e.Error(); got != "glm.CheckRank: 2 rows cannot determine 4 coefficients (rank 2)" {
		t.Error(got)
	}
	e = &RankError{P: 30, Rank: 10, Relations: strings.Split("a b c d e f g h i j k l", " ")}
	if got := e.Error(); !strings.HasSuffix(got, "i; j; … 2 more") {
		t.Error(got)
	}
}

// TestCheckRankPaths: the Cholesky shortcut never passes what the QR refuses.
func TestCheckRankPaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, 40)
	for _, noise := range []float64{0, 1e-14, 1e-12, 1e-8, 1e-5, 1e-3, 1} {
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		df := frameOf(40, map[string]func(i int) float64{
			"y": func(i int) float64 { return x[i] },
			"u": func(i int) float64 { return x[i] },
			"v": func(i int) float64 { return -x[i] + noise*rng.NormFloat64() },
		})
		d := mustDesign(t, "y ~ u + v", df, DesignOptions{})
		full := d.CheckRank() == nil
		if want := noise > 1e-10; full != want {
			t.Errorf("noise %g: full rank %v, want %v", noise, full, want)
		}
		if newStandardiser(d).gramFull() && !full {
			t.Errorf("noise %g: the shortcut passed a deficient matrix", noise)
		}
	}
}

func BenchmarkDesign(b *testing.B) {
	cols := map[string]func(i int) float64{"y": func(i int) float64 { return float64(i % 2) }}
	for j := range 50 {
		cols[fmt.Sprintf("x%d", j)] = func(i int) float64 { return math.Sin(float64(i*(j+1)) + float64(j)) }
	}
	df := frameOf(100_000, cols)
	f := mustFormula(b, "y ~ .")
	d := mustDesign(b, "y ~ .", df, DesignOptions{})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			if _, err := NewDesign(f, df, DesignOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("rank", func(b *testing.B) {
		for b.Loop() {
			if err := d.CheckRank(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
