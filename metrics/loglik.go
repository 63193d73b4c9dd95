package metrics

import (
	"math"

	"github.com/natgrad/natgrad/internal/special"
)

// checkLogLik returns the number of examples in ll, K×n. A log-likelihood of −Inf
// is a prediction that was impossible, not a mistake.
func checkLogLik(fn string, ll []float64, draws int) (n int, err error) {
	n = rowsOf(fn, "ll", "draws", len(ll), draws)
	if n == 0 {
		return 0, &DomainError{fn, "length of ll", -1, 0, ">= 1"}
	}
	for i, v := range ll {
		if math.IsNaN(v) || math.IsInf(v, 1) {
			return 0, &DomainError{fn, "ll", i, v, "a number below +Inf"}
		}
	}
	return n, nil
}

// PointwiseLogLik returns the test log-likelihood of a posterior predictive mixture,
// a point at a time,
//
//	(1/n) Σ_i log (1/K) Σ_k p(y_i | x_i, w_k),    ll[k*n+i] = log p(y_i | x_i, w_k),
//
// for K = draws weight samples: the form of the dropout and PBP papers. −Inf is the
// value if no draw allows some y_i. Compare with [JointLogLik]; neither bounds the other.
func PointwiseLogLik(ll []float64, draws int) (float64, error) {
	n, err := checkLogLik("PointwiseLogLik", ll, draws)
	if err != nil {
		return math.NaN(), err
	}
	col, sum := make([]float64, draws), 0.0
	for i := range n {
		for k := range col {
			col[k] = ll[k*n+i]
		}
		sum += special.LogSumExp(col)
	}
	return sum/float64(n) - math.Log(float64(draws)), nil
}

// JointLogLik returns the test log-likelihood of the test set as a whole, a point's share of
// it,
//
//	(1/n) log (1/K) Σ_k Π_i p(y_i | x_i, w_k),
//
// the form in the tables of Khan et al. (ICML 2018). One draw, the best, decides
// it when n is large: it estimates the log evidence of the test set only if K is huge. ll as
// in [PointwiseLogLik].
func JointLogLik(ll []float64, draws int) (float64, error) {
	n, err := checkLogLik("JointLogLik", ll, draws)
	if err != nil {
		return math.NaN(), err
	}
	total := make([]float64, draws)
	for k := range total {
		for _, v := range ll[k*n : (k+1)*n] {
			total[k] += v
		}
	}
	return (special.LogSumExp(total) - math.Log(float64(draws))) / float64(n), nil
}

// MeanLogLik returns (1/(Kn)) Σ_k Σ_i log p(y_i | x_i, w_k), the mean over the draws
// of a single net's log-likelihood. On the training data it is minus the data
// term of the negative ELBO per datum,
//
//	−ELBO/N = −MeanLogLik + KL(q‖prior)/N.
//
// By Jensen's inequality it is at most [PointwiseLogLik] and at most [JointLogLik]; how
// far below is what averaging predictions brings.
func MeanLogLik(ll []float64, draws int) (float64, error) {
	if _, err := checkLogLik("MeanLogLik", ll, draws); err != nil {
		return math.NaN(), err
	}
	sum := 0.0
	for _, v := range ll {
		sum += v
	}
	return sum / float64(len(ll)), nil
}

// NormalLogLik returns (1/n) Σ_i log N(y_i | mean_i, sd_i²), the log-likelihood of
// one normal distribution for each point, such as the normal with the mean and variance of
// a predictive mixture ("moment-matched").
func NormalLogLik(mean, sd, y []float64) (float64, error) {
	if err := checkNormals("NormalLogLik", mean, sd, y); err != nil {
		return math.NaN(), err
	}
	sum := 0.0
	for i, v := range y {
		z := (v - mean[i]) / sd[i]
		sum -= 0.5*z*z + math.Log(sd[i])
	}
	return sum/float64(len(y)) - 0.5*math.Log(2*math.Pi), nil
}
