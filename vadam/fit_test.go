package vadam_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

// waves are rows of a smooth function of two inputs with noise.
func waves(t testing.TB, rows int) *nn.Data {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 11))
	x, y := make([]float64, 2*rows), make([]float64, rows)
	for i := range y {
		a, b := 4*rng.Float64()-2, 3*rng.NormFloat64()
		x[2*i], x[2*i+1] = a, b
		y[i] = 50 + 10*(math.Sin(2*a)+0.3*b+0.2*rng.NormFloat64())
	}
	d := must(nn.NewData(x, y, rows))
	d.Inputs, d.Targets = []string{"a", "b"}, []string{"yield"}
	return d
}

func wavesNet(t testing.TB) *nn.Net {
	return newNet(t, nn.Gaussian{Learned: true}, 2, nn.Dense{Out: 20, Act: nn.Tanh}, nn.Dense{Out: 1})
}

// Linear regression with known noise: the optimum of the mean-field family and its ELBO
// are known in closed form, so is log p(D) of an orthogonal design.
func TestFitLinear(t *testing.T) {
	const n, tau, lam = 128, 4.0, 1.0
	x, y := make([]float64, 2*n), make([]float64, n)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range y { // orthogonal columns ±1, and the bias
		a, b := float64(1-2*(i%2)), float64(1-2*(i/2%2))
		x[2*i], x[2*i+1] = a, b
		y[i] = 1.5*a - 0.5*b + 0.3 + rng.NormFloat64()/math.Sqrt(tau)
	}
	net, d := newNet(t, nn.Gaussian{Precision: tau}, 2, nn.Dense{Out: 1}), must(nn.NewData(x, y, n))
	prec := tau*n + lam
	want, yy := [3]float64{}, 0.0
	for i, v := range y {
		for j, c := range [3]float64{x[2*i], x[2*i+1], 1} {
			want[j] += tau * c * v / prec
		}
		yy += v * v
	}
	evidence := 0.5 * (n*math.Log(tau/(2*math.Pi)) - tau*yy + 3*math.Log(lam/prec))
	for _, m := range want {
		evidence += 0.5 * prec * m * m
	}
	for _, method := range []vadam.Method{vadam.IVON, vadam.VON} {
		r := must(vadam.Fit(background, net, d, &vadam.FitSettings{
			Optimizer: vadam.Settings{Method: method, Draws: 4, Antithetic: true}, Epochs: 300, Seed: 1}))
		for j, m := range want {
			sd := r.Posterior.SD(nil)[j]
			near(t, "mean", r.Posterior.Mean(nil)[j], m, 0.25/math.Sqrt(prec))
			near(t, "sd", sd, 1/math.Sqrt(prec), 0.1/math.Sqrt(prec))
		}
		near(t, "ELBO", r.ELBO, evidence, 0.1+4*r.ELBOErr)
		near(t, "curvature", r.All.Curvature, 1, 0.2+4*r.All.CurvatureErr)
		near(t, "data fit less KL", r.DataFit-r.KL, r.ELBO, 1e-12*math.Abs(r.DataFit))
		if r.Grade() != vadam.Good {
			t.Error(r.Verdict())
		}
	}
}

