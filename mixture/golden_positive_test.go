package mixture

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/oracle"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

func init() {
	kinds = append(kinds,
		oracle.Of("gamma factor model", func(f oracle.Fields) bool {
			return f.Has("YYt", "model.prior_shape", "model.prior_rate", "model.noise_variance", "runs", "samples")
		}, replayGammaFactors),
		oracle.Of("inverse Gaussian", func(f oracle.Fields) bool {
			var rows []oracle.Fields
			return json.Unmarshal(f["rows"], &rows) == nil && len(rows) > 0 && rows[0].Has("alpha", "beta", "z", "dz_dalpha", "dz_dbeta")
		}, replayInverseGaussian),
		oracle.Of("Birnbaum–Saunders", func(f oracle.Fields) bool {
			return f.Has("target.A", "target.B", "target.C", "initial.alpha", "initial.beta", "config.step_size", "draws", "steps")
		}, replayBirnbaumSaunders),
	)
}

// nearPositive wants got within 1e-9 relative of want, entry by entry.
func nearPositive(t *testing.T, step int, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("step %d: %s has length %d, want %d", step, what, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= 1e-9*math.Abs(w)) {
			t.Fatalf("step %d: %s[%d] is %.17g, want %.17g", step, what, i, got[i], w)
		}
	}
}

// plainPositiveRun prepares plain steps from q on the given points.
func plainPositiveRun(t *testing.T, q vi.Posterior, target *vi.Target, rate float64, steps, draws int, points func([]expfam.Draw, int)) *vi.Engine {
	t.Helper()
	e, err := vi.New(q, target, &vi.Settings{Method: vi.Draws, Plain: true, Rate: vi.Constant(rate), Iterations: steps, Draws: draws, Points: points, Diagnostics: -1})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// factorTarget is the marginal likelihood of y_n ~ N(0, WW' + noise·I), W of d rows
// and k columns, stored by columns, from s = Σ_n y_n y_n'.
func factorTarget(s *mat.SymDense, n, k int, noise float64) *vi.Target {
	d := s.SymmetricDim()
	density := func(grad, x []float64) float64 {
		w := mat.NewDense(k, d, x).T()
		var cov mat.SymDense
		cov.SymOuterK(1, w)
		for i := range d {
			cov.SetSym(i, i, cov.At(i, i)+noise)
		}
		var chol mat.Cholesky
		if !chol.Factorize(&cov) {
			return math.NaN()
		}
		var inv, a mat.Dense
		if err := chol.SolveTo(&inv, mat.NewDiagDense(d, constantVector(d, 1))); err != nil {
			return math.NaN()
		}
		a.Mul(&inv, s)
		value := -0.5 * (float64(n)*(chol.LogDet()+float64(d)*math.Log(2*math.Pi)) + mat.Trace(&a))
		if grad != nil { // ∂/∂W = (S⁻¹ YY' S⁻¹ − n S⁻¹) W
			var b, g mat.Dense
			b.Mul(&a, &inv)
			inv.Scale(float64(n), &inv)
			b.Sub(&b, &inv)
			g.Mul(&b, w)
			for j := range k {
				for i := range d {
					grad[j*d+i] = g.At(i, j)
				}
			}
		}
		return value
	}
	return &vi.Target{Dim: d * k, Grad: density, LogProb: func(x []float64) float64 { return density(nil, x) }}
}

func constantVector(n int, x float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = x
	}
	return v
}

func replayGammaFactors(t *testing.T, data []byte) {
	var f struct {
		Model struct {
			D, K, N    int
			Noise      float64 `json:"noise_variance"`
			PriorShape float64 `json:"prior_shape"`
			PriorRate  float64 `json:"prior_rate"`
		}
		YYt     [][]float64
		Samples int
		Initial struct{ Shape, Rate float64 }
		Runs    []struct {
			Method   string
			StepSize float64 `json:"step_size"`
			Draws    []struct {
				Unit [][]float64 `json:"unit_scale_gamma"`
				Path []float64   `json:"implicit_dg_da_first_sample"`
			}
			Iterates []struct{ Shape, Rate []float64 }
		}
	}
	decode(t, data, &f)
	s := mat.NewSymDense(f.Model.D, nil)
	for i, row := range f.YYt {
		for j, v := range row {
			s.SetSym(i, j, v)
		}
	}
	dim := f.Model.D * f.Model.K
	target := factorTarget(s, f.Model.N, f.Model.K, f.Model.Noise)
	prior := [2][]float64{constantVector(dim, f.Model.PriorShape), constantVector(dim, f.Model.PriorRate)}
	target.Exact = func(tan []float64, q vi.Posterior) (float64, error) {
		return q.(*Gammas).GammaPriorTangent(tan, prior[0], prior[1])
	}
	for _, run := range f.Runs {
		q, err := NewGammas(constantVector(dim, f.Initial.Shape), constantVector(dim, f.Initial.Rate))
		if err != nil {
			t.Fatal(err)
		}
		q.PlainGradient = true
		switch run.Method {
		case "iblr":
		case "cvi_linesearch":
			q.PlainStep = true
		default:
			t.Fatalf("unknown method %q", run.Method)
		}
		if len(run.Iterates) == 0 || len(run.Draws) != len(run.Iterates) {
			t.Fatalf("%d draws and %d iterates", len(run.Draws), len(run.Iterates))
		}
		e := plainPositiveRun(t, q, target, run.StepSize, len(run.Iterates), f.Samples, func(draws []expfam.Draw, iter int) {
			for i := range draws {
				q.Transform(draws[i].X, run.Draws[iter].Unit[i])
			}
		})
		da, db := make([]float64, dim), make([]float64, dim)
		for i, want := range run.Iterates {
			if path := run.Draws[i].Path; path != nil {
				q.Path(da, db, q.Transform(nil, run.Draws[i].Unit[0]))
				for j, b := range q.Rate(nil) {
					da[j] *= b
				}
				nearPositive(t, i+1, "dg/da", da, path)
			}
			if _, err := e.Step(); err != nil {
				t.Fatal(err)
			}
			nearPositive(t, i+1, run.Method+": shape", q.Shape(nil), want.Shape)
			nearPositive(t, i+1, run.Method+": rate", q.Rate(nil), want.Rate)
		}
	}
}

