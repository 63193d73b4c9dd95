package mixture

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/oracle"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/mat"
)

func init() {
	kinds = append(kinds,
		oracle.Of("finite mixture", func(f oracle.Fields) bool {
			return f.Has("target", "config.K", "config.weight_step_factor", "initial.precisions", "draws", "steps")
		}, replayMixture),
		oracle.Of("finite mixture of diagonal normals", func(f oracle.Fields) bool {
			return f.Has("target", "config.K", "initial.precision_diag", "runs")
		}, replayDiagMixture))
}

type mogTarget struct {
	Name       string        `json:"name"`
	LogWeights []float64     `json:"log_weights"`
	Means      [][]float64   `json:"means"`
	Precisions [][][]float64 `json:"precisions"`
	Alpha      float64       `json:"alpha"`
	Y          json.RawMessage
	N          []float64
	S1, S2     float64
}

func mogSym(a [][]float64) *mat.SymDense {
	s := mat.NewSymDense(len(a), nil)
	for i := range a {
		for j := i; j < len(a); j++ {
			s.SetSym(i, j, a[i][j])
		}
	}
	return s
}

// target returns the log density that the file names, and how near the iterates
// can be: the beta-binomial ones rest on a difference Hessian.
func (g *mogTarget) target(t *testing.T) (*vi.Target, float64) {
	precs := make([]*mat.SymDense, len(g.Precisions))
	for c, p := range g.Precisions {
		precs[c] = mogSym(p)
	}
	switch g.Name {
	case "beta_binomial_cancer":
		var y []float64
		decode(t, g.Y, &y)
		return targets.BetaBinomial(y, g.N), 1e-6
	case "doublebanana":
		var y float64
		decode(t, g.Y, &y)
		return targets.DoubleBanana(y, g.S1, g.S2), 1e-9
	case "mixture_of_gaussians":
		return targets.MixtureOfNormals(g.LogWeights, g.Means, precs), 1e-9
	case "mixture_of_student_t":
		return targets.MixtureOfStudentT(g.LogWeights, g.Means, precs, g.Alpha), 1e-9
	}
	t.Fatalf("unknown target %q", g.Name)
	return nil, 0
}

type mogConfig struct {
	K, D, Samples int
	StepSize      float64 `json:"step_size"`
	WeightRate    float64 `json:"weight_step_factor"`
	Entropy       bool    `json:"entropy_regularised_weights"`
}

func (c mogConfig) options(rule Rule) Options {
	o := Options{Rule: rule, WeightRate: c.WeightRate, NoBaseline: true, HessEntropy: true}
	if c.WeightRate == 0 {
		o.WeightRate = -1
	}
	if c.Entropy {
		o.EntropyPull = 5e5
	}
	return o
}

type mogDraw struct {
	Normal  [][]float64
	Uniform []float64
}

type mogStep struct {
	StepSizeUsed float64 `json:"step_size_used"`
	Means        [][]float64
	Precisions   [][][]float64
	Diag         [][]float64 `json:"precision_diag"`
	LogOdds      []float64   `json:"log_odds"`
	Weights      []float64
	Index        []int `json:"component_index"`
	Z            [][]float64
	LogJoint     []float64       `json:"log_joint"`
	LogQ         []float64       `json:"log_q"`
	GradMeanPi   [][]float64     `json:"grad_mean_over_pi"`
	GradCovPi    [][][]float64   `json:"grad_cov_over_pi"`
	GradPi       json.RawMessage `json:"grad_pi"`
	GradLogPi    json.RawMessage `json:"grad_log_pi"`
}

// spy is a mixture that keeps what the engine gives it.
type spy struct {
	*Mixture
	logP, logQ, tan, mu []float64 // of the last step; mu are the means before it
}

func (s *spy) Tangent(dst []float64, d *expfam.Draw, w float64) {
	s.logP, s.logQ = append(s.logP, d.LogP), append(s.logQ, d.LogQ)
	s.Mixture.Tangent(dst, d, w)
}

