// Package nn is small neural nets on one flat weight vector: forward and
// backward passes over minibatches, per-example gradients and their squares,
// the Gauss–Newton diagonal, and the layer statistics of Kronecker methods, in
// float64 ([Net]) and float32 ([Net32]).
//
// A net is a [Loss], the [Shape] of an example and layers ([Dense], [Conv1D],
// [Conv2D], [MaxPool], [AvgPool]). It holds no weights: every call takes them, so
// an optimiser may look at as many weight vectors as it likes. [Train] goes over
// the minibatches of a [Data] and hands each, as an [Objective], to an optimiser,
// any [Stepper]; those of package vadam keep a posterior of the weights.
//
// Losses are negative log-likelihoods, constants included, and their means over
// the rows of a batch, whatever the batch; the size of the whole data set and a
// prior are the optimiser's.
package nn

// Objective is what an optimiser asks of a minibatch: functions of the flat
// weight vector w that return the mean negative log-likelihood of the examples
// in the batch, (1/M) Σ_i l_i(w), and overwrite the slices before w, all as long
// as w. A nil field is not available; optimisers say which one they need. The
// functions must not keep or change w.
type Objective struct {
	// Grad writes the gradient of the mean, (1/M) Σ g_i.
	Grad func(grad, w []float64) (float64, error)
	// GradSq also writes the mean of the squared per-example gradients,
	// (1/M) Σ g_i² ("empirical Fisher", the curvature of VOGN).
	GradSq func(grad, sq, w []float64) (float64, error)
	// GradHess also writes the diagonal of the mean Hessian, or of the
	// generalised Gauss–Newton matrix in its place (the curvature of VON).
	GradHess func(grad, hess, w []float64) (float64, error)
}

// Objective32 is [Objective] in single precision.
type Objective32 struct {
	Grad     func(grad, w []float32) (float32, error)
	GradSq   func(grad, sq, w []float32) (float32, error)
	GradHess func(grad, hess, w []float32) (float32, error)
}
