package mixture

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/oracle"
	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
)

func init() {
	kinds = append(kinds,
		oracle.Of("skew or exponentially modified normal", func(f oracle.Fields) bool {
			return f.Has("family", "initial.alpha", "config.entropy_quadrature", "draws")
		}, replaySkewed),
		oracle.Of("Student-t", func(f oracle.Fields) bool { return f.Has("initial.shape", "initial.precision", "draws") }, replayStudentT),
		oracle.Of("symmetric normal-inverse-Gaussian", func(f oracle.Fields) bool {
			return f.Has("config.shape", "initial.precision", "draws") && !f.Has("initial.shape")
		}, replaySymmetricNIG))
}

// vmGolden is the schema of the kinds of variance-mean mixtures.
type vmGolden struct {
	Family, Option string
	Target         struct {
		Name     string
		X        [][]float64
		Y        []float64
		PriorVar float64 `json:"prior_var"`
	}
	Config struct {
		Samples, Steps    int
		StepSize          float64 `json:"step_size"`
		Beta1             float64
		Shape             float64
		Mixing, Update    string
		EntropyQuadrature string `json:"entropy_quadrature"`
	}
	Initial struct {
		Mu, Alpha []float64
		Precision [][]float64
		Shape     float64
	}
	Draws []struct {
		Normal     [][]float64
		Mixing     []float64
		Uniform    []float64
		MixNormal  []float64 `json:"mix_normal"`
		MixUniform []float64 `json:"mix_uniform"`
	}
	Steps []struct {
		Mu, Alpha []float64
		Precision [][]float64
		Shape     float64
		MixingW   []float64   `json:"mixing_w"`
		GradMu    []float64   `json:"grad_mu"`
		GradSigma [][]float64 `json:"grad_Sigma"`
		GradShape *float64    `json:"grad_shape"`
	}
}

func readVM(t *testing.T, data []byte) *vmGolden {
	t.Helper()
	g := new(vmGolden)
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	if g.Target.Name != "bayesian_logistic_regression" {
		t.Fatalf("unknown target %q", g.Target.Name)
	}
	if len(g.Draws) < len(g.Steps) || len(g.Steps) == 0 {
		t.Fatalf("%d steps and %d draws", len(g.Steps), len(g.Draws))
	}
	return g
}

// logistic returns the log likelihood of the rows and, with prior > 0, the log prior N(0,
// prior I), with the Hessian if hess is set.
func (g *vmGolden) logistic(prior float64, hess bool) *vi.Target {
	d := len(g.Initial.Mu)
	eval := func(h *mat.SymDense, grad, x []float64) float64 {
		if h != nil {
			h.Zero()
		}
		clear(grad)
		lp := 0.0
		for n, row := range g.Target.X {
			var eta float64
			for i, v := range row {
				eta += v * x[i]
			}
			y := g.Target.Y[n]
			lp -= special.Log1pExp(-y * eta)
			p := special.Sigmoid(-y * eta)
			for i, v := range row {
				grad[i] += y * p * v
				for j := i; h != nil && j < d; j++ {
					h.SetSym(i, j, h.At(i, j)-p*(1-p)*v*row[j])
				}
			}
		}
		for i := 0; prior > 0 && i < d; i++ {
			lp -= 0.5 * (x[i]*x[i]/prior + math.Log(2*math.Pi*prior))
			grad[i] -= x[i] / prior
			if h != nil {
				h.SetSym(i, i, h.At(i, i)-1/prior)
			}
		}
		return lp
	}
	t := &vi.Target{Dim: d, LogProb: func(x []float64) float64 { return eval(nil, make([]float64, d), x) }}
	if hess {
		t.Hess = func(h *mat.SymDense, grad, x []float64) float64 { return eval(h, grad, x) }
	} else {
		t.Grad = func(grad, x []float64) float64 { return eval(nil, grad, x) }
	}
	return t
}

