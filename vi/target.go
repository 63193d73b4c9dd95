package vi

import (
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Target is the log joint density log p(D, θ) of data D and parameters θ. It
// is a struct of functions; a nil field is not available, and [New] says which
// one the posterior or the estimator needs. The functions may be called from
// several goroutines at once when Settings.Workers is greater than 1, and must
// not keep or change the slices they are given.
type Target struct {
	Dim   int      // number of parameters
	N     int      // number of examples, for minibatches and LOO; 0 if there are none
	Names []string // one a parameter; nil names them theta[0], theta[1], …

	// LogProb returns log p(D, x), all constants included if evidence matters.
	LogProb func(x []float64) float64
	// Grad writes the gradient to dst and returns the log density.
	Grad func(dst, x []float64) float64
	// Hess writes the Hessian and the gradient and returns the log density.
	Hess func(dst *mat.SymDense, grad, x []float64) float64

	// HessVec writes the product ∇² log p(D, x)·v to dst; dst, x and v have length
	// Dim, and dst is neither x nor v. Where there is no Hess, [Start] and
	// the Laplace method take their Hessian from Dim such products, exact where
	// differences of Grad are not.
	HessVec func(dst, x, v []float64)

	// LogPrior returns the log prior and, unless grad is nil, writes its gradient.
	LogPrior func(grad, x []float64) float64
	// LogLik writes one log likelihood an example of idx (all, if idx is nil).
	LogLik func(dst, x []float64, idx []int)
	// LogLikGrad writes one gradient row an example of idx.
	LogLikGrad func(dst *mat.Dense, x []float64, idx []int)

	// Explain says why the density or its gradient is not finite at x, of length
	// Dim: which term, for example. It is called only where that was seen, and what it
	// returns is the Cause of the [NonFiniteError]; nil means that it does not know.
	Explain func(x []float64) error

	// Linear states the density as a sum of functions of linear predictors,
	// for which expectations under a Gaussian are quadratures without noise.
	Linear *Linear
	// Exact states a part of the log density, or all of it, whose expectation is
	// known in closed form: it returns E_q[part] and adds its gradient in the
	// coordinates of q's step to tan. Grad and Hess, values included, are then of the rest
	// (nil if there is none); LogProb stays the whole. The entropy is not part of it.
	Exact func(tan []float64, q Posterior) (value float64, err error)
	// Conjugate states the density as ⟨η, T(θ)⟩ + const in the sufficient
	// statistics of the posterior's own family.
	Conjugate *Conjugate
}

// Linear is a log density of the form
//
//	log p(D, θ) = Const + Σ_terms Σ_i f_i(x_i'θ + o_i; θ_aux).
//
// Priors are terms like any other: a prior on one coefficient is a term whose
// row is a unit vector.
type Linear struct {
	Terms []Term
	Const float64
}

// Term is one sum of a Linear.
type Term struct {
	Name string
	// Prior marks terms that belong to the prior and not to the data; the
	// engine reports the two apart and never subsamples a prior.
	Prior bool
	// X has one row a function and at most Dim columns, which meet the first
	// X.Cols coordinates of θ.
	X blas64.General
	// Offset is added to the predictors; nil means zero.
	Offset []float64
	// Aux lists the coordinates of θ that every function of the term takes
	// besides its predictor, such as log σ; at most two. They lie outside the
	// first X.Cols coordinates.
	Aux []int
	// Width is the distance from the real axis to the nearest complex
	// singularity of the functions in their predictor, in units of π (the
	// logistic function has 1), at given auxiliary values. The narrower, the more
	// quadrature nodes. nil means 1.
	Width func(aux []float64) float64
	// Degree is the degree of the functions as polynomials in the predictor if
	// they are polynomials (Gaussian likelihood and prior: 2), else 0. It spares
	// nodes.
	Degree int
	// Eval evaluates the functions of rows lo … lo+len(eta)−1 at predictors eta
	// and auxiliary values aux (one a member of Aux) and fills the slices of d
	// that are not nil. It must be safe for concurrent use.
	Eval func(lo int, eta, aux []float64, d *Derivs)
	// Sum, if not nil, returns the sum of the values that Eval writes to F, equal
	// up to rounding. The verdict of a fit evaluates the density at a thousand
	// points and more, and sums are often much cheaper than their parts: those
	// of logarithms are logarithms of products. It must add in the same order on
	// every call and be safe for concurrent use. nil means Eval and addition.
	Sum func(lo int, eta, aux []float64) float64
}

// Conjugate is a log density in the sufficient statistics of the posterior's
// own family,
//
//	log p(D, θ) = ⟨Prior + Σ_i Lik_i, T(θ)⟩ + log h(θ) + Const,
//
// so that one step with ρ = 1 is Bayes' rule.
type Conjugate struct {
	Prior []float64 // natural parameters of the prior
	// Lik adds Σ_{i in idx} Lik_i to dst, over all N examples if idx is nil.
	Lik   func(dst []float64, idx []int)
	Const float64
}

// Derivs receives values and partial derivatives of the functions of a Term,
// one entry a row: F = f, E = ∂f/∂η, EE = ∂²f/∂η², A[a] = ∂f/∂ψ_a,
// EA[a] = ∂²f/∂η∂ψ_a, and AA[k] = ∂²f/∂ψ_a∂ψ_b with k = 0 for (0,0), 1 for
// (0,1), 2 for (1,1). A nil slice is not wanted; A, EA and AA are either nil or
// complete.
type Derivs struct {
	F, E, EE  []float64
	A, EA, AA [][]float64
}
