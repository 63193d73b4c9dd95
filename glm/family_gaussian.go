package glm

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/vi"
)

// gaussian is y ~ N(η, σ²), ψ = log σ.
type gaussian struct{ traits }

// Gaussian returns the normal family with identity link,
//
//	log p(y|η, σ) = −½ log 2π − log σ − (y−η)²/2σ²,
//
// with the auxiliary parameter sigma = σ.
func Gaussian() Family {
	return &gaussian{traits{name: "gaussian", link: "identity", aux: []string{"sigma"}, degree: 2, concave: true}}
}

func (f *gaussian) String() string { return f.name }

func (f *gaussian) CheckOutcome(y, trials []float64, rows []int, column string) error {
	return checkReal(f.name, y, trials, rows, column)
}

// checkReal accepts any finite outcome.
func checkReal(family string, y, trials []float64, rows []int, column string) error {
	if err := noTrials(family, column, trials); err != nil {
		return err
	}
	return checkRows(family, "a finite number", column, y, nil, rows, func(y, _ float64) bool { return isFinite(y) })
}

func (f *gaussian) Eval(o Outcome) func(lo int, eta, aux []float64, d *vi.Derivs) {
	o.check()
	return func(lo int, eta, aux []float64, d *vi.Derivs) {
		y := o.Y[lo : lo+len(eta)]
		psi := aux[0]
		r := math.Exp(-psi)
		c := -halfLog2Pi - psi
		if d.F != nil {
			for i, e := range eta {
				z := (y[i] - e) * r
				d.F[i] = c - 0.5*z*z
			}
		}
		if d.E != nil {
			for i, e := range eta {
				d.E[i] = (y[i] - e) * r * r
			}
		}
		if d.EE != nil {
			for i := range eta {
				d.EE[i] = -r * r
			}
		}
		if d.A != nil {
			for i, e := range eta {
				z := (y[i] - e) * r
				d.A[0][i] = z*z - 1
			}
		}
		if d.EA != nil {
			for i, e := range eta {
				d.EA[0][i] = -2 * (y[i] - e) * r * r
			}
		}
		if d.AA != nil {
			for i, e := range eta {
				z := (y[i] - e) * r
				d.AA[0][i] = -2 * z * z
			}
		}
		weigh(o.Weights, lo, len(eta), d)
	}
}

func (f *gaussian) Mean(eta float64, aux []float64) float64     { return eta }
func (f *gaussian) Variance(eta float64, aux []float64) float64 { return math.Exp(2 * aux[0]) }

func (f *gaussian) Sample(rng *rand.Rand, eta float64, aux []float64, trials float64) float64 {
	return eta + math.Exp(aux[0])*rng.NormFloat64()
}

func (f *gaussian) InitEta(o Outcome) float64 {
	m, _, _ := o.moments()
	return m
}

func (f *gaussian) InitAux(o Outcome) []float64 { return []float64{math.Log(o.scale())} }
func (f *gaussian) Scale(o Outcome) float64     { return o.scale() }
