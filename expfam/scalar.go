package expfam

import (
	"fmt"
	"math"
)

// Shapes, scales, rates and means of positive families are kept between
// minScale and maxScale, so that their ratios, squares and log-gammas are
// finite and a Dist inside its domain never yields a NaN.
const (
	minScale = 1e-150
	maxScale = 1e150
)

const wantScale = "> 0 (from 1e-150 to 1e150)"

// inScale reports whether v is a usable positive parameter.
func inScale(v float64) bool { return v >= minScale && v <= maxScale }

// checkScale is the check of a positive parameter given to a constructor.
func checkScale(family, param string, index int, v float64) error {
	if inScale(v) {
		return nil
	}
	return &DomainError{Family: family, Func: "New", Param: param, Index: index, Value: v, Want: wantScale}
}

// finite returns a *DomainError for the first NaN or infinity of v.
func finite(family, fn, param string, v []float64) error {
	if i := firstNonFinite(v); i >= 0 {
		return &DomainError{Family: family, Func: fn, Param: param, Index: i, Value: v[i], Want: "a finite number"}
	}
	return nil
}

// copied writes src to dst.
func copied(fn string, dst, src []float64) []float64 {
	dst = sized(fn, dst, len(src))
	copy(dst, src)
	return dst
}

// fill2 writes two values to dst.
func fill2(fn string, dst []float64, a, b float64) []float64 {
	dst = sized(fn, dst, 2)
	dst[0], dst[1] = a, b
	return dst
}

// fill1 writes one value to dst.
func fill1(fn string, dst []float64, a float64) []float64 {
	dst = sized(fn, dst, 1)
	dst[0] = a
	return dst
}

// as returns d with its concrete type; KLTo uses it for its argument.
func as[T Dist](d Dist) T {
	t, ok := d.(T)
	if !ok {
		panic(fmt.Sprintf("expfam: KLTo: q is a %T, want a %T", d, t))
	}
	return t
}

// coordinates is the part of a Dist that moves it and saves it.
type coordinates interface {
	Name() string
	Dim() int
	NumParams() int
	Natural(dst []float64) []float64
	SetNatural(eta []float64) error
}

// maxHalvings bounds retractHalving: 2⁻⁶⁰ of a step changes no digit of η
// unless the step is more than 10⁸ times η.
const maxHalvings = 60

// retractHalving is the retraction of families without a safe path of their
// own: η + rho·tan if that is proper, without a condition, else the first of
// η + rho/2·tan, η + rho/4·tan, … that is, marked Shortened. The domain is open
// and convex, so that one is found unless tan dwarfs η. work has length
// NumParams and holds the candidate; it must not be the receiver's own η.
func retractHalving(d coordinates, tan []float64, rho float64, work []float64) (Condition, error) {
	if len(tan) != len(work) {
		panicLen(d.Name()+".Retract", "tan", len(tan), len(work))
	}
	if err := finite(d.Name(), "Retract", "tan", tan); err != nil {
		return NonFinite, err
	}
	if math.IsNaN(rho) || math.IsInf(rho, 0) {
		return NonFinite, &DomainError{Family: d.Name(), Func: "Retract", Param: "rho", Index: -1, Value: rho, Want: "a finite number"}
	}
	var c Condition
	f := rho
	for range maxHalvings {
		d.Natural(work)
		for i, t := range tan {
			work[i] += f * t
		}
		if d.SetNatural(work) == nil {
			return c, nil
		}
		f /= 2
		c = Shortened
	}
	return c, fmt.Errorf("expfam: %s.Retract: no admissible step in %d halvings of rho = %v", d.Name(), maxHalvings, rho)
}

// positive clamps a draw to the positive finite numbers: what underflows or
// overflows is returned as the nearest of them.
func positive(x float64) float64 {
	return min(max(x, math.SmallestNonzeroFloat64), math.MaxFloat64)
}
