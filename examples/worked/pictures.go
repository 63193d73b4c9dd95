package main

import (
	"bytes"
	"cmp"
	"image/color"
	"math"
	"slices"

	"github.com/natgrad/natgrad/model"
	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

var (
	blue       = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	vermillion = color.NRGBA{0xd5, 0x5e, 0x00, 0xb0}
)

// dots is the number of draws in a picture.
const dots = 500

// png is the picture in the pixels of a page, a quarter of those of Figure.PNG.
func (e *example) png(fits []fitted) ([]byte, error) {
	fig := e.picture(fits)
	img := vgimg.NewWith(vgimg.UseWH(fig.Width, fig.Height), vgimg.UseDPI(96))
	fig.Draw(draw.New(img))
	var b bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(&b)
	return b.Bytes(), err
}

// picture shows the exact density by lines around 50, 90 and 99 % of its mass in view, and draws
// of q, not corrected by their weights, as dots: of the first version's normal, of the shape
// chosen for it, and of the second version's.
func (e *example) picture(fits []fitted) *report.Figure {
	first, second := e.versions[0], e.versions[1]
	chosen := func(p fitted) string { return p.Climb.Tried[p.Climb.Chosen].Name }
	fig := report.SideBySide(e.title,
		e.panel(first.title+", one normal", fits[0].Model, fits[0].normal, e.exact),
		e.panel(first.title+", "+chosen(fits[0]), fits[0].Model, fits[0].Fit, e.exact),
		e.panel(second.title+", "+chosen(fits[1]), fits[1].Model, fits[1].Fit, cmp.Or(second.half, e.exact)))
	fig.Height = 280
	return fig
}

func (e *example) panel(title string, m *model.Model, fit *vi.Result, exact *vi.Target) *report.Figure {
	fig := report.NewFigure(title, exact.Names[0], exact.Names[1])
	x, y := slices.Index(m.Names(), exact.Names[0]), slices.Index(m.Names(), exact.Names[1])
	n, _ := fit.Draws.Dims()
	var at plotter.XYs
	for i := range min(n, dots) {
		v := m.Constrain(fit.Draws.RawRowView(i))
		p := plotter.XY{X: v[x], Y: v[y]}
		if p.X > e.view[0] && p.X < e.view[1] && p.Y > e.view[2] && p.Y < e.view[3] {
			at = append(at, p)
		}
	}
	s, err := plotter.NewScatter(at)
	if err != nil {
		panic(err) // draws are finite
	}
	s.GlyphStyle = draw.GlyphStyle{Color: vermillion, Radius: 1.1, Shape: draw.CircleGlyph{}}
	g := newSurface(exact, e.view)
	c := plotter.NewContour(g, g.levels(0.99, 0.9, 0.5), nil)
	c.LineStyles = []draw.LineStyle{{Color: blue, Width: vg.Points(1)}}
	fig.Plot.Add(s, c)
	fig.Plot.X.Min, fig.Plot.X.Max, fig.Plot.Y.Min, fig.Plot.Y.Max = e.view[0], e.view[1], e.view[2], e.view[3]
	return fig
}

// surface is a density on a grid as the plotter reads it.
type surface struct{ x, y, logp []float64 }

func newSurface(t *vi.Target, view [4]float64) *surface {
	var s surface
	s.x, s.y, s.logp = targets.NewGrid(t, [2]float64{view[0], view[2]}, [2]float64{view[1], view[3]}, 200).Points()
	return &s
}

func (s *surface) Dims() (c, r int)   { return len(s.x), len(s.y) }
func (s *surface) X(c int) float64    { return s.x[c] }
func (s *surface) Y(r int) float64    { return s.y[r] }
func (s *surface) Z(c, r int) float64 { return math.Exp(s.logp[r*len(s.x)+c]) }

// levels are the heights above which the density has the given masses.
func (s *surface) levels(masses ...float64) (levels []float64) {
	falling := slices.Clone(s.logp)
	slices.SortFunc(falling, func(a, b float64) int { return cmp.Compare(b, a) })
	total := 0.0
	for _, l := range falling {
		total += math.Exp(l)
	}
	for _, m := range masses {
		sum := 0.0
		for _, l := range falling {
			if sum += math.Exp(l); sum >= m*total {
				levels = append(levels, math.Exp(l))
				break
			}
		}
	}
	return levels
}
