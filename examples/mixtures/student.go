package main

import (
	"fmt"
	"io"
	"math"

	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/mat"
)

// Settings of the 2020 paper's experiment: 25 components for ten modes, ten draws a
// step, fixed weights, and a start so wide that it needs a few tiny steps first.
const (
	studentK     = 25
	studentDraws = 10
	studentRate  = 0.04
	warmUp       = 100
	warmUpRate   = 1e-7
)

// Ours: weights that are free once the modes are found, a larger rate that falls to
// zero, and a few starts, since a mode that no component has found by then stays
// unseen.
const (
	studentStarts = 4
	studentSteps  = 20000
	studentScout  = studentSteps / 2 / studentStarts
	findingModes  = 1000
	lateRate      = 0.1
)

// student fits the 20-dimensional mixture of ten Student-t distributions with 2 degrees
// of freedom and prints how far the marginals are from those of the target.
func student(w io.Writer) error {
	t, means, precs := targets.StudentT20(1)
	exact, err := newMarginals(means, precs)
	if err != nil {
		return err
	}
	tab := &report.Table{
		Title:   fmt.Sprintf("Ten Student-t in 20 dimensions, %d normals, Hessian, %d draws a step: distance of the marginals", studentK, studentDraws),
		Columns: []string{"", "steps", "mean MMD", "largest MMD", "mean MMD²", "modes found"},
		Align:   []report.Align{report.Left, report.Right, report.Decimal, report.Decimal, report.Decimal, report.Right},
	}
	row := func(name string, steps int, m *mixture.Mixture) error {
		mean, square, top, err := exact.mmd(m)
		tab.AddRow(name, steps, fmt.Sprintf("%.3f", mean), fmt.Sprintf("%.3f", top), fmt.Sprintf("%.4f", square), found(m, means, precs))
		return err
	}

	m, e, err := studentRun(t, 0, studentSteps, func(int) float64 { return studentRate })
	if err != nil {
		return err
	}
	for _, stop := range []int{0, 500, 1000, 2000, 5000, studentSteps} {
		if _, err := advance(e, warmUp+stop); err != nil {
			return err
		}
		if err := row("as published", stop, m); err != nil {
			return err
		}
	}

	var best *mixture.Mixture
	top := math.Inf(-1)
	free := mixture.Options{Rule: mixture.IBLR, WeightRate: 0.05}
	for seed := range uint64(studentStarts) {
		m, e, err := studentRun(t, seed, studentScout, func(t int) float64 {
			if t < findingModes {
				return studentRate
			}
			return lateRate
		})
		if err != nil {
			return err
		}
		if _, err := advance(e, warmUp+findingModes); err != nil {
			return err
		}
		if err := m.SetOptions(free); err != nil {
			return err
		}
		if _, err := advance(e, warmUp+(findingModes+studentScout)/2); err != nil {
			return err
		}
		elbo, err := advance(e, warmUp+studentScout)
		if err != nil {
			return err
		}
		if elbo > top {
			best, top = m, elbo
		}
	}
	spent := studentStarts * studentScout
	if err := row("ours", spent, best); err != nil {
		return err
	}
	rest := studentSteps - spent
	if e, err = vi.New(best, t, &vi.Settings{
		Seed: studentStarts, Plain: true, Iterations: rest, Draws: studentDraws, Diagnostics: -1,
		Rate: func(t int) float64 { return lateRate * math.Min(1, 2-2*float64(t)/float64(rest)) },
	}); err != nil {
		return err
	}
	for _, stop := range []int{rest / 2, rest} {
		if _, err := advance(e, stop); err != nil {
			return err
		}
		if err := row("ours", spent+stop, best); err != nil {
			return err
		}
	}
	fmt.Fprintln(w, tab)
	return nil
}

// studentRun prepares the published start and a run of so many steps after its warm-up.
func studentRun(t *vi.Target, seed uint64, steps int, rate vi.Rate) (*mixture.Mixture, *vi.Engine, error) {
	m, err := scattered(t.Dim, studentK, 100, 1./300, seed)
	if err != nil {
		return nil, nil, err
	}
	if err := m.SetOptions(mixture.Options{Rule: mixture.IBLR, WeightRate: -1}); err != nil {
		return nil, nil, err
	}
	e, err := vi.New(m, t, &vi.Settings{
		Seed: seed, Plain: true, Iterations: warmUp + steps, Draws: studentDraws, Diagnostics: -1,
		Rate: func(t int) float64 {
			if t < warmUp {
				return warmUpRate
			}
			return rate(t - warmUp)
		},
	})
	return m, e, err
}

