package psis

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
)

// testdata/loo.json is written by testdata/psis.R with R package loo 2.5.1.
func TestGoldenLOO(t *testing.T) {
	var g struct {
		Draws, N int
		LL       [][]float64
		LOO      struct {
			Estimate, SE, ELPD, P, KHat []float64
			NEff                        []float64 `json:"n_eff"`
		}
		WAIC struct{ Estimate, SE, ELPD, P []float64 }
	}
	readJSON(t, "loo.json", &g)
	p := Matrix(general(g.LL))
	l, err := LOO(p, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	w, err := WAIC(p, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, got, want float64) {
		t.Helper()
		if !closeTo(got, want, 1e-9) {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	check("elpd_loo", l.ELPD, g.LOO.Estimate[0])
	check("p_loo", l.P, g.LOO.Estimate[1])
	check("looic", l.LOOIC, g.LOO.Estimate[2])
	check("se(elpd_loo)", l.SE, g.LOO.SE[0])
	check("se(p_loo)", l.PSE, g.LOO.SE[1])
	check("elpd_waic", w.ELPD, g.WAIC.Estimate[0])
	check("p_waic", w.P, g.WAIC.Estimate[1])
	check("waic", w.WAIC, g.WAIC.Estimate[2])
	check("se(elpd_waic)", w.SE, g.WAIC.SE[0])
	check("se(p_waic)", w.PSE, g.WAIC.SE[1])
	high, highP := 0, 0
	for i := range g.N {
		check("elpd_loo_i", l.Points[i].ELPD, g.LOO.ELPD[i])
		check("p_loo_i", l.Points[i].P, g.LOO.P[i])
		check("k_i", l.Points[i].KHat, g.LOO.KHat[i])
		check("n_eff_i", l.Points[i].ESS, g.LOO.NEff[i])
		check("elpd_waic_i", w.Points[i].ELPD, g.WAIC.ELPD[i])
		check("p_waic_i", w.Points[i].P, g.WAIC.P[i])
		if g.LOO.KHat[i] >= 0.7 {
			high++
		}
		if g.WAIC.P[i] > 0.4 {
			highP++
		}
	}
	if l.HighK != high || high == 0 || w.HighP != highP || highP == 0 {
		t.Errorf("HighK = %d, HighP = %d, want %d, %d", l.HighK, w.HighP, high, highP)
	}
}

func general(rows [][]float64) blas64.General {
	g := blas64.General{Rows: len(rows), Cols: len(rows[0]), Stride: len(rows[0])}
	for _, r := range rows {
		g.Data = append(g.Data, r...)
	}
	return g
}

// conjugate is y_i ~ N(θ, 1), θ ~ N(0, 10²): everything has a closed form.
type conjugate struct{ y []float64 }

func newConjugate(n int, seed uint64) conjugate {
	rng := rand.New(rand.NewPCG(seed, 1))
	y := make([]float64, n)
	for i := range y {
		y[i] = 1 + rng.NormFloat64()
	}
	return conjugate{y}
}

func logNormal(x, mean, v float64) float64 {
	return -0.5 * (math.Log(2*math.Pi*v) + (x-mean)*(x-mean)/v)
}

// posterior leaves out observation skip (−1: none).
func (c conjugate) posterior(skip int) (mean, v float64) {
	prec, sum := 0.01, 0.0
	for i, y := range c.y {
		if i != skip {
			prec++
			sum += y
		}
	}
	return sum / prec, 1 / prec
}

func (c conjugate) elpdLOO() (sum float64) {
	for i, y := range c.y {
		m, v := c.posterior(i)
		sum += logNormal(y, m, 1+v)
	}
	return sum
}

func (c conjugate) pointwise(theta []float64) *Pointwise {
	return &Pointwise{Draws: len(theta), N: len(c.y), LogLik: func(dst []float64, lo, hi int) {
		for s, th := range theta {
			for i := lo; i < hi; i++ {
				dst[s*(hi-lo)+i-lo] = logNormal(c.y[i], th, 1)
			}
		}
	}}
}

// Draws from a wrong and wider q, with weights, estimate the same exact value
// as draws from the posterior; unweighted they do not.
func TestBaseWeights(t *testing.T) {
	c := newConjugate(40, 3)
	exact := c.elpdLOO()
	m, v := c.posterior(-1)
	rng := rand.New(rand.NewPCG(4, 4))
	const s = 4000
	qm, qv := m+math.Sqrt(v), 2*v
	post, draws, lw := make([]float64, s), make([]float64, s), make([]float64, s)
	for i := range draws {
		post[i] = m + math.Sqrt(v)*rng.NormFloat64()
		draws[i] = qm + math.Sqrt(qv)*rng.NormFloat64()
		lw[i] = 12 + logNormal(draws[i], m, v) - logNormal(draws[i], qm, qv)
	}
	for _, k := range []struct {
		name  string
		theta []float64
		lw    []float64
		want  bool
	}{{"posterior draws", post, nil, true}, {"weighted draws", draws, lw, true}, {"weights forgotten", draws, nil, false}} {
		l, err := LOO(c.pointwise(k.theta), k.lw, 1)
		if err != nil {
			t.Fatal(err)
		}
		w, err := WAIC(c.pointwise(k.theta), k.lw, 1)
		if err != nil {
			t.Fatal(err)
		}
		// Monte Carlo error is below 0.05 nats here; forgetting the weights
		// costs several nats.
		if okL, okW := math.Abs(l.ELPD-exact) < 0.1, math.Abs(w.ELPD-exact) < 0.15; okL != k.want || okW != k.want {
			t.Errorf("%s: LOO %.3f, WAIC %.3f, exact %.3f", k.name, l.ELPD, w.ELPD, exact)
		}
		if k.want && (math.Abs(l.P-1) > 0.3 || l.HighK != 0 || l.SE <= 0) {
			t.Errorf("%s: p_loo = %.3f, high k %d, se %v, want about 1 parameter", k.name, l.P, l.HighK, l.SE)
		}
		if k.lw != nil && (math.Abs(l.Base.LogMean-12) > 0.1 || l.Base.KHat > 0.5) {
			t.Errorf("base diagnostics %+v, want log mean 12", l.Base)
		}
	}
	// A draw of weight zero may have any likelihood at all.
	lw[0] = math.Inf(-1)
	p := c.pointwise(draws)
	with := *p
	with.LogLik = func(dst []float64, lo, hi int) {
		p.LogLik(dst, lo, hi)
		for i := range hi - lo {
			dst[i] = math.Inf(-1)
		}
	}
	a, err := LOO(&with, lw, 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := LOO(p, lw, 1)
	if err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("a draw of weight zero matters: %v and %v, %v", a.ELPD, b.ELPD, err)
	}
	if _, err := WAIC(&with, lw, 1); err != nil {
		t.Error(err)
	}
}

func TestWorkersGiveTheSameBits(t *testing.T) {
	c := newConjugate(1500, 8)
	theta := make([]float64, 300)
	rng := rand.New(rand.NewPCG(2, 2))
	m, v := c.posterior(-1)
	for i := range theta {
		theta[i] = m + math.Sqrt(v)*rng.NormFloat64()
	}
	p := c.pointwise(theta)
	l1, err1 := LOO(p, nil, 0)
	w1, err2 := WAIC(p, nil, 1)
	l3, err3 := LOO(p, nil, 3)
	w3, err4 := WAIC(p, nil, 3)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(l1, l3) || !reflect.DeepEqual(w1, w3) {
		t.Error("three workers give another result than one")
	}
	// The first bad observation is reported, whoever sees it.
	for _, workers := range []int{1, 4} {
		bad := *p
		bad.LogLik = func(dst []float64, lo, hi int) {
			p.LogLik(dst, lo, hi)
			for _, i := range []int{700, 1400} {
				if i >= lo && i < hi {
					dst[5*(hi-lo)+i-lo] = math.NaN()
				}
			}
		}
		_, err := LOO(&bad, nil, workers)
		var e *Error
		if !errors.As(err, &e) || e.Obs != 700 || e.Draw != 5 {
			t.Errorf("%d workers: error %v, want one for observation 700, draw 5", workers, err)
		}
		bad.LogLik = func([]float64, int, int) { panic("boom") }
		if _, err := WAIC(&bad, nil, workers); err == nil || !strings.Contains(err.Error(), "boom") {
			t.Errorf("%d workers: error %v, want the panic", workers, err)
		}
	}
}

func TestLOORefuses(t *testing.T) {
	ok := newConjugate(3, 1).pointwise([]float64{0, 1, 2})
	noDraws, noObs := *ok, *ok
	noDraws.Draws, noObs.N = 0, 0
	inf := math.Inf(1)
	for _, c := range []struct {
		p    *Pointwise
		lw   []float64
		word string
	}{
		{nil, nil, "no log likelihood"},
		{&Pointwise{Draws: 1, N: 1}, nil, "no log likelihood"},
		{&noDraws, nil, "number of draws"},
		{&noObs, nil, "number of observations"},
		{ok, []float64{1}, "3, one a draw"},
		{ok, []float64{0, math.NaN(), 0}, "draw 1 is NaN"},
		{Matrix(general([][]float64{{0, 0}, {0, -inf}})), nil, "observation 1 at draw 1 is -Inf"},
		{Matrix(general([][]float64{{inf, 0}, {0, 0}})), nil, "observation 0 at draw 0 is +Inf"},
	} {
		if _, err := LOO(c.p, c.lw, 1); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("LOO: error %v, want one with %q", err, c.word)
		}
		if _, err := WAIC(c.p, c.lw, 1); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("WAIC: error %v, want one with %q", err, c.word)
		}
	}
	if _, err := WAIC(newConjugate(3, 1).pointwise([]float64{0}), nil, 1); err == nil {
		t.Error("WAIC took a variance from one draw")
	}
	one, err := LOO(newConjugate(1, 1).pointwise(make([]float64, 50)), nil, 1)
	if err != nil || one.SE != 0 || one.HighK != 0 || math.IsNaN(one.ELPD) {
		t.Errorf("one observation, equal draws: %+v, %v", one, err)
	}
}

func BenchmarkLOO(b *testing.B) {
	c := newConjugate(500, 8)
	theta := make([]float64, 1000)
	for i := range theta {
		theta[i] = 1 + 0.05*rand.New(rand.NewPCG(uint64(i), 2)).NormFloat64()
	}
	p := c.pointwise(theta)
	for b.Loop() {
		if _, err := LOO(p, nil, 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*500), "µs/obs")
}
