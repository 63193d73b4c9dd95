package glm

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestFamilySample compares draws with Mean and Variance. The tolerance is five
// standard errors, that of the variance from the fourth moment of the draws.
func TestFamilySample(t *testing.T) {
	const n = 20000
	for _, c := range []struct {
		f      Family
		eta    float64
		aux    []float64
		trials float64
	}{
		{Gaussian(), 1, []float64{0.5}, 0},
		{StudentTDF(9), 1, []float64{0.5}, 0},
		{StudentT(), -1, []float64{0.5, math.Log(12)}, 0},
		{Bernoulli("logit"), 0.3, nil, 0},
		{Bernoulli("cloglog"), 0.3, nil, 0},
		{Binomial("probit"), -1, nil, 12},   // inversion
		{Binomial("logit"), 0.4, nil, 90},   // rejection, flipped
		{Binomial("logit"), -2, nil, 1e9},   // large counts
		{Poisson(), 0.7, nil, 0},            // inversion
		{Poisson(), math.Log(10), nil, 0},   // edge of the rejection
		{Poisson(), math.Log(400), nil, 0},  // rejection
		{Poisson(), math.Log(1e12), nil, 0}, // large mean
		{NegativeBinomial(), 2, []float64{0.1}, 0},
		{NegativeBinomial(), 6, []float64{3}, 0},
		{Gamma(), 1, []float64{-1}, 0},
		{Gamma(), 1, []float64{2}, 0},
	} {
		rng := rand.New(rand.NewPCG(11, 12))
		scale := math.Max(1, c.trials)
		mean, variance := scale*c.f.Mean(c.eta, c.aux), scale*c.f.Variance(c.eta, c.aux)
		if c.f.Name() == "bernoulli" {
			mean, variance = c.f.Mean(c.eta, c.aux), c.f.Variance(c.eta, c.aux)
		}
		var s1, s2, s4 float64
		for range n {
			y := c.f.Sample(rng, c.eta, c.aux, c.trials)
			if err := c.f.CheckOutcome([]float64{y}, nil, nil, "y"); err != nil && c.trials == 0 {
				t.Fatal(err)
			}
			d := y - mean
			s1, s2, s4 = s1+d, s2+d*d, s4+d*d*d*d
		}
		m, v := s1/n, s2/n
		if se := math.Sqrt(variance / n); math.Abs(m) > 5*se {
			t.Errorf("%v, eta %g, trials %g: mean off by %.1f standard errors", c.f, c.eta, c.trials, m/se)
		}
		if se := math.Sqrt((s4/n - v*v) / n); math.Abs(v-variance) > 5*se {
			t.Errorf("%v, eta %g, trials %g: variance %g, want %g (standard error %g)", c.f, c.eta, c.trials, v, variance, se)
		}
	}
}

// TestInit starts every family from its own draws at one predictor: the start
// is close to the truth and the score there is small.
func TestInit(t *testing.T) {
	const n, eta = 4000, 0.4
	for _, c := range familyCases() {
		rng := rand.New(rand.NewPCG(15, 16))
		var o Outcome
		var aux []float64
		for _, a := range c.f.AuxNames() {
			aux = append(aux, map[string]float64{"sigma": 0.3, "nu": math.Log(8), "phi": 1, "shape": 0.7}[a])
		}
		for range n {
			trials := 1.0
			if c.trials {
				trials = 7
				o.Trials = append(o.Trials, 7)
			}
			o.Offset = append(o.Offset, 0.1*rng.NormFloat64()+2)
			o.Weights = append(o.Weights, 0.5+rng.Float64())
			o.Y = append(o.Y, c.f.Sample(rng, eta, aux, trials))
		}
		got := c.f.InitEta(o) + 2
		if math.Abs(got-eta) > 0.15 {
			t.Errorf("%v: InitEta is %g, want near %g", c.f, got, eta)
		}
		for k, psi := range c.f.InitAux(o) {
			if math.Abs(psi-aux[k]) > 0.2 {
				t.Errorf("%v: InitAux[%d] is %g, want near %g", c.f, k, psi, aux[k])
			}
		}
		if got := len(c.f.InitAux(o)); got != len(aux) {
			t.Errorf("%v: InitAux has length %d, want %d", c.f, got, len(aux))
		}
	}
	// Degenerate data still give finite starts.
	for _, c := range familyCases() {
		for _, y := range [][]float64{nil, {1}, {0, 0, 0}, {1, 1, 1}} {
			o := Outcome{Y: y}
			v := append(c.f.InitAux(o), c.f.InitEta(o), c.f.Scale(o))
			if j := firstBad(v); j >= 0 {
				t.Errorf("%v, y = %v: start %v", c.f, y, v)
			}
		}
	}
}

func firstBad(v []float64) int {
	for i, x := range v {
		if !isFinite(x) {
			return i
		}
	}
	return -1
}

func TestCheckOutcome(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		family    string
		y, trials []float64
		rows      []int
		want      string
	}{
		{"gaussian", []float64{1, nan}, nil, nil, `glm: family gaussian: column "y", row 2: value NaN, want a finite number`},
		{"student", []float64{inf}, nil, []int{9}, `glm: family student-t: column "y", row 9: value +Inf, want a finite number`},
		{"bernoulli", []float64{0, 1, 2, 3}, nil, nil, `glm: family bernoulli: column "y", row 3: value 2, want 0 or 1 (and 1 more row)`},
		{"binomial", []float64{0, 2}, nil, nil, `glm: family binomial: column "y", row 2: value 2, want 0 or 1, as no number of trials is given`},
		{"binomial", []float64{3, 6}, []float64{3, 5}, nil, `glm: family binomial: column "y", row 2: value 6 with 5 trials, want a whole number of successes between 0 and a whole number of trials ≥ 0`},
		{"binomial", []float64{0.5}, []float64{1}, nil, `glm: family binomial: column "y", row 1: value 0.5 with 1 trials, want a whole number of successes between 0 and a whole number of trials ≥ 0`},
		{"binomial", []float64{0}, []float64{nan}, nil, `glm: family binomial: column "y", row 1: value 0, want a whole number of successes between 0 and a whole number of trials ≥ 0`},
		{"poisson", []float64{2.5}, nil, nil, `glm: family poisson: column "y", row 1: value 2.5, want a whole number ≥ 0`},
		{"negbin", []float64{-1}, nil, nil, `glm: family negative-binomial: column "y", row 1: value -1, want a whole number ≥ 0`},
		{"gamma", []float64{0}, nil, nil, `glm: family gamma: column "y", row 1: value 0, want a positive finite number`},
		{"poisson", []float64{1}, []float64{2}, nil, `glm: family "poisson": want no number of trials for outcome "y": only the binomial family has trials`},
		{"gaussian", []float64{1, -2}, nil, nil, ""},
		{"binomial(probit)", []float64{0, 2}, []float64{0, 2}, nil, ""},
	} {
		f, err := ParseFamily(c.family)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := f.CheckOutcome(c.y, c.trials, c.rows, "y"); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %v: error\n\t%s\nwant\n\t%s", c.family, c.y, got, c.want)
		}
	}
}
