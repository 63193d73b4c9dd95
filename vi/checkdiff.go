package vi

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// finding is a set of derivatives of one function along one direction, and how to report them.
type finding struct {
	fn    string
	got   []float64
	unit  []float64 // one nat over a step, see CheckGradient
	what  func(k int) string
	index func(k int) int // coordinate to report entry k under
}

// compare judges got by differences of f, which writes as many values, along e_i if i
// >= 0, else along dir. Where they disagree it asks another series of steps, since
// extrapolations may agree with each other by chance.
func (c *gradientCheck) compare(p *scaled, i int, dir []float64, f func(dst, x []float64), d finding) {
	step := 1.
	if i >= 0 {
		dir, step = nil, p.step[i]
	}
	tolerance := func(k int, want, err float64) float64 {
		return 10*err + checkRel*math.Max(d.unit[k], math.Max(math.Abs(d.got[k]), math.Abs(want)))
	}
	want, err := ridders(p.x, i, dir, step, f, d.unit)
	var want2, err2 []float64
	for k, got := range d.got {
		off := math.Abs(got-want[k]) / tolerance(k, want[k], err[k])
		if !(off > 1) {
			continue
		}
		if want2 == nil {
			want2, err2 = ridders(p.x, i, dir, 0.37*step, f, d.unit)
		}
		if !(math.Abs(got-want2[k]) > tolerance(k, want2[k], err2[k])) {
			continue
		}
		at := d.index(k)
		c.wrong[at] = true
		if off > c.excess {
			c.excess = off
			c.worst = c.error(p, d.fn, d.what(k), at, got, want[k])
			c.worst.Err = err[k]
		}
	}
}

func (c *gradientCheck) error(p *scaled, fn, what string, i int, got, want float64) *GradientError {
	e := &GradientError{Func: fn, What: what, Index: i, Got: got, Want: want, At: slices.Clone(p.x), Dim: c.t.Dim}
	if i >= 0 {
		e.Name = nameOf(c.t.Names, i)
	}
	return e
}

const (
	diffLevels = 10
	diffRound  = 16 * 0x1p-52 // of the values, for sums
)

// ridders returns derivatives at x, along e_i or dir, of the functions that f
// writes, and their errors: central differences with steps h, h/2, h/4, …, each
// column of the tableau extrapolated in h², of which every function takes the entry that differs
// least from its neighbours. Steps at which something is not finite are passed over.
func ridders(x []float64, i int, dir []float64, h float64, f func(dst, x []float64), unit []float64) (want, err []float64) {
	n := len(unit)
	want, err = make([]float64, n), make([]float64, n)
	for k := range n {
		want[k], err[k] = math.NaN(), math.Inf(1)
	}
	at, up, down := slices.Clone(x), make([]float64, n), make([]float64, n)
	move := func(h float64) {
		if i >= 0 {
			at[i] = x[i] + h
			return
		}
		for j, v := range dir {
			at[j] = x[j] + h*v
		}
	}
	var last [][]float64 // row of the tableau before
	for range diffLevels {
		width := 2 * h
		move(h)
		f(up, at)
		move(-h)
		f(down, at)
		if i >= 0 {
			width = (x[i] + h) - (x[i] - h) // as rounded
		}
		if width == 0 {
			break
		}
		h /= 2
		if !allFinite(up) || !allFinite(down) {
			last = nil
			continue
		}
		row := make([][]float64, len(last)+1)
		row[0] = make([]float64, n)
		for k := range n {
			row[0][k] = (up[k] - down[k]) / width
		}
		fac := 1.
		for m := 1; m < len(row); m++ {
			fac *= 4
			row[m] = make([]float64, n)
			for k := range n {
				v := row[m-1][k] + (row[m-1][k]-last[m-1][k])/(fac-1)
				row[m][k] = v
				e := math.Max(math.Abs(v-row[m-1][k]), math.Abs(v-last[m-1][k])) + diffRound*math.Max(math.Abs(up[k]), math.Abs(down[k]))/width
				if e < err[k] {
					want[k], err[k] = v, e
				}
			}
		}
		last = row
		if sharp(want, err, unit) {
			break
		}
	}
	return want, err
}

// sharp tells whether no finer step is needed.
func sharp(want, err, unit []float64) bool {
	for k, e := range err {
		if !(e <= checkRel/100*math.Max(unit[k], math.Abs(want[k]))) {
			return false
		}
	}
	return true
}

// value compares values of two functions that should be the same.
func (c *gradientCheck) value(p *scaled, fn, what string, got, want float64, hint string) error {
	if math.Abs(got-want) <= checkValue*math.Max(1, math.Max(math.Abs(got), math.Abs(want))) {
		return nil
	}
	e := c.error(p, fn, what, -1, got, want)
	e.Hint = hint
	return e
}

// overwrites checks that what fn wrote is finite, and the same whether dst held
// zeros or other numbers before.
func (c *gradientCheck) overwrites(p *scaled, fn, what string, clean, used []float64, index func(k int) int) error {
	for k, want := range clean {
		if !finite(want) {
			return c.t.nonFinite(fmt.Sprintf("%s of %s, at %s,", what, fn, nameOf(c.t.Names, index(k))), want, p.x)
		}
		if used[k] != want && !(math.Abs(used[k]-want) <= checkValue*math.Max(1, math.Abs(want))) {
			e := c.error(p, fn, what, index(k), used[k], want)
			e.Wrong, e.Hint = 1, "what dst held before the call is in it, which the function has to overwrite"
			return e
		}
	}
	return nil
}

