package constraint

import (
	"math"
	"strconv"

	"github.com/natgrad/natgrad/autodiff"
)

// square is what the matrix constraints share: size, shape and names. full means
// LL', otherwise the factor L itself.
type square struct {
	k    int
	full bool
}

func (m square) Dims() []int { return []int{m.k, m.k} }
func (m square) Size() int   { return m.k * m.k }
func (m square) sealed()     {}

func (m square) ElementName(name string, i int) string { return matrixName(name, i/m.k, i%m.k) }

// called is kind(K).
func (m square) called(kind string) string { return kind + "(" + strconv.Itoa(m.k) + ")" }

// product turns L in the lower triangle of a into LL'.
func (m square) product(a []float64) {
	k := m.k
	// From the last row and column backwards, so that no element of L is
	// overwritten before its last use.
	for i := k - 1; i >= 0; i-- {
		for j := i; j >= 0; j-- {
			s := 0.0
			for l := range j + 1 {
				s += a[i*k+l] * a[j*k+l]
			}
			a[i*k+j] = s
		}
	}
	for i := range k {
		for j := range i {
			a[j*k+i] = a[i*k+j]
		}
	}
}

// factor returns the Cholesky factor of a, whose diagonal must be > 0, by the lower
// triangle, or the violation of c.
func (m square) factor(c Constraint, a []float64) ([]float64, error) {
	k := m.k
	l := make([]float64, k*k)
	for i := range k {
		for j := range i + 1 {
			d := math.Abs(a[i*k+j] - a[j*k+i])
			if scale := math.Sqrt(a[i*k+i]) * math.Sqrt(a[j*k+j]); !(d <= tol*scale) {
				return nil, violation(c, j*k+i, a[j*k+i], c.ElementName("y", i*k+j)+" = "+number(a[i*k+j])+" (symmetry)")
			}
			s := a[i*k+j]
			for p := range j {
				s -= l[i*k+p] * l[j*k+p]
			}
			switch {
			case i > j:
				l[i*k+j] = s / l[j*k+j]
			case s > 0 && !math.IsInf(s, 0):
				l[i*k+i] = math.Sqrt(s)
			default:
				return nil, violationOf(c, "pivot "+strconv.Itoa(i+1)+" of the Cholesky factor", s, "> 0 (a positive definite matrix)")
			}
		}
	}
	return l, nil
}

// node is L or LL' on the tape.
func (m square) node(l autodiff.Node) autodiff.Node {
	l = l.Matrix(m.k, m.k)
	if m.full {
		l = autodiff.MatMul(l, l.Transpose())
	}
	return l
}

// corr is a correlation matrix or its Cholesky factor. Row i of L is a point of
// the unit sphere, given by canonical partial correlations z = tanh x:
// L_ij = z_ij·r_ij, r_ij = ∏_{l<j} sech x_il.
type corr struct {
	square
	coef []float64 // of log sech x in the log-Jacobian
	// Places of the elements of L, row by row, on the tape: in
	// (tanh x, 0, 1) and in (0, cumulative log sech x of each row).
	sign, scale []int
}

// CorrCholesky is the Cholesky factor L of a K×K correlation matrix: lower
// triangular, diagonal > 0, rows of length 1. Below the diagonal, row by row,
//
//	L_ij = tanh(x_ij)·(1 − Σ_{l<j} L_il²)^½,  L_ii = (1 − Σ_{l<i} L_il²)^½,
//	log-Jacobian Σ_{i>j} (1 + (i−j−1)/2)·log(1 − tanh² x_ij).
//
// tanh x_ij is the partial correlation of variables i and j given those before j
// (Lewandowski, Kurowicka and Joe 2009, J. Multivariate Analysis 100). It panics with an
// *Error if K < 2.
func CorrCholesky(K int) Constraint {
	checkSize("CorrCholesky", K, 2)
	return newCorr(K, false)
}

// Correlation is a K×K correlation matrix LL' with L as in CorrCholesky,
//
//	log-Jacobian Σ_{i>j} (1 + (K−j−1)/2)·log(1 − tanh² x_ij)   (j from 1).
//
// CorrCholesky serves most densities better: it saves a factorization. It
// panics with an *Error if K < 2.
func Correlation(K int) Constraint {
	checkSize("Correlation", K, 2)
	return newCorr(K, true)
}

