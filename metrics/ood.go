package metrics

import (
	"cmp"
	"math"
	"slices"
)

// ROCPoint is a point of a receiver operating characteristic: what share of the
// inliers (TPR) and of the outliers (FPR) scores at least Threshold.
type ROCPoint struct{ Threshold, TPR, FPR float64 }

// scored is a score and the set that it comes from.
type scored struct {
	score    float64
	positive bool
}

// ranked returns the scores of both sets, largest first. Scores may be infinite.
func ranked(fn string, in, out []float64) ([]scored, error) {
	all := make([]scored, 0, len(in)+len(out))
	for _, set := range []struct {
		name string
		x    []float64
		in   bool
	}{{"in", in, true}, {"out", out, false}} {
		if len(set.x) == 0 {
			return nil, &DomainError{fn, "length of " + set.name, -1, 0, ">= 1: both sets are needed"}
		}
		for i, v := range set.x {
			if math.IsNaN(v) {
				return nil, &DomainError{fn, set.name, i, v, "a number"}
			}
			all = append(all, scored{v, set.in})
		}
	}
	slices.SortFunc(all, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	return all, nil
}

// sweep lowers the threshold over the distinct scores and calls f with the counts
// of inliers and outliers at or above it. Equal scores enter together: no threshold
// tells them apart.
func sweep(all []scored, f func(threshold float64, tp, fp int)) {
	tp, fp := 0, 0
	for i, s := range all {
		if s.positive {
			tp++
		} else {
			fp++
		}
		if i+1 == len(all) || all[i+1].score != s.score {
			f(s.score, tp, fp)
		}
	}
}

// ROC returns the operating points of "inlier if score ≥ threshold", from the threshold +Inf,
// which accepts nothing, down to the smallest score. in and out are the scores
// of inliers and outliers, higher meaning more in-distribution, such as [Confidence] or
// minus [Entropy]. It errs if either set is empty or holds a NaN.
func ROC(in, out []float64) ([]ROCPoint, error) {
	return roc("ROC", in, out)
}

func roc(fn string, in, out []float64) ([]ROCPoint, error) {
	all, err := ranked(fn, in, out)
	if err != nil {
		return nil, err
	}
	points := []ROCPoint{{math.Inf(1), 0, 0}}
	sweep(all, func(t float64, tp, fp int) {
		points = append(points, ROCPoint{t, float64(tp) / float64(len(in)), float64(fp) / float64(len(out))})
	})
	return points, nil
}

// AUROC returns the area under [ROC]: the probability that an inlier scores above an
// outlier, ties counting half (the Mann–Whitney statistic). ½ is chance.
func AUROC(in, out []float64) (float64, error) {
	points, err := roc("AUROC", in, out)
	if err != nil {
		return math.NaN(), err
	}
	area := 0.0
	for i, p := range points[1:] {
		area += (p.FPR - points[i].FPR) * (p.TPR + points[i].TPR) / 2
	}
	return area, nil
}

// AUPRIn returns the average precision with inliers as the positives,
// Σ_t (R_t − R_{t−1}) P_t over falling thresholds t, R recall and P precision: the
// step-wise area under the precision–recall curve, without interpolation. Chance
// is the share of inliers.
func AUPRIn(in, out []float64) (float64, error) {
	all, err := ranked("AUPRIn", in, out)
	if err != nil {
		return math.NaN(), err
	}
	return averagePrecision(all, len(in)), nil
}

// AUPROut returns the average precision with outliers as the positives, found by low
// scores; see [AUPRIn].
func AUPROut(in, out []float64) (float64, error) {
	all, err := ranked("AUPROut", in, out)
	if err != nil {
		return math.NaN(), err
	}
	slices.Reverse(all)
	for i := range all {
		all[i].positive = !all[i].positive
	}
	return averagePrecision(all, len(out)), nil
}

func averagePrecision(all []scored, positives int) (ap float64) {
	before := 0
	sweep(all, func(_ float64, tp, fp int) {
		ap += float64(tp-before) / float64(positives) * float64(tp) / float64(tp+fp)
		before = tp
	})
	return ap
}

// FPRAtTPR returns the share of outliers accepted at the highest threshold that accepts at
// least the share tpr of the inliers; 0.95 is usual ("FPR95").
func FPRAtTPR(in, out []float64, tpr float64) (float64, error) {
	if !(tpr >= 0 && tpr <= 1) {
		return math.NaN(), &DomainError{"FPRAtTPR", "tpr", -1, tpr, "between 0 and 1"}
	}
	points, err := roc("FPRAtTPR", in, out)
	if err != nil {
		return math.NaN(), err
	}
	i := slices.IndexFunc(points, func(p ROCPoint) bool { return p.TPR >= tpr })
	return points[i].FPR, nil
}

// DetectionError returns min_t (FPR(t) + 1 − TPR(t))/2, the smallest error of a
// threshold when inliers and outliers are equally frequent (Liang, Li and Srikant, ICLR 2018).
func DetectionError(in, out []float64) (float64, error) {
	points, err := roc("DetectionError", in, out)
	if err != nil {
		return math.NaN(), err
	}
	best := 0.5
	for _, p := range points {
		best = min(best, (p.FPR+1-p.TPR)/2)
	}
	return best, nil
}
