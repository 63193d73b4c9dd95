package autodiff

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

var (
	schoolsY  = []float64{28, 8, -3, 7, -1, 1, 18, 12}
	schoolsSE = []float64{15, 10, 16, 11, 9, 11, 10, 18}
)

// schools is the non-centred model of z (8), mu and log tau.
func schools(x Node) Node {
	z, mu, logTau := x.Slice(0, 8), x.At(8), x.At(9)
	tau := logTau.Exp()
	theta := Add(mu, Mul(tau, z))
	return AddAll(
		NormalLogProb(schoolsY, theta, schoolsSE), NormalLogProb(z, 0, 1),
		NormalLogProb(mu, 0, 5), HalfCauchyLogProb(tau, 5), logTau)
}

var schoolsConst = func() float64 {
	c := -17*logSqrt2Pi - math.Log(5) + math.Log(2/math.Pi/5)
	for _, s := range schoolsSE {
		c -= math.Log(s)
	}
	return c
}()

func handSchools(g, x []float64) float64 {
	mu, tau := x[8], math.Exp(x[9])
	s, gm, gt := schoolsConst-mu*mu/50+x[9], -mu/25, 0.0
	for i, y := range schoolsY {
		z := x[i]
		w := 1 / schoolsSE[i]
		e := (y - mu - tau*z) * w
		s -= (e*e + z*z) / 2
		d := e * w
		g[i] = d*tau - z
		gm += d
		gt += d * z
	}
	g[8] = gm
	q := tau / 5
	s -= math.Log1p(q * q)
	g[9] = 1 + tau*(gt-2*q/5/(1+q*q))
	return s
}

// radon data of the size of Minnesota's: 919 houses in 85 counties.
type radonData struct {
	y     []float64
	x     *mat.Dense
	group []int
}

func newRadon() *radonData {
	rng := rand.New(rand.NewPCG(4, 9))
	d := &radonData{x: mat.NewDense(919, 2, nil)}
	for i := range 919 {
		d.y = append(d.y, 1.3+0.8*rng.NormFloat64())
		d.group = append(d.group, i*85/919)
		d.x.Set(i, 0, rng.NormFloat64())
		d.x.Set(i, 1, float64(rng.IntN(2)))
	}
	return d
}

// logProb is the non-centred model of z (85), beta (2), mu, log sigma_alpha and log sigma.
func (d *radonData) logProb(x Node) Node {
	z, beta, mu := x.Slice(0, 85), x.Slice(85, 87), x.At(87)
	sa, sigma := x.At(88).Exp(), x.At(89).Exp()
	alpha := Add(mu, Mul(sa, z))
	return AddAll(
		NormalLogProb(d.y, Add(Gather(alpha, d.group), MatVec(d.x, beta)), sigma),
		NormalLogProb(z, 0, 1), NormalLogProb(beta, 0, 10), NormalLogProb(mu, 0, 10),
		HalfNormalLogProb(sa, 1), HalfNormalLogProb(sigma, 1), x.At(88), x.At(89))
}

func (d *radonData) hand(g, ga, x []float64) float64 {
	b0, b1, mu, sa, sigma := x[85], x[86], x[87], math.Exp(x[88]), math.Exp(x[89])
	clear(ga)
	raw, w := d.x.RawMatrix().Data, 1/sigma
	ss, g0, g1 := 0.0, 0.0, 0.0
	for i, y := range d.y {
		j := d.group[i]
		e := (y - mu - sa*x[j] - b0*raw[2*i] - b1*raw[2*i+1]) * w
		ss += e * e
		e *= w
		ga[j] += e
		g0 += e * raw[2*i]
		g1 += e * raw[2*i+1]
	}
	n := float64(len(d.y))
	s := -ss/2 - n*(math.Log(sigma)+logSqrt2Pi)
	gm, gs := 0.0, 0.0
	for j, v := range ga {
		z := x[j]
		s -= z * z / 2
		g[j] = v*sa - z
		gm += v
		gs += v * z
	}
	s -= 85*logSqrt2Pi + (b0*b0+b1*b1+mu*mu)/200 + 3*(math.Log(10)+logSqrt2Pi)
	s += 2*(math.Ln2-logSqrt2Pi) - (sa*sa+sigma*sigma)/2 + x[88] + x[89]
	g[85], g[86], g[87] = g0-b0/100, g1-b1/100, gm-mu/100
	g[88] = sa*(gs-sa) + 1
	g[89] = sigma*((ss-n)*w-sigma) + 1
	return s
}

func modelPoint(d int) []float64 {
	x := make([]float64, d)
	for i := range x {
		x[i] = 0.3*float64(i%5) - 0.5
	}
	return x
}

// TestModels compares the baselines of the benchmarks with the tape, and allocations with none.
func TestModels(t *testing.T) {
	d := newRadon()
	ga := make([]float64, 85)
	for name, m := range map[string]struct {
		dim  int
		f    func(Node) Node
		hand func(g, x []float64) float64
	}{
		"eight schools": {10, schools, handSchools},
		"radon":         {90, d.logProb, func(g, x []float64) float64 { return d.hand(g, ga, x) }},
	} {
		fn, err := New(m.dim, m.f)
		if err != nil {
			t.Fatal(err)
		}
		x, g, want := modelPoint(m.dim), make([]float64, m.dim), make([]float64, m.dim)
		v, w := fn.Grad(g, x), m.hand(want, x)
		if math.Abs(v-w) > 1e-12*math.Abs(w) {
			t.Errorf("%s: %v, by hand %v", name, v, w)
		}
		for i := range g {
			if math.Abs(g[i]-want[i]) > 1e-11*(1+math.Abs(want[i])) {
				t.Errorf("%s: gradient[%d] %v, by hand %v", name, i, g[i], want[i])
			}
		}
		fn.HessVec(want, x, g)
		for range 20 {
			fn.Grad(g, x)
		}
		if n := testing.AllocsPerRun(50, func() { fn.Grad(g, x); fn.Value(x); fn.HessVec(want, x, x) }); n != 0 {
			t.Errorf("%s: %v allocations a call", name, n)
		}
	}
}

func BenchmarkSchools(b *testing.B) {
	fn, err := New(10, schools)
	if err != nil {
		b.Fatal(err)
	}
	x, g := modelPoint(10), make([]float64, 10)
	b.Run("tape", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			fn.Grad(g, x)
		}
	})
	b.Run("hand", func(b *testing.B) {
		for range b.N {
			handSchools(g, x)
		}
	})
}

func BenchmarkRadon(b *testing.B) {
	d := newRadon()
	fn, err := New(90, d.logProb)
	if err != nil {
		b.Fatal(err)
	}
	x, g, ga := modelPoint(90), make([]float64, 90), make([]float64, 85)
	b.Run("tape", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			fn.Grad(g, x)
		}
	})
	b.Run("hand", func(b *testing.B) {
		for range b.N {
			d.hand(g, ga, x)
		}
	})
}
