package structured

import "github.com/natgrad/natgrad/expfam"

// Tangent adds w times the natural gradient of E_q[log p] at the receiver, as
// the draw dr shows it, to dst. With g = ∇log p, H its Hessian at dr.X and ε =
// Bᵀ(x−μ) (Lin et al. 2021, section 3, with the sign of an ascent):
//
//	u = B⁻¹g
//	M = −½ Π(B⁻¹HB⁻ᵀ)     (Bonnet 1964, Price 1958), if dr.Hess is set
//	    −½ Π(sym(εuᵀ))    (Stein's identity), if it is not
//
// If dr.X, dr.Grad and dr.Hess are the mean and the expectations under q, the
// result is exact. dr.HessDiag stands for a diagonal Hessian, which is all that a
// [Diagonal] root needs; other roots do not look at it. Cost: one solve, and
// one product without a Hessian. Calls with different dst may run at the same time;
// without a Hessian none allocates.
func (g *Gaussian) Tangent(dst []float64, dr *expfam.Draw, w float64) {
	p := len(g.mu)
	checkLen("Gaussian.Tangent", "dst", dst, g.NumParams())
	checkLen("Gaussian.Tangent", "Grad", dr.Grad, p)
	u := g.scratch.get(p)
	g.f.Solve(u, dr.Grad)
	for i, v := range u {
		dst[i] += w * v
	}
	switch {
	case dr.Hess != nil:
		g.f.ProjectHess(dst[p:], dr.Hess, -0.5*w)
	case dr.HessDiag != nil && isDiagonal(g.f):
		// Π(½(abᵀ + baᵀ)) of a diagonal root is the products a_i b_i: with a = B⁻¹h and
		// b = B⁻¹1 they are h_i/b_i².
		checkLen("Gaussian.Tangent", "HessDiag", dr.HessDiag, p)
		b := g.scratch.get(p)
		for i := range b {
			b[i] = 1
		}
		g.f.Solve(b, b)
		g.f.Solve(u, dr.HessDiag)
		g.f.ProjectPair(dst[p:], u, b, -0.5*w)
		g.scratch.put(b)
	default:
		checkLen("Gaussian.Tangent", "X", dr.X, p)
		e := g.scratch.get(p)
		g.whiten(e, dr.X)
		g.f.ProjectPair(dst[p:], e, u, -0.5*w)
		g.scratch.put(e)
	}
	g.scratch.put(u)
}

// EntropyTangent adds the natural gradient of the entropy, M = −½ Π(I), to dst
// and returns true: it is exact.
func (g *Gaussian) EntropyTangent(dst []float64) (exact bool) {
	checkLen("Gaussian.EntropyTangent", "dst", dst, g.NumParams())
	g.f.ProjectIdentity(dst[len(g.mu):], -0.5)
	return true
}

// ScoreTangent adds w times the natural gradient of log q(x) with respect to the
// state, u = ε and M = ½ Π(I − εεᵀ) with ε = Bᵀ(x−μ), to dst: what the
// gradient-free estimator multiplies by values of log p (Lin et al. 2021, section 3).
func (g *Gaussian) ScoreTangent(dst, x []float64, w float64) {
	p := len(g.mu)
	checkLen("Gaussian.ScoreTangent", "dst", dst, g.NumParams())
	checkLen("Gaussian.ScoreTangent", "x", x, p)
	e := g.scratch.get(p)
	g.whiten(e, x)
	for i, v := range e {
		dst[i] += w * v
	}
	g.f.ProjectPair(dst[p:], e, e, -0.5*w)
	g.f.ProjectIdentity(dst[p:], 0.5*w)
	g.scratch.put(e)
}

// FisherMul writes F·v to dst, F the Fisher matrix in the coordinates of a step:
// the identity for u, and [Factor].FisherMul for M. dst may be v.
func (g *Gaussian) FisherMul(dst, v []float64) []float64 {
	checkLen("Gaussian.FisherMul", "v", v, g.NumParams())
	dst = sized("Gaussian.FisherMul", dst, g.NumParams())
	p := copy(dst, v[:len(g.mu)])
	g.f.FisherMul(dst[p:], v[p:])
	return dst
}

// SetMeanRate makes the mean move c times as far as the rate of a step says, so
// that the steps of mean and precision differ. New sets 1. It errs unless c is
// finite and c > 0.
func (g *Gaussian) SetMeanRate(c float64) error {
	if !(c > 0) || !finite(c) {
		return domainError(gaussianName, "SetMeanRate", "c", -1, c, "> 0 and finite")
	}
	g.meanRate = c
	return nil
}

// SetMomentum gives the steps momentum alpha in generalised normal coordinates
// (Lin et al. 2023, "Simplifying momentum-based positive-definite submanifold
// optimization with applications to deep learning", section 3): coordinates are
// centred anew at every step so that the Fisher matrix there is constant, and in
// them momentum is a plain vector,
//
//	m ← alpha·m + rho·tan,   μ ← μ + B⁻ᵀm₁,   B ← B h(m₂).
//
// The effective step is 1/(1−alpha) times as long. New sets 0, which is the plain
// step. Momentum starts at zero, and is forgotten when SetNatural moves the state:
// when the engine rejects a step or goes to an average. It errs unless alpha is in [0, 1).
func (g *Gaussian) SetMomentum(alpha float64) error {
	if err := checkMomentum(gaussianName, alpha); err != nil {
		return err
	}
	g.alpha, g.mom, g.try = alpha, nil, nil
	if alpha > 0 {
		n := g.NumParams()
		g.mom, g.try = make([]float64, n), make([]float64, n)
	}
	return nil
}

// Retract moves μ to μ + rho·B⁻ᵀu with the present B, and B to B h(rho·M), h(M) = I
// + M + M²/2, for the tangent (u, M), see also SetMeanRate and SetMomentum. B
// stays in its group for any rho; only if the result is not representable is the
// step halved, and Shortened returned. It errs, with the receiver unchanged, if tan
// or rho is not finite or no step is representable. It does not allocate.
func (g *Gaussian) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	checkLen("Gaussian.Retract", "tan", tan, g.NumParams())
	if err := checkTangent(gaussianName, "tan", tan, rho); err != nil {
		return expfam.NonFinite, err
	}
	return shorten(gaussianName, func(scale float64) bool { return g.step(tan, rho, scale) })
}

// step tries scale times the step, and reports whether its result is proper.
func (g *Gaussian) step(tan []float64, rho, scale float64) bool {
	p := len(g.mu)
	dir, rate := tan, scale*rho
	if g.mom != nil {
		for i, m := range g.mom {
			r := rho
			if i < p {
				r *= g.meanRate
			}
			g.try[i] = scale * (g.alpha*m + r*tan[i])
		}
		dir, rate = g.try, 1
		copy(g.next, dir[:p])
	} else {
		for i, u := range tan[:p] {
			g.next[i] = rate * g.meanRate * u
		}
	}
	g.f.SolveTrans(g.next, g.next)
	for i, m := range g.mu {
		g.next[i] += m
	}
	if !allFinite(g.next) || g.f.Retract(dir[p:], rate) != nil {
		return false
	}
	g.mu, g.next = g.next, g.mu
	if g.mom != nil {
		g.mom, g.try = g.try, g.mom
	}
	return true
}

func isDiagonal(f Factor) bool {
	h, ok := f.(*heisenberg)
	return ok && h.a == 0 && h.b == 0
}
