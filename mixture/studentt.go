package mixture

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/sample"
	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
)

// StudentT is the d-dimensional Student-t distribution with location μ, scale matrix Σ
// and 2a degrees of freedom, the normal mixture of u = 0 and v = w ~ InverseGamma(a, a):
//
//	log q(z) = log Γ(a+d/2) − log Γ(a) − (d/2) log 2πa − log|Σ|/2 − (a + d/2) log(1 + Q/2a),
//	Q = (z−μ)'Σ⁻¹(z−μ)
//
// Its tails are polynomials; a is fitted with μ and Σ. Steps move a slowly where it is
// large and matters little: start a fit from 2 or 3. Its entropy is closed (see
// [VarianceMean.EntropyTangent]). Every draw of a step carries its w in Draw.Aux.
type StudentT struct{ VarianceMean }

// NewStudentT returns the Student-t distribution of location mu, scale matrix scale and
// 2·shape degrees of freedom. It errs unless all are finite, scale positive definite and
// shape positive, and panics if the sizes differ or are 0.
func NewStudentT(mu []float64, scale mat.Symmetric, shape float64) (*StudentT, error) {
	if err := vmCheckSizes("NewStudentT", mu, nil, scale); err != nil {
		return nil, err
	}
	q := &StudentT{*newVarianceMean(studentT{}, len(mu), 1)}
	if err := q.build("NewStudentT", mu, nil, scale, shape); err != nil {
		return nil, err
	}
	return q, nil
}

// Shape returns a, half the degrees of freedom.
func (q *StudentT) Shape() float64 { return q.cur.shape }

// Clone returns an independent copy.
func (q *StudentT) Clone() *StudentT { return &StudentT{q.clone()} }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit, options and
// momentum included. The receiver has the saved dimension or is a zero value; on error
// it is unchanged.
func (q *StudentT) UnmarshalBinary(b []byte) error { return q.unmarshal(b, studentT{}) }

// studentT has E 1/w = 1, and w given z is InverseGamma(a + d/2, a + Q/2).
type studentT struct{}

func (studentT) name() string        { return "student-t" }
func (studentT) skewed() bool        { return false }
func (studentT) shaped() bool        { return true }
func (studentT) closedEntropy() bool { return true }

func (studentT) moments(float64) (m11, m12, m22, eu, eu2 float64) { return 1, 0, 0, 0, 0 }

func (studentT) meanV(a, _ float64) float64 {
	if a <= 1 {
		return math.Inf(1)
	}
	return a / (a - 1)
}

func (studentT) logProb(c *VarianceMean, st *vmState, q, _ float64) float64 {
	a, h := st.shape, 0.5*float64(c.dim)
	return special.LgammaDelta(a, h) - h*math.Log(2*math.Pi*a) + 0.5*st.logDet - (a+h)*math.Log1p(q/(2*a))
}

func (studentT) given(c *VarianceMean, st *vmState, q, _ float64) given {
	a, h := st.shape, 0.5*float64(c.dim)
	gv := given{inv: (a + h) / (a + 0.5*q), v: math.Inf(1)}
	if a+h > 1 {
		gv.v = (a + 0.5*q) / (a + h - 1)
	}
	return gv
}

func (studentT) entropy(c *VarianceMean, st *vmState) (h, ds, da float64) {
	a, n := st.shape, 0.5*float64(c.dim)
	h = n*(math.Log(a)-1) - special.LgammaDelta(a, n) + (a+n)*special.DigammaDelta(a, n)
	return h, 0, n/a + (a+n)*special.TrigammaDelta(a, n)
}

func (studentT) mix(c *VarianceMean, p float64, rng *rand.Rand) float64 {
	a := c.cur.shape
	if a > manyShapes {
		return a / math.Exp(sample.LogGamma(a, rng))
	}
	// P(G < g) = g^a/Γ(a+1) (1 − O(g)) near 0, where the inverse loses its digits.
	if lg := (math.Log(p) + special.Lgamma(a+1)) / a; lg < -20 {
		return math.Min(math.Exp(math.Log(a)-lg), maxMixing)
	}
	return a / mathext.GammaIncRegInv(a, p)
}

// maxMixing bounds w, so that the squares of draws of tiny shapes are finite.
const maxMixing = 1e300

// manyShapes is a shape above which w hardly varies, so that its draws need no strata.
const manyShapes = 1e5

// FirstRate returns 1/4: the shape is noisier than the rest.
func (q *StudentT) FirstRate() float64 { return 0.25 }

func (studentT) scales(w float64) (u, v float64) { return 0, w }
