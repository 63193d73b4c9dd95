package report

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// TracePoint is the objective at one iteration of a fit.
type TracePoint struct {
	Iter int
	ELBO float64 // evidence lower bound, nats
	SE   float64 // its Monte Carlo standard error, nats; 0 if it was computed exactly
}

const maxTrace = 800 // points drawn: more only make the file larger

// ELBOPlot draws the evidence lower bound against the iteration.
//
// If every standard error is zero it draws the gap to the best ELBO of the trace on
// a logarithmic axis: a straight line is linear convergence, a flat end is round-off.
// The best iterate itself has no gap and so no place on such an axis.
// Otherwise it draws the estimates with a band of ± 2 standard errors, and cuts the
// axis below so that the end of the run can be judged. Points that are not finite are
// left out; the note says how many.
func ELBOPlot(trace []TracePoint) *Figure {
	const title = "ELBO by iteration"
	var notes noteList
	pts := make([]TracePoint, 0, len(trace))
	exact := true
	for _, t := range trace {
		if !drawable(t.ELBO) {
			continue
		}
		if !drawable(t.SE) || t.SE < 0 {
			t.SE = 0
		}
		exact = exact && t.SE == 0
		pts = append(pts, t)
	}
	if n := len(trace) - len(pts); n > 0 {
		notes.add("%s left out: the ELBO was not finite.", count(n, "iteration"))
	}
	if len(pts) == 0 {
		f := emptyFigure(title, "no trace to show")
		f.Note = notes.String()
		return f
	}
	if exact {
		return gapPlot(pts, notes)
	}
	return bandPlot(title, pts, notes)
}

// thin keeps about maxTrace points, the first and the last among them.
func thin(pts []TracePoint) []TracePoint {
	if len(pts) <= maxTrace {
		return pts
	}
	out := make([]TracePoint, maxTrace)
	for i := range out {
		out[i] = pts[i*(len(pts)-1)/(maxTrace-1)]
	}
	return out
}

func gapPlot(pts []TracePoint, notes noteList) *Figure {
	const title = "Distance to the best ELBO"
	best := pts[0]
	for _, t := range pts {
		if t.ELBO > best.ELBO {
			best = t
		}
	}
	notes.add("Best ELBO %s nats, at iteration %d.", strconv.FormatFloat(best.ELBO, 'f', 4, 64), best.Iter)
	// Differences of numbers of this size carry no digits below this.
	floor := math.Max(math.Abs(best.ELBO)*0x1p-52, 1e-300)
	var x, y []float64
	for _, t := range thin(pts) {
		if gap := best.ELBO - t.ELBO; gap > 0 && finite(gap) {
			x = append(x, float64(t.Iter))
			y = append(y, math.Log10(math.Max(gap, floor)))
		}
	}
	if len(x) == 0 {
		why := "the ELBO was the same at every iteration"
		if len(pts) == 1 {
			why = "one iteration only"
		}
		f := emptyFigure(title, why)
		f.Note = notes.String()
		return f
	}
	p := newPlot("iteration", "gap (nats, log scale)")
	p.X.Min, p.X.Max = float64(pts[0].Iter), float64(pts[len(pts)-1].Iter)
	widen(&p.X.Min, &p.X.Max)
	p.X.Tick.Marker = niceTicks{whole: true}
	p.Y.Min, p.Y.Max = spanOf(y)
	p.Y.Min, p.Y.Max = math.Floor(p.Y.Min), math.Ceil(p.Y.Max)
	widen(&p.Y.Min, &p.Y.Max)
	p.Y.Tick.Marker = decadeTicks{}
	p.Add(grid(false, true), series(x, y, len(x) <= 60))
	return &Figure{Title: title, Plot: p, Note: notes.String()}
}

