package glm

import (
	"math"

	"github.com/natgrad/natgrad/vi"
)

// priorRow is a prior in the coordinate of its parameter: the coefficient x
// itself, or x = ψ = log v of a positive parameter v, whose density over ψ has
// the Jacobian v in it. One of few shapes covers each kind.
type priorRow struct {
	shape   int
	c       float64 // constant
	loc, sc float64 // location and scale, or log scale
	k       float64 // degrees of freedom or power
}

const (
	rowLinear  = iota // c + k x
	rowNormal         // c − ½((x−loc)/sc)²
	rowStudent        // c − (k+1)/2 log(1+((x−loc)/sc)²/k)
	rowHalfT          // c + x − (k+1)/2 log(1+exp(2(x−loc)))
	rowExp            // c + k x − exp(sc·x + loc)
)

// newPriorRow precomputes the constants of a prior that passed CheckFor.
func newPriorRow(p Prior, positive bool) priorRow {
	a, b := p.p[0], p.p[1]
	switch p.kind {
	case "normal", "log-normal":
		return priorRow{shape: rowNormal, c: -halfLog2Pi - math.Log(b), loc: a, sc: b}
	case "student-t":
		return priorRow{shape: rowStudent, c: studentConst(a).c - math.Log(p.p[2]), loc: b, sc: p.p[2], k: a}
	case "cauchy":
		return priorRow{shape: rowStudent, c: -math.Log(math.Pi * b), loc: a, sc: b, k: 1}
	case "exponential":
		return priorRow{shape: rowExp, c: math.Log(a), k: 1, sc: 1, loc: math.Log(a)}
	case "half-normal": // (v/s)²/2 = exp(2ψ − log 2s²)
		return priorRow{shape: rowExp, c: math.Ln2 - halfLog2Pi - math.Log(a), k: 1, sc: 2, loc: -math.Ln2 - 2*math.Log(a)}
	case "half-cauchy":
		return priorRow{shape: rowHalfT, c: math.Log(2/math.Pi) - math.Log(a), loc: math.Log(a), k: 1}
	case "half-student-t":
		return priorRow{shape: rowHalfT, c: math.Ln2 + studentConst(a).c - math.Log(b), loc: math.Log(b) + 0.5*math.Log(a), k: a}
	case "inverse-gamma":
		g, _ := math.Lgamma(a)
		return priorRow{shape: rowExp, c: a*math.Log(b) - g, k: -a, sc: -1, loc: math.Log(b)}
	case "gamma":
		g, _ := math.Lgamma(a)
		return priorRow{shape: rowExp, c: a*math.Log(b) - g, k: a, sc: 1, loc: math.Log(b)}
	}
	if positive { // flat in v
		return priorRow{shape: rowLinear, k: 1}
	}
	return priorRow{shape: rowLinear}
}

// eval returns the log density over x and its first two derivatives.
func (r priorRow) eval(x float64) (f, f1, f2 float64) {
	switch r.shape {
	case rowNormal:
		z := (x - r.loc) / r.sc
		return r.c - 0.5*z*z, -z / r.sc, -1 / (r.sc * r.sc)
	case rowStudent:
		z := (x - r.loc) / r.sc
		u := z * z / r.k
		w := 1 / (1 + u)
		q := (r.k + 1) / (r.k * r.sc)
		return r.c - 0.5*(r.k+1)*math.Log1p(u), -q * z * w, q / r.sc * w * (1 - 2*w)
	case rowHalfT:
		t := 2 * (x - r.loc)
		e := math.Exp(-math.Abs(t))
		v, l := 1/(1+e), math.Log1p(e)
		if t < 0 {
			v = e / (1 + e)
		} else {
			l += t
		}
		return r.c + x - 0.5*(r.k+1)*l, 1 - (r.k+1)*v, -2 * (r.k + 1) * e / ((1 + e) * (1 + e))
	case rowExp:
		e := math.Exp(r.sc*x + r.loc)
		return r.c + r.k*x - e, r.k - r.sc*e, -r.sc * r.sc * e
	}
	return r.k * x, r.k, 0
}

// priorEval returns the Eval function of a [vi.Term] whose row j is the log
// density of priors[j] at the coordinate eta[j]: the coefficient itself, or
// ψ = log v, Jacobian included, if positive[j]. A nil positive means none. The
// priors must pass CheckFor.
func priorEval(priors []Prior, positive []bool) func(lo int, eta, aux []float64, d *vi.Derivs) {
	rows := make([]priorRow, len(priors))
	for j, p := range priors {
		rows[j] = newPriorRow(p, positive != nil && positive[j])
	}
	return func(lo int, eta, aux []float64, d *vi.Derivs) {
		for i, x := range eta {
			f, f1, f2 := rows[lo+i].eval(x)
			store(d, i, f, f1, f2)
		}
	}
}

// priorDegree returns the Degree of that term: 2 if every log density is a
// quadratic function of its coordinate, else 0.
func priorDegree(priors []Prior, positive []bool) int {
	for j, p := range priors {
		if p.degree(positive != nil && positive[j]) == 0 {
			return 0
		}
	}
	return 2
}
