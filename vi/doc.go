// Package vi fits posteriors by natural-gradient variational inference.
//
// A [Posterior] q moves towards the posterior of a [Target] by one step,
//
//	tan ← ∇_m { E_q[log p(D, θ)] + H(q) },    η ← η + ρ·tan,
//
// the plain gradient in expectation coordinates m added in natural coordinates
// η (Khan and Lin 2017; Khan and Rue 2023, section 1.3). What differs between
// problems is only how the expectation is taken:
//
//   - [Quadrature]: the target is a sum of functions of linear predictors and q
//     is Gaussian; one- to three-dimensional Gauss–Hermite rules, no noise.
//   - [Draws]: antithetic pairs of draws from q with gradients (Stein) or with
//     Hessians (Price).
//   - [ConjugateForm]: closed form; one step with ρ = 1 is Bayes' rule.
//
// [Fit] runs the [Engine] until the ELBO stops rising by more than its own
// standard error and returns a [Result] that says how far it can be trusted:
// status, ELBO ± standard error, data fit and KL apart, the Pareto k̂ of the
// importance ratios, and everything that went wrong on the way.
package vi
