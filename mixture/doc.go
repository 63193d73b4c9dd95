// Package mixture holds posteriors beyond one exponential family: finite
// mixtures of any of its members, normal variance-mean mixtures (Student-t,
// skew normal, exponentially modified normal, normal-inverse-Gaussian), and
// positive families with steps of their own.
//
// All are minimal conditional exponential families q(w)q(z|w), in which the
// natural gradient of the joint is the plain gradient in expectation
// parameters (Lin, Khan and Schmidt 2019, "Fast and simple natural-gradient
// variational inference with mixture of exponential-family approximations").
package mixture
