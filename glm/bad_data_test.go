package glm

import (
	"context"
	"errors"
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
