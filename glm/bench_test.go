package glm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	"github.com/natgrad/natgrad/internal/benchdata"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// timedProblem is a regression to be timed.
type timedProblem struct {
	name    string
	formula string
	frame   dataframe.DataFrame
	opt     Options
}

// logisticData is benchdata.Logistic as a frame.
func logisticData(n, d int) dataframe.DataFrame {
	names, columns := benchdata.Logistic(n, d)
	var cols []series.Series
	for j, c := range columns {
		cols = append(cols, series.New(c, series.Float, names[j]))
	}
	return dataframe.New(cols...)
}

func logisticFormula(d int) string {
	f := "y ~ x1"
	for j := 2; j < d; j++ {
		f += fmt.Sprintf(" + x%d", j)
	}
	return f
}

func logisticProblem(n, d int) timedProblem {
	return timedProblem{fmt.Sprintf("n=%d,d=%d", n, d), logisticFormula(d), logisticData(n, d), Options{Family: Bernoulli("logit")}}
}

func posteriorProblem(b *testing.B, name string) timedProblem {
	b.Helper()
	for _, p := range loadPosteriors(b) {
		if p.name == name {
			return timedProblem{name, p.formula(), p.frame(), *p.options(b)}
		}
	}
	b.Fatalf("no problem %s", name)
	return timedProblem{}
}

// stages adds up the time of the parts of a fit.
type stages struct{ design, whiten, start, steps, verdict time.Duration }

// fit is what Fit does, with a clock between its parts.
func (p *timedProblem) fit(s *stages) (*vi.Result, error) {
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
// without the verdict's draws, and without them by one worker; beside them maximum
// likelihood on the same frame. It reports processor time as R's clock counts
// it, steps to convergence, nanoseconds a row and step, and where the time goes: reading the design, whitening it, the
// start, the engine's steps, and the verdict, each in percent.
func BenchmarkLogisticFit(b *testing.B) {
	problems := []timedProblem{posteriorProblem(b, "wells-interaction_c")}
	for _, s := range []struct{ n, d int }{{1_000, 10}, {10_000, 10}, {100_000, 10}, {100_000, 50}} {
		problems = append(problems, logisticProblem(s.n, s.d))
	}
	for _, p := range problems {
		p.time(b, irls)
	}
}

// BenchmarkGaussianFit is BenchmarkLogisticFit for a linear regression with
// unknown standard deviation.
func BenchmarkGaussianFit(b *testing.B) {
	p := posteriorProblem(b, "kidiq-kidscore_interaction")
	p.time(b, leastSquares)
}

func (p timedProblem) time(b *testing.B, likelihood func(x *mat.Dense, y []float64) (steps int, err error)) {
	for _, c := range []struct {
		name    string
		draws   int
		workers int
	}{{"fit", 0, 0}, {"no-draws", -1, 0}, {"no-draws-one-worker", -1, 1}} {
		b.Run(p.name+"/"+c.name, func(b *testing.B) {
			p := p
			p.opt.Settings.Diagnostics, p.opt.Settings.Workers = c.draws, c.workers
			var s stages
			steps := 0
			b.ReportAllocs()
			cpu := cpuTime()
			for b.Loop() {
				r, err := p.fit(&s)
				if err != nil {
					b.Fatal(err)
				}
				steps = r.Iterations
			}
			b.ReportMetric(1e3*(cpuTime()-cpu).Seconds()/float64(b.N), "cpu-ms/op")
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
	b.Run(p.name+"/likelihood-baseline", func(b *testing.B) {
		f, err := ParseFormula(p.formula)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		steps, cpu := 0, cpuTime()
		for b.Loop() {
			d, err := NewDesign(f, p.frame, DesignOptions{})
			if err != nil {
				b.Fatal(err)
			}
			if steps, err = likelihood(mat.NewDense(d.X.Rows, d.X.Cols, d.X.Data), d.Y); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(1e3*(cpuTime()-cpu).Seconds()/float64(b.N), "cpu-ms/op")
		b.ReportMetric(float64(steps), "steps")
	})
}

// leastSquares is the baseline of linear regressions: QR, coefficients and
// covariance.
func leastSquares(x *mat.Dense, y []float64) (steps int, err error) {
	var qr mat.QR
	qr.Factorize(x)
	var b mat.VecDense
	if err := qr.SolveVecTo(&b, false, mat.NewVecDense(len(y), y)); err != nil {
		return 1, err
	}
	return 1, covariance(&qr)
}

// covariance makes (R'R)⁻¹.
func covariance(qr *mat.QR) error {
	var r, inv, cov mat.Dense
	qr.RTo(&r)
	_, d := r.Dims()
	if err := inv.Inverse(r.Slice(0, d, 0, d)); err != nil {
		return err
	}
	cov.Mul(&inv, inv.T())
	return nil
}

// irls is the baseline of logistic regressions: maximum likelihood of a logistic regression
// by iteratively reweighted least squares, a QR factorisation of the weighted
// design in every step, with R's starting values, stopping rule (relative
// change of the deviance below 1e-8) and covariance (R'R)⁻¹.
func irls(x *mat.Dense, y []float64) (steps int, err error) {
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
			return steps, err
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
	return steps, covariance(&qr)
}

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
