package report

import (
	"strings"
	"testing"
)

func TestSideBySide(t *testing.T) {
	a, b := NewFigure("left one", "x", "y"), NewFigure("right one", "x", "y")
	b.Height = 400
	f := SideBySide("both", a, nil, b)
	if f.Width != 2*defaultWidth || f.Height != 400 {
		t.Errorf("three figures are %v by %v", f.Width, f.Height)
	}
	svg := f.SVG()
	checkSVG(t, f)
	for _, s := range []string{"both", "left one", "right one"} {
		if !strings.Contains(svg, s) {
			t.Errorf("the picture does not show %q", s)
		}
	}
	if text := f.SimpleRender()["text/plain"]; text != "both\nleft one\nright one" {
		t.Errorf("plain text is %q", text)
	}
	// The columns do not overlap: the title on the right starts beyond the middle.
	at := func(s string) string {
		head := svg[:strings.Index(svg, ">"+s+"<")]
		return head[strings.LastIndex(head, "<text"):]
	}
	if at("left one") == at("right one") {
		t.Error("both titles are in one place")
	}
	checkSVG(t, SideBySide(""))
	checkSVG(t, SideBySide("", nil, nil))
	checkSVG(t, SideBySide("", &Figure{}, SideBySide("", a)))
}
