package glm

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/vi"
)

// poisson is y ~ Poisson(exp η).
type poisson struct{ traits }

// Poisson returns the Poisson family with log link,
//
//	log p(y|η) = y η − exp(η) − log y!.
func Poisson() Family {
	return &poisson{traits{name: "poisson", link: "log", concave: true}}
}

func (f *poisson) String() string { return f.name }

func (f *poisson) CheckOutcome(y, trials []float64, rows []int, column string) error {
	return checkCounts(f.name, y, trials, rows, column)
}

func checkCounts(family string, y, trials []float64, rows []int, column string) error {
	if err := noTrials(family, column, trials); err != nil {
		return err
	}
	return checkRows(family, "a whole number ≥ 0", column, y, nil, rows, func(y, _ float64) bool { return isCount(y) })
}

// negLogFactorials returns −log y! of every row.
func negLogFactorials(y []float64) []float64 {
	c := make([]float64, len(y))
	for i, v := range y {
		if v > 1 {
			l, _ := math.Lgamma(v + 1)
			c[i] = -l
		}
	}
	return c
}

func (f *poisson) Eval(o Outcome) func(lo int, eta, aux []float64, d *vi.Derivs) {
	o.check()
	c := negLogFactorials(o.Y)
	return func(lo int, eta, aux []float64, d *vi.Derivs) {
		var mb block
		for b := 0; b < len(eta); b += blockRows {
			m := min(blockRows, len(eta)-b)
			mu, x, y := mb[:m], eta[b:b+m], o.Y[lo+b:lo+b+m]
			la.Exp(mu, x)
			if d.F != nil {
				out, c := d.F[b:b+m], c[lo+b:lo+b+m]
				for i, e := range x {
					out[i] = c[i] + (y[i]*e - mu[i])
				}
			}
			if d.E != nil {
				out := d.E[b : b+m]
				for i, e := range mu {
					out[i] = y[i] - e
				}
			}
			if d.EE != nil {
				out := d.EE[b : b+m]
				for i, e := range mu {
					out[i] = -e
				}
			}
		}
		weigh(o.Weights, lo, len(eta), d)
	}
}

func (f *poisson) Mean(eta float64, aux []float64) float64     { return math.Exp(eta) }
func (f *poisson) Variance(eta float64, aux []float64) float64 { return math.Exp(eta) }

func (f *poisson) Sample(rng *rand.Rand, eta float64, aux []float64, trials float64) float64 {
	return sample.Poisson(math.Exp(eta), rng)
}

func (f *poisson) InitEta(o Outcome) float64   { return logMean(&o, 0.5) }
func (f *poisson) InitAux(o Outcome) []float64 { return nil }
func (f *poisson) Scale(o Outcome) float64     { return 1 }

// negBinomial is y ~ NB(mean exp η, size φ), ψ = log φ.
type negBinomial struct{ traits }

// NegativeBinomial returns the negative binomial family with log link for
// counts that vary more than Poisson ones. With mean μ = exp(η) and auxiliary
// parameter phi = φ, so that the variance is μ + μ²/φ,
//
//	log p(y|η, φ) = log Γ(y+φ) − log Γ(φ) − log y! + y log μ/(μ+φ) + φ log φ/(μ+φ).
//
// It tends to [Poisson] as φ → ∞ (Hilbe, Negative Binomial Regression, 2011: NB2).
func NegativeBinomial() Family {
	return &negBinomial{traits{name: "negative-binomial", link: "log", aux: []string{"phi"}, concave: true}}
}

func (f *negBinomial) String() string { return f.name }

func (f *negBinomial) CheckOutcome(y, trials []float64, rows []int, column string) error {
	return checkCounts(f.name, y, trials, rows, column)
}

// smallCount bounds the counts whose rising factorial is tabulated per call.
const smallCount = 32

