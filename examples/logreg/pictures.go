package main

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"

	"github.com/natgrad/natgrad/report"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

var colors = []color.Color{
	color.NRGBA{R: 0xd5, G: 0x5e, A: 0xff},
	color.NRGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff},
	color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff},
}

// savePicture draws logreg.svg: sds by the size of the minibatch, and ELBOs by epoch.
func savePicture(dir, data string) error {
	p, err := cancer(data)
	if err != nil {
		return err
	}
	widths := report.NewFigure("Standard deviations against the best", "rows in a minibatch", "sd / best sd")
	gaps := report.NewFigure("ELBO, minibatches of 32", "epoch", "nats a row below the best")
	for k, m := range bySize {
		var mid plotter.XYs
		for _, b := range sizes {
			f, err := m.make(b).medians(p, epochs)
			if err != nil {
				return err
			}
			mid = append(mid, plotter.XY{X: float64(b), Y: median(f.ratios)})
			for _, r := range f.ratios {
				// Weights side by side: methods beside each other.
				at := plotter.XYs{{X: float64(b) * math.Pow(1.12, float64(k-1)), Y: r}}
				s, err := plotter.NewScatter(at)
				if err != nil {
					return err
				}
				s.Color, s.Radius = colors[k], 1.5
				widths.Plot.Add(s)
			}
			if b == 32 {
				var line plotter.XYs
				for i, g := range f.gaps {
					line = append(line, plotter.XY{X: float64(epochs[i]), Y: g})
				}
				if err := add(gaps, m.name, line, colors[k]); err != nil {
					return err
				}
			}
		}
		if err := add(widths, m.name, mid, colors[k]); err != nil {
			return err
		}
	}
	var ticks []plot.Tick
	for _, b := range sizes {
		ticks = append(ticks, plot.Tick{Value: float64(b), Label: fmt.Sprint(b)})
	}
	widths.Plot.X.Scale, widths.Plot.X.Tick.Marker = plot.LogScale{}, plot.ConstantTicks(ticks)
	widths.Plot.Y.Min = 0
	gaps.Plot.X.Scale, gaps.Plot.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{}
	gaps.Plot.Y.Scale, gaps.Plot.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{}
	gaps.Plot.X.Min, gaps.Plot.X.Max = 1, 200
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return report.SideBySide("", widths, gaps).Save(filepath.Join(dir, "logreg.svg"))
}

// add draws a line with its name.
func add(f *report.Figure, name string, at plotter.XYs, c color.Color) error {
	l, err := plotter.NewLine(at)
	if err != nil {
		return err
	}
	l.Color, l.Width = c, vg.Points(1.5)
	f.Plot.Add(l)
	f.Plot.Legend.Add(name, l)
	return nil
}
