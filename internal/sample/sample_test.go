package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/mathext"
)

// checkMoments compares n draws with their mean and variance, with tolerances of
// five standard errors, that of the variance from the fourth moment of the draws.
func checkMoments(t *testing.T, name string, n int, mean, variance float64, draw func() float64) {
	t.Helper()
	var s1, s2, s4 float64
	for range n {
		d := draw() - mean
		s1 += d
		s2 += d * d
		s4 += d * d * d * d
	}
	m, v := s1/float64(n), s2/float64(n)
	if se := math.Sqrt(variance / float64(n)); !(math.Abs(m) <= 5*se) {
		t.Errorf("%s: the mean is off by %.1f standard errors", name, m/se)
	}
	if se := math.Sqrt((s4/float64(n) - v*v) / float64(n)); !(math.Abs(v-variance) <= 5*se) {
		t.Errorf("%s: variance %g, want %g (standard error %g)", name, v, variance, se)
	}
}

// Draws against the distribution function by Kolmogorov's statistic, whose 0.999
// quantile is 1.95/√n.
func TestGammaDistribution(t *testing.T) {
	const n = 20000
	for _, shape := range []float64{0.05, 0.4, 1, 1.3, 4, 60, 3000} {
		rng := rand.New(rand.NewPCG(1, 2))
		v := make([]float64, n)
		for i := range v {
			x, b := Gamma(shape, rng)
			v[i] = x * math.Exp(b)
		}
		slices.Sort(v)
		var d float64
		for i, x := range v {
			p := mathext.GammaIncReg(shape, x)
			d = max(d, p-float64(i)/n, float64(i+1)/n-p)
		}
		if d *= math.Sqrt(n); d > 1.95 {
			t.Errorf("shape %g: Kolmogorov statistic %.2f", shape, d)
		}
	}
}

// The log of a draw has mean ψ(a) and variance ψ'(a), at shapes too where the
// draw underflows and where it is known to a few digits only by its logarithm.
func TestLogGammaMoments(t *testing.T) {
	for _, a := range []float64{1e-300, 1e-8, 0.01, 0.7, 1, 8, 1e5} {
		rng := rand.New(rand.NewPCG(3, 4))
		// In units of 1/a below 1, where the variance would overflow; the
		// recurrence of ψ takes 1/a out of both moments.
		unit := min(a, 1)
		checkMoments(t, fmt.Sprintf("log of shape %g", a), 10000,
			unit*special.Digamma(a+1)-unit/a, unit*unit*special.Trigamma(a+1)+(unit/a)*(unit/a),
			func() float64 { return unit * LogGamma(a, rng) })
	}
	for _, a := range []float64{1e9, 1e100} {
		rng := rand.New(rand.NewPCG(5, 6))
		if x, b := Gamma(a, rng); b != 0 || !(math.Abs(x/a-1) < 6/math.Sqrt(a)+1e-15) {
			t.Errorf("shape %g: draw %g·exp(%g)", a, x, b)
		}
	}
}

// Frequencies of counts against their probabilities by Pearson's statistic, whose
// mean is the degrees of freedom.
func TestCountDistributions(t *testing.T) {
	const n = 100000
	poisson := func(mu float64) (string, func(*rand.Rand) float64, func(k float64) float64) {
		return fmt.Sprintf("poisson %g", mu),
			func(r *rand.Rand) float64 { return Poisson(mu, r) },
			func(k float64) float64 { return poissonLogProb(k, mu) }
	}
	binomial := func(m, p float64) (string, func(*rand.Rand) float64, func(k float64) float64) {
		return fmt.Sprintf("binomial %g %g", m, p),
			func(r *rand.Rand) float64 { return Binomial(m, p, r) },
			func(k float64) float64 {
				if k > m {
					return math.Inf(-1)
				}
				return binomialLogProb(k, m, p)
			}
	}
	check := func(name string, draw func(*rand.Rand) float64, logp func(k float64) float64) {
		t.Helper()
		rng := rand.New(rand.NewPCG(13, 14))
		count := make(map[float64]float64)
		for range n {
			count[draw(rng)]++
		}
		var chi, df, rest, restCount, sum float64 = 0, 0, 1, n, 0
		for k := 0.0; k < 300; k++ {
			p := math.Exp(logp(k))
			sum += p
			if n*p > 20 {
				d := count[k] - n*p
				chi, df = chi+d*d/(n*p), df+1
				rest, restCount = rest-p, restCount-count[k]
			}
		}
		if d := restCount - n*rest; df > 0 {
			chi += d * d / math.Max(n*rest, 1)
		}
		if !(chi <= df+5*math.Sqrt(2*df)) {
			t.Errorf("%s: chi-squared %.1f with %g degrees of freedom", name, chi, df)
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Errorf("%s: probabilities sum to 1%+.1e", name, sum-1)
		}
	}
	for _, mu := range []float64{0.01, 4, 9.99, 10, 11, 60} {
		check(poisson(mu))
	}
	for _, c := range [][2]float64{{30, 0.1}, {40, 0.3}, {20, 0.5}, {90, 0.8}, {40, 0.97}, {1, 0.2}} {
		check(binomial(c[0], c[1]))
	}
}

func TestLargeCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, mu := range []float64{400, 1e6, 1e12} {
		checkMoments(t, fmt.Sprintf("poisson %g", mu), 10000, mu, mu, func() float64 { return Poisson(mu, rng) })
	}
	for _, c := range [][2]float64{{1e9, 0.12}, {1e9, 0.9}, {1e12, 1e-12}, {1e15, 1e-9}} {
		n, p := c[0], c[1]
		checkMoments(t, fmt.Sprintf("binomial %g %g", n, p), 10000, n*p, n*p*(1-p), func() float64 { return Binomial(n, p, rng) })
	}
	for _, mu := range []float64{1e40, 1e308} {
		if k := Poisson(mu, rng); !(math.Abs(k/mu-1) < 1e-14) {
			t.Errorf("poisson %g: draw %g", mu, k)
		}
	}
}

func TestEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"gamma 0", LogGamma(0, rng), -inf},
		{"gamma inf", LogGamma(inf, rng), inf},
		{"gamma -1", LogGamma(-1, rng), nan},
		{"gamma nan", LogGamma(nan, rng), nan},
		{"poisson 0", Poisson(0, rng), 0},
		{"poisson -1", Poisson(-1, rng), 0},
		{"poisson inf", Poisson(inf, rng), inf},
		{"poisson nan", Poisson(nan, rng), nan},
		{"binomial 0 0.5", Binomial(0, 0.5, rng), 0},
		{"binomial -3 0.5", Binomial(-3, 0.5, rng), 0},
		{"binomial 9 0", Binomial(9, 0, rng), 0},
		{"binomial 9 1", Binomial(9, 1, rng), 9},
		{"binomial inf 0.5", Binomial(inf, 0.5, rng), nan},
		{"binomial nan 0.5", Binomial(nan, 0.5, rng), nan},
		{"binomial 9 nan", Binomial(9, nan, rng), nan},
	} {
		if c.got != c.want && !(math.IsNaN(c.got) && math.IsNaN(c.want)) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

// The saddle-point forms against log gamma functions.
func TestLogProbs(t *testing.T) {
	lf := func(k float64) float64 { return special.Lgamma(k + 1) }
	for _, mu := range []float64{0.5, 10, 97, 1200} {
		for _, k := range []float64{0, 1, 9, 90, 99, 1299, 1300} {
			if got, want := poissonLogProb(k, mu), k*math.Log(mu)-mu-lf(k); math.Abs(got-want) > 1e-12*(1+math.Abs(want)) {
				t.Errorf("poissonLogProb(%g, %g) = %v, want %v", k, mu, got, want)
			}
			n, p := 1300.0, mu/1300
			want := lf(n) - lf(k) - lf(n-k) + k*math.Log(p) + (n-k)*math.Log1p(-p)
			if got := binomialLogProb(k, n, p); math.Abs(got-want) > 1e-11*(1+math.Abs(want)) {
				t.Errorf("binomialLogProb(%g, %g, %g) = %v, want %v", k, n, p, got, want)
			}
		}
	}
}

func TestAllocations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var sink float64
	for name, draw := range map[string]func() float64{
		"gamma":    func() float64 { return LogGamma(0.5, rng) + LogGamma(5, rng) },
		"poisson":  func() float64 { return Poisson(3, rng) + Poisson(300, rng) },
		"binomial": func() float64 { return Binomial(9, 0.2, rng) + Binomial(900, 0.8, rng) },
	} {
		if n := testing.AllocsPerRun(100, func() { sink += draw() }); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkPoisson(b *testing.B) {
	for _, mu := range []float64{1, 9, 11, 100, 1e6} {
		b.Run(fmt.Sprint(mu), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			for b.Loop() {
				Poisson(mu, rng)
			}
		})
	}
}
