// Package quad holds the quadrature rules for expectations E[f(Z)] of a
// standard normal Z that likelihoods of a linear predictor m + s·Z need.
package quad

import (
	"fmt"
	"math"
	"sync/atomic"

	"gonum.org/v1/gonum/integrate/quad"
)

// Nodes is a rule E[f(Z)] ≈ Σ_j W[j]·f(Z[j]) for Z ~ N(0,1). Nodes ascend and
// are symmetric about 0, weights are positive and sum to 1, so that constants
// and odd functions are integrated exactly. A Nodes is shared: it must not be
// changed.
type Nodes struct {
	Z, W []float64
}

// MaxRule is the largest number of nodes that [Rule] offers.
const MaxRule = 200

// MaxSpread is the largest spread for which [ForSpread] keeps its promise.
const MaxSpread = 1000

// hermiteSpread[k−1] is the largest spread for which the k-point Gauss–Hermite
// rule keeps the errors that ForSpread promises, found by bisection against a
// dense trapezoid rule and rounded down (TestForSpreadAccuracy). The sigmoid's
// poles at distance π/s from the real line make Gauss–Hermite rules converge
// like exp(−c·√k/s) only; beyond the last entry a trapezoid rule needs fewer
// nodes.
var hermiteSpread = [...]float64{
	2.8e-5, 0.0078, 0.0456, 0.107, 0.177, 0.247, 0.312, 0.373, 0.430, 0.482, 0.531,
	0.576, 0.620, 0.661, 0.700, 0.737, 0.773, 0.807, 0.841, 0.873, 0.904, 0.934,
}

const (
	// Trapezoid rules are kept for spreads in a geometric progression, which
	// costs at most 8 % more nodes than one rule a spread would.
	spreadRatio = 1.08
	trapezoids  = 91
)

// trapezoidSpread[i] is the spread for which trapezoid rule i is made.
var trapezoidSpread = func() (s [trapezoids]float64) {
	v := hermiteSpread[len(hermiteSpread)-1]
	for i := range s {
		v *= spreadRatio
		s[i] = v
	}
	return s
}()

// A rule is computed at first use. Two goroutines may compute it at once; they
// get the same numbers.
var (
	hermiteCache   [MaxRule]atomic.Pointer[Nodes]
	trapezoidCache [trapezoids]atomic.Pointer[Nodes]
)

// Rule returns the k-point Gauss–Hermite rule for Z ~ N(0,1), exact for
// polynomials of degree 2k−1 (Golub and Welsch 1969). It panics unless
// 1 ≤ k ≤ MaxRule.
func Rule(k int) *Nodes {
	if k < 1 || k > MaxRule {
		panic(fmt.Sprintf("quad: Rule: k is %d, want 1 to %d", k, MaxRule))
	}
	if n := hermiteCache[k-1].Load(); n != nil {
		return n
	}
	n := &Nodes{Z: make([]float64, k), W: make([]float64, k)}
	// These are nodes of ∫ e^(−x²) g(x) dx, where x = z/√2.
	quad.Hermite{}.FixedLocations(n.Z, n.W, math.Inf(-1), math.Inf(1))
	for j := range n.Z {
		n.Z[j] *= math.Sqrt2
	}
	for j := range n.Z {
		n.Z[j], n.W[j] = polish(n.Z[j], k)
	}
	n.finish()
	hermiteCache[k-1].Store(n)
	return n
}

// polish takes a node of the k-point rule, good to about 1e-12 from its table,
// to working precision by Newton's method on the orthonormal Hermite functions
// h_j, where √(j+1)·h_{j+1} = z·h_j − √j·h_{j−1}, and returns it with its
// Christoffel weight φ(z)/Σ_{j<k} h_j(z)².
func polish(z float64, k int) (node, weight float64) {
	for range 2 {
		prev, h := hermite(z, k, nil)
		z -= h / (math.Sqrt(float64(k))*prev - z/2*h)
	}
	sum := 0.0
	hermite(z, k, &sum)
	return z, math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) / sum
}

// hermite returns h_{k−1}(z) and h_k(z) and adds Σ_{j<k} h_j(z)² to sum.
func hermite(z float64, k int, sum *float64) (prev, h float64) {
	h = math.Exp(-z*z/4) / math.Pow(2*math.Pi, 0.25)
	for j := range k {
		if sum != nil {
			*sum += h * h
		}
		prev, h = h, (z*h-math.Sqrt(float64(j))*prev)/math.Sqrt(float64(j+1))
	}
	return prev, h
}

// ForSpread returns the smallest rule kept for predictors m + s·Z of spread
// s ≥ 0 and any mean m. For f(x) = log(1+e^x) and its first two derivatives
// the absolute error of E[f(m+sZ)] is at most 1e-10·max(1, s) for all m and
// s ≤ MaxSpread; for f(x) = e^x the relative error is at most 1e-9 for s ≤ 3.
// The derivative in s of such an expectation, E[Z·f′(m+sZ)] = s·E[f″(m+sZ)],
// is better taken from the right-hand side.
//
// Up to s = 0.934 the rule is a Gauss–Hermite one with 1 to 22 nodes; from
// there a trapezoid rule on [−L, L], whose error on a function with poles at
// ±iπ/s is of the order exp(−2π²/(s·h)) for step h, with about 20 + 16·s nodes.
// Beyond MaxSpread it is the rule for MaxSpread; for NaN, the smallest rule.
func ForSpread(s float64) *Nodes {
	if !(s > hermiteSpread[0]) {
		return Rule(1)
	}
	if s <= hermiteSpread[len(hermiteSpread)-1] {
		return Rule(1 + firstAtLeast(hermiteSpread[:], s))
	}
	return trapezoid(min(firstAtLeast(trapezoidSpread[:], s), trapezoids-1))
}

// firstAtLeast returns the first index of the ascending v with v[i] ≥ s.
func firstAtLeast(v []float64, s float64) int {
	lo, hi := 0, len(v)
	for lo < hi {
		if mid := (lo + hi) / 2; v[mid] < s {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// trapezoid returns trapezoid rule i. The step joins what the normal density
// and the sigmoid's poles each allow, fitted to bisected steps at spreads 1 to
// 300; the half width keeps the tail of z²·φ(z), and that of e^(sz)·φ(z) for
// s ≤ 3, below the promised errors.
func trapezoid(i int) *Nodes {
	if n := trapezoidCache[i].Load(); n != nil {
		return n
	}
	s := trapezoidSpread[i]
	width := max(6.8, 6.2+min(s, 3*spreadRatio))
	m := int(math.Ceil(width * math.Sqrt(1+1.65*s*s)))
	n := &Nodes{Z: make([]float64, 2*m+1), W: make([]float64, 2*m+1)}
	for j := range n.Z {
		z := width * float64(j-m) / float64(m)
		n.Z[j], n.W[j] = z, math.Exp(-z*z/2)
	}
	n.finish()
	trapezoidCache[i].Store(n)
	return n
}

// finish makes the rule symmetric to the last bit and its weights sum to 1.
func (n *Nodes) finish() {
	last := len(n.Z) - 1
	sum := 0.0
	for j := range (last + 2) / 2 {
		z, w := (n.Z[last-j]-n.Z[j])/2, (n.W[last-j]+n.W[j])/2
		n.Z[j], n.W[j] = -z, w
		n.Z[last-j], n.W[last-j] = z, w
		sum += w
		if j < last-j {
			sum += w
		}
	}
	if last%2 == 0 {
		n.Z[last/2] = 0
	}
	for j := range n.W {
		n.W[j] /= sum
	}
}