// advance lets e run until it has taken so many steps and returns the mean ELBO
// on the way.
func advance(e *vi.Engine, steps int) (elbo float64, err error) {
	n := 0
	for ; e.Iterations() < steps; n++ {
		r, err := e.Step()
		if err != nil {
			return 0, fmt.Errorf("step %d: %w", e.Iterations(), err)
		}
		elbo += r.ELBO
	}
	return elbo / float64(n), nil
}

// marginals are the target's marginal densities on a grid.
type marginals struct {
	x    []float64
	dens [][]float64 // a row a coordinate
	kern []float64   // of points that many cells apart
	cell float64
}

const (
	gridEnd   = 80
	gridCell  = 0.1
	bandwidth = 12 // about the median distance of two draws of a marginal
)

// newMarginals returns the marginals of the even mixture of Student-t distributions
// with 2 degrees of freedom: coordinate i of component c is one of location μ_i and squared
// scale (P⁻¹)_ii, with density (2 + r²)^(−3/2)/scale, r the standardised distance.
func newMarginals(means [][]float64, precs []*mat.SymDense) (*marginals, error) {
	g := &marginals{cell: gridCell}
	for x := -float64(gridEnd); x <= gridEnd; x += gridCell {
		g.kern = append(g.kern, math.Exp(-0.5*math.Pow(float64(len(g.x))*gridCell/bandwidth, 2)))
		g.x = append(g.x, x)
	}
	d := len(means[0])
	for range d {
		g.dens = append(g.dens, make([]float64, len(g.x)))
	}
	for c, mu := range means {
		var ch mat.Cholesky
		if !ch.Factorize(precs[c]) {
			return nil, fmt.Errorf("precision %d is not positive definite", c)
		}
		var scale mat.SymDense
		if err := ch.InverseTo(&scale); err != nil {
			return nil, err
		}
		for i, row := range g.dens {
			s := math.Sqrt(scale.At(i, i))
			for j, x := range g.x {
				r := (x - mu[i]) / s
				row[j] += math.Pow(2+r*r, -1.5) / s / float64(len(means))
			}
		}
	}
	return g, nil
}

// mmd returns the mean, the mean square and the largest value of the maximum mean
// discrepancy of the marginals of q from the target's: with a normal kernel k of that
// bandwidth
//
//	MMD² = ∬ (q(x) − p(x)) k(x, x') (q(x') − p(x')) dx dx',
//
// the integral, not its estimate from draws, in which 0.01 would be noise (Gretton
// et al. 2012, "A kernel two-sample test").
func (g *marginals) mmd(q *mixture.Mixture) (mean, square, top float64, err error) {
	diff := make([]float64, len(g.x))
	for i, p := range g.dens {
		one, err := q.Marginal([]int{i})
		if err != nil {
			return 0, 0, 0, err
		}
		for j, x := range g.x {
			diff[j] = (math.Exp(one.LogProb([]float64{x})) - p[j]) * g.cell
		}
		sq := 0.0
		for j, a := range diff {
			for l, b := range diff {
				sq += a * b * g.kern[max(j-l, l-j)]
			}
		}
		v := math.Sqrt(math.Max(0, sq))
		mean += v / float64(len(g.dens))
		square += v * v / float64(len(g.dens))
		top = math.Max(top, v)
	}
	return mean, square, top, nil
}

// found counts the target's components in whose half of the mass, the ellipsoid of
// radius², P(F(20, 2) < ·) = ½, some mean of q lies.
func found(q *mixture.Mixture, means [][]float64, precs []*mat.SymDense) (n int) {
	d := len(means[0])
	diff := mat.NewVecDense(d, nil)
	for c, mu := range means {
		for k := range q.K() {
			comp := q.Component(k).(interface{ Mean([]float64) []float64 }).Mean(nil)
			for i, v := range comp {
				diff.SetVec(i, v-mu[i])
			}
			if mat.Inner(diff, precs[c], diff) < float64(d)*medianF {
				n++
				break
			}
		}
	}
	return n
}

// medianF is the median of the F distribution with 20 and 2 degrees of freedom.
const medianF = 1.393