func bandPlot(title string, pts []TracePoint, notes noteList) *Figure {
	last := pts[len(pts)-1]
	notes.add("Last estimate %s ± %s nats.", FormatWith(last.ELBO, last.SE), FormatNumber(last.SE, 2))
	lo, hi := cutRange(pts)
	below := 0
	for _, t := range pts {
		if t.ELBO < lo {
			below++
		}
	}
	if below > 0 {
		notes.add("%s lie below the frame.", capital(count(below, "estimate")))
	}
	pts = thin(pts)
	n := len(pts)
	x, y := make([]float64, n), make([]float64, n)
	for i, t := range pts {
		x[i], y[i] = float64(t.Iter), t.ELBO
	}
	p := newPlot("iteration", "ELBO (nats)")
	p.X.Min, p.X.Max = x[0], x[n-1]
	widen(&p.X.Min, &p.X.Max)
	p.X.Tick.Marker = niceTicks{whole: true}
	p.Y.Min, p.Y.Max = lo, hi
	widen(&p.Y.Min, &p.Y.Max)
	p.Add(grid(false, true), plotFunc(func(c draw.Canvas, p *plot.Plot) {
		upper, lower := make([]float64, n), make([]float64, n)
		for i, t := range pts {
			upper[i], lower[i] = t.ELBO+2*t.SE, t.ELBO-2*t.SE
		}
		ribbon(c, p, x, lower, upper, blueLight)
	}), series(x, y, n <= 60))
	return &Figure{Title: title, Plot: p, Note: notes.String(), keys: []legendKey{
		{keyLine, blue, "estimate"}, {keyBand, blueLight, "± 2 standard errors"}}}
}

// cutRange returns the vertical range of the last three quarters of the trace, or of
// all of it if that is not much wider.
func cutRange(pts []TracePoint) (lo, hi float64) {
	span := func(pts []TracePoint) (lo, hi float64) {
		lo, hi = math.Inf(1), math.Inf(-1)
		for _, t := range pts {
			lo, hi = math.Min(lo, t.ELBO-2*t.SE), math.Max(hi, t.ELBO+2*t.SE)
		}
		return lo, hi
	}
	lo, hi = span(pts)
	tlo, thi := span(pts[len(pts)/4:])
	if hi-lo > 4*(thi-tlo) && thi > tlo {
		pad := 0.5 * (thi - tlo)
		return tlo - pad, math.Max(thi+0.1*(thi-tlo), math.Min(hi, thi+pad))
	}
	pad := 0.05 * (hi - lo)
	return lo - pad, hi + pad
}

func capital(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-32) + s[1:]
	}
	return s
}

// widen makes an empty range one that an axis can show.
func widen(lo, hi *float64) {
	if !(*hi > *lo) {
		d := math.Max(1, math.Abs(*lo)*0.05)
		*lo, *hi = *lo-d, *lo+d
	}
}

func spanOf(x []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range x {
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	return lo, hi
}

// series draws a line, and dots on it if asked to or if there is only one point.
func series(x, y []float64, dots bool) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		tx, ty := p.Transforms(&c)
		pts := make([]vg.Point, len(x))
		for i := range x {
			pts[i] = vg.Point{X: tx(x[i]), Y: ty(y[i])}
		}
		c.StrokeLines(draw.LineStyle{Color: blue, Width: 1.75}, c.ClipLinesXY(pts)...)
		if dots || len(pts) == 1 {
			for _, pt := range pts {
				if c.Contains(pt) {
					c.DrawGlyphNoClip(draw.GlyphStyle{Color: blue, Radius: 2.25, Shape: draw.CircleGlyph{}}, pt)
				}
			}
		}
	}
}

// ribbon fills the area between two curves.
func ribbon(c draw.Canvas, p *plot.Plot, x, lower, upper []float64, col color.Color) {
	tx, ty := p.Transforms(&c)
	poly := make([]vg.Point, 0, 2*len(x))
	at := func(i int, v float64) vg.Point {
		return vg.Point{X: tx(x[i]), Y: ty(math.Max(p.Y.Min, math.Min(p.Y.Max, v)))}
	}
	for i := range x {
		poly = append(poly, at(i, upper[i]))
	}
	for i := len(x) - 1; i >= 0; i-- {
		poly = append(poly, at(i, lower[i]))
	}
	if len(x) > 1 {
		c.FillPolygon(col, poly)
	}
}
