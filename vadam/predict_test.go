package vadam_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/metrics"
	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

var background = context.Background()

func near(t *testing.T, name string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s is %.12g, want %.12g ± %.1g", name, got, want, tol)
	}
}

func newNet(t testing.TB, loss nn.Loss, in int, layers ...nn.Layer) *nn.Net {
	t.Helper()
	net, err := nn.New(loss, nn.Vector(in), layers...)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// linear is Bayesian linear regression with a diagonal posterior, whose predictive
// distribution is known: N(xᵀm + b, 1/τ + Σ x²sd² + sd_b²).
func linear(t testing.TB) (net *nn.Net, q *vadam.Posterior, x, mean, sd []float64) {
	const tau = 4.0
	net = newNet(t, nn.Gaussian{Precision: tau}, 2, nn.Dense{Out: 1})
	m, s := []float64{1, -2, 0.5}, []float64{0.3, 0.2, 0.1} // W, W, b
	q = must(vadam.NewPosterior(net.Params(), m, s, []float64{1, 1, 1}))
	x = []float64{0, 0, 1, 0, 1, 3, -4, 2}
	for i := 0; i < len(x); i += 2 {
		a, b := x[i], x[i+1]
		mean = append(mean, a*m[0]+b*m[1]+m[2])
		sd = append(sd, math.Sqrt(1/tau+a*a*s[0]*s[0]+b*b*s[1]*s[1]+s[2]*s[2]))
	}
	return net, q, x, mean, sd
}

func TestPredictLinear(t *testing.T) {
	net, q, x, mean, sd := linear(t)
	const draws = 20000
	p := must(q.Predict(background, net, x, &vadam.PredictSettings{Draws: draws, Seed: 1}))
	lower, upper, err := p.Interval(0.9)
	if err != nil {
		t.Fatal(err)
	}
	for i := range mean {
		epi := sd[i]*sd[i] - 0.25
		near(t, "mean", p.Mean[i], mean[i], 4*math.Sqrt(epi/draws))
		near(t, "aleatoric", p.Aleatoric[i], 0.25, 1e-12)
		near(t, "epistemic", p.Epistemic[i], epi, 4*epi*math.Sqrt(2.0/draws))
		near(t, "sd", p.SD[i], sd[i], 0.02*sd[i])
		near(t, "sum of variances", p.SD[i]*p.SD[i], p.Aleatoric[i]+p.Epistemic[i], 1e-12)
		near(t, "lower", lower[i], mean[i]-1.6448536*sd[i], 0.03*sd[i])
		near(t, "upper", upper[i], mean[i]+1.6448536*sd[i], 0.03*sd[i])
	}
	// The log density of the mixture is that of the exact normal.
	y := []float64{0.4, 1.6, -3, -7}
	s := must(p.Score(y))
	near(t, "log-likelihood", s.LogLik, must(metrics.NormalLogLik(mean, sd, y)), 0.02)
	near(t, "RMSE", s.RMSE, must(metrics.RMSE(p.Mean, y)), 0)
	near(t, "coverage", s.Coverage, 1, 0)
	if !math.IsNaN(s.Accuracy) || !math.IsNaN(s.ECE) {
		t.Errorf("a regression has accuracy %v and ECE %v, want NaN", s.Accuracy, s.ECE)
	}
}

// A row's log-likelihood is the net's own, for every loss.
func TestPredictLogLik(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, c := range []struct {
		loss nn.Loss
		y    []float64
	}{
		{nn.Gaussian{Precision: 3}, []float64{0.3, -1, 2, 0, 1, 1}},
		{nn.Gaussian{Learned: true}, []float64{0.3, -1, 2, 0, 1, 1}},
		{nn.StudentT{DF: 3, Scale: 0.5}, []float64{0.3, -1, 2, 0, 1, 1}},
		{nn.StudentT{Learned: true}, []float64{0.3, -1, 2, 0, 1, 1}},
		{nn.Bernoulli{}, []float64{0, 1, 1, 0, 1, 1}},
		{nn.Poisson{}, []float64{0, 3, 2, 1, 7, 0}},
		{nn.Softmax{}, []float64{1, 0, 1}},
	} {
		net := newNet(t, c.loss, 2, nn.Dense{Out: 3, Act: nn.Tanh}, nn.Dense{Out: 2})
		w := make([]float64, net.NumParams())
		net.Init(w, rng)
		x := []float64{1, 2, -1, 0.5, 3, -2}
		sd := make([]float64, len(w))
		for i := range sd {
			sd[i] = 0.2
		}
		q := must(vadam.NewPosterior(net.Params(), w, sd, nil))
		const draws = 5
		p := must(q.Predict(background, net, x, &vadam.PredictSettings{Draws: draws, Seed: 9}))
		ll := must(p.LogLik(nil, c.y))
		for k := range draws {
			want := must(net.LogLik(nil, q.Sample(nil, 9, uint64(k)), x, c.y))
			for i, v := range want {
				near(t, "log-likelihood", ll[k*3+i], v, 1e-11*(1+math.Abs(v)))
			}
		}
		s := must(p.Score(c.y))
		near(t, "pointwise", s.LogLik, must(metrics.PointwiseLogLik(ll, draws)), 0)
		near(t, "joint", s.JointLogLik, must(metrics.JointLogLik(ll, draws)), 0)
	}
}

// Quantiles, moments and distribution function against many samples of the mixture.
func TestPredictBruteForce(t *testing.T) {
	for name, loss := range map[string]nn.Loss{
		"gaussian": nn.Gaussian{Precision: 2, Learned: true}, "studentT": nn.StudentT{DF: 5, Learned: true}, "poisson": nn.Poisson{},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 7))
			net := newNet(t, loss, 1, nn.Dense{Out: 4, Act: nn.Tanh}, nn.Dense{Out: 1})
			w, sd := make([]float64, net.NumParams()), make([]float64, net.NumParams())
			net.Init(w, rng)
			for i := range w {
				w[i] *= 2
				sd[i] = 0.4
			}
			q := must(vadam.NewPosterior(net.Params(), w, sd, nil))
			x := []float64{-2, 0.3, 5}
			const draws = 7
			p := must(q.Predict(background, net, x, &vadam.PredictSettings{Draws: draws}))
			const n = 50000
			for i := range x {
				samples := make([]float64, n)
				var sum, sq float64
				for r := range samples {
					v := q.Sample(nil, 0, uint64(r%draws))
					f, extra := net.Forward(nil, v, x[i:i+1])[0], v[len(v)-1]
					switch name {
					case "gaussian":
						f += math.Exp(-extra/2) * rng.NormFloat64()
					case "studentT":
						chi := 0.0
						for range 5 {
							z := rng.NormFloat64()
							chi += z * z
						}
						f += math.Exp(extra) * rng.NormFloat64() / math.Sqrt(chi/5)
					default:
						f = poissonDraw(math.Exp(f), rng)
					}
					samples[r], sum, sq = f, sum+f, sq+f*f
				}
				slices.Sort(samples)
				mean := sum / n
				near(t, "mean", p.Mean[i], mean, 4*p.SD[i]/math.Sqrt(n))
				near(t, "sd", p.SD[i], math.Sqrt(sq/n-mean*mean), 0.03*p.SD[i])
				for _, level := range []float64{0.001, 0.05, 0.5, 0.8, 0.999} {
					y := must(p.Quantile(nil, level))[i]
					below, atMost := 0, 0
					for _, v := range samples {
						if v < y {
							below++
						}
						if v <= y {
							atMost++
						}
					}
					tol := 4 * math.Sqrt(level*(1-level)/n)
					if float64(below)/n > level+tol || float64(atMost)/n < level-tol {
						t.Errorf("x = %v: quantile %v at level %v has %v of the samples below and %v at or below",
							x[i], y, level, float64(below)/n, float64(atMost)/n)
					}
					if name != "poisson" {
						at := must(p.CDF(nil, []float64{y, y, y}))[i]
						near(t, "CDF of the quantile", at, level, 1e-10)
					}
				}
			}
		})
	}
}

