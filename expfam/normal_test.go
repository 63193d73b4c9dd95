package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
)

func TestConformanceNormal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	expfamtest.Conformance(t, randNormal(t, 1, rng), nil)
	expfamtest.Conformance(t, randNormal(t, 3, rng), nil)
	expfamtest.Conformance(t, expfam.StandardNormal(4), &expfamtest.Options{Draws: 3000})
}

func TestConformanceDiagNormal(t *testing.T) {
	q, err := expfam.NewDiagNormal([]float64{1, -300, 0.01}, []float64{0.5, 20, 1e-3})
	if err != nil {
		t.Fatal(err)
	}
	expfamtest.Conformance(t, q, nil)
}

func TestNormalAgainstGonum(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	const d = 5
	q := randNormal(t, d, rng)
	p, ok := distmv.NewNormal(q.Mean(nil), q.Cov(nil), nil)
	if !ok {
		t.Fatal("gonum refuses the covariance")
	}
	nearVec(t, "entropy", []float64{q.Entropy()}, []float64{p.Entropy()}, 1e-12)
	o := randNormal(t, d, rng)
	po, _ := distmv.NewNormal(o.Mean(nil), o.Cov(nil), nil)
	nearVec(t, "KL", []float64{q.KLTo(o)}, []float64{distmv.KullbackLeibler{}.DistNormal(p, po)}, 1e-9)
	for range 20 {
		x := q.Sample(nil, rng)
		nearVec(t, "LogProb", []float64{q.LogProb(x)}, []float64{p.LogProb(x)}, 1e-11)
	}
	cov := q.Cov(nil)
	for j := range d {
		nearVec(t, "CovColumn", q.CovColumn(nil, j), mat.Col(nil, j, cov), 1e-12)
		if sd := q.Sd(nil)[j]; math.Abs(sd*sd/cov.At(j, j)-1) > 1e-13 {
			t.Errorf("Sd[%d]² is %v, want %v", j, sd*sd, cov.At(j, j))
		}
	}
	l := q.CholPrecision(nil)
	var s mat.Dense
	s.Mul(l, l.T())
	nearVec(t, "LL'", s.RawMatrix().Data, mat.DenseCopyOf(q.Precision(nil)).RawMatrix().Data, 1e-13)
}

func TestPredictorVar(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	for _, c := range []struct{ n, d, cols int }{{1, 1, 1}, {200, 5, 5}, {70, 70, 70}, {100, 70, 65}, {130, 6, 4}, {3, 150, 140}, {0, 2, 2}, {4, 3, 0}} {
		q := randNormal(t, c.d, rng)
		stride := c.cols + 3
		x := blas64.General{Rows: c.n, Cols: c.cols, Stride: stride, Data: randVec(max(c.n, 1)*stride, rng)}
		got := q.PredictorVar(nil, x, nil)
		cov := q.Cov(nil)
		for i := range got {
			row := mat.NewVecDense(c.d, nil)
			for j := range c.cols {
				row.SetVec(j, x.Data[i*stride+j])
			}
			want := mat.Inner(row, cov, row)
			if math.Abs(got[i]/want-1) > 1e-10 {
				t.Fatalf("n %d, d %d, cols %d: row %d is %v, want %v", c.n, c.d, c.cols, i, got[i], want)
			}
		}
	}
}

// Chunks of rows give the same bits in any grouping and from several goroutines.
func TestPredictorVarConcurrent(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	const n, d, cols, chunk = 1000, 12, 10, 128
	q := randNormal(t, d, rng)
	x := blas64.General{Rows: n, Cols: cols, Stride: cols, Data: randVec(n*cols, rng)}
	want := q.Clone().(*expfam.Normal).PredictorVar(nil, x, nil)
	got := make([]float64, n)
	var wg sync.WaitGroup
	for lo := 0; lo < n; lo += chunk {
		wg.Go(func() {
			hi := min(lo+chunk, n)
			part := blas64.General{Rows: hi - lo, Cols: cols, Stride: cols, Data: x.Data[lo*cols:]}
			q.PredictorVar(got[lo:hi], part, make([]float64, expfam.PredictorWork))
		})
	}
	wg.Wait()
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("row %d is %v in chunks, %v at once", i, got[i], want[i])
		}
	}
}

