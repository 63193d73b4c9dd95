package glm

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// logisticProblem is a logistic regression to be timed.
type logisticProblem struct {
	name    string
	formula string
	frame   dataframe.DataFrame
	opt     Options
}

// logisticData returns n rows of an intercept and d−1 standard normal columns
// x1, x2, … with outcomes y of a logistic model whose predictor has standard
// deviation 1.
func logisticData(n, d int) dataframe.DataFrame {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(d)))
	cols := make([]series.Series, 0, d)
	eta := make([]float64, n)
	scale := 1 / math.Sqrt(float64(d-1))
	for j := 1; j < d; j++ {
		x, sign := make([]float64, n), float64(1-j%2*2)
		for i := range x {
			x[i] = rng.NormFloat64()
			eta[i] += scale * sign * x[i]
		}
		cols = append(cols, series.New(x, series.Float, fmt.Sprintf("x%d", j)))
	}
	y := make([]float64, n)
	for i, e := range eta {
		if rng.Float64() < inverseLink("logit", e) {
			y[i] = 1
		}
	}
	return dataframe.New(append(cols, series.New(y, series.Float, "y"))...)
}

func logisticFormula(d int) string {
	f := "y ~ x1"
	for j := 2; j < d; j++ {
		f += fmt.Sprintf(" + x%d", j)
	}
	return f
}

// logisticProblems is read once: the frames are costly to make.
func logisticProblems(b *testing.B) []logisticProblem {
	b.Helper()
	var out []logisticProblem
	for _, s := range []struct{ n, d int }{{1_000, 10}, {10_000, 10}, {100_000, 10}, {100_000, 50}} {
		out = append(out, logisticProblem{
			name:    fmt.Sprintf("n=%d,d=%d", s.n, s.d),
			formula: logisticFormula(s.d),
			frame:   logisticData(s.n, s.d),
			opt:     Options{Family: Bernoulli("logit")},
		})
	}
	for _, p := range loadPosteriors(b) {
		if p.name == "wells-interaction_c" {
			out = append(out, logisticProblem{p.name, p.formula(), p.frame(), *p.options(b)})
		}
	}
	return out
}

// stages adds up the time of the parts of a fit.
type stages struct{ design, whiten, start, steps, verdict time.Duration }

// fit is what Fit does, with a clock between its parts.
func (p *logisticProblem) fit(s *stages) (*vi.Result, error) {
	t0 := time.Now()
	f, err := ParseFormula(p.formula)
	if err != nil {
		return nil, err
	}
	d, err := NewDesign(f, p.frame, p.opt.DesignOptions)
	if err != nil {
		return nil, err
	}
	t1 := time.Now()
	m, err := newModel(d, &p.opt)
	if err != nil {
		return nil, err
	}
	target := m.engineTarget()
	t2 := time.Now()
	q, err := m.start(target)
	if err != nil {
		return nil, err
	}
	t3 := time.Now()
	e, err := vi.New(q, target, &m.settings)
	if err != nil {
		return nil, err
	}
	for e.Status() == vi.Running {
		if _, err := e.Step(); err != nil {
			return nil, err
		}
	}
	t4 := time.Now()
	r, err := e.Result()
	if err != nil {
		return nil, err
	}
	if _, err := m.finish(r); err != nil {
		return nil, err
	}
	s.design += t1.Sub(t0)
	s.whiten += t2.Sub(t1)
	s.start += t3.Sub(t2)
	s.steps += t4.Sub(t3)
	s.verdict += time.Since(t4)
	return r, r.Status.Err()
}

