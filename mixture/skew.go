package mixture

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/mat"
)

// SkewNormal is the d-dimensional skew normal distribution (Azzalini and Dalla Valle
// 1996) of z = μ + |w| α + Σ^½ε with standard normal w and ε:
//
//	log q(z) = log 2 + log N(z | μ, Σ + αα') + log Φ((z−μ)'Sα/√(1+s)),  s = α'Sα
//
// At α = 0 it is normal and a step never leaves α = 0, whatever the target, while a start
// that leans to the wrong side comes to rest there: start from [SkewNormalFrom], or from an α
// about a standard deviation long in the direction of the longer tail. Its entropy is a
// quadrature in one dimension.
type SkewNormal struct{ VarianceMean }

// NewSkewNormal returns the skew normal distribution of location mu, skewness vector
// alpha and scale matrix scale. It errs unless all are finite and scale positive definite,
// and panics if the sizes differ or are 0.
func NewSkewNormal(mu, alpha []float64, scale mat.Symmetric) (*SkewNormal, error) {
	c, err := newSkewed("NewSkewNormal", skewNormal{}, mu, alpha, scale, 1)
	if err != nil {
		return nil, err
	}
	return &SkewNormal{*c}, nil
}

// newSkewed is the constructor of the families with an α.
func newSkewed(fn string, kd kind, mu, alpha []float64, scale mat.Symmetric, k float64) (*VarianceMean, error) {
	if err := vmCheckSizes(fn, mu, alpha, scale); err != nil {
		return nil, err
	}
	if alpha == nil {
		panic("mixture: " + fn + ": alpha is nil")
	}
	if err := vmCheckShape(fn, kd, k); err != nil {
		return nil, err
	}
	c := newVarianceMean(kd, len(mu), k)
	return c, c.build(fn, mu, alpha, scale, 1)
}

// Alpha writes the skewness vector α to dst.
func (q *SkewNormal) Alpha(dst []float64) []float64 { return q.alphaTo(dst) }

// Clone returns an independent copy.
func (q *SkewNormal) Clone() *SkewNormal { return &SkewNormal{q.clone()} }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit, options and
// momentum included. The receiver has the saved dimension or is a zero value; on error
// it is unchanged.
func (q *SkewNormal) UnmarshalBinary(b []byte) error { return q.unmarshal(b, skewNormal{}) }

func (c *VarianceMean) alphaTo(dst []float64) []float64 {
	dst = c.sized("Alpha", dst, c.dim)
	copy(dst, c.cur.alpha)
	return dst
}

// skewNormal has u = |w|, v = 1 and w ~ N(0, 1). Given z, |w| is
// N(b/(1+s), 1/(1+s)) truncated at 0.
type skewNormal struct{}

// sqrt2OverPi is E|w| for a standard normal w.
const sqrt2OverPi = 0.79788456080286535587989211986876

func (skewNormal) name() string        { return "skew-normal" }
func (skewNormal) skewed() bool        { return true }
func (skewNormal) shaped() bool        { return false }
func (skewNormal) closedEntropy() bool { return true }

func (skewNormal) moments(float64) (m11, m12, m22, eu, eu2 float64) {
	return 1, sqrt2OverPi, 1, sqrt2OverPi, 1
}

func (skewNormal) meanV(_, _ float64) float64 { return 1 }

func (skewNormal) logProb(c *VarianceMean, st *vmState, q, b float64) float64 {
	r := math.Sqrt(1 + st.skew)
	b /= r
	return math.Ln2 + st.gaussian(q) + 0.5*b*b - math.Log(r) + special.LogNormalCDF(b)
}

func (skewNormal) given(c *VarianceMean, st *vmState, q, b float64) given {
	s := st.skew
	r := math.Sqrt(1 + s)
	u := truncatedMean(b/r) / r
	return given{u: u, v: 1, pair: b / (1 + s), side: sqrt2OverPi / (1 + s), inv: 1, skew: u}
}

// entropy integrates E[log Φ(x)], x = (z−μ)'Sα/√(1+s) with density 2Φ(x) N(x|0, s),
// and for the derivative I = E[φ(x)/Φ(x)]/((1+s) √(2π(1+s))) over N(0, s/(1+s)), which by
// Stein's lemma is the integral of the paper divided by s.
func (skewNormal) entropy(c *VarianceMean, st *vmState) (h, ds, da float64) {
	s := st.skew
	h = 0.5 * math.Log1p(s)
	if s > flat {
		h -= math.Ln2
		// Φ log Φ lives on |x| < 9, the normal density on |x| < 9√s.
		sd := math.Sqrt(s)
		step, n := entropyStep*math.Min(sd, 1), entropyNodes
		for k := -n; k <= n; k++ {
			x := float64(k) * step
			l := special.LogNormalCDF(x)
			h -= 2 * step / sd * math.Exp(l-0.5*x*x/s-0.5*vmLog2Pi) * l
		}
	}
	sd := math.Sqrt(s / (1 + s))
	var haz float64
	for k := -entropyNodes; k <= entropyNodes; k++ {
		t := float64(k) * entropyStep
		haz += entropyStep * math.Exp(-0.5*t*t-0.5*vmLog2Pi) * special.NormalHazard(sd*t)
	}
	in := haz / ((1 + s) * math.Sqrt(2*math.Pi*(1+s)))
	return h, 0.5/(1+s) - in, 0
}

// The quadratures of entropies are trapezoid rules of this step on ±entropyNodes steps
// in units in which the integrands are entire or have their poles, the complex zeros of
// Φ, 2.8 off the real line: the error is below exp(−2π·2.8/0.4) = 1e-19.
const (
	entropyStep  = 0.4
	entropyNodes = 23
)

func (skewNormal) mix(_ *VarianceMean, p float64, _ *rand.Rand) float64 {
	return math.Sqrt2 * math.Erfinv(p)
}

func (skewNormal) scales(w float64) (u, v float64) { return math.Abs(w), 1 }

// truncatedMean returns x + φ(x)/Φ(x), the mean of N(x, 1) truncated to positive
// values, without cancellation: for x < −5 it is 1/(z + 2/(z + 3/(z + …))) with z = −x,
// what follows the leading z in the continued fraction of the inverse Mills ratio.
func truncatedMean(x float64) float64 {
	if x >= -5 {
		return x + special.NormalHazard(x)
	}
	t := -x
	for k := 29.; k >= 2; k-- {
		t = -x + k/t
	}
	return 1 / t
}
