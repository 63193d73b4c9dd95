package report

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// niceTicks puts about five labels at multiples of 1, 2 or 5 times a power of ten.
type niceTicks struct {
	whole bool // no fractions
}

// Ticks implements plot.Ticker.
func (n niceTicks) Ticks(lo, hi float64) []plot.Tick {
	span := hi - lo
	if !(span > 0) || !finite(span) {
		return nil
	}
	power := exponent(span / 5)
	unit := math.Pow(10, float64(power))
	step, decimals := 10*unit, -power-1
	for _, m := range [...]float64{1, 2, 5} {
		if span <= 6.5*m*unit {
			step, decimals = m*unit, -power
			break
		}
	}
	if n.whole && step < 1 {
		step, decimals = 1, 0
	}
	first, last := math.Ceil(lo/step-1e-9), math.Floor(hi/step+1e-9)
	// The second test stops where floating-point steps would no longer advance.
	if !(last-first < 20) || math.Abs(first)+math.Abs(last) > 1e15 {
		return nil
	}
	var out []plot.Tick
	for k := first; k <= last; k++ {
		v := k * step
		label := fixed(v, max(decimals, 0))
		if a := math.Max(math.Abs(lo), math.Abs(hi)); a >= 1e6 || a < 1e-3 {
			// As many digits as tell neighbours apart.
			digits := 0
			if v != 0 {
				digits = max(0, exponent(v)+decimals)
			}
			label = strconv.FormatFloat(v, 'e', min(digits, 15), 64)
			if v == 0 {
				label = "0"
			}
		}
		out = append(out, plot.Tick{Value: v, Label: minus(label)})
	}
	return out
}

// minus replaces hyphens by the minus sign, which is as wide as a digit.
func minus(s string) string { return strings.ReplaceAll(s, "-", "−") }

// decadeTicks labels an axis of base-10 logarithms with at most seven powers of ten.
type decadeTicks struct{}

// Ticks implements plot.Ticker.
func (decadeTicks) Ticks(lo, hi float64) []plot.Tick {
	step := math.Max(1, math.Ceil((hi-lo)/6))
	var out []plot.Tick
	for v := math.Ceil(lo/step) * step; v <= hi; v += step {
		label := "1e" + strconv.FormatFloat(v, 'f', 0, 64)
		if v >= -3 && v <= 4 {
			label = strconv.FormatFloat(math.Pow(10, v), 'f', -1, 64)
		}
		out = append(out, plot.Tick{Value: v, Label: minus(label)})
	}
	return out
}
