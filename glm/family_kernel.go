package glm

import (
	"math"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/vi"
)

// blockRows is the number of rows that share one scratch on the stack.
const blockRows = 256

// block is such a scratch.
type block [blockRows]float64

const halfLog2Pi = 0.91893853320467274178032973640562 // ½ log 2π

// logisticTail writes m = 1/(1+exp|x|) and l = log(1+exp(−|x|)), which are
// exact in relative terms for every x. One of m and l may be nil and is then
// not computed.
func logisticTail(m, l, x []float64) {
	if m == nil {
		for i, v := range x {
			l[i] = -math.Abs(v)
		}
		la.Softplus(l, l)
		return
	}
	for i, v := range x {
		m[i] = -math.Abs(v)
	}
	la.Logistic(m, l, m)
}

// upper returns 1/(1+exp(−x)) given m = 1/(1+exp|x|).
func upper(m, x float64) float64 { return 0.5 + math.Copysign(0.5-m, x) }

// weigh multiplies everything in d by the weights of its rows. A row without
// weight is zero even where the likelihood overflows.
func weigh(w []float64, lo, n int, d *vi.Derivs) {
	if w == nil {
		return
	}
	w = w[lo : lo+n]
	weighSlice(w, d.F)
	weighSlice(w, d.E)
	weighSlice(w, d.EE)
	for _, s := range d.A {
		weighSlice(w, s)
	}
	for _, s := range d.EA {
		weighSlice(w, s)
	}
	for _, s := range d.AA {
		weighSlice(w, s)
	}
}

func weighSlice(w, x []float64) {
	if x == nil {
		return
	}
	for i, v := range w {
		if v == 0 {
			x[i] = 0
		} else {
			x[i] *= v
		}
	}
}

// stirling returns the remainders of Stirling's series at x > 0,
//
//	s = log Γ(x) − (x−½) log x + x − ½ log 2π
//	d = x (ψ(x) − log x)
//	t = x² ψ′(x) − x
//
// with ψ the digamma function, all bounded as x → ∞. See NIST DLMF 5.11.1,
// 5.11.2 and 5.15.8; below 12 the recurrences 5.5.1 and 5.5.2 come first.
func stirling(x float64) (s, d, t float64) {
	const low = 12
	if x >= low {
		return stirlingSeries(x)
	}
	z, prod, sum, sum2 := x, 1.0, 0.0, 0.0
	for z < low {
		prod *= z
		r := x / z
		sum += r
		sum2 += r * r
		z++
	}
	s, d, t = stirlingSeries(z)
	logz, logx := math.Log(z), math.Log(x)
	s += (z-0.5)*logz - z - math.Log(prod) - (x-0.5)*logx + x
	d = x*(logz-logx+d/z) - sum
	t = x*x*(t+z)/(z*z) + sum2 - x
	return s, d, t
}

func stirlingSeries(x float64) (s, d, t float64) {
	r := 1 / x
	q := r * r
	s = r * (1./12 + q*(-1./360+q*(1./1260+q*(-1./1680+q*(1./1188+q*(-691./360360+q/156))))))
	d = -0.5 + r*(-1./12+q*(1./120+q*(-1./252+q*(1./240+q*(-1./132+q*(691./32760-q/12))))))
	t = 0.5 + r*(1./6+q*(-1./30+q*(1./42+q*(-1./30+q*(5./66+q*(-691./2730+q*7/6))))))
	return s, d, t
}

// rising is log [Γ(y+φ) / (Γ(φ) φ^y)] with its first and second derivatives in
// log φ. It tends to 0 as φ → ∞, without cancellation of large terms.
type rising struct{ c, c1, c2 float64 }

// stirlingAt holds stirling(x) beside x.
type stirlingAt struct{ x, s, d, t float64 }

func newStirlingAt(x float64) stirlingAt {
	s, d, t := stirling(x)
	return stirlingAt{x, s, d, t}
}

// logRising returns rising for y > 0, given the remainders at φ.
func logRising(y float64, phi *stirlingAt) rising {
	x := y + phi.x
	s, d, t := stirling(x)
	l := math.Log1p(y / phi.x)
	r := phi.x / x
	base := phi.x*l + r*d - phi.d
	return rising{
		c:  (x-0.5)*l - y + s - phi.s,
		c1: base - y,
		c2: base - y*r + r*r*t - phi.t,
	}
}
