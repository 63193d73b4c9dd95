package glm

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/vi"
)

// gammaFamily is y ~ Gamma with mean exp(η) and shape a, ψ = log a.
type gammaFamily struct{ traits }

// Gamma returns the gamma family with log link. With mean μ = exp(η) and
// auxiliary parameter shape = a, so that the variance is μ²/a,
//
//	log p(y|η, a) = a log(a/μ) − log Γ(a) + (a−1) log y − a y/μ.
func Gamma() Family {
	return &gammaFamily{traits{name: "gamma", link: "log", aux: []string{"shape"}, concave: true}}
}

func (f *gammaFamily) String() string { return f.name }

func (f *gammaFamily) CheckOutcome(y, trials []float64, rows []int, column string) error {
	if err := noTrials(f.name, column, trials); err != nil {
		return err
	}
	return checkRows(f.name, "a positive finite number", column, y, nil, rows, func(y, _ float64) bool { return y > 0 && isFinite(y) })
}

func (f *gammaFamily) Eval(o Outcome) func(lo int, eta, aux []float64, d *vi.Derivs) {
	o.check()
	logY := make([]float64, len(o.Y))
	for i, y := range o.Y {
		logY[i] = math.Log(y)
	}
	return func(lo int, eta, aux []float64, d *vi.Derivs) {
		a := math.Exp(aux[0])
		// The logarithm of aᵃe⁻ᵃ/Γ(a) by Stirling's remainder, without the
		// cancellation of its terms at large a.
		s, d1, t := stirling(a)
		c := 0.5*aux[0] - halfLog2Pi - s
		var lb, wb block
		for b := 0; b < len(eta); b += blockRows {
			m := min(blockRows, len(eta)-b)
			l, w := lb[:m], wb[:m]
			ly := logY[lo+b : lo+b+m]
			for i, e := range eta[b : b+m] {
				l[i] = ly[i] - e
			}
			la.Exp(w, l) // w = y/μ
			if d.F != nil {
				out := d.F[b : b+m]
				for i := range l {
					out[i] = c - ly[i] + a*(1+l[i]-w[i])
				}
			}
			if d.E != nil {
				out := d.E[b : b+m]
				for i := range l {
					out[i] = a * (w[i] - 1)
				}
			}
			if d.EE != nil {
				out := d.EE[b : b+m]
				for i := range l {
					out[i] = -a * w[i]
				}
			}
			if d.A != nil {
				out := d.A[0][b : b+m]
				for i := range l {
					out[i] = a*(1+l[i]-w[i]) - d1
				}
			}
			if d.EA != nil {
				out := d.EA[0][b : b+m]
				for i := range l {
					out[i] = a * (w[i] - 1)
				}
			}
			if d.AA != nil {
				out := d.AA[0][b : b+m]
				for i := range l {
					out[i] = a*(1+l[i]-w[i]) - d1 - t
				}
			}
		}
		weigh(o.Weights, lo, len(eta), d)
	}
}

func (f *gammaFamily) Mean(eta float64, aux []float64) float64 { return math.Exp(eta) }

// Variance returns exp(2η)/a.
func (f *gammaFamily) Variance(eta float64, aux []float64) float64 { return math.Exp(2*eta - aux[0]) }

func (f *gammaFamily) Sample(rng *rand.Rand, eta float64, aux []float64, trials float64) float64 {
	return math.Exp(eta - aux[0] + sample.LogGamma(math.Exp(aux[0]), rng))
}

func (f *gammaFamily) InitEta(o Outcome) float64 {
	return logMean(&o, 0)
}

// InitAux returns the log of mean²/variance of y/exp(offset), within [0.1, 1000].
func (f *gammaFamily) InitAux(o Outcome) []float64 {
	if o.Offset != nil {
		y := make([]float64, len(o.Y))
		for i, v := range o.Y {
			y[i] = v * math.Exp(-o.Offset[i])
		}
		o.Y, o.Offset = y, nil
	}
	m, v, _ := o.moments()
	return []float64{math.Log(clamp(m*m/v, 0.1, 1000))}
}

func (f *gammaFamily) Scale(o Outcome) float64 { return 1 }

// clamp returns x within [lo, hi]; NaN, from a variance of zero, becomes hi.
func clamp(x, lo, hi float64) float64 {
	if !(x < hi) {
		return hi
	}
	return max(x, lo)
}

// logMean returns log[(Σ w y + extra) / Σ w exp(offset)], 0 if that is not
// finite.
func logMean(o *Outcome, extra float64) float64 {
	num, den := extra, 0.0
	for i, y := range o.Y {
		if w := o.weight(i); w > 0 {
			num += w * y
			den += w * math.Exp(o.offset(i))
		}
	}
	if e := math.Log(num / den); isFinite(e) {
		return e
	}
	return 0
}