// old is a slice of numbers that a function has to overwrite.
func old(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 0.5
	}
	return v
}

func same(k int) int { return k }

func says(s string) func(int) string { return func(int) string { return s } }

// units is one nat over the step of coordinate i, n times.
func units(p *scaled, i, n int) []float64 {
	u := make([]float64, n)
	for k := range u {
		u[k] = 1 / p.step[i]
	}
	return u
}

// gradientName is the function of the caller that Grad comes from.
func (c *gradientCheck) gradientName() string {
	switch {
	case c.t.Grad != nil:
		return "Target.Grad"
	case c.t.Linear != nil:
		return "Target.Linear"
	}
	return "Target.Hess"
}

// grad calls Grad with given contents of dst.
func (c *gradientCheck) grad(dst, x []float64) float64 {
	c.fn = c.gradientName()
	return c.full.Grad(dst, x)
}

func (c *gradientCheck) checkGrad(p *scaled) error {
	if c.full.Grad == nil {
		return nil
	}
	fn, g, used := c.gradientName(), make([]float64, c.t.Dim), old(c.t.Dim)
	v := c.grad(g, p.x)
	if err := c.t.checkFinite("the value of "+fn, v, g, p.x); err != nil {
		return err
	}
	c.grad(used, p.x)
	if err := c.overwrites(p, fn, "the gradient", g, used, same); err != nil {
		return err
	}
	if c.t.Exact == nil {
		if err := c.value(p, fn, "the value", v, c.f(p.x), "Target.LogProb has another value"); err != nil {
			return err
		}
	}
	return c.slopes(p, fn, "the gradient", g, c.f)
}

// slopes compares a gradient g with differences of f.
func (c *gradientCheck) slopes(p *scaled, fn, what string, g []float64, f func(x []float64) float64) error {
	for i := range g {
		c.compare(p, i, nil, func(dst, x []float64) { dst[0] = f(x) }, finding{fn, g[i : i+1], units(p, i, 1), says(what), func(int) int { return i }})
	}
	return nil
}

func (c *gradientCheck) checkHess(p *scaled) error {
	if c.full.Hess == nil {
		return nil
	}
	n, fn := c.t.Dim, "Target.Hess"
	if c.t.Hess == nil {
		fn = "Target.Linear"
	}
	call := func(fill float64) (v float64, g, h []float64) {
		sym := mat.NewSymDense(n, nil)
		g, h = make([]float64, n), make([]float64, 0, n*n)
		for i := range n {
			g[i] = fill
			for j := i; j < n; j++ {
				sym.SetSym(i, j, fill)
			}
		}
		c.fn = fn
		v = c.full.Hess(sym, g, p.x)
		for i := range n {
			for j := range n {
				h = append(h, sym.At(i, j))
			}
		}
		return v, g, h
	}
	v, g, h := call(0)
	_, g2, h2 := call(0.5)
	if err := c.t.checkFinite("the value of "+fn, v, g, p.x); err != nil {
		return err
	}
	if err := c.overwrites(p, fn, "the gradient", g, g2, same); err != nil {
		return err
	}
	if err := c.overwrites(p, fn, "the Hessian", h, h2, func(k int) int { return k / n }); err != nil {
		return err
	}
	if c.t.Exact == nil {
		if err := c.value(p, fn, "the value", v, c.f(p.x), "Target.LogProb has another value"); err != nil {
			return err
		}
	}
	if c.t.Grad != nil { // else it has been checked as the gradient
		if err := c.slopes(p, fn, "the gradient", g, c.f); err != nil {
			return err
		}
	}
	for i := range n {
		unit := units(p, i, n)
		for j := range unit {
			unit[j] /= p.step[j]
		}
		c.compare(p, i, nil, func(dst, x []float64) { c.grad(dst, x) }, finding{fn, h[i*n : (i+1)*n], unit,
			func(j int) string { return "the second derivative with " + nameOf(c.t.Names, j) }, func(int) int { return i }})
	}
	return nil
}

func (c *gradientCheck) checkHessVec(p *scaled) error {
	if c.t.HessVec == nil || c.full.Grad == nil {
		return nil
	}
	n, fn := c.t.Dim, "Target.HessVec"
	for range 2 {
		v, unit := make([]float64, n), make([]float64, n)
		for i, h := range p.step {
			v[i] = h * c.rng.NormFloat64() / math.Sqrt(float64(n))
			unit[i] = 1 / h
		}
		got, used, kept := make([]float64, n), old(n), slices.Clone(v)
		c.fn = fn
		c.t.HessVec(got, p.x, v)
		c.t.HessVec(used, p.x, v)
		if !slices.Equal(v, kept) {
			return fmt.Errorf("vi: CheckGradient: %s has changed v", fn)
		}
		if err := c.overwrites(p, fn, "the product", got, used, same); err != nil {
			return err
		}
		c.compare(p, -1, v, func(dst, x []float64) { c.grad(dst, x) }, finding{fn, got, unit, says(fmt.Sprintf("the product with v = %s", pointText(v))), same})
	}
	return nil
}
