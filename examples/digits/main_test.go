package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// One seed: every learner but Vadam knows its digits, and nets with uncertain
// weights tell pictures of nothing from digits better than a single net does.
func TestDigits(t *testing.T) {
	r, err := run(context.Background(), "../../testdata/digits/digits.csv.gz", 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range r.columns {
		if name := learners[i].name; name != "Vadam" && c.accuracy[0] < 0.96 {
			t.Errorf("%s: accuracy %.3f", name, c.accuracy[0])
		}
	}
	single, ivon := r.find("single net"), r.find("IVON")
	for k, kind := range r.kinds[1:] {
		if ivon.auroc[k+1][0] < 0.97 || ivon.auroc[k+1][0] < single.auroc[k+1][0] {
			t.Errorf("%s: AUROC %.3f, of a single net %.3f", kind, ivon.auroc[k+1][0], single.auroc[k+1][0])
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "uncertainty.md"), []byte("a\n"+begin+"\n"+end+"\nb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "uncertainty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := r.write(dir); err != nil {
		t.Error(err)
	}
}
