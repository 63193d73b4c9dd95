package notebook

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// book returns a notebook whose code cells have these sources.
func book(t *testing.T, sources ...string) *Book {
	t.Helper()
	cells := []any{map[string]any{"cell_type": "markdown", "metadata": map[string]any{}, "source": "# <A & b>"}}
	for _, s := range sources {
		cells = append(cells, map[string]any{"cell_type": "code", "metadata": map[string]any{}, "source": lines(s), "outputs": []any{}, "execution_count": nil})
	}
	data, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 5, "metadata": map[string]any{"other": "kept"}, "cells": cells})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "book.ipynb")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const assertion = "if x {\n\tpanic(1)\n}"

// run gives every cell the text it consists of.
func run(t *testing.T, b *Book, more func(o *Outputs)) *Book {
	t.Helper()
	err := b.Run(func(src string) (o Outputs, err error) {
		o.Stream("stdout", src)
		if more != nil {
			more(&o)
		}
		o.Result(map[string]any{"text/plain": "a\nb"}, nil)
		return o, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRunAndWrite(t *testing.T) {
	b := run(t, book(t, assertion, "2"), func(o *Outputs) {
		o.Display(map[string]any{"image/svg+xml": "<svg></svg>", "image/png": []byte{1}, "text/plain": "p"}, map[string]any{"image/png": 1})
	})
	path := filepath.Join(t.TempDir(), "out.ipynb")
	if err := b.Write(path); err != nil {
		t.Fatal(err)
	}
	back, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(back.Check(), back.SameKinds(b)); err != nil {
		t.Error(err)
	}
	file, _ := os.ReadFile(path)
	for _, s := range []string{`"# <A & b>"`, `"other": "kept"`, `"execution_count": 2`, "\n \"cells\": ["} {
		if !strings.Contains(string(file), s) {
			t.Errorf("the file lacks %s", s)
		}
	}
	if strings.Contains(string(file), "image/png") {
		t.Error("pixels are stored beside a vector image")
	}
	if string(file) != string(back.Clone().bytes()) {
		t.Error("a copy differs")
	}
}

func TestRunStopsAtError(t *testing.T) {
	boom, calls := errors.New("boom"), 0
	err := book(t, "1", "2", "3").Run(func(src string) (o Outputs, err error) {
		if calls++; src == "2" {
			err = boom
		}
		return o, err
	})
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), "cell 3") || calls != 2 {
		t.Errorf("%v after %d calls, want boom in cell 3 after 2", err, calls)
	}
}

func TestCheck(t *testing.T) {
	png := func(o *Outputs) { o.Display(map[string]any{"image/png": []byte{1}}, nil) }
	for _, c := range []struct {
		name string
		b    *Book
		want string // part of the error, empty for none
	}{
		{"fine", run(t, book(t, assertion), nil), ""},
		{"a blank cell", func() *Book {
			b := run(t, book(t, assertion, " \n"), nil)
			b.code()[1].raw["execution_count"] = nil
			return b
		}(), ""},
		{"not run", book(t, assertion), "cell 2 was not run"},
		{"no assertion", run(t, book(t, "1"), nil), "asserts"},
		{"no picture", run(t, book(t, assertion, `import "gonum.org/v1/plot"`), nil), "picture"},
		{"no picture of a figure", run(t, book(t, assertion, "report.CoefPlot(c, nil)"), nil), "picture"},
		{"picture", run(t, book(t, assertion, `import "gonum.org/v1/plot"`), png), ""},
		{"empty picture", run(t, book(t, assertion, "report.NewFigure(a, b, c)\nCoefPlot()"), func(o *Outputs) {
			o.Display(map[string]any{"image/svg+xml": "", "image/png": []byte{}}, nil)
		}), "picture"},
		{"complaint", run(t, book(t, assertion), func(o *Outputs) { o.Stream("stderr", "oh") }), "standard error: oh"},
		{"error", func() *Book {
			b := run(t, book(t, assertion), nil)
			b.code()[0].raw["outputs"] = []any{map[string]any{"output_type": "error", "evalue": "bad"}}
			return b
		}(), "bad"},
	} {
		err := c.b.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestSameKinds(t *testing.T) {
	stored := run(t, book(t, assertion, "2"), nil)
	twice := func(o *Outputs) { o.Stream("stdout", "more") } // Jupyter may cut a stream
	if err := run(t, book(t, assertion, "2"), twice).SameKinds(stored); err != nil {
		t.Error(err)
	}
	html := func(o *Outputs) { o.Display(map[string]any{"text/html": "x"}, nil) }
	for _, b := range []*Book{run(t, book(t, assertion), nil), run(t, book(t, assertion, "3"), nil), run(t, book(t, assertion, "2"), html)} {
		if b.SameKinds(stored) == nil {
			t.Error("a notebook that differs passes")
		}
	}
}

func TestReadRejects(t *testing.T) {
	for i, s := range []string{"", "[]", `{"nbformat": 3, "cells": []}`, `{"nbformat": 4}`, `{"nbformat": 4, "cells": [1]}`, `{"nbformat": "4", "cells": []}`} {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i))
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil {
			t.Errorf("%q is read as a notebook", s)
		}
	}
}
