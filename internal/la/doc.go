// Package la is the one door of this module to elementwise functions on slices
// and to small dense linear algebra.
//
// The elementwise functions ([Exp], [Log], [Logistic] and so on) are portable
// Go with table lookups and short polynomials: errors stay below 3 units in
// the last place over the whole range, and infinities, NaN, overflow and
// gradual underflow come out as in package math. They allocate nothing when
// dst is given, and dst may be x itself (but must not overlap it otherwise).
//
// The matrix functions work in place on row-major []float64 of n×n or on
// [blas64.General], allocate nothing, and give the same bits on every call.
//
// Slices named dst follow gonum's rule: nil allocates, a wrong length panics.
package la

//go:generate go run gentables.go