func (f *negBinomial) Eval(o Outcome) func(lo int, eta, aux []float64, d *vi.Derivs) {
	o.check()
	c := negLogFactorials(o.Y)
	top := 0
	for _, y := range o.Y {
		top = max(top, int(min(y, smallCount-1)))
	}
	return func(lo int, eta, aux []float64, d *vi.Derivs) {
		psi := aux[0]
		phi := math.Exp(psi)
		// Sums over k < y of log(1+k/φ) and its derivatives: exact for small
		// counts and the same for all rows of the call.
		var table [smallCount]rising
		for k := range top {
			x, t := float64(k), table[k]
			q := x / (phi + x)
			if k == 0 {
				q = 0
			}
			table[k+1] = rising{t.c + math.Log1p(x/phi), t.c1 - q, t.c2 + q*(1-q)}
		}
		at := newStirlingAt(phi)
		var mb, lb block
		var rb [blockRows]rising
		for b := 0; b < len(eta); b += blockRows {
			m := min(blockRows, len(eta)-b)
			y := o.Y[lo+b : lo+b+m]
			for i, v := range y {
				if v < smallCount {
					rb[i] = table[int(v)]
				} else {
					rb[i] = logRising(v, &at)
				}
			}
			negBinomialBlock(y, c[lo+b:lo+b+m], eta[b:b+m], psi, phi, b, rb[:m], mb[:m], lb[:m], d)
		}
		weigh(o.Weights, lo, len(eta), d)
	}
}

// negBinomialBlock fills the entries b … b+len(y)−1 of d. With s = η−ψ,
// p = 1/(1+exp(−s)) and q = 1−p the log likelihood is
// c + r(y, φ) + y η − (y+φ) log(1+exp s), where r is the rising factorial.
func negBinomialBlock(y, c, eta []float64, psi, phi float64, b int, r []rising, p, l []float64, d *vi.Derivs) {
	n := len(y)
	for i, e := range eta {
		p[i] = e - psi
	}
	la.Logistic(p, l, p)
	if d.F != nil {
		out := d.F[b : b+n]
		for i, e := range eta {
			out[i] = c[i] + r[i].c + (y[i]*e - (y[i]+phi)*l[i])
		}
	}
	if d.E != nil {
		out := d.E[b : b+n]
		for i, p := range p {
			out[i] = y[i]*(1-p) - phi*p
		}
	}
	if d.EE != nil {
		out := d.EE[b : b+n]
		for i, p := range p {
			out[i] = -(y[i] + phi) * p * (1 - p)
		}
	}
	if d.A != nil {
		out := d.A[0][b : b+n]
		for i, p := range p {
			out[i] = r[i].c1 - phi*l[i] + (y[i]+phi)*p
		}
	}
	if d.EA != nil {
		out := d.EA[0][b : b+n]
		for i, p := range p {
			out[i] = y[i]*p*(1-p) - phi*p*p
		}
	}
	if d.AA != nil {
		out := d.AA[0][b : b+n]
		for i, p := range p {
			out[i] = r[i].c2 - phi*l[i] + 2*phi*p - (y[i]+phi)*p*(1-p)
		}
	}
}

func (f *negBinomial) Mean(eta float64, aux []float64) float64 { return math.Exp(eta) }

// Variance returns μ + μ²/φ.
func (f *negBinomial) Variance(eta float64, aux []float64) float64 {
	return math.Exp(eta) + math.Exp(2*eta-aux[0])
}

// Sample draws a Poisson count whose mean is gamma distributed.
func (f *negBinomial) Sample(rng *rand.Rand, eta float64, aux []float64, trials float64) float64 {
	return sample.Poisson(math.Exp(eta-aux[0]+sample.LogGamma(math.Exp(aux[0]), rng)), rng)
}

func (f *negBinomial) InitEta(o Outcome) float64 { return logMean(&o, 0.5) }

// InitAux returns the log of Σ w μ²/Σ w [(y−μ)²−μ] with μ at InitEta and the
// offsets, within [0.1, 100].
func (f *negBinomial) InitAux(o Outcome) []float64 {
	eta := f.InitEta(o)
	var num, den float64
	for i, y := range o.Y {
		if w := o.weight(i); w > 0 {
			mu := math.Exp(eta + o.offset(i))
			num += w * mu * mu
			den += w * ((y-mu)*(y-mu) - mu)
		}
	}
	if !(den > 0) {
		den = 0
	}
	return []float64{math.Log(clamp(num/den, 0.1, 100))}
}

func (f *negBinomial) Scale(o Outcome) float64 { return 1 }