// eta returns the natural parameters of the start.
func (g *vmGolden) eta(shape float64) []float64 {
	var eta []float64
	for _, v := range [][]float64{g.Initial.Mu, g.Initial.Alpha} {
		for i := range v {
			var x float64
			for j, p := range g.Initial.Precision[i] {
				x += p * v[j]
			}
			eta = append(eta, x)
		}
	}
	for i, row := range g.Initial.Precision {
		for j, p := range row[i:] {
			if j > 0 {
				p *= math.Sqrt2
			}
			eta = append(eta, -0.5*p)
		}
	}
	if shape > 0 {
		eta = append(eta, -shape)
	}
	return eta
}

// replay runs the steps and compares every iterate; points puts the draws of a step.
func (g *vmGolden) replay(t *testing.T, q vi.Posterior, c *VarianceMean, target *vi.Target, samples int, points func([]expfam.Draw, int)) {
	t.Helper()
	if err := c.SetNatural(g.eta(g.Initial.Shape)); err != nil {
		t.Fatal(err)
	}
	e, err := vi.New(q, target, &vi.Settings{
		Method: vi.Draws, Plain: true, Rate: vi.Constant(g.Config.StepSize), Draws: samples, Points: points, Diagnostics: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range g.Steps {
		before := c.clone()
		if _, err := e.Step(); err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
		near(t, i+1, "precision", c.Precision(nil).RawSymmetric().Data, flatten(want.Precision))
		near(t, i+1, "mu", c.Location(nil), want.Mu)
		if want.Alpha != nil {
			near(t, i+1, "alpha", c.alphaTo(nil), want.Alpha)
		}
		if g.Initial.Shape > 0 {
			near(t, i+1, "shape", []float64{c.cur.shape}, []float64{want.Shape})
		}
		if want.MixingW != nil && target.Exact == nil {
			g.checkGradients(t, i, &before, target)
		}
	}
}

// checkGradients compares the gradients of one step with those of the file.
func (g *vmGolden) checkGradients(t *testing.T, i int, c *VarianceMean, target *vi.Target) {
	t.Helper()
	want := g.Steps[i]
	n := len(want.MixingW)
	draws := make([]expfam.Draw, n)
	d := c.dim
	tan := make([]float64, c.NumParams())
	for k := range draws {
		draws[k].X, draws[k].Grad = make([]float64, d), make([]float64, d)
		if target.Hess != nil {
			draws[k].Hess = mat.NewSymDense(d, nil)
		}
	}
	g.place(c, draws, i)
	for k := range draws {
		if target.Hess != nil {
			target.Hess(draws[k].Hess, draws[k].Grad, draws[k].X)
		} else {
			target.Grad(draws[k].Grad, draws[k].X)
		}
		c.Tangent(tan, &draws[k], 1/float64(n))
	}
	c.EntropyTangent(tan)
	near(t, i+1, "grad_mu", tan[:d], want.GradMu)
	gs := make([]float64, d*d)
	vmUnpack(gs, tan[d:], d)
	near(t, i+1, "grad_Sigma", gs, flatten(want.GradSigma))
	if want.GradShape != nil {
		near(t, i+1, "grad_shape", []float64{tan[len(tan)-1] * special.TrigammaMinusInv(c.cur.shape)}, []float64{*want.GradShape})
	}
}

// place puts the points of step i for q = c.
func (g *vmGolden) place(c *VarianceMean, draws []expfam.Draw, i int) {
	dr := g.Draws[i]
	for k := range draws {
		var w float64
		switch {
		case dr.Uniform != nil:
			w = c.cur.shape / gammaQuantile(c.cur.shape, dr.Uniform[k])
			draws[k].Aux = []float64{w}
		case dr.MixNormal != nil:
			// Michael, Schucany and Haas, as the file words it.
			s, y := g.Config.Shape, dr.MixNormal[k]*dr.MixNormal[k]
			w = 1 + y/(2*s) - math.Sqrt(4*s*y+y*y)/(2*s)
			if dr.MixUniform[k] > 1/(1+w) {
				w = 1 / w
			}
		}
		c.Transform(draws[k].X, dr.Normal[k], w)
	}
}

// gammaQuantile returns the p-quantile of Gamma(a, 1).
func gammaQuantile(a, p float64) float64 {
	x := mathext.GammaIncRegInv(a, p)
	for range 3 { // Newton's method
		f := mathext.GammaIncReg(a, x) - p
		if p > 0.5 {
			f = 1 - p - mathext.GammaIncRegComp(a, x)
		}
		x -= f / math.Exp((a-1)*math.Log(x)-x-special.Lgamma(a))
	}
	return x
}

func replayStudentT(t *testing.T, data []byte) {
	g := readVM(t, data)
	q, err := NewStudentT(g.Initial.Mu, identity(len(g.Initial.Mu)), g.Initial.Shape)
	if err != nil {
		t.Fatal(err)
	}
	q.SetPrecisionStep(SecondOrder)
	if g.Option != "hess" && g.Option != "first" {
		t.Fatalf("unknown option %q", g.Option)
	}
	g.replay(t, q, &q.VarianceMean, g.logistic(g.Target.PriorVar, g.Option == "hess"), len(g.Draws[0].Normal),
		func(draws []expfam.Draw, iter int) { g.place(&q.VarianceMean, draws, iter) })
}

func replaySymmetricNIG(t *testing.T, data []byte) {
	g := readVM(t, data)
	q, err := NewSymmetricNIG(g.Initial.Mu, identity(len(g.Initial.Mu)), g.Config.Shape)
	if err != nil {
		t.Fatal(err)
	}
	q.SetPrecisionStep(SecondOrder)
	g.replay(t, q, &q.VarianceMean, g.logistic(g.Target.PriorVar, true), len(g.Draws[0].Normal),
		func(draws []expfam.Draw, iter int) { g.place(&q.VarianceMean, draws, iter) })
}

// nodes returns the number of nodes a dimension of the entropy's quadrature.
func (g *vmGolden) nodes(t *testing.T) int {
	t.Helper()
	for _, word := range strings.Fields(g.Config.EntropyQuadrature) {
		if n, err := strconv.Atoi(word); err == nil {
			return n
		}
	}
	t.Fatalf("no number of nodes in %q", g.Config.EntropyQuadrature)
	return 0
}

// replaySkewed kinds the skew and the exponentially modified normal: the likelihood by
// draws, each with its partner z − wα, the prior in closed form.
func replaySkewed(t *testing.T, data []byte) {
	g := readVM(t, data)
	var q vi.Posterior
	var c *VarianceMean
	var err error
	switch {
	case strings.HasPrefix(g.Family, "skew"):
		var s *SkewNormal
		s, err = NewSkewNormal(g.Initial.Mu, g.Initial.Alpha, identity(len(g.Initial.Mu)))
		q, c = s, &s.VarianceMean
	case strings.HasPrefix(g.Family, "exp"):
		var s *ExpModifiedNormal
		s, err = NewExpModifiedNormal(g.Initial.Mu, g.Initial.Alpha, identity(len(g.Initial.Mu)))
		if err == nil {
			err = s.SetProductRule(g.nodes(t))
		}
		q, c = s, &s.VarianceMean
	default:
		t.Fatalf("unknown family %q", g.Family)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.SetPrecisionStep(PlainHalving)
	if err := c.SetMomentum(g.Config.Beta1); err != nil {
		t.Fatal(err)
	}
	d := c.dim
	target := g.logistic(0, true)
	m0, prec := make([]float64, d), mat.NewDiagDense(d, nil)
	for i := range d {
		prec.SetDiag(i, 1/g.Target.PriorVar)
	}
	target.Exact = func(tan []float64, _ vi.Posterior) (float64, error) {
		return c.QuadraticTangent(tan, m0, prec), nil
	}
	points := func(draws []expfam.Draw, iter int) {
		dr := g.Draws[iter]
		for k := range dr.Normal {
			z, side := &draws[2*k], &draws[2*k+1]
			z.Aux, z.Aside = dr.Mixing[k:k+1], false
			c.Transform(z.X, dr.Normal[k], dr.Mixing[k])
			side.Aside = true
			c.Transform(side.X, dr.Normal[k], 0)
		}
	}
	g.replay(t, q, c, target, 2*len(g.Draws[0].Normal), points)
}
