package vadam

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// linear is Bayesian linear regression with noise precision tau and prior N(0, 1/lam).
type linear struct {
	n, d     int
	x        *mat.Dense
	y        []float64
	tau, lam float64
}

func newLinear(n, d int) *linear {
	rng := rand.New(rand.NewPCG(5, 1))
	m := &linear{n: n, d: d, x: mat.NewDense(n, d, nil), tau: 2, lam: 0.7}
	for i := range n {
		for j := range d {
			m.x.Set(i, j, rng.NormFloat64())
		}
		m.y = append(m.y, m.x.At(i, 0)-0.5*m.x.At(i, d-1)+0.3*rng.NormFloat64())
	}
	return m
}

// loss is the mean negative log-likelihood with gradient and Hessian diagonal.
func (m *linear) loss(grad, hess, w []float64) (f float64) {
	clear(grad)
	clear(hess)
	s := m.tau / float64(m.n)
	for i, y := range m.y {
		row := m.x.RawRowView(i)
		r := -y
		for j, v := range row {
			r += v * w[j]
		}
		f += 0.5*s*r*r - 0.5*math.Log(m.tau/(2*math.Pi))/float64(m.n)
		for j, v := range row {
			grad[j] += s * r * v
			if hess != nil {
				hess[j] += s * v * v
			}
		}
	}
	return f
}

func (m *linear) objective() *nn.Objective {
	return &nn.Objective{
		Grad:     func(g, w []float64) (float64, error) { return m.loss(g, nil, w), nil },
		GradHess: func(g, h, w []float64) (float64, error) { return m.loss(g, h, w), nil },
	}
}

// precision is τX'X + λI.
func (m *linear) precision() *mat.SymDense {
	var p mat.SymDense
	p.SymOuterK(m.tau, m.x.T())
	for j := range m.d {
		p.SetSym(j, j, p.At(j, j)+m.lam)
	}
	return &p
}

func (m *linear) mean(t *testing.T) []float64 {
	var b, mu mat.VecDense
	b.MulVec(m.x.T(), mat.NewVecDense(m.n, m.y))
	b.ScaleVec(m.tau, &b)
	if err := mu.SolveVec(m.precision(), &b); err != nil {
		t.Fatal(err)
	}
	return mu.RawVector().Data
}

// von is VON with one rate for mean and curvature, and antithetic draws.
func (m *linear) von(t *testing.T, rho float64) *Optimizer {
	t.Helper()
	o, err := New(make([]float64, m.d), &Settings{
		Method: VON, N: m.n, Rate: rho, Beta2: or0(1 - rho), PriorPrec: m.lam, InitCurvature: 0.4, Antithetic: true, Seed: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestVONIsEngineStep compares VON with the engine's natural-gradient step on the
// same model, from the same draws: one step in two implementations.
func TestVONIsEngineStep(t *testing.T) {
	m := newLinear(12, 3)
	hess := mat.NewSymDense(m.d, nil)
	hess.ScaleSym(-1, m.precision())
	target := &vi.Target{
		Dim: m.d,
		LogProb: func(x []float64) float64 {
			f := -float64(m.n) * m.loss(make([]float64, m.d), nil, x)
			for _, v := range x {
				f -= 0.5 * m.lam * v * v
			}
			return f
		},
		Hess: func(dst *mat.SymDense, grad, x []float64) float64 {
			f := -float64(m.n) * m.loss(grad, nil, x)
			for j, v := range x {
				grad[j] = -float64(m.n)*grad[j] - m.lam*v
				f -= 0.5 * m.lam * v * v
			}
			dst.CopySym(hess)
			return f
		},
	}
	for _, rho := range []float64{0.05, 0.3, 1} {
		t.Run(fmt.Sprint(rho), func(t *testing.T) {
			o := m.von(t, rho)
			q, err := expfam.NewDiagNormal(o.Mean(nil), o.SD(nil))
			if err != nil {
				t.Fatal(err)
			}
			eps := make([]float64, m.d)
			e, err := vi.New(q, target, &vi.Settings{
				Method: vi.Draws, Draws: 2, Plain: true, Rate: vi.Constant(rho), Workers: 1, Diagnostics: -1,
				Points: func(draws []expfam.Draw, iter int) {
					la.Normals(eps, 3, uint64(iter+1)*maxDraws)
					mu, sd := q.Mean(nil), q.Sd(nil)
					for k := range draws {
						sign := float64(1 - 2*(k%2))
						for i := range eps {
							draws[k].X[i] = mu[i] + sign*sd[i]*eps[i]
						}
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			for step := range 6 {
				if _, err := e.Step(); err != nil {
					t.Fatal(err)
				}
				if err := o.Step(m.objective()); err != nil {
					t.Fatal(err)
				}
				closeTo(t, fmt.Sprintf("mean after step %d", step+1), o.Mean(nil), q.Mean(nil), 1e-11)
				closeTo(t, fmt.Sprintf("sd after step %d", step+1), o.SD(nil), q.Sd(nil), 1e-12)
			}
		})
	}
}

func closeTo(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	for i, v := range want {
		if !(math.Abs(got[i]-v) <= tol*max(math.Abs(v), 1)) {
			t.Fatalf("%s: [%d] is %.15g, want %.15g", what, i, got[i], v)
		}
	}
}

// TestVONFixedPoint: on a linear model VON ends at the exact posterior mean and
// at the diagonal of the posterior precision, which ρ = 1 reaches in one step; with
// an orthogonal design it reaches the mean at once, too.
func TestVONFixedPoint(t *testing.T) {
	m := newLinear(30, 4)
	prec := make([]float64, m.d)
	for j := range prec {
		prec[j] = 1 / math.Sqrt(m.precision().At(j, j))
	}
	o := m.von(t, 1)
	if err := o.Step(m.objective()); err != nil {
		t.Fatal(err)
	}
	closeTo(t, "sd after one step", o.SD(nil), prec, 1e-12)
	o = m.von(t, 0.2)
	for range 400 {
		if err := o.Step(m.objective()); err != nil {
			t.Fatal(err)
		}
	}
	closeTo(t, "sd", o.SD(nil), prec, 1e-12)
	closeTo(t, "mean", o.Mean(nil), m.mean(t), 1e-10)

	m.x.Zero()
	for i := range m.n {
		m.x.Set(i, i%m.d, 1+float64(i%m.d))
	}
	o = m.von(t, 1)
	if err := o.Step(m.objective()); err != nil {
		t.Fatal(err)
	}
	closeTo(t, "mean of an orthogonal design", o.Mean(nil), m.mean(t), 1e-12)
}

// TestKL compares KL with that of package expfam.
func TestKL(t *testing.T) {
	m := newLinear(12, 3)
	o := m.von(t, 0.3)
	for range 3 {
		if err := o.Step(m.objective()); err != nil {
			t.Fatal(err)
		}
	}
	q, err := o.Posterior()
	if err != nil {
		t.Fatal(err)
	}
	prior, err := expfam.NewDiagNormal(make([]float64, m.d), []float64{1 / math.Sqrt(m.lam), 1 / math.Sqrt(m.lam), 1 / math.Sqrt(m.lam)})
	if err != nil {
		t.Fatal(err)
	}
	want, err := expfam.KL(q, prior)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "KL", []float64{o.KL()}, []float64{want}, 1e-12)
}
