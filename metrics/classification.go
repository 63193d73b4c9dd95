package metrics

import (
	"fmt"
	"math"
)

// checkProbs checks p, n×classes with rows that sum to one, and returns n.
func checkProbs(fn string, p []float64, classes int) (n int, err error) {
	n = rowsOf(fn, "p", "classes", len(p), classes)
	if n == 0 {
		return 0, &DomainError{fn, "length of p", -1, 0, ">= 1"}
	}
	for i := range n {
		sum := 0.0
		for c, v := range p[i*classes : (i+1)*classes] {
			if !(v >= 0 && v <= 1+1e-6) {
				return 0, &DomainError{fn, "p", i*classes + c, v, "a probability"}
			}
			sum += v
		}
		// Room for probabilities that were averaged in single precision.
		if math.Abs(sum-1) > 1e-4 {
			return 0, &DomainError{fn, "sum of row of p", i, sum, "1"}
		}
	}
	return n, nil
}

// checkLabelled is checkProbs with a class in y for every row.
func checkLabelled(fn string, p []float64, classes int, y []float64) (n int, err error) {
	checkLen(fn, "y", len(y), rowsOf(fn, "p", "classes", len(p), classes))
	if n, err = checkProbs(fn, p, classes); err != nil {
		return 0, err
	}
	for i, v := range y {
		if !(v >= 0 && v < float64(classes)) || v != math.Trunc(v) {
			return 0, &DomainError{fn, "y", i, v, fmt.Sprintf("a class, 0 to %d", classes-1)}
		}
	}
	return n, nil
}

// top returns the most probable class, the first of equals, and its probability.
func top(row []float64) (class int, p float64) {
	for c, v := range row {
		if v > p {
			class, p = c, v
		}
	}
	return class, p
}

// Accuracy returns the share of rows of p whose most probable class is y_i; of
// equally probable classes the first counts.
func Accuracy(p []float64, classes int, y []float64) (float64, error) {
	n, err := checkLabelled("Accuracy", p, classes, y)
	if err != nil {
		return math.NaN(), err
	}
	right := 0
	for i, v := range y {
		if c, _ := top(p[i*classes : (i+1)*classes]); c == int(v) {
			right++
		}
	}
	return float64(right) / float64(n), nil
}

// NLL returns −(1/n) Σ_i log p_i(y_i) in nats, +Inf if a class that occurs had
// probability 0. Of probabilities averaged over draws it is minus the pointwise
// log-likelihood of [PointwiseLogLik].
func NLL(p []float64, classes int, y []float64) (float64, error) {
	n, err := checkLabelled("NLL", p, classes, y)
	if err != nil {
		return math.NaN(), err
	}
	sum := 0.0
	for i, v := range y {
		sum -= math.Log(p[i*classes+int(v)])
	}
	return sum / float64(n), nil
}

// Brier returns (1/n) Σ_i Σ_c (p_ic − [y_i = c])², between 0 and 2 (Brier 1950). The
// form for two classes that looks at one of them only is half of it.
func Brier(p []float64, classes int, y []float64) (float64, error) {
	n, err := checkLabelled("Brier", p, classes, y)
	if err != nil {
		return math.NaN(), err
	}
	sum := 0.0
	for i, v := range y {
		for c, q := range p[i*classes : (i+1)*classes] {
			if c == int(v) {
				q = 1 - q
			}
			sum += q * q
		}
	}
	return sum / float64(n), nil
}

// Bin is a bar of a reliability diagram: the predictions whose confidence lies
// in [Lower, Upper), for the last bin [Lower, Upper].
type Bin struct {
	Lower, Upper float64
	Count        int     // predictions in the bin
	Confidence   float64 // their mean confidence, NaN in an empty bin
	Accuracy     float64 // the share of them that is right, NaN in an empty bin
}