func replayInverseGaussian(t *testing.T, data []byte) {
	var f struct {
		Rows []struct {
			Alpha, Beta, Z, CDF, Mean, Entropy float64
			LogPDF                             float64 `json:"log_pdf"`
			DzDalpha                           float64 `json:"dz_dalpha"`
			DzDbeta                            float64 `json:"dz_dbeta"`
			MeanInverse                        float64 `json:"mean_inverse"`
			DHDalpha                           float64 `json:"dH_dalpha"`
			DHDbeta                            float64 `json:"dH_dbeta"`
		}
	}
	decode(t, data, &f)
	for i, r := range f.Rows {
		q, err := NewInverseGaussians([]float64{1 / r.Beta}, []float64{r.Alpha})
		if err != nil {
			t.Fatal(err)
		}
		z, v := []float64{r.Z}, make([]float64, 4)
		q.Path(v[:1], v[1:2], z)
		q.EntropyGrad(v[2:3], v[3:])
		got := append(v, q.LogProb(z), q.CDF(nil, z)[0], q.Mean(nil)[0], q.MeanInverse(nil)[0], q.Entropy())
		nearPositive(t, i, "(dz/dα, dz/dβ, dH/dα, dH/dβ, log q, F, E z, E 1/z, H)", got,
			[]float64{r.DzDalpha, r.DzDbeta, r.DHDalpha, r.DHDbeta, r.LogPDF, r.CDF, r.Mean, r.MeanInverse, r.Entropy})
	}
}

func replayBirnbaumSaunders(t *testing.T, data []byte) {
	var f struct {
		Target struct{ A, B, C float64 }
		Config struct {
			Samples  int
			StepSize float64 `json:"step_size"`
		}
		Initial struct{ Alpha, Beta float64 }
		Draws   []struct{ Normal []float64 }
		Steps   []struct {
			GradM       []float64 `json:"grad_m"`
			Used        float64   `json:"step_size_used"`
			Natural     []float64
			Alpha, Beta float64
		}
	}
	decode(t, data, &f)
	if len(f.Steps) == 0 || len(f.Draws) != len(f.Steps) {
		t.Fatalf("%d draws and %d steps", len(f.Draws), len(f.Steps))
	}
	q, err := NewBirnbaumSaunders([]float64{f.Initial.Alpha}, []float64{f.Initial.Beta})
	if err != nil {
		t.Fatal(err)
	}
	c := f.Target
	e := plainPositiveRun(t, q, positiveTarget(c.A, c.B, c.C), f.Config.StepSize, len(f.Steps), f.Config.Samples, func(draws []expfam.Draw, iter int) {
		for i := range draws {
			q.Transform(draws[i].X, f.Draws[iter].Normal[i:i+1])
		}
	})
	for i, want := range f.Steps {
		before := q.Natural(nil)
		if _, err := e.Step(); err != nil {
			t.Fatal(err)
		}
		nearPositive(t, i+1, "natural parameter", q.Natural(nil), want.Natural)
		nearPositive(t, i+1, "(α, β)", append(q.Shape(nil), q.Scale(nil)...), []float64{want.Alpha, want.Beta})
		for j := range before {
			before[j] += want.Used * want.GradM[j]
		}
		nearPositive(t, i+1, "step by the recorded gradient", q.Natural(nil), before)
	}
}

// positiveTarget is log p(z) = (a−1) log z − bz − c/z.
func positiveTarget(a, b, c float64) *vi.Target {
	value := func(x []float64) float64 { return (a-1)*math.Log(x[0]) - b*x[0] - c/x[0] }
	return &vi.Target{Dim: 1, LogProb: value, Grad: func(dst, x []float64) float64 {
		dst[0] = (a-1)/x[0] - b + c/(x[0]*x[0])
		return value(x)
	}}
}
