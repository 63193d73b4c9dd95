package metrics_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/internal/oracle"
	. "github.com/natgrad/natgrad/metrics"
)

// goldenMetrics has the sections of a golden file, any of which may be missing.
type goldenMetrics struct {
	Regression *struct {
		Samples   [][]float64
		Tau, KL   float64
		Y         []float64
		TrainSize int `json:"train_size"`

		RMSE     float64
		LLJoint  float64   `json:"ll_joint_per_point"`
		NegELBO  float64   `json:"neg_elbo_per_point"`
		LLPoint  float64   `json:"ll_pointwise"`
		LLMoment float64   `json:"ll_moment_gaussian"`
		LLMean   float64   `json:"mean_of_sample_ll"`
		PredMean []float64 `json:"pred_mean"`
		PredVar  []float64 `json:"pred_var"`
	}
	Classification *struct {
		Y        []float64
		Logits   [][][]float64
		Probs    [][]float64
		Accuracy float64
		LLJoint  float64 `json:"ll_joint_per_point"`
		NLL      float64 `json:"nll_pointwise"`
		Brier    float64
		Entropy  float64 `json:"entropy_mean"`
		MI       float64 `json:"mutual_information_mean"`
		ECE10    float64
		ECE15    float64
		MeanConf float64 `json:"mean_confidence"`
	}
	OOD *struct {
		In        []float64 `json:"in_scores"`
		Out       []float64 `json:"out_scores"`
		AUROC     float64
		AUPRIn    float64 `json:"aupr_in"`
		AUPROut   float64 `json:"aupr_out"`
		FPR       float64 `json:"fpr_at_tpr95"`
		Detection float64 `json:"detection_error"`
	}
}

func schemaOf(data []byte) string {
	var f struct{ Schema string }
	if json.Unmarshal(data, &f) != nil {
		return ""
	}
	return f.Schema
}

func TestGoldenMetrics(t *testing.T) {
	kind := oracle.Of("metrics", func(f oracle.Fields) bool {
		return f.Has("regression") || f.Has("classification") || f.Has("ood")
	}, replayMetrics)
	// The optimisers' files are replayed where the optimisers are.
	oracle.Replay(t, "weight-perturbation", []oracle.Kind{kind}, func(data []byte) bool {
		s := schemaOf(data)
		return strings.HasPrefix(s, "weight-perturbation/") || strings.HasPrefix(s, "mf-exact-logreg/")
	})
}

func replayMetrics(t *testing.T, data []byte) {
	var g goldenMetrics
	var f oracle.Fields
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	for name, dst := range map[string]any{"regression": &g.Regression, "classification": &g.Classification, "ood": &g.OOD} {
		if !f.Has(name) {
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(f[name]))
		dec.DisallowUnknownFields()
		if err := dec.Decode(dst); err != nil {
			t.Fatalf("%s: a figure that no metric is compared with: %v", name, err)
		}
	}
	check := func(name string, want float64) func(float64, error) {
		return func(got float64, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if !(math.Abs(got-want) <= 1e-9*max(1, math.Abs(want))) {
				t.Errorf("%s is %.15g, want %.15g", name, got, want)
			}
		}
	}
	if r := g.Regression; r != nil {
		draws, n := len(r.Samples), len(r.Y)
		ll := make([]float64, 0, draws*n)
		mean, sd := make([]float64, n), make([]float64, n)
		for i := range n {
			col := make([]float64, draws)
			for k := range col {
				col[k] = r.Samples[k][i]
			}
			m, se, err := MeanSE(col)
			check("pred_mean", r.PredMean[i])(m, err)
			variance := se*se*float64(draws) + 1/r.Tau
			check("pred_var", r.PredVar[i])(variance, nil)
			mean[i], sd[i] = m, math.Sqrt(variance)
		}
		for _, f := range r.Samples {
			for i, y := range r.Y {
				ll = append(ll, 0.5*math.Log(r.Tau/(2*math.Pi))-0.5*r.Tau*(y-f[i])*(y-f[i]))
			}
		}
		check("rmse", r.RMSE)(RMSE(mean, r.Y))
		check("ll_joint_per_point", r.LLJoint)(JointLogLik(ll, draws))
		check("ll_pointwise", r.LLPoint)(PointwiseLogLik(ll, draws))
		check("mean_of_sample_ll", r.LLMean)(MeanLogLik(ll, draws))
		check("ll_moment_gaussian", r.LLMoment)(NormalLogLik(mean, sd, r.Y))
		m, err := MeanLogLik(ll, draws)
		check("neg_elbo_per_point", r.NegELBO)(-m+r.KL/float64(r.TrainSize), err)
	}
	if c := g.Classification; c != nil {
		draws, n, classes := len(c.Logits), len(c.Y), len(c.Logits[0][0])
		var p, ll []float64
		mean := make([]float64, n*classes)
		for _, rows := range c.Logits {
			for i, row := range rows {
				total := 0.0
				for _, v := range row {
					total += math.Exp(v)
				}
				for j, v := range row {
					p = append(p, math.Exp(v)/total)
					mean[i*classes+j] += math.Exp(v) / total / float64(draws)
				}
				ll = append(ll, row[int(c.Y[i])]-math.Log(total))
			}
		}
		for i, row := range c.Probs {
			for j, v := range row {
				check("probs", v)(mean[i*classes+j], nil)
			}
		}
		check("accuracy", c.Accuracy)(Accuracy(mean, classes, c.Y))
		check("ll_joint_per_point", c.LLJoint)(JointLogLik(ll, draws))
		check("nll_pointwise", c.NLL)(NLL(mean, classes, c.Y))
		ll1, err := PointwiseLogLik(ll, draws)
		check("nll_pointwise from log-likelihoods", c.NLL)(-ll1, err)
		check("brier", c.Brier)(Brier(mean, classes, c.Y))
		check("ece10", c.ECE10)(ECE(mean, classes, c.Y, 10))
		check("ece15", c.ECE15)(ECE(mean, classes, c.Y, 15))
		average := func(x []float64, err error) (float64, error) {
			if err != nil {
				return 0, err
			}
			m, _, err := MeanSE(x)
			return m, err
		}
		check("entropy_mean", c.Entropy)(average(Entropy(nil, mean, classes)))
		check("mutual_information_mean", c.MI)(average(MutualInformation(nil, p, draws, classes)))
		check("mean_confidence", c.MeanConf)(average(Confidence(nil, mean, classes)))
	}
	if o := g.OOD; o != nil {
		check("auroc", o.AUROC)(AUROC(o.In, o.Out))
		check("aupr_in", o.AUPRIn)(AUPRIn(o.In, o.Out))
		check("aupr_out", o.AUPROut)(AUPROut(o.In, o.Out))
		check("fpr_at_tpr95", o.FPR)(FPRAtTPR(o.In, o.Out, 0.95))
		check("detection_error", o.Detection)(DetectionError(o.In, o.Out))
	}
}