func poissonDraw(rate float64, rng *rand.Rand) float64 {
	n := 0.0
	for s := rng.ExpFloat64(); s < rate; s += rng.ExpFloat64() {
		n++
	}
	return n
}

// Components far apart and of very different widths: the quantiles lie in the gap or on a cliff.
func TestQuantileHardMixtures(t *testing.T) {
	net := newNet(t, nn.Gaussian{Learned: true}, 1, nn.Dense{Out: 1})
	weights := [][]float64{{0, -1e3, 20}, {0, 1e3, -10}, {0, 0, 0}} // slope, location, log precision
	p := must(vadam.PredictEnsemble(background, net, weights, []float64{1}, nil))
	for _, level := range []float64{1e-6, 0.2, 1.0 / 3, 0.4, 0.5, 0.66, 2.0 / 3, 0.9, 1 - 1e-6} {
		y := must(p.Quantile(nil, level))
		near(t, "CDF of the quantile", must(p.CDF(nil, y))[0], level, 1e-9)
	}
}

// Student's t without variance or without mean has quantiles far out.
func TestQuantileHeavyTails(t *testing.T) {
	for _, df := range []float64{0.5, 1, 2, 30} {
		net := newNet(t, nn.StudentT{DF: df}, 1, nn.Dense{Out: 1})
		p := must(vadam.PredictEnsemble(background, net, [][]float64{{0, -3}, {0, 0}, {0, 8}}, []float64{1}, nil))
		for _, level := range []float64{1e-5, 0.01, 0.5, 0.99999} {
			y := must(p.Quantile(nil, level))
			near(t, "CDF of the quantile", must(p.CDF(nil, y))[0], level, 1e-9)
		}
		if heavy := math.IsInf(p.SD[0], 1); heavy != (df <= 2) {
			t.Errorf("DF %v: sd %v", df, p.SD[0])
		}
	}
}

