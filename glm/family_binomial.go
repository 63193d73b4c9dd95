package glm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/vi"
)

// binomial is y ~ Binomial(n, p), link(p) = η.
type binomial struct{ traits }

// Bernoulli returns the family of outcomes 0 and 1 with the link "logit",
// "probit" or "cloglog":
//
//	log p(y|η) = y log p + (1−y) log(1−p)
//
// with p = 1/(1+exp(−η)), Φ(η) or 1−exp(−exp η). It panics on any other link;
// [ParseFamily] returns an error instead.
func Bernoulli(link string) Family { return newBinomial("bernoulli", link) }

// Binomial returns the family of y successes in n trials, with the links of
// [Bernoulli]:
//
//	log p(y|η) = log C(n, y) + y log p + (n−y) log(1−p).
//
// The numbers of trials are in [Outcome]; without them each row is one trial.
func Binomial(link string) Family { return newBinomial("binomial", link) }

func newBinomial(name, link string) Family {
	for _, l := range linkNames {
		if l == link {
			return &binomial{traits{name: name, link: link, concave: true}}
		}
	}
	panic(fmt.Sprintf("glm: family %s: link is %q, want one of %s", name, link, strings.Join(linkNames, ", ")))
}

func (f *binomial) CheckOutcome(y, trials []float64, rows []int, column string) error {
	if f.name == "bernoulli" {
		if err := noTrials(f.name, column, trials); err != nil {
			return err
		}
	}
	if trials == nil {
		want := "0 or 1"
		if f.name == "binomial" {
			want += ", as no number of trials is given"
		}
		return checkRows(f.name, want, column, y, nil, rows, func(y, _ float64) bool { return y == 0 || y == 1 })
	}
	return checkRows(f.name, "a whole number of successes between 0 and a whole number of trials ≥ 0", column, y, trials, rows,
		func(y, n float64) bool { return isCount(y) && isCount(n) && y <= n })
}

// binomialRows holds the constants of the rows.
type binomialRows struct {
	up, down, n []float64 // successes, failures, trials
	c           []float64 // log C(n, y), nil if every n is at most 1
	sign        []float64 // 2y − 1, nil unless every row is one trial
}

func newBinomialRows(o *Outcome) *binomialRows {
	r := &binomialRows{up: o.Y, down: make([]float64, len(o.Y)), n: o.Trials}
	if r.n == nil {
		r.n, r.sign = make([]float64, len(o.Y)), make([]float64, len(o.Y))
		for i, y := range o.Y {
			r.n[i], r.sign[i] = 1, 2*y-1
		}
	}
	for i, y := range o.Y {
		n := r.n[i]
		r.down[i] = n - y
		if n > 1 && r.c == nil {
			r.c = make([]float64, len(o.Y))
		}
		if n > 1 {
			r.c[i] = logChoose(n, y)
		}
	}
	return r
}

// logChoose returns log C(n, k) for whole 0 ≤ k ≤ n.
func logChoose(n, k float64) float64 {
	if k == 0 || k == n {
		return 0
	}
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}

func (f *binomial) Eval(o Outcome) func(lo int, eta, aux []float64, d *vi.Derivs) {
	o.check()
	rows := newBinomialRows(&o)
	eval := rows.evalLogit
	switch f.link {
	case "probit":
		eval = rows.evalProbit
	case "cloglog":
		eval = rows.evalCloglog
	}
	return func(lo int, eta, aux []float64, d *vi.Derivs) {
		eval(lo, eta, d)
		if d.F != nil && rows.c != nil {
			c := rows.c[lo : lo+len(eta)]
			for i, v := range c {
				d.F[i] += v
			}
		}
		weigh(o.Weights, lo, len(eta), d)
	}
}

