package expfamtest

import (
	"math"
	"slices"
)

// move is a direction in the space of outcomes: entry j up and, where the
// entries have a constant sum, entry k down (k ≥ 0), by steps of h.
type move struct {
	j, k int
	h    float64
}

// stencil are the places and weights of the five-point derivative.
var stencil = [...]struct{ at, w float64 }{{-2, 1. / 12}, {-1, -8. / 12}, {1, 8. / 12}, {2, -1. / 12}}

// at writes x moved by s steps to dst.
func (m move) at(dst, x []float64, s float64) {
	copy(dst, x)
	dst[m.j] += s * m.h
	if m.k >= 0 {
		dst[m.k] -= s * m.h
	}
}

// fit shortens the step until valid holds all over it, with room to spare, and
// reports whether that left a step that x can resolve.
func (m *move) fit(x []float64, scale float64, valid func(x []float64) bool) bool {
	size := math.Abs(x[m.j])
	if m.k >= 0 {
		size = min(size, math.Abs(x[m.k]))
	}
	if !(scale < size) && size > 0 {
		scale = size
	}
	m.h = 1e-3 * scale
	t := make([]float64, len(x))
	for range 40 {
		ok := true
		for _, s := range []float64{-500, 500} { // within which the function is smooth
			m.at(t, x, s)
			ok = ok && valid(t)
		}
		if ok {
			far := math.Abs(x[m.j])
			if m.k >= 0 {
				far = max(far, math.Abs(x[m.k]))
			}
			return m.h > 1e-9*far
		}
		m.h /= 2
	}
	return false
}

// inside reports whether x is in the support, away from its edge.
func (c *checker) inside(x []float64) bool {
	l := c.d.LogProb(x)
	return !math.IsInf(l, 0) && !math.IsNaN(l)
}

// alone and none are what partners says instead of an index.
const (
	alone = -1
	none  = -2
)

// partners tells for every entry of an outcome which other one has to move the
// other way: alone if there is none, none if the entry only goes with others.
// An entry is alone if it can move somewhere by more than a tolerance on the sum
// of a group of entries lets pass.
func (c *checker) partners(e extent) []int {
	p := make([]int, len(e.scale))
	some := c.draws[:min(200, len(c.draws))]
	for j := range p {
		p[j] = none
		for _, x := range some {
			if m := (move{j: j, k: alone}); m.fit(x, e.at(x, j), c.inside) && m.h > 1e-5*e.scale[j] {
				p[j] = alone
				break
			}
		}
	}
	for j := range p {
		for k := len(p) - 1; k > j && p[j] == none; k-- {
			for _, x := range some {
				if m := (move{j: j, k: k}); p[k] == none && m.fit(x, min(e.at(x, j), e.at(x, k)), c.inside) {
					p[j] = k
					break
				}
			}
		}
	}
	return p
}

// moves returns the directions in which outcomes can move, nil if there is an
// entry that moves in none of them or x is too near the edge of the support.
func (c *checker) moves(x []float64, e extent, partners []int) []move {
	var ms []move
	covered := make([]bool, len(x))
	for j, k := range partners {
		s := e.at(x, j)
		if k >= 0 {
			s = min(s, e.at(x, k))
			covered[k] = true
		}
		covered[j] = covered[j] || k != none
		if k == none {
			continue
		}
		m := move{j: j, k: k}
		if !m.fit(x, s, c.inside) {
			return nil
		}
		ms = append(ms, m)
	}
	if slices.Contains(covered, false) {
		return nil
	}
	return ms
}

// extent says where the draws are, entry by entry.
type extent struct {
	median []float64
	scale  []float64 // the smaller one of sd and what nine of ten |x_j| are below
}

// at is the length over which a function of x_j changes little by little: the
// scale, or in a heavy tail the distance from the median.
func (e extent) at(x []float64, j int) float64 {
	return max(e.scale[j], math.Abs(x[j]-e.median[j]))
}

func (c *checker) extent() extent {
	dim := c.d.Dim()
	e := extent{make([]float64, dim), make([]float64, dim)}
	v := make([]float64, len(c.draws))
	for j := range dim {
		for k, x := range c.draws {
			v[k] = x[j]
		}
		_, se := meanSE(v)
		slices.Sort(v)
		e.median[j] = v[len(v)/2]
		for k := range v {
			v[k] = math.Abs(v[k])
		}
		slices.Sort(v)
		e.scale[j] = v[len(v)*9/10]
		if sd := se * math.Sqrt(float64(len(v))); sd < e.scale[j] {
			e.scale[j] = sd
		}
	}
	return e
}
