package expfamtest

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/natgrad/natgrad/expfam"
)

// The checks of this file are for an expfam.Reparameterizable; any other Dist,
// and one whose Differentiable method returns an error, passes them unseen.

// scorer is a Dist with steps from values of a log density.
type scorer interface {
	ScoreTangent(dst, x []float64, w float64)
}

// paths returns the distribution under test if it has pathwise derivatives.
func (c *checker) paths() (expfam.Reparameterizable, bool) {
	d, ok := c.d.(expfam.Reparameterizable)
	if k, has := c.d.(interface{ Differentiable() error }); ok && has {
		// A composite whose parts have tangents only panics in Score.
		ok = k.Differentiable() == nil && !panics(func() { d.Score(nil, c.draws[0]) })
	}
	return d, ok
}

// checkPaths tests ∇ log p against central differences of LogProb, and that
// the mass moves as the density changes: for every parameter the field
// v = ∂x/∂η_i solves the equation of transport
//
//	div v + ⟨∇ log p, v⟩ + T_i − m_i = 0,
//
// in one dimension the derivative of ∂F/∂η_i + p·∂x/∂η_i = 0.
func checkPaths(c *checker) {
	d, ok := c.paths()
	if !ok {
		return
	}
	dim, ext := d.Dim(), c.extent()
	x, e, col := make([]float64, dim), make([]float64, dim), make([]float64, c.n)
	div, noise := make([]float64, c.n), make([]float64, c.n)
	used, tried, partners := 0, min(200, len(c.draws)), c.partners(ext)
	for _, at := range c.draws[:tried] {
		if used == 30 {
			break
		}
		ms := c.moves(at, ext, partners)
		if ms == nil {
			continue
		}
		used++
		score := d.Score(nil, at)
		clear(div)
		clear(noise)
		for _, m := range ms {
			var dl, size float64
			e[m.j] = 1
			for _, s := range stencil {
				m.at(x, at, s.at)
				l := d.LogProb(x)
				dl += s.w * l / m.h
				size = max(size, math.Abs(l))
				for i, v := range d.PathGrad(col, e, x) {
					div[i] += s.w * v / m.h
					noise[i] += math.Abs(s.w*v) / m.h
				}
			}
			e[m.j] = 0
			want, terms := score[m.j], math.Abs(score[m.j])
			if m.k >= 0 {
				want -= score[m.k]
				terms += math.Abs(score[m.k])
			}
			for j := range c.eta { // the terms of log p may cancel
				size = max(size, math.Abs(c.eta[j]*d.SuffStat(col, at)[j]))
			}
			far := math.Abs(at[m.j]) / m.h
			c.near("Score", m.j, want, dl, 1e-6*terms+64*eps*(size+far*terms*m.h)/m.h)
		}
		along := d.PathGrad(nil, score, at)
		t := d.SuffStat(nil, at)
		for i := range along {
			gap := t[i] - c.m[i]
			tol := 1e-6*(math.Abs(div[i])+math.Abs(along[i])+math.Abs(gap)+c.scale[i]) + 1e-11*noise[i]
			c.near("PathGrad: transport along η", i, div[i]+along[i]+gap, 0, tol)
		}
	}
	if used == 0 && slices.ContainsFunc(partners, func(k int) bool { return k != none }) {
		c.errorf("no draw of %d is far enough from the edge of the support for differences", tried)
	}
}

// gradStat returns ∂T/∂x at x, one row for every entry of T, nil if x is too
// near the edge of the support.
func (c *checker) gradStat(x []float64, e extent) [][]float64 {
	g := make([][]float64, c.n)
	for l := range g {
		g[l] = make([]float64, len(x))
	}
	valid := func(x []float64) bool {
		for _, v := range c.d.SuffStat(nil, x) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return false
			}
		}
		return true
	}
	t, at := make([]float64, c.n), make([]float64, len(x))
	for j := range x {
		m := move{j: j, k: alone}
		if !m.fit(x, e.at(x, j), valid) {
			return nil
		}
		for _, s := range stencil {
			m.at(at, x, s.at)
			for l, v := range c.d.SuffStat(t, at) {
				g[l][j] += s.w * v / m.h
			}
		}
	}
	return g
}