// BenchmarkLogisticFit times fits from the data frame to the verdict, the same
// without the verdict's draws, and maximum likelihood on the same design. It
// reports steps to convergence, nanoseconds a row and step, and where the time
// goes: reading the design, whitening it, the start, the engine's steps, and the
// verdict, each in percent.
func BenchmarkLogisticFit(b *testing.B) {
	for _, p := range logisticProblems(b) {
		for _, c := range []struct {
			name    string
			draws   int
			workers int
		}{{"fit", 0, 0}, {"fit-no-draws", -1, 0}, {"fit-one-worker", 0, 1}} {
			b.Run(p.name+"/"+c.name, func(b *testing.B) {
				p := p
				p.opt.Settings.Diagnostics, p.opt.Settings.Workers = c.draws, c.workers
				var s stages
				steps := 0
				b.ReportAllocs()
				for b.Loop() {
					r, err := p.fit(&s)
					if err != nil {
						b.Fatal(err)
					}
					steps = r.Iterations
				}
				total := s.design + s.whiten + s.start + s.steps + s.verdict
				share := func(d time.Duration, unit string) { b.ReportMetric(100*float64(d)/float64(total), unit) }
				share(s.design, "%design")
				share(s.whiten, "%whiten")
				share(s.start, "%start")
				share(s.steps, "%steps")
				share(s.verdict, "%verdict")
				b.ReportMetric(float64(steps), "steps")
				b.ReportMetric(float64(s.steps.Nanoseconds())/float64(b.N*steps*p.frame.Nrow()), "ns/row/step")
			})
		}
		b.Run(p.name+"/irls-baseline", func(b *testing.B) {
			f, err := ParseFormula(p.formula)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			steps := 0
			for b.Loop() {
				d, err := NewDesign(f, p.frame, DesignOptions{})
				if err != nil {
					b.Fatal(err)
				}
				x := mat.NewDense(d.X.Rows, d.X.Cols, d.X.Data)
				if _, steps, err = irls(x, d.Y); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(steps), "steps")
		})
	}
}

// irls is the benchmark's baseline: maximum likelihood of a logistic regression
// by iteratively reweighted least squares, a QR factorisation of the weighted
// design in every step, with R's starting values, stopping rule (relative
// change of the deviance below 1e-8) and covariance (R'R)⁻¹.
func irls(x *mat.Dense, y []float64) (beta []float64, steps int, err error) {
	n, d := x.Dims()
	eta, dev := make([]float64, n), math.Inf(1)
	for i, v := range y {
		mu := (v + 0.5) / 2
		eta[i] = math.Log(mu / (1 - mu))
	}
	wx, wz := mat.NewDense(n, d, nil), mat.NewVecDense(n, nil)
	var qr mat.QR
	var b mat.VecDense
	for steps = 1; steps <= 25; steps++ {
		for i, e := range eta {
			mu := 1 / (1 + math.Exp(-e))
			w := math.Sqrt(mu * (1 - mu))
			for j, v := range x.RawRowView(i) {
				wx.Set(i, j, w*v)
			}
			wz.SetVec(i, w*e+(y[i]-mu)/w)
		}
		qr.Factorize(wx)
		if err := qr.SolveVecTo(&b, false, wz); err != nil {
			return nil, steps, err
		}
		last := dev
		dev = 0
		for i := range eta {
			eta[i] = mat.Dot(x.RowView(i), &b)
			dev -= 2 * (y[i]*eta[i] - math.Log1p(math.Exp(-math.Abs(eta[i]))) - math.Max(eta[i], 0))
		}
		if math.Abs(dev-last) < 1e-8*(math.Abs(dev)+0.1) {
			break
		}
	}
	var r mat.Dense
	qr.RTo(&r)
	var cov mat.Dense
	err = cov.Inverse(r.Slice(0, d, 0, d))
	return b.RawVector().Data, steps, err
}

var _ = context.Background

// BenchmarkLogisticEval times the kernel of a Bernoulli likelihood on 256 rows:
// the value alone, and with two derivatives.
func BenchmarkLogisticEval(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	y, eta := make([]float64, 256), make([]float64, 256)
	for i := range y {
		y[i], eta[i] = float64(rng.IntN(2)), rng.NormFloat64()
	}
	eval := Bernoulli("logit").Eval(Outcome{Y: y})
	d := vi.Derivs{F: make([]float64, 256)}
	for _, name := range []string{"value", "derivatives"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				eval(0, eta, nil, &d)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*256), "ns/row")
		})
		d.E, d.EE = make([]float64, 256), make([]float64, 256)
	}
}
