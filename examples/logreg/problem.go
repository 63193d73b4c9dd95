package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
)

// problem is a Bayesian logistic regression P(y = 1) = σ(w'x + b) with independent
// normal priors, and the best normal distribution with independent coordinates for
// its posterior.
type problem struct {
	train, test *nn.Data
	prior       []float64 // precisions; the bias is the last
	best        *expfam.DiagNormal
	bound       float64 // its ELBO
	took        int     // steps of vi.Fit to it
}

// biasPrior is the prior precision of the bias, nearly flat.
const biasPrior = 1e-5

// cancer is the classification of 683 tumours by 10 features, one half for training.
func cancer(dir string) (*problem, error) {
	d, err := readData(filepath.Join(dir, "breast_cancer_scale.csv"))
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(dir, "breast_cancer_scale_split.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	var train, test []int
	for _, l := range lines[1:] {
		row, err := strconv.Atoi(l[1])
		if err != nil {
			return nil, err
		}
		if l[0] == "train" {
			train = append(train, row)
		} else {
			test = append(test, row)
		}
	}
	return newProblem(d.Subset(train), d.Subset(test), 1)
}

// readData reads a CSV file, the last column of which is the label.
func readData(path string) (*nn.Data, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	var x, y []float64
	for _, l := range lines[1:] {
		for j, cell := range l {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: column %s: %w", path, lines[0][j], err)
			}
			if j == len(l)-1 {
				y = append(y, v)
			} else {
				x = append(x, v)
			}
		}
	}
	return nn.NewData(x, y, len(y))
}

// newProblem finds the best distribution with vi.Fit, whose expectations are
// quadratures over the linear predictors: no draws, no minibatches.
func newProblem(train, test *nn.Data, prior float64) (*problem, error) {
	d := train.In()
	p := &problem{train: train, test: test, prior: make([]float64, d+1)}
	for j := range d {
		p.prior[j] = prior
	}
	p.prior[d] = biasPrior
	x := blas64.General{Rows: train.Rows, Cols: d + 1, Stride: d + 1}
	for i := range train.Rows {
		x.Data = append(append(x.Data, train.X[i*d:(i+1)*d]...), 1)
	}
	eye := blas64.General{Rows: d + 1, Cols: d + 1, Stride: d + 1, Data: make([]float64, (d+1)*(d+1))}
	start := make([]float64, d+1) // sds
	for j := range d + 1 {
		eye.Data[j*(d+2)] = 1
		start[j] = 0.1
	}
	target := &vi.Target{Dim: d + 1, Linear: &vi.Linear{Terms: []vi.Term{
		{Name: "y", X: x, Eval: func(lo int, eta, _ []float64, out *vi.Derivs) { logistic(train.Y[lo:], eta, out) }},
		{Name: "prior", Prior: true, X: eye, Degree: 2, Eval: func(lo int, eta, _ []float64, out *vi.Derivs) { normal(p.prior[lo:], eta, out) }},
	}}}
	q, err := expfam.NewDiagNormal(make([]float64, d+1), start)
	if err != nil {
		return nil, err
	}
	r, err := vi.Fit(context.Background(), q, target, &vi.Settings{Diagnostics: -1, Iterations: 2000})
	if err != nil {
		return nil, err
	}
	if err := r.Status.Err(); err != nil {
		return nil, err
	}
	p.best, p.bound, p.took = q, r.ELBO, r.Iterations
	return p, nil
}

// logistic writes log σ(±η) and its derivatives.
func logistic(y, eta []float64, out *vi.Derivs) {
	for i, e := range eta {
		s := 1 / (1 + math.Exp(-e))
		if out.F != nil {
			out.F[i] = -softplus((1 - 2*y[i]) * e)
		}
		if out.E != nil {
			out.E[i] = y[i] - s
		}
		if out.EE != nil {
			out.EE[i] = -s * (1 - s)
		}
	}
}

// normal writes log N(η | 0, 1/λ) and its derivatives.
func normal(lambda, eta []float64, out *vi.Derivs) {
	for i, e := range eta {
		l := lambda[i]
		if out.F != nil {
			out.F[i] = 0.5 * (math.Log(l/(2*math.Pi)) - l*e*e)
		}
		if out.E != nil {
			out.E[i] = -l * e
		}
		if out.EE != nil {
			out.EE[i] = -l
		}
	}
}

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// The trapezoidal rule for E[f(ε)], ε ~ N(0, 1), which is exact to 1e-12 for functions as
// smooth as these.
var nodes, weights = func() (z, w []float64) {
	for k := -80; k <= 80; k++ {
		z = append(z, 0.1*float64(k))
		w = append(w, math.Exp(-0.005*float64(k*k)))
	}
	floats.Scale(1/floats.Sum(w), w)
	return z, w
}()

// predictor returns mean and sd of w'x + b under N(mean, diag(sd²)).
func predictor(x, mean, sd []float64) (m, s float64) {
	d := len(x)
	m, v := mean[d], sd[d]*sd[d]
	for j, xj := range x {
		m += xj * mean[j]
		v += xj * xj * sd[j] * sd[j]
	}
	return m, math.Sqrt(v)
}

// elbo is E_q[log p(y|w)] − kl under q, kl = KL(q‖prior).
func (p *problem) elbo(q *expfam.DiagNormal, kl float64) float64 {
	mean, sd := q.Mean(nil), q.Sd(nil)
	d, f := p.train.In(), -kl
	for i, y := range p.train.Y {
		m, s := predictor(p.train.X[i*d:(i+1)*d], mean, sd)
		for k, e := range nodes {
			f -= weights[k] * softplus((1-2*y)*(m+s*e))
		}
	}
	return f
}

// logLoss is the mean test loss −log E_q[p(y|w)], in nats.
func (p *problem) logLoss(q *expfam.DiagNormal) float64 {
	mean, sd := q.Mean(nil), q.Sd(nil)
	d, f := p.test.In(), 0.0
	for i, y := range p.test.Y {
		m, s := predictor(p.test.X[i*d:(i+1)*d], mean, sd)
		var prob float64
		for k, e := range nodes {
			prob += weights[k] / (1 + math.Exp((1-2*y)*(m+s*e)))
		}
		f -= math.Log(prob)
	}
	return f / float64(p.test.Rows)
}

// symmetricKL is ½KL(q‖q*) + ½KL(q*‖q), q* the best distribution.
func (p *problem) symmetricKL(q *expfam.DiagNormal) float64 {
	return 0.5 * (q.KLTo(p.best) + p.best.KLTo(q))
}