// checkTangent tests ∂E[T_l]/∂η_i = E[PathGrad(∇T_l, x)_i] = F_il and
// F·Tangent = PathGrad, which has to hold in the mean only, for the statistics
// of the family as targets. What makes every draw agree, such as an exact
// Tangent, is tested to rounding error.
func checkTangent(c *checker) {
	d, ok := c.paths()
	if !ok {
		return
	}
	ext := c.extent()
	closed := d.EntropyTangent(make([]float64, c.n))
	var moved, gaps [][][]float64 // [i][l][draw]
	for range c.n {
		moved, gaps = append(moved, make([][]float64, c.n)), append(gaps, make([][]float64, c.n))
	}
	rounding := make([]float64, c.n)
	start := c.direction(1)
	draws := min(len(c.draws), 1000, max(200, 200000/(c.n*c.n)))
	skipped := 0
	for _, x := range c.draws[:draws] {
		grads := c.gradStat(x, ext)
		if grads == nil {
			skipped++
			continue
		}
		for l, g := range grads {
			path := d.PathGrad(nil, g, x)
			for i, v := range path {
				moved[i][l] = append(moved[i][l], v)
			}
			if len(moved[0][l]) > 300 {
				continue
			}
			if !closed {
				for j, s := range d.Score(nil, x) {
					g[j] -= s
				}
				d.PathGrad(path, g, x)
				for j, s := range d.Score(nil, x) {
					g[j] += s
				}
			}
			const w = -0.7
			dr := expfam.Draw{X: x, Grad: g, LogQ: d.LogProb(x)}
			tan := append([]float64(nil), start...)
			d.Tangent(tan, &dr, w)
			for i := range tan {
				tan[i] = (tan[i] - start[i]) / w
			}
			for i, v := range d.FisherMul(nil, tan) {
				size := math.Abs(path[i])
				for j, u := range tan {
					size += math.Abs(c.fisher.At(i, j)) * (math.Abs(u) + math.Abs(start[j]))
				}
				rounding[i] = max(rounding[i], 1e-10*size)
				gaps[i][l] = append(gaps[i][l], v-path[i])
			}
		}
	}
	for i := range c.n {
		for l := range c.n {
			if len(moved[i][l]) < 50 {
				c.errorf("%d draws are far enough from the edge of the support for differences, want 50", len(moved[i][l]))
				return
			}
			if 100*skipped <= draws { // more would bias the mean
				mean, se := meanSE(moved[i][l])
				c.near("E[PathGrad(∇T)]", i, mean, c.fisher.At(i, l), 5*se+1e-6*c.scale[i]*c.scale[l])
			}
			mean, se := meanSE(gaps[i][l])
			c.near("F·Tangent − PathGrad", i, mean, 0, 5*se+rounding[i])
		}
	}
}

// checkEntropyTangent tests F·(entropy tangent) = ∇_η H.
func checkEntropyTangent(c *checker) {
	d, ok := c.paths()
	if !ok {
		return
	}
	start := c.direction(1)
	tan := append([]float64(nil), start...)
	if !d.EntropyTangent(tan) {
		if differ(tan, start) >= 0 {
			c.errorf("EntropyTangent is not exact and changes dst")
		}
		return
	}
	for i := range tan {
		tan[i] -= start[i]
	}
	got := d.FisherMul(nil, tan)
	for j := range got {
		want, h := c.central(j, func(q expfam.Dist) []float64 { return []float64{q.Entropy()} })
		if len(want) != 1 {
			c.errorf("no difference of the entropy along coordinate %d: neighbours are not proper", j)
			continue
		}
		var size float64
		for i, u := range tan {
			size += math.Abs(c.fisher.At(j, i)) * (math.Abs(u) + math.Abs(start[i]))
		}
		c.near("F·EntropyTangent", j, got[j], want[0],
			1e-6*(math.Abs(want[0])+c.scale[j])+1e-10*size+64*eps*(1+math.Abs(d.Entropy()))/h)
	}
}