// Good fits are called good and crippled ones are not.
func TestVerdicts(t *testing.T) {
	constant := func(int) float64 { return 1 }
	for _, c := range []struct {
		name  string
		s     vadam.FitSettings
		grade vadam.Grade
		says  string
		cond  expfam.Condition
	}{
		{"default", vadam.FitSettings{}, vadam.Good, "curvature", 0},
		{"VOGN", vadam.FitSettings{Optimizer: vadam.Settings{Method: vadam.VOGN}}, vadam.Good, "curvature", 0},
		{"three epochs", vadam.FitSettings{Epochs: 3}, vadam.Caution, "means are not at an optimum", expfam.NotConverged},
		{"rate too low", vadam.FitSettings{Optimizer: vadam.Settings{Rate: 0.002}}, vadam.Caution, "the rates of all steps add up to 2", expfam.NotConverged},
		{"rate does not decay", vadam.FitSettings{Optimizer: vadam.Settings{RateAt: constant}}, vadam.Caution, "a rate that decays", expfam.NotConverged},
		{"still falling", vadam.FitSettings{Epochs: 50, Optimizer: vadam.Settings{Rate: 0.005, Draws: 8, RateAt: constant}}, vadam.Caution, "still falling", expfam.NotConverged},
		{"long memory", vadam.FitSettings{Optimizer: vadam.Settings{Beta2: 0.99999}}, vadam.Caution, "sds are still near their start", expfam.NotConverged},
		{"unstable", vadam.FitSettings{Optimizer: vadam.Settings{Rate: 0.5, Beta2: 0.99, ClipRadius: math.Inf(1)}}, vadam.Bad, "diverged", 0},
		{"prior too narrow", vadam.FitSettings{Optimizer: vadam.Settings{PriorPrec: 1e4}}, vadam.Caution, "of W1 are at their prior", 0},
		{"clipped", vadam.FitSettings{Optimizer: vadam.Settings{ClipRadius: 0.01}}, vadam.Caution, "of the moves were clipped", expfam.Shortened},
		{"warm", vadam.FitSettings{Optimizer: vadam.Settings{ESS: 20}}, vadam.Caution, "the sds destroy the fit", 0},
		{"Vadam", vadam.FitSettings{Optimizer: vadam.Settings{Method: vadam.Vadam}}, vadam.Caution, "Vadam squares gradients of 32 rows at once: sds too wide, by up to √32", 0},
		{"Vadam alone", vadam.FitSettings{Batch: 1, Epochs: 20, Optimizer: vadam.Settings{Method: vadam.Vadam}}, vadam.Good, "curvature", 0},
		{"Adam", vadam.FitSettings{Optimizer: vadam.Settings{Method: vadam.Adam}}, vadam.Caution, "no posterior", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.Standardise = true
			net := wavesNet(t)
			if c.name == "unstable" { // tanh is bounded, and forgives much
				net = newNet(t, nn.Gaussian{Learned: true}, 2, nn.Dense{Out: 50, Act: nn.ReLU}, nn.Dense{Out: 1})
			}
			r, err := vadam.Fit(background, net, waves(t, 300), &c.s)
			if err != nil {
				t.Fatal(err)
			}
			if v := r.Verdict(); r.Grade() != c.grade || !strings.HasPrefix(v, c.grade.String()+": ") || !strings.Contains(v, c.says) || r.Conditions&c.cond != c.cond {
				t.Errorf("%s\nwant %v: … %q … [%v]", v, c.grade, c.says, c.cond)
			}
			if last := r.Trace[len(r.Trace)-1]; last.Epoch != last.Epochs || last.Steps == 0 || r.Status != vadam.Finished {
				t.Errorf("the trace ends with %+v and status %v", last, r.Status)
			}
		})
	}
}

