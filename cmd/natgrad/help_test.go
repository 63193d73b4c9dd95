package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/glm"
)

// shellWords splits a command line at spaces outside double quotes.
func shellWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

// The examples of the help run on the data in examples/data.
func TestHelpExamples(t *testing.T) {
	wells, err := os.ReadFile(filepath.Join("..", "..", "examples", "data", "wells.csv"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	write(t, "wells.csv", string(wells))
	write(t, "new.csv", "dist,arsenic\n20,1.2\n150,0.6\n")
	for _, cmd := range []string{"fit", "check", "predict", "resume"} {
		_, example, ok := strings.Cut(helpTexts[cmd], "\nExample\n")
		line := strings.TrimSpace(example)
		if !ok || !strings.HasPrefix(line, "natgrad "+cmd+" ") || strings.Contains(line, "\n") {
			t.Errorf("%s: example %q", cmd, line)
			continue
		}
		if code, out, errs := call(shellWords(line)[1:]...); code != exitOK || out == "" || errs != "" {
			t.Errorf("%s: code %d, %s%s", line, code, out, errs)
		}
	}
}

// The help names every kind of prior.
func TestHelpPriors(t *testing.T) {
	for _, p := range []glm.Prior{
		glm.NormalPrior(0, 1), glm.StudentTPrior(3, 0, 1), glm.CauchyPrior(0, 1), glm.FlatPrior(),
		glm.ExponentialPrior(1), glm.HalfNormalPrior(1), glm.HalfCauchyPrior(1), glm.HalfStudentTPrior(3, 1),
		glm.InverseGammaPrior(2, 1), glm.GammaPrior(2, 1), glm.LogNormalPrior(0, 1),
	} {
		if !strings.Contains(helpTexts["fit"], " "+p.Kind()) {
			t.Errorf("the help of fit does not name %s", p.Kind())
		}
	}
}

// Without -seed the command draws as the packages do with zero settings.
func TestDefaultSeed(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "d.csv", "y,x\n1,1\n2,2\n2,3\n5,4\n3,7\n4,5\n")
	var got fitJSON
	decode(t, mustRun(t, "fit", "d.csv", "-formula", "y ~ x", "-json"), &got)
	data, err := glm.ReadCSVFile("d.csv")
	if err != nil {
		t.Fatal(err)
	}
	f, err := glm.Fit(context.Background(), "y ~ x", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	if float64(got.KHat) != f.VI.KHat || got.Verdict != f.Verdict() {
		t.Errorf("the command says %q, the package %q", got.Verdict, f.Verdict())
	}
	pred, err := f.Predict(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	var p predictJSON
	decode(t, mustRun(t, "predict", "d.fit", "d.csv", "-json"), &p)
	if float64(p.Rows[0].Outcome.Upper) != pred[0].Outcome.Upper || float64(p.Rows[5].Mean.SD) != pred[5].Mean.SD {
		t.Errorf("the command predicts %+v, the package %+v", p.Rows[0], pred[0])
	}
}
