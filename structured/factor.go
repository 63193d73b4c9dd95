package structured

import "gonum.org/v1/gonum/mat"

// Factor is the root B of a precision S = BBᵀ, an element of a matrix group G
// of regular p×p matrices. Its free numbers, and those of an element M of the
// algebra of G (a tangent), are stored in one layout of NumParams entries, block
// by block; a p×p matrix is never formed unless B is one.
//
// Methods that read may run at the same time. Vectors have length p, and dst may
// be x. The maps that take a symmetric matrix X apply Π first, see the package
// comment: X is kept on diagonal-type blocks, doubled on the others, and dropped
// where G has no entries (Lin et al. 2021, section 3; for Toeplitz roots the sums
// along diagonals are averaged).
type Factor interface {
	// Name says what B looks like, such as "up(10)".
	Name() string
	// Dim returns p.
	Dim() int
	// NumParams returns the number of free numbers.
	NumParams() int
	// Values writes the free numbers of B to dst.
	Values(dst []float64) []float64
	// SetValues makes v the free numbers of B. It errs, and leaves B as it was, if
	// an entry is not finite or B would be singular.
	SetValues(v []float64) error
	// LogDet returns log |det B|, half of log |S|.
	LogDet() float64
	// Mul, MulTrans, Solve and SolveTrans write Bx, Bᵀx, B⁻¹x and B⁻ᵀx to dst.
	Mul(dst, x []float64) []float64
	MulTrans(dst, x []float64) []float64
	Solve(dst, x []float64) []float64
	SolveTrans(dst, x []float64) []float64
	// ProjectPair adds w·Π(½(abᵀ + baᵀ)) to dst without forming the matrix.
	ProjectPair(dst, a, b []float64, w float64)
	// ProjectIdentity adds w·Π(I) to dst.
	ProjectIdentity(dst []float64, w float64)
	// ProjectHess adds w·Π(B⁻¹HB⁻ᵀ) to dst.
	ProjectHess(dst []float64, h *mat.SymDense, w float64)
	// FisherMul writes F·v to dst, F the Fisher matrix of the local coordinates
	// M at the origin: 2 an entry of a diagonal-type block, 1 an entry of another one
	// (for Toeplitz and Kronecker roots with their multiplicities; the cross block
	// of a Kronecker product is dropped). dst may be v.
	FisherMul(dst, v []float64) []float64
	// Retract moves B to B h(rho·M), h(M) = I + M + M²/2. It errs, and leaves B as it
	// was, if the result is not finite or not regular in floating point.
	Retract(m []float64, rho float64) error
	// Scale multiplies B by c > 0.
	Scale(c float64) error
	// Clone returns an independent copy.
	Clone() Factor
}
