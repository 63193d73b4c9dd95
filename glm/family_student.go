package glm

import (
	"math"
	"math/rand/v2"
	"sort"
	"strconv"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/vi"
)

// studentT is (y−η)/σ ~ t(ν), ψ = (log σ, log ν), or (log σ) if df > 0.
type studentT struct {
	traits
	df float64
}

// StudentT returns the Student-t family with identity link, which outliers
// pull less than [Gaussian]. With z = (y−η)/σ,
//
//	log p(y|η, σ, ν) = log Γ((ν+1)/2) − log Γ(ν/2) − ½ log νπ − log σ − (ν+1)/2 log(1+z²/ν).
//
// Its auxiliary parameters are sigma = σ and nu = ν, the degrees of freedom.
func StudentT() Family {
	return &studentT{traits: traits{name: "student-t", link: "identity", aux: []string{"sigma", "nu"}}}
}

// StudentTDF returns [StudentT] with ν = df known; sigma is the only auxiliary
// parameter. It panics unless 0 < df < ∞.
func StudentTDF(df float64) Family {
	if !(df > 0) || math.IsInf(df, 1) {
		panic("glm: StudentTDF: df is " + strconv.FormatFloat(df, 'g', -1, 64) + ", want a positive finite number")
	}
	return &studentT{traits{name: "student-t", link: "identity", aux: []string{"sigma"}}, df}
}

func (f *studentT) String() string {
	if f.df > 0 {
		return "student-t(df=" + strconv.FormatFloat(f.df, 'g', -1, 64) + ")"
	}
	return f.name
}

func (f *studentT) CheckOutcome(y, trials []float64, rows []int, column string) error {
	return checkReal(f.name, y, trials, rows, column)
}

// nu returns the degrees of freedom.
func (f *studentT) nu(aux []float64) float64 {
	if f.df > 0 {
		return f.df
	}
	return math.Exp(aux[1])
}

// studentConst returns the constant log Γ((ν+1)/2) − log Γ(ν/2) − ½ log νπ in c
// and its derivatives in log ν.
func studentConst(nu float64) rising {
	at := newStirlingAt(nu / 2)
	r := logRising(0.5, &at)
	r.c -= halfLog2Pi
	return r
}

func (f *studentT) Eval(o Outcome) func(lo int, eta, aux []float64, d *vi.Derivs) {
	o.check()
	var fixed rising
	if f.df > 0 {
		fixed = studentConst(f.df)
	}
	return func(lo int, eta, aux []float64, d *vi.Derivs) {
		n := len(eta)
		nu, c := f.df, fixed
		if nu == 0 {
			nu = math.Exp(aux[1])
			c = studentConst(nu)
		}
		var u, l block
		for b := 0; b < n; b += blockRows {
			m := min(blockRows, n-b)
			studentBlock(o.Y[lo+b:lo+b+m], eta[b:b+m], aux[0], nu, &c, b, len(aux), &u, &l, d)
		}
		weigh(o.Weights, lo, n, d)
	}
}

