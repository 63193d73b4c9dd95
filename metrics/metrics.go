// Package metrics measures predictions: errors, predictive log-likelihoods,
// calibration, proper scores and out-of-distribution detection, as plain functions
// on slices.
//
// Matrices are row-major in one slice. Draws come first: f[k*n+i] is what draw k of
// K says about example i of n, and p[i*C+c] the probability of class c for example
// i. Classes are given as the numbers 0, 1, …, C−1 in a []float64, as package nn
// takes them. Log-likelihoods are natural logarithms of densities or probabilities.
//
// A value outside the domain (NaN, a class that does not exist, no examples at all) is a
// *[DomainError]; lengths that do not fit together panic.
package metrics

import (
	"fmt"
	"math"
)

// DomainError is a value that a metric has no meaning for.
type DomainError struct {
	Func  string  // the function that refused
	Param string  // the argument's name
	Index int     // index in that argument, −1 if it is no single entry
	Value float64 // the offending value
	Want  string  // what was wanted
}

func (e *DomainError) Error() string {
	at := ""
	if e.Index >= 0 {
		at = fmt.Sprintf("[%d]", e.Index)
	}
	return fmt.Sprintf("metrics: %s: %s%s is %v, want %s", e.Func, e.Param, at, e.Value, e.Want)
}

// MeanSE returns the mean of n values and its standard error, sd/√n with the
// population standard deviation, sd² = (1/n) Σ (x_i − x̄)²: how the literature on
// the UCI regression sets reports a figure over the splits. (With n − 1 in place of
// n the error would be larger by 1/(2n) of itself.) It errs on an empty x and on NaN or
// infinite values.
func MeanSE(x []float64) (mean, se float64, err error) {
	if err := checkValues("MeanSE", "x", x); err != nil {
		return math.NaN(), math.NaN(), err
	}
	mean, variance := moments(x)
	return mean, math.Sqrt(variance / float64(len(x))), nil
}

// moments returns the mean and the population variance.
func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(len(x))
}

// checkValues errs unless x has entries and all are finite.
func checkValues(fn, param string, x []float64) error {
	if len(x) == 0 {
		return &DomainError{fn, "length of " + param, -1, 0, ">= 1"}
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return &DomainError{fn, param, i, v, "finite"}
		}
	}
	return nil
}

// checkPositive errs unless all entries of x are positive and finite.
func checkPositive(fn, param string, x []float64) error {
	for i, v := range x {
		if !(v > 0) || math.IsInf(v, 1) {
			return &DomainError{fn, param, i, v, "> 0 and finite"}
		}
	}
	return nil
}

func checkLen(fn, param string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("metrics: %s: length of %s is %d, want %d", fn, param, got, want))
	}
}

// rowsOf returns how many rows of width entries a matrix of size entries has.
func rowsOf(fn, param, width string, size, w int) int {
	if w < 1 {
		panic(fmt.Sprintf("metrics: %s: %s is %d, want >= 1", fn, width, w))
	}
	if size%w != 0 {
		panic(fmt.Sprintf("metrics: %s: length of %s is %d, want a multiple of %s, %d", fn, param, size, width, w))
	}
	return size / w
}

// sized returns dst if it has n entries, a new slice if it is nil, and panics else.
func sized(fn string, dst []float64, n int) []float64 {
	if dst == nil {
		return make([]float64, n)
	}
	checkLen(fn, "dst", len(dst), n)
	return dst
}
