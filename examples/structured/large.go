package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"time"

	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/structured"
	"github.com/natgrad/natgrad/vi"
)

// largeTable times one step of up(10), with two draws, in 1000 to largest dimensions,
// beside a copy of as many numbers as the posterior has.
func largeTable(w io.Writer, largest int) error {
	t := &report.Table{
		Title:   "One step of up(10), two draws, one worker",
		Columns: []string{"p", "numbers", "MB held", "ms a step", "ns a number", "copies", "bytes allocated", "allocations"},
		Align:   []report.Align{report.Right, report.Right, report.Decimal, report.Decimal, report.Decimal, report.Decimal, report.Right, report.Right},
	}
	for p := 1000; p <= largest; p *= 10 {
		var before, ready, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		e, err := wideEngine(p)
		if err != nil {
			return err
		}
		for range 3 { // the first steps make the scratch
			if _, err := e.Step(); err != nil {
				return err
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&ready)
		// The trace has room for four records now: a step that makes it grow is not timed.
		steps, step := 0, math.Inf(1)
		var bytes, mallocs uint64 = math.MaxUint64, 0
		for begin := time.Now(); steps < 3 || time.Since(begin) < time.Second/2; steps++ {
			var m0 runtime.MemStats
			runtime.ReadMemStats(&m0)
			start := time.Now()
			if _, err := e.Step(); err != nil {
				return err
			}
			step = math.Min(step, time.Since(start).Seconds())
			runtime.ReadMemStats(&after)
			if b := after.TotalAlloc - m0.TotalAlloc; b < bytes {
				bytes, mallocs = b, after.Mallocs-m0.Mallocs
			}
		}
		n := e.Posterior().NumParams()
		src, dst := make([]float64, n), make([]float64, n)
		for i := range src { // pages that are never written are not read from memory
			src[i] = 1
		}
		once := math.Inf(1)
		for range 20 {
			start := time.Now()
			copy(dst, src)
			once = math.Min(once, time.Since(start).Seconds())
		}
		t.AddRow(p, n, fmt.Sprintf("%.1f", float64(ready.HeapAlloc-before.HeapAlloc)/1e6), fmt.Sprintf("%.2f", 1e3*step),
			fmt.Sprintf("%.1f", 1e9*step/float64(n)), fmt.Sprintf("%.0f", step/once), bytes, mallocs)
		runtime.KeepAlive(e)
	}
	_, err := fmt.Fprint(w, t)
	return err
}

// wideEngine is a run on p independent standard normals, with gradients alone.
func wideEngine(p int) (*vi.Engine, error) {
	root, err := structured.Up(p, 10)
	if err != nil {
		return nil, err
	}
	q, err := structured.New(make([]float64, p), root)
	if err != nil {
		return nil, err
	}
	target := &vi.Target{Dim: p, Grad: func(dst, x []float64) float64 {
		s := 0.0
		for i, v := range x {
			dst[i] = -v
			s -= 0.5 * v * v
		}
		return s
	}}
	return vi.New(q, target, &vi.Settings{
		Plain: true, Rate: vi.Constant(1e-6), Draws: 2, Iterations: 1 << 30, Workers: 1, Diagnostics: -1,
	})
}
