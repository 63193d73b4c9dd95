package main

import (
	"image/color"
	"math"
	"os"
	"path/filepath"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/structured"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

var (
	blue       = color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	vermillion = color.NRGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}
	grey       = color.NRGBA{R: 0x6b, G: 0x72, B: 0x80, A: 0xff}
)

// savePictures writes structured-densities.svg and structured-correlations.svg to dir.
func savePictures(dir, data string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	densities, err := densityPanels()
	if err != nil {
		return err
	}
	if err := savePanels(filepath.Join(dir, "structured-densities.svg"), densities, 160); err != nil {
		return err
	}
	correlations, err := correlationPanels(data)
	if err != nil {
		return err
	}
	return savePanels(filepath.Join(dir, "structured-correlations.svg"), correlations, 110)
}

// savePanels writes plots of the given width and a little more height side by
// side, row by row.
func savePanels(path string, panels [][]*plot.Plot, width vg.Length) error {
	tiles := draw.Tiles{Rows: len(panels), Cols: len(panels[0]), PadX: 8, PadY: 8, PadTop: 4, PadBottom: 4, PadLeft: 4, PadRight: 8}
	c := vgsvg.New(width*vg.Length(tiles.Cols), (width+18)*vg.Length(tiles.Rows))
	canvases := plot.Align(panels, tiles, draw.New(c))
	for i, row := range panels {
		for j, p := range row {
			p.Draw(canvases[i][j])
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func newPanel(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: 9}
	p.Title.Padding = 3
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: 8}
		a.Tick.Label.Font.Size = 7
		a.LineStyle.Color, a.Tick.LineStyle.Color = grey, grey
		a.Padding = 2
	}
	return p
}

// parabolaRows are 12 outcomes at points from 0 to 2 for a logistic regression on
// 1, x, x²: so few that its posterior is bent.
func parabolaRows() (x *mat.Dense, y []float64) {
	y = []float64{0, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1}
	x = mat.NewDense(len(y), 3, nil)
	for i := range y {
		s := 2 * float64(i) / float64(len(y)-1)
		x.SetRow(i, []float64{1, s, s * s})
	}
	return x, y
}

const parabolaPriorSd = 4

// densityPanels show the marginal posterior of the last two coefficients of the
// parabola, and the Gaussians of three shapes that have been fitted to all three.
func densityPanels() ([][]*plot.Plot, error) {
	x, y := parabolaRows()
	exact := marginal(x, y, parabolaPriorSd)
	fits, err := fitAll(logistic(x, y, parabolaPriorSd), []shape{
		{"diagonal", func() (structured.Factor, error) { return structured.Diagonal(3) }},
		{"up(1)", func() (structured.Factor, error) { return structured.Up(3, 1) }},
		{"dense", func() (structured.Factor, error) { return structured.Dense(3) }},
	}, 1)
	if err != nil {
		return nil, err
	}
	masses := []float64{0.9, 0.5}
	var row []*plot.Plot
	for _, f := range fits {
		p := newPanel(f.shape)
		p.X.Label.Text, p.Y.Label.Text = "coefficient of x", "coefficient of x²"
		c := plotter.NewContour(exact, exact.levels(masses), nil)
		c.LineStyles = []draw.LineStyle{{Color: grey, Width: 1}}
		p.Add(c)
		for _, m := range masses {
			l, err := plotter.NewLine(ellipse(f.q, 1, 2, m))
			if err != nil {
				return nil, err
			}
			l.LineStyle = draw.LineStyle{Color: vermillion, Width: 1.2}
			p.Add(l)
		}
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = exact.x[0], exact.x[len(exact.x)-1], exact.y[0], exact.y[len(exact.y)-1]
		row = append(row, p)
	}
	return [][]*plot.Plot{row}, nil
}

// grid is a density on a grid, a plotter.GridXYZ.
type grid struct {
	x, y []float64
	z    *mat.Dense // rows along y
}

func (g *grid) Dims() (c, r int)   { return len(g.x), len(g.y) }
func (g *grid) X(c int) float64    { return g.x[c] }
func (g *grid) Y(r int) float64    { return g.y[r] }
func (g *grid) Z(c, r int) float64 { return g.z.At(r, c) }

// levels are the heights above which the density has the given masses.
func (g *grid) levels(masses []float64) []float64 {
	z := append([]float64(nil), g.z.RawMatrix().Data...)
	order := make([]int, len(z))
	floats.Argsort(z, order) // rising
	total := floats.Sum(z)
	var levels []float64
	for _, m := range masses {
		sum, i := 0.0, len(z)
		for sum < m*total {
			i--
			sum += z[i]
		}
		levels = append(levels, z[i])
	}
	return levels
}