// Every loss, with targets that it fits: fits are good and intervals or probabilities calibrated.
func TestFitLosses(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 21))
	for _, c := range []struct {
		loss nn.Loss
		out  int
		draw func(f float64) float64
	}{
		{nn.StudentT{DF: 4, Learned: true}, 1, func(f float64) float64 {
			return f + 0.3*rng.NormFloat64()/math.Sqrt((rng.ExpFloat64()+rng.ExpFloat64())/2)
		}},
		{nn.Poisson{}, 1, func(f float64) float64 { return poissonDraw(math.Exp(1+f), rng) }},
		{nn.Bernoulli{}, 1, func(f float64) float64 { return truth(rng.Float64() < 1/(1+math.Exp(-2*f))) }},
		{nn.Softmax{}, 3, func(f float64) float64 { return truth(f > 0) + truth(f+0.5*rng.NormFloat64() > 0.5) }},
	} {
		t.Run(fmt.Sprintf("%T", c.loss), func(t *testing.T) {
			const n, all = 400, 1400
			x, y := make([]float64, all), make([]float64, all)
			for i := range x {
				x[i] = 4*rng.Float64() - 2
				y[i] = c.draw(math.Sin(2 * x[i]))
			}
			d := must(nn.NewData(x, y, all))
			net := newNet(t, c.loss, 1, nn.Dense{Out: 20, Act: nn.Tanh}, nn.Dense{Out: c.out})
			r := must(vadam.Fit(background, net, d.Subset(seq(0, n)), &vadam.FitSettings{Standardise: true, Epochs: 100, Seed: 2}))
			if r.Grade() != vadam.Good {
				t.Error(r.Verdict())
			}
			p := must(r.Posterior.Predict(background, net, x[n:], nil))
			s := must(p.Score(y[n:]))
			switch {
			case p.Classes == 0 && (s.Coverage < 0.92 || s.Coverage > 0.998): // of counts at least 0.95
				t.Errorf("coverage is %v", s.Coverage)
			case p.Classes > 0 && !(s.ECE < 0.1):
				t.Errorf("ECE is %v", s.ECE)
			}
		})
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Without a prior there is no ELBO, but a fit all the same.
func TestFitFlatPrior(t *testing.T) {
	r := must(vadam.Fit(background, wavesNet(t), waves(t, 300), &vadam.FitSettings{
		Standardise: true, Epochs: 100, Optimizer: vadam.Settings{PriorPrec: vadam.Zero}}))
	if !math.IsInf(r.KL, 1) || math.IsNaN(r.DataFit) || r.Grade() == vadam.Bad || strings.Contains(r.Verdict(), "ELBO") {
		t.Errorf("KL %v, %s", r.KL, r.Verdict())
	}
}

// What a service does: fit raw data, keep the posterior, predict elsewhere in original units.
func TestFitAndPredict(t *testing.T) {
	net, d := wavesNet(t), waves(t, 300)
	r := must(vadam.Fit(background, net, d, &vadam.FitSettings{Standardise: true, Epochs: 150}))
	near(t, "mean of the normal distribution", must(r.Posterior.Normal()).Mean(nil)[7], r.Posterior.Mean(nil)[7], 1e-12)
	var q vadam.Posterior
	if err := q.UnmarshalBinary(must(r.Posterior.MarshalBinary())); err != nil {
		t.Fatal(err)
	}
	test := waves(t, 1300).Subset(seq(300, 1300)) // rows that were not trained on
	p := must(q.Predict(background, net, test.X, &vadam.PredictSettings{Workers: 2}))
	s := must(p.Score(test.Y))
	if s.RMSE < 1.8 || s.RMSE > 3.2 { // the noise is 2
		t.Errorf("RMSE is %v, want a little more than the noise's 2", s.RMSE)
	}
	near(t, "coverage", s.Coverage, 0.95, 0.035)
	if p.Targets[0] != "yield" || q.InputNames[1] != "b" {
		t.Errorf("names are %q and %q", p.Targets, q.InputNames)
	}
	far := must(q.Predict(background, net, []float64{0, 0, 12, 60}, nil))
	if far.Epistemic[1] < 5*far.Epistemic[0] {
		t.Errorf("epistemic variance is %v among the data and %v far away", far.Epistemic[0], far.Epistemic[1])
	}
}

func seq(lo, hi int) (s []int) {
	for i := lo; i < hi; i++ {
		s = append(s, i)
	}
	return s
}

// A fit that is stopped after any step and resumed ends in the same bytes.
func TestFitResume(t *testing.T) {
	net, d := wavesNet(t), waves(t, 50)
	set := vadam.FitSettings{Epochs: 4, Batch: 16, Seed: 5} // 4 batches an epoch, the last of 2 rows
	whole := must(vadam.Fit(background, net, d, &set))
	want := must(whole.Posterior.MarshalBinary())
	for stop := 0; stop < 16; stop++ {
		first := set
		ctx, cancel := context.WithCancel(background)
		steps := 0
		first.Optimizer.RateAt = func(t int) float64 { // called once a step, and to describe the state
			if t > steps {
				if steps = t; t == stop+1 {
					cancel()
				}
			}
			return vadam.CosineRate(0, 16)(t)
		}
		r, err := vadam.Fit(ctx, net, d, &first)
		cancel()
		if !errors.Is(err, context.Canceled) || r.Status != vadam.Interrupted || r.Conditions&expfam.Stopped == 0 || r.Grade() != vadam.Caution {
			t.Fatalf("stopped in step %d: %v, %+v", stop+1, err, r)
		}
		second := set
		second.Resume = r.State()
		again, err := vadam.Fit(background, net, d, &second)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(must(again.Posterior.MarshalBinary()), want) || !slices.Equal(again.State(), whole.State()) ||
			again.Verdict() != whole.Verdict() || !slices.Equal(again.Trace, whole.Trace) {
			t.Fatalf("stopped in step %d and resumed: %s\nwant %s", stop+1, again.Verdict(), whole.Verdict())
		}
	}
	// Checkpoints do as well, and damaged or foreign ones are refused.
	var states [][]byte
	set.Checkpoint = func(b []byte) { states = append(states, b) }
	must(vadam.Fit(background, net, d, &set))
	set.Checkpoint = nil
	for _, b := range states {
		set.Resume = b
		if r := must(vadam.Fit(background, net, d, &set)); !slices.Equal(r.State(), whole.State()) {
			t.Error("resumed from a checkpoint the fit ends elsewhere")
		}
		damaged := slices.Clone(b)
		damaged[len(b)/2] ^= 1
		set.Resume = damaged
		if _, err := vadam.Fit(background, net, d, &set); err == nil {
			t.Error("a damaged state is accepted")
		}
	}
	set.Resume = states[1]
	for name, change := range map[string]func(){
		"Epochs": func() { set.Epochs = 5 },
		"Seed":   func() { set.Epochs, set.Seed = 4, 6 },
		"data":   func() { set.Seed, d = 5, waves(t, 51) },
	} {
		_ = name
		change()
		if _, err := vadam.Fit(background, net, d, &set); err == nil || !strings.Contains(err.Error(), "Resume") {
			t.Errorf("a state of another fit is accepted: %v", err)
		}
	}
}

// Results depend neither on the number of workers nor on the net's workspace, and float32 is near float64.
func TestFitWorkersAndPrecision(t *testing.T) {
	d := waves(t, 700)
	set := vadam.FitSettings{Epochs: 6, Batch: 600, Seed: 2, Standardise: true}
	one := must(vadam.Fit(background, wavesNet(t), d, &set))
	set.Workers = 3
	if three := must(vadam.Fit(background, wavesNet(t), d, &set)); !slices.Equal(must(three.Posterior.MarshalBinary()), must(one.Posterior.MarshalBinary())) {
		t.Error("three workers give other bits than one")
	}
	net := must(nn.New32(nn.Gaussian{Learned: true}, nn.Vector(2), nn.Dense{Out: 20, Act: nn.Tanh}, nn.Dense{Out: 1}))
	single := must(vadam.Fit32(background, net, d, &set))
	a, b := one.Posterior.Mean(nil), single.Posterior.Mean(nil)
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-3 {
			t.Fatalf("weight %d is %v in single and %v in double precision", i, b[i], a[i])
		}
	}
	p := must(single.Posterior.Predict(background, wavesNet(t), d.X, nil))
	if s := must(p.Score(d.Y)); math.IsNaN(s.LogLik) {
		t.Error("no prediction in double precision from a posterior in single precision")
	}
	set.Resume = single.State()
	if _, err := vadam.Fit(background, wavesNet(t), d, &set); err == nil {
		t.Error("a state of single precision goes on in double precision")
	}
}

