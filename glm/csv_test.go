package glm

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-gota/gota/series"
)

func TestReadCSV(t *testing.T) {
	in := "\ufeffy; x ;\"a;b\";s;b\r\n1;0.5;-1e3;north;true\r\n\r\n2;NA;.5;\"two\nlines\";false\r\n.;NaN;;null;true\r\n4;-0;7; south ;false"
	tb, err := ReadCSV(strings.NewReader(in), "d.csv")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(tb.Names(), tb.Types(), tb.Nrow()); got != "[y x a;b s b] [float float float string string] 4" {
		t.Fatal(got)
	}
	if got := fmt.Sprint(tb.Col("y").Float(), tb.Col("x").Float(), tb.Col("a;b").Float()); got != "[1 2 NaN 4] [0.5 NaN NaN -0] [-1000 0.5 NaN 7]" {
		t.Error(got)
	}
	if got := fmt.Sprintf("%q", tb.Col("s").Records()); got != `["north" "two\nlines" "NaN" "south"]` {
		t.Error(got)
	}
	for row, want := range []int{2, 4, 6, 7} {
		if got := tb.Line(row); got != want {
			t.Errorf("row %d stands in line %d, want %d", row, got, want)
		}
	}
	if tb.Line(-1) != 0 || tb.Line(4) != 0 || (Table{}).Line(0) != 0 {
		t.Error("rows that do not exist have a line")
	}
}

func TestReadCSVDelimiter(t *testing.T) {
	for in, want := range map[string]string{
		"a,b\n1,2\n":          "[a b]",
		"a;b\n1,5;2\n":        "[a b]",
		"a\tb\n1,5\t2\n":      "[a b]",
		"\"a;x\",b\n1,2\n":    "[a;x b]",
		"one\n1\n2;3\n":       "[one]",
		"\n\na;b\n1;2\n":      "[a b]",
		"a b,c\n1,2\n":        "[a b c]",
		"\"x\"\"y\",b\n1,2\n": `[x"y b]`,
	} {
		tb, err := ReadCSV(strings.NewReader(in), "d.csv")
		if err != nil {
			t.Errorf("%q: %v", in, err)
		} else if got := fmt.Sprint(tb.Names()); got != want {
			t.Errorf("%q: names %s, want %s", in, got, want)
		}
	}
}

func TestReadCSVErrors(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		line           int
	}{
		{"empty", "", "the file is empty", 0},
		{"blank", "\n\n\r\n", "the file is empty", 0},
		{"header only", "a,b\n", "a header but no rows", 0},
		{"short row", "a,b,c\n1,2,3\n\n4,5\n", "line 4 is a row of 2 fields, want 3", 4},
		{"long row", "a,b\n1,2,3\n", "line 2 is a row of 3 fields, want 2", 2},
		{"duplicate", "a,b, a\n1,2,3\n", "column a: line 1 is the name of columns 1 and 3", 1},
		{"unnamed", "a,,c\n1,2,3\n", "without a name for column 2", 1},
		{"infinity", "a,b\n1,2\n3,-Inf\n", `column b: row 2 (line 3) is "-Inf", want a finite number`, 3},
		{"range", "a,b\n1,1e400\n3,4\n", `column b: row 1 (line 2) is "1e400", want a number within the range`, 2},
		{"open quote", "a,b\n1,\"2\n3,4\n", "not closed", 0},
		{"bare quote", "a,b\n1,2\n3,4\"5\n", `line 3 is a " inside an unquoted field`, 3},
		{"not utf-8", "a,b\n1,x\n1,\xff\xfe\n", "want UTF-8 text", 3},
		{"header not utf-8", "a,\xff\n1,x\n", "want UTF-8 text", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadCSV(strings.NewReader(c.in), "d.csv")
			var e *DataError
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *DataError", err)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "d.csv") {
				t.Errorf("message %q, want %q in it", err, c.want)
			}
			if c.line != 0 && e.Line != c.line {
				t.Errorf("line %d, want %d", e.Line, c.line)
			}
		})
	}
	// Where semicolons separate, commas are decimal points.
	tb, err := ReadCSV(strings.NewReader("a;b;c\n0,5;1,2,3;1,x\n-2;7;2\n3.25;8;3\n"), "d.csv")
	if err != nil || fmt.Sprint(tb.Types(), tb.Col("a").Float()) != "[float string string] [0.5 -2 3.25]" {
		t.Error(tb, err)
	}
	// An infinity among text is text.
	tb, err = ReadCSV(strings.NewReader("a\nInf\ncity\n"), "d.csv")
	if err != nil || tb.Col("a").Type() != series.String {
		t.Error(tb, err)
	}
}