func (s *spy) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	s.tan = append(s.tan[:0], tan...)
	s.mu = s.mu[:0]
	for c := range s.K() {
		s.mu = append(s.mu, s.Component(c).(meaner).Mean(nil)...)
	}
	return s.Mixture.Retract(tan, rho)
}

// gradients returns those in the means and covariances, over π, that tan stands for.
func (s *spy) gradients() (mean, cov []float64) {
	d := s.Dim()
	for c := range s.K() {
		tan := s.Params(s.tan, c)
		G := expfam.Smat(nil, tan[d:], d)
		for i := range d {
			g := tan[i]
			for j := range d {
				g += 2 * G.At(i, j) * s.mu[c*d+j]
				cov = append(cov, G.At(i, j))
			}
			mean = append(mean, g)
		}
	}
	return mean, cov
}

// mogRun starts the engine on a replay; check sees every step.
func mogRun(t *testing.T, m *Mixture, target *vi.Target, c mogConfig, draws []mogDraw, steps []mogStep, check func(i int, s *spy, points []expfam.Draw)) {
	t.Helper()
	s := &spy{Mixture: m}
	var points []expfam.Draw
	e, err := vi.New(s, target, &vi.Settings{
		Method: vi.Draws, Plain: true, Rate: vi.Constant(c.StepSize), Draws: c.Samples, Iterations: len(draws), Diagnostics: -1,
		Points: func(p []expfam.Draw, iter int) {
			points = p
			for k := range p {
				if _, i := m.Transform(p[k].X, draws[iter].Normal[k], draws[iter].Uniform[k]); steps[iter].Index != nil && i != steps[iter].Index[k] {
					t.Errorf("step %d: draw %d is of component %d, want %d", iter+1, k, i, steps[iter].Index[k])
				}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range steps {
		s.logP, s.logQ = s.logP[:0], s.logQ[:0]
		r, err := e.Step()
		if err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
		if used := steps[i].StepSizeUsed; used != 0 && (used < c.StepSize) != (r.Conditions&expfam.Shortened != 0) {
			t.Errorf("step %d: conditions are %v, but the step size %v was taken of %v", i+1, r.Conditions, used, c.StepSize)
		}
		check(i, s, points)
	}
}

func replayMixture(t *testing.T, data []byte) {
	var file struct {
		Method, Option string
		Target         mogTarget
		Config         mogConfig
		Initial        struct {
			Weights    []float64
			Means      [][]float64
			Precisions [][][]float64
		}
		Draws []mogDraw
		Steps []mogStep
	}
	decode(t, data, &file)
	target, tol := file.Target.target(t)
	switch file.Option {
	case "first":
		target.Hess = nil
	case "hess":
	default:
		t.Fatalf("unknown option %q", file.Option)
	}
	rule, ok := map[string]Rule{"cvi": BLR, "iblr": IBLR, "bbvi": Adam}[file.Method]
	if !ok {
		t.Fatalf("unknown method %q", file.Method)
	}
	m := newReplay(t, file.Initial.Weights, file.Config.options(rule), func(c int) (Component, error) {
		return expfam.NewNormalPrecision(file.Initial.Means[c], mogSym(file.Initial.Precisions[c]))
	})
	before := m.Weights(nil)
	mogRun(t, m, target, file.Config, file.Draws, file.Steps, func(i int, s *spy, points []expfam.Draw) {
		w := &file.Steps[i]
		if w.Z != nil {
			var z []float64
			for k := range points {
				z = append(z, points[k].X...)
			}
			nearTo(t, i+1, "z", tol, z, flatten(w.Z))
			nearTo(t, i+1, "log joint", tol, s.logP, w.LogJoint)
			nearTo(t, i+1, "log q", tol, s.logQ, w.LogQ)
			mean, cov := s.gradients()
			nearTo(t, i+1, "gradient in the means", tol, mean, flatten(w.GradMeanPi))
			var want []float64
			for _, g := range w.GradCovPi {
				want = append(want, flatten(g)...)
			}
			nearTo(t, i+1, "gradient in the covariances", 10*tol, cov, want) // a difference Hessian is that good
			weightGradient(t, i+1, tol, s.tan, before, w)
		}
		means, precs, k := []float64(nil), []float64(nil), m.K()
		var wantPrecs []float64
		for c := range k {
			q := m.Component(c).(*expfam.Normal)
			means = append(means, q.Mean(nil)...)
			p := q.Precision(nil)
			for i := range m.Dim() {
				for j := range m.Dim() {
					precs = append(precs, p.At(i, j))
				}
			}
			wantPrecs = append(wantPrecs, flatten(w.Precisions[c])...)
		}
		nearTo(t, i+1, "means", tol, means, flatten(w.Means))
		nearTo(t, i+1, "precisions", tol, precs, wantPrecs)
		nearTo(t, i+1, "log-odds", tol, m.Natural(nil)[:k-1], w.LogOdds)
		nearTo(t, i+1, "weights", tol, m.Weights(nil), w.Weights)
		m.Weights(before)
	})
}

// weightGradient compares tan, gw_c − gw_K, with the file's gw or π·gw.
func weightGradient(t *testing.T, step int, tol float64, tan, weights []float64, w *mogStep) {
	t.Helper()
	k := len(weights)
	if k == 1 {
		return
	}
	var gw []float64
	if w.GradPi != nil {
		decode(t, w.GradPi, &gw)
	} else {
		decode(t, w.GradLogPi, &gw)
		for c := range gw {
			gw[c] /= weights[c]
		}
	}
	scale := 0.0
	for _, g := range gw {
		scale = math.Max(scale, math.Abs(g))
	}
	for c := range k - 1 {
		if want := gw[c] - gw[k-1]; math.Abs(tan[c]-want) > tol*scale {
			t.Fatalf("step %d: gradient of log-odds %d is %v, want %v", step, c, tan[c], want)
		}
	}
}

func newReplay(t *testing.T, weights []float64, o Options, component func(c int) (Component, error)) *Mixture {
	t.Helper()
	comps := make([]Component, len(weights))
	for c := range comps {
		q, err := component(c)
		if err != nil {
			t.Fatal(err)
		}
		comps[c] = q
	}
	m, err := New(weights, comps...)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.SetOptions(o); err != nil {
		t.Fatal(err)
	}
	return m
}

func replayDiagMixture(t *testing.T, data []byte) {
	var file struct {
		Target  mogTarget
		Config  mogConfig
		Initial struct {
			Weights []float64
			Means   [][]float64
			Diag    [][]float64 `json:"precision_diag"`
		}
		Runs []struct {
			Option string
			Draws  []mogDraw
			Steps  []mogStep
		}
	}
	decode(t, data, &file)
	for _, run := range file.Runs {
		t.Run(run.Option, func(t *testing.T) {
			target, tol := file.Target.target(t)
			if run.Option == "first" {
				target.Hess = nil
			}
			m := newReplay(t, file.Initial.Weights, file.Config.options(IBLR), func(c int) (Component, error) {
				sd := make([]float64, file.Config.D)
				for i, s := range file.Initial.Diag[c] {
					sd[i] = 1 / math.Sqrt(s)
				}
				return expfam.NewDiagNormal(file.Initial.Means[c], sd)
			})
			mogRun(t, m, target, file.Config, run.Draws, run.Steps, func(i int, s *spy, _ []expfam.Draw) {
				var means, precs []float64
				for c := range m.K() {
					q := m.Component(c).(*expfam.DiagNormal)
					means = append(means, q.Mean(nil)...)
					for _, sd := range q.Sd(nil) {
						precs = append(precs, 1/(sd*sd))
					}
				}
				nearTo(t, i+1, "means", tol, means, flatten(run.Steps[i].Means))
				nearTo(t, i+1, "precisions", tol, precs, flatten(run.Steps[i].Diag))
				nearTo(t, i+1, "log-odds", tol, m.Natural(nil)[:m.K()-1], run.Steps[i].LogOdds)
				nearTo(t, i+1, "weights", tol, m.Weights(nil), run.Steps[i].Weights)
			})
		})
	}
}
