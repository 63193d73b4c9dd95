package main

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// view is a picture of one experiment.
type view struct {
	file   string
	of     string
	k      int
	steps  int
	lo, hi [2]float64
	x, y   string
}

var views = []view{
	{"mixture-betabinomial.png", "betabinomial", 6, 5000, [2]float64{-7.8, 4.5}, [2]float64{-5.6, 15}, "logit η", "log K"},
	{"mixture-banana.png", "banana", 10, 20000, [2]float64{-1.9, -1}, [2]float64{1.9, 2.6}, "θ₁", "θ₂"},
	{"mixture-star.png", "star", 10, 5000, [2]float64{-4.3, -4.3}, [2]float64{4.6, 4.3}, "x₁", "x₂"},
}

// pictures writes, for each target, the target beside a mixture that was fitted with the
// tuned schedule.
func pictures(c config, list []experiment) error {
	if err := os.MkdirAll(c.pictures, 0o755); err != nil {
		return err
	}
	for _, v := range views {
		if c.only != "" && c.only != "pictures" && c.only != v.of {
			continue
		}
		i := slices.IndexFunc(list, func(e experiment) bool { return e.p.name == v.of && e.k == v.k })
		e := &list[i]
		m, _, err := e.tunedSteps(0, v.steps)
		if err != nil {
			return fmt.Errorf("%s: %w", v.file, err)
		}
		kl, _ := e.p.grid.KL(m.LogProb)
		path := filepath.Join(c.pictures, v.file)
		if err := v.save(path, e, m, kl); err != nil {
			return err
		}
		fmt.Fprintf(c.w, "%s: KL %.2g\n", path, kl)
	}
	return nil
}

// bands is a density on a grid as the plotter reads it: Z counts the regions of highest
// density, of the masses below, that hold the point.
type bands struct {
	x, y, logp []float64
	levels     []float64
}

var bandMass = []float64{0.99, 0.9, 0.7, 0.5, 0.3, 0.1}

// newBands evaluates the normalised log density on the part of the plane that the view shows.
func newBands(logp func(x []float64) float64, v view, levels []float64) *bands {
	const n = 360
	g := targets.NewGrid(&vi.Target{Dim: 2, LogProb: logp}, v.lo, v.hi, n)
	b := &bands{levels: levels}
	b.x, b.y, b.logp = g.Points()
	if levels == nil {
		b.levels = b.highest()
	}
	return b
}

// highest returns the densities at the borders of the regions, lowest first.
func (b *bands) highest() (levels []float64) {
	sorted := slices.Clone(b.logp)
	slices.SortFunc(sorted, func(p, q float64) int { return cmp.Compare(q, p) })
	total := 0.0
	for _, l := range sorted {
		total += math.Exp(l)
	}
	levels = make([]float64, len(bandMass))
	mass, next := 0.0, len(bandMass)-1
	for _, l := range sorted {
		mass += math.Exp(l) / total
		for ; next >= 0 && mass >= bandMass[next]; next-- {
			levels[next] = l
		}
	}
	return levels
}

func (b *bands) Dims() (c, r int) { return len(b.x), len(b.y) }
func (b *bands) X(c int) float64  { return b.x[c] }
func (b *bands) Y(r int) float64  { return b.y[r] }
func (b *bands) Z(c, r int) float64 {
	l := b.logp[r*len(b.x)+c]
	k := 0
	for k < len(b.levels) && l >= b.levels[k] {
		k++
	}
	return float64(k)
}

// shades run from white through one blue, lightest outside.
type shades struct{}

func (shades) Colors() []color.Color {
	out := make([]color.Color, len(bandMass)+1)
	for i := range out {
		f := float64(i) / float64(len(bandMass))
		mix := func(to float64) uint8 { return uint8(255 + (to-255)*f) }
		out[i] = color.RGBA{mix(0), mix(90), mix(150), 255}
	}
	return out
}

var orange = color.RGBA{0xd5, 0x5e, 0, 0xff}

// ellipses draws the component means as crosses and one sd around them as ellipses.
type ellipses struct{ m *mixture.Mixture }

// faint is the weight, as a part of 1/K, below which a component is not drawn.
const faint = 0.05

func (e ellipses) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	w := e.m.Weights(nil)
	for k := range e.m.K() {
		q, ok := e.m.Component(k).(*expfam.Normal)
		if !ok || w[k] < faint/float64(e.m.K()) {
			continue
		}
		mu, cov := q.Mean(nil), q.Cov(nil)
		a := math.Sqrt(cov.At(0, 0))
		b := cov.At(0, 1) / a
		d := math.Sqrt(cov.At(1, 1) - b*b)
		const corners = 60
		ring := make([]vg.Point, corners+1)
		for i := range ring {
			s, co := math.Sincos(2 * math.Pi * float64(i) / corners)
			ring[i] = vg.Point{X: tx(mu[0] + a*co), Y: ty(mu[1] + b*co + d*s)}
		}
		c.StrokeLines(draw.LineStyle{Color: orange, Width: 0.75}, c.ClipLinesXY(ring)...)
		c.DrawGlyph(draw.GlyphStyle{Color: orange, Radius: 3, Shape: draw.PlusGlyph{}}, vg.Point{X: tx(mu[0]), Y: ty(mu[1])})
	}
}

func (v view) save(path string, e *experiment, m *mixture.Mixture, kl float64) error {
	target := newBands(e.p.target.LogProb, v, nil)
	fit := newBands(m.LogProb, v, target.levels)
	panel := func(title string, b *bands, over ...plot.Plotter) *plot.Plot {
		p := plot.New()
		p.Title.Text = title
		p.X.Label.Text, p.Y.Label.Text = v.x, v.y
		h := plotter.NewHeatMap(b, shades{})
		h.Min, h.Max, h.Rasterized = 0, float64(len(bandMass)), true
		p.Add(h)
		p.Add(over...)
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = v.lo[0], v.hi[0], v.lo[1], v.hi[1]
		return p
	}
	img := vgimg.NewWith(vgimg.UseWH(576, 288), vgimg.UseDPI(144))
	c := draw.New(img)
	left, right := draw.Crop(c, 4, -292, 4, -4), draw.Crop(c, 292, -4, 4, -4)
	panel(e.p.title+", target", target).Draw(left)
	panel(fmt.Sprintf("mixture of %d normals, KL %.2g", v.k, kl), fit, ellipses{m}).Draw(right)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = vgimg.PngCanvas{Canvas: img}.WriteTo(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
