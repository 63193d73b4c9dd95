package vi

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// logisticTerm is the Bernoulli log likelihood, written as plainly as possible.
func logisticTerm(x blas64.General, y []float64) Term {
	return Term{Name: "logit", X: x, Eval: func(lo int, eta, aux []float64, d *Derivs) {
		for i, e := range eta {
			s := 1 / (1 + math.Exp(-e))
			if d.F != nil {
				d.F[i] = y[lo+i]*e - math.Log1p(math.Exp(-math.Abs(e))) - math.Max(e, 0)
			}
			if d.E != nil {
				d.E[i] = y[lo+i] - s
			}
			if d.EE != nil {
				d.EE[i] = -s * (1 - s)
			}
		}
	}}
}

// gaussTerm is the normal log likelihood with ψ = log σ at coordinate aux.
func gaussTerm(x blas64.General, y []float64, aux int) Term {
	return Term{Name: "normal", X: x, Aux: []int{aux}, Degree: 2, Eval: func(lo int, eta, psi []float64, d *Derivs) {
		v := math.Exp(-2 * psi[0])
		for i, e := range eta {
			r := y[lo+i] - e
			if d.F != nil {
				d.F[i] = -psi[0] - 0.5*math.Log(2*math.Pi) - 0.5*r*r*v
			}
			if d.E != nil {
				d.E[i] = r * v
			}
			if d.EE != nil {
				d.EE[i] = -v
			}
			if d.A != nil {
				d.A[0][i] = -1 + r*r*v
			}
			if d.EA != nil {
				d.EA[0][i], d.AA[0][i] = -2*r*v, -2*r*r*v
			}
		}
	}}
}

// twoAuxTerm is a smooth function of one predictor and two auxiliary values.
func twoAuxTerm(x blas64.General, a0, a1 int) Term {
	return Term{Name: "two", X: x, Aux: []int{a0, a1}, Eval: func(lo int, eta, p []float64, d *Derivs) {
		for i, e := range eta {
			f := math.Sin(0.7*e + 0.3*p[0] - 0.5*p[1])
			c := math.Cos(0.7*e + 0.3*p[0] - 0.5*p[1])
			if d.F != nil {
				d.F[i] = f
			}
			if d.E != nil {
				d.E[i] = 0.7 * c
			}
			if d.EE != nil {
				d.EE[i] = -0.49 * f
			}
			if d.A != nil {
				d.A[0][i], d.A[1][i] = 0.3*c, -0.5*c
			}
			if d.EA != nil {
				d.EA[0][i], d.EA[1][i] = -0.21*f, 0.35*f
				d.AA[0][i], d.AA[1][i], d.AA[2][i] = -0.09*f, 0.15*f, -0.25*f
			}
		}
	}}
}

// normalPrior is N(0, sd²) on each of dim coordinates.
func normalPrior(dim int, sd float64) Term {
	x := blas64.General{Rows: dim, Cols: dim, Stride: dim, Data: make([]float64, dim*dim)}
	for i := range dim {
		x.Data[i*dim+i] = 1 / sd
	}
	return Term{Name: "prior", Prior: true, X: x, Degree: 2, Eval: func(lo int, eta, aux []float64, d *Derivs) {
		for i, e := range eta {
			if d.F != nil {
				d.F[i] = -0.5*e*e - 0.5*math.Log(2*math.Pi) - math.Log(sd)
			}
			if d.E != nil {
				d.E[i] = -e
			}
			if d.EE != nil {
				d.EE[i] = -1
			}
		}
	}}
}

func randomDesign(n, d int, rng *rand.Rand) blas64.General {
	x := blas64.General{Rows: n, Cols: d, Stride: d, Data: make([]float64, n*d)}
	for i := range x.Data {
		x.Data[i] = rng.NormFloat64()
	}
	for i := range n {
		x.Data[i*d] = 1
	}
	return x
}

func logisticTarget(n, d int, seed uint64) *Target {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := randomDesign(n, d, rng)
	y := make([]float64, n)
	for i := range y {
		eta := 0.3
		for j := range d {
			eta += x.Data[i*d+j] * 0.8 * math.Cos(float64(j))
		}
		if rng.Float64() < 1/(1+math.Exp(-eta)) {
			y[i] = 1
		}
	}
	return &Target{Dim: d, N: n, Linear: &Linear{Terms: []Term{logisticTerm(x, y), normalPrior(d, 3)}}}
}

