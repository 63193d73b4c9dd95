package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/natgrad/natgrad/metrics"
)

func writePage(path string, st *store) error { _, err := os.Stat(path); return err }

// text is the plain table.
func text(st *store) string {
	var b strings.Builder
	for _, set := range names {
		for i := range methods {
			m := &methods[i]
			var cols [6][]float64
			var chosen []string
			sec := 0.0
			for k := range 20 {
				e, ok := st.get(key(set, m.name, k))
				if !ok {
					continue
				}
				s := e.Scores
				for j, v := range []float64{s.RMSE, s.Joint, s.Pointwise, s.Coverage, s.CRPS, s.Calibration} {
					cols[j] = append(cols[j], v)
				}
				sec += e.Seconds
				chosen = append(chosen, fmt.Sprintf("%.3g/%.2g/%.2g/%.2g", e.Choice.Tau, e.Choice.Lambda, e.Choice.Cold, e.Choice.Rate))
			}
			if len(cols[0]) == 0 {
				continue
			}
			fmt.Fprintf(&b, "%-11s%-8s%3d", set, m.name, len(cols[0]))
			for _, c := range cols {
				mean, se, _ := metrics.MeanSE(c)
				fmt.Fprintf(&b, "  %8.4f ± %.4f", mean, se)
			}
			fmt.Fprintf(&b, "  %.1f s  %s\n", sec/float64(len(cols[0])), strings.Join(chosen[:min(3, len(chosen))], " "))
		}
	}
	return b.String()
}
