package expfam

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/internal/special"
)

// The functions of this file serve the families of counts. They follow Loader
// (2000), Fast and accurate computation of binomial probabilities: with
//
//	D(k, μ) = k log(k/μ) − k + μ ≥ 0,   s(k) = log k! − (k log k − k),
//
// the logarithm of a binomial coefficient and the powers that go with it is a
// sum of D and s, none of which is of the order n log n.

// isCount reports whether x is 0, 1, 2, ….
func isCount(x float64) bool { return x >= 0 && x == math.Floor(x) && !math.IsInf(x, 1) }

// deviance returns D(k, μ) for k ≥ 0 and μ = e^logMu.
func deviance(k, mu, logMu float64) float64 {
	if k == 0 {
		return mu
	}
	if t := (mu - k) / k; t > -0.5 && t < 0.6 {
		return -k * special.Log1pmx(t)
	}
	return k*(math.Log(k)-logMu) - k + mu
}

// factorialExcess returns s(k) = log k! − (k log k − k).
func factorialExcess(k float64) float64 {
	if k == 0 {
		return 0
	}
	return special.StirlingError(k) + 0.5*(log2Pi+math.Log(k))
}

// logChoose returns log C(n, k).
func logChoose(n, k float64) float64 {
	if k == 0 || k == n {
		return 0
	}
	return -math.Log(n+1) - special.LogBeta(k+1, n-k+1)
}

// countTerm is what a count k with expected value e^logMu takes from the log
// probability of a multinomial outcome, D(k, μ) + s(k).
func countTerm(k, logMu float64) float64 {
	return deviance(k, math.Exp(logMu), logMu) + factorialExcess(k)
}

// manyCounts is the variance of a sum of independent indicators, or r·p of a
// negative binomial, from which the third-order Edgeworth expansion is as good
// as the sum over all counts.
const manyCounts = 1e4

// edgeworthEntropy returns the entropy of a count of the given variance, squared
// skewness and excess kurtosis that is nearly normal,
//
//	½ log(2πe·var) − γ²/12 − κ²/48 − 7γ⁴/48 + γ²κ/8
//
// (Comon 1994, Independent component analysis, section 3.2), with an error of
// the order of γ⁶; that of going from counts to a density is exponentially small.
func edgeworthEntropy(variance, skew2, kurt float64) float64 {
	return 0.5*(log2Pi+1+math.Log(variance)) - skew2/12 - kurt*kurt/48 - 7*skew2*skew2/48 + skew2*kurt/8
}

// meanOverCounts returns E[f(k)] over the counts lo ≤ k ≤ hi whose probabilities
// have the ratios p(k+1)/p(k) = ratio(k), falling away from mode. The
// probabilities are made from their ratios and divided by their sum.
func meanOverCounts(lo, mode, hi float64, ratio, f func(k float64) float64) float64 {
	const negligible = 1e-20
	sum, total := f(mode), 1.0
	for k, w := mode, 1.0; k < hi; k++ {
		r := ratio(k)
		w *= r
		sum += w * f(k+1)
		total += w
		if w < negligible*(1-r) {
			break
		}
	}
	for k, w := mode, 1.0; k > lo; k-- {
		w /= ratio(k - 1)
		sum += w * f(k-1)
		total += w
		if w < negligible {
			break
		}
	}
	return sum / total
}

// binomialTermMean returns E[D(k, μ) + s(k)] for a binomial count k of mean μ = np,
// p = e^logP: by the sum or, for μ of 1e6 or more, by the terms of its expansion in
// the moments of k up to 1/μ.
func binomialTermMean(n, logP float64) float64 {
	p := math.Exp(logP)
	if mu := n * p; mu >= 1e6 {
		q := -math.Expm1(logP)
		return 0.5*(q+log2Pi+math.Log(mu)) + (1-q*(2-4*p)+3*q*q-3*q)/(12*mu)
	}
	odds := math.Exp(logP - log1mExp(logP))
	logMu := math.Log(n) + logP
	mode := min(math.Floor((n+1)*p), n)
	return meanOverCounts(0, mode, n,
		func(k float64) float64 { return (n - k) / (k + 1) * odds },
		func(k float64) float64 { return countTerm(k, logMu) })
}

// log1mExp returns log(1 − e^x) for x < 0.
func log1mExp(x float64) float64 {
	if x > -math.Ln2 {
		return math.Log(-math.Expm1(x))
	}
	return math.Log1p(-math.Exp(x))
}

// checkTrials is the check of a known number of trials.
func checkTrials(family string, n int) error {
	if n < 1 || n > 1<<53 {
		return &DomainError{Family: family, Func: "New", Param: "n", Index: -1, Value: float64(n), Want: "from 1 to 2^53"}
	}
	return nil
}

// checkKnown is the check of KLTo that two families have the same known
// parameter, which is part of their names.
func checkKnown(p, q Dist) {
	if p.Name() != q.Name() {
		panic(fmt.Sprintf("expfam: KLTo: q is %s, want %s", q.Name(), p.Name()))
	}
}
