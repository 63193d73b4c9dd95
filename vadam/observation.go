package vadam

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/nn"
	"gonum.org/v1/gonum/mathext"
)

// observation is the distribution of a target given one net, with the loss's zero
// values resolved. A net says v of a target: the location of a normal or
// Student's t distribution, the rate of a Poisson one, a logit, or the log
// probability of a class; the first two also have a scale s.
type observation struct {
	kind    kind
	scale   float64 // unless it is a weight
	learned func(w float64) float64
	df      float64 // of Student's t
	tConst  float64 // its log density at the location for scale 1
}

type kind int

const (
	normal kind = iota
	studentT
	poisson
	bernoulli
	categorical
)

func newObservation(loss nn.Loss) observation {
	orDefault := func(x, d float64) float64 {
		if x == 0 {
			return d
		}
		return x
	}
	switch l := loss.(type) {
	case nn.Gaussian:
		o := observation{kind: normal, scale: 1 / math.Sqrt(orDefault(l.Precision, 1))}
		if l.Learned {
			o.learned = func(w float64) float64 { return math.Exp(-0.5 * w) }
		}
		return o
	case nn.StudentT:
		o := observation{kind: studentT, scale: orDefault(l.Scale, 1), df: orDefault(l.DF, 4)}
		if l.Learned {
			o.learned = math.Exp
		}
		o.tConst = special.LgammaDelta(o.df/2, 0.5) - 0.5*math.Log(o.df*math.Pi)
		return o
	case nn.Bernoulli:
		return observation{kind: bernoulli}
	case nn.Softmax:
		return observation{kind: categorical}
	case nn.Poisson:
		return observation{kind: poisson}
	}
	panic(fmt.Sprintf("vadam: no predictive distribution for the loss %T", loss))
}

// scaled says that v and s are in units of y.
func (o *observation) scaled() bool { return o.kind == normal || o.kind == studentT }

// classes says that targets are labels.
func (o *observation) classes() bool { return o.kind == bernoulli || o.kind == categorical }

// moments returns mean and variance of y; of a class, those of its indicator. The "mean"
// of Student's t is its location for any df, its variance infinite for df ≤ 2.
func (o *observation) moments(v, s float64) (mean, variance float64) {
	switch o.kind {
	case studentT:
		if o.df <= 2 {
			return v, math.Inf(1)
		}
		return v, s * s * (o.df / (o.df - 2))
	case poisson:
		return v, v
	case bernoulli:
		p := special.Sigmoid(v)
		return p, p * special.Sigmoid(-v)
	case categorical:
		p := math.Exp(v)
		return p, p * (1 - p)
	}
	return v, s * s
}

// logProb returns log p(y | v, s). The v of a class is that of the class that was seen.
func (o *observation) logProb(y, v, s float64) float64 {
	switch o.kind {
	case studentT:
		z := (y - v) / s
		return o.tConst - math.Log(s) - 0.5*(o.df+1)*math.Log1p(z*z/o.df)
	case poisson:
		if v == 0 {
			if y == 0 {
				return 0
			}
			return math.Inf(-1)
		}
		return y*math.Log(v) - v - special.Lgamma(y+1)
	case bernoulli:
		if y == 1 {
			v = -v
		}
		return -special.Log1pExp(v)
	case categorical:
		return v
	}
	z := (y - v) / s
	return -0.5*z*z - math.Log(s) - 0.5*math.Log(2*math.Pi)
}

// cdf returns P(Y ≤ y | v, s) of a number.
func (o *observation) cdf(y, v, s float64) float64 {
	z := (y - v) / s
	switch o.kind {
	case studentT:
		if tail := 0.5 * mathext.RegIncBeta(o.df/2, 0.5, o.df/(o.df+z*z)); z < 0 {
			return tail
		} else {
			return 1 - tail
		}
	case poisson:
		switch {
		case y < 0:
			return 0
		case v == 0:
			return 1
		}
		return mathext.GammaIncRegComp(math.Floor(y)+1, v)
	}
	return 0.5 * math.Erfc(-z/math.Sqrt2)
}

// unitQuantile returns the quantile of v = 0, s = 1 for normal and Student's t
// distributions, the latter to a few digits only.
func (o *observation) unitQuantile(p float64) float64 {
	if o.kind == normal {
		return mathext.NormalQuantile(p)
	}
	x := mathext.InvRegIncBeta(o.df/2, 0.5, 2*min(p, 1-p))
	return math.Copysign(math.Sqrt(o.df*(1-x)/x), p-0.5)
}

// density returns p(y | v, s) of a number with a density.
func (o *observation) density(y, v, s float64) float64 {
	z := (y - v) / s
	if o.kind == normal {
		return math.Exp(-0.5*z*z) / (math.Sqrt(2*math.Pi) * s)
	}
	return math.Exp(o.tConst-0.5*(o.df+1)*math.Log1p(z*z/o.df)) / s
}

// check says what a target must be, "" if it is.
func (o *observation) check(y float64, classes int) string {
	whole := y == math.Trunc(y) && !math.IsInf(y, 0)
	switch o.kind {
	case poisson:
		if !(y >= 0) || !whole {
			return "a count: 0, 1, 2, …"
		}
	case bernoulli:
		if y != 0 && y != 1 {
			return "0 or 1"
		}
	case categorical:
		if !(y >= 0 && y < float64(classes)) || !whole {
			return fmt.Sprintf("a class, 0 to %d", classes-1)
		}
	default:
		if math.IsNaN(y) || math.IsInf(y, 0) {
			return "finite"
		}
	}
	return ""
}
