package expfamtest

import (
	"errors"
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// refusalSlack is how much sooner than its own rounding estimate says a family
// may refuse an m: it has rounding errors besides half a unit in the last place
// of each entry to allow for.
const refusalSlack = 16

// checkRoundTrips tests η → m → η and m → η → m at d and at a neighbour: an
// inverse is within Tol of the exact one or, where the rounding of m alone can
// move η by more, a *PrecisionError.
func checkRoundTrips(c *checker) {
	loss, err := c.roundingLoss()
	if err != nil {
		c.errorf("%v", err)
		return
	}
	worst := 0.0
	for i, l := range loss {
		worst = max(worst, l/c.unit(i))
	}
	q, _ := c.proper(c.direction(0.3))
	mq := q.Expectation(nil)
	if c.inverse(q, c.m, worst) {
		got := q.Natural(nil)
		for i, want := range c.eta {
			// m came from d by a few roundings of its own.
			tol := c.o.Tol*c.unit(i) + min(4*loss[i], 4*c.o.Tol*c.unit(i))
			if c.o.RoundingLoss {
				tol += 32 * loss[i]
			}
			c.near("η → m → η", i, got[i], want, tol)
		}
	}
	for _, m := range [][]float64{c.m, mq} {
		if !c.inverse(q, m, worst) {
			continue
		}
		for i, v := range q.Expectation(nil) {
			c.near("m → η → m", i, v, m[i], relative(c.o.Tol, m[i], c.scale[i]))
		}
	}
}

// unit is the size that the precision of η_i is relative to, the larger of
// |η_i| and 1/sd(T_i).
func (c *checker) unit(i int) float64 { return max(math.Abs(c.eta[i]), 1/c.scale[i]) }

// roundingLoss returns Σ_j |F⁻¹|_ij ulp(m_j)/2, how much the rounding of m to
// float64 can move η_i.
func (c *checker) roundingLoss() ([]float64, error) {
	var inv mat.Dense // of the correlation matrix of T
	err := inv.Inverse(c.correlation())
	if _, ill := err.(mat.Condition); err != nil && !ill {
		return nil, fmt.Errorf("%s: Fisher matrix is singular: %v", c.d.Name(), err)
	}
	loss := make([]float64, c.n)
	for i := range loss {
		for j, m := range c.m {
			m = math.Abs(m)
			ulp := math.Nextafter(m, math.Inf(1)) - m
			loss[i] += math.Abs(inv.At(i, j)) / (c.scale[i] * c.scale[j]) * ulp / 2
		}
	}
	return loss, nil
}

// inverse moves q to m and reports whether it did. A refusal has to be for the
// rounding of m, which can move an entry of η by about worst units, and has to
// leave q alone.
func (c *checker) inverse(q expfam.Dist, m []float64, worst float64) bool {
	before := take(q)
	err := q.SetExpectation(m)
	if err == nil {
		if worst > 4*c.o.Tol && !c.o.RoundingLoss {
			c.errorf("SetExpectation(%v) gives no error, but the rounding of m can move η by a relative %.1e, want a *PrecisionError above %.0e", m, worst, c.o.Tol)
		}
		return true
	}
	var e *expfam.PrecisionError
	switch {
	case !errors.As(err, &e):
		c.errorf("SetExpectation(%v): %v", m, err)
	case worst < c.o.Tol/refusalSlack:
		c.errorf("SetExpectation(%v) refuses for the rounding of m, which moves η by a relative %.1e only: %v", m, worst, err)
	case e.Family == "" || e.Func == "" || e.Param == "" || e.Index < -1 || e.Index >= c.n || !(e.RelErr > 0):
		c.errorf("SetExpectation(%v): PrecisionError is incomplete: %+v", m, *e)
	}
	if err := before.compare(q); err != nil {
		c.errorf("a refused SetExpectation(%v) changed the receiver: %v", m, err)
	}
	return false
}

// central returns the five-point derivative of f at d along coordinate j, one
// entry for each value of f, and the step in η.
func (c *checker) central(j int, f func(q expfam.Dist) []float64) ([]float64, float64) {
	const rel = 2e-3
	h := rel / c.scale[j]
	t := append([]float64(nil), c.eta...)
	q := c.d.Clone()
	var d []float64
	for tries := 0; tries < 20; tries++ {
		ok := true
		d = nil
		for _, s := range [...]struct{ at, w float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
			t[j] = c.eta[j] + s.at*h
			if q.SetNatural(t) != nil {
				ok = false
				break
			}
			for i, v := range f(q) {
				if len(d) <= i {
					d = append(d, 0)
				}
				d[i] += s.w * v / (12 * h)
			}
		}
		if ok {
			break
		}
		h /= 2
	}
	return d, h
}

// checkGradient tests m = ∇A.
func checkGradient(c *checker) {
	a := math.Abs(c.d.LogPartition())
	for j := range c.m {
		d, h := c.central(j, func(q expfam.Dist) []float64 { return []float64{q.LogPartition()} })
		if len(d) != 1 {
			c.errorf("no difference of A along coordinate %d: neighbours are not proper", j)
			continue
		}
		c.near("∇A", j, d[0], c.m[j], 1e-6*c.scale[j]+1e-10*math.Abs(c.m[j])+64*eps*a/h)
	}
}

// correlation returns F scaled to a unit diagonal.
func (c *checker) correlation() *mat.SymDense {
	corr := mat.NewSymDense(c.n, nil)
	for i := range c.n {
		for j := i; j < c.n; j++ {
			corr.SetSym(i, j, c.fisher.At(i, j)/(c.scale[i]*c.scale[j]))
		}
	}
	return corr
}

// checkFisher tests F = ∂m/∂η, its symmetry and that it is positive definite.
func checkFisher(c *checker) {
	for j := range c.m {
		d, h := c.central(j, func(q expfam.Dist) []float64 { return q.Expectation(nil) })
		if len(d) != c.n {
			c.errorf("no difference of m along coordinate %d: neighbours are not proper", j)
			continue
		}
		for i, v := range d {
			s := c.scale[i] * c.scale[j]
			c.near("F column", i, c.fisher.At(i, j), v, 1e-6*s+64*eps*math.Abs(c.m[i])/h)
			c.near("F symmetric", i, c.fisher.At(i, j), c.fisher.At(j, i), 1e-10*s)
		}
	}
	var ch mat.Cholesky
	if !ch.Factorize(c.correlation()) {
		c.errorf("Fisher matrix is not positive definite")
	}
	// Linearity, which columns alone do not show.
	v := c.direction(1)
	got := c.d.FisherMul(nil, v)
	for i := range got {
		var want, size float64
		for j := range v {
			want += c.fisher.At(i, j) * v[j]
			size += math.Abs(c.fisher.At(i, j) * v[j])
		}
		c.near("F·v", i, got[i], want, 1e-10*size)
	}
}

// checkDensity tests log p = log h + ⟨η, T⟩ − A at draws and outside the support.
func checkDensity(c *checker) {
	a := c.d.LogPartition()
	t := make([]float64, c.n)
	for k := 0; k < min(200, len(c.draws)); k++ {
		x := c.draws[k]
		c.d.SuffStat(t, x)
		base := c.d.LogBase(x)
		size := 1 + math.Abs(base) + math.Abs(a)
		for i := range t {
			size += math.Abs(t[i] * c.eta[i])
		}
		c.near("LogProb at draw", k, c.d.LogProb(x), base+dot(c.eta, t)-a, 1e-12*size)
	}
	for k, x := range c.o.Outside {
		if v := c.d.LogBase(x); !math.IsInf(v, -1) {
			c.errorf("LogBase outside the support (%d) is %v, want -Inf", k, v)
		}
		if v := c.d.LogProb(x); !math.IsInf(v, -1) {
			c.errorf("LogProb outside the support (%d) is %v, want -Inf", k, v)
		}
	}
}

// checkMoments compares entropy, m, the diagonal of F and E[x] with draws.
func checkMoments(c *checker) {
	n := float64(len(c.draws))
	v := make([]float64, len(c.draws))
	for k, x := range c.draws {
		v[k] = -c.d.LogProb(x)
	}
	mean, se := meanSE(v)
	h := c.d.Entropy()
	c.near("entropy against draws", 0, h, mean, 5*se+1e-10*(1+math.Abs(mean)))
	// The identity with A is exact where log h is constant, as it mostly is.
	for k, x := range c.draws {
		v[k] = c.d.LogBase(x)
	}
	mean, se = meanSE(v)
	want := c.d.LogPartition() - dot(c.eta, c.m) - mean
	size := math.Abs(c.d.LogPartition()) + math.Abs(dot(c.eta, c.m)) + math.Abs(mean)
	c.near("entropy against A − ⟨η,m⟩ − E[log h]", 0, h, want, 5*se+1e-12*(1+size))
	t := make([]float64, c.n)
	for i := range c.n {
		for k, x := range c.draws {
			v[k] = c.d.SuffStat(t, x)[i]
		}
		mean, _ := meanSE(v)
		c.near("m against draws", i, c.m[i], mean, 5*c.scale[i]/math.Sqrt(n))
		for k := range v {
			v[k] = (v[k] - c.m[i]) * (v[k] - c.m[i])
		}
		mean, se := meanSE(v)
		c.near("F diagonal against draws", i, c.fisher.At(i, i), mean, 6*se+1e-10*mean)
	}
	mu := c.d.Mean(nil)
	if len(mu) != c.d.Dim() {
		c.errorf("len(Mean) is %d, want %d", len(mu), c.d.Dim())
		return
	}
	if c.o.HeavyTails {
		return
	}
	for i, want := range mu {
		for k, x := range c.draws {
			v[k] = x[i]
		}
		mean, se := meanSE(v)
		c.near("Mean against draws", i, want, mean, 5*se+1e-10*math.Abs(mean))
	}
}

// checkKL tests KL(p‖p) = 0, KL against draws, and KL ≈ ½ dη'F dη.
func checkKL(c *checker) {
	size := 1 + math.Abs(c.d.LogPartition())
	for i := range c.m {
		size += math.Abs(c.eta[i] * c.m[i])
	}
	kl := func(p, q expfam.Dist) float64 {
		v, err := expfam.KL(p, q)
		if err != nil {
			c.errorf("KL: %v", err)
		}
		if !(v >= 0) {
			c.errorf("KL is %v, want ≥ 0", v)
		}
		return v
	}
	c.near("KL(p‖p)", 0, kl(c.d, c.d.Clone()), 0, 16*eps*size)

	v := make([]float64, len(c.draws))
	for range 3 {
		q, _ := c.proper(c.direction(0.5))
		for k, x := range c.draws {
			v[k] = c.d.LogProb(x) - q.LogProb(x)
		}
		mean, se := meanSE(v)
		c.near("KL against draws", 0, kl(c.d, q), mean, 5*se+64*eps*size)
	}

	// The mean over ±dη has no third-order term.
	const r = 3e-3
	dir := c.direction(r)
	up, _ := c.proper(dir)
	for i := range dir {
		dir[i] = -dir[i]
	}
	down, _ := c.proper(dir)
	c.near("KL of a small step", 0, (kl(c.d, up)+kl(c.d, down))/2, r*r/2, 1e-3*r*r/2+64*eps*size)
}
