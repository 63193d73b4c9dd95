// Package natgrad is the root of a Bayesian inference toolkit: exponential-family
// beliefs moved by one natural-gradient engine.
//
// Start with package glm for regressions from data frames, with package vi for
// densities of your own, and with package expfam for the distributions
// underneath. The command is cmd/natgrad; examples are under examples.
package natgrad
