package mixture

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// mogNormal returns N(mu, prec⁻¹).
func mogNormal(t testing.TB, mu []float64, prec ...float64) *expfam.Normal {
	t.Helper()
	q, err := expfam.NewNormalPrecision(mu, mat.NewSymDense(len(mu), prec))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func mogNew(t testing.TB, o Options, weights []float64, comps ...Component) *Mixture {
	t.Helper()
	m, err := New(weights, comps...)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.SetOptions(o); err != nil {
		t.Fatal(err)
	}
	return m
}

// lattice integrates over a regular grid in one or two dimensions.
func lattice(d int, lo, hi float64, n int, f func(x []float64, cell float64)) {
	h := (hi - lo) / float64(n)
	x := make([]float64, d)
	if d == 1 {
		for i := range n {
			x[0] = lo + (float64(i)+0.5)*h
			f(x, h)
		}
		return
	}
	for i := range n {
		for j := range n {
			x[0], x[1] = lo+(float64(i)+0.5)*h, lo+(float64(j)+0.5)*h
			f(x, h*h)
		}
	}
}

// TestMixtureTangent compares the expectation of Tangent under q, by integration, with
// the natural gradient of the ELBO of the joint: F·E[Tangent] is the plain gradient
// in the state, here from central differences of the ELBO.
func TestMixtureTangent(t *testing.T) {
	diag := func(mu, sd []float64) Component {
		q, err := expfam.NewDiagNormal(mu, sd)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	gamma := func(shape, rate float64) Component {
		q, err := expfam.NewGamma(shape, rate)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	// log p = Σ cos(1.3 x_i) − Σ x_i²/4 − x₀x₁/5, with its derivatives
	smooth := func(d *expfam.Draw, hess bool) {
		n := len(d.X)
		d.LogP, d.Hess = 0, nil
		if hess {
			d.Hess = mat.NewSymDense(n, nil)
		}
		for i, x := range d.X {
			d.LogP += math.Cos(1.3*x) - x*x/4
			d.Grad[i] = -1.3*math.Sin(1.3*x) - x/2
			if hess {
				d.Hess.SetSym(i, i, -1.69*math.Cos(1.3*x)-0.5)
			}
		}
		if n == 2 {
			d.LogP -= d.X[0] * d.X[1] / 5
			d.Grad[0] -= d.X[1] / 5
			d.Grad[1] -= d.X[0] / 5
			if hess {
				d.Hess.SetSym(0, 1, -0.2)
			}
		}
	}
	positive := func(d *expfam.Draw, _ bool) {
		x := d.X[0]
		d.LogP, d.Grad[0] = 1.5*math.Log(x)-x+math.Sin(x), 1.5/x-1+math.Cos(x)
	}
	full := func() []Component {
		return []Component{mogNormal(t, []float64{-1, 0.5}, 1.5, 0.4, 0.4, 1), mogNormal(t, []float64{0.7, -0.3}, 1, -0.3, -0.3, 2), mogNormal(t, []float64{0.2, 1}, 2, 0, 0, 1.2)}
	}
	diags := func() []Component {
		return []Component{diag([]float64{-1, 0.3}, []float64{0.8, 1}), diag([]float64{0.6, -0.5}, []float64{1, 0.7}), diag([]float64{0, 1}, []float64{0.6, 0.9})}
	}
	mixed := append(full()[:2], diags()[0])
	w := []float64{0.5, 0.2, 0.3}
	for _, c := range []struct {
		name    string
		m       *Mixture
		target  func(d *expfam.Draw, hess bool)
		hess    bool
		lo, hi  float64
		n       int
		wantTol float64
	}{
		{"full, Hessian", mogNew(t, Options{NoBaseline: true}, w, full()...), smooth, true, -7, 7, 160, 1e-6},
		{"full, gradient", mogNew(t, Options{NoBaseline: true}, w, full()...), smooth, false, -7, 7, 160, 1e-6},
		{"full, gradient with Hessian of log q", mogNew(t, Options{NoBaseline: true, HessEntropy: true}, w, full()...), smooth, false, -7, 7, 160, 1e-6},
		{"diagonal, Hessian", mogNew(t, Options{NoBaseline: true}, w, diags()...), smooth, true, -7, 7, 160, 1e-6},
		{"diagonal, gradient with Hessian of log q", mogNew(t, Options{NoBaseline: true, HessEntropy: true}, w, diags()...), smooth, false, -7, 7, 160, 1e-6},
		{"full and diagonal, Hessian", mogNew(t, Options{NoBaseline: true}, w, mixed...), smooth, true, -7, 7, 160, 1e-6},
		{"gamma", mogNew(t, Options{NoBaseline: true}, w, gamma(2, 1), gamma(6, 1.5), gamma(3, 3)), positive, false, 0, 40, 20000, 1e-5},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := c.m
			dr := expfam.Draw{Grad: make([]float64, m.Dim())}
			elbo := func() float64 {
				v := 0.0
				lattice(m.Dim(), c.lo, c.hi, c.n, func(x []float64, cell float64) {
					dr.X = x
					c.target(&dr, false)
					lq := m.LogProb(x)
					v += cell * math.Exp(lq) * (dr.LogP - lq)
				})
				return v
			}
			tan := make([]float64, m.NumParams())
			lattice(m.Dim(), c.lo, c.hi, c.n, func(x []float64, cell float64) {
				dr.X = x
				c.target(&dr, c.hess)
				dr.LogQ = m.LogProb(x)
				m.Tangent(tan, &dr, cell*math.Exp(dr.LogQ))
			})
			k := m.K()
			got := make([]float64, len(tan))
			avg := floats.Dot(m.Weights(nil)[:k-1], tan[:k-1])
			for i := range k - 1 {
				got[i] = m.w[i] * (tan[i] - avg) // F = diag(π) − ππ'
			}
			for i := range k {
				f := m.Component(i).(interface {
					FisherMul(dst, v []float64) []float64
				})
				f.FisherMul(m.Params(got, i), m.Params(tan, i))
				floats.Scale(m.w[i], m.Params(got, i))
			}
			eta := m.Natural(nil)
			for i := range eta {
				const h = 1e-4
				old := eta[i]
				at := func(x float64) float64 {
					eta[i] = x
					if err := m.SetNatural(eta); err != nil {
						t.Fatal(err)
					}
					return elbo()
				}
				want := (at(old+h) - at(old-h)) / (2 * h)
				eta[i] = old
				if math.Abs(got[i]-want) > c.wantTol*math.Max(1, math.Abs(want)) {
					t.Errorf("entry %d: %v, want %v", i, got[i], want)
				}
			}
		})
	}
}

// Normal variance-mean mixtures are components: a single one shows the tangent that it
// has by itself, entropy included, and at q = p there is nothing to do.
func TestMixtureOfSkewed(t *testing.T) {
	one := mat.NewSymDense(1, []float64{0.8})
	skewed := func() []Component {
		skew, e1 := NewSkewNormal([]float64{0.2}, []float64{1}, one)
		emg, e2 := NewExpModifiedNormal([]float64{-0.5}, []float64{0.7}, one)
		snig, e3 := NewSymmetricNIG([]float64{0.3}, one, 2)
		nig, e4 := NewNormalInverseGaussian([]float64{-0.3}, []float64{0.4}, one, 3)
		if err := errors.Join(e1, e2, e3, e4); err != nil {
			t.Fatal(err)
		}
		return []Component{skew, emg, snig, nig}
	}
	integrate := func(m *Mixture, target func(d *expfam.Draw), parts ...interface {
		Tangent(dst []float64, d *expfam.Draw, w float64)
	}) [][]float64 {
		out := make([][]float64, len(parts))
		for i := range out {
			out[i] = make([]float64, m.NumParams())
		}
		d := expfam.Draw{Grad: make([]float64, 1), Hess: mat.NewSymDense(1, nil)}
		lattice(1, -60, 60, 12000, func(x []float64, cell float64) {
			d.X, d.LogQ = x, m.LogProb(x)
			target(&d)
			for i, p := range parts {
				p.Tangent(out[i][m.K()-1:], &d, cell*math.Exp(d.LogQ))
			}
		})
		return out
	}
	for _, q := range skewed() {
		m := mogNew(t, Options{}, nil, q)
		got := integrate(m, func(d *expfam.Draw) {
			d.LogP, d.Grad[0] = math.Cos(d.X[0]), -math.Sin(d.X[0])-d.X[0]/2
			d.Hess.SetSym(0, 0, -math.Cos(d.X[0])-0.5)
		}, m, q)
		q.(entropyTangenter).EntropyTangent(got[1])
		if !floats.EqualApprox(got[0], got[1], 1e-8) {
			t.Errorf("%T: tangent %v in a mixture of one, %v alone", q, got[0], got[1])
		}
	}
	m := mogNew(t, Options{NoBaseline: true}, []float64{0.1, 0.2, 0.3, 0.4}, skewed()...)
	tan := make([]float64, m.NumParams())
	d := expfam.Draw{Grad: make([]float64, 1)}
	for _, x := range []float64{-3, 0.1, 5} {
		d.X = []float64{x}
		d.LogP = m.responsibilities(d.X)
		copy(d.Grad, m.work.gradQ)
		m.Tangent(tan, &d, 1)
	}
	if v := floats.Norm(tan, math.Inf(1)); v > 1e-12 {
		t.Errorf("tangent %v at q = p, want 0", tan)
	}
	student, err := NewStudentT([]float64{0}, one, 2)
	if err != nil {
		t.Fatal(err)
	}
	var comp *ComponentError
	if _, err := New(nil, skewed()[0], student); !errors.As(err, &comp) || comp.Index != 1 {
		t.Errorf("Student-t: error %v, want a *ComponentError", err)
	}
}

// Copies of one component that share its weight behave as the component alone.
func TestMixtureOfCopies(t *testing.T) {
	one := func() Component { return mogNormal(t, []float64{0.3, -1}, 2, 0.5, 0.5, 1) }
	for _, rule := range []Rule{OwnRule, IBLR, BLR, Adam} {
		a := mogNew(t, Options{Rule: rule, WeightRate: -1}, nil, one())
		b := mogNew(t, Options{Rule: rule, WeightRate: -1}, []float64{0.2, 0.5, 0.3}, one(), one(), one())
		rng := rand.New(rand.NewPCG(1, 1))
		for range 20 {
			ta, tb := make([]float64, a.NumParams()), make([]float64, b.NumParams())
			for range 8 {
				x := a.Sample(nil, rng)
				d := expfam.Draw{X: x, Grad: []float64{-x[0] + 1, -3 * x[1]}, LogP: -x[0]*x[0]/2 + x[0] - 1.5*x[1]*x[1]}
				a.Tangent(ta, &d, 1./8)
				b.Tangent(tb, &d, 1./8)
			}
			for _, m := range []struct {
				m   *Mixture
				tan []float64
			}{{a, ta}, {b, tb}} {
				if _, err := m.m.Retract(m.tan, 0.1); err != nil {
					t.Fatal(err)
				}
			}
		}
		for c := range 3 {
			if got, want := b.Component(c).Natural(nil), a.Component(0).Natural(nil); !floats.EqualApprox(got, want, 1e-9) {
				t.Errorf("%v: component %d is at %v, want %v", rule, c, got, want)
			}
		}
	}
}

// The second-order step is S − 2ρG + 2ρ²GS⁻¹G, positive definite for any G, and adds the
// old precision's solve to the mean.
func TestSecondOrderStepStaysProper(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	m := mogNew(t, Options{Rule: IBLR, WeightRate: -1}, nil, mogNormal(t, []float64{0, 0, 0}, 1, 0, 0, 0, 1, 0, 0, 0, 1), mogNormal(t, []float64{1, 0, 0}, 2, 0, 0, 0, 1, 0, 0, 0, 1))
	tan := make([]float64, m.NumParams())
	for range 300 {
		start := m.Natural(nil)
		old := m.Component(1).(*expfam.Normal).Clone().(*expfam.Normal)
		for i := range tan {
			tan[i] = 3 * rng.NormFloat64()
		}
		rho := rng.Float64()
		if cond, err := m.Retract(tan, rho); err != nil || cond&expfam.Shortened != 0 {
			t.Fatal(cond, err)
		}
		g := expfam.Smat(nil, m.Params(tan, 1)[3:], 3)
		grad := mat.NewVecDense(3, append([]float64(nil), m.Params(tan, 1)[:3]...)) // tan₁ + 2Gμ
		var v mat.VecDense
		v.MulVec(g, mat.NewVecDense(3, old.Mean(nil)))
		grad.AddScaledVec(grad, 2, &v)
		v.MulVec(old.Cov(nil), grad)
		v.AddScaledVec(mat.NewVecDense(3, old.Mean(nil)), rho, &v)
		var s, gg mat.Dense
		gg.Mul(g, old.Cov(nil))
		gg.Mul(&gg, g)
		gg.Scale(2*rho*rho, &gg)
		s.Scale(-2*rho, g)
		s.Add(&s, &gg)
		s.Add(&s, old.Precision(nil))
		now := m.Component(1).(*expfam.Normal)
		if !mat.EqualApprox(now.Precision(nil), &s, 1e-9*mat.Norm(&s, 2)) || !floats.EqualApprox(now.Mean(nil), v.RawVector().Data, 1e-9*(1+mat.Norm(&v, 2))) {
			t.Fatalf("precision %v and mean %v, want %v and %v", now.Precision(nil), now.Mean(nil), s, v)
		}
		if err := m.SetNatural(start); err != nil {
			t.Fatal(err)
		}
	}
}

// The draws of a step are spread over the components as evenly as pairs can be and
// follow the mixture.
func TestMixtureSampleStep(t *testing.T) {
	m := mogNew(t, Options{}, []float64{0.15, 0.6, 0.25}, mogNormal(t, []float64{-20}, 1), mogNormal(t, []float64{0}, 1), mogNormal(t, []float64{20}, 4))
	rng := rand.New(rand.NewPCG(3, 3))
	const n, reps = 20, 3000
	draws := make([]expfam.Draw, n)
	for i := range draws {
		draws[i].X = make([]float64, 1)
	}
	sum, sq := 0.0, 0.0
	var count [3]float64
	for range reps {
		m.SampleStep(draws, rng)
		var c [3]int
		s := 0.0
		for k, d := range draws {
			i := int(math.Round(d.X[0]/20)) + 1
			c[i]++
			s += d.X[0] / n
			if mu := 20 * float64(i-1); k%2 == 1 && math.Abs(d.X[0]+draws[k-1].X[0]-2*mu) > 1e-12 {
				t.Fatal("the pair is not antithetic")
			}
		}
		for i, w := range m.Weights(nil) {
			if math.Abs(float64(c[i])-n*w) > 2 {
				t.Fatalf("component %d has %d draws of %d, want %.1f", i, c[i], n, n*w)
			}
			count[i] += float64(c[i])
		}
		sum += s
		sq += s * s
	}
	mean := sum / reps
	se := math.Sqrt((sq/reps - mean*mean) / reps)
	if want := m.Mean(nil)[0]; math.Abs(mean-want) > 4*se {
		t.Errorf("mean %v ± %v, want %v", mean, se, want)
	}
	for i, w := range m.Weights(nil) {
		if got := count[i] / (n * reps); math.Abs(got-w) > 0.005 {
			t.Errorf("component %d has the share %v of the draws, want %v", i, got, w)
		}
	}
}

func TestMixtureMoments(t *testing.T) {
	m := mogNew(t, Options{}, []float64{0.3, 0.7}, mogNormal(t, []float64{-1, 2}, 2, 0.5, 0.5, 1), mogNormal(t, []float64{1, 0}, 1, -0.3, -0.3, 3))
	var mass, mx, vx, cxy, ent float64
	mu := m.Mean(nil)
	lattice(2, -9, 9, 300, func(x []float64, cell float64) {
		lq := m.LogProb(x)
		p := cell * math.Exp(lq)
		mass += p
		mx += p * x[0]
		vx += p * (x[0] - mu[0]) * (x[0] - mu[0])
		cxy += p * (x[0] - mu[0]) * (x[1] - mu[1])
		ent -= p * lq
	})
	sd, cov := m.Sd(nil), m.Cov(nil)
	lower, upper := m.EntropyBounds()
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"mass", mass, 1}, {"mean", mu[0], mx}, {"variance", cov.At(0, 0), vx}, {"covariance", cov.At(0, 1), cxy}, {"sd", sd[0] * sd[0], vx},
		{"entropy within its bounds", math.Max(lower, math.Min(upper, ent)), ent},
	} {
		if math.Abs(c.got-c.want) > 1e-8 {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	marg, err := m.Marginal([]int{1})
	if err != nil {
		t.Fatal(err)
	}
	v := 0.0
	lattice(1, -12, 12, 4000, func(x []float64, cell float64) { v += cell * math.Exp(m.LogProb([]float64{x[0], 0.4})) })
	if got := marg.LogProb([]float64{0.4}); math.Abs(got-math.Log(v)) > 1e-9 {
		t.Errorf("marginal log density %v, want %v", got, math.Log(v))
	}
}

func TestMixtureErrors(t *testing.T) {
	a := func() Component { return mogNormal(t, []float64{0}, 1) }
	shared := a()
	for name, c := range map[string]struct {
		w     []float64
		comps []Component
	}{
		"none":                {nil, nil},
		"number of weights":   {[]float64{1}, []Component{a(), a()}},
		"zero weight":         {[]float64{1, 0}, []Component{a(), a()}},
		"negative weight":     {[]float64{1.5, -0.5}, []Component{a(), a()}},
		"NaN weight":          {[]float64{math.NaN(), 1}, []Component{a(), a()}},
		"sum of weights":      {[]float64{0.5, 0.6}, []Component{a(), a()}},
		"nil component":       {nil, []Component{a(), nil}},
		"nil pointer":         {nil, []Component{(*expfam.Normal)(nil), a()}},
		"component dimension": {nil, []Component{a(), mogNormal(t, []float64{0, 0}, 1, 0, 0, 1)}},
		"component twice":     {nil, []Component{shared, shared}},
	} {
		_, err := New(c.w, c.comps...)
		var domain *expfam.DomainError
		var comp *ComponentError
		if !errors.As(err, &domain) && !errors.As(err, &comp) {
			t.Errorf("%s: error %v, want a typed one", name, err)
		}
	}
	gamma, err := expfam.NewGamma(2, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := mogNew(t, Options{}, []float64{0.4, 0.6}, gamma, a())
	for name, o := range map[string]Options{
		"rule": {Rule: 9}, "Adam on gammas": {Rule: Adam}, "reseeding gammas": {Reseed: true}, "weight rate": {WeightRate: math.NaN()},
		"pull": {EntropyPull: -1}, "backtrack": {Backtrack: 1}, "exact entropy of two": {ExactEntropy: true},
	} {
		if err := m.SetOptions(o); err == nil || m.Options() != (Options{}) {
			t.Errorf("%s: error %v and options %+v, want an error and the old options", name, err, m.Options())
		}
	}
	for _, rule := range []Rule{OwnRule, BLR, IBLR, Adam} {
		m := mogNew(t, Options{Rule: rule}, []float64{0.4, 0.6}, mogNormal(t, []float64{3}, 2), a())
		start := m.Natural(nil)
		bad := make([]float64, len(start))
		for i := range bad {
			bad[i] = 1
			for _, v := range []float64{math.NaN(), math.Inf(1)} {
				tan := append([]float64(nil), bad...)
				tan[i] = v
				if _, err := m.Retract(tan, 0.5); err == nil || !floats.Equal(m.Natural(nil), start) {
					t.Errorf("%v: Retract with tan[%d] = %v: error %v, state %v, want an error and %v", rule, i, v, err, m.Natural(nil), start)
				}
			}
		}
		if _, err := m.Retract(bad, math.NaN()); err == nil {
			t.Errorf("%v: no error for the step size NaN", rule)
		}
		bad[len(bad)-1] = 1 // a negative precision in the last component
		if err := m.SetNatural(bad); err == nil || !floats.Equal(m.Natural(nil), start) {
			t.Errorf("SetNatural: error %v, state %v, want an error and %v", err, m.Natural(nil), start)
		}
	}
}
