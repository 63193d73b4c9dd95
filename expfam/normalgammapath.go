package expfam

// Score writes ∇ log p = (−κτr, (α−½)/τ − β − κr²/2), r = μ − μ₀.
func (n *NormalGamma) Score(dst, x []float64) []float64 {
	checkLen("NormalGamma.Score", "x", x, 2)
	p := &n.cur
	r, tau := x[0]-p.mu0, x[1]
	return fill2("NormalGamma.Score", dst, -p.kappa*tau*r, n.eta[0]/tau-p.beta-0.5*p.kappa*r*r)
}

// paths returns the derivatives of f with respect to α, −β, μ₀ and κ for ∇f = g
// at x. τ moves as in [Gamma.PathGrad] and takes r = μ − μ₀ along, by −r/(2τ),
// so that τr² stays.
func (n *NormalGamma) paths(g, x []float64) (alpha, minusBeta, mu0, kappa float64) {
	p := &n.cur
	r, tau := x[0]-p.mu0, x[1]
	gTau := g[1] - 0.5*g[0]*r/tau
	return gTau * gammaPath(p.alpha, p.beta, tau), gTau * tau / p.beta, g[0], -0.5 * g[0] * r / p.kappa
}

// PathGrad writes (∂x/∂η)'g: the precision moves as a gamma variable, the mean
// as a normal one given the precision.
func (n *NormalGamma) PathGrad(dst, g, x []float64) []float64 {
	checkLen("NormalGamma.PathGrad", "g", g, 2)
	checkLen("NormalGamma.PathGrad", "x", x, 2)
	dst = sized("NormalGamma.PathGrad", dst, 4)
	p := &n.cur
	a, b, m, k := n.paths(g, x)
	dst[0], dst[1] = a, b
	dst[2] = p.mu0*b + m/p.kappa
	dst[3] = p.mu0*p.mu0*b + 2*p.mu0*m/p.kappa - 2*k
	return dst
}

// add adds the change of η that changes of α, −β, μ₀ and κ make.
func (n *NormalGamma) add(dst []float64, alpha, minusBeta, mu0, kappa float64) {
	p := &n.cur
	dst[0] += alpha
	dst[1] += minusBeta - p.mu0*(p.kappa*mu0+0.5*p.mu0*kappa)
	dst[2] += p.kappa*mu0 + p.mu0*kappa
	dst[3] -= 0.5 * kappa
}

// Tangent adds w·F⁻¹ PathGrad(d.Grad, d.X) to dst; in (α, −β), μ₀ and κ the
// Fisher matrix is block diagonal, with κα/β for μ₀ and 1/(2κ²) for κ.
func (n *NormalGamma) Tangent(dst []float64, d *Draw, w float64) {
	checkLen("NormalGamma.Tangent", "dst", dst, 4)
	checkLen("NormalGamma.Tangent", "X", d.X, 2)
	checkLen("NormalGamma.Tangent", "Grad", d.Grad, 2)
	p := &n.cur
	a, b, m, k := n.paths(d.Grad, d.X)
	a, b = gammaSolve(p.alpha, p.beta, w*a, w*b)
	n.add(dst, a, b, w*m*p.beta/(p.kappa*p.alpha), 2*w*p.kappa*p.kappa*k)
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (n *NormalGamma) EntropyTangent(dst []float64) (exact bool) {
	return subEta("NormalGamma.EntropyTangent", dst, n.eta)
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst.
func (n *NormalGamma) ScoreTangent(dst, x []float64, w float64) {
	checkLen("NormalGamma.ScoreTangent", "dst", dst, 4)
	checkLen("NormalGamma.ScoreTangent", "x", x, 2)
	p := &n.cur
	r, tau := x[0]-p.mu0, x[1]
	r0, r1 := gammaResidual(p.alpha, p.beta, tau)
	a, b := gammaSolve(p.alpha, p.beta, w*r0, w*r1)
	n.add(dst, a, b, w*r*tau*p.beta/p.alpha, w*p.kappa*(1-p.kappa*tau*r*r))
}
