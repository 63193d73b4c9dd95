package vi

import (
	"encoding"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/blas/blas64"
)

// Posterior is what the engine moves. Every [expfam.Dist] is one. What an
// estimator needs beyond this is asked for by [New]: [Tangenter] for draws,
// [Gaussian] for quadrature, expfam.Dist for the conjugate form.
type Posterior interface {
	Dim() int
	NumParams() int
	// Sample writes one draw to dst. It must not change the receiver, so that
	// workers may draw at the same time.
	Sample(dst []float64, rng *rand.Rand) []float64
	LogProb(x []float64) float64
	// Retract moves the posterior by rho·tan inside its domain and says what it
	// had to do; on error the receiver is unchanged.
	Retract(tan []float64, rho float64) (expfam.Condition, error)
	// Natural and SetNatural read and write the state that a step moves; the
	// engine averages it and steps back to it.
	Natural(dst []float64) []float64
	SetNatural(eta []float64) error
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// Tangenter is a Posterior that can turn draws into a step.
type Tangenter interface {
	Posterior
	// Tangent adds w times the gradient of E_q[log p] in expectation
	// coordinates, as estimated from one draw, to dst.
	Tangent(dst []float64, d *expfam.Draw, w float64)
	// EntropyTangent adds the gradient of the entropy if it has a closed form
	// and tells whether it did; if not, the entropy enters through Draw.LogQ.
	EntropyTangent(dst []float64) (exact bool)
	// Entropy returns the entropy in nats, NaN if it has no closed form.
	Entropy() float64
}

// Mirrorer is a Posterior whose draws have antithetic partners: Mirror writes
// the reflection of x about the centre to dst, equally likely under q.
type Mirrorer interface {
	Mirror(dst, x []float64) []float64
}

// Gaussian is a Tangenter that is normal, so that linear predictors x'θ are
// normal as well and expectations of their functions are small quadratures.
type Gaussian interface {
	Tangenter
	Mean(dst []float64) []float64
	// PredictorVar writes Var(x_i'θ[:x.Cols]) of the rows of x to dst; work has
	// length expfam.PredictorWork or more. Safe for concurrent use.
	PredictorVar(dst []float64, x blas64.General, work []float64) []float64
	// CovColumn writes column j of the covariance to dst.
	CovColumn(dst []float64, j int) []float64
}

// StepSampler is a Posterior that draws all points of a step at once because it
// can do better than by independent draws, or because its Tangent needs more
// of a draw than the point.
type StepSampler interface {
	// SampleStep fills X of all draws, and Aux and Aside where it uses them; it
	// may allocate Aux in its first call only. The draws 2k and 2k+1 may depend
	// on each other, for example as antithetic partners; a dependence between pairs
	// must not make their average vary more. The mean over all draws that are not
	// Aside is unbiased for expectations under q.
	SampleStep(draws []expfam.Draw, rng *rand.Rand)
}

// Scorer is a Posterior whose step can be estimated from values of the log
// density alone, see [GradientFree].
type Scorer interface {
	Posterior
	// ScoreTangent adds w times the natural gradient F⁻¹∇ log q(x) of the log
	// density at x, in the coordinates of a step, to dst.
	ScoreTangent(dst, x []float64, w float64)
}

// Pacer is a Posterior whose natural gradients are noisier than those of one
// normal distribution and that says with which step size and how many draws a
// stochastic run had better begin. Settings overrule it.
type Pacer interface {
	FirstRate() float64
	FirstDraws() int
}

// RateLimiter is a Posterior whose map from tangents to steps is local: a noisy
// step of a rate above MaxRate(tan) would say nothing of what the gradient meant.
// Stochastic runs stay below it, unless Settings.Plain is set; deterministic ones have a line search.
type RateLimiter interface {
	MaxRate(tan []float64) float64
}
