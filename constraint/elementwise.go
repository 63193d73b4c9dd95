package constraint

import (
	"fmt"
	"math"
	"strings"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/internal/special"
)

// bounds is an interval, either end of which may be infinite.
type bounds struct{ lo, hi float64 }

var inf = math.Inf(1)

// Real is no constraint: y = x, log-Jacobian 0.
func Real() Constraint { return &bounds{-inf, inf} }

// Positive is y > 0: y = e^x, log-Jacobian x.
func Positive() Constraint { return &bounds{0, inf} }

// Lower is y > lo: y = lo + e^x, log-Jacobian x. Lower(−Inf) is Real. It panics with an
// *Error if lo is NaN or +Inf.
func Lower(lo float64) Constraint { return newBounds("Lower", lo, inf) }

// Upper is y < hi: y = hi − e^x, log-Jacobian x. Upper(+Inf) is Real. It panics with an
// *Error if hi is NaN or −Inf.
func Upper(hi float64) Constraint { return newBounds("Upper", -inf, hi) }

// Interval is lo < y < hi: with the logistic function σ,
//
//	y = lo + (hi−lo)·σ(x),  log-Jacobian log(hi−lo) + log σ(x) + log σ(−x).
//
// An infinite end is none: Interval(lo, +Inf) is Lower(lo). It panics with an *Error
// unless lo < hi with hi − lo finite or an end infinite.
func Interval(lo, hi float64) Constraint { return newBounds("Interval", lo, hi) }

func newBounds(fn string, lo, hi float64) Constraint {
	switch {
	case math.IsNaN(lo) || math.IsInf(lo, 1):
		panic(&Error{Func: fn, Param: "lo", Value: lo, Want: "a number"})
	case math.IsNaN(hi) || math.IsInf(hi, -1):
		panic(&Error{Func: fn, Param: "hi", Value: hi, Want: "a number"})
	case lo >= hi:
		panic(&Error{Func: fn, Param: "hi", Value: hi, Want: "> lo = " + number(lo)})
	case !math.IsInf(lo, 0) && !math.IsInf(hi, 0) && math.IsInf(hi-lo, 0):
		panic(&Error{Func: fn, Param: "hi", Value: hi, Want: "a finite distance from lo = " + number(lo)})
	}
	return &bounds{lo, hi}
}

func (b *bounds) lower() bool { return !math.IsInf(b.lo, 0) }
func (b *bounds) upper() bool { return !math.IsInf(b.hi, 0) }

func (b *bounds) String() string {
	switch {
	case b.lower() && b.upper():
		return fmt.Sprintf("interval(%s, %s)", number(b.lo), number(b.hi))
	case b.lower() && b.lo == 0:
		return "positive"
	case b.lower():
		return "lower(" + number(b.lo) + ")"
	case b.upper():
		return "upper(" + number(b.hi) + ")"
	}
	return "real"
}

func (b *bounds) Dims() []int   { return nil }
func (b *bounds) Size() int     { return 1 }
func (b *bounds) FreeSize() int { return 1 }
func (b *bounds) sealed()       {}

func (b *bounds) Constrain(dst, x []float64) (logJac float64) {
	checkLens(b, "Constrain", dst, x, "x", len(x), len(x))
	for i, v := range x {
		switch {
		case b.lower() && b.upper():
			// Weights of both ends, so that neither loses digits if it is 0.
			y := b.lo*special.Sigmoid(-v) + b.hi*special.Sigmoid(v)
			dst[i] = min(max(y, b.lo), b.hi)
			logJac -= special.Log1pExp(v) + special.Log1pExp(-v)
		case b.lower():
			dst[i] = b.lo + math.Exp(v)
			logJac += v
		case b.upper():
			dst[i] = b.hi - math.Exp(v)
			logJac += v
		default:
			dst[i] = v
		}
	}
	if b.lower() && b.upper() {
		logJac += float64(len(x)) * math.Log(b.hi-b.lo)
	}
	return logJac
}