func TestReadCSVFile(t *testing.T) {
	dir := t.TempDir()
	plain, packed := filepath.Join(dir, "d.csv"), filepath.Join(dir, "d.csv.gz")
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	fmt.Fprint(w, "a,b\n1,2\n3,x\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{plain: []byte("a,b\n1,2\n3,x\n"), packed: z.Bytes()} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		tb, err := ReadCSVFile(path)
		if err != nil || tb.Nrow() != 2 || tb.File != filepath.Base(path) {
			t.Errorf("%s: %v %v", path, tb, err)
		}
	}
	if err := os.WriteFile(packed, z.Bytes()[:z.Len()-12], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadCSVFile(packed); err == nil || !strings.Contains(err.Error(), "d.csv.gz") {
		t.Errorf("a truncated gzip file gives %v", err)
	}
	if _, err := ReadCSVFile(filepath.Join(dir, "none.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file gives %v", err)
	}
}

// The bad cell of a column that is text because of it is named when the
// column is used.
func TestTextInNumeric(t *testing.T) {
	tb, err := ReadCSV(strings.NewReader("y,age\n1,\"3\n\"\n0,5\n1,abc\n0,7\n"), "d.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"y ~ age", "y ~ log(age)", "age ~ y", "y ~ 1 + offset(age)"} {
		_, err = NewDesign(mustFormula(t, s), tb, DesignOptions{})
		var e *DataError
		if !errors.As(err, &e) || e.Row != 3 || e.Line != 5 || e.Column != "age" || e.Value != `"abc"` {
			t.Errorf("%s: %v", s, err)
		}
	}
	d := mustDesign(t, "y ~ C(age)", tb, DesignOptions{})
	if got := fmt.Sprint(d.Names); got != "[(Intercept) C(age)[5] C(age)[7] C(age)[abc]]" {
		t.Error(got)
	}
}

func FuzzReadCSV(f *testing.F) {
	for _, s := range []string{
		"", "a,b\n1,2\n", "\ufeffa;b\r\n1;x\r\n", "a\t\"b\n\"\n1\t2\n", "a,a\n", "a,\n1,2", "a\nInf\n1e999\n", "a,b\n\"1,2\n", "a\n\n\n1\n\xff",
		"\x1f\x8b", "a\nNA\n.\nnull\n", "\"\"\n1\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		tb, err := ReadCSV(bytes.NewReader(in), "f.csv")
		if err != nil {
			return
		}
		if tb.Nrow() == 0 || tb.Err != nil {
			t.Fatal("neither rows nor an error")
		}
		last := 1
		for i := range tb.Nrow() {
			if tb.Line(i) <= last {
				t.Fatalf("row %d stands in line %d after %d", i, tb.Line(i), last)
			}
			last = tb.Line(i)
		}
		for j, typ := range tb.Types() {
			for _, v := range tb.Col(tb.Names()[j]).Float() {
				if typ == series.Float && math.IsInf(v, 0) {
					t.Fatal("an infinity passed")
				}
			}
		}
	})
}

func BenchmarkReadCSV(b *testing.B) {
	var buf bytes.Buffer
	buf.WriteString("a,b,c,d,e,f,g,h,i,j,k\n")
	for i := range 100_000 {
		for j := range 10 {
			fmt.Fprintf(&buf, "%.6f,", math.Sin(float64(i*10+j)))
		}
		fmt.Fprintf(&buf, "level%d\n", i%7)
	}
	b.SetBytes(int64(buf.Len()))
	for b.Loop() {
		if _, err := ReadCSV(bytes.NewReader(buf.Bytes()), "d.csv"); err != nil {
			b.Fatal(err)
		}
	}
}
