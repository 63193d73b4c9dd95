package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/structured"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// alphas are the momenta that are compared.
var alphas = []float64{0, 0.5, 0.7, 0.9}

// A climber is a posterior with momentum.
type climber interface {
	vi.Posterior
	SetMomentum(alpha float64) error
}

// momentumFits prints what vi.Fit, with its line search, makes of momentum: steps
// and passes over the data until it has converged.
func momentumFits(w io.Writer, target *vi.Target, all []shape) error {
	t := &report.Table{
		Title:   "The same fits with momentum: steps / passes over the data",
		Columns: []string{"momentum"},
		Align:   []report.Align{report.Decimal},
	}
	var chosen []shape
	for _, s := range all {
		switch s.name {
		case "diagonal", "up(3)", "kronecker 3×3, dense", "dense":
			chosen = append(chosen, s)
			t.Columns, t.Align = append(t.Columns, s.name), append(t.Align, report.Right)
		}
	}
	for _, alpha := range alphas {
		row := []any{fmt.Sprint(alpha)}
		for _, s := range chosen {
			q, err := s.start(target.Dim, wellsScale)
			if err == nil {
				err = q.SetMomentum(alpha)
			}
			if err != nil {
				return err
			}
			r, err := vi.Fit(context.Background(), q, target, &vi.Settings{Diagnostics: -1})
			if err == nil {
				err = r.Status.Err()
			}
			if err != nil {
				return err
			}
			row = append(row, fmt.Sprintf("%d / %d", r.Iterations, r.Evaluations))
		}
		t.AddRow(row...)
	}
	_, err := fmt.Fprintln(w, t)
	return err
}

// momentumRaces prints, for every momentum, the fewest plain steps of constant
// rate to an optimum and the rate that does it.
func momentumRaces(w io.Writer) error {
	const dim, limit = 6, 500
	rng := rand.New(rand.NewPCG(6, 1))
	const cond = 30
	nearest := nearness(spread(rng, dim, cond), rng, 50)
	start := mat.NewSymDense(dim, identity(dim).Data)
	start.ScaleSym(1./cond, start)
	t := &report.Table{
		Title:   "Fewest plain steps of constant rate, and that rate",
		Columns: []string{"momentum", "nearness, symmetric", "rate", "nearness, triangular", "rate", "posterior, diagonal", "rate"},
		Align:   []report.Align{report.Decimal, report.Right, report.Decimal, report.Right, report.Decimal, report.Right, report.Decimal},
	}
	quad, err := quadratic(spread(rng, dim, cond), make([]float64, dim))
	if err != nil {
		return err
	}
	diagonal := func() (climber, error) {
		f, err := structured.Diagonal(dim)
		if err != nil {
			return nil, err
		}
		return structured.New([]float64{3, -3, 3, -3, 3, -3}, f)
	}
	q, err := diagonal()
	if err != nil {
		return err
	}
	best, err := vi.Fit(context.Background(), q, quad, &vi.Settings{Tol: 1e-12})
	if err != nil {
		return err
	}
	races := []struct {
		target *vi.Target
		start  func() (climber, error)
		goal   float64
	}{
		{nearest, func() (climber, error) { return structured.NewSPD(start) }, -1e-8},
		{nearest, func() (climber, error) { return structured.NewSPDLower(start) }, -1e-8},
		{quad, diagonal, best.ELBO - 1e-8},
	}
	for _, alpha := range alphas {
		row := []any{fmt.Sprint(alpha)}
		for _, r := range races {
			steps, at := limit+1, 0.0
			for _, rate := range []float64{0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1} {
				q, err := r.start()
				if err == nil {
					err = q.SetMomentum(alpha)
				}
				if err != nil {
					return err
				}
				// A rate that is too large ends in an error, and wins no race.
				if n, err := stepsTo(q, r.target, rate, r.goal, min(steps, limit)); err == nil && n < steps {
					steps, at = n, rate
				}
			}
			if steps > limit {
				row = append(row, fmt.Sprintf("> %d", limit), "")
				continue
			}
			row = append(row, steps, fmt.Sprint(at))
		}
		t.AddRow(row...)
	}
	_, err = fmt.Fprint(w, t)
	return err
}

// stepsTo returns the number of plain steps after which the objective is goal or
// more for good, limit+1 if it is not within limit steps.
func stepsTo(q vi.Posterior, target *vi.Target, rate, goal float64, limit int) (int, error) {
	e, err := vi.New(q, target, &vi.Settings{Plain: true, Rate: vi.Constant(rate), Iterations: limit, Diagnostics: -1})
	if err != nil {
		return 0, err
	}
	steps := limit + 1
	for e.Iterations() < limit {
		r, err := e.Step()
		if err != nil {
			return 0, err
		}
		switch {
		case !(r.ELBO >= goal): // momentum may leave again
			steps = limit + 1
		case steps > limit:
			steps = r.Iteration
		}
	}
	return steps, nil
}

// spread is a random positive definite matrix with eigenvalues from 1 to cond.
func spread(rng *rand.Rand, p int, cond float64) *mat.SymDense {
	var qr mat.QR
	qr.Factorize(normals(rng, p, p))
	var u mat.Dense
	qr.QTo(&u)
	s := mat.NewSymDense(p, nil)
	for j := range p {
		s.SymRankOne(s, 1+(cond-1)*float64(j)/float64(p-1), u.ColView(j))
	}
	return s
}

func normals(rng *rand.Rand, r, c int) *mat.Dense {
	m := mat.NewDense(r, c, nil)
	m.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, m)
	return m
}

// nearness is the metric nearness of Z to the inverse of Q (Lin et al. 2023, section
// 4): −f for f(Z) = (1/2n) Σ |ZQx − x|² over n random x, which is 0 at Z = Q⁻¹.
func nearness(q *mat.SymDense, rng *rand.Rand, n int) *vi.Target {
	p := q.SymmetricDim()
	x := normals(rng, n, p)
	var qx, residual, d mat.Dense
	qx.Mul(x, q)
	z, g := mat.NewSymDense(p, nil), mat.NewSymDense(p, nil)
	return &vi.Target{Dim: p * (p + 1) / 2, Exact: func(tan []float64, at vi.Posterior) (float64, error) {
		s := at.(*structured.SPD)
		residual.Mul(&qx, s.Matrix(z))
		residual.Sub(&residual, x)
		d.Mul(residual.T(), &qx)
		for i := range p {
			for j := i; j < p; j++ {
				g.SetSym(i, j, (d.At(i, j)+d.At(j, i))/(2*float64(n)))
			}
		}
		s.AddGradient(tan, g, -1)
		f := mat.Norm(&residual, 2)
		return -f * f / (2 * float64(n)), nil
	}}
}