func TestPredictClasses(t *testing.T) {
	// Nets that only have biases: probabilities are those of the biases.
	net := newNet(t, nn.Softmax{}, 1, nn.Dense{Out: 2})
	certain := [][]float64{{0, 0, 30, 0}, {0, 0, 0, 30}}
	p := must(vadam.PredictEnsemble(background, net, certain, []float64{1}, nil))
	near(t, "mutual information of a disagreement", p.MutualInformation[0], math.Ln2, 1e-9)
	near(t, "epistemic variance", p.Epistemic[0], 0.25, 1e-9)
	near(t, "aleatoric variance", p.Aleatoric[0], 0, 1e-9)
	same := [][]float64{{0, 0, 0, 0}, {0, 0, 0, 0}}
	p = must(vadam.PredictEnsemble(background, net, same, []float64{1}, nil))
	near(t, "entropy of agreed doubt", p.ExpectedEntropy[0], math.Ln2, 1e-12)
	near(t, "mutual information", p.MutualInformation[0], 0, 1e-12)
	near(t, "aleatoric variance", p.Aleatoric[1], 0.25, 1e-12)

	// One logit is two classes: the same numbers from both losses.
	one := newNet(t, nn.Bernoulli{}, 1, nn.Dense{Out: 1})
	two, single := [][]float64{{0, 0, 0, 1.3}, {0, 0, 0, -0.2}}, [][]float64{{0, 1.3}, {0, -0.2}}
	a := must(vadam.PredictEnsemble(background, net, two, []float64{1, 1}, nil))
	b := must(vadam.PredictEnsemble(background, one, single, []float64{1, 1}, nil))
	y := []float64{1, 0}
	for i := range a.Probs {
		near(t, "probability", b.Probs[i], a.Probs[i], 1e-12)
	}
	near(t, "entropy", b.Entropy[0], a.Entropy[0], 1e-12)
	near(t, "mutual information", b.MutualInformation[0], a.MutualInformation[0], 1e-12)
	s, r := must(a.Score(y)), must(b.Score(y))
	near(t, "log-likelihood", r.LogLik, s.LogLik, 1e-12)
	near(t, "Brier", r.Brier, s.Brier, 1e-12)
	near(t, "log-likelihood of probabilities", s.LogLik, -must(metrics.NLL(a.Probs, 2, y)), 1e-12)
	mi := must(metrics.MutualInformation(nil, concat(a.Draw(nil, 0), a.Draw(nil, 1)), 2, 2))
	near(t, "mutual information of package metrics", mi[0], a.MutualInformation[0], 1e-12)
	sure := make([][]float64, 49) // 1/49 added up 49 times is more than 1
	for k := range sure {
		sure[k] = []float64{0, 100}
	}
	if p := must(vadam.PredictEnsemble(background, one, sure, []float64{1}, nil)); p.Probs[1] > 1 || p.Probs[0] < 0 {
		t.Errorf("probabilities are %v", p.Probs)
	}
	if _, _, err := a.Interval(0.9); err == nil {
		t.Error("labels have an interval")
	}
}

