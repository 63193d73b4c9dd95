package metrics

import (
	"fmt"
	"math"
	"slices"
)

func checkPairs(fn string, pred, y []float64) error {
	checkLen(fn, "pred", len(pred), len(y))
	if err := checkValues(fn, "y", y); err != nil {
		return err
	}
	return checkValues(fn, "pred", pred)
}

// checkNormals checks a normal prediction for each y.
func checkNormals(fn string, mean, sd, y []float64) error {
	checkLen(fn, "mean", len(mean), len(y))
	checkLen(fn, "sd", len(sd), len(y))
	if err := checkValues(fn, "y", y); err != nil {
		return err
	}
	if err := checkValues(fn, "mean", mean); err != nil {
		return err
	}
	return checkPositive(fn, "sd", sd)
}

// RMSE returns √((1/n) Σ (pred_i − y_i)²), in units of y.
func RMSE(pred, y []float64) (float64, error) {
	if err := checkPairs("RMSE", pred, y); err != nil {
		return math.NaN(), err
	}
	sum := 0.0
	for i, v := range y {
		sum += (pred[i] - v) * (pred[i] - v)
	}
	return math.Sqrt(sum / float64(len(y))), nil
}

// MAE returns (1/n) Σ |pred_i − y_i|, in units of y.
func MAE(pred, y []float64) (float64, error) {
	if err := checkPairs("MAE", pred, y); err != nil {
		return math.NaN(), err
	}
	sum := 0.0
	for i, v := range y {
		sum += math.Abs(pred[i] - v)
	}
	return sum / float64(len(y)), nil
}

// Coverage returns the share of the y_i in [lower_i, upper_i]. Bounds may be infinite. The
// standard error of the share at level p is √(p(1−p)/n).
func Coverage(lower, upper, y []float64) (float64, error) {
	const fn = "Coverage"
	checkLen(fn, "lower", len(lower), len(y))
	checkLen(fn, "upper", len(upper), len(y))
	if err := checkValues(fn, "y", y); err != nil {
		return math.NaN(), err
	}
	in := 0
	for i, v := range y {
		if !(lower[i] <= upper[i]) {
			return math.NaN(), &DomainError{fn, "lower", i, lower[i], fmt.Sprintf("at most upper, %v", upper[i])}
		}
		if lower[i] <= v && v <= upper[i] {
			in++
		}
	}
	return float64(in) / float64(len(y)), nil
}

// NormalPIT writes the probability integral transforms Φ((y_i − mean_i)/sd_i). The
// predictions are calibrated if these are uniform on (0, 1) (Dawid 1984; Gneiting,
// Balabdaoui and Raftery, JRSS B 2007). Of a sample or a mixture take the share
// below y instead.
func NormalPIT(dst, mean, sd, y []float64) ([]float64, error) {
	if err := checkNormals("NormalPIT", mean, sd, y); err != nil {
		return nil, err
	}
	dst = sized("NormalPIT", dst, len(y))
	for i, v := range y {
		dst[i] = normalCDF((v - mean[i]) / sd[i])
	}
	return dst, nil
}

func normalCDF(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// CoverageAt writes, for each level p, the share of points inside the central interval
// of probability p, read off the transforms u_i of [NormalPIT] as |2u_i − 1| ≤ p. Plotted
// over the levels this is the calibration curve of a regression: below the diagonal
// the intervals are too narrow.
func CoverageAt(dst, pit, levels []float64) ([]float64, error) {
	const fn = "CoverageAt"
	if err := checkUnit(fn, "pit", pit); err != nil {
		return nil, err
	}
	if err := checkUnit(fn, "levels", levels); err != nil {
		return nil, err
	}
	dst = sized(fn, dst, len(levels))
	for j, p := range levels {
		in := 0
		for _, u := range pit {
			if math.Abs(2*u-1) <= p {
				in++
			}
		}
		dst[j] = float64(in) / float64(len(pit))
	}
	return dst, nil
}

// checkUnit errs unless x has entries and all are in [0, 1].
func checkUnit(fn, param string, x []float64) error {
	if len(x) == 0 {
		return &DomainError{fn, "length of " + param, -1, 0, ">= 1"}
	}
	for i, v := range x {
		if !(v >= 0 && v <= 1) {
			return &DomainError{fn, param, i, v, "between 0 and 1"}
		}
	}
	return nil
}

// NormalCRPS returns the mean continuous ranked probability score of normal
// predictions, in units of y; smaller is better, and for sd → 0 it is the MAE:
//
//	CRPS(N(μ, σ²), y) = σ [ z(2Φ(z) − 1) + 2φ(z) − 1/√π ],   z = (y − μ)/σ
//
// (Gneiting and Raftery, JASA 2007, section 4.2).
func NormalCRPS(mean, sd, y []float64) (float64, error) {
	if err := checkNormals("NormalCRPS", mean, sd, y); err != nil {
		return math.NaN(), err
	}
	sum := 0.0
	for i, v := range y {
		z := (v - mean[i]) / sd[i]
		phi := math.Exp(-0.5*z*z) / math.Sqrt(2*math.Pi)
		sum += sd[i] * (z*(2*normalCDF(z)-1) + 2*phi - 1/math.Sqrt(math.Pi))
	}
	return sum / float64(len(y)), nil
}

// SampleCRPS returns the mean continuous ranked probability score of the empirical
// distributions of K = draws values for each point, f[k*n+i]:
//
//	CRPS = (1/K) Σ_k |f_k − y| − (1/(2K²)) Σ_k Σ_l |f_k − f_l|,
//
// the double sum by sorting. Draws must include the noise of the observations to score a
// predictive distribution.
func SampleCRPS(f []float64, draws int, y []float64) (float64, error) {
	const fn = "SampleCRPS"
	n := rowsOf(fn, "f", "draws", len(f), draws)
	checkLen(fn, "y", len(y), n)
	if err := checkValues(fn, "y", y); err != nil {
		return math.NaN(), err
	}
	if err := checkValues(fn, "f", f); err != nil {
		return math.NaN(), err
	}
	col, sum := make([]float64, draws), 0.0
	for i, v := range y {
		for k := range col {
			col[k] = f[k*n+i]
		}
		slices.Sort(col)
		// Σ_k Σ_l |f_k − f_l| = 2 Σ_k (2k − K + 1) f_(k), k from 0.
		dist, spread := 0.0, 0.0
		for k, x := range col {
			dist += math.Abs(x - v)
			spread += float64(2*k-draws+1) * x
		}
		sum += dist/float64(draws) - spread/float64(draws)/float64(draws)
	}
	return sum / float64(n), nil
}
