package expfam

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/internal/special"
)

// inversePrecision is the relative error that the numeric inverses keep: a
// result of SetExpectation is this near to the exact inverse of m, or refused.
const inversePrecision = 1e-10

// unit is the largest relative error of one rounding.
const unit = 0x1p-53

// PrecisionError says that an expectation parameter is inside its domain, but
// that its entries, rounded to float64, do not hold the natural parameter to a
// relative 1e-10. The shape of a gamma, for instance, is in m only through
// log E[x] − E[log x] ≈ 1/(2·shape), the small difference of two entries.
//
// Nothing that can be done with m helps; natural parameters have no such loss.
// Carry η and use SetNatural, or add messages and gradients to η by Retract.
type PrecisionError struct {
	Family string  // family name
	Func   string  // the method that refused
	Param  string  // the parameter that m does not hold, such as "shape"
	Index  int     // its index if there are several, else −1
	Value  float64 // about its value, +Inf if m does not even hold its size
	RelErr float64 // how far a rounding of m can move it, relative; more than 1e-10
}

func (e *PrecisionError) Error() string {
	at, held := "", "not at all"
	if e.Index >= 0 {
		at = fmt.Sprintf("[%d]", e.Index)
	}
	if e.RelErr < 1 {
		held = fmt.Sprintf("only to a relative %.1e", e.RelErr)
	}
	return fmt.Sprintf("expfam: %s.%s: rounded to float64, m holds the %s%s (about %.3g) %s, want %.0e; carry natural parameters and use SetNatural or Retract",
		e.Family, e.Func, e.Param, at, e.Value, held, inversePrecision)
}

// imprecise returns a *PrecisionError unless relErr is at most
// inversePrecision.
func imprecise(family, param string, index int, value, relErr float64) error {
	if relErr <= inversePrecision {
		return nil
	}
	if math.IsNaN(relErr) {
		relErr = math.Inf(1)
	}
	return &PrecisionError{family, "SetExpectation", param, index, value, relErr}
}

// halfUlp returns half the distance from |x| to the next larger float64, the
// most that rounding to x can have changed; 0 for a subnormal x.
func halfUlp(x float64) float64 {
	const exponent = 0x7ff << 52
	return math.Float64frombits(math.Float64bits(x)&exponent) * unit
}

// splitLog returns log x = hi + lo for x > 0, with hi exact and lo, of at most
// about 0.35, accurate to a rounding: so log x − y for a y near log x keeps
// digits that are not in the float64 nearest log x.
func splitLog(x float64) (hi, lo float64) {
	const (
		ln2Hi = 0x1.62e42feep-1 // 33 bits of log 2: k·ln2Hi is exact
		ln2Lo = 1.90821492927058770002e-10
	)
	f, e := math.Frexp(x)
	if f < math.Sqrt2/2 {
		f *= 2
		e--
	}
	k := float64(e)
	return k * ln2Hi, k*ln2Lo + math.Log(f)
}

// shapeLogMean returns E[log x] = log E[x] − (log α − ψ(α)) for a gamma x of
// the given shape and mean, with one rounding where the two terms are of very
// different size.
func shapeLogMean(shape, mean float64) float64 {
	hi, lo := splitLog(mean)
	return hi + (lo - special.LogMinusDigamma(shape))
}

// shapeFromMoments returns the shape α of the gamma with E[x] = mean and
// E[log x] = meanLog, which solves log α − ψ(α) = log E[x] − E[log x]. The
// relative error of α is that of the gap over d log gap/d log α, so over
// αψ'(α) − 1 in absolute terms; the gap is known to half a unit in the last
// place of meanLog, a rounding of mean, and the few that are made here.
//
// param and jensen are how the family names α and E[log x], in case of an error.
func shapeFromMoments(family, param, jensen, bound string, mean, meanLog float64) (float64, error) {
	hi, lo := splitLog(mean)
	gap := (hi - meanLog) + lo
	known := halfUlp(meanLog) + unit*(2+2*math.Abs(gap))
	if !(gap > 0) {
		if gap >= -known {
			return 0, imprecise(family, param, -1, math.Inf(1), math.Inf(1))
		}
		return 0, &DomainError{Family: family, Func: "SetExpectation", Param: jensen, Index: 0, Value: meanLog, Want: bound}
	}
	shape := special.InvLogMinusDigamma(gap)
	relErr := known/(shape*special.TrigammaMinusInv(shape)) + 8*unit
	return shape, imprecise(family, param, -1, shape, relErr)
}
