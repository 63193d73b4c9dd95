package structured

import "fmt"

// Diagonal returns the identity of the group of regular diagonal p×p matrices,
// the roots of mean-field Gaussians. The numbers are the diagonal. Everything
// costs O(p). It errs unless p >= 1.
func Diagonal(p int) (Factor, error) {
	if err := checkSizes("Diagonal", p); err != nil {
		return nil, err
	}
	return newHeisenberg("diagonal", p, 0, 0, false), nil
}

// Dense returns the identity of the group of all regular p×p matrices. Its
// algebra is used on the symmetric matrices only, and Retract moves the
// precision as in the second-order step of a full covariance (Lin et al. 2021,
// section 3.1). The p² numbers are the rows of B; those of a tangent are a full
// symmetric matrix. Products, solves and ProjectPair cost O(p²), Retract and
// ProjectHess O(p³). It errs unless p >= 1.
func Dense(p int) (Factor, error) {
	if err := checkSizes("Dense", p); err != nil {
		return nil, err
	}
	return newHeisenberg("dense", p, p, 0, false), nil
}

// Up returns the identity of the group of regular matrices
//
//	⎡A  C⎤
//	⎣0  D⎦
//
// with A k×k and D diagonal: the covariance S⁻¹ is a diagonal matrix plus one of
// rank k (Lin et al. 2021, section 3.2). The numbers are A by rows, then the
// p−k of D, then C by rows; a tangent is symmetric in A.
//
// Products, solves and ProjectPair cost O(kp), Retract O(k²p), ProjectHess
// O(kp²) and O(p²) memory. The first Retract makes room for a second set of the
// numbers; the later ones allocate nothing for k <= 64, above which the product
// of k×k blocks runs in goroutines. k = 0 is Diagonal and k = p is Dense. It errs unless
// p >= 1 and 0 <= k <= p.
func Up(p, k int) (Factor, error) {
	if err := checkSizes("Up", p, size{"k", k}); err != nil {
		return nil, err
	}
	return newHeisenberg(fmt.Sprintf("up(%d)", k), p, k, 0, false), nil
}

// Low returns the identity of the group of regular matrices
//
//	⎡A  0⎤
//	⎣C  D⎦
//
// with A k×k and D diagonal: the precision S is a diagonal matrix plus one of
// rank k. The numbers are A by rows, then D, then C by columns. For costs and
// errors see [Up].
func Low(p, k int) (Factor, error) {
	if err := checkSizes("Low", p, size{"k", k}); err != nil {
		return nil, err
	}
	return newHeisenberg(fmt.Sprintf("low(%d)", k), p, k, 0, true), nil
}

// HeisenbergUp returns the identity of the group of regular matrices
//
//	⎡A  C₁  C₂⎤
//	⎢0  D   E ⎥
//	⎣0  0   F ⎦
//
// with A k1×k1, F k2×k2 and D diagonal (Lin et al. 2021, section 3.2). The
// numbers are A, F, C₂ by rows, then D, then C₁ by rows, then E by columns; a
// tangent is symmetric in A and F. Costs are those of [Up] with k = k1+k2. It
// errs unless p >= 1, k1 >= 0, k2 >= 0 and k1+k2 <= p.
func HeisenbergUp(p, k1, k2 int) (Factor, error) {
	if err := checkSizes("HeisenbergUp", p, size{"k1", k1}, size{"k2", k2}, size{"k1+k2", k1 + k2}); err != nil {
		return nil, err
	}
	return newHeisenberg(fmt.Sprintf("heisenberg-up(%d,%d)", k1, k2), p, k1, k2, false), nil
}

// HeisenbergLow returns the identity of the group of regular matrices
//
//	⎡A   0  0⎤
//	⎢C₁  D  0⎥
//	⎣C₂  E  F⎦
//
// with A k1×k1, F k2×k2 and D diagonal. The numbers are F, A, C₂ by rows, then
// D, then E by rows, then C₁ by columns. For costs and errors see
// [HeisenbergUp].
func HeisenbergLow(p, k1, k2 int) (Factor, error) {
	if err := checkSizes("HeisenbergLow", p, size{"k1", k1}, size{"k2", k2}, size{"k1+k2", k1 + k2}); err != nil {
		return nil, err
	}
	return newHeisenberg(fmt.Sprintf("heisenberg-low(%d,%d)", k1, k2), p, k1, k2, true), nil
}
