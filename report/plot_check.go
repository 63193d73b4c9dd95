package report

import (
	"math"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const checkTitle = "Posterior predictive check"

// keepSets drops values that cannot be drawn of y and of the replicated sets, and empty sets,
// and notes what was dropped.
func keepSets(y []float64, rep [][]float64, notes *noteList) ([]float64, [][]float64) {
	y, bad := drawableOnly(y)
	if bad > 0 {
		notes.add("%s left out: not finite.", count(bad, "observation"))
	}
	bad = 0
	kept := make([][]float64, 0, len(rep))
	for _, r := range rep {
		r, b := drawableOnly(r)
		bad += b
		if len(r) > 0 {
			kept = append(kept, r)
		}
	}
	if bad > 0 {
		notes.add("%s left out: not finite.", count(bad, "replicated value"))
	}
	return y, kept
}

// bandsAcross returns the 5, 25, 50, 75 and 95 % quantiles across the rows of v for
// each column: out[k][j].
func bandsAcross(v [][]float64) (out [5][]float64) {
	probs := [5]float64{0.05, 0.25, 0.5, 0.75, 0.95}
	n := len(v[0])
	for k := range out {
		out[k] = make([]float64, n)
	}
	col := make([]float64, len(v))
	for j := range n {
		for i := range v {
			col[i] = v[i][j]
		}
		sort.Float64s(col)
		for k, p := range probs {
			out[k][j] = quantile(col, p)
		}
	}
	return out
}

// PredictiveDensity compares the distribution of a continuous outcome y with data
// sets rep drawn from the posterior predictive distribution, one slice a data set:
// kernel density estimates, that of y as a line, those of the replicated sets as 50 %
// and 90 % pointwise bands. All use the bandwidth of y (Silverman's rule), so equal
// distributions give equal curves. The axis covers y and the central 98 % of the
// replicated values; values beyond are noted.
func PredictiveDensity(y []float64, rep [][]float64) *Figure {
	var notes noteList
	y, rep = keepSets(y, rep, &notes)
	if len(y) == 0 || len(rep) == 0 {
		f := emptyFigure(checkTitle, "no data to compare")
		f.Note = notes.String()
		return f
	}
	y = sorted(y)
	lo, hi := y[0], y[len(y)-1]
	var all []float64
	for _, r := range rep {
		all = append(all, r...)
	}
	sort.Float64s(all)
	lo, hi = math.Min(lo, quantile(all, 0.01)), math.Max(hi, quantile(all, 0.99))
	h := bandwidth(y)
	if h <= 0 {
		h = math.Max((hi-lo)/50, math.Abs(y[0])*1e-3)
	}
	if h == 0 {
		h = 1
	}
	if hi-lo > 200*h {
		// A long tail would leave the bulk one pixel wide and the kernel under the grid.
		h = (hi - lo) / 200
	}
	lo, hi = lo-3*h, hi+3*h
	outside := 0
	for _, v := range all {
		if v < lo || v > hi {
			outside++
		}
	}
	if outside > 0 {
		notes.add("%s %% of the replicated values lie outside the frame.",
			FormatNumber(100*float64(outside)/float64(len(all)), 2))
	}
	const grd = 401
	x := make([]float64, grd)
	for i := range x {
		x[i] = lo + (hi-lo)*float64(i)/(grd-1)
	}
	obs := kde(make([]float64, grd), y, lo, hi, h)
	curves := make([][]float64, len(rep))
	for i, r := range rep {
		curves[i] = kde(make([]float64, grd), r, lo, hi, h)
	}
	b := bandsAcross(curves)
	p := newPlot("outcome", "density")
	p.X.Min, p.X.Max = lo, hi
	_, top := spanOf(append(append([]float64(nil), obs...), b[4]...))
	p.Y.Min, p.Y.Max = 0, 1.05*top
	p.Add(grid(true, true), plotFunc(func(c draw.Canvas, p *plot.Plot) {
		ribbon(c, p, x, b[0], b[4], blueLight)
		ribbon(c, p, x, b[1], b[3], blueMid)
		tx, ty := p.Transforms(&c)
		line := make([]vg.Point, grd)
		for i := range line {
			line[i] = vg.Point{X: tx(x[i]), Y: ty(obs[i])}
		}
		c.StrokeLines(draw.LineStyle{Color: vermillion, Width: 1.75}, c.ClipLinesXY(line)...)
	}))
	return &Figure{Title: checkTitle, Plot: p, Note: notes.String(), keys: []legendKey{
		{keyLine, vermillion, "observed"}, {keyBand, blueMid, "replicated, 50 %"}, {keyBand, blueLight, "replicated, 90 %"}}}
}

// PredictiveCounts compares the distribution of a count outcome y with data sets rep
// drawn from the posterior predictive distribution, one slice a data set: bars for how
// often each value was observed, and for each the median and the 90 % interval of
// that number across the replicated sets. The axis covers the central 98 % of observed
// and replicated values, and the last bar at either end takes in the tail beyond it.
// Where there would be more than 40 bars each covers several values, equally many.
// Sets of another size than y are scaled to it.
func PredictiveCounts(y []float64, rep [][]float64) *Figure {
	var notes noteList
	y, rep = keepSets(y, rep, &notes)
	if len(y) == 0 || len(rep) == 0 {
		f := emptyFigure(checkTitle, "no data to compare")
		f.Note = notes.String()
		return f
	}
	var all []float64
	for _, r := range rep {
		all = append(all, r...)
	}
	sort.Float64s(all)
	ys := sorted(y)
	lo := math.Floor(math.Min(quantile(ys, 0.01), quantile(all, 0.01)))
	hi := math.Floor(math.Max(quantile(ys, 0.99), quantile(all, 0.99)))
	width := math.Max(1, math.Ceil((hi-lo+1)/40))
	bins := int(math.Floor((hi-lo)/width)) + 1
	if width > 1 {
		notes.add("Each bar covers %s values.", FormatNumber(width, 6))
	}
	if math.Max(ys[len(ys)-1], all[len(all)-1]) >= lo+width*float64(bins) {
		notes.add("The last bar takes in everything above it.")
	}
	if math.Min(ys[0], all[0]) < lo {
		notes.add("The first bar takes in everything below it.")
	}
	tally := func(v []float64, scale float64) []float64 {
		n := make([]float64, bins)
		for _, x := range v {
			i := math.Floor((x - lo) / width)
			n[int(math.Max(0, math.Min(float64(bins-1), i)))] += scale
		}
		return n
	}
	obs := tally(y, 1)
	counts := make([][]float64, len(rep))
	for i, r := range rep {
		counts[i] = tally(r, float64(len(y))/float64(len(r)))
	}
	b := bandsAcross(counts)
	p := newPlot("outcome", "rows")
	// Bars are centred on their value, or on the middle of the values they cover.
	first := lo + (width-1)/2
	p.X.Min, p.X.Max = first-0.7*width, first+(float64(bins)-0.3)*width
	widen(&p.X.Min, &p.X.Max) // beyond 2^53 neighbouring whole numbers are the same
	p.X.Tick.Marker = niceTicks{whole: true}
	_, top := spanOf(append(append([]float64(nil), obs...), b[4]...))
	p.Y.Min, p.Y.Max = 0, math.Max(1, 1.05*top)
	p.Add(grid(false, true), plotFunc(func(c draw.Canvas, p *plot.Plot) {
		tx, ty := p.Transforms(&c)
		for i, n := range obs {
			v := first + float64(i)*width
			c.FillPolygon(greyBar, rect(tx(v-0.4*width), ty(0), tx(v+0.4*width), ty(n)))
		}
		for i := range obs {
			x := tx(first + float64(i)*width)
			c.StrokeLine2(draw.LineStyle{Color: blue, Width: 1.5}, x, ty(b[0][i]), x, ty(b[4][i]))
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: blue, Radius: 2.25, Shape: draw.CircleGlyph{}},
				vg.Point{X: x, Y: ty(b[2][i])})
		}
	}))
	return &Figure{Title: checkTitle, Plot: p, Note: notes.String(), keys: []legendKey{
		{keyBand, greyBar, "observed"}, {keyDot, blue, "replicated, median"}, {keyLine, blue, "replicated, 90 %"}}}
}

