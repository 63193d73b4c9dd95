package vadam

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/nn"
)

// TestIVONPrecisionKeepsHalf: whatever the noise, a step of IVON leaves more than
// half of every s + d.
func TestIVONPrecisionKeepsHalf(t *testing.T) {
	const p = 8
	rng := rand.New(rand.NewPCG(1, 2))
	cauchy := func() float64 { return math.Tan(math.Pi * (rng.Float64() - 0.5)) }
	lowest := math.Inf(1)
	for run := range 60 {
		s := Settings{
			Method: IVON, N: 1 + rng.IntN(1000), Rate: 1e-3, Beta2: rng.Float64(), PriorPrec: math.Exp(2 * rng.NormFloat64()),
			InitCurvature: math.Exp(2 * rng.NormFloat64()), ClipRadius: 1e-3, Seed: uint64(run), Draws: 1 + rng.IntN(3),
		}
		d := s.PriorPrec / float64(s.N)
		scale := math.Exp(3 * rng.NormFloat64())
		mu := make([]float64, p)
		o, err := New(mu, &s)
		if err != nil {
			t.Fatal(err)
		}
		mu32 := make([]float32, p)
		o32, err := New32(mu32, &s)
		if err != nil {
			t.Fatal(err)
		}
		grad := func(g []float64) {
			for i := range g {
				g[i] = scale * cauchy()
			}
		}
		obj := &nn.Objective{Grad: func(g, w []float64) (float64, error) { grad(g); return 0, nil }}
		g64 := make([]float64, p)
		obj32 := &nn.Objective32{Grad: func(g, w []float32) (float32, error) {
			grad(g64)
			for i, v := range g64 {
				g[i] = float32(v)
			}
			return 0, nil
		}}
		for range 200 {
			before, before32 := o.Curvature(nil), o32.Curvature(nil)
			if err := o.Step(obj); err != nil {
				t.Fatal(err)
			}
			if err := o32.Step(obj32); err != nil {
				t.Fatal(err)
			}
			after, after32 := o.Curvature(nil), o32.Curvature(nil)
			for i := range after {
				r := (after[i] + d) / (before[i] + d)
				lowest = min(lowest, r)
				if !(r >= 0.5*(1-1e-12*(1+d/(before[i]+d)))) {
					t.Fatalf("run %d: s + d fell to %v of itself", run, r)
				}
				e := float64(before32[i]) + d
				if r := (float64(after32[i]) + d) / e; !(r >= 0.5*(1-1e-5*(1+d/e))) {
					t.Fatalf("run %d: s + d fell to %v of itself in single precision", run, r)
				}
			}
		}
	}
	if lowest > 0.51 {
		t.Errorf("the noise was too tame to try the bound: lowest ratio %v", lowest)
	}
}

// quadratic is lbar(w) = ½ w'Aw with A = diag(h) + c·11'.
func quadratic(h []float64, c float64) *nn.Objective {
	return &nn.Objective{Grad: func(g, w []float64) (float64, error) {
		var sum, f float64
		for _, v := range w {
			sum += v
		}
		for i, v := range w {
			g[i] = h[i]*v + c*sum
			f += 0.5 * g[i] * v
		}
		return f, nil
	}}
}

// TestPriceUnbiased: the mean of g·ε/σ is the diagonal of the Hessian, of a
// quadratic with coupled coordinates and a mean that is not its minimum.
func TestPriceUnbiased(t *testing.T) {
	h := []float64{3, 0.5, 0, -0.4}
	const c, repeats = 0.3, 400
	obj := quadratic(h, c)
	sum, sq := make([]float64, len(h)), make([]float64, len(h))
	for seed := range uint64(repeats) {
		o, err := New([]float64{1, -2, 0.5, 0}, &Settings{N: 10, Seed: seed, Draws: 50})
		if err != nil {
			t.Fatal(err)
		}
		hy, err := o.c.at(1)
		if err != nil {
			t.Fatal(err)
		}
		hy.n, hy.c, hy.before = o.c.scale(0)
		if _, err := o.c.estimate(objective[float64]{grad: obj.Grad}, hy, 1); err != nil {
			t.Fatal(err)
		}
		sd := o.SD(nil)
		for i, q := range o.c.q {
			f := q / (sd[i] * sd[i])
			sum[i] += f
			sq[i] += f * f
		}
	}
	for i, s := range sum {
		mean := s / repeats
		se := math.Sqrt((sq[i]/repeats - mean*mean) / repeats)
		if want := h[i] + c; math.Abs(mean-want) > 4*se {
			t.Errorf("curvature %d is %v ± %v, want %v", i, mean, se, want)
		}
	}
}

