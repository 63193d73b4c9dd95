package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every mistake has a message of one line that says what to do, an exit code
// that is not 0, nothing on stdout, and leaves every file as it was.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	good := "y,x,z\n1.5,1,2\n2.5,2,1\n3.1,3,5\n4.2,4,3\n5.5,5,9\n"
	write(t, "good.csv", good)
	write(t, "empty.csv", "")
	write(t, "header.csv", "y,x\n")
	write(t, "ragged.csv", "y,x\n1,2\n3,4,5\n")
	write(t, "text.csv", "y,x\n1,2\n3,4\n5,oops\n2,4\n")
	write(t, "mixed.csv", "y,x\n1,2\nbad,4\n3,1\n")
	write(t, "inf.csv", "y,x\n1,2\n3,inf\n4,1\n")
	write(t, "nan.csv", "y,x\n1,2\n3,NaN\n4,1\n5,0\n")
	write(t, "allmissing.csv", "y,x\n1,\n3,\n,2\n")
	write(t, "constant.csv", "y,x,k\n1,2,7\n3,1,7\n4,1,7\n2,5,7\n")
	write(t, "collinear.csv", "y,a,b,c\n1,2,1,3\n3,1,4,5\n4,1,0,1\n2,5,2,7\n9,3,3,6\n")
	write(t, "counts.csv", "y,x\n1,2\n-3,1\n4,1\n2,5\n")
	write(t, "wide.csv", "y,a,b,c\n1,2,1,8\n3,1,4,5\n")
	write(t, "quote.csv", "y,x\n1,\"2\n3,1\n")
	write(t, "binary.csv", "y,x\n\xff\xfe,1\n2,3\n")
	write(t, "huge.csv", "y,x\n1,1e300\n2,2\n3,1\n")
	write(t, "percent.csv", "y,x\n1,1.5%\n2,2%\n3,3.5%\n5,4%\n")
	write(t, "sep.csv", "y,x\n0,1\n0,2\n0,3\n1,4\n1,5\n1,6\n")
	if err := os.Mkdir("some.csv", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "file", "not a directory")
	mustRun(t, "fit", "good.csv", "-formula", "y ~ x", "-o", "done.fit")
	if err := os.Mkdir("foreign.fit", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "foreign.fit/fit.json", `{"format":"something else"}`)
	if err := os.Mkdir("cut.fit", 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("done.fit/fit.json")
	if err != nil {
		t.Fatal(err)
	}
	write(t, "cut.fit/fit.json", string(b[:len(b)/2]))
	before := snapshot(t, dir)

	fit := func(data, formula string, more ...string) []string {
		return append([]string{"fit", data, "-formula", formula}, more...)
	}
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"no such file", fit("nofile.csv", "y ~ x"), []string{"nofile.csv: no such file"}},
		{"directory as data", fit("some.csv", "y ~ x"), []string{"some.csv is a directory"}},
		{"not a regular file", fit(os.DevNull, "y ~ x"), []string{"not a regular file"}},
		{"empty file", fit("empty.csv", "y ~ x"), []string{"empty.csv", "the file is empty"}},
		{"header only", fit("header.csv", "y ~ x"), []string{"header but no rows"}},
		{"ragged row", fit("ragged.csv", "y ~ x"), []string{"ragged.csv", "line 3", "3 fields", "want 2"}},
		{"open quote", fit("quote.csv", "y ~ x"), []string{"quote.csv", "line ", "quoted field"}},
		{"not text", fit("binary.csv", "y ~ x"), []string{"binary.csv", "UTF-8"}},
		{"text in numeric column", fit("text.csv", "y ~ x"), []string{"column x", "row 3 (line 4)", `"oops"`, "want a number"}},
		{"text in outcome", fit("mixed.csv", "y ~ x"), []string{"column y", "line 3", `"bad"`}},
		{"infinity", fit("inf.csv", "y ~ x"), []string{"column x", "line 3", "inf", "finite"}},
		{"NaN", fit("nan.csv", "y ~ x"), []string{"1 of 4 rows", "x in row 2 (line 3)", "-missing omit"}},
		{"no rows left", fit("allmissing.csv", "y ~ x", "-missing", "omit"), []string{"row"}},
		{"unknown column", fit("good.csv", "y ~ xx"), []string{"column xx", "did you mean x?"}},
		{"unknown weights", fit("good.csv", "y ~ x", "-weights", "w"), []string{"column w", "no such column"}},
		{"formula", fit("good.csv", "y ~ x +"), []string{"y ~ x +"}},
		{"constant column", fit("constant.csv", "y ~ x + k"), []string{"column k", "constant, 7"}},
		{"collinear columns", fit("collinear.csv", "y ~ a + b + c"), []string{"collinear: c = a + b", "leave one of them out"}},
		{"outside support", fit("counts.csv", "y ~ x", "-family", "poisson"), []string{`counts.csv: column "y", row 2 (line 3): value -3`}},
		{"not binary", fit("good.csv", "y ~ x", "-family", "bernoulli"), []string{"1.5"}},
		{"prior scale", fit("good.csv", "y ~ x", "-prior", "x ~ normal(0, -1)"), []string{"normal(0, -1)", "sd"}},
		{"prior scale 0", fit("good.csv", "y ~ x", "-prior", "sigma ~ exponential(0)"), []string{"exponential(0)", "rate"}},
		{"unknown prior", fit("good.csv", "y ~ x", "-prior", "x ~ nromal(0, 1)"), []string{"nromal", "did you mean normal?"}},
		{"prior of nothing", fit("good.csv", "y ~ x", "-prior", "q ~ normal(0, 1)"), []string{" q", "name of a parameter"}},
		{"prior without name", fit("good.csv", "y ~ x", "-prior", "normal(0, 1)"), []string{"b ~ normal(0, 1)"}},
		{"unknown family", fit("good.csv", "y ~ x", "-family", "poison"), []string{"poison", "did you mean poisson?"}},
		{"flat priors and few rows", fit("wide.csv", "y ~ a + b + c", "-prior", "b ~ flat"), []string{"2 rows cannot determine 4 coefficients"}},
		{"batch too large", fit("good.csv", "y ~ x", "-batch", "50", "-o", "new.fit"), []string{"-batch is 50", "number of rows = 5"}},
		{"existing fit", fit("good.csv", "y ~ x", "-o", "done.fit"), []string{"done.fit already holds fit.json", "-force"}},
		{"error with -force", fit("good.csv", "y ~ nope", "-o", "done.fit", "-force"), []string{"column nope"}},
		{"file as directory", fit("good.csv", "y ~ x", "-o", "file"), []string{"file is a file"}},
		{"unwritable directory", fit("good.csv", "y ~ x", "-o", "file/sub"), []string{"file/sub"}},
		{"earlier fit missing", fit("good.csv", "y ~ x", "-after", "no.fit"), []string{"no.fit: no such directory"}},
		{"earlier fit of another formula", fit("good.csv", "y ~ z", "-after", "done.fit"), []string{"y ~ x", "y ~ z"}},
		{"earlier fit and priors", fit("good.csv", "y ~ x", "-after", "done.fit", "-prior", "x ~ flat"), []string{"earlier posterior is the prior"}},
		{"check of a foreign file", []string{"check", "foreign.fit"}, []string{"foreign.fit/fit.json", "something else"}},
		{"check of a truncated file", []string{"check", "cut.fit"}, []string{"cut.fit/fit.json", "truncated"}},
		{"check on other columns", []string{"check", "done.fit", "-data", "wide.csv"}, []string{"column x", "no such column"}},
		{"predict without a column", []string{"predict", "done.fit", "wide.csv"}, []string{"column x"}},
		{"predict over a file", []string{"predict", "done.fit", "good.csv", "-o", "file"}, []string{"file exists already"}},
		{"predict into nowhere", []string{"predict", "done.fit", "good.csv", "-o", "no/where.csv"}, []string{"cannot write the predictions"}},
		{"predict into a directory", []string{"predict", "done.fit", "good.csv", "-o", "done.fit", "-force"}, []string{"done.fit is a directory", "-o done.fit/predictions.csv"}},
		{"predict a cell out of range", []string{"predict", "done.fit", "huge.csv"}, []string{"huge.csv: column x: row 1 (line 2) is 1e+300", "rescale the column"}},
		{"cell out of range", fit("huge.csv", "y ~ x"), []string{"huge.csv: column x: row 1 (line 2) is 1e+300", "rescale the column"}},
		{"text that looks numeric", fit("percent.csv", "y ~ x"), []string{"percent.csv: column x: row 1 (line 2)", `"1.5%"`, "clean it (write C(x)"}},
		{"constant outcome", fit("constant.csv", "k ~ x"), []string{"constant.csv: column k: it is constant, 7 in all 4 rows", "sigma goes to 0"}},
		{"separation and flat priors", fit("sep.csv", "y ~ x", "-family", "bernoulli", "-prior", "b ~ flat", "-prior", "(Intercept) ~ flat"), []string{"there is no posterior", "every 0 of y from every 1", `"b ~ normal(0, 2.5)"`}},
		{"resume of nothing", []string{"resume", "some.csv"}, []string{"some.csv holds no fit"}},
		{"resume of a file", []string{"resume", "good.csv"}, []string{"good.csv is a file; want the directory of a fit (such as good.fit)"}},
		{"check of a file", []string{"check", "good.csv"}, []string{"good.csv is a file; want the directory of a fit (such as good.fit)"}},
		{"predict from a file", []string{"predict", "good.csv", "done.fit"}, []string{"good.csv is a file; want the directory of a fit"}},
		{"file as earlier fit", fit("good.csv", "y ~ x", "-after", "done.fit/fit.json"), []string{"-after: ", "fit.json is a file; want the directory of a fit (such as ", "done.fit)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := call(c.args...)
			if code == exitOK || code == exitBad || out != "" {
				t.Errorf("code %d, stdout %q", code, out)
			}
			for _, w := range c.want {
				if !strings.Contains(errs, w) {
					t.Errorf("stderr %q, want %q in it", errs, w)
				}
			}
			lines := strings.Count(errs, "\n")
			if !strings.HasPrefix(errs, "natgrad: ") || lines != 1 && c.name != "formula" || strings.Contains(errs, "glm.") || strings.Contains(errs, "glm: ") || strings.Contains(errs, "vi: ") {
				t.Errorf("not one plain line: %q", errs)
			}
			if testing.Verbose() {
				fmt.Print(errs)
			}
			same(t, "after the error", before, snapshot(t, dir))
		})
	}
}

