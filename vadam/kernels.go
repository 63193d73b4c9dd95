package vadam

import "github.com/natgrad/natgrad/internal/la"

type float interface{ float32 | float64 }

// kernels are the loops over weights of one precision, see package la.
type kernels[T float] struct {
	normals           func(dst []T, seed, stream uint64)
	perturb           func(w, eps, mu, s []T, n, lam T)
	square            func(q, g []T)
	product           func(q, g, e []T)
	accumulate        func(g, x []T, c T)
	accumulateProduct func(g, q, x, y []T, c T)
	root              func(mu1, s1, m1, mu, s, m, g, q []T, c *[8]T) T
	newton            func(mu1, s1, m1, mu, s, m, g, q []T, c *[8]T) T
	ivon              func(mu1, s1, m1, mu, s, m, g, q []T, c *[8]T) (T, int)
	adam              func(mu1, s1, m1, mu, s, m, g []T, c *[6]T) T
}

var kernels64 = &kernels[float64]{
	la.Normals, la.Perturb, la.Square, la.Product, la.Accumulate, la.AccumulateProduct,
	la.StepRoot, la.StepNewton, la.StepIVON, la.StepAdam,
}

var kernels32 = &kernels[float32]{
	la.Normals32, la.Perturb32, la.Square32, la.Product32, la.Accumulate32, la.AccumulateProduct32,
	la.StepRoot32, la.StepNewton32, la.StepIVON32, la.StepAdam32,
}

// mirror is eps ← −eps, w ← mu + eps.
func mirror[T float](w, eps, mu []T) {
	for i, m := range mu {
		d := -eps[i]
		eps[i] = d
		w[i] = m + d
	}
}
