// Package psis holds Pareto-smoothed importance sampling and what is built on
// it: the k̂ diagnostic, leave-one-out cross-validation and WAIC.
//
// References: Vehtari, Simpson, Gelman, Yao and Gabry, "Pareto smoothed
// importance sampling", JMLR 25 (2024); Zhang and Stephens, "A new and efficient
// estimation method for the generalized Pareto distribution", Technometrics 51
// (2009); Vehtari, Gelman and Gabry, "Practical Bayesian model evaluation using
// leave-one-out cross-validation and WAIC", Statistics and Computing 27 (2017).
package psis

import (
	"fmt"
	"math"
	"slices"

	"github.com/natgrad/natgrad/internal/la"
)

const (
	// minTail is the least number of tail weights that a shape is fitted to.
	minTail = 5
	// flat is the spread of tail log weights, in nats, that is taken for
	// rounding noise. The shape is invariant to scale, so a fit to noise would
	// report the noise's tail where the weights are in fact all equal.
	flat = 1e-8
)

// HighKHat is the Pareto shape from which importance sampling estimates are not
// to be trusted (Vehtari et al. 2024, section 3.2.4).
const HighKHat = 0.7

// Error says which value of which input was refused.
type Error struct {
	Func  string  // the function that refused
	Param string  // "log weight", "log likelihood", ...
	Obs   int     // observation, −1 if it is not about one
	Draw  int     // draw, −1 if it is not about one
	Value float64 // the offending value
	Want  string  // what was wanted
}

func (e *Error) Error() string {
	at := ""
	if e.Obs >= 0 {
		at += fmt.Sprintf(" of observation %d", e.Obs)
	}
	if e.Draw >= 0 {
		at += fmt.Sprintf(" at draw %d", e.Draw)
	}
	return fmt.Sprintf("psis: %s: %s%s is %v, want %s", e.Func, e.Param, at, e.Value, e.Want)
}

// Diagnostics describes a set of importance weights after smoothing.
type Diagnostics struct {
	// KHat is the shape of the generalised Pareto distribution fitted to the
	// largest weights: below 0.5 the weights have finite variance, from 0.7
	// estimates are not to be trusted. It is 0 if the tail weights are equal
	// to within 1e-8, and +Inf if there are too few non-zero weights for a fit
	// (fewer than 5 in the tail, that is fewer than 21 draws) or the fit
	// overflowed: nothing is known of the tail then.
	KHat float64
	// ESS is the importance-sampling sample size 1/Σw² of the normalised
	// smoothed weights, between 1 and the number of draws.
	ESS float64
	// LogMean is the log of the mean smoothed weight: with log weights
	// log p(D,θ) − log q(θ) it estimates log p(D).
	LogMean float64
	// Tail is the number of weights that were replaced.
	Tail int
}

// Smoother smooths vectors of log weights in workspace of its own, without
// allocations once it has seen the longest one. The zero value is ready. It
// must not be used by two goroutines at once.
type Smoother struct {
	val, x, y, theta, l []float64
	idx                 []int
}

// Smooth is [Smoother.Smooth] with workspace that is thrown away.
func Smooth(dst, lw []float64) (Diagnostics, error) { return new(Smoother).Smooth(dst, lw) }

// KHat returns the Pareto shape of the log weights lw, see [Diagnostics].
func KHat(lw []float64) (float64, error) {
	d, err := Smooth(make([]float64, len(lw)), lw)
	return d.KHat, err
}

// Smooth writes the normalised smoothed log weights to dst, of the length of
// lw, so that their exponentials sum to 1. dst may be lw.
//
// With S weights the M = ⌈min(S/5, 3√S)⌉ largest are replaced, in their order,
// by the quantiles (z−½)/M of a generalised Pareto distribution fitted to what
// they exceed the next smaller weight by, and truncated at the largest raw
// weight. lw may hold −Inf (weight zero); a NaN, a +Inf, an empty lw or one of
// −Inf only is an *[Error], and dst is then unchanged.
func (s *Smoother) Smooth(dst, lw []float64) (Diagnostics, error) {
	n := len(lw)
	if len(dst) != n {
		panic(fmt.Sprintf("psis: Smooth: length of dst is %d, want %d", len(dst), n))
	}
	top, finite := math.Inf(-1), 0
	for i, v := range lw {
		if math.IsNaN(v) || math.IsInf(v, 1) {
			return Diagnostics{}, &Error{"Smooth", "log weight", -1, i, v, "a number or −Inf"}
		}
		if v > math.Inf(-1) {
			finite++
		}
		top = max(top, v)
	}
	if finite == 0 {
		return Diagnostics{}, &Error{"Smooth", "number of non-zero weights", -1, -1, 0, "at least 1"}
	}
	for i, v := range lw {
		dst[i] = v - top
	}
	d := Diagnostics{KHat: math.Inf(1)}
	if m := min(tailLength(n), finite-1); m >= minTail {
		d.KHat, d.Tail = s.smoothTail(dst, m)
	}
	s.val = grow(s.val, n)
	sum, sum2 := 0.0, 0.0
	for _, w := range la.Exp(s.val, dst) {
		sum += w
		sum2 += w * w
	}
	logSum := math.Log(sum)
	for i := range dst {
		dst[i] -= logSum
	}
	d.ESS = sum * sum / sum2
	d.LogMean = top + logSum - math.Log(float64(n))
	return d, nil
}

func tailLength(n int) int {
	return int(math.Ceil(min(0.2*float64(n), 3*math.Sqrt(float64(n)))))
}

func grow(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}