func newCorr(k int, full bool) *corr {
	m := k * (k - 1) / 2
	c := &corr{square: square{k, full}, coef: make([]float64, 0, m), sign: make([]int, 0, k*k), scale: make([]int, 0, k*k)}
	for i := range k {
		row := i * (i - 1) / 2
		for j := range k {
			switch {
			case j < i:
				// L_il for j < l <= i have the factor, and with LL' each L_jj
				// counts once more for every row below.
				n := i - j - 1
				if full {
					n = k - j - 2
				}
				c.coef = append(c.coef, float64(2+n))
				c.sign = append(c.sign, row+j)
			case j == i:
				c.sign = append(c.sign, m+1)
			default:
				c.sign = append(c.sign, m)
			}
			if j == 0 || j > i {
				c.scale = append(c.scale, 0)
			} else {
				c.scale = append(c.scale, row+j)
			}
		}
	}
	return c
}

func (c *corr) String() string {
	if c.full {
		return c.called("correlation")
	}
	return c.called("corr_cholesky")
}

func (c *corr) FreeSize() int { return c.k * (c.k - 1) / 2 }

func (c *corr) Constrain(dst, x []float64) (logJac float64) {
	k := c.k
	checkLens(c, "Constrain", dst, x, "x", k*k, c.FreeSize())
	clear(dst)
	for i, n := 0, 0; i < k; i++ {
		left := 1.0
		for j := range i {
			v := x[n]
			dst[i*k+j] = left * math.Tanh(v)
			a := math.Abs(v)
			e := math.Exp(-a)
			left *= 2 * e / (1 + e*e)
			logJac += c.coef[n] * (math.Ln2 - a - math.Log1p(e*e))
			n++
		}
		dst[i*k+i] = left
	}
	if c.full {
		c.product(dst)
		for i := range k {
			dst[i*k+i] = 1
		}
	}
	return logJac
}

func (c *corr) Unconstrain(dst, y []float64) error {
	k := c.k
	checkLens(c, "Unconstrain", dst, y, "y", c.FreeSize(), k*k)
	if err := checkFinite(c, y); err != nil {
		return err
	}
	l := y
	var err error
	if c.full {
		for i := range k {
			if v := y[i*k+i]; !(math.Abs(v-1) <= tol) {
				return violation(c, i*k+i, v, "1")
			}
		}
		if l, err = c.factor(c, y); err != nil {
			return err
		}
	} else if err = c.check(l); err != nil {
		return err
	}
	for i := 1; i < k; i++ {
		// sinh x_ij = L_ij over the length of the rest of the row, which keeps the
		// digits of correlations near 1, where 1 − Σ L² has none.
		rest := l[i*k+i]
		for j := i - 1; j >= 0; j-- {
			v := l[i*k+j]
			if s := v / rest; math.Abs(s) < 1e300 {
				dst[i*(i-1)/2+j] = math.Asinh(s)
			} else {
				dst[i*(i-1)/2+j] = math.Copysign(math.Ln2+log(math.Abs(v))-log(rest), v)
			}
			rest = math.Hypot(rest, v)
		}
	}
	return nil
}

// check looks at a factor given by a user.
func (c *corr) check(l []float64) error {
	k := c.k
	for i := range k {
		norm := 0.0
		for j, v := range l[i*k : (i+1)*k] {
			norm = math.Hypot(norm, v)
			if j > i && v != 0 {
				return violation(c, i*k+j, v, "0 (a lower triangle)")
			}
		}
		if v := l[i*k+i]; v <= 0 {
			return violation(c, i*k+i, v, "> 0")
		}
		if math.Abs(norm-1) > tol {
			return violationOf(c, "the length of row "+strconv.Itoa(i+1), norm, "1")
		}
	}
	return nil
}

func (c *corr) Node(x autodiff.Node) (y, logJac autodiff.Node, ok bool) {
	checkNode(c, x)
	// log sech x = x − log(1 + e^{2x}) + log 2
	h := x.Sub(x.Mul(2).Softplus()).Add(math.Ln2)
	parts := make([]any, 1, c.k)
	parts[0] = 0
	for i := 1; i < c.k; i++ {
		row := i * (i - 1) / 2
		parts = append(parts, h.Slice(row, row+i).CumSum())
	}
	scale := autodiff.Concat(parts...).Exp()
	sign := autodiff.Concat(x.Tanh(), 0, 1)
	l := autodiff.Gather(sign, c.sign).Mul(autodiff.Gather(scale, c.scale))
	return c.node(l), autodiff.Dot(c.coef, h), true
}