// Reliability sorts predictions by confidence, the largest probability of a row, into bins
// of equal width on [0, 1]: bin ⌊confidence·bins⌋. The bins of a calibrated classifier
// have Accuracy = Confidence within √(p(1−p)/Count). It panics if bins < 1.
func Reliability(p []float64, classes int, y []float64, bins int) ([]Bin, error) {
	if bins < 1 {
		panic(fmt.Sprintf("metrics: Reliability: bins is %d, want >= 1", bins))
	}
	if _, err := checkLabelled("Reliability", p, classes, y); err != nil {
		return nil, err
	}
	out := make([]Bin, bins)
	for i, v := range y {
		c, conf := top(p[i*classes : (i+1)*classes])
		b := &out[min(int(conf*float64(bins)), bins-1)]
		b.Count++
		b.Confidence += conf
		if c == int(v) {
			b.Accuracy++
		}
	}
	for j := range out {
		b := &out[j]
		b.Lower, b.Upper = float64(j)/float64(bins), float64(j+1)/float64(bins)
		b.Confidence /= float64(b.Count) // 0/0 is the NaN of an empty bin
		b.Accuracy /= float64(b.Count)
	}
	return out, nil
}

// ECE returns the expected calibration error, Σ_b (n_b/n) |accuracy_b − confidence_b|
// over the bins of [Reliability] (Naeini et al., AAAI 2015; Guo et al., ICML 2017).
// It is biased upwards: with n_b predictions in a bin a calibrated classifier shows about
// √(p(1−p)/n_b) there. Compare classifiers at equal n and bins (10 or 15 are usual).
func ECE(p []float64, classes int, y []float64, bins int) (float64, error) {
	diagram, err := Reliability(p, classes, y, bins)
	if err != nil {
		err.(*DomainError).Func = "ECE"
		return math.NaN(), err
	}
	sum := 0.0
	for _, b := range diagram {
		if b.Count > 0 {
			sum += float64(b.Count) * math.Abs(b.Accuracy-b.Confidence)
		}
	}
	return sum / float64(len(y)), nil
}

// Confidence writes the largest probability of each row of p, the usual score
// of in-distribution detection (Hendrycks and Gimpel, ICLR 2017).
func Confidence(dst, p []float64, classes int) ([]float64, error) {
	n, err := checkProbs("Confidence", p, classes)
	if err != nil {
		return nil, err
	}
	dst = sized("Confidence", dst, n)
	for i := range dst {
		_, dst[i] = top(p[i*classes : (i+1)*classes])
	}
	return dst, nil
}

// Entropy writes −Σ_c p_ic log p_ic of each row in nats, between 0 and log(classes).
func Entropy(dst, p []float64, classes int) ([]float64, error) {
	n, err := checkProbs("Entropy", p, classes)
	if err != nil {
		return nil, err
	}
	dst = sized("Entropy", dst, n)
	for i := range dst {
		dst[i] = entropy(p[i*classes : (i+1)*classes])
	}
	return dst, nil
}

func entropy(row []float64) (h float64) {
	for _, v := range row {
		if v > 0 {
			h -= v * math.Log(v)
		}
	}
	return max(h, 0) // a probability a rounding above 1
}

// MutualInformation writes, for each of n examples, the mutual information of label and
// weights in nats,
//
//	H[ (1/K) Σ_k p_k ] − (1/K) Σ_k H[p_k],
//
// from the probabilities p[(k*n+i)*C+c] of K = draws nets: the part of the predictive
// entropy that more data would remove (Houlsby et al. 2011; "BALD").
func MutualInformation(dst, p []float64, draws, classes int) ([]float64, error) {
	const fn = "MutualInformation"
	n := rowsOf(fn, "p", "draws·classes", len(p), draws*classes)
	rows, err := checkProbs(fn, p, classes)
	if err != nil {
		return nil, err
	}
	dst = sized(fn, dst, n)
	mean := make([]float64, classes)
	for i := range dst {
		clear(mean)
		within := 0.0
		for r := i; r < rows; r += n {
			row := p[r*classes : (r+1)*classes]
			within += entropy(row) / float64(draws)
			for c, v := range row {
				mean[c] += v / float64(draws)
			}
		}
		dst[i] = max(entropy(mean)-within, 0)
	}
	return dst, nil
}
