package main

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"

	"github.com/natgrad/natgrad/report"
	"gonum.org/v1/plot/plotter"
)

const (
	begin = "<!-- begin: go run ./examples/digits -update -->"
	end   = "<!-- end -->"
)

// write puts the table between its marks in uncertainty.md and draws the pictures.
func (r *result) write(docs string) error {
	path := filepath.Join(docs, "uncertainty.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no marks for the table of the digits", path)
	}
	if err := os.WriteFile(path, []byte(before+begin+"\n"+r.markdown()+end+after), 0o644); err != nil {
		return err
	}
	if err := r.histograms().Save(filepath.Join(docs, "uncertainty", "digits-entropy.svg")); err != nil {
		return err
	}
	return r.reliability().Save(filepath.Join(docs, "uncertainty", "digits-reliability.svg"))
}

func (r *result) markdown() string {
	var b strings.Builder
	for i, row := range r.table() {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
	return b.String()
}

var (
	blue       = color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0x90}
	vermillion = color.NRGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0x90}
	grey       = color.NRGBA{R: 0x6b, G: 0x72, B: 0x80, A: 0xff}
)

func (r *result) find(name string) *column {
	for i := range learners {
		if learners[i].name == name {
			return r.columns[i]
		}
	}
	return nil
}

// histograms show the entropies of the first seed, known digits and unseen ones.
func (r *result) histograms() *report.Figure {
	var figs []*report.Figure
	for _, name := range []string{"single net", "ensemble of 5", "IVON"} {
		c := r.find(name)
		f := report.NewFigure(name, "entropy of the prediction, nats", "share of the pictures")
		for _, part := range []struct {
			x    []float64
			fill color.Color
			name string
		}{{c.in, blue, "digits 0 to 7"}, {c.out, vermillion, "8 and 9, never seen"}} {
			h, err := plotter.NewHist(plotter.Values(part.x), 20)
			if err != nil {
				continue
			}
			for i := range h.Bins {
				h.Bins[i].Weight /= float64(len(part.x))
			}
			h.FillColor, h.LineStyle.Width = part.fill, 0
			f.Plot.Add(h)
			f.Plot.Legend.Add(part.name, h)
		}
		f.Plot.Legend.Top = true
		f.Plot.X.Min, f.Plot.X.Max = 0, 2
		figs = append(figs, f)
	}
	return report.SideBySide("How sure of digits that were trained on, and of others", figs...)
}

// reliability shows accuracy against confidence.
func (r *result) reliability() *report.Figure {
	var figs []*report.Figure
	for _, name := range []string{"single net", "ensemble of 5", "IVON"} {
		c := r.find(name)
		f := report.NewFigure(name, "confidence", "share that is right")
		var pts plotter.XYs
		for _, b := range c.bins {
			if b.Count > 0 {
				pts = append(pts, plotter.XY{X: b.Confidence, Y: b.Accuracy})
			}
		}
		if l, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}); err == nil {
			l.Color = grey
			f.Plot.Add(l)
		}
		if l, s, err := plotter.NewLinePoints(pts); err == nil {
			l.Color, s.Color = blue, blue
			f.Plot.Add(l, s)
		}
		f.Plot.X.Min, f.Plot.X.Max, f.Plot.Y.Min, f.Plot.Y.Max = 0, 1, 0, 1
		figs = append(figs, f)
	}
	return report.SideBySide("Digits 0 to 7: confidence and accuracy", figs...)
}
