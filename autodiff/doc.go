// Package autodiff gives log densities that are written in plain Go their
// gradients and Hessian-vector products: a reverse-mode tape whose nodes are
// scalars, vectors and matrices.
//
//	// log p(y | β) of a logistic regression with a normal prior
//	f, err := autodiff.New(20, func(x autodiff.Node) autodiff.Node {
//		lik := autodiff.BernoulliLogitLogProb(y, autodiff.MatVec(X, x))
//		prior := autodiff.NormalLogProb(x, 0, 10)
//		return autodiff.Add(lik, prior)
//	})
//	logp := f.Grad(grad, beta)
//
// # What may be mixed
//
// Operands are Nodes, numbers (float64, int), data ([]float64, *mat.VecDense,
// *mat.Dense) in any order; at least one must be a Node. Elementwise operations
// take operands of one shape, or a scalar with anything; every other
// combination is an error that names the operation and the shapes. There is no
// other broadcasting: what does not fit is a mistake.
//
// # Densities
//
// A function whose name ends in LogProb returns a log density with all its constants, summed over
// elements, in Stan's parameterisation. Constant operands outside the support
// (a count of −1, a scale of 0, NaN) are an error when the function is recorded. Where an operand
// depends on the argument, the value is −Inf for a y outside the support and NaN
// for a parameter outside its own (see Function.Explain).
//
// # Recorded, then replayed
//
// The function is called to record its operations. Afterwards they are replayed
// without calling it, which costs no allocation and, for an interpreted function
// in a notebook, runs at compiled speed. A function may branch and loop as it
// likes: one that looks at a value (Node.Value, Node.Values) is recorded anew at every
// call, and so is one that records something else when it is called again at another point,
// which is looked at on calls 2, 3, 5, 9, 17 … So it must be a function of
// its argument: data that it uses may not change afterwards (see Function.Reset).
//
// # Derivatives
//
// Grad costs about as much as the same code written by hand, HessVec (forward
// over reverse) two to three times that, Hess Dim times HessVec. See Griewank
// and Walther, Evaluating Derivatives (2008), chapters 3 and 5, for the modes.
package autodiff
