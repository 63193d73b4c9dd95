package main

import (
	"image/color"
	"math"
	"os"
	"path/filepath"

	"github.com/natgrad/natgrad/report"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// side is the number of points of a grid along an axis.
const side = 160

// field is the logarithm of a function on a grid, lighter where it is low.
type field struct {
	f    function
	half float64
}

func (f field) Dims() (c, r int) { return side, side }
func (f field) X(c int) float64  { return f.half * (2*float64(c)/(side-1) - 1) }
func (f field) Y(r int) float64  { return f.X(r) }
func (f field) Z(c, r int) float64 {
	return math.Log(value(f.f, []float64{f.X(c), f.Y(r)}) + 0.01)
}

// greys run from white to dark grey.
type greys struct{}

func (greys) Colors() []color.Color {
	var c []color.Color
	for i := range 32 {
		c = append(c, color.Gray{Y: uint8(255 - 4*i)})
	}
	return c
}

// savePicture draws minima.svg: paths of AdaGrad and VadaGrad at the same rate from the same
// starts over both functions.
func savePicture(dir string) error {
	var figs []*report.Figure
	for _, c := range []struct {
		title    string
		f        function
		half, sd float64
		rate     float64
		starts   [][]float64
	}{
		{"Casella and Robert, rate 0.1", tangle, 1, 0.1, 0.1, [][]float64{{0.75, 0.75}, {-0.75, 0.05}}},
		{"a bowl with ripples, rate 0.3", ripples, 6, 1, 0.3, [][]float64{{4.5, 4}, {-4, 4.5}}},
	} {
		fig := report.NewFigure(c.title, "", "")
		h := plotter.NewHeatMap(field{c.f, c.half}, greys{})
		h.Rasterized = true
		fig.Plot.Add(h)
		ways := walkers(c.sd)
		for i, k := range []walker{ways[2], ways[1]} {
			ink := []color.Color{color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}, color.NRGBA{R: 0xd5, G: 0x5e, A: 0xff}}[i]
			for s, start := range c.starts {
				path := plotter.XYs{{X: start[0], Y: start[1]}}
				end, err := k.walk(c.f, start, c.rate, 2000, uint64(s+1), func(m []float64) {
					last := path[len(path)-1]
					if math.Hypot(m[0]-last.X, m[1]-last.Y) > c.half/20 {
						path = append(path, plotter.XY{X: m[0], Y: m[1]})
					}
				})
				if err != nil {
					return err
				}
				l, err := plotter.NewLine(path)
				if err != nil {
					return err
				}
				dot, err := plotter.NewScatter(plotter.XYs{{X: end[0], Y: end[1]}})
				if err != nil {
					return err
				}
				l.Color, l.Width = ink, vg.Points(1)
				dot.Color, dot.Radius = ink, 3
				fig.Plot.Add(l, dot)
			}
		}
		fig.Plot.X.Min, fig.Plot.X.Max, fig.Plot.Y.Min, fig.Plot.Y.Max = -c.half, c.half, -c.half, c.half
		figs = append(figs, fig)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return report.SideBySide("Ways of the mean to the dots: VadaGrad blue, AdaGrad red; light is low", figs...).Save(filepath.Join(dir, "minima.svg"))
}
