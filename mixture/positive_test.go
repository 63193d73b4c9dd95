package mixture

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
)

// positive is what the families of this file share.
type positive interface {
	vi.Tangenter
	Mean(dst []float64) []float64
	Sd(dst []float64) []float64
	FisherMul(dst, v []float64) []float64
}

var (
	_ vi.StepSampler = (*Gammas)(nil)
	_ vi.StepSampler = (*InverseGaussians)(nil)
	_ vi.Mirrorer    = (*BirnbaumSaunders)(nil)
)

func made[T any](t testing.TB) func(q T, err error) T {
	return func(q T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
}

// positives returns one posterior of each family with the two parameter vectors.
func positives(t testing.TB, a, b []float64) map[string]positive {
	return map[string]positive{
		"gammas":            made[*Gammas](t)(NewGammas(a, b)),
		"inverse-gaussians": made[*InverseGaussians](t)(NewInverseGaussians(a, b)),
		"birnbaum-saunders": made[*BirnbaumSaunders](t)(NewBirnbaumSaunders(a, b)),
	}
}

// integrate returns E_q[f] of a posterior of one coordinate by the trapezoidal rule in
// log x, which converges exponentially. The range serves parameters near 1.
func integrate(q positive, f func(x float64) float64) float64 {
	const h = 1. / 64
	s := 0.0
	for u := -60.; u <= 8; u += h {
		x := math.Exp(u)
		if w := math.Exp(q.LogProb([]float64{x})+u) * h; w > 0 {
			s += w * f(x)
		}
	}
	return s
}

func agree(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*max(1, math.Abs(want))) {
		t.Errorf("%s is %.12g, want %.12g", what, got, want)
	}
}

