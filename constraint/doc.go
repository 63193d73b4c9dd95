// Package constraint maps unconstrained coordinates x ∈ ℝᵏ to parameters y that
// are positive, bounded, ordered, on a simplex, correlations or covariances, and
// back, with the logarithm of |det ∂y/∂x|.
//
//	c := constraint.Simplex(3)
//	y := make([]float64, c.Size())
//	logJac := c.Constrain(y, []float64{0, 0}) // y = (1/3, 1/3, 1/3)
//	err := c.Unconstrain(x, y)                // x = (0, 0)
//
// A density p(y) is p(y(x))·|det ∂y/∂x| in x; Node gives both on the tape of
// package autodiff.
//
// The maps, their order of coordinates and their Jacobians are those of the Stan
// Reference Manual, chapter "Constraint Transforms", so that log densities and
// unconstrained coordinates compare. Its simplex is the stick breaking of Stan
// up to 2.36; later releases use another map, with the same y and another x.
//
// # Rounding
//
// A constrained value is inside its bounds as long as float64 can tell: e^x is 0
// below x = −745 and +Inf above 709, the logistic function is 1 above 37, and a
// difference e^x of ordered values is lost below 1e-16 of the values. The
// log-Jacobian is exact to rounding for all finite x, but for the matrices, whose
// elements and Jacobian are products and sums of such values.
package constraint
