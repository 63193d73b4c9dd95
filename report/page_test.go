package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func testPage() *Page {
	return &Page{
		Title: "y ~ x " + hostile, Subtitle: hostile, Verdict: Verdict{Caution, hostile},
		Facts:   []KV{{hostile, hostile}, {"rows", "3020"}},
		Tables:  []*Table{NewCoefTable(append([]Coef{{Name: hostile, Mean: 1, SD: 1, Prior: hostile}}, testCoefs...)), nil},
		Figures: []PageFigure{{CoefPlot([]Coef{{Name: hostile, Mean: 1, SD: 1}}, nil), hostile}, {nil, "no figure"}},
		Notes:   []string{hostile},
	}
}

func TestPageIsSelfContained(t *testing.T) {
	var a, b bytes.Buffer
	if err := testPage().WriteHTML(&a); err != nil {
		t.Fatal(err)
	}
	if err := testPage().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two renderings differ")
	}
	s := a.String()
	if m := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|@import|url\(|\bsrc=|href=|\son\w+=|\x00|\x{202e}|ZgotmplZ`).FindString(s); m != "" {
		t.Errorf("the page has %q", m)
	}
	// The one address in the file is the name of the SVG vocabulary.
	if rest := strings.ReplaceAll(s, "http://www.w3.org/2000/svg", ""); strings.Contains(rest, "://") {
		t.Error("the page has an address")
	}
	for _, want := range []string{`<p class="verdict caution">`, "<dt>rows</dt><dd>3020</dd>", "<svg role=\"img\"", "<li>&lt;script&gt;", "prefers-color-scheme: dark", "@media print"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if strings.Contains(s, "no figure") {
		t.Error("a nil figure has a caption")
	}
	checkNesting(t, s)
}

// checkNesting fails unless every element that is not void is closed in order.
func checkNesting(t *testing.T, s string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(s))
	dec.Strict = false
	dec.AutoClose = []string{"meta"}
	dec.Entity = xml.HTMLEntity
	var open []string
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if tok.Name.Local != "meta" {
				open = append(open, tok.Name.Local)
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != tok.Name.Local {
				if tok.Name.Local != "meta" {
					t.Fatalf("</%s> closes %v", tok.Name.Local, open)
				}
				continue
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("never closed: %v", open)
	}
}

func TestPageDegenerate(t *testing.T) {
	for _, p := range []*Page{nil, {}, {Verdict: Verdict{Level: 7, Text: "odd"}}, {Tables: []*Table{{}}, Figures: []PageFigure{{Figure: &Figure{}}}}} {
		var b bytes.Buffer
		if err := p.WriteHTML(&b); err != nil {
			t.Error(err)
		}
		checkNesting(t, b.String())
		if out := p.SimpleRender(); len(out) != 2 {
			t.Errorf("rendered as %v", out)
		}
	}
	if Level(7).String() != "bad" || Level(-1).String() != "bad" || Good.String() != "good" {
		t.Error("an unknown level must not look good")
	}
}

func TestPageText(t *testing.T) {
	p := &Page{Title: "T", Subtitle: "s", Verdict: Verdict{Bad, "diverged"}, Facts: []KV{{"rows", "3"}},
		Tables: []*Table{{Rows: [][]string{{"a", "b"}}}}, Notes: []string{"n"}}
	if got, want := p.String(), "T\ns\nbad: diverged\nrows: 3\n\na  b\n\n- n\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	html, ok := p.SimpleRender()["text/html"].(string)
	if !ok || !strings.HasPrefix(html, "<iframe sandbox") || strings.Count(html, "<") != 2 {
		t.Errorf("the page is not contained in its frame: %.200s", html)
	}
}

func TestPageSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.html")
	if err := testPage().Save(path); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(b, []byte("<!DOCTYPE html>")) {
		t.Errorf("%v: %.40q", err, b)
	}
	if err := testPage().Save(filepath.Join(path, "x")); err == nil || !strings.Contains(err.Error(), "report: Page.Save") {
		t.Errorf("error %v", err)
	}
	if err := testPage().WriteHTML(brokenWriter{}); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error %v, want the writer's", err)
	}
}