func (r *binomialRows) evalLogit(lo int, eta []float64, d *vi.Derivs) {
	var mb, lb block
	for b := 0; b < len(eta); b += blockRows {
		k := min(blockRows, len(eta)-b)
		m, l, x := mb[:k], lb[:k], eta[b:][:k]
		up, down, n := r.up[lo+b:][:k], r.down[lo+b:][:k], r.n[lo+b:][:k]
		switch {
		case d.F != nil && d.E == nil && d.EE == nil && r.sign != nil:
			// One trial: log p = log σ(±η).
			for i, v := range r.sign[lo+b:][:k] {
				m[i] = v * x[i]
			}
			la.LogSigmoid(d.F[b:][:k], m)
			continue
		case d.F == nil:
			logisticTail(m, nil, x)
		case d.E == nil && d.EE == nil:
			logisticTail(nil, l, x)
		default:
			logisticTail(m, l, x)
		}
		// Both parts of |η| are exact, so a certain outcome keeps its relative
		// accuracy.
		if d.F != nil && d.E != nil && d.EE != nil {
			f, f1, f2 := d.F[b:][:k], d.E[b:][:k], d.EE[b:][:k]
			for i, e := range x {
				a, p, ni, u := math.Abs(e), m[i], n[i], up[i]
				f[i] = -(ni*l[i] + 0.5*(a+e)*down[i] + 0.5*(a-e)*u)
				f1[i] = u - ni*upper(p, e)
				f2[i] = -ni * p * (1 - p)
			}
			continue
		}
		if d.F != nil {
			f := d.F[b:][:k]
			for i, e := range x {
				a := math.Abs(e)
				f[i] = -(n[i]*l[i] + 0.5*(a+e)*down[i] + 0.5*(a-e)*up[i])
			}
		}
		if d.E != nil {
			f1 := d.E[b:][:k]
			for i, e := range x {
				f1[i] = up[i] - n[i]*upper(m[i], e)
			}
		}
		if d.EE != nil {
			f2 := d.EE[b:][:k]
			for i, p := range m {
				f2[i] = -n[i] * p * (1 - p)
			}
		}
	}
}

func (r *binomialRows) evalProbit(lo int, eta []float64, d *vi.Derivs) {
	for i, x := range eta {
		// Of the two outcomes one is likely, on the side of x.
		t, sign := math.Abs(x), math.Copysign(1, x)
		likely, rare := r.up[lo+i], r.down[lo+i]
		if x < 0 {
			likely, rare = rare, likely
		}
		pdf, q, h, g := normalTail(t)
		k := pdf / (1 - q)
		f := 0.0
		if d.F != nil && likely > 0 {
			f = likely * math.Log1p(-q)
		}
		if d.F != nil && rare > 0 {
			f += rare * logTail(t, q, h)
		}
		store(d, i, f, sign*(likely*k-rare*h), -(likely*k*(k+t) + rare*h*g))
	}
}

func (r *binomialRows) evalCloglog(lo int, eta []float64, d *vi.Derivs) {
	for i, x := range eta {
		up, down := r.up[lo+i], r.down[lo+i]
		u := math.Exp(x)
		var f, f1, f2 float64
		if up > 0 {
			f, f1, f2 = cloglogUp(x, u)
			f, f1, f2 = up*f, up*f1, up*f2
		}
		if down > 0 {
			u *= down
			f, f1, f2 = f-u, f1-u, f2-u
		}
		store(d, i, f, f1, f2)
	}
}

// store writes what d wants of row i.
func store(d *vi.Derivs, i int, f, f1, f2 float64) {
	if d.F != nil {
		d.F[i] = f
	}
	if d.E != nil {
		d.E[i] = f1
	}
	if d.EE != nil {
		d.EE[i] = f2
	}
}

func (f *binomial) Mean(eta float64, aux []float64) float64 { return inverseLink(f.link, eta) }

// Variance returns p(1−p), the variance of one trial.
func (f *binomial) Variance(eta float64, aux []float64) float64 {
	p := inverseLink(f.link, eta)
	return p * (1 - p)
}

func (f *binomial) Sample(rng *rand.Rand, eta float64, aux []float64, trials float64) float64 {
	if f.name == "bernoulli" {
		trials = 1
	}
	return sample.Binomial(trials, inverseLink(f.link, eta), rng)
}

// InitEta adds half a success and half a failure, so that data without either
// have a finite start.
func (f *binomial) InitEta(o Outcome) float64 {
	up, n, off, sum := 0.5, 1.0, 0.0, 0.0
	for i, y := range o.Y {
		if w := o.weight(i); w > 0 {
			up += w * y
			n += w * o.trial(i)
			off += w * o.offset(i)
			sum += w
		}
	}
	if sum > 0 {
		off /= sum
	}
	return applyLink(f.link, up/n) - off
}

func (f *binomial) InitAux(o Outcome) []float64 { return nil }
func (f *binomial) Scale(o Outcome) float64     { return 1 }
