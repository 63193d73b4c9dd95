package glm

import (
	"math"

	"github.com/natgrad/natgrad/internal/la"
)

// sumFunc is the Sum function of a [vi.Term].
type sumFunc = func(lo int, eta, aux []float64) float64

// sumOf returns a function whose value is the sum of the log likelihoods that
// f.Eval(o) writes, equal up to rounding, or nil if there is none that is much
// faster: the time of a Poisson or gamma likelihood is in its exponentials, and
// in a negative binomial one each logarithm has its own factor. The function keeps
// the slices of o, does not allocate, and is safe for concurrent use.
func sumOf(f Family, o Outcome) sumFunc {
	o.check()
	if !unweighted(o.Weights) {
		return nil
	}
	switch f := f.(type) {
	case *binomial:
		return f.sum(&o)
	case *studentT:
		return f.sum(&o)
	}
	return nil
}

// unweighted reports whether every weight is 1. Products of powers would cost
// as much as sums of logarithms do.
func unweighted(w []float64) bool {
	for _, v := range w {
		if v != 1 {
			return false
		}
	}
	return true
}

// sum exists for rows of one trial.
func (f *binomial) sum(o *Outcome) sumFunc {
	for _, n := range o.Trials {
		if n != 1 {
			return nil
		}
	}
	sign := make([]float64, len(o.Y))
	for i, y := range o.Y {
		sign[i] = 2*y - 1
	}
	switch f.link {
	case "logit":
		return func(lo int, eta, aux []float64) float64 {
			return la.SumLogSigmoid(sign[lo:lo+len(eta)], eta)
		}
	case "probit":
		return func(lo int, eta, aux []float64) float64 {
			return sumProbit(sign[lo:lo+len(eta)], eta)
		}
	}
	return func(lo int, eta, aux []float64) float64 {
		return sumCloglog(sign[lo:lo+len(eta)], eta)
	}
}

// sumProbit returns Σ log Φ(sign·x). The rare outcomes multiply Φ(−|x|), the
// likely ones 1 − Φ(−|x|), kept as the distance of the product from 1.
func sumProbit(sign, x []float64) float64 {
	const least = 1e-290 // times Φ(−tailCut) it is still a normal number
	total, rare, missing := 0.0, 1.0, 0.0
	for i, v := range x {
		m := sign[i] * v
		t := math.Abs(m)
		q := 0.5 * math.Erfc(t*(math.Sqrt2/2))
		switch {
		case m >= 0:
			missing += q * (1 - missing)
			if missing > 0.5 {
				total += math.Log1p(-missing)
				missing = 0
			}
		case t < tailCut:
			if rare *= q; rare < least {
				total += math.Log(rare)
				rare = 1
			}
		default: // NaN too
			_, q, h, _ := normalTail(t)
			total += logTail(t, q, h)
		}
	}
	return total + math.Log(rare) + math.Log1p(-missing)
}

// sumCloglog returns the sum of log(1−exp(−u)) over sign 1 and of −u over
// sign −1, u = exp(x). Moderate factors 1 − exp(−u) multiply; of those near 1
// the distance of the product from 1 is kept; small u have a series.
func sumCloglog(sign, x []float64) float64 {
	const least = 1e-300 // times 1 − exp(−0.01) it is still a normal number
	var ub block
	total, product, missing := 0.0, 1.0, 0.0
	for b := 0; b < len(x); b += blockRows {
		k := min(blockRows, len(x)-b)
		u := ub[:k]
		la.Exp(u, x[b:b+k])
		for i, s := range sign[b : b+k] {
			v := u[i]
			switch {
			case s < 0:
				total -= v
			case v > 1:
				missing += math.Exp(-v) * (1 - missing)
				if missing > 0.5 {
					total += math.Log1p(-missing)
					missing = 0
				}
			case v >= 0.01:
				if product *= -math.Expm1(-v); product < least {
					total += math.Log(product)
					product = 1
				}
			default: // NaN too
				f, _, _ := cloglogUp(x[b+i], v)
				total += f
			}
		}
	}
	return total + math.Log(product) + math.Log1p(-missing)
}

func (f *studentT) sum(o *Outcome) sumFunc {
	all := o.Y
	var fixed rising
	if f.df > 0 {
		fixed = studentConst(f.df)
	}
	return func(lo int, eta, aux []float64) float64 {
		nu, c := f.df, fixed
		if nu == 0 {
			nu = math.Exp(aux[1])
			c = studentConst(nu)
		}
		rn := math.Exp(-aux[0]) / math.Sqrt(nu)
		var ub block
		logs := 0.0
		for b := 0; b < len(eta); b += blockRows {
			m := min(blockRows, len(eta)-b)
			u, y := ub[:m], all[lo+b:lo+b+m]
			for i, e := range eta[b : b+m] {
				z := (y[i] - e) * rn
				u[i] = z * z
			}
			logs += la.SumLog1p(u)
		}
		return float64(len(eta))*(c.c-aux[0]) - 0.5*(nu+1)*logs
	}
}
