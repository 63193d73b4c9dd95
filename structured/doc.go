// Package structured holds Gaussians whose precision S = BBᵀ has a root B in a
// matrix group: diagonal, dense, triangular, block-triangular (low rank),
// Heisenberg, Toeplitz, and Kronecker products of any two of them.
//
// The natural-gradient step is taken in local coordinates at B, where the Fisher
// matrix is diagonal, and mapped back into the group by h(M) = I + M + M²/2 (Lin,
// Nielsen, Khan and Schmidt 2021, "Tractable structured natural-gradient descent
// using local parameterizations"):
//
//	μ ← μ + ρ B⁻ᵀ u,   u = E_q[B⁻¹ ∇log p]
//	B ← B h(ρ Π(X)),   X = −½(B⁻¹ E_q[∇² log p] B⁻ᵀ + γI)
//
// where Π keeps the entries of X that the group allows and doubles those off
// its diagonal-type blocks. B stays in the group and regular for every ρ.
package structured
