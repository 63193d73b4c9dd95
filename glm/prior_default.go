package glm

import (
	"fmt"
	"math"
)

// DefaultPriors returns weakly informative priors that adapt to the units of
// the data: one for each of names (the coefficients), then one for each of the
// family's AuxNames. SdX holds the standard deviations of the columns; the
// intercept, named "(Intercept)", is the predictor at the means of the columns.
// With s = Scale(o), which is sd(y) under an identity link and 1 otherwise:
//
//	coefficient j   normal(0, 2.5 s/sd(x_j)); for a constant column sd(x_j) counts as 1
//	intercept       normal(InitEta(o), 2.5 s) under an identity or log link,
//	                normal(0, 2.5) under logit, probit and cloglog
//	sigma           exponential(1/s)
//	nu              gamma(2, 0.1)
//	phi, shape      half-cauchy(5)
//
// Scales are rounded to three significant digits, so that what is printed is
// what was used.
//
// The coefficients, the intercept and sigma follow the documented defaults of
// rstanarm, which adapt the proposal of Gelman, Jakulin, Pittau and Su (Annals
// of Applied Statistics 2, 2008) of standardised columns and a scale of 2.5;
// normal tails keep the posterior proper under perfect separation. Under a log
// link the intercept is centred on the data because the unit of y is arbitrary
// there and 0 means nothing; a probability of one half does not depend on it.
// The prior on nu is that of Juárez and Steel (Journal of Business and Economic
// Statistics 28, 2010). The half-Cauchy on phi and shape leaves room for both
// strong overdispersion and none (Gelman, Bayesian Analysis 1, 2006, on
// half-Cauchy priors of positive parameters).
func DefaultPriors(f Family, names []string, sdX []float64, o Outcome) []Prior {
	if len(sdX) != len(names) {
		panic(fmt.Sprintf("glm: DefaultPriors: length of sdX is %d, want %d, the length of names", len(sdX), len(names)))
	}
	const wide = 2.5
	s := f.Scale(o)
	aux := f.AuxNames()
	out := make([]Prior, 0, len(names)+len(aux))
	for j, name := range names {
		if name == interceptName {
			center := 0.0
			if f.Link() == "identity" || f.Link() == "log" {
				center = f.InitEta(o)
			}
			out = append(out, NormalPrior(roundTo(center, wide*s), roundTo(wide*s, wide*s)))
			continue
		}
		sd := sdX[j]
		if !(sd > 0) || !isFinite(sd) {
			sd = 1
		}
		out = append(out, NormalPrior(0, roundTo(wide*s/sd, wide*s/sd)))
	}
	for _, name := range aux {
		switch name {
		case "sigma":
			out = append(out, ExponentialPrior(roundTo(1/s, 1/s)))
		case "nu":
			out = append(out, GammaPrior(2, 0.1))
		default:
			out = append(out, HalfCauchyPrior(5))
		}
	}
	return out
}

// roundTo rounds v to the third significant digit of scale.
func roundTo(v, scale float64) float64 {
	if !(scale > 0) || math.IsInf(scale, 1) {
		return v
	}
	// A power of ten that is a whole number keeps the result's decimal form short.
	p := 2 - int(math.Floor(math.Log10(scale)))
	if p >= 0 {
		q := math.Pow(10, float64(p))
		if r := math.Round(v*q) / q; isFinite(r) && (r != 0 || v == 0 || v != scale) {
			return r
		}
		return v
	}
	q := math.Pow(10, float64(-p))
	return math.Round(v/q) * q
}