// A step that fails ends the fit with the state before it.
func TestFitFailed(t *testing.T) {
	d := waves(t, 50)
	set := vadam.FitSettings{Epochs: 3, Optimizer: vadam.Settings{
		Noise: func(dst []float64, step, draw int) {
			clear(dst)
			if step == 4 {
				dst[3] = math.NaN()
			}
		}}}
	r, err := vadam.Fit(background, wavesNet(t), d, &set)
	var step *vadam.StepError
	if !errors.As(err, &step) || step.Step != 4 {
		t.Fatalf("error is %v, want a *StepError of step 4", err)
	}
	if r.Status != vadam.Failed || !r.Status.Early() || r.Grade() != vadam.Bad || r.Conditions&expfam.NonFinite == 0 || !strings.Contains(r.Verdict(), "failed in step 4") {
		t.Errorf("%v: %s", r.Status, r.Verdict())
	}
	for _, v := range r.Posterior.Mean(nil) {
		if math.IsNaN(v) {
			t.Fatal("the posterior holds a NaN")
		}
	}
}

func TestFitErrors(t *testing.T) {
	d := waves(t, 20)
	wide := must(nn.NewData(make([]float64, 60), make([]float64, 20), 20))
	labels := newNet(t, nn.Bernoulli{}, 2, nn.Dense{Out: 1})
	for _, c := range []struct {
		name, says string
		net        *nn.Net
		d          *nn.Data
		s          vadam.FitSettings
	}{
		{"no data", "rows of the data", wavesNet(t), nil, vadam.FitSettings{}},
		{"columns", "2 inputs and 1 targets", wavesNet(t), wide, vadam.FitSettings{}},
		{"batch", "Batch is 21", wavesNet(t), d, vadam.FitSettings{Batch: 21}},
		{"negative batch", "Batch is -1", wavesNet(t), d, vadam.FitSettings{Batch: -1}},
		{"epochs", "Epochs", wavesNet(t), d, vadam.FitSettings{Epochs: -1}},
		{"workers", "Workers", wavesNet(t), d, vadam.FitSettings{Workers: -2}},
		{"rows", "Optimizer.N is 7", wavesNet(t), d, vadam.FitSettings{Optimizer: vadam.Settings{N: 7}}},
		{"method", "VadaGrad minimises a function", wavesNet(t), d, vadam.FitSettings{Optimizer: vadam.Settings{Method: vadam.VadaGrad}}},
		{"rate", "Rate", wavesNet(t), d, vadam.FitSettings{Optimizer: vadam.Settings{Rate: -1}}},
		{"labels", "0 or 1", labels, d, vadam.FitSettings{}},
		{"start", "mu[1]", wavesNet(t), d, vadam.FitSettings{Start: append([]float64{0, math.NaN()}, make([]float64, 80)...)}},
	} {
		r, err := vadam.Fit(background, c.net, c.d, &c.s)
		if err == nil || r != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error is %v with result %v, want one that says %q", c.name, err, r, c.says)
		}
	}
	defer func() {
		if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "Start") {
			t.Errorf("a start of the wrong length panics with %v", v)
		}
	}()
	vadam.Fit(background, wavesNet(t), d, &vadam.FitSettings{Start: []float64{1}})
}

func TestFitProgress(t *testing.T) {
	var got []vadam.EpochRecord
	r := must(vadam.Fit(background, wavesNet(t), waves(t, 50), &vadam.FitSettings{Epochs: 3, Progress: func(e vadam.EpochRecord) { got = append(got, e) }}))
	if !slices.Equal(got, r.Trace) || len(got) != 3 || got[2].Steps != 6 || got[0].Epochs != 3 {
		t.Errorf("progress %+v\ntrace %+v", got, r.Trace)
	}
}
