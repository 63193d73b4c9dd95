package psis

import (
	"fmt"
	"math"
	"slices"
)

// Quantiles writes the quantiles of the values v at the probabilities p to dst (nil
// allocates), each value with the weight exp(lw) up to a common factor; nil lw are
// equal weights. With the values in ascending order, normalised weights w and c_i = Σ_{j<i} w_j
// + w_i/2, the quantile is linear in p between the points (c_i, v_i) and constant
// outside them: for equal weights definition 5 of Hyndman and Fan, "Sample quantiles in
// statistical packages", The American Statistician 50 (1996). Values of weight zero take no
// part. It errs if a p is not in [0, 1], a value that counts is NaN, or a log weight is NaN, +Inf,
// or −Inf in all places, and panics if the lengths differ. Cost: one sort.
func Quantiles(dst, p, v, lw []float64) ([]float64, error) {
	if lw != nil && len(lw) != len(v) {
		panic(fmt.Sprintf("psis: Quantiles: length of lw is %d, want %d", len(lw), len(v)))
	}
	if dst == nil {
		dst = make([]float64, len(p))
	} else if len(dst) != len(p) {
		panic(fmt.Sprintf("psis: Quantiles: length of dst is %d, want %d", len(dst), len(p)))
	}
	for _, q := range p {
		if !(q >= 0 && q <= 1) {
			return nil, &Error{"Quantiles", "probability", -1, -1, q, "in [0, 1]"}
		}
	}
	top := math.Inf(-1)
	for i, l := range lw {
		if math.IsNaN(l) || math.IsInf(l, 1) {
			return nil, &Error{"Quantiles", "log weight", -1, i, l, "a number or −Inf"}
		}
		top = max(top, l)
	}
	if lw == nil {
		top = 0
	}
	type point struct{ v, w float64 }
	var at []point
	total := 0.0
	for i, x := range v {
		w := 1.
		if lw != nil {
			w = math.Exp(lw[i] - top)
		}
		if !(w > 0) {
			continue
		}
		if math.IsNaN(x) {
			return nil, &Error{"Quantiles", "value", -1, i, x, "a number"}
		}
		at = append(at, point{x, w})
		total += w
	}
	if len(at) == 0 {
		return nil, &Error{"Quantiles", "number of values with a weight", -1, -1, 0, "at least 1"}
	}
	slices.SortFunc(at, func(a, b point) int {
		switch {
		case a.v < b.v:
			return -1
		case a.v > b.v:
			return 1
		}
		return 0
	})
	mid := make([]float64, len(at)) // c_i
	cum := 0.0
	for i, a := range at {
		mid[i] = (cum + a.w/2) / total
		cum += a.w
	}
	for k, q := range p {
		i, _ := slices.BinarySearch(mid, q)
		switch {
		case i == 0:
			dst[k] = at[0].v
		case i == len(at):
			dst[k] = at[i-1].v
		case at[i-1].v == at[i].v: // infinities as well
			dst[k] = at[i].v
		default:
			f := (q - mid[i-1]) / (mid[i] - mid[i-1])
			dst[k] = (1-f)*at[i-1].v + f*at[i].v
		}
	}
	return dst, nil
}