// checkScoreTangent tests F·ScoreTangent = w(T − m).
func checkScoreTangent(c *checker) {
	s, ok := c.d.(scorer)
	if k, has := c.d.(interface{ Scorable() error }); ok && has {
		ok = k.Scorable() == nil
	}
	if !ok {
		return
	}
	const w = -0.7
	start := c.direction(1)
	for _, x := range c.draws[:min(100, len(c.draws))] {
		tan := append([]float64(nil), start...)
		s.ScoreTangent(tan, x, w)
		for i := range tan {
			tan[i] -= start[i]
		}
		t := c.d.SuffStat(nil, x)
		for i, v := range c.d.FisherMul(nil, tan) {
			size := math.Abs(t[i]) + math.Abs(c.m[i])
			for j, u := range tan {
				size += math.Abs(c.fisher.At(i, j)) * (math.Abs(u) + math.Abs(start[j]))
			}
			c.near("F·ScoreTangent", i, v, w*(t[i]-c.m[i]), 1e-10*size)
		}
	}
}

// checkPathContract tests lengths, panics, that no argument and no state
// changes, calls at the same time, and allocations.
func checkPathContract(c *checker) {
	d, ok := c.paths()
	if !ok {
		return
	}
	dim, x := d.Dim(), append([]float64(nil), c.draws[0]...)
	rng := rand.New(rand.NewPCG(c.o.Seed, 7))
	g := make([]float64, dim)
	for i := range g {
		g[i] = rng.NormFloat64()
	}
	dr := expfam.Draw{X: x, Grad: append([]float64(nil), g...), LogQ: d.LogProb(x)}
	for _, f := range []struct {
		name string
		n    int
		call func(dst, g, x []float64) []float64
	}{
		{"Score", dim, func(dst, _, x []float64) []float64 { return d.Score(dst, x) }},
		{"PathGrad", c.n, d.PathGrad},
	} {
		dst := make([]float64, f.n)
		if got := f.call(nil, g, x); len(got) != f.n {
			c.errorf("len(%s(nil)) is %d, want %d", f.name, len(got), f.n)
		} else if got := f.call(dst, g, x); &got[0] != &dst[0] {
			c.errorf("%s does not return dst", f.name)
		}
		if !panics(func() { f.call(make([]float64, f.n+1), g, x) }) || !panics(func() { f.call(nil, g, make([]float64, dim+1)) }) {
			c.errorf("%s does not panic on a slice of the wrong length", f.name)
		}
	}
	if !panics(func() { d.PathGrad(nil, make([]float64, dim+1), x) }) {
		c.errorf("PathGrad does not panic on a g of the wrong length")
	}
	if !panics(func() { d.Tangent(make([]float64, c.n+1), &dr, 1) }) || !panics(func() { d.EntropyTangent(make([]float64, c.n+1)) }) {
		c.errorf("Tangent or EntropyTangent does not panic on a dst of the wrong length")
	}
	tan := make([]float64, c.n)
	d.Tangent(tan, &dr, 1)
	if differ(x, c.draws[0]) >= 0 || differ(dr.Grad, g) >= 0 {
		c.errorf("a pathwise method changed its argument")
	}
	if err := c.before.compare(d); err != nil {
		c.errorf("a pathwise method changed the receiver: %v", err)
	}

	all := func(x []float64) []float64 {
		dr := expfam.Draw{X: x, Grad: g, LogQ: d.LogProb(x)}
		out := append(d.Score(nil, x), d.PathGrad(nil, g, x)...)
		tan := make([]float64, c.n)
		d.Tangent(tan, &dr, 1)
		d.EntropyTangent(tan)
		return append(out, tan...)
	}
	const calls = 64
	at := func(k int) []float64 { return c.draws[k%len(c.draws)] }
	var got [calls][]float64
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for k := w; k < calls; k += 4 {
				got[k] = all(at(k))
			}
		})
	}
	wg.Wait()
	for k, v := range got {
		if i := differ(v, all(at(k))); i >= 0 {
			c.errorf("calls at the same time give another result (index %d)", i)
			break
		}
	}

	if c.o.Allocates {
		return
	}
	s := make([]float64, dim)
	hot := map[string]func(){
		"Score":          func() { d.Score(s, x) },
		"PathGrad":       func() { d.PathGrad(tan, g, x) },
		"Tangent":        func() { d.Tangent(tan, &dr, 1) },
		"EntropyTangent": func() { d.EntropyTangent(tan) },
	}
	if k, ok := c.d.(scorer); ok && !panics(func() { k.ScoreTangent(tan, x, 1) }) {
		hot["ScoreTangent"] = func() { k.ScoreTangent(tan, x, 1) }
	}
	for name, f := range hot {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			c.errorf("%s allocates %v times a call", name, n)
		}
	}
}
