package main

import (
	"math"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// wells is the posterior of the coefficients β_jk, row by row, of
//
//	P(switch) = σ(Σ_jk β_jk s^j t^k),   j, k = 0, 1, 2,
//
// s and t the standardised logarithms of distance and arsenic, with the prior
// β_jk ~ N(0, 1).
func wells(path string) (*vi.Target, error) {
	frame, err := glm.ReadCSVFile(path)
	if err != nil {
		return nil, err
	}
	y := frame.Col("switch").Float()
	s, t := standardLog(frame.Col("dist").Float()), standardLog(frame.Col("arsenic").Float())
	const rows, columns = 3, 3
	x := mat.NewDense(len(y), rows*columns, nil)
	for i := range y {
		for j := range rows {
			for k := range columns {
				x.Set(i, j*columns+k, math.Pow(s[i], float64(j))*math.Pow(t[i], float64(k)))
			}
		}
	}
	return logistic(x, y, 1), nil
}

// standardLog returns the logarithms of x, shifted and scaled to mean 0 and sd 1.
func standardLog(x []float64) []float64 {
	l := make([]float64, len(x))
	for i, v := range x {
		l[i] = math.Log(v)
	}
	mean, sd := stat.MeanStdDev(l, nil)
	floats.AddConst(-mean, l)
	floats.Scale(1/sd, l)
	return l
}

// logistic is the posterior of a logistic regression with prior N(0, sd²) on every
// coefficient, as functions of linear predictors.
func logistic(x *mat.Dense, y []float64, sd float64) *vi.Target {
	_, p := x.Dims()
	likelihood := func(lo int, eta, _ []float64, d *vi.Derivs) {
		sig := d.E
		if sig == nil {
			sig = d.EE
		}
		la.Logistic(sig, d.F, eta) // what is nil is not computed
		for i := range d.F {
			d.F[i] = y[lo+i]*eta[i] - d.F[i]
		}
		for i := range d.EE {
			d.EE[i] = -sig[i] * (1 - sig[i])
		}
		for i := range d.E {
			d.E[i] = y[lo+i] - d.E[i]
		}
	}
	norm := -0.5*math.Log(2*math.Pi) - math.Log(sd)
	return &vi.Target{Dim: p, Linear: &vi.Linear{Terms: []vi.Term{
		{Name: "y", X: x.RawMatrix(), Eval: likelihood},
		{Name: "prior", Prior: true, X: identity(p), Degree: 2, Eval: parabola(norm, 0, -1/(sd*sd))},
	}}}
}

// quadratic is log p = b'θ − ½ θ'Hθ as functions of linear predictors: the rows of a
// root of H, and b.
func quadratic(h *mat.SymDense, b []float64) (*vi.Target, error) {
	p := h.SymmetricDim()
	var chol mat.Cholesky
	if !chol.Factorize(h) {
		return nil, mat.ErrNotPSD
	}
	var u mat.TriDense
	chol.UTo(&u)
	return &vi.Target{Dim: p, Linear: &vi.Linear{Terms: []vi.Term{
		{Name: "quadratic", X: mat.DenseCopyOf(&u).RawMatrix(), Degree: 2, Eval: parabola(0, 0, -1)},
		{Name: "linear", X: blas64.General{Rows: 1, Cols: p, Stride: p, Data: b}, Degree: 2, Eval: parabola(0, 1, 0)},
	}}}, nil
}

// parabola is c + bη + ½eη² as a function of a term.
func parabola(c, b, e float64) func(lo int, eta, aux []float64, d *vi.Derivs) {
	return func(_ int, eta, _ []float64, d *vi.Derivs) {
		for i, x := range eta {
			if d.F != nil {
				d.F[i] = c + x*(b+0.5*e*x)
			}
			if d.E != nil {
				d.E[i] = b + e*x
			}
			if d.EE != nil {
				d.EE[i] = e
			}
		}
	}
}

func identity(p int) blas64.General {
	x := mat.NewDense(p, p, nil)
	for i := range p {
		x.Set(i, i, 1)
	}
	return x.RawMatrix()
}
