package glm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/natgrad/natgrad/vi"
)

// familyCase is a family with a way to draw outcomes, predictors and ψ.
type familyCase struct {
	f      Family
	trials bool
}

func familyCases() []familyCase {
	return []familyCase{
		{Gaussian(), false}, {StudentT(), false}, {StudentTDF(4), false},
		{Bernoulli("logit"), false}, {Bernoulli("probit"), false}, {Bernoulli("cloglog"), false},
		{Binomial("logit"), true}, {Binomial("probit"), true}, {Binomial("cloglog"), true},
		{Poisson(), false}, {NegativeBinomial(), false}, {Gamma(), false},
	}
}

// draw returns n rows from the family with predictors and auxiliary values.
func (c *familyCase) draw(rng *rand.Rand, n int, weights bool) (o Outcome, eta, aux []float64) {
	for range c.f.AuxNames() {
		aux = append(aux, 0.7*rng.NormFloat64()+0.5)
	}
	if weights {
		o.Weights = make([]float64, n)
	}
	for i := range n {
		eta = append(eta, 1.5*rng.NormFloat64())
		t := 1.0
		if c.trials {
			t = float64(rng.IntN(30))
			o.Trials = append(o.Trials, t)
		}
		o.Y = append(o.Y, c.f.Sample(rng, eta[i]+0.5*rng.NormFloat64(), aux, t))
		if weights {
			o.Weights[i] = 2 * rng.Float64()
		}
	}
	return o, eta, aux
}

func newDerivs(n, naux int) *vi.Derivs {
	d := &vi.Derivs{F: make([]float64, n), E: make([]float64, n), EE: make([]float64, n)}
	for range naux {
		d.A = append(d.A, make([]float64, n))
		d.EA = append(d.EA, make([]float64, n))
	}
	for range naux * (naux + 1) / 2 {
		d.AA = append(d.AA, make([]float64, n))
	}
	return d
}

func near(got, want, tol float64) bool {
	return math.Abs(got-want) <= tol*(1+math.Abs(want)) || got == want
}

// compareAt requires got ≈ want in every row.
func compareAt(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	for i := range got {
		if !near(got[i], want[i], tol) {
			t.Fatalf("%s, row %d: got %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestFamilyDerivatives(t *testing.T) {
	for _, c := range familyCases() {
		for _, weights := range []bool{false, true} {
			t.Run(fmt.Sprint(c.f, weights), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 2))
				const n, lo = 600, 7 // three blocks, the last not full
				for range 5 {
					o, eta, aux := c.draw(rng, n, weights)
					f := c.f.Eval(o)
					at := func(de float64, k int, da float64) *vi.Derivs {
						x := append([]float64(nil), eta[lo:]...)
						for i := range x {
							x[i] += de
						}
						a := append([]float64(nil), aux...)
						if k >= 0 {
							a[k] += da
						}
						d := newDerivs(n-lo, len(aux))
						f(lo, x, a, d)
						return d
					}
					const h, tol = 1e-5, 2e-7
					slope := func(a, b []float64) []float64 {
						s := make([]float64, len(a))
						for i := range s {
							s[i] = (a[i] - b[i]) / (2 * h)
						}
						return s
					}
					d := at(0, -1, 0)
					p, m := at(h, -1, 0), at(-h, -1, 0)
					compareAt(t, "E", d.E, slope(p.F, m.F), tol)
					compareAt(t, "EE", d.EE, slope(p.E, m.E), tol)
					for k := range aux {
						p, m := at(0, k, h), at(0, k, -h)
						compareAt(t, fmt.Sprint("A", k), d.A[k], slope(p.F, m.F), tol)
						compareAt(t, fmt.Sprint("EA", k), d.EA[k], slope(p.E, m.E), tol)
						for j := range aux {
							compareAt(t, fmt.Sprint("AA", j, k), d.AA[j+k], slope(p.A[j], m.A[j]), tol)
						}
					}
					// Any subset of outputs gives the same bits.
					for mask := range 1 << 6 {
						part := newDerivs(n-lo, len(aux))
						for bit, s := range []*[]float64{&part.F, &part.E, &part.EE} {
							if mask>>bit&1 == 0 {
								*s = nil
							}
						}
						for bit, s := range []*[][]float64{&part.A, &part.EA, &part.AA} {
							if mask>>(3+bit)&1 == 0 {
								*s = nil
							}
						}
						f(lo, eta[lo:], aux, part)
						for _, s := range [][2][]float64{{part.F, d.F}, {part.E, d.E}, {part.EE, d.EE}} {
							if s[0] != nil {
								compareAt(t, fmt.Sprint("mask ", mask), s[0], s[1], 0)
							}
						}
						for _, s := range [][2][][]float64{{part.A, d.A}, {part.EA, d.EA}, {part.AA, d.AA}} {
							for k := range s[0] {
								compareAt(t, fmt.Sprint("mask ", mask), s[0][k], s[1][k], 0)
							}
						}
					}
				}
			})
		}
	}
}

