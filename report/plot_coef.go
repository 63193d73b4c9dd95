package report

import (
	"fmt"
	"image/color"
	"math"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Scale is the horizontal scale of a coefficient plot.
type Scale int

const (
	// AutoScale draws the coefficients in their own units if none of them is so small
	// beside the others that it would look like zero, else without the intercept if
	// that suffices, else as SDScale. A note says what was done.
	AutoScale Scale = iota
	// RawScale draws every coefficient in its own units on one axis.
	RawScale
	// SDScale draws every coefficient divided by its own posterior sd, so that all
	// intervals are about equally long and the distance from zero can be compared.
	// Coefficients further than 8 sds from zero are drawn as an arrow at the edge.
	SDScale
)

// CoefPlotOptions are options of [CoefPlot]. The zero value is the default.
type CoefPlotOptions struct {
	Title     string // default "Coefficients"
	Scale     Scale
	Intercept string // name of the coefficient that AutoScale may leave out; default "(Intercept)"
	Max       int    // most coefficients shown; default 40
}

const (
	sdLimit = 8 // where SDScale cuts, in sds
	// A coefficient is readable if its 90 % interval reaches at least this part of the
	// axis away from zero: nearer, it could not be told from zero whatever its sign.
	readable = 0.03
	rowStep  = 17
	// Numbers wider than this, in points, are shortened to leave room for the plot.
	maxNumbers = 180
)

// CoefPlot draws each coefficient as a dot at its mean (50 % interval thick, 90 %
// interval thin) with a line at zero, names to the left and the numbers, mean and
// 90 % interval in the coefficient's own units, to the right. Coefficients that are
// not finite are left out. If there are more than Max, those furthest from zero in
// their own sds are shown. The note of the figure names what is not shown. A nil opt
// means the defaults.
func CoefPlot(coefs []Coef, opt *CoefPlotOptions) *Figure {
	var o CoefPlotOptions
	if opt != nil {
		o = *opt
	}
	if o.Title == "" {
		o.Title = "Coefficients"
	}
	if o.Intercept == "" {
		o.Intercept = "(Intercept)"
	}
	if o.Max <= 0 {
		o.Max = 40
	}
	var notes noteList
	shown := make([]Coef, 0, len(coefs))
	dropped := 0
	for _, c := range coefs {
		if c = c.filled(); c.drawable() {
			shown = append(shown, c)
		} else {
			dropped++
		}
	}
	if dropped > 0 {
		notes.add("%s left out: not finite.", count(dropped, "coefficient"))
	}
	if len(shown) == 0 {
		f := emptyFigure(o.Title, "no coefficients to show")
		f.Note = notes.String()
		return f
	}
	if len(shown) > o.Max {
		notes.add("Shown are the %d of %d coefficients furthest from zero in posterior sds.", o.Max, len(shown))
		shown = furthest(shown, o.Max)
	}
	if o.Scale == AutoScale {
		shown, o.Scale = chooseScale(shown, o.Intercept, &notes)
	}
	xlabel := "value, in the units of each coefficient"
	if o.Scale == SDScale {
		xlabel = "value / posterior sd"
	}
	p := newPlot(xlabel, "")
	rows := coefRows(shown, o.Scale)
	lo, hi := 0.0, 0.0
	for _, r := range rows {
		lo, hi = math.Min(lo, r.x[0]), math.Max(hi, r.x[4])
	}
	pad := 0.04 * (hi - lo)
	if pad == 0 {
		pad = 1
	}
	p.X.Min, p.X.Max = lo-pad, hi+pad
	if o.Scale == SDScale {
		p.X.Min, p.X.Max = math.Max(p.X.Min, -sdLimit), math.Min(p.X.Max, sdLimit)
	}
	n := len(rows)
	p.Y.Min, p.Y.Max = -0.6, float64(n)-0.4
	ticks := make(plot.ConstantTicks, n)
	f := &Figure{Title: o.Title, Plot: p}
	numbers := textStyle(8, false, muted)
	for i, r := range rows {
		ticks[i] = plot.Tick{Value: float64(n - 1 - i), Label: r.name}
		if numbers.Width(r.numbers) > maxNumbers {
			rows[i].numbers = minus(FormatNumber(shown[i].Mean, 6) + " ± " + FormatNumber(shown[i].SD, 2))
			r = rows[i]
		}
		f.right = max(f.right, numbers.Width(r.numbers)+10)
	}
	p.Y.Tick.Marker = ticks
	p.Y.Tick.Length = 0
	p.Y.LineStyle.Width = 0
	p.Y.Padding = 0
	p.Add(grid(true, false), plotFunc(func(c draw.Canvas, p *plot.Plot) { drawCoefs(c, p, rows) }))
	f.keys = []legendKey{{keyDot, blue, "mean"}, {keyBar, blue, "50 % interval"}, {keyLine, blueMid, "90 % interval"}}
	f.Note = notes.String()
	f.Height = vg.Length(n)*rowStep + 92
	if f.Note != "" {
		f.Height += 24
	}
	return f
}

// coefRow is what is drawn for one coefficient, in axis units.
type coefRow struct {
	name, numbers string
	x             [5]float64 // 5 %, 25 %, mean, 75 %, 95 %
}

func coefRows(coefs []Coef, s Scale) []coefRow {
	rows := make([]coefRow, len(coefs))
	for i, c := range coefs {
		rows[i] = coefRow{
			name: shorten(clean(c.Name), 30),
			numbers: minus(fmt.Sprintf("%s [%s, %s]", FormatWith(c.Mean, c.SD),
				FormatWith(c.Q05, c.SD), FormatWith(c.Q95, c.SD))),
			x: [5]float64{c.Q05, c.Q25, c.Mean, c.Q75, c.Q95},
		}
		if s == SDScale {
			for j := range rows[i].x {
				rows[i].x[j] = inSDs(rows[i].x[j], c.SD)
			}
		}
	}
	return rows
}

// inSDs returns x/sd, and a value beyond every limit for a point mass off zero.
func inSDs(x, sd float64) float64 {
	if x == 0 {
		return 0
	}
	z := x / math.Abs(sd)
	return math.Max(-1e6, math.Min(1e6, z))
}

func drawCoefs(c draw.Canvas, p *plot.Plot, rows []coefRow) {
	tx, ty := p.Transforms(&c)
	if x := tx(0); c.ContainsX(x) {
		c.StrokeLine2(draw.LineStyle{Color: muted, Width: 1}, x, c.Min.Y, x, c.Max.Y)
	}
	numbers := textStyle(8, false, muted)
	numbers.YAlign = draw.YCenter
	bar := func(col color.Color, w, y vg.Length, a, b float64) {
		x0, x1 := max(tx(a), c.Min.X), min(tx(b), c.Max.X)
		if x1 > x0 {
			c.StrokeLine2(draw.LineStyle{Color: col, Width: w}, x0, y, x1, y)
		}
	}
	for i, r := range rows {
		y := ty(float64(len(rows) - 1 - i))
		c.FillText(numbers, vg.Point{X: c.Max.X + 8, Y: y + 1}, r.numbers)
		switch {
		case r.x[2] > p.X.Max:
			drawArrow(c, c.Max.X, y, 1)
		case r.x[2] < p.X.Min:
			drawArrow(c, c.Min.X, y, -1)
		default:
			bar(blueMid, 1.75, y, r.x[0], r.x[4])
			bar(blue, 3.5, y, r.x[1], r.x[3])
			x := tx(r.x[2])
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: color.White, Radius: 4, Shape: draw.CircleGlyph{}}, vg.Point{X: x, Y: y})
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: blue, Radius: 3, Shape: draw.CircleGlyph{}}, vg.Point{X: x, Y: y})
		}
	}
}

