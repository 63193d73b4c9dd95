package report

import (
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// NewFigure returns a figure around an empty plot in the style of this package, to
// which plotters are added:
//
//	fig := report.NewFigure("Residuals", "fitted", "observed − fitted")
//	fig.Plot.Add(scatter)
func NewFigure(title, xlabel, ylabel string) *Figure {
	p := newPlot(xlabel, ylabel)
	p.Legend.TextStyle = textStyle(8.5, false, muted)
	p.Legend.Top = true
	return &Figure{Title: title, Plot: p}
}

// SideBySide returns one figure that shows others beside each other, in columns of
// equal width and their own titles and notes, under a title of its own. Nil figures
// leave their column empty. The width is that of two figures for three and more, else
// one and a half; the height is that of the highest. Both can be changed, and so can
// the figures up to the time of rendering.
func SideBySide(title string, figs ...*Figure) *Figure {
	f := &Figure{Title: title, beside: figs, Width: 1.5 * defaultWidth}
	if len(figs) > 2 {
		f.Width = 2 * defaultWidth
	}
	for _, g := range figs {
		_, h := g.size()
		f.Height = max(f.Height, h)
	}
	return f
}

// drawBeside draws the columns of SideBySide on what its title and note leave.
func (f *Figure) drawBeside(c draw.Canvas) {
	width := (c.Max.X - c.Min.X) / vg.Length(len(f.beside))
	for i, g := range f.beside {
		left := width * vg.Length(i)
		right := width*vg.Length(i+1) - (c.Max.X - c.Min.X)
		if g == nil {
			continue
		}
		g.drawOn(draw.Crop(c, left, right, 0, 0))
	}
}

// titles joins the titles of the columns for plain text.
func (f *Figure) titles() string {
	list := []string{clean(f.Title)}
	for _, g := range f.beside {
		if g != nil {
			list = append(list, clean(g.Title))
		}
	}
	return strings.TrimSpace(strings.Join(list, "\n"))
}