func concat(a, b []float64) []float64 { return append(slices.Clone(a), b...) }

// Predictions do not depend on the number of workers, not even in their last bit.
func TestPredictWorkers(t *testing.T) {
	net, q, x, _, _ := linear(t)
	one := must(q.Predict(background, net, x, &vadam.PredictSettings{Draws: 33, Seed: 4}))
	for _, workers := range []int{2, 3, 50} {
		p := must(q.Predict(background, net, x, &vadam.PredictSettings{Draws: 33, Seed: 4, Workers: workers}))
		if !slices.Equal(p.Mean, one.Mean) || !slices.Equal(p.Epistemic, one.Epistemic) || !slices.Equal(p.Draw(nil, 32), one.Draw(nil, 32)) {
			t.Errorf("%d workers give other bits than one", workers)
		}
	}
	if p := must(q.Predict(background, net, x, &vadam.PredictSettings{Draws: 33, Seed: 5})); slices.Equal(p.Mean, one.Mean) {
		t.Error("another seed gives the same draws")
	}
}

// A net on standardised data with scalers predicts what the net with rescaled
// weights predicts without.
func TestPredictScaled(t *testing.T) {
	net := newNet(t, nn.Gaussian{Precision: 4}, 1, nn.Dense{Out: 2})
	q := must(vadam.NewPosterior(net.Params(), []float64{1, 2, 3, 4}, []float64{0.1, 0.2, 0.3, 0.4}, nil))
	q.Inputs = &nn.Scaler{Mean: []float64{5}, SD: []float64{2}}
	q.Targets = &nn.Scaler{Mean: []float64{-1, 100}, SD: []float64{3, 10}}
	q.TargetNames = []string{"a", "b"}
	p := must(q.Predict(background, net, []float64{9}, &vadam.PredictSettings{Draws: 50}))
	q.Inputs, q.Targets = nil, nil
	r := must(q.Predict(background, net, []float64{2}, &vadam.PredictSettings{Draws: 50}))
	ll, raw := must(p.LogLik(nil, []float64{8, 120})), must(r.LogLik(nil, []float64{3, 2}))
	near(t, "log density, in the new units", ll[7], raw[7]-math.Log(30), 1e-12)
	for j, sd := range []float64{3, 10} {
		near(t, "mean", p.Mean[j], []float64{-1, 100}[j]+sd*r.Mean[j], 1e-10)
		near(t, "aleatoric", p.Aleatoric[j], sd*sd*0.25, 1e-10)
		near(t, "epistemic", p.Epistemic[j], sd*sd*r.Epistemic[j], 1e-10)
		near(t, "quantile", must(p.Quantile(nil, 0.9))[j], []float64{-1, 100}[j]+sd*must(r.Quantile(nil, 0.9))[j], 1e-8)
	}
	if !slices.Equal(p.Targets, []string{"a", "b"}) {
		t.Errorf("targets are named %q", p.Targets)
	}
}

