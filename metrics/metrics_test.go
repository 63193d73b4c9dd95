package metrics_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/natgrad/natgrad/metrics"
)

func near(t *testing.T, name string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s is %.12g, want %.12g ± %.1g", name, got, want, tol)
	}
}

// must returns v, which a metric returned without an error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestMeanSE(t *testing.T) {
	mean, se, err := MeanSE([]float64{1, 2, 3, 6})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean", mean, 3, 0)
	near(t, "se", se, math.Sqrt(3.5/4), 1e-15)
}

// Impossible points, one draw, and log-likelihoods that underflow as densities.
func TestLogLikEdges(t *testing.T) {
	inf := math.Inf(-1)
	near(t, "one draw", must(PointwiseLogLik([]float64{-1, -3}, 1)), -2, 1e-15)
	near(t, "one draw", must(JointLogLik([]float64{-1, -3}, 1)), -2, 1e-15)
	near(t, "underflow", must(JointLogLik([]float64{-5000, -6000}, 2)), -5000-math.Ln2, 1e-9)
	// A draw that excludes a point: the mixture does not, the mean over draws does.
	ll := []float64{inf, -1, -1, -1}
	near(t, "pointwise", must(PointwiseLogLik(ll, 2)), (-1-math.Ln2-1)/2, 1e-15)
	near(t, "joint", must(JointLogLik(ll, 2)), (-2-math.Ln2)/2, 1e-15)
	if v := must(MeanLogLik(ll, 2)); v != inf {
		t.Errorf("mean over draws is %v, want -Inf", v)
	}
	if v := must(PointwiseLogLik([]float64{inf, inf}, 2)); v != inf {
		t.Errorf("impossible for all draws: %v, want -Inf", v)
	}
}

// Jensen's inequality holds for any log-likelihoods.
func TestLogLikOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		draws, n := 1+rng.IntN(6), 1+rng.IntN(6)
		ll := make([]float64, draws*n)
		for i := range ll {
			ll[i] = 3 * rng.NormFloat64()
		}
		m := must(MeanLogLik(ll, draws))
		if p, j := must(PointwiseLogLik(ll, draws)), must(JointLogLik(ll, draws)); p < m-1e-12 || j < m-1e-12 {
			t.Fatalf("pointwise %v and joint %v, want at least the mean %v", p, j, m)
		}
	}
}

func TestRegression(t *testing.T) {
	y := []float64{1, 2, 4}
	near(t, "RMSE", must(RMSE([]float64{1, 4, 3}, y)), math.Sqrt(5.0/3), 1e-15)
	near(t, "MAE", must(MAE([]float64{1, 4, 3}, y)), 1, 1e-15)
	inf := math.Inf(1)
	near(t, "Coverage", must(Coverage([]float64{1, 2.5, -inf}, []float64{1, 3, inf}, y)), 2.0/3, 1e-15)
}

// A calibrated prediction has the coverage it names, a too narrow one has less; the
// CRPS of a large sample is that of the normal it comes from.
func TestCalibratedNormal(t *testing.T) {
	const n, draws = 4000, 40
	rng := rand.New(rand.NewPCG(2, 2))
	mean, sd, narrow, y := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	f := make([]float64, draws*n)
	for i := range y {
		mean[i], sd[i] = rng.NormFloat64(), math.Exp(rng.NormFloat64())
		narrow[i] = sd[i] / 2
		y[i] = mean[i] + sd[i]*rng.NormFloat64()
		for k := range draws {
			f[k*n+i] = mean[i] + sd[i]*rng.NormFloat64()
		}
	}
	levels := []float64{0.5, 0.9, 0.95}
	good := must(CoverageAt(nil, must(NormalPIT(nil, mean, sd, y)), levels))
	bad := must(CoverageAt(nil, must(NormalPIT(nil, mean, narrow, y)), levels))
	for j, p := range levels {
		se := math.Sqrt(p * (1 - p) / n)
		near(t, "coverage", good[j], p, 4*se)
		if bad[j] > p-10*se {
			t.Errorf("coverage of halved sds at %v is %v, want far less", p, bad[j])
		}
	}
	lower, upper := make([]float64, n), make([]float64, n)
	for i := range y {
		lower[i], upper[i] = mean[i]-1.6448536269514722*sd[i], mean[i]+1.6448536269514722*sd[i]
	}
	near(t, "Coverage of the bounds", must(Coverage(lower, upper, y)), good[1], 1e-12)

	exact := must(NormalCRPS(mean, sd, y))
	if wide := must(NormalCRPS(mean, narrow, y)); wide < exact {
		t.Errorf("CRPS of halved sds is %v, below that of the truth, %v", wide, exact)
	}
	// E|Y−Y'| of normals is 2σ/√π, so that the sample's excess over n draws is σ/(K√π) on average.
	near(t, "SampleCRPS", must(SampleCRPS(f, draws, y)), exact*(1+1.0/draws), 0.05*exact)
	near(t, "SampleCRPS by hand", must(SampleCRPS([]float64{1, 4}, 2, []float64{2})), 1.5-0.75, 1e-15)
	near(t, "NormalCRPS of a point", must(NormalCRPS([]float64{1}, []float64{1e-9}, []float64{3})), 2, 1e-8)
	near(t, "NormalLogLik", must(NormalLogLik([]float64{1}, []float64{2}, []float64{3})), -0.5-math.Log(2*math.Sqrt(2*math.Pi)), 1e-15)
}