func (c *corr) FreeName(name string, n int) string {
	i, j := 1, n
	for j >= i {
		j -= i
		i++
	}
	switch {
	case j == 0:
		return "atanh(" + matrixName(name, i, 0) + ")"
	case c.full:
		return "atanh(" + name + "[" + strconv.Itoa(i+1) + "," + strconv.Itoa(j+1) + "|" + span(0, j-1) + "])"
	}
	return "atanh(" + matrixName(name, i, j) + "/norm(" + name + "[" + strconv.Itoa(i+1) + "," + span(j, i) + "]))"
}

// cov is a covariance matrix or its Cholesky factor.
type cov struct {
	square
	coef  []float64 // of log L_ii in the log-Jacobian
	shift float64   // its constant part
	diag  []int     // coordinates of the diagonal
	place []int     // of the elements of L, row by row, in (x, e^{x_ii}, 0)
}

// CovCholesky is the Cholesky factor of a K×K covariance matrix: lower
// triangular with a diagonal > 0. Row by row, diagonal included,
//
//	L_ij = x_ij,  L_ii = e^{x_ii},  log-Jacobian Σ x_ii.
//
// It panics with an *Error if K < 1.
func CovCholesky(K int) Constraint {
	checkSize("CovCholesky", K, 1)
	return newCov(K, false)
}

// Covariance is a K×K covariance matrix LL' with L as in CovCholesky,
//
//	log-Jacobian K·log 2 + Σ (K−i+2)·x_ii   (i from 1).
//
// CovCholesky serves most densities better: it saves a factorization. It
// panics with an *Error if K < 1.
func Covariance(K int) Constraint {
	checkSize("Covariance", K, 1)
	return newCov(K, true)
}

func newCov(k int, full bool) *cov {
	c := &cov{square: square{k, full}}
	n := k * (k + 1) / 2
	next := 0
	for i := range k {
		for j := range k {
			switch {
			case j < i:
				c.place = append(c.place, next)
				next++
			case j == i:
				c.place = append(c.place, n+i)
				c.diag = append(c.diag, next)
				next++
			default:
				c.place = append(c.place, n+k)
			}
		}
		w := 1.0
		if full {
			w = float64(k - i + 1)
			c.shift += math.Ln2
		}
		c.coef = append(c.coef, w)
	}
	return c
}

func (c *cov) String() string {
	if c.full {
		return c.called("covariance")
	}
	return c.called("cov_cholesky")
}

func (c *cov) FreeSize() int { return c.k * (c.k + 1) / 2 }

func (c *cov) Constrain(dst, x []float64) (logJac float64) {
	k := c.k
	checkLens(c, "Constrain", dst, x, "x", k*k, c.FreeSize())
	clear(dst)
	logJac = c.shift
	for i, n := 0, 0; i < k; i++ {
		n += copy(dst[i*k:i*k+i], x[n:])
		dst[i*k+i] = math.Exp(x[n])
		logJac += c.coef[i] * x[n]
		n++
	}
	if c.full {
		c.product(dst)
	}
	return logJac
}

func (c *cov) Unconstrain(dst, y []float64) error {
	k := c.k
	checkLens(c, "Unconstrain", dst, y, "y", c.FreeSize(), k*k)
	if err := checkFinite(c, y); err != nil {
		return err
	}
	for i := range k {
		if v := y[i*k+i]; v <= 0 {
			return violation(c, i*k+i, v, "> 0")
		}
		for j := i + 1; j < k && !c.full; j++ {
			if v := y[i*k+j]; v != 0 {
				return violation(c, i*k+j, v, "0 (a lower triangle)")
			}
		}
	}
	l := y
	if c.full {
		var err error
		if l, err = c.factor(c, y); err != nil {
			return err
		}
	}
	for i, n := 0, 0; i < k; i++ {
		n += copy(dst[n:], l[i*k:i*k+i])
		dst[n] = log(l[i*k+i])
		n++
	}
	return nil
}

func (c *cov) Node(x autodiff.Node) (y, logJac autodiff.Node, ok bool) {
	checkNode(c, x)
	d := autodiff.Gather(x, c.diag)
	l := autodiff.Gather(autodiff.Concat(x, d.Exp(), 0), c.place)
	logJac = autodiff.Dot(c.coef, d)
	if c.full {
		logJac = logJac.Add(c.shift)
	}
	return c.node(l), logJac, true
}

func (c *cov) FreeName(name string, n int) string {
	i, j := 0, n
	for j > i {
		i++
		j -= i
	}
	if c.full {
		name = "chol(" + name + ")"
	}
	if i == j {
		return "log(" + matrixName(name, i, i) + ")"
	}
	return matrixName(name, i, j)
}