// Mixtures weigh their members equally, and points need one draw only.
func TestPredictMixture(t *testing.T) {
	net := newNet(t, nn.Gaussian{}, 1, nn.Dense{Out: 1})
	params, zero := net.Params(), []float64{0, 0}
	a := must(vadam.NewPosterior(params, []float64{0, 1}, zero, nil))
	b := must(vadam.NewPosterior(params, []float64{0, 5}, zero, nil))
	wide := must(vadam.NewPosterior(params, []float64{0, -3}, []float64{0, 0.1}, nil))
	p := must(vadam.PredictMixture(background, net, []*vadam.Posterior{a, b}, []float64{1}, nil))
	if p.Draws != 2 {
		t.Errorf("%d draws of two points, want 2", p.Draws)
	}
	near(t, "mean", p.Mean[0], 3, 1e-15)
	near(t, "epistemic", p.Epistemic[0], 4, 1e-15)
	near(t, "aleatoric", p.Aleatoric[0], 1, 1e-15)
	p = must(vadam.PredictMixture(background, net, []*vadam.Posterior{a, b, wide}, []float64{1}, &vadam.PredictSettings{Draws: 1000}))
	near(t, "mean", p.Mean[0], 1, 0.02)
	if p.Draws != 1002 {
		t.Errorf("%d draws, want 334 of each of three", p.Draws)
	}
	if p := must(a.Predict(background, net, []float64{1}, nil)); p.Draws != 1 || p.SD[0] != 1 {
		t.Errorf("a point has %d draws and sd %v, want one and the noise's 1", p.Draws, p.SD[0])
	}
}

func TestPosterior(t *testing.T) {
	net, q, _, _, _ := linear(t)
	n := must(q.Normal())
	near(t, "KL", q.KL(), n.KLTo(expfam.StandardDiagNormal(3)), 1e-12)
	q.Inputs, q.InputNames = &nn.Scaler{Mean: []float64{1, 2}, SD: []float64{3, 4}}, []string{"temperature", ""}
	b := must(q.MarshalBinary())
	var r vadam.Posterior
	if err := r.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if again := must(r.MarshalBinary()); !slices.Equal(again, b) || r.Targets != nil || r.InputNames[0] != "temperature" || r.KL() != q.KL() {
		t.Error("a restored posterior is not the one that was saved")
	}
	for i := range b {
		damaged := slices.Clone(b)
		damaged[i] ^= 0x40
		if err := r.UnmarshalBinary(damaged); err == nil {
			t.Fatalf("damage at byte %d is not noticed", i)
		}
		if err := r.UnmarshalBinary(b[:i]); err == nil {
			t.Fatalf("bytes cut at %d are accepted", i)
		}
	}
	if !slices.Equal(r.Mean(nil), q.Mean(nil)) {
		t.Error("damaged bytes changed the receiver")
	}
	var sum, sq float64
	const draws = 4000
	for k := range uint64(draws) {
		w := q.Sample(nil, 3, k)
		sum, sq = sum+w[1], sq+(w[1]+2)*(w[1]+2)
	}
	near(t, "mean of draws", sum/draws, -2, 4*0.2/math.Sqrt(draws))
	near(t, "variance of draws", sq/draws, 0.04, 4*0.04*math.Sqrt(2.0/draws))
	if pt := must(vadam.NewPosterior(net.Params(), q.Mean(nil), make([]float64, 3), []float64{1, 1, 1})); !math.IsInf(pt.KL(), 1) {
		t.Errorf("KL of a point is %v, want +Inf", pt.KL())
	}
	if pt := must(vadam.NewPosterior(net.Params(), q.Mean(nil), q.SD(nil), nil)); !math.IsNaN(pt.KL()) {
		t.Errorf("KL to an unknown prior is %v, want NaN", pt.KL())
	}
}

