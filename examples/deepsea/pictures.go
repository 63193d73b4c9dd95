package main

import (
	"image/color"
	"os"
	"path/filepath"

	"github.com/natgrad/natgrad/report"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// savePicture draws deepsea.svg: regrets with bands of two standard errors.
func (r *result) savePicture(dir string) error {
	fig := report.NewFigure("Regret in the deep sea", "dives", "sum of regrets")
	inks := []color.NRGBA{{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}, {R: 0x00, G: 0x9e, B: 0x73, A: 0xff}, {R: 0xd5, G: 0x5e, A: 0xff}, {R: 0x6b, G: 0x72, B: 0x80, A: 0xff}}
	for k, i := range []int{0, 1, r.best(), len(agents) - 1} {
		var mid, low, high plotter.XYs
		for d := 0; d <= r.dives; d += max(1, r.dives/50) {
			m, se := 0.0, 0.0
			if d > 0 {
				m, se = meanSE(r.after(i, d))
			}
			x := float64(d)
			mid, low, high = append(mid, plotter.XY{X: x, Y: m}), append(low, plotter.XY{X: x, Y: m - 2*se}), append(high, plotter.XY{X: x, Y: m + 2*se})
		}
		for j := len(high) - 1; j >= 0; j-- {
			low = append(low, high[j])
		}
		band, err := plotter.NewPolygon(low)
		if err != nil {
			return err
		}
		l, err := plotter.NewLine(mid)
		if err != nil {
			return err
		}
		pale := inks[k]
		pale.A = 0x30
		band.Color, band.LineStyle.Width = pale, 0
		l.Color, l.Width = inks[k], vg.Points(1.5)
		fig.Plot.Add(band, l)
		fig.Plot.Legend.Add(agents[i].name, l)
	}
	fig.Plot.Legend.Top, fig.Plot.Legend.Left = true, true
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return fig.Save(filepath.Join(dir, "deepsea.svg"))
}