// marginal is the posterior density of the last two of three coefficients, up
// to a factor, by the trapezoid rule over the first.
func marginal(x *mat.Dense, y []float64, sd float64) *grid {
	g := &grid{x: floats.Span(make([]float64, 61), -8, 12), y: floats.Span(make([]float64, 61), -5, 9)}
	g.z = mat.NewDense(len(g.y), len(g.x), nil)
	first := floats.Span(make([]float64, 80), -12, 6)
	eta, soft := make([]float64, len(y)), make([]float64, len(y))
	for r, c := range g.y {
		for k, b := range g.x {
			sum := 0.0
			for _, a := range first {
				l := -0.5 * (a*a + b*b + c*c) / (sd * sd)
				for i := range eta {
					eta[i] = a + b*x.At(i, 1) + c*x.At(i, 2)
				}
				la.Softplus(soft, eta)
				for i, e := range eta {
					l += y[i]*e - soft[i]
				}
				sum += math.Exp(l)
			}
			g.z.Set(r, k, sum)
		}
	}
	return g
}

// ellipse bounds the mass m of the marginal of coordinates i and j of q.
func ellipse(q *structured.Gaussian, i, j int, m float64) plotter.XYs {
	mean, cov := q.Mean(nil), q.Cov(nil, []int{i, j})
	var chol mat.Cholesky
	chol.Factorize(cov)
	var l mat.TriDense
	chol.LTo(&l)
	r := math.Sqrt(-2 * math.Log(1-m)) // of a χ² variable with two degrees of freedom
	pts := make(plotter.XYs, 81)
	for k := range pts {
		s, c := math.Sincos(2 * math.Pi * float64(k) / float64(len(pts)-1))
		pts[k].X = mean[i] + r*l.At(0, 0)*c
		pts[k].Y = mean[j] + r*(l.At(1, 0)*c+l.At(1, 1)*s)
	}
	return pts
}

// correlationPanels show the correlations of the coefficients of the wells data
// by shape, red for positive ones and blue for negative ones.
func correlationPanels(data string) ([][]*plot.Plot, error) {
	target, err := wells(data)
	if err != nil {
		return nil, err
	}
	shown := map[string]bool{"toeplitz": true, "up(1)": true, "up(3)": true, "low(3)": true, "heisenberg-up(2,2)": true, "heisenberg-low(2,2)": true, "kronecker 3×3, dense": true, "dense": true}
	var chosen []shape
	for _, s := range wellsShapes() {
		if shown[s.name] {
			chosen = append(chosen, s)
		}
	}
	fits, err := fitAll(target, chosen, wellsScale)
	if err != nil {
		return nil, err
	}
	const columns = 4
	var panels [][]*plot.Plot
	for k, f := range fits {
		p := newPanel(f.shape)
		p.HideAxes()
		p.Add(correlations{f.q.Cov(nil, nil)})
		if k%columns == 0 {
			panels = append(panels, nil)
		}
		panels[len(panels)-1] = append(panels[len(panels)-1], p)
	}
	return panels, nil
}

// correlations draws a covariance matrix as correlations, the first coordinate on top.
type correlations struct{ cov *mat.SymDense }

func (m correlations) DataRange() (xmin, xmax, ymin, ymax float64) {
	p := float64(m.cov.SymmetricDim())
	return 0, p, 0, p
}

func (m correlations) Plot(c draw.Canvas, plt *plot.Plot) {
	tx, ty := plt.Transforms(&c)
	p := m.cov.SymmetricDim()
	box := func(i, j int) []vg.Point {
		x0, x1, y0, y1 := tx(float64(j)), tx(float64(j+1)), ty(float64(p-i)), ty(float64(p-i-1))
		return []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
	}
	for i := range p {
		for j := range p {
			r := m.cov.At(i, j) / math.Sqrt(m.cov.At(i, i)*m.cov.At(j, j))
			if math.Abs(r) > 0.01 {
				c.FillPolygon(tint(r), box(i, j))
			}
		}
	}
	frame := []vg.Point{{X: tx(0), Y: ty(0)}, {X: tx(float64(p)), Y: ty(0)}, {X: tx(float64(p)), Y: ty(float64(p))}, {X: tx(0), Y: ty(float64(p))}, {X: tx(0), Y: ty(0)}}
	c.StrokeLines(draw.LineStyle{Color: grey, Width: 0.75}, frame)
}

// tint mixes white with vermillion for r > 0 and with blue for r < 0.
func tint(r float64) color.Color {
	full := vermillion
	if r < 0 {
		full, r = blue, -r
	}
	mix := func(v uint8) uint8 { return uint8(math.Round(255 - r*(255-float64(v)))) }
	return color.NRGBA{R: mix(full.R), G: mix(full.G), B: mix(full.B), A: 0xff}
}
