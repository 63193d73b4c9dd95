package vadam

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/natgrad/natgrad/internal/oracle"
	"github.com/natgrad/natgrad/nn"
)

const goldenTol = 1e-9

// golden is a file of iterates, schema weight-perturbation/1.
type golden struct {
	Schema, Method string
	Model          goldenModel
	Data           struct {
		N int
		X [][]float64
		Y []float64
	}
	Hyper   goldenHyper
	Init    struct{ Mu, Sigma []float64 }
	Batches [][]int
	Steps   []struct {
		T                        int
		Eps, Theta, Grad, GGN    [][]float64
		Loss                     []float64
		Mu, Sigma, S, M, Prec, H []float64
	}
	Final struct {
		KL *float64 `json:"kl_to_prior"`
	}
}

type goldenHyper struct {
	Lr, Beta1, Beta2       float64
	PriorPrec              float64   `json:"prior_prec"`
	PrecInit               float64   `json:"prec_init"`
	PriorPrecVec           []float64 `json:"prior_prec_vec"`
	Draws                  int       `json:"mc_samples"`
	Batch                  int       `json:"batch_size"`
	Ess                    float64
	HessInit               float64  `json:"hess_init"`
	WeightDecay            float64  `json:"weight_decay"`
	Clip                   *float64 `json:"clip_radius"`
	HessApprox             string   `json:"hess_approx"`
	Debias                 bool
	Rescale                bool `json:"rescale_lr"`
	Gamma1, Gamma2, Prior  float64
	MinPrec                float64 `json:"min_prec"`
	Dampening, Temperature float64
	StdInit                float64 `json:"std_init"`
	Alpha, Beta, Momentum  float64
	DecayRate              float64 `json:"decay_rate"`
	ZeroStart              bool    `json:"zero_start"`
}

// or0 is the field value that means v.
func or0(v float64) float64 {
	if v == 0 {
		return Zero
	}
	return v
}

// settings are the public settings that the file describes.
func (g *golden) settings(t *testing.T) Settings {
	t.Helper()
	h := &g.Hyper
	s := Settings{N: g.Data.N, Rate: h.Lr, Draws: h.Draws, PriorPrec: or0(h.PriorPrec)}
	switch g.Method {
	case "vadam":
		s.Method, s.Beta1, s.Beta2, s.InitPrec = Vadam, or0(h.Beta1), or0(h.Beta2), h.PrecInit
	case "vprop":
		s.Method, s.Beta2, s.InitPrec = Vprop, or0(h.Beta2), h.PrecInit
	case "vogn":
		s.Method, s.Beta2, s.InitPrec = VOGN, or0(h.Beta2), h.PrecInit
	case "vogn_tempered":
		s.Method, s.Beta1, s.Beta2 = MomentumVOGN, or0(h.Beta1), or0(h.Beta2)
		s.Damping, s.Temperature, s.InitPrec = h.Dampening, h.Temperature, float64(g.Data.N)/(h.StdInit*h.StdInit)
	case "ivon_price", "ivon_gradsq":
		s.Method, s.Beta1, s.Beta2, s.ESS = IVON, or0(h.Beta1), or0(h.Beta2), h.Ess
		s.PriorPrec, s.InitCurvature = or0(h.WeightDecay*h.Ess), or0(h.HessInit)
		s.NoDebias, s.NoRescale, s.GradSquared = !h.Debias, !h.Rescale, h.HessApprox == "gradsq"
		if h.Clip != nil && !math.IsInf(*h.Clip, 1) {
			s.ClipRadius = *h.Clip
		}
	case "vadagrad_rl":
		s.Method, s.N, s.PriorPrec = VadaGrad, 0, 0
		s.Beta2, s.InitPrec = or0(h.Gamma2), h.PrecInit
	case "vadam_rl":
		s.Method, s.N, s.PriorPrec = VadamVO, 0, or0(h.Prior)
		s.Beta1, s.Beta2, s.InitCurvature, s.MinPrec = or0(h.Gamma1), or0(h.Gamma2), or0(h.PrecInit), or0(h.MinPrec)
	case "matlab_vadam", "matlab_vogn":
		s.Method = VadamSum
		if g.Method == "matlab_vogn" {
			s.Method = VOGN
		}
		s.PriorPrec, s.PriorPrecs, s.InitPrec = 0, h.PriorPrecVec, h.PrecInit
		s.Rate, s.Beta1, s.Beta2 = h.Alpha, or0(h.Momentum), or0(1-h.Beta)
		s.RateAt, s.CurvatureRateAt = DecayRate(h.DecayRate), DecayRate(h.DecayRate)
	default:
		t.Fatalf("unknown method %q", g.Method)
	}
	return s
}

