package expfam

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// Tangent adds w·∇_m E_q[log p] to dst as the draw dr shows it. With
// g = ∇log p and H its Hessian at dr.X,
//
//	∇_μ ≈ g,   ∇_Σ ≈ H/2                      (Price 1958), if dr.Hess is set
//	           ∇_Σ ≈ sym(S(x−μ)g')/2          (Stein's identity), if it is not
//	∇_m = (∇_μ − 2∇_Σ μ, svec(∇_Σ))           (Khan and Rue 2023, section 2.4)
//
// If dr.X, dr.Grad and dr.Hess are the mean and the expectations under q, the
// result is exact (Bonnet's and Price's theorems). dr.HessDiag is not used.
// Calls with different dst may run at the same time; none allocates.
func (n *Normal) Tangent(dst []float64, dr *Draw, w float64) {
	checkLen("Normal.Tangent", "dst", dst, n.NumParams())
	checkLen("Normal.Tangent", "Grad", dr.Grad, n.dim)
	d, mu, g := n.dim, n.cur.mu, dr.Grad
	d1, d2 := dst[:d], dst[d:]
	for i, gi := range g {
		d1[i] += w * gi
	}
	if dr.Hess != nil {
		h := dr.Hess.RawSymmetric()
		if h.N != d {
			panicLen("Normal.Tangent", "Hess", h.N, d)
		}
		k := 0
		for i := range d {
			hii := w * h.Data[i*h.Stride+i]
			d1[i] -= hii * mu[i]
			d2[k] += 0.5 * hii
			k++
			for j := i + 1; j < d; j++ {
				hij := w * h.Data[i*h.Stride+j]
				d1[i] -= hij * mu[j]
				d1[j] -= hij * mu[i]
				d2[k] += hij / math.Sqrt2
				k++
			}
		}
		return
	}
	checkLen("Normal.Tangent", "X", dr.X, d)
	// a = S(x−μ) is made and used one entry at a time, so that no scratch is
	// needed: 2∇_Σμ = (a (g'μ) + g (a'μ))/2.
	c := w * math.Sqrt2 / 4
	gMu := dot(g, mu)
	var aMu float64
	start := 0
	for i := range d {
		var a float64
		for j, s := range n.cur.s[i*d : (i+1)*d] {
			a += s * (dr.X[j] - mu[j])
		}
		aMu += a * mu[i]
		d1[i] -= 0.5 * w * a * gMu
		k := i // entry (0, i) of the upper triangle
		for j := range i {
			d2[k] += c * a * g[j]
			k += d - j - 1
		}
		d2[start] += 0.5 * w * a * g[i]
		for j := i + 1; j < d; j++ {
			d2[start+j-i] += c * a * g[j]
		}
		start += d - i
	}
	for i, gi := range g {
		d1[i] -= 0.5 * w * gi * aMu
	}
}

// EntropyTangent adds ∇_m H = −η to dst and returns true: it is exact.
func (n *Normal) EntropyTangent(dst []float64) (exact bool) {
	checkLen("Normal.EntropyTangent", "dst", dst, n.NumParams())
	for i, e := range n.cur.eta {
		dst[i] -= e
	}
	return true
}

// Mirror writes 2μ − x to dst, the antithetic partner of a draw x. dst may be x.
func (n *Normal) Mirror(dst, x []float64) []float64 {
	checkLen("Normal.Mirror", "x", x, n.dim)
	dst = sized("Normal.Mirror", dst, n.dim)
	for i, m := range n.cur.mu {
		dst[i] = 2*m - x[i]
	}
	return dst
}

// Retract moves η to η + rho·tan. If the precision of that is not positive
// definite it takes the step of the improved Bayesian learning rule, whose
// precision always is (Lin, Schmidt and Khan 2020, equation 11): with
// G = Smat(tan₂) and g = tan₁ + 2Gμ,
//
//	S ← S − 2ρG + 2ρ²GS⁻¹G = (S + B'B)/2,  B = U − 2ρU⁻ᵀG
//	μ ← μ + ρS⁻¹g                          (the old S)
//
// and returns Retracted; if that overflows, ρ is halved and Shortened is added.
// It errs, with the receiver unchanged, if tan or rho is not finite or no step
// is representable. It does not allocate after its first call.
func (n *Normal) Retract(tan []float64, rho float64) (Condition, error) {
	checkLen("Normal.Retract", "tan", tan, n.NumParams())
	if err := checkStep("normal", tan, rho); err != nil {
		return NonFinite, err
	}
	st := n.spare()
	for i, e := range n.cur.eta {
		st.eta[i] = e + rho*tan[i]
	}
	if st.factor() {
		n.accept()
		return 0, nil
	}
	cond := Retracted
	for range safeTries {
		if n.safeStep(tan, rho) {
			n.accept()
			return cond, nil
		}
		rho /= 2
		cond |= Shortened
	}
	return cond | NonFinite, &DomainError{"normal", "Retract", "rho", -1, rho, "a step whose result is representable (tried down to this value)"}
}

// checkStep errs unless tan and rho are finite.
func checkStep(family string, tan []float64, rho float64) error {
	if i := firstNonFinite(tan); i >= 0 {
		return &DomainError{family, "Retract", "tan", i, tan[i], "finite"}
	}
	if math.IsNaN(rho) || math.IsInf(rho, 0) {
		return &DomainError{family, "Retract", "rho", -1, rho, "finite"}
	}
	return nil
}

// safeStep tries the second-order step in n.next.
func (n *Normal) safeStep(tan []float64, rho float64) bool {
	d, cur, st := n.dim, n.cur, n.next
	b := blas64.General{Rows: d, Cols: d, Data: st.u, Stride: d}
	unpackSvec(st.u, tan[d:], d)
	vec := func(v []float64) blas64.Vector { return blas64.Vector{N: d, Data: v, Inc: 1} }
	copy(st.mu, tan[:d])
	blas64.Gemv(blas.NoTrans, 2, b, vec(cur.mu), 1, vec(st.mu))
	cur.solve(st.mu)
	for i, m := range cur.mu {
		st.mu[i] = m + rho*st.mu[i]
	}
	blas64.Trsm(blas.Left, blas.Trans, -2*rho, cur.tri(), b)
	for i := range d {
		for j := i; j < d; j++ {
			st.u[i*d+j] += cur.u[i*d+j]
		}
	}
	copy(st.s, cur.s)
	sym := blas64.Symmetric{Uplo: blas.Upper, N: d, Data: st.s, Stride: d}
	blas64.Syrk(blas.Trans, 0.5, b, 0.5, sym)
	blas64.Symv(1, sym, vec(st.mu), 0, vec(st.eta[:d]))
	packPrecision(st.eta[d:], st.s, d)
	return firstNonFinite(st.eta) < 0 && st.factor()
}