// run returns the optimiser after steps on a noisy quadratic.
func run(t *testing.T, s Settings, steps int) *Optimizer {
	t.Helper()
	o, err := New([]float64{1, -1, 2}, &s)
	if err != nil {
		t.Fatal(err)
	}
	for range steps {
		if err := o.Step(noisy(o.Steps())); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// noisy is the batch of step k of a quadratic problem.
func noisy(k int) *nn.Objective {
	q := quadratic([]float64{2, 1, 0.5}, 0.1)
	grad := func(g, w []float64) (float64, error) {
		f, err := q.Grad(g, w)
		for i := range g {
			g[i] += 0.3 * math.Sin(float64(7*k+i))
		}
		return f, err
	}
	return &nn.Objective{
		Grad: grad,
		GradSq: func(g, sq, w []float64) (float64, error) { // one example: M = 1
			f, err := grad(g, w)
			for i, v := range g {
				sq[i] = v * v
			}
			return f, err
		},
		GradHess: func(g, h, w []float64) (float64, error) {
			h[0], h[1], h[2] = 2.1, 1.1, 0.6
			return grad(g, w)
		},
	}
}

func same(t *testing.T, what string, a, b []float64) {
	t.Helper()
	for i := range a {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
			t.Fatalf("%s: [%d] is %v and %v", what, i, a[i], b[i])
		}
	}
}

// TestIdentities holds between the methods by their definitions.
func TestIdentities(t *testing.T) {
	// Vprop is Vadam without momentum and corrections.
	a := run(t, Settings{Method: Vprop, N: 50, Rate: 0.05, Beta2: 0.9, Seed: 4}, 20)
	b := run(t, Settings{Method: Vadam, N: 50, Rate: 0.05, Beta1: Zero, Beta2: 0.9, NoDebias: true, Seed: 4}, 20)
	same(t, "Vprop, Vadam: mean", a.Mean(nil), b.Mean(nil))
	same(t, "Vprop, Vadam: sd", a.SD(nil), b.SD(nil))

	// With one example the Gauss–Newton and the squared-gradient estimates agree.
	a = run(t, Settings{Method: VOGN, N: 50, InitCurvature: 0.5, Seed: 4, Draws: 3}, 1)
	b = run(t, Settings{Method: Vadam, N: 50, InitCurvature: 0.5, Seed: 4, Draws: 3}, 1)
	closeTo(t, "VOGN, Vadam: curvature", a.Curvature(nil), b.Curvature(nil), 1e-15)

	// Tempered VOGN at temperature 1 divides by the old precision, VOGN by the new.
	s := Settings{Method: VOGN, N: 50, Rate: 0.1, Beta2: 0.5, InitCurvature: 2, Seed: 4}
	a = run(t, s, 1)
	s.Method, s.Beta1 = MomentumVOGN, Zero
	b = run(t, s, 1)
	closeTo(t, "tempered VOGN: curvature", b.Curvature(nil), a.Curvature(nil), 1e-15)
	start, ma, mb, c := []float64{1, -1, 2}, a.Mean(nil), b.Mean(nil), a.Curvature(nil)
	for i := range c {
		if x, y := (ma[i]-start[i])*(c[i]+0.02), (mb[i]-start[i])*(2+0.02); math.Abs(x-y) > 1e-13 {
			t.Errorf("tempered VOGN: step %d is %v times the old precision, %v times the new", i, y, x)
		}
	}

	// The corrections for data only change nothing where s starts at 0.
	s = Settings{Method: Vadam, N: 50, Rate: 0.05, Seed: 4}
	a = run(t, s, 10)
	s.CorrectData = true
	same(t, "CorrectData from s = 0", a.Mean(nil), run(t, s, 10).Mean(nil))
	// Else s is at least what is left of s₀ plus the corrected data, so that the
	// first steps are longer than with the reference's correction of all of s.
	s.InitCurvature = 4
	b = run(t, s, 1)
	s.CorrectData = false
	a = run(t, s, 1)
	s0, left := 4.0, 0.999
	for i, x := range b.Curvature(nil) {
		hat := s0*left + (x-s0*left)/(1-left)
		m := b.Momentum(nil)[i] / 0.1
		if got, want := b.Mean(nil)[i]-start[i], -0.05*m/(math.Sqrt(hat)+0.02); math.Abs(got-want) > 1e-12 {
			t.Errorf("CorrectData: step %d is %v, want %v", i, got, want)
		}
		if math.Abs(b.Mean(nil)[i]-start[i]) <= math.Abs(a.Mean(nil)[i]-start[i]) {
			t.Errorf("CorrectData: step %d is not longer", i)
		}
	}
}

// TestSchedules: factors multiply the settings, and helpers have their values.
func TestSchedules(t *testing.T) {
	two := func(int) float64 { return 2 }
	for m := range numMethods {
		a := Settings{Method: m, N: 30, Rate: 0.01, Beta2: 0.8, PriorPrec: 0.5, ESS: 40, InitCurvature: 3, Seed: 1}
		b := a
		a.RateAt, a.CurvatureRateAt = two, two
		b.Rate, b.Beta2 = 0.02, 0.6
		if m != VadaGrad {
			a.PriorAt, b.PriorPrec = two, 1
		} else {
			a.PriorPrec, b.PriorPrec = 0, 0
		}
		a.ESSAt, b.ESS = two, 80
		if methods[m].uses&useN == 0 {
			a.N, b.N, a.ESS, b.ESS, a.ESSAt = 0, 0, 0, 0, nil
		}
		if m == Adam {
			a.InitCurvature, b.InitCurvature = 0, 0
		}
		if m == IVON {
			a.NoRescale, b.NoRescale = true, true
		}
		x, y := run(t, a, 5), run(t, b, 5)
		closeTo(t, fmt.Sprint(m, ": mean"), x.Mean(nil), y.Mean(nil), 1e-12)
		closeTo(t, fmt.Sprint(m, ": sd"), x.SD(nil), y.SD(nil), 1e-12)
	}
	c := CosineRate(10, 110)
	for _, v := range []struct {
		t    int
		want float64
	}{{1, 0.1}, {10, 1}, {60, 0.5}, {110, 0}, {1000, 0}} {
		if got := c(v.t); math.Abs(got-v.want) > 1e-15 {
			t.Errorf("CosineRate(10, 110) at %d is %v, want %v", v.t, got, v.want)
		}
	}
	if got := DecayRate(0.5)(4); math.Abs(got-1.0/3) > 1e-15 {
		t.Errorf("DecayRate(0.5) at 4 is %v, want 1/3", got)
	}
	if DecayRate(0)(7) != 1 {
		t.Error("DecayRate(0) is not constant")
	}
}

// TestSample: draws have the mean and the sd that the optimiser states, and the
// antithetic draws of a step mirror each other.
func TestSample(t *testing.T) {
	o := run(t, Settings{N: 20, InitCurvature: 0.7}, 3)
	mu, sd := o.Mean(nil), o.SD(nil)
	const draws = 4000
	sum, sq := make([]float64, 3), make([]float64, 3)
	x := make([]float64, 3)
	for k := range uint64(draws) {
		o.Sample(x, 9, k)
		for i := range x {
			z := (x[i] - mu[i]) / sd[i]
			sum[i] += z
			sq[i] += z * z
		}
	}
	for i := range sum {
		if m, v := sum[i]/draws, sq[i]/draws; math.Abs(m) > 4/math.Sqrt(draws) || math.Abs(v-1) > 4*math.Sqrt(2.0/draws) {
			t.Errorf("weight %d: draws have standardised mean %v and square %v", i, m, v)
		}
	}
	lo, mid, hi := o.SDRange()
	s := o.SD(nil)
	if lo != min(s[0], s[1], s[2]) || hi != max(s[0], s[1], s[2]) || mid != s[0]+s[1]+s[2]-lo-hi && math.Abs(mid-(s[0]+s[1]+s[2]-lo-hi)) > 1e-15 {
		t.Errorf("SDRange is %v, %v, %v of %v", lo, mid, hi, s)
	}
	same(t, "mean after drawing", o.Mean(nil), mu)

	var seen [][]float64
	a, err := New([]float64{1, 2}, &Settings{N: 9, Antithetic: true, Draws: 4})
	if err != nil {
		t.Fatal(err)
	}
	err = a.Step(&nn.Objective{Grad: func(g, w []float64) (float64, error) {
		seen = append(seen, append([]float64(nil), w...))
		clear(g)
		return 0, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for k := 0; k < 4; k += 2 {
		for i, mu := range []float64{1, 2} {
			if math.Abs(seen[k][i]+seen[k+1][i]-2*mu) > 1e-15 {
				t.Errorf("draws %d and %d are not mirror images", k, k+1)
			}
		}
	}
	if seen[0][0] == seen[2][0] {
		t.Error("two pairs are the same")
	}
}

// TestNoiseBlocks: a long weight vector has independent noise everywhere, and
// groups, which cut it elsewhere, do not change it.
func TestNoiseBlocks(t *testing.T) {
	const p = 3*noiseBlock + 100
	draw := func(s Settings) []float64 {
		s.Method, s.N, s.InitPrec = VOGN, 7, 4
		o, err := New(make([]float64, p), &s)
		if err != nil {
			t.Fatal(err)
		}
		var seen []float64
		err = o.Step(&nn.Objective{GradSq: func(g, q, w []float64) (float64, error) {
			seen = append(seen, w...)
			clear(g)
			clear(q)
			return 0, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		return seen
	}
	a := draw(Settings{})
	b := draw(Settings{Groups: []Group{{"a", 5, 7000, 2}, {"b", 7000, noiseBlock, 3}, {"c", noiseBlock + 1, 3 * noiseBlock, 0.5}}})
	closeTo(t, "noise under groups", b, a, 1e-14)
	var square float64
	for _, v := range a {
		square += 4 * v * v
	}
	if d := math.Abs(square/p - 1); d > 4*math.Sqrt(2.0/p) {
		t.Errorf("the noise has mean square %v", square/p)
	}
	for _, lag := range []int{1, 16, noiseBlock, 2 * noiseBlock} {
		var c float64
		for i := range p - lag {
			c += 4 * a[i] * a[i+lag]
		}
		if c /= math.Sqrt(float64(p - lag)); math.Abs(c) > 4 {
			t.Errorf("noise at distance %d is correlated: z = %v", lag, c)
		}
	}
}

// TestIVONOptions compares with the formulas of the method, written down plainly.
func TestIVONOptions(t *testing.T) {
	for _, s := range []Settings{
		{},
		{NoDebias: true},
		{NoRescale: true},
		{ClipRadius: 0.4},
		{GradSquared: true, Draws: 2},
		{NoDebias: true, NoRescale: true, ClipRadius: 0.4, Draws: 3},
	} {
		s.N, s.ESS, s.Rate, s.Beta1, s.Beta2, s.InitCurvature = 30, 45, 0.02, 0.8, 0.9, 0.6
		s.Groups = []Group{{"a", 0, 1, 0.5}, {"b", 1, 3, 2}}
		s.Noise = func(dst []float64, step, draw int) {
			for i := range dst {
				dst[i] = math.Sin(float64(3*step + 5*draw + 7*i))
			}
		}
		o := run(t, s, 12)
		d := []float64{0.5 / 45, 2.0 / 45, 2.0 / 45}
		mu, m, h := []float64{1, -1, 2}, make([]float64, 3), []float64{0.6, 0.6, 0.6}
		clipped := 0
		for k := 1; k <= 12; k++ {
			draws := max(s.Draws, 1)
			g, v, sq := make([]float64, 3), make([]float64, 3), make([]float64, 3)
			for draw := range draws {
				eps, w, one := make([]float64, 3), make([]float64, 3), make([]float64, 3)
				s.Noise(eps, k, draw)
				for i := range w {
					w[i] = mu[i] + eps[i]/math.Sqrt(45*(h[i]+d[i]))
				}
				if _, err := noisy(k-1).Grad(one, w); err != nil {
					t.Fatal(err)
				}
				for i, x := range one {
					g[i] += x / float64(draws)
					v[i] += x * (w[i] - mu[i]) / float64(draws)
					sq[i] += x * x / float64(draws)
				}
			}
			clipped = 0
			for i := range mu {
				m[i] = 0.8*m[i] + 0.2*g[i]
				f := 45 * (h[i] + d[i]) * v[i]
				if s.GradSquared {
					f = 45 * sq[i]
				}
				h[i] = 0.9*h[i] + 0.1*f + 0.5*0.01*(h[i]-f)*(h[i]-f)/(h[i]+d[i])
				mh, lr := m[i], 0.02
				if !s.NoDebias {
					mh /= 1 - math.Pow(0.8, float64(k))
				}
				if !s.NoRescale {
					lr *= 0.6 + d[i]
				}
				x := (mh + d[i]*mu[i]) / (h[i] + d[i])
				if s.ClipRadius > 0 && math.Abs(x) > s.ClipRadius {
					x = math.Copysign(s.ClipRadius, x)
					clipped++
				}
				mu[i] -= lr * x
			}
		}
		closeTo(t, "mean", o.Mean(nil), mu, 1e-12)
		closeTo(t, "curvature", o.Curvature(nil), h, 1e-12)
		closeTo(t, "momentum", o.Momentum(nil), m, 1e-12)
		if o.Clipped() != clipped {
			t.Errorf("%d weights clipped, want %d", o.Clipped(), clipped)
		}
	}
}