// studentBlock fills the entries b … b+len(y)−1 of d. With u = z²/ν, κ = ν+1
// and v = u/(1+u) the derivatives are elementary.
func studentBlock(y, eta []float64, psi, nu float64, c *rising, b, naux int, ub, lb *block, d *vi.Derivs) {
	u, l := ub[:len(y)], lb[:len(y)]
	r := math.Exp(-psi)
	k := nu + 1
	rn := r / math.Sqrt(nu)
	for i, e := range eta {
		z := (y[i] - e) * rn
		u[i] = z * z
	}
	if d.F != nil || d.A != nil && naux > 1 || d.AA != nil && naux > 1 {
		la.Log1p(l, u)
	}
	if d.F != nil {
		f, c0 := d.F[b:b+len(u)], c.c-psi
		for i := range u {
			f[i] = c0 - 0.5*k*l[i]
		}
	}
	if d.E != nil {
		e, q := d.E[b:b+len(u)], k/nu*r*r
		for i := range u {
			e[i] = q * (y[i] - eta[i]) / (1 + u[i])
		}
	}
	if d.EE != nil {
		ee, q := d.EE[b:b+len(u)], k/nu*r*r
		for i := range u {
			w := 1 / (1 + u[i])
			ee[i] = q * w * (1 - 2*w) // (u−1)/(1+u)² = w(1−2w)
		}
	}
	if d.A != nil {
		as := d.A[0][b : b+len(u)]
		for i, x := range u {
			as[i] = k*x/(1+x) - 1
		}
		if naux > 1 {
			an := d.A[1][b : b+len(u)]
			for i, x := range u {
				an[i] = c.c1 - 0.5*nu*l[i] + 0.5*k*x/(1+x)
			}
		}
	}
	if d.EA != nil {
		es, q := d.EA[0][b:b+len(u)], k/nu*r*r
		for i := range u {
			w := 1 / (1 + u[i])
			es[i] = -2 * q * (y[i] - eta[i]) * w * w
		}
		if naux > 1 {
			en, q := d.EA[1][b:b+len(u)], r*r/nu
			for i := range u {
				w := 1 / (1 + u[i])
				en[i] = q * (y[i] - eta[i]) * w * (k*u[i]*w - 1)
			}
		}
	}
	if d.AA != nil {
		ss := d.AA[0][b : b+len(u)]
		for i, x := range u {
			w := 1 / (1 + x)
			ss[i] = -2 * k * x * w * w
		}
		if naux > 1 {
			sn, nn := d.AA[1][b:b+len(u)], d.AA[2][b:b+len(u)]
			for i, x := range u {
				w := 1 / (1 + x)
				v := x * w
				sn[i] = nu*v - k*v*w
				nn[i] = c.c2 - 0.5*nu*l[i] + nu*v - 0.5*k*v*w
			}
		}
	}
}

func (f *studentT) Mean(eta float64, aux []float64) float64 { return eta }

// Variance returns σ²ν/(ν−2), infinite for ν ≤ 2.
func (f *studentT) Variance(eta float64, aux []float64) float64 {
	nu := f.nu(aux)
	if !(nu > 2) {
		return math.Inf(1)
	}
	return math.Exp(2*aux[0]) / (1 - 2/nu)
}

func (f *studentT) Sample(rng *rand.Rand, eta float64, aux []float64, trials float64) float64 {
	nu := f.nu(aux)
	// The logarithm of the gamma variable: it underflows for small ν.
	lg := sample.LogGamma(nu/2, rng) - math.Log(nu/2)
	return eta + math.Exp(aux[0]-0.5*lg)*rng.NormFloat64()
}

// InitEta returns the median, which outliers do not move.
func (f *studentT) InitEta(o Outcome) float64 {
	m, _ := medianMAD(o)
	return m
}

// InitAux starts σ at the scaled median absolute deviation and ν at 8, between
// the heavy tails and the normal ones.
func (f *studentT) InitAux(o Outcome) []float64 {
	_, s := medianMAD(o)
	if s <= 0 || !isFinite(s) {
		s = o.scale()
	}
	psi := []float64{math.Log(s)}
	if f.df == 0 {
		psi = append(psi, math.Log(8))
	}
	return psi
}

func (f *studentT) Scale(o Outcome) float64 { return o.scale() }

// medianMAD returns the median of y − offset over the rows with weight and
// 1.4826 times the median absolute deviation, which is σ for a normal sample.
func medianMAD(o Outcome) (median, mad float64) {
	x := make([]float64, 0, len(o.Y))
	for i, y := range o.Y {
		if o.weight(i) > 0 {
			x = append(x, y-o.offset(i))
		}
	}
	if len(x) == 0 {
		return 0, 0
	}
	mid := func() float64 {
		sort.Float64s(x)
		return x[(len(x)-1)/2] + 0.5*(x[len(x)/2]-x[(len(x)-1)/2])
	}
	median = mid()
	for i := range x {
		x[i] = math.Abs(x[i] - median)
	}
	return median, 1.4826022185056018 * mid()
}