func gaussTarget(n, d int, seed uint64) *Target {
	rng := rand.New(rand.NewPCG(seed, 2))
	x := randomDesign(n, d, rng)
	y := make([]float64, n)
	for i := range y {
		y[i] = 1 + x.Data[i*d+d-1] + 0.7*rng.NormFloat64()
	}
	return &Target{Dim: d + 1, N: n, Linear: &Linear{Terms: []Term{gaussTerm(x, y, d), normalPrior(d+1, 5)}}}
}

func someNormal(t testing.TB, d int, scale float64, seed uint64) *expfam.Normal {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	a := mat.NewDense(d, d, nil)
	for i := range d {
		for j := range d {
			a.Set(i, j, 0.3*rng.NormFloat64())
		}
		a.Set(i, i, 1)
	}
	var c mat.SymDense
	c.SymOuterK(scale*scale, a)
	mu := make([]float64, d)
	for i := range mu {
		mu[i] = 0.3 * rng.NormFloat64()
	}
	q, err := expfam.NewNormal(mu, &c)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// The gradient in mean and covariance of the quadrature ELBO equals central
// differences of its value, for no, one and two auxiliary coordinates.
func TestPassGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	two := &Target{Dim: 5, Linear: &Linear{Terms: []Term{twoAuxTerm(randomDesign(40, 3, rng), 3, 4), normalPrior(5, 2)}}}
	swapped := &Target{Dim: 5, Linear: &Linear{Terms: []Term{twoAuxTerm(randomDesign(40, 3, rng), 4, 3)}}}
	for _, tc := range []struct {
		name string
		t    *Target
	}{{"logistic", logisticTarget(300, 4, 1)}, {"gaussian", gaussTarget(50, 3, 2)}, {"two aux", two}, {"two aux swapped", swapped}} {
		t.Run(tc.name, func(t *testing.T) {
			d := tc.t.Dim
			p, err := newLinearPass(tc.t.Linear, d, 1)
			if err != nil {
				t.Fatal(err)
			}
			q := someNormal(t, d, 0.2, 11)
			if err := p.under(q, wantHess, p.full, 1); err != nil {
				t.Fatal(err)
			}
			grad := append([]float64(nil), p.grad...)
			hess := mat.NewSymDense(d, nil)
			hess.CopySym(p.hess)
			value := func(mu []float64, cov mat.Symmetric) float64 {
				q, err := expfam.NewNormal(mu, cov)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.under(q, wantValue, p.full, 1); err != nil {
					t.Fatal(err)
				}
				return p.fit + p.prior
			}
			mu, cov := q.Mean(nil), q.Cov(nil)
			const h = 1e-4
			for i := range d {
				up, down := append([]float64(nil), mu...), append([]float64(nil), mu...)
				up[i] += h
				down[i] -= h
				if got, want := grad[i], (value(up, cov)-value(down, cov))/(2*h); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
					t.Errorf("gradient[%d] = %v, central difference %v", i, got, want)
				}
				for j := i; j < d; j++ {
					bump := func(e float64) mat.Symmetric {
						c := mat.NewSymDense(d, nil)
						c.CopySym(cov)
						c.SetSym(i, j, c.At(i, j)+e)
						return c
					}
					// ∂/∂Σ_ij of E f is ½ E ∂²f, twice that off the diagonal.
					want := (value(mu, bump(h/10)) - value(mu, bump(-h/10))) / (2 * h / 10)
					got := hess.At(i, j)
					if i == j {
						got /= 2
					}
					if math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
						t.Errorf("Hessian[%d,%d] = %v, central difference %v", i, j, got, want)
					}
				}
			}
		})
	}
}

// Expectations agree with plain Monte Carlo within five standard errors.
func TestPassAgainstMonteCarlo(t *testing.T) {
	tg := gaussTarget(80, 3, 5)
	c := tg.complete()
	p, err := newLinearPass(tg.Linear, tg.Dim, 2)
	if err != nil {
		t.Fatal(err)
	}
	q := someNormal(t, tg.Dim, 0.3, 4)
	if err := p.under(q, wantGrad, p.full, 1); err != nil {
		t.Fatal(err)
	}
	const n = 20000
	rng := rand.New(rand.NewPCG(1, 2))
	x, g := make([]float64, tg.Dim), make([]float64, tg.Dim)
	s1, s2 := make([]float64, tg.Dim+1), make([]float64, tg.Dim+1)
	for range n {
		q.Sample(x, rng)
		v := append([]float64{c.Grad(g, x)}, g...)
		for i := range v {
			s1[i] += v[i]
			s2[i] += v[i] * v[i]
		}
	}
	want := append([]float64{p.fit + p.prior}, p.grad...)
	for i := range want {
		m := s1[i] / n
		se := math.Sqrt((s2[i]/n - m*m) / n)
		if math.Abs(m-want[i]) > 5*se {
			t.Errorf("entry %d: quadrature %v, Monte Carlo %v ± %v", i, want[i], m, se)
		}
	}
}