// MarginalPlot draws the posterior of one parameter: the Normal density with this mean
// and sd as a line, and a histogram of draws (for example importance-resampled ones)
// behind it, so that a Normal approximation can be judged by eye. Without draws only
// the curve is drawn. Draws beyond 6 sds of the mean are noted.
func MarginalPlot(name string, mean, sd float64, draws []float64) *Figure {
	title := "Posterior of " + shorten(clean(name), 40)
	var notes noteList
	draws, bad := drawableOnly(draws)
	if bad > 0 {
		notes.add("%s left out: not finite.", count(bad, "draw"))
	}
	if !drawable(mean) || !drawable(sd) || sd <= 0 || mean+6*sd == mean {
		f := emptyFigure(title, "no density: mean "+FormatNumber(mean, 4)+", sd "+FormatNumber(sd, 4))
		f.Note = notes.String()
		return f
	}
	lo, hi := mean-4*sd, mean+4*sd
	if len(draws) > 0 {
		a, b := spanOf(draws)
		lo, hi = math.Max(math.Min(lo, a), mean-6*sd), math.Min(math.Max(hi, b), mean+6*sd)
	}
	const bins = 48
	heights := make([]float64, bins)
	step := (hi - lo) / bins
	outside := 0
	for _, d := range draws {
		if d < lo || d > hi {
			outside++
			continue
		}
		heights[min(int((d-lo)/step), bins-1)] += 1 / (step * float64(len(draws)))
	}
	if outside > 0 {
		notes.add("%s lie more than 6 sds from the mean.", capital(count(outside, "draw")))
	}
	normal := func(x float64) float64 {
		z := (x - mean) / sd
		return math.Exp(-z*z/2) / (sd * math.Sqrt(2*math.Pi))
	}
	p := newPlot("value", "density")
	p.X.Min, p.X.Max = lo, hi
	_, top := spanOf(append(heights, normal(mean)))
	p.Y.Min, p.Y.Max = 0, 1.05*top
	p.Add(grid(true, true), plotFunc(func(c draw.Canvas, p *plot.Plot) {
		tx, ty := p.Transforms(&c)
		for i, h := range heights[:bins] {
			if h > 0 {
				x := lo + float64(i)*step
				c.FillPolygon(blueLight, rect(tx(x), ty(0), tx(x+0.94*step), ty(h)))
			}
		}
		line := make([]vg.Point, 201)
		for i := range line {
			x := lo + (hi-lo)*float64(i)/200
			line[i] = vg.Point{X: tx(x), Y: ty(normal(x))}
		}
		c.StrokeLines(draw.LineStyle{Color: blue, Width: 1.75}, line)
	}))
	f := &Figure{Title: title, Plot: p, Note: notes.String(), keys: []legendKey{{keyLine, blue, "Normal approximation"}}}
	if len(draws) > 0 {
		f.keys = append(f.keys, legendKey{keyBand, blueLight, "draws"})
	}
	return f
}
