package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/quad"
	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/mat"
)

// ExpModifiedNormal is the d-dimensional exponentially modified normal distribution of z =
// μ + wα + Σ^½ε with w ~ Exp(1) and standard normal ε. With s = α'Sα and x = ((z−μ)'Sα −
// 1)/√s
//
//	log q(z) = log N(z | μ, Σ) + log Φ(x) − log φ(x) − ½ log s
//
// Its tail along α is exponential, far heavier than that of a [SkewNormal]. At α = 0 it is
// normal and a step never leaves α = 0: start from [ExpModifiedNormalFrom], or from an α in
// the direction of the longer tail. Its entropy is a quadrature in one dimension.
type ExpModifiedNormal struct{ VarianceMean }

// NewExpModifiedNormal returns the exponentially modified normal distribution of location
// mu, skewness vector alpha and scale matrix scale. It errs unless all are finite and
// scale positive definite, and panics if the sizes differ or are 0.
func NewExpModifiedNormal(mu, alpha []float64, scale mat.Symmetric) (*ExpModifiedNormal, error) {
	c, err := newSkewed("NewExpModifiedNormal", expModified{}, mu, alpha, scale, 1)
	if err != nil {
		return nil, err
	}
	return &ExpModifiedNormal{*c}, nil
}

// Alpha writes the skewness vector α to dst.
func (q *ExpModifiedNormal) Alpha(dst []float64) []float64 { return q.alphaTo(dst) }

// maxProductRule is the largest number of nodes of a product rule.
const maxProductRule = 64

// SetProductRule makes EntropyTangent integrate as the program of Lin, Khan and Schmidt
// (2019) does, by the n×n product of Gauss–Laguerre and Gauss–Hermite rules, whose
// error grows with s = α'Sα (n = 30: 1e-8 at s = 2, 1e-3 at s = 30). It is for comparisons
// with that program; 0 restores the one-dimensional quadrature, whose error is rounding.
// It errs unless n is between 0 and 64.
func (q *ExpModifiedNormal) SetProductRule(n int) error {
	if n < 0 || n > maxProductRule {
		return &expfam.DomainError{Family: q.Name(), Func: "SetProductRule", Param: "n", Index: -1, Value: float64(n), Want: fmt.Sprintf("0 to %d", maxProductRule)}
	}
	q.nodes = n
	return nil
}

// Clone returns an independent copy.
func (q *ExpModifiedNormal) Clone() *ExpModifiedNormal { return &ExpModifiedNormal{q.clone()} }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit, options and
// momentum included. The receiver has the saved dimension or is a zero value; on error
// it is unchanged.
func (q *ExpModifiedNormal) UnmarshalBinary(b []byte) error { return q.unmarshal(b, expModified{}) }

// expModified has u = w, v = 1 and w ~ Exp(1). Given z, w√s is N(x, 1) truncated at 0.
type expModified struct{}

// flat is an s below which α is as good as 0.
const flat = 1e-200

func (expModified) name() string        { return "exponentially-modified-normal" }
func (expModified) skewed() bool        { return true }
func (expModified) shaped() bool        { return false }
func (expModified) closedEntropy() bool { return true }

func (expModified) moments(float64) (m11, m12, m22, eu, eu2 float64) { return 1, 1, 2, 1, 2 }

func (expModified) meanV(_, _ float64) float64 { return 1 }

func (expModified) logProb(c *VarianceMean, st *vmState, q, b float64) float64 {
	g := st.gaussian(q)
	if st.skew < flat {
		return g
	}
	y := math.Sqrt(st.skew)
	return g - math.Log(y) - logHazard((b-1)/y)
}

// logHazard returns log(φ(x)/Φ(x)).
func logHazard(x float64) float64 {
	if x < 0 {
		return math.Log(special.NormalHazard(x))
	}
	return -0.5*(x*x+vmLog2Pi) - special.LogNormalCDF(x)
}

func (expModified) given(c *VarianceMean, st *vmState, q, b float64) given {
	s := st.skew
	if s < flat {
		return given{u: 1, v: 1, pair: 1, inv: 1, skew: 1}
	}
	y := math.Sqrt(s)
	u := truncatedMean((b-1)/y) / y
	return given{u: u, v: 1, pair: (b - 1) / s, side: 1 / s, inv: 1, skew: u}
}

// entropy uses that x has the density N(x+1/y | 0, 1) Φ(x)/(yφ(x)), y = √s, so that
//
//	H − H(N(μ, Σ)) = ½ log s + s + E[log(φ(x)/Φ(x))]
//	2 dH/ds = I/y + 1/s + 1/s²,  I = −E[(φ/Φ)(w + 1/s)] = −E_{N(0,1)}[(φ/Φ)(t − 1/y)]/s
func (expModified) entropy(c *VarianceMean, st *vmState) (h, ds, da float64) {
	s := st.skew
	if s < flat {
		return 0, 0.5, 0
	}
	y := math.Sqrt(s)
	return expModifiedEntropy(s, y), 0.5 * expModifiedSlope(s, y, c.nodes), 0
}

func expModifiedEntropy(s, y float64) float64 {
	const reach = entropyNodes * entropyStep
	var e float64
	if s < 1 {
		for t := -reach; t <= reach+40*y; t += entropyStep {
			l := logHazard(t - 1/y)
			e += math.Exp(-0.5*(t*t+vmLog2Pi)-l) * (l + math.Log(y))
		}
		return s + entropyStep/y*e
	}
	// For large s, where x ranges over √s, ½E[x²] = s − ½ + 1/(2s) is taken out of the
	// logarithm; what is left lives on x < 9.
	for t := -reach; t <= reach+1/y; t += entropyStep {
		x := t - 1/y
		l := special.LogNormalCDF(x)
		e += math.Exp(l-x/y-0.5/s) * l
	}
	return 0.5*math.Log(s) + 0.5 - 0.5*vmLog2Pi - 0.5/s - entropyStep/y*e
}

// expModifiedSlope returns 2 dH/ds, by an n×n product rule unless n is 0.
func expModifiedSlope(s, y float64, n int) float64 {
	switch {
	case n > 0:
		var in float64
		lag, her := quad.Laguerre(n), quad.Rule(n)
		for i, w := range lag.Z {
			var sum float64
			for j, z := range her.Z {
				sum += her.W[j] * special.NormalHazard(z+w*y-1/y)
			}
			in -= lag.W[i] * (w + 1/s) * sum
		}
		return in/y + 1/s + 1/(s*s)
	case s < 1e-3: // asymptotic, from that of the hazard; the next term is −1231s⁷
		return 1 - s*(1+s*(1-s*(1+s*(17+s*(107+s*415)))))
	}
	// With φ/Φ = −x + truncatedMean(x), I/y = −1/s² − r/(sy).
	var r float64
	for k := -entropyNodes; k <= entropyNodes; k++ {
		t := float64(k) * entropyStep
		r += entropyStep * math.Exp(-0.5*(t*t+vmLog2Pi)) * truncatedMean(t-1/y)
	}
	return (1 - r/y) / s
}

func (expModified) mix(_ *VarianceMean, p float64, _ *rand.Rand) float64 { return -math.Log1p(-p) }

func (expModified) scales(w float64) (u, v float64) { return w, 1 }