// Passes give the same bits for any number of workers, and allocate nothing
// with one.
func TestPassWorkersAndAllocations(t *testing.T) {
	tg := logisticTarget(9000, 6, 3)
	q := someNormal(t, 6, 0.1, 1)
	var ref []float64
	for _, workers := range []int{1, 2, 3, 7} {
		p, err := newLinearPass(tg.Linear, 6, workers)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.under(q, wantHess, p.full, 1); err != nil {
			t.Fatal(err)
		}
		got := append([]float64{p.fit, p.prior}, p.grad...)
		got = append(got, p.hess.RawSymmetric().Data...)
		if ref == nil {
			ref = got
		}
		for i := range ref {
			if math.Float64bits(ref[i]) != math.Float64bits(got[i]) {
				t.Fatalf("%d workers: entry %d is %v, with one worker %v", workers, i, got[i], ref[i])
			}
		}
	}
	p, _ := newLinearPass(tg.Linear, 6, 1)
	if n := testing.AllocsPerRun(5, func() { _ = p.under(q, wantHess, p.full, 1) }); n != 0 {
		t.Errorf("a pass allocates %v times", n)
	}
}

// Many points at once equal the points one by one.
func TestLogProbs(t *testing.T) {
	tg := gaussTarget(700, 3, 9)
	p, err := newLinearPass(tg.Linear, tg.Dim, 2)
	if err != nil {
		t.Fatal(err)
	}
	q := someNormal(t, tg.Dim, 0.4, 2)
	x := mat.NewDense(50, tg.Dim, nil)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range 50 {
		q.Sample(x.RawRowView(i), rng)
	}
	got := make([]float64, 50)
	if err := p.logProbs(got, x); err != nil {
		t.Fatal(err)
	}
	c := tg.complete()
	for i := range got {
		if want := c.LogProb(x.RawRowView(i)); math.Abs(got[i]-want) > 1e-11*math.Abs(want) {
			t.Errorf("point %d: %v, one by one %v", i, got[i], want)
		}
	}
}

// Sums of terms take the place of their rows, agree with them, and give the
// same bits for any number of workers.
func TestLogProbsSum(t *testing.T) {
	const points = 140
	tg := logisticTarget(9000, 4, 8)
	q := someNormal(t, tg.Dim, 0.2, 2)
	x := mat.NewDense(points, tg.Dim, nil)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range points {
		q.Sample(x.RawRowView(i), rng)
	}
	at := func(workers int) []float64 {
		p, err := newLinearPass(tg.Linear, tg.Dim, workers)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float64, points)
		if err := p.logProbs(dst, x); err != nil {
			t.Fatal(err)
		}
		return dst
	}
	rows := at(2)
	lik := &tg.Linear.Terms[0]
	var calls atomic.Int64
	lik.Sum = func(lo int, eta, aux []float64) float64 {
		calls.Add(1)
		d := Derivs{F: make([]float64, len(eta))}
		lik.Eval(lo, eta, aux, &d)
		s := 0.0
		for i := len(eta) - 1; i >= 0; i-- {
			s += d.F[i]
		}
		return s
	}
	one := at(1)
	if got, want := calls.Load(), int64(points*((9000+pointRows(4)-1)/pointRows(4))); got != want {
		t.Errorf("Sum was called %d times, want %d, once a block of rows and point", got, want)
	}
	for _, workers := range []int{2, 3, 7} {
		for i, v := range at(workers) {
			if math.Float64bits(v) != math.Float64bits(one[i]) {
				t.Fatalf("%d workers: point %d is %v, with one worker %v", workers, i, v, one[i])
			}
		}
	}
	for i, v := range one {
		if math.Abs(v-rows[i]) > 1e-12*math.Abs(rows[i]) {
			t.Errorf("point %d: %v, from rows %v", i, v, rows[i])
		}
	}
}