// A directory without permission is refused before the work, not after it.
func TestNoPermission(t *testing.T) {
	dir := t.TempDir()
	data := write(t, filepath.Join(dir, "d.csv"), "y,x\n1,1\n2,2\n2,3\n5,4\n")
	locked := filepath.Join(dir, "locked")
	if err := os.Mkdir(locked, 0o555); err != nil {
		t.Fatal(err)
	}
	code, _, errs := call("fit", data, "-formula", "y ~ x", "-o", filepath.Join(locked, "sub"))
	if os.Geteuid() == 0 {
		// Permissions do not bind the superuser: the fit is written.
		if code == exitError {
			t.Errorf("code %d: %s", code, errs)
		}
		return
	}
	if code != exitError || !strings.Contains(errs, "permission denied") {
		t.Errorf("code %d: %s", code, errs)
	}
}

// What looks like a mistake but can be fitted is fitted, with a word.
func TestWarnings(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "sep.csv", "y,x\n0,1\n0,2\n0,3\n1,4\n1,5\n1,6\n")
	write(t, "wide.csv", "y,a,b,c\n1,2,1,8\n3,1,4,5\n2,2,2,2\n")
	write(t, "ones.csv", "y,x\n1,1\n1,2\n1,3\n")
	write(t, "again.csv", "y,x\n1,1\n2,2\n3,3\n2,5\n4,4\n")
	mustRun(t, "fit", "again.csv", "-formula", "y ~ x", "-o", "first.fit", "-quiet")
	write(t, "day2.csv", "y,x\n2,1\n1,2\n4,3\n")
	if out := mustRun(t, "fit", "day2.csv", "-after", "first.fit", "-o", "second.fit"); strings.Contains(out, "already used") {
		t.Errorf("new rows: %s", out)
	}
	write(t, "again2.csv", "y,x\n1,1\n2,2\n3,3\n2,5\n4,4\n")
	write(t, "gap.csv", "y,x\n1,1\n2,\n3,3\n2,5\n4,4\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"fit", "sep.csv", "-formula", "y ~ x", "-family", "bernoulli"}, "warning: perfect separation"},
		{[]string{"fit", "ones.csv", "-formula", "y ~ x", "-family", "bernoulli"}, "warning: every outcome of y is 1"},
		{[]string{"fit", "again.csv", "-after", "first.fit"}, "warning: these rows were already used: again.csv"},
		{[]string{"fit", "again2.csv", "-after", "second.fit"}, "warning: these rows were already used: again2.csv"},
		{[]string{"fit", "wide.csv", "-formula", "y ~ a + b + c"}, "warning: 3 rows cannot determine 4 coefficients"},
		{[]string{"fit", "gap.csv", "-formula", "y ~ x", "-missing", "omit"}, "4 rows (1 omitted for missing values)"},
	} {
		code, out, errs := call(c.args...)
		if code == exitError || code == exitUsage || !strings.Contains(out, c.want) || strings.Contains(out, "NaN") {
			t.Errorf("%v: code %d, %s%s", c.args, code, out, errs)
		}
		html, err := os.ReadFile(filepath.Join(outputDir(c.args[1]), reportFile))
		if want := strings.TrimPrefix(c.want, "warning: "); err != nil || !strings.Contains(string(html), want) {
			t.Errorf("%v: %q is not in the report (%v)", c.args, want, err)
		}
	}
}