// drawArrow marks a value beyond the edge x in the direction dir.
func drawArrow(c draw.Canvas, x, y, dir vg.Length) {
	c.StrokeLine2(draw.LineStyle{Color: blue, Width: 1.75}, x-dir*16, y, x-dir*5, y)
	c.FillPolygon(blue, []vg.Point{{X: x, Y: y}, {X: x - dir*7, Y: y + 3.5}, {X: x - dir*7, Y: y - 3.5}})
}

// chooseScale implements AutoScale.
func chooseScale(coefs []Coef, intercept string, notes *noteList) ([]Coef, Scale) {
	if allReadable(coefs) {
		return coefs, RawScale
	}
	var rest []Coef
	var left *Coef
	for i, c := range coefs {
		if c.Name == intercept && left == nil {
			left = &coefs[i]
			continue
		}
		rest = append(rest, c)
	}
	if left != nil && len(rest) > 0 && allReadable(rest) {
		notes.add("%s is left out: on this axis it would dwarf the others. It is %s [%s, %s].", clean(left.Name),
			FormatWith(left.Mean, left.SD), FormatWith(left.Q05, left.SD), FormatWith(left.Q95, left.SD))
		return rest, RawScale
	}
	beyond := ""
	for _, c := range coefs {
		if math.Abs(inSDs(c.Mean, c.SD)) > sdLimit {
			beyond = fmt.Sprintf(" An arrow marks a coefficient more than %d sds from zero.", sdLimit)
		}
	}
	notes.add("The coefficients have very different scales, so each is drawn in units of its own posterior sd; "+
		"the numbers on the right are in original units.%s", beyond)
	return coefs, SDScale
}

func allReadable(coefs []Coef) bool {
	lo, hi := 0.0, 0.0
	for _, c := range coefs {
		lo, hi = math.Min(lo, c.Q05), math.Max(hi, c.Q95)
	}
	for _, c := range coefs {
		if math.Max(math.Abs(c.Q05), math.Abs(c.Q95)) < readable*(hi-lo) {
			return false
		}
	}
	return true
}

// furthest keeps the n coefficients with the largest |mean|/sd, in their first order.
func furthest(coefs []Coef, n int) []Coef {
	idx := make([]int, len(coefs))
	for i := range idx {
		idx[i] = i
	}
	sort.SliceStable(idx, func(a, b int) bool {
		ca, cb := coefs[idx[a]], coefs[idx[b]]
		return math.Abs(inSDs(ca.Mean, ca.SD)) > math.Abs(inSDs(cb.Mean, cb.SD))
	})
	idx = idx[:n]
	sort.Ints(idx)
	out := make([]Coef, n)
	for k, i := range idx {
		out[k] = coefs[i]
	}
	return out
}