// one evaluates a single row.
func one(f Family, y, trials, eta float64, aux []float64) (value, e, ee float64) {
	o := Outcome{Y: []float64{y}}
	if trials >= 0 {
		o.Trials = []float64{trials}
	}
	d := newDerivs(1, len(aux))
	f.Eval(o)(0, []float64{eta}, aux, d)
	return d.F[0], d.E[0], d.EE[0]
}

// TestFamilyMoments sums or integrates the density, and y and y² under it.
func TestFamilyMoments(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range familyCases() {
		for range 4 {
			eta := rng.NormFloat64()
			var aux []float64
			for _, a := range c.f.AuxNames() {
				x := 0.4 * rng.NormFloat64()
				if a == "nu" {
					x += 2.5
				}
				aux = append(aux, x)
			}
			var sum, mean, square float64
			add := func(y, trials, w float64) {
				v, _, _ := one(c.f, y, trials, eta, aux)
				p := math.Exp(v) * w
				sum, mean, square = sum+p, mean+p*y, square+p*y*y
			}
			n, tol := 1.0, 1e-10
			switch name := c.f.Name(); {
			case c.trials:
				n = float64(1 + rng.IntN(40))
				for y := 0.0; y <= n; y++ {
					add(y, n, 1)
				}
			case name == "bernoulli":
				add(0, -1, 1)
				add(1, -1, 1)
			case name == "poisson" || name == "negative-binomial":
				for y := 0.0; y < 1000; y++ {
					add(y, -1, 1)
				}
			case name == "gamma": // y = exp(x)
				for x := -60.0; x < 10; x += 0.01 {
					add(math.Exp(x), -1, 0.01*math.Exp(x))
				}
			default: // y = sinh(x)
				for x := -40.0; x < 40; x += 0.01 {
					add(math.Sinh(x), -1, 0.01*math.Cosh(x))
				}
				tol = 1e-6
			}
			if !near(sum, 1, 1e-10) {
				t.Errorf("%v, eta %g, aux %g: total probability %v", c.f, eta, aux, sum)
			}
			if want := n * c.f.Mean(eta, aux); !near(mean, want, tol) {
				t.Errorf("%v, eta %g, aux %g: mean %v, Mean says %v", c.f, eta, aux, mean, want)
			}
			if got, want := square-mean*mean, n*c.f.Variance(eta, aux); !near(got, want, tol) {
				t.Errorf("%v, eta %g, aux %g: variance %v, Variance says %v", c.f, eta, aux, got, want)
			}
		}
	}
}

func TestFamilyOracle(t *testing.T) {
	const psi, lnu = 0.3, 1.2
	s := math.Exp(psi)
	for _, eta := range []float64{-2.5, -0.3, 0.4, 1.9} {
		mu := math.Exp(eta)
		p := 1 / (1 + 1/mu)
		for _, c := range []struct {
			f         Family
			y, trials float64
			aux       []float64
			want      float64
		}{
			{Gaussian(), 1.7, -1, []float64{psi}, distuv.Normal{Mu: eta, Sigma: s}.LogProb(1.7)},
			{StudentT(), 1.7, -1, []float64{psi, lnu}, distuv.StudentsT{Mu: eta, Sigma: s, Nu: math.Exp(lnu)}.LogProb(1.7)},
			{StudentTDF(3), -4, -1, []float64{psi}, distuv.StudentsT{Mu: eta, Sigma: s, Nu: 3}.LogProb(-4)},
			{Poisson(), 6, -1, nil, distuv.Poisson{Lambda: mu}.LogProb(6)},
			{Gamma(), 2.2, -1, []float64{psi}, distuv.Gamma{Alpha: s, Beta: s / mu}.LogProb(2.2)},
			{Bernoulli("logit"), 1, -1, nil, math.Log(p)},
			{Binomial("logit"), 3, 11, nil, distuv.Binomial{N: 11, P: p}.LogProb(3)},
			{Binomial("probit"), 3, 11, nil, distuv.Binomial{N: 11, P: distuv.UnitNormal.CDF(eta)}.LogProb(3)},
			{Binomial("cloglog"), 3, 11, nil, distuv.Binomial{N: 11, P: -math.Expm1(-mu)}.LogProb(3)},
		} {
			if got, _, _ := one(c.f, c.y, c.trials, eta, c.aux); !near(got, c.want, 1e-12) {
				t.Errorf("%v at y = %g, eta = %g: %v, want %v", c.f, c.y, eta, got, c.want)
			}
		}
	}
}