var goldenKinds = []oracle.Kind{
	oracle.Of("iterates", func(f oracle.Fields) bool {
		return f.Has("method", "model.params", "data.X", "hyper.mc_samples", "init.mu", "batches", "steps")
	}, replay),
	oracle.Of("mean-field optimum", func(f oracle.Fields) bool { return f.Has("cases", "note") }, checkOptimum),
}

// TestGoldenWeightPerturbation replays every file of iterates twice: from noise
// and batches alone with our own gradients, and from the gradients in the file.
func TestGoldenWeightPerturbation(t *testing.T) {
	oracle.Replay(t, "weight-perturbation", goldenKinds, func(data []byte) bool {
		var s struct{ Schema string }
		return json.Unmarshal(data, &s) == nil && s.Schema == "weight-perturbation-metrics/1"
	})
}

func decode(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

func replay(t *testing.T, data []byte) {
	var g golden
	decode(t, data, &g)
	var raw struct{ Hyper json.RawMessage }
	decode(t, data, &raw)
	strict := json.NewDecoder(bytes.NewReader(raw.Hyper))
	strict.DisallowUnknownFields()
	if err := strict.Decode(new(goldenHyper)); err != nil {
		t.Fatalf("hyper: %v", err)
	}
	m := g.Model.build(t)
	t.Run("gradients", func(t *testing.T) {
		g.replay(t, func(k int) *nn.Objective {
			x, y := g.batch(k)
			return m.objective(x, y)
		})
	})
	if g.Steps[0].Grad == nil {
		return
	}
	t.Run("fed", func(t *testing.T) {
		g.replay(t, func(k int) *nn.Objective {
			st, draw := &g.Steps[k], 0
			next := func(grad []float64) (float64, error) {
				copy(grad, st.Grad[draw])
				draw++
				return st.Loss[draw-1], nil
			}
			return &nn.Objective{
				Grad: func(grad, w []float64) (float64, error) { return next(grad) },
				GradSq: func(grad, sq, w []float64) (float64, error) {
					copy(sq, st.GGN[draw])
					return next(grad)
				},
			}
		})
	})
}

// batch gathers the rows of step k.
func (g *golden) batch(k int) (x, y []float64) {
	for _, i := range g.Batches[k] {
		x = append(x, g.Data.X[i]...)
		y = append(y, g.Data.Y[i])
	}
	return x, y
}

func (g *golden) replay(t *testing.T, objective func(step int) *nn.Objective) {
	s := g.settings(t)
	s.Noise = func(dst []float64, step, draw int) { copy(dst, g.Steps[step-1].Eps[draw]) }
	o, err := New(g.Init.Mu, &s)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "initial sigma", o.SD(nil), g.Init.Sigma)
	for k := range g.Steps {
		st := &g.Steps[k]
		obj := objective(k)
		draw := 0
		check := func(loss float64, grad, w []float64) {
			if st.Theta != nil {
				near(t, "theta", w, st.Theta[draw])
				near(t, "gradient", grad, st.Grad[draw])
				near(t, "loss", []float64{loss}, st.Loss[draw:draw+1])
			}
			draw++
		}
		err := o.Step(&nn.Objective{
			Grad: func(grad, w []float64) (float64, error) {
				loss, err := obj.Grad(grad, w)
				check(loss, grad, w)
				return loss, err
			},
			GradSq: func(grad, sq, w []float64) (float64, error) {
				loss, err := obj.GradSq(grad, sq, w)
				if st.GGN != nil {
					near(t, "ggn", sq, st.GGN[draw])
				}
				check(loss, grad, w)
				return loss, err
			},
		})
		if err != nil {
			t.Fatalf("step %d: %v", st.T, err)
		}
		near(t, "mu", o.Mean(nil), st.Mu)
		near(t, "sigma", o.SD(nil), st.Sigma)
		if st.M != nil {
			near(t, "m", o.Momentum(nil), st.M)
		}
		if st.S != nil {
			near(t, "s", o.Curvature(nil), st.S)
		}
		if st.H != nil {
			near(t, "h", o.Curvature(nil), st.H)
		}
		if st.Prec != nil {
			sd := o.SD(nil)
			for i, v := range sd {
				sd[i] = 1 / (v * v)
			}
			near(t, "prec", sd, st.Prec)
		}
		if t.Failed() {
			t.Fatalf("at step %d", st.T)
		}
	}
	if g.Final.KL != nil {
		near(t, "KL to the prior", []float64{o.KL()}, []float64{*g.Final.KL})
	}
}

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i, v := range want {
		if d := math.Abs(got[i] - v); !(d <= goldenTol*max(math.Abs(v), 1e-3)) {
			t.Errorf("%s[%d] = %.15g, want %.15g", what, i, got[i], v)
			return
		}
	}
}
