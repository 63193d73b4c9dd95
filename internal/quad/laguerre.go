package quad

import (
	"fmt"
	"math"
	"sync/atomic"

	"gonum.org/v1/gonum/mat"
)

// MaxLaguerre is the largest number of nodes that [Laguerre] offers.
const MaxLaguerre = 64

var laguerreCache [MaxLaguerre]atomic.Pointer[Nodes]

// Laguerre returns the k-point Gauss–Laguerre rule E[f(W)] ≈ Σ_j W[j]·f(Z[j]) for W ~
// Exp(1), exact for polynomials of degree 2k−1: the eigenvalues of the Jacobi matrix
// of the Laguerre polynomials and the squared first entries of its eigenvectors (Golub
// and Welsch 1969). Nodes ascend. It panics unless 1 ≤ k ≤ MaxLaguerre.
func Laguerre(k int) *Nodes {
	if k < 1 || k > MaxLaguerre {
		panic(fmt.Sprintf("quad: Laguerre: k is %d, want 1 to %d", k, MaxLaguerre))
	}
	if n := laguerreCache[k-1].Load(); n != nil {
		return n
	}
	j := mat.NewSymDense(k, nil)
	for i := range k {
		j.SetSym(i, i, float64(2*i+1))
		if i+1 < k {
			j.SetSym(i, i+1, float64(i+1))
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(j, true) {
		panic("quad: Laguerre: the eigenvalues of a tridiagonal matrix were not found")
	}
	n := &Nodes{Z: eig.Values(nil), W: make([]float64, k)}
	for i, z := range n.Z {
		n.Z[i], n.W[i] = polishLaguerre(z, k)
	}
	laguerreCache[k-1].Store(n)
	return n
}

// polishLaguerre takes a node to working precision by Newton's method and returns it
// with its Christoffel weight 1/Σ_{j<k} L_j(z)².
func polishLaguerre(z float64, k int) (node, weight float64) {
	for range 2 {
		prev, l, _ := laguerre(z, k)
		z -= l * z / (float64(k) * (l - prev)) // zL_k' = k(L_k − L_{k−1})
	}
	_, _, sum := laguerre(z, k)
	return z, 1 / sum
}

// laguerre returns L_{k−1}(z), L_k(z) and Σ_{j<k} L_j(z)².
func laguerre(z float64, k int) (prev, l, sum float64) {
	l = 1
	for j := range k {
		sum += l * l
		prev, l = l, ((float64(2*j+1)-z)*l-float64(j)*prev)/float64(j+1)
	}
	return prev, l, math.Max(sum, math.SmallestNonzeroFloat64)
}
