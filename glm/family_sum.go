package glm

import (
	"math"
	"sync"

	"github.com/natgrad/natgrad/internal/la"
)

// sumFunc is the Sum function of a [vi.Term].
type sumFunc = func(lo int, eta, aux []float64) float64

// sumOf returns a function whose value is the sum of the log likelihoods that
// f.Eval(o) writes, equal up to rounding, or nil if there is none that is
// faster. The function keeps the slices of o, does not allocate, and is safe
// for concurrent use. It computes constants of the rows on its first call, as
// not every fit calls it.
func sumOf(f Family, o Outcome) sumFunc {
	o.check()
	if !unweighted(o.Weights) {
		return nil
	}
	switch f := f.(type) {
	case *binomial:
		return f.sum(&o)
	case *poisson:
		return f.sum(&o)
	case *negBinomial:
		return f.sum(&o)
	case *gammaFamily:
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
	y := o.Y
	signs := sync.OnceValue(func() []float64 {
		s := make([]float64, len(y))
		for i, v := range y {
			s[i] = 2*v - 1
		}
		return s
	})
	switch f.link {
	case "logit":
		return func(lo int, eta, aux []float64) float64 {
			return la.SumLogSigmoid(signs()[lo:lo+len(eta)], eta)
		}
	case "probit":
		return func(lo int, eta, aux []float64) float64 {
			return sumProbit(signs()[lo:lo+len(eta)], eta)
		}
	}
	return func(lo int, eta, aux []float64) float64 {
		return sumCloglog(signs()[lo:lo+len(eta)], eta)
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

func (f *poisson) sum(o *Outcome) sumFunc {
	all := o.Y
	constants := sync.OnceValue(func() []float64 { return negLogFactorials(all) })
	return func(lo int, eta, aux []float64) float64 {
		c := constants()[lo : lo+len(eta)]
		var mb block
		var s0, s1 float64
		for b := 0; b < len(eta); b += blockRows {
			m := min(blockRows, len(eta)-b)
			mu, x, y, c := mb[:m], eta[b:b+m], all[lo+b:lo+b+m], c[b:b+m]
			la.Exp(mu, x)
			i := 0
			for ; i+2 <= m; i += 2 {
				s0 += c[i] + (y[i]*x[i] - mu[i])
				s1 += c[i+1] + (y[i+1]*x[i+1] - mu[i+1])
			}
			if i < m {
				s0 += c[i] + (y[i]*x[i] - mu[i])
			}
		}
		return s0 + s1
	}
}

// sum spares the derivatives of the rising factorials and of the logistic
// function.
func (f *negBinomial) sum(o *Outcome) sumFunc {
	all := o.Y
	constants := sync.OnceValue(func() []float64 { return negLogFactorials(all) })
	top := 0
	for _, y := range o.Y {
		top = max(top, int(min(y, smallCount-1)))
	}
	return func(lo int, eta, aux []float64) float64 {
		psi := aux[0]
		phi := math.Exp(psi)
		var table [smallCount]float64
		for k := range top {
			table[k+1] = float64(k) / phi
		}
		la.Log1p(table[:top+1], table[:top+1])
		for k := range top {
			table[k+1] += table[k]
		}
		at := newStirlingAt(phi)
		c := constants()[lo : lo+len(eta)]
		var lb block
		total := 0.0
		for b := 0; b < len(eta); b += blockRows {
			m := min(blockRows, len(eta)-b)
			l, x, y, c := lb[:m], eta[b:b+m], all[lo+b:lo+b+m], c[b:b+m]
			for i, e := range x {
				l[i] = e - psi
			}
			la.Softplus(l, l)
			for i, v := range y {
				r := 0.0
				if v < smallCount {
					r = table[int(v)]
				} else {
					r = logRising(v, &at).c
				}
				total += c[i] + r + (v*x[i] - (v+phi)*l[i])
			}
		}
		return total
	}
}

func (f *gammaFamily) sum(o *Outcome) sumFunc {
	y := o.Y
	logs := sync.OnceValue(func() []float64 { return la.Log(nil, y) })
	return func(lo int, eta, aux []float64) float64 {
		a := math.Exp(aux[0])
		s, _, _ := stirling(a)
		c := 0.5*aux[0] - halfLog2Pi - s
		logY := logs()[lo : lo+len(eta)]
		var lb, wb block
		total := 0.0
		for b := 0; b < len(eta); b += blockRows {
			m := min(blockRows, len(eta)-b)
			l, w, ly := lb[:m], wb[:m], logY[b:b+m]
			for i, e := range eta[b : b+m] {
				l[i] = ly[i] - e
			}
			la.Exp(w, l)
			for i, v := range l {
				total += c - ly[i] + a*(1+v-w[i])
			}
		}
		return total
	}
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
