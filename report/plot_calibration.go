package report

import (
	"math"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// calibrationBin is one group of rows with similar predictions.
type calibrationBin struct {
	n         int
	predicted float64 // mean prediction
	observed  float64 // fraction of ones
	lo, hi    float64 // 90 % Wilson interval of observed
}

// CalibrationPlot compares predicted probabilities p of a binary outcome with what
// happened, y (0 or 1): rows are grouped by prediction into at most 10 groups of about
// equal size, and each group is a dot at (mean prediction, observed fraction) with the
// 90 % Wilson interval of the fraction. Calibrated predictions lie on the diagonal up
// to those intervals. Bars along the bottom show how the predictions are distributed.
//
// Pairs with p outside [0, 1], y other than 0 or 1, or NaN are left out and counted in
// the note, as are elements of the longer slice without a partner.
func CalibrationPlot(p, y []float64) *Figure {
	const title = "Calibration"
	var notes noteList
	type pair struct{ p, y float64 }
	n := min(len(p), len(y))
	pairs := make([]pair, 0, n)
	for i := range n {
		if p[i] >= 0 && p[i] <= 1 && (y[i] == 0 || y[i] == 1) {
			pairs = append(pairs, pair{p[i], y[i]})
		}
	}
	if bad := max(len(p), len(y)) - len(pairs); bad > 0 {
		notes.add("%s left out: no prediction in [0, 1] with an outcome of 0 or 1.", count(bad, "row"))
	}
	if len(pairs) == 0 {
		f := emptyFigure(title, "no predictions to check")
		f.Note = notes.String()
		return f
	}
	sort.SliceStable(pairs, func(i, j int) bool { return pairs[i].p < pairs[j].p })
	groups := max(1, min(10, len(pairs)/10))
	var bins []calibrationBin
	var hist [25]float64
	for start := 0; start < len(pairs); {
		// Equal predictions stay together: splitting them would group by the order of rows.
		end := min(len(pairs), max(start+1, (len(bins)+1)*len(pairs)/groups))
		for end < len(pairs) && pairs[end].p == pairs[end-1].p {
			end++
		}
		b := calibrationBin{n: end - start}
		for _, q := range pairs[start:end] {
			b.predicted += q.p / float64(b.n)
			b.observed += q.y
			hist[min(int(q.p*float64(len(hist))), len(hist)-1)]++
		}
		b.lo, b.hi = wilson(b.observed, float64(b.n), z95)
		b.observed /= float64(b.n)
		bins = append(bins, b)
		start = end
	}
	_, tallest := spanOf(hist[:])
	pl := newPlot("predicted probability", "observed fraction")
	pl.X.Min, pl.X.Max, pl.Y.Min, pl.Y.Max = 0, 1, 0, 1
	pl.X.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: 0.2, Label: "0.2"}, {Value: 0.4, Label: "0.4"},
		{Value: 0.6, Label: "0.6"}, {Value: 0.8, Label: "0.8"}, {Value: 1, Label: "1"}}
	pl.Y.Tick.Marker = pl.X.Tick.Marker
	pl.Add(grid(true, true), plotFunc(func(c draw.Canvas, pl *plot.Plot) {
		tx, ty := pl.Transforms(&c)
		for i, h := range hist {
			if h > 0 {
				x := float64(i) / float64(len(hist))
				c.FillPolygon(greyBar, rect(tx(x)+0.5, ty(0), tx(x+1/float64(len(hist)))-0.5, ty(0.14*h/tallest)))
			}
		}
		c.StrokeLine2(draw.LineStyle{Color: muted, Width: 1, Dashes: []vg.Length{3, 2}}, tx(0), ty(0), tx(1), ty(1))
		for _, b := range bins {
			x := tx(b.predicted)
			c.StrokeLine2(draw.LineStyle{Color: blueMid, Width: 1.75}, x, ty(b.lo), x, ty(b.hi))
		}
		for _, b := range bins {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: blue, Radius: 3, Shape: draw.CircleGlyph{}},
				vg.Point{X: tx(b.predicted), Y: ty(b.observed)})
		}
	}))
	smallest, largest := math.MaxInt, 0
	for _, b := range bins {
		smallest, largest = min(smallest, b.n), max(largest, b.n)
	}
	if smallest == largest {
		notes.add("%s, %d in each of %s.", capital(count(len(pairs), "row")), smallest, count(len(bins), "group"))
	} else {
		notes.add("%s in %d groups of %d to %d.", capital(count(len(pairs), "row")), len(bins), smallest, largest)
	}
	return &Figure{Title: title, Plot: pl, Note: notes.String(), keys: []legendKey{
		{keyDot, blue, "group of rows"}, {keyLine, blueMid, "90 % interval"}, {keyDash, muted, "perfect"},
		{keyBand, greyBar, "distribution of predictions"}}}
}
