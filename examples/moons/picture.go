package main

import (
	"image/color"

	"github.com/natgrad/natgrad/report"
	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
)

// field is a function on the grid.
type field []float64

func (f field) Dims() (c, r int)   { return side, side }
func (f field) Z(c, r int) float64 { return f[r*side+c] }
func (f field) X(c int) float64    { return place(c) }
func (f field) Y(r int) float64    { return place(r) }

// shades run from one colour over white to another.
type shades []color.Color

func (s shades) Colors() []color.Color { return s }

func mix(a, b color.NRGBA, t float64) color.Color {
	m := func(x, y uint8) uint8 { return uint8(float64(x)*(1-t) + float64(y)*t + 0.5) }
	return color.NRGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 0xff}
}

var (
	blue       = color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	vermillion = color.NRGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}
	black      = color.NRGBA{A: 0xff}
	white      = color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff}
)

func ramp() palette.Palette {
	var s shades
	const n = 32
	for i := range n {
		t := 2*float64(i)/(n-1) - 1
		if t < 0 {
			s = append(s, mix(white, blue, -t))
		} else {
			s = append(s, mix(white, vermillion, t))
		}
	}
	return s
}

// picture shows the probability of the second moon for single weights and IVON.
func (r *result) picture() *report.Figure {
	var figs []*report.Figure
	for _, s := range r.surfaces {
		if s.name != "single weights" && s.name != "IVON" {
			continue
		}
		f := report.NewFigure(s.name, "", "")
		h := plotter.NewHeatMap(field(s.p), ramp())
		h.Min, h.Max, h.Rasterized = 0, 1, true
		f.Plot.Add(h)
		for class, c := range []color.Color{black, white} {
			var pts plotter.XYs
			for i, y := range r.data.Y {
				if int(y) == class {
					pts = append(pts, plotter.XY{X: r.data.X[2*i], Y: r.data.X[2*i+1]})
				}
			}
			if sc, err := plotter.NewScatter(pts); err == nil {
				sc.Color, sc.Radius, sc.Shape = c, 1.3, draw.CircleGlyph{}
				f.Plot.Add(sc)
			}
		}
		figs = append(figs, f)
	}
	return report.SideBySide("Two moons: P(second moon), blue 0, red 1, white ½; points of the first moon black, of the second white", figs...)
}
