package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asCommand in the environment makes the test binary behave as the command
// itself, for the tests that have to kill a process.
const asCommand = "NATGRAD_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// call runs the command in this process.
func call(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}

// mustRun fails the test unless the command does its work without a word on
// standard error, whatever its verdict.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := call(args...)
	if code != exitOK && code != exitBad || errs != "" {
		t.Fatalf("natgrad %s: code %d, stderr %q", strings.Join(args, " "), code, errs)
	}
	return out
}

// decode parses the one JSON value that a command has printed.
func decode(t *testing.T, text string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if d.More() {
		t.Fatalf("more than one JSON value in %q", text)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// snapshot reads every file under dir.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if d.IsDir() {
			files[rel] = "directory"
			return nil
		}
		b, err := os.ReadFile(path)
		files[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// same fails the test unless two snapshots hold the same files with the same bytes.
func same(t *testing.T, what string, a, b map[string]string) {
	t.Helper()
	for name := range a {
		if _, ok := b[name]; !ok {
			t.Errorf("%s: %s is gone", what, name)
		} else if a[name] != b[name] {
			t.Errorf("%s: %s differs", what, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			t.Errorf("%s: %s is new", what, name)
		}
	}
}

// logisticCSV makes n rows of a logistic regression on p columns.
func logisticCSV(n, p int) string {
	rng := rand.New(rand.NewPCG(7, 11))
	var b strings.Builder
	b.WriteString("y")
	for j := range p {
		fmt.Fprintf(&b, ",x%d", j+1)
	}
	for range n {
		eta, row := 0.3, ""
		for j := range p {
			x := rng.NormFloat64()
			eta += x / float64(1+j)
			row += fmt.Sprintf(",%.4f", x)
		}
		y := 0
		if eta+rng.NormFloat64()*1.7 > 0 {
			y = 1
		}
		fmt.Fprintf(&b, "\n%d%s", y, row)
	}
	return b.String() + "\n"
}

func TestHelpAndMistakes(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string // on stdout if the code is 0, else on stderr
	}{
		{"", exitUsage, "natgrad fit data.csv"},
		{"help", 0, "Exit codes"},
		{"-h", 0, "Exit codes"},
		{"help fit", 0, "Wilkinson"},
		{"fit -h", 0, "Wilkinson"},
		{"predict d.fit -help", 0, "-level"},
		{"check --help", 0, "PSIS-LOO"},
		{"resume -h", 0, "run.state"},
		{"version", 0, "natgrad "},
		{"help prdict", exitUsage, `unknown command "prdict", did you mean predict?`},
		{"fti x.csv", exitUsage, `unknown command "fti", did you mean fit?`},
		{"x.csv", exitUsage, "to fit a model: natgrad fit x.csv -formula"},
		{"fit", exitUsage, `fit wants a CSV file; try "natgrad help fit"`},
		{"fit a.csv b.csv", exitUsage, `"b.csv" is one argument too many`},
		{"fit a.csv -formul y~x", exitUsage, "unknown flag -formul, did you mean -formula?"},
		{"fit a.csv -zzzzz 1", exitUsage, "unknown flag -zzzzz; try"},
		{"fit a.csv", exitUsage, "-formula is missing"},
		{"fit a.csv -formula y~x -seed -1", exitUsage, `-seed is "-1", want a whole number from 0; try`},
		{"fit a.csv -formula y~x -seed 18446744073709551616", exitUsage, `-seed is "18446744073709551616", want a whole number from 0; try`},
		{"fit a.csv -formula y~x -draws many", exitUsage, `-draws is "many", want a whole number; try`},
		{"fit a.csv -formula y~x -tol 1e-8x", exitUsage, `-tol is "1e-8x", want a number; try`},
		{"fit a.csv -formula y~x -checkpoint-every 3", exitUsage, `-checkpoint-every is "3", want a time such as 30s; try`},
		{"fit a.csv -formula y~x -json=maybe", exitUsage, `-json is "maybe", want true or false`},
		{"fit a.csv -o", exitUsage, "flag needs an argument: -o; try"},
		{"fit a.csv -formula y~x -draws 0", exitUsage, "-draws is 0"},
		{"fit a.csv -formula y~x -batch -3", exitUsage, "-batch is -3"},
		{"fit a.csv -formula y~x -tol NaN", exitUsage, "-tol is NaN"},
		{"fit a.csv -formula y~x -workers -1", exitUsage, "-workers is -1"},
		{"fit a.csv -formula y~x -missing drop", exitUsage, `-missing is "drop", want error or omit`},
		{"fit a.csv -formula y~x -checkpoint-every 0s", exitUsage, "-checkpoint-every is 0s"},
		{"predict d.fit", exitUsage, "predict wants the directory of a fit and a CSV file"},
		{"predict d.fit n.csv -level 95", exitUsage, "-level is 95"},
		{"predict d.fit n.csv -draws 5", exitUsage, "-draws is 5"},
		{"check", exitUsage, "check wants the directory"},
		{"check nowhere.fit", exitError, "nowhere.fit: no such directory"},
		{"resume nowhere.fit", exitError, "nowhere.fit: no such directory"},
	} {
		code, out, errs := call(strings.Fields(c.args)...)
		if got := out + errs; code != c.code || !strings.Contains(got, c.want) {
			t.Errorf("natgrad %s: code %d, %q; want code %d, %q", c.args, code, got, c.code, c.want)
		}
		if code == 0 && errs != "" || code != 0 && out != "" {
			t.Errorf("natgrad %s: code %d with stdout %q, stderr %q", c.args, code, out, errs)
		}
	}
	for _, name := range commandNames[:4] {
		if !strings.Contains(helpTexts[name], "Example\n  natgrad "+name) {
			t.Errorf("help %s has no example", name)
		}
	}
}

func TestQuoteArg(t *testing.T) {
	for in, want := range map[string]string{"wells.fit": "wells.fit", "my data": "'my data'", "": "''", "it's": `'it'\''s'`, "~x": "'~x'"} {
		if got := quoteArg(in); got != want {
			t.Errorf("quoteArg(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestOutputDir(t *testing.T) {
	for in, want := range map[string]string{"a/b/wells.csv": "wells.fit", "x.csv.gz": "x.fit", "plain": "plain.fit", ".hidden": ".hidden.fit", "a.b.csv": "a.b.fit"} {
		if got := outputDir(in); got != want {
			t.Errorf("outputDir(%q) = %s, want %s", in, got, want)
		}
	}
}

// The names of Go functions go, the names of files stay.
func TestExplain(t *testing.T) {
	for in, want := range map[string]string{
		"glm.ReadCSV: DATA.CSV: line 3 is bad":   "DATA.CSV: line 3 is bad",
		"glm.ReadCSV: Fit: line 3 is bad":        "Fit: line 3 is bad",
		"glm: NewModel: the family is odd":       "the family is odd",
		"glm: Judge: vi: the log density is NaN": "the log density is NaN",
		"glm: vi: New: x":                        "x",
		"cannot write the fit: open a/b: no":     "cannot write the fit: open a/b: no",
		"glm: Result.Predict: Level is 7":        "Level is 7",
	} {
		if got := explain(errors.New(in)); got != want {
			t.Errorf("explain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestJSONNumbers(t *testing.T) {
	var b bytes.Buffer
	a := &app{stdout: &b}
	nan := 0.0
	nan /= nan
	if err := a.printJSON([]num{1.5, num(nan), num(1 / (nan * 0))}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(strings.Fields(b.String()), ""); got != "[1.5,null,null]" {
		t.Error(got)
	}
	if got := shortPrior("normal(86.79723502304147, 1.2345678e-07) at column means"); got != "normal(86.8, 1.235e-07) at column means" {
		t.Error(got)
	}
}
