// Package targets holds log densities with known answers, on which shapes of
// posteriors, estimators and step rules are compared.
package targets
