package main

import (
	"fmt"
	"image/color"

	"github.com/natgrad/natgrad/report"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

var (
	blue  = color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	light = color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0x28}
	dark  = color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0x50}
	black = color.NRGBA{A: 0xff}
)

// picture shows the stages beside each other.
func (r *result) picture() *report.Figure {
	var figs []*report.Figure
	for _, b := range r.stages {
		f := report.NewFigure(fmt.Sprintf("after %d steps", b.epochs), "x", "y")
		for _, sd := range []struct {
			of   []float64
			fill color.Color
		}{{b.both, light}, {b.fn, dark}} {
			var edge plotter.XYs
			for i, x := range r.grid {
				edge = append(edge, plotter.XY{X: x, Y: b.mean[i] + 2*sd.of[i]})
			}
			for i := len(r.grid) - 1; i >= 0; i-- {
				edge = append(edge, plotter.XY{X: r.grid[i], Y: b.mean[i] - 2*sd.of[i]})
			}
			poly, err := plotter.NewPolygon(edge)
			if err != nil {
				continue
			}
			poly.Color, poly.LineStyle.Width = sd.fill, 0
			f.Plot.Add(poly)
		}
		var mean, truth, pts plotter.XYs
		for i, x := range r.grid {
			mean = append(mean, plotter.XY{X: x, Y: b.mean[i]})
			truth = append(truth, plotter.XY{X: x, Y: curve(x)})
		}
		for i, x := range r.data.X {
			pts = append(pts, plotter.XY{X: x, Y: r.data.Y[i]})
		}
		if l, err := plotter.NewLine(truth); err == nil {
			l.Color, l.Dashes, l.Width = black, []vg.Length{3, 3}, 1
			f.Plot.Add(l)
		}
		if l, err := plotter.NewLine(mean); err == nil {
			l.Color, l.Width = blue, 1.5
			f.Plot.Add(l)
		}
		if s, err := plotter.NewScatter(pts); err == nil {
			s.Color, s.Radius = black, 1.3
			f.Plot.Add(s)
		}
		f.Plot.Y.Min, f.Plot.Y.Max = -3, 3
		figs = append(figs, f)
	}
	return report.SideBySide("What the net believes: mean, ±2 sds of the function (dark) and of a new point (light); truth dashed", figs...)
}
