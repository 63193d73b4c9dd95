package report

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// noteList collects the sentences of a figure's note.
type noteList []string

func (n *noteList) add(format string, args ...any) { *n = append(*n, fmt.Sprintf(format, args...)) }
func (n noteList) String() string                  { return strings.Join(n, " ") }

// count returns "1 row", "2 rows".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// drawable reports whether x can be drawn: finite, and small enough that ranges and
// squares of such numbers are finite too.
func drawable(x float64) bool { return math.Abs(x) < 1e150 }

// drawableOnly returns the drawable elements of x and how many were not.
func drawableOnly(x []float64) (kept []float64, dropped int) {
	kept = make([]float64, 0, len(x))
	for _, v := range x {
		if drawable(v) {
			kept = append(kept, v)
		}
	}
	return kept, len(x) - len(kept)
}

// quantile returns the p-quantile of sorted x by linear interpolation between order
// statistics (definition 7 of Hyndman and Fan 1996). NaN if x is empty.
func quantile(x []float64, p float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	h := p * float64(len(x)-1)
	i := int(h)
	if i >= len(x)-1 {
		return x[len(x)-1]
	}
	return x[i] + (h-float64(i))*(x[i+1]-x[i])
}

func sorted(x []float64) []float64 {
	s := append([]float64(nil), x...)
	sort.Float64s(s)
	return s
}

// meanSD returns the mean and the sample standard deviation (0 for one element).
func meanSD(x []float64) (mean, sd float64) {
	if len(x) == 0 {
		return math.NaN(), math.NaN()
	}
	for i, v := range x {
		mean += (v - mean) / float64(i+1)
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean)
	}
	if len(x) > 1 {
		sd = math.Sqrt(sd / float64(len(x)-1))
	}
	return mean, sd
}

// wilson returns the Wilson score interval for a binomial probability after k
// successes in n trials, at the two-sided normal quantile z (Wilson 1927; Brown, Cai
// and DasGupta 2001, section 3.1.1).
func wilson(k, n, z float64) (lo, hi float64) {
	p := k / n
	d := 1 + z*z/n
	mid := (p + z*z/(2*n)) / d
	half := z / d * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return math.Max(0, mid-half), math.Min(1, mid+half)
}

// bandwidth returns Silverman's rule 0.9 min(sd, IQR/1.34) n^(-1/5) for sorted x
// (Silverman 1986, equation 3.31), falling back on the sd when the quartiles agree.
// It is 0 for a constant sample.
func bandwidth(x []float64) float64 {
	_, sd := meanSD(x)
	s := (quantile(x, 0.75) - quantile(x, 0.25)) / 1.34
	if s <= 0 || s > sd {
		s = sd
	}
	return 0.9 * s * math.Pow(float64(len(x)), -0.2)
}

// kde estimates a density on the len(dst) equally spaced points from lo to hi, by
// linear binning of x on those points followed by a Gaussian kernel of width h:
// O(n + grid·kernel) however large the sample. Points of x outside are left out of
// the picture but count in the normalisation.
func kde(dst, x []float64, lo, hi, h float64) []float64 {
	m := len(dst)
	step := (hi - lo) / float64(m-1)
	mass := make([]float64, m)
	for _, v := range x {
		u := (v - lo) / step
		if u < 0 || u > float64(m-1) {
			continue
		}
		i := min(int(u), m-2)
		w := u - float64(i)
		mass[i] += 1 - w
		mass[i+1] += w
	}
	reach := min(int(math.Ceil(4*h/step)), m-1)
	kernel := make([]float64, reach+1)
	sum := 0.0
	for k := range kernel {
		z := float64(k) * step / h
		kernel[k] = math.Exp(-z * z / 2)
		if k == 0 {
			sum += kernel[k]
		} else {
			sum += 2 * kernel[k]
		}
	}
	norm := 1 / (sum * step * float64(len(x)))
	for i := range dst {
		dst[i] = 0
		for j := max(0, i-reach); j <= min(m-1, i+reach); j++ {
			d := i - j
			if d < 0 {
				d = -d
			}
			dst[i] += mass[j] * kernel[d]
		}
		dst[i] *= norm
	}
	return dst
}
