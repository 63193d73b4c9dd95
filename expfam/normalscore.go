package expfam

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Score writes ∇_x log N(x|μ, S⁻¹) = S(μ − x) to dst, which may not be x.
func (n *Normal) Score(dst, x []float64) []float64 {
	checkLen("Normal.Score", "x", x, n.dim)
	dst = sized("Normal.Score", dst, n.dim)
	d, st := n.dim, n.cur
	for i := range dst {
		var a float64
		for j, s := range st.s[i*d : (i+1)*d] {
			a += s * (st.mu[j] - x[j])
		}
		dst[i] = a
	}
	return dst
}

// LogProbHess writes ∇²_x log N(x|μ, S⁻¹) = −S, the same at every x, to dst, a new
// matrix if dst is nil.
func (n *Normal) LogProbHess(dst *mat.SymDense, x []float64) *mat.SymDense {
	checkLen("Normal.LogProbHess", "x", x, n.dim)
	dst = symSized("Normal.LogProbHess", dst, n.dim)
	raw, d := dst.RawSymmetric(), n.dim
	for i := range d {
		for j := i; j < d; j++ {
			raw.Data[i*raw.Stride+j] = -n.cur.s[i*d+j]
		}
	}
	return dst
}

// Transform writes μ + U⁻¹e, S = U'U with U upper triangular, to dst: a draw if
// the entries of e are independent standard normal. dst may be e.
func (n *Normal) Transform(dst, e []float64) []float64 {
	checkLen("Normal.Transform", "e", e, n.dim)
	dst = sized("Normal.Transform", dst, n.dim)
	copy(dst, e)
	blas64.Trsv(blas.NoTrans, n.cur.tri(), blas64.Vector{N: n.dim, Data: dst, Inc: 1})
	for i, m := range n.cur.mu {
		dst[i] += m
	}
	return dst
}

// RetractSecondOrder moves the receiver by the step of the improved Bayesian
// learning rule (Lin, Schmidt and Khan 2020, equation 11): with G = Smat(tan₂)
// and g = tan₁ + 2Gμ,
//
//	S ← S − 2ρG + 2ρ²GS⁻¹G,   μ ← μ + ρS⁻¹g   (the old S),
//
// whose precision is positive definite for any ρ. [Normal.Retract] takes it only
// where the plain step leaves the domain, because it is not exact on conjugate
// targets. If the result is not representable ρ is halved and Shortened is
// returned. It errs, with the receiver unchanged, if tan or rho is not finite or
// no step is representable.
func (n *Normal) RetractSecondOrder(tan []float64, rho float64) (Condition, error) {
	checkLen("Normal.RetractSecondOrder", "tan", tan, n.NumParams())
	if err := checkStep("normal", tan, rho); err != nil {
		return NonFinite, err
	}
	n.spare()
	var cond Condition
	for range safeTries {
		if n.safeStep(tan, rho) {
			n.accept()
			return cond, nil
		}
		rho /= 2
		cond |= Shortened
	}
	return cond | NonFinite, &DomainError{"normal", "RetractSecondOrder", "rho", -1, rho, "a step whose result is representable (tried down to this value)"}
}

// Score writes ∇_x log N(x|μ, diag(1/s)) = s(μ − x) to dst, which may be x.
func (n *DiagNormal) Score(dst, x []float64) []float64 {
	checkLen("DiagNormal.Score", "x", x, n.dim)
	dst = sized("DiagNormal.Score", dst, n.dim)
	for i, m := range n.mu {
		dst[i] = n.s[i] * (m - x[i])
	}
	return dst
}

// LogProbHess writes ∇²_x log N(x|μ, diag(1/s)) = −diag(s), the same at every x,
// to dst, a new matrix if dst is nil.
func (n *DiagNormal) LogProbHess(dst *mat.SymDense, x []float64) *mat.SymDense {
	checkLen("DiagNormal.LogProbHess", "x", x, n.dim)
	dst = symSized("DiagNormal.LogProbHess", dst, n.dim)
	dst.Zero()
	for i, s := range n.s {
		dst.SetSym(i, i, -s)
	}
	return dst
}

// LogProbHessDiag writes the diagonal −s of the Hessian to dst.
func (n *DiagNormal) LogProbHessDiag(dst, x []float64) []float64 {
	checkLen("DiagNormal.LogProbHessDiag", "x", x, n.dim)
	dst = sized("DiagNormal.LogProbHessDiag", dst, n.dim)
	for i, s := range n.s {
		dst[i] = -s
	}
	return dst
}

// Transform writes μ + e/√s to dst: a draw if the entries of e are independent
// standard normal. dst may be e.
func (n *DiagNormal) Transform(dst, e []float64) []float64 {
	checkLen("DiagNormal.Transform", "e", e, n.dim)
	dst = sized("DiagNormal.Transform", dst, n.dim)
	for i, m := range n.mu {
		dst[i] = m + math.Sqrt(n.v[i])*e[i]
	}
	return dst
}

// RetractSecondOrder is [Normal.RetractSecondOrder] coordinate by coordinate:
// with G = tan₂ and g = tan₁ + 2Gμ,
//
//	s ← s − 2ρG + 2ρ²G²/s,   μ ← μ + ρg/s   (the old s).
func (n *DiagNormal) RetractSecondOrder(tan []float64, rho float64) (Condition, error) {
	checkLen("DiagNormal.RetractSecondOrder", "tan", tan, n.NumParams())
	if err := checkStep(n.Name(), tan, rho); err != nil {
		return NonFinite, err
	}
	var cond Condition
	d := n.dim
	for range safeTries {
		for i, m := range n.mu {
			G, s := tan[d+i], n.s[i]
			r := rho * G / s
			s1 := s * (1 - 2*r + 2*r*r)
			n.try[i], n.try[d+i] = s1*(m+rho*(tan[i]+2*G*m)/s), -0.5*s1
		}
		if n.properDiag(n.try) {
			return cond, n.set(n.Name(), "RetractSecondOrder", n.try)
		}
		rho /= 2
		cond |= Shortened
	}
	return cond | NonFinite, &DomainError{n.Name(), "RetractSecondOrder", "rho", -1, rho, "a step whose result is representable (tried down to this value)"}
}