// smoothTail replaces the m largest of the log weights lw, whose maximum is 0,
// and returns the shape and how many were replaced.
func (s *Smoother) smoothTail(lw []float64, m int) (khat float64, replaced int) {
	// The m largest, ascending; of equal ones the later draws.
	s.val = grow(s.val, len(lw))
	copy(s.val, lw)
	least := selectKth(s.val, len(lw)-m)
	cutoff := math.Inf(-1)
	s.idx = s.idx[:0]
	for i := len(lw) - 1; i >= 0; i-- {
		if lw[i] > least {
			s.idx = append(s.idx, i)
		} else if lw[i] < least {
			cutoff = max(cutoff, lw[i])
		}
	}
	for i := len(lw) - 1; i >= 0; i-- {
		if lw[i] == least {
			if len(s.idx) == m {
				cutoff = least
				break
			}
			s.idx = append(s.idx, i)
		}
	}
	slices.SortFunc(s.idx, func(a, b int) int {
		if lw[a] != lw[b] {
			if lw[a] < lw[b] {
				return -1
			}
			return 1
		}
		return a - b
	})
	tail := s.idx
	if -least <= flat {
		return 0, 0
	}
	base := math.Exp(cutoff)
	x := grow(s.x, len(tail))
	for i, t := range tail {
		x[i] = lw[t]
	}
	la.Exp(x, x)
	for i := range x {
		x[i] -= base
	}
	s.x = x
	// Weights equal to the cut-off, or that underflow beside the largest, do
	// not exceed it; too many of them leave the fit without a quartile.
	if x[quartile(len(x))] <= 0 {
		drop := 0
		for x[drop] <= 0 {
			drop++
		}
		x, tail = x[drop:], tail[drop:]
		if len(x) < minTail {
			return math.Inf(1), 0
		}
	}
	k, sigma := s.fit(x)
	if math.IsInf(k, 1) {
		return k, 0
	}
	for z, t := range tail {
		l := math.Log1p(-(float64(z) + 0.5) / float64(len(tail)))
		q := -sigma * l
		if k != 0 {
			q = sigma * math.Expm1(-k*l) / k
		}
		lw[t] = min(math.Log(base+q), 0)
	}
	return k, len(tail)
}

// quartile is the index of the first quartile of n ascending values as Zhang
// and Stephens define it.
func quartile(n int) int { return int(float64(n)/4+0.5) - 1 }

// fit returns the shape k and scale σ of a generalised Pareto distribution with
// location 0 for the ascending positive x: Zhang and Stephens' (2009) posterior
// mean of θ = −k/σ on a grid of 30 + ⌊√n⌋ points under their data-based prior,
// then k ← (n·k + 5)/(n + 10), a prior worth 10 observations at ½ (Vehtari et
// al. 2024, appendix G). k is +Inf if it is not a number.
func (s *Smoother) fit(x []float64) (k, sigma float64) {
	n := float64(len(x))
	m := 30 + int(math.Sqrt(n))
	s.theta, s.l, s.y = grow(s.theta, m), grow(s.l, m), grow(s.y, len(x))
	star, last := x[quartile(len(x))], x[len(x)-1]
	for j := range s.theta {
		t := 1/last + (1-math.Sqrt(float64(m)/(float64(j)+0.5)))/(3*star)
		s.theta[j] = t
		kj := s.profile(t, x)
		s.l[j] = n * (math.Log(-t/kj) - kj - 1)
	}
	top := slices.Max(s.l)
	sum, theta := 0.0, 0.0
	for j, l := range s.l {
		w := math.Exp(l - top)
		sum += w
		theta += w * s.theta[j]
	}
	theta /= sum
	k = s.shape(theta, x)
	sigma = -k / theta
	k = (n*k + 5) / (n + 10)
	if math.IsNaN(k) || math.IsNaN(sigma) || math.IsInf(sigma, 0) {
		return math.Inf(1), 0
	}
	return k, sigma
}

// shape returns the mean of log(1 − θx), the maximum-likelihood k for given θ.
func (s *Smoother) shape(theta float64, x []float64) float64 {
	for i, v := range x {
		s.y[i] = -theta * v
	}
	sum := 0.0
	for _, v := range la.Log1p(s.y, s.y) {
		sum += v
	}
	return sum / float64(len(x))
}

// profile is shape with one logarithm for four factors. It loses digits that
// matter to small shapes alone and the grid's weights do not.
func (s *Smoother) profile(theta float64, x []float64) float64 {
	if !(math.Abs(1-theta*x[len(x)-1]) < 1e75) { // four factors might overflow
		return s.shape(theta, x)
	}
	y := s.y[:(len(x)+3)/4]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		v := x[i : i+4 : i+4]
		y[i/4] = ((1 - theta*v[0]) * (1 - theta*v[1])) * ((1 - theta*v[2]) * (1 - theta*v[3]))
	}
	if i < len(x) {
		p := 1.0
		for _, v := range x[i:] {
			p *= 1 - theta*v
		}
		y[i/4] = p
	}
	sum := 0.0
	for _, v := range la.Log(y, y) {
		sum += v
	}
	return sum / float64(len(x))
}

// selectKth returns the element that index k of v would have after sorting and
// reorders v. v holds no NaN.
func selectKth(v []float64, k int) float64 {
	lo, hi := 0, len(v)-1
	for lo < hi {
		// Hoare's partition about a median of three.
		a, b, c := v[lo], v[lo+(hi-lo)/2], v[hi]
		p := max(min(a, b), min(max(a, b), c))
		i, j := lo, hi
		for i <= j {
			for v[i] < p {
				i++
			}
			for v[j] > p {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return v[k]
		}
	}
	return v[k]
}