func TestPredictErrors(t *testing.T) {
	net, q, x, _, _ := linear(t)
	other := newNet(t, nn.Gaussian{}, 2, nn.Dense{Out: 2})
	classes := newNet(t, nn.Softmax{}, 1, nn.Dense{Out: 2})
	cp := must(vadam.NewPosterior(classes.Params(), make([]float64, 4), make([]float64, 4), nil))
	scaled := *q
	scaled.Inputs = &nn.Scaler{Mean: []float64{0}, SD: []float64{1}}
	labels := *cp
	labels.Targets = &nn.Scaler{Mean: []float64{0}, SD: []float64{1}}
	p := must(q.Predict(background, net, x, nil))
	c := must(cp.Predict(background, classes, []float64{1}, nil))
	loud := newNet(t, nn.Poisson{}, 1, nn.Dense{Out: 1})
	params := net.Params()
	predict := func(_ *vadam.Prediction, err error) error { return err }
	made := func(_ *vadam.Posterior, err error) error { return err }
	slice := func(_ []float64, err error) error { return err }
	nan := math.NaN()
	for _, c := range []struct {
		name, param string
		index       int
		err         error
	}{
		{"other net", "the net's array W1", 0, predict(q.Predict(background, other, x, nil))},
		{"no rows", "rows of x", -1, predict(q.Predict(background, net, nil, nil))},
		{"NaN input", "x, row 1, column", 0, predict(q.Predict(background, net, []float64{0, 0, nan, 1}, nil))},
		{"negative draws", "Draws", -1, predict(q.Predict(background, net, x, &vadam.PredictSettings{Draws: -1}))},
		{"negative workers", "Workers", -1, predict(q.Predict(background, net, x, &vadam.PredictSettings{Workers: -1}))},
		{"scaler", "columns of the input scaler", 0, predict(scaled.Predict(background, net, x, nil))},
		{"scaled labels", "target scaler", 0, predict(labels.Predict(background, classes, []float64{1}, nil))},
		{"no posteriors", "number of posteriors", -1, predict(vadam.PredictMixture(background, net, nil, x, nil))},
		{"no weights", "number of weight vectors", -1, predict(vadam.PredictEnsemble(background, net, nil, x, nil))},
		{"overflow", "output of draw 0, row 0, column", 0, predict(vadam.PredictEnsemble(background, loud, [][]float64{{0, 800}}, []float64{1}, nil))},
		{"negative sd", "sd", 2, made(vadam.NewPosterior(params, []float64{0, 0, 0}, []float64{1, 1, -1}, nil))},
		{"NaN mean", "mean", 1, made(vadam.NewPosterior(params, []float64{0, nan, 0}, []float64{1, 1, 1}, nil))},
		{"no net", "number of weights", -1, made(vadam.NewPosterior(nil, nil, nil, nil))},
		{"level", "q", -1, slice(p.Quantile(nil, 1))},
		{"NaN in CDF", "y", 1, slice(p.CDF(nil, []float64{0, nan, 0, 0}))},
		{"quantile of labels", "number of classes", -1, slice(c.Quantile(nil, 0.5))},
		{"NaN target", "y", 3, slice(p.LogLik(nil, []float64{0, 0, 0, nan}))},
		{"class", "y", 0, slice(c.LogLik(nil, []float64{2}))},
	} {
		var e *expfam.DomainError
		if !errors.As(c.err, &e) {
			t.Errorf("%s: error is %v, want a *DomainError", c.name, c.err)
		} else if e.Param != c.param || e.Index != c.index {
			t.Errorf("%s: %v, want it to name %s[%d]", c.name, e, c.param, c.index)
		}
	}
	ctx, cancel := context.WithCancel(background)
	cancel()
	if _, err := q.Predict(ctx, net, x, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancellation the error is %v", err)
	}
}