// slopeOf returns ∂f/∂η_j by central differences of order four and restores q.
func slopeOf(t *testing.T, q positive, j int, f func() float64) float64 {
	t.Helper()
	eta := q.Natural(nil)
	h := 2e-3 * math.Abs(eta[j])
	at := func(k float64) float64 {
		moved := append([]float64(nil), eta...)
		moved[j] += k * h
		if err := q.SetNatural(moved); err != nil {
			t.Fatal(err)
		}
		return f()
	}
	d := (8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * h)
	if err := q.SetNatural(eta); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestPositiveMoments compares moments, entropies, Fisher matrices and tangents
// with quadrature of the density.
func TestPositiveMoments(t *testing.T) {
	for k, p := range [][2]float64{{0.9, 1.3}, {2.2, 0.6}, {0.7, 3}} {
		for name, q := range positives(t, p[:1], p[1:]) {
			if g, ok := q.(*Gammas); ok {
				g.PlainGradient = k == 2
			}
			target := positiveTarget(1.7, 0.8, 0.3)
			if name == "gammas" { // whose E[1/x] is infinite at small shapes
				target = positiveTarget(1.7, 0.8, 0)
			}
			value := func(x float64) float64 { return target.LogProb([]float64{x}) }
			m := q.Mean(nil)[0]
			agree(t, name+": mass", integrate(q, func(float64) float64 { return 1 }), 1, 1e-10)
			agree(t, name+": mean", m, integrate(q, func(x float64) float64 { return x }), 1e-10)
			agree(t, name+": sd", q.Sd(nil)[0], math.Sqrt(integrate(q, func(x float64) float64 { return (x - m) * (x - m) })), 1e-10)

			logQ := func(x float64) float64 { return q.LogProb([]float64{x}) }
			exact := q.EntropyTangent(make([]float64, 2))
			objective := func() float64 { return integrate(q, value) }
			if exact {
				agree(t, name+": entropy", q.Entropy(), -integrate(q, logQ), 1e-10)
				h := make([]float64, 2)
				q.EntropyTangent(h)
				for j, v := range q.FisherMul(nil, h) {
					agree(t, name+": slope of the entropy", v, slopeOf(t, q, j, q.Entropy), 1e-7)
				}
			} else {
				objective = func() float64 { return integrate(q, func(x float64) float64 { return value(x) - logQ(x) }) }
			}
			tan, one := make([]float64, 2), make([]float64, 2)
			d := &expfam.Draw{X: make([]float64, 1), Grad: make([]float64, 1)}
			for j := range tan {
				tan[j] = integrate(q, func(x float64) float64 {
					clear(one)
					d.X[0] = x
					target.Grad(d.Grad, d.X)
					q.Tangent(one, d, 1)
					return one[j]
				})
			}
			for j, v := range q.FisherMul(nil, tan) {
				agree(t, name+": slope of the expectation", v, slopeOf(t, q, j, objective), 1e-6)
			}
			fisher := func(i, j int) float64 { // E[s_i s_j], s the slopes of log q
				return integrate(q, func(x float64) float64 {
					f := func() float64 { return q.LogProb([]float64{x}) }
					return slopeOf(t, q, i, f) * slopeOf(t, q, j, f)
				})
			}
			if bs, ok := q.(*BirnbaumSaunders); ok { // that of the joint distribution is ∂m/∂λ
				fisher = func(i, j int) float64 {
					return slopeOf(t, q, j, func() float64 { return bs.Expectation(nil)[i] })
				}
				agree(t, name+": E[1/x]", bs.Expectation(nil)[1], integrate(q, func(x float64) float64 { return 1 / x }), 1e-10)
			}
			for j := range 2 {
				unit := make([]float64, 2)
				unit[j] = 1
				for i, f := range q.FisherMul(nil, unit) {
					agree(t, name+": Fisher", f, fisher(i, j), 1e-7)
				}
			}
		}
	}
}

// TestPositiveSamples compares draws with the moments of the density.
func TestPositiveSamples(t *testing.T) {
	const n = 20000
	for name, q := range positives(t, []float64{0.6, 5}, []float64{2, 0.3}) {
		rng := rand.New(rand.NewPCG(7, 1))
		sum, logs := make([]float64, 2), make([]float64, n)
		x, h := make([]float64, 2), 0.0
		for k := range n {
			q.Sample(x, rng)
			sum[0] += x[0]
			sum[1] += x[1]
			logs[k] = q.LogProb(x)
			h -= logs[k] / n
		}
		for i, m := range q.Mean(nil) {
			if se := q.Sd(nil)[i] / math.Sqrt(n); math.Abs(sum[i]/n-m) > 4*se {
				t.Errorf("%s: mean of draws %v, want %v ± %v", name, sum[i]/n, m, se)
			}
		}
		v := 0.0
		for _, l := range logs {
			v += (l + h) * (l + h) / n
		}
		if want := q.Entropy(); !math.IsNaN(want) && math.Abs(h-want) > 4*math.Sqrt(v/n) {
			t.Errorf("%s: entropy of draws %v, want %v ± %v", name, h, want, math.Sqrt(v/n))
		}
	}
}

// TestPositivePairs: both members of a pair of draws are draws of q, and pairs
// oppose each other.
func TestPositivePairs(t *testing.T) {
	const n = 20000
	for name, q := range positives(t, []float64{0.4, 7}, []float64{2, 3}) {
		s, ok := q.(vi.StepSampler)
		if !ok {
			continue
		}
		draws := make([]expfam.Draw, 2)
		draws[0].X, draws[1].X = make([]float64, 2), make([]float64, 2)
		rng := rand.New(rand.NewPCG(11, 1))
		var sum, square, cross [2]float64
		for range n {
			s.SampleStep(draws, rng)
			for i, y := range draws[1].X {
				sum[i] += y / n
				square[i] += y * y / n
				cross[i] += draws[0].X[i] * y / n
			}
		}
		for i, m := range q.Mean(nil) {
			sd := q.Sd(nil)[i]
			if math.Abs(sum[i]-m) > 4*sd/math.Sqrt(n) {
				t.Errorf("%s: mean of partners %v, want %v", name, sum[i], m)
			}
			if got := math.Sqrt(square[i] - m*m); math.Abs(got/sd-1) > 0.1 { // kurtosis up to 30
				t.Errorf("%s: sd of partners %v, want %v", name, got, sd)
			}
			if r := (cross[i] - m*m) / (sd * sd); r > -0.15 {
				t.Errorf("%s: correlation of partners %v in coordinate %d, want it negative", name, r, i)
			}
		}
		// An odd number is filled as well.
		draws = append(draws, expfam.Draw{X: make([]float64, 2)})
		s.SampleStep(draws, rng)
		if !(draws[2].X[0] > 0 && draws[2].X[1] > 0) {
			t.Errorf("%s: the last of three draws is %v", name, draws[2].X)
		}
	}
}

// TestPositiveNoise: where p is q, every single draw shows that there is nothing to move.
func TestPositiveNoise(t *testing.T) {
	a, b := []float64{0.8, 40}, []float64{2.5, 0.6}
	grads := map[string]func(i int, x float64) float64{
		"gammas": func(i int, x float64) float64 { return (a[i]-1)/x - b[i] },
		"inverse-gaussians": func(i int, x float64) float64 { // mean a, shape b
			return -1.5/x - 0.5*b[i]/(a[i]*a[i]) + 0.5*b[i]/(x*x)
		},
		"birnbaum-saunders": func(i int, x float64) float64 { // shape a, scale b
			r := x / b[i]
			return (r/(r+1) - 1.5 - (r-1/r)/(2*a[i]*a[i])) / x
		},
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for name, q := range positives(t, a, b) {
		d := &expfam.Draw{X: make([]float64, 2), Grad: make([]float64, 2)}
		for range 100 {
			q.Sample(d.X, rng)
			for i, x := range d.X {
				d.Grad[i] = grads[name](i, x)
			}
			tan := make([]float64, 4)
			q.Tangent(tan, d, 1)
			q.EntropyTangent(tan)
			for i, v := range q.Natural(nil) {
				if math.Abs(tan[i]) > 1e-9*math.Abs(v) {
					t.Fatalf("%s: tangent %v at %v, want 0", name, tan, d.X)
				}
			}
		}
	}
}

func TestGammaPriorTangent(t *testing.T) {
	q := made[*Gammas](t)(NewGammas([]float64{0.8}, []float64{1.9}))
	shape, rate := []float64{2.5}, []float64{0.7}
	prior := made[*expfam.Gamma](t)(expfam.NewGamma(shape[0], rate[0]))
	tan := make([]float64, 2)
	v := made[float64](t)(q.GammaPriorTangent(tan, shape, rate))
	agree(t, "expectation", v, integrate(q, func(x float64) float64 { return prior.LogProb([]float64{x}) }), 1e-10)
	for j, f := range q.FisherMul(nil, tan) {
		agree(t, "slope", f, slopeOf(t, q, j, func() float64 { return made[float64](t)(q.GammaPriorTangent(make([]float64, 2), shape, rate)) }), 1e-8)
	}
	var domain *expfam.DomainError
	clear(tan)
	if _, err := q.GammaPriorTangent(tan, shape, []float64{-1}); !errors.As(err, &domain) || domain.Param != "rate" || tan[0] != 0 {
		t.Errorf("a negative rate gives %v and a tangent of %v", err, tan)
	}
}

func TestInverseGaussianCDF(t *testing.T) {
	q := made[*InverseGaussians](t)(NewInverseGaussians([]float64{1.4}, []float64{0.9}))
	for _, x := range []float64{0.05, 0.5, 1.4, 6} {
		// The CDF of the part below x, by substitution of the whole range onto it.
		want, h := 0.0, 1./256
		for u := -12.; u < 0; u += h {
			z := x * math.Exp(u+h/2)
			want += math.Exp(q.LogProb([]float64{z})) * z * h
		}
		agree(t, "F", q.CDF(nil, []float64{x})[0], want, 1e-5)
	}
	// Far out along αβ nothing overflows: F at the mean tends to ½.
	q = made[*InverseGaussians](t)(NewInverseGaussians([]float64{1, 1, 1}, []float64{1e12, 1, 1}))
	v := q.CDF(nil, []float64{1, -1, math.Inf(1)})
	if math.Abs(v[0]-0.5) > 1e-6 || v[1] != 0 || v[2] != 1 {
		t.Errorf("CDF is %v, want about [½ 0 1]", v)
	}
}

func TestBirnbaumSaundersMirror(t *testing.T) {
	q := made[*BirnbaumSaunders](t)(NewBirnbaumSaunders([]float64{0.7, 2}, []float64{3, 0.2}))
	eps := []float64{1.3, -0.4}
	x := q.Transform(nil, eps)
	y := q.Transform(nil, []float64{-1.3, 0.4})
	for i, v := range q.Mirror(x, x) {
		agree(t, "mirrored draw", v, y[i], 1e-14)
	}
}

// TestGammasLargeShape: log q keeps its digits where its terms are of the size 1e9.
func TestGammasLargeShape(t *testing.T) {
	q := made[*Gammas](t)(NewGammas([]float64{1e9}, []float64{1e9}))
	// At the mean: ½ log(a/2π) − 1/(12a).
	agree(t, "log q", q.LogProb([]float64{1}), 0.5*math.Log(1e9/(2*math.Pi))-1/12e9, 1e-15)
	if v := q.LogProb([]float64{0}); !math.IsInf(v, -1) {
		t.Errorf("log q(0) is %v, want −Inf", v)
	}
}

// TestPositiveRetract: improved steps stay inside for every size and sign, agree
// with the plain step to first order and have the curvature of a geodesic.
func TestPositiveRetract(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for name, q := range positives(t, []float64{0.9, 3}, []float64{1.2, 0.4}) {
		start := q.Natural(nil)
		for range 300 {
			tan := make([]float64, 4)
			for i := range tan {
				tan[i] = rng.NormFloat64() * math.Abs(start[i]) * math.Pow(10, 6*rng.Float64()-3)
			}
			cond, err := q.Retract(tan, 1)
			if err != nil || cond != 0 && name != "birnbaum-saunders" {
				t.Fatalf("%s: %v, conditions %v", name, err, cond)
			}
			for i, v := range q.Natural(nil) {
				if v*start[i] <= 0 {
					t.Fatalf("%s: state %v left the domain", name, q.Natural(nil))
				}
			}
			if err := q.SetNatural(start); err != nil {
				t.Fatal(err)
			}
		}
		if name == "birnbaum-saunders" {
			continue
		}
		unit := func(j int) []float64 {
			v := make([]float64, 4)
			v[j] = 1
			return v
		}
		for j, v := range start {
			fisher := func() float64 { return q.FisherMul(nil, unit(j))[j] }
			// Γ = F'/(2F), the Christoffel symbol of a one-dimensional block. The
			// block of e₂ or l₁ has a second parameter, at which it is held.
			gamma := slopeOf(t, q, j, fisher) / (2 * fisher())
			s := 1e-3 * v
			if _, err := q.Retract(unit(j), s); err != nil {
				t.Fatal(err)
			}
			agree(t, name+": second-order part", (q.Natural(nil)[j]-v-s)/(s*s), -gamma/2, 1e-6)
			if err := q.SetNatural(start); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestGammasPlainStep(t *testing.T) {
	q := made[*Gammas](t)(NewGammas([]float64{1, 0.005}, []float64{2, 1}))
	q.PlainStep = true
	cond, err := q.Retract([]float64{-2, 0, 0.5, 10}, 1)
	if err != nil || cond != expfam.Shortened {
		t.Fatalf("%v, %v, want a shortened step", cond, err)
	}
	rho := 0.8 * (1 - 0.01) / 2
	for i, want := range []float64{1 - 2*rho, 0.005, 2 + 0.5*rho, 200 + 10*rho} {
		agree(t, "state", q.Natural(nil)[i], want, 1e-14)
	}
	// A shape below the floor is held above 0.
	if _, err := q.Retract([]float64{0, -1, 0, 0}, 1); err != nil {
		t.Fatal(err)
	}
	agree(t, "small shape", q.Shape(nil)[1], 0.001, 1e-14)
}

func TestPositiveErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, q := range positives(t, []float64{1, 2}, []float64{0.5, 3}) {
		start := q.Natural(nil)
		for _, c := range []struct {
			param string
			index int
			err   error
		}{
			{"", 1, q.SetNatural([]float64{start[0], 0, start[2], start[3]})},
			{"", 0, q.SetNatural([]float64{start[0], start[1], -start[2], start[3]})},
			{"", 0, q.SetNatural([]float64{nan, start[1], start[2], start[3]})},
			{"tan", 2, errorOf(q.Retract([]float64{0, 0, inf, 0}, 1))},
			{"rho", -1, errorOf(q.Retract(make([]float64, 4), nan))},
			{"rho", -1, errorOf(q.Retract([]float64{1e300, -1e300, 1e300, -1e300}, 1))},
		} {
			var d *expfam.DomainError
			if !errors.As(c.err, &d) || d.Family != name || d.Index != c.index || c.param != "" && d.Param != c.param {
				t.Errorf("%s: error %v, want a DomainError of %s at %d", name, c.err, c.param, c.index)
			}
		}
		for i, v := range q.Natural(nil) {
			if v != start[i] {
				t.Errorf("%s: state moved on an error", name)
			}
		}
		for fn, call := range map[string]func(){
			"Natural": func() { q.Natural(make([]float64, 3)) },
			"LogProb": func() { q.LogProb([]float64{1}) },
			"Retract": func() { _, _ = q.Retract(make([]float64, 2), 1) },
			"Tangent": func() {
				q.Tangent(make([]float64, 4), &expfam.Draw{X: make([]float64, 2), Grad: make([]float64, 1)}, 1)
			},
		} {
			func() {
				defer func() {
					if msg, _ := recover().(string); !strings.Contains(msg, name+"."+fn) || !strings.Contains(msg, "want") {
						t.Errorf("%s.%s: panic %q does not say what was wrong", name, fn, msg)
					}
				}()
				call()
			}()
		}
	}
	for _, bad := range [][2][]float64{{{}, {}}, {{1, -1}, {1, 1}}, {{1, 1}, {1, nan}}, {{inf}, {1}}} {
		_, e1 := NewGammas(bad[0], bad[1])
		_, e2 := NewInverseGaussians(bad[0], bad[1])
		_, e3 := NewBirnbaumSaunders(bad[0], bad[1])
		for _, err := range []error{e1, e2, e3} {
			var d *expfam.DomainError
			if !errors.As(err, &d) || d.Func != "New" {
				t.Errorf("New(%v): %v, want a DomainError", bad, err)
			}
		}
	}
}

func errorOf(_ expfam.Condition, err error) error { return err }

func TestPositiveAllocs(t *testing.T) {
	for name, q := range positives(t, constantVector(5, 0.8), constantVector(5, 2)) {
		d := &expfam.Draw{X: constantVector(5, 0.4), Grad: constantVector(5, -0.3)}
		draws := []expfam.Draw{{X: make([]float64, 5)}, {X: make([]float64, 5)}}
		tan, rng := make([]float64, 10), rand.New(rand.NewPCG(1, 1))
		if n := testing.AllocsPerRun(50, func() {
			if s, ok := q.(vi.StepSampler); ok {
				s.SampleStep(draws, rng)
			}
			q.Sample(d.X, rng)
			q.LogProb(d.X)
			clear(tan)
			q.Tangent(tan, d, 1)
			q.EntropyTangent(tan)
			q.FisherMul(tan, tan)
			_, _ = q.Retract(tan, 1e-3)
		}); n != 0 {
			t.Errorf("%s: %v allocations a step, want 0", name, n)
		}
	}
}

// Draws whose probability is a power of next to nothing still have tangents.
func TestGammasUnderflow(t *testing.T) {
	for _, a := range []float64{1e-6, 0.01, 0.7} {
		agree(t, "∂log u/∂a across the switch", quantileSlope(a, 1, 0.999e-290), quantileSlope(a, 1, 1.001e-290), 1e-5)
	}
	g := made[*Gammas](t)(NewGammas([]float64{1e-6, 1e-3}, []float64{1e-40, 1e-50}))
	rng := rand.New(rand.NewPCG(2, 2))
	draws := []expfam.Draw{{X: make([]float64, 2), Grad: make([]float64, 2)}, {X: make([]float64, 2), Grad: make([]float64, 2)}}
	tan := make([]float64, 4)
	for range 50 {
		g.SampleStep(draws, rng)
		for i := range draws {
			if g.Tangent(tan, &draws[i], 1); firstBad(tan) >= 0 {
				t.Fatalf("tangent %v at the draw %v", tan, draws[i].X)
			}
		}
	}
}