func TestReliability(t *testing.T) {
	p := []float64{0.9, 0.1, 0.05, 0.95, 0.45, 0.55, 1, 0}
	bins := must(Reliability(p, 2, []float64{0, 0, 1, 0}, 10))
	count := 0
	for j, b := range bins {
		count += b.Count
		if (b.Count == 0) != math.IsNaN(b.Accuracy) {
			t.Errorf("bin %d of %d predictions has accuracy %v", j, b.Count, b.Accuracy)
		}
		near(t, "width", b.Upper-b.Lower, 0.1, 1e-15)
	}
	if count != 4 {
		t.Errorf("%d predictions in the bins, want 4", count)
	}
	last := bins[9] // 0.9, 0.95 and the confidence 1, which opens no bin of its own
	if last.Count != 3 {
		t.Fatalf("last bin has %d predictions, want 3", last.Count)
	}
	near(t, "confidence", last.Confidence, 2.85/3, 1e-15)
	near(t, "accuracy", last.Accuracy, 2.0/3, 1e-15)
	near(t, "ECE", must(ECE(p, 2, []float64{0, 0, 1, 0}, 10)), (0.85+0.45)/4, 1e-12)
	near(t, "one bin", must(ECE(p, 2, []float64{0, 0, 1, 0}, 1)), math.Abs(3.0/4-3.4/4), 1e-12)
}

func TestClassification(t *testing.T) {
	p := []float64{1, 0, 0, 0.25, 0.5, 0.25, 1.0 / 3, 1.0 / 3, 1.0 / 3}
	y := []float64{0, 2, 0}
	near(t, "Accuracy", must(Accuracy(p, 3, y)), 2.0/3, 1e-15) // ties go to the first class
	near(t, "NLL", must(NLL(p, 3, y)), (math.Log(4)+math.Log(3))/3, 1e-15)
	near(t, "Brier", must(Brier(p, 3, y)), (0.0625+0.25+0.5625+4.0/9+2.0/9)/3, 1e-15)
	h := must(Entropy(nil, p, 3))
	near(t, "Entropy", h[0], 0, 0)
	near(t, "Entropy", h[2], math.Log(3), 1e-15)
	if v := must(NLL(p, 3, []float64{1, 0, 0})); !math.IsInf(v, 1) {
		t.Errorf("NLL of an impossible class is %v, want +Inf", v)
	}
	// Two certain nets that disagree know nothing together: all of the entropy is between them.
	mi := must(MutualInformation(nil, []float64{1, 0, 0.5, 0.5, 0, 1, 0.5, 0.5}, 2, 2))
	near(t, "MutualInformation of a disagreement", mi[0], math.Ln2, 1e-15)
	near(t, "MutualInformation of agreed doubt", mi[1], 0, 1e-15)
}

// AUROC against its definition by pairs, with many ties, and the symmetries of both curves.
func TestRankingTies(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 100 {
		in, out := make([]float64, 1+rng.IntN(30)), make([]float64, 1+rng.IntN(30))
		for i := range in {
			in[i] = float64(rng.IntN(6))
		}
		for i := range out {
			out[i] = float64(rng.IntN(6)) - 1
		}
		pairs := 0.0
		for _, a := range in {
			for _, b := range out {
				switch {
				case a > b:
					pairs++
				case a == b:
					pairs += 0.5
				}
			}
		}
		got := must(AUROC(in, out))
		near(t, "AUROC", got, pairs/float64(len(in)*len(out)), 1e-12)
		minus := func(x []float64) []float64 {
			y := slices.Clone(x)
			for i := range y {
				y[i] = -y[i]
			}
			return y
		}
		near(t, "AUROC of swapped sets", must(AUROC(minus(out), minus(in))), got, 1e-12)
		near(t, "AUPR of swapped sets", must(AUPROut(in, out)), must(AUPRIn(minus(out), minus(in))), 1e-12)
		// By definition: the threshold is one of the scores of the inliers.
		best, fpr := 0.5, 2.0
		for _, th := range in {
			tp, fp := 0.0, 0.0
			for _, v := range in {
				if v >= th {
					tp += 1 / float64(len(in))
				}
			}
			for _, v := range out {
				if v >= th {
					fp += 1 / float64(len(out))
				}
			}
			if tp >= 0.8-1e-12 {
				fpr = min(fpr, fp)
			}
			best = min(best, (fp+1-tp)/2)
		}
		near(t, "FPRAtTPR", must(FPRAtTPR(in, out, 0.8)), fpr, 1e-12)
		near(t, "DetectionError", must(DetectionError(in, out)), best, 1e-12)
	}
	same := []float64{0.5, 0.5, 0.5}
	near(t, "AUROC without information", must(AUROC(same, same[:2])), 0.5, 0)
	near(t, "AUPRIn without information", must(AUPRIn(same, same[:2])), 0.6, 1e-15)
	near(t, "FPRAtTPR without information", must(FPRAtTPR(same, same[:2], 0.95)), 1, 0)
	points := must(ROC([]float64{2, 3}, []float64{1}))
	if first, last := points[0], points[len(points)-1]; first.TPR != 0 || first.FPR != 0 || last.TPR != 1 || last.FPR != 1 {
		t.Errorf("ROC runs from %v to %v, want (0, 0) to (1, 1)", first, last)
	}
}

func TestDomainErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	one, two := []float64{1}, []float64{1, 1}
	half := []float64{0.5, 0.5}
	value := func(_ float64, err error) error { return err }
	slice := func(_ []float64, err error) error { return err }
	for _, c := range []struct {
		name, param string
		index       int
		err         error
	}{
		{"empty", "length of y", -1, value(RMSE(nil, nil))},
		{"NaN", "pred", 1, value(RMSE([]float64{1, nan}, two))},
		{"infinite y", "y", 0, value(MAE(one, []float64{inf}))},
		{"zero sd", "sd", 1, value(NormalLogLik(two, []float64{1, 0}, two))},
		{"infinite sd", "sd", 0, value(NormalCRPS(one, []float64{inf}, one))},
		{"crossed bounds", "lower", 0, value(Coverage([]float64{2}, one, one))},
		{"NaN bound", "lower", 0, value(Coverage([]float64{nan}, one, one))},
		{"pit", "pit", 0, slice(CoverageAt(nil, []float64{1.5}, half))},
		{"level", "levels", 1, slice(CoverageAt(nil, half, []float64{0.5, -0.1}))},
		{"no log-likelihoods", "length of ll", -1, value(PointwiseLogLik(nil, 3))},
		{"NaN log-likelihood", "ll", 1, value(JointLogLik([]float64{0, nan}, 2))},
		{"infinite log-likelihood", "ll", 0, value(MeanLogLik([]float64{inf, 1}, 2))},
		{"no examples", "length of p", -1, value(NLL(nil, 2, nil))},
		{"negative probability", "p", 0, value(Brier([]float64{-0.5, 1.5}, 2, one))},
		{"sum", "sum of row of p", 1, value(Accuracy([]float64{0.5, 0.5, 0.4, 0.4}, 2, two))},
		{"class", "y", 0, value(ECE(half, 2, []float64{2}, 10))},
		{"fractional class", "y", 0, value(NLL(half, 2, []float64{0.5}))},
		{"NaN class", "y", 0, value(NLL(half, 2, []float64{nan}))},
		{"logits", "p", 1, slice(Entropy(nil, []float64{0, 3}, 2))},
		{"no inliers", "length of in", -1, value(AUROC(nil, one))},
		{"no outliers", "length of out", -1, value(AUPRIn(one, nil))},
		{"NaN score", "out", 1, value(AUPROut(one, []float64{0, nan}))},
		{"rate", "tpr", -1, value(FPRAtTPR(one, one, 1.5))},
		{"no outliers", "length of out", -1, value(DetectionError(one, nil))},
	} {
		var e *DomainError
		if !errors.As(c.err, &e) {
			t.Errorf("%s: error is %v, want a *DomainError", c.name, c.err)
		} else if e.Param != c.param || e.Index != c.index || e.Func == "" || e.Want == "" {
			t.Errorf("%s: %v, want it to name %s[%d]", c.name, e, c.param, c.index)
		}
	}
}

func TestShapePanics(t *testing.T) {
	one, two := []float64{1}, []float64{1, 1}
	for name, f := range map[string]func(){
		"RMSE":              func() { RMSE(one, two) },
		"NormalPIT":         func() { NormalPIT(one, two, two, two) },
		"PointwiseLogLik":   func() { PointwiseLogLik(one, 2) },
		"draws":             func() { JointLogLik(one, 0) },
		"Accuracy":          func() { Accuracy(two, 2, two) },
		"bins":              func() { ECE(one, 1, []float64{0}, 0) },
		"MutualInformation": func() { MutualInformation(nil, two, 3, 1) },
		"SampleCRPS":        func() { SampleCRPS(two, 2, two) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic at lengths that do not fit", name)
				}
			}()
			f()
		}()
	}
}