func (b *bounds) Unconstrain(dst, y []float64) error {
	checkLens(b, "Unconstrain", dst, y, "y", len(y), len(y))
	for i, v := range y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return b.violation(y, i, "a finite number")
		}
		if v <= b.lo || v >= b.hi {
			return b.violation(y, i, b.want())
		}
		if b.lower() && math.IsInf(v-b.lo, 0) || b.upper() && math.IsInf(b.hi-v, 0) {
			return b.violation(y, i, "a finite distance from the bound")
		}
	}
	for i, v := range y {
		switch {
		case b.lower() && b.upper():
			dst[i] = logRatio(v-b.lo, b.hi-v)
		case b.lower():
			dst[i] = log(v - b.lo)
		case b.upper():
			dst[i] = log(b.hi - v)
		default:
			dst[i] = v
		}
	}
	return nil
}

// violation is that of element i of several independent ones.
func (b *bounds) violation(y []float64, i int, want string) error {
	e := &ViolationError{Constraint: b.String(), Param: "y", Element: "y", Index: i, Value: y[i], Want: want}
	if len(y) > 1 {
		e.Element = vectorName("y", i)
	}
	return e
}

// logRatio is log(a/b) for a, b > 0.
func logRatio(a, b float64) float64 {
	if r := a / b; r > 1e-300 && r < 1e300 {
		return math.Log(r)
	}
	return log(a) - log(b)
}

// log is math.Log, also of subnormal numbers, where that is wrong on some machines.
func log(v float64) float64 {
	if v < 0x1p-1022 {
		return math.Log(v*0x1p64) - 64*math.Ln2
	}
	return math.Log(v)
}

// want says what the bounds ask for.
func (b *bounds) want() string {
	switch {
	case b.lower() && b.upper():
		return "between " + number(b.lo) + " and " + number(b.hi) + ", bounds excluded"
	case b.lower():
		return "> " + number(b.lo)
	}
	return "< " + number(b.hi)
}

func (b *bounds) Node(x autodiff.Node) (y, logJac autodiff.Node, ok bool) {
	switch {
	case b.lower() && b.upper():
		y = x.Sigmoid()
		if b.hi != 1 {
			y = y.Mul(b.hi)
		}
		if b.lo != 0 {
			y = y.Add(x.Neg().Sigmoid().Mul(b.lo))
		}
		// log σ(x) + log σ(−x) = x − 2 log(1 + e^x)
		logJac = x.Sum().Sub(x.Softplus().Sum().Mul(2))
		if w := b.hi - b.lo; w != 1 {
			logJac = logJac.Add(float64(x.Len()) * math.Log(w))
		}
		return y, logJac, true
	case b.lower():
		y = x.Exp()
		if b.lo != 0 {
			y = y.Add(b.lo)
		}
		return y, x.Sum(), true
	case b.upper():
		return autodiff.Sub(b.hi, x.Exp()), x.Sum(), true
	}
	return x, autodiff.Node{}, false
}

func (b *bounds) ElementName(name string, _ int) string { return name }

func (b *bounds) FreeName(name string, _ int) string {
	switch {
	case b.lower() && b.upper():
		s := minus(name, b.lo)
		if w := b.hi - b.lo; w != 1 {
			if b.lo != 0 {
				s = "(" + s + ")"
			}
			s += "/" + number(w)
		}
		return "logit(" + s + ")"
	case b.lower():
		return "log(" + minus(name, b.lo) + ")"
	case b.upper() && b.hi == 0:
		return "log(-" + name + ")"
	case b.upper():
		return "log(" + number(b.hi) + "-" + name + ")"
	}
	return name
}

// minus is name−v in the shortest words.
func minus(name string, v float64) string {
	s := number(v)
	switch {
	case v == 0:
		return name
	case strings.HasPrefix(s, "-"):
		return name + "+" + s[1:]
	}
	return name + "-" + s
}