func TestDiagNormal(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	const d = 4
	mu, sd := randVec(d, rng), []float64{0.1, 2, 30, 1}
	q, err := expfam.NewDiagNormal(mu, sd)
	if err != nil {
		t.Fatal(err)
	}
	full, err := expfam.NewNormal(mu, q.Cov(nil))
	if err != nil {
		t.Fatal(err)
	}
	x := randVec(d, rng)
	nearVec(t, "LogProb", []float64{q.LogProb(x)}, []float64{full.LogProb(x)}, 1e-13)
	nearVec(t, "Sd", q.Sd(nil), sd, 1e-14)
	nearVec(t, "CovColumn", q.CovColumn(nil, 2), full.CovColumn(nil, 2), 1e-13)
	rows := blas64.General{Rows: 3, Cols: 2, Stride: 5, Data: randVec(15, rng)}
	nearVec(t, "PredictorVar", q.PredictorVar(nil, rows, nil), full.PredictorVar(nil, rows, nil), 1e-12)

	// The three sources of curvature agree on a separable quadratic, whose
	// posterior one step reaches.
	f := quad{mat.NewSymDense(d, nil), randVec(d, rng)}
	curv := make([]float64, d)
	for i := range d {
		f.a.SetSym(i, i, 1+rng.Float64())
		curv[i] = -f.a.At(i, i)
	}
	for k := range 3 {
		r := q.Clone().(*expfam.DiagNormal)
		tan := make([]float64, 2*d)
		for _, sign := range []float64{1, -1} {
			y := r.Mean(nil)
			for i := range y {
				y[i] += sign * sd[i]
			}
			dr := f.draw(y, k == 0)
			if k == 1 {
				dr.HessDiag = curv
			}
			r.Tangent(tan, dr, 0.5)
		}
		r.EntropyTangent(tan)
		if cond, err := r.Retract(tan, 1); cond != 0 || err != nil {
			t.Fatal(cond, err)
		}
		for i, m := range r.Mean(nil) {
			if want := f.b[i] / f.a.At(i, i); math.Abs(m-want) > 1e-10 {
				t.Errorf("curvature source %d: mean[%d] is %v, want %v", k, i, m, want)
			}
		}
	}

	// A coordinate that leaves the domain takes the iBLR step, the others the plain one.
	tan := make([]float64, 2*d)
	tan[d], tan[d+1] = 200, -1
	s0, s1 := 1/(sd[0]*sd[0]), 1/(sd[1]*sd[1])
	cond, err := q.Retract(tan, 1)
	if cond != expfam.Retracted || err != nil {
		t.Fatal(cond, err)
	}
	prec := q.Precision(nil)
	nearVec(t, "precision", []float64{prec.At(0, 0), prec.At(1, 1)}, []float64{s0 - 400 + 2*200*200/s0, s1 + 2}, 1e-12)
}

func TestNormalErrors(t *testing.T) {
	bad := mat.NewSymDense(2, []float64{1, 2, 2, 1})
	nan := mat.NewSymDense(2, []float64{1, math.NaN(), 0, 1})
	eye := mat.NewSymDense(2, []float64{1, 0, 0, 1})
	for _, c := range []struct {
		call func() error
		want string
	}{
		{func() error { _, err := expfam.NewNormal([]float64{0, 0}, bad); return err }, "normal.NewNormal: cov is -3, want a positive definite matrix (the value is Cholesky pivot 1)"},
		{func() error { _, err := expfam.NewNormal([]float64{0, 0}, nan); return err }, "cov(0,1) is NaN, want finite"},
		{func() error { _, err := expfam.NewNormal([]float64{0, math.Inf(1)}, eye); return err }, "mu[1] is +Inf, want finite"},
		{func() error { _, err := expfam.NewNormalPrecision([]float64{0, 0}, bad); return err }, "normal.NewNormalPrecision: precision is -3"},
		{func() error { _, err := expfam.NewDiagNormal([]float64{0, 0}, []float64{1, -2}); return err }, "diagonal-normal.NewDiagNormal: sd[1] is -2, want > 0"},
		{func() error { _, err := expfam.NewDiagNormal(nil, nil); return err }, "length of mu is 0"},
	} {
		err := c.call()
		var e *expfam.DomainError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want a *DomainError with %q", err, c.want)
		}
	}
}

func TestNormalAllocations(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 1))
	const n, d = 300, 20
	q := randNormal(t, d, rng)
	f := quad{randSPD(d, rng), randVec(d, rng)}
	price, stein := f.draw(q.Sample(nil, rng), true), f.draw(q.Sample(nil, rng), false)
	tan := make([]float64, q.NumParams())
	x := blas64.General{Rows: n, Cols: d - 1, Stride: d - 1, Data: randVec(n*d, rng)}
	v, sd, work := make([]float64, n), make([]float64, d), make([]float64, expfam.PredictorWork)
	eta := q.Natural(nil)
	safe := make([]float64, q.NumParams())
	safe[d] = -2 * eta[d] // S − 2ρG is indefinite
	move := func(tan []float64, rho float64, want expfam.Condition) {
		if cond, err := q.Retract(tan, rho); cond != want || err != nil {
			t.Fatal(cond, err)
		}
	}
	for name, call := range map[string]func(){
		"step": func() {
			clear(tan)
			q.Tangent(tan, price, 0.5)
			q.Tangent(tan, stein, 1e-6)
			q.EntropyTangent(tan)
			move(tan, 0.1, 0)
		},
		"safe step":    func() { move(safe, 1, expfam.Retracted) },
		"PredictorVar": func() { move(safe, 0, 0); q.PredictorVar(v, x, work) },
		"CovColumn":    func() { q.CovColumn(sd, 3); q.Mirror(sd, sd); q.Sd(sd) },
	} {
		run := func() {
			if err := q.SetNatural(eta); err != nil {
				t.Fatal(err)
			}
			call()
		}
		if n := testing.AllocsPerRun(20, run); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