// TestFamilyLimits compares the families that tend to simpler ones, where a
// naive difference of log gamma functions would be noise.
func TestFamilyLimits(t *testing.T) {
	for _, eta := range []float64{-3, 0.5, 8} {
		for _, y := range []float64{0, 3, 31, 32, 2900} {
			a, a1, a2 := one(Poisson(), y, -1, eta, nil)
			b, b1, b2 := one(NegativeBinomial(), y, -1, eta, []float64{math.Log(1e14)})
			if !near(b, a, 1e-7) || !near(b1, a1, 1e-7) || !near(b2, a2, 1e-7) {
				t.Errorf("negative binomial at phi = 1e14, y = %g, eta = %g: %v %v %v, Poisson %v %v %v", y, eta, b, b1, b2, a, a1, a2)
			}
			g, g1, g2 := one(Gaussian(), y, -1, eta, []float64{3})
			s, s1, s2 := one(StudentT(), y, -1, eta, []float64{3, math.Log(1e14)})
			if !near(s, g, 1e-7) || !near(s1, g1, 1e-7) || !near(s2, g2, 1e-7) {
				t.Errorf("Student-t at nu = 1e14, y = %g, eta = %g: %v %v %v, Gaussian %v %v %v", y, eta, s, s1, s2, g, g1, g2)
			}
		}
	}
}

func TestFamilyExtremes(t *testing.T) {
	for _, c := range familyCases() {
		rng := rand.New(rand.NewPCG(5, 6))
		for range 3 {
			o, _, aux := c.draw(rng, 40, false)
			f := c.f.Eval(o)
			for _, x := range []float64{-700, -200, -38, -37, -6, 6, 8.3, 37, 38, 200, 700} {
				eta := make([]float64, 40)
				for i := range eta {
					eta[i] = x
				}
				d := newDerivs(40, len(aux))
				f(0, eta, aux, d)
				all := append(append(append([][]float64{d.F, d.E, d.EE}, d.A...), d.EA...), d.AA...)
				for k, s := range all {
					for i, v := range s {
						if math.IsNaN(v) {
							t.Fatalf("%v: output %d is NaN at eta = %g, y = %g", c.f, k, x, o.Y[i])
						}
						if math.IsInf(v, 0) && c.f.Link() != "log" {
							t.Fatalf("%v: output %d is infinite at eta = %g, y = %g", c.f, k, x, o.Y[i])
						}
					}
				}
				if c.f.LogConcave() {
					for i, v := range d.EE {
						if v > 0 {
							t.Fatalf("%v: second derivative %g > 0 at eta = %g, y = %g", c.f, v, x, o.Y[i])
						}
					}
				}
			}
		}
	}
	for _, c := range []struct {
		link   string
		y, eta float64
		f, e   float64
	}{
		{"logit", 0, 700, -700, -1},
		{"logit", 1, 700, -math.Exp(-700), 0},
		{"logit", 1, -700, -700, 1},
		{"probit", 1, -700, -0.5*700*700 - halfLog2Pi - math.Log(700) - 1/(700.*700), 700 + 1/700.},
		{"probit", 0, -700, 0, 0},
		{"cloglog", 1, -700, -700, 1},
		{"cloglog", 0, 5, -math.Exp(5), -math.Exp(5)},
		{"cloglog", 1, 700, 0, 0},
	} {
		f, e, _ := one(Bernoulli(c.link), c.y, -1, c.eta, nil)
		if math.Abs(f-c.f) > 1e-11*math.Abs(c.f) || !near(e, c.e, 1e-8) {
			t.Errorf("%s at y = %g, eta = %g: %v %v, want %v %v", c.link, c.y, c.eta, f, e, c.f, c.e)
		}
	}
}

func TestFamilyAllocs(t *testing.T) {
	for _, c := range familyCases() {
		rng := rand.New(rand.NewPCG(7, 8))
		o, eta, aux := c.draw(rng, 512, true)
		f := c.f.Eval(o)
		d := newDerivs(512, len(aux))
		if n := testing.AllocsPerRun(10, func() { f(0, eta, aux, d) }); n != 0 {
			t.Errorf("%v: %g allocations a call", c.f, n)
		}
	}
}

func TestFamilyWeights(t *testing.T) {
	// A row of weight 2 is two rows; one of weight 0 is none, even where its
	// likelihood overflows.
	for _, c := range familyCases() {
		rng := rand.New(rand.NewPCG(9, 10))
		o, eta, aux := c.draw(rng, 3, false)
		plain, weighted := newDerivs(3, len(aux)), newDerivs(3, len(aux))
		c.f.Eval(o)(0, eta, aux, plain)
		o.Weights = []float64{1, 2, 0}
		eta[2] = 2000
		c.f.Eval(o)(0, eta, aux, weighted)
		for i, w := range o.Weights {
			if weighted.F[i] != w*plain.F[i] || weighted.E[i] != w*plain.E[i] || weighted.EE[i] != w*plain.EE[i] {
				t.Errorf("%v: row of weight %g: %v %v %v, unweighted %v %v %v", c.f, w,
					weighted.F[i], weighted.E[i], weighted.EE[i], plain.F[i], plain.E[i], plain.EE[i])
			}
		}
	}
}

func BenchmarkFamily(b *testing.B) {
	for _, c := range familyCases() {
		b.Run(c.f.String(), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			o, eta, aux := c.draw(rng, 256, false)
			f := c.f.Eval(o)
			d := newDerivs(256, len(aux))
			b.ReportAllocs()
			for b.Loop() {
				f(0, eta, aux, d)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/row")
		})
	}
}
